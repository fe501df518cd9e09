package router_test

import (
	"fmt"
	"slices"
	"testing"
)

// notice returns the next notification that a socket is told of, which must be of this kind.
func (s *socket) notice(kind string) notification {
	s.t.Helper()
	n := decode[notification](s.t, kind, s.await(s.notices, "the notification "+kind).Data)
	if n.Kind != kind || n.IsRead || n.Identity == 0 || n.CreatedAt == 0 {
		s.t.Fatalf("%s was notified of %+v, want %s", s.account, n, kind)
	}
	return n
}

// unnoticed fails the test if a socket was told of a notification that nobody has asked for.
func (s *socket) unnoticed() {
	s.t.Helper()
	s.ok("ping", fields{})
	select {
	case f := <-s.notices:
		s.t.Errorf("%s was notified of %s", s.account, f.Data)
	default:
	}
}

// Everything that is to be known is stored for who is away and pushed to who is here, once, and to nobody else.
func TestNotifications(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob, carol := s.user("alice"), s.user("bob"), s.user("carol")
	alices, bobs := alice.socket(), bob.socket() // carol is away
	all := map[*socket][]notification{}
	told := func(who *socket, kind string, by *user) notification {
		t.Helper()
		n := who.notice(kind)
		if n.Sender.Identity != by.identity {
			t.Errorf("%s was notified of %+v", who.account, n)
		}
		all[who] = append(all[who], n)
		for _, one := range []*socket{alices, bobs} {
			if one != who {
				one.unnoticed()
			}
		}
		who.unnoticed()
		return n
	}

	request := into[friendRequest](alice.post("/friends/requests", fields{"to": bob.identity}).ok(201)).Identity
	if n := told(bobs, "friend.requested", alice); n.Content.Request != request {
		t.Errorf("%+v", n)
	}
	bob.post("/friends/requests/"+request+"/decline", nil).ok(200)
	if n := told(alices, "friend.declined", bob); n.Content.Request != request || n.Content.State != "declined" {
		t.Errorf("%+v", n)
	}
	request = into[friendRequest](alice.post("/friends/requests", fields{"to": bob.identity}).ok(201)).Identity
	told(bobs, "friend.requested", alice)
	private := into[friend](bob.post("/friends/requests/"+request+"/accept", nil).ok(200)).RoomIdentity
	if n := told(alices, "friend.accepted", bob); n.Content.Room != private {
		t.Errorf("%+v", n)
	}
	group := alice.group("news", bob)
	on := "/rooms/" + group
	if n := told(bobs, "member.joined", alice); n.Content.Room != group {
		t.Errorf("%+v", n)
	}
	alice.put(on+"/members/"+bob.identity+"/role", fields{"role": "admin"}).ok(200)
	if n := told(bobs, "member.updated", alice); n.Content.Role != "admin" || n.Content.Room != group {
		t.Errorf("%+v", n)
	}
	alice.put(on+"/members/"+bob.identity+"/role", fields{"role": "admin"}).ok(200) // it changes nothing
	bobs.unnoticed()
	mention := into[message](bob.post(on+"/messages", fields{"data": "hey", "mentions": []string{alice.identity, alice.identity, bob.identity}}).ok(201))
	if n := told(alices, "message.mentioned", bob); n.Content.Message != mention.Identity || n.Content.Room != group {
		t.Errorf("%+v", n)
	}
	mention = into[message](bob.post(on+"/messages", fields{"data": "hey", "mentions": []string{"all", alice.identity}}).ok(201))
	if n := told(alices, "message.mentioned", bob); n.Content.Message != mention.Identity {
		t.Errorf("%+v", n)
	}
	announced := into[announcement](alice.post(on+"/announcements", fields{"content": "x"}).ok(201))
	if n := told(bobs, "announcement.new", alice); n.Content.Announcement != announced.Identity || n.Content.Message != announced.MessageIdentity {
		t.Errorf("%+v", n)
	}
	alice.patch(on, fields{"join_policy": "approval"}).ok(200)
	asked := into[invitation](carol.post("/rooms/join", fields{"number": alice.room(group).Number}).ok(202))
	n := alices.notice("invitation.pending")
	all[alices] = append(all[alices], n)
	if n.Content.Invitation != asked.Identity || n.Sender.Identity != carol.identity {
		t.Errorf("%+v", n)
	}
	told(bobs, "invitation.pending", carol) // he is an admin
	bob.post("/invitations/"+asked.Identity+"/approve", nil).ok(200)
	alices.unnoticed()
	alice.put(on+"/owner", fields{"user": bob.identity}).ok(200)
	if n := told(bobs, "member.updated", alice); n.Content.Role != "owner" {
		t.Errorf("%+v", n)
	}
	bob.delete(on+"/members/"+alice.identity, nil).ok(204)
	if n := told(alices, "member.left", bob); n.Content.Room != group {
		t.Errorf("%+v", n)
	}
	bob.delete(on, nil).ok(204)
	bobs.unnoticed()

	// What was pushed is what is stored, newest first; carol finds what she has missed.
	for socket, pushed := range all {
		slices.Reverse(pushed)
		for _, limit := range []string{"1", "3", "100"} {
			if stored := pages[notification](socket.user, "/notifications", limit); !slices.Equal(stored, pushed) {
				t.Errorf("%s has %+v, was told of %+v", socket.account, stored, pushed)
			}
		}
	}
	var kinds []string
	for _, n := range pages[notification](carol, "/notifications", "2") {
		kinds = append(kinds, n.Kind)
	}
	if want := []string{"room.dissolved", "invitation.decided"}; !slices.Equal(kinds, want) {
		t.Errorf("carol finds %q, want %q", kinds, want)
	}
}

// Notifications are marked as read one by one or all, by their receiver alone, and his devices learn of it.
func TestReadNotifications(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	private := alice.roomWith(bob)
	for i := range 5 {
		bob.post("/rooms/"+private+"/messages", fields{"data": fmt.Sprint(i), "mentions": []string{alice.identity}}).ok(201)
	}
	list := pages[notification](alice, "/notifications", "100") // five, and that bob has accepted
	if len(list) != 6 {
		t.Fatalf("alice has %+v", list)
	}
	phone := alice.login("phone").socket()
	check := func(what string, read ...int) {
		t.Helper()
		for i, n := range pages[notification](alice, "/notifications", "2") {
			if n.IsRead != slices.Contains(read, i) {
				t.Errorf("%s: %d is read: %v", what, i, n.IsRead)
			}
		}
	}
	type readEvent struct {
		Identities []int64 `json:"identities"`
		All        bool    `json:"all"`
	}
	bob.post("/notifications/read", fields{"identities": []int64{list[0].Identity}}).ok(204)
	bob.post("/notifications/read", fields{"all": true}).ok(204)
	check("another tried")
	phone.quiet()
	some := []int64{list[1].Identity, list[3].Identity}
	alice.post("/notifications/read", fields{"identities": some}).ok(204)
	check("some", 1, 3)
	if got := heard[readEvent](phone, "notification.read"); !slices.Equal(got.Identities, some) || got.All {
		t.Errorf("her phone heard %+v", got)
	}
	alice.post("/notifications/read", fields{"all": true, "identities": []int64{}}).ok(204)
	check("all", 0, 1, 2, 3, 4, 5)
	if got := heard[readEvent](phone, "notification.read"); len(got.Identities) != 0 || !got.All {
		t.Errorf("her phone heard %+v", got)
	}
	for _, body := range []fields{{}, {"all": false}, {"all": true, "identities": some}} {
		alice.post("/notifications/read", body).refused("invalid", "identities")
	}
	phone.quiet()
}
