package middleware

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
)

const (
	corsMethods = "GET, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, If-None-Match, Range, " + HeaderRequestID
	corsExposed = "Accept-Ranges, Content-Disposition, Content-Range, ETag, Retry-After, " + HeaderRequestID
	corsMaxAge  = "600" // seconds; Chromium remembers a preflight for 7200 at most
)

// CORS lets pages of these origins call the API from a browser; "*" stands for every origin. Credentials in cookies
// are not allowed, since the API knows none.
func CORS(origins []string) gin.HandlerFunc {
	everyone := slices.Contains(origins, "*")
	return func(c *gin.Context) {
		if len(origins) == 0 {
			return
		}
		header := c.Writer.Header()
		header.Add("Vary", "Origin")
		origin := c.GetHeader("Origin")
		if origin == "" || !everyone && !slices.Contains(origins, origin) {
			return
		}
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Expose-Headers", corsExposed)
		if c.Request.Method != http.MethodOptions || c.GetHeader("Access-Control-Request-Method") == "" {
			return
		}
		header.Set("Access-Control-Allow-Methods", corsMethods)
		header.Set("Access-Control-Allow-Headers", corsHeaders)
		header.Set("Access-Control-Max-Age", corsMaxAge)
		header.Del("Allow") // of the 405 that this would have been
		c.AbortWithStatus(http.StatusNoContent)
	}
}
