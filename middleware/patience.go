package middleware

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// Patience lets the answer to a request take longer than the server gives to others: by work.
func Patience(work time.Duration) gin.HandlerFunc {
	return func(c *gin.Context) {
		end := time.Now().Add(work + time.Minute)
		_ = http.NewResponseController(c.Writer).SetWriteDeadline(end) // a connection that can't do so keeps that of the server
	}
}
