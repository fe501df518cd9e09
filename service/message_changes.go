package service

import (
	"context"
	"errors"
	"strconv"
	"time"

	"parlor/define"
	"parlor/models"
	"parlor/service/hub"
)

// lockMessage serialises the changes of one message in this process, so that copies of its text end as the message does.
func (c *core) lockMessage(identity int64) (unlock func()) {
	return c.locks.lock("message " + strconv.FormatInt(identity, 10))
}

// Edit puts another text into a message of the caller's. Refusals: ErrMessageNotFound, ErrNotSender, ErrRecalled,
// ErrPastEdit, ErrForbidden for what is not one's own words, and those of writing.
func (s *Messages) Edit(ctx context.Context, c Caller, identity int64, in EditInput) (Message, error) {
	if err := check(in); err != nil {
		return Message{}, err
	}
	defer s.lockMessage(identity)()
	m, _, err := s.readable(ctx, c, identity)
	if err != nil {
		return Message{}, err
	}
	switch {
	case m.UserIdentity != c.User:
		return Message{}, define.ErrNotSender
	case m.RecalledAt > 0:
		return Message{}, define.ErrRecalled
	case m.ForwardedFrom != nil, m.Type == define.MessageMerged, m.Type == define.MessageSystem, m.Type == define.MessageNotice:
		return Message{}, define.ErrForbidden
	case tooLate(m.CreatedAt, s.config.Message.EditWindow):
		return Message{}, define.ErrPastEdit
	case *in.Data == "" && m.File == nil: // with a file it is a caption, which may go
		return Message{}, define.Invalid("data", "is needed", "为必填字段")
	}
	if _, err := s.writerOf(ctx, c.User, m.RoomIdentity); err != nil {
		return Message{}, err
	}
	if err := s.settle(ctx, &m); err != nil {
		return Message{}, err
	}
	before := m
	if m, err = s.store.Messages.Edit(ctx, identity, *in.Data, changedAt(&m)); err != nil {
		return Message{}, notFound(err, define.ErrRecalled)
	}
	if err := s.forgetTranslations(ctx, &before); err != nil { // after the edit: see Words.stillSays
		return Message{}, err
	}
	// Stopped before this, the room shows the old text until its next message.
	if err := s.store.Rooms.Reword(ctx, &m); err != nil {
		return Message{}, err
	}
	s.indexer.again(ctx, &m)
	return s.changed(ctx, c, define.EventMessageEdited, &m)
}

// changedAt is the moment of a change: later than the one before, so that updated_at tells a client which of two states
// that come by different ways is the newer one.
func changedAt(m *models.Message) int64 { return max(now(), m.UpdatedAt+1) }

func tooLate(since int64, window time.Duration) bool { return now()-since > window.Milliseconds() }

// changed tells the room of a changed message and returns it as the caller sees it.
func (s *core) changed(ctx context.Context, c Caller, op string, m *models.Message) (Message, error) {
	if err := s.announceMessage(ctx, op, m, c.Conn); err != nil {
		return Message{}, err
	}
	return s.viewOf(ctx, m, c.User)
}

// Recall takes all that was said out of a message, for everybody: its sender within the window, an owner anyone's, an
// admin members', at any time. Recalling what is recalled already changes nothing. Refusals: ErrMessageNotFound,
// ErrForbidden, ErrPastRecall.
func (s *Messages) Recall(ctx context.Context, c Caller, identity int64) (Message, error) {
	defer s.lockMessage(identity)()
	m, _, err := s.readable(ctx, c, identity)
	if err != nil {
		return Message{}, err
	}
	if m.RecalledAt > 0 {
		return s.viewOf(ctx, &m, c.User)
	}
	state, err := s.memberOf(ctx, c.User, m.RoomIdentity)
	if err != nil {
		return Message{}, err
	}
	if err := s.mayRecall(state, c.User, &m); err != nil {
		return Message{}, err
	}
	return s.recall(ctx, c, &m)
}

func (s *Messages) mayRecall(state *roomState, user string, m *models.Message) error {
	role := state.members[user].role
	switch {
	case m.Type == define.MessageSystem:
		return define.ErrForbidden
	case state.room.Kind == define.RoomGroup && role == define.RoleOwner:
		return nil
	case role == define.RoleAdmin && m.UserIdentity != user && !state.leads(m.UserIdentity):
		return nil
	case m.UserIdentity != user:
		return define.ErrForbidden
	case tooLate(m.CreatedAt, s.config.Message.RecallWindow):
		return define.ErrPastRecall
	}
	return nil
}

// settle waits until the writer has made its copy of a message that is being stored: one could be read before.
func (c *core) settle(ctx context.Context, m *models.Message) error {
	if tooLate(m.CreatedAt, writeTimeout) {
		return nil
	}
	return c.writer.settle(ctx, m.RoomIdentity)
}

// recall takes the copies away before the message itself: stopped on the way, the message is still there, and recalling
// it again finishes the work.
func (s *core) recall(ctx context.Context, c Caller, m *models.Message) (Message, error) {
	if err := s.settle(ctx, m); err != nil {
		return Message{}, err
	}
	at := changedAt(m)
	emptied := *m
	emptied.Data, emptied.Format, emptied.File, emptied.RecalledAt = "", "", nil, at
	err := errors.Join(
		s.store.Rooms.Reword(ctx, &emptied),
		s.store.UserRooms.Skip(ctx, m.RoomIdentity, m.Seq, ""),
		s.forgetTranslations(ctx, m),
	)
	if m.Type == define.MessageNotice {
		err = errors.Join(err, s.store.Announcements.DeleteByMessage(ctx, m.Identity))
	}
	if err != nil {
		return Message{}, err
	}
	if len(m.Files) > 0 {
		if err := s.store.Files.Loosen(ctx, m.Files, longAgo); err != nil {
			return Message{}, err
		}
	}
	recalled, err := s.store.Messages.Recall(ctx, m.Identity, c.User, at)
	if errors.Is(err, models.ErrNotFound) { // another process was faster
		stored, err := s.store.Messages.Get(ctx, m.Identity)
		if err != nil {
			return Message{}, err
		}
		return s.viewOf(ctx, &stored, c.User)
	}
	if err != nil {
		return Message{}, err
	}
	if err := s.forgetTranslations(ctx, m); err != nil { // again, for one may have been made meanwhile: see Words.stillSays
		return Message{}, err
	}
	s.collectAll(ctx, m.Files)
	s.indexer.again(ctx, &recalled)
	return s.changed(ctx, c, define.EventMessageRecalled, &recalled)
}

// Delete takes a message away for the caller alone, on all of his devices.
func (s *Messages) Delete(ctx context.Context, c Caller, identity int64) error {
	m, _, err := s.readable(ctx, c, identity)
	if err != nil {
		return err
	}
	// The count comes first: stopped on the way, the message is still listed, and deleting it again finishes the work.
	if err := s.store.UserRooms.Hide(ctx, c.User, m.RoomIdentity, m.Seq); err != nil {
		return err
	}
	if err := s.store.Messages.Hide(ctx, identity, c.User); err != nil {
		return err
	}
	event := hub.Event{Op: define.EventMessageDeleted, Data: MessageDeletedEvent{Room: m.RoomIdentity, Message: identity}}
	s.hub.Publish(hub.Delivery{Event: event, Users: []string{c.User}, Except: c.Conn})
	return nil
}

// Clear takes the history of a room so far away for the caller alone, on all of his devices.
func (s *Messages) Clear(ctx context.Context, c Caller, room string) error {
	doc, _, err := s.roomAndMember(ctx, c.User, room)
	if err != nil {
		return err
	}
	if doc.LastMessage == nil {
		return nil
	}
	member, err := s.store.UserRooms.Clear(ctx, c.User, room, doc.LastSeq, doc.LastMessage.Identity, now())
	if err != nil {
		return notFound(err, define.ErrRoomNotFound)
	}
	s.rooms.drop(room)
	s.publishMe(c, &doc, &member)
	return nil
}

// publishMe tells the caller's other devices how his side of a room stands now.
func (c *core) publishMe(caller Caller, room *models.Room, member *models.UserRoom) {
	event := hub.Event{Op: define.EventRoomMe, Data: RoomMeEvent{Room: room.Identity, Me: roomMe(room, member)}}
	c.hub.Publish(hub.Delivery{Event: event, Users: []string{caller.User}, Except: caller.Conn})
}

// Readers says who of the room has read a message and who has not. Who came after it is neither.
func (s *Messages) Readers(ctx context.Context, c Caller, identity int64) (Readers, error) {
	m, _, err := s.readable(ctx, c, identity)
	if err != nil {
		return Readers{}, err
	}
	members, err := s.store.UserRooms.ByRoom(ctx, m.RoomIdentity)
	if err != nil {
		return Readers{}, err
	}
	identities := make([]string, len(members))
	for i := range members {
		identities[i] = members[i].UserIdentity
	}
	users, err := s.usersByID(ctx, identities)
	if err != nil {
		return Readers{}, err
	}
	readers := Readers{Read: []User{}, Unread: []User{}}
	for i := range members {
		switch user := users[members[i].UserIdentity]; {
		case members[i].SinceSeq >= m.Seq:
		case members[i].ReadSeq >= m.Seq:
			readers.Read = append(readers.Read, user)
		default:
			readers.Unread = append(readers.Unread, user)
		}
	}
	return readers, nil
}
