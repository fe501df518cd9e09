package service

import (
	"context"
	"strconv"

	"parlor/define"
	"parlor/helper"
)

// Users and rooms by their numbers, for ways in that know nothing else of them. A number is never given to another user
// or room, so which one it is can be cached for good.

func (c *core) loadUserNumber(ctx context.Context, number string) (string, error) {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return "", err
	}
	user, err := c.store.Users.ByNumber(ctx, n)
	return user.Identity, notFound(err, define.ErrUserNotFound)
}

func (c *core) loadRoomNumber(ctx context.Context, number string) (string, error) {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return "", err
	}
	room, err := c.store.Rooms.ByNumber(ctx, n)
	return room.Identity, notFound(err, define.ErrRoomNotFound)
}

// Get returns a user, one who has cancelled his account as well; ErrUserNotFound. It costs nothing for who is known.
func (s *Accounts) Get(ctx context.Context, identity string) (User, error) {
	return s.users.get(ctx, identity)
}

// ByNumber returns the user of a number; ErrUserNotFound where there is none, or he has cancelled his account.
func (s *Accounts) ByNumber(ctx context.Context, number int64) (User, error) {
	identity, err := s.userNumbers.get(ctx, strconv.FormatInt(number, 10))
	if err != nil {
		return User{}, err
	}
	return s.livingUser(ctx, identity)
}

// ByAccount returns the user of an account, without regard to case; ErrUserNotFound where there is none, or he has
// cancelled it.
func (s *Accounts) ByAccount(ctx context.Context, account string) (User, error) {
	doc, err := s.store.Users.ByAccount(ctx, helper.FoldAccount(account))
	if err != nil {
		return User{}, notFound(err, define.ErrUserNotFound)
	}
	if doc.CancelledAt > 0 {
		return User{}, define.ErrUserNotFound
	}
	return publicUser(&doc), nil
}

// Find returns the identity of the room of a number to one of its members. Refusals: as of Get. It costs nothing for a
// room that is known.
func (s *Rooms) Find(ctx context.Context, c Caller, number int64) (string, error) {
	identity, err := s.roomNumbers.get(ctx, strconv.FormatInt(number, 10))
	if err != nil {
		return "", err
	}
	_, err = s.memberOf(ctx, c.User, identity)
	return identity, err
}

// ByNumber returns the room of a number to one of its members. Refusals: as of Get.
func (s *Rooms) ByNumber(ctx context.Context, c Caller, number int64) (Room, error) {
	identity, err := s.Find(ctx, c, number)
	if err != nil {
		return Room{}, err
	}
	return s.Get(ctx, c, identity)
}

// Number returns the number of a room, a dissolved one as well; ErrRoomNotFound. It asks for no member, and is meant for
// what members are told.
func (s *Rooms) Number(ctx context.Context, identity string) (int64, error) {
	state, err := s.rooms.get(ctx, identity)
	if err != nil {
		return 0, err
	}
	return state.room.Number, nil
}
