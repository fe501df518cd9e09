// Package usersig is the way in for the clients of seed 003: a business server opens users and has signatures for them,
// and they talk in sessions of two or more. It translates, and holds no rules; docs/faces.md says where it differs from
// the original.
package usersig

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/middleware"
	"parlor/router/socket"
	"parlor/service"
	"parlor/service/hub"
)

type (
	sessions interface {
		Authenticate(ctx context.Context, token, ip string) (service.Caller, time.Time, error)
		OpenTrusted(ctx context.Context, user, device, ip string) (service.Login, error)
		Sign(ctx context.Context, c service.Caller, ttl time.Duration, more map[string]any) (service.Token, error)
	}
	accounts interface {
		Create(ctx context.Context, ip string, in service.CreateInput) (service.Me, error)
		Me(ctx context.Context, c service.Caller) (service.Me, error)
		UpdatePerson(ctx context.Context, c service.Caller, in service.PersonInput) (service.Me, error)
		Get(ctx context.Context, identity string) (service.User, error)
		ByAccount(ctx context.Context, account string) (service.User, error)
		Vouched(ctx context.Context, identity string) (bool, error)
	}
	friends interface {
		Connect(ctx context.Context, c service.Caller, in service.ConnectInput) (service.Connection, error)
	}
	rooms interface {
		Create(ctx context.Context, c service.Caller, in service.RoomInput) (service.Room, error)
		Find(ctx context.Context, c service.Caller, number int64) (string, error)
		Get(ctx context.Context, c service.Caller, room string) (service.Room, error)
		At(m service.Message) *service.RoomAt
		GetRecent(ctx context.Context, c service.Caller, room string) (service.RecentRoom, error)
		Recent(ctx context.Context, c service.Caller, p service.Part) ([]service.RecentRoom, int, error)
		Read(ctx context.Context, c service.Caller, room string, in service.ReadInput) (service.RoomMe, error)
	}
	files interface {
		Upload(ctx context.Context, c service.Caller, name string, r io.Reader) (service.File, error)
		Keep(ctx context.Context, c service.Caller, file string) error
		Grant(file string, reader int64) service.FileGrant
		OpenGranted(ctx context.Context, g service.FileGrant) (service.File, io.ReadSeekCloser, error)
	}
	messages interface {
		Send(ctx context.Context, c service.Caller, room string, in service.MessageInput) (service.Message, bool, error)
		Latest(ctx context.Context, c service.Caller, room string, p service.Part) ([]service.Message, int64, error)
	}
)

// Options is what a Face works with.
type Options struct {
	Config   define.UsersigConfig
	Sessions sessions
	Accounts accounts
	Friends  friends
	Rooms    rooms
	Messages messages
	Files    files
	FileMax  int64 // bytes of an upload
	Sockets  *socket.Server
	Rates    middleware.Limiter // how much one user, or one address without a session, may ask
	Log      *slog.Logger
}

// Face answers the clients of seed 003.
type Face struct {
	o       Options
	dialect hub.Dialect
}

// New returns a face.
func New(o Options) *Face {
	words := running
	if o.Config.Protocol == "document" {
		words = document
	}
	f := &Face{o: o}
	f.dialect = &dialect{words: words, face: f}
	return f
}

// Mount adds the routes of the face, with and without a slash at their end. It knows one method for each.
func (f *Face) Mount(engine *gin.Engine) {
	limit := middleware.RateLimit(f.o.Rates)
	group := engine.Group("", middleware.WriteErrors(writeError))
	add := func(method, path string, handlers ...gin.HandlerFunc) {
		chain := append([]gin.HandlerFunc{only(method)}, handlers...)
		group.Any(path, chain...)
		group.Any(path+"/", chain...)
	}
	body := middleware.Body(define.BodyMax)
	anyone := func(method, path string, handler func(*gin.Context) error) {
		add(method, path, limit, body, middleware.Handle(handler))
	}
	user := func(method, path string, handler func(*gin.Context) error) {
		add(method, path, middleware.Handle(f.session), limit, body, middleware.Handle(handler))
	}
	anyone(http.MethodPost, "/chat/create-chat-user", f.createUser)
	anyone(http.MethodPost, "/chat/get-user-sig", f.sign)
	user(http.MethodGet, "/chat/chat-user-info", f.showUser)
	user(http.MethodPost, "/chat/change-chat-user-info", f.changeUser)
	user(http.MethodPost, "/chat/create-session", f.createSession)
	user(http.MethodGet, "/chat/session-info", f.listSessions)
	user(http.MethodGet, "/chat/chat-log-info", f.listLogs)
	user(http.MethodPost, "/chat/single-chat-mark-as-read", f.markAsRead)
	add(http.MethodPost, "/file/upload-chat-file", middleware.Transfer(), middleware.Handle(f.session), limit, middleware.Handle(f.upload))
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		group.Handle(method, mediaPath+":file/:reader/:proof/:name", middleware.Transfer(), limit, middleware.WriteErrors(refuseMedia), middleware.Handle(f.download))
	}
	add(http.MethodGet, "/ws/chat/:user_id/:user_sig", limit, middleware.WriteErrors(refuseHandshake), middleware.Handle(f.open))
}

// only refuses other methods: 405 without a body. What may be got may be asked for its head alone.
func only(method string) gin.HandlerFunc {
	allowed := method + ", OPTIONS"
	if method == http.MethodGet {
		allowed = "GET, HEAD, OPTIONS"
	}
	return func(c *gin.Context) {
		switch c.Request.Method {
		case method:
			return
		case http.MethodHead:
			if method == http.MethodGet {
				return
			}
		case http.MethodOptions:
			c.Header("Allow", allowed)
			c.AbortWithStatus(http.StatusOK)
			return
		}
		c.Header("Allow", allowed)
		c.AbortWithStatus(http.StatusMethodNotAllowed)
	}
}

// session lets only those pass who show a signature.
func (f *Face) session(c *gin.Context) error {
	_, err := middleware.Authenticate(c, f.o.Sessions, f.o.Rates, c.GetHeader("Authorization"))
	return err
}
