package service

import (
	"context"
	"errors"
	"fmt"
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

// BindEmail binds an address to the caller's account. One that was proven before is told: a code for a new password goes
// to the new one from now on, and a session was all it took. Refusals: those of a code, ErrEmailTaken.
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
	before, err := s.store.Users.Get(ctx, c.User)
	if err != nil {
		return Me{}, notFound(err, define.ErrUserNotFound)
	}
	verified := true
	me, err := s.change(ctx, c.User, models.UserChange{Email: &email, EmailVerified: &verified, UpdatedAt: now()})
	if errors.Is(err, models.ErrDuplicate) {
		return Me{}, define.ErrEmailTaken
	}
	if err == nil && before.EmailVerified && before.Email != email {
		s.tellOldAddress(&before)
	}
	return me, err
}

// tellOldAddress writes to an address that was an account's until now. The new one is not named: who reads this may be
// somebody else by now.
func (s *Accounts) tellOldAddress(before *models.User) {
	err := s.postman.post(letter{
		to:      before.Email,
		subject: "Parlor: your address was changed / 邮箱已更换",
		text: fmt.Sprintf("The account %[1]s has another e-mail address now. If that was not you, log in, change your password, which logs all "+
			"other devices out, and bind this address again. If you cannot log in, ask those who run this server.\n\n"+
			"账号 %[1]s 已更换邮箱。如非本人操作，请登录并修改密码（其他设备将退出登录），再重新绑定此邮箱；若无法登录，请联系服务器管理员。\n", before.Account),
	})
	if err != nil {
		s.log.Warn("an old address was not told of the new one", "user", before.Identity, "error", err)
	}
}
