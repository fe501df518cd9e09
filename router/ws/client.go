package ws

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/middleware"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

// unansweredMax is how many requests of one socket may be under way. A client that sends more is read from again when
// one of them has its answer.
const unansweredMax = 256

// client is who is at the other end of a socket.
type client struct {
	server     *Server
	conn       *socket.Conn
	caller     service.Caller
	unanswered chan struct{} // holds one for each request without its answer
	broken     int           // frames in a row
}

func newClient(s *Server, conn *socket.Conn) *client {
	return &client{server: s, conn: conn, caller: conn.Caller(), unanswered: make(chan struct{}, unansweredMax)}
}

// receive sees that one frame is answered.
func (c *client) receive(kind int, frame []byte) {
	c.unanswered <- struct{}{}
	r, broken, err := parse(frame)
	if kind != websocket.TextMessage {
		r, broken, err = request{}, true, define.ErrMalformed
	}
	a := &answer{client: c, id: r.ID, op: r.Op}
	switch ok, wait := c.conn.Allow(); {
	case !ok:
		a.give(nil, define.ErrRateLimited.After(wait))
	case err != nil:
		a.give(nil, err)
	default:
		c.server.handle(c, r, a)
	}
	c.count(broken)
}

// count closes the socket of a client that does not speak the protocol.
func (c *client) count(broken bool) {
	if !broken {
		c.broken = 0
		return
	}
	c.broken++
	if c.broken == define.BrokenFramesMax {
		c.conn.Close(hub.CloseReason{Code: define.CloseProtocol, Text: "too many broken frames"})
	}
}

// answer is what a request still has to get, exactly once.
type answer struct {
	client *client
	id, op string
	given  atomic.Bool
}

// give answers with data, or with err where it is not nil. Only the first call counts. It does not block.
func (a *answer) give(data any, err error) {
	if a.given.Swap(true) {
		return
	}
	c := a.client
	defer func() { <-c.unanswered }()
	var f socket.Frame
	if err == nil {
		f, err = socket.Text(success{ID: a.id, Op: define.OpOK, Data: shown(data)})
	}
	if err != nil {
		f, err = socket.Text(failure{ID: a.id, Op: define.OpError, Error: c.errorBody(a.op, err)})
	}
	if err != nil { // cannot be: the body of an error is nothing but strings
		c.log(a.op, err)
		return
	}
	c.conn.Send(f)
}

// errorBody puts an error into the client's language. What is our fault is logged here and nowhere else.
func (c *client) errorBody(op string, err error) middleware.ErrorBody {
	refusal, expected := middleware.Refusal(err)
	if !expected {
		c.log(op, err)
	}
	body := middleware.NewErrorBody(refusal, c.conn.Language, c.conn.RequestID)
	if refusal.RetryAfter > 0 { // REST says it in a header
		seconds := strconv.FormatInt(int64((refusal.RetryAfter+time.Second-1)/time.Second), 10)
		after := define.Text{En: " Retry after " + seconds + " s.", Zh: "请在 " + seconds + " 秒后重试。"}
		body.Message += after.In(c.conn.Language)
	}
	return body
}

func (c *client) log(op string, err error) {
	c.server.o.Log.Error("a request over a socket failed",
		"op", op, "error", err, "user", c.caller.User, "session", c.caller.Session, "request_id", c.conn.RequestID)
}
