// Package classic is the way in for the clients of seed 002: accounts, friends by account, one socket that carries
// {message, room_identity}. It translates, and holds no rules; docs/faces.md says where it differs from the original.
package classic

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/middleware"
	"parlor/router/socket"
	"parlor/service"
)

type (
	sessions interface {
		Authenticate(ctx context.Context, token, ip string) (service.Caller, time.Time, error)
	}
	accounts interface {
		Create(ctx context.Context, ip string, in service.CreateInput) (service.Me, error)
		Login(ctx context.Context, ip string, in service.LoginInput) (service.Login, error)
		Me(ctx context.Context, c service.Caller) (service.Me, error)
	}
	friends interface {
		Connect(ctx context.Context, c service.Caller, in service.ConnectInput) (service.Connection, error)
		Remove(ctx context.Context, c service.Caller, friend string) error
	}
	messages interface {
		Send(ctx context.Context, c service.Caller, room string, in service.MessageInput) (service.Message, bool, error)
		Latest(ctx context.Context, c service.Caller, room string, p service.Part) ([]service.Message, int64, error)
	}
)

// Options is what a Face works with.
type Options struct {
	Sessions sessions
	Accounts accounts
	Friends  friends
	Messages messages
	Sockets  *socket.Server
	Rates    middleware.Limiter // how much one user, or one address without a session, may ask
	Log      *slog.Logger
}

// Face answers the clients of seed 002.
type Face struct{ o Options }

// New returns a face.
func New(o Options) *Face { return &Face{o} }

// Mount adds the routes of the face, with and without a slash at their end. It knows one method for each.
func (f *Face) Mount(engine *gin.Engine) {
	limit := middleware.RateLimit(f.o.Rates)
	group := engine.Group("", middleware.WriteErrors(writeError), middleware.Body(define.BodyMax))
	add := func(method, path string, handlers ...gin.HandlerFunc) {
		chain := append([]gin.HandlerFunc{only(method)}, handlers...)
		group.Any(path, chain...)
		group.Any(path+"/", chain...)
	}
	anyone := func(method, path string, handler func(*gin.Context) error) {
		add(method, path, limit, middleware.Handle(handler))
	}
	user := func(method, path string, handler func(*gin.Context) error) {
		add(method, path, f.session, limit, middleware.Handle(handler))
	}
	anyone(http.MethodPost, "/register", f.register)
	anyone(http.MethodPost, "/login", f.login)
	user(http.MethodGet, "/user/info", f.info)
	user(http.MethodPost, "/user/add", f.addFriend)
	user(http.MethodDelete, "/user/delete", f.deleteFriend)
	user(http.MethodGet, "/chat/list", f.history)
	add(http.MethodGet, "/websocket/message", limit, middleware.Handle(f.open)) // asks for the token itself: browsers can't set headers here
}

// only refuses other methods.
func only(method string) gin.HandlerFunc {
	return middleware.Handle(func(c *gin.Context) error {
		if c.Request.Method == method {
			return nil
		}
		c.Header("Allow", method)
		return define.ErrMethod
	})
}

// session lets only those pass who show the token of a session.
func (f *Face) session(c *gin.Context) {
	middleware.Handle(func(c *gin.Context) error {
		_, err := middleware.Authenticate(c, f.o.Sessions, f.o.Rates, tokenOf(c.Request))
		return err
	})(c)
}

// tokenOf returns the token of a request, with the word Bearer before it or without.
func tokenOf(r *http.Request) string {
	return strings.TrimSpace(strings.Replace(r.Header.Get("Authorization"), "Bearer ", "", 1))
}
