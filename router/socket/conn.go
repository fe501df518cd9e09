package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/service"
	"parlor/service/hub"
)

// Conn is one open socket. One goroutine reads from it. Until Join nobody knows whose it is, and what it is sent is
// written at once; from then on the hub writes to it.
type Conn struct {
	Language  string // of the client: "en" or "zh"
	RequestID string // of the handshake
	IP        string // where the client is

	server  *Server
	ws      *websocket.Conn // for reading
	wire    *wire           // for writing
	hub     *hub.Conn       // nil until Join
	mu      sync.Mutex
	caller  service.Caller // guarded by mu: the writer that Join starts may ask for it before Join is done
	closing atomic.Bool    // a close frame was sent: the client has CloseTimeout
}

// Login is who is behind a connection, and in which words he is told of events.
type Login struct {
	Caller  service.Caller
	Expires time.Time // when the session is over
	Dialect hub.Dialect
	Value   any       // what the way in keeps with the connection: hub.Conn.Value
	First   hub.Event // comes before all other events; a dialect may have no word for it
	// Check asks again whether the session is there: it may have ended between the first look and the moment from which
	// the hub would have closed the connection.
	Check func(context.Context) error
}

// Join makes the connection known to the hub as that of a user and reports whether it could; otherwise it has been
// closed. It is called once, before Serve or by its receive.
func (c *Conn) Join(ctx context.Context, l Login) bool {
	if err := c.connect(l); err != nil {
		if !errors.Is(err, hub.ErrStopping) {
			c.server.o.Log.Error("a socket could not be opened", "request_id", c.RequestID, "error", err)
		}
		(*sink)(c).Close(hub.CloseReason{Code: define.CloseGoingAway, Text: "the server is going away: reconnect"})
		(*sink)(c).Abort()
		return false
	}
	c.server.forget(c)
	c.replaceOldest()
	err := l.Check(ctx)
	if refusal, _ := middleware.Refusal(err); err != nil && refusal.Code == define.CodeUnauthenticated {
		c.hub.Push(hub.Event{Op: define.EventSessionEnded, Data: service.SessionEndedEvent{Reason: define.EndedRevoked}})
		c.hub.Close(hub.CloseReason{Code: define.CloseSessionEnded, Text: "the session has ended"})
	}
	return true
}

func (c *Conn) connect(l Login) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	client := hub.Client{
		User: l.Caller.User, Session: l.Caller.Session, Expires: l.Expires, Dialect: l.Dialect, Sink: (*sink)(c), Value: l.Value, Unlocked: l.Caller.Unlocked,
	}
	conn, err := c.server.o.Hub.Connect(client, l.First)
	if err != nil {
		return err
	}
	c.hub, c.caller = conn, l.Caller
	c.caller.Conn = conn
	return nil
}

// replaceOldest keeps a session at define.SocketsPerLogin sockets of one dialect.
func (c *Conn) replaceOldest() {
	var same []*hub.Conn
	for _, other := range c.server.o.Hub.Conns(c.hub.User()) {
		if other.Session() == c.hub.Session() && other.Dialect() == c.hub.Dialect() {
			same = append(same, other)
		}
	}
	for _, other := range same[:max(0, len(same)-define.SocketsPerLogin)] {
		other.Close(hub.CloseReason{Code: define.CloseReplaced, Text: "too many sockets of this session"})
	}
}

// Caller returns who is behind the connection; the zero Caller before Join.
func (c *Conn) Caller() service.Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.caller
}

// Allow counts a frame of the client. It reports whether he may send it, or after how long he may: a user has one
// allowance for all of his sockets.
func (c *Conn) Allow() (ok bool, after time.Duration) {
	if c.hub == nil {
		return c.server.frames.Allow("address:"+helper.AddressKey(c.IP), time.Now())
	}
	return c.server.frames.Allow(c.hub.User(), time.Now())
}

// Pace counts a frame of the client and waits until he may send it. It is for dialects that have no word for "too fast".
func (c *Conn) Pace() {
	for {
		ok, after := c.Allow()
		if ok {
			return
		}
		select {
		case <-time.After(after):
		case <-c.server.ctx.Done():
			return
		}
	}
}

// Send queues a frame and reports whether the connection took it. Before Join it may be called by receive alone.
func (c *Conn) Send(f hub.Frame) bool {
	if c.hub != nil {
		return c.hub.Send(f)
	}
	s := (*sink)(c)
	return s.Write([]hub.Frame{f}) == nil && s.Flush() == nil
}

// Close ends the connection once what is queued has been written. Before Join it may be called by receive alone.
func (c *Conn) Close(reason hub.CloseReason) {
	if c.hub != nil {
		c.hub.Close(reason)
		return
	}
	(*sink)(c).Close(reason)
}

// Open reports whether the connection is not being closed.
func (c *Conn) Open() bool {
	if c.hub != nil {
		return c.hub.Open()
	}
	return !c.closing.Load()
}

// Serve gives receive one frame of the client after the other, from one goroutine, until the connection ends. It returns
// at once. The client learns that his socket is open when it is served, or of the first frame: so he is known before, where
// Join comes first. kind is websocket.TextMessage or websocket.BinaryMessage; the bytes are at most define.FrameMax and belong to
// receive until it returns. A panic of receive costs that frame and nothing else.
func (c *Conn) Serve(receive func(kind int, frame []byte)) {
	if c.hub == nil {
		c.readUntil(c.server.o.Silence) // in all, to say who he is
	}
	_ = c.wire.flush() // fails where reading will
	c.server.start(c, func() { c.read(receive) })
}

func (c *Conn) read(receive func(kind int, frame []byte)) {
	defer c.gone()
	for {
		c.heard()
		kind, message, err := c.ws.NextReader()
		if err != nil {
			c.leave(err)
			return
		}
		if c.Open() {
			c.deliver(kind, message, receive)
		}
	}
}

func (c *Conn) gone() {
	if c.hub != nil {
		c.hub.Drop()
		return
	}
	c.server.forget(c)
	(*sink)(c).Abort()
}

// frameBuffers hold what is being read.
var frameBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// deliver reads one frame and hands it on.
func (c *Conn) deliver(kind int, message io.Reader, receive func(kind int, frame []byte)) {
	buffer := frameBuffers.Get().(*bytes.Buffer)
	defer func() {
		if p := recover(); p != nil {
			c.server.o.Log.Error("a frame could not be served",
				"error", fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "user", c.Caller().User, "request_id", c.RequestID)
		}
		buffer.Reset()
		frameBuffers.Put(buffer)
	}()
	if _, err := buffer.ReadFrom(io.LimitReader(message, define.FrameMax+1)); err != nil {
		return // the next read meets it again
	}
	if buffer.Len() > define.FrameMax {
		c.Close(hub.CloseReason{Code: websocket.CloseMessageTooBig, Text: "a frame holds at most " + strconv.Itoa(define.FrameMax) + " bytes"})
		return
	}
	receive(kind, buffer.Bytes())
}

func (c *Conn) readUntil(d time.Duration) {
	_ = c.wire.SetReadDeadline(time.Now().Add(d)) // fails where reading will
}

// heard gives the client another while, since it has shown that it is there. A close frame that was sent meanwhile
// goes before. Who has not said who he is gets no more time by talking.
func (c *Conn) heard() {
	if c.hub == nil {
		return
	}
	c.readUntil(c.server.o.Silence)
	if c.closing.Load() {
		c.readUntil(c.server.o.CloseTimeout)
	}
}

func (c *Conn) pong(payload string) error {
	c.heard()
	_, err := c.wire.Write(control(websocket.PongMessage, []byte(payload)))
	return err
}

// leave gives a client that is still there the time to read why its connection ends.
func (c *Conn) leave(err error) {
	if ended := (*websocket.CloseError)(nil); errors.As(err, &ended) {
		return // said by the client, or its connection is gone
	}
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		if !c.Open() {
			return
		}
		c.Close(hub.CloseReason{Code: define.CloseTooSlow, Text: "silent for too long: reconnect and sync"})
	}
	// Otherwise the protocol was broken, and the websocket package has sent a close frame.
	c.readUntil(c.server.o.CloseTimeout)
	_, _ = io.Copy(io.Discard, c.wire.Conn)
}
