package service

import (
	"context"
	"errors"
	"strings"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// ConfirmedInput changes what a user says of himself, together with his account and address, against his password. What
// is left out stays. It is for ways in whose clients change all of it at once.
type ConfirmedInput struct {
	Password    string  `json:"password" validate:"required,max=128"`
	Account     *string `json:"account" validate:"omitempty,account"`
	Email       *string `json:"email" validate:"omitempty,email,max=100"`
	Phone       *string `json:"phone" validate:"omitempty,max=32"`
	Description *string `json:"description" validate:"omitempty,max=500"`
}

// UpdateConfirmed makes all of the changes or none. Another address than the one before has to be verified again.
// Refusals: ErrInvalid, ErrWrongPassword, ErrAccountTaken, ErrRateLimited.
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
