// Package cotalk is the way in for the clients of seed 000 (CoTalk): its paths, its names, and a socket that only pushes.
// What its clients rely on stands in docs/faces.md.
//
// Its ids are numbers: user.number, room.number, and the identities of messages and notifications. Whose number stands in
// a request must prove that it is his, with the token that his login gave him.
package cotalk

import (
	"context"
	"io"
	"time"

	"parlor/middleware"
	"parlor/router/socket"
	"parlor/service"
)

// Device is the name under which every login of this face stands among a user's sessions. A device has one session, so a
// new login ends the one before, as seed 000 has it.
const Device = "cotalk"

// What the seed allows.
const (
	passwordMin    = 6 // the seed's own is 1
	passwordMax    = 50
	nameMax        = 50
	emailMax       = 100
	phoneMax       = 32 // the core's; the seed's is 100
	descriptionMax = 100
	textMax        = 1000
	adminsMax      = 3
	invitedMax     = 500 // the core's; the seed has none
	usersMax       = 500 // users in the answer to one search, which knows no pages
)

// The parts of the services that this face uses.
type (
	accounts interface {
		Register(ctx context.Context, ip string, in service.RegisterInput) (service.Login, error)
		Login(ctx context.Context, ip string, in service.LoginInput) (service.Login, error)
		Me(ctx context.Context, c service.Caller) (service.Me, error)
		ByNumber(ctx context.Context, number int64) (service.User, error)
		ByAccount(ctx context.Context, account string) (service.User, error)
		Numbered(ctx context.Context, number int64) (service.User, error)
		Get(ctx context.Context, identity string) (service.User, error)
		SearchPart(ctx context.Context, c service.Caller, part string, p service.Page) (service.List[service.User], error)
		UpdateConfirmed(ctx context.Context, c service.Caller, in service.ConfirmedInput) (service.Me, error)
		SendOwnPasswordCode(ctx context.Context, c service.Caller) error
		ChangePasswordByCode(ctx context.Context, c service.Caller, in service.PasswordCodeInput) error
		SetAvatar(ctx context.Context, c service.Caller, r io.Reader) (service.Me, error)
		CancelSession(ctx context.Context, c service.Caller) error
	}
	sessions interface {
		Authenticate(ctx context.Context, token, ip string) (service.Caller, time.Time, error)
		Sign(ctx context.Context, c service.Caller, ttl time.Duration, more map[string]any) (service.Token, error)
	}
	friends interface {
		List(ctx context.Context, c service.Caller, group string, p service.Page) (service.List[service.Friend], error)
		With(ctx context.Context, c service.Caller, user string) (service.Relation, error)
		Request(ctx context.Context, c service.Caller, in service.FriendRequestInput) (service.FriendRequestResult, error)
		Accept(ctx context.Context, c service.Caller, identity string) (service.Friend, error)
		Decline(ctx context.Context, c service.Caller, identity string) (service.FriendRequest, error)
		Update(ctx context.Context, c service.Caller, friend string, in service.FriendInput) (service.Friend, error)
		RemoveAndTell(ctx context.Context, c service.Caller, friend string) error
	}
	rooms interface {
		List(ctx context.Context, c service.Caller, p service.Page) (service.List[service.Room], error)
		Create(ctx context.Context, c service.Caller, in service.RoomInput) (service.Room, error)
		ByNumber(ctx context.Context, c service.Caller, number int64) (service.Room, error)
		Roster(ctx context.Context, c service.Caller, room string) ([]service.Member, error)
		Leave(ctx context.Context, c service.Caller, room string) error
		AddMembers(ctx context.Context, c service.Caller, room string, in service.MembersInput) (service.MembersResult, error)
		RemoveMember(ctx context.Context, c service.Caller, room, user string) error
		SetRole(ctx context.Context, c service.Caller, room, user string, in service.RoleInput) (service.Member, error)
		Transfer(ctx context.Context, c service.Caller, room string, in service.OwnerInput) (service.Room, error)
		Approve(ctx context.Context, c service.Caller, invitation string) (service.Invitation, error)
		Decline(ctx context.Context, c service.Caller, invitation string) (service.Invitation, error)
		Announce(ctx context.Context, c service.Caller, room string, in service.AnnouncementInput) (service.Announcement, error)
		Read(ctx context.Context, c service.Caller, room string, in service.ReadInput) (service.RoomMe, error)
		Exists(ctx context.Context, number int64) (bool, error)
		Title(ctx context.Context, identity string) (service.RoomTitle, error)
		Invited(ctx context.Context, c service.Caller, number int64) (service.Invitation, error)
	}
	files interface {
		Upload(ctx context.Context, c service.Caller, name string, r io.Reader) (service.File, error)
		Open(ctx context.Context, c service.Caller, identity string) (service.File, io.ReadSeekCloser, error)
	}
	messages interface {
		Send(ctx context.Context, c service.Caller, room string, in service.MessageInput) (service.Message, bool, error)
		History(ctx context.Context, c service.Caller, room string, q service.HistoryQuery) (service.List[service.Message], error)
		Get(ctx context.Context, c service.Caller, identity int64) (service.Message, error)
		Recall(ctx context.Context, c service.Caller, identity int64) (service.Message, error)
		Delete(ctx context.Context, c service.Caller, identity int64) error
		Exists(ctx context.Context, identity int64) (bool, error)
		IdentityAt(ctx context.Context, room string, seq int64) (int64, error)
	}
	notifications interface {
		List(ctx context.Context, c service.Caller, p service.Page) (service.List[service.Notification], error)
		Get(ctx context.Context, c service.Caller, identity int64) (service.Notification, error)
		Read(ctx context.Context, c service.Caller, in service.NotificationsReadInput) error
		Delete(ctx context.Context, c service.Caller, identity int64) error
	}
)

// Options is what a Face works with.
type Options struct {
	Accounts      accounts
	Sessions      sessions
	Friends       friends
	Rooms         rooms
	Messages      messages
	Files         files
	Notifications notifications
	Sockets       *socket.Server
	Failures      middleware.Limiter // of proofs, by address
}

// Face answers the addresses of seed 000.
type Face struct {
	o       Options
	dialect *dialect
}

// New returns a face.
func New(o Options) *Face {
	f := &Face{o: o}
	f.dialect = &dialect{f}
	return f
}
