package middleware

import (
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/helper"
)

// Limiter counts what a caller does. Allow takes one from the allowance of key, or says after how long there is one
// again (helper.Rates).
type Limiter interface {
	Allow(key string, now time.Time) (ok bool, after time.Duration)
}

// RateLimit refuses a caller who asks too often: by user where Session ran before, else by address.
func RateLimit(limiter Limiter) gin.HandlerFunc {
	return func(c *gin.Context) {
		key := "user:" + CallerOf(c).User
		if key == "user:" {
			key = addressKey(c)
		}
		if ok, wait := limiter.Allow(key, time.Now()); !ok {
			fail(c, define.ErrRateLimited.After(wait))
		}
	}
}

func addressKey(c *gin.Context) string { return "address:" + helper.AddressKey(c.ClientIP()) }

// JSONBody refuses bodies of another media type than JSON and those of more than limit bytes.
func JSONBody(limit int64) gin.HandlerFunc {
	return func(c *gin.Context) {
		r := c.Request
		if r.ContentLength == 0 {
			return
		}
		if !acceptsAsJSON(r.Header.Get("Content-Type")) {
			fail(c, define.ErrUnsupported)
			return
		}
		limitBody(c, limit)
	}
}

// Body refuses bodies of more than limit bytes, of whatever type. A reader of the body meets *http.MaxBytesError where the
// length was not said before.
func Body(limit int64) gin.HandlerFunc {
	return func(c *gin.Context) { limitBody(c, limit) }
}

func limitBody(c *gin.Context, limit int64) {
	if c.Request.ContentLength > limit {
		fail(c, define.ErrTooLarge)
		return
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
}

// acceptsAsJSON reports whether a body of this Content-Type is taken for JSON in UTF-8; one without any type is.
func acceptsAsJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" {
		return false
	}
	charset, given := params["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}
