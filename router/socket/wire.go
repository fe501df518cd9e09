package socket

import (
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"parlor/service/hub"
)

// gatherMax is how many bytes are gathered before they are sent: some seventy messages of 450 bytes.
const gatherMax = 32 << 10

var gatherBuffers = sync.Pool{New: func() any { return new([gatherMax]byte) }}

// wire is a connection that gathers frames and sends them with few system calls. It has a buffer only while something
// is waiting. Frames are always added whole, so that those of the writer and those of the reader (pongs) never mix.
type wire struct {
	net.Conn
	timeout time.Duration // for one system call to take all that was gathered

	mu      sync.Mutex
	upgrade bool             // the answer to the handshake was added
	buffer  *[gatherMax]byte // from the pool, while there is something in it
	waiting []byte           // what has not been sent; begins in buffer
	closed  bool             // a close frame was added; what comes behind it is dropped (RFC 6455, 5.5.1)
}

// gather adds frames and sends what does not fit the buffer. It returns how many it took: it stops before a Deferred.
func (w *wire) gather(frames []hub.Frame) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, f := range frames {
		var err error
		switch f := f.(type) {
		case Frame:
			err = w.add(f)
		case hub.Ping:
			err = w.add(pingFrame)
		case Deferred:
			return i, nil
		}
		if err != nil {
			return i, err
		}
	}
	return len(frames), nil
}

// flush sends what was gathered. With os.ErrDeadlineExceeded what the client has not taken is still waiting.
func (w *wire) flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.send()
}

// Write sends whole frames at once, behind what was gathered. The websocket package writes its handshake and its
// control frames through it. The answer to the handshake, which is the first, waits for the first frame or for flush: who
// has read it should hear all that happens from then on.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.add(p); err != nil {
		return 0, err
	}
	if !w.upgrade {
		w.upgrade = true
		return len(p), nil
	}
	if err := w.send(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SetWriteDeadline does nothing: the wire has its own.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

func (w *wire) add(p []byte) error {
	if w.closed {
		return nil
	}
	if len(w.waiting)+len(p) > gatherMax {
		if err := w.send(); err != nil {
			return err
		}
	}
	w.closed = len(p) > 0 && p[0] == finalBit|websocket.CloseMessage
	if len(p) > gatherMax {
		w.waiting = p
		return w.send()
	}
	if w.buffer == nil {
		w.buffer = gatherBuffers.Get().(*[gatherMax]byte)
		w.waiting = w.buffer[:0]
	}
	w.waiting = append(w.waiting, p...)
	return nil
}

// send empties the wire.
func (w *wire) send() error {
	if len(w.waiting) == 0 {
		return nil
	}
	_ = w.Conn.SetWriteDeadline(time.Now().Add(w.timeout)) // fails where Write will
	n, err := w.Conn.Write(w.waiting)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.waiting = w.waiting[n:]
		return err
	}
	w.waiting = nil
	if w.buffer != nil {
		gatherBuffers.Put(w.buffer)
		w.buffer = nil
	}
	return err
}

// last sends what is still waiting and then a close frame, after which nothing can be written.
func (w *wire) last(closeFrame []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.waiting = slices.Concat(w.waiting, closeFrame) // copied: what waits may be a frame that others share
		w.closed = true
	}
	return w.send()
}
