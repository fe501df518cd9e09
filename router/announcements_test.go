package router_test

import (
	"fmt"
	"strings"
	"testing"
)

// An announcement is told to everybody, stands in the room as a notice, and goes with it.
func TestAnnouncements(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("square", bob)
	on := "/rooms/" + group + "/announcements"
	alices, bobs := alice.socket(), bob.socket()

	first := into[announcement](alice.post(on, fields{"content": "first\n公告"}).ok(201))
	if first.RoomIdentity != group || first.Sender.Identity != alice.identity || first.Content != "first\n公告" || first.CreatedAt == 0 {
		t.Errorf("announced %+v", first)
	}
	for _, socket := range []*socket{alices, bobs} {
		if m := heard[message](socket, "message.new"); m.Type != "notice" || m.Data != first.Content || m.Identity != first.MessageIdentity || m.Sender.Identity != alice.identity {
			t.Errorf("%s heard %+v", socket.account, m)
		}
		if got := heard[announcement](socket, "announcement.new"); got != first {
			t.Errorf("%s heard %+v", socket.account, got)
		}
		socket.quiet()
	}
	if r := bob.room(group); r.Me.Unread != 1 || r.LastMessage.Type != "notice" {
		t.Errorf("bob sees %+v", r)
	}
	second := into[announcement](alice.post(on, fields{"content": "second"}).ok(201))
	if all := pages[announcement](bob, on, "1"); len(all) != 2 || all[0] != second || all[1] != first {
		t.Errorf("the announcements are %+v", all)
	}
	for _, content := range []string{"", string(make([]byte, 2001))} {
		alice.post(on, fields{"content": content}).refused("invalid", "content")
	}
	at := fmt.Sprint("/messages/", first.MessageIdentity)
	alice.patch(at, fields{"data": "x"}).refused("forbidden") // a notice is not edited
	alice.post("/rooms/"+alice.roomWith(bob)+"/announcements", fields{"content": "x"}).refused("forbidden")
	other := alice.group("another", bob)
	alice.delete("/rooms/"+other+"/announcements/"+first.Identity, nil).refused("not_found")

	alice.delete(on+"/"+first.Identity, nil).ok(204)
	if m := into[message](bob.get(at).ok(200)); m.RecalledAt == 0 || m.Data != "" || m.RecalledBy != alice.identity {
		t.Errorf("the notice is %+v", m)
	}
	alice.delete(on+"/"+first.Identity, nil).refused("not_found")
	// Recalling the notice takes the announcement away.
	alice.post(fmt.Sprint("/messages/", second.MessageIdentity, "/recall"), nil).ok(200)
	if all := pages[announcement](bob, on, "10"); len(all) != 0 {
		t.Errorf("the announcements are %+v", all)
	}
	if r := bob.room(group); r.Me.Unread != 0 {
		t.Errorf("bob sees %+v", r.Me)
	}
}

// An announcement that is made again with its client_id is not made twice.
func TestAnnouncementRetried(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("square", bob)
	on := "/rooms/" + group + "/announcements"
	bobs := bob.socket()
	body := fields{"content": "once", "client_id": "the same"}
	answers := make([]*answer, 8)
	together(len(answers), func(i int) { answers[i] = alice.post(on, body) })
	made := into[announcement](answers[0].ok(201))
	for _, a := range answers {
		if again := into[announcement](a.ok(201)); again != made || again.Content != "once" {
			t.Errorf("made %+v, then %+v", made, again)
		}
	}
	bobs.expect("message.new")
	bobs.expect("announcement.new")
	bobs.quiet()
	if all := pages[announcement](bob, on, "10"); len(all) != 1 || len(bob.history(group)) != 1 {
		t.Errorf("the announcements are %+v", all)
	}
	if m := into[message](alice.get(fmt.Sprint("/messages/", made.MessageIdentity)).ok(200)); m.ClientID != "the same" {
		t.Errorf("the notice is %+v", m)
	}
	alice.post("/rooms/"+group+"/messages", fields{"data": "said", "client_id": "said"}).ok(201)
	alice.post(on, fields{"content": "x", "client_id": "said"}).refused("invalid", "client_id")
	alice.post(on, fields{"content": "x", "client_id": strings.Repeat("c", 65)}).refused("invalid", "client_id")
	alice.delete(on+"/"+made.Identity, nil).ok(204)
	alice.post(on, body).refused("gone")
	// Stopped between the message and the announcement, the retry makes the rest of it.
	half := fields{"content": "half", "client_id": "half"}
	first := into[announcement](alice.post(on, half).ok(201))
	must(t, s.store.Announcements.DeleteByMessage(t.Context(), first.MessageIdentity))
	if again := into[announcement](alice.post(on, half).ok(201)); again.MessageIdentity != first.MessageIdentity || again.Content != "half" {
		t.Errorf("made %+v, then %+v", first, again)
	}
	if all := pages[announcement](bob, on, "10"); len(all) != 1 {
		t.Errorf("the announcements are %+v", all)
	}
}

// The profile of a group is for everybody to see, and history tells of another name.
func TestRoomProfile(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("old", bob)
	alices, bobs := alice.socket(), bob.socket()
	changed := into[room](alice.patch("/rooms/"+group, fields{"name": "new", "info": "i", "join_policy": "open", "history": "all"}).ok(200))
	if changed.Name != "new" || changed.Info != "i" || changed.JoinPolicy != "open" || changed.History != "all" {
		t.Errorf("changed to %+v", changed)
	}
	for _, socket := range []*socket{alices, bobs} {
		if got := heard[room](socket, "room.updated"); got.Name != "new" || got.JoinPolicy != "open" {
			t.Errorf("%s heard %+v", socket.account, got)
		}
		if e := heard[message](socket, "message.new").system(t); e.Event != "room.renamed" || e.By != alice.identity {
			t.Errorf("%s heard %+v", socket.account, e)
		}
		socket.quiet()
	}
	alice.patch("/rooms/"+group, fields{"info": "only this"}).ok(200)
	for _, socket := range []*socket{alices, bobs} {
		if got := heard[room](socket, "room.updated"); got.Name != "new" || got.Info != "only this" {
			t.Errorf("%s heard %+v", socket.account, got)
		}
		socket.quiet() // no message: the name is the same
	}
	alice.patch("/rooms/"+group, fields{"name": ""}).refused("invalid", "name")
	alice.patch("/rooms/"+group, fields{"join_policy": "never"}).refused("invalid", "join_policy")
	alice.patch("/rooms/"+group, fields{"owner": bob.identity}).refused("invalid", "owner")
	alice.patch("/rooms/"+alice.roomWith(bob), fields{"name": "x"}).refused("forbidden")
}
