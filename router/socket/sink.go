package socket

import (
	"context"
	"fmt"
	"runtime/debug"

	"parlor/middleware"
	"parlor/service"
	"parlor/service/hub"
)

// sink is a Conn as the hub writes to it.
type sink Conn

// Write implements hub.Sink.
func (s *sink) Write(frames []hub.Frame) error {
	for {
		n, err := s.wire.gather(frames)
		if err != nil || n == len(frames) {
			return err
		}
		if err := s.Write(s.fill(frames[n].(Deferred))); err != nil {
			return err
		}
		frames = frames[n+1:]
	}
}

// fill returns what a deferred frame is for the user behind the connection; nothing where that cannot be said.
func (s *sink) fill(d Deferred) []hub.Frame {
	c := (*Conn)(s)
	viewer := c.Caller()
	if viewer.Conn == nil || !viewer.Conn.Open() {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.server.ctx, c.server.o.WriteTimeout)
	defer cancel()
	frames, err := guarded(ctx, d, viewer)
	if _, expected := middleware.Refusal(err); err != nil && !expected {
		c.server.o.Log.Error("a frame could not be filled in", "error", err, "user", viewer.User, "request_id", c.RequestID)
	}
	return frames
}

// guarded calls d. A panic costs the frame, not the process.
func guarded(ctx context.Context, d Deferred, viewer service.Caller) (frames []hub.Frame, err error) {
	defer func() {
		if p := recover(); p != nil {
			frames, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return d(ctx, viewer)
}

// Flush implements hub.Sink.
func (s *sink) Flush() error { return s.wire.flush() }

// Close implements hub.Sink: it sends a close frame. The connection is closed once the client has answered, since
// closing it earlier could reset it before the client has read why.
func (s *sink) Close(reason hub.CloseReason) {
	if s.wire.last(closeFrame(reason)) != nil {
		s.Abort()
		return
	}
	s.closing.Store(true)
	(*Conn)(s).readUntil(s.server.o.CloseTimeout)
}

// Abort implements hub.Sink.
func (s *sink) Abort() { _ = s.wire.Close() }
