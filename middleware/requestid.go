package middleware

import (
	"crypto/rand"

	"github.com/gin-gonic/gin"
)

// HeaderRequestID carries the id of a request, in both directions.
const HeaderRequestID = "X-Request-Id"

const requestIDMax = 64

// RequestID gives every request an id, the caller's own where it is sane, and says it in the answer.
func RequestID() gin.HandlerFunc {
	return func(c *gin.Context) {
		id := c.GetHeader(HeaderRequestID)
		if !saneRequestID(id) {
			id = rand.Text()
		}
		c.Set(keyRequestID, id)
		c.Header(HeaderRequestID, id)
	}
}

// RequestIDOf returns the id of a request.
func RequestIDOf(c *gin.Context) string { return c.GetString(keyRequestID) }

// saneRequestID refuses whatever could break a line of the log or a header.
func saneRequestID(id string) bool {
	if id == "" || len(id) > requestIDMax {
		return false
	}
	for _, b := range []byte(id) {
		switch {
		case 'A' <= b && b <= 'Z', 'a' <= b && b <= 'z', '0' <= b && b <= '9', b == '.', b == '_', b == '-':
		default:
			return false
		}
	}
	return true
}
