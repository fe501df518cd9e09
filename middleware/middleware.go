// Package middleware is what every request passes on its way to a handler: its id, the access log, recovery, CORS,
// limits, the session, and the one place that writes errors.
package middleware

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

// Keys of what middleware leaves in the gin context.
const (
	keyRequestID = "parlor.request_id"
	keyCaller    = "parlor.caller"
	keyWriter    = "parlor.error_writer"
)

// CallerOf returns who asks, as Session found out or SetCaller was told; the zero Caller where nobody has asked.
func CallerOf(c *gin.Context) service.Caller {
	caller, _ := c.Value(keyCaller).(service.Caller)
	return caller
}

// SetCaller notes who asks, for CallerOf and the access log. It is for ways in that find out by themselves.
func SetCaller(c *gin.Context, caller service.Caller) { c.Set(keyCaller, caller) }

// ContextOf returns the context for what a request asks for. What changes something goes on when its client has gone away,
// so that no change stops halfway.
func ContextOf(c *gin.Context) context.Context {
	if c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead {
		return c.Request.Context()
	}
	return context.WithoutCancel(c.Request.Context())
}

// AccessLog writes one line for each request, except for those to the routes in quiet. Query strings are left out,
// since they may hold tokens; so are bodies.
func AccessLog(log *slog.Logger, quiet ...string) gin.HandlerFunc {
	skip := make(map[string]bool, len(quiet))
	for _, route := range quiet {
		skip[route] = true
	}
	return func(c *gin.Context) {
		start := time.Now()
		c.Next()
		route := c.FullPath()
		if skip[route] {
			return
		}
		log.LogAttrs(c.Request.Context(), slog.LevelInfo, "request",
			slog.String("method", c.Request.Method),
			slog.String("route", route),
			slog.Int("status", status(c)),
			slog.Duration("duration", time.Since(start)),
			slog.Int("bytes", max(c.Writer.Size(), 0)),
			slog.String("request_id", RequestIDOf(c)),
			slog.String("user", CallerOf(c).User),
		)
	}
}

// status returns the status that was sent. gin does not see the 101 of a socket, which takes the connection over.
func status(c *gin.Context) int {
	if s := c.Writer.Status(); s != http.StatusOK || !c.IsWebsocket() {
		return s
	}
	return http.StatusSwitchingProtocols
}
