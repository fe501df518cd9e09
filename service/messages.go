package service

import (
	"cmp"
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

// messageView shows a message to anybody who may read it; ClientID is the sender's own business and left out.
func messageView(m *models.Message, sender User) Message {
	return Message{
		Identity: m.Identity, RoomIdentity: m.RoomIdentity, Seq: m.Seq, Sender: sender, Type: m.Type, Data: m.Data,
		ReplyTo: m.ReplyTo, Mentions: m.Mentions, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt,
	}
}

// messageViewFor is messageView with what only the sender sees.
func messageViewFor(m *models.Message, sender User, reader string) Message {
	view := messageView(m, sender)
	if m.UserIdentity == reader {
		view.ClientID = m.ClientID
	}
	return view
}

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
	message, sender, err := s.compose(ctx, c, room, in)
	if err == nil {
		err = s.writer.put(ctx, &send{message: message, sender: sender, conn: c.Conn, done: done, told: told})
	}
	if err != nil {
		stored, err := s.retried(ctx, c, room, in, err)
		done(stored, false, err)
		told()
	}
}

// retried answers a refused send with what is stored under its ClientID: whoever retries must learn that his message
// was stored, even where the room was closed to him since. Without one it returns the refusal.
func (s *Messages) retried(ctx context.Context, c Caller, room string, in MessageInput, refusal error) (Message, error) {
	closed := []error{define.ErrRoomClosed, define.ErrRoomDissolved, define.ErrBlocked, define.ErrSilenced}
	if !slices.ContainsFunc(closed, func(why error) bool { return errors.Is(refusal, why) }) || in.ClientID == "" {
		return Message{}, refusal
	}
	stored, err := s.store.Messages.ByClientID(ctx, room, c.User, in.ClientID)
	if err != nil {
		return Message{}, notFound(err, refusal)
	}
	sender, err := s.users.get(ctx, c.User)
	return messageViewFor(&stored, sender, c.User), err
}

// compose checks a send and makes a message of it that lacks only its numbers.
func (s *Messages) compose(ctx context.Context, c Caller, room string, in MessageInput) (*models.Message, User, error) {
	if err := check(in); err != nil {
		return nil, User{}, err
	}
	in.Type = cmp.Or(in.Type, define.MessageText)
	switch {
	case in.File != "":
		return nil, User{}, define.Invalid("file", "is not a file of yours", "文件不存在")
	case in.Type != define.MessageText:
		return nil, User{}, define.Invalid("file", "is needed for this type of message", "该类型的消息需要文件")
	case in.Data == "":
		return nil, User{}, define.Invalid("data", "is needed", "为必填字段")
	}
	if err := limit(s.limits.send, c.User); err != nil {
		return nil, User{}, err
	}
	state, err := s.writerOf(ctx, c.User, room)
	if err != nil {
		return nil, User{}, err
	}
	if err := s.checkMentions(state, c.User, in.Mentions); err != nil {
		return nil, User{}, err
	}
	if in.ReplyTo != 0 {
		original, err := s.store.Messages.Get(ctx, in.ReplyTo)
		if err != nil {
			return nil, User{}, notFound(err, define.ErrMessageNotFound)
		}
		if original.RoomIdentity != room {
			return nil, User{}, define.ErrMessageNotFound
		}
	}
	sender, err := s.users.get(ctx, c.User)
	if err != nil {
		return nil, User{}, err
	}
	return &models.Message{
		RoomIdentity: room, UserIdentity: c.User, Type: in.Type, Data: in.Data, ReplyTo: in.ReplyTo,
		Mentions: in.Mentions, ClientID: in.ClientID,
	}, sender, nil
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
			return define.Invalid("mentions", "must be members of the room", "只能提及房间成员")
		}
	}
	return nil
}

// systemMessage is the data of a message of type `system`, so that history tells what happened to the room.
type systemMessage struct {
	Event string   `json:"event"`
	By    string   `json:"by"`
	Users []string `json:"users"`
}

// say stores a system message and tells the members of it.
func (c *core) say(ctx context.Context, room, by string, what systemMessage) error {
	data, err := json.Marshal(what)
	if err != nil {
		return err
	}
	sender, err := c.users.get(ctx, by)
	if err != nil {
		return err
	}
	told := make(chan struct{})
	var refused error
	message := &models.Message{RoomIdentity: room, UserIdentity: by, Type: define.MessageSystem, Data: string(data)}
	done := func(_ Message, _ bool, err error) { refused = err }
	if err := c.writer.put(ctx, &send{message: message, sender: sender, done: done, told: func() { close(told) }}); err != nil {
		return err
	}
	<-told
	return refused
}

// historyCursor is where a page of history goes on.
type historyCursor struct {
	Before int64 `json:"b,omitempty"`
	After  int64 `json:"a,omitempty"`
}

// History returns a page of a room: newest first below BeforeSeq, or oldest first above AfterSeq.
func (s *Messages) History(ctx context.Context, c Caller, room string, q HistoryQuery) (List[Message], error) {
	if err := check(q); err != nil {
		return List[Message]{}, err
	}
	if q.BeforeSeq != nil && q.AfterSeq != nil {
		return List[Message]{}, define.Invalid("after_seq", "can't be used together with before_seq", "不能与 before_seq 同时使用")
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
	member, err := s.memberNow(ctx, c.User, room)
	if err != nil {
		return List[Message]{}, err
	}
	var docs []models.Message
	if forward {
		docs, err = s.store.Messages.After(ctx, room, max(at.After, floor(&member)), n+1)
	} else {
		docs, err = s.store.Messages.Before(ctx, room, floor(&member), at.Before, n+1)
	}
	if err != nil {
		return List[Message]{}, err
	}
	users, err := s.senders(ctx, docs)
	if err != nil {
		return List[Message]{}, err
	}
	show := func(m *models.Message) Message { return messageViewFor(m, users[m.UserIdentity], c.User) }
	return listOf(docs, n, show, func(_ int, last *models.Message) any {
		if forward {
			return historyCursor{After: last.Seq}
		}
		return historyCursor{Before: last.Seq}
	}), nil
}

// memberNow returns a member's side of a room as it stands in the database.
func (c *core) memberNow(ctx context.Context, user, room string) (models.UserRoom, error) {
	if _, err := c.memberOf(ctx, user, room); err != nil {
		return models.UserRoom{}, err
	}
	member, err := c.store.UserRooms.Get(ctx, user, room)
	return member, notFound(err, define.ErrRoomNotFound)
}

func (c *core) senders(ctx context.Context, docs []models.Message) (map[string]User, error) {
	identities := make([]string, len(docs))
	for i := range docs {
		identities[i] = docs[i].UserIdentity
	}
	slices.Sort(identities)
	return c.usersByID(ctx, slices.Compact(identities))
}

// Get returns one message to whoever may read it; to anybody else it does not exist: ErrMessageNotFound.
func (s *Messages) Get(ctx context.Context, c Caller, identity int64) (Message, error) {
	m, err := s.store.Messages.Get(ctx, identity)
	if err != nil {
		return Message{}, notFound(err, define.ErrMessageNotFound)
	}
	member, err := s.memberNow(ctx, c.User, m.RoomIdentity)
	if err != nil {
		if define.ErrRoomNotFound.Is(err) {
			return Message{}, define.ErrMessageNotFound
		}
		return Message{}, err
	}
	if m.Seq <= floor(&member) {
		return Message{}, define.ErrMessageNotFound
	}
	sender, err := s.users.get(ctx, m.UserIdentity)
	return messageViewFor(&m, sender, c.User), err
}
