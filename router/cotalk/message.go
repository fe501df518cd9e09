package cotalk

import (
	"errors"

	"parlor/define"
	"parlor/service"
)

// sending is what somebody wants to say in a chat.
type sending struct {
	user, chat int64
	text, kind string
	replyTo    int64 // 0 for none
}

func (f fields) sending() (s sending, err error) {
	if s.user, err = f.integer("user_id"); err != nil {
		return s, err
	}
	if s.chat, err = f.integer("chat_id"); err != nil {
		return s, err
	}
	if s.text, err = f.text("msg_text", ""); err != nil {
		return s, err
	}
	if s.kind, err = f.text("msg_type", ""); err != nil || !f.has("reply_to") {
		return s, err
	}
	s.replyTo, err = f.integer("reply_to")
	return s, err
}

func (f *Face) send(r *request) (any, error) {
	if r.isForm() { // no upload is taken of who has no session, whatever else is wrong with it
		if err := f.known(r); err != nil {
			return nil, err
		}
	}
	in, err := r.fields()
	if err != nil {
		return nil, err
	}
	s, err := in.sending()
	if err != nil {
		return nil, err
	}
	caller, _, err := f.self(r, s.user)
	if err != nil {
		return nil, err
	}
	room, err := f.o.Rooms.ByNumber(r.ctx, caller, s.chat)
	if err != nil {
		return nil, f.notMember(r, s.user, s.chat, err)
	}
	if !fits(s.text, 0, textMax) {
		return nil, badRequest("Invalid msg_text : msg_text length exceed")
	}
	identity, at, err := f.say(r, caller, room, s)
	if err != nil {
		return nil, words{define.ErrMessageNotFound: errReply, define.ErrRecalled: errReply}.in(err)
	}
	return struct {
		success
		MsgID      int64   `json:"msg_id"`
		CreateTime float64 `json:"create_time"`
	}{done, identity, seconds(at)}, nil
}

// say sends a message of any type and returns its identity and time.
func (f *Face) say(r *request, caller service.Caller, room service.Room, s sending) (identity, at int64, err error) {
	message := service.MessageInput{Type: chatTypes[s.kind], Data: s.text, ReplyTo: max(s.replyTo, 0)}
	switch s.kind {
	case "text":
	case "group_notice":
		said, err := f.o.Rooms.Announce(r.ctx, caller, room.Identity, service.AnnouncementInput{Content: s.text})
		if errors.Is(err, define.ErrAdminOnly) || errors.Is(err, define.ErrPrivateRoom) {
			err = unauthorized("Unauthorized : the user is neither the owner nor the admin of the chat").With(err)
		}
		return said.MessageIdentity, said.CreatedAt, err
	default:
		if chatTypes[s.kind] == "" && r.file("msg_file") != nil {
			return 0, 0, badRequest("Type `" + s.kind + "` not implemented.")
		}
		if message.File, err = f.upload(r, caller, s.kind); err != nil {
			return 0, 0, err
		}
	}
	m, _, err := f.o.Messages.Send(r.ctx, caller, room.Identity, message)
	return m.Identity, m.CreatedAt, err
}

// withdrawnFrom is what is added to the number of a message that was withdrawn: what is left of it is a message of the
// server's own, with another number, as in the original. The page draws a number once, and would go on showing the text.
const withdrawnFrom = 1 << 52

// question is a message that somebody asks for, and may see.
type question struct {
	caller  service.Caller
	message service.Message
	remnant bool // he asks for what is left of it
	in      fields
}

func (f *Face) asked(r *request) (q question, err error) {
	identity, in, err := r.about("message", errMessageID)
	if err != nil {
		return q, err
	}
	q.in = in
	user, err := q.in.integer("user_id")
	if err != nil {
		return q, err
	}
	if q.caller, _, err = f.self(r, user); err != nil {
		return q, err
	}
	if q.remnant = identity >= withdrawnFrom; q.remnant {
		identity -= withdrawnFrom
	}
	q.message, err = f.o.Messages.Get(r.ctx, q.caller, identity)
	if errors.Is(err, define.ErrMessageNotFound) {
		return q, f.unseen(r, identity)
	}
	if err == nil && q.remnant && q.message.RecalledAt == 0 {
		err = errMessage
	}
	return q, err
}

// gone reports whether what was asked for has been withdrawn.
func (q question) gone() bool { return q.message.RecalledAt > 0 && !q.remnant }

// unseen tells a message that is not there from one that somebody may not see. Which is no secret: identities are given in
// order.
func (f *Face) unseen(r *request, identity int64) error {
	there, err := f.o.Messages.Exists(r.ctx, identity)
	switch {
	case err != nil:
		return err
	case there:
		return unauthorized("Unauthorized : the user cannot see the message")
	}
	return errMessage
}

// message shows one message. One that was withdrawn is not there any more.
func (f *Face) message(r *request) (any, error) {
	q, err := f.asked(r)
	if err != nil {
		return nil, err
	}
	if q.gone() {
		return nil, errMessage
	}
	chat, err := f.o.Rooms.Title(r.ctx, q.message.RoomIdentity)
	if err != nil {
		return nil, err
	}
	readers, err := f.readers(r, q.caller, service.Room{Identity: q.message.RoomIdentity, Number: chat.Number})
	if err != nil {
		return nil, err
	}
	views, err := f.messageViews(r, []service.Message{q.message}, readers)
	if err != nil {
		return nil, err
	}
	// Who has deleted a message for himself is his own business.
	return struct {
		success
		messageView
		UnableToSeeUsers []int64 `json:"unable_to_see_users"`
	}{done, views[0], []int64{}}, nil
}

// readMessage marks a message as read, and with it all that came before: also one that was withdrawn since the page listed
// it.
func (f *Face) readMessage(r *request) (any, error) {
	q, err := f.asked(r)
	if err != nil {
		return nil, err
	}
	_, err = f.o.Rooms.Read(r.ctx, q.caller, q.message.RoomIdentity, service.ReadInput{Seq: &q.message.Seq})
	return done, err
}

// deleteMessage withdraws a message of one's own, or deletes any for oneself alone.
func (f *Face) deleteMessage(r *request) (any, error) {
	q, err := f.asked(r)
	if err != nil {
		return nil, err
	}
	withdraw, err := q.in.boolean("is_remove")
	switch {
	case err != nil:
		return nil, err
	case !withdraw:
		return done, f.o.Messages.Delete(r.ctx, q.caller, q.message.Identity)
	case q.gone():
		return nil, errMessage
	case q.message.Sender.Identity != q.caller.User || q.message.Type == define.MessageSystem || q.remnant:
		return nil, unauthorized("Unauthorized : the user is not the sender of the message")
	}
	_, err = f.o.Messages.Recall(r.ctx, q.caller, q.message.Identity)
	return done, err
}
