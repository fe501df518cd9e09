package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

type blocks interface {
	Blocks(ctx context.Context, c service.Caller, p service.Page) (service.List[service.User], error)
	Block(ctx context.Context, c service.Caller, user string) error
	Unblock(ctx context.Context, c service.Caller, user string) error
}

// Blocks serves the users from whom one wants to hear nothing.
type Blocks struct{ Service blocks }

// List answers GET /blocks.
func (h Blocks) List(c *gin.Context) error {
	page, err := readPage(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Blocks(ctx, me, page))
}

// Add answers PUT /blocks/{identity}.
func (h Blocks) Add(c *gin.Context) error {
	ctx, me := asker(c)
	return noContent(c, h.Service.Block(ctx, me, pathParam(c, "user")))
}

// Remove answers DELETE /blocks/{identity}.
func (h Blocks) Remove(c *gin.Context) error {
	ctx, me := asker(c)
	return noContent(c, h.Service.Unblock(ctx, me, pathParam(c, "user")))
}
