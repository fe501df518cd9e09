// Package socket is what every way in with a WebSocket shares: the handshake, the goroutine that reads, the frames, and
// the wire that sends them with few system calls. What is said over a socket is for the ways in.
//
// An idle connection is one goroutine that waits for the client, a read buffer of 1 KiB, and nothing else: writers and
// write buffers exist only while something is being written.
package socket

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/service/hub"
)

// Options is what a Server works with. Timings that are 0 have their defaults.
type Options struct {
	Hub          *hub.Hub
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

// Server has the sockets of all ways in.
type Server struct {
	o      Options
	frames middleware.Limiter
	ctx    context.Context // of everything that sockets ask
	cancel context.CancelFunc

	mu        sync.Mutex
	stopping  bool
	strangers map[*Conn]struct{} // the sockets that the hub does not know
	open      sync.WaitGroup     // the goroutines that read from the sockets
}

// New returns a server. Its sockets are closed by stopping the hub; Wait waits for them.
func New(o Options) *Server {
	o.Silence = orDefault(o.Silence, define.SilenceMax)
	o.WriteTimeout = orDefault(o.WriteTimeout, defaultWriteTimeout)
	o.CloseTimeout = orDefault(o.CloseTimeout, defaultCloseTimeout)
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{
		o:         o,
		frames:    helper.NewRates(framesPerSecond, framesAtOnce, o.LimitsFactor),
		ctx:       ctx,
		cancel:    cancel,
		strangers: map[*Conn]struct{}{},
	}
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Context is that of everything that sockets ask of the services. It ends when Wait has waited for too long.
func (s *Server) Context() context.Context { return s.ctx }

// Wait returns when every socket is gone. It is called once the hub has been stopped. When ctx ends first, what the
// sockets still ask of the services is cancelled.
func (s *Server) Wait(ctx context.Context) error {
	defer s.cancel()
	s.dismiss()
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

// dismiss cuts off the sockets that the hub did not know, and those that come.
func (s *Server) dismiss() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	for c := range s.strangers {
		(*sink)(c).Abort()
	}
}

// start runs the reader of a connection. Where the server is stopping, the connection is cut off instead.
func (s *Server) start(c *Conn, read func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.hub == nil {
		if s.stopping {
			(*sink)(c).Abort()
			return
		}
		s.strangers[c] = struct{}{}
	}
	// In a goroutine of its own, which is small: the stack and the buffers of the HTTP server go when the handler returns.
	s.open.Go(read)
}

// forget takes a connection out of the strangers.
func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.strangers, c)
}
