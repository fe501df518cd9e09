package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

type friendGroups interface {
	Groups(ctx context.Context, c service.Caller, p service.Page) (service.List[service.FriendGroup], error)
	CreateGroup(ctx context.Context, c service.Caller, in service.GroupInput) (service.FriendGroup, error)
	RenameGroup(ctx context.Context, c service.Caller, name string, in service.GroupInput) (service.FriendGroup, error)
	DeleteGroup(ctx context.Context, c service.Caller, name string) error
}

// FriendGroups serves the groups into which one sorts one's friends.
type FriendGroups struct{ Service friendGroups }

// List answers GET /friends/groups.
func (h FriendGroups) List(c *gin.Context) error {
	page, err := readPage(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Groups(ctx, me, page))
}

// Create answers POST /friends/groups.
func (h FriendGroups) Create(c *gin.Context) error {
	var in service.GroupInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return created(c)(h.Service.CreateGroup(ctx, me, in))
}

// Rename answers PATCH /friends/groups/{name}.
func (h FriendGroups) Rename(c *gin.Context) error {
	var in service.GroupInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.RenameGroup(ctx, me, pathParam(c, "name"), in))
}

// Delete answers DELETE /friends/groups/{name}.
func (h FriendGroups) Delete(c *gin.Context) error {
	ctx, me := asker(c)
	return noContent(c, h.Service.DeleteGroup(ctx, me, pathParam(c, "name")))
}
