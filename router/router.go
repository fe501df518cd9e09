// Package router shows every way in and who may take it.
package router

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/router/api"
	"parlor/router/ops"
	"parlor/router/socket"
	"parlor/router/ws"
	"parlor/service"
)

// Deps is what the routes lead to.
type Deps struct {
	Config   define.Config
	Services *service.Services
	Sockets  *socket.Server
	Log      *slog.Logger
}

// New returns the handler of everything that the server answers.
func New(d Deps) (http.Handler, error) {
	engine, err := newEngine(d)
	if err != nil {
		return nil, err
	}
	var (
		accounts      = api.Accounts{Service: d.Services.Accounts}
		sessions      = api.Sessions{Service: d.Services.Sessions}
		friends       = api.Friends{Service: d.Services.Friends}
		groups        = api.FriendGroups{Service: d.Services.Friends}
		blocks        = api.Blocks{Service: d.Services.Friends}
		rooms         = api.Rooms{Service: d.Services.Rooms}
		members       = api.Members{Service: d.Services.Rooms}
		messages      = api.Messages{Service: d.Services.Messages}
		files         = api.Files{Service: d.Services.Files, Limit: int64(d.Config.Files.MaxSize)}
		avatars       = api.Avatars{Service: d.Services.Accounts, Limit: int64(d.Config.Files.MaxSize)}
		notifications = api.Notifications{Service: d.Services.Notifications}
		words         = api.Words{Service: d.Services.Words}
		calls         = api.Calls{Service: d.Services.Calls}
		rates         = helper.NewRates(requestsPerSecond, requestsAtOnce, d.Config.Limits.Factor)
		native        = ws.New(ws.Options{
			Sockets: d.Sockets, Sessions: d.Services.Sessions, Accounts: d.Services.Accounts, Rooms: d.Services.Rooms,
			Messages: d.Services.Messages, Presence: d.Services.Presence, Calls: d.Services.Calls, Failures: rates, Log: d.Log,
		})
	)

	engine.GET("/healthz", middleware.Handle(ops.Health))
	engine.HEAD("/healthz", middleware.Handle(ops.Health))
	engine.GET("/ws", middleware.Handle(native.Open)) // asks for the token itself: browsers can't set headers here

	v1 := engine.Group("/api/v1")
	limit, body := middleware.RateLimit(rates), middleware.JSONBody(define.BodyMax)

	anyone := routes{v1.Group("", limit, body)}
	anyone.add("POST", "/register", accounts.Register)
	anyone.add("POST", "/login", accounts.Login)
	anyone.add("POST", "/password/code", accounts.SendPasswordCode)
	anyone.add("POST", "/password/reset", accounts.ResetPassword)

	user := routes{v1.Group("", middleware.Session(d.Services.Sessions, rates), limit, body)}
	user.add("POST", "/token", sessions.Renew)
	user.add("POST", "/logout", sessions.Logout)
	user.add("GET", "/sessions", sessions.List)
	user.add("DELETE", "/sessions", sessions.EndOthers)
	user.add("DELETE", "/sessions/:session", sessions.End)

	user.add("GET", "/users/me", accounts.Me)
	user.add("PATCH", "/users/me", accounts.Update)
	user.add("DELETE", "/users/me", accounts.Cancel)
	user.add("PUT", "/users/me/account", accounts.ChangeAccount)
	user.add("PUT", "/users/me/password", accounts.ChangePassword)
	user.add("POST", "/users/me/email/code", accounts.SendEmailCode)
	user.add("PUT", "/users/me/email", accounts.BindEmail)
	user.add("GET", "/users", accounts.Search)
	user.add("GET", "/users/:user", accounts.Profile)

	user.add("GET", "/friends", friends.List)
	user.add("PATCH", "/friends/:user", friends.Update)
	user.add("DELETE", "/friends/:user", friends.Remove)
	user.add("GET", "/friends/requests", friends.Requests)
	user.add("POST", "/friends/requests", friends.Request)
	user.add("POST", "/friends/requests/:request/accept", friends.Accept)
	user.add("POST", "/friends/requests/:request/decline", friends.Decline)
	user.add("GET", "/friends/groups", groups.List)
	user.add("POST", "/friends/groups", groups.Create)
	user.add("PATCH", "/friends/groups/:name", groups.Rename)
	user.add("DELETE", "/friends/groups/:name", groups.Delete)
	user.add("GET", "/blocks", blocks.List)
	user.add("PUT", "/blocks/:user", blocks.Add)
	user.add("DELETE", "/blocks/:user", blocks.Remove)

	user.add("GET", "/rooms", rooms.List)
	user.add("POST", "/rooms", rooms.Create)
	user.add("GET", "/rooms/:room", rooms.Get)
	user.add("PATCH", "/rooms/:room", rooms.Update)    // owner and admins
	user.add("DELETE", "/rooms/:room", rooms.Dissolve) // the owner
	user.add("PATCH", "/rooms/:room/me", rooms.UpdateMe)
	user.add("POST", "/rooms/:room/unlock", rooms.Unlock)
	user.add("GET", "/rooms/:room/announcements", rooms.Announcements)
	user.add("POST", "/rooms/:room/announcements", rooms.Announce)                   // owner and admins
	user.add("DELETE", "/rooms/:room/announcements/:announcement", rooms.Unannounce) // owner and admins
	user.add("POST", "/rooms/join", members.Join)
	user.add("GET", "/rooms/:room/members", members.List)
	user.add("POST", "/rooms/:room/members", members.Add)
	user.add("DELETE", "/rooms/:room/members/:user", members.Remove)       // owner, admins over members, oneself
	user.add("PUT", "/rooms/:room/members/:user/role", members.SetRole)    // the owner
	user.add("PUT", "/rooms/:room/members/:user/silence", members.Silence) // owner, admins over members
	user.add("PUT", "/rooms/:room/owner", members.Transfer)                // the owner
	user.add("GET", "/rooms/:room/invitations", members.Invitations)       // owner and admins
	user.add("GET", "/invitations", members.Awaiting)
	user.add("POST", "/invitations/:invitation/approve", members.Approve) // owner and admins, or the invitee
	user.add("POST", "/invitations/:invitation/decline", members.Decline) // owner and admins, or the invitee
	user.add("POST", "/rooms/:room/read", rooms.Read)
	user.add("GET", "/rooms/:room/messages", messages.History)
	user.add("POST", "/rooms/:room/messages", messages.Send)
	user.add("DELETE", "/rooms/:room/messages", messages.Clear) // for the caller alone
	user.add("POST", "/messages/forward", messages.Forward)
	user.add("GET", "/messages/:message", messages.Get)
	user.add("PATCH", "/messages/:message", messages.Edit)    // its sender
	user.add("DELETE", "/messages/:message", messages.Delete) // for the caller alone
	user.add("POST", "/messages/:message/recall", messages.Recall)
	user.add("GET", "/messages/:message/readers", messages.Readers)
	user.add("PUT", "/messages/:message/reactions/:emoji", messages.React)
	user.add("DELETE", "/messages/:message/reactions/:emoji", messages.Unreact)

	user.add("GET", "/search/messages", messages.Search)

	hearing := routes{user.group.Group("", middleware.Patience(2*d.Config.Speech.Timeout))} // until its turn, and in it
	hearing.add("POST", "/messages/:message/transcription", words.Transcribe)
	translating := routes{user.group.Group("", middleware.Patience(2*d.Config.Translation.Timeout))}
	translating.add("POST", "/messages/:message/translation", words.TranslateMessage)
	translating.add("POST", "/translations", words.Translate)

	uploads := routes{v1.Group("", middleware.Transfer(), middleware.Session(d.Services.Sessions, rates), limit)}
	uploads.add("POST", "/files", files.Upload)
	uploads.add("PUT", "/users/me/avatar", avatars.Set)

	downloads := routes{v1.Group("", middleware.Transfer(), middleware.SessionInQuery(d.Services.Sessions, rates), limit)}
	for _, method := range []string{"GET", "HEAD"} { // its owner, members where it was sent; an avatar everybody
		downloads.add(method, "/files/:file", files.Get)
		downloads.add(method, "/files/:file/thumb", files.Thumb)
	}
	user.add("GET", "/calls/ice", calls.ICE)

	user.add("GET", "/notifications", notifications.List)
	user.add("POST", "/notifications/read", notifications.Read)

	addFaces(engine, d, rates, limit)
	return engine, nil
}

// How much one user, or one address without a session, may ask. A client that opens makes some dozens of requests at once.
const (
	requestsPerSecond = 100
	requestsAtOnce    = 500
)

// routes is a group of routes that the same callers may take.
type routes struct{ group *gin.RouterGroup }

func (r routes) add(method, path string, handler func(*gin.Context) error) {
	r.group.Handle(method, path, middleware.Handle(handler))
}

// newEngine returns an engine with what every request passes.
func newEngine(d Deps) (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.RedirectTrailingSlash = false
	engine.HandleMethodNotAllowed = true
	// Matched as it was sent, and unescaped by the handlers: a slash inside a name is part of the name, and a plus is a plus.
	engine.UseEscapedPath = true
	engine.UnescapePathValues = false
	if err := engine.SetTrustedProxies(d.Config.TrustedProxies); err != nil {
		return nil, fmt.Errorf("trusted_proxies: %w", err)
	}
	engine.Use(
		middleware.RequestID(),
		middleware.Linger(),
		middleware.AccessLog(d.Log, "/healthz"),
		middleware.Errors(d.Log),
		middleware.Recovery(),
		middleware.CORS(d.Config.CORS.Origins),
	)
	engine.NoRoute(middleware.Handle(middleware.NoRoute))
	engine.NoMethod(middleware.Handle(middleware.NoMethod))
	return engine, nil
}
