package api

import (
	"context"
	"strconv"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/service"
)

type messages interface {
	Send(ctx context.Context, c service.Caller, room string, in service.MessageInput) (m service.Message, created bool, err error)
	History(ctx context.Context, c service.Caller, room string, q service.HistoryQuery) (service.List[service.Message], error)
	Get(ctx context.Context, c service.Caller, id int64) (service.Message, error)
}

// Messages serves what is said in rooms.
type Messages struct{ Service messages }

// Send answers POST /rooms/{id}/messages: 201, or 200 with the message that this client_id sent before.
func (h Messages) Send(c *gin.Context) error {
	var in service.MessageInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	message, isNew, err := h.Service.Send(ctx, me, pathParam(c, "room"), in)
	if isNew {
		return created(c)(message, err)
	}
	return ok(c)(message, err)
}

// History answers GET /rooms/{id}/messages.
func (h Messages) History(c *gin.Context) error {
	q := newQuery(c, "before_seq", "after_seq", "limit", "cursor")
	in := service.HistoryQuery{
		BeforeSeq: q.integer("before_seq"),
		AfterSeq:  q.integer("after_seq"),
		Page:      q.page(),
	}
	if err := q.err(); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.History(ctx, me, pathParam(c, "room"), in))
}

// Get answers GET /messages/{id}. What is not a number is no message.
func (h Messages) Get(c *gin.Context) error {
	id, err := strconv.ParseInt(pathParam(c, "message"), 10, 64)
	if err != nil {
		return define.ErrMessageNotFound
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Get(ctx, me, id))
}
