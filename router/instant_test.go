package router_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// pupil is a user of the face instant, as its published client is one: with a numeric token and a cookie.
type pupil struct {
	*server
	name, password string
	token          int64
	cookie         string
}

// frameOf is one frame of the face, or the answer to one of its calls.
type said map[string]any

// instant sends a call of the face. A body that is a string is sent as it stands.
func (s *server) instant(method, path, cookie string, body any, headers ...string) (said, *http.Response) {
	s.t.Helper()
	text, ok := body.(string)
	if !ok {
		raw, err := json.Marshal(body)
		must(s.t, err)
		text = string(raw)
	}
	request, err := http.NewRequestWithContext(context.Background(), method, s.url+path, bytes.NewReader([]byte(text)))
	must(s.t, err)
	request.Header.Set("Content-Type", "application/json")
	if cookie != "" {
		request.Header.Set("Cookie", cookie)
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := s.client.Do(request)
	must(s.t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	must(s.t, err)
	return parseSaid(s.t, raw), response
}

func parseSaid(t *testing.T, raw []byte) said {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v said
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return v
}

// number returns a whole number of a frame.
func (f said) number(key string) int64 {
	n, _ := f[key].(json.Number)
	whole, _ := n.Int64()
	return whole
}

func (f said) list(key string) []said {
	all, _ := f[key].([]any)
	var list []said
	for _, one := range all {
		list = append(list, said(one.(map[string]any)))
	}
	return list
}

// names returns a list of strings.
func (f said) names(key string) []string {
	all, _ := f[key].([]any)
	list := []string{}
	for _, one := range all {
		list = append(list, one.(string))
	}
	return list
}

// is fails the test unless a frame says exactly this.
func (f said) is(t *testing.T, want fields) {
	t.Helper()
	raw, err := json.Marshal(want)
	must(t, err)
	if w := parseSaid(t, raw); !reflect.DeepEqual(f, w) {
		t.Errorf("got %v\nwant %v", f, w)
	}
}

// pupil registers and logs in somebody whose name begins with name.
func (s *server) pupil(name string) *pupil {
	s.t.Helper()
	p := &pupil{server: s, name: name + s.suffix(), password: "secret1"}
	in := fields{"username": p.name, "password": p.password}
	a, _ := s.instant("POST", "/user/register", "", in)
	a.is(s.t, fields{"code": 0, "info": "Register Succeed"})
	p.login()
	return p
}

// login logs a user of the face in, as its client does.
func (p *pupil) login() said {
	p.t.Helper()
	a, response := p.instant("POST", "/user/login", "", fields{"username": p.name, "password": p.password, "email": ""})
	if a["info"] != "Login Succeed" {
		p.t.Fatalf("login: %v", a)
	}
	p.token, p.cookie = a.number("token"), strings.Split(response.Header.Get("Set-Cookie"), ";")[0]
	return a
}

// call sends a call with the user's name and token beside what it says.
func (p *pupil) call(method, path string, in fields) said {
	p.t.Helper()
	body := fields{"username": p.name, "token": p.token}
	maps.Copy(body, in)
	a, _ := p.instant(method, path, "", body)
	return a
}

// native is the same user as he is known to the native API, in another session.
func (p *pupil) native() *user {
	p.t.Helper()
	in := into[login](anyone{p.server}.post("/login", fields{"account": p.name, "password": p.password}).ok(200))
	return &user{server: p.server, identity: in.User.Identity, account: p.name, password: p.password, token: in.Token}
}

// line is a socket of the face.
type line struct {
	t      *testing.T
	conn   *websocket.Conn
	frames chan said
	broken chan error
}

func (s *server) wsconnect(path, cookie string) *line {
	s.t.Helper()
	header := http.Header{}
	if cookie != "" {
		header.Set("Cookie", cookie)
	}
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.url, "http")+path, header)
	must(s.t, err)
	l := &line{t: s.t, conn: conn, frames: make(chan said, 10_000), broken: make(chan error, 1)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for {
			_, raw, err := conn.ReadMessage()
			if err != nil {
				l.broken <- err
				return
			}
			d := json.NewDecoder(bytes.NewReader(raw))
			d.UseNumber()
			var f said
			if d.Decode(&f) != nil {
				f = said{"function": "nonsense", "raw": string(raw)}
			}
			l.frames <- f
		}
	}()
	s.t.Cleanup(func() {
		conn.Close()
		<-read
	})
	return l
}

// socket opens /wsconnect as the published client does.
func (p *pupil) socket() *line {
	p.t.Helper()
	l := p.wsconnect("/wsconnect", p.cookie)
	l.send(fields{"function": "add_channel", "username": p.name})
	l.settle()
	return l
}

func (l *line) send(frame any) {
	l.t.Helper()
	must(l.t, l.conn.WriteJSON(frame))
}

// next returns the next frame, which must be of this function; "" is one without.
func (l *line) next(function string) said {
	l.t.Helper()
	select {
	case f := <-l.frames:
		if got, _ := f["function"].(string); got != function {
			l.t.Fatalf("heard %v, want %s", f, function)
		}
		return f
	case err := <-l.broken:
		l.t.Fatalf("waiting for %s: %v", function, err)
	case <-time.After(patience):
		l.t.Fatalf("nothing was heard, want %s", function)
	}
	return nil
}

// until returns the next frame of this function and passes over others.
func (l *line) until(function string) said {
	l.t.Helper()
	for {
		select {
		case f := <-l.frames:
			if f["function"] == function {
				return f
			}
		case err := <-l.broken:
			l.t.Fatalf("waiting for %s: %v", function, err)
		case <-time.After(patience):
			l.t.Fatalf("nothing was heard, want %s", function)
		}
	}
}

// ask sends a function and returns the next frame, which must be of its answer.
func (l *line) ask(answer string, in fields) said {
	l.t.Helper()
	l.send(in)
	return l.next(answer)
}

// says sends a function and fails the test unless the next frame is this answer in words.
func (l *line) says(message string, in fields) {
	l.t.Helper()
	if got := l.ask(in["function"].(string), in); got["message"] != message {
		l.t.Errorf("%v is answered with %v, want %q", in, got, message)
	}
}

// settle passes over what is under way, and over answers to everything sent before.
func (l *line) settle() {
	l.t.Helper()
	l.send(fields{"function": "heartbeat"})
	l.until("heartbeatconfirm")
}

// quiet fails the test where anything comes before the answer to a heartbeat.
func (l *line) quiet() {
	l.t.Helper()
	l.send(fields{"function": "heartbeat"})
	l.next("heartbeatconfirm")
}

// rooms returns the list of rooms by number.
func (l *line) rooms() map[int64]said {
	l.t.Helper()
	l.send(fields{"function": "fetch_room"})
	all := map[int64]said{}
	for _, room := range l.until("fetchroom").list("roomlist") {
		all[room.number("roomid")] = room
	}
	return all
}

// roomNamed returns the room of a name.
func (l *line) roomNamed(name string) said {
	l.t.Helper()
	for _, room := range l.rooms() {
		if room["roomname"] == name {
			return room
		}
	}
	l.t.Fatalf("no room is named %q", name)
	return nil
}

// open opens a room, as the client does when it is clicked.
func (l *line) open(room int64) {
	l.t.Helper()
	l.send(fields{"function": "add_chat", "room_id": room, "room_name": strconv.FormatInt(room, 10)})
}

// say sends a message into the open room and returns it as the sender is told of it.
func (l *line) say(kind, body string) said {
	l.t.Helper()
	ack := l.ask("Ack2", fields{"function": "send_message", "msg_type": kind, "msg_body": body})
	m := l.next("Msg")
	if m.number("msg_id") != ack.number("msg_id") || ack.number("msg_id") == 0 {
		l.t.Fatalf("Ack2 is %v, the message %v", ack, m)
	}
	return m
}

// befriends makes two users of the face friends, by their sockets, and returns their room.
func (l *line) befriends(me, other *pupil, others *line) int64 {
	l.t.Helper()
	l.send(fields{"function": "apply", "from": me.name, "to": other.name, "username": me.name})
	l.until("applylist")
	others.until("receivelist")
	others.send(fields{"function": "confirm", "from": me.name, "to": other.name, "username": other.name})
	others.until("receivelist")
	l.until("fetchroom")
	others.settle()
	l.settle()
	return l.roomNamed(other.name).number("roomid")
}
