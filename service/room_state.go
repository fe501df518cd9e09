package service

import (
	"context"
	"slices"
	"strings"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// roomState is what must be known of a room to let somebody write in it and to tell its members. It is cached, never
// changed, and dropped when the room, its `user_room` or a block between its members changes. What changes with every
// message (last_seq, read positions) is not in it.
type roomState struct {
	room    models.Room
	members map[string]memberState
	ids     []string        // all members in the order of arrival
	blocked map[string]bool // private rooms: whom the other has blocked

	anyLocked bool  // one of the members has locked the room for himself
	floor     int64 // the highest of the members'
}

type memberState struct {
	role          string
	silencedUntil int64
	locked        bool
	floor         int64 // he sees nothing up to here
}

func (c *core) loadRoom(ctx context.Context, identity string) (*roomState, error) {
	room, err := c.store.Rooms.Get(ctx, identity)
	if err != nil {
		return nil, notFound(err, define.ErrRoomNotFound)
	}
	members, err := c.store.UserRooms.ByRoom(ctx, identity)
	if err != nil {
		return nil, err
	}
	state := &roomState{room: room, members: make(map[string]memberState, len(members)), ids: make([]string, len(members))}
	for i := range members {
		m := &members[i]
		state.ids[i] = m.UserIdentity
		state.members[m.UserIdentity] = memberState{role: m.Role, silencedUntil: m.SilencedUntil, locked: m.Locked, floor: floor(m)}
		state.floor = max(state.floor, floor(m))
		state.anyLocked = state.anyLocked || m.Locked
	}
	if room.Kind == define.RoomPrivate {
		a, b, _ := strings.Cut(room.Pair, ":")
		state.blocked = map[string]bool{}
		for _, p := range [][2]string{{a, b}, {b, a}} {
			if state.blocked[p[0]], err = c.store.Blocks.Exists(ctx, p[1], p[0]); err != nil {
				return nil, err
			}
		}
	}
	return state, nil
}

// leads reports whether a user is the owner or an admin of the room.
func (s *roomState) leads(user string) bool {
	role := s.members[user].role
	return role == define.RoleOwner || role == define.RoleAdmin
}

// seeing returns the members for whom a message is there: not those who came after it, have cleared it, or have deleted
// it for themselves.
func (s *roomState) seeing(m *models.Message) []string {
	if s.allSee(m) { // as every new one
		return s.ids
	}
	seeing, _ := s.partition(s.ids, m)
	return seeing
}

// partition divides members into those for whom a message is there and those for whom it is not.
func (s *roomState) partition(users []string, m *models.Message) (seeing, others []string) {
	for _, user := range users {
		if s.sees(user, m) {
			seeing = append(seeing, user)
		} else {
			others = append(others, user)
		}
	}
	return seeing, others
}

func (s *roomState) allSee(m *models.Message) bool { return m.Seq > s.floor && len(m.HiddenFor) == 0 }

// sees reports whether a message is there for a member.
func (s *roomState) sees(user string, m *models.Message) bool {
	member, ok := s.members[user]
	return ok && m.Seq > member.floor && !slices.Contains(m.HiddenFor, user)
}

// memberOf returns a room to one of its members. Whoever is not in it learns nothing: ErrRoomNotFound. A member of a
// dissolved room gets ErrRoomDissolved.
func (c *core) memberOf(ctx context.Context, user, room string) (*roomState, error) {
	state, err := c.rooms.get(ctx, room)
	if err != nil {
		return nil, err
	}
	if _, ok := state.members[user]; !ok {
		return nil, define.ErrRoomNotFound
	}
	if state.room.DissolvedAt > 0 {
		return nil, define.ErrRoomDissolved
	}
	return state, nil
}

// writerOf returns a room to a member who may write in it now. Refusals besides those of memberOf: ErrRoomClosed,
// ErrBlocked, ErrSilenced.
func (c *core) writerOf(ctx context.Context, user, room string) (*roomState, error) {
	state, err := c.memberOf(ctx, user, room)
	switch {
	case err != nil:
		return nil, err
	case state.room.ClosedAt > 0:
		return nil, define.ErrRoomClosed
	case state.blocked[user]:
		return nil, define.ErrBlocked
	case state.members[user].silencedUntil > now():
		return nil, define.ErrSilenced
	}
	return state, nil
}

// newRoom stores a room with an identity and a number of its own; models.ErrDuplicate where its pair has one.
func (c *core) newRoom(ctx context.Context, room models.Room) (models.Room, error) {
	number, err := c.store.Counters.Take(ctx, models.CounterRoom, 1)
	if err != nil {
		return room, err
	}
	room.Identity, room.Number = helper.NewIdentity(), number
	room.CreatedAt = now()
	room.UpdatedAt = room.CreatedAt
	return room, c.store.Rooms.Insert(ctx, &room)
}

func newMember(room *models.Room, user, role string, since int64) models.UserRoom {
	at := now()
	return models.UserRoom{
		Identity: helper.NewIdentity(), UserIdentity: user, RoomIdentity: room.Identity, RoomKind: room.Kind, Role: role,
		ReadSeq: since, SinceSeq: since, CreatedAt: at, UpdatedAt: at,
	}
}

// peerOf returns the other one of a private room's pair.
func peerOf(room *models.Room, user string) string {
	a, b, _ := strings.Cut(room.Pair, ":")
	if a == user {
		return b
	}
	return a
}

// roomViews shows rooms to one of their members, in their order. What was said in one that he has locked is left out
// unless it is unlocked.
func (c *core) roomViews(ctx context.Context, user string, all []joined, unlocked func(room string) bool) ([]Room, error) {
	lasts := make([]*models.LastMessage, len(all))
	var people []string
	for i, j := range all {
		var last *models.LastMessage
		var err error
		if !j.member.Locked || unlocked(j.room.Identity) {
			last, err = c.lastMessage(ctx, j)
		}
		if err != nil {
			return nil, err
		}
		if last != nil {
			people = append(people, last.UserIdentity)
		}
		if lasts[i] = last; j.room.Kind == define.RoomPrivate {
			people = append(people, peerOf(j.room, user))
		}
	}
	slices.Sort(people)
	users, err := c.usersByID(ctx, slices.Compact(people))
	if err != nil {
		return nil, err
	}
	views := make([]Room, len(all))
	for i, j := range all {
		views[i] = roomView(j, lasts[i], users)
	}
	return views, nil
}

// roomViewOf shows one room to one of its members.
func (c *core) roomViewOf(ctx context.Context, room *models.Room, member *models.UserRoom, unlocked bool) (Room, error) {
	views, err := c.roomViews(ctx, member.UserIdentity, []joined{{room, member}}, func(string) bool { return unlocked })
	if err != nil {
		return Room{}, err
	}
	return views[0], nil
}

// lastMessage returns the newest message of a room that a member sees, nil where there is none. Only where he has
// deleted the room's newest for himself another one must be looked for.
func (c *core) lastMessage(ctx context.Context, j joined) (*models.LastMessage, error) {
	last := j.room.LastMessage
	if last == nil || last.Seq <= floor(j.member) {
		return nil, nil
	}
	if last.Seq != j.member.HiddenSeq {
		return last, nil
	}
	docs, err := c.store.Messages.Before(ctx, j.room.Identity, j.member.UserIdentity, floor(j.member), last.Seq, 1)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	earlier := models.ShortCopy(&docs[0])
	return &earlier, nil
}

// roomView shows a room to one of its members; users must hold the peer and the sender of the last message.
func roomView(j joined, last *models.LastMessage, users map[string]User) Room {
	room := j.room
	me := roomMe(room, j.member)
	view := Room{
		Identity: room.Identity, Number: room.Number, Kind: room.Kind, Name: room.Name, Info: room.Info, Avatar: room.Avatar,
		Owner: room.UserIdentity, LastSeq: room.LastSeq, MemberCount: room.MemberCount, JoinPolicy: room.JoinPolicy,
		History: room.History, CreatedAt: room.CreatedAt, UpdatedAt: room.UpdatedAt, Me: &me, Closed: room.ClosedAt > 0,
	}
	if last != nil {
		view.LastMessage = &LastMessage{
			Identity: last.Identity, Seq: last.Seq, Sender: users[last.UserIdentity], Type: last.Type, Data: last.Data, Format: last.Format,
			File: viewOfCopy(last.File), RecalledAt: last.RecalledAt, CreatedAt: last.CreatedAt,
		}
	}
	if room.Kind == define.RoomPrivate {
		peer := users[peerOf(room, j.member.UserIdentity)]
		view.Peer = &peer
	}
	return view
}

func roomMe(room *models.Room, member *models.UserRoom) RoomMe {
	return RoomMe{
		Role: member.Role, ReadSeq: member.ReadSeq, Unread: unread(room, member), Mentioned: countAbove(member.MentionedSeqs, seenSeq(member)),
		Pinned: member.Pinned, Muted: member.Muted, Locked: member.Locked, Nickname: member.Nickname,
		SilencedUntil: member.SilencedUntil, SinceSeq: member.SinceSeq, ClearedSeq: member.ClearedSeq,
	}
}

// floor is the number up to which a member sees nothing.
func floor(member *models.UserRoom) int64 { return max(member.SinceSeq, member.ClearedSeq) }

// seenSeq is the number up to which nothing counts as unread any more.
func seenSeq(member *models.UserRoom) int64 { return max(member.ReadSeq, floor(member)) }

// unread is how many messages a member has not read, without counting them: what was recalled or deleted for himself
// since is noted in his `user_room`.
func unread(room *models.Room, member *models.UserRoom) int64 {
	seen := seenSeq(member)
	return max(0, room.LastSeq-seen-countAbove(member.SkippedSeqs, seen))
}

func countAbove(seqs []int64, seen int64) (n int64) {
	for _, seq := range seqs {
		if seq > seen {
			n++
		}
	}
	return n
}
