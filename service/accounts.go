package service

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// Accounts is about users themselves.
type Accounts struct{ *core }

// Register opens an account and its first session. Refusals: ErrInvalid, ErrAccountTaken, ErrEmailTaken for an address that
// somebody has proven, ErrRateLimited.
func (s *Accounts) Register(ctx context.Context, ip string, in RegisterInput) (Login, error) {
	if err := check(in); err != nil {
		return Login{}, err
	}
	if err := limit(s.limits.register, helper.AddressKey(ip)); err != nil {
		return Login{}, err
	}
	user := models.User{
		Account: in.Account, Nickname: in.Nickname, Email: strings.ToLower(in.Email), Phone: in.Phone,
		Description: cmp.Or(in.Description, define.DefaultDescription),
	}
	if user.Email != "" {
		if err := s.emailFree(ctx, user.Email, ""); err != nil {
			return Login{}, err
		}
	}
	if err := s.insertUser(ctx, &user, in.Password); err != nil {
		return Login{}, err
	}
	return s.openSession(ctx, &user, in.Device, ip)
}

// insertUser stores a new user, with a password where there is one: ErrAccountTaken. Without a nickname he goes by his
// account.
func (s *Accounts) insertUser(ctx context.Context, user *models.User, password string) error {
	user.AccountKey = helper.FoldAccount(user.Account)
	if user.AccountKey == define.AccountSystem {
		return define.ErrAccountTaken
	}
	if _, err := s.store.Users.ByAccount(ctx, user.AccountKey); err == nil {
		return define.ErrAccountTaken
	} else if !errors.Is(err, models.ErrNotFound) {
		return err
	}
	var err error
	if password != "" {
		if user.Password, err = helper.HashPassword(ctx, password); err != nil {
			return err
		}
	}
	if user.Number, err = s.store.Counters.Take(ctx, models.CounterUser, 1); err != nil {
		return err
	}
	at := now()
	user.Identity, user.CreatedAt, user.UpdatedAt, user.LoginAt = helper.NewIdentity(), at, at, at
	user.Nickname = cmp.Or(user.Nickname, user.Account)
	user.NicknameKey = helper.FoldAccount(user.Nickname)
	err = s.store.Users.Insert(ctx, user)
	if errors.Is(err, models.ErrDuplicate) {
		return define.ErrAccountTaken
	}
	return err
}

// Login opens a session. A wrong password and an unknown account get the same answer in the same time:
// ErrWrongCredentials. Attempts are counted by account and by address: ErrRateLimited.
func (s *Accounts) Login(ctx context.Context, ip string, in LoginInput) (Login, error) {
	if err := check(in); err != nil {
		return Login{}, err
	}
	key, email := helper.FoldAccount(in.Account), strings.ToLower(in.Email)
	if err := limit(s.limits.loginByAddress, helper.AddressKey(ip)); err != nil {
		return Login{}, err
	}
	if err := limit(s.limits.loginByAccount, cmp.Or(key, email)); err != nil {
		return Login{}, err
	}
	var user models.User
	var err error
	if in.Account != "" {
		user, err = s.store.Users.ByAccount(ctx, key)
	} else {
		user, err = s.store.Users.ByEmail(ctx, email)
	}
	if errors.Is(err, models.ErrNotFound) || err == nil && user.Password == "" { // cancelled, or the deployment's own
		return Login{}, cmp.Or(helper.CheckNoPassword(ctx, in.Password), error(define.ErrWrongCredentials))
	}
	if err != nil {
		return Login{}, err
	}
	if ok, err := helper.CheckPassword(ctx, user.Password, in.Password); err != nil {
		return Login{}, err
	} else if !ok {
		return Login{}, define.ErrWrongCredentials
	}
	at := now()
	if user, err = s.store.Users.Change(ctx, user.Identity, models.UserChange{LoginAt: &at}); err != nil {
		return Login{}, err
	}
	if user.CancelledAt > 0 { // while the password was being checked
		return Login{}, define.ErrWrongCredentials
	}
	return s.openSession(ctx, &user, in.Device, ip)
}

// Me returns the caller's own account.
func (s *Accounts) Me(ctx context.Context, c Caller) (Me, error) {
	user, err := s.store.Users.Get(ctx, c.User)
	return ownUser(&user), notFound(err, define.ErrUserNotFound)
}

// Update changes what the caller says of himself.
func (s *Accounts) Update(ctx context.Context, c Caller, in ProfileInput) (Me, error) {
	if err := check(in); err != nil {
		return Me{}, err
	}
	return s.changeProfile(ctx, c, in.Avatar, profileChange(in))
}

// changeProfile makes a change, and one of the avatar with it where that is not nil.
func (s *Accounts) changeProfile(ctx context.Context, c Caller, avatar *string, change models.UserChange) (Me, error) {
	if avatar != nil {
		return s.updateAvatar(ctx, c, *avatar, change)
	}
	return s.change(ctx, c.User, change)
}

func profileChange(in ProfileInput) models.UserChange {
	change := models.UserChange{
		Nickname: in.Nickname, Sex: in.Sex, Phone: in.Phone, Description: in.Description, Name: in.Name,
		Birthday: in.Birthday, Province: in.Province, City: in.City, UpdatedAt: now(),
	}
	if in.Nickname != nil {
		key := helper.FoldAccount(*in.Nickname)
		change.NicknameKey = &key
	}
	return change
}

// ChangeAccount changes the name under which the caller logs in. Refusals: ErrWrongPassword, ErrAccountTaken.
func (s *Accounts) ChangeAccount(ctx context.Context, c Caller, in AccountInput) (Me, error) {
	if err := check(in); err != nil {
		return Me{}, err
	}
	return s.UpdateConfirmed(ctx, c, ConfirmedInput{Password: in.Password, Account: &in.Account})
}

// ConfirmedInput changes what a user says of himself, together with his account and address, against his password. What
// is left out stays. It is for ways in whose clients change all of it at once.
type ConfirmedInput struct {
	Password    string  `json:"password" validate:"required,max=128"`
	Account     *string `json:"account" validate:"omitempty,account"`
	Email       *string `json:"email" validate:"omitempty,email,max=100"`
	Phone       *string `json:"phone" validate:"omitempty,max=32"`
	Description *string `json:"description" validate:"omitempty,max=500"`
}

// UpdateConfirmed makes all of the changes or none. An address that is new is not proven. Refusals: ErrInvalid,
// ErrWrongPassword, ErrAccountTaken, ErrRateLimited.
func (s *Accounts) UpdateConfirmed(ctx context.Context, c Caller, in ConfirmedInput) (Me, error) {
	if err := check(in); err != nil {
		return Me{}, err
	}
	if err := s.askPassword(ctx, c, in.Password); err != nil {
		return Me{}, err
	}
	change := models.UserChange{Account: in.Account, Phone: in.Phone, Description: in.Description, UpdatedAt: now()}
	if in.Account != nil {
		key := helper.FoldAccount(*in.Account)
		if key == define.AccountSystem {
			return Me{}, define.ErrAccountTaken
		}
		change.AccountKey = &key
	}
	if in.Email != nil {
		user, err := s.store.Users.Get(ctx, c.User)
		if err != nil {
			return Me{}, notFound(err, define.ErrUserNotFound)
		}
		email, verified := strings.ToLower(*in.Email), false
		if email != user.Email {
			change.Email, change.EmailVerified = &email, &verified
		}
	}
	me, err := s.change(ctx, c.User, change)
	if errors.Is(err, models.ErrDuplicate) {
		return Me{}, define.ErrAccountTaken
	}
	return me, err
}

// change changes a user and tells his devices.
func (s *Accounts) change(ctx context.Context, user string, change models.UserChange) (Me, error) {
	doc, err := s.store.Users.Change(ctx, user, change)
	s.users.drop(user)
	if err != nil {
		return Me{}, notFound(err, define.ErrUserNotFound)
	}
	me := ownUser(&doc)
	s.tellSelf(user, define.EventUserUpdated, me)
	return me, nil
}

// Cancel ends the caller's account: friendships end, groups pass to an heir, sessions end; messages stay.
func (s *Accounts) Cancel(ctx context.Context, c Caller, in CancelInput) error {
	if err := check(in); err != nil {
		return err
	}
	if err := s.askPassword(ctx, c, in.Password); err != nil {
		return err
	}
	return s.CancelSession(ctx, c)
}

// CancelSession is Cancel on the proof of the session alone, for ways in whose clients ask for no password there.
// The account is marked last: who is stopped on the way still has it and can cancel again.
func (s *Accounts) CancelSession(ctx context.Context, c Caller) error {
	friends, rooms := Friends{s.core}, Rooms{s.core}
	if err := friends.leaveAll(ctx, c); err != nil {
		return err
	}
	if err := rooms.leaveAll(ctx, c); err != nil {
		return err
	}
	if err := s.endSessions(ctx, c.User, "", define.EndedCancelled); err != nil {
		return err
	}
	if err := s.removeAvatar(ctx, c.User); err != nil {
		return err
	}
	err := s.store.Users.Cancel(ctx, c.User, now())
	s.users.drop(c.User)
	if err != nil {
		return err
	}
	return s.endSessions(ctx, c.User, "", define.EndedCancelled) // of a login that came in between
}

// Profile returns a user as the caller may see him.
func (s *Accounts) Profile(ctx context.Context, c Caller, identity string) (Profile, error) {
	user, err := s.users.get(ctx, identity)
	if err != nil {
		return Profile{}, err
	}
	profile := Profile{User: user}
	friendship, err := s.store.Friendships.Get(ctx, c.User, identity)
	if errors.Is(err, models.ErrNotFound) {
		return profile, nil
	}
	online := s.hub.Online(identity)
	profile.IsFriend, profile.Online = true, &online
	profile.RoomIdentity, profile.Remark = &friendship.RoomIdentity, &friendship.Remark
	return profile, err
}
