package embedded

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipeCapacity is what one direction of a pipe holds before its writer waits.
const pipeCapacity = 1 << 20

// newPipe gives the two ends of an in-process connection. Unlike net.Pipe it
// buffers, so a request is handed over without waiting for its reader.
func newPipe() (client, server net.Conn) {
	toServer, toClient := newHalf(), newHalf()
	return &pipeConn{read: toClient, write: toServer}, &pipeConn{read: toServer, write: toClient}
}

// half is one direction of a pipe.
type half struct {
	mu       sync.Mutex
	changed  sync.Cond
	buf      []byte // buf[from:] has not been read
	from     int
	closed   bool
	readBy   time.Time
	writeBy  time.Time
	deadline *time.Timer // wakes those who wait when a deadline passes
}

func newHalf() *half {
	h := &half{}
	h.changed.L = &h.mu
	return h
}

func (h *half) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.from == len(h.buf) {
		if h.closed {
			return 0, io.EOF
		}
		if err := h.wait(&h.readBy); err != nil {
			return 0, err
		}
	}
	n := copy(p, h.buf[h.from:])
	h.from += n
	if h.from == len(h.buf) {
		if cap(h.buf) > pipeCapacity/8 {
			h.buf = nil // one large message must not stay in memory on an idle connection
		}
		h.buf, h.from = h.buf[:0], 0
		h.changed.Broadcast()
	}
	return n, nil
}

func (h *half) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	written := 0
	for len(p) > 0 {
		room := pipeCapacity - len(h.buf)
		if h.closed {
			return written, io.ErrClosedPipe
		}
		if expired(h.writeBy) {
			return written, os.ErrDeadlineExceeded
		}
		if room <= 0 {
			if err := h.wait(&h.writeBy); err != nil {
				return written, err
			}
			continue
		}
		n := min(room, len(p))
		h.buf = append(h.buf, p[:n]...)
		p = p[n:]
		written += n
		h.changed.Broadcast()
	}
	return written, nil
}

// wait waits for a change, or fails when the time that by points to has come. The
// caller holds mu.
func (h *half) wait(by *time.Time) error {
	if expired(*by) {
		return os.ErrDeadlineExceeded
	}
	if !by.IsZero() {
		h.wakeAfter(time.Until(*by))
	}
	h.changed.Wait()
	return nil
}

func expired(by time.Time) bool { return !by.IsZero() && !time.Now().Before(by) }

func (h *half) wakeAfter(d time.Duration) {
	if h.deadline == nil {
		h.deadline = time.AfterFunc(d, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.changed.Broadcast()
		})
		return
	}
	h.deadline.Reset(d)
}

func (h *half) setDeadline(by *time.Time, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*by = t
	h.changed.Broadcast()
}

func (h *half) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.deadline != nil {
		h.deadline.Stop()
	}
	h.changed.Broadcast()
}

// pipeConn is one end of a pipe.
type pipeConn struct {
	read, write *half
}

func (c *pipeConn) Read(p []byte) (int, error)  { return c.read.Read(p) }
func (c *pipeConn) Write(p []byte) (int, error) { return c.write.Write(p) }

func (c *pipeConn) Close() error {
	c.read.close()
	c.write.close()
	return nil
}

func (c *pipeConn) SetDeadline(t time.Time) error {
	c.read.setDeadline(&c.read.readBy, t)
	c.write.setDeadline(&c.write.writeBy, t)
	return nil
}

func (c *pipeConn) SetReadDeadline(t time.Time) error {
	c.read.setDeadline(&c.read.readBy, t)
	return nil
}

func (c *pipeConn) SetWriteDeadline(t time.Time) error {
	c.write.setDeadline(&c.write.writeBy, t)
	return nil
}

func (c *pipeConn) LocalAddr() net.Addr  { return pipeAddr{} }
func (c *pipeConn) RemoteAddr() net.Addr { return pipeAddr{} }

// pipeAddr is the address of both ends of a pipe.
type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "in-process" }
