package middleware

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

// A request that may take longer is answered after the time that the server gives to others.
func TestPatience(t *testing.T) {
	t.Parallel()
	const given = 100 * time.Millisecond
	gin.SetMode(gin.ReleaseMode)
	for name, test := range map[string]struct {
		chain   []gin.HandlerFunc
		answers bool
	}{
		"others":     {nil, false},
		"with it":    {[]gin.HandlerFunc{Patience(time.Minute)}, true},
		"all in all": {[]gin.HandlerFunc{Patience(0)}, true}, // the usual minute remains
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine := gin.New()
			engine.POST("/", append(test.chain, func(c *gin.Context) {
				time.Sleep(3 * given) // the work
				c.Status(http.StatusNoContent)
			})...)
			server := httptest.NewUnstartedServer(engine)
			server.Config.ReadTimeout, server.Config.WriteTimeout = given, given // as main sets both
			server.Start()
			t.Cleanup(server.Close)
			response, err := http.Post(server.URL, "", nil)
			if err == nil {
				response.Body.Close()
			}
			if (err == nil) != test.answers {
				t.Errorf("answered with %v", err)
			}
		})
	}
}
