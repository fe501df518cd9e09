package service

import (
	"context"
	"errors"
	"strings"

	"parlor/define"
	"parlor/models"
)

// An address of a user is proven once he has used a code that was sent to it. One that is not proven logs nobody in, and
// is no obstacle to who proves it.

// SendEmailCode sends a code to an address that the caller wants to bind to his account. Refusals: ErrEmailTaken,
// ErrRateLimited, ErrUnavailable where no mail can be sent.
func (s *Accounts) SendEmailCode(ctx context.Context, c Caller, in EmailInput) error {
	if err := check(in); err != nil {
		return err
	}
	if err := limit(s.limits.mail, c.User); err != nil {
		return err
	}
	email := strings.ToLower(in.Email)
	if err := s.emailFree(ctx, email, c.User); err != nil {
		return err
	}
	return s.sendCode(ctx, codeEmail, c.User, email)
}

func (s *Accounts) emailFree(ctx context.Context, email, user string) error {
	owner, err := s.store.Users.ByEmail(ctx, email)
	if errors.Is(err, models.ErrNotFound) {
		return nil
	}
	if err == nil && owner.Identity != user {
		return define.ErrEmailTaken
	}
	return err
}

// BindEmail binds an address to the caller's account. Refusals: those of a code, ErrEmailTaken.
func (s *Accounts) BindEmail(ctx context.Context, c Caller, in EmailCodeInput) (Me, error) {
	if err := check(in); err != nil {
		return Me{}, err
	}
	email := strings.ToLower(in.Email)
	if err := s.emailFree(ctx, email, c.User); err != nil {
		return Me{}, err
	}
	if err := s.useCode(ctx, codeEmail, c.User, email, in.Code); err != nil {
		return Me{}, err
	}
	verified := true
	me, err := s.change(ctx, c.User, models.UserChange{Email: &email, EmailVerified: &verified, UpdatedAt: now()})
	if errors.Is(err, models.ErrDuplicate) {
		return Me{}, define.ErrEmailTaken
	}
	return me, err
}
