package router_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	source "go/token"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"parlor/define"
	"parlor/service"
)

// The documents in docs/ say what the server does. These tests fail where they say anything else, or say nothing.

// spec is the documents, read once for a test.
type spec struct {
	openapi *openapi3.T
	trees   map[string]any                // openapi.yaml and asyncapi.yaml as they stand there
	frames  map[string]*jsonschema.Schema // the frames of /ws by their names in asyncapi.yaml
	manual  string                        // api.md
}

func loadSpec(t *testing.T) *spec {
	t.Helper()
	s := &spec{trees: map[string]any{}, frames: map[string]*jsonschema.Schema{}}
	compiler := jsonschema.NewCompiler()
	for _, name := range []string{"openapi.yaml", "asyncapi.yaml"} {
		var tree any
		must(t, yaml.Unmarshal(readDoc(t, name), &tree))
		text, err := json.Marshal(tree)
		must(t, err)
		s.trees[name] = tree
		closed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		must(t, err)
		closeObjects(closed)
		must(t, compiler.AddResource("file:///docs/"+name, closed))
		if name == "openapi.yaml" {
			text, err = json.Marshal(closed)
			must(t, err)
			s.openapi, err = openapi3.NewLoader().LoadFromData(text)
			must(t, err)
		}
	}
	for name := range dig(s.trees["asyncapi.yaml"], "components", "messages") {
		schema, err := compiler.Compile("file:///docs/asyncapi.yaml#/components/messages/" + name + "/payload")
		must(t, err)
		s.frames[name] = schema
	}
	s.manual = string(readDoc(t, "api.md"))
	return s
}

func readDoc(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../docs/" + name)
	must(t, err)
	return text
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// closeObjects forbids in every object what its schema does not name. The documents themselves leave answers open, so
// that clients expect fields of later versions; the tests do not.
func closeObjects(node any) {
	switch n := node.(type) {
	case map[string]any:
		if _, said := n["additionalProperties"]; !said && n["type"] == "object" && n["properties"] != nil {
			n["additionalProperties"] = false
		}
		for _, child := range n {
			closeObjects(child)
		}
	case []any:
		for _, child := range n {
			closeObjects(child)
		}
	}
}

// dig returns the object under these keys of a tree; nil where there is none.
func dig(tree any, keys ...string) map[string]any {
	node, _ := tree.(map[string]any)
	for _, key := range keys {
		node, _ = node[key].(map[string]any)
	}
	return node
}

// checkSame fails the test unless got and want hold the same strings.
func checkSame(t *testing.T, what string, got, want []string) {
	t.Helper()
	for _, one := range want {
		if !slices.Contains(got, one) {
			t.Errorf("%s: %s is missing", what, one)
		}
	}
	for _, one := range got {
		if !slices.Contains(want, one) {
			t.Errorf("%s: the server knows no %s", what, one)
		}
	}
	if len(want) == 0 {
		t.Errorf("%s: there is nothing to compare with", what)
	}
}

// found returns the first group of every match in api.md.
func (s *spec) found(pattern string) (all []string) {
	for _, match := range regexp.MustCompile("(?m)"+pattern).FindAllStringSubmatch(s.manual, -1) {
		all = append(all, match[1])
	}
	return all
}

// section returns the part of api.md under a heading, up to the next one of its level.
func (s *spec) section(t *testing.T, heading string) string {
	t.Helper()
	_, text, ok := strings.Cut(s.manual, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("api.md has no %q", heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	text, _, _ = strings.Cut(text, "\n"+level+" ")
	return text
}

// cells returns what stands as code in the first column of the tables of a text.
func cells(text string) (all []string) {
	for _, match := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(text, -1) {
		all = append(all, match[1])
	}
	return all
}

func TestSpecIsValidOpenAPI(t *testing.T) {
	t.Parallel()
	if err := loadSpec(t).openapi.Validate(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSpecHasEveryRoute(t *testing.T) {
	t.Parallel()
	s := loadSpec(t)
	var routes []string
	for _, r := range newHandler(t, nativeConfig()).(*gin.Engine).Routes() {
		routes = append(routes, r.Method+" "+regexp.MustCompile(`:(\w+)`).ReplaceAllString(r.Path, "{$1}"))
	}
	var documented []string
	for path, item := range s.openapi.Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, method+" "+path)
		}
	}
	checkSame(t, "openapi.yaml", documented, routes)
	var explained []string
	for _, call := range s.found("^### `((?:GET|HEAD|POST|PUT|PATCH|DELETE) [^`]+)`$") {
		method, path, _ := strings.Cut(call, " ")
		if !slices.Contains([]string{"/ws", "/healthz"}, path) {
			path = "/api/v1" + path
		}
		explained = append(explained, method+" "+path)
	}
	for _, path := range []string{"/healthz", "/api/v1/files/{file}", "/api/v1/files/{file}/thumb"} {
		explained = append(explained, "HEAD "+path)
	}
	checkSame(t, "api.md", explained, routes)
}

// constants returns the constants of a file of define whose names begin with prefix: their values by their names.
func constants(t *testing.T, file, prefix string) map[string]string {
	t.Helper()
	parsed, err := parser.ParseFile(source.NewFileSet(), "../define/"+file, nil, 0)
	must(t, err)
	values := map[string]string{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if c, ok := n.(*ast.ValueSpec); ok && len(c.Values) == 1 && strings.HasPrefix(c.Names[0].Name, prefix) {
			if value, ok := c.Values[0].(*ast.BasicLit); ok {
				values[c.Names[0].Name] = strings.Trim(value.Value, `"`)
			}
		}
		return true
	})
	return values
}

func valuesOf(t *testing.T, file, prefix string) []string {
	t.Helper()
	return slices.Sorted(maps.Values(constants(t, file, prefix)))
}

// operations returns the ops of the messages that the server receives or sends, as asyncapi.yaml has them.
func (s *spec) operations(action string) (ops []string) {
	for name := range dig(s.trees["asyncapi.yaml"], "operations") {
		operation := dig(s.trees["asyncapi.yaml"], "operations", name)
		if operation["action"] == action {
			ops = append(ops, fmt.Sprint(dig(s.trees["asyncapi.yaml"], "components", "messages", name, "payload", "properties", "op")["const"]))
		}
	}
	return ops
}

func TestSpecHasEveryOpAndEvent(t *testing.T) {
	t.Parallel()
	s := loadSpec(t)
	ops := slices.DeleteFunc(valuesOf(t, "events.go", "Op"), func(op string) bool { return op == define.OpOK || op == define.OpError })
	events := valuesOf(t, "events.go", "Event")
	checkSame(t, "asyncapi.yaml", s.operations("receive"), ops)
	checkSame(t, "asyncapi.yaml", s.operations("send"), events)
	checkSame(t, "api.md, requests", s.found("^### `([^` ]+)`$"), ops)
	checkSame(t, "api.md, pushes", cells(s.section(t, "## Pushes")), events)
	channel := slices.Sorted(maps.Keys(dig(s.trees["asyncapi.yaml"], "channels", "socket", "messages")))
	checkSame(t, "asyncapi.yaml, channel", channel, slices.Sorted(maps.Keys(s.frames)))

	socket := sharedServer(t).user("alice").socket()
	for _, op := range ops {
		if f := socket.call(op, fields{"no such field": 1}); f.Op != "error" || f.Error.Fields["op"] != "" {
			t.Errorf("%s is no op of the server: %+v", op, f.Error)
		}
	}
}

func TestSpecHasEveryCode(t *testing.T) {
	t.Parallel()
	s := loadSpec(t)
	asyncapi := s.trees["asyncapi.yaml"]
	codes := valuesOf(t, "errors.go", "Code")
	checkSame(t, "openapi.yaml, codes", strings.Fields(strings.Trim(fmt.Sprint(
		dig(s.trees["openapi.yaml"], "components", "schemas", "ErrorBody", "properties", "code")["enum"]), "[]")), codes)
	errorTable := s.section(t, "## Errors")
	checkSame(t, "api.md, codes", cells(errorTable), codes)
	for code, status := range statusOf {
		if !strings.Contains(errorTable, fmt.Sprintf("| `%s` | %d", code, status)) {
			t.Errorf("api.md: %s has another status than %d", code, status)
		}
	}
	// The websocket library's own code for a frame that is too large is the one that define leaves out.
	closeCodes := append(valuesOf(t, "errors.go", "Close"), strconv.Itoa(websocket.CloseMessageTooBig))
	checkSame(t, "asyncapi.yaml, close codes", slices.Collect(maps.Keys(dig(asyncapi, "channels", "socket", "x-close-codes"))), closeCodes)
	checkSame(t, "api.md, close codes", cells(s.section(t, "## Close codes")), closeCodes)
	reasons := valuesOf(t, "events.go", "Ended")
	checkSame(t, "asyncapi.yaml, reasons", strings.Fields(strings.Trim(fmt.Sprint(
		dig(asyncapi, "components", "schemas", "SessionEndedEvent", "properties", "reason")["enum"]), "[]")), reasons)
	for _, reason := range reasons {
		if !strings.Contains(s.section(t, "## Pushes"), "`"+reason+"`") {
			t.Errorf("api.md: a session may end because of %s", reason)
		}
	}
}

// The documents name every state of a call, and every reason for its end.
func TestSpecHasEveryWordOfCalls(t *testing.T) {
	t.Parallel()
	s := loadSpec(t)
	schemas := dig(s.trees["asyncapi.yaml"], "components", "schemas")
	manual := s.section(t, "### A call")
	for _, test := range []struct{ schema, field, prefix string }{
		{"Call", "media", "Media"}, {"Call", "state", "Call"}, {"Call", "reason", "Reason"}, {"Participant", "state", "Participant"},
	} {
		words := valuesOf(t, "vocabulary.go", test.prefix)
		words = slices.DeleteFunc(words, func(word string) bool { return !regexp.MustCompile("^[a-z_]+$").MatchString(word) })
		documented := strings.Fields(strings.Trim(fmt.Sprint(dig(schemas, test.schema, "properties", test.field)["enum"]), "[]"))
		checkSame(t, "asyncapi.yaml, "+test.schema+"."+test.field, documented, words)
		for _, word := range words {
			if !strings.Contains(manual, "`"+word+"`") {
				t.Errorf("api.md does not explain %s of %s", word, test.schema)
			}
		}
	}
}

// What ws adds to the inputs of the service.
type (
	MessageSend struct {
		Room string `json:"room" validate:"required"`
		service.MessageInput
	}
	RoomReadInput struct {
		Room string `json:"room" validate:"required"`
		service.ReadInput
	}
	RoomTypingInput struct {
		Room string `json:"room" validate:"required"`
	}
	MessageEditInput struct {
		Message int64 `json:"message" validate:"required"`
		service.EditInput
	}
	MessageRecallInput struct {
		Message int64 `json:"message" validate:"required"`
	}
	MessageDeleteInput struct {
		Message int64 `json:"message" validate:"required"`
	}
	MessageReactInput struct {
		Message int64  `json:"message" validate:"required"`
		Emoji   string `json:"emoji" validate:"required"`
		Remove  bool   `json:"remove"`
	}
	// SaidMessage is a message that has not been recalled: service.Message less what tells of that.
	SaidMessage struct{ service.Message }
)

// shapes are what goes over the wire; the schema of each has its name.
var shapes = []any{
	service.RegisterInput{}, service.LoginInput{}, service.ProfileInput{}, service.AccountInput{}, service.PasswordInput{},
	service.CancelInput{}, service.FriendRequestInput{}, service.FriendInput{}, service.GroupInput{}, service.RoomInput{},
	service.ReadInput{}, service.MessageInput{}, service.SyncInput{}, service.PresenceInput{}, service.CallStartInput{}, service.CallInput{}, service.CallSignalInput{},
	service.EmailInput{}, service.EmailCodeInput{}, service.ResetInput{}, service.RoomUpdateInput{}, service.MembersInput{},
	service.RoleInput{}, service.OwnerInput{}, service.SilenceInput{}, service.JoinInput{}, service.AnnouncementInput{},
	service.RoomMeInput{}, service.UnlockInput{}, service.EditInput{}, service.ForwardInput{}, service.NotificationsReadInput{},
	service.TranslationInput{}, service.MessageTranslationInput{}, service.Transcription{}, service.Translation{},
	MessageSend{}, RoomReadInput{}, RoomTypingInput{}, MessageEditInput{}, MessageRecallInput{}, MessageDeleteInput{}, MessageReactInput{},

	service.User{}, service.Me{}, service.Profile{}, service.Token{}, service.Login{}, service.Session{}, service.Friend{},
	service.FriendRequest{}, service.FriendGroup{}, service.Room{}, service.LastMessage{}, service.RoomMe{}, service.Member{},
	service.File{}, SaidMessage{}, service.SyncResult{}, service.SyncRoom{}, service.PresenceResult{}, service.RoomReadEvent{},
	service.RoomUserEvent{}, service.RoomEvent{}, service.MembersEvent{}, service.PresenceEvent{},
	service.ReadyEvent{}, service.SessionEndedEvent{},
	service.RecalledMessage{}, service.Quote{}, service.MergedMessage{}, service.ForwardedFrom{}, service.Reaction{}, service.LockedMessage{},
	service.MembersResult{}, service.Invitation{}, service.Announcement{}, service.Readers{}, service.ForwardResult{},
	service.Notification{}, service.NotificationContent{}, service.Call{}, service.Participant{}, service.CallSignalEvent{}, service.ICEServers{}, service.ICEServer{},
	service.MessageDeletedEvent{}, service.RoomMeEvent{}, service.NotificationsReadEvent{}, service.FriendGroupEvent{}, service.BlockEvent{},
}

func TestSpecHasEveryField(t *testing.T) {
	t.Parallel()
	s := loadSpec(t)
	// List is generic, Page and the queries are parameters, PasswordRule is not sent; FriendRequestResult, JoinResult and
	// Message are either of two others.
	known := []string{"List", "HistoryQuery", "SearchQuery", "Page", "PasswordRule", "FriendRequestResult", "JoinResult", "Message"}
	for _, shape := range shapes {
		of := reflect.TypeOf(shape)
		known = append(known, of.Name())
		t.Run(of.Name(), func(t *testing.T) { s.checkShape(t, of) })
	}
	for _, file := range []string{"inputs.go", "views.go", "events.go"} {
		parsed, err := parser.ParseFile(source.NewFileSet(), "../service/"+file, nil, 0)
		must(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			if declared, ok := n.(*ast.TypeSpec); ok && !slices.Contains(known, declared.Name.Name) {
				t.Errorf("nobody compares service.%s with its schema", declared.Name.Name)
			}
			return true
		})
	}
	for path, query := range map[string]reflect.Type{
		"/api/v1/rooms/{room}/messages": reflect.TypeFor[service.HistoryQuery](),
		"/api/v1/search/messages":       reflect.TypeFor[service.SearchQuery](),
	} {
		var asked []string
		for _, parameter := range s.openapi.Paths.Find(path).Get.Parameters {
			if parameter.Value.In == "query" {
				asked = append(asked, parameter.Value.Name)
			}
		}
		checkSame(t, "the parameters of "+path, asked, slices.Collect(maps.Keys(jsonFields(query))))
	}
}

// jsonFields returns the fields of a struct, embedded ones included, by their names in JSON.
func jsonFields(of reflect.Type) map[string]reflect.StructField {
	byName := map[string]reflect.StructField{}
	for field := range of.Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name == "-" {
			continue
		} else if name != "" {
			byName[name] = field
		} else if field.Anonymous {
			maps.Copy(byName, jsonFields(field.Type))
		}
	}
	return byName
}

// checkShape compares a struct with the schema of its name: the fields, which of them are always there, and the rules.
func (s *spec) checkShape(t *testing.T, of reflect.Type) {
	schema := dig(s.trees["openapi.yaml"], "components", "schemas", of.Name())
	if schema == nil {
		schema = dig(s.trees["asyncapi.yaml"], "components", "schemas", of.Name())
	}
	properties := dig(schema, "properties")
	shown := jsonFields(of)
	if of == reflect.TypeFor[SaidMessage]() {
		delete(shown, "recalled_at")
		delete(shown, "recalled_by")
	}
	checkSame(t, "fields", slices.Collect(maps.Keys(properties)), slices.Collect(maps.Keys(shown)))
	required, _ := schema["required"].([]any)
	isInput := schema["additionalProperties"] == false
	for name, field := range shown {
		needed := !strings.Contains(field.Tag.Get("json"), ",omitempty")
		if isInput {
			ofItself, _, _ := strings.Cut(field.Tag.Get("validate"), ",dive")
			needed = slices.Contains(strings.Split(ofItself, ","), "required")
		}
		if needed && !slices.Contains(required, any(name)) {
			t.Errorf("%s is not among the required", name)
		}
		checkRules(t, name, field, dig(properties, name))
	}
}

// checkRules looks for each rule of a `validate` tag in the schema of the field.
func checkRules(t *testing.T, name string, field reflect.StructField, schema map[string]any) {
	t.Helper()
	of := field.Type
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	kind := of.Kind()
	for rule := range strings.SplitSeq(field.Tag.Get("validate"), ",") {
		if rule == "dive" { // what follows is about the items
			schema, kind = dig(schema, map[reflect.Kind]string{reflect.Slice: "items", reflect.Map: "additionalProperties"}[kind]), of.Elem().Kind()
		}
		key, want, _ := strings.Cut(rule, "=")
		if key == "oneof" {
			key, want = "enum", "["+want+"]"
		} else if key = keyword(key, kind); key == "" {
			continue
		}
		if got := fmt.Sprint(schema[key]); got != want {
			t.Errorf("%s: the rule is %s, the schema says %s %s", name, rule, key, got)
		}
	}
}

// keyword returns what JSON schema calls the rules min and max; empty for every other.
func keyword(rule string, kind reflect.Kind) string {
	if rule != "min" && rule != "max" {
		return ""
	}
	switch kind {
	case reflect.String:
		return rule + "Length"
	case reflect.Slice:
		return rule + "Items"
	case reflect.Map:
		return rule + "Properties"
	default:
		return rule + "imum"
	}
}
