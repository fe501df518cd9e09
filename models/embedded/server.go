// Package embedded is a MongoDB server in-process: it speaks MongoDB's wire
// protocol over documents kept in Pebble. It does what a standalone mongod does
// for what it supports and refuses the rest with mongod's errors.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"parlor/models/embedded/storage"
)

// Version is the mongod version that the server reports.
const Version = "7.0.14"

// DefaultCacheSize is the size of the block cache where Options names none.
const DefaultCacheSize = 64 << 20

// DefaultMaxConnections is the number of TCP connections where Options names none.
const DefaultMaxConnections = 10_000

// Options says what Open opens.
type Options struct {
	// Dir is the data directory; "" keeps everything in memory.
	Dir string
	// Listen is a TCP address; "" serves in-process connections only, and port 0
	// takes any free port.
	Listen string
	// User and Password, where set, are what TCP connections authenticate with.
	User, Password string
	// CacheSize is the bytes of the block cache; 0 means DefaultCacheSize.
	CacheSize int64
	// MaxConnections is how many clients may be connected over TCP at once; 0 means
	// DefaultMaxConnections. Who comes after is turned away.
	MaxConnections int
	Logger         *slog.Logger
}

// Server is a running MongoDB server.
type Server struct {
	store    *storage.Store
	log      *slog.Logger
	auth     *authenticator
	cursors  *cursorTable
	sessions *sessionLog
	commands map[string]command
	clock    clock
	started  time.Time
	maxConns int

	listener  net.Listener
	listenErr error

	// stop is cancelled when Close begins: connections end after the command that
	// they run.
	stop    context.Context
	cancel  context.CancelFunc
	workers sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	conns   map[*conn]struct{}
	nextID  atomic.Int32
	nextOp  atomic.Int32
	overTCP int // of conns
	counter counters
}

// clock is the time as the server sees it, which tests replace.
type clock struct {
	now func() time.Time
	// tick gives the times at which expired documents and cursors are removed.
	tick func(ctx context.Context, every time.Duration) <-chan time.Time
}

func systemClock() clock {
	return clock{now: time.Now, tick: func(ctx context.Context, every time.Duration) <-chan time.Time {
		t := time.NewTicker(every)
		context.AfterFunc(ctx, t.Stop)
		return t.C
	}}
}

// Open starts a server. A taken port is no error: ListenErr tells it, and
// in-process connections work. To listen beyond loopback needs a user and a
// password. A data directory that is foreign, newer, in use or damaged is refused with
// an error that wraps storage.ErrForeign, ErrNewer, ErrInUse or ErrDamaged.
func Open(ctx context.Context, o Options) (*Server, error) {
	return open(ctx, o, systemClock())
}

func open(ctx context.Context, o Options, c clock) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.CacheSize <= 0 {
		o.CacheSize = DefaultCacheSize
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = DefaultMaxConnections
	}
	if o.Listen != "" && (o.User == "" || o.Password == "") && !loopback(o.Listen) {
		return nil, fmt.Errorf("listening on %s, which others can reach, needs a user and a password", o.Listen)
	}
	auth, err := newAuthenticator(o.User, o.Password)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	store, err := storage.Open(storage.Options{Dir: o.Dir, CacheSize: o.CacheSize, Logger: o.Logger})
	if err != nil {
		return nil, err
	}
	s := &Server{
		store: store, log: o.Logger, auth: auth, cursors: newCursorTable(), sessions: newSessionLog(), commands: commandTable(), clock: c,
		started: c.now(), maxConns: o.MaxConnections, conns: map[*conn]struct{}{},
	}
	s.stop, s.cancel = context.WithCancel(context.Background())
	s.workers.Go(s.maintain)
	if o.Listen != "" {
		s.listen(ctx, o.Listen)
	}
	return s, nil
}

// loopback reports whether only this machine can reach a listening address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (s *Server) listen(ctx context.Context, address string) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		s.listenErr = err
		s.log.Warn("not listening", "address", address, "error", err)
		return
	}
	s.listener = l
	s.workers.Go(s.accept)
}

func (s *Server) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			if s.stop.Err() != nil {
				return
			}
			s.log.Warn("accept failed", "error", err)
			select {
			case <-s.stop.Done():
				return
			case <-time.After(100 * time.Millisecond): // out of file descriptors, for one
			}
			continue
		}
		if !s.serve(c, !s.auth.required()) {
			c.Close()
		}
	}
}

// serve starts a connection's goroutine; false means that the server is closing,
// or has as many TCP connections as it takes.
func (s *Server) serve(nc net.Conn, authenticated bool) bool {
	c := newConn(s, nc, s.nextID.Add(1), authenticated)
	weight := 0
	if c.overTCP() {
		weight = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if weight > 0 && s.overTCP >= s.maxConns {
		s.counter.rejected.Add(1)
		return false
	}
	s.conns[c] = struct{}{}
	s.overTCP += weight
	s.counter.connections.Add(1)
	s.workers.Go(func() {
		c.run(s.stop)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, c)
		s.overTCP -= weight
	})
	return true
}

// Addr is where the server listens, nil if it doesn't.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// ListenErr says why the server doesn't listen although it was told to.
func (s *Server) ListenErr() error { return s.listenErr }

// Dial opens an in-process connection, which needs no authentication.
func (s *Server) Dial(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	client, server := newPipe()
	if !s.serve(server, true) {
		return nil, net.ErrClosed
	}
	return client, nil
}

// Close stops listening, lets running commands finish, and closes the store. When
// ctx ends first, running commands are cancelled.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	s.cancel()
	var err error
	if s.listener != nil {
		err = s.listener.Close()
	}
	for _, c := range conns {
		c.stopReading()
	}
	done := make(chan struct{})
	go func() { s.workers.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		for _, c := range conns {
			c.abort()
		}
		<-done
	}
	s.cursors.closeAll()
	return errors.Join(err, s.store.Close())
}
