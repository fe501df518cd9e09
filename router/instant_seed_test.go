package router_test

import (
	"slices"
	"strings"
	"testing"
)

// seedFunctions are the 41 functions of the seed's list: the 32 of /wsconnect and the 5 of /ws/call/ that its section 3.2
// has, and the 4 that its section 4.4 adds: another name, an acknowledgement, and what a server says of a message.
var seedFunctions = strings.Fields(`
	heartbeat apply confirm decline refresh fetchapplylist fetchreceivelist fetchfriendlist
	add_channel add_chat leave_chat send_message withdraw_message create_group delete_chat_group reply_add_group leave_group
	appoint_manager remove_manager transfer_master add_group_member remove_group_member
	fetch_room fetch_invite_list fetch_roominfo revise_is_notice revise_is_top revise_is_specific
	read_message delete_message examine_password_twice fetch_message
	login call answer_call stop_call ICEcandidate
	fetchRoomList acknowledge_message Ack2 Msg`)

// seedWalk goes through the functions and keeps which have been served.
type seedWalk struct {
	t    *testing.T
	done map[string]bool
}

// ask has a function served and returns its answer.
func (w *seedWalk) ask(l *line, name, answer string, in fields) said {
	w.t.Helper()
	in["function"] = name
	got := l.ask2(answer, in)
	w.done[name] = true
	return got
}

// silent has a function served that answers nothing.
func (w *seedWalk) silent(l *line, name string, in fields) {
	w.t.Helper()
	in["function"] = name
	l.send(in)
	l.settle()
	w.done[name] = true
}

// says is ask for a function that is answered in words.
func (w *seedWalk) says(l *line, name, message string, in fields) {
	w.t.Helper()
	if got := w.ask(l, name, name, in); got["message"] != message {
		w.t.Errorf("%s is answered with %v, want %q", name, got, message)
	}
}

// Every function of the seed's list is there and does what it is for.
func TestInstantSeed(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob, carol := s.pupil("alice"), s.pupil("bobby"), s.pupil("carol")
	a, b, c := s.wsconnect("/wsconnect", alice.cookie), bob.socket(), carol.socket()
	w := &seedWalk{t, map[string]bool{}}

	a.send(fields{"function": "add_channel", "username": alice.name})
	w.done["add_channel"] = true // what follows is refused without it
	w.ask(a, "heartbeat", "heartbeatconfirm", fields{})
	w.friends(a, b, alice, bob)
	a.befriends(alice, carol, c)
	b.befriends(bob, carol, c)

	w.ask(a, "create_group", "fetchroom", fields{"room_name": "seed", "member_list": []string{alice.name, bob.name}})
	group := a.roomNamed("seed").number("roomid")
	w.messages(a, b, alice, group)
	w.group(a, b, c, group, []*pupil{alice, bob, carol})
	w.says(a, "refresh", "Success", fields{"friend_list": []string{}, "chatroom_list": []int{}, "refresh": ""})
	w.calls(alice, bob)

	slices.Sort(seedFunctions)
	for _, name := range seedFunctions {
		if !w.done[name] {
			t.Errorf("%s was not served", name)
		}
		delete(w.done, name)
	}
	if len(seedFunctions) != 41 || len(w.done) > 0 {
		t.Errorf("the list has %d functions, and lacks %v", len(seedFunctions), w.done)
	}
}

func (w *seedWalk) friends(a, b *line, alice, bob *pupil) {
	asking := fields{"from": alice.name, "to": bob.name, "username": alice.name}
	w.ask(a, "apply", "applylist", asking)
	b.until("receivelist")
	w.ask(b, "decline", "decline", asking)
	w.ask(a, "apply", "applylist", asking)
	b.until("receivelist")
	w.ask(b, "confirm", "confirm", asking)
	a.until("fetchroom")
	for _, list := range []struct {
		by         *line
		name, said string
		length     int
	}{{a, "fetchapplylist", "applylist", 2}, {b, "fetchreceivelist", "receivelist", 2}, {a, "fetchfriendlist", "friendlist", 1}} {
		if got := w.ask(list.by, list.name, list.said, fields{}).list(list.said); len(got) != list.length {
			w.t.Errorf("%s is answered with %v", list.name, got)
		}
	}
	for _, name := range []string{"fetch_room", "fetchRoomList"} {
		b.settle()
		if got := w.ask(b, name, "fetchroom", fields{"username": bob.name}).list("roomlist"); len(got) != 1 || got[0]["roomname"] != alice.name {
			w.t.Errorf("%s is answered with %v", name, got)
		}
	}
}

func (w *seedWalk) messages(a, b *line, alice *pupil, group int64) {
	for _, l := range []*line{a, b} {
		l.open(group)
		l.settle()
	}
	w.done["add_chat"] = true // messages are heard in the open room
	number := w.ask(a, "send_message", "Ack2", fields{"msg_type": "text", "msg_body": "a seed"}).number("msg_id")
	for _, l := range []*line{a, b} {
		if got := l.until("Msg"); got.number("msg_id") != number || got["msg_body"] != "a seed" {
			w.t.Errorf("the message is heard as %v", got)
		}
	}
	w.done["Ack2"], w.done["Msg"] = true, true
	w.silent(b, "acknowledge_message", fields{"is_back": false, "room_id": group, "count": 1})
	if got := w.ask(b, "read_message", "read_message", fields{"chatroom_id": group, "read_message_list": []int64{number}}); got.number("index") != 1 {
		w.t.Errorf("reading is answered with %v", got)
	}
	if got := w.ask(a, "fetch_message", "fetchmessage", fields{"father_id": number}); len(got.list("message_info_list")) != 0 {
		w.t.Errorf("the parts of what has none are %v", got)
	}
	for _, step := range []struct {
		by   *line
		name string
	}{{b, "delete_message"}, {a, "withdraw_message"}} {
		if got := w.ask(step.by, step.name, step.name, fields{"msg_id": number}); got.number("msg_id") != number {
			w.t.Errorf("%s is answered with %v", step.name, got)
		}
	}
	w.says(a, "revise_is_notice", "Is_Notice Revise Success", fields{"chatroom_id": group, "is_notice": false})
	w.says(a, "revise_is_top", "Is_Top Revise Success", fields{"chatroom_id": group, "is_top": true})
	w.says(a, "revise_is_specific", "Is_Specific Revise Success", fields{"chatroom_id": group, "is_specific": true})
	if got := w.ask(a, "examine_password_twice", "examine_password_twice", fields{"password": alice.password}); got["access"] != true {
		w.t.Errorf("the right password gets %v", got)
	}
	w.silent(a, "leave_chat", fields{})
	w.says(a, "send_message", "No chat is open", fields{"msg_type": "text", "msg_body": "nowhere"})
}

func (w *seedWalk) group(a, b, c *line, group int64, p []*pupil) {
	alice, bob, carol := p[0], p[1], p[2]
	in := func(more fields) fields {
		more["chatroom_id"] = group
		return more
	}
	w.says(a, "appoint_manager", "Appoint Manager Success", in(fields{"manager_name": bob.name}))
	w.says(a, "remove_manager", "Success", in(fields{"manager_name": bob.name}))
	invitation := b.ask2("send_message_invite", fields{"function": "send_message", "msg_type": "invite", "msg_body": carol.name}).number("message_id")
	a.until("fetchinvitelist")
	asked := w.ask(a, "fetch_invite_list", "fetchinvitelist", fields{"username": alice.name}).list("room_list")[0].list("message_list")
	if len(asked) != 1 || asked[0].number("msg_id") != invitation {
		w.t.Errorf("who is invited is %v", asked)
	}
	w.says(a, "reply_add_group", "Reply Add Group Success", in(fields{"message_id": invitation, "answer": 1}))
	w.says(a, "remove_group_member", "Remove Group Member Success", in(fields{"member_name": carol.name}))
	w.says(a, "add_group_member", "Add Group Member Success", in(fields{"added_username": carol.name}))
	if got := w.ask(a, "fetch_roominfo", "fetchroominfo", fields{"roomid": group}); got.number("mem_count") != 3 || got["master"] != alice.name {
		w.t.Errorf("the group is %v", got)
	}
	w.says(c, "leave_group", "Success", in(fields{}))
	w.says(a, "transfer_master", "Transfer Master Success", in(fields{"new_master_name": bob.name}))
	w.says(b, "delete_chat_group", "Delete Group Success", in(fields{}))
}

func (w *seedWalk) calls(alice, bob *pupil) {
	ap, bp := alice.phone(), bob.phone()
	alice.online(alice, 2)
	alice.online(bob, 2)
	to := func(p *pupil) string { return "audio_or_video_" + p.name }
	for _, step := range []struct {
		by, other  *line
		kind, said string
		data       fields
	}{
		{ap, bp, "call", "call_received", fields{"name": to(bob), "rtcMessage": offer}},
		{bp, ap, "answer_call", "call_answered", fields{"caller": to(alice), "rtcMessage": answered}},
		{ap, bp, "ICEcandidate", "ICEcandidate", fields{"user": to(bob), "rtcMessage": ice("1")}},
		{bp, ap, "stop_call", "call_stopped", fields{"name": to(alice)}},
	} {
		step.by.send(fields{"type": step.kind, "data": step.data})
		step.other.hears(step.said)
		w.done[step.kind] = true
	}
	w.done["login"] = true // nobody can be called without it
}
