package service

import (
	"cmp"
	"context"
	"errors"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
	"parlor/service/hub"
)

// Friends is about friendships, and the requests and groups around them.
type Friends struct{ *core }

// List returns the caller's friends, the oldest friendship first; those of one group where group is not empty.
func (s *Friends) List(ctx context.Context, c Caller, group string, p Page) (List[Friend], error) {
	find := func(after string, limit int) ([]models.Friendship, error) {
		return s.store.Friendships.Page(ctx, c.User, group, after, limit)
	}
	show := withUsers(ctx, s.core, func(d *models.Friendship) string { return d.FriendIdentity }, s.friend)
	return pageAfter(p, find, show, func(d *models.Friendship) string { return d.Identity })
}

func (c *core) friend(d *models.Friendship, user User) Friend {
	return Friend{
		User: user, Group: d.Group, Remark: d.Remark, RoomIdentity: d.RoomIdentity,
		Online: c.hub.Online(d.FriendIdentity), CreatedAt: d.CreatedAt,
	}
}

// friendOf returns one friend of a user.
func (c *core) friendOf(ctx context.Context, user, friend string) (Friend, error) {
	d, err := c.store.Friendships.Get(ctx, user, friend)
	if err != nil {
		return Friend{}, notFound(err, define.ErrFriendNotFound)
	}
	other, err := c.users.get(ctx, friend)
	return c.friend(&d, other), err
}

// Update changes where a friend stands and what the caller calls him. A group that does not exist yet is made.
func (s *Friends) Update(ctx context.Context, c Caller, friend string, in FriendInput) (Friend, error) {
	if err := check(in); err != nil {
		return Friend{}, err
	}
	if _, err := s.friendOf(ctx, c.User, friend); err != nil {
		return Friend{}, err
	}
	if in.Group != nil {
		if _, err := s.insertGroup(ctx, c.User, *in.Group, now()); err != nil && !errors.Is(err, define.ErrGroupExists) {
			return Friend{}, err
		}
	}
	d, err := s.store.Friendships.Change(ctx, c.User, friend, models.FriendshipChange{Group: in.Group, Remark: in.Remark, UpdatedAt: now()})
	if err != nil {
		return Friend{}, notFound(err, define.ErrFriendNotFound)
	}
	other, err := s.users.get(ctx, friend)
	if err != nil {
		return Friend{}, err
	}
	view := s.friend(&d, other)
	s.tellSelf(c.User, define.EventFriendUpdated, view)
	return view, nil
}

// tellSelf tells a user's own devices of what he has changed on one of them.
func (c *core) tellSelf(user, op string, data any) {
	c.hub.Publish(hub.Delivery{Event: hub.Event{Op: op, Data: data}, Users: []string{user}})
}

// Remove ends a friendship on both sides and closes its room, whose history stays.
func (s *Friends) Remove(ctx context.Context, c Caller, friend string) error {
	return s.unfriend(ctx, c.User, friend)
}

// RemoveAndTell is Remove, of which the other side gets a notification.
func (s *Friends) RemoveAndTell(ctx context.Context, c Caller, friend string) error {
	if err := s.unfriend(ctx, c.User, friend); err != nil {
		return err
	}
	return s.notify(ctx, define.NotifyFriendRemoved, c.User, models.NotificationContent{}, friend)
}

// unfriend closes the room first: who is stopped before the friendship is gone still sees it and can end it again.
func (c *core) unfriend(ctx context.Context, user, friend string) error {
	defer c.locks.lock(models.Pair(user, friend))()
	d, err := c.store.Friendships.Get(ctx, user, friend)
	if err != nil {
		return notFound(err, define.ErrFriendNotFound)
	}
	var removed []hub.Delivery
	for _, side := range [][2]string{{user, friend}, {friend, user}} {
		view, err := c.friendOf(ctx, side[0], side[1])
		if errors.Is(err, define.ErrFriendNotFound) {
			continue // taken away before who ended the friendship was stopped
		} else if err != nil {
			return err
		}
		removed = append(removed, hub.Delivery{Event: hub.Event{Op: define.EventFriendRemoved, Data: view}, Users: side[:1]})
	}
	err = c.store.Rooms.SetClosed(ctx, d.RoomIdentity, now())
	c.rooms.drop(d.RoomIdentity)
	if err != nil {
		return err
	}
	c.calls.closeRoom(d.RoomIdentity)
	// The other side goes first, so that the caller's own stays until nothing is left to do.
	if _, err := c.store.Friendships.Delete(ctx, friend, user); err != nil {
		return err
	}
	if _, err := c.store.Friendships.Delete(ctx, user, friend); err != nil {
		return err
	}
	c.hub.Publish(removed...)
	return nil
}

// leaveAll ends every friendship and every open request of the caller.
func (s *Friends) leaveAll(ctx context.Context, c Caller) error {
	all, err := s.store.Friendships.All(ctx, c.User)
	if err != nil {
		return err
	}
	for i := range all {
		if err := s.unfriend(ctx, c.User, all[i].FriendIdentity); err != nil && !errors.Is(err, define.ErrFriendNotFound) {
			return err
		}
	}
	for _, in := range []bool{true, false} {
		if err := s.expireRequests(ctx, c.User, in); err != nil {
			return err
		}
	}
	return nil
}

// befriend makes two users friends in their private room, which is made, or opened again. Each step may be repeated,
// and the request is answered last: who is stopped on the way finds it open and accepts it again.
// The caller holds the lock of the pair.
func (c *core) befriend(ctx context.Context, request *models.FriendRequest) error {
	user, friend := request.To, request.From
	room, err := c.privateRoom(ctx, user, friend)
	if err != nil {
		return err
	}
	at := now()
	if request.Group != "" {
		if _, err := c.insertGroup(ctx, friend, request.Group, at); err != nil && !errors.Is(err, define.ErrGroupExists) {
			return err
		}
	}
	groups := map[string]string{user: define.GroupUngrouped, friend: cmp.Or(request.Group, define.GroupUngrouped)}
	for _, side := range [][2]string{{user, friend}, {friend, user}} {
		err := c.store.Friendships.Ensure(ctx, &models.Friendship{
			Identity: helper.NewIdentity(), UserIdentity: side[0], FriendIdentity: side[1], RoomIdentity: room.Identity,
			Group: groups[side[0]], IsApproved: true, CreatedAt: at, UpdatedAt: at,
		})
		if err != nil {
			return err
		}
	}
	reopened := room.ClosedAt > 0
	if reopened {
		if err := c.store.Rooms.SetClosed(ctx, room.Identity, 0); err != nil {
			return err
		}
	}
	c.rooms.drop(room.Identity)
	if _, err := c.store.FriendRequests.Answer(ctx, request.Identity, define.RequestAccepted, at); errors.Is(err, models.ErrNotFound) {
		return nil // answered by another node at the same moment, which has announced it
	} else if err != nil {
		return err
	}
	if err := c.announceFriends(ctx, room.Identity, user, friend, reopened); err != nil {
		return err
	}
	content := models.NotificationContent{Request: request.Identity, Room: room.Identity, State: define.RequestAccepted}
	return c.notify(ctx, define.NotifyFriendAccepted, user, content, friend)
}

func (c *core) announceFriends(ctx context.Context, room, user, friend string, reopened bool) error {
	for _, side := range [][2]string{{user, friend}, {friend, user}} {
		view, err := c.friendOf(ctx, side[0], side[1])
		if err != nil {
			return err
		}
		c.hub.Publish(hub.Delivery{Event: hub.Event{Op: define.EventFriendAccepted, Data: view}, Users: side[:1]})
	}
	op := define.EventRoomCreated
	if reopened {
		op = define.EventRoomUpdated
	}
	return c.announceRoom(ctx, op, room, user, friend)
}

// privateRoom returns the one room of a pair, made by user where there is none. A pair has one for ever: a unique index
// on the pair keeps it so.
func (c *core) privateRoom(ctx context.Context, user, friend string) (models.Room, error) {
	pair := models.Pair(user, friend)
	room, err := c.store.Rooms.ByPair(ctx, pair)
	if errors.Is(err, models.ErrNotFound) {
		room, err = c.newRoom(ctx, models.Room{Kind: define.RoomPrivate, UserIdentity: user, Pair: pair, MemberCount: 2, JoinPolicy: define.JoinInvite, History: define.HistoryAll})
		if errors.Is(err, models.ErrDuplicate) {
			room, err = c.store.Rooms.ByPair(ctx, pair)
		}
	}
	if err != nil {
		return room, err
	}
	return room, c.store.UserRooms.Ensure(ctx, []models.UserRoom{
		newMember(&room, user, define.RoleMember, 0), newMember(&room, friend, define.RoleMember, 0),
	})
}
