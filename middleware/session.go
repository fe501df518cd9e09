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
	return func(c *gin.Context) {
		token, ok := BearerToken(c.GetHeader("Authorization"))
		if !ok {
			token = "" // of another scheme
		}
		if _, err := Authenticate(c, sessions, failures, token); err != nil {
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
	if refusal, _ := Refusal(err); refusal.Code == define.CodeUnauthenticated {
		if ok, wait := failures.Allow(addressKey(c), time.Now()); !ok {
			err = define.ErrRateLimited.After(wait)
		}
	}
	return service.Caller{}, err
}

// BearerToken returns the token of an Authorization header (RFC 6750, 2.1).
func BearerToken(authorization string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(authorization, " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}
