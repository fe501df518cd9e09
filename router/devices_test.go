package router_test

import (
	"fmt"
	"net/url"
	"testing"
)

// step is something that one device does, over its socket or over REST, and what the other devices of the same user hear.
type step struct {
	name   string
	op     string // over the socket; else a REST call
	method string
	path   string
	data   any
	hear   []string
}

// Whatever one device does the others learn by push. Over a socket the device has its answer and no push; over REST all hear.
func TestDevices(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol, dave := s.user("carol"), s.user("dave")
	group := alice.group("devices", bob)
	on := "/rooms/" + group
	said := bob.send(group, "hello")
	mine := alice.send(group, "mine")
	asking, declined := carol.asks(alice), dave.asks(alice)
	open := into[room](bob.post("/rooms", fields{"name": "open", "join_policy": "open"}).ok(201))
	phone := alice.login("phone")
	desk, pocket := alice.socket(), phone.socket()
	thumb := url.PathEscape("👍")
	for _, step := range []step{
		{name: "send", op: "message.send", data: fields{"room": group, "data": "x"}, hear: []string{"message.new"}},
		{name: "edit", op: "message.edit", data: fields{"message": mine.Identity, "data": "mine!"}, hear: []string{"message.edited"}},
		{name: "react", op: "message.react", data: fields{"message": said.Identity, "emoji": "👍"}, hear: []string{"message.reacted"}},
		{name: "unreact", op: "message.react", data: fields{"message": said.Identity, "emoji": "👍", "remove": true}, hear: []string{"message.reacted"}},
		{name: "recall", op: "message.recall", data: fields{"message": mine.Identity}, hear: []string{"message.recalled"}},
		{name: "delete", op: "message.delete", data: fields{"message": mine.Identity}, hear: []string{"message.deleted"}},
		{name: "read", op: "room.read", data: fields{"room": alice.roomWith(bob), "seq": 1}}, // there is nothing to read
		{name: "typing", op: "room.typing", data: fields{"room": group}},
		{name: "send over REST", method: "POST", path: on + "/messages", data: fields{"data": "x"}, hear: []string{"message.new"}},
		{name: "react over REST", method: "PUT", path: said.path() + "/reactions/" + thumb, hear: []string{"message.reacted"}},
		{name: "delete over REST", method: "DELETE", path: said.path(), hear: []string{"message.deleted"}},
		{name: "pin", method: "PATCH", path: on + "/me", data: fields{"pinned": true}, hear: []string{"room.me"}},
		{name: "mute", method: "PATCH", path: on + "/me", data: fields{"muted": true}, hear: []string{"room.me"}},
		{name: "call oneself", method: "PATCH", path: on + "/me", data: fields{"nickname": "A."}, hear: []string{"room.me", "member.updated"}},
		{name: "clear", method: "DELETE", path: on + "/messages", hear: []string{"room.me"}},
		{name: "decline", method: "POST", path: "/friends/requests/" + declined + "/decline", hear: []string{"friend.declined"}},
		{name: "accept", method: "POST", path: "/friends/requests/" + asking + "/accept", hear: []string{"friend.accepted", "room.created"}},
		{name: "call a friend something", method: "PATCH", path: "/friends/" + bob.identity, data: fields{"remark": "B.", "group": "a"}, hear: []string{"friend.updated"}},
		{name: "make a group of friends", method: "POST", path: "/friends/groups", data: fields{"name": "b"}, hear: []string{"friend.regrouped"}},
		{name: "rename one", method: "PATCH", path: "/friends/groups/b", data: fields{"name": "c"}, hear: []string{"friend.regrouped"}},
		{name: "delete one", method: "DELETE", path: "/friends/groups/a", hear: []string{"friend.regrouped"}},
		{name: "block", method: "PUT", path: "/blocks/" + dave.identity, hear: []string{"block.changed"}},
		{name: "unblock", method: "DELETE", path: "/blocks/" + dave.identity, hear: []string{"block.changed"}},
		{name: "change one's profile", method: "PATCH", path: "/users/me", data: fields{"nickname": "Al"}, hear: []string{"user.updated"}},
		{name: "change one's account", method: "PUT", path: "/users/me/account", data: fields{"account": alice.account + ".a", "password": password}, hear: []string{"user.updated"}},
		{name: "remove a friend", method: "DELETE", path: "/friends/" + carol.identity, hear: []string{"friend.removed"}},
		{name: "ask again", method: "POST", path: "/friends/requests", data: fields{"to": carol.identity}, hear: []string{"friend.requested"}},
		{name: "make a group", method: "POST", path: "/rooms", data: fields{"name": "x"}, hear: []string{"room.created"}},
		{name: "join", method: "POST", path: "/rooms/join", data: fields{"number": open.Number}, hear: []string{"room.created", "member.joined", "message.new"}},
		{name: "leave", method: "DELETE", path: "/rooms/" + open.Identity + "/members/" + alice.identity, hear: []string{"member.left"}},
		{name: "rename", method: "PATCH", path: on, data: fields{"name": "y"}, hear: []string{"room.updated", "message.new"}},
		{name: "announce", method: "POST", path: on + "/announcements", data: fields{"content": "x"}, hear: []string{"message.new", "announcement.new"}},
		{name: "notifications", method: "POST", path: "/notifications/read", data: fields{"all": true}, hear: []string{"notification.read"}},
		{name: "dissolve", method: "DELETE", path: on, hear: []string{"room.dissolved"}},
	} {
		listening := []*socket{pocket}
		if step.op != "" {
			desk.ok(step.op, step.data)
		} else {
			listening = append(listening, desk)
			if a := alice.ask(step.method, step.path, alice.token, step.data); a.status >= 300 {
				t.Fatalf("%s: %d %s", step.name, a.status, a.body)
			}
		}
		for _, socket := range listening {
			for _, op := range step.hear {
				socket.expect(op)
			}
		}
		for _, socket := range []*socket{desk, pocket} {
			socket.quiet()
		}
		if t.Failed() {
			t.Fatalf("in the step %q", step.name)
		}
	}
}

// asks makes a request for friendship and returns its identity.
func (u *user) asks(other *user) string {
	u.t.Helper()
	return into[friendRequest](u.post("/friends/requests", fields{"to": other.identity}).ok(201)).Identity
}

// How far one has read, deleted and cleared on one device shows on the others.
func TestDevicesShowTheSame(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("same", bob)
	var said []message
	for i := range 4 {
		said = append(said, alice.send(group, fmt.Sprint(i)))
	}
	phone := bob.login("phone")
	desk, pocket := bob.socket(), phone.socket()
	me := decode[roomMe](t, "read", desk.ok("room.read", fields{"room": group, "seq": 2}))
	pocket.expect("room.read")
	desk.expect("room.read")
	if me.Unread != 2 || me.ReadSeq != 2 {
		t.Errorf("read to 2: %+v", me)
	}
	desk.ok("message.delete", fields{"message": said[3].Identity})
	if got := heard[deletedMessage](pocket, "message.deleted"); got.Room != group || got.Message != said[3].Identity {
		t.Errorf("the phone heard of %+v", got)
	}
	phone.checkMe("on the phone", group, 1, 0)
	if got := phone.history(group); len(got) != 3 {
		t.Errorf("the phone shows %+v", got)
	}
	bob.delete("/rooms/"+group+"/messages", nil).ok(204)
	if got := heard[meChange](pocket, "room.me"); got.Me.ClearedSeq != 4 || got.Me.Unread != 0 {
		t.Errorf("the phone heard of %+v", got)
	}
	desk.expect("room.me")
	desk.quiet()
	pocket.quiet()
	if got := phone.history(group); len(got) != 0 {
		t.Errorf("the phone shows %+v", got)
	}
}

// What the pushes say of one's own things.
func TestDevicesAreTold(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	phone, others := alice.login("phone").socket(), bob.socket()
	type renamed struct{ From, To string }
	type blocking struct {
		User    person `json:"user"`
		Blocked bool   `json:"blocked"`
	}
	alice.patch("/friends/"+bob.identity, fields{"group": "work", "remark": "B."}).ok(200)
	if got := heard[friend](phone, "friend.updated"); got.User.Identity != bob.identity || got.Group != "work" || got.Remark != "B." {
		t.Errorf("of the friend: %+v", got)
	}
	alice.patch("/friends/groups/work", fields{"name": "office"}).ok(200)
	if got := heard[renamed](phone, "friend.regrouped"); got != (renamed{"work", "office"}) {
		t.Errorf("of the group with another name: %+v", got)
	}
	alice.delete("/friends/groups/office", nil).ok(204)
	if got := heard[renamed](phone, "friend.regrouped"); got != (renamed{"office", "ungrouped"}) {
		t.Errorf("of the group that is gone: %+v", got)
	}
	alice.post("/friends/groups", fields{"name": "new"}).ok(201)
	if got := heard[renamed](phone, "friend.regrouped"); got != (renamed{"", "new"}) {
		t.Errorf("of the new group: %+v", got)
	}
	alice.put("/blocks/"+bob.identity, nil).ok(204)
	if got := heard[blocking](phone, "block.changed"); got.User.Identity != bob.identity || !got.Blocked {
		t.Errorf("of the block: %+v", got)
	}
	alice.delete("/blocks/"+bob.identity, nil).ok(204)
	if got := heard[blocking](phone, "block.changed"); got.Blocked {
		t.Errorf("of its end: %+v", got)
	}
	alice.patch("/users/me", fields{"city": "Athens"}).ok(200)
	if got := heard[map[string]any](phone, "user.updated"); got["identity"] != alice.identity || got["city"] != "Athens" {
		t.Errorf("of the profile: %+v", got)
	}
	others.quiet() // it is nobody else's business
}
