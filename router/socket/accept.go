package socket

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
)

const readBuffer = 1 << 10 // bytes; an idle connection keeps it

// controlBuffers are what the websocket package writes its few control frames with.
var controlBuffers sync.Pool

// Ready says why a request cannot become a socket: it is no handshake, or the server is stopping. It comes before
// anything that costs.
func (s *Server) Ready(c *gin.Context) error {
	if !websocket.IsWebSocketUpgrade(c.Request) {
		return refuse(c, http.StatusBadRequest)
	}
	if s.o.Hub.Stopping() {
		return define.ErrStopping
	}
	return nil
}

// Accept upgrades a request. Where it returns no connection, the error, which may be nil, is what the client must still
// be told over HTTP. Whether the client may is for the caller to ask before. The connection must be given to Serve.
func (s *Server) Accept(c *gin.Context, subprotocols ...string) (conn *Conn, err error) {
	if err := s.Ready(c); err != nil {
		return nil, err
	}
	var refusal error
	upgrader := websocket.Upgrader{
		ReadBufferSize:  readBuffer,
		WriteBufferSize: controlMax,
		WriteBufferPool: &controlBuffers,
		Subprotocols:    subprotocols,
		CheckOrigin:     s.allowed,
		Error: func(_ http.ResponseWriter, _ *http.Request, status int, _ error) {
			refusal = refuse(c, status)
		},
	}
	writer := &hijacker{ResponseWriter: c.Writer, timeout: s.o.WriteTimeout}
	// What the middleware put into the answer is not in this one, which bypasses gin.
	header := http.Header{middleware.HeaderRequestID: {middleware.RequestIDOf(c)}}
	ws, err := upgrader.Upgrade(writer, c.Request, header)
	if err != nil {
		return nil, refusal
	}
	conn = &Conn{
		Language:  middleware.Language(c.GetHeader("Accept-Language")),
		RequestID: middleware.RequestIDOf(c),
		IP:        c.ClientIP(),
		server:    s, ws: ws, wire: writer.wire,
	}
	ws.SetPingHandler(conn.pong)
	ws.SetPongHandler(func(string) error {
		conn.heard()
		return nil
	})
	return conn, nil
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
