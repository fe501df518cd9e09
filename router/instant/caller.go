package instant

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/middleware"
	"parlor/service"
)

// cookieName is the cookie that a login sets. It holds a token of the native API: the clients have no other proof to
// give where they open a socket, upload a file or load one.
const cookieName = "parlor_instant"

// device is the one device of a user as this face knows it: a login ends the one before.
const device = "instant"

// proof is what a client shows of who it is.
type proof struct {
	name   string // whom it says it is; may be empty
	token  token  // from a body or a frame
	cookie string
}

func proofOf(c *gin.Context, name string, t token) proof {
	p := proof{name: name, token: t}
	p.cookie, _ = c.Cookie(cookieName) // empty without one
	return p
}

// authenticate finds out who a client is, and until when. What proves one user proves no other: the name that comes with
// it must be his. Refusals: ErrUnauthenticated, ErrSessionEnded, ErrRateLimited.
func (s *Server) authenticate(ctx context.Context, p proof, ip string) (service.Caller, time.Time, error) {
	var caller service.Caller
	var expires time.Time
	var err error
	switch {
	case strings.Contains(string(p.token), "."): // of the native API
		caller, expires, err = s.o.Sessions.Authenticate(ctx, string(p.token), ip)
	case p.token != "":
		number, err := strconv.ParseInt(string(p.token), 10, 64)
		if err != nil {
			return caller, expires, define.ErrUnauthenticated
		}
		return s.o.Sessions.AuthenticateNumber(ctx, p.name, number, ip)
	case p.cookie != "":
		caller, expires, err = s.o.Sessions.Authenticate(ctx, p.cookie, ip)
	case s.o.TrustNames && p.name != "":
		return s.trust(ctx, p.name, ip)
	default:
		return caller, expires, define.ErrUnauthenticated
	}
	if err != nil || p.name == "" {
		return caller, expires, err
	}
	user, err := s.o.Accounts.ByAccount(ctx, p.name)
	if refusal(err) || err == nil && user.Identity != caller.User {
		return service.Caller{}, time.Time{}, define.ErrUnauthenticated
	}
	return caller, expires, err
}

// trust logs in whoever a client says it is.
func (s *Server) trust(ctx context.Context, name, ip string) (service.Caller, time.Time, error) {
	user, err := s.o.Accounts.ByAccount(ctx, name)
	if errors.Is(err, define.ErrUserNotFound) {
		err = define.ErrUnauthenticated
	}
	if err != nil {
		return service.Caller{}, time.Time{}, err
	}
	login, err := s.o.Sessions.OpenTrusted(ctx, user.Identity, device, ip)
	if err != nil {
		return service.Caller{}, time.Time{}, err
	}
	return s.o.Sessions.Authenticate(ctx, login.Token.Token, ip)
}

// caller is authenticate for a call.
func (s *Server) caller(c *gin.Context, name string, t token) (service.Caller, error) {
	caller, _, err := s.authenticate(c.Request.Context(), proofOf(c, name, t), c.ClientIP())
	if err == nil {
		middleware.SetCaller(c, caller)
	}
	return caller, err
}

func setCookie(c *gin.Context, token string, expires time.Time) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: cookieName, Value: token, Path: "/", Expires: expires, HttpOnly: true, Secure: c.Request.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
}

func dropCookie(c *gin.Context) {
	http.SetCookie(c.Writer, &http.Cookie{
		Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, Secure: c.Request.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
}
