package instant

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/router/socket"
	"parlor/service"
)

// callPrefix is what the published client puts before the names of users on this socket.
const callPrefix = "audio_or_video_"

// candidatesMost is how many candidates wait for a call to be answered.
const candidatesMost = 200

// caller is who is at the other end of /ws/call/. The published client opens one such socket each time its page is drawn,
// and leaves the old ones open.
type caller struct {
	server *Server
	conn   *socket.Conn
	cookie string

	mu         sync.Mutex
	prefix     string            // of the name that it has logged in with
	call       string            // the call that goes over this socket, empty for none
	peer       string            // who is at the other end of it
	accepted   bool              // the other one has answered, or the caller himself has
	offer      json.RawMessage   // what the other one must be sent when he has answered
	candidates []json.RawMessage // likewise
	ringing    map[string]string // calls that wait to be answered, by who calls
}

// callFrame is what goes over /ws/call/, both ways.
type callFrame struct {
	Type string `json:"type"`
	Data any    `json:"data"`
}

// callData is what clients send. rtcMessage is theirs: it is passed on as it is.
type callData struct {
	Name       string          `json:"name"`
	Token      token           `json:"token"`
	User       string          `json:"user"`
	Caller     string          `json:"caller"`
	RTCMessage json.RawMessage `json:"rtcMessage"`
}

type (
	callMessage struct {
		Message string `json:"message"`
	}
	received struct {
		Caller     string          `json:"caller"`
		RTCMessage json.RawMessage `json:"rtcMessage"`
	}
	relayed struct {
		RTCMessage json.RawMessage `json:"rtcMessage"`
	}
)

// openCalls answers GET /ws/call/.
func (s *Server) openCalls(c *gin.Context) error {
	conn, err := s.o.Sockets.Accept(c)
	if conn == nil {
		return err
	}
	k := &caller{server: s, conn: conn, cookie: proofOf(c, "", "").cookie, ringing: map[string]string{}}
	k.send(callFrame{"connection", callMessage{"Connected"}})
	conn.Serve(k.receive)
	return nil
}

func (k *caller) send(frame callFrame) {
	for _, f := range k.server.encode(frame) {
		k.conn.Send(f)
	}
}

// receive serves one frame. What cannot be done is passed over, as the published server does where nobody is there.
func (k *caller) receive(kind int, frame []byte) {
	k.conn.Pace()
	f, ok := parseCall(kind, frame)
	if !ok {
		return
	}
	ctx := k.server.o.Sockets.Context()
	serve, there := callFunctions[f.Type]
	if known := k.conn.Caller().User != ""; !there || known == (f.Type == "login") {
		return
	}
	if err := serve(k, ctx, *f.Data); err != nil && !refusal(err) {
		k.server.o.Log.Error("a call failed", "type", f.Type, "error", err, "user", k.conn.Caller().User, "request_id", k.conn.RequestID)
	}
}

// callFunctions are all that a client of /ws/call/ can ask for: to log in, once, and after that the rest.
var callFunctions = map[string]func(k *caller, ctx context.Context, in callData) error{
	"login":        (*caller).login,
	"call":         (*caller).start,
	"answer_call":  (*caller).answer,
	"ICEcandidate": (*caller).candidate,
	"stop_call":    (*caller).stop,
}

// sentCall is a frame of a client. The document has its data beside the type.
type sentCall struct {
	Type string    `json:"type"`
	Data *callData `json:"data"`
}

// parseCall reads a frame; ok is false where it is none of this protocol.
func parseCall(kind int, frame []byte) (f sentCall, ok bool) {
	if kind != websocket.TextMessage || decode(frame, &f) != nil {
		return f, false
	}
	if f.Data == nil {
		f.Data = &callData{}
		ok = decode(frame, f.Data) == nil
		return f, ok
	}
	return f, true
}

// login says who is there: the name must be his own.
func (k *caller) login(ctx context.Context, in callData) error {
	name, prefixed := strings.CutPrefix(in.Name, callPrefix)
	if prefixed {
		k.prefix = callPrefix
	}
	shown := proof{name: name, token: in.Token, cookie: k.cookie}
	who, expires, err := k.server.authenticate(ctx, shown, k.conn.IP)
	if err != nil {
		k.send(callFrame{"error", callMessage{string(errStranger)}})
		return err
	}
	k.conn.Join(ctx, socket.Login{
		Caller: who, Expires: expires, Dialect: k.server.calls, Value: k,
		Check: func(ctx context.Context) error {
			_, _, err := k.server.authenticate(ctx, shown, k.conn.IP)
			return err
		},
	})
	return nil
}

// user finds a friend of the caller's by the name that he has on this socket, with the room of the two.
func (k *caller) user(ctx context.Context, name string) (service.Profile, error) {
	user, err := k.server.o.Accounts.ByAccount(ctx, strings.TrimPrefix(name, callPrefix))
	if err != nil {
		return service.Profile{}, err
	}
	profile, err := k.server.o.Accounts.Profile(ctx, k.conn.Caller(), user.Identity)
	if err == nil && profile.RoomIdentity == nil {
		err = define.ErrForbidden
	}
	return profile, err
}

// start calls a friend in the room of the two. What is to be passed on to him waits for him to answer; clients of this
// face are told of it while it rings, since they cannot answer without it.
func (k *caller) start(ctx context.Context, in callData) error {
	if !isObject(in.RTCMessage) {
		return define.ErrMalformed
	}
	friend, err := k.user(ctx, in.Name)
	if err != nil {
		return err
	}
	media := "audio"
	if bytes.Contains(in.RTCMessage, []byte("m=video")) {
		media = "video"
	}
	me := k.conn.Caller()
	k.server.o.Calls.Start(ctx, me, service.CallStartInput{Room: *friend.RoomIdentity, Media: media}, func(call service.Call, refused error) {
		if err = refused; err != nil {
			return
		}
		if call.EndedAt > 0 { // he is in another call
			k.send(callFrame{"call_stopped", struct{}{}})
			return
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		k.call, k.peer, k.accepted, k.offer, k.candidates = call.Identity, friend.Identity, false, in.RTCMessage, nil
		k.server.offers.put(me.User, offered{call: call.Identity, from: k.prefix, message: in.RTCMessage})
	})
	return err
}

// answer takes a call that rings.
func (k *caller) answer(ctx context.Context, in callData) error {
	friend, err := k.user(ctx, cmp.Or(in.Caller, in.Name))
	if err != nil || !isObject(in.RTCMessage) {
		return errors.Join(err, define.ErrMalformed)
	}
	k.mu.Lock()
	call := k.ringing[friend.Identity]
	k.mu.Unlock()
	if call == "" {
		return define.ErrCallNotFound
	}
	me := k.conn.Caller()
	k.server.o.Calls.Accept(ctx, me, service.CallInput{Call: call}, func(_ service.Call, refused error) {
		if err = refused; err != nil {
			return
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.ringing, friend.Identity)
		k.call, k.peer, k.accepted = call, friend.Identity, true
		k.server.offers.put(me.User, offered{call: call})
	})
	if err != nil {
		return err
	}
	return k.signal(ctx, service.CallSignalInput{Call: call, To: friend.Identity, Description: in.RTCMessage})
}

// candidate passes a candidate on to the other one, once he has answered.
func (k *caller) candidate(ctx context.Context, in callData) error {
	candidate, err := nativeCandidate(in.RTCMessage)
	if err != nil {
		return err
	}
	k.mu.Lock()
	call, peer, accepted := k.call, k.peer, k.accepted
	if call != "" && !accepted && len(k.candidates) < candidatesMost {
		k.candidates = append(k.candidates, candidate)
	}
	k.mu.Unlock()
	if call == "" || !accepted {
		return nil
	}
	return k.signal(ctx, service.CallSignalInput{Call: call, To: peer, Candidate: candidate})
}

// stop ends the call, or refuses the one that rings. The published client may say so over another of its sockets.
func (k *caller) stop(ctx context.Context, in callData) error {
	friend, err := k.user(ctx, in.Name)
	if err != nil {
		return err
	}
	me := k.conn.Caller()
	k.mu.Lock()
	call, ringing := k.call, k.ringing[friend.Identity]
	k.call = ""
	delete(k.ringing, friend.Identity)
	k.mu.Unlock()
	if call == "" {
		call = k.server.offers.of(me.User).call
	}
	done := func(_ service.Call, refused error) { err = refused }
	if ringing != "" && ringing != call {
		k.server.o.Calls.Decline(ctx, me, service.CallInput{Call: ringing}, done)
		return err
	}
	if call == "" {
		return nil
	}
	k.server.offers.drop(me.User, call)
	k.server.o.Calls.End(ctx, me, service.CallInput{Call: call}, done)
	return err
}

func (k *caller) signal(ctx context.Context, in service.CallSignalInput) (err error) {
	k.server.o.Calls.Signal(ctx, k.conn.Caller(), in, func(_ service.Call, refused error) { err = refused })
	return err
}

func isObject(message json.RawMessage) bool { return bytes.HasPrefix(message, []byte("{")) }
