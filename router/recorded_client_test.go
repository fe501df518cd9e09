package router_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// anyHost stands for the address of a server in what it says.
const anyHost = "chat.example"

// recordedClient does the steps of a conversation against a server.
type recordedClient struct {
	t       *testing.T
	base    *url.URL
	values  *values
	jars    map[string]http.CookieJar // by actor
	sockets map[string]*faceSocket
}

func newRecordedClient(t *testing.T, base string, functions map[string]func(string) string) *recordedClient {
	t.Helper()
	address, err := url.Parse(base)
	must(t, err)
	return &recordedClient{t: t, base: address, values: newValues(functions), jars: map[string]http.CookieJar{}, sockets: map[string]*faceSocket{}}
}

// do does a step. The result lacks what the sockets hear.
func (c *recordedClient) do(step *recordedStep) (recordedResult, error) {
	switch {
	case step.Open != "":
		return c.open(step)
	case step.Method != "":
		return c.call(step)
	}
	socket, ok := c.sockets[step.socket()]
	if !ok {
		return recordedResult{}, fmt.Errorf("there is no socket %q", step.socket())
	}
	if step.Close {
		return c.close(step.socket(), socket)
	}
	frame, err := c.frame(step)
	if err != nil {
		return recordedResult{}, err
	}
	return recordedResult{}, socket.conn.WriteMessage(websocket.TextMessage, frame)
}

// close closes a socket as clients do. What it hears until the server agrees was not expected.
func (c *recordedClient) close(name string, socket *faceSocket) (r recordedResult, err error) {
	delete(c.sockets, name)
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := socket.conn.WriteMessage(websocket.CloseMessage, bye); err != nil {
		return r, err
	}
	select {
	case <-socket.ended:
	case <-time.After(patience):
		return r, fmt.Errorf("%s: the server does not end the socket", name)
	}
	for len(socket.frames) > 0 {
		r.hear(name, c.heard(<-socket.frames))
	}
	return r, nil
}

// settle waits until a socket that was opened hears what happens, and until what it has sent was served: the server's
// reader, which answers pings, comes to them in their order.
func (c *recordedClient) settle(name string) error {
	socket, ok := c.sockets[name]
	if !ok {
		return nil
	}
	if err := socket.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience)); err != nil {
		return nil // the server has closed it, which is seen where it is waited for
	}
	select {
	case <-socket.pongs:
	case <-socket.ended:
	case <-time.After(patience):
		return fmt.Errorf("%s: no ping is answered", name)
	}
	return nil
}

// hear adds a frame.
func (r *recordedResult) hear(socket string, frame any) {
	if r.Frames == nil {
		r.Frames = map[string][]any{}
	}
	r.Frames[socket] = append(r.Frames[socket], frame)
}

func (c *recordedClient) frame(step *recordedStep) ([]byte, error) {
	if step.Text != nil {
		text, err := c.values.text(*step.Text)
		return []byte(text), err
	}
	if step.Send == nil {
		return nil, errors.New("the step does nothing")
	}
	return c.values.raw(step.Send)
}

// address is that of a path, which may be a whole address that the server has told.
func (c *recordedClient) address(path string, query map[string]string) (string, error) {
	path, err := c.values.text(path)
	if err != nil {
		return "", err
	}
	target, err := url.Parse(path)
	if err != nil {
		return "", err
	}
	target.Scheme, target.Host = c.base.Scheme, c.base.Host
	query, err = c.values.texts(query)
	if err != nil {
		return "", err
	}
	all := target.Query()
	for key, value := range query {
		all.Set(key, value)
	}
	if len(query) > 0 {
		target.RawQuery = all.Encode()
	}
	return target.String(), nil
}

func (c *recordedClient) jar(actor string) http.CookieJar {
	if actor == "" {
		return nil
	}
	if c.jars[actor] == nil {
		jar, err := cookiejar.New(nil)
		must(c.t, err)
		c.jars[actor] = jar
	}
	return c.jars[actor]
}

func (c *recordedClient) header(step *recordedStep, kind string) (http.Header, error) {
	header := http.Header{}
	if kind != "" {
		header.Set("Content-Type", kind)
	}
	all, err := c.values.texts(step.Header)
	for name, value := range all {
		header.Set(name, value)
	}
	return header, err
}

func (c *recordedClient) call(step *recordedStep) (recordedResult, error) {
	address, err := c.address(step.Path, step.Query)
	if err != nil {
		return recordedResult{}, err
	}
	body, kind, err := c.body(step)
	if err != nil {
		return recordedResult{}, err
	}
	request, err := http.NewRequestWithContext(context.Background(), step.Method, address, bytes.NewReader(body))
	if err != nil {
		return recordedResult{}, err
	}
	if request.Header, err = c.header(step, kind); err != nil {
		return recordedResult{}, err
	}
	client := http.Client{Timeout: patience, Jar: c.jar(step.As), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return recordedResult{}, err
	}
	return c.result(response)
}

// result reads an answer.
func (c *recordedClient) result(response *http.Response) (recordedResult, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return recordedResult{}, err
	}
	r := recordedResult{Status: response.StatusCode}
	if len(body) == 0 {
		return r, nil
	}
	r.Type, _, _ = mime.ParseMediaType(response.Header.Get("Content-Type")) // without one it stays empty
	if value, err := exactJSON(c.anonymous(body)); err == nil {
		r.Answer = value
	} else if r.Type != "text/html" && strings.HasPrefix(r.Type, "text/") {
		r.Answer = string(c.anonymous(body))
	} else if r.Type != "text/html" {
		r.Size = len(body)
	}
	return r, nil
}

// anonymous takes the server's address out of what it says.
func (c *recordedClient) anonymous(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte(c.base.Host), []byte(anyHost))
}

func (c *recordedClient) body(step *recordedStep) (body []byte, kind string, err error) {
	switch {
	case step.JSON != nil:
		body, err = c.values.raw(step.JSON)
		return body, "application/json", err
	case step.Form != nil:
		form, err := c.values.texts(step.Form)
		encoded := url.Values{}
		for name, value := range form {
			encoded.Set(name, value)
		}
		return []byte(encoded.Encode()), "application/x-www-form-urlencoded", err
	case step.Multipart != nil:
		return c.multipart(step.Multipart)
	case step.Text != nil:
		text, err := c.values.text(*step.Text)
		return []byte(text), "", err
	}
	return nil, "", nil
}

func (c *recordedClient) multipart(form *recordedForm) (body []byte, kind string, err error) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	texts, err := c.values.texts(form.Fields)
	if err != nil {
		return nil, "", err
	}
	for name, value := range texts {
		err = errors.Join(err, w.WriteField(name, value))
	}
	for _, file := range form.Files {
		header := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q; filename=%q", file.Field, file.Name)}}
		header.Set("Content-Type", "application/octet-stream")
		if file.Type != "" {
			header.Set("Content-Type", file.Type)
		}
		part, failed := w.CreatePart(header)
		if failed != nil {
			return nil, "", failed
		}
		_, failed = part.Write(file.bytes())
		err = errors.Join(err, failed)
	}
	err = errors.Join(err, w.Close()) // which writes the end of the form
	return out.Bytes(), w.FormDataContentType(), err
}

func (f recordedFile) bytes() []byte {
	switch {
	case f.Text != "":
		return []byte(f.Text)
	case f.Base64 != nil:
		return f.Base64
	}
	return bytes.Repeat([]byte("x"), f.Size)
}

// open opens a socket. Where the server refuses, the result says how.
func (c *recordedClient) open(step *recordedStep) (recordedResult, error) {
	address, err := c.address(step.Open, step.Query)
	if err != nil {
		return recordedResult{}, err
	}
	header, err := c.header(step, "")
	if err != nil {
		return recordedResult{}, err
	}
	dialer := websocket.Dialer{HandshakeTimeout: patience, Jar: c.jar(step.As)}
	conn, response, err := dialer.Dial("ws"+strings.TrimPrefix(address, "http"), header)
	if err != nil && response != nil {
		return c.result(response)
	}
	if err != nil {
		return recordedResult{}, err
	}
	if c.sockets[step.socket()] != nil {
		return recordedResult{}, errors.Join(fmt.Errorf("a socket %q is open already", step.socket()), conn.Close())
	}
	c.sockets[step.socket()] = listen(c.t, conn)
	return recordedResult{Status: response.StatusCode}, nil
}

// heard decodes a frame. One that is not JSON is a text.
func (c *recordedClient) heard(frame string) any {
	if value, err := exactJSON(c.anonymous([]byte(frame))); err == nil {
		return value
	}
	return string(c.anonymous([]byte(frame)))
}

// save keeps what later steps ask for.
func (c *recordedClient) save(step *recordedStep, result any) error {
	for name, path := range step.Save {
		value, err := lookUp(result, path)
		if err != nil {
			return err
		}
		switch value.(type) {
		case string, json.Number:
			c.values.saved[name] = value
		default:
			return fmt.Errorf("%s is neither a text nor a number", path)
		}
	}
	return nil
}
