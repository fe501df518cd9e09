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
	Edit(ctx context.Context, c service.Caller, id int64, in service.EditInput) (service.Message, error)
	Recall(ctx context.Context, c service.Caller, id int64) (service.Message, error)
	Delete(ctx context.Context, c service.Caller, id int64) error
	Clear(ctx context.Context, c service.Caller, room string) error
	Readers(ctx context.Context, c service.Caller, id int64) (service.Readers, error)
	React(ctx context.Context, c service.Caller, id int64, emoji string) (service.Message, error)
	Unreact(ctx context.Context, c service.Caller, id int64, emoji string) (service.Message, error)
	Search(ctx context.Context, c service.Caller, q service.SearchQuery) (service.List[service.Message], error)
	Forward(ctx context.Context, c service.Caller, in service.ForwardInput) (service.ForwardResult, error)
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
	q := newQuery(c, "before_seq", "after_seq", "sender", "type"+several, "from", "to", "q", "mentions", "limit", "cursor")
	in := service.HistoryQuery{
		BeforeSeq: q.integer("before_seq"),
		AfterSeq:  q.integer("after_seq"),
		Sender:    q.values.Get("sender"),
		Type:      q.list("type"),
		From:      q.integer("from"),
		To:        q.integer("to"),
		Q:         q.values.Get("q"),
		Mentions:  q.values.Get("mentions"),
		Page:      q.page(),
	}
	if err := q.err(); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.History(ctx, me, pathParam(c, "room"), in))
}

// Search answers GET /search/messages.
func (h Messages) Search(c *gin.Context) error {
	q := newQuery(c, "q", "room", "sender", "type"+several, "from", "to", "limit", "cursor")
	in := service.SearchQuery{
		Q:      q.values.Get("q"),
		Room:   q.values.Get("room"),
		Sender: q.values.Get("sender"),
		Type:   q.list("type"),
		From:   q.integer("from"),
		To:     q.integer("to"),
		Page:   q.page(),
	}
	if err := q.err(); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Search(ctx, me, in))
}

// Clear answers DELETE /rooms/{id}/messages.
func (h Messages) Clear(c *gin.Context) error {
	ctx, me := asker(c)
	return noContent(c, h.Service.Clear(ctx, me, pathParam(c, "room")))
}

// messageParam returns the message that the path names. What is not a number is no message.
func messageParam(c *gin.Context) (int64, error) {
	id, err := strconv.ParseInt(pathParam(c, "message"), 10, 64)
	if err != nil {
		return 0, define.ErrMessageNotFound
	}
	return id, nil
}

// Get answers GET /messages/{id}.
func (h Messages) Get(c *gin.Context) error {
	id, err := messageParam(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Get(ctx, me, id))
}

// Edit answers PATCH /messages/{id}.
func (h Messages) Edit(c *gin.Context) error {
	id, err := messageParam(c)
	if err != nil {
		return err
	}
	var in service.EditInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Edit(ctx, me, id, in))
}

// Recall answers POST /messages/{id}/recall.
func (h Messages) Recall(c *gin.Context) error {
	id, err := messageParam(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Recall(ctx, me, id))
}

// Delete answers DELETE /messages/{id}.
func (h Messages) Delete(c *gin.Context) error {
	id, err := messageParam(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return noContent(c, h.Service.Delete(ctx, me, id))
}

// Readers answers GET /messages/{id}/readers.
func (h Messages) Readers(c *gin.Context) error {
	id, err := messageParam(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	return ok(c)(h.Service.Readers(ctx, me, id))
}

// React answers PUT /messages/{id}/reactions/{emoji}.
func (h Messages) React(c *gin.Context) error { return h.react(c, h.Service.React) }

// Unreact answers DELETE /messages/{id}/reactions/{emoji}.
func (h Messages) Unreact(c *gin.Context) error { return h.react(c, h.Service.Unreact) }

func (h Messages) react(c *gin.Context, change func(context.Context, service.Caller, int64, string) (service.Message, error)) error {
	id, err := messageParam(c)
	if err != nil {
		return err
	}
	ctx, me := asker(c)
	_, err = change(ctx, me, id, pathParam(c, "emoji"))
	return noContent(c, err)
}

// Forward answers POST /messages/forward.
func (h Messages) Forward(c *gin.Context) error {
	var in service.ForwardInput
	if err := decodeBody(c, &in); err != nil {
		return err
	}
	ctx, me := asker(c)
	return created(c)(h.Service.Forward(ctx, me, in))
}
