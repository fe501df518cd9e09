package instant

import (
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"parlor/define"
)

// body makes the answer to a call out of one that takes its body decoded.
func body[In any](answer func(*gin.Context, In) (any, error)) func(*gin.Context) (any, error) {
	return func(c *gin.Context) (any, error) {
		var in In
		text, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, define.BodyMax))
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return nil, define.ErrTooLarge
		}
		if err != nil || decode(text, &in) != nil {
			return refused(codeOther, infoOther), nil
		}
		return answer(c, in)
	}
}
