package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// speaker is a client of /ws that sends messages, several at once. What is pushed to it is not looked at.
type speaker struct {
	conn *websocket.Conn
	gone chan struct{} // closed when the connection is
	err  error         // why; read after gone

	mu      sync.Mutex // guards waiting, and writing
	waiting map[string]chan acknowledgement
}

// acknowledgement is the answer to a send.
type acknowledgement struct {
	ID    string         `json:"id"`
	Op    string         `json:"op"`
	Data  stored         `json:"data"`
	Error map[string]any `json:"error"`
}

// stored is a message as it is read back.
type stored struct {
	Seq      int64  `json:"seq"`
	Data     string `json:"data"`
	ClientID string `json:"client_id"`
}

// connect opens a socket; the token is in the header where the query is empty.
func connect(p *process, a account, query string) *speaker {
	p.t.Helper()
	header := http.Header{}
	if query == "" {
		header.Set("Authorization", "Bearer "+a.Token)
	}
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+p.address+"/ws"+query, header)
	if err != nil {
		p.t.Fatal(err)
	}
	s := &speaker{conn: conn, gone: make(chan struct{}), waiting: map[string]chan acknowledgement{}}
	go s.read()
	p.t.Cleanup(func() {
		_ = s.conn.Close() // it may be gone already
		<-s.gone
	})
	return s
}

func (s *speaker) read() {
	defer close(s.gone)
	for {
		var a acknowledgement
		if s.err = s.conn.ReadJSON(&a); s.err != nil {
			return
		}
		s.mu.Lock()
		if waiting := s.waiting[a.ID]; waiting != nil {
			waiting <- a
		}
		s.mu.Unlock()
	}
}

// errGone says that the connection ended before the answer.
var errGone = errors.New("the connection is gone")

// send says something and waits for its acknowledgement. The id of the send is the id of the request, too.
func (s *speaker) send(room, data, id string) (stored, error) {
	answered := make(chan acknowledgement, 1)
	s.mu.Lock()
	s.waiting[id] = answered
	err := s.conn.WriteJSON(fields{"id": id, "op": "message.send", "data": fields{"room": room, "data": data, "client_id": id}})
	s.mu.Unlock()
	if err != nil {
		return stored{}, errGone
	}
	select {
	case a := <-answered:
		return a.accepted()
	case <-s.gone:
		select {
		case a := <-answered: // it came before the end
			return a.accepted()
		default:
			return stored{}, errGone
		}
	case <-time.After(patience):
		return stored{}, errors.New("no answer")
	}
}

func (a acknowledgement) accepted() (stored, error) {
	if a.Op != "ok" {
		return stored{}, fmt.Errorf("refused: %v", a.Error)
	}
	return a.Data, nil
}

// crowd is users in one group, each with sockets.
type crowd struct {
	t        testing.TB
	accounts []account
	room     string
}

const (
	crowdUsers   = 4
	socketsEach  = 4
	sendersEach  = 8 // at once on each socket
	crowdSends   = 5000
	enoughToStop = crowdSends / 4 // acknowledged before the server is stopped
)

func gather(p *process) *crowd {
	p.t.Helper()
	c := &crowd{t: p.t}
	members := []string{}
	for i := range crowdUsers {
		c.accounts = append(c.accounts, p.register(fmt.Sprint("user-", i)))
		if i > 0 {
			p.befriend(c.accounts[0], c.accounts[i])
			members = append(members, c.accounts[i].User.Identity)
		}
	}
	c.room = call[identified](p, "POST", "/rooms", c.accounts[0].Token, fields{"name": "crowd", "members": members}).Identity
	return c
}

// talk sends crowdSends messages, except for those that were acknowledged before, and calls stop once when enough of
// them are. It returns what was acknowledged, by the id of the send, and the sockets. Who sends what is always the same.
func (c *crowd) talk(p *process, before map[string]stored, stop func()) (acknowledged map[string]stored, sockets []*speaker) {
	c.t.Helper()
	for i := range crowdUsers * socketsEach {
		sockets = append(sockets, connect(p, c.accounts[i%crowdUsers], ""))
	}
	var (
		next     [crowdUsers]atomic.Int64 // of each user
		stopOnce sync.Once
		done     sync.WaitGroup
		mu       sync.Mutex
	)
	acknowledged = maps.Clone(before)
	for i, s := range sockets {
		user := i % crowdUsers
		for range sendersEach {
			done.Go(func() {
				for n := next[user].Add(1); n <= crowdSends/crowdUsers; n = next[user].Add(1) {
					id := fmt.Sprint(user, "-", n)
					if _, acknowledged := before[id]; acknowledged {
						continue
					}
					m, err := s.send(c.room, "text of "+id, id)
					if err != nil {
						return // the server is gone
					}
					mu.Lock()
					acknowledged[id] = m
					enough := len(acknowledged) >= enoughToStop
					mu.Unlock()
					if enough {
						stopOnce.Do(stop)
					}
				}
			})
		}
	}
	done.Wait()
	return acknowledged, sockets
}

// history reads the whole room and fails the test unless its numbers run without a gap and no send is there twice.
func (c *crowd) history(p *process) map[string]stored {
	c.t.Helper()
	byText := map[string]stored{}
	for last := int64(0); ; {
		page := call[struct {
			Items []stored `json:"items"`
		}](p, "GET", fmt.Sprintf("/rooms/%s/messages?limit=100&after_seq=%d", c.room, last), c.accounts[0].Token, nil)
		if len(page.Items) == 0 {
			return byText
		}
		for _, m := range page.Items {
			if m.Seq != last+1 {
				c.t.Fatalf("after seq %d comes %d", last, m.Seq)
			}
			if first, twice := byText[m.Data]; twice {
				c.t.Fatalf("%q is there twice: at %d and %d", m.Data, first.Seq, m.Seq)
			}
			last = m.Seq
			byText[m.Data] = m
		}
	}
}

// findable fails the test unless a search finds every message of the room, once.
func (c *crowd) findable(p *process, history map[string]stored) {
	c.t.Helper()
	found := map[string]bool{}
	for cursor := ""; ; {
		page := call[struct {
			Items []stored `json:"items"`
			Next  string   `json:"next"`
		}](p, "GET", "/search/messages?q=text+of&limit=100"+cursor, c.accounts[0].Token, nil)
		for _, m := range page.Items {
			if found[m.Data] {
				c.t.Fatalf("%q is found twice", m.Data)
			}
			found[m.Data] = true
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if len(found) != len(history) {
		c.t.Errorf("%d messages are found, %d are there", len(found), len(history))
	}
}

// check fails the test unless every acknowledged message is in the room, at the place that was acknowledged.
func (c *crowd) check(p *process, acknowledged map[string]stored) {
	c.t.Helper()
	history := c.history(p)
	for id, m := range acknowledged {
		if kept := history["text of "+id]; kept.Seq != m.Seq {
			c.t.Errorf("%s was acknowledged as %d and is at %d", id, m.Seq, kept.Seq)
		}
	}
	c.t.Logf("%d messages were acknowledged, %d are there", len(acknowledged), len(history))
	c.findable(p, history)
	room := call[struct {
		LastSeq     int64   `json:"last_seq"`
		LastMessage *stored `json:"last_message"`
	}](p, "GET", "/rooms/"+c.room, c.accounts[0].Token, nil)
	if n := int64(len(history)); room.LastSeq != n || room.LastMessage == nil || room.LastMessage.Seq != n {
		c.t.Errorf("the room says that its last message is %d (%+v), there are %d", room.LastSeq, room.LastMessage, n)
	}
}

// A machine that loses its power in the middle of many sends loses none that anybody was told of, and repeats none. Who
// had no answer sends again under the same id.
func TestProcessIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir)
	c := gather(p)
	acknowledged, _ := c.talk(p, map[string]stored{}, func() {
		if err := p.cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
	})
	<-p.exited
	if len(acknowledged) < enoughToStop || len(acknowledged) == crowdSends {
		t.Fatalf("the kill came after %d acknowledgements", len(acknowledged))
	}

	p = start(t, dir)
	c.check(p, acknowledged)
	all, _ := c.talk(p, acknowledged, func() {})
	if len(all) != crowdSends {
		t.Errorf("%d of %d messages are acknowledged in the end", len(all), crowdSends)
	}
	c.check(p, all)
	if history := c.history(p); len(history) != crowdSends {
		t.Errorf("%d messages are there, %d were sent", len(history), crowdSends)
	}
}

// SIGTERM under the same load ends the program without an error; every socket is told to come back.
func TestProcessStopsUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir)
	c := gather(p)
	acknowledged, sockets := c.talk(p, map[string]stored{}, func() {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
	<-p.exited
	if p.err != nil {
		t.Errorf("ended with %v:\n%s", p.err, p.logged())
	}
	for _, s := range sockets {
		<-s.gone
		if !websocket.IsCloseError(s.err, websocket.CloseGoingAway) {
			t.Errorf("a socket ended with %v", s.err)
		}
	}
	c.check(start(t, dir), acknowledged)
}
