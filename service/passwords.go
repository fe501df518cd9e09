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

// askPassword asks the caller's password again. Attempts count against his account, as at a login.
func (c *core) askPassword(ctx context.Context, caller Caller, password string) error {
	if err := limit(c.limits.loginByAccount, caller.User); err != nil {
		return err
	}
	user, err := c.store.Users.Get(ctx, caller.User)
	if err != nil {
		return notFound(err, define.ErrUserNotFound)
	}
	if user.Password == "" { // the deployment's own
		return cmp.Or(helper.CheckNoPassword(ctx, password), error(define.ErrWrongPassword))
	}
	ok, err := helper.CheckPassword(ctx, user.Password, password)
	if err == nil && !ok {
		return define.ErrWrongPassword
	}
	return err
}

// setPassword changes a user's password, and what else the change names, and ends his sessions but for one, which may be
// empty.
func (s *Accounts) setPassword(ctx context.Context, user, session, password string, change models.UserChange) error {
	hash, err := helper.HashPassword(ctx, password)
	if err != nil {
		return err
	}
	change.Password, change.UpdatedAt = &hash, now()
	if _, err := s.store.Users.Change(ctx, user, change); err != nil {
		return notFound(err, define.ErrUserNotFound)
	}
	return s.endSessions(ctx, user, session, define.EndedPassword)
}

// ChangePassword sets a new password and ends the caller's other sessions.
func (s *Accounts) ChangePassword(ctx context.Context, c Caller, in PasswordInput) error {
	if err := check(in); err != nil {
		return err
	}
	if err := s.askPassword(ctx, c, in.OldPassword); err != nil {
		return err
	}
	return s.setPassword(ctx, c.User, c.Session, in.NewPassword, models.UserChange{})
}

// SendPasswordCode sends a code to the verified address of an account. Its answer is the same whether there is such an
// account or not. Refusals: ErrInvalid, ErrRateLimited by the caller's address alone.
func (s *Accounts) SendPasswordCode(ctx context.Context, ip string, in EmailInput) error {
	if err := check(in); err != nil {
		return err
	}
	email := strings.ToLower(in.Email)
	user, err := s.provenOwner(ctx, ip, email)
	if err != nil {
		return err
	}
	if err := s.sendCode(ctx, codePassword, user, email); err != nil {
		s.log.Warn("a code to reset a password was not sent", "user", user, "error", err)
	}
	return nil
}

// ResetPassword sets a new password with a code, and ends all sessions of the account. Refusals: those of a code, which
// are the same for an address without an account, ErrRateLimited.
func (s *Accounts) ResetPassword(ctx context.Context, ip string, in ResetInput) error {
	if err := check(in); err != nil {
		return err
	}
	email := strings.ToLower(in.Email)
	user, err := s.provenOwner(ctx, ip, email)
	if err != nil {
		return err
	}
	if err := s.useCode(ctx, codePassword, user, email, in.Code); err != nil {
		return err
	}
	if user == "" {
		return define.ErrCodeExpired // a code that nobody was sent, guessed
	}
	return s.setPassword(ctx, user, "", in.NewPassword, models.UserChange{})
}

// provenOwner returns the identity of who has proven an address, empty for nobody. It counts as an attempt to log in.
func (s *Accounts) provenOwner(ctx context.Context, ip, email string) (string, error) {
	if err := limit(s.limits.loginByAddress, helper.AddressKey(ip)); err != nil {
		return "", err
	}
	user, err := s.store.Users.ByEmail(ctx, email)
	return user.Identity, notFound(err, nil)
}

// PasswordCodeInput sets a new password with a code that was sent to the caller's own address.
type PasswordCodeInput struct {
	Code        string `json:"code" validate:"required,len=6,numeric"`
	NewPassword string `json:"new_password" validate:"required,max=128"`
	PasswordRule
}

// SendOwnPasswordCode sends a code to the caller's own address (ownEmail). Refusals: ErrInvalid where he has none,
// ErrEmailTaken where somebody else has proven that address, those of a code.
func (s *Accounts) SendOwnPasswordCode(ctx context.Context, c Caller) error {
	if err := limit(s.limits.mail, c.User); err != nil {
		return err
	}
	email, err := s.ownEmail(ctx, c)
	if err != nil {
		return err
	}
	return s.sendCode(ctx, codeOwn, c.User, email)
}

// ChangePasswordByCode sets a new password with such a code, which proves the address as well, and ends the caller's other
// sessions. Refusals: those of a code, and of SendOwnPasswordCode.
func (s *Accounts) ChangePasswordByCode(ctx context.Context, c Caller, in PasswordCodeInput) error {
	if err := check(in); err != nil {
		return err
	}
	email, err := s.ownEmail(ctx, c)
	if err != nil {
		return err
	}
	if err := s.useCode(ctx, codeOwn, c.User, email, in.Code); err != nil {
		return err
	}
	verified := true
	err = s.setPassword(ctx, c.User, c.Session, in.NewPassword, models.UserChange{Email: &email, EmailVerified: &verified})
	if errors.Is(err, models.ErrDuplicate) {
		return define.ErrEmailTaken
	}
	return err
}

// ownEmail returns the address to which a code for a new password may go: one that the caller has proven, or has set
// together with his password or against it. A session alone must not be enough for a new password. An account without a
// password has an address that a session alone may have set (UpdatePerson): only a proven one counts there.
func (s *Accounts) ownEmail(ctx context.Context, c Caller) (string, error) {
	user, err := s.store.Users.Get(ctx, c.User)
	if err != nil {
		return "", notFound(err, define.ErrUserNotFound)
	}
	if user.Email == "" {
		return "", define.Invalid("email", "is not known", "账号未填写邮箱")
	}
	if user.Password == "" && !user.EmailVerified {
		return "", define.Invalid("email", "is not proven", "邮箱尚未验证")
	}
	return user.Email, s.emailFree(ctx, user.Email, c.User)
}
