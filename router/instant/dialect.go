package instant

import (
	"cmp"
	"context"
	"sync"
	"time"

	"parlor/define"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

// chatDialect puts events into the words of /wsconnect. What is the same for everybody is encoded once, by the first
// connection that writes it.
type chatDialect struct{ s *Server }

// What a client may be sent anew as a whole.
const (
	listRooms   = "rooms"
	listFriends = "friends"
	listAsking  = "asking"
	listInvites = "invites"
)

// opRefresh is the event with which a client has others look at its name again: it stays within this face.
const opRefresh = "instant.refresh"

// Encode implements hub.Dialect.
func (d *chatDialect) Encode(e hub.Event) (hub.Frame, error) {
	s := d.s
	switch data := e.Data.(type) {
	case service.Message:
		if frame := s.messageFrame(e.Op, data); frame != nil {
			return frame, nil
		}
	case service.LockedMessage:
		return s.hintFrame(e.Op, data), nil
	case service.RoomReadEvent:
		return s.readFrame(data), nil
	case service.MessageDeletedEvent:
		return socket.Text(aboutMessage{"delete_message", data.Message})
	case service.FriendRequest:
		if e.Op == define.EventFriendRequested {
			return s.requestFrame(data), nil
		}
	case service.Room:
		if e.Op == define.EventRoomCreated && data.Kind == define.RoomPrivate {
			return nil, nil // the new friends were sent their rooms when they became friends
		}
	case service.Invitation:
		if e.Op == define.EventInvitationPending {
			return s.invitationFrame(data), nil
		}
	}
	if lists := changedLists[e.Op]; len(lists) > 0 {
		return s.fresh(lists...), nil
	}
	return nil, nil
}

// changedLists says which lists an event makes stale. Of the rest the clients hear in other ways, or not at all.
var changedLists = map[string][]string{
	define.EventFriendAccepted: {listFriends, listAsking, listRooms},
	define.EventFriendRemoved:  {listFriends, listRooms},
	define.EventRoomCreated:    {listRooms},
	define.EventRoomDissolved:  {listRooms},
	define.EventRoomMe:         {listRooms},
	define.EventMemberLeft:     {listRooms}, // the places of those behind him have moved
	define.EventMessageEdited:  {listRooms},
	opRefresh:                  {listInvites, listRooms, listFriends},
}

// forViewer makes a frame that is not the same for everybody.
func (s *Server) forViewer(fill func(context.Context, service.Caller) ([]any, error)) socket.Deferred {
	return func(ctx context.Context, viewer service.Caller) ([]hub.Frame, error) {
		values, err := fill(ctx, viewer)
		if err != nil {
			return nil, err
		}
		return s.encode(values...), nil
	}
}

// fresh makes a frame that sends lists anew. One that was put together since the frame was made is not sent again, so that
// a client which falls behind is not sent the same list many times.
func (s *Server) fresh(lists ...string) socket.Deferred {
	made := time.Now()
	return s.forViewer(func(ctx context.Context, viewer service.Caller) ([]any, error) {
		k, _ := viewer.Conn.Value().(*client)
		var frames []any
		for _, list := range lists {
			if !k.due(list, made) {
				continue
			}
			more, err := s.list(ctx, viewer, list)
			if err != nil {
				return nil, err
			}
			frames = append(frames, more...)
			if list == listRooms {
				k.pauseReceipts()
			}
		}
		return frames, nil
	})
}

func (s *Server) list(ctx context.Context, viewer service.Caller, list string) ([]any, error) {
	switch list {
	case listFriends:
		return s.friendList(ctx, viewer)
	case listAsking:
		frame, err := s.requestList(ctx, viewer, "out")
		return []any{frame}, err
	case listInvites:
		frame, err := s.inviteList(ctx, viewer)
		return []any{frame}, err
	}
	frame, err := s.roomList(ctx, viewer)
	return []any{frame}, err
}

// toMembers makes a frame for the members of a room. It is encoded once, by the first connection that writes it; who has
// left meanwhile gets nothing.
func (s *Server) toMembers(room string, make func(context.Context, service.Caller, service.Places) (any, error)) socket.Deferred {
	var mu sync.Mutex
	var encoded hub.Frame
	var number int64
	return s.forViewer(func(ctx context.Context, viewer service.Caller) ([]any, error) {
		mu.Lock()
		defer mu.Unlock()
		if encoded != nil {
			_, err := s.o.Rooms.Find(ctx, viewer, number)
			return []any{encoded}, err
		}
		places, err := s.o.Rooms.Places(ctx, viewer, room)
		if err != nil {
			return nil, err
		}
		value, err := make(ctx, viewer, places)
		if err != nil {
			return nil, err
		}
		frame, err := socket.Text(value)
		if err != nil {
			return nil, err
		}
		encoded, number = frame, places.Number
		return []any{encoded}, nil
	})
}

// messageFrame returns nil where there is nothing to say of a message itself.
func (s *Server) messageFrame(op string, m service.Message) hub.Frame {
	switch {
	case op == define.EventMessageRecalled:
		return s.withdrawnFrame(m.RoomIdentity, m.Identity)
	case op != define.EventMessageNew:
		return nil
	case m.System().Event == define.SystemRenamed:
		return s.fresh(listRooms)
	}
	if _, shown := shownAs(&m, func(string) string { return "" }); !shown {
		return nil
	}
	return arriving(s.toMembers(m.RoomIdentity, func(ctx context.Context, _ service.Caller, places service.Places) (any, error) {
		return s.pushedMessage(ctx, &m, places), nil
	}))
}

func (s *Server) withdrawnFrame(room string, message int64) hub.Frame {
	return s.toMembers(room, func(_ context.Context, _ service.Caller, places service.Places) (any, error) {
		return withdrawn{"withdraw_message", message, places.Number}, nil
	})
}

// locked is what is shown of a message in a room that its reader has locked. The published client has no other way to
// give the password again than to log in.
const locked = "[会话已锁定，重新登录后可见]"

// hintFrame tells who has locked a room that something has come, or is gone. It returns nil for all else.
func (s *Server) hintFrame(op string, hint service.LockedMessage) hub.Frame {
	switch op {
	case define.EventMessageRecalled:
		return s.withdrawnFrame(hint.RoomIdentity, hint.Identity)
	case define.EventMessageNew:
		return s.toMembers(hint.RoomIdentity, func(_ context.Context, _ service.Caller, places service.Places) (any, error) {
			return pushed{
				Function: "Msg", MsgID: hint.Identity, Body: locked, Time: clock(hint.CreatedAt), Type: typeText, ReplyID: -1,
				CombineList: []int64{}, RoomID: places.Number, Avatar: avatarOf(&service.User{}),
				ReadList: marks(places.Members, ""), DeleteList: make([]bool, len(places.Members)),
			}, nil
		})
	}
	return nil
}

// pushedMessage shows a new message: nobody but its sender has read it.
func (s *Server) pushedMessage(ctx context.Context, m *service.Message, places service.Places) pushed {
	c, _ := shownAs(m, s.namer(ctx))
	return pushed{
		Function: "Msg", MsgID: m.Identity, Body: c.body, Time: clock(m.CreatedAt), Type: c.kind, Sender: nameOf(&m.Sender),
		ReplyID: cmp.Or(m.ReplyTo, -1), CombineList: c.combine, RoomID: places.Number, Avatar: avatarOf(&m.Sender),
		ReadList: marks(places.Members, m.Sender.Identity), DeleteList: make([]bool, len(places.Members)),
	}
}

// namer returns a function that names users. Who is not known is nobody.
func (s *Server) namer(ctx context.Context) func(identity string) string {
	return func(identity string) string {
		user, err := s.o.Accounts.Get(ctx, identity)
		if err != nil {
			return suspended
		}
		return nameOf(&user)
	}
}

func (s *Server) readFrame(e service.RoomReadEvent) hub.Frame {
	return receipt(e.User, s.toMembers(e.Room, func(ctx context.Context, viewer service.Caller, places service.Places) (any, error) {
		read, err := s.o.Messages.Between(ctx, viewer, e.Room, e.After, e.Seq)
		return readBy{
			"read_message", s.namer(ctx)(e.User), places.Number, read, indexOf(places.Members, e.User),
		}, err
	}))
}

func (s *Server) requestFrame(r service.FriendRequest) hub.Frame {
	return s.forViewer(func(ctx context.Context, viewer service.Caller) ([]any, error) {
		box := "out"
		if viewer.User == r.To {
			box = "in"
		}
		frame, err := s.requestList(ctx, viewer, box)
		return []any{frame}, err
	})
}
