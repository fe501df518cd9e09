package embedded

import (
	"context"
	"errors"
	"io"
	"net"
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

// conn is one client connection.
type conn struct {
	server *Server
	net    net.Conn
	id     int32

	authenticated bool
	conversation  *conversation
	client        bson.Raw // what the client said of itself in hello

	requests int32
	cancel   context.CancelFunc
}

func newConn(s *Server, nc net.Conn, id int32, authenticated bool) *conn {
	return &conn{server: s, net: nc, id: id, authenticated: authenticated, cancel: func() {}}
}

// stopReading ends the connection after the command that it runs.
func (c *conn) stopReading() { _ = c.net.SetReadDeadline(time.Unix(1, 0)) }

// abort also cancels the command.
func (c *conn) abort() {
	c.net.Close()
	c.cancel()
}

// run serves requests until the client leaves or stop ends.
func (c *conn) run(stop context.Context) {
	defer c.net.Close()
	ctx, cancel := context.WithCancel(context.WithoutCancel(stop))
	defer cancel()
	c.cancel = cancel
	first := &firstByte{r: c.net}
	for stop.Err() == nil {
		// Waits without a buffer.
		if err := first.wait(); err != nil {
			return
		}
		if err := c.exchange(ctx, first); err != nil {
			if !quietEnd(err) {
				c.server.log.Debug("connection ended", "connection", c.id, "error", err)
			}
			return
		}
	}
}

func quietEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// exchange reads one request and answers it.
func (c *conn) exchange(ctx context.Context, r io.Reader) error {
	in, out := buffers.Get().(*[]byte), buffers.Get().(*[]byte)
	defer returnBuffer(in)
	defer returnBuffer(out)
	m, buf, err := wire.Read(r, *in)
	*in = buf
	var bad *wire.DocumentError
	if err != nil && !errors.As(err, &bad) {
		return err
	}
	c.requests++
	reply := wire.ReplyStart((*out)[:0], m.Op, c.requests, m.RequestID)
	if bad != nil {
		code := mongoerr.InvalidBSON
		if bad.TooDeep {
			code = mongoerr.Overflow
		}
		reply = appendError(reply, code.Errorf("%s", bad.Error()))
	} else {
		reply = c.server.run(ctx, c, &m, reply)
	}
	*out = reply
	if m.Flags&wire.MoreToCome != 0 {
		return nil
	}
	_, err = c.net.Write(wire.ReplyEnd(reply, 0))
	return err
}

// firstByte waits for the first byte of a message and gives it back before what
// follows.
type firstByte struct {
	r    io.Reader
	b    [1]byte
	have bool
}

func (f *firstByte) wait() error {
	_, err := io.ReadFull(f.r, f.b[:])
	f.have = err == nil
	return err
}

func (f *firstByte) Read(p []byte) (int, error) {
	if f.have && len(p) > 0 {
		p[0] = f.b[0]
		f.have = false
		return 1, nil
	}
	return f.r.Read(p)
}
