package middleware

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"
)

const (
	corsMethods = "GET, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, If-None-Match, If-Range, Range, " + HeaderRequestID
	corsExposed = "Accept-Ranges, Content-Disposition, Content-Range, ETag, Retry-After, " + HeaderRequestID
	corsMaxAge  = "600" // seconds; Chromium remembers a preflight for 7200 at most
)

// CORS lets pages of these origins call the server from a browser; "*" stands for every origin. Cookies count for the
// pages of origins that are named.
func CORS(origins []string) gin.HandlerFunc {
	everyone := slices.Contains(origins, "*")
	origins = slices.DeleteFunc(slices.Clone(origins), func(origin string) bool { return origin == "*" })
	return func(c *gin.Context) {
		if !everyone && len(origins) == 0 {
			return
		}
		header := c.Writer.Header()
		header.Add("Vary", "Origin")
		origin := c.GetHeader("Origin")
		named := slices.Contains(origins, origin)
		if origin == "" || !everyone && !named {
			return
		}
		if named {
			header.Set("Access-Control-Allow-Credentials", "true")
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
