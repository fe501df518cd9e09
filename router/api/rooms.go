package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

type rooms interface {
	List(ctx context.Context, c service.Caller, p service.Page) (service.List[service.Room], error)
	Create(ctx context.Context, c service.Caller, in service.RoomInput) (service.Room, error)
	Get(ctx context.Context, c service.Caller, room string) (service.Room, error)
	Dissolve(ctx context.Context, c service.Caller, room string) error
	Members(ctx context.Context, c service.Caller, room, role string, p service.Page) (service.List[service.Member], error)
	RemoveMember(ctx context.Context, c service.Caller, room, user string) error
	Read(ctx context.Context, c service.Caller, room string, in service.ReadInput) (service.RoomMe, error)
}

// Rooms serves the rooms one is in and their members.
type Rooms struct{ Service rooms }

// List answers GET /rooms.
func (h Rooms) List(c *gin.Context) error {
	page, err := readPage(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.List(ctx, me, page))
}

// Create answers POST /rooms.
func (h Rooms) Create(c *gin.Context) error {
	var in service.RoomInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return created(c)(h.Service.Create(ctx, me, in))
}

// Get answers GET /rooms/{id}.
func (h Rooms) Get(c *gin.Context) error {
	ctx, me := asker(c)
	return ok(c)(h.Service.Get(ctx, me, pathParam(c, "room")))
}

// Dissolve answers DELETE /rooms/{id}.
func (h Rooms) Dissolve(c *gin.Context) error {
	ctx, me := asker(c)
	return noContent(c, h.Service.Dissolve(ctx, me, pathParam(c, "room")))
}

// Members answers GET /rooms/{id}/members.
func (h Rooms) Members(c *gin.Context) error {
	role, page, err := readFilteredPage(c, "role")
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Members(ctx, me, pathParam(c, "room"), role, page))
}

// RemoveMember answers DELETE /rooms/{id}/members/{user}.
func (h Rooms) RemoveMember(c *gin.Context) error {
	ctx, me := asker(c)
	return noContent(c, h.Service.RemoveMember(ctx, me, pathParam(c, "room"), pathParam(c, "user")))
}

// Read answers POST /rooms/{id}/read.
func (h Rooms) Read(c *gin.Context) error {
	var in service.ReadInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Read(ctx, me, pathParam(c, "room"), in))
}
