package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

type notifications interface {
	List(ctx context.Context, c service.Caller, p service.Page) (service.List[service.Notification], error)
	Read(ctx context.Context, c service.Caller, in service.NotificationsReadInput) error
}

// Notifications serves what has happened to the caller.
type Notifications struct{ Service notifications }

// List answers GET /notifications.
func (h Notifications) List(c *gin.Context) error {
	page, err := readPage(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.List(ctx, me, page))
}

// Read answers POST /notifications/read.
func (h Notifications) Read(c *gin.Context) error {
	var in service.NotificationsReadInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return noContent(c, h.Service.Read(ctx, me, in))
}
