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
	Update(ctx context.Context, c service.Caller, room string, in service.RoomUpdateInput) (service.Room, error)
	UpdateMe(ctx context.Context, c service.Caller, room string, in service.RoomMeInput) (service.RoomMe, error)
	Unlock(ctx context.Context, c service.Caller, room string, in service.UnlockInput) error
	Announcements(ctx context.Context, c service.Caller, room string, p service.Page) (service.List[service.Announcement], error)
	Announce(ctx context.Context, c service.Caller, room string, in service.AnnouncementInput) (service.Announcement, error)
	Unannounce(ctx context.Context, c service.Caller, room, announcement string) error
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

// Update answers PATCH /rooms/{id}.
func (h Rooms) Update(c *gin.Context) error {
	var in service.RoomUpdateInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Update(ctx, me, pathParam(c, "room"), in))
}

// UpdateMe answers PATCH /rooms/{id}/me.
func (h Rooms) UpdateMe(c *gin.Context) error {
	var in service.RoomMeInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.UpdateMe(ctx, me, pathParam(c, "room"), in))
}

// Unlock answers POST /rooms/{id}/unlock.
func (h Rooms) Unlock(c *gin.Context) error {
	var in service.UnlockInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return noContent(c, h.Service.Unlock(ctx, me, pathParam(c, "room"), in))
}

// Announcements answers GET /rooms/{id}/announcements.
func (h Rooms) Announcements(c *gin.Context) error {
	page, err := readPage(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Announcements(ctx, me, pathParam(c, "room"), page))
}

// Announce answers POST /rooms/{id}/announcements.
func (h Rooms) Announce(c *gin.Context) error {
	var in service.AnnouncementInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return created(c)(h.Service.Announce(ctx, me, pathParam(c, "room"), in))
}

// Unannounce answers DELETE /rooms/{id}/announcements/{aid}.
func (h Rooms) Unannounce(c *gin.Context) error {
	ctx, me := asker(c)
	return noContent(c, h.Service.Unannounce(ctx, me, pathParam(c, "room"), pathParam(c, "announcement")))
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
