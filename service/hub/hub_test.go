package hub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parlor/service/hub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	slow  = hub.CloseReason{Code: 4408, Text: "slow"}
	ended = hub.CloseReason{Code: 4401, Text: "ended"}
	bye   = hub.CloseReason{Code: 1001, Text: "bye"}
)

// word is a frame that can be read.
type word string

func (w word) Size() int { return len(w) }

// plain is a dialect that writes an event as its op and counts how often it is asked.
type plain struct{ encoded *atomic.Int64 }

func (p plain) Encode(e hub.Event) (hub.Frame, error) {
	p.encoded.Add(1)
	switch e.Op {
	case "unknown":
		return nil, nil
	case "broken":
		return nil, errors.New("no words")
	}
	return word(e.Op), nil
}

func newDialect() plain { return plain{new(atomic.Int64)} }

// socket is a Sink in memory. While it is held, writing blocks, as to a client that does not read.
type socket struct {
	mu      sync.Mutex
	changed *sync.Cond
	held    bool
	failure error
	gone    bool
	busy    bool
	entered int // calls of Write
	words   []string
	flushed int // words that were there at the last flush
	reasons []hub.CloseReason
}

func newSocket() *socket {
	s := &socket{}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *socket) Write(frames []hub.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.enter()()
	s.entered++
	s.changed.Broadcast()
	for s.held && !s.gone {
		s.changed.Wait()
	}
	if s.gone {
		return os.ErrClosed
	}
	if s.failure != nil {
		return s.failure
	}
	for _, f := range frames {
		if w, ok := f.(word); ok {
			s.words = append(s.words, string(w))
		} else {
			s.words = append(s.words, "ping")
		}
	}
	return nil
}

func (s *socket) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.enter()()
	s.flushed = len(s.words)
	s.changed.Broadcast()
	if s.gone {
		return os.ErrClosed
	}
	return nil
}

func (s *socket) Close(reason hub.CloseReason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.enter()()
	s.reasons = append(s.reasons, reason)
	s.changed.Broadcast()
}

func (s *socket) Abort() { s.change(func() { s.gone = true }) }

// enter panics where two goroutines write at a time.
func (s *socket) enter() (leave func()) {
	if s.busy {
		panic("two writers on one sink")
	}
	s.busy = true
	return func() { s.busy = false }
}

func (s *socket) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.changed.Broadcast()
}

// until waits for something to be true of the socket.
func (s *socket) until(is func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !is() {
		s.changed.Wait()
	}
}

// hears waits until these words, and no others, have been flushed.
func (s *socket) hears(t *testing.T, want ...string) {
	t.Helper()
	s.until(func() bool { return s.flushed >= len(want) || s.gone })
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := s.words; !slices.Equal(got, want) {
		t.Errorf("the socket was sent %q, want %q", got, want)
	}
}

// closes waits for the close frame.
func (s *socket) closes(t *testing.T, want hub.CloseReason) {
	t.Helper()
	s.until(func() bool { return len(s.reasons) > 0 || s.gone })
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.reasons, []hub.CloseReason{want}) {
		t.Errorf("the socket was closed with %v, want %v once", s.reasons, want)
	}
}

func options() hub.Options {
	return hub.Options{QueueFrames: 4, QueueBytes: 1 << 10, Slow: slow, Log: slog.New(slog.DiscardHandler)}
}

func start(t *testing.T, o hub.Options) *hub.Hub {
	h := hub.New(o)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.Stop(ctx, bye); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return h
}

func connect(t *testing.T, h *hub.Hub, user, session string, d hub.Dialect, s hub.Sink) *hub.Conn {
	t.Helper()
	c, err := h.Connect(hub.Client{User: user, Session: session, Expires: time.Now().Add(time.Hour), Dialect: d, Sink: s}, hub.Event{Op: "ready"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Drop)
	return c
}

func publish(h *hub.Hub, op string, users ...string) {
	h.Publish(hub.Delivery{Event: hub.Event{Op: op}, Users: users})
}

func TestPublish(t *testing.T) {
	t.Parallel()
	h := start(t, options())
	native, other := newDialect(), newDialect()
	phone, laptop, bob, carol := newSocket(), newSocket(), newSocket(), newSocket()
	connect(t, h, "alice", "1", native, phone)
	sender := connect(t, h, "alice", "2", native, laptop)
	connect(t, h, "bob", "3", native, bob)
	connect(t, h, "carol", "4", other, carol)
	native.encoded.Store(0)

	h.Publish(
		hub.Delivery{Event: hub.Event{Op: "first"}, Users: []string{"alice", "bob", "nobody"}, Except: sender},
		hub.Delivery{Event: hub.Event{Op: "unknown"}, Users: []string{"alice", "bob"}},
		hub.Delivery{Event: hub.Event{Op: "broken"}, Users: []string{"alice", "bob"}},
		hub.Delivery{Event: hub.Event{Op: "second"}, Users: []string{"alice", "carol"}},
	)
	phone.hears(t, "ready", "first", "second")
	laptop.hears(t, "ready", "second")
	bob.hears(t, "ready", "first")
	carol.hears(t, "ready", "second")
	if n := native.encoded.Load(); n != 4 {
		t.Errorf("four events were encoded %d times in one dialect", n)
	}
}

func TestAnEventThatCannotBeEncodedIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	o := options()
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	h := start(t, o)
	for i := range 3 {
		connect(t, h, fmt.Sprint(i), "1", hub.Dialect(plain{new(atomic.Int64)}), newSocket())
	}
	shared := newDialect()
	for i := range 3 {
		connect(t, h, fmt.Sprint("same", i), "1", shared, newSocket())
	}
	publish(h, "broken", "same0", "same1", "same2")
	if n := strings.Count(log.String(), "could not be encoded"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, &log)
	}
}

func TestEventsOfOnePublisherStayInOrder(t *testing.T) {
	t.Parallel()
	o := options()
	o.QueueFrames, o.QueueBytes = 1<<20, 1<<30
	h := start(t, o)
	const publishers, events = 4, 500
	s := newSocket()
	connect(t, h, "alice", "1", newDialect(), s)
	var wait sync.WaitGroup
	for p := range publishers {
		wait.Go(func() {
			for i := range events {
				publish(h, fmt.Sprintf("%d %d", p, i), "alice")
			}
		})
	}
	wait.Wait()
	s.until(func() bool { return s.flushed == 1+publishers*events })
	next := [publishers]int{}
	for _, w := range s.words[1:] {
		var p, i int
		if _, err := fmt.Sscanf(w, "%d %d", &p, &i); err != nil {
			t.Fatal(err)
		}
		if i != next[p] {
			t.Fatalf("publisher %d: event %d came where %d was due", p, i, next[p])
		}
		next[p]++
	}
}

func TestASlowConnectionIsClosedAndDisturbsNobody(t *testing.T) {
	t.Parallel()
	h := start(t, options())
	d := newDialect()
	stuck, lively := newSocket(), newSocket()
	stuck.held = true
	c := connect(t, h, "alice", "1", d, stuck)
	connect(t, h, "bob", "2", d, lively)
	stuck.until(func() bool { return stuck.entered == 1 }) // the writer has the first frame in hand

	want := []string{"ready"}
	for i := range 5 { // the queue holds four
		publish(h, fmt.Sprint(i), "alice", "bob")
		want = append(want, fmt.Sprint(i))
		lively.hears(t, want...)
	}
	if c.Open() || h.Online("alice") {
		t.Error("the connection that overflowed is still there")
	}
	if c.Send(word("late")) {
		t.Error("the connection still takes frames")
	}
	stuck.change(func() { stuck.held = false })
	stuck.closes(t, slow)
	stuck.hears(t, "ready") // what waited was dropped
}

func TestTheQueueIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	o := options()
	o.QueueFrames = 1 << 20
	h := start(t, o)
	s := newSocket()
	s.held = true
	c := connect(t, h, "alice", "1", newDialect(), s)
	s.until(func() bool { return s.entered == 1 })
	large := word(strings.Repeat("x", 2*o.QueueBytes))
	if !c.Send(large) {
		t.Error("a frame larger than the queue was refused though nothing waited")
	}
	if c.Send(word("y")) || c.Open() {
		t.Error("a queue over its limit took another frame")
	}
	s.change(func() { s.held = false })
	s.closes(t, slow)
}

func TestAClientThatStoppedReadingIsToldSo(t *testing.T) {
	t.Parallel()
	h := start(t, options())
	s := newSocket()
	s.failure = fmt.Errorf("write: %w", os.ErrDeadlineExceeded)
	connect(t, h, "alice", "1", newDialect(), s)
	s.closes(t, slow)
	if h.Online("alice") {
		t.Error("still online")
	}
}

func TestAFailedSocketIsAborted(t *testing.T) {
	t.Parallel()
	h := start(t, options())
	s := newSocket()
	s.failure = errors.New("connection reset")
	connect(t, h, "alice", "1", newDialect(), s)
	s.until(func() bool { return s.gone })
	if len(s.reasons) != 0 {
		t.Errorf("a close frame was sent to a connection that is gone: %v", s.reasons)
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	h := start(t, options())
	d := newDialect()
	phone, tab, laptop := newSocket(), newSocket(), newSocket()
	connect(t, h, "alice", "phone", d, phone)
	connect(t, h, "alice", "phone", d, tab)
	connect(t, h, "alice", "laptop", d, laptop)
	h.End("alice", "phone", hub.Event{Op: "session.ended"}, ended)
	for _, s := range []*socket{phone, tab} {
		s.closes(t, ended)
		s.hears(t, "ready", "session.ended")
	}
	if conns := h.Conns("alice"); len(conns) != 1 || conns[0].Session() != "laptop" || conns[0].User() != "alice" {
		t.Errorf("left are %v", conns)
	}
	publish(h, "on", "alice")
	laptop.hears(t, "ready", "on")
}

func TestExpiredSessionsAreEndedUnlessRenewed(t *testing.T) {
	t.Parallel()
	o := options()
	o.PingEvery = 60 * time.Millisecond
	expired := make(chan string, 100)
	var h *hub.Hub
	ready := make(chan struct{})
	o.Ended = func(c *hub.Conn) {
		<-ready
		h.End(c.User(), c.Session(), hub.Event{Op: "session.ended"}, ended)
		expired <- c.Session()
	}
	h = start(t, o)
	old, renewed := newSocket(), newSocket()
	for name, s := range map[string]*socket{"old": old, "renewed": renewed} {
		c, err := h.Connect(hub.Client{User: "alice", Session: name, Expires: time.Now().Add(time.Hour), Dialect: newDialect(), Sink: s}, hub.Event{Op: "ready"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Drop)
	}
	h.Renew("alice", "old", time.Now().Add(-time.Second))
	close(ready)
	if got := <-expired; got != "old" {
		t.Errorf("session %q was ended", got)
	}
	old.closes(t, ended)
	renewed.until(func() bool { return slices.Contains(renewed.words, "ping") })
}

func TestPresence(t *testing.T) {
	t.Parallel()
	o := options()
	var changes []string
	o.Presence = func(user string) { changes = append(changes, user) }
	h := start(t, o)
	d := newDialect()
	first := connect(t, h, "alice", "1", d, newSocket())
	second := connect(t, h, "alice", "2", d, newSocket())
	if !h.Online("alice") || h.Online("bob") || h.Len() != 2 {
		t.Errorf("Online(alice) %v, Online(bob) %v, Len %d", h.Online("alice"), h.Online("bob"), h.Len())
	}
	first.Close(bye)
	first.Close(bye)
	if len(changes) != 1 {
		t.Errorf("presence changed %d times while a connection was open throughout", len(changes))
	}
	second.Close(bye)
	if len(changes) != 2 || h.Online("alice") || h.Len() != 0 {
		t.Errorf("changes %v, online %v, Len %d after the last connection went", changes, h.Online("alice"), h.Len())
	}
}

func TestStopWhilePublishing(t *testing.T) {
	t.Parallel()
	o := options()
	o.QueueFrames, o.QueueBytes = 1<<20, 1<<30
	h := hub.New(o)
	d := newDialect()
	var sockets []*socket
	var readers, publishers sync.WaitGroup
	for i := range 20 {
		s := newSocket()
		sockets = append(sockets, s)
		c, err := h.Connect(hub.Client{User: fmt.Sprint(i), Expires: time.Now().Add(time.Hour), Dialect: d, Sink: s}, hub.Event{Op: "ready"})
		if err != nil {
			t.Fatal(err)
		}
		readers.Go(func() { // as the reader of a socket does
			s.until(func() bool { return len(s.reasons) > 0 })
			c.Drop()
		})
	}
	quit := make(chan struct{})
	for range 2 {
		publishers.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
					publish(h, "event", "1", "2", "3", "19")
				}
			}
		})
	}
	sockets[19].until(func() bool { return len(sockets[19].words) > 10 })
	if err := h.Stop(context.Background(), bye); err != nil {
		t.Error(err)
	}
	close(quit)
	publishers.Wait()
	readers.Wait()
	for _, s := range sockets {
		s.closes(t, bye)
		if s.flushed != len(s.words) {
			t.Errorf("%d words were written, %d flushed before the close", len(s.words), s.flushed)
		}
	}
	if _, err := h.Connect(hub.Client{User: "late", Dialect: d, Sink: newSocket()}, hub.Event{Op: "ready"}); !errors.Is(err, hub.ErrStopping) || !h.Stopping() {
		t.Errorf("Connect after Stop: %v, Stopping %v", err, h.Stopping())
	}
	if err := h.Stop(context.Background(), bye); err != nil {
		t.Errorf("the second Stop: %v", err)
	}
}

func TestStopCutsOffWhoDoesNotGo(t *testing.T) {
	t.Parallel()
	h := hub.New(options())
	s := newSocket()
	s.held = true
	c, err := h.Connect(hub.Client{User: "alice", Dialect: newDialect(), Sink: s}, hub.Event{Op: "ready"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := h.Stop(ctx, bye); !errors.Is(err, context.Canceled) {
		t.Errorf("Stop: %v", err)
	}
	s.until(func() bool { return s.gone })
	c.Drop()
}

func TestDropWaitsForTheWriter(t *testing.T) {
	t.Parallel()
	h := start(t, options())
	s := newSocket()
	s.held = true
	c, err := h.Connect(hub.Client{User: "alice", Dialect: newDialect(), Sink: s}, hub.Event{Op: "ready"})
	if err != nil {
		t.Fatal(err)
	}
	s.until(func() bool { return s.entered == 1 })
	c.Drop()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy || !s.gone || len(s.words) != 0 {
		t.Errorf("after Drop: busy %v, gone %v, words %q", s.busy, s.gone, s.words)
	}
	if c.Open() || c.Send(word("late")) {
		t.Error("a dropped connection takes frames")
	}
}

func TestComingAndGoingUnderLoad(t *testing.T) {
	t.Parallel()
	h := start(t, options())
	d := newDialect()
	quit := make(chan struct{})
	var publisher, users sync.WaitGroup
	publisher.Go(func() {
		for {
			select {
			case <-quit:
				return
			default:
				publish(h, "event", "0", "1", "2", "3")
			}
		}
	})
	for u := range 4 {
		users.Go(func() {
			for range 200 {
				s := newSocket()
				c, err := h.Connect(hub.Client{User: fmt.Sprint(u), Expires: time.Now().Add(time.Hour), Dialect: d, Sink: s}, hub.Event{Op: "ready"})
				if err != nil {
					t.Error(err)
					return
				}
				c.Send(word("answer"))
				c.Drop()
				if len(s.words) > 0 && s.words[0] != "ready" {
					t.Errorf("first came %q", s.words[0])
				}
			}
		})
	}
	users.Wait()
	close(quit)
	publisher.Wait()
	if h.Len() != 0 {
		t.Errorf("%d connections are left", h.Len())
	}
}
