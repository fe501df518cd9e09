package ws

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/middleware"
	"parlor/service"
	"parlor/service/hub"
)

// unansweredMax is how many requests of one socket may be under way. A client that sends more is read from again when
// one of them has its answer.
const unansweredMax = 256

// socket is one open connection. One goroutine reads from it; the hub writes to it through the methods of hub.Sink.
type socket struct {
	server     *Server
	ws         *websocket.Conn // for reading
	wire       *wire           // for writing
	conn       *hub.Conn
	caller     service.Caller
	language   string
	requestID  string        // of the handshake
	unanswered chan struct{} // holds one for each request without its answer
	broken     int           // frames in a row
	closing    atomic.Bool   // a close frame was sent: the client has CloseTimeout
}

func newSocket(s *Server, conn *websocket.Conn, w *wire) *socket {
	sock := &socket{server: s, ws: conn, wire: w, unanswered: make(chan struct{}, unansweredMax)}
	conn.SetPingHandler(sock.pong)
	conn.SetPongHandler(func(string) error {
		sock.heard()
		return nil
	})
	return sock
}

// Write implements hub.Sink.
func (s *socket) Write(frames []hub.Frame) error { return s.wire.gather(frames) }

// Flush implements hub.Sink.
func (s *socket) Flush() error { return s.wire.flush() }

// Close implements hub.Sink: it sends a close frame. The connection is closed once the client has answered, since
// closing it earlier could reset it before the client has read why.
func (s *socket) Close(reason hub.CloseReason) {
	if s.wire.last(closeFrame(reason)) != nil {
		s.Abort()
		return
	}
	s.closing.Store(true)
	s.readUntil(s.server.o.CloseTimeout)
}

// Abort implements hub.Sink.
func (s *socket) Abort() { _ = s.wire.Close() }

func (s *socket) readUntil(d time.Duration) {
	_ = s.wire.SetReadDeadline(time.Now().Add(d)) // fails where reading will
}

// heard gives the client another while, since it has shown that it is there. A close frame that was sent meanwhile
// goes before.
func (s *socket) heard() {
	s.readUntil(s.server.o.Silence)
	if s.closing.Load() {
		s.readUntil(s.server.o.CloseTimeout)
	}
}

func (s *socket) pong(payload string) error {
	s.heard()
	_, err := s.wire.Write(control(websocket.PongMessage, []byte(payload)))
	return err
}

// read serves what the client sends until the connection ends.
func (s *socket) read() {
	defer s.conn.Drop()
	for {
		s.heard()
		kind, message, err := s.ws.NextReader()
		if err != nil {
			s.leave(err)
			return
		}
		if s.conn.Open() {
			s.receive(kind, message)
		}
	}
}

// leave gives a client that is still there the time to read why its connection ends.
func (s *socket) leave(err error) {
	if ended := (*websocket.CloseError)(nil); errors.As(err, &ended) {
		return // said by the client, or its connection is gone
	}
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		if !s.conn.Open() {
			return
		}
		s.conn.Close(hub.CloseReason{Code: define.CloseTooSlow, Text: "silent for too long: reconnect and sync"})
	}
	// Otherwise the protocol was broken, and the websocket package has sent a close frame.
	s.readUntil(s.server.o.CloseTimeout)
	_, _ = io.Copy(io.Discard, s.wire.Conn)
}

// frameBuffers hold what is being read.
var frameBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// receive reads one frame and sees that it is answered.
func (s *socket) receive(kind int, message io.Reader) {
	buffer := frameBuffers.Get().(*bytes.Buffer)
	defer func() {
		buffer.Reset()
		frameBuffers.Put(buffer)
	}()
	if _, err := buffer.ReadFrom(io.LimitReader(message, define.FrameMax+1)); err != nil {
		return // the next read meets it again
	}
	if buffer.Len() > define.FrameMax {
		s.conn.Close(hub.CloseReason{Code: websocket.CloseMessageTooBig, Text: "a frame holds at most " + strconv.Itoa(define.FrameMax) + " bytes"})
		return
	}
	s.unanswered <- struct{}{}
	r, broken, err := parse(buffer.Bytes())
	if kind != websocket.TextMessage {
		r, broken, err = request{}, true, define.ErrMalformed
	}
	a := &answer{socket: s, id: r.ID, op: r.Op}
	switch ok, wait := s.server.frames.Allow(s.caller.User, time.Now()); {
	case !ok:
		a.give(nil, define.ErrRateLimited.After(wait))
	case err != nil:
		a.give(nil, err)
	default:
		s.server.handle(s, r, a)
	}
	s.count(broken)
}

// count closes the socket of a client that does not speak the protocol.
func (s *socket) count(broken bool) {
	if !broken {
		s.broken = 0
		return
	}
	s.broken++
	if s.broken == define.BrokenFramesMax {
		s.conn.Close(hub.CloseReason{Code: define.CloseProtocol, Text: "too many broken frames"})
	}
}

// answer is what a request still has to get, exactly once.
type answer struct {
	socket *socket
	id, op string
	given  atomic.Bool
}

// give answers with data, or with err where it is not nil. Only the first call counts. It does not block.
func (a *answer) give(data any, err error) {
	if a.given.Swap(true) {
		return
	}
	s := a.socket
	defer func() { <-s.unanswered }()
	var f frame
	if err == nil {
		f, err = encode(success{ID: a.id, Op: define.OpOK, Data: shown(data)})
	}
	if err != nil {
		f, err = encode(failure{ID: a.id, Op: define.OpError, Error: s.errorBody(a.op, err)})
	}
	if err != nil { // cannot be: the body of an error is nothing but strings
		s.log(a.op, err)
		return
	}
	s.conn.Send(f)
}

// errorBody puts an error into the client's language. What is our fault is logged here and nowhere else.
func (s *socket) errorBody(op string, err error) middleware.ErrorBody {
	refusal, expected := middleware.Refusal(err)
	if !expected {
		s.log(op, err)
	}
	body := middleware.NewErrorBody(refusal, s.language, s.requestID)
	if refusal.RetryAfter > 0 { // REST says it in a header
		seconds := strconv.FormatInt(int64((refusal.RetryAfter+time.Second-1)/time.Second), 10)
		after := define.Text{En: " Retry after " + seconds + " s.", Zh: "请在 " + seconds + " 秒后重试。"}
		body.Message += after.In(s.language)
	}
	return body
}

func (s *socket) log(op string, err error) {
	s.server.o.Log.Error("a request over a socket failed",
		"op", op, "error", err, "user", s.caller.User, "session", s.caller.Session, "request_id", s.requestID)
}
