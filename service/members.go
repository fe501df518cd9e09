package service

import (
	"context"
	"errors"
	"slices"

	"parlor/define"
	"parlor/models"
	"parlor/service/hub"
)

// Members lists who is in a room, in the order of arrival; those of one role where role is not empty.
func (s *Rooms) Members(ctx context.Context, c Caller, room, role string, p Page) (List[Member], error) {
	if role != "" && !slices.Contains([]string{define.RoleOwner, define.RoleAdmin, define.RoleMember}, role) {
		return List[Member]{}, define.Invalid("role", "must be 'owner', 'admin' or 'member'", "必须是 owner、admin 或 member")
	}
	if _, err := s.memberOf(ctx, c.User, room); err != nil {
		return List[Member]{}, err
	}
	find := func(after string, limit int) ([]models.UserRoom, error) {
		return s.store.UserRooms.Page(ctx, room, role, after, limit)
	}
	show := func(docs []models.UserRoom) ([]Member, error) { return s.memberViews(ctx, docs) }
	return pageAfter(p, find, show, func(d *models.UserRoom) string { return d.Identity })
}

// Roster returns everybody who is in a room, in the order of arrival. Refusals: as of Members.
func (s *Rooms) Roster(ctx context.Context, c Caller, room string) ([]Member, error) {
	if _, err := s.memberOf(ctx, c.User, room); err != nil {
		return nil, err
	}
	docs, err := s.store.UserRooms.ByRoom(ctx, room)
	if err != nil {
		return nil, err
	}
	return s.memberViews(ctx, docs)
}

func (c *core) memberView(d *models.UserRoom, user User) Member {
	return Member{
		User: user, Role: d.Role, Nickname: d.Nickname, ReadSeq: d.ReadSeq, ReadAt: d.ReadAt, SilencedUntil: d.SilencedUntil,
		Online: c.hub.Online(d.UserIdentity), CreatedAt: d.CreatedAt,
	}
}

// memberViews shows members in their order.
func (c *core) memberViews(ctx context.Context, docs []models.UserRoom) ([]Member, error) {
	return withUsers(ctx, c, func(d *models.UserRoom) string { return d.UserIdentity }, c.memberView)(docs)
}

// RemoveMember takes somebody out of a group: the owner anyone, an admin members, everybody himself. An owner who is
// not alone must hand the group over first (ErrOwnerLeaves); with the last one the group is dissolved.
func (s *Rooms) RemoveMember(ctx context.Context, c Caller, room, user string) error {
	defer s.locks.lock(room)()
	state, err := s.groupOf(ctx, c.User, room)
	if err != nil {
		return err
	}
	target, ok := state.members[user]
	if !ok {
		return define.ErrMemberNotFound
	}
	role := state.members[c.User].role
	switch {
	case user == c.User && role == define.RoleOwner && len(state.ids) > 1:
		return define.ErrOwnerLeaves
	case user == c.User && role == define.RoleOwner:
		return s.dissolve(ctx, state, c.User)
	case user == c.User, role == define.RoleOwner, role == define.RoleAdmin && target.role == define.RoleMember:
		return s.removeMember(ctx, state, c.User, user)
	default:
		return define.ErrForbidden
	}
}

// removeMember notes a silence that goes on, then takes the membership away: whatever comes after it only tells the
// others, and member_count is counted anew at the next change.
func (c *core) removeMember(ctx context.Context, state *roomState, by, user string) error {
	room := state.room.Identity
	doc, err := c.store.UserRooms.Get(ctx, user, room)
	if err != nil {
		return notFound(err, define.ErrMemberNotFound)
	}
	if doc.SilencedUntil > now() {
		if err := c.store.Rooms.KeepSilence(ctx, room, user, doc.SilencedUntil); err != nil {
			return err
		}
	}
	if _, err := c.store.UserRooms.Delete(ctx, user, room); err != nil {
		return err
	}
	c.rooms.drop(room)
	c.calls.leaveRoom(room, user)
	if err := c.store.Rooms.SetMemberCount(ctx, room, len(state.ids)-1, now()); err != nil {
		return err
	}
	who, err := c.users.get(ctx, user)
	if err != nil {
		return err
	}
	left := MembersEvent{Room: room, Members: []Member{c.memberView(&doc, who)}, By: by}
	c.hub.Publish(hub.Delivery{Event: hub.Event{Op: define.EventMemberLeft, Data: left}, Users: state.ids})
	if err := c.say(ctx, room, SystemMessage{Event: define.EventMemberLeft, By: by, Users: []string{user}}); err != nil {
		return err
	}
	return c.notify(ctx, define.NotifyRemoved, by, models.NotificationContent{Room: room}, user)
}

// leaveAll takes a user out of every group, as Leave does, and ends his waiting for others.
func (s *Rooms) leaveAll(ctx context.Context, c Caller) error {
	all, err := s.store.UserRooms.ByUser(ctx, c.User)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].RoomKind != define.RoomGroup {
			continue
		}
		if err := s.Leave(ctx, c, all[i].RoomIdentity); err != nil && !errors.Is(err, define.ErrRoomDissolved) && !errors.Is(err, define.ErrRoomNotFound) {
			return err
		}
	}
	return s.withdraw(ctx, c.User)
}

// Leave takes the caller out of a group. One that he owns passes to the longest-serving admin, else to the longest-serving
// member, else it is dissolved. Refusals: ErrPrivateRoom.
func (s *Rooms) Leave(ctx context.Context, c Caller, room string) error {
	defer s.locks.lock(room)()
	state, err := s.groupOf(ctx, c.User, room)
	if err != nil {
		return err
	}
	if state.members[c.User].role == define.RoleOwner {
		heir := state.heir(c.User)
		if heir == "" {
			return s.dissolve(ctx, state, c.User)
		}
		if err := s.handOver(ctx, state, c.User, heir); err != nil {
			return err
		}
	}
	return s.removeMember(ctx, state, c.User, c.User)
}

// heir is who gets a group when its owner goes: ids are in the order of arrival.
func (s *roomState) heir(owner string) string {
	for _, role := range []string{define.RoleAdmin, define.RoleMember} {
		for _, user := range s.ids {
			if user != owner && s.members[user].role == role {
				return user
			}
		}
	}
	return ""
}

// handOver makes another member the owner. The heir's role comes first: stopped on the way, a group has two owners
// rather than none, and the next hand-over settles it.
func (c *core) handOver(ctx context.Context, state *roomState, owner, heir string) error {
	room, at := state.room.Identity, now()
	if err := c.store.UserRooms.SetRole(ctx, heir, room, define.RoleOwner, at); err != nil {
		return err
	}
	c.rooms.drop(room)
	if err := c.store.Rooms.SetOwner(ctx, room, heir, at); err != nil {
		return err
	}
	if err := c.store.UserRooms.SetRole(ctx, owner, room, define.RoleMember, at); err != nil {
		return err
	}
	if state.members[heir].silencedUntil > at { // nobody may let an owner speak again
		if err := c.store.UserRooms.SetSilenced(ctx, heir, room, 0, at); err != nil {
			return err
		}
	}
	c.rooms.drop(room)
	if err := c.announceRoom(ctx, define.EventRoomUpdated, room, state.ids...); err != nil {
		return err
	}
	if _, err := c.announceMembers(ctx, state, owner, owner, heir); err != nil {
		return err
	}
	content := models.NotificationContent{Room: room, Role: define.RoleOwner}
	if err := c.notify(ctx, define.NotifyRole, owner, content, heir); err != nil {
		return err
	}
	return c.say(ctx, room, SystemMessage{Event: define.SystemOwner, By: owner, Users: []string{heir}})
}

// announceMembers tells a room what has become of some of its members, and returns them.
func (c *core) announceMembers(ctx context.Context, state *roomState, by string, users ...string) ([]Member, error) {
	event := MembersEvent{Room: state.room.Identity, By: by}
	for _, user := range users {
		doc, err := c.store.UserRooms.Get(ctx, user, state.room.Identity)
		if err != nil {
			return nil, notFound(err, define.ErrMemberNotFound)
		}
		who, err := c.users.get(ctx, user)
		if err != nil {
			return nil, err
		}
		event.Members = append(event.Members, c.memberView(&doc, who))
	}
	c.hub.Publish(hub.Delivery{Event: hub.Event{Op: define.EventMemberUpdated, Data: event}, Users: state.ids})
	return event.Members, nil
}
