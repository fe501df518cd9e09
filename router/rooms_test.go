package router_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestGroup(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol, stranger := s.user("carol"), s.user("stranger")
	alice.befriend(carol)
	alices, bobs, carols, strangers := alice.socket(), bob.socket(), carol.socket(), stranger.socket()

	made := into[room](alice.post("/rooms", fields{
		"name": "会议室 1", "info": "for talk", "members": []string{bob.identity, carol.identity, bob.identity, alice.identity}, "join_policy": "open", "history": "all",
	}).ok(201))
	if made.Kind != "group" || made.Name != "会议室 1" || made.Info != "for talk" || made.Owner != alice.identity || made.MemberCount != 3 ||
		made.JoinPolicy != "open" || made.History != "all" || made.Number < 1 || made.Me.Role != "owner" || made.LastMessage != nil || made.Peer != nil {
		t.Errorf("made %+v", made)
	}
	for _, socket := range []*socket{alices, bobs, carols} {
		got := heard[room](socket, "room.created")
		role := "member"
		if socket == alices {
			role = "owner"
		}
		if got.Identity != made.Identity || got.Me.Role != role {
			t.Errorf("%s heard of %+v", socket.account, got)
		}
		socket.quiet()
	}
	strangers.quiet()
	if got := alice.room(made.Identity); got != made {
		t.Errorf("got %+v, made %+v", got, made)
	}
	defaults := alice.room(alice.group("defaults"))
	if defaults.JoinPolicy != "invite" || defaults.History != "joined" || defaults.MemberCount != 1 {
		t.Errorf("the defaults make %+v", defaults)
	}
	alice.post("/rooms", fields{"name": "x", "members": []string{stranger.identity}}).refused("invalid", "members")
	alice.post("/rooms", fields{"name": "x", "members": slices.Repeat([]string{bob.identity}, 501)}).refused("invalid", "members")
	alice.post("/rooms", fields{"name": "x", "info": strings.Repeat("x", 5000)}).refused("invalid", "info")
}

func TestMembers(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	group := alice.group("members", bob, carol)
	bob.socket()
	all := pages[member](carol, "/rooms/"+group+"/members", "1")
	if len(all) != 3 || all[0].User.Identity != alice.identity {
		t.Fatalf("the members are %+v", all)
	}
	for _, m := range all {
		role := "member"
		if m.User.Identity == alice.identity {
			role = "owner"
		}
		if m.Role != role || m.Online != (m.User.Identity == bob.identity) || m.CreatedAt == 0 {
			t.Errorf("a member is %+v", m)
		}
	}
	for role, want := range map[string]int{"owner": 1, "admin": 0, "member": 2} {
		if got := pages[member](carol, "/rooms/"+group+"/members?role="+role, "1"); len(got) != want {
			t.Errorf("there are %d of role %s", len(got), role)
		}
	}
	if both := pages[member](bob, "/rooms/"+alice.roomWith(bob)+"/members", "10"); len(both) != 2 {
		t.Errorf("a private room has the members %+v", both)
	}
}

func TestLeavingAndRemoving(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol, dave, outsider := s.user("carol"), s.user("dave"), s.user("outsider")
	alice.befriend(carol)
	alice.befriend(dave)
	group := alice.group("leaving", bob, carol, dave)
	members := "/rooms/" + group + "/members/"
	alices, bobs, carols, daves, outsiders := alice.socket(), bob.socket(), carol.socket(), dave.socket(), outsider.socket()
	audience := []*socket{alices, bobs, carols, daves, outsiders}
	play(t, audience, []scenario{
		{name: "an outsider leaves", caller: outsider, method: "DELETE", path: members + outsider.identity, code: "not_found"},
		{name: "an outsider removes", caller: outsider, method: "DELETE", path: members + bob.identity, code: "not_found"},
		{name: "a member removes a member", caller: bob, method: "DELETE", path: members + carol.identity, code: "forbidden"},
		{name: "a member removes the owner", caller: bob, method: "DELETE", path: members + alice.identity, code: "forbidden"},
		{name: "the owner leaves others alone", caller: alice, method: "DELETE", path: members + alice.identity, code: "forbidden"},
		{name: "the owner removes an outsider", caller: alice, method: "DELETE", path: members + outsider.identity, code: "not_found"},
		{name: "a member dissolves", caller: bob, method: "DELETE", path: "/rooms/" + group, code: "forbidden"},
		{name: "a private room is left", caller: alice, method: "DELETE", path: "/rooms/" + alice.roomWith(bob) + "/members/" + alice.identity, code: "forbidden"},
		{name: "a private room is dissolved", caller: alice, method: "DELETE", path: "/rooms/" + alice.roomWith(bob), code: "forbidden"},
	})

	bob.delete(members+bob.identity, nil).ok(204)
	checkLeft(t, group, bob, bob, []*socket{alices, carols, daves}, bobs)
	alice.delete(members+carol.identity, nil).ok(204)
	checkLeft(t, group, carol, alice, []*socket{alices, daves}, carols)
	outsiders.quiet()
	bob.get("/rooms/" + group).refused("not_found")
	carol.get("/rooms/" + group + "/messages").refused("not_found")
	if got := alice.room(group); got.MemberCount != 2 || got.LastSeq != 2 {
		t.Errorf("the room is %+v", got)
	}

	// An owner who is the last may go, and the room with him.
	dave.delete(members+dave.identity, nil).ok(204)
	checkLeft(t, group, dave, dave, []*socket{alices}, daves)
	alice.delete(members+alice.identity, nil).ok(204)
	alices.expect("room.dissolved")
	alice.get("/rooms/" + group).refused("gone")
	for _, socket := range audience {
		socket.quiet()
	}
}

// checkLeft checks that everybody heard who has left a group, and that history tells it to those who stayed.
func checkLeft(t *testing.T, group string, who, by *user, stayed []*socket, left *socket) {
	t.Helper()
	for _, socket := range append([]*socket{left}, stayed...) {
		got := heard[membersChange](socket, "member.left")
		if got.Room != group || got.By != by.identity || len(got.Members) != 1 || got.Members[0].User.Identity != who.identity {
			t.Errorf("%s heard of %+v", socket.account, got)
		}
	}
	for _, socket := range stayed {
		m := heard[message](socket, "message.new")
		var data struct {
			Event string   `json:"event"`
			By    string   `json:"by"`
			Users []string `json:"users"`
		}
		if err := json.Unmarshal([]byte(m.Data), &data); err != nil {
			t.Errorf("the system message %q: %v", m.Data, err)
		}
		if m.Type != "system" || m.RoomIdentity != group || data.Event != "member.left" || data.By != by.identity || !slices.Equal(data.Users, []string{who.identity}) {
			t.Errorf("%s heard of the message %+v", socket.account, m)
		}
		socket.quiet()
	}
	left.quiet()
}

func TestDissolve(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("short-lived", bob)
	alice.send(group, "hello")
	alices, bobs := alice.socket(), bob.socket()
	alice.delete("/rooms/"+group, nil).ok(204)
	for _, socket := range []*socket{alices, bobs} {
		if got := heard[fields](socket, "room.dissolved"); got["room"] != group || len(got) != 1 {
			t.Errorf("%s heard of %v", socket.account, got)
		}
		socket.quiet()
	}
	for _, u := range []*user{alice, bob} {
		u.get("/rooms/" + group).refused("gone")
		for _, r := range pages[room](u, "/rooms", "10") {
			if r.Identity == group {
				t.Errorf("%s still lists the room", u.account)
			}
		}
	}
}

// Rooms stand in the order of their last activity, and pages of them neither repeat nor lose one.
func TestRoomList(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	private := alice.roomWith(bob)
	a, b, c := alice.group("a", bob), alice.group("b"), alice.group("c", bob)
	var last message
	for _, room := range []string{c, a, private, b} {
		last = alice.send(room, "hello")
		// Activity is counted in milliseconds; the next one must be a later one.
		for alice.room(room).UpdatedAt == s.now(alice) {
		}
	}
	for _, limit := range []string{"1", "2", "3", "4", "100"} {
		rooms := pages[room](alice, "/rooms", limit)
		var got []string
		for _, r := range rooms {
			got = append(got, r.Identity)
		}
		if want := []string{b, private, a, c}; !slices.Equal(got, want) {
			t.Fatalf("pages of %s: the rooms are %q, want %q", limit, got, want)
		}
		if m := rooms[0].LastMessage; m == nil || m.Identity != last.Identity || m.Data != "hello" || m.Sender.Identity != alice.identity || m.Seq != 1 {
			t.Errorf("the last message is %+v", m)
		}
	}
	if rooms := pages[room](bob, "/rooms", "2"); len(rooms) != 3 || rooms[0].Identity != private || rooms[0].Me.Unread != 1 || rooms[0].Peer.Identity != alice.identity {
		t.Errorf("bob's rooms are %+v", rooms)
	}
}

// now is the clock of the server.
func (s *server) now(u *user) int64 {
	s.t.Helper()
	socket := u.socket()
	defer socket.close()
	return decode[struct {
		ServerTime int64 `json:"server_time"`
	}](s.t, "ping", socket.ok("ping", fields{})).ServerTime
}
