package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

type friends interface {
	List(ctx context.Context, c service.Caller, group string, p service.Page) (service.List[service.Friend], error)
	Request(ctx context.Context, c service.Caller, in service.FriendRequestInput) (service.FriendRequestResult, error)
	Requests(ctx context.Context, c service.Caller, box string, p service.Page) (service.List[service.FriendRequest], error)
	Accept(ctx context.Context, c service.Caller, id string) (service.Friend, error)
	Decline(ctx context.Context, c service.Caller, id string) (service.FriendRequest, error)
	Remove(ctx context.Context, c service.Caller, user string) error
	Update(ctx context.Context, c service.Caller, user string, in service.FriendInput) (service.Friend, error)
}

// Friends serves one's friends and the requests to become one.
type Friends struct{ Service friends }

// List answers GET /friends.
func (h Friends) List(c *gin.Context) error {
	group, page, err := readFilteredPage(c, "group")
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.List(ctx, me, group, page))
}

// Request answers POST /friends/requests: 201 with the request, or 200 with the friend whose own request it accepted.
func (h Friends) Request(c *gin.Context) error {
	var in service.FriendRequestInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	result, err := h.Service.Request(ctx, me, in)
	if result.Friend != nil {
		return ok(c)(result.Friend, err)
	}
	return created(c)(result.Request, err)
}

// Requests answers GET /friends/requests.
func (h Friends) Requests(c *gin.Context) error {
	box, page, err := readFilteredPage(c, "box")
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Requests(ctx, me, box, page))
}

// Accept answers POST /friends/requests/{id}/accept.
func (h Friends) Accept(c *gin.Context) error {
	ctx, me := asker(c)
	return ok(c)(h.Service.Accept(ctx, me, pathParam(c, "request")))
}

// Decline answers POST /friends/requests/{id}/decline.
func (h Friends) Decline(c *gin.Context) error {
	ctx, me := asker(c)
	return ok(c)(h.Service.Decline(ctx, me, pathParam(c, "request")))
}

// Remove answers DELETE /friends/{identity}.
func (h Friends) Remove(c *gin.Context) error {
	ctx, me := asker(c)
	return noContent(c, h.Service.Remove(ctx, me, pathParam(c, "user")))
}

// Update answers PATCH /friends/{identity}.
func (h Friends) Update(c *gin.Context) error {
	var in service.FriendInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Update(ctx, me, pathParam(c, "user"), in))
}
