package service

import (
	"context"
	"errors"

	"parlor/define"
	"parlor/models"
	"parlor/service/hub"
)

// ring tells users that they are called, on all connections that have not been told yet.
func (b *switchboard) ring(ctx context.Context, l *line, users ...string) {
	event := hub.Event{Op: define.EventCallRinging, Data: b.view(ctx, &l.call)}
	b.hub.Publish(hub.Delivery{Event: event, Users: l.only(define.ParticipantRinging, users), Only: func(conn *hub.Conn) bool {
		_, told := l.rung[conn]
		l.rung[conn] = struct{}{}
		return !told
	}})
}

func (l *line) only(state string, users []string) []string {
	var some []string
	for _, user := range users {
		if p := l.participant(user); p != nil && p.State == state {
			some = append(some, user)
		}
	}
	return some
}

// publish tells those who have to do with a call, and are still members of its room, how it stands; except has its answer.
func (b *switchboard) publish(ctx context.Context, l *line, op string, except *hub.Conn) {
	state, err := b.rooms.get(ctx, l.room)
	if err != nil {
		b.log.Warn("members could not be told of a call", "call", l.identity, "error", err)
		return
	}
	var users []string
	for _, p := range l.call.Participants {
		if _, ok := state.members[p.UserIdentity]; ok {
			users = append(users, p.UserIdentity)
		}
	}
	b.hub.Publish(hub.Delivery{Event: hub.Event{Op: op, Data: b.view(ctx, &l.call)}, Users: users, Except: except})
}

// tell publishes that somebody will not come, and the end of the call where that is its end.
func (b *switchboard) tell(ctx context.Context, l *line, op string, except *hub.Conn) {
	b.publish(ctx, l, op, except)
	if l.call.EndedAt > 0 {
		b.publish(ctx, l, define.EventCallEnded, except)
		b.record(ctx, l)
	}
}

// record leaves a message about a call that is over in its room. Stopped before it, history does not tell of the call.
func (b *switchboard) record(ctx context.Context, l *line) {
	if l.call.EndedAt > 0 {
		b.recordCall(ctx, &l.call)
	}
}

func (c *core) recordCall(ctx context.Context, call *models.Call) {
	state, err := c.rooms.get(ctx, call.RoomIdentity)
	if errors.Is(err, define.ErrRoomNotFound) || err == nil && state.room.DissolvedAt > 0 {
		return // nobody could read it
	}
	var duration int64
	if call.AnsweredAt > 0 {
		duration = (call.EndedAt - call.AnsweredAt) / 1000
	}
	users := []string{}
	for _, p := range call.Participants {
		if p.JoinedAt > 0 {
			users = append(users, p.UserIdentity)
		}
	}
	if err == nil {
		err = c.say(ctx, call.RoomIdentity, SystemMessage{
			Event: define.EventCallEnded, By: call.Caller, Users: users, Call: call.Identity, Media: call.Media, Reason: call.Reason, Duration: &duration,
		})
	}
	if err != nil {
		c.log.Warn("a room does not tell of a call", "call", call.Identity, "error", err)
	}
}

// view shows a call.
func (b *switchboard) view(ctx context.Context, call *models.Call) Call {
	identities := make([]string, len(call.Participants))
	for i, p := range call.Participants {
		identities[i] = p.UserIdentity
	}
	users, err := b.usersByID(ctx, identities)
	if err != nil {
		b.log.Warn("the participants of a call could not be read", "call", call.Identity, "error", err)
	}
	view := Call{
		Identity: call.Identity, RoomIdentity: call.RoomIdentity, Caller: call.Caller, Media: call.Media, State: call.State, Reason: call.Reason,
		Participants: make([]Participant, len(call.Participants)), CreatedAt: call.CreatedAt, AnsweredAt: call.AnsweredAt, EndedAt: call.EndedAt,
	}
	for i := range call.Participants {
		view.Participants[i] = participantView(&call.Participants[i], users[call.Participants[i].UserIdentity])
	}
	return view
}
