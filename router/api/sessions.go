package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

type sessions interface {
	Renew(ctx context.Context, c service.Caller) (service.Token, error)
	Logout(ctx context.Context, c service.Caller) error
	List(ctx context.Context, c service.Caller, p service.Page) (service.List[service.Session], error)
	End(ctx context.Context, c service.Caller, id string) error
	EndOthers(ctx context.Context, c service.Caller) error
}

// Sessions serves one's devices.
type Sessions struct{ Service sessions }

// Renew answers POST /token.
func (h Sessions) Renew(c *gin.Context) error {
	ctx, me := asker(c)
	return ok(c)(h.Service.Renew(ctx, me))
}

// Logout answers POST /logout.
func (h Sessions) Logout(c *gin.Context) error {
	ctx, me := asker(c)
	return noContent(c, h.Service.Logout(ctx, me))
}

// List answers GET /sessions.
func (h Sessions) List(c *gin.Context) error {
	page, err := readPage(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.List(ctx, me, page))
}

// End answers DELETE /sessions/{id}.
func (h Sessions) End(c *gin.Context) error {
	ctx, me := asker(c)
	return noContent(c, h.Service.End(ctx, me, pathParam(c, "session")))
}

// EndOthers answers DELETE /sessions.
func (h Sessions) EndOthers(c *gin.Context) error {
	ctx, me := asker(c)
	return noContent(c, h.Service.EndOthers(ctx, me))
}
