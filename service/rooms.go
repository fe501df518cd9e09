package service

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
	"parlor/service/hub"
)

// Rooms is about rooms and who is in them.
type Rooms struct{ *core }

// roomCursor is where a list of rooms goes on.
type roomCursor struct {
	Pinned    bool   `json:"p,omitempty"`
	UpdatedAt int64  `json:"u"`
	Identity  string `json:"i"`
}

// before orders rooms: pinned ones first, then the last active.
func (a roomCursor) before(b roomCursor) int {
	if a.Pinned != b.Pinned {
		if a.Pinned {
			return -1
		}
		return 1
	}
	return cmp.Or(cmp.Compare(b.UpdatedAt, a.UpdatedAt), cmp.Compare(b.Identity, a.Identity))
}

// joined is a room with one member's side of it.
type joined struct {
	room   *models.Room
	member *models.UserRoom
}

func (j *joined) cursor() roomCursor {
	return roomCursor{Pinned: j.member.Pinned, UpdatedAt: j.room.UpdatedAt, Identity: j.room.Identity}
}

// List returns the caller's rooms: pinned first, then by last activity. Dissolved ones are left out.
func (s *Rooms) List(ctx context.Context, c Caller, p Page) (List[Room], error) {
	var at roomCursor
	n, err := p.read(&at)
	if err != nil {
		return List[Room]{}, err
	}
	all, err := s.joinedRooms(ctx, c.User)
	if err != nil {
		return List[Room]{}, err
	}
	slices.SortFunc(all, func(a, b joined) int { return a.cursor().before(b.cursor()) })
	if at.Identity != "" {
		i, found := slices.BinarySearchFunc(all, at, func(j joined, at roomCursor) int { return j.cursor().before(at) })
		if found {
			i++
		}
		all = all[i:]
	}
	next := ""
	if len(all) > n {
		all = all[:n]
		next = helper.EncodeCursor(all[n-1].cursor())
	}
	views, err := s.roomViews(ctx, c.User, all, c.unlocked)
	return List[Room]{Items: views, Next: next}, err
}

// joinedRooms returns every living room of a user, in two queries.
func (c *core) joinedRooms(ctx context.Context, user string) ([]joined, error) {
	members, err := c.store.UserRooms.ByUser(ctx, user)
	if err != nil {
		return nil, err
	}
	identities := make([]string, len(members))
	for i := range members {
		identities[i] = members[i].RoomIdentity
	}
	rooms, err := c.store.Rooms.GetMany(ctx, identities)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*models.Room, len(rooms))
	for i := range rooms {
		byID[rooms[i].Identity] = &rooms[i]
	}
	all := make([]joined, 0, len(members))
	for i := range members {
		if room := byID[members[i].RoomIdentity]; room != nil && room.DissolvedAt == 0 {
			all = append(all, joined{room, &members[i]})
		}
	}
	return all, nil
}

// Create makes a group of the caller and friends of his, and asks for their consent whom it is to ask. Refusals: ErrInvalid
// where one of the members is no friend, ErrBlocked, ErrRoomNameTaken where the name should be the only one; where members are asked,
// ErrUserNotFound and ErrRateLimited as well.
func (s *Rooms) Create(ctx context.Context, c Caller, in RoomInput) (Room, error) {
	if err := check(in); err != nil {
		return Room{}, err
	}
	others := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(in.Members))), func(user string) bool { return user == c.User })
	added, asked, err := s.divide(ctx, c, in.Ask, others)
	if err != nil {
		return Room{}, err
	}
	if in.Unique {
		if err := s.nameFree(ctx, c.User, in.Name); err != nil {
			return Room{}, err
		}
	}
	room, err := s.newRoom(ctx, models.Room{
		Kind: define.RoomGroup, Name: in.Name, Info: in.Info, UserIdentity: c.User, MemberCount: len(added) + 1,
		JoinPolicy: cmp.Or(in.JoinPolicy, define.JoinInvite), History: cmp.Or(in.History, define.HistoryJoined),
	})
	if err != nil {
		return Room{}, err
	}
	members := []models.UserRoom{newMember(&room, c.User, define.RoleOwner, 0)}
	for _, user := range added {
		members = append(members, newMember(&room, user, define.RoleMember, 0))
	}
	if err := s.store.UserRooms.Ensure(ctx, members); err != nil {
		return Room{}, err
	}
	s.rooms.drop(room.Identity)
	if err := s.announceRoom(ctx, define.EventRoomCreated, room.Identity, append(added, c.User)...); err != nil {
		return Room{}, err
	}
	if err := s.notify(ctx, define.NotifyAdded, c.User, models.NotificationContent{Room: room.Identity}, added...); err != nil {
		return Room{}, err
	}
	if len(asked) > 0 {
		state, err := s.rooms.get(ctx, room.Identity)
		if err != nil {
			return Room{}, err
		}
		if err := s.askConsent(ctx, c, state, asked); err != nil {
			return Room{}, err
		}
	}
	return s.roomViewOf(ctx, &room, &members[0], true)
}

// nameFree refuses a name that one of a user's groups has. Two that are made at the same moment may still share one.
func (c *core) nameFree(ctx context.Context, user, name string) error {
	all, err := c.joinedRooms(ctx, user)
	if err != nil {
		return err
	}
	for _, j := range all {
		if j.room.Kind == define.RoomGroup && j.room.Name == name {
			return define.ErrRoomNameTaken
		}
	}
	return nil
}

// mayAdd refuses users whom a user may not add to a group (addable), and who have blocked him.
func (c *core) mayAdd(ctx context.Context, user string, others []string) error {
	if len(others) == 0 {
		return nil
	}
	_, strangers, err := c.addable(ctx, user, others)
	if err != nil {
		return err
	}
	blockers, err := c.store.Blocks.Among(ctx, others, user)
	if err != nil {
		return err
	}
	if len(strangers) > 0 {
		return define.Invalid("members", "must be friends of yours", "只能添加您的好友")
	}
	if len(blockers) > 0 {
		return define.ErrBlocked
	}
	return nil
}

// announceRoom tells members of a room how they see it.
func (c *core) announceRoom(ctx context.Context, op, identity string, users ...string) error {
	room, err := c.store.Rooms.Get(ctx, identity)
	if err != nil {
		return err
	}
	members, err := c.store.UserRooms.ByRoom(ctx, identity)
	if err != nil {
		return err
	}
	deliveries := make([]hub.Delivery, 0, len(members))
	for i := range members {
		user := members[i].UserIdentity
		if !c.hub.Online(user) || !slices.Contains(users, user) {
			continue
		}
		view, err := c.roomViewOf(ctx, &room, &members[i], false)
		if err != nil {
			return err
		}
		deliveries = append(deliveries, hub.Delivery{Event: hub.Event{Op: op, Data: view}, Users: []string{user}})
	}
	c.hub.Publish(deliveries...)
	return nil
}

// Get returns a room to one of its members.
func (s *Rooms) Get(ctx context.Context, c Caller, identity string) (Room, error) {
	room, member, err := s.roomAndMember(ctx, c.User, identity)
	if err != nil {
		return Room{}, err
	}
	return s.roomViewOf(ctx, &room, &member, c.unlocked(identity))
}

// roomAndMember reads a room and a member's side of it as they stand in the database now.
func (c *core) roomAndMember(ctx context.Context, user, identity string) (models.Room, models.UserRoom, error) {
	if _, err := c.memberOf(ctx, user, identity); err != nil {
		return models.Room{}, models.UserRoom{}, err
	}
	member, err := c.store.UserRooms.Get(ctx, user, identity)
	if err != nil {
		return models.Room{}, member, notFound(err, define.ErrRoomNotFound)
	}
	room, err := c.store.Rooms.Get(ctx, identity)
	return room, member, notFound(err, define.ErrRoomNotFound)
}

// Dissolve ends a group. Refusals: ErrPrivateRoom, ErrOwnerOnly.
func (s *Rooms) Dissolve(ctx context.Context, c Caller, identity string) error {
	defer s.locks.lock(identity)()
	state, err := s.groupOf(ctx, c.User, identity)
	if err != nil {
		return err
	}
	if state.members[c.User].role != define.RoleOwner {
		return define.ErrOwnerOnly
	}
	return s.dissolve(ctx, state, c.User)
}

func (c *core) dissolve(ctx context.Context, state *roomState, by string) error {
	err := c.store.Rooms.Dissolve(ctx, state.room.Identity, now())
	c.rooms.drop(state.room.Identity)
	if err != nil {
		return err
	}
	c.calls.closeRoom(state.room.Identity)
	if err := c.store.Invitations.Close(ctx, state.room.Identity, by, now()); err != nil {
		return err
	}
	c.hub.Publish(hub.Delivery{Event: hub.Event{Op: define.EventRoomDissolved, Data: RoomEvent{Room: state.room.Identity}}, Users: state.ids})
	return c.notify(ctx, define.NotifyDissolved, by, models.NotificationContent{Room: state.room.Identity}, state.ids...)
}

// groupOf is memberOf for what only groups allow.
func (c *core) groupOf(ctx context.Context, user, identity string) (*roomState, error) {
	state, err := c.memberOf(ctx, user, identity)
	if err == nil && state.room.Kind != define.RoomGroup {
		return nil, define.ErrPrivateRoom
	}
	return state, err
}

// Read moves the caller's read position forward and tells the members; a position that is behind changes nothing.
func (s *Rooms) Read(ctx context.Context, c Caller, identity string, in ReadInput) (RoomMe, error) {
	if err := check(in); err != nil {
		return RoomMe{}, err
	}
	room, member, err := s.roomAndMember(ctx, c.User, identity)
	if err != nil {
		return RoomMe{}, err
	}
	seq, after := min(*in.Seq, room.LastSeq), member.ReadSeq
	if seq <= after {
		return roomMe(&room, &member), nil
	}
	message, err := s.store.Messages.BySeq(ctx, identity, seq)
	if err != nil {
		return RoomMe{}, err
	}
	read := models.Read{UserIdentity: c.User, RoomIdentity: identity, Seq: seq, MessageIdentity: message.Identity, At: now()}
	member, err = s.store.UserRooms.Read(ctx, read)
	if errors.Is(err, models.ErrNotFound) {
		// Another device has read further meanwhile, or the caller has just left.
		member, err = s.store.UserRooms.Get(ctx, c.User, identity)
		return roomMe(&room, &member), notFound(err, define.ErrRoomNotFound)
	}
	if err != nil {
		return RoomMe{}, err
	}
	state, err := s.memberOf(ctx, c.User, identity)
	if err != nil {
		return RoomMe{}, err
	}
	event := hub.Event{Op: define.EventRoomRead, Data: RoomReadEvent{Room: identity, User: c.User, Seq: seq, After: after}}
	s.hub.Publish(hub.Delivery{Event: event, Users: state.ids})
	return roomMe(&room, &member), nil
}

// Typing tells the other members that the caller is writing something.
func (s *Rooms) Typing(ctx context.Context, c Caller, identity string) error {
	state, err := s.writerOf(ctx, c.User, identity)
	if err != nil {
		return err
	}
	event := hub.Event{Op: define.EventRoomTyping, Data: RoomUserEvent{Room: identity, User: c.User}}
	s.hub.Publish(hub.Delivery{Event: event, Users: state.ids, Skip: c.User})
	return nil
}
