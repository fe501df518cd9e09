package hub

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Sink is the socket behind a connection. Write, Flush and Close are called from one goroutine at a time; Abort may
// come at any time. Where Write or Flush fails with os.ErrDeadlineExceeded, since the client does not read, Close is
// still called once: the Sink must then be able to go on where it stopped.
type Sink interface {
	Write(frames []Frame) error // may buffer
	Flush() error
	Close(reason CloseReason) // says goodbye and closes; the socket's reader then ends
	Abort()                   // closes without a word
}

// Client is who is behind a connection.
type Client struct {
	User    string
	Session string
	Expires time.Time // when the session is over
	Dialect Dialect
	Sink    Sink
	Value   any // what the way in keeps with the connection
	// Unlocked says until when (Unix milliseconds) the session may read what its user has locked. The hub keeps its own copy.
	Unlocked map[string]int64
}

// Conn is one connection with its queue.
type Conn struct {
	hub     *Hub
	client  Client
	id      uint64
	expires atomic.Int64 // Unix milliseconds

	mu      sync.Mutex
	queue   []Frame
	first   [2]Frame // where the queue of an idle connection begins, without an allocation
	bytes   int
	writing bool          // a writer is running
	closing *CloseReason  // set once: the writer says this and ends
	idle    chan struct{} // made by Drop when it must wait for the writer

	unlocked map[string]int64 // as in Client
}

// User returns the identity of the user behind the connection.
func (c *Conn) User() string { return c.client.User }

// Session returns the identity of the session that opened the connection.
func (c *Conn) Session() string { return c.client.Session }

// Dialect returns the words in which the connection is told of events.
func (c *Conn) Dialect() Dialect { return c.client.Dialect }

// Value returns what the way in keeps with the connection.
func (c *Conn) Value() any { return c.client.Value }

// Unlock lets the connection have what its user has locked under key, until a moment in Unix milliseconds.
func (c *Conn) Unlock(key string, until int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unlocked == nil {
		c.unlocked = map[string]int64{}
	}
	c.unlocked[key] = until
}

// Unlocked reports whether the connection may have what its user has locked under key, at a moment in Unix milliseconds.
func (c *Conn) Unlocked(key string, at int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unlocked[key] > at
}

// Open reports whether the connection is not being closed.
func (c *Conn) Open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing == nil
}

// Send queues a frame and reports whether the connection took it.
func (c *Conn) Send(f Frame) bool {
	queued, wake := c.enqueue(f)
	if wake {
		go c.write()
	}
	return queued
}

// Push encodes one event for this connection alone and queues it.
func (c *Conn) Push(e Event) {
	if frame := encode(c.client.Dialect, e, c.hub.o.Log); frame != nil {
		c.Send(frame)
	}
}

// enqueue reports whether the frame was taken and whether the caller must start the writer.
func (c *Conn) enqueue(f Frame) (queued, wake bool) {
	queued, wake, overflow := c.offer(f)
	if overflow {
		c.hub.forget(c)
	}
	return queued, wake
}

func (c *Conn) offer(f Frame) (queued, wake, overflow bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil {
		return false, false, false
	}
	// The frame itself is not counted: one that is larger than the whole queue, such as a long sync, must get through.
	if len(c.queue) >= c.hub.o.QueueFrames || c.bytes >= c.hub.o.QueueBytes {
		// What waits is dropped: the client will sync. What the writer has in hand still goes out, then the close.
		c.closing = &c.hub.o.Slow
		c.queue, c.bytes = nil, 0
		return false, c.wake(), true
	}
	if c.queue == nil && !c.writing { // a running writer may still hold first
		c.queue = c.first[:0]
	}
	c.queue = append(c.queue, f)
	c.bytes += f.Size()
	return true, c.wake(), false
}

func (c *Conn) wake() bool {
	if c.writing {
		return false
	}
	c.writing = true
	return true
}

// Close ends the connection once what is queued has been written. Only the first call counts.
func (c *Conn) Close(reason CloseReason) {
	c.hub.forget(c)
	c.mu.Lock()
	start := false
	if c.closing == nil {
		c.closing = &reason
		start = c.wake()
	}
	c.mu.Unlock()
	if start {
		go c.write()
	}
}

// Drop tells the hub that the socket is gone. It returns when nothing uses the Sink any more.
func (c *Conn) Drop() {
	c.hub.forget(c)
	c.mu.Lock()
	if c.closing == nil {
		c.closing = &CloseReason{}
	}
	c.queue, c.bytes = nil, 0
	var idle chan struct{}
	if c.writing {
		idle = make(chan struct{})
		c.idle = idle
	}
	c.mu.Unlock()
	c.client.Sink.Abort()
	if idle != nil {
		<-idle
	}
	c.hub.live.Done()
}

// write drains the queue, flushes when it is empty, and ends.
func (c *Conn) write() {
	var batch []Frame
	for {
		next, reason, done := c.take(batch)
		if done {
			c.end(reason)
			return
		}
		batch = next
		var err error
		if len(batch) == 0 {
			err = c.client.Sink.Flush()
		} else {
			err = c.client.Sink.Write(batch)
			clear(batch)
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
}

// take swaps the queue for an empty one. An empty batch asks for a flush; done means that the writer must end, saying
// reason if there is one. batch is what take returned the last time.
func (c *Conn) take(batch []Frame) (next []Frame, reason *CloseReason, done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) > 0 {
		next, c.queue, c.bytes = c.queue, batch[:0], 0
		return next, nil, false
	}
	if len(batch) > 0 {
		return nil, nil, false
	}
	if c.closing != nil {
		return nil, c.closing, true
	}
	c.queue = nil
	c.writing = false
	return nil, nil, true
}

// end is the last thing that a writer does with a connection that is being closed; reason is nil where it only rests.
func (c *Conn) end(reason *CloseReason) {
	if reason == nil {
		return
	}
	if reason.Code != 0 {
		c.client.Sink.Close(*reason)
	}
	c.rest()
}

// fail ends the writer of a socket that takes no more: one that does not read is told so, should it read again.
func (c *Conn) fail(err error) {
	var reason CloseReason
	if errors.Is(err, os.ErrDeadlineExceeded) {
		reason = c.hub.o.Slow
	}
	c.hub.forget(c)
	c.mu.Lock()
	if c.closing == nil {
		c.closing = &reason
	}
	reason = *c.closing
	c.mu.Unlock()
	if errors.Is(err, os.ErrDeadlineExceeded) && reason.Code != 0 {
		c.client.Sink.Close(reason)
	} else {
		c.client.Sink.Abort()
	}
	c.rest()
}

// rest marks the writer as gone for good: closing is set, so none is started again.
func (c *Conn) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue, c.bytes = nil, 0
	if c.idle != nil {
		close(c.idle)
	}
	c.writing = false
}
