package instant

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"parlor/define"
	"parlor/service"
	"parlor/service/hub"
)

// fetchRooms has the list of rooms put together by the connection's own writer, so that nobody else waits for it.
func fetchRooms(_ context.Context, k *client, _ nameInput) ([]any, error) {
	return []any{k.server.fresh(listRooms)}, nil
}

// roomList returns every room of a caller with what was said in it, the oldest room first.
func (s *Server) roomList(ctx context.Context, caller service.Caller) (any, error) {
	snapshots, err := s.o.Messages.Snapshots(ctx, caller)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(snapshots, func(a, b service.Snapshot) int { return cmp.Compare(a.Room.Number, b.Room.Number) })
	list := roomList{"fetchroom", make([]listedRoom, len(snapshots))}
	name := s.namer(ctx)
	for i := range snapshots {
		list.Rooms[i] = listRoom(&snapshots[i], caller.User, name)
	}
	return list, nil
}

func listRoom(in *service.Snapshot, viewer string, name func(string) string) listedRoom {
	room := listedRoom{
		RoomID: in.Room.Number, Name: roomName(&in.Room), IsNotice: !in.Room.Me.Muted, IsTop: in.Room.Me.Pinned, Messages: []listed{},
		IsPrivate: in.Room.Kind == define.RoomPrivate, IsSpecific: in.Room.Me.Locked,
		Index: slices.IndexFunc(in.Members, func(m service.Member) bool { return m.User.Identity == viewer }),
	}
	for i := range in.Messages {
		m := &in.Messages[i]
		c, shown := shownAs(m, name)
		if !shown {
			continue
		}
		room.Messages = append(room.Messages, listed{
			Body: c.body, MsgID: m.Identity, Type: c.kind, Time: clock(m.CreatedAt), Sender: nameOf(&m.Sender), Avatar: avatarOf(&m.Sender),
			CombineList: c.combine, ReadList: readList(m, in.Members), IsDelete: in.Deleted[m.Identity], ReplyID: m.ReplyTo,
		})
	}
	return room
}

// roomName is that of the other one in a private room.
func roomName(room *service.Room) string {
	if room.Peer != nil {
		return nameOf(room.Peer)
	}
	return room.Name
}

// readList says of each member, by his place, whether he has read a message.
func readList(m *service.Message, members []service.Member) []bool {
	list := make([]bool, len(members))
	for i := range members {
		list[i] = members[i].ReadSeq >= m.Seq || members[i].User.Identity == m.Sender.Identity
	}
	return list
}

type roomInput struct {
	RoomID     number `json:"roomid"`
	ChatroomID number `json:"chatroom_id"`
}

type roomInfo struct {
	Function string   `json:"function"` // fetchroominfo
	Members  []person `json:"mem_list"`
	Managers []string `json:"manager_list"`
	Master   string   `json:"master"`
	Count    int      `json:"mem_count"`
	Notices  []string `json:"notice_list"` // the published server never fills it
	Private  bool     `json:"is_private"`
	Index    int      `json:"index"`
}

func fetchRoomInfo(ctx context.Context, k *client, in roomInput) ([]any, error) {
	s, caller := k.server, k.caller()
	room, err := s.o.Rooms.ByNumber(ctx, caller, int64(cmp.Or(in.RoomID, in.ChatroomID)))
	if err != nil {
		return nil, err
	}
	members, err := s.o.Rooms.Roster(ctx, caller, room.Identity)
	if err != nil {
		return nil, err
	}
	info := roomInfo{
		Function: "fetchroominfo", Members: []person{}, Managers: []string{}, Master: s.namer(ctx)(room.Owner), Count: len(members),
		Notices: []string{}, Private: room.Kind == define.RoomPrivate,
	}
	for i := range members {
		user := &members[i].User
		info.Members = append(info.Members, personOf(user))
		if members[i].Role == define.RoleAdmin {
			info.Managers = append(info.Managers, nameOf(user))
		}
		if user.Identity == caller.User {
			info.Index = i
		}
	}
	return []any{info}, nil
}

type settingInput struct {
	ChatroomID number `json:"chatroom_id"`
	IsTop      *truth `json:"is_top"`
	IsNotice   *truth `json:"is_notice"`
	IsSpecific *truth `json:"is_specific"`
}

func reviseIsTop(ctx context.Context, k *client, in settingInput) ([]any, error) {
	on, err := in.IsTop.given("is_top")
	if err != nil {
		return nil, err
	}
	return k.revise(ctx, in, service.RoomMeInput{Pinned: &on}, said{"revise_is_top", "Is_Top Revise Success"})
}

func reviseIsNotice(ctx context.Context, k *client, in settingInput) ([]any, error) {
	on, err := in.IsNotice.given("is_notice")
	if err != nil {
		return nil, err
	}
	off := !on
	return k.revise(ctx, in, service.RoomMeInput{Muted: &off}, said{"revise_is_notice", "Is_Notice Revise Success"})
}

// reviseIsSpecific locks a room or unlocks it for good. Its client asks for the password itself before it shows the room.
func reviseIsSpecific(ctx context.Context, k *client, in settingInput) ([]any, error) {
	on, err := in.IsSpecific.given("is_specific")
	if err != nil {
		return nil, err
	}
	return k.revise(ctx, in, service.RoomMeInput{Locked: &on, Unlocked: true}, said{"revise_is_specific", "Is_Specific Revise Success"})
}

func (k *client) revise(ctx context.Context, in settingInput, change service.RoomMeInput, answer said) ([]any, error) {
	caller := k.caller()
	room, err := k.server.o.Rooms.ByNumber(ctx, caller, int64(in.ChatroomID))
	if err != nil {
		return nil, err
	}
	if _, err := k.server.o.Rooms.UpdateMe(ctx, caller, room.Identity, change); err != nil {
		return nil, err
	}
	return []any{answer}, nil
}

type passwordInput struct {
	Password string `json:"password"`
}

type access struct {
	Function string `json:"function"`
	Access   bool   `json:"access"`
}

// examinePassword opens what the caller has locked to his session.
func examinePassword(ctx context.Context, k *client, in passwordInput) ([]any, error) {
	err := k.server.o.Rooms.UnlockAll(ctx, k.caller(), service.UnlockInput{Password: in.Password})
	if err != nil && !wrongPassword(err) {
		return nil, err
	}
	return []any{access{"examine_password_twice", err == nil}}, nil
}

type refreshInput struct {
	NewName string `json:"refresh"` // empty where the account was cancelled
}

// refreshEvery is how often one client may have others look again: each of them is sent all its rooms.
const refreshEvery = 10 * time.Second

// refresh has the caller's friends and who shares rooms with him look at his name again, and himself where he has another.
// Who these are the core knows.
func refresh(ctx context.Context, k *client, in refreshInput) ([]any, error) {
	success := said{"refresh", "Success"}
	if time.Since(k.refreshed) < refreshEvery {
		return []any{success}, nil
	}
	k.refreshed = time.Now()
	others, err := k.server.around(ctx, k.caller())
	if err != nil {
		return nil, err
	}
	k.server.lookAgain(others)
	if in.NewName == "" {
		return []any{success}, nil
	}
	return []any{k.server.fresh(changedLists[opRefresh]...), success}, nil
}

func wrongPassword(err error) bool {
	return errors.Is(err, define.ErrWrongPassword) || errors.Is(err, define.ErrInvalid)
}

// around returns the caller's friends and who shares rooms with him, without himself.
func (s *Server) around(ctx context.Context, caller service.Caller) ([]string, error) {
	people := map[string]bool{}
	friends, err := collect(friendsMost, func(p service.Page) (service.List[service.Friend], error) {
		return s.o.Friends.List(ctx, caller, "", p)
	})
	if err != nil {
		return nil, err
	}
	for _, f := range friends {
		people[f.User.Identity] = true
	}
	rooms, err := collect(define.SnapshotRooms, func(p service.Page) (service.List[service.Room], error) {
		return s.o.Rooms.List(ctx, caller, p)
	})
	if err != nil {
		return nil, err
	}
	for _, room := range rooms {
		places, err := s.o.Rooms.Places(ctx, caller, room.Identity)
		if refusal(err) {
			continue // left meanwhile
		}
		if err != nil {
			return nil, err
		}
		for _, member := range places.Members {
			people[member.Identity] = true
		}
	}
	delete(people, caller.User)
	return slices.Collect(maps.Keys(people)), nil
}

// lookAgain has users, where they are on this face, sent everything in which somebody's name stands.
func (s *Server) lookAgain(users []string) {
	s.o.Hub.Publish(hub.Delivery{
		Event: hub.Event{Op: opRefresh}, Users: users,
		Only: func(conn *hub.Conn) bool { return conn.Dialect() == s.chat },
	})
}
