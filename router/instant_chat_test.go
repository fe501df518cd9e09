package router_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/define"
)

// bools are those of a list.
func (f said) bools(key string) string {
	raw, _ := json.Marshal(f[key])
	return string(raw)
}

// The frames recorded from the published server, in their order.
func TestInstantBefriending(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.pupil("alice"), s.pupil("bobby")
	a, b := alice.socket(), bob.socket()
	apply := fields{"function": "apply", "from": alice.name, "to": bob.name, "username": alice.name}
	asked := func(name string, confirmed, sure bool) []fields {
		return []fields{{"username": name, "is_confirmed": confirmed, "make_sure": sure}}
	}
	a.ask("applylist", apply).is(t, fields{"function": "applylist", "applylist": asked(bob.name, false, false)})
	b.next("receivelist").is(t, fields{"function": "receivelist", "receivelist": asked(alice.name, false, false)})
	a.ask("apply_friend", apply).is(t, fields{"function": "apply_friend", "message": "List Has Been Sent"})
	a.ask("apply_friend", fields{"function": "apply", "from": alice.name, "to": "nobody12345"}).is(t, fields{"function": "apply_friend", "message": "User not found"})

	decline := fields{"function": "decline", "from": alice.name, "to": bob.name, "username": bob.name}
	b.ask("decline", decline).is(t, fields{"function": "decline"})
	b.next("receivelist").is(t, fields{"function": "receivelist", "receivelist": asked(alice.name, false, true)})
	b.quiet()
	a.quiet()
	if got := b.ask("decline", decline); got["message"] == nil {
		t.Errorf("declined twice: %v", got)
	}
	a.send(apply)
	a.next("applylist")
	b.next("receivelist")

	b.ask("confirm", fields{"function": "confirm", "from": alice.name, "to": bob.name, "username": bob.name}).is(t, fields{"function": "confirm"})
	b.next("").is(t, fields{"user": bob.name})
	group := func(name string) []fields { return []fields{{"groupname": "我的好友", "username": []string{name}}} }
	b.next("friendlist").is(t, fields{"function": "friendlist", "friendlist": group(alice.name)})
	if got := b.next("receivelist").list("receivelist"); len(got) != 2 || got[1]["is_confirmed"] != true || got[1]["make_sure"] != true {
		t.Errorf("the requests are %v", got)
	}
	b.settle() // his list of rooms may follow
	a.next("").is(t, fields{"user": alice.name})
	a.next("friendlist").is(t, fields{"function": "friendlist", "friendlist": group(bob.name)})
	if got := a.next("applylist").list("applylist"); len(got) != 2 || got[1]["is_confirmed"] != true {
		t.Errorf("her requests are %v", got)
	}
	rooms := a.next("fetchroom").list("roomlist")
	if len(rooms) != 1 {
		t.Fatalf("her rooms are %v", rooms)
	}
	id := rooms[0].number("roomid")
	rooms[0].is(t, fields{
		"roomid": id, "roomname": bob.name, "is_notice": true, "is_top": false, "message_list": []fields{}, "is_private": true, "is_specific": false, "index": 1,
	})
	a.settle() // another list of hers may follow
	a.ask("apply_friend", apply).is(t, fields{"function": "apply_friend", "message": "Is Already a Friend"})
	person := func(p *pupil) fields { return fields{"username": p.name, "avatar": "/static/media/pic/default.jpeg"} }
	a.ask("fetchroominfo", fields{"function": "fetch_roominfo", "roomid": id}).is(t, fields{
		"function": "fetchroominfo", "mem_list": []fields{person(bob), person(alice)}, "manager_list": []string{}, "master": bob.name, "mem_count": 2,
		"notice_list": []string{}, "is_private": true, "index": 1,
	})
	for _, asked := range []string{"from", "to"} { // nobody acts for another
		in := fields{"function": "confirm", "from": alice.name, "to": bob.name, "username": bob.name}
		in[asked] = "nobody12345"
		if got := b.ask("confirm", in); got["message"] == nil {
			t.Errorf("%v is answered with %v", in, got)
		}
	}
}

func TestInstantMessages(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.pupil("alice"), s.pupil("bobby")
	a, b := alice.socket(), bob.socket()
	a.says("No chat is open", fields{"function": "send_message", "msg_type": "text", "msg_body": "into the void"})
	room := a.befriends(alice, bob, b)
	a.open(room)
	b.open(room)
	m := a.say("text", "hello")
	m.is(t, fields{
		"function": "Msg", "msg_id": m.number("msg_id"), "msg_body": "hello", "msg_time": m["msg_time"], "msg_type": "text", "sender": alice.name,
		"reply_id": -1, "combine_list": []int{}, "room_id": room, "avatar": "/static/media/pic/default.jpeg",
		"read_list": []bool{false, true}, "delete_list": []bool{false, false}, "is_delete": false,
	})
	if _, err := time.Parse(time.DateTime, m["msg_time"].(string)); err != nil {
		t.Error(err)
	}
	b.next("Msg").is(t, fields{
		"function": "Msg", "msg_id": m.number("msg_id"), "msg_body": "hello", "msg_time": m["msg_time"], "msg_type": "text", "sender": alice.name,
		"reply_id": -1, "combine_list": []int{}, "room_id": room, "avatar": "/static/media/pic/default.jpeg",
		"read_list": []bool{false, true}, "delete_list": []bool{false, false}, "is_delete": false,
	})
	ack := b.ask("Ack2", fields{"function": "send_message", "msg_type": "reply", "msg_body": "hi", "reply_id": m.number("msg_id")})
	if r := b.next("Msg"); r.number("reply_id") != m.number("msg_id") || r["msg_type"] != "reply" || r.number("msg_id") != ack.number("msg_id") {
		t.Errorf("the reply is %v", r)
	}
	reply := a.next("Msg")
	listed := a.rooms()[room].list("message_list")
	if len(listed) != 2 {
		t.Fatalf("the room has %v", listed)
	}
	listed[0].is(t, fields{
		"msg_body": "hello", "msg_id": m.number("msg_id"), "msg_type": "text", "msg_time": m["msg_time"], "sender": alice.name, "avatar": "/static/media/pic/default.jpeg",
		"combine_list": []int{}, "read_list": []bool{true, true}, "is_delete": false, "reply_id": 0, // he has answered, and so read it
	})
	if listed[1].number("reply_id") != m.number("msg_id") || listed[1].bools("read_list") != "[true,false]" {
		t.Errorf("the reply is listed as %v", listed[1])
	}

	read := fields{"function": "read_message", "read_message_list": []int64{reply.number("msg_id")}, "read_user": alice.name, "chatroom_id": room}
	wanted := fields{"function": "read_message", "read_user": alice.name, "chatroom_id": room, "read_message_list": []int64{reply.number("msg_id")}, "index": 1}
	a.ask("read_message", read).is(t, wanted)
	b.next("read_message").is(t, wanted)
	read["read_message_list"] = []int{}
	wanted["read_message_list"] = []int{}
	a.ask("read_message", read).is(t, wanted)
	if got := a.rooms()[room].list("message_list"); got[1].bools("read_list") != "[true,true]" {
		t.Errorf("after reading: %v", got[1])
	}
	read["chatroom_id"] = 0
	a.send(read)
	a.quiet()

	a.ask("delete_message", fields{"function": "delete_message", "msg_id": reply.number("msg_id")}).is(t, fields{"function": "delete_message", "msg_id": reply.number("msg_id")})
	if got := a.rooms()[room].list("message_list"); len(got) != 2 || got[1]["is_delete"] != true || got[0]["is_delete"] != false {
		t.Errorf("after deleting: %v", got)
	}
	if got := b.rooms()[room].list("message_list"); len(got) != 2 || got[1]["is_delete"] != false {
		t.Errorf("he sees %v", got)
	}
	withdraw := fields{"function": "withdraw_message", "msg_id": m.number("msg_id"), "is_private": true, "is_admin": true}
	b.says("Permission denied", withdraw) // whatever he says of himself
	gone := fields{"function": "withdraw_message", "msg_id": m.number("msg_id"), "room_id": room}
	a.ask("withdraw_message", withdraw).is(t, gone)
	b.next("withdraw_message").is(t, gone)
	if got := b.rooms()[room].list("message_list"); len(got) != 1 || got[0].number("msg_id") != reply.number("msg_id") {
		t.Errorf("after recalling: %v", got)
	}

	a.send(fields{"function": "leave_chat"})
	a.says("No chat is open", fields{"function": "send_message", "msg_type": "text", "msg_body": "into the void"})
	a.open(room)
	for _, in := range []fields{
		{"msg_type": "text", "msg_body": ""}, {"msg_type": "text", "msg_body": strings.Repeat("好", 126)}, {"msg_type": "song", "msg_body": "la"}, {},
		{"msg_type": "reply", "msg_body": "x", "reply_id": 1 << 50}, {"msg_type": "combine", "combine_list": []int{-1}, "transroom_id": room},
		{"msg_type": "combine", "combine_list": []int{}, "transroom_id": room}, {"msg_type": "combine", "combine_list": []int64{reply.number("msg_id")}, "transroom_id": 1 << 50},
		{"msg_type": "notice", "msg_body": "in private"},
	} {
		in["function"] = "send_message"
		if got := a.ask("send_message", in); got["message"] == "" {
			t.Errorf("%v is answered with %v", in, got)
		}
	}
	a.say("text", strings.Repeat("好", 125))
	b.next("Msg")
	b.quiet()
}

// Several sends of one socket are answered in their order, each before its own message.
func TestInstantSendsInOrder(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.pupil("alice"), s.pupil("bobby")
	a, b := alice.socket(), bob.socket()
	second := alice.wsconnect("/wsconnect", alice.cookie)
	second.send(fields{"function": "add_channel", "username": alice.name})
	second.settle()
	room := a.befriends(alice, bob, b)
	second.settle()
	a.open(room)
	b.open(room)
	b.settle()
	const sends = 50
	for i := range sends {
		a.send(fields{"function": "send_message", "msg_type": "text", "msg_body": fmt.Sprint("a", i)})
		b.send(fields{"function": "send_message", "msg_type": "text", "msg_body": fmt.Sprint("b", i)})
	}
	heard := func(l *line, sender *pupil) (order []int64) {
		acked := int64(0)
		for mine := 0; len(order) < 2*sends; {
			f := <-l.frames
			switch f["function"] {
			case "Ack2":
				if acked != 0 {
					t.Fatalf("two acknowledgements in a row: %d, %v", acked, f)
				}
				acked = f.number("msg_id")
			case "Msg":
				order = append(order, f.number("msg_id"))
				if sender == nil || f["sender"] != sender.name {
					continue
				}
				if f.number("msg_id") != acked || f["msg_body"] != fmt.Sprint(sender.name[:1], mine) {
					t.Fatalf("message %d is %v, acknowledged was %d", mine, f, acked)
				}
				mine++
				acked = 0
			}
		}
		return order
	}
	first := fmt.Sprint(heard(a, alice))
	for name, order := range map[string][]int64{"the other one": heard(b, bob), "her second socket": heard(second, nil)} {
		if fmt.Sprint(order) != first {
			t.Errorf("%s heard %v\nshe %v", name, order, first)
		}
	}
}

// Forwards are merged messages: their parts can be read by who can read the forward, even where he cannot read what was
// forwarded, and by nobody else.
func TestInstantForwards(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob, carol, eve := s.pupil("alice"), s.pupil("bobby"), s.pupil("carol"), s.pupil("evelyn")
	a, b, c := alice.socket(), bob.socket(), carol.socket()
	from := a.befriends(alice, bob, b)
	to := a.befriends(alice, carol, c)
	a.open(from)
	one, other := a.say("text", "first"), a.say("text", "second")
	ids := []int64{one.number("msg_id"), other.number("msg_id")}
	ack := a.ask("Ack2", fields{"function": "send_message", "msg_type": "combine", "msg_body": "", "combine_list": ids, "transroom_id": to})
	m := a.next("Msg")
	if m.number("msg_id") != ack.number("msg_id") || m.number("room_id") != to || m["msg_type"] != "combine" || m["msg_body"] != "" {
		t.Errorf("the forward is %v", m)
	}
	b.settle()
	got := c.next("Msg")
	got.is(t, fields(m))
	parts, _ := got["combine_list"].([]any)
	if len(parts) != 2 {
		t.Fatalf("the parts are %v", parts)
	}
	fetch := func(p *pupil, list any) said {
		answer, _ := s.instant("POST", "/user/message", p.cookie, fields{"combine_list": list})
		return answer
	}
	want := func(n any, m said) fields {
		return fields{
			"code": 0, "info": "fetch a message", "msg_id": n, "msg_body": m["msg_body"], "msg_time": m["msg_time"], "msg_type": "text",
			"msg_sender": alice.name, "avatar": "/static/media/pic/default.jpeg",
		}
	}
	fetch(carol, parts).is(t, fields{"code": 0, "msg_list": []fields{want(parts[0], one), want(parts[1], other)}})
	fetch(alice, ids).is(t, fields{"code": 0, "msg_list": []fields{want(ids[0], one), want(ids[1], other)}})
	fetch(carol, ids).is(t, fields{"code": -2, "info": "no message", "msg_id": ids[0]})
	for _, p := range []*pupil{bob, eve} {
		fetch(p, parts).is(t, fields{"code": -2, "info": "no message", "msg_id": parts[0]})
	}
	info := func(n any, m said) fields {
		return fields{
			"msg_id": n, "msg_type": "text", "msg_time": m["msg_time"], "msg_body": m["msg_body"], "sender": alice.name,
			"read_list": []bool{}, "delete_list": []bool{}, "combine_list": []int{}, "reply_id": 0,
		}
	}
	c.ask("fetchmessage", fields{"function": "fetch_message", "father_id": m.number("msg_id")}).is(t, fields{
		"function": "fetchmessage", "father_id": m.number("msg_id"), "message_info_list": []fields{info(parts[0], one), info(parts[1], other)},
	})
	if got := b.ask("fetch_message", fields{"function": "fetch_message", "father_id": m.number("msg_id")}); got["message"] == nil {
		t.Errorf("who is not in the room gets %v", got)
	}
	c.open(to)
	a.settle()
	c.ask("Ack2", fields{"function": "send_message", "msg_type": "combine", "combine_list": []int64{m.number("msg_id")}, "transroom_id": to})
	outer := c.next("Msg")
	if got := fetch(alice, outer["combine_list"]).list("msg_list"); len(got) != 1 || got[0]["msg_type"] != "combine" || got[0]["msg_body"] == "" {
		t.Errorf("a forward in a forward is %v", got)
	}
	a.open(to)
	a.settle()
	a.ask("withdraw_message", fields{"function": "withdraw_message", "msg_id": m.number("msg_id")})
	if got := fetch(carol, parts); got.number("code") != -2 {
		t.Errorf("the parts of a recalled forward: %v", got)
	}
}

func TestInstantSettings(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.pupil("alice"), s.pupil("bobby")
	a, b := alice.socket(), bob.socket()
	room := a.befriends(alice, bob, b)
	b.open(room)
	b.say("text", "before")
	a.settle()
	a.says("Is_Top Revise Success", fields{"function": "revise_is_top", "chatroom_id": room, "is_top": true})
	a.says("Is_Notice Revise Success", fields{"function": "revise_is_notice", "chatroom_id": room, "is_notice": false})
	a.says("Is_Specific Revise Success", fields{"function": "revise_is_specific", "chatroom_id": room, "is_specific": true})
	listed := a.rooms()[room]
	if listed["is_top"] != true || listed["is_notice"] != false || listed["is_specific"] != true {
		t.Errorf("the room is %v", listed)
	}
	// The password that has opened her session opens what she locks as well, for a while.
	if got := listed.list("message_list"); len(got) != 1 {
		t.Errorf("the locked room shows %v", got)
	}
	b.say("text", "after")
	a.next("Msg")
	me := alice.native().room(roomOf(t, alice.native(), room))
	if !me.Me.Pinned || !me.Me.Muted || !me.Me.Locked || me.LastMessage != nil {
		t.Errorf("the native API says %+v", me)
	}

	// A session that her password has not opened sees that the room is there, and no more.
	c := alice.wsconnect("/wsconnect", "parlor_instant="+alice.native().token)
	c.send(fields{"function": "add_channel", "username": alice.name})
	c.settle()
	if got := c.rooms()[room]; got["is_specific"] != true || len(got.list("message_list")) > 0 {
		t.Errorf("the locked room shows %v", got)
	}
	unheard := b.say("text", "unheard").number("msg_id")
	a.next("Msg")
	c.hints(room, unheard)
	c.quiet()
	c.ask("examine_password_twice", fields{"function": "examine_password_twice", "password": "wrong"}).is(t, fields{"function": "examine_password_twice", "access": false})
	c.ask("examine_password_twice", fields{"function": "examine_password_twice"}).is(t, fields{"function": "examine_password_twice", "access": false})
	if got := c.rooms()[room]; len(got.list("message_list")) > 0 {
		t.Errorf("after a wrong password: %v", got)
	}
	c.ask("examine_password_twice", fields{"function": "examine_password_twice", "password": alice.password}).is(t, fields{"function": "examine_password_twice", "access": true})
	if got := c.rooms()[room]; len(got.list("message_list")) != 3 {
		t.Errorf("after the password: %v", got)
	}
	a.says("Is_Specific Revise Success", fields{"function": "revise_is_specific", "chatroom_id": room, "is_specific": false})
	if got := a.rooms()[room]; got["is_specific"] != false {
		t.Errorf("after unlocking: %v", got)
	}
	for _, name := range []string{"revise_is_top", "revise_is_notice", "revise_is_specific"} {
		field := strings.TrimPrefix(name, "revise_")
		a.says("Group not found", fields{"function": name, "chatroom_id": 1 << 50, field: true})
		before := a.rooms()[room][field]
		for _, value := range []any{"maybe", []int{}, 2, nil} {
			want := "The request breaks a rule. (" + field + ": must be a boolean)"
			if value == nil {
				want = "The request breaks a rule. (" + field + ": is needed)"
			}
			a.says(want, fields{"function": name, "chatroom_id": room, field: value})
		}
		a.says("The request breaks a rule. ("+field+": is needed)", fields{"function": name, "chatroom_id": room})
		if after := a.rooms()[room][field]; after != before {
			t.Errorf("%s was %v and is %v after refusals", field, before, after)
		}
	}
}

// hints fails the test unless the next frame says of a message that it has come, and nothing of what it says.
func (l *line) hints(room, message int64) {
	l.t.Helper()
	m := l.next("Msg")
	m.is(l.t, fields{
		"function": "Msg", "msg_id": message, "msg_body": "[会话已锁定，重新登录后可见]", "msg_time": m["msg_time"], "msg_type": "text", "sender": "",
		"reply_id": -1, "combine_list": []int{}, "room_id": room, "avatar": "/static/media/pic/default.jpeg",
		"read_list": []bool{false, false}, "delete_list": []bool{false, false}, "is_delete": false,
	})
}

// The password of a login opens what its user locks for 30 minutes, and not for as long as the session lasts.
func TestInstantLockOutlastsTheLogin(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.pupil("alice"), s.pupil("bobby")
	native := alice.native() // whose own login opens nothing
	a, b := alice.socket(), bob.socket()
	room := a.befriends(alice, bob, b)
	b.open(room)
	a.says("Is_Specific Revise Success", fields{"function": "revise_is_specific", "chatroom_id": room, "is_specific": true})
	a.settle()
	secret := b.say("text", "a secret").number("msg_id")
	if got := a.next("Msg"); got["msg_body"] != "a secret" {
		t.Errorf("after the login she hears %v", got)
	}
	now := time.Now()
	in := bson.D{{Key: "user_identity", Value: native.identity}, {Key: "unlocked." + define.UnlockAll, Value: bson.D{
		{Key: "$gt", Value: now.Add(29 * time.Minute).UnixMilli()}, {Key: "$lte", Value: now.Add(define.UnlockLifetime).UnixMilli()},
	}}}
	set(t, s.openDatabase().Collection("session"), in, bson.D{{Key: "unlocked." + define.UnlockAll, Value: now.Add(-time.Second).UnixMilli()}})

	late := alice.socket()
	if got := late.rooms()[room]; got["is_specific"] != true || len(got.list("message_list")) > 0 {
		t.Errorf("30 minutes later she sees %v", got)
	}
	more := b.say("text", "another").number("msg_id")
	late.hints(room, more)
	b.ask("withdraw_message", fields{"function": "withdraw_message", "msg_id": more})
	late.next("withdraw_message").is(t, fields{"function": "withdraw_message", "msg_id": more, "room_id": room})
	parts, _ := s.instant("POST", "/user/message", alice.cookie, fields{"combine_list": []int64{secret}})
	parts.is(t, fields{"code": -2, "info": "no message", "msg_id": secret})
	for _, in := range []fields{
		{"function": "revise_is_specific", "chatroom_id": room, "is_specific": false},
		{"function": "fetch_message", "father_id": secret}, {"function": "delete_message", "msg_id": secret},
	} {
		if got := late.ask(in["function"].(string), in); got["message"] == nil {
			t.Errorf("%v is answered with %v", in, got)
		}
	}
	late.ask("examine_password_twice", fields{"function": "examine_password_twice", "password": alice.password}).is(t, fields{"function": "examine_password_twice", "access": true})
	if got := late.rooms()[room].list("message_list"); len(got) != 1 || got[0]["msg_body"] != "a secret" {
		t.Errorf("after the password she sees %v", got)
	}
	late.says("Is_Specific Revise Success", fields{"function": "revise_is_specific", "chatroom_id": room, "is_specific": false})
}

// roomOf returns the identity of a room by its number.
func roomOf(t *testing.T, u *user, number int64) string {
	t.Helper()
	for _, r := range pages[room](u, "/rooms", "100") {
		if r.Number == number {
			return r.Identity
		}
	}
	t.Fatalf("%s has no room %d", u.account, number)
	return ""
}

// A long history is shown by its newest part, and a deleted or recalled message in it makes no hole.
func TestInstantLongHistory(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.pupil("alice"), s.pupil("bobby")
	a, b := alice.socket(), bob.socket()
	number := a.befriends(alice, bob, b)
	native := bob.native()
	room := roomOf(t, native, number)
	var last message
	for i := range define.SnapshotMost + 20 {
		last = native.send(room, fmt.Sprint(i))
	}
	a.settle()
	listed := a.rooms()[number].list("message_list")
	if len(listed) != define.SnapshotMost || listed[0]["msg_body"] != "20" || listed[len(listed)-1].number("msg_id") != last.Identity {
		t.Fatalf("%d messages from %v to %v", len(listed), listed[0], listed[len(listed)-1])
	}
	native.post(last.path()+"/recall", nil).ok(200)
	a.until("withdraw_message")
	if listed = a.rooms()[number].list("message_list"); len(listed) != define.SnapshotMost-1 {
		t.Errorf("%d messages after a recall", len(listed))
	}
	// Reading the newest has read all before it, of which those are named that a client can have.
	newest := listed[len(listed)-1].number("msg_id")
	a.send(fields{"function": "read_message", "read_message_list": []int64{newest}, "chatroom_id": number, "read_user": alice.name})
	read := a.next("read_message")
	if ids, _ := read["read_message_list"].([]any); len(ids) < define.SnapshotMost-1 || len(ids) > define.SnapshotMost {
		t.Errorf("reading names %d messages", len(ids))
	}
	if me := native.room(room).Me; me.Unread != 0 {
		t.Errorf("he is %+v", me)
	}
}
