package router_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// instantGroup is a group of the face with its owner, a manager, a plain member, and somebody who is not in it.
type instantGroup struct {
	room                             int64
	owner, manager, member, stranger *pupil
	o, m, p, s                       *line
}

func (s *server) instantGroup() *instantGroup {
	s.t.Helper()
	g := &instantGroup{owner: s.pupil("owner"), manager: s.pupil("manager"), member: s.pupil("member"), stranger: s.pupil("strange")}
	g.o, g.m, g.p, g.s = g.owner.socket(), g.manager.socket(), g.member.socket(), g.stranger.socket()
	g.o.befriends(g.owner, g.manager, g.m)
	g.o.befriends(g.owner, g.member, g.p)
	g.p.befriends(g.member, g.stranger, g.s)
	g.o.send(fields{"function": "create_group", "member_list": []string{g.owner.name, g.manager.name, g.member.name}, "room_name": "lob"})
	for _, l := range []*line{g.o, g.m, g.p} {
		l.next("fetchroom")
	}
	g.room = g.o.roomNamed("lob").number("roomid")
	g.o.says("Appoint Manager Success", fields{"function": "appoint_manager", "chatroom_id": g.room, "manager_name": g.manager.name})
	g.settle()
	return g
}

func (g *instantGroup) settle() {
	for _, l := range []*line{g.o, g.m, g.p, g.s} {
		l.settle()
	}
}

// members returns who is in a group, in order, and how often each of its messages was read.
func (l *line) members(room int64) []string {
	l.t.Helper()
	l.send(fields{"function": "fetch_roominfo", "roomid": room})
	names := []string{}
	for _, m := range l.until("fetchroominfo").list("mem_list") {
		names = append(names, m["username"].(string))
	}
	return names
}

func TestInstantGroupFunctions(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	g := s.instantGroup()
	room, nowhere := g.room, int64(1)<<50
	info := g.p.ask("fetchroominfo", fields{"function": "fetch_roominfo", "roomid": room})
	if info["master"] != g.owner.name || fmt.Sprint(info.names("manager_list")) != fmt.Sprint([]string{g.manager.name}) || info.number("mem_count") != 3 || info["is_private"] != false {
		t.Errorf("the group is %v", info)
	}
	private := g.o.roomNamed(g.manager.name).number("roomid")
	for _, name := range []string{"delete_chat_group", "appoint_manager", "remove_manager", "transfer_master", "remove_group_member", "add_group_member", "leave_group", "reply_add_group"} {
		in := fields{"function": name, "chatroom_id": private, "manager_name": g.manager.name, "member_name": g.manager.name, "new_master_name": g.manager.name}
		g.o.send(in) // of a private room nothing is said
		g.o.quiet()
		in["chatroom_id"] = nowhere
		g.o.says("Group not found", in)
		in["chatroom_id"] = room
		g.s.says("Group not found", in)
		delete(in, "chatroom_id")
		g.o.says("Group not found", in)
	}
	tests := []struct {
		by       *line
		function string
		field    string
		name     string
		want     string
	}{
		{g.m, "appoint_manager", "manager_name", g.member.name, "You are not the group master"},
		{g.p, "appoint_manager", "manager_name", g.member.name, "You are not the group master"},
		{g.o, "appoint_manager", "manager_name", "nobody12345", "User not found"},
		{g.o, "appoint_manager", "manager_name", g.stranger.name, "User is not in the group"},
		{g.o, "appoint_manager", "manager_name", g.manager.name, "User is already an manager"},
		{g.m, "remove_manager", "manager_name", g.manager.name, "You are not the group master"},
		{g.o, "remove_manager", "manager_name", g.member.name, "User is not a manager"},
		{g.o, "remove_manager", "manager_name", g.manager.name, "Success"},
		{g.o, "remove_manager", "manager_name", g.manager.name, "User is not a manager"},
		{g.o, "appoint_manager", "manager_name", g.manager.name, "Appoint Manager Success"},
		{g.m, "transfer_master", "new_master_name", g.manager.name, "You are not the group master"},
		{g.o, "transfer_master", "new_master_name", g.stranger.name, "User is not in the group"},
		{g.o, "transfer_master", "new_master_name", "nobody12345", "User not found"},
		{g.m, "delete_chat_group", "", "", "You are not the group master"},
		{g.p, "remove_group_member", "member_name", g.manager.name, "Permission denied"},
		{g.m, "remove_group_member", "member_name", g.owner.name, "Permission denied"},
		{g.m, "remove_group_member", "member_name", g.manager.name, "Permission denied"},
		{g.o, "remove_group_member", "member_name", g.owner.name, "Permission denied"},
		{g.o, "remove_group_member", "member_name", g.stranger.name, "Member is not in the group"},
		{g.o, "remove_group_member", "member_name", "nobody12345", "Member not found"},
		{g.p, "add_group_member", "added_username", g.stranger.name, "Permission denied"},
		{g.o, "add_group_member", "added_username", "nobody12345", "User not found"},
		{g.o, "add_group_member", "added_username", g.member.name, "User is already in the group"},
		{g.o, "leave_group", "", "", "You are group master"},
	}
	for _, test := range tests {
		in := fields{"function": test.function, "chatroom_id": room}
		if test.field != "" {
			in[test.field] = test.name
		}
		test.by.says(test.want, in)
	}
	g.settle()
	g.m.says("Remove Group Member Success", fields{"function": "remove_group_member", "chatroom_id": room, "member_name": g.member.name})
	g.p.next("fetchroom")
	if _, still := g.p.rooms()[room]; still {
		t.Error("who was removed sees the group")
	}
	g.settle()
	g.p.open(room)
	g.p.says("No chat is open", fields{"function": "send_message", "msg_type": "text", "msg_body": "still here?"})
	g.o.open(room)
	g.o.say("text", "without him")
	g.p.quiet() // and hears nothing any more
	if got := g.o.members(room); fmt.Sprint(got) != fmt.Sprint([]string{g.owner.name, g.manager.name}) {
		t.Errorf("the members are %v", got)
	}
	g.settle()
	g.o.says("Add Group Member Success", fields{"function": "add_group_member", "chatroom_id": room, "added_username": g.member.name})
	g.p.next("fetchroom")
	g.settle()
	g.o.says("Transfer Master Success", fields{"function": "transfer_master", "chatroom_id": room, "new_master_name": g.member.name})
	info = g.p.ask("fetchroominfo", fields{"function": "fetch_roominfo", "roomid": room})
	if info["master"] != g.member.name || slices.Contains(info.names("manager_list"), g.owner.name) {
		t.Errorf("after handing it over: %v", info)
	}
	g.settle()
	left := g.o.ask("leave_group", fields{"function": "leave_group", "chatroom_id": room})
	if left["message"] != "Success" || !strings.HasPrefix(left["test_mem1"].(string), "pre"+g.owner.name) || strings.Contains(left["test_mem2"].(string), g.owner.name) {
		t.Errorf("leaving: %v", left)
	}
	g.settle()
	g.p.says("Delete Group Success", fields{"function": "delete_chat_group", "chatroom_id": room})
	g.p.next("fetchroom")
	g.m.next("fetchroom")
	if _, still := g.m.rooms()[room]; still {
		t.Error("a dissolved group is listed")
	}
	g.m.says("Group not found", fields{"function": "leave_group", "chatroom_id": room})
}

func TestInstantGroupNames(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.pupil("alice"), s.pupil("bobby")
	a, b := alice.socket(), bob.socket()
	for name, in := range map[string]fields{
		"a long name": {"room_name": strings.Repeat("群", 31)}, "no name": {"room_name": ""}, "a stranger": {"room_name": "x", "member_list": []string{bob.name}},
		"nobody": {"room_name": "x", "member_list": []string{"nobody12345"}},
	} {
		in["function"] = "create_group"
		if got := a.ask("create_group", in); got["message"] == "" {
			t.Errorf("%s: %v", name, got)
		}
	}
	a.befriends(alice, bob, b)
	a.send(fields{"function": "create_group", "member_list": []string{bob.name, alice.name}, "roomname": strings.Repeat("群", 30)})
	a.next("fetchroom")
	b.next("fetchroom")
	if got := a.members(b.roomNamed(strings.Repeat("群", 30)).number("roomid")); fmt.Sprint(got) != fmt.Sprint([]string{alice.name, bob.name}) {
		t.Errorf("the members are %v", got)
	}
}

// Who leads a group brings people in at once; who is invited by a plain member waits for those who do.
func TestInstantInvitations(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	g := s.instantGroup()
	for _, l := range []*line{g.o, g.m, g.p} {
		l.open(g.room)
	}
	g.o.say("text", "before")
	g.settle()
	invite := fields{"function": "send_message", "msg_type": "invite", "msg_body": g.stranger.name}
	g.o.ask("send_message_invite", fields{"function": "send_message", "msg_type": "invite", "msg_body": "nobody12345"}).is(t, fields{"function": "send_message_invite", "message": "User not found"})
	g.o.ask("send_message_invite", fields{"function": "send_message", "msg_type": "invite", "msg_body": g.member.name}).is(t, fields{"function": "send_message_invite", "message": "User is already in the group"})
	if got := g.o.ask("send_message_invite", invite); got["message_id"] != nil {
		t.Errorf("somebody who is no friend: %v", got)
	}

	ack := g.p.ask("Ack2", invite)
	number := ack.number("msg_id")
	g.p.next("send_message_invite").is(t, fields{"function": "send_message_invite", "message": "Invite Member Success", "message_id": number})
	m := g.p.next("Msg")
	m.is(t, fields{
		"function": "Msg", "msg_id": number, "msg_body": g.stranger.name, "msg_time": m["msg_time"], "msg_type": "invite", "sender": g.member.name,
		"reply_id": -1, "combine_list": []int{}, "room_id": g.room, "avatar": "/static/media/pic/default.jpeg",
		"read_list": m["read_list"], "delete_list": []bool{false, false, false}, "is_delete": false,
	})
	for _, l := range []*line{g.o, g.m} {
		if got := l.next("Msg"); got.number("msg_id") != number || got["msg_type"] != "invite" {
			t.Errorf("who leads hears %v", got)
		}
		rooms := l.next("fetchinvitelist").list("room_list")
		if len(rooms) != 1 || rooms[0].number("roomid") != g.room {
			t.Fatalf("the list is %v", rooms)
		}
		asked := rooms[0].list("message_list")[0]
		asked.is(t, fields{
			"msg_body": g.stranger.name, "msg_id": number, "msg_type": "invite", "msg_time": m["msg_time"], "sender": g.member.name,
			"avatar": "/static/media/pic/default.jpeg", "combine_list": []int{}, "read_list": asked["read_list"], "delete_list": []bool{false, false, false}, "msg_answer": -1,
		})
	}
	g.s.quiet()
	if got := g.p.ask("send_message_invite", invite); got["message_id"] != nil {
		t.Errorf("invited twice: %v", got)
	}
	if got := g.p.ask("fetchinvitelist", fields{"function": "fetch_invite_list", "username": g.owner.name}); len(got.list("room_list")) != 0 {
		t.Errorf("a plain member sees %v", got)
	}
	reply := fields{"function": "reply_add_group", "chatroom_id": g.room, "message_id": number, "answer": 1}
	g.p.says("Permission denied", reply)
	g.s.says("Group not found", reply)
	said := g.o.roomsMessage(g.room, "before")
	g.o.says("Message Type Error", fields{"function": "reply_add_group", "chatroom_id": g.room, "message_id": said, "answer": 1})
	g.o.says("Message Type Error", fields{"function": "reply_add_group", "chatroom_id": g.room, "message_id": 5, "answer": 1})
	g.m.says("The request breaks a rule. (answer: is needed)", fields{"function": "reply_add_group", "chatroom_id": g.room, "message_id": number})
	g.m.says("The request breaks a rule. (answer: must be a boolean)", fields{"function": "reply_add_group", "chatroom_id": g.room, "message_id": number, "answer": "x"})
	g.m.says("Reply Add Group Success", fields{"function": "reply_add_group", "chatroom_id": g.room, "message_id": number, "answer": 0})
	g.o.says("Message Already Replied", reply)
	if _, in := g.s.rooms()[g.room]; in {
		t.Error("who was turned away is in")
	}
	g.settle()
	number = g.p.ask("Ack2", invite).number("msg_id")
	g.settle()
	reply["message_id"] = number
	g.o.send(reply)
	g.o.until("reply_add_group").is(t, fields{"function": "reply_add_group", "message": "Reply Add Group Success"})
	room := g.s.rooms()[g.room]
	if got := room.list("message_list"); len(got) == 0 || got[0]["msg_body"] != "before" || room.number("index") != 3 {
		t.Errorf("the newcomer sees %v", room)
	}
	g.settle()
	g.o.says("Message Already Replied", reply)

	// The message that tells of it is the invitation of who comes in at once.
	g.o.says("Remove Group Member Success", fields{"function": "remove_group_member", "chatroom_id": g.room, "member_name": g.member.name})
	g.settle()
	ack = g.o.ask("Ack2", fields{"function": "send_message", "msg_type": "invite", "msg_body": g.member.name})
	g.o.next("send_message_invite").is(t, fields{"function": "send_message_invite", "message": "Invite Member Success", "message_id": ack.number("msg_id")})
	for _, l := range []*line{g.o, g.m, g.s} {
		if got := l.until("Msg"); got.number("msg_id") != ack.number("msg_id") || got["msg_type"] != "invite" || got["msg_body"] != g.member.name {
			t.Errorf("heard %v", got)
		}
	}
	g.settle()
	g.o.says("Message Already Replied", fields{"function": "reply_add_group", "chatroom_id": g.room, "message_id": ack.number("msg_id"), "answer": 1})
	g.m.ask("Ack2", fields{"function": "send_message", "msg_type": "notice", "msg_body": "read this"})
	for _, l := range []*line{g.o, g.m, g.p, g.s} {
		if got := l.until("Msg"); got["msg_type"] != "notice" || got["msg_body"] != "read this" {
			t.Errorf("heard %v", got)
		}
	}
	g.s.open(g.room)
	g.s.says("Permission denied", fields{"function": "send_message", "msg_type": "notice", "msg_body": "and this"})
	g.m.says("Permission denied", fields{"function": "withdraw_message", "msg_id": said, "is_admin": true, "is_private": false})
	mine := g.s.say("text", "of a plain member").number("msg_id")
	g.settle()
	g.m.ask("withdraw_message", fields{"function": "withdraw_message", "msg_id": mine, "is_admin": true, "is_private": false})
}

// roomsMessage returns the number of the message with a text in a room.
func (l *line) roomsMessage(room int64, text string) int64 {
	l.t.Helper()
	for _, m := range l.rooms()[room].list("message_list") {
		if m["msg_body"] == text {
			return m.number("msg_id")
		}
	}
	l.t.Fatalf("nobody has said %q", text)
	return 0
}
