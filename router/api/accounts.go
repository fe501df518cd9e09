package api

import (
	"context"
	"strings"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

type accounts interface {
	Register(ctx context.Context, ip string, in service.RegisterInput) (service.Login, error)
	Login(ctx context.Context, ip string, in service.LoginInput) (service.Login, error)
	Me(ctx context.Context, c service.Caller) (service.Me, error)
	Update(ctx context.Context, c service.Caller, in service.ProfileInput) (service.Me, error)
	ChangeAccount(ctx context.Context, c service.Caller, in service.AccountInput) (service.Me, error)
	ChangePassword(ctx context.Context, c service.Caller, in service.PasswordInput) error
	SendEmailCode(ctx context.Context, c service.Caller, in service.EmailInput) error
	BindEmail(ctx context.Context, c service.Caller, in service.EmailCodeInput) (service.Me, error)
	SendPasswordCode(ctx context.Context, ip string, in service.EmailInput) error
	ResetPassword(ctx context.Context, ip string, in service.ResetInput) error
	Cancel(ctx context.Context, c service.Caller, in service.CancelInput) error
	Search(ctx context.Context, c service.Caller, q string, p service.Page) (service.List[service.User], error)
	SearchPart(ctx context.Context, c service.Caller, part string, p service.Page) (service.List[service.User], error)
	Profile(ctx context.Context, c service.Caller, identity string) (service.Profile, error)
}

// Accounts serves users: those who register, oneself, and the others.
type Accounts struct{ Service accounts }

// Register answers POST /register.
func (h Accounts) Register(c *gin.Context) error {
	var in service.RegisterInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	return created(c)(h.Service.Register(c.Request.Context(), c.ClientIP(), in))
}

// Login answers POST /login.
func (h Accounts) Login(c *gin.Context) error {
	var in service.LoginInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	return ok(c)(h.Service.Login(c.Request.Context(), c.ClientIP(), in))
}

// SendPasswordCode answers POST /password/code with 202, whether there is such an account or not.
func (h Accounts) SendPasswordCode(c *gin.Context) error {
	var in service.EmailInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	return accepted(c, h.Service.SendPasswordCode(c.Request.Context(), c.ClientIP(), in))
}

// ResetPassword answers POST /password/reset.
func (h Accounts) ResetPassword(c *gin.Context) error {
	var in service.ResetInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	return noContent(c, h.Service.ResetPassword(c.Request.Context(), c.ClientIP(), in))
}

// SendEmailCode answers POST /users/me/email/code.
func (h Accounts) SendEmailCode(c *gin.Context) error {
	var in service.EmailInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return accepted(c, h.Service.SendEmailCode(ctx, me, in))
}

// BindEmail answers PUT /users/me/email.
func (h Accounts) BindEmail(c *gin.Context) error {
	var in service.EmailCodeInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.BindEmail(ctx, me, in))
}

// Me answers GET /users/me.
func (h Accounts) Me(c *gin.Context) error {
	ctx, me := asker(c)
	return ok(c)(h.Service.Me(ctx, me))
}

// Update answers PATCH /users/me.
func (h Accounts) Update(c *gin.Context) error {
	var in service.ProfileInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Update(ctx, me, in))
}

// ChangeAccount answers PUT /users/me/account.
func (h Accounts) ChangeAccount(c *gin.Context) error {
	var in service.AccountInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.ChangeAccount(ctx, me, in))
}

// ChangePassword answers PUT /users/me/password.
func (h Accounts) ChangePassword(c *gin.Context) error {
	var in service.PasswordInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return noContent(c, h.Service.ChangePassword(ctx, me, in))
}

// Cancel answers DELETE /users/me.
func (h Accounts) Cancel(c *gin.Context) error {
	var in service.CancelInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return noContent(c, h.Service.Cancel(ctx, me, in))
}

// Search answers GET /users?q=, by the beginning of a name, or with contains=true by any part of it.
func (h Accounts) Search(c *gin.Context) error {
	q := newQuery(c, "limit", "cursor", "q", "contains")
	page, name, contains := q.page(), q.values.Get("q"), q.flag("contains")
	if contains && strings.TrimSpace(name) == "" {
		q.refuse("q", "is needed", "为必填字段")
	}
	if err := q.err(); err != nil {
		return err
	}
	ctx, me := asker(c)
	if contains {
		return ok(c)(h.Service.SearchPart(ctx, me, name, page))
	}
	return ok(c)(h.Service.Search(ctx, me, name, page))
}

// Profile answers GET /users/{identity}.
func (h Accounts) Profile(c *gin.Context) error {
	ctx, me := asker(c)
	return ok(c)(h.Service.Profile(ctx, me, pathParam(c, "user")))
}
