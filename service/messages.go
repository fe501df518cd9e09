package service

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"parlor/define"
	"parlor/models"
)

// Messages is about what is said in rooms.
type Messages struct{ *core }

// Send says something in a room and returns when it is stored and the others have been told; created is false where the ClientID was used before,
// and the message is the one stored then. Refusals: ErrInvalid, ErrRoomNotFound, ErrRoomDissolved, ErrRoomClosed,
// ErrBlocked, ErrSilenced, ErrRateLimited, ErrUnavailable.
func (s *Messages) Send(ctx context.Context, c Caller, room string, in MessageInput) (m Message, created bool, err error) {
	told := make(chan struct{})
	done := func(message Message, isNew bool, refusal error) { m, created, err = message, isNew, refusal }
	s.submit(ctx, c, room, in, done, func() { close(told) })
	// The writer always answers: it does so within the timeout of the database.
	<-told
	return m, created, err
}

// Submit is Send for callers that don't wait. It checks, queues and returns; done is called exactly once, in the order
// in which the room's messages are numbered, and before others hear of the message. done must not block.
func (s *Messages) Submit(ctx context.Context, c Caller, room string, in MessageInput, done func(m Message, created bool, err error)) {
	s.submit(ctx, c, room, in, done, func() {})
}

func (s *Messages) submit(ctx context.Context, c Caller, room string, in MessageInput, done func(Message, bool, error), told func()) {
	message, around, err := s.compose(ctx, c, room, in)
	if err == nil {
		err = s.writer.put(ctx, &send{message: message, around: around, conn: c.Conn, done: done, told: told})
	}
	if err != nil {
		stored, err := s.retried(ctx, c, room, in, err)
		done(stored, false, err)
		told()
	}
}

// changedSince reports whether a send could be refused for this and yet have been allowed when it was made: the room was
// closed to the sender since, the message's file is gone with it, what it answers was recalled, whom it mentions has left.
func changedSince(refusal error) bool {
	for _, why := range []error{
		define.ErrRoomClosed, define.ErrRoomDissolved, define.ErrBlocked, define.ErrSilenced, define.ErrNotYourFile,
		define.ErrRecalled, define.ErrMessageNotFound, define.ErrNotMentionable, define.ErrForbidden,
	} {
		if errors.Is(refusal, why) {
			return true
		}
	}
	return false
}

// retried answers a refused send with what is stored under its ClientID: whoever retries must learn that his message
// was stored, whatever has changed since. Without one it returns the refusal.
func (s *Messages) retried(ctx context.Context, c Caller, room string, in MessageInput, refusal error) (Message, error) {
	if !changedSince(refusal) || in.ClientID == "" {
		return Message{}, refusal
	}
	stored, err := s.store.Messages.ByClientID(ctx, room, c.User, in.ClientID)
	if err != nil {
		return Message{}, notFound(err, refusal)
	}
	if stored.ReplyTo != 0 { // which it would quote
		if _, err := s.readerOf(ctx, c, room); errors.Is(err, define.ErrLocked) {
			return Message{}, err
		}
	}
	return s.viewOf(ctx, &stored, c.User)
}

// compose checks a send and makes a message of it that lacks only its numbers.
func (s *Messages) compose(ctx context.Context, c Caller, room string, in MessageInput) (*models.Message, surroundings, error) {
	if err := check(in); err != nil {
		return nil, surroundings{}, err
	}
	if in.Format == define.FormatJSON && !json.Valid([]byte(in.Data)) {
		return nil, surroundings{}, define.Invalid("data", "must be JSON, as the format says", "格式为 json 时必须是有效的 JSON")
	}
	switch {
	case in.File != "":
	case in.Type != "" && in.Type != define.MessageText:
		return nil, surroundings{}, define.Invalid("file", "is needed for this type of message", "该类型的消息需要文件")
	case in.Data == "":
		return nil, surroundings{}, define.Invalid("data", "is needed", "为必填字段")
	}
	if err := limit(s.limits.send, c.User); err != nil {
		return nil, surroundings{}, err
	}
	state, err := s.writerOf(ctx, c.User, room)
	if err != nil {
		return nil, surroundings{}, err
	}
	if err := s.checkMentions(state, c.User, in.Mentions); err != nil {
		return nil, surroundings{}, err
	}
	message := models.Message{
		RoomIdentity: room, UserIdentity: c.User, Type: define.MessageText, Data: in.Data, Format: in.Format, ReplyTo: in.ReplyTo,
		Mentions: distinct(in.Mentions), ClientID: in.ClientID,
	}
	if in.File != "" {
		if err := s.attach(ctx, c, in, &message); err != nil {
			return nil, surroundings{}, err
		}
	}
	around, err := s.surround(ctx, []models.Message{message})
	if err != nil {
		return nil, around, err
	}
	if err := s.checkReply(ctx, c, &message, around); err != nil {
		return nil, around, err
	}
	return &message, around, notFound(s.hold(ctx, &message), define.ErrNotYourFile)
}

// distinct leaves out what stands in a list before already.
func distinct(all []string) []string {
	var first []string
	for _, one := range all {
		if !slices.Contains(first, one) {
			first = append(first, one)
		}
	}
	return first
}

// checkReply allows an answer to what the sender can read in the room.
func (s *Messages) checkReply(ctx context.Context, c Caller, m *models.Message, around surroundings) error {
	if m.ReplyTo == 0 {
		return nil
	}
	original := around.quoted[m.ReplyTo]
	if original == nil || original.RoomIdentity != m.RoomIdentity {
		return define.ErrMessageNotFound
	}
	member, err := s.readerOf(ctx, c, m.RoomIdentity)
	if err != nil {
		return err
	}
	if !canSee(&member, original) {
		return define.ErrMessageNotFound
	}
	if original.RecalledAt > 0 {
		return define.ErrRecalled
	}
	return nil
}

// checkMentions allows members, and everybody at once to the owner and admins.
func (s *Messages) checkMentions(state *roomState, user string, mentions []string) error {
	for _, mentioned := range mentions {
		if mentioned == define.MentionAll {
			if state.members[user].role == define.RoleMember && state.room.Kind == define.RoomGroup {
				return define.ErrForbidden
			}
			continue
		}
		if _, ok := state.members[mentioned]; !ok {
			return define.ErrNotMentionable
		}
	}
	return nil
}

// historyCursor is where a page of history goes on.
type historyCursor struct {
	Before int64 `json:"b,omitempty"`
	After  int64 `json:"a,omitempty"`
}

// History returns a page of a room: newest first below BeforeSeq, or oldest first above AfterSeq; with filters, of what
// they leave. Refusals: ErrInvalid, ErrRoomNotFound, ErrRoomDissolved, ErrLocked.
func (s *Messages) History(ctx context.Context, c Caller, room string, q HistoryQuery) (List[Message], error) {
	if err := check(q); err != nil {
		return List[Message]{}, err
	}
	if q.BeforeSeq != nil && q.AfterSeq != nil {
		return List[Message]{}, define.Invalid("after_seq", "can't be used together with before_seq", "不能与 before_seq 同时使用")
	}
	if q.filters() {
		return s.filtered(ctx, c, room, q)
	}
	at := historyCursor{Before: math.MaxInt64}
	if q.BeforeSeq != nil {
		at.Before = *q.BeforeSeq
	} else if q.AfterSeq != nil {
		at = historyCursor{After: *q.AfterSeq}
	}
	forward := q.AfterSeq != nil
	if q.Cursor != "" {
		at = historyCursor{}
	}
	n, err := q.Page.read(&at)
	if err != nil {
		return List[Message]{}, err
	}
	if q.Cursor != "" {
		forward = at.Before == 0
	}
	member, err := s.readerOf(ctx, c, room)
	if err != nil {
		return List[Message]{}, err
	}
	var docs []models.Message
	if forward {
		docs, err = s.store.Messages.After(ctx, room, c.User, max(at.After, floor(&member)), n+1)
	} else {
		docs, err = s.store.Messages.Before(ctx, room, c.User, floor(&member), at.Before, n+1)
	}
	if err != nil {
		return List[Message]{}, err
	}
	around, err := s.surround(ctx, docs)
	if err != nil {
		return List[Message]{}, err
	}
	show := func(m *models.Message) Message { return around.view(m, c.User) }
	return listOf(docs, n, show, func(_ int, last *models.Message) any {
		if forward {
			return historyCursor{After: last.Seq}
		}
		return historyCursor{Before: last.Seq}
	}), nil
}

// readerOf returns a member's side of a room whose messages he wants to read, as it stands in the database. One that he
// has locked must be unlocked first: ErrLocked.
func (c *core) readerOf(ctx context.Context, caller Caller, room string) (models.UserRoom, error) {
	if _, err := c.memberOf(ctx, caller.User, room); err != nil {
		return models.UserRoom{}, err
	}
	member, err := c.store.UserRooms.Get(ctx, caller.User, room)
	if err == nil && member.Locked && !caller.unlocked(room) {
		err = define.ErrLocked
	}
	return member, notFound(err, define.ErrRoomNotFound)
}

// canSee reports whether a message of his room is there for a member at all.
func canSee(member *models.UserRoom, m *models.Message) bool {
	return m.Seq > floor(member) && !slices.Contains(m.HiddenFor, member.UserIdentity)
}

// readable returns one message to whoever may read it, with his side of the room; to anybody else it does not exist:
// ErrMessageNotFound.
func (c *core) readable(ctx context.Context, caller Caller, identity int64) (models.Message, models.UserRoom, error) {
	m, err := c.store.Messages.Get(ctx, identity)
	if err != nil {
		return m, models.UserRoom{}, notFound(err, define.ErrMessageNotFound)
	}
	member, err := c.readerOf(ctx, caller, m.RoomIdentity)
	if errors.Is(err, define.ErrRoomNotFound) || err == nil && !canSee(&member, &m) {
		err = define.ErrMessageNotFound
	}
	return m, member, err
}

// Get returns one message to whoever may read it; to anybody else it does not exist: ErrMessageNotFound.
func (s *Messages) Get(ctx context.Context, c Caller, identity int64) (Message, error) {
	m, _, err := s.readable(ctx, c, identity)
	if err != nil {
		return Message{}, err
	}
	return s.viewOf(ctx, &m, c.User)
}
