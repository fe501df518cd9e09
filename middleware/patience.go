package middleware

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// Patience lets a request take longer than the server gives to others: work beside what every request may take.
func Patience(work time.Duration) gin.HandlerFunc {
	return func(c *gin.Context) {
		end := time.Now().Add(work + time.Minute)
		control := http.NewResponseController(c.Writer)
		_ = control.SetWriteDeadline(end) // a connection that can't do so keeps those of the server
		_ = control.SetReadDeadline(end)  // a client that can't be read from is taken for one that has gone away
	}
}
