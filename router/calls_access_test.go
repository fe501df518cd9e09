package router_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/define"
	"parlor/models"
)

// Who has nothing to do with a call can do nothing about it, and does not learn whether it exists.
func TestCallStrangers(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	former, silenced, invited, outsider := s.user("former"), s.user("silenced"), s.user("invited"), s.user("outsider")
	for _, u := range []*user{former, silenced, invited} {
		alice.befriend(u)
	}
	group := alice.group("private matters", bob, former, silenced, invited)
	alice.delete("/rooms/"+group+"/members/"+former.identity, nil).ok(204)
	alice.put("/rooms/"+group+"/members/"+silenced.identity+"/silence", fields{"seconds": 3600}).ok(200)
	alices, bobs := alice.socket(), bob.socket()
	c := alices.startCall(group)
	if _, called := c.states()[silenced.identity]; called || len(c.Participants) != 3 {
		t.Errorf("the call rings for %+v", c.Participants)
	}
	bobs.onCall("call.accept", c)

	start, it := fields{"room": group, "media": "audio"}, fields{"call": c.Identity}
	signal := func(to *user) fields {
		return fields{"call": c.Identity, "to": to.identity, "candidate": fields{}}
	}
	type refusal struct {
		op   string
		data fields
		code string
	}
	for who, refusals := range map[*user][]refusal{
		outsider: {{"call.start", start, hidden}, {"call.accept", it, hidden}, {"call.decline", it, hidden}, {"call.end", it, hidden}, {"call.signal", signal(alice), hidden}},
		former:   {{"call.start", start, hidden}, {"call.accept", it, hidden}, {"call.decline", it, hidden}, {"call.end", it, hidden}, {"call.signal", signal(alice), hidden}},
		silenced: {{"call.start", start, denied}, {"call.accept", it, denied}, {"call.decline", it, "conflict"}, {"call.end", it, denied}, {"call.signal", signal(alice), denied}},
		invited:  {{"call.end", it, denied}, {"call.signal", signal(alice), denied}},
		bob:      {{"call.start", start, "conflict"}, {"call.decline", it, "conflict"}, {"call.signal", signal(alice), denied}, {"call.end", it, ""}},
	} {
		device := who.socket() // of bob, too: another than the one that is in the call
		for _, r := range refusals {
			if r.code != "" {
				device.refused(r.code, r.op, r.data)
			}
		}
	}
	for _, to := range []*user{outsider, former, invited, bob} {
		bobs.refused("invalid", "call.signal", signal(to), "to")
	}
	for _, op := range []string{"call.accept", "call.decline", "call.end"} {
		bobs.refused("not_found", op, fields{"call": "no such call"})
	}
	bobs.refused("not_found", "call.start", fields{"room": "no such room", "media": "audio"})
}

// What is not a signal, or too long for one, is refused by its field.
func TestCallInputs(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	alices, bobs, c := s.connected(alice, bob)
	to := func(more fields) fields {
		more["call"], more["to"] = c.Identity, bob.identity
		return more
	}
	for _, test := range []struct {
		op    string
		data  any
		field string
	}{
		{"call.start", fields{"room": c.RoomIdentity}, "media"},
		{"call.start", fields{"room": c.RoomIdentity, "media": "smell"}, "media"},
		{"call.start", fields{"media": "audio"}, "room"},
		{"call.accept", fields{}, "call"},
		{"call.end", fields{"call": 7}, "call"},
		{"call.decline", fields{"call": strings.Repeat("x", 101)}, "call"},
		{"call.signal", to(fields{}), "description"},
		{"call.signal", to(fields{"candidate": nil}), "description"},
		{"call.signal", to(fields{"candidate": fields{}, "description": fields{}}), "description"},
		{"call.signal", to(fields{"candidate": "x"}), "candidate"},
		{"call.signal", to(fields{"description": []int{1}}), "description"},
		{"call.signal", to(fields{"candidate": fields{"x": strings.Repeat("x", define.CandidateMax)}}), "candidate"},
		{"call.signal", to(fields{"description": fields{"x": strings.Repeat("x", define.DescriptionMax)}}), "description"},
		{"call.signal", fields{"call": c.Identity, "candidate": fields{}}, "to"},
		{"call.signal", to(fields{"candidate": fields{}, "from": "x"}), "from"},
	} {
		alices.refused("invalid", test.op, test.data, test.field)
	}
	// The largest that is taken gets through as it is.
	sdp := strings.Repeat("x", define.DescriptionMax-len(`{"sdp":""}`))
	alices.ok("call.signal", to(fields{"description": fields{"sdp": sdp}}))
	if got := heard[callSignal](bobs, "call.signal"); string(got.Description) != `{"sdp":"`+sdp+`"}` {
		t.Errorf("bob heard %d bytes", len(got.Description))
	}
	alices.ok("call.signal", to(fields{"description": nil, "candidate": fields{}}))
	if f := bobs.expect("call.signal"); strings.Contains(string(f.Data), "description") {
		t.Errorf("bob heard %s", f.Data)
	}
	bobs.quiet()
}

// Nobody makes phones ring as fast as he can.
func TestCallRate(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Limits.Factor = 0.1 })
	alice, bob := s.friends("alice", "bob")
	room, alices := alice.roomWith(bob), alice.socket()
	for range 3 {
		alices.onCall("call.end", alices.startCall(room))
	}
	alices.refused("rate_limited", "call.start", fields{"room": room, "media": "audio"})
	if c := bob.socket().startCall(room); c.State != "ringing" {
		t.Errorf("bob may not call either: %+v", c)
	}
}

// Where one cannot write, one cannot call.
func TestNobodyToCall(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room, alices := alice.roomWith(bob), alice.socket()
	start := func(room string) fields { return fields{"room": room, "media": "audio"} }
	bob.put("/blocks/"+alice.identity, nil).ok(204)
	alices.refused("forbidden", "call.start", start(room))
	bob.socket().refused("forbidden", "call.start", start(room)) // she could not answer
	bob.delete("/blocks/"+alice.identity, nil).ok(204)
	alices.refused("forbidden", "call.start", start(alice.group("alone")))
	crowd := alice.group("crowd", bob)
	s.crowded(crowd, define.CallRoomMax-1)
	alices.refused("forbidden", "call.start", start(crowd))
	dissolved := alice.group("gone", bob)
	alice.delete("/rooms/"+dissolved, nil).ok(204)
	alices.refused("gone", "call.start", start(dissolved))
	alice.delete("/friends/"+bob.identity, nil).ok(204)
	alices.refused("forbidden", "call.start", start(room))
}

// Who is no longer of the room, or of the server, is no longer in its call.
func TestLeavingTakesOutOfTheCall(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	for name, test := range map[string]struct {
		group  bool
		leave  func(alice, bob *user, c call)
		record bool // the room still tells of it
	}{
		"removed": {true, func(alice, bob *user, c call) {
			alice.delete("/rooms/"+c.RoomIdentity+"/members/"+bob.identity, nil).ok(204)
		}, true},
		"left":       {true, func(_, bob *user, c call) { bob.delete("/rooms/"+c.RoomIdentity+"/members/"+bob.identity, nil).ok(204) }, true},
		"dissolved":  {true, func(alice, _ *user, c call) { alice.delete("/rooms/"+c.RoomIdentity, nil).ok(204) }, false},
		"logged out": {false, func(_, bob *user, _ call) { bob.post("/logout", nil).ok(204) }, true},
		"cancelled":  {false, func(_, bob *user, _ call) { bob.delete("/users/me", fields{"password": password}).ok(204) }, true},
		"unfriended": {false, func(alice, bob *user, _ call) { alice.delete("/friends/"+bob.identity, nil).ok(204) }, true},
		"blocked":    {false, func(alice, bob *user, _ call) { alice.put("/blocks/"+bob.identity, nil).ok(204) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{s.instance, t}
			alice, bob := s.friends("alice", "bob")
			room := alice.roomWith(bob)
			if test.group {
				room = alice.group("short", bob)
			}
			alices, bobs := alice.socket(), bob.socket()
			c := alices.startCall(room)
			bobs.expect("call.ringing")
			bobs.onCall("call.accept", c)
			test.leave(alice, bob, c)
			ended, told := false, false
			for !ended || test.record && !told {
				switch f := alices.await(alices.pushes, "the end of the call"); f.Op {
				case "call.ended":
					checkCall(t, decode[call](t, f.Op, f.Data), "ended", "completed", alice, "left", bob, "left")
					ended = true
				case "message.new":
					told = told || strings.Contains(string(f.Data), c.Identity)
				}
			}
			stored, err := s.store.Calls.Get(t.Context(), c.Identity)
			must(t, err)
			if stored.State != "ended" || stored.EndedAt == 0 {
				t.Errorf("the document says %+v", stored)
			}
		})
	}
}

// Who was removed while it rang hears that it is over for him, and nothing of what follows.
func TestRemovedWhileRinging(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	group := alice.group("narrow", bob, carol)
	alices, bobs, carols := alice.socket(), bob.socket(), carol.socket()
	c := alices.startCall(group)
	for _, device := range []*socket{bobs, carols} {
		device.expect("call.ringing")
	}
	alice.delete("/rooms/"+group+"/members/"+carol.identity, nil).ok(204)
	for op := ""; op != "call.ended"; {
		f := carols.await(carols.pushes, "the end of the call")
		if op = f.Op; op == "call.ended" {
			checkCall(t, decode[call](t, op, f.Data), "ringing", "", carol, "missed", bob, "ringing")
		}
	}
	bobs.onCall("call.accept", c)
	bobs.onCall("call.end", c)
	carols.quiet()
}

// Being silenced keeps nobody out of a call that he is in.
func TestSilencedInCall(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("loud", bob)
	alices, bobs := alice.socket(), bob.socket()
	c := alices.startCall(group)
	bobs.expect("call.ringing")
	bobs.onCall("call.accept", c)
	alices.expect("call.accepted")
	alice.put("/rooms/"+group+"/members/"+bob.identity+"/silence", fields{"seconds": 3600}).ok(200)
	alices.expect("member.updated")
	bobs.ok("call.signal", fields{"call": c.Identity, "to": alice.identity, "candidate": fields{}})
	alices.expect("call.signal")
	alices.quiet()
}

// A locked room rings like any other; what is written about the call is hidden.
func TestLockedRoomRings(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	bob.patch("/rooms/"+room+"/me", fields{"locked": true}).ok(200)
	alices, bobs := alice.socket(), bob.socket()
	c := alices.startCall(room)
	checkCall(t, heard[call](bobs, "call.ringing"), "ringing", "", alice, "joined")
	bobs.onCall("call.accept", c)
	bobs.onCall("call.end", c)
	if m := heard[message](bobs, "message.new"); !m.Locked || m.Data != "" {
		t.Errorf("bob heard %+v", m)
	}
}

// A server that stops ends its calls. One that was killed finds them open when it starts again.
func TestCallsAfterRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := open(testConfig(dir))
	must(t, err)
	s := &server{first, t}
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	alices, bobs, c := s.connected(alice, bob)
	stopped := make(chan error)
	go func() { stopped <- first.services.Stop(t.Context()) }()
	for _, device := range []*socket{alices, bobs} {
		checkCall(t, heard[call](device, "call.ended"), "ended", "failed", alice, "left", bob, "left")
		device.expectRecord(c, "failed")
		device.expectClose(1001)
	}
	must(t, <-stopped)
	// As it was before, and as two other processes would have left theirs.
	stored, err := first.store.Calls.Get(t.Context(), c.Identity)
	must(t, err)
	calls := s.openDatabase().Collection("call")
	_, err = calls.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: c.Identity}}, bson.D{{Key: "$set", Value: bson.D{{Key: "ended_at", Value: 0}, {Key: "state", Value: "active"}, {Key: "reason", Value: ""}}}})
	must(t, err)
	dead, living := stored, stored
	dead.Identity, dead.RoomIdentity, dead.EndedAt, dead.Node, dead.SeenAt = "dead", "room of dead", 0, "another", time.Now().Add(-time.Hour).UnixMilli()
	living.Identity, living.RoomIdentity, living.EndedAt, living.Node, living.SeenAt = "living", "room of living", 0, "another", time.Now().UnixMilli()
	for _, one := range []models.Call{dead, living} {
		must(t, first.store.Calls.Insert(t.Context(), &one))
	}
	closeAfterStop(t, first)

	second, err := open(testConfig(dir))
	must(t, err)
	again := &server{second, t}
	t.Cleanup(func() {
		if err := second.close(); err != nil {
			t.Error(err)
		}
	})
	for identity, want := range map[string]string{c.Identity: "ended failed", "dead": "ended failed", "living": "ended failed"} {
		got, err := second.store.Calls.Get(t.Context(), identity)
		must(t, err)
		if identity == "living" {
			if got.EndedAt != 0 {
				t.Errorf("the call of a living process was ended: %+v", got)
			}
		} else if got.State+" "+got.Reason != want || got.EndedAt == 0 {
			t.Errorf("%s is %+v", identity, got)
		}
	}
	alice.server, bob.server = again, again
	alices = alice.socket()
	alices.refused("gone", "call.accept", fields{"call": c.Identity})
	if another := alices.startCall(room); another.State != "ringing" {
		t.Errorf("the room is taken: %+v", another)
	}
}

// closeAfterStop closes what is left of an instance whose services were stopped.
func closeAfterStop(t *testing.T, i *instance) {
	t.Helper()
	i.client.CloseIdleConnections()
	i.http.Close()
	must(t, i.sockets.Wait(t.Context()))
	must(t, i.store.Close(t.Context()))
	must(t, i.database.Close(t.Context()))
	must(t, i.faults.err())
}

// Two nodes that do not know of each other keep one call in a room, and say that it is elsewhere.
func TestTwoNodesKeepOneCall(t *testing.T) {
	t.Parallel()
	one, two := twoNodes(t)
	alice, bob := one.friends("alice", "bob")
	room := alice.roomWith(bob)
	alices, there := alice.socket(), bob.on(two).socket()
	c := alices.startCall(room)
	there.refused("conflict", "call.start", fields{"room": room, "media": "audio"})
	there.refused("conflict", "call.accept", fields{"call": c.Identity})
	alices.onCall("call.end", c)
	there.refused("gone", "call.accept", fields{"call": c.Identity})
	if got := there.startCall(room); got.State != "ringing" {
		t.Errorf("the room is taken: %+v", got)
	}
}

// A link in a message is text: the server asks nobody for it.
func TestLinksAreNotFetched(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	asked := make(chan string, 1)
	url := serveUntilAsked(t, asked)
	bobs := bob.socket()
	alice.send(room, "look: "+url+"/picture.png")
	alice.post("/rooms/"+room+"/messages", fields{"data": url}).ok(201)
	alice.patch("/users/me", fields{"description": url}).ok(200)
	for range 2 {
		if m := heard[message](bobs, "message.new"); m.Type != "text" || !strings.Contains(m.Data, url) {
			t.Errorf("bob heard %+v", m)
		}
	}
	bob.get("/search/messages?q=picture").ok(200)
	bobs.quiet()
	select {
	case path := <-asked:
		t.Errorf("the server has asked for %s", path)
	default:
	}
}

// serveUntilAsked is a page that notes who asks for it.
func serveUntilAsked(t *testing.T, asked chan<- string) string {
	t.Helper()
	page := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case asked <- r.URL.Path:
		default:
		}
	}))
	t.Cleanup(page.Close)
	return page.URL
}
