package define

import (
	"fmt"
	"maps"
	"math"
	"strconv"
	"time"
)

// Text is one message in every language that Parlor speaks.
type Text struct {
	En string
	Zh string
}

// In returns the text in the language named by a BCP 47 tag ("zh", "zh-CN", "en"); English where there is no other.
func (t Text) In(language string) string {
	if len(language) >= 2 && language[:2] == "zh" && t.Zh != "" {
		return t.Zh
	}
	return t.En
}

// Error is a refusal that a client can understand. Errors are made from the catalogue below with the methods
// that return copies; the catalogue itself never changes.
type Error struct {
	Code       string          // the code on the wire, fixed by the API
	Status     int             // the HTTP status that goes with the code
	Key        string          // the name of the catalogue's line: finer than Code, for logs and errors.Is
	Text       Text            // what a person reads
	Fields     map[string]Text // the wrong fields by their JSON names; only with CodeInvalid
	RetryAfter time.Duration   // when to try again; only with CodeRateLimited and CodeUnavailable
	cause      error
}

func (e *Error) Error() string {
	text := e.Key + ": " + e.Text.En
	for name, field := range e.Fields {
		text += fmt.Sprintf(" [%s: %s]", name, field.En)
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns what led to the refusal. It is for logs and never shown to a client.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is the same line of the catalogue, so that errors.Is(err, define.ErrNotMember) works on copies.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other.Key == e.Key
}

// With returns a copy that carries its cause for the log.
func (e *Error) With(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Field returns a copy that names one more wrong field.
func (e *Error) Field(name string, text Text) *Error {
	c := *e
	c.Fields = maps.Clone(e.Fields)
	if c.Fields == nil {
		c.Fields = map[string]Text{}
	}
	c.Fields[name] = text
	return &c
}

// After returns a copy that says when to try again.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Invalid is a refusal of one field.
func Invalid(field, en, zh string) *Error {
	return ErrInvalid.Field(field, Text{En: en, Zh: zh})
}

// FileTooLarge names the limit, in bytes, that an upload has passed.
func FileTooLarge(limit int64) *Error {
	c := *ErrFileTooLarge
	size := fmt.Sprintf("%d B", limit)
	if limit >= 1<<20 {
		size = strconv.FormatFloat(math.Floor(float64(limit)/(1<<20)*100)/100, 'f', -1, 64) + " MiB"
	}
	c.Text = Text{En: fmt.Sprintf("The file is too large: at most %s (%d bytes) are allowed.", size, limit), Zh: fmt.Sprintf("文件过大：最大允许 %s（%d 字节）。", size, limit)}
	return &c
}

// of puts a number into the texts of a line.
func (e *Error) of(n int) *Error {
	c := *e
	c.Text = Text{En: fmt.Sprintf(e.Text.En, n), Zh: fmt.Sprintf(e.Text.Zh, n)}
	return &c
}

// The codes of the API.
const (
	CodeInvalid         = "invalid"
	CodeUnauthenticated = "unauthenticated"
	CodeForbidden       = "forbidden"
	CodeNotFound        = "not_found"
	CodeConflict        = "conflict"
	CodeGone            = "gone"
	CodeTooLarge        = "too_large"
	CodeUnsupported     = "unsupported"
	CodeLocked          = "locked"
	CodeRateLimited     = "rate_limited"
	CodeInternal        = "internal"
	CodeUnavailable     = "unavailable"
)

func line(code string, status int, key, en, zh string) *Error {
	return &Error{Code: code, Status: status, Key: key, Text: Text{En: en, Zh: zh}}
}

// The catalogue: every refusal a client can meet, one line each. A key is never reused for something else.
var (
	ErrInvalid              = line(CodeInvalid, 400, "invalid", "The request breaks a rule.", "请求不符合要求。")
	ErrNotYourFile          = line(CodeInvalid, 400, "not_your_file", "The request breaks a rule.", "请求不符合要求。").Field("file", Text{En: "is not a file of yours", Zh: "文件不存在"})
	ErrNotMentionable       = line(CodeInvalid, 400, "not_mentionable", "The request breaks a rule.", "请求不符合要求。").Field("mentions", Text{En: "must be members of the room", Zh: "只能提及房间成员"})
	ErrBrokenUpload         = line(CodeInvalid, 400, "broken_upload", "The upload broke off or is not valid multipart/form-data.", "上传中断或不是有效的 multipart/form-data。")
	ErrMalformed            = line(CodeInvalid, 400, "malformed", "The body is not valid JSON.", "请求体不是有效的 JSON。")
	ErrUnauthenticated      = line(CodeUnauthenticated, 401, "unauthenticated", "Log in first.", "请先登录。")
	ErrWrongCredentials     = line(CodeUnauthenticated, 401, "wrong_credentials", "Account or password is wrong.", "账号或密码错误。")
	ErrSessionEnded         = line(CodeUnauthenticated, 401, "session_ended", "This session has ended. Log in again.", "会话已结束，请重新登录。")
	ErrForbidden            = line(CodeForbidden, 403, "forbidden", "You may not do this.", "您无权执行此操作。")
	ErrWrongPassword        = line(CodeForbidden, 403, "wrong_password", "The password is wrong.", "密码错误。")
	ErrBlocked              = line(CodeForbidden, 403, "blocked", "This user does not accept anything from you.", "对方已将您屏蔽。")
	ErrRoomClosed           = line(CodeForbidden, 403, "room_closed", "This conversation is closed, since you are no longer friends.", "你们已不是好友，会话已关闭。")
	ErrSilenced             = line(CodeForbidden, 403, "silenced", "You are silenced in this room.", "您已被禁言。")
	ErrAdminOnly            = line(CodeForbidden, 403, "admin_only", "Only the room's owner and admins may do this.", "只有群主和管理员可以执行此操作。")
	ErrInviteOnly           = line(CodeForbidden, 403, "invite_only", "One gets into this room by invitation only.", "该群聊仅限邀请加入。")
	ErrNotSender            = line(CodeForbidden, 403, "not_sender", "Only who sent the message may do this.", "只有发送者可以执行此操作。")
	ErrOwnerOnly            = line(CodeForbidden, 403, "owner_only", "Only the room's owner may do this.", "只有群主可以执行此操作。")
	ErrOwnerLeaves          = line(CodeForbidden, 403, "owner_leaves", "Hand the room over before you leave it.", "请先转让群主再退出。")
	ErrPrivateRoom          = line(CodeForbidden, 403, "private_room", "A private room does not allow this.", "私聊不支持此操作。")
	ErrNotInCall            = line(CodeForbidden, 403, "not_in_call", "This device is not in the call.", "该设备不在通话中。")
	ErrNobodyToCall         = line(CodeForbidden, 403, "nobody_to_call", "There is nobody in this room to call.", "该房间没有可呼叫的成员。")
	ErrTooManyToCall        = line(CodeForbidden, 403, "too_many_to_call", "This group is too large for a call.", "群聊人数过多，无法发起通话。")
	ErrSocketOnly           = line(CodeForbidden, 403, "socket_only", "This needs a socket.", "此操作需要通过 WebSocket 连接。")
	ErrNotFound             = line(CodeNotFound, 404, "not_found", "There is no such thing.", "未找到。")
	ErrNoRoute              = line(CodeNotFound, 404, "no_route", "There is no such address.", "地址不存在。")
	ErrUserNotFound         = line(CodeNotFound, 404, "user_not_found", "There is no such user.", "用户不存在。")
	ErrRoomNotFound         = line(CodeNotFound, 404, "room_not_found", "There is no such room.", "房间不存在。")
	ErrMessageNotFound      = line(CodeNotFound, 404, "message_not_found", "There is no such message.", "消息不存在。")
	ErrRequestNotFound      = line(CodeNotFound, 404, "request_not_found", "There is no such friend request.", "好友申请不存在。")
	ErrFriendNotFound       = line(CodeNotFound, 404, "friend_not_found", "This user is not among your friends.", "该用户不是您的好友。")
	ErrGroupNotFound        = line(CodeNotFound, 404, "group_not_found", "There is no such group of friends.", "好友分组不存在。")
	ErrSessionNotFound      = line(CodeNotFound, 404, "session_not_found", "There is no such session.", "会话不存在。")
	ErrMemberNotFound       = line(CodeNotFound, 404, "member_not_found", "This user is not in the room.", "该用户不在房间中。")
	ErrInvitationNotFound   = line(CodeNotFound, 404, "invitation_not_found", "There is no such invitation.", "邀请不存在。")
	ErrAnnouncementNotFound = line(CodeNotFound, 404, "announcement_not_found", "There is no such announcement.", "公告不存在。")
	ErrFileNotFound         = line(CodeNotFound, 404, "file_not_found", "There is no such file.", "文件不存在。")
	ErrCallNotFound         = line(CodeNotFound, 404, "call_not_found", "There is no such call.", "通话不存在。")
	ErrNotificationNotFound = line(CodeNotFound, 404, "notification_not_found", "There is no such notification.", "通知不存在。")
	ErrConflict             = line(CodeConflict, 409, "conflict", "This exists already.", "已存在。")
	ErrAccountTaken         = line(CodeConflict, 409, "account_taken", "This account is taken.", "该账号已被占用。")
	ErrAlreadyFriends       = line(CodeConflict, 409, "already_friends", "You are friends already.", "你们已经是好友。")
	ErrRequestOpen          = line(CodeConflict, 409, "request_open", "Your request is still open.", "好友申请已发送，请等待对方处理。")
	ErrRequestClosed        = line(CodeConflict, 409, "request_closed", "This request has been answered already.", "该申请已被处理。")
	ErrGroupExists          = line(CodeConflict, 409, "group_exists", "A group of this name exists.", "同名分组已存在。")
	ErrAlreadyMember        = line(CodeConflict, 409, "already_member", "This user is in the room already.", "该用户已在群聊中。")
	ErrRoomNameTaken        = line(CodeConflict, 409, "room_name_taken", "You are in a room of this name already.", "您已有同名群聊。")
	ErrAdminsFull           = line(CodeConflict, 409, "admins_full", "The room has as many admins as it may.", "管理员人数已满。")
	ErrRoomFull             = line(CodeConflict, 409, "room_full", "The room is full.", "群聊人数已满。")
	ErrInvitationOpen       = line(CodeConflict, 409, "invitation_open", "You are waiting for approval already.", "入群申请已提交，请等待审批。")
	ErrInvitationClosed     = line(CodeConflict, 409, "invitation_closed", "This invitation has been decided already.", "该邀请已被处理。")
	ErrEmailTaken           = line(CodeConflict, 409, "email_taken", "This address belongs to another account.", "该邮箱已被其他账号绑定。")
	ErrInCall               = line(CodeConflict, 409, "in_call", "You are in a call already.", "您正在通话中。")
	ErrAnswered             = line(CodeConflict, 409, "call_answered", "This call was answered on another device.", "该通话已在其他设备接听。")
	ErrCallFull             = line(CodeConflict, 409, "call_full", "The call is full.", "通话人数已满。")
	ErrNotRinging           = line(CodeConflict, 409, "not_ringing", "This call does not ring for you.", "该通话未在呼叫您。")
	ErrCallElsewhere        = line(CodeConflict, 409, "call_elsewhere", "There is a call in this room on another server.", "该房间的通话在另一台服务器上。")
	ErrMethod               = line(CodeInvalid, 405, "method", "This address does not take this method.", "请求方法不被允许。")
	ErrRoomDissolved        = line(CodeGone, 410, "room_dissolved", "This room has been dissolved.", "该群聊已解散。")
	ErrCallEnded            = line(CodeGone, 410, "call_ended", "This call is over.", "通话已结束。")
	ErrRecalled             = line(CodeGone, 410, "recalled", "This message has been recalled.", "该消息已被撤回。")
	ErrPastRecall           = line(CodeGone, 410, "past_recall", "It is too late to recall this message.", "已超过可撤回的时间。")
	ErrPastEdit             = line(CodeGone, 410, "past_edit", "It is too late to edit this message.", "已超过可编辑的时间。")
	ErrCodeExpired          = line(CodeGone, 410, "code_expired", "This code has expired. Ask for a new one.", "验证码已失效，请重新获取。")
	ErrTooLarge             = line(CodeTooLarge, 413, "too_large", "This is too large.", "内容过大。")
	ErrFileTooLarge         = line(CodeTooLarge, 413, "file_too_large", "The file is too large.", "文件过大。")
	ErrTooManyPixels        = line(CodeTooLarge, 413, "too_many_pixels", "The image has more pixels than this server takes: %d million.", "图片像素超过上限：%d 百万。").of(PixelsMax / 1_000_000)
	ErrUnsupported          = line(CodeUnsupported, 415, "unsupported", "Send JSON (Content-Type: application/json).", "请以 JSON 格式发送（Content-Type: application/json）。")
	ErrNoForm               = line(CodeUnsupported, 415, "no_form", "Send the file as multipart/form-data.", "请以 multipart/form-data 上传文件。")
	ErrBrokenImage          = line(CodeUnsupported, 415, "broken_image", "This is no image that can be read: it is damaged, or not what it says.", "无法读取该图片：文件已损坏或格式不符。")
	ErrNoAvatar             = line(CodeUnsupported, 415, "no_avatar", "An avatar must be a PNG, JPEG, GIF or WebP image.", "头像必须是 PNG、JPEG、GIF 或 WebP 图片。")
	ErrLocked               = line(CodeLocked, 423, "locked", "You have locked this room. Unlock it with your password.", "您已锁定该会话，请输入密码解锁。")
	ErrRateLimited          = line(CodeRateLimited, 429, "rate_limited", "Too many requests. Wait a little.", "请求过于频繁，请稍后再试。")
	ErrInternal             = line(CodeInternal, 500, "internal", "Something went wrong on our side.", "服务器内部错误。")
	ErrUnavailable          = line(CodeUnavailable, 503, "unavailable", "The server can't do this just now. Try again soon.", "服务暂不可用，请稍后重试。").After(2 * time.Second)
	ErrNoMail               = line(CodeUnavailable, 503, "no_mail", "This server can't send mail.", "服务器未配置邮件服务。").After(time.Hour)
	ErrNoSpeech             = line(CodeUnavailable, 503, "no_speech", "This server can't turn speech into text.", "服务器未配置语音识别。").After(time.Hour)
	ErrNoTranslation        = line(CodeUnavailable, 503, "no_translation", "This server can't translate.", "服务器未配置翻译服务。").After(time.Hour)
	ErrSpeechFailed         = line(CodeUnavailable, 503, "speech_failed", "What was said could not be recognised. Try again later.", "语音识别失败，请稍后重试。").After(10 * time.Second)
	ErrTranslationFailed    = line(CodeUnavailable, 503, "translation_failed", "The text could not be translated. Try again later.", "翻译失败，请稍后重试。").After(10 * time.Second)
	ErrPeerAway             = line(CodeUnavailable, 503, "peer_away", "The other side is reconnecting. Try again soon.", "对方正在重新连接，请稍后重试。").After(2 * time.Second)
	ErrStopping             = line(CodeUnavailable, 503, "stopping", "The server is restarting. Try again soon.", "服务器正在重启，请稍后重试。").After(2 * time.Second)
)

// The close codes of /ws. 4000 to 4499 ask the client to come back where its session still holds.
const (
	CloseGoingAway    = 1001 // the server stops: reconnect
	CloseProtocol     = 4400 // ten broken frames in a row
	CloseSessionEnded = 4401 // the session is over: log in again
	CloseTooSlow      = 4408 // the queue of the connection is full: reconnect and sync
	CloseReplaced     = 4409 // a newer login on the same device, or too many sockets on one session: do not reconnect
)
