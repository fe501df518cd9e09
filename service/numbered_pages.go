package service

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"parlor/define"
)

// Part asks for a part of a list by number: Limit items behind the first Skip ones. It is for ways in whose clients know
// page numbers; what arrives meanwhile shifts such pages.
type Part struct {
	Skip  int64 `json:"skip" validate:"min=0"`
	Limit int   `json:"limit" validate:"min=1,max=1000"`
}

// RecentRoom is a room with the whole of its last message, nil where there is none that the caller may read, and with how
// far both of a private room have read.
type RecentRoom struct {
	Room
	Last     *Message
	OwnRead  ReadPosition
	PeerRead ReadPosition
}

// ReadPosition is how far a member has read, and when he came there; 0 for never.
type ReadPosition struct{ Seq, At int64 }

// Recent returns a part of the caller's rooms, the last active first, and how many he has. Dissolved ones are left out.
func (s *Rooms) Recent(ctx context.Context, c Caller, p Part) (rooms []RecentRoom, total int, err error) {
	if err := check(p); err != nil {
		return nil, 0, err
	}
	all, err := s.joinedRooms(ctx, c.User)
	if err != nil {
		return nil, 0, err
	}
	total = len(all)
	slices.SortFunc(all, func(a, b joined) int {
		return cmp.Or(cmp.Compare(b.room.UpdatedAt, a.room.UpdatedAt), cmp.Compare(b.room.Identity, a.room.Identity))
	})
	all = all[min(p.Skip, int64(total)):]
	views, err := s.roomViews(ctx, c.User, all[:min(p.Limit, len(all))], c.unlocked)
	if err != nil {
		return nil, 0, err
	}
	rooms, err = s.withLast(ctx, c.User, views)
	return rooms, total, err
}

// GetRecent returns one of the caller's rooms, as Recent does. Refusals: as of Get.
func (s *Rooms) GetRecent(ctx context.Context, c Caller, identity string) (RecentRoom, error) {
	room, err := s.Get(ctx, c, identity)
	if err != nil {
		return RecentRoom{}, err
	}
	rooms, err := s.withLast(ctx, c.User, []Room{room})
	if err != nil {
		return RecentRoom{}, err
	}
	return rooms[0], nil
}

// withLast adds the whole last messages to rooms as their member sees them. One that he may not read is not in the room's
// view either.
func (c *core) withLast(ctx context.Context, user string, views []Room) ([]RecentRoom, error) {
	var identities []int64
	for i := range views {
		if last := views[i].LastMessage; last != nil {
			identities = append(identities, last.Identity)
		}
	}
	messages := map[int64]*Message{}
	if len(identities) > 0 {
		docs, err := c.store.Messages.GetMany(ctx, identities)
		if err != nil {
			return nil, err
		}
		shown, err := c.views(ctx, docs, user)
		if err != nil {
			return nil, err
		}
		for i := range shown {
			messages[shown[i].Identity] = &shown[i]
		}
	}
	rooms := make([]RecentRoom, len(views))
	for i := range views {
		rooms[i].Room = views[i]
		if last := views[i].LastMessage; last != nil {
			rooms[i].Last = messages[last.Identity]
		}
	}
	return rooms, c.addReads(ctx, user, rooms)
}

// addReads adds to private rooms how far both have read.
func (c *core) addReads(ctx context.Context, user string, rooms []RecentRoom) error {
	private := map[string]*RecentRoom{}
	for i := range rooms {
		if rooms[i].Kind == define.RoomPrivate {
			private[rooms[i].Identity] = &rooms[i]
		}
	}
	if len(private) == 0 {
		return nil
	}
	members, err := c.store.UserRooms.ByRooms(ctx, slices.Collect(maps.Keys(private)))
	for i := range members {
		m := &members[i]
		position := ReadPosition{Seq: m.ReadSeq, At: m.ReadAt}
		if room := private[m.RoomIdentity]; m.UserIdentity == user {
			room.OwnRead = position
		} else {
			room.PeerRead = position
		}
	}
	return err
}

// Latest returns a part of a room's messages, newest first, and how many places there are: it counts those of messages,
// as the numbers of a room do, so that it costs the same however much was said. What the caller has deleted for himself
// keeps its place and is left out. Refusals: as of History.
func (s *Messages) Latest(ctx context.Context, c Caller, room string, p Part) (messages []Message, total int64, err error) {
	if err := check(p); err != nil {
		return nil, 0, err
	}
	member, err := s.readerOf(ctx, c, room)
	if err != nil {
		return nil, 0, err
	}
	doc, err := s.store.Rooms.Get(ctx, room)
	if err != nil {
		return nil, 0, err
	}
	low := floor(&member)
	total = max(0, doc.LastSeq-low)
	top := doc.LastSeq - p.Skip
	if top <= low {
		return nil, total, nil
	}
	docs, err := s.store.Messages.Before(ctx, room, c.User, max(low, top-int64(p.Limit)), top+1, p.Limit)
	if err != nil {
		return nil, 0, err
	}
	messages, err = s.views(ctx, docs, c.User)
	return messages, total, err
}
