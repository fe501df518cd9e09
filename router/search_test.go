package router_test

import (
	"fmt"
	"net/url"
	"testing"
)

func found(u *user, path string) []string {
	u.t.Helper()
	texts := []string{}
	for _, m := range pages[message](u, path, "2") {
		texts = append(texts, m.Data)
	}
	return texts
}

func TestSearchMessages(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	private, group := alice.roomWith(bob), alice.group("search", bob)
	alice.send(private, "Meet me at the Station, 北京西站!")
	bob.send(group, "The stationery is in the drawer")
	alice.send(group, "我在北京的火车站等你")
	alice.send(group, "pizza? ok 👍")
	other := carol.roomWith(alice)
	carol.send(other, "a station that bob must not find")

	for _, test := range []struct {
		q    string
		want []string
	}{
		{"station", []string{"The stationery is in the drawer", "Meet me at the Station, 北京西站!"}},
		{"TATIO", []string{"The stationery is in the drawer", "Meet me at the Station, 北京西站!"}},
		{"at the station", []string{"Meet me at the Station, 北京西站!"}},
		{"北京", []string{"我在北京的火车站等你", "Meet me at the Station, 北京西站!"}},
		{"站", []string{"我在北京的火车站等你", "Meet me at the Station, 北京西站!"}},
		{"火车站", []string{"我在北京的火车站等你"}},
		{"is in", []string{"The stationery is in the drawer"}},
		{"me", []string{"Meet me at the Station, 北京西站!"}},
		{"a? ok", []string{"pizza? ok 👍"}},
		{"👍", []string{"pizza? ok 👍"}},
		{"nowhere", []string{}},
	} {
		got := found(bob, "/search/messages?q="+url.QueryEscape(test.q))
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%q finds %q, want %q", test.q, got, test.want)
		}
	}
	if got := found(bob, "/search/messages?q=station&room="+private); len(got) != 1 {
		t.Errorf("in one room: %q", got)
	}
	if got := found(bob, "/rooms/"+group+"/messages?sender="+alice.identity); fmt.Sprint(got) != fmt.Sprint([]string{"pizza? ok 👍", "我在北京的火车站等你"}) {
		t.Errorf("alice said %q", got)
	}
	if got := found(bob, "/rooms/"+group+"/messages?type=text&after_seq=1"); fmt.Sprint(got) != fmt.Sprint([]string{"我在北京的火车站等你", "pizza? ok 👍"}) {
		t.Errorf("after the first: %q", got)
	}
	bob.get("/search/messages?q=station&room=" + other).refused("not_found")
	bob.get("/search/messages").refused("invalid", "q")
}
