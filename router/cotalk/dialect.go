package cotalk

import (
	"context"
	"sync"
	"time"

	"parlor/define"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

// messageFrame tells that something has happened to a message. It carries no text: clients ask for the message.
type messageFrame struct {
	Type       string  `json:"type"`
	Status     string  `json:"status"`
	UserID     int64   `json:"user_id"`
	ChatID     int64   `json:"chat_id"`
	MsgID      int64   `json:"msg_id"`
	UpdateTime float64 `json:"update_time"`
}

const typeMessage = "chat.message"

// noticeFrame tells somebody what has happened to him. Its type is the same for friends and chats: the original's documents
// have `chat.management` for chats, its code does not.
type noticeFrame struct {
	Type       string `json:"type"`
	Status     string `json:"status"`
	UserID     int64  `json:"user_id"`
	ChatID     int64  `json:"chat_id,omitempty"`
	IsApproved bool   `json:"is_approved"`
}

// dialect is what this face pushes. Clients of the seed are told of what is said, read and withdrawn, and of their
// notifications; all else they ask for.
type dialect struct{ face *Face }

// Encode implements hub.Dialect. The numbers that an event lacks are looked up once for all connections, by the first of
// their writers.
func (d *dialect) Encode(e hub.Event) (hub.Frame, error) {
	tell := d.face.frameOf(e)
	if tell == nil {
		return nil, nil
	}
	made := sync.OnceValues(func() ([]hub.Frame, error) {
		v, err := tell(d.face.o.Sockets.Context())
		if v == nil || err != nil {
			return nil, err
		}
		frame, err := socket.Text(v)
		return []hub.Frame{frame}, err
	})
	return socket.Deferred(func(context.Context, service.Caller) ([]hub.Frame, error) { return made() }), nil
}

// frameOf returns what makes the frame of an event, nil where this face has no word for it.
func (f *Face) frameOf(e hub.Event) func(context.Context) (any, error) {
	switch data := e.Data.(type) {
	case service.Message:
		return f.messageFrameOf(e.Op, data)
	case service.RoomReadEvent:
		return func(ctx context.Context) (any, error) { return f.readFrame(ctx, data) }
	case service.Notification:
		return func(ctx context.Context) (any, error) { return f.noticeFrame(ctx, data) }
	}
	return nil
}

// messageFrameOf leaves out what the server itself says, as the original does.
func (f *Face) messageFrameOf(op string, m service.Message) func(context.Context) (any, error) {
	frame := messageFrame{Type: typeMessage, UserID: m.Sender.Number, MsgID: m.Identity, UpdateTime: seconds(m.UpdatedAt)}
	switch {
	case op == define.EventMessageNew && m.Type != define.MessageSystem:
		frame.Status = "send message"
	case op == define.EventMessageRecalled:
		frame.Status, frame.UpdateTime = "withdraw message", seconds(m.RecalledAt)
	default:
		return nil
	}
	return func(ctx context.Context) (any, error) {
		chat, err := f.o.Rooms.Title(ctx, m.RoomIdentity)
		frame.ChatID = chat.Number
		return frame, err
	}
}

func (f *Face) noticeFrame(ctx context.Context, n service.Notification) (any, error) {
	said, ok, err := f.noticeOf(ctx, n)
	if err != nil || !ok {
		return nil, err
	}
	return noticeFrame{typeFriend, said.Status, said.User, said.Chat, said.Approved}, nil
}

// readFrame names the last of the messages that were read.
func (f *Face) readFrame(ctx context.Context, e service.RoomReadEvent) (any, error) {
	at := time.Now().UnixMilli()
	chat, err := f.o.Rooms.Title(ctx, e.Room)
	if err != nil {
		return nil, err
	}
	user, err := f.o.Accounts.Get(ctx, e.User)
	if err != nil {
		return nil, err
	}
	message, err := f.o.Messages.IdentityAt(ctx, e.Room, e.Seq)
	return messageFrame{typeMessage, "read message", user.Number, chat.Number, message, seconds(at)}, err
}
