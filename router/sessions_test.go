package router_test

import (
	"net/http"
	"testing"
	"time"

	"parlor/define"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	phone, tablet := alice.login("phone"), alice.login("tablet")
	phone.socket()
	all := pages[session](phone, "/sessions", "1")
	if len(all) != 3 || all[0].Device != "" || all[1].Device != "phone" || all[2].Device != "tablet" {
		t.Fatalf("the sessions are %+v", all)
	}
	for i, got := range all {
		if got.Identity == "" || got.IP == "" || got.CreatedAt == 0 || got.SeenAt < got.CreatedAt || got.ExpiresAt <= time.Now().UnixMilli() {
			t.Errorf("session %d is %+v", i, got)
		}
		if phones := i == 1; got.Current != phones || got.Online != phones {
			t.Errorf("session %d is %+v", i, got)
		}
	}
	tablet.delete("/sessions/"+all[0].Identity, nil).ok(204)
	alice.get("/users/me").refused("unauthenticated")
	tablet.delete("/sessions/"+all[0].Identity, nil).refused("not_found")
	tablet.delete("/sessions/nothing", nil).refused("not_found")
	tablet.delete("/sessions", nil).ok(204)
	phone.get("/users/me").refused("unauthenticated")
	if left := pages[session](tablet, "/sessions", "10"); len(left) != 1 || left[0].Identity != all[2].Identity {
		t.Errorf("left are %+v", left)
	}
}

// A session that ends takes its sockets with it, and no others.
func TestSocketsEndWithTheirSession(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	mine := alice.socket()

	phone := alice.login("phone")
	first, second := phone.socket(), phone.socket()
	phone.post("/logout", nil).ok(204)
	first.expectEnd("logout", 4401)
	second.expectEnd("logout", 4401)
	phone.post("/logout", nil).refused("unauthenticated")

	tablet := alice.login("tablet")
	tablets := tablet.socket()
	newer := alice.login("tablet")
	tablets.expectEnd("replaced", 4409)
	tablet.get("/users/me").refused("unauthenticated")
	newer.get("/users/me").ok(200)

	newers := newer.socket()
	alice.delete("/sessions", nil).ok(204)
	newers.expectEnd("revoked", 4401)
	if _, response, err := s.dial("", http.Header{"Authorization": {"Bearer " + newer.token}}); err == nil || response.StatusCode != 401 {
		t.Errorf("a revoked token opened a socket: %v %v", response, err)
	}
	mine.quiet()
	alice.get("/users/me").ok(200)
}

// Sessions without a name of their device are as many as one likes.
func TestNamelessDevicesReplaceNobody(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	other := alice.login("")
	alice.get("/users/me").ok(200)
	other.get("/users/me").ok(200)
}

func TestRenew(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	socket := alice.socket()
	renewed := into[credential](alice.post("/token", nil).ok(200))
	old, fresh := jwtClaims(t, alice.token), jwtClaims(t, renewed.Token)
	if old["jti"] != fresh["jti"] || old["sub"] != fresh["sub"] {
		t.Errorf("renewed %v as %v", old, fresh)
	}
	if exp, ok := fresh["exp"].(float64); !ok || int64(exp) != renewed.ExpiresAt/1000 {
		t.Errorf("expires_at is %d, the token says %v", renewed.ExpiresAt, fresh["exp"])
	}
	alice.get("/users/me").ok(200)
	s.ask("GET", "/users/me", renewed.Token, nil).ok(200)
	if all := pages[session](alice, "/sessions", "10"); len(all) != 1 || all[0].Identity != fresh["jti"] {
		t.Errorf("the sessions are %+v", all)
	}
	socket.quiet()
	s.ask("POST", "/logout", renewed.Token, nil).ok(204)
	alice.get("/users/me").refused("unauthenticated")
	alice.post("/token", nil).refused("unauthenticated")
}

// A device has one session, even when it logs in many times at the same moment.
func TestDeviceLogsInAtTheSameMoment(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	answers := make([]*answer, 8)
	together(len(answers), func(i int) {
		answers[i] = anyone{s}.post("/login", fields{"account": alice.account, "password": password, "device": "phone"})
	})
	good := 0
	for _, a := range answers {
		if s.ask("GET", "/users/me", into[login](a.ok(200)).Token, nil).status == 200 {
			good++
		}
	}
	if all := pages[session](alice, "/sessions", "10"); len(all) != 2 || good != 1 {
		t.Errorf("%d tokens are good, the sessions are %+v", good, all)
	}
}

// A session that nobody renews ends by itself, and its sockets with it.
func TestSessionExpires(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Auth.TokenTTL = 5 * time.Second })
	alice := s.user("alice")
	socket := alice.socket()
	socket.expectEnd("expired", 4401)
	alice.get("/users/me").refused("unauthenticated")
	alice.post("/token", nil).refused("unauthenticated")
}
