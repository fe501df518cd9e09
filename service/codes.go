package service

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"strings"
	"time"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

const (
	codeLifetime = 10 * time.Minute
	codeTries    = 5
	codeEvery    = time.Minute // to one address
)

// What a code is good for.
const (
	codeEmail    = "email"    // binds an address to the account that asked for it
	codePassword = "password" // sets a new password
	codeOwn      = "own"      // sets a new password for the caller, and proves his address
)

func codeIdentity(purpose, user, email string) string { return purpose + ":" + user + ":" + email }

// sendCode makes a code and sends it. The one before it is not good any more. A code for nobody (user is empty) is kept
// and not sent, so that using it is refused as it is for an account. Refusals: ErrRateLimited, ErrUnavailable.
func (c *core) sendCode(ctx context.Context, purpose, user, email string) error {
	if !c.postman.ready() {
		return define.ErrNoMail
	}
	if err := limit(c.limits.mail, email); err != nil {
		return err
	}
	at := time.Now()
	code := helper.NewCode()
	identity := codeIdentity(purpose, user, email)
	kept, err := c.store.Codes.Replace(ctx, &models.Code{
		Identity: identity, UserIdentity: user, Hash: c.tokens.HashCode(identity, code), CreatedAt: at.UnixMilli(), ExpiresAt: at.Add(codeLifetime),
	}, at.Add(-codeEvery).UnixMilli())
	if errors.Is(err, models.ErrDuplicate) {
		return define.ErrRateLimited.After(time.UnixMilli(kept.CreatedAt).Add(codeEvery).Sub(at))
	}
	if err != nil {
		return err
	}
	if user == "" {
		return nil
	}
	minutes := int(codeLifetime.Minutes())
	return c.postman.post(letter{
		to:      email,
		subject: fmt.Sprintf("Parlor: %s", code),
		text: fmt.Sprintf("Your code is %s. It is good for %d minutes. If you did not ask for it, do nothing.\n\n"+
			"您的验证码是 %s，%d 分钟内有效。如非本人操作，请忽略此邮件。\n", code, minutes, code, minutes),
	})
}

// useCode takes a code that was sent; it is good once. Refusals: ErrInvalid where it is wrong, ErrCodeExpired where there is
// none (any more), or too many tries were made.
func (c *core) useCode(ctx context.Context, purpose, user, email, code string) error {
	identity := codeIdentity(purpose, user, email)
	kept, err := c.store.Codes.Try(ctx, identity, codeTries, time.Now())
	if err != nil {
		return notFound(err, define.ErrCodeExpired)
	}
	hash := c.tokens.HashCode(identity, code)
	if !hmac.Equal([]byte(hash), []byte(kept.Hash)) {
		return define.Invalid("code", "is wrong", "验证码错误")
	}
	used, err := c.store.Codes.Use(ctx, identity, hash)
	if err == nil && !used {
		return define.ErrCodeExpired
	}
	return err
}

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

// SetEmail puts an address into the caller's account that nobody has proven: it does not count as his until he binds it.
// Refusals: ErrWrongPassword, ErrEmailTaken.
func (s *Accounts) SetEmail(ctx context.Context, c Caller, in EmailInput, password string) (Me, error) {
	if err := check(in); err != nil {
		return Me{}, err
	}
	if err := s.askPassword(ctx, c, password); err != nil {
		return Me{}, err
	}
	email, verified := strings.ToLower(in.Email), false
	if err := s.emailFree(ctx, email, c.User); err != nil {
		return Me{}, err
	}
	return s.change(ctx, c.User, models.UserChange{Email: &email, EmailVerified: &verified, UpdatedAt: now()})
}

// SendPasswordCode sends a code to the verified address of an account. Its answer is the same whether there is such an
// account or not. Refusals: ErrInvalid, ErrRateLimited by the caller's address alone.
func (s *Accounts) SendPasswordCode(ctx context.Context, ip string, in EmailInput) error {
	if err := check(in); err != nil {
		return err
	}
	if err := limit(s.limits.loginByAddress, helper.AddressKey(ip)); err != nil {
		return err
	}
	email := strings.ToLower(in.Email)
	user, err := s.store.Users.ByEmail(ctx, email)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	if err := s.sendCode(ctx, codePassword, user.Identity, email); err != nil {
		s.log.Warn("a code to reset a password was not sent", "user", user.Identity, "error", err)
	}
	return nil
}

// ResetPassword sets a new password with a code, and ends all sessions of the account. Refusals: those of a code, which
// are the same for an address without an account, ErrRateLimited.
func (s *Accounts) ResetPassword(ctx context.Context, ip string, in ResetInput) error {
	if err := check(in); err != nil {
		return err
	}
	if err := limit(s.limits.loginByAddress, helper.AddressKey(ip)); err != nil {
		return err
	}
	email := strings.ToLower(in.Email)
	user, err := s.store.Users.ByEmail(ctx, email)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return err
	}
	if err := s.useCode(ctx, codePassword, user.Identity, email, in.Code); err != nil {
		return err
	}
	if user.Identity == "" {
		return define.ErrCodeExpired // a code that nobody was sent, guessed
	}
	password, err := helper.HashPassword(ctx, in.NewPassword)
	if err != nil {
		return err
	}
	if _, err := s.change(ctx, user.Identity, models.UserChange{Password: &password, UpdatedAt: now()}); err != nil {
		return err
	}
	return s.endSessions(ctx, user.Identity, "", define.EndedPassword)
}

// PasswordCodeInput sets a new password with a code that was sent to the caller's own address.
type PasswordCodeInput struct {
	Code        string `json:"code" validate:"required,len=6,numeric"`
	NewPassword string `json:"new_password" validate:"required,max=128"`
	PasswordRule
}

// SendOwnPasswordCode sends a code to the address that the caller's account says, proven or not. Refusals: ErrInvalid where
// it says none, ErrEmailTaken where somebody else has proven that address, those of a code.
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
	password, err := helper.HashPassword(ctx, in.NewPassword)
	if err != nil {
		return err
	}
	verified := true
	_, err = s.change(ctx, c.User, models.UserChange{Password: &password, Email: &email, EmailVerified: &verified, UpdatedAt: now()})
	if errors.Is(err, models.ErrDuplicate) {
		return define.ErrEmailTaken
	}
	if err != nil {
		return err
	}
	return s.endSessions(ctx, c.User, c.Session, define.EndedPassword)
}

// ownEmail returns the address that the caller's account says, unless it is proven to be somebody else's.
func (s *Accounts) ownEmail(ctx context.Context, c Caller) (string, error) {
	user, err := s.store.Users.Get(ctx, c.User)
	if err != nil {
		return "", notFound(err, define.ErrUserNotFound)
	}
	if user.Email == "" {
		return "", define.Invalid("email", "is not known", "账号未填写邮箱")
	}
	return user.Email, s.emailFree(ctx, user.Email, c.User)
}
