package turn

import (
	"net"
	"sync"
	"time"
)

const (
	// connectionsPerRelay is how many connections over TCP there may be for each relay that there may be.
	connectionsPerRelay = 2
	// silence is after how long a connection over TCP is closed from which nothing comes: relays are refreshed more often.
	silence = 10 * time.Minute
)

// listener bounds the connections over TCP and closes them in the end: pion leaves those that it has accepted open.
type listener struct {
	net.Listener
	most int
	open sync.WaitGroup

	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
}

func newListener(inner net.Listener, most int) *listener {
	return &listener{Listener: inner, most: most, conns: map[*conn]struct{}{}}
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := l.add(inner); c != nil {
			return c, nil
		}
		_ = inner.Close() // one too many
	}
}

func (l *listener) add(inner net.Conn) *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.conns) >= l.most {
		return nil
	}
	c := &conn{Conn: inner, listener: l}
	l.conns[c] = struct{}{}
	l.open.Add(1)
	return c
}

func (l *listener) closeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.conns {
		_ = c.Conn.Close() // its reader then closes c
	}
}

// conn is a client over TCP.
type conn struct {
	net.Conn
	listener *listener
	once     sync.Once
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	_ = c.Conn.SetReadDeadline(time.Now().Add(silence)) // fails where Read will
	return c.Conn.Read(p)
}

// Close implements net.Conn.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.listener.mu.Lock()
		defer c.listener.mu.Unlock()
		delete(c.listener.conns, c)
		c.listener.open.Done()
	})
	return err
}
