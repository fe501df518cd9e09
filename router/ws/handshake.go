package ws

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/middleware"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

const (
	subprotocol  = "parlor"
	bearerPrefix = "bearer." // of the subprotocol in which a browser hides its token
)

// Open answers GET /ws: it opens a socket for the bearer of a token. Whatever is wrong is returned before the
// connection is upgraded, so that the client gets it as an answer of HTTP.
func (s *Server) Open(c *gin.Context) error {
	if err := s.o.Sockets.Ready(c); err != nil {
		return err
	}
	ctx, token := c.Request.Context(), tokenOf(c.Request)
	caller, expires, err := s.o.Sessions.Authenticate(ctx, token, c.ClientIP())
	if err != nil {
		return middleware.CountFailure(c, s.o.Failures, err)
	}
	me, err := s.o.Accounts.Me(ctx, caller)
	if err != nil {
		return err
	}
	conn, err := s.o.Sockets.Accept(c, subprotocol)
	if conn == nil {
		return err
	}
	joined := conn.Join(ctx, socket.Login{
		Caller: caller, Expires: expires, Dialect: Native,
		First: hub.Event{Op: define.EventReady, Data: service.ReadyEvent{User: me, Session: caller.Session, ServerTime: time.Now().UnixMilli()}},
		Check: func(ctx context.Context) error {
			_, _, err := s.o.Sessions.Authenticate(ctx, token, caller.IP)
			return err
		},
	})
	if joined {
		conn.Serve(newClient(s, conn).receive)
	}
	return nil
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
