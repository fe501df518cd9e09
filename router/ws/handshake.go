package ws

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/middleware"
	"parlor/service"
	"parlor/service/hub"
)

const (
	subprotocol  = "parlor"
	bearerPrefix = "bearer." // of the subprotocol in which a browser hides its token
	readBuffer   = 1 << 10   // bytes; an idle connection keeps it
	controlMax   = 125       // bytes of a control frame's payload: RFC 6455, 5.5
)

// controlBuffers are what the websocket package writes its few control frames with.
var controlBuffers sync.Pool

// Open answers GET /ws: it opens a socket for the bearer of a token. Whatever is wrong is returned before the
// connection is upgraded, so that the client gets it as an answer of HTTP.
func (s *Server) Open(c *gin.Context) error {
	if !websocket.IsWebSocketUpgrade(c.Request) {
		return refuse(c, http.StatusBadRequest)
	}
	if s.o.Hub.Stopping() {
		return define.ErrStopping
	}
	ctx, token := c.Request.Context(), tokenOf(c.Request)
	caller, expires, err := s.o.Sessions.Authenticate(ctx, token, c.ClientIP())
	if err != nil {
		return err
	}
	me, err := s.o.Accounts.Me(ctx, caller)
	if err != nil {
		return err
	}
	sock, err := s.upgrade(c)
	if sock == nil {
		return err
	}
	sock.caller = caller
	sock.language = middleware.Language(c.GetHeader("Accept-Language"))
	sock.requestID = middleware.RequestIDOf(c)
	if !s.connect(sock, expires, me) {
		return nil
	}
	// In a goroutine of its own, which is small: the stack and the buffers of the HTTP server go when Open returns.
	s.open.Go(sock.read)

	// The session may have ended between the first look and the moment from which the hub would have closed the socket.
	_, _, err = s.o.Sessions.Authenticate(ctx, token, caller.IP)
	if refusal, _ := middleware.Refusal(err); err != nil && refusal.Code == define.CodeUnauthenticated {
		sock.conn.Push(hub.Event{Op: define.EventSessionEnded, Data: service.SessionEndedEvent{Reason: define.EndedRevoked}})
		sock.conn.Close(hub.CloseReason{Code: define.CloseSessionEnded, Text: "the session has ended"})
	}
	return nil
}

// upgrade returns a socket, or nil where there is none; err is then what the client must still be told.
func (s *Server) upgrade(c *gin.Context) (sock *socket, err error) {
	var refusal error
	upgrader := websocket.Upgrader{
		ReadBufferSize:  readBuffer,
		WriteBufferSize: controlMax,
		WriteBufferPool: &controlBuffers,
		Subprotocols:    []string{subprotocol},
		CheckOrigin:     s.allowed,
		Error: func(_ http.ResponseWriter, _ *http.Request, status int, _ error) {
			refusal = refuse(c, status)
		},
	}
	writer := &hijacker{ResponseWriter: c.Writer, timeout: s.o.WriteTimeout}
	// What the middleware put into the answer is not in this one, which bypasses gin.
	header := http.Header{middleware.HeaderRequestID: {middleware.RequestIDOf(c)}}
	conn, err := upgrader.Upgrade(writer, c.Request, header)
	if err != nil {
		return nil, refusal
	}
	return newSocket(s, conn, writer.wire), nil
}

// connect makes a socket known to the hub and reports whether it could.
func (s *Server) connect(sock *socket, expires time.Time, me service.Me) bool {
	conn, err := s.o.Hub.Connect(
		hub.Client{
			User: sock.caller.User, Session: sock.caller.Session, Expires: expires, Dialect: Native, Sink: sock, Unlocked: sock.caller.Unlocked,
		},
		hub.Event{Op: define.EventReady, Data: service.ReadyEvent{User: me, Session: sock.caller.Session, ServerTime: time.Now().UnixMilli()}},
	)
	if err != nil {
		if !errors.Is(err, hub.ErrStopping) {
			s.o.Log.Error("a socket could not be opened", "request_id", sock.requestID, "error", err)
		}
		sock.Close(hub.CloseReason{Code: define.CloseGoingAway, Text: "the server is going away: reconnect"})
		sock.Abort()
		return false
	}
	sock.conn, sock.caller.Conn = conn, conn
	s.replaceOldest(conn)
	return true
}

// replaceOldest keeps a session at define.SocketsPerLogin sockets.
func (s *Server) replaceOldest(newest *hub.Conn) {
	var same []*hub.Conn
	for _, c := range s.o.Hub.Conns(newest.User()) {
		if c.Session() == newest.Session() {
			same = append(same, c)
		}
	}
	for _, c := range same[:max(0, len(same)-define.SocketsPerLogin)] {
		c.Close(hub.CloseReason{Code: define.CloseReplaced, Text: "too many sockets of this session"})
	}
}

// refuse translates a status of the websocket package.
func refuse(c *gin.Context, status int) error {
	switch status {
	case http.StatusForbidden:
		return define.ErrForbidden
	case http.StatusInternalServerError:
		return errors.New("the connection could not be taken over")
	}
	c.Header("Sec-WebSocket-Version", "13")
	return define.Invalid("Upgrade", "must be a WebSocket handshake (RFC 6455)", "必须是 WebSocket 握手请求（RFC 6455）")
}

// allowed reports whether the page that connects may. Programs that are not browsers send no Origin.
func (s *Server) allowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(s.o.Origins, "*") || slices.Contains(s.o.Origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

// tokenOf returns the token that a handshake carries, in whichever of the three places; empty without one.
func tokenOf(r *http.Request) string {
	if token, ok := middleware.BearerToken(r.Header.Get("Authorization")); ok {
		return token
	}
	for _, protocol := range websocket.Subprotocols(r) {
		if token, ok := strings.CutPrefix(protocol, bearerPrefix); ok {
			return token
		}
	}
	return r.URL.Query().Get("token")
}

// hijacker hands the connection over wrapped, so that everything is written through the wire.
type hijacker struct {
	http.ResponseWriter
	timeout time.Duration
	wire    *wire
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.wire = &wire{Conn: conn, timeout: h.timeout}
	return h.wire, buffered, nil
}
