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
type op func(s *socket, data []byte, a *answer)

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
func (s *Server) handle(sock *socket, r request, a *answer) {
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
	serve(sock, r.Data, a)
}

// inTurn makes an op of a call that is answered before the next frame is read.
func inTurn[In, Out any](call func(context.Context, *socket, In) (Out, error)) op {
	return func(s *socket, data []byte, a *answer) {
		var in In
		if err := helper.DecodeJSON(data, &in); err != nil {
			a.give(nil, err)
			return
		}
		out, err := call(s.server.ctx, s, in)
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

// messageSend does not wait: several sends of one socket may be on their way to the disk together. Their answers come
// in the order in which the messages were numbered.
func messageSend(s *socket, data []byte, a *answer) {
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
	s.server.o.Messages.Submit(s.server.ctx, s.caller, in.Room, in.MessageInput, func(m service.Message, _ bool, err error) {
		a.give(m, err)
	})
}

type editInput struct {
	Message int64 `json:"message"`
	service.EditInput
}

func messageEdit(ctx context.Context, s *socket, in editInput) (service.Message, error) {
	return s.server.o.Messages.Edit(ctx, s.caller, in.Message, in.EditInput)
}

type messageInput struct {
	Message int64 `json:"message"`
}

func messageRecall(ctx context.Context, s *socket, in messageInput) (service.Message, error) {
	return s.server.o.Messages.Recall(ctx, s.caller, in.Message)
}

func messageDelete(ctx context.Context, s *socket, in messageInput) (struct{}, error) {
	return struct{}{}, s.server.o.Messages.Delete(ctx, s.caller, in.Message)
}

type reactInput struct {
	Message int64  `json:"message"`
	Emoji   string `json:"emoji"`
	Remove  bool   `json:"remove"`
}

func messageReact(ctx context.Context, s *socket, in reactInput) (service.Message, error) {
	if in.Remove {
		return s.server.o.Messages.Unreact(ctx, s.caller, in.Message, in.Emoji)
	}
	return s.server.o.Messages.React(ctx, s.caller, in.Message, in.Emoji)
}

type readInput struct {
	Room string `json:"room"`
	Seq  int64  `json:"seq"`
}

func roomRead(ctx context.Context, s *socket, in readInput) (service.RoomMe, error) {
	if err := needRoom(in.Room); err != nil {
		return service.RoomMe{}, err
	}
	return s.server.o.Rooms.Read(ctx, s.caller, in.Room, service.ReadInput{Seq: in.Seq})
}

type typingInput struct {
	Room string `json:"room"`
}

func roomTyping(ctx context.Context, s *socket, in typingInput) (struct{}, error) {
	if err := needRoom(in.Room); err != nil {
		return struct{}{}, err
	}
	return struct{}{}, s.server.o.Rooms.Typing(ctx, s.caller, in.Room)
}

func syncRooms(ctx context.Context, s *socket, in service.SyncInput) (service.SyncResult, error) {
	return s.server.o.Messages.Sync(ctx, s.caller, in)
}

func presenceGet(ctx context.Context, s *socket, in service.PresenceInput) (service.PresenceResult, error) {
	return s.server.o.Presence.Online(ctx, s.caller, in)
}

type pingAnswer struct {
	ServerTime int64 `json:"server_time"`
}

func ping(context.Context, *socket, struct{}) (pingAnswer, error) {
	return pingAnswer{ServerTime: time.Now().UnixMilli()}, nil
}
