package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
	"parlor/service/hub"
)

// Calls is about calls: who may call whom, and what they send each other to get connected. Media goes from device to
// device, or through a TURN server; none of it comes here.
//
// Its methods call done exactly once: with the call as it is then, before anybody is told of what follows from it, so
// that a client hears of a call in the order in which it changes. done must not block.
type Calls struct{ *core }

// Start calls the members of a room, who may write there, over the socket of the caller. Where they are in a call already,
// or the other one calls at the same moment, it joins that call as Accept does: a room has one call. It is over at once,
// with the reason `busy`, where everybody is in another call. Refusals: those of Messages.Send, ErrInCall,
// ErrNobodyToCall, ErrTooManyToCall, ErrCallFull, ErrCallElsewhere, ErrSocketOnly.
func (s *Calls) Start(ctx context.Context, c Caller, in CallStartInput, done func(Call, error)) {
	if err := s.start(ctx, c, in, done); err != nil {
		done(Call{}, err)
	}
}

func (s *Calls) start(ctx context.Context, c Caller, in CallStartInput, done func(Call, error)) error {
	if err := check(in); err != nil {
		return err
	}
	if c.Conn == nil {
		return define.ErrSocketOnly
	}
	if err := limit(s.limits.call, c.User); err != nil {
		return err
	}
	state, err := s.writerOf(ctx, c.User, in.Room)
	if err != nil {
		return err
	}
	defer s.calls.gates.lock(in.Room)()
	if l := s.calls.inRoom(in.Room); l != nil {
		return s.calls.join(ctx, c, l, done)
	}
	if len(state.ids) > define.CallRoomMax {
		return define.ErrTooManyToCall
	}
	callees := state.callees(c.User)
	if len(callees) == 0 {
		return define.ErrNobodyToCall
	}
	return s.calls.open(ctx, c, in, callees, done)
}

// callees are the members for whom a call of user rings: those who may answer it.
func (s *roomState) callees(user string) []string {
	var callees []string
	for _, member := range s.ids {
		if member != user && !s.blocked[member] && s.members[member].silencedUntil <= now() {
			callees = append(callees, member)
		}
	}
	return callees
}

// Accept answers a call on the socket of the caller; in a group it also joins a call that rings no more. The session that
// is in the call already takes it along to another socket. Refusals: those of Messages.Send but ErrRoomNotFound,
// ErrCallNotFound, ErrCallEnded, ErrCallFull, ErrInCall, ErrAnswered on another device, ErrSocketOnly.
func (s *Calls) Accept(ctx context.Context, c Caller, in CallInput, done func(Call, error)) {
	s.onCall(ctx, c, in, done, func(l *line) error {
		if c.Conn == nil {
			return define.ErrSocketOnly
		}
		p := l.participant(c.User)
		if p == nil || p.State != define.ParticipantJoined {
			return s.calls.join(ctx, c, l, done)
		}
		if p.SessionIdentity != c.Session {
			return define.ErrAnswered
		}
		s.calls.resume(ctx, c, l, done)
		return nil
	})
}

// Decline refuses a call for all devices of the caller. Refusals: ErrCallNotFound, ErrCallEnded, ErrNotRinging.
func (s *Calls) Decline(ctx context.Context, c Caller, in CallInput, done func(Call, error)) {
	s.onCall(ctx, c, in, done, func(l *line) error {
		if p := l.participant(c.User); p == nil || p.State != define.ParticipantRinging {
			return define.ErrNotRinging
		}
		return s.calls.decline(ctx, c, l, done)
	})
}

// End takes the caller's device out of a call, which is over where nobody is left to talk to. Refusals: ErrCallNotFound,
// ErrCallEnded, ErrNotInCall.
func (s *Calls) End(ctx context.Context, c Caller, in CallInput, done func(Call, error)) {
	s.onCall(ctx, c, in, done, func(l *line) error {
		p := l.participant(c.User)
		if p == nil || p.State != define.ParticipantJoined || p.SessionIdentity != c.Session {
			return define.ErrNotInCall
		}
		s.calls.leave(ctx, l, c.User, define.ReasonCancelled, c.Conn, done)
		return nil
	})
}

// Signal hands a session description or a candidate to the device of another participant. Refusals: ErrInvalid,
// ErrCallNotFound, ErrCallEnded, ErrNotInCall, ErrPeerAway while the other's socket is gone, ErrRateLimited.
func (s *Calls) Signal(ctx context.Context, c Caller, in CallSignalInput, done func(Call, error)) {
	if err := checkSignal(in); err != nil {
		done(Call{}, err)
		return
	}
	if err := limit(s.limits.signal, c.User); err != nil {
		done(Call{}, err)
		return
	}
	s.onCall(ctx, c, CallInput{Call: in.Call}, done, func(l *line) error {
		if c.Conn == nil || l.sockets[c.User] != c.Conn {
			return define.ErrNotInCall
		}
		p := l.participant(in.To)
		if in.To == c.User || p == nil || p.State != define.ParticipantJoined {
			return define.Invalid("to", "must be another participant of the call", "必须是通话中的其他成员")
		}
		to := l.sockets[in.To]
		if to == nil {
			return define.ErrPeerAway
		}
		done(s.calls.view(ctx, &l.call), nil)
		signal := CallSignalEvent{Call: in.Call, From: c.User}
		if given(in.Description) {
			signal.Description = in.Description
		} else {
			signal.Candidate = in.Candidate
		}
		to.Push(hub.Event{Op: define.EventCallSignal, Data: signal})
		return nil
	})
}

func checkSignal(in CallSignalInput) error {
	if err := check(in); err != nil {
		return err
	}
	for _, part := range []struct {
		field string
		value json.RawMessage
		most  int
	}{{"description", in.Description, define.DescriptionMax}, {"candidate", in.Candidate, define.CandidateMax}} {
		switch {
		case !given(part.value):
		case part.value[0] != '{':
			return define.Invalid(part.field, "must be an object", "必须是对象")
		case len(part.value) > part.most:
			return define.Invalid(part.field, "is too long", "过长")
		}
	}
	if given(in.Description) == given(in.Candidate) {
		return define.Invalid("description", "or candidate is needed, and not both", "description 与 candidate 须且只能提供一个")
	}
	return nil
}

// given reports whether a field was not left out, nor null.
func given(v json.RawMessage) bool { return len(v) > 0 && !bytes.Equal(v, []byte("null")) }

// ICE returns the servers through which the caller's devices find and reach others, with credentials of his that are good
// for turn.credential_ttl. There are none where no TURN server is configured.
func (s *Calls) ICE(_ context.Context, c Caller) (ICEServers, error) {
	turn := s.config.TURN
	servers := ICEServers{ICEServers: []ICEServer{}}
	open, secured := splitURLs(turn.URLs)
	if len(open) > 0 {
		servers.ICEServers = append(servers.ICEServers, ICEServer{URLs: open})
	}
	if len(secured) > 0 {
		username, credential := helper.TURNCredential(turn.Secret, c.User, time.Now().Add(turn.CredentialTTL))
		servers.ICEServers = append(servers.ICEServers, ICEServer{URLs: secured, Username: username, Credential: credential})
	}
	return servers, nil
}

// onCall does something with a call that is under way, and alone.
func (s *Calls) onCall(ctx context.Context, c Caller, in CallInput, done func(Call, error), do func(*line) error) {
	err := check(in)
	if err == nil {
		err = s.withLine(ctx, c.User, in.Call, do)
	}
	if err != nil {
		done(Call{}, err)
	}
}

func (s *Calls) withLine(ctx context.Context, user, identity string, do func(*line) error) error {
	l := s.calls.line(identity)
	if l == nil {
		return s.notHere(ctx, user, identity)
	}
	if err := s.mayKnow(ctx, user, l.room); err != nil {
		return err
	}
	defer s.calls.gates.lock(l.room)()
	if s.calls.line(identity) != l {
		return define.ErrCallEnded
	}
	return do(l)
}

// mayKnow hides calls from everybody who is not a member of their rooms.
func (s *Calls) mayKnow(ctx context.Context, user, room string) error {
	_, err := s.memberOf(ctx, user, room)
	if errors.Is(err, define.ErrRoomNotFound) {
		return define.ErrCallNotFound
	}
	return err
}

// notHere says what has become of a call that this process does not hold.
func (s *Calls) notHere(ctx context.Context, user, identity string) error {
	call, err := s.store.Calls.Get(ctx, identity)
	if err != nil {
		return notFound(err, define.ErrCallNotFound)
	}
	if err := s.mayKnow(ctx, user, call.RoomIdentity); err != nil {
		return err
	}
	if call.EndedAt == 0 {
		return define.ErrCallElsewhere
	}
	return define.ErrCallEnded
}

// splitURLs tells servers that anybody may ask from those that want a name and password.
func splitURLs(urls []string) (open, secured []string) {
	for _, url := range urls {
		if url[:4] == "stun" {
			open = append(open, url)
		} else {
			secured = append(secured, url)
		}
	}
	return open, secured
}

// participantView shows one participant; user is who he is.
func participantView(p *models.Participant, user User) Participant {
	return Participant{User: user, State: p.State, JoinedAt: p.JoinedAt, LeftAt: p.LeftAt}
}
