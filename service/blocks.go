package service

import (
	"context"
	"errors"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// Blocks lists whom the caller has blocked, the oldest block first.
func (s *Friends) Blocks(ctx context.Context, c Caller, p Page) (List[User], error) {
	find := func(after string, limit int) ([]models.Block, error) {
		return s.store.Blocks.Page(ctx, c.User, after, limit)
	}
	blocked := func(d *models.Block) string { return d.BlockedIdentity }
	show := withUsers(ctx, s.core, blocked, func(_ *models.Block, user User) User { return user })
	return pageAfter(p, find, show, func(d *models.Block) string { return d.Identity })
}

// Block keeps a user from writing to the caller in private and from asking to be friends. Blocking twice is the same.
func (s *Friends) Block(ctx context.Context, c Caller, user string) error {
	if user == c.User {
		return define.Invalid("identity", "must be somebody else", "不能屏蔽自己")
	}
	blocked, err := s.users.get(ctx, user)
	if err != nil {
		return err
	}
	block := models.Block{Identity: helper.NewIdentity(), UserIdentity: c.User, BlockedIdentity: user, CreatedAt: now()}
	if err := s.store.Blocks.Insert(ctx, &block); err != nil && !errors.Is(err, models.ErrDuplicate) {
		return err
	}
	room, err := s.forgetPrivateRoom(ctx, c.User, user)
	if room != "" {
		s.calls.closeRoom(room)
	}
	s.tellSelf(c.User, define.EventBlockChanged, BlockEvent{User: blocked, Blocked: true})
	return err
}

// Unblock takes a block away; there need not be one.
func (s *Friends) Unblock(ctx context.Context, c Caller, user string) error {
	blocked, err := s.users.get(ctx, user)
	if err != nil {
		return err
	}
	if _, err := s.store.Blocks.Delete(ctx, c.User, user); err != nil {
		return err
	}
	s.tellSelf(c.User, define.EventBlockChanged, BlockEvent{User: blocked})
	_, err = s.forgetPrivateRoom(ctx, c.User, user)
	return err
}

// forgetPrivateRoom drops what is cached of a pair's room, blocks included, and returns the room; "" where there is none.
func (c *core) forgetPrivateRoom(ctx context.Context, user, other string) (string, error) {
	room, err := c.store.Rooms.ByPair(ctx, models.Pair(user, other))
	if errors.Is(err, models.ErrNotFound) {
		return "", nil
	}
	c.rooms.drop(room.Identity)
	return room.Identity, err
}
