package middleware

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/language"

	"parlor/define"
)

// StatusClientGone stands in the access log for a request whose client did not wait for the answer (nginx's word for it).
const StatusClientGone = 499

// ErrorBody is a refusal as the API shows it, over REST and over sockets. Fields is there for `invalid` alone.
type ErrorBody struct {
	Code      string            `json:"code"`
	Message   string            `json:"message"`
	Fields    map[string]string `json:"fields,omitempty"`
	RequestID string            `json:"request_id"`
}

// NewErrorBody puts a refusal into a language that Language returned.
func NewErrorBody(refusal *define.Error, lang, requestID string) ErrorBody {
	body := ErrorBody{Code: refusal.Code, Message: refusal.Text.In(lang), RequestID: requestID}
	if len(refusal.Fields) > 0 {
		body.Fields = make(map[string]string, len(refusal.Fields))
		for name, text := range refusal.Fields {
			body.Fields[name] = text.In(lang)
		}
	}
	return body
}

// Refusal returns what a client is told of err. Whatever is not meant for clients is define.ErrInternal, and expected
// is false: it belongs into the log.
func Refusal(err error) (refusal *define.Error, expected bool) {
	if errors.As(err, &refusal) {
		return refusal, refusal.Status < http.StatusInternalServerError || refusal.Code == define.CodeUnavailable
	}
	return define.ErrInternal, false
}

var (
	spoken  = []string{"en", "zh"} // the first is the default
	matcher = language.NewMatcher([]language.Tag{language.English, language.Chinese})
)

// Language returns the language of those that Parlor speaks, "en" or "zh", that suits an Accept-Language header best.
func Language(acceptLanguage string) string {
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return spoken[0]
	}
	_, best, _ := matcher.Match(wanted...)
	return spoken[best]
}

// Handle makes a gin handler of one that returns its error.
func Handle(handler func(*gin.Context) error) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := handler(c); err != nil {
			fail(c, err)
		}
	}
}

// fail ends a request with an error, which Errors writes.
func fail(c *gin.Context, err error) {
	_ = c.Error(err) // returns what it was given
	c.Abort()
}

// Errors writes the error with which the request ended, if any. What is our fault is logged here and nowhere else.
func Errors(log *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Next()
		last := c.Errors.Last()
		if last == nil {
			return
		}
		err := last.Err
		if errors.Is(err, context.Canceled) && c.Request.Context().Err() != nil {
			c.AbortWithStatus(StatusClientGone)
			return
		}
		refusal, expected := Refusal(err)
		logError(c, log, err, refusal, expected)
		if c.Writer.Written() {
			return
		}
		if write, ok := c.Value(keyWriter).(ErrorWriter); ok {
			write(c, err, refusal)
			return
		}
		writeError(c, refusal)
	}
}

// ErrorWriter writes the error with which a request ended; refusal is what the client may be told of it (Refusal).
type ErrorWriter func(c *gin.Context, err error, refusal *define.Error)

// WriteErrors lets the routes of a way in have their errors written in its own words: those of handlers, of the middleware
// behind it, and panics.
func WriteErrors(write ErrorWriter) gin.HandlerFunc {
	return func(c *gin.Context) { c.Set(keyWriter, write) }
}

// logError leaves the everyday refusals out, which the access log counts by their status.
func logError(c *gin.Context, log *slog.Logger, err error, refusal *define.Error, expected bool) {
	level := slog.LevelDebug
	switch {
	case !expected:
		level = slog.LevelError
	case refusal.Code == define.CodeUnavailable:
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{
		slog.String("error", err.Error()),
		slog.String("method", c.Request.Method),
		slog.String("route", c.FullPath()),
		slog.String("request_id", RequestIDOf(c)),
	}
	if p := (*panicError)(nil); errors.As(err, &p) {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	log.LogAttrs(c.Request.Context(), level, "request failed", attrs...)
}

func writeError(c *gin.Context, refusal *define.Error) {
	lang := Language(c.GetHeader("Accept-Language"))
	c.Header("Content-Language", lang)
	switch refusal.Code {
	case define.CodeRateLimited, define.CodeUnavailable:
		c.Header("Retry-After", wholeSeconds(refusal.RetryAfter))
	case define.CodeUnauthenticated:
		c.Header("WWW-Authenticate", "Bearer") // RFC 9110, 15.5.2
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(gin.H{"error": NewErrorBody(refusal, lang, RequestIDOf(c))}); err != nil {
		panic(err) // only for a type that JSON does not know
	}
	// So that the answer is known to be whole while the server still reads (Linger).
	c.Header("Content-Length", strconv.Itoa(body.Len()))
	c.Data(refusal.Status, "application/json; charset=utf-8", body.Bytes())
}

// wholeSeconds rounds up, so that nobody comes back too early; never below 1.
func wholeSeconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

// panicError is a panic on its way to Errors.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// Recovery turns a panic of what comes after it into an error.
func Recovery() gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			switch value := recover(); value {
			case nil:
			case http.ErrAbortHandler:
				panic(value) // net/http's own way to drop a connection without a word
			default:
				fail(c, &panicError{value: value, stack: debug.Stack()})
			}
		}()
		c.Next()
	}
}

// NoRoute answers requests for addresses that do not exist.
func NoRoute(*gin.Context) error { return define.ErrNoRoute }

// NoMethod answers requests with a method that their address does not take.
func NoMethod(*gin.Context) error { return define.ErrMethod }
