package router_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/helper"
)

// route is one call of the API.
type route struct{ method, path string }

// routes returns every route below /api/v1, without that prefix. HEAD is left out: it is GET without a body.
func (s *server) routes() (all []route) {
	s.t.Helper()
	engine, ok := s.http.Config.Handler.(*gin.Engine)
	if !ok {
		s.t.Fatalf("the routes of a %T can't be listed", s.http.Config.Handler)
	}
	for _, r := range engine.Routes() {
		if path, native := strings.CutPrefix(r.Path, "/api/v1"); native && r.Method != "HEAD" {
			all = append(all, route{r.Method, path})
		}
	}
	return all
}

// privateRoutes returns the routes that need a session.
func (s *server) privateRoutes() (private []route) {
	for _, r := range s.routes() {
		if !slices.Contains([]string{"/register", "/login", "/password/code", "/password/reset"}, r.path) {
			private = append(private, r)
		}
	}
	return private
}

// badTokens are forgeries of a good one.
func (s *server) badTokens(claims helper.Claims) map[string]string {
	s.t.Helper()
	now := time.Now()
	sign := func(t *helper.Tokens, user, session string, expires time.Time) string {
		token, err := t.Sign(user, session, now.Add(-time.Hour), expires)
		if err != nil {
			s.t.Fatal(err)
		}
		return token
	}
	others := helper.NewTokens([]byte("another secret of thirty-two bytes or more"))
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sub":%q,"jti":%q,"iat":%d,"exp":%d}`, claims.User, claims.Session, now.Unix(), now.Unix()+60)) + "."
	return map[string]string{
		"that is missing":                  "",
		"that is no token":                 "token",
		"signed by somebody else":          sign(others, claims.User, claims.Session, now.Add(time.Hour)),
		"without a signature":              none,
		"that has expired":                 sign(s.tokens, claims.User, claims.Session, now.Add(-time.Minute)),
		"of a session that there is not":   sign(s.tokens, claims.User, helper.NewIdentity(), now.Add(time.Hour)),
		"of somebody else for the session": sign(s.tokens, helper.NewIdentity(), claims.Session, now.Add(time.Hour)),
	}
}

// bodies are what the routes on a room take. A new route that takes a body must be added here.
func bodies() map[route]any {
	return map[route]any{
		{"PATCH", "/rooms/:room"}:                      fields{"name": "taken over"},
		{"PATCH", "/rooms/:room/me"}:                   fields{"pinned": true},
		{"POST", "/rooms/:room/unlock"}:                fields{"password": password},
		{"POST", "/rooms/:room/announcements"}:         fields{"content": "hello"},
		{"POST", "/rooms/:room/members"}:               fields{"members": []string{"somebody"}},
		{"PUT", "/rooms/:room/members/:user/role"}:     fields{"role": "admin"},
		{"PUT", "/rooms/:room/members/:user/silence"}:  fields{"seconds": 60},
		{"PUT", "/rooms/:room/owner"}:                  fields{"user": "somebody"},
		{"POST", "/rooms/:room/read"}:                  fields{"seq": 1},
		{"POST", "/rooms/:room/messages"}:              fields{"data": "hello"},
		{"PATCH", "/messages/:message"}:                fields{"data": "hello"},
		{"POST", "/messages/:message/recall"}:          nil,
		{"POST", "/messages/:message/transcription"}:   nil,
		{"POST", "/messages/:message/translation"}:     fields{"to": "es"},
		{"PUT", "/messages/:message/reactions/:emoji"}: nil,
	}
}

// onRoom calls every route on a room, and the socket's operations, and checks that each is refused with this code.
func (u *user) onRoom(room string, message int64, code string) {
	s := u.server
	s.t.Helper()
	called := 0
	takes := bodies()
	for _, r := range s.routes() {
		if !strings.Contains(r.path, ":room") && !strings.Contains(r.path, ":message") {
			continue
		}
		called++
		body, known := takes[r]
		if !known && r.method != "GET" && r.method != "DELETE" {
			s.t.Errorf("%s %s: what does it take? Add it to bodies", r.method, r.path)
		}
		path := strings.NewReplacer(":room", room, ":message", fmt.Sprint(message), ":user", u.identity, ":announcement", "none", ":emoji", "👍").Replace(r.path)
		if strings.Contains(path, ":") {
			s.t.Errorf("%s %s: what belongs there?", r.method, r.path)
		}
		u.ask(r.method, path, u.token, body).refused(code)
	}
	u.get("/search/messages?q=secret&room=" + room).refused(code)
	if called < 25 {
		s.t.Errorf("only %d routes on a room", called)
	}
	socket := u.socket()
	socket.refused(code, "message.send", fields{"room": room, "data": "hello"})
	socket.refused(code, "message.edit", fields{"message": message, "data": "hello"})
	socket.refused(code, "message.recall", fields{"message": message})
	socket.refused(code, "message.delete", fields{"message": message})
	socket.refused(code, "message.react", fields{"message": message, "emoji": "👍"})
	socket.refused(code, "room.read", fields{"room": room, "seq": 1})
	socket.refused(code, "room.typing", fields{"room": room})
	if synced := missed(socket, fields{room: 0}); len(synced) > 0 && synced[0].Identity == room {
		s.t.Errorf("sync showed the room: %+v", synced)
	}
	socket.quiet()
}

// Whoever is not in a room learns nothing of it, not even that it exists; whoever was in it when it was dissolved, only that.
func TestEveryCallOnARoom(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	leaver, outsider := s.user("leaver"), s.user("outsider")
	alice.befriend(leaver)
	room := alice.group("secret", bob, leaver)
	said := alice.send(room, "secret")
	leaver.delete("/rooms/"+room+"/members/"+leaver.identity, nil).ok(204)
	listener := bob.socket()

	for name, caller := range map[string]*user{"an outsider": outsider, "a former member": leaver} {
		caller.onRoom(room, said.Identity, "not_found")
		if t.Failed() {
			t.Fatalf("as %s", name)
		}
	}
	outsider.onRoom("no-such-room", 1<<50, "not_found")
	outsider.delete("/rooms/"+room+"/members/"+bob.identity, nil).refused("not_found")
	listener.quiet()
	private := alice.roomWith(bob)
	outsider.onRoom(private, alice.send(private, "between us").Identity, "not_found")

	alice.delete("/rooms/"+room, nil).ok(204)
	alice.onRoom(room, said.Identity, "gone")
	bob.onRoom(room, said.Identity, "gone")
	outsider.onRoom(room, said.Identity, "not_found")
	leaver.onRoom(room, said.Identity, "not_found")
}

// What one user has is nobody else's: identities of others' things are as good as none.
func TestOthersThings(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, mallory := s.user("alice"), s.user("mallory")
	bob := s.user("bob")
	request := into[friendRequest](alice.post("/friends/requests", fields{"to": bob.identity}).ok(201))
	session := pages[session](alice, "/sessions", "10")[0]
	alice.post("/friends/groups", fields{"name": "work"}).ok(201)
	play(t, []*socket{alice.socket(), bob.socket(), mallory.socket()}, []scenario{
		{name: "accept another's request", caller: mallory, method: "POST", path: "/friends/requests/" + request.Identity + "/accept", code: "not_found"},
		{name: "decline another's request", caller: mallory, method: "POST", path: "/friends/requests/" + request.Identity + "/decline", code: "not_found"},
		{name: "accept one's own request", caller: alice, method: "POST", path: "/friends/requests/" + request.Identity + "/accept", code: "not_found"},
		{name: "end another's session", caller: mallory, method: "DELETE", path: "/sessions/" + session.Identity, code: "not_found"},
		{name: "rename another's group", caller: mallory, method: "PATCH", path: "/friends/groups/work", body: fields{"name": "x"}, code: "not_found"},
		{name: "delete another's group", caller: mallory, method: "DELETE", path: "/friends/groups/work", code: "not_found"},
		{name: "remove who is no friend", caller: mallory, method: "DELETE", path: "/friends/" + alice.identity, code: "not_found"},
		{name: "remark on who is no friend", caller: mallory, method: "PATCH", path: "/friends/" + alice.identity, body: fields{"remark": "x"}, code: "not_found"},
		{name: "look at nobody", caller: mallory, method: "GET", path: "/users/nobody", code: "not_found"},
		{name: "befriend nobody", caller: mallory, method: "POST", path: "/friends/requests", body: fields{"to": "nobody"}, code: "not_found"},
		{name: "block nobody", caller: mallory, method: "PUT", path: "/blocks/nobody", code: "not_found"},
		{name: "read no message", caller: mallory, method: "GET", path: "/messages/abc", code: "not_found"},
	})
}
