package usersig

import (
	"context"
	"time"

	"parlor/define"
	"parlor/service"
)

// user is what is known of a user; what is not, or is not the viewer's business, is null.
type user struct {
	UserID      string  `json:"user_id"`
	Name        *string `json:"name"`
	Nickname    *string `json:"nickname"`
	Username    *string `json:"username"`
	Gender      *string `json:"gender"`
	Birthday    *string `json:"birthday"`
	IDCardNum   *string `json:"id_card_num"`
	Phone       *string `json:"phone"`
	Email       *string `json:"email"`
	Province    *string `json:"province"`
	City        *string `json:"city"`
	Avatar      *string `json:"avatar"`
	Description *string `json:"description"`
	IsDisable   bool    `json:"is_disable"`
	LoginTime   *string `json:"login_time"`
	CreateTime  *string `json:"create_time"`
}

// session is a room as one of its members sees it. Info is the other user of a session of two.
type session struct {
	SessionID       int64  `json:"session_id"`
	Type            int    `json:"type"`
	Name            string `json:"name"`
	Info            any    `json:"session_info"`
	CreateTime      string `json:"create_time"`
	UnreadCount     int64  `json:"unread_count"`
	RecentlyChatLog *log   `json:"recently_chat_log"`
}

// The types of sessions.
const (
	single = 1
	group  = 2
)

// log is a message as one of its readers sees it.
type log struct {
	ID         int64   `json:"id"`
	HaveRead   bool    `json:"have_read"`
	ReadTime   *string `json:"read_time"`
	Content    any     `json:"content"`
	Sender     string  `json:"sender"`
	CreateTime string  `json:"create_time"`
}

// zone is that of the original's times, which say none.
var zone = time.FixedZone("Asia/Shanghai", 8*60*60)

func timeText(at int64) string { return time.UnixMilli(at).In(zone).Format(time.DateTime) }

// timeOrNull is for moments that may not have come.
func timeOrNull(at int64) *string {
	if at == 0 {
		return nil
	}
	text := timeText(at)
	return &text
}

// orNull shows an empty text as null.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// views shows things to one viewer: the addresses of files are his.
type views struct {
	face   *Face
	viewer service.User
}

// viewsFor returns the views of a caller.
func (f *Face) viewsFor(ctx context.Context, c service.Caller) (views, error) {
	viewer, err := f.o.Accounts.Get(ctx, c.User)
	return views{f, viewer}, err
}

func (v views) fileAddress(file *service.File) string {
	return v.face.o.Config.URL + v.face.path(file.Identity, v.viewer.Number, file.Name)
}

// avatar is the address of a user's avatar, which everybody may read, empty where he has none.
func (v views) avatar(u *service.User) string {
	if u.AvatarAddress != "" || u.Avatar == "" {
		return u.AvatarAddress
	}
	return v.face.o.Config.URL + v.face.path(u.Avatar, u.Number, "avatar")
}

// publicUser shows what everybody may know of a user. Who goes by his account has no nickname, and who has said nothing
// of himself no description.
func (v views) publicUser(u *service.User) user {
	view := user{
		UserID: u.Account, Nickname: orNull(u.Nickname), Gender: orNull(genderOf[u.Sex]), Avatar: orNull(v.avatar(u)),
		Description: orNull(u.Description), IsDisable: u.Cancelled, CreateTime: timeOrNull(u.CreatedAt),
	}
	if u.Nickname == u.Account {
		view.Nickname = nil
	}
	if u.Description == define.DefaultDescription {
		view.Description = nil
	}
	return view
}

// ownUser shows a user to himself.
func (v views) ownUser(me *service.Me) user {
	view := v.publicUser(&me.User)
	view.Name, view.Username, view.Birthday, view.IDCardNum = orNull(me.Name), orNull(me.Username), orNull(me.Birthday), orNull(me.IDCardNum)
	view.Phone, view.Email, view.Province, view.City = orNull(me.Phone), orNull(me.Email), orNull(me.Province), orNull(me.City)
	view.LoginTime = timeOrNull(me.LoginAt)
	return view
}

// session shows a room. One of two without a name goes by that of the other.
func (v views) session(room *service.Room, unread int64, last *log) session {
	view := session{
		SessionID: room.Number, Type: group, Name: room.Name, Info: struct{}{}, CreateTime: timeText(room.CreatedAt),
		UnreadCount: unread, RecentlyChatLog: last,
	}
	if room.Peer != nil {
		view.Type, view.Info = single, v.publicUser(room.Peer)
		if view.Name == "" {
			view.Name = room.Peer.Nickname
		}
	}
	return view
}

// recent shows a room with its last message.
func (v views) recent(room *service.RecentRoom) session {
	if room.Last == nil {
		return v.session(&room.Room, room.Me.Unread, nil)
	}
	last := v.log(room.Last, room)
	return v.session(&room.Room, room.Me.Unread, &last)
}

// log shows a message of a room. It was read once everybody but its sender has, which only a session of two says; the
// core keeps how far somebody has read, so that the time is that of his last reading.
func (v views) log(m *service.Message, room *service.RecentRoom) log {
	view := v.newLog(m)
	read := room.OwnRead
	if m.Sender.Identity == v.viewer.Identity {
		read = room.PeerRead
	}
	if room.Kind == define.RoomPrivate && read.Seq >= m.Seq {
		view.HaveRead, view.ReadTime = true, timeOrNull(read.At)
	}
	return view
}

// newLog shows a message that nobody has read.
func (v views) newLog(m *service.Message) log {
	return log{ID: m.Identity, Content: contentOf(m, v.fileAddress), Sender: m.Sender.Account, CreateTime: timeText(m.CreatedAt)}
}
