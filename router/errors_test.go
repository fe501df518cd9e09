package router_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"parlor/define"
	"parlor/service/hub"
)

// A body that is not what the call takes is refused by name, whatever is wrong with it.
func TestBodies(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	tests := []struct {
		name, method, path, body string
		code                     string
		fields                   []string
	}{
		{"not JSON", "POST", "/rooms", `{"name": `, "invalid", nil},
		{"not an object", "POST", "/rooms", `["name"]`, "invalid", nil},
		{"a string", "POST", "/rooms", `"name"`, "invalid", nil},
		{"two values", "POST", "/rooms", `{"name": "a"} {}`, "invalid", nil},
		{"nothing", "POST", "/rooms", ``, "invalid", []string{"name"}},
		{"an empty object", "POST", "/rooms", `{}`, "invalid", []string{"name"}},
		{"an unknown field", "POST", "/rooms", `{"name": "a", "nmae": "b"}`, "invalid", []string{"nmae"}},
		{"a wrong type", "POST", "/rooms", `{"name": 7}`, "invalid", []string{"name"}},
		{"a wrong list", "POST", "/rooms", `{"name": "a", "members": "bob"}`, "invalid", []string{"members"}},
		{"several wrong fields", "POST", "/rooms", `{"name": "", "join_policy": "x", "history": "y"}`, "invalid", []string{"name", "join_policy", "history"}},
		{"too long", "POST", "/rooms", `{"name": "` + strings.Repeat("名", 51) + `"}`, "invalid", []string{"name"}},
		{"a line break", "POST", "/rooms", `{"name": "a\nb"}`, "invalid", []string{"name"}},
		{"a fraction", "POST", "/rooms/x/read", `{"seq": 1.5}`, "invalid", []string{"seq"}},
		{"beyond 64 bits", "POST", "/rooms/x/read", `{"seq": 18446744073709551616}`, "invalid", []string{"seq"}},
		{"nobody named", "POST", "/friends/requests", `{}`, "invalid", []string{"to"}},
		{"a stranger as member", "POST", "/rooms", `{"name": "a", "members": ["nobody"]}`, "invalid", []string{"members"}},
		{"a sex that there is not", "PATCH", "/users/me", `{"sex": 3}`, "invalid", []string{"sex"}},
		{"a day that there is not", "PATCH", "/users/me", `{"birthday": "2001-02-29"}`, "invalid", []string{"birthday"}},
		{"far too large", "POST", "/rooms", `{"name": "` + strings.Repeat("a", 2<<20) + `"}`, "too_large", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := alice.ask(test.method, test.path, alice.token, test.body)
			a.t = t
			a.refused(test.code, test.fields...)
		})
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	room := alice.group("queries")
	for _, list := range []string{"/rooms", "/friends", "/friends/requests", "/friends/groups", "/blocks", "/sessions", "/users?q=a", "/rooms/" + room + "/members", "/rooms/" + room + "/messages"} {
		path := list + "?"
		if strings.Contains(list, "?") {
			path = list + "&"
		}
		alice.get(path + "limit=1").ok(200)
		alice.get(path + "limit=100").ok(200)
		for _, wrong := range []string{"0", "101", "-1", "ten", "1.5", "99999999999999999999"} {
			alice.get(path+"limit="+wrong).refused("invalid", "limit")
		}
		for _, wrong := range []string{"x", "!!", "bnVsbA", "e30x"} {
			alice.get(path+"cursor="+wrong).refused("invalid", "cursor")
		}
	}
	alice.get("/friends/requests?box=both").refused("invalid", "box")
	alice.get("/users").refused("invalid", "q")
	alice.get("/users?q=%20").refused("invalid", "q")
	alice.get("/rooms/"+room+"/members?role=king").refused("invalid", "role")
	alice.get("/rooms/"+room+"/messages?before_seq=x").refused("invalid", "before_seq")
	alice.get("/rooms/"+room+"/messages?after_seq=-1").refused("invalid", "after_seq")
	alice.get("/rooms/"+room+"/messages?after_seq=1&before_seq=5").refused("invalid", "after_seq")
}

func TestErrorsSpeakTheLanguageOfTheCaller(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	tests := []struct {
		accept  string
		chinese bool
	}{
		{"", false}, {"en", false}, {"zh", true}, {"zh-CN,zh;q=0.9,en;q=0.8", true}, {"en-US,en;q=0.9,zh;q=0.8", false},
		{"zh-Hant-TW", true}, {"de", false}, {"fr;q=0.9, zh;q=0.5", true}, {"not a header;;;", false},
	}
	for _, test := range tests {
		for _, call := range []*answer{
			alice.ask("GET", "/rooms/nowhere", alice.token, nil, "Accept-Language", test.accept),
			alice.ask("GET", "/rooms", "", nil, "Accept-Language", test.accept),
			alice.ask("POST", "/rooms", alice.token, `{"join_policy": "x"}`, "Accept-Language", test.accept),
			alice.ask("POST", "/rooms", alice.token, `{"nmae": "x"}`, "Accept-Language", test.accept),
			alice.ask("POST", "/rooms", alice.token, `{"name": 1}`, "Accept-Language", test.accept),
		} {
			e := into[errorBody](call).Error
			if isChinese(e.Message) != test.chinese {
				t.Errorf("%q: %s: message %q", test.accept, call.call, e.Message)
			}
			for name, text := range e.Fields {
				if isChinese(text) != test.chinese {
					t.Errorf("%q: %s: field %s: %q", test.accept, call.call, name, text)
				}
			}
		}
	}
}

func isChinese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	for id, sane := range map[string]bool{"my-own.id_7": true, strings.Repeat("a", 1000): false, "two words": false, "": false, `<script>`: false} {
		a := s.ask("GET", "/rooms", "", nil, "X-Request-Id", id)
		a.refused("unauthenticated")
		if got := a.header.Get("X-Request-Id"); (got == id) != sane {
			t.Errorf("the id %q was answered by %q", id, got)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	for media, accepted := range map[string]bool{
		"application/json": true, "application/json; charset=utf-8": true, "application/json; charset=UTF-8": true,
		"text/plain": false, "application/x-www-form-urlencoded": false, "application/json; charset=latin1": false, "multipart/form-data; boundary=x": false,
	} {
		a := alice.ask("PATCH", "/users/me", alice.token, `{"city": "北京"}`, "Content-Type", media)
		if accepted {
			a.ok(200)
		} else {
			a.refused("unsupported")
		}
	}
}

// A token opens everything or nothing, whatever is wrong with it.
func TestTokensThatAreNotGood(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	ended := alice.login("ended")
	ended.post("/logout", nil).ok(204)
	claims, err := s.tokens.Parse(alice.token)
	if err != nil {
		t.Fatal(err)
	}
	bad := s.badTokens(claims)
	bad["of a session that has ended"] = ended.token
	for _, route := range s.privateRoutes() {
		for name, token := range bad {
			s.ask(route.method, route.path, token, nil).refused("unauthenticated")
			if t.Failed() {
				t.Fatalf("%s %s with a token %s", route.method, route.path, name)
			}
		}
	}
	for name, token := range bad {
		_, response, err := s.dial("", http.Header{"Authorization": {"Bearer " + token}})
		if err == nil || response == nil || response.StatusCode != 401 {
			t.Errorf("a socket with a token %s: %v, %v", name, response, err)
		}
	}
	alice.get("/users/me").ok(200)
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Limits.Factor = 0.3 })
	s.user("alice")
	var refused *answer
	for range 20 {
		a := anyone{s}.post("/login", fields{"account": "bob", "password": password})
		if a.err == nil && a.status == 429 {
			refused = a
			break
		}
		a.refused("unauthenticated")
	}
	if refused == nil {
		t.Fatal("twenty guesses in a row were allowed")
	}
	refused.refused("rate_limited")
	if after := refused.header.Get("Retry-After"); after == "" || after == "0" {
		t.Errorf("Retry-After %q", after)
	}
	// One account that is under attack does not lock others out.
	anyone{s}.post("/login", fields{"account": "carol", "password": password}).refused("unauthenticated")
}

func TestNoSocketIsOpenedWhileTheServerStops(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(*define.Config) {})
	alice := s.user("alice")
	socket := alice.socket()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.services.Hub.Stop(ctx, hub.CloseReason{Code: define.CloseGoingAway}); err != nil {
		t.Error(err)
	}
	socket.expectClose(1001)
	_, response, err := s.dial("", http.Header{"Authorization": {"Bearer " + alice.token}})
	if err == nil || response == nil || response.StatusCode != 503 || response.Header.Get("Retry-After") == "" {
		t.Errorf("got %v, %v", response, err)
	}
}

// A name that nothing can have is one that nothing has, never a fault of the server.
func TestOddNames(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	for _, odd := range []string{"%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80", "%24where", "%7B%22%24ne%22:1%7D", "..", "%2e%2e", "%2F", "a%2Fb", "%F0%9F%98%80", strings.Repeat("x", 9000), "%20", "me%20"} {
		for _, r := range s.privateRoutes() {
			if !strings.Contains(r.path, ":") {
				continue
			}
			path := regexp.MustCompile(":[a-z]+").ReplaceAllString(r.path, odd)
			body, known := bodies()[r]
			if !known && strings.HasSuffix(r.path, "/groups/:name") && r.method == "PATCH" {
				body = fields{"name": "x"}
			} else if !known && r.method == "PATCH" {
				body = fields{"remark": "x"}
			}
			alice.ask(r.method, path, alice.token, body).refused("not_found")
		}
		for _, list := range []string{"/users?q=", "/friends?group=", "/friends?cursor=", "/rooms?cursor="} {
			if a := alice.get(list + odd); a.err != nil || a.status != 200 && a.status != 400 {
				t.Errorf("%s: status %d: %s, %v", a.call, a.status, a.body, a.err)
			}
		}
	}
	for _, odd := range []string{"a\x00b", "\xff", "\u2028", "😀"} {
		alice.post("/friends/requests", fields{"to": odd}).refused("not_found")
		alice.post("/rooms", fields{"name": "x", "members": []string{odd}}).refused("invalid", "members")
		alice.patch("/users/me", fields{"name": odd, "city": odd}).ok(200)
		alice.get("/users?q=n").ok(200)
	}
	for _, unseen := range []string{"a\x00b", "\u2028", " ", "two\nlines"} {
		alice.patch("/users/me", fields{"nickname": unseen}).refused("invalid", "nickname")
		alice.post("/rooms", fields{"name": unseen}).refused("invalid", "name")
	}
}

// Guesses were counted by account and e-mail together, so that another e-mail beside the account was another allowance.
func TestGuessesAreCountedByAccount(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(config *define.Config) { config.Limits.Factor = 0.2 })
	alice := s.user("alice")
	var last *answer
	for i := range 10 {
		guess := fields{"account": alice.account, "email": fmt.Sprintf("%d@example.com", i), "password": "a wrong guess"}
		if last = (anyone{s}).post("/login", guess); last.status == 429 {
			break
		}
	}
	last.refused("rate_limited")
}

// Handshakes with bad tokens cost a look into the database each, and were not counted against anybody.
func TestBadHandshakesAreLimited(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Limits.Factor = 0.01 })
	alice := s.user("alice")
	for status := 401; status != 429; {
		_, response, err := s.dial("?token=wrong", nil)
		if err == nil || response == nil || response.StatusCode != 401 && response.StatusCode != 429 {
			t.Fatalf("a handshake with a bad token: %v, %v", response, err)
		}
		status = response.StatusCode
	}
	alice.socket() // who has a good one is not locked out
}
