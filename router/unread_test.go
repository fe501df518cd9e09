package router_test

import (
	"fmt"
	"slices"
	"testing"
)

// checkMe compares the caller's side of a room, as its own call and as the list shows it.
func (u *user) checkMe(what, room string, unread, mentioned int64) {
	u.t.Helper()
	if me := u.room(room).Me; me.Unread != unread || me.Mentioned != mentioned {
		u.t.Errorf("%s: %s has %d unread and %d mentions, want %d and %d", what, u.account, me.Unread, me.Mentioned, unread, mentioned)
	}
	for _, r := range pages[roomView](u, "/rooms", "100") {
		if r.Identity == room && (r.Me.Unread != unread || r.Me.Mentioned != mentioned) {
			u.t.Errorf("%s: the list shows %s %+v", what, u.account, r.Me)
		}
	}
}

// Unread messages and mentions are counted right after each recall, deletion, clearing and reading.
func TestUnread(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	group := alice.group("counting", bob, carol)
	on := "/rooms/" + group
	mention := func(who ...string) message {
		t.Helper()
		return into[message](alice.post(on+"/messages", fields{"data": "hey", "mentions": who}).ok(201))
	}
	var said []message // 1 to 8
	said = append(said, alice.send(group, "1"), mention(bob.identity, bob.identity), mention("all"), mention(carol.identity, "all"), alice.send(group, "5"))
	bob.checkMe("after five", group, 5, 3)
	carol.checkMe("after five", group, 5, 2)
	alice.checkMe("one's own", group, 0, 0)

	alice.post(said[1].path()+"/recall", nil).ok(200)
	bob.checkMe("a mention was recalled", group, 4, 2)
	carol.checkMe("somebody else's mention was recalled", group, 4, 2)
	bob.delete(said[2].path(), nil).ok(204)
	bob.delete(said[2].path(), nil).refused("not_found")
	bob.checkMe("a mention was deleted", group, 3, 1)
	carol.checkMe("another deleted one", group, 4, 2)
	alice.post(said[2].path()+"/recall", nil).ok(200)
	bob.checkMe("what was deleted was recalled too", group, 3, 1)
	carol.checkMe("and for another", group, 3, 1)

	bob.post(on+"/read", fields{"seq": 3}).ok(200)
	bob.checkMe("read to the third", group, 2, 1)
	bob.post(on+"/read", fields{"seq": 1}).ok(200)
	bob.checkMe("reading does not go back", group, 2, 1)
	alice.post(said[0].path()+"/recall", nil).ok(200)
	bob.checkMe("what was read was recalled", group, 2, 1)
	bob.delete(said[1].path(), nil).ok(204)
	bob.checkMe("what was read was deleted", group, 2, 1)
	if me := into[roomMe](bob.post(on+"/read", fields{"seq": 4}).ok(200)); me.Unread != 1 || me.Mentioned != 0 || me.ReadSeq != 4 {
		t.Errorf("read to the fourth: %+v", me)
	}

	mention("all")
	carol.checkMe("one more", group, 3, 2)
	carol.delete(on+"/messages", nil).ok(204)
	carol.checkMe("cleared", group, 0, 0)
	mention(carol.identity)
	carol.checkMe("after the clearing", group, 1, 1)
	if r := carol.room(group); r.Me.ClearedSeq != 6 || r.LastMessage.Seq != 7 {
		t.Errorf("carol sees %+v", r)
	}
	carol.send(group, "8")
	carol.checkMe("writing is reading", group, 0, 0)
	bob.checkMe("four more", group, 4, 1)
	bob.post(on+"/read", fields{"seq": 1 << 40}).ok(200)
	bob.checkMe("read all", group, 0, 0)
	if me := bob.room(group).Me; me.ReadSeq != 8 {
		t.Errorf("bob has read to %d", me.ReadSeq)
	}
}

// A retried send mentions nobody twice, and only members can be mentioned, by whom it is allowed.
func TestMentions(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	outsider := s.user("outsider")
	group := alice.group("mentions", bob)
	on := "/rooms/" + group + "/messages"
	send := fields{"data": "hey", "mentions": []string{bob.identity, alice.identity}, "client_id": "1"}
	alice.post(on, send).ok(201)
	alice.post(on, send).ok(200)
	bob.checkMe("a retried mention", group, 1, 1)
	alice.checkMe("oneself", group, 0, 0)
	bob.post(on, fields{"data": "x", "mentions": []string{"all"}}).refused("forbidden")
	bob.post(on, fields{"data": "x", "mentions": []string{outsider.identity}}).refused("invalid", "mentions")
	bob.post(on, fields{"data": "x", "mentions": []string{alice.identity}}).ok(201)
	alice.checkMe("mentioned", group, 1, 1)
	private := alice.roomWith(bob)
	bob.post("/rooms/"+private+"/messages", fields{"data": "x", "mentions": []string{"all"}}).ok(201)
	alice.checkMe("all of two", private, 1, 1)
}

// What one deletes for oneself, or clears, is gone on all ways for oneself alone.
func TestDeleteAndClear(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("forgetting", bob)
	var said []message
	for i := range 5 {
		said = append(said, alice.send(group, fmt.Sprint(i+1)))
	}
	last := func(u *user) int64 {
		t.Helper()
		if m := u.room(group).LastMessage; m != nil {
			return m.Seq
		}
		return 0
	}
	seqs := func(messages []message) (all []int64) {
		for _, m := range messages {
			all = append(all, m.Seq)
		}
		return all
	}
	for _, step := range []struct {
		deleted int64
		left    []int64
	}{{5, []int64{1, 2, 3, 4}}, {3, []int64{1, 2, 4}}, {4, []int64{1, 2}}} {
		bob.delete(said[step.deleted-1].path(), nil).ok(204)
		bob.get(said[step.deleted-1].path()).refused("not_found")
		if got := seqs(bob.history(group)); !slices.Equal(got, step.left) || last(bob) != step.left[len(step.left)-1] {
			t.Errorf("after deleting %d: %v and %d as the last", step.deleted, got, last(bob))
		}
		if got := pages[message](bob, "/rooms/"+group+"/messages", "1"); len(got) != len(step.left) {
			t.Errorf("after deleting %d, backwards: %v", step.deleted, seqs(got))
		}
		if got := missed(bob.socket(), fields{}); !slices.ContainsFunc(got, func(r syncedRoom) bool {
			return r.Identity == group && slices.Equal(seqs(r.Items), step.left) && r.LastSeq == 5 && !r.More
		}) {
			t.Errorf("after deleting %d, sync: %+v", step.deleted, got)
		}
	}
	bob.post("/messages/forward", fields{"messages": []int64{said[4].Identity}, "rooms": []string{group}}).refused("not_found")
	bob.post("/rooms/"+group+"/messages", fields{"data": "x", "reply_to": said[4].Identity}).refused("not_found")
	if last(alice) != 5 || len(alice.history(group)) != 5 {
		t.Error("alice has lost something")
	}
	bob.delete("/rooms/"+group+"/messages", nil).ok(204)
	if got := bob.history(group); len(got) != 0 || last(bob) != 0 {
		t.Errorf("cleared: %v and %d as the last", seqs(got), last(bob))
	}
	bob.get(said[0].path()).refused("not_found")
	alice.send(group, "6")
	if got := seqs(bob.history(group)); !slices.Equal(got, []int64{6}) || last(bob) != 6 {
		t.Errorf("after the clearing: %v and %d as the last", got, last(bob))
	}
	if last(alice) != 6 || len(alice.history(group)) != 6 {
		t.Error("alice has lost something")
	}
	bob.delete("/rooms/"+bob.group("empty")+"/messages", nil).ok(204)
}

// Who has read a message is known from how far everybody has read; who came later has nothing to do with it.
func TestReaders(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol, dave := s.user("carol"), s.user("dave")
	alice.befriend(carol)
	alice.befriend(dave)
	group := alice.group("readers", bob, carol)
	said := alice.send(group, "one")
	check := func(what string, m message, read, unread []*user) {
		t.Helper()
		got := into[readers](alice.get(m.path() + "/readers").ok(200))
		for name, pair := range map[string][2]any{"read": {got.Read, read}, "unread": {got.Unread, unread}} {
			var have, want []string
			for _, p := range pair[0].([]person) {
				have = append(have, p.Identity)
			}
			for _, u := range pair[1].([]*user) {
				want = append(want, u.identity)
			}
			slices.Sort(have)
			slices.Sort(want)
			if !slices.Equal(have, want) {
				t.Errorf("%s: %s are %q, want %q", what, name, have, want)
			}
		}
	}
	check("at first", said, []*user{alice}, []*user{bob, carol})
	alices, bobs := alice.socket(), bob.socket()
	bobs.ok("room.read", fields{"room": group, "seq": said.Seq})
	if got := heard[struct {
		Room string `json:"room"`
		User string `json:"user"`
		Seq  int64  `json:"seq"`
	}](alices, "room.read"); got.Room != group || got.User != bob.identity || got.Seq != said.Seq {
		t.Errorf("alice heard %+v", got)
	}
	check("bob has read", said, []*user{alice, bob}, []*user{carol})
	alice.post("/rooms/"+group+"/members", fields{"members": []string{dave.identity}}).ok(200)
	check("dave has come", said, []*user{alice, bob}, []*user{carol})
	later := carol.send(group, "two")
	check("carol has answered", said, []*user{alice, bob, carol}, nil)
	check("the answer", later, []*user{carol}, []*user{alice, bob, dave})
	bob.delete("/rooms/"+group+"/members/"+bob.identity, nil).ok(204)
	check("bob has left", said, []*user{alice, carol}, nil)
	dave.get(said.path() + "/readers").refused("not_found")
}
