// Package instant is the way in for the clients of seed 001: HTTP calls below /user and /friend that answer 200 with a
// code, files below /static/media, the socket /wsconnect whose frames name a function, and the socket /ws/call/ that
// relays WebRTC. It holds no rules: it translates names and shapes to the calls of the services, and events to frames.
// docs/faces.md says where it differs from the system that its clients were written for, and why.
package instant

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
	accounts interface {
		Register(ctx context.Context, ip string, in service.RegisterInput) (service.Login, error)
		Login(ctx context.Context, ip string, in service.LoginInput) (service.Login, error)
		ByAccount(ctx context.Context, account string) (service.User, error)
		Get(ctx context.Context, identity string) (service.User, error)
		Profile(ctx context.Context, c service.Caller, identity string) (service.Profile, error)
		SearchPart(ctx context.Context, c service.Caller, part string, p service.Page) (service.List[service.User], error)
		ChangeAccount(ctx context.Context, c service.Caller, in service.AccountInput) (service.Me, error)
		ChangePassword(ctx context.Context, c service.Caller, in service.PasswordInput) error
		UpdateConfirmed(ctx context.Context, c service.Caller, in service.ConfirmedInput) (service.Me, error)
		SendEmailCode(ctx context.Context, c service.Caller, in service.EmailInput) error
		BindEmail(ctx context.Context, c service.Caller, in service.EmailCodeInput) (service.Me, error)
		CancelSession(ctx context.Context, c service.Caller) error
	}
	sessions interface {
		Authenticate(ctx context.Context, token, ip string) (service.Caller, time.Time, error)
		AuthenticateNumber(ctx context.Context, account string, number int64, ip string) (service.Caller, time.Time, error)
		TakeNumber(ctx context.Context, c service.Caller) (int64, error)
		OpenTrusted(ctx context.Context, user, device, ip string) (service.Login, error)
		Logout(ctx context.Context, c service.Caller) error
	}
	friends interface {
		List(ctx context.Context, c service.Caller, group string, p service.Page) (service.List[service.Friend], error)
		Update(ctx context.Context, c service.Caller, friend string, in service.FriendInput) (service.Friend, error)
		Remove(ctx context.Context, c service.Caller, friend string) error
		Groups(ctx context.Context, c service.Caller, p service.Page) (service.List[service.FriendGroup], error)
		CreateGroup(ctx context.Context, c service.Caller, in service.GroupInput) (service.FriendGroup, error)
		DeleteGroup(ctx context.Context, c service.Caller, name string) error
		Request(ctx context.Context, c service.Caller, in service.FriendRequestInput) (service.FriendRequestResult, error)
		Requests(ctx context.Context, c service.Caller, box string, p service.Page) (service.List[service.FriendRequest], error)
		Accept(ctx context.Context, c service.Caller, identity string) (service.Friend, error)
		Decline(ctx context.Context, c service.Caller, identity string) (service.FriendRequest, error)
	}
	rooms interface {
		ByNumber(ctx context.Context, c service.Caller, number int64) (service.Room, error)
		List(ctx context.Context, c service.Caller, p service.Page) (service.List[service.Room], error)
		Find(ctx context.Context, c service.Caller, number int64) (string, error)
		Places(ctx context.Context, c service.Caller, room string) (service.Places, error)
		Roster(ctx context.Context, c service.Caller, room string) ([]service.Member, error)
		Create(ctx context.Context, c service.Caller, in service.RoomInput) (service.Room, error)
		Dissolve(ctx context.Context, c service.Caller, room string) error
		AddMembers(ctx context.Context, c service.Caller, room string, in service.MembersInput) (service.MembersResult, error)
		RemoveMember(ctx context.Context, c service.Caller, room, user string) error
		SetRole(ctx context.Context, c service.Caller, room, user string, in service.RoleInput) (service.Member, error)
		Transfer(ctx context.Context, c service.Caller, room string, in service.OwnerInput) (service.Room, error)
		Invitations(ctx context.Context, c service.Caller, room string, p service.Page) (service.List[service.Invitation], error)
		Approve(ctx context.Context, c service.Caller, invitation string) (service.Invitation, error)
		Decline(ctx context.Context, c service.Caller, invitation string) (service.Invitation, error)
		Announce(ctx context.Context, c service.Caller, room string, in service.AnnouncementInput) (service.Announcement, error)
		Read(ctx context.Context, c service.Caller, room string, in service.ReadInput) (service.RoomMe, error)
		UpdateMe(ctx context.Context, c service.Caller, room string, in service.RoomMeInput) (service.RoomMe, error)
		UnlockAll(ctx context.Context, c service.Caller, in service.UnlockInput) error
		UnlockAtLogin(ctx context.Context, c service.Caller) error
	}
	messages interface {
		// Submit returns at once and calls done exactly once, from any goroutine.
		Submit(ctx context.Context, c service.Caller, room string, in service.MessageInput, done func(service.Message, bool, error))
		Forward(ctx context.Context, c service.Caller, in service.ForwardInput) (service.ForwardResult, error)
		Get(ctx context.Context, c service.Caller, id int64) (service.Message, error)
		Recall(ctx context.Context, c service.Caller, id int64) (service.Message, error)
		Delete(ctx context.Context, c service.Caller, id int64) error
		Snapshots(ctx context.Context, c service.Caller) ([]service.Snapshot, error)
		Between(ctx context.Context, c service.Caller, room string, after, upTo int64) ([]int64, error)
	}
)

type (
	files interface {
		Upload(ctx context.Context, c service.Caller, name string, r io.Reader) (service.File, error)
		Open(ctx context.Context, c service.Caller, file string) (service.File, io.ReadSeekCloser, error)
	}
	avatars interface {
		SetAvatar(ctx context.Context, c service.Caller, r io.Reader) (service.Me, error)
	}
	calls interface {
		// Each calls done exactly once, before it returns.
		Start(ctx context.Context, c service.Caller, in service.CallStartInput, done func(service.Call, error))
		Accept(ctx context.Context, c service.Caller, in service.CallInput, done func(service.Call, error))
		Decline(ctx context.Context, c service.Caller, in service.CallInput, done func(service.Call, error))
		End(ctx context.Context, c service.Caller, in service.CallInput, done func(service.Call, error))
		Signal(ctx context.Context, c service.Caller, in service.CallSignalInput, done func(service.Call, error))
	}
	speech interface {
		TranscribeFile(ctx context.Context, c service.Caller, file string) (service.Transcription, error)
	}
)

// Options is what a Server works with.
type Options struct {
	Sockets    *socket.Server
	Accounts   accounts
	Sessions   sessions
	Friends    friends
	Rooms      rooms
	Messages   messages
	Hub        *hub.Hub
	Files      files
	Avatars    avatars
	Calls      calls
	Speech     speech
	FileMax    int64 // bytes of one upload
	TrustNames bool  // a socket is whose it says it is
	Log        *slog.Logger
}

// Server answers the clients of seed 001.
type Server struct {
	o       Options
	chat    *chatDialect // the words of /wsconnect
	calls   *callDialect // those of /ws/call/
	offers  offers
	picture []byte // what users without an avatar look like
}

// New returns a server.
func New(o Options) *Server {
	s := &Server{o: o, picture: drawPicture()}
	s.chat, s.calls = &chatDialect{s}, &callDialect{s}
	return s
}

// Routes adds every path of the face. middlewares come before the HTTP calls, not before the sockets.
func (s *Server) Routes(group *gin.RouterGroup, middlewares ...gin.HandlerFunc) {
	group.GET("/wsconnect", middleware.Handle(s.openChat))
	group.GET("/ws/call/", middleware.Handle(s.openCalls))

	for _, method := range []string{http.MethodGet, http.MethodHead} {
		group.Handle(method, mediaPath+"*path", middleware.Transfer(), middleware.Handle(s.media))
	}
	uploads := group.Group("", append([]gin.HandlerFunc{middleware.WriteErrors(writeError), middleware.Transfer()}, middlewares...)...)
	uploads.Any("/user/upload", middleware.Handle(call{http.MethodPost, s.uploadAvatar}.serve))
	uploads.Any("/user/uploadfile", middleware.Handle(call{http.MethodPost, s.uploadFile}.serve))

	calls := group.Group("", append([]gin.HandlerFunc{middleware.WriteErrors(writeError)}, middlewares...)...)
	for path, call := range map[string]call{
		"/user/register":       {http.MethodPost, body(s.register)},
		"/user/login":          {http.MethodPost, body(s.login)},
		"/user/logout":         {http.MethodDelete, body(s.logout)},
		"/user/cancel":         {http.MethodDelete, body(s.cancel)},
		"/user/send_email":     {http.MethodPost, body(s.sendEmail)},
		"/user/email":          {http.MethodPost, body(s.bindEmail)},
		"/user/revise":         {http.MethodPut, body(s.revise)},
		"/user/message":        {http.MethodPost, body(s.message)},
		"/user/audio":          {http.MethodPost, body(s.audio)},
		"/friend/searchuser":   {http.MethodPost, body(s.searchUser)},
		"/friend/checkuser":    {http.MethodPost, body(s.checkUser)},
		"/friend/deletefriend": {http.MethodDelete, body(s.deleteFriend)},
		"/friend/createfgroup": {http.MethodPost, body(s.createFriendGroup)},
		"/friend/addfgroup":    {http.MethodPut, body(s.addToFriendGroup)},
		"/friend/deletefgroup": {http.MethodDelete, body(s.deleteFriendGroup)},
	} {
		calls.Any(path, middleware.Handle(call.serve))
	}
}

// call is what a path answers, with the method that it takes.
type call struct {
	method string
	answer func(*gin.Context) (any, error)
}

// serve writes the answer of a call. Every refusal is an answer, too, and 200: the clients look at its code.
func (k call) serve(c *gin.Context) error {
	if c.Request.Method != k.method {
		return write(c, refused(codeBadMethod, "Bad method"))
	}
	answer, err := k.answer(c)
	if err == nil {
		return write(c, answer)
	}
	refusal, expected := middleware.Refusal(err)
	if !expected || refusal.Code == define.CodeUnavailable {
		return err
	}
	return write(c, refusedBy(c, refusal))
}

func write(c *gin.Context, answer any) error {
	c.Header("X-Frame-Options", "SAMEORIGIN") // the clients post their forms into a frame
	c.PureJSON(http.StatusOK, answer)
	return nil
}

// writeError writes what went wrong on our side, and what the middleware refuses.
func writeError(c *gin.Context, _ error, refusal *define.Error) {
	status := http.StatusOK
	if refusal.Status >= http.StatusInternalServerError {
		status = refusal.Status
	}
	c.PureJSON(status, refusedBy(c, refusal))
}
