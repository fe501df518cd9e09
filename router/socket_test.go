package router_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// frame is what the server sends over a socket.
type frame struct {
	ID    string          `json:"id"`
	Op    string          `json:"op"`
	Data  json.RawMessage `json:"data"`
	Error *refusal        `json:"error"`
}

// socket is a client of /ws. Pushes wait until the test asks for them; presence is kept apart from the others, since it
// comes when it likes, and so are notifications, which come beside the pushes that they repeat.
type socket struct {
	*user
	conn     *websocket.Conn
	pushes   chan frame
	presence chan frame
	notices  chan frame
	ended    chan struct{} // closed when the connection is gone
	err      error         // why; read after ended

	mu      sync.Mutex // guards what follows, and writing
	last    int
	answers map[string]chan frame
}

// dial opens /ws with these headers.
func (s *server) dial(query string, header http.Header) (*websocket.Conn, *http.Response, error) {
	dialer := websocket.Dialer{HandshakeTimeout: patience}
	return dialer.Dial("ws"+strings.TrimPrefix(s.url, "http")+"/ws"+query, header)
}

// socket opens a socket and waits until it is ready.
func (u *user) socket() *socket {
	u.t.Helper()
	conn, _, err := u.dial("", http.Header{"Authorization": {"Bearer " + u.token}})
	if err != nil {
		u.t.Fatalf("open a socket: %v", err)
	}
	s := &socket{
		user: u, conn: conn, pushes: make(chan frame, 1024), presence: make(chan frame, 64), notices: make(chan frame, 1024),
		ended: make(chan struct{}), answers: map[string]chan frame{},
	}
	go s.read()
	u.t.Cleanup(s.close)
	s.expect("ready")
	return s
}

func (s *socket) read() {
	defer close(s.ended)
	for {
		var f frame
		if s.err = s.conn.ReadJSON(&f); s.err != nil {
			return
		}
		switch f.Op {
		case "ok", "error":
			s.mu.Lock()
			answered := s.answers[f.ID]
			delete(s.answers, f.ID)
			s.mu.Unlock()
			if answered == nil {
				s.err = errors.New("an answer that nobody waits for: " + f.ID)
				return
			}
			answered <- f
		case "presence":
			s.presence <- f
		case "notification.new":
			s.notices <- f
		default:
			s.pushes <- f
		}
	}
}

// close ends the connection and waits until it is gone.
func (s *socket) close() {
	_ = s.conn.Close() // it may be gone already
	for {
		select {
		case <-s.ended:
			return
		case <-s.pushes: // the reader must not wait for room
		case <-s.presence:
		case <-s.notices:
		}
	}
}

// start sends a request. Its answer comes over the channel.
func (s *socket) start(op string, data any) chan frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	id := strconv.Itoa(s.last)
	answered := make(chan frame, 1)
	s.answers[id] = answered
	if err := s.conn.WriteJSON(fields{"id": id, "op": op, "data": data}); err != nil {
		answered <- frame{Op: "error", Error: &refusal{Code: "socket", Message: err.Error()}}
	}
	return answered
}

// call sends a request and waits for its answer.
func (s *socket) call(op string, data any) frame {
	s.t.Helper()
	return s.await(s.start(op, data), "the answer to "+op)
}

func (s *socket) await(frames chan frame, what string) frame {
	s.t.Helper()
	select {
	case f := <-frames:
		return f
	default:
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case f := <-frames:
		return f
	case <-s.ended:
		select {
		case f := <-frames: // it came before the end
			return f
		default:
			s.t.Fatalf("waiting for %s: %v", what, s.err)
		}
	case <-timeout.C:
		s.t.Fatalf("waiting for %s: nothing came", what)
	}
	return frame{}
}

// ok sends a request that must succeed and returns its data.
func (s *socket) ok(op string, data any) json.RawMessage {
	s.t.Helper()
	f := s.call(op, data)
	if f.Op != "ok" {
		s.t.Fatalf("%s: refused: %+v", op, f.Error)
	}
	return f.Data
}

// refused sends a request that must fail with this code.
func (s *socket) refused(code, op string, data any, fields ...string) {
	s.t.Helper()
	f := s.call(op, data)
	if f.Op != "error" || f.Error == nil || f.Error.Code != code || f.Error.Message == "" || f.Error.RequestID == "" {
		s.t.Fatalf("%s: %s %s %+v, want %s", op, f.Op, f.Data, f.Error, code)
	}
	for _, name := range fields {
		if f.Error.Fields[name] == "" {
			s.t.Errorf("%s: the field %s is not named: %v", op, name, f.Error.Fields)
		}
	}
}

// expect returns the next push, which must be this one.
func (s *socket) expect(op string) frame {
	s.t.Helper()
	f := s.await(s.pushes, op)
	if f.Op != op {
		s.t.Fatalf("heard %s %s, want %s", f.Op, f.Data, op)
	}
	return f
}

// heard returns the data of the next push, which must be this one.
func heard[T any](s *socket, op string) T {
	s.t.Helper()
	return decode[T](s.t, op, s.expect(op).Data)
}

// expectPresence waits until a friend is told to be online or not.
func (s *socket) expectPresence(of *user, online bool) {
	s.t.Helper()
	type presence struct {
		User   string `json:"user"`
		Online bool   `json:"online"`
	}
	for {
		p := decode[presence](s.t, "presence", s.await(s.presence, "presence").Data)
		if p.User == of.identity {
			if p.Online != online {
				s.t.Fatalf("presence of %s: online %v, want %v", of.account, p.Online, online)
			}
			return
		}
	}
}

// quiet fails the test if anything was pushed that has not been asked for. Whatever was published before comes before
// the answer to a ping.
func (s *socket) quiet() {
	s.t.Helper()
	s.ok("ping", fields{})
	select {
	case f := <-s.pushes:
		s.t.Errorf("%s heard %s %s", s.account, f.Op, f.Data)
	default:
	}
}

// expectClose waits for the end of the connection and checks its close code.
func (s *socket) expectClose(codes ...int) {
	s.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-s.ended:
	case <-timeout.C:
		s.t.Fatalf("the socket of %s was not closed", s.account)
	}
	var closed *websocket.CloseError
	if !errors.As(s.err, &closed) || !slices.Contains(codes, closed.Code) {
		s.t.Errorf("the socket of %s ended with %v, want %v", s.account, s.err, codes)
	}
}

// expectEnd waits for session.ended with its reason and then for the close code.
func (s *socket) expectEnd(reason string, code int) {
	s.t.Helper()
	got := heard[struct {
		Reason string `json:"reason"`
	}](s, "session.ended")
	if got.Reason != reason {
		s.t.Errorf("the session ended because of %q, want %q", got.Reason, reason)
	}
	s.expectClose(code)
}
