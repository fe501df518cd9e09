package api

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

type members interface {
	Members(ctx context.Context, c service.Caller, room, role string, p service.Page) (service.List[service.Member], error)
	AddMembers(ctx context.Context, c service.Caller, room string, in service.MembersInput) (service.MembersResult, error)
	RemoveMember(ctx context.Context, c service.Caller, room, user string) error
	Leave(ctx context.Context, c service.Caller, room string) error
	SetRole(ctx context.Context, c service.Caller, room, user string, in service.RoleInput) (service.Member, error)
	Transfer(ctx context.Context, c service.Caller, room string, in service.OwnerInput) (service.Room, error)
	Silence(ctx context.Context, c service.Caller, room, user string, in service.SilenceInput) (service.Member, error)
	Join(ctx context.Context, c service.Caller, in service.JoinInput) (service.JoinResult, error)
	Invitations(ctx context.Context, c service.Caller, room string, p service.Page) (service.List[service.Invitation], error)
	Awaiting(ctx context.Context, c service.Caller, p service.Page) (service.List[service.Invitation], error)
	Approve(ctx context.Context, c service.Caller, invitation string) (service.Invitation, error)
	Decline(ctx context.Context, c service.Caller, invitation string) (service.Invitation, error)
}

// Members serves who is in a group, in which role, and how one gets into it.
type Members struct{ Service members }

// List answers GET /rooms/{id}/members.
func (h Members) List(c *gin.Context) error {
	role, page, err := readFilteredPage(c, "role")
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Members(ctx, me, pathParam(c, "room"), role, page))
}

// Add answers POST /rooms/{id}/members.
func (h Members) Add(c *gin.Context) error {
	var in service.MembersInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.AddMembers(ctx, me, pathParam(c, "room"), in))
}

// Remove answers DELETE /rooms/{id}/members/{user}; with heir=true for oneself, an owner hands the group over as he goes.
func (h Members) Remove(c *gin.Context) error {
	q := newQuery(c, "heir")
	heir := q.flag("heir")
	if err := q.err(); err != nil {
		return err
	}
	ctx, me := asker(c)
	if heir && pathParam(c, "user") == me.User {
		return noContent(c, h.Service.Leave(ctx, me, pathParam(c, "room")))
	}
	return noContent(c, h.Service.RemoveMember(ctx, me, pathParam(c, "room"), pathParam(c, "user")))
}

// SetRole answers PUT /rooms/{id}/members/{user}/role.
func (h Members) SetRole(c *gin.Context) error {
	var in service.RoleInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.SetRole(ctx, me, pathParam(c, "room"), pathParam(c, "user"), in))
}

// Transfer answers PUT /rooms/{id}/owner.
func (h Members) Transfer(c *gin.Context) error {
	var in service.OwnerInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Transfer(ctx, me, pathParam(c, "room"), in))
}

// Silence answers PUT /rooms/{id}/members/{user}/silence.
func (h Members) Silence(c *gin.Context) error {
	var in service.SilenceInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Silence(ctx, me, pathParam(c, "room"), pathParam(c, "user"), in))
}

// Join answers POST /rooms/join: 200 with the room, or 202 with the invitation that waits for approval.
func (h Members) Join(c *gin.Context) error {
	var in service.JoinInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	result, err := h.Service.Join(ctx, me, in)
	if result.Invitation != nil {
		return reply(c, http.StatusAccepted)(result.Invitation, err)
	}
	return ok(c)(result.Room, err)
}

// Invitations answers GET /rooms/{id}/invitations.
func (h Members) Invitations(c *gin.Context) error {
	page, err := readPage(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Invitations(ctx, me, pathParam(c, "room"), page))
}

// Awaiting answers GET /invitations.
func (h Members) Awaiting(c *gin.Context) error {
	page, err := readPage(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Awaiting(ctx, me, page))
}

// Approve answers POST /invitations/{id}/approve.
func (h Members) Approve(c *gin.Context) error {
	ctx, me := asker(c)
	return ok(c)(h.Service.Approve(ctx, me, pathParam(c, "invitation")))
}

// Decline answers POST /invitations/{id}/decline.
func (h Members) Decline(c *gin.Context) error {
	ctx, me := asker(c)
	return ok(c)(h.Service.Decline(ctx, me, pathParam(c, "invitation")))
}
