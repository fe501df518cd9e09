package router_test

import (
	"fmt"
	"testing"
	"time"

	"parlor/define"
)

// hurried starts a server whose calls ring for a moment, and where who is lost has left at once.
func hurried(t *testing.T) *server {
	t.Helper()
	return newServer(t, func(c *define.Config) { c.Call = define.CallConfig{RingTimeout: time.Millisecond} })
}

// connected returns two devices in a call.
func (s *server) connected(alice, bob *user) (alices, bobs *socket, c call) {
	s.t.Helper()
	alices, bobs = alice.socket(), bob.socket()
	c = alices.startCall(alice.roomWith(bob))
	bobs.expect("call.ringing")
	c = bobs.onCall("call.accept", c)
	alices.expect("call.accepted")
	return alices, bobs, c
}

func TestCallDeclined(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	alices, alicesOther, bobs, bobsOther := alice.socket(), alice.login("phone").socket(), bob.socket(), bob.login("phone").socket()
	c := alices.startCall(alice.roomWith(bob))
	bobs.expect("call.ringing")
	bobsOther.expect("call.ringing")
	checkCall(t, bobs.onCall("call.decline", c), "ended", "declined", alice, "left", bob, "declined")
	for _, device := range []*socket{alices, alicesOther, bobsOther} {
		checkCall(t, heard[call](device, "call.declined"), "ended", "declined", alice, "left", bob, "declined")
		checkCall(t, heard[call](device, "call.ended"), "ended", "declined")
	}
	for _, device := range []*socket{alices, alicesOther, bobs, bobsOther} {
		if record := device.expectRecord(c, "declined"); *record.Duration != 0 || len(record.Users) != 1 {
			t.Errorf("the record is %+v", record)
		}
		device.quiet()
	}
	bobsOther.refused("gone", "call.accept", fields{"call": c.Identity})
}

func TestCallCancelled(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	alices, bobs := alice.socket(), bob.socket()
	c := alices.startCall(alice.roomWith(bob))
	bobs.expect("call.ringing")
	checkCall(t, alices.onCall("call.end", c), "ended", "cancelled", alice, "left", bob, "missed")
	checkCall(t, heard[call](bobs, "call.ended"), "ended", "cancelled")
	bobs.expectRecord(c, "cancelled")
	if unread := bob.room(c.RoomIdentity).Me.Unread; unread != 1 {
		t.Errorf("bob has %d unread messages of a missed call", unread)
	}
}

// Who is in a call is busy for every other; who answers one is busy for those that ring as well.
func TestCallBusy(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	carol.befriend(bob)
	alice.befriend(carol)
	dave := s.user("dave")
	alice.befriend(dave)
	alices, bobs, carols := alice.socket(), bob.socket(), carol.socket()
	byAlice := alices.startCall(alice.roomWith(bob))
	bobs.expect("call.ringing")
	byCarol := carols.startCall(carol.roomWith(bob))
	bobs.expect("call.ringing")
	bobs.onCall("call.accept", byCarol)
	carols.expect("call.accepted")
	for _, device := range []*socket{alices, bobs} {
		checkCall(t, heard[call](device, "call.declined"), "ended", "busy", alice, "left", bob, "busy")
		checkCall(t, heard[call](device, "call.ended"), "ended", "busy")
		device.expectRecord(byAlice, "busy")
	}

	again := alices.startCall(alice.roomWith(bob))
	checkCall(t, again, "ended", "busy", alice, "left", bob, "busy")
	alices.expectRecord(again, "busy")
	bobs.expectRecord(again, "busy") // and nothing rings
	alices.quiet()
	bobs.quiet()
	bobs.refused("conflict", "call.start", fields{"room": bob.roomWith(alice), "media": "audio"})

	// In a group, who is busy is not rung.
	daves := dave.socket()
	group := alice.group("busy", bob, dave, carol)
	for _, device := range []*socket{alices, bobs, carols, daves} {
		device.expect("room.created")
	}
	c := alices.startCall(group)
	checkCall(t, c, "ringing", "", alice, "joined", bob, "busy", carol, "busy", dave, "ringing")
	daves.expect("call.ringing")
	bobs.quiet()
	bobs.refused("conflict", "call.accept", fields{"call": c.Identity})
	bobs.onCall("call.end", byCarol)
	bobs.expectRecord(byCarol, "completed")
	checkCall(t, bobs.onCall("call.accept", c), "active", "", bob, "joined", dave, "ringing")
}

func TestCallNotAnswered(t *testing.T) {
	t.Parallel()
	s := hurried(t)
	alice, bob := s.friends("alice", "bob")
	alices, bobs := alice.socket(), bob.socket()
	c := alices.startCall(alice.roomWith(bob))
	bobs.expect("call.ringing")
	for _, device := range []*socket{alices, bobs} {
		checkCall(t, heard[call](device, "call.declined"), "ended", "no_answer", alice, "left", bob, "missed")
		checkCall(t, heard[call](device, "call.ended"), "ended", "no_answer")
		device.expectRecord(c, "no_answer")
	}
	bobs.refused("gone", "call.accept", fields{"call": c.Identity})
}

// In a group those who answer go on when it stops ringing for the others, who can still come.
func TestGroupCallRingsNoMore(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Call.RingTimeout = 10 * time.Second })
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	group := alice.group("late", bob, carol)
	alices, bobs, carols := alice.socket(), bob.socket(), carol.socket()
	c := alices.startCall(group)
	bobs.onCall("call.accept", c)
	alices.expect("call.accepted")
	bobs.expect("call.ringing")
	carols.expect("call.ringing")
	carols.expect("call.accepted")
	for _, device := range []*socket{alices, bobs, carols} {
		checkCall(t, heard[call](device, "call.declined"), "active", "", alice, "joined", bob, "joined", carol, "missed")
	}
	checkCall(t, carols.onCall("call.accept", c), "active", "", carol, "joined")
}

// Who opens a socket while it rings is called there as well, once.
func TestCallRingsLate(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	alices := alice.socket()
	c := alices.startCall(alice.roomWith(bob))
	checkCall(t, c, "ringing", "", bob, "ringing")
	for range 3 {
		bobs := bob.socket()
		if got := heard[call](bobs, "call.ringing"); got.Identity != c.Identity {
			t.Errorf("bob is called by %+v", got)
		}
		bobs.quiet()
	}
	bob.login("tablet").socket().expect("call.ringing")
}

// Who is lost, and does not come back, has left.
func TestCallVanish(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Call.ReconnectGrace = 0 })
	for _, answered := range []bool{false, true} {
		alice, bob := s.friends("alice", "bob")
		alices, bobs := alice.socket(), bob.socket()
		c := alices.startCall(alice.roomWith(bob))
		bobs.expect("call.ringing")
		if answered {
			bobs.onCall("call.accept", c)
		}
		alices.close()
		checkCall(t, heard[call](bobs, "call.ended"), "ended", "failed", alice, "left")
		bobs.expectRecord(c, "failed")
		bobs.quiet()
	}
}

// A lost socket is followed by another one of the same session, and the call goes on there.
func TestCallResume(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Call.ReconnectGrace = time.Hour })
	alice, bob := s.friends("alice", "bob")
	alices, bobs, c := s.connected(alice, bob)
	toAlice := fields{"call": c.Identity, "to": alice.identity, "candidate": fields{}}

	alices.close()
	f := bobs.call("call.signal", toAlice)
	for f.Op == "ok" { // until the server has noticed
		f = bobs.call("call.signal", toAlice)
	}
	if f.Error.Code != "unavailable" {
		t.Fatalf("alice is away: %+v", f.Error)
	}
	again := alice.socket()
	again.refused("forbidden", "call.signal", fields{"call": c.Identity, "to": bob.identity, "candidate": fields{}})
	alice.login("phone").socket().refused("conflict", "call.accept", fields{"call": c.Identity})
	checkCall(t, again.onCall("call.accept", c), "active", "", alice, "joined", bob, "joined")
	bobs.quiet() // for him nothing has changed
	bobs.ok("call.signal", toAlice)
	again.expect("call.signal")

	// A socket that the server takes for alive is left as well, and hears that it is no longer the one.
	third := alice.socket()
	third.onCall("call.accept", c)
	again.expect("call.accepted")
	again.refused("forbidden", "call.signal", fields{"call": c.Identity, "to": bob.identity, "candidate": fields{}})
	bobs.ok("call.signal", toAlice)
	third.expect("call.signal")
	again.close()
	third.ok("call.signal", fields{"call": c.Identity, "to": bob.identity, "candidate": fields{}})
	bobs.expect("call.signal")
	bobs.quiet()
}

// Two who call each other at the same moment are in one call, connected, however it falls out.
func TestCallGlare(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	both := []*socket{alice.socket(), bob.socket()}
	first := map[string]int{}
	for range 40 {
		answers := make([]chan frame, 2)
		together(2, func(i int) { answers[i] = both[i].start("call.start", fields{"room": room, "media": "audio"}) })
		calls := make([]call, 2)
		for i, device := range both {
			f := device.await(answers[i], "the answer to call.start")
			if f.Op != "ok" {
				t.Fatalf("%s was refused: %+v", device.account, f.Error)
			}
			calls[i] = decode[call](t, "call.start", f.Data)
		}
		if calls[0].Identity != calls[1].Identity || calls[0].Caller != calls[1].Caller {
			t.Fatalf("they are in two calls: %+v and %+v", calls[0], calls[1])
		}
		caller, callee := 0, 1
		if calls[0].Caller == bob.identity {
			caller, callee = 1, 0
		}
		first[both[caller].account]++
		checkCall(t, calls[caller], "ringing", "", alice, calls[caller].states()[alice.identity])
		checkCall(t, calls[callee], "active", "", alice, "joined", bob, "joined")
		checkCall(t, heard[call](both[caller], "call.accepted"), "active", "", alice, "joined", bob, "joined")
		both[callee].expect("call.ringing") // before its own call.start was served
		both[callee].ok("call.signal", fields{"call": calls[0].Identity, "to": both[caller].identity, "candidate": fields{}})
		both[caller].expect("call.signal")
		both[callee].onCall("call.end", calls[0])
		both[caller].expect("call.ended")
		for _, device := range both {
			device.expectRecord(calls[0], "completed")
			device.quiet()
		}
	}
	t.Logf("first was %v", first)
}

// Eight are in one call of a group, each hears each, and the ninth has to wait until one has left.
func TestGroupCall(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	owner := s.user("owner")
	members := []*user{owner}
	for i := range 9 {
		member := s.user(fmt.Sprint("member", i))
		owner.befriend(member)
		members = append(members, member)
	}
	group := owner.group("mesh", members[1:]...)
	devices := make([]*socket, len(members))
	for i, m := range members {
		devices[i] = m.socket()
	}
	everybody := func(op string, except ...*socket) {
		t.Helper()
		for _, device := range devices {
			if len(except) == 0 || device != except[0] {
				device.expect(op)
			}
		}
	}
	c := devices[0].startCall(group)
	everybody("call.ringing", devices[0])
	for i := 1; i < 8; i++ {
		if i%2 == 0 { // calling is joining
			checkCall(t, devices[i].startCall(group), "active", "", members[i], "joined")
		} else {
			devices[i].onCall("call.accept", c)
		}
		everybody("call.accepted", devices[i])
	}
	devices[8].refused("conflict", "call.accept", fields{"call": c.Identity})
	devices[9].refused("conflict", "call.start", fields{"room": group, "media": "video"})

	for i := range 8 {
		for j := range 8 {
			if i != j {
				devices[i].ok("call.signal", fields{"call": c.Identity, "to": members[j].identity, "candidate": fields{"from": i}})
				if got := heard[callSignal](devices[j], "call.signal"); got.From != members[i].identity || string(got.Candidate) != fmt.Sprintf(`{"from":%d}`, i) {
					t.Errorf("%d heard %+v of %d", j, got, i)
				}
			}
		}
	}
	checkCall(t, devices[0].onCall("call.end", c), "active", "", owner, "left") // the caller may go, too
	everybody("call.ended", devices[0])
	devices[0].refused("forbidden", "call.signal", fields{"call": c.Identity, "to": members[1].identity, "candidate": fields{}})
	devices[8].onCall("call.accept", c)
	everybody("call.accepted", devices[8])
	checkCall(t, devices[9].onCall("call.decline", c), "active", "", members[9], "declined")
	everybody("call.declined", devices[9])
	for i := 1; i < 8; i++ {
		devices[i].onCall("call.end", c)
		everybody("call.ended", devices[i])
	}
	for i, device := range devices {
		if record := device.expectRecord(c, "completed"); len(record.Users) != 9 {
			t.Errorf("member %d reads of %d participants", i, len(record.Users))
		}
		device.quiet()
	}
}
