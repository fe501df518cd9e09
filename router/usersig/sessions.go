package usersig

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/service"
)

type sessionData struct {
	Session session `json:"session"`
}

// createSession opens a session of two, which there is but one of, or one of any number.
func (f *Face) createSession(c *gin.Context) error {
	in, err := readForm(c)
	if err != nil {
		return err
	}
	kind := in.text("type")
	if kind != "1" && kind != "2" {
		return refuse(c, http.StatusBadRequest, "会话类型格式有误，只能为1或者2，int或者str")
	}
	ids, err := in.userIDs()
	if err != nil {
		return err
	}
	me, err := f.o.Accounts.Get(middleware.ContextOf(c), middleware.CallerOf(c).User)
	if err != nil {
		return err
	}
	own := helper.FoldAccount(me.Account)
	others := slices.DeleteFunc(ids, func(id string) bool { return helper.FoldAccount(id) == own })
	if kind == "1" {
		return f.createSingle(c, in.text("name"), others)
	}
	return f.createGroup(c, in.text("name"), others)
}

// createSingle opens the session with another user, or shows the one that there is. Who has not agreed to talk is asked.
func (f *Face) createSingle(c *gin.Context, name string, others []string) error {
	if len(others) != 1 {
		return refuse(c, http.StatusBadRequest, "单聊须包含自己和另一位用户")
	}
	ctx, caller := middleware.ContextOf(c), middleware.CallerOf(c)
	found, err := f.o.Accounts.ByAccount(ctx, others[0])
	if errors.Is(err, define.ErrUserNotFound) {
		return refuse(c, http.StatusNotFound, "未取到user_id为 "+others[0]+" 的用户")
	} else if err != nil {
		return err
	}
	connection, err := f.o.Friends.Connect(ctx, caller, service.ConnectInput{To: found.Identity, Name: name})
	if err != nil {
		return err
	}
	if connection.Friend == nil {
		return refuse(c, http.StatusForbidden, "已向对方发送好友申请，对方同意后可建立会话")
	}
	room, err := f.o.Rooms.GetRecent(ctx, caller, connection.Friend.RoomIdentity)
	if err != nil {
		return err
	}
	views, err := f.viewsFor(ctx, caller)
	if err != nil {
		return err
	}
	message := "创建成功"
	if !connection.Created {
		message = "已存在，不需创建"
	}
	return write(c, message, sessionData{views.recent(&room)})
}

// createGroup opens a session of any number. Who has not agreed to be in one with the caller is asked, and comes later.
func (f *Face) createGroup(c *gin.Context, name string, others []string) error {
	ctx, caller := middleware.ContextOf(c), middleware.CallerOf(c)
	members := make([]string, len(others))
	for i, id := range others {
		found, err := f.o.Accounts.ByAccount(ctx, id)
		if errors.Is(err, define.ErrUserNotFound) {
			return refuse(c, http.StatusNotFound, "未取到user_id为 "+id+" 的用户")
		} else if err != nil {
			return err
		}
		members[i] = found.Identity
	}
	room, err := f.o.Rooms.Create(ctx, caller, service.RoomInput{Name: name, Members: members, Ask: service.AskStrangers})
	if err != nil {
		return err
	}
	return write(c, "创建成功", sessionData{views{face: f}.session(&room, room.Me.Unread, nil)})
}

// listSessions shows the caller's sessions, the last active first.
func (f *Face) listSessions(c *gin.Context) error {
	page, err := readPaging(c)
	if err != nil {
		return err
	}
	ctx, caller := middleware.ContextOf(c), middleware.CallerOf(c)
	views, err := f.viewsFor(ctx, caller)
	if err != nil {
		return err
	}
	list := []session{}
	total := 0
	for part := page.first(); ; part.Skip += pageMax {
		var rooms []service.RecentRoom
		if rooms, total, err = f.o.Rooms.Recent(ctx, caller, part); err != nil {
			return err
		}
		for i := range rooms {
			list = append(list, views.recent(&rooms[i]))
		}
		if !page.all || len(rooms) < pageMax || len(list) >= allMax {
			break
		}
	}
	items, pages, err := page.counts(int64(total))
	if err != nil {
		return err
	}
	return write(c, "获取成功", struct {
		Number   *int64    `json:"num_of_sessions"`
		Sessions []session `json:"session_info_list"`
		Pages    *int64    `json:"num_of_pages"`
	}{items, list, pages})
}

// listLogs shows the messages of a session, the newest first. Of one that the caller is not in there are none.
func (f *Face) listLogs(c *gin.Context) error {
	page, err := readPaging(c)
	if err != nil {
		return err
	}
	number, err := strconv.ParseInt(c.Query("session_id"), 10, 64)
	if err != nil {
		return define.Invalid("session_id", "must be a number", "须为整数")
	}
	ctx, caller := middleware.ContextOf(c), middleware.CallerOf(c)
	list, total := []log{}, int64(0)
	identity, err := f.o.Rooms.Find(ctx, caller, number)
	if err == nil {
		list, total, err = f.logs(c, identity, page)
	}
	if err != nil && !errors.Is(err, define.ErrRoomNotFound) {
		return err
	}
	items, pages, err := page.counts(total)
	if err != nil {
		return err
	}
	return write(c, "获取成功", struct {
		Number *int64 `json:"num_of_chat_logs"`
		Logs   []log  `json:"chat_log_info_list"`
		Pages  *int64 `json:"num_of_pages"`
	}{items, list, pages})
}

func (f *Face) logs(c *gin.Context, identity string, page paging) (list []log, total int64, err error) {
	ctx, caller := middleware.ContextOf(c), middleware.CallerOf(c)
	list = []log{}
	room, err := f.o.Rooms.GetRecent(ctx, caller, identity)
	if err != nil {
		return list, 0, err
	}
	views, err := f.viewsFor(ctx, caller)
	if err != nil {
		return list, 0, err
	}
	for part := page.first(); ; part.Skip += pageMax {
		var found []service.Message
		if found, total, err = f.o.Messages.Latest(ctx, caller, identity, part); err != nil {
			return list, 0, err
		}
		for i := range found {
			list = append(list, views.log(&found[i], &room))
		}
		if !page.all || part.Skip+pageMax >= total || len(list) >= allMax {
			return list, total, nil
		}
	}
}

// markAsRead says that the caller has read a session of two.
func (f *Face) markAsRead(c *gin.Context) error {
	in, err := readForm(c)
	if err != nil {
		return err
	}
	ctx, caller := middleware.ContextOf(c), middleware.CallerOf(c)
	number, err := strconv.ParseInt(in.text("session_id"), 10, 64)
	if err != nil {
		return define.ErrRoomNotFound
	}
	identity, err := f.o.Rooms.Find(ctx, caller, number)
	if err != nil {
		return err
	}
	room, err := f.o.Rooms.Get(ctx, caller, identity)
	if err != nil {
		return err
	}
	if room.Kind != define.RoomPrivate {
		return define.ErrRoomNotFound
	}
	if room.LastSeq > 0 {
		if _, err := f.o.Rooms.Read(ctx, caller, identity, service.ReadInput{Seq: &room.LastSeq}); err != nil {
			return err
		}
	}
	return write(c, "标记成功", map[string]int64{"marked_count": room.Me.Unread})
}
