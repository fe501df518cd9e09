package router_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// A socket opens with the token in any of three places, and says first that it is ready.
func TestSocketOpens(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	for name, with := range map[string]struct {
		query  string
		header http.Header
	}{
		"header":      {"", http.Header{"Authorization": {"Bearer " + alice.token}}},
		"subprotocol": {"", http.Header{"Sec-WebSocket-Protocol": {"parlor, bearer." + alice.token}}},
		"query":       {"?token=" + alice.token, nil},
	} {
		conn, response, err := s.dial(with.query, with.header)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := response.Header.Get("Sec-WebSocket-Protocol"); (got == "parlor") != (name == "subprotocol") {
			t.Errorf("%s: the subprotocol is %q", name, got)
		}
		if response.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no X-Request-Id", name)
		}
		var first frame
		if err := conn.ReadJSON(&first); err != nil || first.Op != "ready" {
			t.Fatalf("%s: %v, first came %+v", name, err, first)
		}
		ready := decode[struct {
			User       ownPerson `json:"user"`
			Session    string    `json:"session"`
			ServerTime int64     `json:"server_time"`
		}](t, "ready", first.Data)
		if ready.User.Identity != alice.identity || ready.Session != jwtClaims(t, alice.token)["jti"] || ready.ServerTime == 0 {
			t.Errorf("%s: ready with %+v", name, ready)
		}
		conn.Close()
	}
	_, response, err := s.dial("?token=nonsense", nil)
	if err == nil || response == nil || response.StatusCode != 401 {
		t.Errorf("nonsense opens: %v, %v", response, err)
	}
}

// The socket that sends has the message in its answer and hears nothing; the sender's others hear it with his client_id.
func TestSocketSends(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	first, second, phone := alice.socket(), alice.socket(), alice.login("phone").socket()
	bobs, outsider := bob.socket(), s.user("outsider").socket()

	sent := decode[message](t, "send", first.ok("message.send", fields{"room": room, "data": "hello", "client_id": "mine"}))
	if sent.Seq != 1 || sent.ClientID != "mine" || sent.Data != "hello" {
		t.Errorf("sent %+v", sent)
	}
	for _, socket := range []*socket{second, phone} {
		if got := heard[message](socket, "message.new"); !equalMessages(got, sent) {
			t.Errorf("another socket of alice heard %+v", got)
		}
	}
	foreign := sent
	foreign.ClientID = ""
	if got := heard[message](bobs, "message.new"); !equalMessages(got, foreign) {
		t.Errorf("bob heard %+v", got)
	}
	for _, socket := range []*socket{first, second, phone, bobs, outsider} {
		socket.quiet()
	}
	first.refused("invalid", "message.send", fields{"data": "x"}, "room")
	first.refused("invalid", "message.send", fields{"room": room}, "data")
	first.refused("invalid", "message.send", fields{"room": room, "data": "x", "dtaa": "x"}, "dtaa")
	first.refused("not_found", "message.send", fields{"room": "nowhere", "data": "x"})
	first.refused("invalid", "room.read", fields{"room": room}, "seq")
	first.refused("invalid", "no.such.op", fields{})

	me := decode[roomMe](t, "read", bobs.ok("room.read", fields{"room": room, "seq": 1}))
	if me.ReadSeq != 1 || me.Unread != 0 {
		t.Errorf("me is %+v", me)
	}
	for _, socket := range []*socket{first, second, phone} {
		socket.expect("room.read")
		socket.quiet()
	}
}

// What one socket sends without waiting is numbered in the order in which it was sent.
func TestSocketKeepsItsOrder(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	room := alice.group("in order")
	socket := alice.socket()
	var answers []chan frame
	for i := range 150 {
		body := fields{"room": room, "data": fmt.Sprint(i)}
		if i%3 == 0 {
			body["client_id"] = fmt.Sprint(i / 2 * 2) // some are retries of others
		}
		answers = append(answers, socket.start("message.send", body))
	}
	for _, answered := range answers {
		if f := socket.await(answered, "the answer to a send"); f.Op != "ok" {
			t.Fatalf("refused: %+v", f.Error)
		}
	}
	last := -1
	for _, m := range alice.history(room) {
		n, err := strconv.Atoi(m.Data)
		if err != nil || n <= last {
			t.Fatalf("after %d comes %q", last, m.Data)
		}
		last = n
	}
	checkSequence(t, alice.history(room), 1)
}

func TestTyping(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	room := alice.group("typing", bob, carol)
	alices, bobs, bobsOther, carols, outsider := alice.socket(), bob.socket(), bob.socket(), carol.socket(), s.user("outsider").socket()
	if got := bobs.ok("room.typing", fields{"room": room}); string(got) != "{}" {
		t.Errorf("typing was answered by %s", got)
	}
	for _, socket := range []*socket{alices, carols} {
		if got := heard[map[string]string](socket, "room.typing"); got["room"] != room || got["user"] != bob.identity || len(got) != 2 {
			t.Errorf("%s heard %v", socket.account, got)
		}
	}
	for _, socket := range []*socket{alices, bobs, bobsOther, carols, outsider} {
		socket.quiet()
	}
}

// Friends hear when somebody's first socket opens and when his last one has gone, and nothing between.
func TestPresence(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	stranger := s.user("stranger")
	alices, strangers := alice.socket(), stranger.socket()
	online := func(of ...*user) []string {
		t.Helper()
		var users []string
		for _, u := range of {
			users = append(users, u.identity)
		}
		return decode[struct {
			Online []string `json:"online"`
		}](t, "presence.get", alices.ok("presence.get", fields{"users": users})).Online
	}
	if got := online(bob, stranger); got == nil || len(got) > 0 {
		t.Errorf("online are %q", got)
	}
	first := bob.socket()
	alices.expectPresence(bob, true)
	second := bob.login("second").socket()
	if got := online(bob, stranger); !slices.Equal(got, []string{bob.identity}) {
		t.Errorf("online are %q", got)
	}
	first.close()
	if got := pages[friend](alice, "/friends", "10"); !got[0].Online {
		t.Error("bob is shown as offline")
	}
	second.close()
	alices.expectPresence(bob, false)
	if got := pages[friend](alice, "/friends", "10"); got[0].Online {
		t.Error("bob is shown as online")
	}
	third := bob.socket()
	alices.expectPresence(bob, true)
	third.quiet()
	strangers.quiet()
	if len(strangers.presence) > 0 {
		t.Errorf("a stranger heard %s", (<-strangers.presence).Data)
	}
	alices.refused("invalid", "presence.get", fields{}, "users")
}

type syncedRoom struct {
	Identity string    `json:"identity"`
	LastSeq  int64     `json:"last_seq"`
	Items    []message `json:"items"`
	More     bool      `json:"more"`
	Locked   bool      `json:"locked"`
}

// missed asks for what was missed, room by room.
func missed(s *socket, rooms fields) []syncedRoom {
	s.t.Helper()
	return decode[struct {
		Rooms []syncedRoom `json:"rooms"`
	}](s.t, "sync", s.ok("sync", fields{"rooms": rooms})).Rooms
}

func TestSync(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	private, outsiders := alice.roomWith(bob), alice.group("without bob")
	alice.send(outsiders, "not for bob")
	quiet, busy := alice.group("quiet", bob), alice.group("busy", bob)
	for i := range 3 {
		alice.send(private, fmt.Sprint(i))
	}
	sender := alice.socket()
	const total = 205
	for i := range total {
		sender.ok("message.send", fields{"room": busy, "data": fmt.Sprint(i)})
	}
	bobs := bob.socket()
	byRoom := func(rooms []syncedRoom) map[string]syncedRoom {
		all := map[string]syncedRoom{}
		for _, r := range rooms {
			all[r.Identity] = r
		}
		if len(all) != len(rooms) || len(all[outsiders].Items) > 0 {
			t.Errorf("sync shows %+v", rooms)
		}
		return all
	}
	// The busy room is one that bob does not know of yet.
	got := byRoom(missed(bobs, fields{private: 1, quiet: 0, outsiders: 0}))
	if r := got[private]; r.LastSeq != 3 || len(r.Items) != 2 || r.More || r.Items[0].Data != "1" {
		t.Errorf("private: %+v", r)
	}
	checkSequence(t, got[private].Items, 2)
	if r := got[quiet]; r.LastSeq != 0 || len(r.Items) > 0 || r.More {
		t.Errorf("quiet: %+v", r)
	}
	if r := got[busy]; r.LastSeq != total || len(r.Items) != 200 || !r.More {
		t.Errorf("busy: last %d, %d items, more %v", r.LastSeq, len(r.Items), r.More)
	}
	checkSequence(t, got[busy].Items, 1)
	got = byRoom(missed(bobs, fields{private: 3, quiet: 0, busy: 200}))
	if r := got[busy]; len(r.Items) != total-200 || r.More {
		t.Errorf("the rest of busy: %+v", r)
	}
	checkSequence(t, got[busy].Items, 201)
	if len(got[private].Items) > 0 {
		t.Errorf("private: %+v", got[private])
	}
	byRoom(missed(bobs, fields{private: 1 << 60}))
	bobs.refused("invalid", "sync", fields{"rooms": fields{private: -1}})
	bobs.refused("invalid", "sync", fields{"rooms": []string{private}}, "rooms")
}

func TestBrokenFrames(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	raw := func(socket *socket, kind int, text string) frame {
		t.Helper()
		socket.mu.Lock()
		answered := make(chan frame, 1)
		socket.answers[""] = answered
		err := socket.conn.WriteMessage(kind, []byte(text))
		socket.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		return socket.await(answered, "the answer to "+text)
	}
	broken := []string{`{`, `null`, `[]`, `"ping"`, `{}`, `{"id": "1"}`, `{"id": "1", "op": ""}`, `{"op": "ping"} {}`, ``}
	socket := alice.socket()
	for range 3 { // the socket stays open as long as something right comes between
		for _, text := range broken {
			if f := raw(socket, websocket.TextMessage, text); f.Op != "error" || f.ID != "" || f.Error.Code != "invalid" {
				t.Errorf("%s was answered by %+v", text, f)
			}
		}
		socket.quiet()
	}
	if f := raw(socket, websocket.BinaryMessage, `{"id": "1", "op": "ping"}`); f.Op != "error" {
		t.Errorf("a binary frame was answered by %+v", f)
	}
	socket.quiet()
	for range 10 {
		raw(socket, websocket.TextMessage, `{`)
	}
	socket.expectClose(4400)

	// A frame that is too large ends its socket; one of 64 KiB does not.
	socket = alice.socket()
	fitting := `{"id": "", "op": "ping", "data": {}` + strings.Repeat(" ", 64<<10-36) + `}`
	if f := raw(socket, websocket.TextMessage, fitting); f.Op != "ok" {
		t.Errorf("a frame of %d bytes was answered by %+v", len(fitting), f)
	}
	socket.mu.Lock()
	err := socket.conn.WriteMessage(websocket.TextMessage, []byte(strings.Repeat(" ", 64<<10+1)))
	socket.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	socket.expectClose(websocket.CloseMessageTooBig, 4400)
}
