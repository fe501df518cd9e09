package instant

import (
	"slices"
	"strings"

	"parlor/define"
	"parlor/service"
)

// The types of messages as the clients know them. Media have the names that the core has for them.
const (
	typeText    = "text"
	typeReply   = "reply"
	typeCombine = "combine"
	typeInvite  = "invite"
	typeNotice  = "notice"
)

type (
	// pushed is a message as it is told of.
	pushed struct {
		Function    string  `json:"function"` // Msg
		MsgID       int64   `json:"msg_id"`
		Body        string  `json:"msg_body"`
		Time        string  `json:"msg_time"`
		Type        string  `json:"msg_type"`
		Sender      string  `json:"sender"`
		ReplyID     int64   `json:"reply_id"` // -1 where it is no reply
		CombineList []int64 `json:"combine_list"`
		RoomID      int64   `json:"room_id"`
		Avatar      string  `json:"avatar"`
		ReadList    []bool  `json:"read_list"`
		DeleteList  []bool  `json:"delete_list"`
		IsDelete    bool    `json:"is_delete"`
	}
	// listed is a message in a list of rooms.
	listed struct {
		Body        string  `json:"msg_body"`
		MsgID       int64   `json:"msg_id"`
		Type        string  `json:"msg_type"`
		Time        string  `json:"msg_time"`
		Sender      string  `json:"sender"`
		Avatar      string  `json:"avatar"`
		CombineList []int64 `json:"combine_list"`
		ReadList    []bool  `json:"read_list"`
		IsDelete    bool    `json:"is_delete"`
		ReplyID     int64   `json:"reply_id"` // 0 where it is no reply
	}
	// listedRoom is a room in a list of rooms.
	listedRoom struct {
		RoomID     int64    `json:"roomid"`
		Name       string   `json:"roomname"`
		IsNotice   bool     `json:"is_notice"`
		IsTop      bool     `json:"is_top"`
		Messages   []listed `json:"message_list"`
		IsPrivate  bool     `json:"is_private"`
		IsSpecific bool     `json:"is_specific"`
		Index      int      `json:"index"` // of the viewer in the members, and so in each read_list
	}
	roomList struct {
		Function string       `json:"function"` // fetchroom
		Rooms    []listedRoom `json:"roomlist"`
	}
	// acknowledged names the message that was just sent.
	acknowledged struct {
		Function string `json:"function"` // Ack2
		MsgID    int64  `json:"msg_id"`
	}
	// readBy tells of a member who has read messages.
	readBy struct {
		Function string  `json:"function"` // read_message
		User     string  `json:"read_user"`
		RoomID   int64   `json:"chatroom_id"`
		Messages []int64 `json:"read_message_list"`
		Index    int     `json:"index"`
	}
	// withdrawn tells of a recalled message.
	withdrawn struct {
		Function string `json:"function"` // withdraw_message
		MsgID    int64  `json:"msg_id"`
		RoomID   int64  `json:"room_id"`
	}
	// aboutMessage is an answer that is about one message and says no more.
	aboutMessage struct {
		Function string `json:"function"`
		MsgID    int64  `json:"msg_id"`
	}
)

// content is what the clients show of a message.
type content struct {
	kind    string
	body    string
	combine []int64
}

// shownAs returns how a message is shown; shown is false for what the clients have no words for. Of the messages of the
// system only those that somebody has come in are shown: they are what an invitation is to these clients. name returns
// the name of a user.
func shownAs(m *service.Message, name func(identity string) string) (c content, shown bool) {
	c = content{kind: m.Type, body: m.Data, combine: []int64{}}
	switch {
	case m.RecalledAt > 0:
		return c, false
	case m.Type == define.MessageSystem:
		what := m.System()
		if what.Event != define.EventMemberJoined {
			return c, false
		}
		names := make([]string, len(what.Users))
		for i, user := range what.Users {
			names[i] = name(user)
		}
		c.kind, c.body = typeInvite, strings.Join(names, ", ")
	case m.Type == define.MessageMerged:
		c.kind, c.body, c.combine = typeCombine, "", partsOf(m)
	case m.File != nil:
		c.body = fileAddress(m.File)
	case m.Type == define.MessageText && m.ReplyTo != 0:
		c.kind = typeReply
	}
	return c, true
}

// A part of a merged message has no number of its own. It is named by that of the message and its place in it, which is a
// number that no message has.
const (
	partBase  = int64(1) << 52 // above every number that messages and invitations have
	partBits  = 7              // a merged message has at most 100 parts
	partOwner = int64(1) << 45 // the numbers of messages are below
)

// partsOf names the parts of a merged message.
func partsOf(m *service.Message) []int64 {
	parts := []int64{}
	if m.Identity >= partOwner {
		return parts
	}
	for i := range m.Merged {
		if i < 1<<partBits {
			parts = append(parts, partBase+m.Identity<<partBits+int64(i))
		}
	}
	return parts
}

// partOf returns which part of which message a number names.
func partOf(n int64) (message int64, place int, ok bool) {
	if n < partBase || n >= 2*partBase {
		return 0, 0, false
	}
	return (n - partBase) >> partBits, int((n - partBase) & (1<<partBits - 1)), true
}

// indexOf returns the place of a user among the members of a room, -1 where he is not there.
func indexOf(members []service.User, identity string) int {
	return slices.IndexFunc(members, func(u service.User) bool { return u.Identity == identity })
}
