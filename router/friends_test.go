package router_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"parlor/helper"
	"parlor/models"
)

func TestFriendRequestIsAccepted(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.user("alice"), s.user("bob")
	alices, bobs := alice.socket(), bob.socket()

	// By account, in whatever case.
	request := into[friendRequest](alice.post("/friends/requests", fields{"to": strings.ToUpper(bob.account), "message": "I am Alice"}).ok(201))
	if request.From != alice.identity || request.To != bob.identity || request.State != "pending" || request.Message != "I am Alice" {
		t.Errorf("the request is %+v", request)
	}
	for _, socket := range []*socket{alices, bobs} {
		if got := heard[friendRequest](socket, "friend.requested"); got != request {
			t.Errorf("%s heard of %+v, asked was %+v", socket.account, got, request)
		}
	}
	alice.post("/friends/requests", fields{"to": bob.identity}).refused("conflict")
	for who, box := range map[*user]string{alice: "out", bob: "in"} {
		if got := pages[friendRequest](who, "/friends/requests?box="+box, "1"); !slices.Equal(got, []friendRequest{request}) {
			t.Errorf("%s has %+v", who.account, got)
		}
	}
	if got := pages[friendRequest](alice, "/friends/requests?box=in", "1"); len(got) > 0 {
		t.Errorf("alice has received %+v", got)
	}

	bobsFriend := into[friend](bob.post("/friends/requests/"+request.Identity+"/accept", nil).ok(200))
	if bobsFriend.User.Identity != alice.identity || bobsFriend.Group != "ungrouped" || bobsFriend.RoomIdentity == "" || !bobsFriend.Online {
		t.Errorf("bob's friend is %+v", bobsFriend)
	}
	if got := heard[friend](bobs, "friend.accepted"); got != bobsFriend {
		t.Errorf("bob heard of %+v, accepted was %+v", got, bobsFriend)
	}
	if got := heard[friend](alices, "friend.accepted"); got.User.Identity != bob.identity || got.RoomIdentity != bobsFriend.RoomIdentity {
		t.Errorf("alice heard of %+v", got)
	}
	for socket, peer := range map[*socket]*user{alices: bob, bobs: alice} {
		got := heard[room](socket, "room.created")
		if got.Identity != bobsFriend.RoomIdentity || got.Kind != "private" || got.MemberCount != 2 || got.Peer == nil || got.Peer.Identity != peer.identity {
			t.Errorf("%s heard of %+v", socket.account, got)
		}
		socket.quiet()
	}
	if got := pages[friend](bob, "/friends", "1"); !slices.Equal(got, []friend{bobsFriend}) {
		t.Errorf("bob's friends are %+v", got)
	}
	seen := into[profile](alice.get("/users/" + bob.identity).ok(200))
	if !seen.IsFriend || seen.RoomIdentity != bobsFriend.RoomIdentity || !seen.Online {
		t.Errorf("alice sees %+v", seen)
	}
	play(t, []*socket{alices, bobs}, []scenario{
		{name: "ask a friend", caller: alice, method: "POST", path: "/friends/requests", body: fields{"to": bob.identity}, code: "conflict"},
		{name: "accept twice", caller: bob, method: "POST", path: "/friends/requests/" + request.Identity + "/accept", code: "conflict"},
		{name: "decline what is accepted", caller: bob, method: "POST", path: "/friends/requests/" + request.Identity + "/decline", code: "conflict"},
		{name: "ask oneself", caller: alice, method: "POST", path: "/friends/requests", body: fields{"to": alice.account}, code: "invalid"},
		{name: "say too much", caller: alice, method: "POST", path: "/friends/requests", body: fields{"to": "x", "message": strings.Repeat("x", 201)}, code: "invalid"},
	})
}

func TestFriendRequestIsDeclined(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.user("alice"), s.user("bob")
	request := into[friendRequest](alice.post("/friends/requests", fields{"to": bob.identity}).ok(201))
	alices, bobs := alice.socket(), bob.socket()
	declined := into[friendRequest](bob.post("/friends/requests/"+request.Identity+"/decline", nil).ok(200))
	if declined.State != "declined" || declined.Identity != request.Identity {
		t.Errorf("declined was %+v", declined)
	}
	for _, socket := range []*socket{alices, bobs} {
		if got := heard[friendRequest](socket, "friend.declined"); got != declined {
			t.Errorf("%s heard of %+v", socket.account, got)
		}
		socket.quiet()
	}
	bob.post("/friends/requests/"+request.Identity+"/accept", nil).refused("conflict")
	alice.post("/friends/requests", fields{"to": bob.identity}).ok(201) // may be asked again
	if states := requestStates(bob); !slices.Equal(states, []string{"pending", "declined"}) {
		t.Errorf("bob's requests are %q", states)
	}
}

// requestStates returns the states of the requests to a user, newest first.
func requestStates(u *user) (states []string) {
	for _, r := range pages[friendRequest](u, "/friends/requests?box=in", "1") {
		states = append(states, r.State)
	}
	return states
}

// A request that nobody has answered for a month can't be accepted any more, and does not stand in the way of another.
func TestFriendRequestExpires(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.user("alice"), s.user("bob")
	old := models.FriendRequest{
		Identity: helper.NewIdentity(), From: alice.identity, To: bob.identity, Pair: models.Pair(alice.identity, bob.identity),
		State: "pending", CreatedAt: time.Now().Add(-31 * 24 * time.Hour).UnixMilli(),
	}
	if err := s.store.FriendRequests.Insert(t.Context(), &old); err != nil {
		t.Fatal(err)
	}
	if states := requestStates(bob); !slices.Equal(states, []string{"expired"}) {
		t.Errorf("bob's requests are %q", states)
	}
	bob.post("/friends/requests/"+old.Identity+"/accept", nil).refused("conflict")
	bob.post("/friends/requests", fields{"to": alice.identity}).ok(201)
	if states := requestStates(bob); !slices.Equal(states, []string{"expired"}) {
		t.Errorf("bob's requests are %q", states)
	}
}

// Who asks somebody by whom he is asked has accepted.
func TestAskingBackAccepts(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.user("alice"), s.user("bob")
	alice.post("/friends/requests", fields{"to": bob.identity}).ok(201)
	accepted := into[friend](bob.post("/friends/requests", fields{"to": alice.identity}).ok(200))
	if accepted.User.Identity != alice.identity || accepted.RoomIdentity != alice.roomWith(bob) {
		t.Errorf("the friend is %+v", accepted)
	}
	if states := requestStates(bob); !slices.Equal(states, []string{"accepted"}) {
		t.Errorf("bob's requests are %q", states)
	}
}

// Whatever happens at the same moment, two people have one room and are told of it once.
func TestFriendsAtTheSameMoment(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	t.Run("both ask", func(t *testing.T) {
		t.Parallel()
		s := &server{s.instance, t}
		alice, bob := s.user("alice"), s.user("bob")
		sockets := []*socket{alice.socket(), bob.socket()}
		answers := make([]*answer, 20)
		together(len(answers), func(i int) {
			from, to := alice, bob
			if i%2 == 1 {
				from, to = bob, alice
			}
			answers[i] = from.post("/friends/requests", fields{"to": to.identity})
		})
		checkOne(t, answers, 201)
		checkOne(t, answers, 200)
		checkOneRoom(alice, bob)
		for _, socket := range sockets {
			for _, op := range []string{"friend.requested", "friend.accepted", "room.created"} {
				socket.expect(op)
			}
			socket.quiet()
		}
	})
	t.Run("one accepts twenty times", func(t *testing.T) {
		t.Parallel()
		s := &server{s.instance, t}
		alice, bob := s.user("alice"), s.user("bob")
		request := into[friendRequest](alice.post("/friends/requests", fields{"to": bob.identity}).ok(201))
		sockets := []*socket{alice.socket(), bob.socket()}
		answers := make([]*answer, 20)
		together(len(answers), func(i int) { answers[i] = bob.post("/friends/requests/"+request.Identity+"/accept", nil) })
		checkOne(t, answers, 200)
		checkOneRoom(alice, bob)
		for _, socket := range sockets {
			for _, op := range []string{"friend.accepted", "room.created"} {
				socket.expect(op)
			}
			socket.quiet()
		}
	})
}

// checkOne fails the test unless exactly one call had this status, and the others were refused as a conflict or
// succeeded otherwise.
func checkOne(t *testing.T, answers []*answer, status int) {
	t.Helper()
	n := 0
	for _, a := range answers {
		switch {
		case a.err != nil:
			t.Error(a.err)
		case a.status == status:
			n++
		case a.status != 200 && a.status != 201:
			a.refused("conflict")
		}
	}
	if n != 1 {
		t.Errorf("%d calls had status %d, want one", n, status)
	}
}

func checkOneRoom(alice, bob *user) {
	alice.t.Helper()
	for _, u := range []*user{alice, bob} {
		rooms, friends := pages[room](u, "/rooms", "10"), pages[friend](u, "/friends", "10")
		if len(rooms) != 1 || len(friends) != 1 || friends[0].RoomIdentity != rooms[0].Identity {
			u.t.Errorf("%s has the rooms %+v and the friends %+v", u.account, rooms, friends)
		}
	}
}

func TestFriendIsRemoved(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	private := alice.roomWith(bob)
	said := alice.send(private, "before")
	alices, bobs := alice.socket(), bob.socket()

	alice.delete("/friends/"+bob.identity, nil).ok(204)
	for socket, other := range map[*socket]*user{alices: bob, bobs: alice} {
		if got := heard[friend](socket, "friend.removed"); got.User.Identity != other.identity || got.RoomIdentity != private {
			t.Errorf("%s heard of %+v", socket.account, got)
		}
		socket.quiet()
	}
	for _, u := range []*user{alice, bob} {
		if friends := pages[friend](u, "/friends", "10"); len(friends) > 0 {
			t.Errorf("%s has the friends %+v", u.account, friends)
		}
		u.post("/rooms/"+private+"/messages", fields{"data": "after"}).refused("forbidden")
		if history := u.history(private); len(history) != 1 || history[0].Identity != said.Identity {
			t.Errorf("the history is %+v", history)
		}
	}
	alices.refused("forbidden", "message.send", fields{"room": private, "data": "after"})
	alice.delete("/friends/"+bob.identity, nil).refused("not_found")

	// Friends again, in the same room, whose numbers go on.
	if again := bob.befriend(alice); again != private {
		t.Errorf("the room was %s and is %s", private, again)
	}
	for _, socket := range []*socket{alices, bobs} {
		socket.expect("friend.requested")
		socket.expect("friend.accepted")
		if got := heard[room](socket, "room.updated"); got.Identity != private {
			t.Errorf("%s heard of the room %+v", socket.account, got)
		}
		socket.quiet()
	}
	if again := bob.send(private, "again"); again.Seq != said.Seq+1 {
		t.Errorf("after seq %d comes %d", said.Seq, again.Seq)
	}
}

func TestFriendGroups(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	for _, name := range []string{"work", "a/b + c?", "家人"} {
		if got := into[group](alice.post("/friends/groups", fields{"name": name}).ok(201)); got.Name != name {
			t.Errorf("made %+v", got)
		}
	}
	alice.post("/friends/groups", fields{"name": "work"}).refused("conflict")
	alice.post("/friends/groups", fields{"name": "ungrouped"}).refused("conflict")
	alice.post("/friends/groups", fields{"name": ""}).refused("invalid", "name")
	alice.post("/friends/groups", fields{"name": strings.Repeat("x", 51)}).refused("invalid", "name")
	checkGroups(alice, "a/b + c?", "work", "家人")
	checkGroups(bob)

	changed := into[friend](alice.patch("/friends/"+bob.identity, fields{"group": "work", "remark": "Bobby"}).ok(200))
	if changed.Group != "work" || changed.Remark != "Bobby" || changed.User.Identity != bob.identity {
		t.Errorf("bob is %+v", changed)
	}
	if kept := into[friend](alice.patch("/friends/"+bob.identity, fields{}).ok(200)); kept != changed {
		t.Errorf("an empty change made %+v", kept)
	}
	if seen := into[profile](alice.get("/users/" + bob.identity).ok(200)); seen.Remark != "Bobby" {
		t.Errorf("the remark is %q", seen.Remark)
	}
	alice.patch("/friends/"+bob.identity, fields{"remark": strings.Repeat("x", 51)}).refused("invalid", "remark")
	alice.patch("/friends/"+bob.identity, fields{"group": ""}).refused("invalid", "group")
	if got := pages[friend](alice, "/friends?group=work", "10"); len(got) != 1 || got[0] != changed {
		t.Errorf("in the group are %+v", got)
	}
	if got := pages[friend](alice, "/friends?group=ungrouped", "10"); len(got) != 1 || got[0].User.Identity != carol.identity {
		t.Errorf("in no group are %+v", got)
	}
	if theirs := pages[friend](bob, "/friends", "10"); theirs[0].Remark != "" || theirs[0].Group != "ungrouped" {
		t.Errorf("bob sees %+v", theirs)
	}

	alice.patch("/friends/groups/work", fields{"name": "家人"}).refused("conflict")
	alice.patch("/friends/groups/work", fields{"name": "office"}).ok(200)
	alice.patch("/friends/groups/work", fields{"name": "x"}).refused("not_found")
	if got := pages[friend](alice, "/friends?group=office", "10"); len(got) != 1 {
		t.Errorf("in the renamed group are %+v", got)
	}
	alice.delete("/friends/groups/a%2Fb%20+%20c%3F", nil).ok(204)
	alice.delete("/friends/groups/office", nil).ok(204)
	alice.delete("/friends/groups/office", nil).refused("not_found")
	checkGroups(alice, "家人")
	if got := pages[friend](alice, "/friends?group=ungrouped", "1"); len(got) != 2 {
		t.Errorf("in no group are %+v", got)
	}
}

func checkGroups(u *user, want ...string) {
	u.t.Helper()
	var got []string
	for _, g := range pages[group](u, "/friends/groups", "1") {
		got = append(got, g.Name)
	}
	if !slices.Equal(got, want) {
		u.t.Errorf("%s has the groups %q, want %q", u.account, got, want)
	}
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	stranger := s.user("stranger")
	private := alice.roomWith(bob)
	group := alice.group("both", bob)
	alices, bobs := alice.socket(), bob.socket()
	send := fields{"data": "hello"}
	messages := "/rooms/" + private + "/messages"
	byAlice := hearing{alices: {"block.changed"}}
	heardByAlice := hearing{alices: {"message.new"}, bobs: {"message.new"}}
	play(t, []*socket{alices, bobs}, []scenario{
		{name: "before", caller: bob, method: "POST", path: messages, body: send, status: 201, hear: heardByAlice},
		{name: "block a friend", caller: alice, method: "PUT", path: "/blocks/" + bob.identity, status: 204, hear: byAlice},
		{name: "block him again", caller: alice, method: "PUT", path: "/blocks/" + bob.identity, status: 204, hear: byAlice},
		{name: "block a stranger", caller: alice, method: "PUT", path: "/blocks/" + stranger.identity, status: 204, hear: byAlice},
		{name: "block oneself", caller: alice, method: "PUT", path: "/blocks/" + alice.identity, code: "invalid"},
		{name: "the blocked one writes", caller: bob, method: "POST", path: messages, body: send, code: "forbidden"},
		{name: "the blocked stranger asks", caller: stranger, method: "POST", path: "/friends/requests", body: fields{"to": alice.identity}, code: "forbidden"},
		{name: "the blocked one adds", caller: bob, method: "POST", path: "/rooms", body: fields{"name": "x", "members": []string{alice.identity}}, code: "forbidden"},
		{name: "the blocker writes", caller: alice, method: "POST", path: messages, body: send, status: 201, hear: heardByAlice},
		{name: "a group is everybody's", caller: bob, method: "POST", path: "/rooms/" + group + "/messages", body: send, status: 201, hear: heardByAlice},
		{name: "unblock", caller: alice, method: "DELETE", path: "/blocks/" + bob.identity, status: 204, hear: byAlice},
		{name: "unblock again", caller: alice, method: "DELETE", path: "/blocks/" + bob.identity, status: 204, hear: byAlice},
		{name: "afterwards", caller: bob, method: "POST", path: messages, body: send, status: 201, hear: heardByAlice},
	})
}

// Whoever has blocked somebody since he asked him must not find him among his friends.
func TestBlockedOneCannotAccept(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.user("alice"), s.user("bob")
	request := into[friendRequest](alice.post("/friends/requests", fields{"to": bob.identity}).ok(201))
	alice.put("/blocks/"+bob.identity, nil).ok(204)
	bob.post("/friends/requests/"+request.Identity+"/accept", nil).refused("forbidden")
	alice.delete("/blocks/"+bob.identity, nil).ok(204)
	bob.post("/friends/requests/"+request.Identity+"/accept", nil).ok(200)
}

func TestBlockList(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	var want []string
	for _, name := range []string{"a", "b", "c"} {
		other := s.user(name)
		alice.put("/blocks/"+other.identity, nil).ok(204)
		want = append(want, other.identity)
	}
	var got []string
	for _, u := range pages[person](alice, "/blocks", "2") {
		got = append(got, u.Identity)
	}
	if !slices.Equal(got, want) {
		t.Errorf("blocked are %q, want %q", got, want)
	}
}
