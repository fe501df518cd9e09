package cotalk

import (
	"parlor/define"
	"parlor/service"
)

// success begins every answer that is no refusal; what was asked for stands beside it.
type success struct {
	Code int    `json:"code"`
	Info string `json:"info"`
}

var done = success{Code: codeOK, Info: "Success"}

// seconds are Unix seconds with their fraction, as all times of this face.
func seconds(milliseconds int64) float64 { return float64(milliseconds) / 1000 }

// userView is a user. His address and phone are his own business: they are empty for everybody else.
type userView struct {
	UserID       int64   `json:"user_id"`
	UserName     string  `json:"user_name"`
	UserEmail    string  `json:"user_email"`
	UserPhone    string  `json:"user_phone"`
	Description  string  `json:"description"`
	RegisterTime float64 `json:"register_time"`
}

func userOf(u service.User) userView {
	return userView{UserID: u.Number, UserName: u.Account, Description: u.Description, RegisterTime: seconds(u.CreatedAt)}
}

func ownUserOf(me service.Me) userView {
	view := userOf(me.User)
	view.UserEmail, view.UserPhone = me.Email, me.Phone
	return view
}

// systemUser is who says what happens to chats.
var systemUser = userView{UserID: systemNumber, UserName: systemName, Description: define.DefaultDescription}

type loginView struct {
	success
	Token string `json:"token"`
	userView
}

type friendView struct {
	userView
	Group string `json:"group"`
}

type memberView struct {
	userView
	Privilege string `json:"privilege"`
}

// The letters of privileges and of types of messages.
var (
	privileges  = map[string]string{define.RoleOwner: "O", define.RoleAdmin: "A", define.RoleMember: "M"}
	typeLetters = map[string]string{
		define.MessageText: "T", define.MessageMerged: "T", define.MessageSystem: "T", define.MessageNotice: "G",
		define.MessageImage: "I", define.MessageAudio: "A", define.MessageVideo: "V", define.MessageFile: "O",
	}
)

type chatView struct {
	ChatID     int64   `json:"chat_id"`
	ChatName   string  `json:"chat_name"`
	CreateTime float64 `json:"create_time"`
	IsPrivate  bool    `json:"is_private"`
}

type detailView struct {
	success
	ChatID     int64   `json:"chat_id"`
	ChatName   string  `json:"chat_name"`
	OwnerID    int64   `json:"owner_id"`
	MemberNum  int     `json:"member_num"`
	CreateTime float64 `json:"create_time"`
	IsPrivate  bool    `json:"is_private"`
}

// messageView is a message. Everything but the text and the readers is there at once; read_users are the numbers of those
// who have read it.
type messageView struct {
	MsgID      int64   `json:"msg_id"`
	SenderID   int64   `json:"sender_id"`
	ChatID     int64   `json:"chat_id"`
	MsgText    string  `json:"msg_text"`
	MsgFileURL string  `json:"msg_file_url"`
	MsgType    string  `json:"msg_type"`
	CreateTime float64 `json:"create_time"`
	UpdateTime float64 `json:"update_time"`
	ReadUsers  []int64 `json:"read_users"`
	ReplyTo    int64   `json:"reply_to"`
	IsSystem   bool    `json:"is_system"`
}

type noticeView struct {
	NotificationID int64   `json:"notification_id"`
	SenderID       int64   `json:"sender_id"`
	Content        string  `json:"content"`
	CreateTime     float64 `json:"create_time"`
	IsRead         bool    `json:"is_read"`
}
