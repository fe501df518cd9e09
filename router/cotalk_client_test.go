package router_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// cotalker is somebody with a client of seed 000.
type cotalker struct {
	*server
	number                int64
	name, password, token string
}

// cotalkCall is one request of such a client. Nothing of it is added: what is empty is not sent.
type cotalkCall struct {
	method, path, token string
	body                any    // fields are sent as the page sends JSON: without a Content-Type; a string as it stands; a form as a form
	kind                string // the Content-Type
	cookie              string
}

// form is the body of a multipart request, with at most one file.
type form struct {
	fields map[string]string
	file   string // the name of the field
	name   string
	bytes  []byte
}

func (f form) encode() (body []byte, kind string) {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for name, value := range f.fields {
		_ = w.WriteField(name, value) // into memory
	}
	if f.file != "" {
		header := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q; filename=%q", f.file, f.name)}, "Content-Type": {"application/octet-stream"}}
		part, _ := w.CreatePart(header)
		_, _ = part.Write(f.bytes)
	}
	_ = w.Close()
	return out.Bytes(), w.FormDataContentType()
}

// cotalkAnswer is what such a call got.
type cotalkAnswer struct {
	t      *testing.T
	call   string
	status int
	header http.Header
	raw    []byte
	err    error
}

// cotalk sends a request. It may be called from any goroutine.
func (s *server) cotalk(c cotalkCall) *cotalkAnswer {
	a := &cotalkAnswer{t: s.t, call: c.method + " " + c.path}
	var body []byte
	kind := c.kind
	switch b := c.body.(type) {
	case nil:
	case string:
		body = []byte(b)
	case form:
		body, kind = b.encode()
	default:
		if body, a.err = json.Marshal(b); a.err != nil {
			return a
		}
	}
	request, err := http.NewRequestWithContext(context.Background(), c.method, s.url+c.path, bytes.NewReader(body))
	if err != nil {
		a.err = err
		return a
	}
	for name, value := range map[string]string{"Content-Type": kind, "Authorization": c.token, "Cookie": c.cookie} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := s.client.Do(request)
	if err != nil {
		a.err = err
		return a
	}
	defer response.Body.Close()
	a.status, a.header = response.StatusCode, response.Header
	a.raw, a.err = io.ReadAll(response.Body)
	return a
}

// is fails the test unless the answer has this status, code and info, and, where want is not nil, exactly these fields
// beside them.
func (a *cotalkAnswer) is(status, code int, info string, want ...fields) *cotalkAnswer {
	a.t.Helper()
	got := a.fields()
	if a.status != status || got["code"] != float64(code) || got["info"] != info {
		a.t.Fatalf("%s: %d %s, want %d, code %d, info %q", a.call, a.status, a.raw, status, code, info)
	}
	for _, want := range want {
		delete(got, "code")
		delete(got, "info")
		if !reflect.DeepEqual(map[string]any(got), normal(a.t, want)) {
			a.t.Errorf("%s:\n got %v\nwant %v", a.call, got, normal(a.t, want))
		}
	}
	return a
}

// ok is is for success.
func (a *cotalkAnswer) ok(want ...fields) *cotalkAnswer {
	a.t.Helper()
	return a.is(200, 0, "Success", want...)
}

func (a *cotalkAnswer) fields() fields {
	a.t.Helper()
	if a.err != nil {
		a.t.Fatalf("%s: %v", a.call, a.err)
	}
	var got fields
	if err := json.Unmarshal(a.raw, &got); err != nil {
		a.t.Fatalf("%s: %d %s: %v", a.call, a.status, a.raw, err)
	}
	if kind := a.header.Get("Content-Type"); kind != "application/json; charset=utf-8" {
		a.t.Errorf("%s: Content-Type %q", a.call, kind)
	}
	return got
}

// list returns a list of objects in the answer.
func (a *cotalkAnswer) list(name string) []fields {
	a.t.Helper()
	items, ok := a.fields()[name].([]any)
	if !ok {
		a.t.Fatalf("%s: no list %q: %s", a.call, name, a.raw)
	}
	all := make([]fields, len(items))
	for i := range items {
		all[i] = items[i].(map[string]any)
	}
	return all
}

func (a *cotalkAnswer) number(name string) int64 {
	a.t.Helper()
	x, ok := a.fields()[name].(float64)
	if !ok {
		a.t.Fatalf("%s: no number %q: %s", a.call, name, a.raw)
	}
	return int64(x)
}

// normal is what a value looks like when it comes out of JSON.
func normal(t *testing.T, v any) map[string]any {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// cotalker registers somebody whose name begins with name.
func (s *server) cotalker(name string) *cotalker {
	s.t.Helper()
	c := &cotalker{server: s, name: name + "_" + s.suffix(), password: "secret"}
	a := s.cotalk(cotalkCall{method: "POST", path: "/api/user/register", body: fields{"user_name": c.name, "password": c.password}}).ok()
	c.number, c.token = a.number("user_id"), a.fields()["token"].(string)
	return c
}

// ask sends a request with his token.
func (c *cotalker) ask(method, path string, body any) *cotalkAnswer {
	return c.cotalk(cotalkCall{method: method, path: path, token: c.token, body: body})
}

// own is an address below his own.
func (c *cotalker) own(path string) string {
	return "/api/user/private/" + strconv.FormatInt(c.number, 10) + path
}

// me is a query that names him.
func (c *cotalker) me() string { return "?user_id=" + strconv.FormatInt(c.number, 10) }

func chatPath(chat int64, path string) string { return fmt.Sprintf("/api/chat/%d%s", chat, path) }

func messagePath(message int64) string { return fmt.Sprintf("/api/message/%d/management", message) }

// befriend makes two of them friends and returns the number of their chat.
func (c *cotalker) befriend(other *cotalker) int64 {
	c.t.Helper()
	c.ask("PUT", c.own("/friends"), fields{"friend_id": other.number}).ok()
	other.ask("PUT", other.own("/friends"), fields{"friend_id": c.number, "approve": true}).ok()
	name := fmt.Sprintf("Private %d&%d", other.number, c.number)
	for _, chat := range c.ask("GET", c.own("/chats"), nil).ok().list("chats") {
		if chat["chat_name"] == name {
			return int64(chat["chat_id"].(float64))
		}
	}
	c.t.Fatalf("no chat %q", name)
	return 0
}

// chat makes a chat of friends, all of whom join.
func (c *cotalker) chat(name string, members ...*cotalker) int64 {
	c.t.Helper()
	numbers := []int64{}
	for _, m := range members {
		numbers = append(numbers, m.number)
	}
	chat := c.ask("POST", "/api/chat/create", fields{"user_id": c.number, "chat_name": name, "members": numbers}).ok().number("chat_id")
	for _, m := range members {
		m.ask("PUT", chatPath(chat, "/members"), fields{"user_id": m.number, "member_id": m.number, "approve": true}).ok()
	}
	return chat
}

// say sends a text and returns its number.
func (c *cotalker) say(chat int64, text string) int64 {
	c.t.Helper()
	return c.ask("POST", "/api/message/send", fields{"user_id": c.number, "chat_id": strconv.FormatInt(chat, 10), "msg_text": text, "msg_type": "text"}).ok().number("msg_id")
}

// messages lists a chat.
func (c *cotalker) messages(chat int64, filter string) []fields {
	c.t.Helper()
	a := c.ask("GET", chatPath(chat, "/messages")+c.me()+filter, nil)
	if a.status != 200 {
		c.t.Fatalf("%s: %d %s", a.call, a.status, a.raw)
	}
	return a.list("messages")
}

// texts are what a chat shows.
func (c *cotalker) texts(chat int64) (texts []string) {
	c.t.Helper()
	for _, m := range c.messages(chat, "") {
		texts = append(texts, m["msg_text"].(string))
	}
	return texts
}

// notices lists his notifications as the page reads their contents.
func (c *cotalker) notices(query string) (all []fields) {
	c.t.Helper()
	for _, n := range c.ask("GET", c.own("/notifications"+query), nil).ok().list("notifications") {
		text := strings.NewReplacer("'", `"`, "True", "true", "False", "false").Replace(n["content"].(string))
		var content map[string]any
		if err := json.Unmarshal([]byte(text), &content); err != nil {
			c.t.Fatalf("%s: %v", text, err)
		}
		n["content"] = content
		all = append(all, n)
	}
	return all
}

// cotalkSocket is a socket of such a client, which only hears.
type cotalkSocket struct {
	t     *testing.T
	conn  *websocket.Conn
	heard chan fields
	ended chan struct{} // closed when the connection is gone
	err   error         // why; read after ended
}

// socket opens a socket.
func (c *cotalker) socket() *cotalkSocket {
	c.t.Helper()
	conn, _, err := c.dialPath(fmt.Sprintf("/ws/main/%d/%s", c.number, c.token), nil)
	if err != nil {
		c.t.Fatalf("open a socket: %v", err)
	}
	s := &cotalkSocket{t: c.t, conn: conn, heard: make(chan fields, 1024), ended: make(chan struct{})}
	go s.read()
	c.t.Cleanup(s.close)
	return s
}

func (s *server) dialPath(path string, header http.Header) (*websocket.Conn, *http.Response, error) {
	dialer := websocket.Dialer{HandshakeTimeout: patience}
	return dialer.Dial("ws"+strings.TrimPrefix(s.url, "http")+path, header)
}

func (s *cotalkSocket) read() {
	defer close(s.ended)
	for {
		var f fields
		if s.err = s.conn.ReadJSON(&f); s.err != nil {
			return
		}
		s.heard <- f
	}
}

// close ends the connection and waits until it is gone.
func (s *cotalkSocket) close() {
	_ = s.conn.Close() // it may be gone already
	for {
		select {
		case <-s.ended:
			return
		case <-s.heard: // the reader must not wait for room
		}
	}
}

// next returns the next frame.
func (s *cotalkSocket) next() fields {
	s.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case f := <-s.heard:
		return f
	case <-timeout.C:
		s.t.Fatal("nothing came")
	case <-s.ended:
		select {
		case f := <-s.heard: // it came before the end
			return f
		default:
			s.t.Fatalf("the socket ended: %v", s.err)
		}
	}
	return nil
}

// hears fails the test unless the next frames are these. A time is only looked at for being one.
func (s *cotalkSocket) hears(want ...fields) {
	s.t.Helper()
	for _, want := range want {
		got := s.next()
		if at, there := got["update_time"]; there && at.(float64) < 1e9 {
			s.t.Errorf("update_time is %v", at)
		}
		delete(got, "update_time")
		if !reflect.DeepEqual(map[string]any(got), normal(s.t, want)) {
			s.t.Fatalf("heard %v, want %v", got, want)
		}
	}
}

// messageFrame is what is pushed of a message, without its time.
func messageFrame(status string, user *cotalker, chat, message int64) fields {
	return fields{"type": "chat.message", "status": status, "user_id": user.number, "chat_id": chat, "msg_id": message}
}

// friendFrame is what is pushed of a friendship.
func friendFrame(status string, by *cotalker, approved bool) fields {
	return fields{"type": "user.friend.request", "status": status, "user_id": by.number, "is_approved": approved}
}

// chatFrame is what is pushed of somebody's place in a chat.
func chatFrame(status string, by *cotalker, chat int64, approved bool) fields {
	return fields{"type": "user.friend.request", "status": status, "user_id": by.number, "chat_id": chat, "is_approved": approved}
}
