package instant

import (
	"bytes"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/service"
)

// Where pictures are, below the address of the server.
const (
	pictures      = "/static/media/pic/"
	defaultAvatar = pictures + "default.jpeg"
)

// avatarOf is the address of a user's avatar.
func avatarOf(u *service.User) string {
	if u.Avatar == "" {
		return defaultAvatar
	}
	return pictures + u.Avatar
}

// defaultPicture answers with what users without an avatar look like, to everybody.
func (s *Server) defaultPicture(c *gin.Context) {
	c.Header("Content-Type", "image/jpeg")
	c.Header("Cache-Control", "public, max-age=86400")
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(s.picture))
}
