package service

import (
	"context"
	"errors"
	"slices"
	"time"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
	"parlor/service/hub"
)

// line is an open call of this process. Who holds the lock of its room may read and change it, but for identity and room,
// which stay.
type line struct {
	identity, room string

	call    models.Call            // as it is stored
	sockets map[string]*hub.Conn   // of those who are in it, by user; none while it is gone
	graces  map[string]*time.Timer // until when those whose socket is gone may come back
	rung    map[*hub.Conn]struct{} // the connections that have been told that it rings
	timeout *time.Timer            // until when it rings
}

func (l *line) participant(user string) *models.Participant {
	return participantOf(&l.call, user)
}

func participantOf(call *models.Call, user string) *models.Participant {
	for i := range call.Participants {
		if call.Participants[i].UserIdentity == user {
			return &call.Participants[i]
		}
	}
	return nil
}

// draft is a copy to be changed and committed.
func (l *line) draft() *models.Call {
	next := l.call
	next.Participants = slices.Clone(l.call.Participants)
	return &next
}

func count(call *models.Call, state string) int {
	n := 0
	for i := range call.Participants {
		if call.Participants[i].State == state {
			n++
		}
	}
	return n
}

// settle ends a call in which nobody is left to talk to: nobody, or one for whom nobody is rung.
func settle(call *models.Call, cause string, at int64) {
	in, rung := count(call, define.ParticipantJoined), count(call, define.ParticipantRinging)
	if in == 0 || in == 1 && rung == 0 {
		hangUp(call, cause, at)
	}
}

// hangUp ends a call for everybody. One that was answered is completed, unless it failed.
func hangUp(call *models.Call, cause string, at int64) {
	for i := range call.Participants {
		switch p := &call.Participants[i]; p.State {
		case define.ParticipantRinging:
			p.State = define.ParticipantMissed
		case define.ParticipantJoined:
			p.State, p.LeftAt = define.ParticipantLeft, at
		}
	}
	if call.AnsweredAt > 0 && cause != define.ReasonFailed {
		cause = define.ReasonCompleted
	}
	call.State, call.Reason, call.EndedAt = define.CallEnded, cause, at
}

// open makes a call and rings for those of the callees who are in no other.
func (b *switchboard) open(ctx context.Context, c Caller, in CallStartInput, callees []string, done func(Call, error)) error {
	at := now()
	call := models.Call{
		Identity: helper.NewIdentity(), RoomIdentity: in.Room, Caller: c.User, Media: in.Media, State: define.CallRinging,
		CreatedAt: at, Node: b.node, SeenAt: at,
		Participants: []models.Participant{{UserIdentity: c.User, SessionIdentity: c.Session, State: define.ParticipantJoined, JoinedAt: at}},
	}
	l := &line{
		identity: call.Identity, room: in.Room, sockets: map[string]*hub.Conn{}, graces: map[string]*time.Timer{}, rung: map[*hub.Conn]struct{}{},
	}
	if err := b.engage(c.User, l); err != nil {
		return err
	}
	for _, user := range callees {
		state := define.ParticipantBusy
		if b.expect(user, l) {
			state = define.ParticipantRinging
		}
		call.Participants = append(call.Participants, models.Participant{UserIdentity: user, State: state})
	}
	settle(&call, define.ReasonBusy, at)
	if err := b.insert(ctx, &call); err != nil {
		b.forget(l, c.User, callees)
		return err
	}
	l.call = call
	b.keep(l)
	if call.EndedAt > 0 {
		done(b.view(ctx, &l.call), nil)
		b.recordCall(ctx, &l.call)
		return nil
	}
	l.timeout = b.after(b.config.Call.RingTimeout, l, func(ctx context.Context) { b.expire(ctx, l) })
	b.attach(l, c.Conn)
	done(b.view(ctx, &l.call), nil)
	b.ring(ctx, l, callees...)
	b.verify(ctx, l)
	return nil
}

// insert stores a new call. An open one in its room that nobody holds any more is ended first.
func (b *switchboard) insert(ctx context.Context, call *models.Call) error {
	err := b.store.Calls.Insert(ctx, call)
	if !errors.Is(err, models.ErrDuplicate) {
		return err
	}
	other, err := b.store.Calls.Open(ctx, call.RoomIdentity)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	if err == nil {
		if other.Node != b.node && other.SeenAt >= now()-callLease.Milliseconds() {
			return define.ErrCallElsewhere
		}
		ended, err := b.abandon(ctx, other)
		if err != nil {
			return err
		}
		if ended != nil {
			b.recordCall(ctx, ended)
		}
	}
	err = b.store.Calls.Insert(ctx, call)
	if errors.Is(err, models.ErrDuplicate) {
		return define.ErrCallElsewhere
	}
	return err
}

// join puts the caller into a call on his socket.
func (b *switchboard) join(ctx context.Context, c Caller, l *line, done func(Call, error)) error {
	if _, err := b.writerOf(ctx, c.User, l.room); err != nil {
		return err
	}
	next := l.draft()
	p := participantOf(next, c.User)
	switch {
	case p != nil && p.State == define.ParticipantJoined:
		return define.ErrInCall
	case count(next, define.ParticipantJoined) >= define.CallMax:
		return define.ErrCallFull
	case p == nil:
		next.Participants = append(next.Participants, models.Participant{UserIdentity: c.User})
		p = &next.Participants[len(next.Participants)-1]
	}
	if err := b.engage(c.User, l); err != nil {
		return err
	}
	at := now()
	p.State, p.SessionIdentity, p.JoinedAt, p.LeftAt = define.ParticipantJoined, c.Session, at, 0
	if next.AnsweredAt == 0 {
		next.State, next.AnsweredAt = define.CallActive, at
	}
	if err := b.commit(ctx, l, next); err != nil {
		b.disengage(c.User, l)
		return err
	}
	b.attach(l, c.Conn)
	done(b.view(ctx, &l.call), nil)
	b.publish(ctx, l, define.EventCallAccepted, c.Conn)
	b.refuseOthers(c.User, l)
	b.verify(ctx, l)
	return nil
}

// verify takes those out of a call who were removed while it was being opened or joined, when nobody could see them in it.
func (b *switchboard) verify(ctx context.Context, l *line) {
	state, err := b.rooms.get(ctx, l.room)
	if err != nil {
		b.log.Warn("the members of a call could not be verified", "call", l.identity, "error", err)
		return
	}
	if state.room.DissolvedAt > 0 || state.room.ClosedAt > 0 || state.blocked[l.call.Caller] {
		b.closeRoom(l.room)
	}
	for _, p := range l.draft().Participants {
		if _, ok := state.members[p.UserIdentity]; !ok && l.call.EndedAt == 0 {
			b.exclude(ctx, l, p.UserIdentity)
		}
	}
}

// resume takes a participant along to another socket of his session.
func (b *switchboard) resume(ctx context.Context, c Caller, l *line, done func(Call, error)) {
	former := l.sockets[c.User]
	b.attach(l, c.Conn)
	view := b.view(ctx, &l.call)
	done(view, nil)
	if former != nil && former != c.Conn {
		former.Push(hub.Event{Op: define.EventCallAccepted, Data: view})
	}
}

// refuseOthers makes a user busy for the other calls that ring for him.
func (b *switchboard) refuseOthers(user string, l *line) {
	b.mu.Lock()
	var others []*line
	for other := range b.ringing[user] {
		if other != l {
			others = append(others, other)
		}
	}
	b.mu.Unlock()
	for _, other := range others {
		b.later(func(ctx context.Context) {
			b.with(ctx, other, func(ctx context.Context) {
				if p := other.participant(user); p != nil && p.State == define.ParticipantRinging {
					b.refuse(ctx, other, user, define.ParticipantBusy, define.ReasonBusy)
				}
			})
		})
	}
}

func (b *switchboard) decline(ctx context.Context, c Caller, l *line, done func(Call, error)) error {
	next := l.draft()
	participantOf(next, c.User).State = define.ParticipantDeclined
	settle(next, define.ReasonDeclined, now())
	if err := b.commit(ctx, l, next); err != nil {
		return err
	}
	done(b.view(ctx, &l.call), nil)
	b.tell(ctx, l, define.EventCallDeclined, c.Conn)
	return nil
}

// refuse stops ringing for a user without his doing.
func (b *switchboard) refuse(ctx context.Context, l *line, user, state, cause string) {
	next := l.draft()
	participantOf(next, user).State = state
	settle(next, cause, now())
	b.force(ctx, l, next)
	b.tell(ctx, l, define.EventCallDeclined, nil)
}

// expire stops ringing for all who have not answered in time.
func (b *switchboard) expire(ctx context.Context, l *line) {
	next := l.draft()
	if count(next, define.ParticipantRinging) == 0 {
		return
	}
	for i := range next.Participants {
		if p := &next.Participants[i]; p.State == define.ParticipantRinging {
			p.State = define.ParticipantMissed
		}
	}
	settle(next, define.ReasonNoAnswer, now())
	b.force(ctx, l, next)
	b.tell(ctx, l, define.EventCallDeclined, nil)
}

// leave takes somebody out of a call that he is in.
func (b *switchboard) leave(ctx context.Context, l *line, user, cause string, except *hub.Conn, done func(Call, error)) {
	next, at := l.draft(), now()
	p := participantOf(next, user)
	p.State, p.LeftAt = define.ParticipantLeft, at
	settle(next, cause, at)
	b.force(ctx, l, next)
	b.detach(l, user)
	done(b.view(ctx, &l.call), nil)
	b.publish(ctx, l, define.EventCallEnded, except)
	b.record(ctx, l)
}

// exclude takes somebody who is no longer a member of the room out of its call. It is the last that he hears of it.
func (b *switchboard) exclude(ctx context.Context, l *line, user string) {
	switch p := l.participant(user); {
	case p == nil:
		return
	case p.State == define.ParticipantJoined:
		b.leave(ctx, l, user, define.ReasonCancelled, nil, func(Call, error) {})
	case p.State == define.ParticipantRinging:
		b.refuse(ctx, l, user, define.ParticipantMissed, define.ReasonNoAnswer)
	default:
		return
	}
	b.hub.Publish(hub.Delivery{Event: hub.Event{Op: define.EventCallEnded, Data: b.view(ctx, &l.call)}, Users: []string{user}})
}

// endCall ends a call for everybody.
func (b *switchboard) endCall(ctx context.Context, l *line, cause string) {
	b.with(ctx, l, func(ctx context.Context) {
		next := l.draft()
		hangUp(next, cause, now())
		b.force(ctx, l, next)
		b.publish(ctx, l, define.EventCallEnded, nil)
		b.record(ctx, l)
	})
}

// miss begins the time in which a participant whose socket is gone may come back.
func (b *switchboard) miss(l *line, conn *hub.Conn) {
	user := conn.User()
	if l.sockets[user] != conn {
		return
	}
	delete(l.sockets, user)
	l.graces[user] = b.after(b.config.Call.ReconnectGrace, l, func(ctx context.Context) {
		if p := l.participant(user); l.sockets[user] == nil && p.State == define.ParticipantJoined {
			b.leave(ctx, l, user, define.ReasonFailed, nil, func(Call, error) {})
		}
	})
}

// commit stores how a call stands next and keeps it so. ErrCallEnded where another process has ended it meanwhile, taking
// this one for dead: it is then over here too.
func (b *switchboard) commit(ctx context.Context, l *line, next *models.Call) error {
	next.SeenAt = now()
	err := b.store.Calls.Save(ctx, next)
	if errors.Is(err, models.ErrNotFound) {
		over := l.draft()
		hangUp(over, define.ReasonFailed, now())
		b.take(l, over)
		b.publish(ctx, l, define.EventCallEnded, nil)
		return define.ErrCallEnded
	}
	if err != nil {
		return err
	}
	b.take(l, next)
	return nil
}

// force is commit for what has happened already. Where it cannot be stored the document stays behind, and is ended as
// abandoned once nobody renews it.
func (b *switchboard) force(ctx context.Context, l *line, next *models.Call) {
	next.SeenAt = now()
	if err := b.store.Calls.Save(ctx, next); err != nil {
		b.log.Warn("a change of a call could not be stored", "call", l.identity, "error", err)
	}
	b.take(l, next)
}

func (b *switchboard) take(l *line, next *models.Call) {
	l.call = *next
	b.keep(l)
	if l.timeout != nil && count(next, define.ParticipantRinging) == 0 {
		l.timeout.Stop()
	}
	if next.EndedAt > 0 {
		for _, p := range next.Participants {
			b.detach(l, p.UserIdentity)
		}
	}
}
