package cotalk

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/middleware"
	"parlor/service"
)

// cookie proves who asks where the page sends no token: it asks for chats and users without one, since the original told
// everybody. It is good for reading these, and for nothing else.
const cookie = "cotalk_token"

// handler answers a request with what PureJSON writes, or with nothing where it has written the answer itself.
type handler func(*request) (any, error)

// methods are the handlers of one address. It refuses other methods in this face's words.
type methods map[string]handler

// Routes adds the addresses of this face.
func (f *Face) Routes(routes gin.IRoutes) {
	long := middleware.Transfer() // for files, and for histories
	f.add(routes, "/api/user/register", methods{"POST": f.register})
	f.add(routes, "/api/user/login", methods{"POST": f.login})
	f.add(routes, "/api/user/search", methods{"GET": f.search})
	f.add(routes, "/api/user/private/:user", methods{"GET": f.user, "POST": f.updateUser, "DELETE": f.cancel}, long)
	f.add(routes, "/api/user/private/:user/avatar", methods{"GET": f.avatar}, long)
	f.add(routes, "/api/user/private/:user/verification", methods{"PUT": f.sendCode})
	f.add(routes, "/api/user/private/:user/friends", methods{"GET": f.listFriends, "PUT": f.changeFriend})
	f.add(routes, "/api/user/private/:user/chats", methods{"GET": f.listChats, "DELETE": f.leaveChat})
	f.add(routes, "/api/user/private/:user/notifications", methods{"GET": f.listNotices})
	f.add(routes, "/api/user/private/:user/notification/:notice", methods{"GET": f.notice, "PUT": f.readNotice, "DELETE": f.deleteNotice})
	f.add(routes, "/api/chat/create", methods{"POST": f.createChat})
	f.add(routes, "/api/chat/:chat/detail", methods{"GET": f.chatDetail})
	f.add(routes, "/api/chat/:chat/members", methods{"GET": f.listMembers, "PUT": f.changeMember})
	f.add(routes, "/api/chat/:chat/management", methods{"PUT": f.changePrivilege})
	f.add(routes, "/api/chat/:chat/messages", methods{"GET": f.listMessages}, long)
	f.add(routes, "/api/message/send", methods{"POST": f.send}, long)
	f.add(routes, "/api/message/files/:message", methods{"GET": f.file}, long)
	f.add(routes, "/api/message/:message/management", methods{"GET": f.message, "PUT": f.readMessage, "DELETE": f.deleteMessage})
	routes.GET("/ws/main/:user/:token", middleware.Handle(f.open))
}

func (f *Face) add(routes gin.IRoutes, path string, by methods, before ...gin.HandlerFunc) {
	routes.Any(path, append(before, middleware.Handle(func(c *gin.Context) error {
		handle := by[c.Request.Method]
		if handle == nil {
			return errMethod
		}
		r := newRequest(c)
		defer r.close()
		answer, err := handle(r)
		if err == nil && answer != nil {
			c.PureJSON(http.StatusOK, answer)
		}
		return err
	}))...)
}

// self returns the user of a number, who must be the one who asks: his token proves it.
func (f *Face) self(r *request, number int64) (service.Caller, service.User, error) {
	user, err := f.o.Accounts.ByNumber(r.ctx, number)
	if err != nil {
		return service.Caller{}, user, words{define.ErrUserNotFound: errUserUnknown}.in(err)
	}
	header := r.GetHeader("Authorization")
	if header == "" {
		return service.Caller{}, user, errNoToken
	}
	caller, err := f.authenticate(r, header)
	if err == nil && caller.User != user.Identity {
		err = errWrongToken
	}
	return caller, user, err
}

// known refuses who shows no token of any session.
func (f *Face) known(r *request) error {
	header := r.GetHeader("Authorization")
	if header == "" {
		return errNoToken
	}
	_, err := f.authenticate(r, header)
	return err
}

// owner is self for the user whose number stands in the path.
func (f *Face) owner(r *request) (service.Caller, service.User, error) {
	return f.ownerOr(r, errUserID, errUserUnknown)
}

// ownerOr is owner with the words of a call of its own for what is no number, and for nobody's.
func (f *Face) ownerOr(r *request, noNumber, nobody *define.Error) (service.Caller, service.User, error) {
	number, err := r.pathNumber("user", noNumber)
	if err != nil {
		return service.Caller{}, service.User{}, err
	}
	caller, user, err := f.self(r, number)
	return caller, user, words{errUserUnknown: nobody}.in(err)
}

// authenticate finds out whose token it is. The original pads its tokens and sends them bare; both are taken either way.
func (f *Face) authenticate(r *request, token string) (service.Caller, error) {
	if bearer, ok := middleware.BearerToken(token); ok {
		token = bearer
	}
	caller, err := middleware.Authenticate(r.Context, f.o.Sessions, f.o.Failures, bare(token))
	return caller, words{define.ErrUnauthenticated: errWrongToken, define.ErrSessionEnded: errWrongToken}.in(err)
}

// reader returns who asks for what the page reads without a token: whose cookie came, or whose token; nobody, the zero
// Caller, where there is none that is good.
func (f *Face) reader(r *request) (service.Caller, error) {
	token := r.GetHeader("Authorization")
	if token == "" {
		token, _ = r.Cookie(cookie) // without one the token stays empty
	}
	if token == "" {
		return service.Caller{}, nil
	}
	caller, err := f.authenticate(r, token)
	if errors.Is(err, errWrongToken) {
		return service.Caller{}, nil
	}
	return caller, err
}
