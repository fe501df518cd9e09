package service

import (
	"context"

	"parlor/define"
	"parlor/models"
)

// SetRole makes a member an admin, or an admin a member. Refusals: ErrPrivateRoom, ErrOwnerOnly, ErrMemberNotFound,
// ErrForbidden for the owner's own role, ErrAdminsFull.
func (s *Rooms) SetRole(ctx context.Context, c Caller, room, user string, in RoleInput) (Member, error) {
	if err := check(in); err != nil {
		return Member{}, err
	}
	defer s.locks.lock(room)()
	state, err := s.groupOf(ctx, c.User, room)
	if err != nil {
		return Member{}, err
	}
	if state.members[c.User].role != define.RoleOwner {
		return Member{}, define.ErrOwnerOnly
	}
	target, ok := state.members[user]
	switch {
	case !ok:
		return Member{}, define.ErrMemberNotFound
	case target.role == define.RoleOwner:
		return Member{}, define.ErrForbidden
	case in.Role == define.RoleAdmin && in.AdminsMax > 0 && state.count(define.RoleAdmin) >= in.AdminsMax:
		return Member{}, define.ErrAdminsFull
	}
	if target.role != in.Role {
		if err := s.store.UserRooms.SetRole(ctx, user, room, in.Role, now()); err != nil {
			return Member{}, err
		}
		s.rooms.drop(room)
		content := models.NotificationContent{Room: room, Role: in.Role}
		if err := s.notify(ctx, define.NotifyRole, c.User, content, user); err != nil {
			return Member{}, err
		}
	}
	if in.Say {
		if err := s.say(ctx, room, SystemMessage{Event: define.SystemRole, By: c.User, Users: []string{user}, Role: in.Role}); err != nil {
			return Member{}, err
		}
	}
	return s.updatedMember(ctx, state, c.User, user)
}

// count is how many members have a role.
func (s *roomState) count(role string) (n int) {
	for _, m := range s.members {
		if m.role == role {
			n++
		}
	}
	return n
}

// updatedMember tells the room of a changed member and returns him.
func (c *core) updatedMember(ctx context.Context, state *roomState, by, user string) (Member, error) {
	members, err := c.announceMembers(ctx, state, by, user)
	if err != nil {
		return Member{}, err
	}
	return members[0], nil
}

// Transfer hands a group over to another member. Refusals: ErrPrivateRoom, ErrOwnerOnly, ErrMemberNotFound, ErrInvalid
// where the caller is the owner already.
func (s *Rooms) Transfer(ctx context.Context, c Caller, room string, in OwnerInput) (Room, error) {
	if err := check(in); err != nil {
		return Room{}, err
	}
	if err := s.transfer(ctx, c, room, in.User); err != nil {
		return Room{}, err
	}
	return s.Get(ctx, c, room)
}

func (s *Rooms) transfer(ctx context.Context, c Caller, room, heir string) error {
	defer s.locks.lock(room)()
	state, err := s.groupOf(ctx, c.User, room)
	if err != nil {
		return err
	}
	if state.members[c.User].role != define.RoleOwner {
		return define.ErrOwnerOnly
	}
	if heir == c.User {
		return define.Invalid("user", "must be somebody else", "不能转让给自己")
	}
	if _, ok := state.members[heir]; !ok {
		return define.ErrMemberNotFound
	}
	return s.handOver(ctx, state, c.User, heir)
}

// Silence keeps a member from writing for some seconds; 0 lets him write again. The owner silences anyone, an admin
// members. Refusals: ErrPrivateRoom, ErrForbidden, ErrMemberNotFound.
func (s *Rooms) Silence(ctx context.Context, c Caller, room, user string, in SilenceInput) (Member, error) {
	if err := check(in); err != nil {
		return Member{}, err
	}
	defer s.locks.lock(room)()
	state, err := s.groupOf(ctx, c.User, room)
	if err != nil {
		return Member{}, err
	}
	if err := state.mayRule(c.User, user); err != nil {
		return Member{}, err
	}
	at := now()
	until := int64(0)
	if *in.Seconds > 0 {
		until = at + *in.Seconds*1000
	}
	if err := s.store.UserRooms.SetSilenced(ctx, user, room, until, at); err != nil {
		return Member{}, err
	}
	s.rooms.drop(room)
	return s.updatedMember(ctx, state, c.User, user)
}

// mayRule allows the owner to rule over everybody else, and admins over members.
func (s *roomState) mayRule(user, over string) error {
	target, ok := s.members[over]
	role := s.members[user].role
	switch {
	case !ok && s.leads(user):
		return define.ErrMemberNotFound
	case role == define.RoleOwner && over != user, role == define.RoleAdmin && target.role == define.RoleMember:
		return nil
	case !s.leads(user):
		return define.ErrAdminOnly
	}
	return define.ErrForbidden
}

// leaders returns the owner and the admins of a room.
func (s *roomState) leaders() []string {
	var leaders []string
	for _, user := range s.ids {
		if s.leads(user) {
			leaders = append(leaders, user)
		}
	}
	return leaders
}

// leaderOf is groupOf for what only the owner and admins may do.
func (c *core) leaderOf(ctx context.Context, user, room string) (*roomState, error) {
	state, err := c.groupOf(ctx, user, room)
	if err == nil && !state.leads(user) {
		return nil, define.ErrAdminOnly
	}
	return state, err
}
