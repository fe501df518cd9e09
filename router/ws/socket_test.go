package ws_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

func TestASessionHasSoManySockets(t *testing.T) {
	t.Parallel()
	h := open(t)
	first := h.dial(t, "alice.1")
	other := h.dial(t, "alice.2")
	var rest []*client
	for range define.SocketsPerLogin {
		rest = append(rest, h.dial(t, "alice.1"))
	}
	if code := first.closed(); code != define.CloseReplaced {
		t.Errorf("closed with %d", code)
	}
	for _, c := range append(rest, other) {
		if r := c.ask(`{"id":"1","op":"ping"}`); r.Op != define.OpOK {
			t.Errorf("answered %+v", r)
		}
	}
}

func TestASilentSocketIsClosed(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ *hub.Options, o *socket.Options) { o.Silence = 50 * time.Millisecond })
	if code := h.dial(t, "alice.1").closed(); code != define.CloseTooSlow {
		t.Errorf("closed with %d", code)
	}
}

// The answer to a ping is a pong, which the client's library sends while it reads.
func TestPingsKeepASocketOpen(t *testing.T) {
	t.Parallel()
	h := open(t, func(h *hub.Options, o *socket.Options) {
		h.PingEvery = 60 * time.Millisecond
		o.Silence = 4 * time.Second // far more than a loaded machine needs for one pong
	})
	c := h.dial(t, "alice.1")
	pings := make(chan struct{}, 1000)
	answer := c.PingHandler()
	c.SetPingHandler(func(payload string) error {
		pings <- struct{}{}
		return answer(payload)
	})
	frames := make(chan reply)
	go func() {
		defer close(frames)
		for {
			var r reply
			if c.ReadJSON(&r) != nil {
				return
			}
			frames <- r
		}
	}()
	for range 100 { // longer than silence is borne
		select {
		case <-pings:
		case r, open := <-frames:
			t.Fatalf("instead of a ping came %+v, open: %v", r, open)
		}
	}
	h.hub.Publish(hub.Delivery{Event: hub.Event{Op: define.EventPresence}, Users: []string{"alice"}})
	if r := <-frames; r.Op != define.EventPresence {
		t.Errorf("came %+v", r)
	}
	c.Close()
	for range frames {
	}
}

func TestPongs(t *testing.T) {
	t.Parallel()
	c := open(t).dial(t, "alice.1")
	pongs := make(chan string, 1)
	c.SetPongHandler(func(payload string) error {
		pongs <- payload
		return nil
	})
	if err := c.WriteControl(websocket.PingMessage, []byte("are you there"), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	c.ask(`{"id":"1","op":"ping"}`)
	if got := <-pongs; got != "are you there" {
		t.Errorf("pong %q", got)
	}
}

// fill publishes to a user until he is gone from the hub.
func fill(h *house, user string) {
	event := hub.Event{Op: define.EventMessageNew, Data: service.Message{Data: strings.Repeat("x", 8000)}}
	for h.hub.Online(user) {
		h.hub.Publish(hub.Delivery{Event: event, Users: []string{user}})
	}
}

func TestAClientThatReadsTooLateLearnsWhy(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := h.dial(t, "alice.1")
	fill(h, "alice")
	if code := c.closed(); code != define.CloseTooSlow {
		t.Errorf("closed with %d", code)
	}
}

// Here the server has given up writing, in the middle of a frame, before the client reads again.
func TestAClientThatStalledLearnsWhy(t *testing.T) {
	t.Parallel()
	presence := make(chan string, 10)
	h := open(t, func(h *hub.Options, o *socket.Options) {
		h.QueueFrames, h.QueueBytes = 1<<20, 64<<20
		h.Presence = func(user string) { presence <- user }
		o.WriteTimeout = time.Second
	})
	c := h.dial(t, "alice.1")
	<-presence
	event := hub.Event{Op: define.EventMessageNew, Data: service.Message{Data: strings.Repeat("x", 8000)}}
	for range 2000 { // more than the sockets of the system hold, less than the queue
		h.hub.Publish(hub.Delivery{Event: event, Users: []string{"alice"}})
	}
	<-presence
	if code := c.closed(); code != define.CloseTooSlow {
		t.Errorf("closed with %d", code)
	}
}

func TestAClientThatNeverReadsIsCutOff(t *testing.T) {
	t.Parallel()
	h := open(t, func(_ *hub.Options, o *socket.Options) { o.WriteTimeout = 50 * time.Millisecond })
	h.dial(t, "alice.1")
	fill(h, "alice")
	if err := h.hub.Stop(context.Background(), hub.CloseReason{Code: define.CloseGoingAway}); err != nil { // waits until it is gone
		t.Error(err)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := h.dial(t, "alice.1")
	gone := make(chan int)
	go func() { gone <- c.closed() }()
	h.stop(t)
	if code := <-gone; code != define.CloseGoingAway {
		t.Errorf("closed with %d", code)
	}
	_, answer, err := websocket.DefaultDialer.Dial(h.url+"?token=alice.1", nil)
	if err == nil || answer == nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("while stopping: %v, %v", answer, err)
	}
	checkRefusal(t, answer, define.CodeUnavailable)
}

func TestARevokedSocketIsNotServed(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.submit = func(service.Caller, string, service.MessageInput, func(service.Message, bool, error)) {
		t.Error("a socket that is being closed was served")
	}
	c := h.dial(t, "alice.1")
	h.hub.End("alice", "1", hub.Event{Op: define.EventSessionEnded}, hub.CloseReason{Code: define.CloseSessionEnded})
	c.send(`{"id":"1","op":"message.send","data":{"room":"r","data":"x"}}`)
	if code := c.closed(); code != define.CloseSessionEnded {
		t.Errorf("closed with %d", code)
	}
}

func TestPushesAreTheSameBytesForEverybody(t *testing.T) {
	t.Parallel()
	h := open(t)
	big := service.Message{Data: strings.Repeat("字", 40_000)} // longer than what is gathered
	small := service.Message{Data: "hi"}
	want := func(m service.Message) string {
		text, err := json.Marshal(map[string]any{"op": define.EventMessageNew, "data": m})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	alice, bob := h.dial(t, "alice.1"), h.dial(t, "bob.2")
	sent := []service.Message{small, big, small, big, big, small}
	for _, m := range sent {
		h.hub.Publish(hub.Delivery{Event: hub.Event{Op: define.EventMessageNew, Data: m}, Users: []string{"alice", "bob"}})
	}
	for _, m := range sent {
		for _, c := range []*client{alice, bob} {
			_, text, err := c.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			if !sameJSON(t, string(text), want(m)) {
				t.Fatalf("a message of %d bytes came as %d bytes", len(want(m)), len(text))
			}
		}
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return string(p) == string(q)
}

// Pongs are written by the reader, events by the hub's writer: neither may end up inside a frame of the other.
func TestControlFramesDoNotBreakOthers(t *testing.T) {
	t.Parallel()
	h := open(t, func(h *hub.Options, _ *socket.Options) { h.QueueFrames, h.QueueBytes = 1<<20, 1<<30 })
	c := h.dial(t, "alice.1")
	const events = 3000
	var wait sync.WaitGroup
	wait.Go(func() {
		for i := range events {
			m := service.Message{Seq: int64(i), Data: strings.Repeat("x", i)}
			h.hub.Publish(hub.Delivery{Event: hub.Event{Op: define.EventMessageNew, Data: m}, Users: []string{"alice"}})
		}
	})
	wait.Go(func() {
		for range events {
			if err := c.WriteControl(websocket.PingMessage, []byte("ping"), time.Now().Add(time.Minute)); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := range events {
		var m service.Message
		if err := json.Unmarshal(c.next().Data, &m); err != nil || m.Seq != int64(i) || len(m.Data) != i {
			t.Fatalf("event %d came as %d with %d bytes: %v", i, m.Seq, len(m.Data), err)
		}
	}
	wait.Wait()
}

// A frame that breaks RFC 6455 itself ends the connection with 1002, which the client gets to read though more of what
// it sent is still unread.
func TestBrokenProtocol(t *testing.T) {
	t.Parallel()
	h := open(t)
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(h.url, "ws://"), "/ws"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /ws?token=alice.1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	r := bufio.NewReader(conn)
	answer, err := http.ReadResponse(r, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(answer, err)
	}
	unmasked := append([]byte{0x81, 0x02, '{', '}'}, make([]byte, 100_000)...)
	if _, err := conn.Write(unmasked); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		opcode, payload := readFrame(t, r)
		if opcode == websocket.CloseMessage {
			if code := binary.BigEndian.Uint16(payload); code != websocket.CloseProtocolError {
				t.Errorf("closed with %d", code)
			}
			return
		}
	}
}

// readFrame reads one frame of a server.
func readFrame(t testing.TB, r *bufio.Reader) (opcode int, payload []byte) {
	t.Helper()
	var head [2]byte
	_, err := io.ReadFull(r, head[:])
	size := uint64(head[1])
	if size == 126 {
		var long [2]byte
		_, err = io.ReadFull(r, long[:])
		size = uint64(binary.BigEndian.Uint16(long[:]))
	}
	payload = make([]byte, size)
	if err == nil {
		_, err = io.ReadFull(r, payload)
	}
	if err != nil {
		t.Fatal(err)
	}
	return int(head[0] & 0xf), payload
}
