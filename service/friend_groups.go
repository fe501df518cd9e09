package service

import (
	"context"
	"errors"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

func groupView(g *models.FriendGroup) FriendGroup {
	return FriendGroup{Name: g.Name, CreatedAt: g.CreatedAt, UpdatedAt: g.UpdatedAt}
}

// Groups lists the caller's groups of friends by name. Friends in none of them are `ungrouped`, which is not a group.
func (s *Friends) Groups(ctx context.Context, c Caller, p Page) (List[FriendGroup], error) {
	find := func(after string, limit int) ([]models.FriendGroup, error) {
		return s.store.FriendGroups.Page(ctx, c.User, after, limit)
	}
	return pageAfter(p, find, each(groupView), func(d *models.FriendGroup) string { return d.Name })
}

// CreateGroup makes an empty group; ErrGroupExists where there is one of this name.
func (s *Friends) CreateGroup(ctx context.Context, c Caller, in GroupInput) (FriendGroup, error) {
	if err := check(in); err != nil {
		return FriendGroup{}, err
	}
	group, err := s.insertGroup(ctx, c.User, in.Name, now())
	if err == nil {
		s.tellSelf(c.User, define.EventFriendRegrouped, FriendGroupEvent{To: in.Name})
	}
	return group, err
}

// insertGroup adds a group; ErrGroupExists where the user has one of this name, as everybody has `ungrouped`.
func (c *core) insertGroup(ctx context.Context, user, name string, createdAt int64) (FriendGroup, error) {
	if name == define.GroupUngrouped {
		return FriendGroup{}, define.ErrGroupExists
	}
	group := models.FriendGroup{Identity: helper.NewIdentity(), UserIdentity: user, Name: name, CreatedAt: createdAt, UpdatedAt: now()}
	err := c.store.FriendGroups.Insert(ctx, &group)
	if errors.Is(err, models.ErrDuplicate) {
		return FriendGroup{}, define.ErrGroupExists
	}
	return groupView(&group), err
}

// RenameGroup gives a group another name. The new one is made before the old one goes, so that a friend always stands
// in a group that exists.
func (s *Friends) RenameGroup(ctx context.Context, c Caller, name string, in GroupInput) (FriendGroup, error) {
	if err := check(in); err != nil {
		return FriendGroup{}, err
	}
	old, err := s.store.FriendGroups.Get(ctx, c.User, name)
	if err != nil {
		return FriendGroup{}, notFound(err, define.ErrGroupNotFound)
	}
	if in.Name == name {
		return groupView(&old), nil
	}
	group, err := s.insertGroup(ctx, c.User, in.Name, old.CreatedAt)
	if err != nil {
		return FriendGroup{}, err
	}
	return group, s.moveGroup(ctx, c.User, name, in.Name)
}

// DeleteGroup takes a group away; its friends move to `ungrouped`.
func (s *Friends) DeleteGroup(ctx context.Context, c Caller, name string) error {
	if _, err := s.store.FriendGroups.Get(ctx, c.User, name); err != nil {
		return notFound(err, define.ErrGroupNotFound)
	}
	return s.moveGroup(ctx, c.User, name, define.GroupUngrouped)
}

func (s *Friends) moveGroup(ctx context.Context, user, from, to string) error {
	if err := s.store.Friendships.MoveGroup(ctx, user, from, to, now()); err != nil {
		return err
	}
	if _, err := s.store.FriendGroups.Delete(ctx, user, from); err != nil {
		return err
	}
	s.tellSelf(user, define.EventFriendRegrouped, FriendGroupEvent{From: from, To: to})
	return nil
}
