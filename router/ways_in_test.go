package router_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// systemEvent is what a system message says.
type systemEvent struct {
	Event string   `json:"event"`
	By    string   `json:"by"`
	Users []string `json:"users"`
}

func (m message) system(t *testing.T) (e systemEvent) {
	t.Helper()
	if err := json.Unmarshal([]byte(m.Data), &e); err != nil || m.Type != "system" {
		t.Fatalf("%+v is no system message: %v", m, err)
	}
	return e
}

// checkJoined checks that a socket heard who came into a group and by whom, and the message that tells of it.
func checkJoined(t *testing.T, socket *socket, group string, who, by *user) {
	t.Helper()
	got := heard[membersChange](socket, "member.joined")
	if got.Room != group || got.By != by.identity || len(got.Members) != 1 || got.Members[0].User.Identity != who.identity || got.Members[0].Role != "member" {
		t.Errorf("%s heard of %+v", socket.account, got)
	}
	if e := heard[message](socket, "message.new").system(t); e.Event != "member.joined" || e.By != by.identity || !slices.Equal(e.Users, []string{who.identity}) {
		t.Errorf("%s heard of %+v", socket.account, e)
	}
}

// The owner, the admins and, where the policy allows it, members add friends of theirs at once.
func TestAddMembers(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol, dave := s.user("carol"), s.user("dave")
	bob.befriend(carol)
	alice.befriend(dave)
	group := alice.group("adding", bob)
	members := "/rooms/" + group + "/members"
	alice.send(group, "before you came")
	alices, bobs, carols := alice.socket(), bob.socket(), carol.socket()

	added := into[addition](bob.post(members, fields{"members": []string{carol.identity, bob.identity, carol.identity}}).ok(200))
	if !slices.Equal(added.Added, []string{carol.identity}) || len(added.Pending) != 0 {
		t.Errorf("bob added %+v", added)
	}
	if r := heard[room](carols, "room.created"); r.Identity != group || r.Me.SinceSeq != 1 || r.Me.Unread != 0 || r.LastMessage != nil || r.MemberCount != 3 {
		t.Errorf("carol heard of %+v", r)
	}
	for _, socket := range []*socket{alices, bobs, carols} {
		checkJoined(t, socket, group, carol, bob)
		socket.quiet()
	}
	if r := carol.room(group); r.Me.Unread != 1 || r.MemberCount != 3 || r.LastSeq != 2 {
		t.Errorf("carol sees %+v", r)
	}

	bob.post(members, fields{"members": []string{carol.identity}}).refused("conflict")
	carol.post(members, fields{"members": []string{dave.identity}}).refused("invalid", "members") // not a friend of hers
	alice.post(members, fields{"members": []string{dave.identity, "nobody"}}).refused("invalid", "members")
	alice.post(members, fields{"members": []string{}}).refused("invalid", "members")
	dave.put("/blocks/"+alice.identity, nil).ok(204)
	alice.post(members, fields{"members": []string{dave.identity}}).refused("forbidden")
	alice.post("/rooms", fields{"name": "x", "members": []string{dave.identity}}).refused("forbidden")
	dave.delete("/blocks/"+alice.identity, nil).ok(204)
	alice.post("/rooms/"+alice.roomWith(bob)+"/members", fields{"members": []string{dave.identity}}).refused("forbidden")
	for _, socket := range []*socket{alices, bobs, carols} {
		socket.quiet()
	}
	alice.post(members, fields{"members": []string{dave.identity}}).ok(200)
	if got := pages[member](alice, members, "2"); len(got) != 4 || got[3].User.Identity != dave.identity {
		t.Errorf("the members are %+v", got)
	}
}

// Where the policy is approval, what a member or a stranger wishes waits for the owner or an admin.
func TestApproval(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol, dave, erin, frank := s.user("carol"), s.user("dave"), s.user("erin"), s.user("frank")
	alice.befriend(carol)
	bob.befriend(dave)
	bob.befriend(frank)
	made := into[room](alice.post("/rooms", fields{"name": "club", "members": []string{bob.identity, carol.identity}, "join_policy": "approval"}).ok(201))
	on := "/rooms/" + made.Identity
	alice.put(on+"/members/"+carol.identity+"/role", fields{"role": "admin"}).ok(200)
	alices, bobs, carols, daves, erins := alice.socket(), bob.socket(), carol.socket(), dave.socket(), erin.socket()
	everybody := []*socket{alices, bobs, carols, daves, erins}
	quiet := func() {
		t.Helper()
		for _, socket := range everybody {
			socket.quiet()
		}
	}

	// A member invites.
	added := into[addition](bob.post(on+"/members", fields{"members": []string{dave.identity}}).ok(200))
	if len(added.Added) != 0 || !slices.Equal(added.Pending, []string{dave.identity}) {
		t.Errorf("bob invited %+v", added)
	}
	asked := heard[invitation](alices, "invitation.pending")
	if asked.State != "pending" || asked.RoomIdentity != made.Identity || asked.Inviter.Identity != bob.identity || asked.Invitee.Identity != dave.identity || asked.DecidedBy != "" {
		t.Errorf("alice heard of %+v", asked)
	}
	if got := heard[invitation](carols, "invitation.pending"); got != asked {
		t.Errorf("carol heard of %+v", got)
	}
	bob.post(on+"/members", fields{"members": []string{dave.identity}}).ok(200) // a second time: nobody is told again
	quiet()
	dave.get(on).refused("not_found")
	dave.post("/invitations/"+asked.Identity+"/approve", nil).refused("not_found")
	approved := into[invitation](carol.post("/invitations/"+asked.Identity+"/approve", nil).ok(200))
	if approved.State != "approved" || approved.DecidedBy != carol.identity || approved.Identity != asked.Identity {
		t.Errorf("approved %+v", approved)
	}
	daves.expect("room.created")
	for _, socket := range []*socket{alices, bobs, carols, daves} {
		checkJoined(t, socket, made.Identity, dave, bob)
		if got := heard[invitation](socket, "invitation.decided"); got != approved {
			t.Errorf("%s heard of %+v", socket.account, got)
		}
	}
	quiet()
	alice.post("/invitations/"+asked.Identity+"/decline", nil).refused("conflict")

	// A stranger asks.
	wish := into[invitation](erin.post("/rooms/join", fields{"number": made.Number, "message": "please"}).ok(202))
	if wish.Message != "please" || wish.Inviter.Identity != erin.identity || wish.Invitee.Identity != erin.identity || wish.State != "pending" {
		t.Errorf("erin's wish is %+v", wish)
	}
	erin.post("/rooms/join", fields{"number": made.Number}).refused("conflict")
	alices.expect("invitation.pending")
	carols.expect("invitation.pending")
	alice.post("/invitations/"+wish.Identity+"/decline", nil).ok(200)
	for _, socket := range []*socket{alices, carols, erins} {
		if got := heard[invitation](socket, "invitation.decided"); got.State != "declined" || got.DecidedBy != alice.identity {
			t.Errorf("%s heard of %+v", socket.account, got)
		}
	}
	quiet()
	erin.get(on).refused("not_found")
	again := into[invitation](erin.post("/rooms/join", fields{"number": made.Number}).ok(202))
	if again.Identity == wish.Identity {
		t.Error("a declined wish is asked again under the same identity")
	}

	// Who has blocked the one who invited him does not come in; who comes in another way is no longer waited for.
	bob.post(on+"/members", fields{"members": []string{frank.identity}}).ok(200)
	frank.put("/blocks/"+bob.identity, nil).ok(204)
	waiting := pages[invitation](alice, on+"/invitations", "1")
	if len(waiting) != 4 || waiting[0].Invitee.Identity != frank.identity || waiting[1].Identity != again.Identity || waiting[3].Identity != asked.Identity {
		t.Fatalf("the invitations are %+v", waiting)
	}
	alice.post("/invitations/"+waiting[0].Identity+"/approve", nil).refused("forbidden")
	alice.patch(on, fields{"join_policy": "open"}).ok(200)
	erin.post("/rooms/join", fields{"number": made.Number}).ok(200)
	for _, i := range pages[invitation](carol, on+"/invitations", "10") {
		if i.Identity == again.Identity && i.State == "pending" {
			t.Errorf("erin is in and still waits: %+v", i)
		}
	}
	bob.get(on + "/invitations").refused("forbidden")
}

// Those who would decide learn that nothing is left to decide: who waits has come in another way, or is no more.
func TestInvitationIsOverByItself(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol, dave, erin := s.user("carol"), s.user("dave"), s.user("erin")
	for _, friend := range []*user{carol, dave} {
		alice.befriend(friend)
	}
	for _, friend := range []*user{dave, erin} {
		bob.befriend(friend)
	}
	made := into[room](alice.post("/rooms", fields{"name": "club", "members": []string{bob.identity, carol.identity}, "join_policy": "approval"}).ok(201))
	on := "/rooms/" + made.Identity
	alice.put(on+"/members/"+carol.identity+"/role", fields{"role": "admin"}).ok(200)
	bob.post(on+"/members", fields{"members": []string{dave.identity, erin.identity}}).ok(200)
	alices, bobs, carols, daves := alice.socket(), bob.socket(), carol.socket(), dave.socket()

	alice.post(on+"/members", fields{"members": []string{dave.identity}}).ok(200)
	daves.expect("room.created")
	for _, socket := range []*socket{alices, carols, bobs, daves} {
		checkJoined(t, socket, made.Identity, dave, alice)
		if got := heard[invitation](socket, "invitation.decided"); got.Invitee.Identity != dave.identity || got.State != "approved" || got.DecidedBy != alice.identity {
			t.Errorf("%s heard of %+v", socket.account, got)
		}
	}
	bobs.notice("invitation.decided")
	erin.delete("/users/me", fields{"password": password}).ok(204)
	bobs.expect("friend.removed")
	for _, socket := range []*socket{alices, carols, bobs} {
		if got := heard[invitation](socket, "invitation.decided"); got.Invitee.Identity != erin.identity || got.State != "declined" || got.DecidedBy != erin.identity {
			t.Errorf("%s heard of %+v", socket.account, got)
		}
	}
}

func TestJoinByNumber(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	open := into[room](alice.post("/rooms", fields{"name": "open", "join_policy": "open"}).ok(201))
	closed := into[room](alice.post("/rooms", fields{"name": "closed"}).ok(201))
	private := alice.room(alice.roomWith(bob))
	alices, carols := alice.socket(), carol.socket()
	if r := into[room](carol.post("/rooms/join", fields{"number": open.Number}).ok(200)); r.Identity != open.Identity || r.Me.Role != "member" || r.MemberCount != 2 {
		t.Errorf("carol came into %+v", r)
	}
	carols.expect("room.created")
	checkJoined(t, alices, open.Identity, carol, carol)
	checkJoined(t, carols, open.Identity, carol, carol)
	carol.post("/rooms/join", fields{"number": open.Number}).refused("conflict")
	carol.post("/rooms/join", fields{"number": closed.Number}).refused("forbidden")
	carol.post("/rooms/join", fields{"number": private.Number}).refused("not_found")
	carol.post("/rooms/join", fields{"number": 1 << 50}).refused("not_found")
	carol.post("/rooms/join", fields{}).refused("invalid", "number")
	alice.delete("/rooms/"+closed.Identity, nil).ok(204)
	alices.expect("room.dissolved")
	carol.post("/rooms/join", fields{"number": closed.Number}).refused("not_found")
	alices.quiet()
	carols.quiet()
}

// Several who join, are added and are approved at the same moment are all in, once.
func TestJoinTogether(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	var others []*user
	for range 6 {
		other := s.user("other")
		alice.befriend(other)
		others = append(others, other)
	}
	open := into[room](alice.post("/rooms", fields{"name": "open", "join_policy": "open"}).ok(201))
	answers := make([]*answer, 3*len(others))
	together(len(answers), func(i int) {
		other := others[i/3]
		if i%3 == 0 {
			answers[i] = alice.post("/rooms/"+open.Identity+"/members", fields{"members": []string{other.identity}})
		} else {
			answers[i] = other.post("/rooms/join", fields{"number": open.Number})
		}
	})
	for i := range others {
		came := 0
		for _, a := range answers[3*i : 3*i+3] {
			if a.status == 200 {
				came++
			} else {
				a.refused("conflict")
			}
		}
		if came != 1 {
			t.Errorf("%s came %d times", others[i].account, came)
		}
	}
	if r := alice.room(open.Identity); r.MemberCount != 7 || r.LastSeq != 6 {
		t.Errorf("the room is %+v", r)
	}
	if got := pages[member](alice, "/rooms/"+open.Identity+"/members", "100"); len(got) != 7 {
		t.Errorf("there are %d members", len(got))
	}
}

// A newcomer sees what comes after him, or everything; one who leaves and returns is a newcomer again.
func TestLeavingAndReturning(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	for _, history := range []string{"joined", "all"} {
		r := into[room](alice.post("/rooms", fields{"name": history, "members": []string{bob.identity}, "join_policy": "open", "history": history}).ok(201))
		on := "/rooms/" + r.Identity
		first := alice.send(r.Identity, "first")
		if got := bob.history(r.Identity); len(got) != 1 {
			t.Errorf("%s: bob sees %+v", history, got)
		}
		bob.patch(on+"/me", fields{"pinned": true, "muted": true, "nickname": "Bobby"}).ok(200)
		bob.delete(on+"/members/"+bob.identity, nil).ok(204)
		alice.send(r.Identity, "while you were away")
		bob.get(fmt.Sprint("/messages/", first.Identity)).refused("not_found")
		if a := bob.post("/rooms/join", fields{"number": r.Number}); into[room](a.ok(200)).Me.Nickname != "" {
			t.Errorf("%s: bob is back as he was", history)
		}
		alice.send(r.Identity, "welcome back")
		got := bob.history(r.Identity)
		back := bob.room(r.Identity)
		wantFrom, wantUnread := int64(4), int64(1) // his own coming he has read
		if history == "all" {
			wantFrom = 1
		}
		checkSequence(t, got, wantFrom)
		if len(got) != int(6-wantFrom) || got[len(got)-1].Data != "welcome back" || back.Me.Unread != wantUnread || back.Me.SinceSeq != wantFrom-1 {
			t.Errorf("%s: bob sees %+v of %+v", history, got, back.Me)
		}
		if a := bob.get(fmt.Sprint("/messages/", first.Identity)); (a.status == 200) != (history == "all") {
			t.Errorf("%s: the first message: %d", history, a.status)
		}
		synced := missed(bob.socket(), fields{})
		for _, one := range synced {
			if one.Identity == r.Identity && len(one.Items) != len(got) {
				t.Errorf("%s: sync shows %+v", history, one)
			}
		}
		for _, who := range into[readers](alice.get(fmt.Sprint("/messages/", first.Identity, "/readers")).ok(200)).Unread {
			if who.Identity == bob.identity && history == "joined" {
				t.Errorf("%s: bob has not read what he can't see", history)
			}
		}
	}
}
