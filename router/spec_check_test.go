package router_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"parlor/define"
)

// exchange is a request with its answer.
type exchange struct {
	method, target string // target is the path with its query
	contentType    string // of the body; JSON where it is empty
	body           []byte
	status         int
	header         http.Header
	answer         []byte
}

// route finds the operation of an address: of several that match the one with the fewest parameters.
func (s *spec) route(method, escapedPath string) (best *routers.Route, params map[string]string) {
	parts := strings.Split(escapedPath, "/")
	for path, item := range s.openapi.Paths.Map() {
		segments := strings.Split(path, "/")
		given, ok := map[string]string{}, len(segments) == len(parts) && item.GetOperation(method) != nil
		for i := 0; ok && i < len(parts); i++ {
			if strings.HasPrefix(segments[i], "{") {
				value, err := url.PathUnescape(parts[i])
				given[strings.Trim(segments[i], "{}")], ok = value, err == nil
			} else {
				ok = segments[i] == parts[i]
			}
		}
		if ok && (best == nil || len(given) < len(params)) {
			best = &routers.Route{Spec: s.openapi, Path: path, PathItem: item, Method: method, Operation: item.GetOperation(method)}
			params = given
		}
	}
	return best, params
}

// check compares an exchange with openapi.yaml and returns the operation. What was refused as malformed need not have
// the form of a request.
func (s *spec) check(e exchange) (operation string, err error) {
	request, err := http.NewRequest(e.method, "http://127.0.0.1:8080"+e.target, bytes.NewReader(e.body))
	if err != nil {
		return "", err
	}
	if len(e.body) > 0 {
		request.Header.Set("Content-Type", cmp.Or(e.contentType, "application/json"))
	}
	route, params := s.route(e.method, request.URL.EscapedPath())
	if route == nil {
		return "", fmt.Errorf("%s %s is not in openapi.yaml", e.method, e.target)
	}
	input := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true,
			RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
		},
	}
	if e.status != 400 && e.status != 413 && e.status != 415 {
		err = openapi3filter.ValidateRequest(context.Background(), input)
	}
	output := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: e.status, Header: e.header, Options: input.Options}
	if err = errors.Join(err, openapi3filter.ValidateResponse(context.Background(), output.SetBodyBytes(e.answer))); err != nil {
		err = fmt.Errorf("%s %s: %d %s: %w", e.method, e.target, e.status, e.answer, err)
	}
	return fmt.Sprintf("%s %s %d", e.method, route.Path, e.status), err
}

// frame checks one frame of /ws and returns its op. asked are the ops of the requests by their ids.
func (s *spec) frame(text []byte, asked map[string]string) (op string, err error) {
	var head struct {
		ID *string `json:"id"`
		Op string  `json:"op"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return "", err
	}
	name := "push" + frameName(head.Op)
	switch {
	case head.Op == define.OpError:
		name = "answerError"
	case head.Op == define.OpOK && head.ID != nil:
		name = "answer" + frameName(asked[*head.ID])
	case head.ID != nil:
		name = "ask" + frameName(head.Op)
		asked[*head.ID] = head.Op
	}
	schema, known := s.frames[name]
	if !known {
		return "", fmt.Errorf("%s: there is no %s in asyncapi.yaml", text, name)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		return "", fmt.Errorf("%s is no %s: %w", text, name, err)
	}
	return head.Op, nil
}

// frameName is an op as the names of messages in asyncapi.yaml have it: message.new is MessageNew.
func frameName(op string) string {
	name := ""
	for part := range strings.SplitSeq(op, ".") {
		name += strings.ToUpper(part[:min(1, len(part))]) + part[min(1, len(part)):]
	}
	return name
}

// The examples of api.md are requests that the server takes and answers that it gives.
func TestSpecExamples(t *testing.T) {
	t.Parallel()
	s := loadSpec(t)
	shown := map[string]bool{}
	for _, text := range s.found("^```http\n((?s:.*?))^```") {
		e, err := parseExchange(text)
		must(t, err)
		operation, err := s.check(e)
		if err != nil {
			t.Error(err)
		}
		shown[operation[:max(0, len(operation)-len(" 200"))]] = true
	}
	for path, item := range s.openapi.Paths.Map() {
		for method := range item.Operations() {
			if !shown[method+" "+path] && path != "/ws" && method != "HEAD" {
				t.Errorf("api.md has no example of %s %s", method, path)
			}
		}
	}
	heard := map[string]bool{}
	for _, text := range s.found("^```json\n((?s:.*?))^```") {
		asked := map[string]string{}
		d := json.NewDecoder(strings.NewReader(text))
		for d.More() {
			var frame json.RawMessage
			must(t, d.Decode(&frame))
			op, err := s.frame(frame, asked)
			if err != nil {
				t.Error(err)
			}
			heard[op] = true
		}
	}
	for _, op := range append(s.operations("receive"), define.OpOK, define.OpError, define.EventReady, define.EventMessageNew) {
		if !heard[op] {
			t.Errorf("api.md has no example of %s", op)
		}
	}
}

// parseExchange reads a request and its answer as the manual shows them: as HTTP/1.1 does, less some headers.
func parseExchange(text string) (e exchange, err error) {
	request, answer, ok := strings.Cut(text, "\nHTTP/1.1 ")
	if !ok {
		return e, fmt.Errorf("an example without an answer: %s", text)
	}
	head, body, _ := strings.Cut(request, "\n\n")
	line, _, _ := strings.Cut(head, "\n")
	e.method, e.target, _ = strings.Cut(line, " ")
	if _, given, ok := strings.Cut(head, "\nContent-Type: "); ok {
		e.contentType, _, _ = strings.Cut(given, "\n")
	}
	e.body = []byte(strings.TrimSpace(body))
	if e.contentType != "" { // of a form, whose lines end as those of HTTP do
		e.body = []byte(strings.ReplaceAll(strings.TrimSpace(body), "\n", "\r\n") + "\r\n")
	}
	head, body, _ = strings.Cut(answer, "\n\n")
	lines := strings.Split(head, "\n")
	e.header = http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		e.header.Set(name, strings.TrimSpace(value))
	}
	e.answer = []byte(body)
	e.status, err = strconv.Atoi(lines[0][:3])
	return e, err
}
