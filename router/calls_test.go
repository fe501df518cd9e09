package router_test

import (
	"encoding/json"
	"testing"
)

type (
	call struct {
		Identity     string        `json:"identity"`
		RoomIdentity string        `json:"room_identity"`
		Caller       string        `json:"caller"`
		Media        string        `json:"media"`
		State        string        `json:"state"`
		Reason       string        `json:"reason"`
		Participants []participant `json:"participants"`
		CreatedAt    int64         `json:"created_at"`
		AnsweredAt   int64         `json:"answered_at"`
		EndedAt      int64         `json:"ended_at"`
	}
	participant struct {
		User     person `json:"user"`
		State    string `json:"state"`
		JoinedAt int64  `json:"joined_at"`
		LeftAt   int64  `json:"left_at"`
	}
	callSignal struct {
		Call        string          `json:"call"`
		From        string          `json:"from"`
		Description json.RawMessage `json:"description"`
		Candidate   json.RawMessage `json:"candidate"`
	}
	// callRecord is the data of the system message that a call leaves.
	callRecord struct {
		Event    string   `json:"event"`
		By       string   `json:"by"`
		Users    []string `json:"users"`
		Call     string   `json:"call"`
		Media    string   `json:"media"`
		Reason   string   `json:"reason"`
		Duration *int64   `json:"duration"`
	}
)

// startCall calls a room and returns the call.
func (s *socket) startCall(room string) call {
	s.t.Helper()
	return decode[call](s.t, "call.start", s.ok("call.start", fields{"room": room, "media": "video"}))
}

// onCall does something with a call and returns it.
func (s *socket) onCall(op string, c call) call {
	s.t.Helper()
	return decode[call](s.t, op, s.ok(op, fields{"call": c.Identity}))
}

// states returns how the participants of a call stand, by user.
func (c call) states() map[string]string {
	states := map[string]string{}
	for _, p := range c.Participants {
		states[p.User.Identity] = p.State
	}
	return states
}

// checkCall fails the test unless a call stands like this; participants are pairs of a user and his state.
func checkCall(t *testing.T, c call, state, reason string, participants ...any) {
	t.Helper()
	if c.State != state || c.Reason != reason || (c.EndedAt > 0) != (state == "ended") {
		t.Errorf("the call is %s %q: %+v; want %s %q", c.State, c.Reason, c, state, reason)
	}
	states := c.states()
	for i := 0; i < len(participants); i += 2 {
		if who := participants[i].(*user); states[who.identity] != participants[i+1] {
			t.Errorf("%s is %q in the call, want %q", who.account, states[who.identity], participants[i+1])
		}
	}
}

// expectRecord waits for the message that a call leaves in its room.
func (s *socket) expectRecord(c call, reason string) callRecord {
	s.t.Helper()
	m := heard[message](s, "message.new")
	record := decode[callRecord](s.t, "the record of a call", []byte(m.Data))
	if m.Type != "system" || m.Sender.Identity != c.Caller || m.RoomIdentity != c.RoomIdentity || record.Event != "call.ended" || record.By != c.Caller ||
		record.Call != c.Identity || record.Media != c.Media || record.Reason != reason || record.Duration == nil || *record.Duration < 0 {
		s.t.Errorf("the call left %+v, want the reason %s", m, reason)
	}
	return record
}

// The whole way of a call between two, with two devices at each end.
func TestCallBetweenTwo(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	alices, alicesOther := alice.socket(), alice.login("phone").socket()
	bobs, bobsOther := bob.socket(), bob.login("phone").socket()

	c := alices.startCall(room)
	checkCall(t, c, "ringing", "", alice, "joined", bob, "ringing")
	if c.Caller != alice.identity || c.RoomIdentity != room || c.Media != "video" || c.AnsweredAt != 0 {
		t.Errorf("the call is %+v", c)
	}
	for _, device := range []*socket{bobs, bobsOther} {
		checkCall(t, heard[call](device, "call.ringing"), "ringing", "", alice, "joined", bob, "ringing")
	}
	alicesOther.quiet()

	bobs.refused("forbidden", "call.signal", fields{"call": c.Identity, "to": alice.identity, "candidate": fields{}})
	checkCall(t, bobs.onCall("call.accept", c), "active", "", alice, "joined", bob, "joined")
	for _, device := range []*socket{alices, alicesOther, bobsOther} {
		checkCall(t, heard[call](device, "call.accepted"), "active", "", bob, "joined")
	}
	bobs.ok("call.signal", fields{"call": c.Identity, "to": alice.identity, "description": fields{"type": "offer", "sdp": "v=0"}})
	signal := heard[callSignal](alices, "call.signal")
	if signal.Call != c.Identity || signal.From != bob.identity || string(signal.Description) != `{"sdp":"v=0","type":"offer"}` || signal.Candidate != nil {
		t.Errorf("alice heard %+v", signal)
	}
	alices.ok("call.signal", fields{"call": c.Identity, "to": bob.identity, "candidate": fields{"candidate": ""}})
	bobs.expect("call.signal")

	bobsOther.refused("conflict", "call.accept", fields{"call": c.Identity})
	bobsOther.refused("conflict", "call.decline", fields{"call": c.Identity})
	bobsOther.refused("forbidden", "call.end", fields{"call": c.Identity})
	bobsOther.refused("forbidden", "call.signal", fields{"call": c.Identity, "to": alice.identity, "candidate": fields{}})
	bobsOther.refused("conflict", "call.start", fields{"room": room, "media": "audio"})

	checkCall(t, alices.onCall("call.end", c), "ended", "completed", alice, "left", bob, "left")
	for _, device := range []*socket{alicesOther, bobs, bobsOther} {
		checkCall(t, heard[call](device, "call.ended"), "ended", "completed", alice, "left", bob, "left")
	}
	for _, device := range []*socket{alices, alicesOther, bobs, bobsOther} {
		device.expectRecord(c, "completed")
		device.quiet()
	}
	bobs.refused("gone", "call.end", fields{"call": c.Identity})
	bobs.refused("gone", "call.accept", fields{"call": c.Identity})
}
