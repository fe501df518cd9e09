package ws_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/router/socket"
	"parlor/router/ws"
	"parlor/service"
	"parlor/service/hub"
)

func TestMain(m *testing.M) {
	if address := os.Getenv(crowdAddress); address != "" {
		os.Exit(crowd(address))
	}
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

// house stands in for the services: a token is "user.session", and what the services do is set by each test.
type house struct {
	*service.Messages // what these tests don't ask is not there

	hub     *hub.Hub
	sockets *socket.Server
	url     string // of /ws, with ws://
	logged  *logBuffer

	mu            sync.Mutex
	revoked       map[string]bool // tokens
	authenticated func(token string)

	submit func(c service.Caller, room string, in service.MessageInput, done func(service.Message, bool, error))
	read   func(ctx context.Context, c service.Caller, room string, in service.ReadInput) (service.RoomMe, error)
}

func (h *house) Authenticate(_ context.Context, token, ip string) (service.Caller, time.Time, error) {
	user, session, ok := strings.Cut(token, ".")
	if !ok {
		return service.Caller{}, time.Time{}, define.ErrUnauthenticated
	}
	h.mu.Lock()
	gone, look := h.revoked[token], h.authenticated
	h.mu.Unlock()
	if gone {
		return service.Caller{}, time.Time{}, define.ErrSessionEnded
	}
	if look != nil {
		look(token)
	}
	return service.Caller{User: user, Session: session, IP: ip}, time.Now().Add(time.Hour), nil
}

func (h *house) revoke(token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.revoked[token] = true
}

func (h *house) Me(_ context.Context, c service.Caller) (service.Me, error) {
	if c.User == "unlucky" {
		return service.Me{}, os.ErrInvalid
	}
	return service.Me{User: service.User{Identity: c.User}}, nil
}

func (h *house) Read(ctx context.Context, c service.Caller, room string, in service.ReadInput) (service.RoomMe, error) {
	return h.read(ctx, c, room, in)
}

func (h *house) Typing(context.Context, service.Caller, string) error { return define.ErrRoomNotFound }

func (h *house) Submit(_ context.Context, c service.Caller, room string, in service.MessageInput, done func(service.Message, bool, error)) {
	h.submit(c, room, in, done)
}

func (h *house) Sync(_ context.Context, _ service.Caller, in service.SyncInput) (service.SyncResult, error) {
	result := service.SyncResult{Rooms: []service.SyncRoom{}}
	for identity, seq := range in.Rooms {
		result.Rooms = append(result.Rooms, service.SyncRoom{Identity: identity, LastSeq: seq})
	}
	return result, nil
}

func (h *house) Online(_ context.Context, _ service.Caller, in service.PresenceInput) (service.PresenceResult, error) {
	return service.PresenceResult{Online: in.Users}, nil
}

// logBuffer is a log that a test can read.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type setting func(*hub.Options, *socket.Options)

// open starts a server on a loopback port.
func open(t testing.TB, settings ...setting) *house {
	t.Helper()
	h := &house{revoked: map[string]bool{}, logged: &logBuffer{}}
	log := slog.New(slog.NewTextHandler(h.logged, nil))
	ho := hub.Options{
		QueueFrames: 1024, QueueBytes: 1 << 20, Log: log,
		Slow: hub.CloseReason{Code: define.CloseTooSlow, Text: "too slow"},
	}
	so := socket.Options{Log: log, CloseTimeout: time.Second}
	for _, set := range settings {
		set(&ho, &so)
	}
	h.hub = hub.New(ho)
	so.Hub = h.hub
	h.sockets = socket.New(so)
	server := ws.New(ws.Options{Sockets: h.sockets, Sessions: h, Accounts: h, Rooms: h, Messages: h, Presence: h, Failures: helper.NewRates(1, 1, 0), Log: log})
	engine := gin.New()
	engine.Use(middleware.RequestID(), middleware.Errors(log), middleware.Recovery())
	engine.GET("/ws", middleware.Handle(server.Open))
	listener := httptest.NewServer(engine)
	h.url = "ws" + strings.TrimPrefix(listener.URL, "http") + "/ws"
	t.Cleanup(func() {
		h.stop(t)
		listener.Close()
	})
	return h
}

func (h *house) stop(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := h.hub.Stop(ctx, hub.CloseReason{Code: define.CloseGoingAway, Text: "bye"}); err != nil {
		t.Errorf("hub.Stop: %v", err)
	}
	if err := h.sockets.Wait(ctx); err != nil {
		t.Errorf("Wait: %v", err)
	}
}

// client is the far end of a socket.
type client struct {
	t testing.TB
	*websocket.Conn
}

// reply is any frame of the server.
type reply struct {
	ID    string                `json:"id"`
	Op    string                `json:"op"`
	Data  json.RawMessage       `json:"data"`
	Error *middleware.ErrorBody `json:"error"`
}

// dial opens a socket and reads its ready.
func (h *house) dial(t testing.TB, token string, headers ...string) *client {
	t.Helper()
	header := http.Header{"Authorization": {"Bearer " + token}}
	for i := 0; i < len(headers); i += 2 {
		header.Set(headers[i], headers[i+1])
	}
	conn, answer, err := websocket.DefaultDialer.Dial(h.url, header)
	if err != nil {
		t.Fatalf("dial: %v (%v)", err, answer)
	}
	t.Cleanup(func() { conn.Close() })
	c := &client{t, conn}
	if r := c.next(); r.Op != define.EventReady {
		t.Fatalf("first came %+v", r)
	}
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// next reads one frame.
func (c *client) next() reply {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	kind, text, err := c.ReadMessage()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	var r reply
	if err := json.Unmarshal(text, &r); err != nil || kind != websocket.TextMessage {
		c.t.Fatalf("a frame of kind %d: %q: %v", kind, text, err)
	}
	return r
}

// ask sends a frame and reads the next one.
func (c *client) ask(text string) reply {
	c.t.Helper()
	c.send(text)
	return c.next()
}

// closed reads to the end and returns the code of the close frame.
func (c *client) closed() int {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		_, _, err := c.ReadMessage()
		if ended, ok := err.(*websocket.CloseError); ok {
			return ended.Code
		}
		if err != nil {
			c.t.Fatalf("the socket ended without a close frame: %v", err)
		}
	}
}
