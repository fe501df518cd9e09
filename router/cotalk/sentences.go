package cotalk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"parlor/define"
	"parlor/service"
)

// systemName is the user who says what happens to a chat. The page knows system messages by this name. Seed 000 has him as
// user 1; here he is user 0, whose number nobody else gets.
const (
	systemName   = define.AccountSystem
	systemNumber = 0
)

// sentence tells in English what has happened to a chat. Names are those of the identities.
func sentence(what service.SystemMessage, names map[string]service.User) string {
	by := nameOf(names[what.By])
	others := make([]string, len(what.Users))
	for i, user := range what.Users {
		others[i] = nameOf(names[user])
	}
	who := strings.Join(others, ", ")
	switch what.Event {
	case define.EventMemberJoined:
		return who + " joined the chat."
	case define.EventMemberLeft:
		if what.Himself() {
			return by + " left the chat."
		}
		return by + " kicked " + who + " out of the chat."
	case define.SystemOwner:
		return by + " changed " + who + "'s privilege to owner."
	case define.SystemRole:
		return by + " changed " + who + "'s privilege to " + what.Role + "."
	case define.SystemRenamed:
		return by + " renamed the chat."
	case define.EventCallEnded:
		if what.Reason == define.ReasonCompleted {
			return fmt.Sprintf("%s made a call (%s, %d:%02d).", by, what.Media, what.Seconds()/60, what.Seconds()%60)
		}
		return by + " called (" + what.Media + "): " + strings.ReplaceAll(what.Reason, "_", " ") + "."
	}
	return by + ": " + what.Event
}

// nameOf is what this face calls a user: the name he logs in with.
func nameOf(u service.User) string {
	if u.Identity == "" {
		return "?"
	}
	return u.Account
}

// The types of notifications and of pushes that are not about messages.
const (
	typeFriend = "user.friend.request"
	typeChat   = "chat.management"
)

// notice is a notification in this face's words, as it is pushed and as it is stored.
type notice struct {
	Type     string
	Status   string
	Text     string
	User     int64 // the number of who caused it
	Chat     int64 // 0 where it is about no chat
	Approved bool
}

// roles are the words for them in a notification's status.
var roles = map[string]string{define.RoleOwner: "owner", define.RoleAdmin: "admin", define.RoleMember: "member"}

// noticeOf puts a notification into this face's words. Some have none: mentions and announcements stand in the chats, and
// its clients can't decide on who waits for approval.
func (f *Face) noticeOf(ctx context.Context, n service.Notification) (said notice, ok bool, err error) {
	chat := service.RoomTitle{}
	if n.Content.Room != "" {
		if chat, err = f.o.Rooms.Title(ctx, n.Content.Room); err != nil {
			return notice{}, false, err
		}
	}
	said, ok = noticeIn(n, chat)
	return said, ok, nil
}

func noticeIn(n service.Notification, chat service.RoomTitle) (notice, bool) {
	who := nameOf(n.Sender)
	said := notice{Type: typeFriend, User: n.Sender.Number, Approved: true}
	switch n.Kind {
	case define.NotifyFriendRequest:
		said.Status, said.Text = "make request", who+" 请求添加您为好友"
		return said, true
	case define.NotifyFriendAccepted:
		said.Status, said.Text = "accept request", who+" 接受了您的好友请求"
		return said, true
	case define.NotifyFriendDeclined:
		said.Status, said.Text, said.Approved = "reject request", who+" 拒绝了您的好友请求", false
		return said, true
	case define.NotifyFriendRemoved:
		said.Status, said.Text, said.Approved = "delete", who+" 终止了与您的好友关系", false
		return said, true
	}
	said.Type, said.Chat = typeChat, chat.Number
	switch n.Kind {
	case define.NotifyInvitation, define.NotifyAdded:
		if n.Kind == define.NotifyInvitation && n.Content.Awaits != define.AwaitsConsent {
			return notice{}, false
		}
		said.Status, said.Text = "make invitation", who+" 邀请您加入聊天室 "+chat.Name
	case define.NotifyRemoved, define.NotifyDissolved:
		said.Status, said.Text, said.Approved = "kicked out", who+" 将您移出了聊天室 "+chat.Name, false
	case define.NotifyRole:
		role := roles[n.Content.Role]
		said.Status, said.Text = "change to "+role, who+" 将您在聊天室 "+chat.Name+" 中的权限更改为 "+role
	default:
		return notice{}, false
	}
	return said, true
}

// content is the string that a notification holds: JSON, as the seed's documents promise. Its page reads it with quotes
// replaced and `True` and `False` in small letters, for the original wrote Python; so these three are written as escapes,
// which mean the same in JSON and survive.
func (n notice) content() (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(struct {
		Type     string `json:"type"`
		Status   string `json:"status"`
		Text     string `json:"text"`
		User     int64  `json:"user_id"`
		Chat     int64  `json:"chat_id,omitempty"`
		Approved bool   `json:"is_approved"`
	}(n)); err != nil {
		return "", err
	}
	return escaped.Replace(strings.TrimSpace(out.String())), nil
}

var escaped = strings.NewReplacer("'", `\u0027`, "True", `\u0054rue`, "False", `\u0046alse`)
