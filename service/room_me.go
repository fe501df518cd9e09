package service

import (
	"context"
	"time"

	"parlor/define"
	"parlor/models"
	"parlor/service/hub"
)

// Update changes a group's profile and rules. Refusals: ErrPrivateRoom, ErrAdminOnly.
func (s *Rooms) Update(ctx context.Context, c Caller, room string, in RoomUpdateInput) (Room, error) {
	if err := check(in); err != nil {
		return Room{}, err
	}
	if err := s.update(ctx, c, room, in); err != nil {
		return Room{}, err
	}
	return s.Get(ctx, c, room)
}

func (s *Rooms) update(ctx context.Context, c Caller, room string, in RoomUpdateInput) error {
	defer s.locks.lock(room)()
	state, err := s.leaderOf(ctx, c.User, room)
	if err != nil {
		return err
	}
	if in.Avatar != nil {
		avatar, err := s.avatarFrom(ctx, c, room, *in.Avatar, state.room.Avatar)
		if err != nil {
			return err
		}
		if err := s.loosenAvatar(ctx, state.room.Avatar, avatar); err != nil {
			return err
		}
		in.Avatar = &avatar
	}
	if err := s.store.Rooms.Change(ctx, room, models.RoomChange(in), now()); err != nil {
		return err
	}
	s.rooms.drop(room)
	if err := s.announceRoom(ctx, define.EventRoomUpdated, room, state.ids...); err != nil {
		return err
	}
	if in.Name == nil || *in.Name == state.room.Name {
		return nil
	}
	return s.say(ctx, room, SystemMessage{Event: define.SystemRenamed, By: c.User, Users: []string{}})
}

// UpdateMe changes the caller's own side of a room, on all of his devices. Unlocking for good needs the password.
// Refusals: ErrWrongPassword, ErrRateLimited, ErrInvalid for locking without a password.
func (s *Rooms) UpdateMe(ctx context.Context, c Caller, room string, in RoomMeInput) (RoomMe, error) {
	if err := check(in); err != nil {
		return RoomMe{}, err
	}
	doc, member, err := s.roomAndMember(ctx, c.User, room)
	if err != nil {
		return RoomMe{}, err
	}
	if in.Locked != nil && !*in.Locked && member.Locked && !(in.Unlocked && c.unlocked(room)) {
		if in.Password == "" {
			return RoomMe{}, define.Invalid("password", "is needed", "为必填字段")
		}
		if err := s.askPassword(ctx, c, in.Password); err != nil {
			return RoomMe{}, err
		}
	}
	if in.Locked != nil && *in.Locked {
		if own, err := s.vouched(ctx, c.User); err != nil {
			return RoomMe{}, err
		} else if own[c.User] {
			return RoomMe{}, define.Invalid("locked", "needs a password, and this account has none", "该账号没有密码，无法锁定会话")
		}
		if err := s.relock(ctx, c.User, room); err != nil {
			return RoomMe{}, err
		}
	}
	change := models.MemberChange{Pinned: in.Pinned, Muted: in.Muted, Locked: in.Locked, Nickname: in.Nickname}
	if member, err = s.store.UserRooms.Change(ctx, c.User, room, change, now()); err != nil {
		return RoomMe{}, notFound(err, define.ErrRoomNotFound)
	}
	s.rooms.drop(room)
	s.publishMe(c, &doc, &member)
	if in.Nickname != nil {
		state, err := s.memberOf(ctx, c.User, room)
		if err != nil {
			return RoomMe{}, err
		}
		if _, err := s.announceMembers(ctx, state, c.User, c.User); err != nil {
			return RoomMe{}, err
		}
	}
	return roomMe(&doc, &member), nil
}

// relock ends what every session of a user may still read of a room that he locks.
func (s *Rooms) relock(ctx context.Context, user, room string) error {
	for _, conn := range s.hub.Conns(user) {
		conn.Unlock(room, 0)
	}
	return s.store.Sessions.Lock(ctx, user, room)
}

// Unlock lets the caller's session read a room that he has locked, for define.UnlockLifetime. Refusals:
// ErrWrongPassword, ErrRateLimited.
func (s *Rooms) Unlock(ctx context.Context, c Caller, room string, in UnlockInput) error {
	if err := check(in); err != nil {
		return err
	}
	if _, err := s.memberOf(ctx, c.User, room); err != nil {
		return err
	}
	if err := s.askPassword(ctx, c, in.Password); err != nil {
		return err
	}
	return s.unlock(ctx, c, room, time.Now().Add(define.UnlockLifetime))
}

// UnlockAll is Unlock for every room that the caller has locked or will lock.
func (s *Rooms) UnlockAll(ctx context.Context, c Caller, in UnlockInput) error {
	if err := check(in); err != nil {
		return err
	}
	if err := s.askPassword(ctx, c, in.Password); err != nil {
		return err
	}
	return s.unlock(ctx, c, define.UnlockAll, time.Now().Add(define.UnlockLifetime))
}

// UnlockAtLogin is UnlockAll for a session that the caller's password has just opened: it asks for nothing.
func (s *Rooms) UnlockAtLogin(ctx context.Context, c Caller) error {
	return s.unlock(ctx, c, define.UnlockAll, time.Now().Add(define.UnlockLifetime))
}

// unlock lets a session read a locked room, or all of them.
func (c *core) unlock(ctx context.Context, caller Caller, room string, end time.Time) error {
	until := end.UnixMilli()
	if err := c.store.Sessions.Unlock(ctx, caller.Session, room, until); err != nil {
		return notFound(err, define.ErrSessionEnded)
	}
	for _, conn := range c.hub.Conns(caller.User) {
		if conn.Session() == caller.Session {
			conn.Unlock(room, until)
		}
	}
	return nil
}

// unlocked reports whether the caller's session may read a room that he has locked.
func (c Caller) unlocked(room string) bool {
	if c.Conn != nil {
		return unlockedOn(c.Conn, room)
	}
	return max(c.Unlocked[room], c.Unlocked[define.UnlockAll]) > now()
}

func unlockedOn(conn *hub.Conn, room string) bool {
	at := now()
	return conn.Unlocked(room, at) || conn.Unlocked(define.UnlockAll, at)
}

// mayHear reports whether what is said in the room may be pushed to a connection: its user has not locked the room, or
// has unlocked it for this session.
func (s *roomState) mayHear(conn *hub.Conn) bool {
	return !s.members[conn.User()].locked || unlockedOn(conn, s.room.Identity)
}
