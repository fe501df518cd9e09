package embedded

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/wire"
)

// keptBuffer is the largest buffer that goes back to the pool.
const keptBuffer = 1 << 20

// buffers are lent to connections for the time of one request, so that an idle
// connection holds none.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

func returnBuffer(b *[]byte) {
	if cap(*b) <= keptBuffer {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}

// maxStrangerMessage bounds what a client sends before it has authenticated, so
// that strangers can't take the memory of large messages.
const maxStrangerMessage = 1 << 20

// conn is one client connection.
type conn struct {
	server *Server
	net    net.Conn
	id     int32

	authenticated bool
	conversation  *conversation

	requests int32

	// mu guards what other connections look at: currentOp and killOp.
	mu      sync.Mutex
	client  bson.Raw // what the client said of itself in hello
	running *request
	ctx     context.Context // of the commands, until one is killed
	cancel  context.CancelCauseFunc
	aborted bool
}

func newConn(s *Server, nc net.Conn, id int32, authenticated bool) *conn {
	c := &conn{server: s, net: nc, id: id, authenticated: authenticated}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	return c
}

// stopReading ends the connection after the command that it runs.
func (c *conn) stopReading() { _ = c.net.SetReadDeadline(time.Unix(1, 0)) }

// abort also cancels the command.
func (c *conn) abort() {
	c.net.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.aborted = true
	c.cancel(mongoerr.InterruptedAtShutdown.Errorf("interrupted at shutdown"))
}

// run serves requests until the client leaves or stop ends.
func (c *conn) run(stop context.Context) {
	defer c.net.Close()
	defer func() { c.cancel(nil) }()
	first := newFirstByte(c.net, func() {
		gone := mongoerr.ClientDisconnect.Errorf("operation was interrupted because a client disconnected")
		c.interrupt(gone, func(*request) bool { return true })
	})
	for stop.Err() == nil {
		// Waits without a buffer.
		err := first.wait()
		if err == nil {
			err = c.exchange(first)
		}
		if err != nil {
			if !quietEnd(err) {
				c.server.log.Debug("connection ended", "connection", c.id, "error", err)
			}
			break
		}
	}
	// A read that is still under way ends with the connection.
	c.net.Close()
	first.finish()
}

func quietEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// exchange reads one request and answers it.
func (c *conn) exchange(first *firstByte) error {
	in, out := buffers.Get().(*[]byte), buffers.Get().(*[]byte)
	defer returnBuffer(in)
	defer returnBuffer(out)
	limit := wire.MaxMessageSize
	if !c.authenticated {
		limit = maxStrangerMessage
	}
	m, buf, err := wire.Read(first, *in, limit)
	*in = buf
	refused := refusal(err)
	if err != nil && refused == nil {
		return err
	}
	c.server.counter.bytesIn.Add(int64(len(buf)))
	c.requests++
	reply := wire.ReplyStart((*out)[:0], m.Op, c.requests, m.RequestID)
	if refused != nil {
		reply = appendError(reply, refused)
	} else {
		reply = c.server.run(c, &m, first, reply)
	}
	*out = reply
	if m.Flags&wire.MoreToCome != 0 {
		return nil
	}
	reply = wire.ReplyEnd(reply, 0)
	if m.Compressor != wire.NoCompressor {
		reply = wire.Compress(nil, reply, m.Compressor)
	}
	c.server.counter.bytesOut.Add(int64(len(reply)))
	_, err = c.net.Write(reply)
	return err
}

// refusal gives the answer to a message that is complete but wrong; nil means
// that the stream can't be trusted any more.
func refusal(err error) *mongoerr.Error {
	var bad *wire.DocumentError
	var contradiction *wire.ProtocolError
	switch {
	case errors.As(err, &contradiction):
		return mongoerr.Code(contradiction.Code).Errorf("%s", contradiction.Reason)
	case !errors.As(err, &bad):
		return nil
	case bad.TooDeep:
		return mongoerr.Overflow.Errorf("%s", bad.Error())
	}
	return mongoerr.InvalidBSON.Errorf("%s", bad.Error())
}

// begin makes r the command that runs and gives its context.
func (c *conn) begin(r *request) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil && !c.aborted {
		// The command before was killed; that doesn't end the connection.
		c.ctx, c.cancel = context.WithCancelCause(context.Background())
	}
	c.running = r
	return c.ctx
}

func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = nil
}

// busy gives the kind of the command that runs, and whether one does.
func (c *conn) busy() (opKind, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		return opCommand, false
	}
	return c.server.commands[c.running.name].kind, true
}

// name is what logs and currentOp call the connection.
func (c *conn) name() string { return "conn" + strconv.Itoa(int(c.id)) }

func (c *conn) setClient(metadata bson.Raw) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.client = bytes.Clone(metadata)
}

// interrupt cancels the command that runs if which chooses it, and reports whether
// it did.
func (c *conn) interrupt(cause error, which func(*request) bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil || !which(c.running) {
		return false
	}
	c.cancel(cause)
	return true
}

// watchAfter is how long a reading command runs before its connection is watched.
const watchAfter = 50 * time.Millisecond

// firstByte waits for the first byte of a message and gives it back before what
// follows. It can do so while a command runs, to notice that the client has left.
type firstByte struct {
	r    io.Reader
	b    [1]byte
	have bool

	timer   *time.Timer
	left    func() // called when the stream ends while it is watched
	result  chan error
	pending bool // result will come
}

func newFirstByte(r io.Reader, left func()) *firstByte {
	return &firstByte{r: r, left: left, result: make(chan error, 1)}
}

func (f *firstByte) wait() error {
	var err error
	if f.pending {
		f.pending = false
		err = <-f.result
	} else {
		_, err = io.ReadFull(f.r, f.b[:])
	}
	f.have = err == nil
	return err
}

// watch reports the end of the stream to left from a while later until unwatch.
func (f *firstByte) watch() {
	if f.timer == nil {
		f.timer = time.AfterFunc(watchAfter, f.read)
		return
	}
	f.timer.Reset(watchAfter)
}

func (f *firstByte) unwatch() {
	if !f.timer.Stop() {
		f.pending = true
	}
}

func (f *firstByte) read() {
	_, err := io.ReadFull(f.r, f.b[:])
	// A deadline is set only by the server itself, when it closes.
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		f.left()
	}
	f.result <- err
}

// finish waits for a read that watch began.
func (f *firstByte) finish() {
	if f.pending {
		<-f.result
	}
}

func (f *firstByte) Read(p []byte) (int, error) {
	if f.have && len(p) > 0 {
		p[0] = f.b[0]
		f.have = false
		return 1, nil
	}
	return f.r.Read(p)
}
