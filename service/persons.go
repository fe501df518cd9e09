package service

import (
	"context"
	"strings"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// PersonInput changes what a user says of himself, and what only some ways in ask of him.
type PersonInput struct {
	ProfileInput
	Username  *string `json:"username" validate:"omitempty,max=128"`
	IDCardNum *string `json:"id_card_num" validate:"omitempty,max=32"`
	// AvatarAddress is that of an avatar which is kept elsewhere; empty for none.
	AvatarAddress *string `json:"avatar" validate:"omitempty,max=128"`
	// Email is an address that nobody has proven; empty for none.
	Email *string `json:"email" validate:"omitempty,max=100,eq=|email"`
}

// CreateInput opens an account without a session. Without a password it is one of the deployment's own: nobody can log
// in to it, and its sessions are opened by Sessions.OpenTrusted.
type CreateInput struct {
	Account  string `json:"account" validate:"required,account"`
	Password string `json:"password" validate:"omitempty,min=6,max=128"`
	PersonInput
	Trusted bool `json:"-"` // asked for by the deployment: not counted by address
}

// Create opens an account without a session. Refusals: ErrInvalid, ErrAccountTaken, ErrRateLimited.
func (s *Accounts) Create(ctx context.Context, ip string, in CreateInput) (Me, error) {
	if err := check(in); err != nil {
		return Me{}, err
	}
	if !in.Trusted {
		if err := limit(s.limits.register, helper.AddressKey(ip)); err != nil {
			return Me{}, err
		}
	}
	user := models.User{
		Account: in.Account, Nickname: value(in.Nickname), Sex: value(in.Sex), Email: strings.ToLower(value(in.Email)), Phone: value(in.Phone),
		AvatarAddress: value(in.AvatarAddress), Description: value(in.Description), Name: value(in.Name), Birthday: value(in.Birthday),
		Username: value(in.Username), IDCardNum: value(in.IDCardNum), Province: value(in.Province), City: value(in.City),
	}
	if in.Description == nil {
		user.Description = define.DefaultDescription
	}
	err := s.insertUser(ctx, &user, in.Password)
	return ownUser(&user), err
}

// value is what a pointer points at, nothing where it is nil.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// UpdatePerson changes what the caller says of himself. Refusals: ErrInvalid for an address where one is proven, or the
// account has a password: then it takes a code (BindEmail) or the password (UpdateConfirmed), since codes for a new password
// go to it (ownEmail).
func (s *Accounts) UpdatePerson(ctx context.Context, c Caller, in PersonInput) (Me, error) {
	if err := check(in); err != nil {
		return Me{}, err
	}
	change := profileChange(in.ProfileInput)
	change.Username, change.IDCardNum, change.AvatarAddress = in.Username, in.IDCardNum, in.AvatarAddress
	if in.Email != nil {
		user, err := s.store.Users.Get(ctx, c.User)
		if err != nil {
			return Me{}, notFound(err, define.ErrUserNotFound)
		}
		email, proven := strings.ToLower(*in.Email), false
		switch {
		case email == user.Email:
		case user.EmailVerified || user.Password != "":
			return Me{}, define.Invalid("email", "is only changed with a code, or with the password", "邮箱须通过验证码或密码更改")
		default:
			change.Email, change.EmailVerified = &email, &proven
		}
	}
	return s.changeProfile(ctx, c, in.Avatar, change)
}
