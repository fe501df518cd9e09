package instant

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"parlor/define"
	"parlor/service"
)

// roomNameMax is how many characters the name of a group has.
const roomNameMax = 30

type groupInput struct {
	Members    []string `json:"member_list"`
	RoomName   string   `json:"room_name"`
	NameInDoc  string   `json:"roomname"` // as the document calls it
	ChatroomID number   `json:"chatroom_id"`
	MemberName string   `json:"member_name"`
	Added      string   `json:"added_username"`
	Manager    string   `json:"manager_name"`
	NewMaster  string   `json:"new_master_name"`
}

// createGroup makes a group as the seed knows it: newcomers see everything, and who is invited by a plain member waits.
// Its members hear of it from the hub.
func createGroup(ctx context.Context, k *client, in groupInput) ([]any, error) {
	s, caller := k.server, k.caller()
	name := strings.TrimSpace(in.RoomName + in.NameInDoc)
	if utf8.RuneCountInString(name) > roomNameMax {
		return nil, define.Invalid("room_name", "has at most 30 characters", "最多 30 个字符")
	}
	group := service.RoomInput{Name: name, JoinPolicy: define.JoinApproval, History: define.HistoryAll}
	for _, member := range in.Members {
		user, err := s.o.Accounts.ByAccount(ctx, member)
		if err != nil {
			return nil, err
		}
		if user.Identity != caller.User {
			group.Members = append(group.Members, user.Identity)
		}
	}
	_, err := s.o.Rooms.Create(ctx, caller, group)
	return nil, err
}

// group returns a group that the caller is in. Of a private room the functions of groups say nothing.
func (k *client) group(ctx context.Context, id number) (service.Room, error) {
	room, err := k.server.o.Rooms.ByNumber(ctx, k.caller(), int64(id))
	if err == nil && room.Kind == define.RoomPrivate {
		err = define.ErrPrivateRoom
	}
	return room, err
}

// groupOfMaster is group for what only its owner may do. The core asks again; here it is for the order of the answers.
func (k *client) groupOfMaster(ctx context.Context, id number) (service.Room, error) {
	room, err := k.group(ctx, id)
	if err == nil && room.Me.Role != define.RoleOwner {
		err = errNotMaster
	}
	return room, err
}

func deleteGroup(ctx context.Context, k *client, in groupInput) ([]any, error) {
	room, err := k.groupOfMaster(ctx, in.ChatroomID)
	if err == nil {
		err = k.server.o.Rooms.Dissolve(ctx, k.caller(), room.Identity)
	}
	if err != nil {
		return nil, err
	}
	return []any{said{"delete_chat_group", "Delete Group Success"}}, nil
}

func appointManager(ctx context.Context, k *client, in groupInput) ([]any, error) {
	return k.setRole(ctx, in, define.RoleAdmin, said{"appoint_manager", "Appoint Manager Success"}, "User is already an manager")
}

func removeManager(ctx context.Context, k *client, in groupInput) ([]any, error) {
	return k.setRole(ctx, in, define.RoleMember, said{"remove_manager", "Success"}, "User is not a manager")
}

func (k *client) setRole(ctx context.Context, in groupInput, role string, answer said, already refusedWith) ([]any, error) {
	s, caller := k.server, k.caller()
	room, err := k.groupOfMaster(ctx, in.ChatroomID)
	if err != nil {
		return nil, err
	}
	user, err := s.o.Accounts.ByAccount(ctx, in.Manager)
	if err != nil {
		return nil, err
	}
	members, err := s.o.Rooms.Roster(ctx, caller, room.Identity)
	if err != nil {
		return nil, err
	}
	for i := range members {
		if members[i].User.Identity == user.Identity && members[i].Role == role {
			return nil, already
		}
	}
	if _, err := s.o.Rooms.SetRole(ctx, caller, room.Identity, user.Identity, service.RoleInput{Role: role}); err != nil {
		return nil, err
	}
	return []any{answer}, nil
}

func transferMaster(ctx context.Context, k *client, in groupInput) ([]any, error) {
	s, caller := k.server, k.caller()
	room, err := k.groupOfMaster(ctx, in.ChatroomID)
	if err != nil {
		return nil, err
	}
	user, err := s.o.Accounts.ByAccount(ctx, in.NewMaster)
	if err != nil {
		return nil, err
	}
	if _, err := s.o.Rooms.Transfer(ctx, caller, room.Identity, service.OwnerInput{User: user.Identity}); err != nil {
		return nil, err
	}
	return []any{said{"transfer_master", "Transfer Master Success"}}, nil
}

// addGroupMember brings somebody in at once, which is for those who lead the group. The published server never finished it.
func addGroupMember(ctx context.Context, k *client, in groupInput) ([]any, error) {
	s, caller := k.server, k.caller()
	room, err := k.group(ctx, in.ChatroomID)
	if err != nil {
		return nil, err
	}
	if room.Me.Role == define.RoleMember {
		return nil, errPermission
	}
	user, err := s.o.Accounts.ByAccount(ctx, in.Added+in.MemberName)
	if err != nil {
		return nil, err
	}
	if _, err := s.o.Rooms.AddMembers(ctx, caller, room.Identity, service.MembersInput{Members: []string{user.Identity}}); err != nil {
		return nil, err
	}
	return []any{said{"add_group_member", "Add Group Member Success"}}, nil
}

func removeGroupMember(ctx context.Context, k *client, in groupInput) ([]any, error) {
	s, caller := k.server, k.caller()
	room, err := k.group(ctx, in.ChatroomID)
	if err != nil {
		return nil, err
	}
	user, err := s.o.Accounts.ByAccount(ctx, in.MemberName)
	switch {
	case errors.Is(err, define.ErrUserNotFound):
		return nil, refusedWith("Member not found")
	case err != nil:
		return nil, err
	case user.Identity == caller.User:
		return nil, errPermission // leave_group is for that
	}
	err = s.o.Rooms.RemoveMember(ctx, caller, room.Identity, user.Identity)
	if errors.Is(err, define.ErrMemberNotFound) {
		return nil, refusedWith("Member is not in the group")
	}
	if err != nil {
		return nil, err
	}
	return []any{said{"remove_group_member", "Remove Group Member Success"}}, nil
}

// left is the answer to who has left a group. The published server says who was in it before and after.
type left struct {
	said
	Before string `json:"test_mem1"`
	After  string `json:"test_mem2"`
}

func leaveGroup(ctx context.Context, k *client, in groupInput) ([]any, error) {
	s, caller := k.server, k.caller()
	room, err := k.group(ctx, in.ChatroomID)
	switch {
	case errors.Is(err, define.ErrRoomNotFound):
		return nil, err
	case err != nil:
		return nil, err
	case room.Me.Role == define.RoleOwner:
		return nil, refusedWith("You are group master")
	}
	places, err := s.o.Rooms.Places(ctx, caller, room.Identity)
	if err != nil {
		return nil, err
	}
	if err := s.o.Rooms.RemoveMember(ctx, caller, room.Identity, caller.User); err != nil {
		return nil, err
	}
	if k.room == room.Identity {
		k.room = ""
	}
	var before, after []string
	for i := range places.Members {
		name := nameOf(&places.Members[i])
		before = append(before, name)
		if places.Members[i].Identity != caller.User {
			after = append(after, name)
		}
	}
	return []any{left{said{"leave_group", "Success"}, "pre" + strings.Join(before, ";"), "after" + strings.Join(after, ";")}}, nil
}
