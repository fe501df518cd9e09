// Package ws is the native socket, /ws: the handshake, the frames of clients and their answers, and the dialect in
// which events are pushed.
//
// An idle connection is one goroutine that waits for the client, a read buffer of 1 KiB, and nothing else: writers and
// write buffers exist only while something is being written.
package ws

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/service"
	"parlor/service/hub"
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

// Options is what a Server works with. Timings that are 0 have their defaults.
type Options struct {
	Hub      *hub.Hub
	Sessions sessions
	Accounts accounts
	Rooms    rooms
	Messages messages
	Presence presence
	Calls    calls

	Origins      []string      // pages of these may connect, besides those of the same host; "*" is any
	LimitsFactor float64       // multiplies the rate at which a user may send frames; 0 is no limit
	Silence      time.Duration // after which a connection is closed; define.SilenceMax
	WriteTimeout time.Duration // for a client that does not read; 10 s
	CloseTimeout time.Duration // for a client to answer a close frame; 5 s
	Log          *slog.Logger
}

// How many frames one user may send over all of his sockets. A client that sends as fast as a person can is far below.
const (
	framesPerSecond = 50
	framesAtOnce    = 500
)

const (
	defaultWriteTimeout = 10 * time.Second
	defaultCloseTimeout = 5 * time.Second
)

// Server answers /ws.
type Server struct {
	o      Options
	frames middleware.Limiter
	ctx    context.Context // of everything that sockets ask
	cancel context.CancelFunc
	open   sync.WaitGroup // the goroutines that read from the sockets
}

// New returns a server. Its sockets are closed by stopping the hub; Wait waits for them.
func New(o Options) *Server {
	o.Silence = orDefault(o.Silence, define.SilenceMax)
	o.WriteTimeout = orDefault(o.WriteTimeout, defaultWriteTimeout)
	o.CloseTimeout = orDefault(o.CloseTimeout, defaultCloseTimeout)
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{
		o:      o,
		frames: helper.NewRates(framesPerSecond, framesAtOnce, o.LimitsFactor),
		ctx:    ctx,
		cancel: cancel,
	}
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Wait returns when every socket is gone. It is called once the hub has been stopped. When ctx ends first, what the
// sockets still ask of the services is cancelled.
func (s *Server) Wait(ctx context.Context) error {
	defer s.cancel()
	gone := make(chan struct{})
	go func() {
		s.open.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
