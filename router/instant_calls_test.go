package router_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parlor/define"
)

// phone opens /ws/call/ as the published client does, and logs in.
func (p *pupil) phone() *line {
	p.t.Helper()
	l := p.wsconnect("/ws/call/", p.cookie)
	l.hears("connection").is(p.t, fields{"message": "Connected"})
	l.send(fields{"type": "login", "data": fields{"name": "audio_or_video_" + p.name}})
	l.send(fields{"type": "stop_call", "data": fields{"name": "nobody12345"}}) // nothing comes of it
	return l
}

// hears returns the data of the next frame, which must be of this type.
func (l *line) hears(kind string) said {
	l.t.Helper()
	f := l.next("")
	if f["type"] != kind {
		l.t.Fatalf("heard %v, want %s", f, kind)
	}
	return said(f["data"].(map[string]any))
}

func callTo(p *pupil, rtc any) fields {
	return fields{"type": "call", "data": fields{"name": "audio_or_video_" + p.name, "rtcMessage": rtc}}
}

var (
	offer    = fields{"type": "offer", "sdp": "v=0\r\nm=audio 9\r\nm=video 9\r\n", "extra": []int{1, 2}}
	answered = fields{"type": "answer", "sdp": "v=0\r\nm=audio 9\r\n"}
)

func ice(n string) fields {
	return fields{"label": 1, "id": "video", "candidate": "candidate:" + n, "extra": n}
}

func TestInstantCalls(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob, eve := s.pupil("alice"), s.pupil("bobby"), s.pupil("evelyn")
	a, b := alice.socket(), bob.socket()
	room := a.befriends(alice, bob, b)
	ap, bp, old, ep := alice.phone(), bob.phone(), bob.phone(), eve.phone()
	s.online(bob, 3)
	s.online(alice, 2)
	s.online(eve, 1)
	name := func(p *pupil) string { return "audio_or_video_" + p.name }

	ap.send(callTo(bob, offer))
	for _, l := range []*line{bp, old} {
		l.hears("call_received").is(t, fields{"caller": name(alice), "rtcMessage": offer})
	}
	ap.send(fields{"type": "ICEcandidate", "data": fields{"user": name(bob), "rtcMessage": ice("early")}})
	bp.send(fields{"type": "answer_call", "data": fields{"caller": name(alice), "rtcMessage": answered}})
	ap.hears("call_answered").is(t, fields{"rtcMessage": answered})
	bp.hears("ICEcandidate").is(t, fields{"rtcMessage": ice("early")})
	for _, n := range []string{"1", "2"} {
		ap.send(fields{"type": "ICEcandidate", "data": fields{"user": name(bob), "rtcMessage": ice("a" + n)}})
		bp.hears("ICEcandidate").is(t, fields{"rtcMessage": ice("a" + n)})
		bp.send(fields{"type": "ICEcandidate", "data": fields{"user": name(alice), "rtcMessage": ice("b" + n)}})
		ap.hears("ICEcandidate").is(t, fields{"rtcMessage": ice("b" + n)})
	}
	old.send(fields{"type": "stop_call", "data": fields{"name": name(alice)}}) // on another of his sockets
	ap.hears("call_stopped").is(t, fields{})
	history := alice.native().history(roomOf(t, alice.native(), room))
	if last := history[len(history)-1]; last.Type != "system" || !strings.Contains(last.Data, "call.ended") {
		t.Errorf("the room says %+v", last)
	}
	if listed := a.rooms()[room].list("message_list"); len(listed) != 0 {
		t.Errorf("the client is shown %v", listed)
	}

	// As the document has it: the data beside the type.
	ap.send(fields{"type": "call", "name": name(bob), "rtcMessage": offer})
	bp.untilCall("call_received")
	bp.send(fields{"type": "answer_call", "name": name(alice), "rtcMessage": answered})
	ap.hears("call_answered")
	ap.send(fields{"type": "stop_call", "name": name(bob)})
	bp.hears("call_stopped")

	// What is passed on need not be WebRTC's: it is the clients' own.
	ap.send(callTo(bob, fields{"hello": "Bob"}))
	bp.hears("call_received").is(t, fields{"caller": name(alice), "rtcMessage": fields{"hello": "Bob"}})
	bp.send(fields{"type": "answer_call", "data": fields{"caller": name(alice), "rtcMessage": fields{"hello": "Alice"}}})
	ap.hears("call_answered").is(t, fields{"rtcMessage": fields{"hello": "Alice"}})
	ap.send(fields{"type": "ICEcandidate", "data": fields{"user": name(bob), "rtcMessage": ice("own")}})
	bp.hears("ICEcandidate").is(t, fields{"rtcMessage": ice("own")})
	ap.send(fields{"type": "stop_call", "data": fields{"name": name(bob)}})
	bp.hears("call_stopped")

	// Refused, and given up.
	bob2 := bob.phone()
	s.online(bob, 4)
	ap.send(callTo(bob, offer))
	bob2.hears("call_received")
	bob2.send(fields{"type": "stop_call", "data": fields{"name": name(alice)}})
	ap.hears("call_stopped")
	ap.send(callTo(bob, offer))
	bob2.untilCall("call_received")
	ap.send(fields{"type": "stop_call", "data": fields{"name": name(bob)}})
	bob2.hears("call_stopped")

	// Nobody calls, or answers for, somebody whose friend he is not, whatever he calls himself.
	ep.send(callTo(alice, offer))
	ep.send(callTo(bob, offer))
	ep.send(fields{"type": "answer_call", "data": fields{"caller": name(alice), "rtcMessage": answered}})
	ep.send(fields{"type": "ICEcandidate", "data": fields{"user": name(bob), "rtcMessage": ice("x")}})
	for _, test := range []struct {
		cookie string
		data   fields
	}{
		{"", fields{"name": name(alice)}}, {eve.cookie, fields{"name": name(alice)}}, {"", fields{"name": name(alice), "token": eve.token}}, {"", fields{}},
	} {
		l := s.wsconnect("/ws/call/", test.cookie)
		l.hears("connection")
		l.send(fields{"type": "login", "data": test.data})
		l.hears("error").is(t, fields{"message": "Token Error"})
		l.send(callTo(bob, offer))
		l.send(fields{"type": "login", "data": test.data})
		l.hears("error")
	}
	token := s.wsconnect("/ws/call/", "")
	token.hears("connection")
	token.send(fields{"type": "login", "data": fields{"name": alice.name, "token": alice.token}})
	token.send(callTo(bob, offer))
	if got := bob2.untilCall("call_received")["caller"]; got != alice.name {
		t.Errorf("the caller is %v", got)
	}
	select {
	case f := <-ep.frames:
		t.Errorf("a stranger hears %v", f)
	default:
	}
}

// online waits until a user has so many sockets.
func (s *server) online(p *pupil, sockets int) {
	s.t.Helper()
	id := p.native().identity
	for end := time.Now().Add(patience); len(s.services.Hub.Conns(id)) < sockets; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("%s has not %d sockets", p.name, sockets)
		}
	}
}

func TestInstantCallFrames(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.pupil("alice")
	l := alice.phone()
	for _, text := range []string{
		"", "nonsense", "[]", "null", "{}", `{"type":5}`, `{"type":"call"}`, `{"type":"call","data":5}`, `{"type":"call","data":{"name":5}}`,
		`{"type":"call","data":{"name":"x","rtcMessage":"x"}}`, `{"type":"call","data":{"name":"` + alice.name + `","rtcMessage":{}}}`,
		`{"type":"answer_call","data":{"caller":"` + alice.name + `","rtcMessage":{}}}`, `{"type":"ICEcandidate","data":{"user":"x","rtcMessage":{"label":"x"}}}`,
		`{"type":"ICEcandidate","data":{"rtcMessage":null}}`, `{"type":"stop_call"}`, `{"type":"login","data":{"name":"other"}}`, "\xff",
	} {
		must(t, l.conn.WriteMessage(websocket.TextMessage, []byte(text)))
		must(t, l.conn.WriteMessage(websocket.BinaryMessage, []byte(text)))
	}
	// Its socket is there still: a friend's call reaches it.
	bob := s.pupil("bobby")
	alice.socket().befriends(alice, bob, bob.socket())
	bp := bob.phone()
	s.online(bob, 2)
	bp.send(callTo(alice, offer))
	l.hears("call_received")
}

// A call of this face rings for a native client, which answers once it has what the other one offers.
func TestInstantCallsNatives(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, anna := s.pupil("alice"), s.user("anna")
	anna.befriend(alice.native())
	ap, n := alice.phone(), anna.socket()
	s.online(alice, 1)
	ap.send(fields{"type": "call", "data": fields{"name": "audio_or_video_" + anna.account, "rtcMessage": offer}})
	ap.send(fields{"type": "ICEcandidate", "data": fields{"user": anna.account, "rtcMessage": ice("early")}})
	type ring struct {
		Identity string `json:"identity"`
		Caller   string `json:"caller"`
		Media    string `json:"media"`
	}
	var call ring
	must(t, json.Unmarshal(n.expect("call.ringing").Data, &call))
	if call.Media != "video" {
		t.Errorf("it rings as %+v", call)
	}
	n.ok("call.accept", fields{"call": call.Identity})
	var signal struct {
		From        string         `json:"from"`
		Description map[string]any `json:"description"`
		Candidate   map[string]any `json:"candidate"`
	}
	must(t, json.Unmarshal(n.expect("call.signal").Data, &signal))
	if signal.Description["sdp"] != offer["sdp"] || signal.From != call.Caller {
		t.Errorf("the offer is %+v", signal)
	}
	must(t, json.Unmarshal(n.expect("call.signal").Data, &signal))
	if signal.Candidate["candidate"] != "candidate:early" || signal.Candidate["sdpMid"] != "video" || signal.Candidate["sdpMLineIndex"] != 1.0 {
		t.Errorf("the candidate is %+v", signal)
	}
	n.ok("call.signal", fields{"call": call.Identity, "to": call.Caller, "description": answered})
	ap.hears("call_answered").is(t, fields{"rtcMessage": answered})
	n.ok("call.signal", fields{"call": call.Identity, "to": call.Caller, "candidate": fields{"candidate": "candidate:n", "sdpMid": "0", "sdpMLineIndex": 0}})
	ap.hears("ICEcandidate").is(t, fields{"rtcMessage": fields{"candidate": "candidate:n", "id": "0", "label": 0}})
	n.ok("call.end", fields{"call": call.Identity})
	ap.hears("call_stopped").is(t, fields{})
}

// A call of a native client has no offer that the published client could answer, and so does not ring on it. It rings on
// the user's other devices, and does not stand in the way of the next call.
func TestInstantCallsOfNatives(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob, anna := s.pupil("alice"), s.pupil("bobby"), s.user("anna")
	alice.socket().befriends(alice, bob, bob.socket())
	native := alice.native()
	private := anna.befriend(native)
	ap, bp, phone, n := alice.phone(), bob.phone(), native.socket(), anna.socket()
	s.online(alice, 3)
	s.online(bob, 2)
	for _, taken := range []bool{true, false} {
		call := decode[map[string]any](t, "call.start", n.ok("call.start", fields{"room": private, "media": "audio"}))["identity"]
		phone.expect("call.ringing")
		ap.send(fields{"type": "answer_call", "data": fields{"caller": anna.account, "rtcMessage": answered}}) // nothing comes of it
		if taken {
			phone.ok("call.accept", fields{"call": call})
			n.expect("call.accepted")
		}
		n.ok("call.end", fields{"call": call})
		phone.expect("call.ended")
		for _, socket := range []*socket{n, phone} {
			socket.expect("message.new")
		}
	}
	bp.send(callTo(alice, offer))
	ap.hears("call_received") // and nothing before
}

// untilCall returns the data of the next frame of a type and passes over others.
func (l *line) untilCall(kind string) said {
	l.t.Helper()
	for {
		if f := l.next(""); f["type"] == kind {
			return said(f["data"].(map[string]any))
		}
	}
}

// The published client opens a socket for calls each time its page is drawn. They replace each other, and nothing else.
func TestInstantManyCallSockets(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.pupil("alice")
	a, first := alice.socket(), alice.phone()
	s.online(alice, 2)
	for range define.SocketsPerLogin {
		alice.phone()
	}
	if err := <-first.broken; !websocket.IsCloseError(err, define.CloseReplaced) {
		t.Errorf("the oldest socket for calls: %v", err)
	}
	a.quiet()
}
