package router_test

import "testing"

// scenario is one call, what it answers, and what every socket hears of it.
type scenario struct {
	name   string
	caller *user
	method string
	path   string
	body   any
	status int    // where it succeeds
	code   string // where it is refused
	hear   hearing
}

// hearing says what each socket hears, in this order and nothing else. A socket that is not in it hears nothing.
type hearing map[*socket][]string

// play runs scenarios one after another in front of the same sockets.
func play(t *testing.T, audience []*socket, scenarios []scenario) {
	t.Helper()
	for _, s := range scenarios {
		s.play(t, audience)
	}
}

func (s scenario) play(t *testing.T, audience []*socket) {
	t.Helper()
	failed := t.Failed()
	defer func() {
		if t.Failed() && !failed {
			t.Logf("in the scenario %q", s.name)
		}
	}()
	a := s.caller.ask(s.method, s.path, s.caller.token, s.body)
	if s.code == "" {
		a.ok(s.status)
	} else if got := into[errorBody](a.ok(statusOf[s.code])).Error.Code; got != s.code {
		t.Errorf("%s: code %s, want %s", a.call, got, s.code)
	}
	for _, listener := range audience {
		for _, op := range s.hear[listener] {
			listener.expect(op)
		}
	}
	for _, listener := range audience {
		listener.quiet()
	}
}
