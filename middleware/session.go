package middleware

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/service"
)

// Authenticator knows whose session a token is. It refuses with errors of code `unauthenticated`.
type Authenticator interface {
	Authenticate(ctx context.Context, token, ip string) (service.Caller, time.Time, error)
}

// Session lets only those pass who show the token of a session in the Authorization header; CallerOf says afterwards
// who they are. Attempts that fail are counted by address.
func Session(sessions Authenticator, failures Limiter) gin.HandlerFunc {
	return session(sessions, failures, bearer)
}

// SessionInQuery is Session for what a page shows as an image or plays: browsers can't set a header there, so that the
// token may also stand in the query, as `token`. AccessLog leaves queries out.
func SessionInQuery(sessions Authenticator, failures Limiter) gin.HandlerFunc {
	return session(sessions, failures, func(c *gin.Context) string { return cmp.Or(bearer(c), c.Query("token")) })
}

// bearer returns the token of the Authorization header, empty without one.
func bearer(c *gin.Context) string {
	if token, ok := BearerToken(c.GetHeader("Authorization")); ok {
		return token
	}
	return ""
}

func session(sessions Authenticator, failures Limiter, tokenOf func(*gin.Context) string) gin.HandlerFunc {
	return func(c *gin.Context) {
		if _, err := Authenticate(c, sessions, failures, tokenOf(c)); err != nil {
			fail(c, err)
		}
	}
}

// Authenticate finds out whose session a token is, wherever the request had it, and notes it for CallerOf. Attempts that
// fail are counted by address.
func Authenticate(c *gin.Context, sessions Authenticator, failures Limiter, token string) (service.Caller, error) {
	caller, _, err := sessions.Authenticate(c.Request.Context(), token, c.ClientIP())
	if err == nil {
		SetCaller(c, caller)
		return caller, nil
	}
	return service.Caller{}, CountFailure(c, failures, err)
}

// CountFailure counts an attempt that err refused for its token by the caller's address. It returns err, or
// ErrRateLimited once they were too many.
func CountFailure(c *gin.Context, failures Limiter, err error) error {
	if refusal, _ := Refusal(err); refusal.Code == define.CodeUnauthenticated {
		if ok, wait := failures.Allow(addressKey(c), time.Now()); !ok {
			return define.ErrRateLimited.After(wait)
		}
	}
	return err
}

// BearerToken returns the token of an Authorization header (RFC 6750, 2.1).
func BearerToken(authorization string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(authorization, " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}
