package usersig

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/router/plaintext"
)

// answer is what every call gets. The status of HTTP is 200 unless something is wrong with the server.
type answer struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data"`
}

func write(c *gin.Context, message string, data any) error {
	c.PureJSON(http.StatusOK, answer{Code: http.StatusOK, Message: message, Data: data})
	return nil
}

// refuse answers with a code of the original and its words.
func refuse(c *gin.Context, code int, message string) error {
	c.PureJSON(http.StatusOK, answer{Code: code, Message: message, Data: struct{}{}})
	return nil
}

// codes are those of the original, and some that it had no need of.
var codes = map[string]int{
	define.CodeInvalid: 400, define.CodeConflict: 400, define.CodeTooLarge: 400, define.CodeUnsupported: 400,
	define.CodeUnauthenticated: 403, define.CodeForbidden: 403, define.CodeLocked: 403,
	define.CodeNotFound: 404, define.CodeGone: 404,
	define.CodeRateLimited: 429, define.CodeInternal: 500, define.CodeUnavailable: 503,
}

// The original's own words for refusals.
var words = []struct {
	refusal *define.Error
	text    string
}{
	{define.ErrUnauthenticated, "user_sig无效"},
	{define.ErrSessionEnded, "user_sig无效"},
	{define.ErrUserNotFound, "未取到该用户"},
	{define.ErrAccountTaken, "user_id已存在"},
	{define.ErrRoomNotFound, "session不存在或该用户未参与该会话"},
}

// names are those of fields that the core calls otherwise.
var names = map[string]string{"account": "user_id", "sex": "gender", "data": "content", "members": "chat_user_id_list", "to": "chat_user_id_list"}

// say returns the code of a refusal and what a client is told.
func say(refusal *define.Error) (code int, message string) {
	code = codes[refusal.Code]
	for _, w := range words {
		if errors.Is(refusal, w.refusal) {
			return code, w.text
		}
	}
	return code, plaintext.Refusal(refusal, names)
}

func writeError(c *gin.Context, _ error, refusal *define.Error) {
	code, message := say(refusal)
	status := http.StatusOK
	if code >= http.StatusInternalServerError {
		status = code
	}
	c.PureJSON(status, answer{Code: code, Message: message, Data: struct{}{}})
}

// refuseMedia answers for a file as any web server does.
func refuseMedia(c *gin.Context, _ error, refusal *define.Error) {
	c.Status(refusal.Status)
}

// refuseHandshake refuses to open a socket: with status 403 where the signature is not good.
func refuseHandshake(c *gin.Context, _ error, refusal *define.Error) {
	code, message := say(refusal)
	c.PureJSON(code, answer{Code: code, Message: message, Data: struct{}{}})
}
