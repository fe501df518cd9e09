package router_test

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// A reply shows the short form of what it answers, as that is now.
func TestReplies(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group, other := alice.group("replies", bob), alice.group("other", bob)
	on := "/rooms/" + group + "/messages"
	long := alice.send(group, strings.Repeat("字", 200))
	alices := alice.socket()
	reply := into[message](bob.post(on, fields{"data": "short", "reply_to": long.Identity}).ok(201))
	q := reply.Reply
	if reply.ReplyTo != long.Identity || q == nil || q.Identity != long.Identity || q.Seq != long.Seq || q.Sender.Identity != alice.identity || q.Type != "text" ||
		!strings.HasPrefix(long.Data, q.Data) || utf8.RuneCountInString(q.Data) != 100 {
		t.Errorf("the reply is %+v", reply)
	}
	if got := heard[message](alices, "message.new"); !equalMessages(got, reply) {
		t.Errorf("alice heard %+v", got)
	}
	alice.patch(long.path(), fields{"data": "shorter"}).ok(200)
	if got := into[message](bob.get(reply.path()).ok(200)); got.Reply == nil || got.Reply.Data != "shorter" {
		t.Errorf("after an edit: %+v", got.Reply)
	}
	bob.post("/rooms/"+other+"/messages", fields{"data": "x", "reply_to": long.Identity}).refused("not_found")
	bob.post(on, fields{"data": "x", "reply_to": -1}).refused("invalid", "reply_to")
	// A reply to a reply shows that one alone, and with its own recall the quote is gone.
	second := into[message](alice.post(on, fields{"data": "second", "reply_to": reply.Identity}).ok(201))
	if second.Reply == nil || second.Reply.Data != "short" {
		t.Errorf("the second reply is %+v", second)
	}
	alice.post(second.path()+"/recall", nil).ok(200)
	if got := into[message](bob.get(second.path()).ok(200)); got.Reply != nil || got.ReplyTo != 0 {
		t.Errorf("recalled: %+v", got)
	}
}

// An edit is told to all, shows everywhere, and changes neither the place of a message nor what is unread.
func TestEdit(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("edits", bob)
	said := into[message](alice.post("/rooms/"+group+"/messages", fields{"data": "teh", "mentions": []string{bob.identity}, "client_id": "1"}).ok(201))
	alices, bobs := alice.socket(), bob.socket()
	edited := into[message](alice.patch(said.path(), fields{"data": "the"}).ok(200))
	want := said
	want.Data, want.EditedAt, want.UpdatedAt = "the", edited.EditedAt, edited.UpdatedAt
	if !equalMessages(edited, want) || edited.EditedAt < said.CreatedAt {
		t.Errorf("edited %+v", edited)
	}
	if got := heard[message](alices, "message.edited"); !equalMessages(got, want) {
		t.Errorf("alice heard %+v", got)
	}
	want.ClientID = ""
	if got := heard[message](bobs, "message.edited"); !equalMessages(got, want) {
		t.Errorf("bob heard %+v", got)
	}
	if r := bob.room(group); r.LastMessage.Data != "the" || r.Me.Unread != 1 || r.Me.Mentioned != 1 || r.LastSeq != 1 {
		t.Errorf("bob sees %+v", r)
	}
	if got := bob.history(group); len(got) != 1 || !equalMessages(got[0], want) {
		t.Errorf("bob reads %+v", got)
	}
	// The last message stays the last one, whatever is edited before it.
	alice.send(group, "later")
	alice.patch(said.path(), fields{"data": "then"}).ok(200)
	if r := bob.room(group); r.LastMessage.Data != "later" {
		t.Errorf("the last message is %+v", r.LastMessage)
	}
	alice.patch(said.path(), fields{"data": ""}).refused("invalid", "data")
	alice.patch(said.path(), fields{"data": strings.Repeat("x", 8001)}).refused("invalid", "data")
	alice.patch(said.path(), fields{"data": "x", "type": "image"}).refused("invalid", "type")
}

// Whoever may not write in a private room may not change anything in it either, but can read on and take back his own.
func TestPrivateRoomMatrix(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	for _, test := range []struct {
		name    string
		change  func(alice, bob *user)
		writing string // what writing is refused with, for bob
		reading string
	}{
		{"friends", func(*user, *user) {}, "", ""},
		{"blocked", func(alice, bob *user) { alice.put("/blocks/"+bob.identity, nil).ok(204) }, "forbidden", ""},
		{"friends no more", func(alice, bob *user) { alice.delete("/friends/"+bob.identity, nil).ok(204) }, "forbidden", ""},
		{"cancelled", func(alice, _ *user) { alice.delete("/users/me", fields{"password": password}).ok(204) }, "forbidden", ""},
	} {
		alice, bob := s.friends("alice", "bob")
		private := alice.roomWith(bob)
		hers, his := alice.send(private, "hers"), bob.send(private, "his")
		elsewhere := bob.send(bob.group("elsewhere"), "elsewhere")
		test.change(alice, bob)
		check := func(what string, a *answer, code string) {
			t.Helper()
			if code == "" && a.status >= 300 || code != "" && a.status != statusOf[code] {
				t.Errorf("%s, %s: %d %s, want %q", test.name, what, a.status, a.body, code)
			}
		}
		on := "/rooms/" + private
		check("send", bob.post(on+"/messages", fields{"data": "x"}), test.writing)
		check("edit", bob.patch(his.path(), fields{"data": "x"}), test.writing)
		check("react", bob.put(hers.reactionPath("👍"), nil), test.writing)
		check("unreact", bob.delete(hers.reactionPath("👍"), nil), test.writing)
		check("forward into it", bob.forward("each", []string{private}, elsewhere), test.writing)
		check("forward out of it", bob.forward("each", []string{elsewhere.RoomIdentity}, hers), test.reading)
		check("page through", bob.get(on+"/messages"), test.reading)
		check("show", bob.get(hers.path()), test.reading)
		check("readers", bob.get(hers.path()+"/readers"), test.reading)
		check("read", bob.post(on+"/read", fields{"seq": 2}), test.reading)
		check("pin", bob.patch(on+"/me", fields{"pinned": true}), test.reading)
		check("recall the other's", bob.post(hers.path()+"/recall", nil), "forbidden")
		check("recall", bob.post(his.path()+"/recall", nil), test.reading)
		check("delete", bob.delete(hers.path(), nil), test.reading)
		check("clear", bob.delete(on+"/messages", nil), test.reading)
		for _, call := range []struct {
			method, path string
			body         any
		}{
			{"PATCH", "", fields{"name": "x"}}, {"DELETE", "", nil}, {"POST", "/members", fields{"members": []string{"x"}}}, {"PUT", "/owner", fields{"user": alice.identity}},
			{"DELETE", "/members/" + bob.identity, nil}, {"PUT", "/members/" + alice.identity + "/role", fields{"role": "admin"}},
			{"PUT", "/members/" + alice.identity + "/silence", fields{"seconds": 1}}, {"GET", "/invitations", nil}, {"GET", "/announcements", nil},
			{"POST", "/announcements", fields{"content": "x"}}, {"DELETE", "/announcements/x", nil},
		} {
			check(call.method+" "+call.path, bob.ask(call.method, on+call.path, bob.token, call.body), "forbidden")
		}
	}
}
