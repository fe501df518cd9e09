package router_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// screen is a client that shows one room. It knows only what it was told: pushes, and the answers to what it asked over
// its socket, in the order in which they come.
type screen struct {
	*user
	room string
	conn *websocket.Conn
	done chan struct{} // closed when the connection is gone

	mu      sync.Mutex
	err     error // what broke it
	last    int
	waiting map[string]asked
	name    string
	said    map[int64]message
	hidden  map[int64]bool
	cleared int64
	reads   map[string]int64 // how far everybody has read
	members map[string]member
	notices map[string]announcement
}

// asked is a request under way.
type asked struct {
	op     string
	data   fields
	answer chan frame
}

// newScreen opens a socket and loads the room as it is now.
func (u *user) newScreen(room string) *screen {
	u.t.Helper()
	conn, _, err := u.dial("", http.Header{"Authorization": {"Bearer " + u.token}})
	must(u.t, err)
	s := &screen{
		user: u, room: room, conn: conn, done: make(chan struct{}), waiting: map[string]asked{}, said: map[int64]message{}, hidden: map[int64]bool{},
		reads: map[string]int64{}, members: map[string]member{}, notices: map[string]announcement{},
	}
	var ready frame // from here on nothing is missed
	if must(u.t, conn.ReadJSON(&ready)); ready.Op != "ready" {
		u.t.Fatalf("a socket began with %s", ready.Op)
	}
	s.name = u.room(room).Name
	for _, m := range u.history(room) {
		s.show(m)
	}
	for _, m := range pages[member](u, "/rooms/"+room+"/members", "100") {
		s.members[m.User.Identity] = m
		s.reads[m.User.Identity] = m.ReadSeq
	}
	go s.run()
	u.t.Cleanup(s.close)
	return s
}

func (s *screen) close() {
	_ = s.conn.Close() // it may be gone already
	<-s.done
}

func (s *screen) run() {
	defer close(s.done)
	for {
		var f frame
		if err := s.conn.ReadJSON(&f); err != nil {
			return
		}
		s.mu.Lock()
		if err := s.take(f); err != nil {
			s.err = errors.Join(s.err, fmt.Errorf("%s %s: %w", f.Op, f.Data, err))
		}
		s.mu.Unlock()
	}
}

// take applies a frame to what is shown.
func (s *screen) take(f frame) error {
	if f.ID != "" {
		a := s.waiting[f.ID]
		delete(s.waiting, f.ID)
		a.answer <- f
		if f.Op == "error" {
			if f.Error.Code == "internal" || f.Error.Code == "unavailable" {
				return fmt.Errorf("%s: %+v", a.op, f.Error)
			}
			return nil
		}
		switch a.op {
		case "message.delete":
			s.hidden[a.data["message"].(int64)] = true
			return nil
		case "message.send", "message.edit", "message.recall", "message.react":
			return take(f.Data, s.show)
		}
		return nil
	}
	switch f.Op {
	case "message.new", "message.edited", "message.recalled", "message.reacted":
		return take(f.Data, s.show)
	case "message.deleted":
		return take(f.Data, func(d deletedMessage) { s.hidden[d.Message] = true })
	case "room.me":
		return take(f.Data, func(c meChange) { s.cleared = max(s.cleared, c.Me.ClearedSeq); s.read(s.identity, c.Me.ReadSeq) })
	case "room.read":
		return take(f.Data, func(r struct {
			Room, User string
			Seq        int64
		}) {
			s.read(r.User, r.Seq)
		})
	case "room.updated":
		return take(f.Data, func(r roomView) { s.name = r.Name })
	case "member.joined", "member.updated":
		return take(f.Data, func(c membersChange) {
			for _, m := range c.Members {
				s.members[m.User.Identity] = m
				s.read(m.User.Identity, m.ReadSeq)
			}
		})
	case "member.left":
		return take(f.Data, func(c membersChange) {
			for _, m := range c.Members {
				delete(s.members, m.User.Identity)
				delete(s.reads, m.User.Identity)
			}
		})
	case "announcement.new":
		return take(f.Data, func(a announcement) { s.notices[a.Identity] = a })
	}
	return nil
}

func take[T any](text []byte, apply func(T)) error {
	var v T
	err := json.Unmarshal(text, &v)
	if err == nil {
		apply(v)
	}
	return err
}

// show takes a message as it is now, unless a newer state of it is shown already. Saying something is reading up to it.
func (s *screen) show(m message) {
	if m.RoomIdentity != s.room {
		return
	}
	known, ok := s.said[m.Identity]
	if ok && (known.RecalledAt > 0 || m.RecalledAt == 0 && known.UpdatedAt > m.UpdatedAt) {
		return
	}
	s.said[m.Identity] = m
	if _, isMember := s.members[m.Sender.Identity]; isMember && !ok {
		s.read(m.Sender.Identity, m.Seq)
	}
}

func (s *screen) read(user string, seq int64) { s.reads[user] = max(s.reads[user], seq) }

// call asks over the socket and waits for the answer.
func (s *screen) call(op string, data fields) (frame, error) {
	answer := make(chan frame, 1)
	s.mu.Lock()
	s.last++
	id := strconv.Itoa(s.last)
	s.waiting[id] = asked{op, data, answer}
	err := s.conn.WriteJSON(fields{"id": id, "op": op, "data": data})
	s.mu.Unlock()
	if err != nil {
		return frame{}, err
	}
	select {
	case f := <-answer:
		return f, nil
	case <-s.done:
		return frame{}, errors.New("the socket is gone")
	case <-time.After(patience):
		return frame{}, fmt.Errorf("no answer to %s", op)
	}
}

// rest asks over REST. What a race with others refuses is as good as done; a fault is not.
func (s *screen) rest(method, path string, body any) {
	a := s.ask(method, path, s.token, body)
	if a.err != nil || a.status >= 500 {
		s.mu.Lock()
		s.err = errors.Join(s.err, fmt.Errorf("%s: %d %s: %w", a.call, a.status, a.body, a.err))
		s.mu.Unlock()
	}
}

// shown returns what stands on the screen, oldest first: without what the user has deleted or cleared, nor quotes of that,
// and with quotes as what they quote is now.
func (s *screen) shown() (all []message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.said {
		if s.hidden[m.Identity] || m.Seq <= s.cleared {
			continue
		}
		switch {
		case m.Reply == nil:
		case s.hidden[m.ReplyTo] || m.Reply.Seq <= s.cleared:
			m.Reply = nil
		default:
			now, original := *m.Reply, s.said[m.ReplyTo]
			now.Data, now.RecalledAt = original.Data, original.RecalledAt
			m.Reply = &now
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b message) int { return int(a.Seq - b.Seq) })
	return all
}

// counts returns what the screen counts as unread, and as mentioning its user.
func (s *screen) counts() (unread, mentioned int64) {
	seen := s.reads[s.identity]
	for _, m := range s.shown() {
		if m.Seq <= seen || m.RecalledAt > 0 {
			continue
		}
		unread++
		if m.Sender.Identity != s.identity && (slices.Contains(m.Mentions, s.identity) || slices.Contains(m.Mentions, "all")) {
			mentioned++
		}
	}
	return unread, mentioned
}

// settled waits until the screen has been told of all that was published before.
func (s *screen) settled(t *testing.T) {
	t.Helper()
	_, err := s.call("ping", fields{})
	s.mu.Lock()
	defer s.mu.Unlock()
	if err = errors.Join(err, s.err); err != nil {
		t.Fatalf("the screen of %s: %v", s.account, err)
	}
}
