// Package hub knows who is connected and carries every event to the connections that must hear of it.
//
// An event is encoded once for each dialect that is listening. The same frame then goes into the bounded queue of
// each connection. A connection that has nothing to say costs no goroutine and no buffer: a writer is started when
// its queue fills and ends when the queue is empty.
package hub

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrStopping is the answer of Connect once Stop has been called.
var ErrStopping = errors.New("hub: stopping")

// Options are the limits of a hub.
type Options struct {
	QueueFrames int               // frames that wait for one connection before it is closed as too slow
	QueueBytes  int               // bytes likewise
	PingEvery   time.Duration     // how often each connection is pinged; 0 is never
	Ended       func(c *Conn)     // a connection outlived its session: end it; called without locks
	Presence    func(user string) // a user's first connection came or his last one went; must not block
	Came        func(c *Conn)     // a connection was added: it hears what is published from now on; must not block
	Gone        func(c *Conn)     // a connection hears no more; must not block
	Slow        CloseReason       // what a connection is told that cannot keep up
	Log         *slog.Logger
}

// CloseReason is a close code with its text.
type CloseReason struct {
	Code int
	Text string
}

const shards = 64

// Hub holds the connections of this process. Its methods may be called from any goroutine.
type Hub struct {
	o      Options
	seed   maphash.Seed
	shards [shards]shard
	count  atomic.Int64
	nextID atomic.Uint64

	gate     sync.RWMutex // guards stopping against connections that are just being added
	stopping bool
	live     sync.WaitGroup // one for each connection until its Drop
	quit     chan struct{}
	pinger   sync.WaitGroup
}

type shard struct {
	mu    sync.RWMutex
	users map[string][]*Conn
}

// New starts a hub. Stop ends it.
func New(o Options) *Hub {
	h := &Hub{o: o, seed: maphash.MakeSeed(), quit: make(chan struct{})}
	for i := range h.shards {
		h.shards[i].users = map[string][]*Conn{}
	}
	if o.PingEvery > 0 {
		h.pinger.Go(h.keepAlive)
	}
	return h
}

func (h *Hub) shard(user string) *shard {
	return &h.shards[maphash.String(h.seed, user)%shards]
}

// Connect adds a connection and queues its first event, so that nothing can come before it. It is written only once the
// connection is known: whoever has read it misses nothing. The caller must call Drop when the socket is gone.
func (h *Hub) Connect(c Client, first Event) (*Conn, error) {
	frame, err := c.Dialect.Encode(first)
	if err != nil {
		return nil, err
	}
	h.gate.RLock()
	defer h.gate.RUnlock()
	if h.stopping {
		return nil, ErrStopping
	}
	h.live.Add(1)
	conn := &Conn{hub: h, client: c, id: h.nextID.Add(1), unlocked: maps.Clone(c.Unlocked)}
	conn.expires.Store(c.Expires.UnixMilli())
	wake := false
	if frame != nil {
		_, wake = conn.enqueue(frame)
	}

	s := h.shard(c.User)
	s.mu.Lock()
	// Copied, so that who is walking the old slice is not disturbed.
	conns := slices.Concat(s.users[c.User], []*Conn{conn})
	s.users[c.User] = conns
	s.mu.Unlock()
	h.count.Add(1)
	if wake {
		go conn.write()
	}
	if len(conns) == 1 && h.o.Presence != nil {
		h.o.Presence(c.User)
	}
	if h.o.Came != nil {
		h.o.Came(conn)
	}
	return conn, nil
}

// forget takes a connection out, so that nothing more is published to it.
func (h *Hub) forget(c *Conn) {
	user := c.client.User
	s := h.shard(user)
	s.mu.Lock()
	at := slices.Index(s.users[user], c)
	if at < 0 {
		s.mu.Unlock()
		return
	}
	left := len(s.users[user]) - 1
	if left == 0 {
		delete(s.users, user)
	} else {
		// Copied, as in Connect.
		s.users[user] = slices.Concat(s.users[user][:at], s.users[user][at+1:])
	}
	s.mu.Unlock()
	h.count.Add(-1)
	if left == 0 && h.o.Presence != nil {
		h.o.Presence(user)
	}
	if h.o.Gone != nil {
		h.o.Gone(c)
	}
}

// Conns returns the connections of a user, oldest first. The slice must not be changed.
func (h *Hub) Conns(user string) []*Conn {
	s := h.shard(user)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.users[user]
}

// Online reports whether a user has a connection.
func (h *Hub) Online(user string) bool { return len(h.Conns(user)) > 0 }

// Len returns how many connections are open.
func (h *Hub) Len() int { return int(h.count.Load()) }

// Delivery is one event and the users who must hear of it.
type Delivery struct {
	Event  Event
	Users  []string
	Skip   string           // a user who must not hear of it; may be empty
	Except *Conn            // the connection that caused the event and has its answer already; may be nil
	Only   func(*Conn) bool // which connections of the users must hear of it; nil is all
}

// wakeups holds connections whose writer must be started; pooled, since every publication needs one.
var wakeups = sync.Pool{New: func() any { return new([]*Conn) }}

// Publish puts each event into the queues of its users' connections, in the order given. It never waits for a
// socket. Writers are started only after everything is queued, so that a batch leaves in few system calls.
func (h *Hub) Publish(deliveries ...Delivery) {
	woken := wakeups.Get().(*[]*Conn)
	for i := range deliveries {
		h.deliver(&deliveries[i], woken)
	}
	for _, c := range *woken {
		go c.write()
	}
	clear(*woken)
	*woken = (*woken)[:0]
	wakeups.Put(woken)
}

func (h *Hub) deliver(d *Delivery, woken *[]*Conn) {
	var encoded encodings
	for _, user := range d.Users {
		if user == d.Skip {
			continue
		}
		for _, c := range h.Conns(user) {
			if c == d.Except || d.Only != nil && !d.Only(c) {
				continue
			}
			frame := encoded.of(c.client.Dialect, d.Event, h.o.Log)
			if frame == nil {
				continue
			}
			if _, wake := c.enqueue(frame); wake {
				*woken = append(*woken, c)
			}
		}
	}
}

// End tells the connections of one session why it is over and closes them.
func (h *Hub) End(user, session string, why Event, reason CloseReason) {
	for _, c := range h.Conns(user) {
		if c.client.Session == session {
			c.Push(why)
			c.Close(reason)
		}
	}
}

// Renew moves the moment at which the connections of a session expire.
func (h *Hub) Renew(user, session string, expires time.Time) {
	for _, c := range h.Conns(user) {
		if c.client.Session == session {
			c.expires.Store(expires.UnixMilli())
		}
	}
}

// Stopping reports whether Stop has been called.
func (h *Hub) Stopping() bool {
	h.gate.RLock()
	defer h.gate.RUnlock()
	return h.stopping
}

// Stop refuses new connections, closes the open ones once what they have queued is written, and waits until all are
// gone. When ctx ends first, those that are left are cut off.
func (h *Hub) Stop(ctx context.Context, reason CloseReason) error {
	h.gate.Lock()
	first := !h.stopping
	h.stopping = true
	h.gate.Unlock()
	if first {
		close(h.quit)
	}
	h.pinger.Wait()
	var open []*Conn
	h.each(func(c *Conn) {
		open = append(open, c)
		c.Close(reason)
	})
	gone := make(chan struct{})
	go func() {
		h.live.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		for _, c := range open {
			c.client.Sink.Abort()
		}
		return ctx.Err()
	}
}

func (h *Hub) each(f func(*Conn)) {
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.RLock()
		all := make([]*Conn, 0, len(s.users))
		for _, conns := range s.users {
			all = append(all, conns...)
		}
		s.mu.RUnlock()
		for _, c := range all {
			f(c)
		}
	}
}

// keepAlive pings every connection once in PingEvery, a part of them at each tick, and ends those whose session has expired.
func (h *Hub) keepAlive() {
	const parts = 30
	ticker := time.NewTicker(h.o.PingEvery / parts)
	defer ticker.Stop()
	for tick := uint64(0); ; tick++ {
		select {
		case <-h.quit:
			return
		case now := <-ticker.C:
			h.each(func(c *Conn) {
				if h.o.Ended != nil && now.UnixMilli() >= c.expires.Load() {
					h.o.Ended(c)
				} else if c.id%parts == tick%parts {
					c.Send(Ping{})
				}
			})
		}
	}
}
