package cotalk

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/router/socket"
	"parlor/service/hub"
)

// open answers /ws/main/{user_id}/{token} with a socket over which the server talks and the client does not. A user may
// have several at once: the page opens a new one before it has closed the one before.
func (f *Face) open(c *gin.Context) error {
	if err := f.o.Sockets.Ready(c); err != nil {
		return err
	}
	ctx, token := c.Request.Context(), bare(c.Param("token"))
	caller, expires, err := f.o.Sessions.Authenticate(ctx, token, c.ClientIP())
	if errors.Is(err, define.ErrUnauthenticated) || errors.Is(err, define.ErrSessionEnded) {
		return errSocket
	}
	if err != nil {
		return err
	}
	user, err := f.o.Accounts.Get(ctx, caller.User)
	if err != nil {
		return err
	}
	if c.Param("user") != strconv.FormatInt(user.Number, 10) {
		return errSocket
	}
	conn, err := f.o.Sockets.Accept(c)
	if conn == nil {
		return err
	}
	check := func(ctx context.Context) error {
		_, _, err := f.o.Sessions.Authenticate(ctx, token, caller.IP)
		return err
	}
	if conn.Join(ctx, socket.Login{Caller: caller, Expires: expires, Dialect: f.dialect, First: hub.Event{Op: define.EventReady}, Check: check}) {
		conn.Serve(func(int, []byte) { conn.Pace() }) // what clients say means nothing
	}
	return nil
}

// bare is a token as our own sessions know it: the original pads its tokens.
func bare(token string) string { return strings.ReplaceAll(token, "=", "") }
