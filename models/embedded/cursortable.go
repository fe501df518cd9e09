package embedded

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/storage"
)

// cursorTable holds the open cursors of all connections.
type cursorTable struct {
	mu   sync.Mutex
	open map[int64]*cursor
}

func newCursorTable() *cursorTable { return &cursorTable{open: map[int64]*cursor{}} }

// add keeps a cursor and gives it an id.
func (t *cursorTable) add(c *cursor, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.used = now
	for c.id == 0 || t.open[c.id] != nil {
		c.id = rand.Int64()
	}
	t.open[c.id] = c
}

// take lends a cursor to one getMore; release gives it back.
func (t *cursorTable) take(id int64, ns storage.Namespace, r *request) (*cursor, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.open[id]
	switch {
	case c == nil:
		return nil, mongoerr.CursorNotFound.Errorf("cursor id %d not found", id)
	case c.ns != ns:
		return nil, mongoerr.Unauthorized.Errorf("Requested getMore on namespace '%s', but cursor belongs to a different namespace %s", ns, c.ns)
	case c.user != nil:
		return nil, mongoerr.CursorInUse.Errorf("cursor with id %d is already in use", id)
	}
	if err := c.checkSession(r.session); err != nil {
		return nil, err
	}
	c.user = r
	return c, nil
}

// checkSession refuses a cursor to who isn't in its session.
func (c *cursor) checkSession(session string) error {
	switch {
	case c.session == session:
		return nil
	case c.session == "":
		return mongoerr.Code(50736).Errorf("Cannot run getMore on cursor %d, which was not created in a session, in session %s", c.id, sessionText(session))
	case session == "":
		return mongoerr.Code(50737).Errorf("Cannot run getMore on cursor %d, which was created in session %s, without an lsid", c.id, sessionText(c.session))
	}
	return mongoerr.Code(50738).Errorf("Cannot run getMore on cursor %d, which was created in session %s, in session %s", c.id, sessionText(c.session), sessionText(session))
}

// sessionText writes the UUID of a session.
func sessionText(id string) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

func (t *cursorTable) release(c *cursor, now time.Time, done bool) error {
	t.mu.Lock()
	c.user, c.used = nil, now
	// Killed while it was lent: it is no longer in the table.
	if t.open[c.id] != c {
		done = true
	}
	if done && t.open[c.id] == c {
		delete(t.open, c.id)
	}
	t.mu.Unlock()
	if done {
		return c.source.Close()
	}
	return nil
}

// kill removes a cursor and reports whether there was one. A getMore that has it
// is interrupted.
func (t *cursorTable) kill(id int64, ns storage.Namespace) (bool, error) {
	n, err := t.killIf(func(c *cursor) bool { return c.id == id && c.ns == ns })
	return n > 0, err
}

// killIf removes the cursors that which chooses and gives their number.
func (t *cursorTable) killIf(which func(*cursor) bool) (int, error) {
	var idle []*cursor
	var users []*request
	t.mu.Lock()
	for _, c := range t.open {
		if !which(c) {
			continue
		}
		delete(t.open, c.id)
		if c.user != nil {
			users = append(users, c.user) // release closes it
		} else {
			idle = append(idle, c)
		}
	}
	t.mu.Unlock()
	for _, user := range users {
		user.conn.interrupt(mongoerr.CursorKilled.Errorf("operation was interrupted"), func(r *request) bool { return r == user })
	}
	var err error
	for _, c := range idle {
		err = errors.Join(err, c.source.Close())
	}
	return len(idle) + len(users), err
}

// expire removes the cursors that nobody has used for too long. Those of a session
// live as long as the session, as in mongod.
func (t *cursorTable) expire(now time.Time, sessions *sessionLog) error {
	_, err := t.killIf(func(c *cursor) bool {
		switch {
		case c.user != nil:
			return false
		case c.session != "":
			return !sessions.known(c.session)
		}
		return !c.options.keep && now.Sub(c.used) > cursorTimeout
	})
	return err
}

func (t *cursorTable) closeAll() error {
	_, err := t.killIf(func(*cursor) bool { return true })
	return err
}

// counts gives the number of open cursors, those in use, and those without timeout.
func (t *cursorTable) counts() (total, pinned, kept int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.open {
		if c.user != nil {
			pinned++
		}
		if c.options.keep {
			kept++
		}
	}
	return int64(len(t.open)), pinned, kept
}
