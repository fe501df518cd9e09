package router_test

import (
	"testing"

	"parlor/define"
)

// What the server limits is refused in the words of this face, with a status that its page shows.
func TestCotalkLimits(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Limits.Factor = 0.05 })
	ann := s.cotalker("ann")
	var refused *cotalkAnswer
	for range 50 {
		a := s.cotalk(cotalkCall{method: "POST", path: "/api/user/login", body: fields{"user_name": ann.name, "password": "wrong"}})
		if a.err != nil {
			t.Fatal(a.err)
		}
		if a.status != 401 {
			refused = a
			break
		}
	}
	if refused == nil {
		t.Fatal("a password may be guessed as often as one likes")
	}
	if got := refused.fields(); refused.status != 429 || got["code"] != -6.0 || got["info"] == "" {
		t.Errorf("%d %s", refused.status, refused.raw)
	}
}

// A face that is closed is not there.
func TestCotalkClosed(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Faces.Cotalk.Enabled = false })
	for _, path := range []string{"/api/user/search", "/api/chat/1/detail", "/ws/main/1/x"} {
		if a := s.cotalk(cotalkCall{method: "GET", path: path}); a.err != nil || a.status != 404 {
			t.Errorf("%s: %d %v", path, a.status, a.err)
		}
	}
}

// A room that its member has locked says nothing, here either.
func TestCotalkLockedRoom(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob := s.cotalker("ann"), s.cotalker("bob")
	chat := ann.befriend(bob)
	anns := ann.socket()
	native := ann.native()
	room := native.roomWith(bob.native())
	native.patch("/rooms/"+room+"/me", fields{"locked": true}).ok(200)
	secret := bob.say(chat, "secret")
	ann.ask("DELETE", messagePath(secret), fields{"user_id": ann.number, "is_remove": true}).locked()
	for _, path := range []string{chatPath(chat, "/messages"), messagePath(secret)} {
		ann.ask("GET", path+ann.me(), nil).locked()
	}
	native.patch("/rooms/"+room+"/me", fields{"locked": false, "password": ann.password}).ok(200)
	open := bob.say(chat, "open")
	anns.hears(messageFrame("send message", bob, chat, open)) // and of the one before nothing
}

func (a *cotalkAnswer) locked() {
	a.t.Helper()
	if got := a.fields(); a.status != 401 || got["code"] != -2.0 || got["msg_text"] != nil || got["messages"] != nil {
		a.t.Errorf("%s: %d %s", a.call, a.status, a.raw)
	}
}
