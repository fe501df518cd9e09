// Package ops is what those who run the server ask it.
package ops

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// Health answers GET /healthz: requests are served.
func Health(c *gin.Context) error {
	c.JSON(http.StatusOK, gin.H{"status": "ok"})
	return nil
}
