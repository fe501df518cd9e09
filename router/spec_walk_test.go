package router_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parlor/define"
)

// checkedTransport compares every exchange that goes through it with openapi.yaml.
type checkedTransport struct {
	http.RoundTripper
	t    *testing.T
	spec *spec

	mu   sync.Mutex
	seen map[string]bool // operations with their status
}

// RoundTrip implements http.RoundTripper.
func (c *checkedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	e := exchange{method: r.Method, target: r.URL.RequestURI(), contentType: r.Header.Get("Content-Type")}
	var err error
	if r.Body != nil {
		if e.body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(e.body))
	}
	response, err := c.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if e.answer, err = io.ReadAll(response.Body); err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(e.answer))
	e.status, e.header = response.StatusCode, response.Header
	operation, err := c.spec.check(e)
	if err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[operation] = true
	return response, nil
}

// checked returns the same server as seen through the documents.
func (s *spec) checked(t *testing.T, of *server) (*server, *checkedTransport) {
	transport := &checkedTransport{RoundTripper: of.client.Transport, t: t, spec: s, seen: map[string]bool{}}
	i := *of.instance
	i.client = &http.Client{Timeout: patience, Transport: transport}
	return &server{&i, t}, transport
}

// Every call succeeds in each of the ways that openapi.yaml knows, and is refused in most.
func TestSpecWalk(t *testing.T) {
	t.Parallel()
	spec := loadSpec(t)
	s, transport := spec.checked(t, sharedServer(t))
	alice, bob, carol := s.user("alice"), s.user("bob"), s.user("carol")
	walkAccounts(s, alice)
	walkEmail(s, alice)
	private := walkFriends(alice, bob, carol)
	walkRooms(alice, bob, carol)
	walkWaysIn(s, alice, bob)
	walkChanges(alice, bob, private)
	walkLocked(alice, private)
	walkNotifications(alice, bob)
	walkFiles(alice, bob, private)
	walkWords(alice, private)
	alice.get("/calls/ice").ok(200)
	walkMessages(alice, bob, private)
	walkRefusals(s, alice)
	for path, item := range spec.openapi.Paths.Map() {
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				if call := method + " " + path + " " + status; status[0] == '2' && !transport.seen[call] {
					t.Errorf("the walk has not seen %s", call)
				}
			}
		}
	}
}

func walkAccounts(s *server, alice *user) {
	s.t.Helper()
	alice.post("/token", nil).ok(200)
	phone, tablet := alice.login("phone"), alice.login("tablet")
	sessions := into[list[session]](alice.get("/sessions?limit=2").ok(200))
	alice.get("/sessions?limit=2&cursor=" + sessions.Next).ok(200)
	alice.delete("/sessions/"+sessions.Items[1].Identity, nil).ok(204)
	phone.get("/users/me").refused("unauthenticated")
	alice.delete("/sessions/"+sessions.Items[1].Identity, nil).refused("not_found")
	tablet.post("/logout", nil).ok(204)
	alice.delete("/sessions", nil).ok(204)

	alice.get("/users/me").ok(200)
	alice.patch("/users/me", fields{
		"nickname": "Alice", "sex": 2, "phone": "1", "description": "d", "name": "n", "birthday": "2000-02-29",
		"province": "p", "city": "c", "avatar": "",
	}).ok(200)
	alice.patch("/users/me", fields{"sex": 3, "nickname": ""}).refused("invalid", "sex", "nickname")
	other := s.user("other")
	alice.put("/users/me/account", fields{"account": other.account, "password": password}).refused("conflict")
	alice.put("/users/me/account", fields{"account": "x-" + alice.account, "password": "wrong"}).refused("forbidden")
	alice.put("/users/me/account", fields{"account": "x-" + alice.account, "password": password}).ok(200)
	alice.put("/users/me/password", fields{"old_password": "wrong", "new_password": password}).refused("forbidden")
	alice.put("/users/me/password", fields{"old_password": password, "new_password": password}).ok(204)
	alice.get("/users?q=" + other.account).ok(200)
	alice.get("/users?contains=true&q=" + other.account[1:]).ok(200)
	other.delete("/users/me", fields{"password": "wrong"}).refused("forbidden")
	other.delete("/users/me", fields{"password": password}).ok(204)
	alice.get("/users/" + other.identity).ok(200) // cancelled
	alice.get("/users/nobody").refused("not_found")
	anyone{s}.post("/register", fields{"account": "x-" + alice.account, "password": password, "email": "a@example.com"}).refused("conflict")
	anyone{s}.post("/login", fields{"email": "a@example.com", "password": password}).refused("unauthenticated")
}

func walkFriends(alice, bob, carol *user) (private string) {
	alice.t.Helper()
	asked := into[friendRequest](alice.post("/friends/requests", fields{"to": bob.account, "message": "hello"}).ok(201))
	alice.post("/friends/requests", fields{"to": bob.identity}).refused("conflict")
	alice.post("/friends/requests", fields{"to": "nobody at all"}).refused("not_found")
	bob.get("/friends/requests?box=in").ok(200)
	bob.post("/friends/requests/"+asked.Identity+"/decline", nil).ok(200)
	bob.post("/friends/requests/"+asked.Identity+"/accept", nil).refused("conflict")
	alice.post("/friends/requests/"+asked.Identity+"/decline", nil).refused("not_found")
	private = alice.befriend(bob)
	carol.post("/friends/requests", fields{"to": alice.identity}).ok(201)
	alice.post("/friends/requests", fields{"to": carol.identity}).ok(200)
	alice.get("/friends?group=ungrouped&limit=1").ok(200)
	alice.get("/users/" + bob.identity).ok(200)

	alice.post("/friends/groups", fields{"name": "a/b"}).ok(201)
	alice.post("/friends/groups", fields{"name": "a/b"}).refused("conflict")
	alice.patch("/friends/"+bob.identity, fields{"group": "a/b", "remark": "Bobby"}).ok(200)
	alice.get("/friends/groups").ok(200)
	alice.patch("/friends/groups/a%2Fb", fields{"name": "c"}).ok(200)
	alice.delete("/friends/groups/c", nil).ok(204)
	alice.delete("/friends/groups/c", nil).refused("not_found")

	carol.put("/blocks/"+bob.identity, nil).ok(204)
	carol.put("/blocks/"+carol.identity, nil).refused("invalid", "identity")
	carol.get("/blocks").ok(200)
	bob.post("/friends/requests", fields{"to": carol.identity}).refused("forbidden")
	carol.delete("/blocks/"+bob.identity, nil).ok(204)
	return private
}

func walkRooms(alice, bob, carol *user) {
	alice.t.Helper()
	room := into[room](alice.post("/rooms", fields{
		"name": "tea", "info": "i", "members": []string{bob.identity, carol.identity}, "join_policy": "open", "history": "all",
	}).ok(201)).Identity
	bob.post("/rooms", fields{"name": "x", "members": []string{carol.identity}}).refused("invalid", "members")
	alice.get("/rooms?limit=2").ok(200)
	bob.get("/rooms/" + room).ok(200)
	bob.get("/rooms/" + room + "/members?role=member").ok(200)
	bob.delete("/rooms/"+room+"/members/"+carol.identity, nil).refused("forbidden")
	alice.delete("/rooms/"+room+"/members/"+alice.identity, nil).refused("forbidden")
	alice.delete("/rooms/"+room+"/members/"+carol.identity, nil).ok(204)
	carol.get("/rooms/" + room).refused("not_found")
	alice.get("/rooms/" + room + "/messages").ok(200) // with a system message
	alice.get("/rooms").ok(200)                       // and here as the last one
	bob.delete("/rooms/"+room, nil).refused("forbidden")
	alice.delete("/rooms/"+room, nil).ok(204)
	bob.post("/rooms/"+room+"/messages", fields{"data": "late"}).refused("gone")
}

func walkMessages(alice, bob *user, private string) {
	alice.t.Helper()
	messages := "/rooms/" + private + "/messages"
	first := alice.send(private, "hello")
	answer := fields{"type": "text", "data": "hi", "reply_to": first.Identity, "mentions": []string{alice.identity, "all"}, "client_id": "1"}
	bob.post(messages, answer).ok(201)
	bob.post(messages, answer).ok(200)
	bob.post(messages, fields{"data": "hi", "reply_to": 1 << 52}).refused("not_found")
	alice.post(messages, fields{"type": "image", "data": "hi"}).refused("invalid", "file")
	alice.get(messages + "?before_seq=9&limit=1").ok(200)
	alice.get(messages + "?after_seq=0").ok(200)
	alice.get(messages+"?after_seq=0&before_seq=9").refused("invalid", "after_seq")
	alice.get(messages + "?sender=" + bob.identity + "&type=text,notice&from=0&to=9999999999999&q=hi&mentions=me").ok(200)
	alice.get(messages+"?type=letter&from=-1&mentions=bob").refused("invalid", "from", "mentions", "type[0]")
	alice.get("/search/messages?q=hi&room=" + private + "&sender=" + bob.identity + "&type=text&from=0&to=9999999999999").ok(200)
	alice.get("/search/messages?q=hi&room=nowhere").refused("not_found")
	alice.get(fmt.Sprint("/messages/", first.Identity)).ok(200)
	alice.get(fmt.Sprint("/messages/", 1<<52)).refused("not_found")
	alice.post("/rooms/"+private+"/read", fields{"seq": 2}).ok(200)
	alice.get("/rooms/" + private).ok(200)
	alice.delete("/friends/"+bob.identity, nil).ok(204)
	bob.post(messages, fields{"data": "closed"}).refused("forbidden")
	bob.delete("/friends/"+alice.identity, nil).refused("not_found")
}

func walkWords(alice *user, private string) {
	alice.t.Helper()
	spoken, written := alice.say(private, "hello"), alice.send(private, "hello")
	alice.transcribe(spoken).ok(200)
	alice.transcribe(written).refused("invalid", "message")
	alice.translateMessage(written, "es").ok(200)
	alice.translateMessage(written, "?").refused("invalid", "to")
	alice.translate("hello", "en", "es").ok(200)
	alice.post("/translations", fields{"from": "?"}).refused("invalid", "from", "text", "to")
}

func walkRefusals(s *server, alice *user) {
	s.t.Helper()
	alice.post("/rooms", "{").refused("invalid")
	alice.post("/rooms", fields{"name": strings.Repeat("a", 2<<20)}).refused("too_large")
	s.ask("POST", "/rooms", alice.token, "name=a", "Content-Type", "application/x-www-form-urlencoded").refused("unsupported")
	for path, status := range map[string]int{"/healthz": 200, "/ws": 400} {
		response, err := s.client.Get(s.url + path)
		must(s.t, err)
		response.Body.Close()
		if response.StatusCode != status {
			s.t.Errorf("%s: status %d", path, response.StatusCode)
		}
	}
	response, err := s.client.Head(s.url + "/healthz")
	must(s.t, err)
	response.Body.Close()
}

// A caller who asks too often is refused in the words of the document as well.
func TestSpecRateLimit(t *testing.T) {
	t.Parallel()
	s, transport := loadSpec(t).checked(t, newServer(t, func(c *define.Config) { c.Limits.Factor = 0.001 }))
	nobody := &user{server: s}
	nobody.get("/users/me").refused("unauthenticated")
	nobody.get("/users/me").refused("rate_limited")
	if !transport.seen["GET /api/v1/users/me 429"] {
		t.Error("the document was not asked")
	}
}

// checkedSocket is a client of /ws that compares every frame with asyncapi.yaml.
type checkedSocket struct {
	t     *testing.T
	spec  *spec
	conn  *websocket.Conn
	asked map[string]string
	heard map[string]bool // ops of pushes and, with "?", of requests that were answered
	last  []byte          // the frame that was waited for
}

func (s *spec) socket(u *user, heard map[string]bool) *checkedSocket {
	u.t.Helper()
	conn, _, err := u.dial("?token="+u.token, nil)
	must(u.t, err)
	u.t.Cleanup(func() { conn.Close() })
	c := &checkedSocket{t: u.t, spec: s, conn: conn, asked: map[string]string{}, heard: heard}
	c.until(define.EventReady)
	return c
}

// until reads frames up to the first one of this op.
func (c *checkedSocket) until(op string) {
	c.t.Helper()
	must(c.t, c.conn.SetReadDeadline(time.Now().Add(patience)))
	for got := ""; got != op; {
		_, text, err := c.conn.ReadMessage()
		if err != nil {
			c.t.Fatalf("waiting for %s: %v", op, err)
		}
		if got, err = c.spec.frame(text, c.asked); err != nil {
			c.t.Error(err)
			return
		}
		c.heard[got], c.last = true, text
	}
}

// ask sends a request and reads up to its answer.
func (c *checkedSocket) ask(op string, data any, answer string) {
	c.t.Helper()
	text, err := json.Marshal(fields{"id": strconv.Itoa(len(c.asked)), "op": op, "data": data})
	must(c.t, err)
	if _, err := c.spec.frame(text, c.asked); err != nil && answer == define.OpOK {
		c.t.Error(err)
	}
	must(c.t, c.conn.WriteMessage(websocket.TextMessage, text))
	c.until(answer)
	c.heard["?"+op] = c.heard["?"+op] || answer == define.OpOK
}

// Every op is asked and every event heard that the server can push.
func TestSpecSocketWalk(t *testing.T) {
	t.Parallel()
	spec := loadSpec(t)
	s := sharedServer(t)
	alice, bob, heard := s.user("alice"), s.user("bob"), map[string]bool{}
	alices, bobs := spec.socket(alice, heard), spec.socket(bob, heard)
	asked := into[friendRequest](alice.post("/friends/requests", fields{"to": bob.identity}).ok(201))
	bob.post("/friends/requests/"+asked.Identity+"/decline", nil).ok(200)
	bobs.until(define.EventFriendDeclined)
	private := alice.befriend(bob)
	alices.until(define.EventRoomCreated)
	other := spec.socket(bob.login("phone"), heard)

	send := fields{"room": private, "data": "hello", "mentions": []string{bob.identity}, "client_id": "1"}
	alices.ask(define.OpMessageSend, send, define.OpOK)
	bobs.until(define.EventMessageNew)
	bobs.ask(define.OpRoomTyping, fields{"room": private}, define.OpOK)
	alices.until(define.EventRoomTyping)
	bobs.ask(define.OpRoomRead, fields{"room": private, "seq": 1}, define.OpOK)
	alices.until(define.EventRoomRead)
	bobs.ask(define.OpSync, fields{"rooms": map[string]int{private: 0}}, define.OpOK)
	bobs.ask(define.OpPresenceGet, fields{"users": []string{alice.identity}}, define.OpOK)
	bobs.ask(define.OpPing, fields{}, define.OpOK)
	bobs.ask(define.OpRoomRead, fields{"room": private, "seq": -1}, define.OpError)
	bobs.ask("nonsense", fields{}, define.OpError)
	must(t, bobs.conn.WriteMessage(websocket.TextMessage, []byte("[]")))
	bobs.until(define.OpError)

	changeOverSocket(alice, alices, bobs, private)
	callOverSocket(alices, bobs, bob, private)
	group := alice.group("group", bob)
	bob.delete("/rooms/"+group+"/members/"+bob.identity, nil).ok(204)
	alices.until(define.EventMemberLeft)
	bobs.until(define.EventMemberLeft)
	inviteAndAnnounce(s, alice, alices, group)
	alice.delete("/rooms/"+group, nil).ok(204)
	alices.until(define.EventRoomDissolved)
	changeOwnThings(alice, alices, bob)
	alice.delete("/friends/"+bob.identity, nil).ok(204)
	alices.until(define.EventFriendRemoved)
	alice.befriend(bob)
	alices.until(define.EventRoomUpdated)
	bob.delete("/sessions", nil).ok(204)
	other.until(define.EventSessionEnded)
	carol := s.user("carol")
	alice.befriend(carol)
	spec.socket(carol, heard)
	alices.until(define.EventPresence)
	carol.group("bequeathed", alice)
	carol.delete("/users/me", fields{"password": carol.password}).ok(204)
	alices.until(define.EventMemberUpdated)

	for _, op := range spec.operations("send") {
		if !heard[op] {
			t.Errorf("%s was not pushed", op)
		}
	}
	for _, op := range spec.operations("receive") {
		if !heard["?"+op] {
			t.Errorf("%s was not asked", op)
		}
	}
}
