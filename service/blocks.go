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
	var at after
	n, err := p.read(&at)
	if err != nil {
		return List[User]{}, err
	}
	docs, err := s.store.Blocks.Page(ctx, c.User, at.Key, n+1)
	if err != nil {
		return List[User]{}, err
	}
	identities := make([]string, len(docs))
	for i := range docs {
		identities[i] = docs[i].BlockedIdentity
	}
	users, err := s.usersByID(ctx, identities)
	if err != nil {
		return List[User]{}, err
	}
	show := func(d *models.Block) User { return users[d.BlockedIdentity] }
	return listOf(docs, n, show, func(_ int, last *models.Block) any { return after{last.Identity} }), nil
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
