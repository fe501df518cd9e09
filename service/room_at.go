package service

import (
	"context"
	"slices"
	"sync"

	"parlor/define"
	"parlor/models"
)

// RoomAt is a room as it was when a message came into it. It is for ways in that tell each member how he stands at that
// message: what differs from member to member is asked once, for all of them who are connected to this node.
type RoomAt struct {
	core    *core
	message Message

	once   sync.Once
	unread map[string]int64 // by member
	err    error
}

// At returns the room of a message. Nothing is asked before somebody looks at it.
func (s *Rooms) At(m Message) *RoomAt { return &RoomAt{core: s.core, message: m} }

// Seen returns the room to one of its members, without LastMessage, which is the message itself, and without Me; and how
// many messages he has not read up to this one. Whom the message is from has read all of them. It is for members who are
// connected: of others it knows no more than of strangers. Refusals: ErrRoomNotFound, ErrRoomDissolved.
func (r *RoomAt) Seen(ctx context.Context, c Caller) (room Room, unread int64, err error) {
	state, err := r.core.memberOf(ctx, c.User, r.message.RoomIdentity)
	if err != nil {
		return Room{}, 0, err
	}
	if r.message.Sender.Identity != c.User {
		r.once.Do(func() { r.unread, r.err = r.count(context.WithoutCancel(ctx), state) })
		if r.err != nil {
			return Room{}, 0, r.err
		}
		known := false
		if unread, known = r.unread[c.User]; !known {
			return Room{}, 0, define.ErrRoomNotFound
		}
	}
	doc := r.room(state)
	var people []string
	if doc.Kind == define.RoomPrivate {
		people = []string{peerOf(&doc, c.User)}
	}
	users, err := r.core.usersByID(ctx, people)
	if err != nil {
		return Room{}, 0, err
	}
	room = roomView(joined{&doc, &models.UserRoom{UserIdentity: c.User}}, nil, users)
	room.Me = nil
	return room, unread, nil
}

// room is what is known of the room, with what the message has changed.
func (r *RoomAt) room(state *roomState) models.Room {
	room := state.room
	room.LastSeq, room.UpdatedAt = r.message.Seq, r.message.CreatedAt
	return room
}

// count asks how much the members who are connected have not read.
func (r *RoomAt) count(ctx context.Context, state *roomState) (map[string]int64, error) {
	online := slices.DeleteFunc(slices.Clone(state.ids), func(user string) bool { return !r.core.hub.Online(user) })
	members, err := r.core.store.UserRooms.Some(ctx, state.room.Identity, online)
	if err != nil {
		return nil, err
	}
	room := r.room(state)
	counts := make(map[string]int64, len(members))
	for i := range members {
		counts[members[i].UserIdentity] = unread(&room, &members[i])
	}
	return counts, nil
}
