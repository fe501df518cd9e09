package service

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
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
	if err := limit(c.limits.mailEvery, codeIdentity(purpose, "", email)); err != nil {
		return err
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
