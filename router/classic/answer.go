package classic

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/router/plaintext"
)

// success is an answer with data. Where somebody has become a friend, RoomIdentity is the room of the two.
type success struct {
	Status       string `json:"status"`
	Data         any    `json:"data"`
	RoomIdentity string `json:"room_identity,omitempty"`
}

// done is an answer without data.
type done struct {
	Code string `json:"code"`
}

// failure is a refusal.
type failure struct {
	Status       string `json:"status"`
	Message      string `json:"msg"`
	RoomIdentity string `json:"room_identity,omitempty"`
}

func write(c *gin.Context, data any) error {
	c.PureJSON(http.StatusOK, success{Status: "success", Data: data})
	return nil
}

// The original's own words for refusals.
var words = []struct {
	refusal *define.Error
	text    string
}{
	{define.ErrUnauthenticated, "请登陆"},
	{define.ErrWrongCredentials, "用户名或密码错误"},
	{define.ErrFriendNotFound, "不是好友，不可删除"},
	{define.ErrRoomNotFound, "非法访问"},
	{define.ErrInternal, "系统异常"},
}

// names are those of fields that the core calls otherwise.
var names = map[string]string{"to": "", "data": "message"}

// say returns what a client is told of a refusal.
func say(refusal *define.Error) string {
	for _, w := range words {
		if errors.Is(refusal, w.refusal) {
			return w.text
		}
	}
	return plaintext.Refusal(refusal, names)
}

// writeError answers as the original does, with status 200; a method that a path does not take had its own there too.
func writeError(c *gin.Context, _ error, refusal *define.Error) {
	status := http.StatusOK
	if errors.Is(refusal, define.ErrMethod) {
		status = refusal.Status
	}
	c.PureJSON(status, failure{Status: "error", Message: say(refusal)})
}
