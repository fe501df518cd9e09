// Package ws is the native socket, /ws: who may open it, the frames of clients and their answers, and the dialect in
// which events are pushed.
package ws

import (
	"context"
	"log/slog"
	"time"

	"parlor/middleware"
	"parlor/router/socket"
	"parlor/service"
)

type (
	sessions interface {
		Authenticate(ctx context.Context, token, ip string) (service.Caller, time.Time, error)
	}
	accounts interface {
		Me(ctx context.Context, c service.Caller) (service.Me, error)
	}
	rooms interface {
		Read(ctx context.Context, c service.Caller, room string, in service.ReadInput) (service.RoomMe, error)
		Typing(ctx context.Context, c service.Caller, room string) error
	}
	messages interface {
		// Submit returns at once and calls done exactly once, from any goroutine.
		Submit(ctx context.Context, c service.Caller, room string, in service.MessageInput, done func(service.Message, bool, error))
		Edit(ctx context.Context, c service.Caller, id int64, in service.EditInput) (service.Message, error)
		Recall(ctx context.Context, c service.Caller, id int64) (service.Message, error)
		Delete(ctx context.Context, c service.Caller, id int64) error
		React(ctx context.Context, c service.Caller, id int64, emoji string) (service.Message, error)
		Unreact(ctx context.Context, c service.Caller, id int64, emoji string) (service.Message, error)
		Sync(ctx context.Context, c service.Caller, in service.SyncInput) (service.SyncResult, error)
	}
	// Each calls done exactly once before it returns, with the call as it is before anybody hears of what follows.
	calls interface {
		Start(ctx context.Context, c service.Caller, in service.CallStartInput, done func(service.Call, error))
		Accept(ctx context.Context, c service.Caller, in service.CallInput, done func(service.Call, error))
		Decline(ctx context.Context, c service.Caller, in service.CallInput, done func(service.Call, error))
		End(ctx context.Context, c service.Caller, in service.CallInput, done func(service.Call, error))
		Signal(ctx context.Context, c service.Caller, in service.CallSignalInput, done func(service.Call, error))
	}
	presence interface {
		Online(ctx context.Context, c service.Caller, in service.PresenceInput) (service.PresenceResult, error)
	}
)

// Options is what a Server works with.
type Options struct {
	Sockets  *socket.Server
	Sessions sessions
	Accounts accounts
	Rooms    rooms
	Messages messages
	Presence presence
	Calls    calls
	Failures middleware.Limiter // of handshakes without a good token, by address
	Log      *slog.Logger
}

// Server answers /ws.
type Server struct{ o Options }

// New returns a server.
func New(o Options) *Server { return &Server{o} }
