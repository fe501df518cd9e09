package service

import (
	"context"
	"slices"

	"parlor/define"
	"parlor/models"
)

// tell answers the sender and then tells the others.
func (s *shard) tell(one *send, o outcome) {
	defer one.told()
	if one.message == nil {
		return
	}
	if o.err != nil {
		one.done(Message{}, false, o.err)
		return
	}
	one.done(s.outcomeView(one, o), o.created, nil)
	if !o.created {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	state, err := s.rooms.get(ctx, o.message.RoomIdentity)
	if err != nil {
		s.log.Error("members could not be told of a message", "room", o.message.RoomIdentity, "error", err)
		return
	}
	s.publishMessage(state, define.EventMessageNew, o.message, one.around, one.conn)
	if err := s.notifyMentioned(ctx, state, o.message); err != nil {
		s.log.Error("members could not be notified of a mention", "room", o.message.RoomIdentity, "error", err)
	}
}

// outcomeView shows a sender what he has sent. What an earlier send has stored under the same ClientID is said by the
// same person and may reply to something else: its surroundings are those of the send as far as they go.
func (s *shard) outcomeView(one *send, o outcome) Message {
	return one.around.view(o.message, o.message.UserIdentity)
}

// mentioned returns whom a message mentions, the members of its room but the sender where it mentions all.
func (state *roomState) mentioned(m *models.Message) []string {
	if slices.Contains(m.Mentions, define.MentionAll) {
		return state.ids
	}
	return m.Mentions
}

func (c *core) notifyMentioned(ctx context.Context, state *roomState, m *models.Message) error {
	if len(m.Mentions) == 0 {
		return nil
	}
	return c.notify(ctx, define.NotifyMention, m.UserIdentity, models.NotificationContent{Room: m.RoomIdentity, Message: m.Identity}, state.mentioned(m)...)
}

// countMentions notes a message for the members whom it mentions, until they have read it.
func (c *core) countMentions(ctx context.Context, m *models.Message) error {
	users := m.Mentions
	if slices.Contains(users, define.MentionAll) {
		users = nil
	}
	return c.store.UserRooms.Mention(ctx, m.RoomIdentity, m.Seq, users)
}
