package cotalk

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"parlor/define"
)

// The codes of this face. Each belongs to one status, and its clients compare both.
const (
	codeOK           = 0
	codeNotFound     = -1
	codeUnauthorized = -2
	codeMethod       = -3
	codeServer       = -4
	codeConflict     = -5
	codePrecondition = -6
	codeBadRequest   = -7
)

var codes = map[int]int{
	http.StatusBadRequest:          codeBadRequest,
	http.StatusUnauthorized:        codeUnauthorized,
	http.StatusForbidden:           codeUnauthorized, // of sockets alone
	http.StatusNotFound:            codeNotFound,
	http.StatusMethodNotAllowed:    codeMethod,
	http.StatusConflict:            codeConflict,
	http.StatusPreconditionFailed:  codePrecondition,
	http.StatusTooManyRequests:     codePrecondition, // the original knows no limits; clients show the text of any status
	http.StatusInternalServerError: codeServer,
	http.StatusServiceUnavailable:  codeServer,
}

// ownKey begins the key of a refusal in this face's own words.
const ownKey = "cotalk: "

// refuse is a refusal in this face's own words. The status must be one of codes. None of them is a fault of the program.
func refuse(status int, info string) *define.Error {
	code := define.CodeInvalid
	if status >= http.StatusInternalServerError {
		code = define.CodeUnavailable
	}
	return &define.Error{Code: code, Status: status, Key: ownKey + info, Text: define.Text{En: info}}
}

func isOwn(refusal *define.Error) bool { return strings.HasPrefix(refusal.Key, ownKey) }

func badRequest(info string) *define.Error   { return refuse(http.StatusBadRequest, info) }
func unauthorized(info string) *define.Error { return refuse(http.StatusUnauthorized, info) }
func notFound(info string) *define.Error     { return refuse(http.StatusNotFound, info) }
func conflict(info string) *define.Error     { return refuse(http.StatusConflict, info) }
func precondition(info string) *define.Error { return refuse(http.StatusPreconditionFailed, info) }

var (
	errSocket        = refuse(http.StatusForbidden, "Unauthorized : wrong token")
	errMethod        = refuse(http.StatusMethodNotAllowed, "Bad method")
	errNoToken       = badRequest("'Missing Authorization header'")
	errWrongToken    = unauthorized("Unauthorized : Expired or wrong-formatted JWT token")
	errUserID        = badRequest("User id must be an integer")
	errNoticesUserID = badRequest("Invalid user id : must be integer") // its words in some calls
	errUserUnknown   = notFound("Invalid user id : user not found")
	errProfile       = notFound("Invalid user id")
	errChatID        = badRequest("Chat id must be an integer")
	errMessagesChat  = badRequest("Invalid chat id : Must be integer") // its words for messages
	errUserNeeded    = badRequest("User id is required")               // its words for members
	errChatUnknown   = notFound("Invalid chat id : chat not found")
	errNotInChat     = notFound("Invalid chat id or user not in chat")
	errMember        = notFound("Invalid member id")
	errMemberChat    = notFound("Invalid chat id or member not in chat")
	errFriend        = notFound("Invalid friend id : friend not found")
	errMessageID     = badRequest("Invalid message id : Must be integer")
	errMessage       = notFound("Invalid message id : message not found")
	errReply         = notFound("Not found : reply_to message not found")
	errNoticeID      = badRequest("Invalid user id or notification id : must be integer")
	errNotice        = notFound("Invalid notification id : notification not found")
	errUsername      = badRequest("Username length error")
	errUsernameTaken = conflict("Username conflict")
	errPassword      = badRequest("Password length error")
	errEmail         = badRequest("Email length error")
	errEmailForm     = badRequest("Invalid email address")
	errPhone         = badRequest("Phone length error")
	errPhoneForm     = badRequest("Invalid phone number")
	errDescription   = badRequest("Description length error")
	errPrivilege     = unauthorized("No management privilege")
	errKick          = unauthorized("Unauthorized: no management privilege")
	errSituation     = badRequest("Invalid situation")
)

// words gives refusals of the core the words that this face has for them.
type words map[*define.Error]*define.Error

// in translates err where it is one of the words; any other is returned as it is.
func (w words) in(err error) error {
	if err == nil {
		return nil
	}
	for core, own := range w {
		if errors.Is(err, core) {
			return own.With(err)
		}
	}
	return err
}

// general is what holds for every call: what a caller is refused by the core is a 401 here, what is not there (any more)
// a 404.
var general = words{
	define.ErrPastRecall:  precondition("Precondition Failed : time exceed"),
	define.ErrCodeExpired: badRequest("Verification code not sent"),
	define.ErrNoMail:      refuse(http.StatusInternalServerError, "Failed to send email"),
}

// fieldNames are those of fields that the core calls otherwise.
var fieldNames = map[string]string{"name": "chat_name", "data": "msg_text", "file": "msg_file"}

// shown returns the status and the words for a refusal.
func shown(refusal *define.Error) (status int, info string) {
	if isOwn(refusal) {
		return refusal.Status, refusal.Text.En
	}
	if own, ok := general.in(refusal).(*define.Error); ok && isOwn(own) {
		return own.Status, own.Text.En
	}
	info = refusal.Text.En
	for _, field := range slices.Sorted(maps.Keys(refusal.Fields)) {
		name := cmp.Or(fieldNames[field], field)
		info += " " + name + " " + strings.TrimPrefix(refusal.Fields[field].En, field+" ") + "."
	}
	switch refusal.Status {
	case http.StatusForbidden, http.StatusLocked:
		return http.StatusUnauthorized, "Unauthorized : " + info
	case http.StatusGone:
		return http.StatusNotFound, info
	case http.StatusInternalServerError:
		return http.StatusInternalServerError, "Server error: " + info + "\n"
	}
	if _, known := codes[refusal.Status]; !known {
		return http.StatusBadRequest, info
	}
	return refusal.Status, info
}

// failure is the body of a refusal.
type failure struct {
	Code int    `json:"code"`
	Info string `json:"info"`
}

// WriteError answers with a refusal in this face's words (middleware.ErrorWriter).
func WriteError(c *gin.Context, _ error, refusal *define.Error) {
	status, info := shown(refusal)
	c.PureJSON(status, failure{Code: codes[status], Info: info})
}
