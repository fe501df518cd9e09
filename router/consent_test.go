package router_test

import (
	"testing"

	"parlor/define"
)

// Who is asked comes in when he says yes, and hears nothing of the group before.
func TestInvitationsThatWaitForConsent(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol, dave, eve := s.user("carol"), s.user("dave"), s.user("eve") // no friends of anybody
	group := alice.group("Asked", bob)
	on := "/rooms/" + group
	carols := carol.socket()

	asked := into[addition](bob.post(on+"/members", fields{"members": []string{carol.identity, dave.identity}, "ask": true}).ok(200))
	if len(asked.Added) > 0 || len(asked.Pending) != 2 {
		t.Errorf("asking two answered %+v", asked)
	}
	pushed := heard[invitation](carols, "invitation.pending")
	if pushed.RoomName != "Asked" || pushed.Awaits != "consent" || pushed.Inviter.Identity != bob.identity || pushed.Invitee.Identity != carol.identity {
		t.Errorf("carol heard of %+v", pushed)
	}
	if n := carols.notice("invitation.pending"); n.Content.Invitation != pushed.Identity || n.Content.Awaits != "consent" {
		t.Errorf("carol was notified of %+v", n)
	}
	mine := pages[invitation](carol, "/invitations", "1")
	if len(mine) != 1 || mine[0] != pushed {
		t.Errorf("carol's invitations are %+v", mine)
	}
	bob.post(on+"/members", fields{"members": []string{carol.identity}, "ask": true}).ok(200) // she is not asked twice
	carol.get(on).refused("not_found")
	alice.send(group, "not for carol")

	for _, decision := range []string{"approve", "decline"} {
		alice.post("/invitations/"+pushed.Identity+"/"+decision, nil).refused("forbidden")
		bob.post("/invitations/"+pushed.Identity+"/"+decision, nil).refused("forbidden")
		eve.post("/invitations/"+pushed.Identity+"/"+decision, nil).refused("not_found")
	}
	carols.quiet()

	bobs := bob.socket()
	if in := into[invitation](carol.post("/invitations/"+pushed.Identity+"/approve", nil).ok(200)); in.State != "approved" || in.DecidedBy != carol.identity {
		t.Errorf("decided as %+v", in)
	}
	carols.expect("room.created")
	if joined := heard[membersChange](carols, "member.joined"); joined.By != carol.identity {
		t.Errorf("carol came in by %s", joined.By)
	}
	carols.expect("message.new")
	carols.expect("invitation.decided")
	carols.quiet()
	bobs.expect("member.joined")
	bobs.expect("message.new")
	bobs.expect("invitation.decided")
	bobs.notice("invitation.decided")
	carol.send(group, "here I am")

	waiting := pages[invitation](dave, "/invitations", "10")[0].Identity
	dave.post("/invitations/"+waiting+"/decline", nil).ok(200)
	dave.post("/invitations/"+waiting+"/approve", nil).refused("conflict")
	dave.get(on).refused("not_found")
}

func TestConsentIsAskedByWhoMayAsk(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol, dave, eve := s.user("carol"), s.user("dave"), s.user("eve")
	bob.befriend(carol)
	group := alice.group("Careful", bob)
	on := "/rooms/" + group
	ask := func(by, whom *user) *answer {
		return by.post(on+"/members", fields{"members": []string{whom.identity}, "ask": true})
	}
	ask(eve, carol).refused("not_found")
	ask(alice, bob).refused("conflict")
	alice.post(on+"/members", fields{"members": []string{"nobody"}, "ask": true}).refused("not_found")
	dave.put("/blocks/"+alice.identity, nil)
	ask(alice, dave).refused("forbidden")

	// Where members need approval, it comes first, and nobody can give it to himself.
	alice.patch(on, fields{"join_policy": "approval"}).ok(200)
	ask(bob, carol).ok(200)
	waiting := into[list[invitation]](alice.get(on + "/invitations").ok(200)).Items[0]
	if waiting.Awaits != "approval" || waiting.RoomName != "" {
		t.Errorf("it is %+v", waiting)
	}
	if mine := pages[invitation](carol, "/invitations", "10"); len(mine) > 0 {
		t.Errorf("carol is asked: %+v", mine)
	}
	carol.post("/invitations/"+waiting.Identity+"/approve", nil).refused("not_found")
	alice.post("/invitations/"+waiting.Identity+"/decline", nil).ok(200)

	// Who has left can't bring anybody in, and nobody gets into what is no more.
	alice.patch(on, fields{"join_policy": "invite"}).ok(200)
	ask(bob, carol).ok(200)
	bob.delete(on+"/members/"+bob.identity, nil).ok(204)
	void := pages[invitation](carol, "/invitations", "10")[0].Identity
	carol.post("/invitations/"+void+"/approve", nil).refused("conflict")
	ask(alice, eve).ok(200)
	last := pages[invitation](eve, "/invitations", "10")[0].Identity
	if in, err := s.services.Rooms.Invited(t.Context(), eve.caller(), alice.room(group).Number); err != nil || in.Identity != last {
		t.Errorf("invited by %+v, %v", in, err)
	}
	_, err := s.services.Rooms.Invited(t.Context(), dave.caller(), alice.room(group).Number)
	wantError(t, "who was not asked", err, define.ErrInvitationNotFound)
	alice.delete(on, nil).ok(204)
	if mine := pages[invitation](eve, "/invitations", "10"); len(mine) > 0 {
		t.Errorf("eve is invited into what is no more: %+v", mine)
	}
	eve.post("/invitations/"+last+"/approve", nil).refused("gone")
}

// An owner who leaves may say that somebody else takes over, as at the end of his account.
func TestLeavingWithAnHeir(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	group := alice.group("Estate", bob, carol)
	leave := func(u *user, query string) *answer {
		return u.delete("/rooms/"+group+"/members/"+u.identity+query, nil)
	}
	alice.put("/rooms/"+group+"/members/"+carol.identity+"/role", fields{"role": "admin"}).ok(200)
	leave(alice, "").refused("forbidden")
	leave(alice, "?heir=false").refused("forbidden")
	leave(alice, "?heir=yes").refused("invalid", "heir")
	leave(alice, "?heir=true").ok(204)
	if r := carol.room(group); r.Owner != carol.identity || r.MemberCount != 2 {
		t.Errorf("carol sees %+v", r)
	}
	leave(bob, "?heir=true").ok(204)
	leave(carol, "?heir=true").ok(204)
	carol.get("/rooms/" + group).refused("gone")
	wantError(t, "a private room", s.services.Rooms.Leave(t.Context(), alice.caller(), alice.roomWith(bob)), define.ErrPrivateRoom)
}
