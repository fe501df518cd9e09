package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

type calls interface {
	ICE(ctx context.Context, c service.Caller) (service.ICEServers, error)
}

// Calls serves what a device must know before it calls. The calls themselves are made over the socket.
type Calls struct{ Service calls }

// ICE answers GET /calls/ice.
func (h Calls) ICE(c *gin.Context) error {
	ctx, me := asker(c)
	return ok(c)(h.Service.ICE(ctx, me))
}
