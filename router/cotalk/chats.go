package cotalk

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"parlor/define"
	"parlor/service"
)

// chatName is the name of a chat as the page wants it: that of a private one tells whose it is, and no other may look
// like it.
func chatName(room service.Room, me service.User) string {
	if room.Kind != define.RoomPrivate {
		return groupName(room.Name)
	}
	first, second := me, *room.Peer
	if room.Owner != me.Identity {
		first, second = second, first
	}
	return fmt.Sprintf("Private %d&%d", first.Number, second.Number)
}

func groupName(name string) string { return strings.ReplaceAll(name, "Private", "private") }

// privilege is the letter of a member. In a private chat he is the owner who accepted the request.
func privilege(room service.Room, member service.Member) string {
	if room.Kind == define.RoomPrivate && member.User.Identity == room.Owner {
		return privileges[define.RoleOwner]
	}
	return privileges[member.Role]
}

func (f *Face) listChats(r *request) (any, error) {
	caller, me, err := f.owner(r)
	if err != nil {
		return nil, err
	}
	rooms, err := all(func(p service.Page) (service.List[service.Room], error) { return f.o.Rooms.List(r.ctx, caller, p) })
	if err != nil {
		return nil, err
	}
	chats := []chatView{}
	for _, room := range rooms {
		if room.Closed { // the original deletes the chat with the friendship
			continue
		}
		chats = append(chats, chatView{room.Number, chatName(room, me), seconds(room.CreatedAt), room.Kind == define.RoomPrivate})
	}
	slices.SortFunc(chats, func(a, b chatView) int { return cmp.Compare(a.ChatID, b.ChatID) })
	return struct {
		success
		Chats []chatView `json:"chats"`
	}{done, chats}, nil
}

func (f *Face) leaveChat(r *request) (any, error) {
	caller, _, err := f.owner(r)
	if err != nil {
		return nil, err
	}
	in, err := r.fields()
	if err != nil {
		return nil, err
	}
	number, err := in.integer("chat_id")
	if err != nil {
		return nil, err
	}
	gone := words{define.ErrRoomNotFound: errNotInChat, define.ErrRoomDissolved: errNotInChat}
	room, err := f.o.Rooms.ByNumber(r.ctx, caller, number)
	if err != nil {
		return nil, gone.in(err)
	}
	if err := f.o.Rooms.Leave(r.ctx, caller, room.Identity); errors.Is(err, define.ErrPrivateRoom) {
		return nil, precondition("Cannot delete private chat").With(err)
	} else if err != nil {
		return nil, gone.in(err)
	}
	return done, nil
}

func (f *Face) createChat(r *request) (any, error) {
	in, err := r.fields()
	if err != nil {
		return nil, err
	}
	number, err := in.integer("user_id")
	if err != nil {
		return nil, err
	}
	name, err := in.text("chat_name", "")
	if err != nil {
		return nil, err
	}
	numbers, err := in.integers("members")
	if err != nil {
		return nil, err
	}
	caller, _, err := f.self(r, number)
	if err != nil {
		return nil, err
	}
	if len(numbers) > invitedMax {
		return nil, badRequest(fmt.Sprintf("Invalid members : at most %d", invitedMax))
	}
	members := make([]string, len(numbers))
	for i, number := range numbers {
		member, err := f.o.Accounts.ByNumber(r.ctx, number)
		if err != nil {
			return nil, words{define.ErrUserNotFound: errMember}.in(err)
		}
		members[i] = member.Identity
	}
	room, err := f.o.Rooms.Create(r.ctx, caller, service.RoomInput{
		Name: name, Members: members, JoinPolicy: define.JoinInvite, History: define.HistoryAll, Ask: service.AskAll, Unique: true,
	})
	if err != nil {
		return nil, words{define.ErrRoomNameTaken: conflict("Chat name conflict")}.in(err)
	}
	return struct {
		success
		ChatID     int64   `json:"chat_id"`
		CreateTime float64 `json:"create_time"`
	}{done, room.Number, seconds(room.CreatedAt)}, nil
}

// chatDetail tells a member of a chat about it, and its name to who is invited: he reads it before he agrees. The page asks
// without a token, so whoever is not known to be either learns no more than that a chat has this number, which is no
// secret: numbers are given in order.
func (f *Face) chatDetail(r *request) (any, error) {
	number, err := r.pathNumber("chat", errChatID)
	if err != nil {
		return nil, err
	}
	caller, err := f.reader(r)
	if err != nil {
		return nil, err
	}
	room, err := f.o.Rooms.ByNumber(r.ctx, caller, number)
	if err == nil {
		return f.detail(r, caller, room)
	}
	if err = f.outsider(r, number, err); !errors.Is(err, errOutsider) {
		return nil, err
	}
	view := detailView{success: done, ChatID: number, ChatName: fmt.Sprintf("Chat %d", number)}
	invitation, err := f.o.Rooms.Invited(r.ctx, caller, number)
	if errors.Is(err, define.ErrInvitationNotFound) {
		return view, nil
	}
	view.ChatName = groupName(invitation.RoomName)
	return view, err
}

func (f *Face) detail(r *request, caller service.Caller, room service.Room) (any, error) {
	people, err := f.people(r.ctx, caller.User, room.Owner)
	if err != nil {
		return nil, err
	}
	return detailView{
		success: done, ChatID: room.Number, ChatName: chatName(room, people[caller.User]), OwnerID: people[room.Owner].Number,
		MemberNum: room.MemberCount, CreateTime: seconds(room.CreatedAt), IsPrivate: room.Kind == define.RoomPrivate,
	}, nil
}

// errOutsider says that a chat is there, and that who asks is not in it.
var errOutsider = unauthorized("Unauthorized : not in the chat")

// outsider finds out why there is no room of a number for somebody: errChatUnknown where there is none at all, errOutsider
// where he is not in it.
func (f *Face) outsider(r *request, number int64, err error) error {
	if !errors.Is(err, define.ErrRoomNotFound) {
		return words{define.ErrRoomDissolved: errChatUnknown}.in(err)
	}
	there, err := f.o.Rooms.Exists(r.ctx, number)
	switch {
	case err != nil:
		return err
	case there:
		return errOutsider
	}
	return errChatUnknown
}
