package ws

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"parlor/define"
	"parlor/helper"
	"parlor/service"
)

// op serves one request; data is its JSON. It gives the answer itself, now or later.
type op func(c *client, data []byte, a *answer)

// ops are what a client can ask.
var ops = map[string]op{
	define.OpMessageSend:   messageSend,
	define.OpMessageEdit:   inTurn(messageEdit),
	define.OpMessageRecall: inTurn(messageRecall),
	define.OpMessageDelete: inTurn(messageDelete),
	define.OpMessageReact:  inTurn(messageReact),
	define.OpRoomRead:      inTurn(roomRead),
	define.OpRoomTyping:    inTurn(roomTyping),
	define.OpSync:          inTurn(syncRooms),
	define.OpPresenceGet:   inTurn(presenceGet),
	define.OpCallStart:     answering(callStart),
	define.OpCallAccept:    answering(callAccept),
	define.OpCallDecline:   answering(callDecline),
	define.OpCallEnd:       answering(callEnd),
	define.OpCallSignal:    answering(callSignal),
	define.OpPing:          inTurn(ping),
}

// handle gives a request to its op. A panic costs the request, not the socket.
func (s *Server) handle(c *client, r request, a *answer) {
	defer func() {
		if p := recover(); p != nil {
			a.give(nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	serve, known := ops[r.Op]
	if !known {
		a.give(nil, define.Invalid("op", "is not an operation of this server", "不是该服务器支持的操作"))
		return
	}
	serve(c, r.Data, a)
}

// inTurn makes an op of a call that is answered before the next frame is read.
func inTurn[In, Out any](call func(context.Context, *client, In) (Out, error)) op {
	return func(c *client, data []byte, a *answer) {
		var in In
		if err := helper.DecodeJSON(data, &in); err != nil {
			a.give(nil, err)
			return
		}
		out, err := call(c.server.o.Sockets.Context(), c, in)
		a.give(out, err)
	}
}

// needRoom refuses a request that does not name its room.
func needRoom(room string) error {
	if room == "" {
		return define.Invalid("room", "is required", "为必填字段")
	}
	return nil
}

// needMessage refuses a request that does not name its message.
func needMessage(identity int64) error {
	if identity == 0 {
		return define.Invalid("message", "is required", "为必填字段")
	}
	return nil
}

// messageSend does not wait: several sends of one socket may be on their way to the disk together. Their answers come
// in the order in which the messages were numbered.
func messageSend(c *client, data []byte, a *answer) {
	var in struct {
		Room string `json:"room"`
		service.MessageInput
	}
	err := helper.DecodeJSON(data, &in)
	if err == nil {
		err = needRoom(in.Room)
	}
	if err != nil {
		a.give(nil, err)
		return
	}
	c.server.o.Messages.Submit(c.server.o.Sockets.Context(), c.caller, in.Room, in.MessageInput, func(m service.Message, _ bool, err error) {
		a.give(m, err)
	})
}

type editInput struct {
	Message int64 `json:"message"`
	service.EditInput
}

func messageEdit(ctx context.Context, c *client, in editInput) (service.Message, error) {
	if err := needMessage(in.Message); err != nil {
		return service.Message{}, err
	}
	return c.server.o.Messages.Edit(ctx, c.caller, in.Message, in.EditInput)
}

type messageInput struct {
	Message int64 `json:"message"`
}

func messageRecall(ctx context.Context, c *client, in messageInput) (service.Message, error) {
	if err := needMessage(in.Message); err != nil {
		return service.Message{}, err
	}
	return c.server.o.Messages.Recall(ctx, c.caller, in.Message)
}

func messageDelete(ctx context.Context, c *client, in messageInput) (struct{}, error) {
	if err := needMessage(in.Message); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, c.server.o.Messages.Delete(ctx, c.caller, in.Message)
}

type reactInput struct {
	Message int64  `json:"message"`
	Emoji   string `json:"emoji"`
	Remove  bool   `json:"remove"`
}

func messageReact(ctx context.Context, c *client, in reactInput) (service.Message, error) {
	if err := needMessage(in.Message); err != nil {
		return service.Message{}, err
	}
	if in.Remove {
		return c.server.o.Messages.Unreact(ctx, c.caller, in.Message, in.Emoji)
	}
	return c.server.o.Messages.React(ctx, c.caller, in.Message, in.Emoji)
}

type readInput struct {
	Room string `json:"room"`
	Seq  *int64 `json:"seq"`
}

func roomRead(ctx context.Context, c *client, in readInput) (service.RoomMe, error) {
	if err := needRoom(in.Room); err != nil {
		return service.RoomMe{}, err
	}
	return c.server.o.Rooms.Read(ctx, c.caller, in.Room, service.ReadInput{Seq: in.Seq})
}

type typingInput struct {
	Room string `json:"room"`
}

func roomTyping(ctx context.Context, c *client, in typingInput) (struct{}, error) {
	if err := needRoom(in.Room); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, c.server.o.Rooms.Typing(ctx, c.caller, in.Room)
}

func syncRooms(ctx context.Context, c *client, in service.SyncInput) (service.SyncResult, error) {
	return c.server.o.Messages.Sync(ctx, c.caller, in)
}

func presenceGet(ctx context.Context, c *client, in service.PresenceInput) (service.PresenceResult, error) {
	return c.server.o.Presence.Online(ctx, c.caller, in)
}

type pingAnswer struct {
	ServerTime int64 `json:"server_time"`
}

func ping(context.Context, *client, struct{}) (pingAnswer, error) {
	return pingAnswer{ServerTime: time.Now().UnixMilli()}, nil
}
