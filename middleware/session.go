package middleware

import (
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
	return session(sessions, failures, func(c *gin.Context) (string, bool) { return BearerToken(c.GetHeader("Authorization")) })
}

// SessionInQuery is Session for what a page shows as an image or plays: browsers can't set a header there, so that the
// token may also stand in the query, as `token`. AccessLog leaves queries out.
func SessionInQuery(sessions Authenticator, failures Limiter) gin.HandlerFunc {
	return session(sessions, failures, func(c *gin.Context) (string, bool) {
		if token, ok := BearerToken(c.GetHeader("Authorization")); ok {
			return token, true
		}
		token := c.Query("token")
		return token, token != ""
	})
}

func session(sessions Authenticator, failures Limiter, tokenOf func(*gin.Context) (string, bool)) gin.HandlerFunc {
	return func(c *gin.Context) {
		caller, err := authenticate(c, sessions, tokenOf)
		if err == nil {
			c.Set(keyCaller, caller)
			return
		}
		if refusal, _ := Refusal(err); refusal.Code == define.CodeUnauthenticated {
			if ok, wait := failures.Allow(addressKey(c), time.Now()); !ok {
				err = define.ErrRateLimited.After(wait)
			}
		}
		fail(c, err)
	}
}

func authenticate(c *gin.Context, sessions Authenticator, tokenOf func(*gin.Context) (string, bool)) (service.Caller, error) {
	token, ok := tokenOf(c)
	if !ok {
		return service.Caller{}, define.ErrUnauthenticated
	}
	caller, _, err := sessions.Authenticate(c.Request.Context(), token, c.ClientIP())
	return caller, err
}

// BearerToken returns the token of an Authorization header (RFC 6750, 2.1).
func BearerToken(authorization string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(authorization, " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}
