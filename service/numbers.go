package service

import (
	"context"
	"errors"
	"strconv"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
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

// Numbered is ByNumber for what is old: it returns one who has cancelled his account as well.
func (s *Accounts) Numbered(ctx context.Context, number int64) (User, error) {
	identity, err := s.userNumbers.get(ctx, strconv.FormatInt(number, 10))
	if err != nil {
		return User{}, err
	}
	return s.users.get(ctx, identity)
}

// Exists reports whether a number has been given to a room, dissolved ones included. It is no secret: numbers are given
// in order, and Join tells as much.
func (s *Rooms) Exists(ctx context.Context, number int64) (bool, error) {
	_, err := s.roomNumbers.get(ctx, strconv.FormatInt(number, 10))
	if errors.Is(err, define.ErrRoomNotFound) {
		return false, nil
	}
	return err == nil, err
}

// RoomTitle is what a room is called. The name of a private one is empty.
type RoomTitle struct {
	Number int64
	Name   string
}

// Title returns what a room is called, a dissolved one as well; ErrRoomNotFound. It asks for no member, and is meant for
// what members are told.
func (s *Rooms) Title(ctx context.Context, identity string) (RoomTitle, error) {
	state, err := s.rooms.get(ctx, identity)
	if err != nil {
		return RoomTitle{}, err
	}
	return RoomTitle{Number: state.room.Number, Name: state.room.Name}, nil
}

// Exists reports whether a message has this identity, without asking who may read it. It is no secret: identities are
// given in order.
func (s *Messages) Exists(ctx context.Context, identity int64) (bool, error) {
	_, err := s.store.Messages.Get(ctx, identity)
	if errors.Is(err, models.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// IdentityAt returns the identity of the message at one place of a room. It asks for no member, and is meant for what
// members are told.
func (s *Messages) IdentityAt(ctx context.Context, room string, seq int64) (int64, error) {
	m, err := s.store.Messages.BySeq(ctx, room, seq)
	return m.Identity, notFound(err, define.ErrMessageNotFound)
}

// Places is the number of a room and who is in it, in the order of arrival.
type Places struct {
	Number  int64
	Members []User
}

// Places returns who is in a room, to its members. It costs nothing for a room that is known. Refusals: ErrRoomNotFound,
// ErrRoomDissolved.
func (s *Rooms) Places(ctx context.Context, c Caller, identity string) (Places, error) {
	state, err := s.memberOf(ctx, c.User, identity)
	if err != nil {
		return Places{}, err
	}
	users, err := s.usersByID(ctx, state.ids)
	if err != nil {
		return Places{}, err
	}
	places := Places{Number: state.room.Number, Members: make([]User, len(state.ids))}
	for i, id := range state.ids {
		places.Members[i] = users[id]
	}
	return places, nil
}
