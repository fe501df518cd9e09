package socket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"parlor/define"
	"parlor/middleware"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

// words is a dialect in which an event is its data: a text, a Deferred, or nothing.
type words struct{}

func (words) Encode(e hub.Event) (hub.Frame, error) {
	switch data := e.Data.(type) {
	case string:
		return socket.Raw([]byte(data)), nil
	case socket.Deferred:
		return data, nil
	}
	return nil, nil
}

// house is a way in on which ?user=X or "I am X" makes a socket one of X, "panic" panics, and everything else is echoed.
type house struct {
	hub     *hub.Hub
	sockets *socket.Server
	url     string
	gone    error // what Check says
}

func open(t *testing.T, silence time.Duration) *house {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	h := &house{hub: hub.New(hub.Options{QueueFrames: 100, QueueBytes: 1 << 20, Log: log})}
	h.sockets = socket.New(socket.Options{Hub: h.hub, Silence: silence, CloseTimeout: time.Second, Log: log})
	engine := gin.New()
	engine.Use(middleware.Errors(log))
	engine.GET("/", middleware.Handle(h.answer))
	listener := httptest.NewServer(engine)
	h.url = "ws" + strings.TrimPrefix(listener.URL, "http")
	t.Cleanup(func() {
		h.stop(t)
		listener.Close()
	})
	return h
}

func (h *house) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := errors.Join(h.hub.Stop(ctx, hub.CloseReason{Code: define.CloseGoingAway}), h.sockets.Wait(ctx)); err != nil {
		t.Error(err)
	}
}

func (h *house) answer(c *gin.Context) error {
	conn, err := h.sockets.Accept(c)
	if conn == nil {
		return err
	}
	if user := c.Query("user"); user != "" {
		conn.Join(h.sockets.Context(), socket.Login{
			Caller: service.Caller{User: user, Session: "1"}, Expires: time.Now().Add(time.Hour), Dialect: words{},
			Check: func(context.Context) error { return nil },
		})
		conn.Serve(func(int, []byte) {})
		return nil
	}
	conn.Send(socket.Raw([]byte("who are you")))
	conn.Serve(func(_ int, frame []byte) {
		conn.Pace()
		name, named := bytes.CutPrefix(frame, []byte("I am "))
		switch {
		case string(frame) == "panic":
			panic("as asked")
		case named:
			conn.Join(h.sockets.Context(), socket.Login{
				Caller: service.Caller{User: string(name), Session: "1"}, Expires: time.Now().Add(time.Hour), Dialect: words{},
				First: hub.Event{Data: "welcome " + string(name)},
				Check: func(context.Context) error { return h.gone },
			})
		default:
			conn.Send(socket.Raw(frame))
		}
	})
	return nil
}

type client struct {
	t *testing.T
	*websocket.Conn
}

func (h *house) dial(t *testing.T) *client {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial(h.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	c := &client{t, conn}
	c.hears("who are you")
	return c
}

func (c *client) say(text string) {
	c.t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) hears(texts ...string) {
	c.t.Helper()
	for _, want := range texts {
		if _, got, err := c.ReadMessage(); err != nil || string(got) != want {
			c.t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
}

func TestASocketJoinsWhenItSaysWhoItIs(t *testing.T) {
	t.Parallel()
	h := open(t, 0)
	c := h.dial(t)
	c.say("hello")
	c.hears("hello")
	c.say("I am alice")
	c.hears("welcome alice")
	if !h.hub.Online("alice") {
		t.Error("the hub does not know her")
	}
	c.say("panic")
	c.say("still there")
	c.hears("still there")
}

// A way in may have no word for "ready": who has opened a socket there must miss nothing all the same.
func TestAnOpenSocketIsKnown(t *testing.T) {
	t.Parallel()
	h := open(t, 0)
	for i := range 200 {
		user := fmt.Sprint("user", i)
		conn, _, err := websocket.DefaultDialer.Dial(h.url+"?user="+user, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !h.hub.Online(user) {
			t.Fatalf("the socket of %s is open, but nobody knows", user)
		}
		h.hub.Publish(hub.Delivery{Event: hub.Event{Data: "news"}, Users: []string{user}})
		if _, got, err := conn.ReadMessage(); err != nil || string(got) != "news" {
			t.Fatalf("got %q, %v", got, err)
		}
		conn.Close()
	}
}

func TestASessionThatEndedMeanwhile(t *testing.T) {
	t.Parallel()
	h := open(t, 0)
	h.gone = define.ErrSessionEnded
	c := h.dial(t)
	c.say("I am alice")
	c.hears("welcome alice")
	if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, define.CloseSessionEnded) {
		t.Errorf("read: %v", err)
	}
}

// Talking does not prolong the time to say who one is.
func TestAStrangerIsClosed(t *testing.T) {
	t.Parallel()
	c := open(t, 200*time.Millisecond).dial(t)
	for {
		if err := c.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
			return // closed
		}
		if _, _, err := c.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, define.CloseTooSlow) {
				t.Errorf("read: %v", err)
			}
			return
		}
	}
}

// The hub, which stops first, does not know such a socket.
func TestAStrangerDoesNotKeepTheServer(t *testing.T) {
	t.Parallel()
	h := open(t, 0)
	c := h.dial(t)
	h.stop(t)
	if _, _, err := c.ReadMessage(); err == nil {
		t.Error("the socket is open")
	}
}

func TestADeferredFrameIsForItsViewer(t *testing.T) {
	t.Parallel()
	h := open(t, 0)
	users := []string{"alice", "bob", "carol", "dave"}
	clients := map[string]*client{}
	for _, user := range users {
		clients[user] = h.dial(t)
		clients[user].say("I am " + user)
		clients[user].hears("welcome " + user)
	}
	deferred := socket.Deferred(func(_ context.Context, viewer service.Caller) ([]hub.Frame, error) {
		switch viewer.User {
		case "bob":
			return nil, define.ErrForbidden
		case "carol":
			panic("a fault")
		}
		return []hub.Frame{socket.Raw([]byte("for " + viewer.User)), socket.Raw([]byte(viewer.Conn.User()))}, nil
	})
	var deliveries []hub.Delivery
	for _, data := range []any{"before", deferred, "after"} {
		deliveries = append(deliveries, hub.Delivery{Event: hub.Event{Data: data}, Users: users})
	}
	h.hub.Publish(deliveries...)
	clients["alice"].hears("before", "for alice", "alice", "after")
	clients["bob"].hears("before", "after")
	clients["carol"].hears("before", "after")
	clients["dave"].hears("before", "for dave", "dave", "after")
}
