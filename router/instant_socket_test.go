package router_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"parlor/define"
)

// instantFunctions is every function of the seed's list (its section 3.2 and its API part), each with a frame of somebody
// who is in no room, and the function of its answer: "" is none.
var instantFunctions = map[string]struct {
	in     fields
	answer string
}{
	"heartbeat":              {fields{}, "heartbeatconfirm"},
	"add_channel":            {fields{}, ""},
	"apply":                  {fields{"to": "nobody12345"}, "apply_friend"},
	"confirm":                {fields{"from": "nobody12345"}, "confirm"},
	"decline":                {fields{"from": "nobody12345"}, "decline"},
	"refresh":                {fields{"friend_list": []string{"nobody12345"}, "chatroom_list": []int{1, 2}, "refresh": ""}, "refresh"},
	"fetchapplylist":         {fields{}, "applylist"},
	"fetchreceivelist":       {fields{}, "receivelist"},
	"fetchfriendlist":        {fields{}, "friendlist"},
	"add_chat":               {fields{"room_id": 1, "room_name": "x"}, ""},
	"leave_chat":             {fields{}, ""},
	"send_message":           {fields{"msg_type": "text", "msg_body": "x"}, "send_message"},
	"acknowledge_message":    {fields{"is_back": false, "room_id": 0, "count": 1}, ""},
	"withdraw_message":       {fields{"msg_id": 1}, "withdraw_message"},
	"create_group":           {fields{"room_name": "", "member_list": []string{}}, "create_group"},
	"delete_chat_group":      {fields{"chatroom_id": 1}, "delete_chat_group"},
	"reply_add_group":        {fields{"chatroom_id": 1, "message_id": 1, "answer": 1}, "reply_add_group"},
	"leave_group":            {fields{"chatroom_id": 1}, "leave_group"},
	"appoint_manager":        {fields{"chatroom_id": 1, "manager_name": "x"}, "appoint_manager"},
	"remove_manager":         {fields{"chatroom_id": 1, "manager_name": "x"}, "remove_manager"},
	"transfer_master":        {fields{"chatroom_id": 1, "new_master_name": "x"}, "transfer_master"},
	"add_group_member":       {fields{"chatroom_id": 1, "added_username": "x"}, "add_group_member"},
	"remove_group_member":    {fields{"chatroom_id": 1, "member_name": "x"}, "remove_group_member"},
	"fetch_room":             {fields{}, "fetchroom"},
	"fetchRoomList":          {fields{}, "fetchroom"},
	"fetch_invite_list":      {fields{}, "fetchinvitelist"},
	"fetch_roominfo":         {fields{"roomid": 1}, "fetch_roominfo"},
	"revise_is_notice":       {fields{"chatroom_id": 1, "is_notice": true}, "revise_is_notice"},
	"revise_is_top":          {fields{"chatroom_id": 1, "is_top": true}, "revise_is_top"},
	"revise_is_specific":     {fields{"chatroom_id": 1, "is_specific": true}, "revise_is_specific"},
	"read_message":           {fields{"chatroom_id": 1, "read_message_list": []int{1}}, ""},
	"delete_message":         {fields{"msg_id": 1}, "delete_message"},
	"examine_password_twice": {fields{"password": "x"}, "examine_password_twice"},
	"fetch_message":          {fields{"father_id": 1}, "fetch_message"},
}

func TestInstantFunctionsOfTheSeed(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.pupil("alice")
	a, stranger := alice.socket(), s.wsconnect("/wsconnect", "")
	for name, test := range instantFunctions {
		in := fields{"function": name, "username": alice.name}
		for key, value := range test.in {
			in[key] = value
		}
		a.send(in)
		if test.answer != "" {
			a.until(test.answer)
		}
		if name == "heartbeat" {
			continue
		}
		a.settle()

		// Who has not said who he is gets nothing but a word.
		stranger.send(in)
		if name != "acknowledge_message" {
			stranger.next(name).is(t, fields{"function": name, "message": "Token Error"})
		}
		stranger.settle()
	}
}

// Whoever a stranger names, with whatever proof of another: he is let in as nobody, and reaches nothing of a room that he
// is not in.
func TestInstantSocketsOfStrangers(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	g := s.instantGroup()
	g.o.open(g.room)
	secret := g.o.say("text", "among us").number("msg_id")
	g.settle()
	for name, test := range map[string]struct {
		cookie string
		in     fields
	}{
		"a name":              {"", fields{"username": g.owner.name}},
		"a guess":             {"", fields{"username": g.owner.name, "token": 123456789012}},
		"her own token":       {"", fields{"username": g.owner.name, "token": g.stranger.token}},
		"her own cookie":      {g.stranger.cookie, fields{"username": g.owner.name}},
		"a cookie of nothing": {"parlor_instant=a.b.c", fields{"username": g.owner.name}},
		"no name":             {"", fields{}},
		"a token of nothing":  {"", fields{"username": g.owner.name, "token": "a.b.c"}},
	} {
		l := s.wsconnect("/wsconnect", test.cookie)
		test.in["function"] = "add_channel"
		l.ask("add_channel", test.in).is(t, fields{"function": "add_channel", "message": "Token Error"})
		if got := l.ask("fetch_room", fields{"function": "fetch_room", "username": g.owner.name}); got["message"] != "Token Error" {
			t.Errorf("%s lets in: %v", name, got)
		}
	}
	token := s.wsconnect("/wsconnect", "")
	token.send(fields{"function": "add_channel", "username": g.stranger.name, "token": g.stranger.token})
	token.settle()
	token.ask("add_channel", fields{"function": "add_channel", "username": g.owner.name}).is(t, fields{"function": "add_channel", "message": "Token Error"})
	for _, l := range []*line{g.s, token} { // both are hers
		if rooms := l.rooms(); rooms[g.room] != nil || len(rooms) != 1 {
			t.Fatalf("her rooms are %v", rooms)
		}
		for _, in := range []fields{
			{"function": "fetch_room", "username": g.owner.name}, {"function": "fetchfriendlist", "username": g.owner.name},
			{"function": "fetchapplylist", "username": g.owner.name}, {"function": "fetch_invite_list", "username": g.owner.name},
			{"function": "fetch_roominfo", "roomid": g.room}, {"function": "fetch_message", "father_id": secret},
			{"function": "read_message", "chatroom_id": g.room, "read_message_list": []int64{secret}, "read_user": g.owner.name},
			{"function": "withdraw_message", "msg_id": secret, "is_private": true, "is_admin": true}, {"function": "delete_message", "msg_id": secret},
			{"function": "revise_is_top", "chatroom_id": g.room, "is_top": true},
			{"function": "apply", "from": g.owner.name, "to": g.stranger.name, "username": g.owner.name},
			{"function": "confirm", "from": g.member.name, "to": g.owner.name, "username": g.owner.name},
			{"function": "send_message", "msg_type": "combine", "combine_list": []int64{secret}, "transroom_id": g.room},
		} {
			l.open(g.room)
			l.send(in)
			l.send(fields{"function": "heartbeat"})
			for {
				f := <-l.frames
				if f["function"] == "heartbeatconfirm" {
					break
				}
				if text := fmt.Sprint(f); strings.Contains(text, g.owner.name) || strings.Contains(text, "among us") {
					t.Errorf("%v gets %v", in, f)
				}
			}
		}
	}
	for _, l := range []*line{g.o, g.m, g.p} {
		l.quiet()
	}
}

// What is no frame of the protocol is passed over: the socket stays open.
func TestInstantBadFrames(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.pupil("alice"), s.pupil("bobby")
	a, b := alice.socket(), bob.socket()
	room := a.befriends(alice, bob, b)
	for _, l := range []*line{a, s.wsconnect("/wsconnect", "")} {
		for _, text := range []string{
			"", "nonsense", "[]", "null", "5", `"x"`, "{", `{"function"`, "{}", `{"function":null}`, `{"function":5}`, `{"function":["a"]}`,
			`{"function":"no_such"}`, `{"username":"alice"}`, `{"function":"add_chat","room_id":{}}`, strings.Repeat("[", 10_000), "\xff\xfe",
		} {
			must(t, l.conn.WriteMessage(websocket.TextMessage, []byte(text)))
			must(t, l.conn.WriteMessage(websocket.BinaryMessage, []byte(text)))
		}
		l.settle()
	}
	for name := range instantFunctions {
		if name == "heartbeat" { // takes anything, and would be mistaken for the one of settle
			continue
		}
		for _, value := range []string{`"x"`, "5", "-1", "1e400", "9223372036854775808", "null", "[]", "{}", `[null]`, `["x",5,{}]`, "true", "1.5"} {
			var text strings.Builder
			text.WriteString(`{"function":"` + name + `"`)
			for _, key := range instantFields {
				text.WriteString(`,"` + key + `":` + value)
			}
			text.WriteString("}")
			must(t, a.conn.WriteMessage(websocket.TextMessage, []byte(text.String())))
		}
		a.settle()
	}
	// With the open room and the right keys, and one value that is none.
	for _, in := range []fields{
		{"function": "send_message", "msg_type": "combine", "combine_list": "x", "transroom_id": room}, {"function": "send_message", "msg_type": 5},
		{"function": "send_message", "msg_type": "invite"}, {"function": "send_message", "msg_type": "reply", "msg_body": "x"},
		{"function": "read_message", "chatroom_id": room, "read_message_list": []any{nil, "x", 1 << 60}},
	} {
		a.open(room)
		a.send(in)
		a.settle()
	}
	a.say("text", "still here")
	long := s.wsconnect("/wsconnect", alice.cookie)
	must(t, long.conn.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", define.FrameMax+1))))
	if err := <-long.broken; !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("a long frame: %v", err)
	}
}

// One member on this face, one on /ws, one on both: all have everything in the same order, and see each other's groups,
// files of messages and replies in their own words.
func TestInstantTogetherWithNatives(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, anna := s.pupil("alice"), s.user("anna")
	native := alice.native()
	anna.befriend(native)
	group := anna.room(anna.group("together", native))
	a, n := alice.socket(), anna.socket()
	n.quiet()
	listed := a.rooms()[group.Number]
	if listed["roomname"] != "together" || listed["is_private"] != false || listed.number("index") < 0 {
		t.Fatalf("a native group is %v", listed)
	}
	if got := a.roomNamed(anna.account); got["is_private"] != true {
		t.Errorf("their room is %v", got)
	}
	a.open(group.Number)
	a.settle()
	const each = 40
	together(3, func(i int) {
		for k := range each {
			switch i {
			case 0:
				a.send(fields{"function": "send_message", "msg_type": "text", "msg_body": fmt.Sprint("a", k)})
			case 1:
				anna.post("/rooms/"+group.Identity+"/messages", fields{"data": fmt.Sprint("n", k)})
			case 2:
				native.post("/rooms/"+group.Identity+"/messages", fields{"data": fmt.Sprint("both", k)})
			}
		}
	})
	var here, there []string
	for len(here) < 3*each {
		f := <-a.frames
		if f["function"] == "Msg" {
			here = append(here, f["msg_body"].(string))
		}
	}
	for len(there) < 3*each {
		there = append(there, heard[message](n, "message.new").Data)
	}
	if fmt.Sprint(here) != fmt.Sprint(there) {
		t.Errorf("here  %v\nthere %v", here, there)
	}
	var stored []string
	for _, m := range anna.history(group.Identity) {
		stored = append(stored, m.Data)
	}
	if fmt.Sprint(stored) != fmt.Sprint(there) {
		t.Errorf("stored %v\nheard %v", stored, there)
	}

	first := anna.send(group.Identity, "look")
	a.until("Msg")
	answer := into[message](anna.post("/rooms/"+group.Identity+"/messages", fields{"data": "at this", "reply_to": first.Identity}).ok(201))
	if got := a.next("Msg"); got["msg_type"] != "reply" || got.number("reply_id") != first.Identity || got.number("msg_id") != answer.Identity {
		t.Errorf("a reply is %v", got)
	}
	anna.post("/messages/forward", fields{"messages": []int64{first.Identity, answer.Identity}, "rooms": []string{group.Identity}, "mode": "merged"}).ok(201)
	if got := a.next("Msg"); got["msg_type"] != "combine" || len(got["combine_list"].([]any)) != 2 {
		t.Errorf("a forward is %v", got)
	}
	anna.patch(fmt.Sprint("/messages/", answer.Identity), fields{"data": "edited"}).ok(200)
	if got := a.next("fetchroom"); got == nil || a.roomsMessage(group.Number, "edited") != answer.Identity {
		t.Error("an edit is not shown")
	}
	a.settle()
	anna.post(fmt.Sprint("/messages/", first.Identity, "/recall"), nil).ok(200)
	a.next("withdraw_message").is(t, fields{"function": "withdraw_message", "msg_id": first.Identity, "room_id": group.Number})
	a.ask("read_message", fields{"function": "read_message", "chatroom_id": group.Number, "read_message_list": []int64{answer.Identity}})
	for _, op := range []string{"message.new", "message.new", "message.new", "message.edited", "message.recalled"} {
		n.expect(op)
	}
	if got := heard[struct {
		Room string `json:"room"`
		User string `json:"user"`
		Seq  int64  `json:"seq"`
	}](n, "room.read"); got.User != native.identity || got.Seq != answer.Seq {
		t.Errorf("reading is heard as %+v", got)
	}
	anna.post("/rooms/"+group.Identity+"/read", fields{"seq": answer.Seq + 1}).ok(200)
	anna.patch("/rooms/"+group.Identity, fields{"name": "apart"}).ok(200)
	a.until("fetchroom")
	if got := a.roomNamed("apart"); got.number("roomid") != group.Number {
		t.Errorf("renamed: %v", got)
	}
	a.settle()
	anna.delete("/rooms/"+group.Identity+"/members/"+native.identity, nil).ok(204)
	a.next("fetchroom")
	anna.send(group.Identity, "alone")
	a.quiet()
	if _, still := a.rooms()[group.Number]; still {
		t.Error("who was removed sees the group")
	}
}

// A new name is shown to the others once the client has them look again; a cancelled account has none.
func TestInstantRefresh(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.pupil("alice"), s.pupil("bobby")
	a, b, stranger := alice.socket(), bob.socket(), s.pupil("strange").socket()
	room := a.befriends(alice, bob, b)
	a.open(room)
	a.say("text", "who is this?")
	b.settle()
	name := "renamed" + s.suffix()
	alice.call("PUT", "/user/revise", fields{"revise_field": "username", "revise_content": name, "input_password": alice.password}).is(t, fields{"code": 0, "info": "Revise Succeed"})
	alice.name = name
	a.send(fields{"function": "refresh", "friend_list": []string{bob.name, "nobody12345"}, "chatroom_list": []int64{room, 1}, "refresh": name})
	a.next("fetchinvitelist")
	if got := a.next("fetchroom").list("roomlist"); got[0].list("message_list")[0]["sender"] != name {
		t.Errorf("her own rooms are %v", got)
	}
	a.next("").is(t, fields{"user": name})
	a.next("friendlist")
	if got := a.next("refresh"); got["message"] != "Success" {
		t.Errorf("answered with %v", got)
	}
	b.next("fetchinvitelist").is(t, fields{"function": "fetchinvitelist", "room_list": []fields{}})
	if got := b.next("fetchroom").list("roomlist"); got[0]["roomname"] != name || got[0].list("message_list")[0]["sender"] != name {
		t.Errorf("his rooms are %v", got)
	}
	b.next("")
	if got := b.next("friendlist").list("friendlist"); fmt.Sprint(got[0]["username"]) != "["+name+"]" {
		t.Errorf("his friends are %v", got)
	}
	a.says("Success", fields{"function": "refresh", "refresh": name})
	b.quiet() // so soon again
	stranger.quiet()

	carol := s.pupil("carol")
	c := carol.socket()
	a.befriends(alice, carol, c)
	a.send(fields{"function": "create_group", "member_list": []string{carol.name, bob.name}, "room_name": "left behind"})
	c.until("fetchroom")
	group := c.roomNamed("left behind").number("roomid")
	a.open(group)
	a.settle()
	a.say("text", "farewell")
	c.settle()
	b.settle()
	alice.call("DELETE", "/user/cancel", fields{"password": alice.password}).is(t, fields{"code": 0, "info": "User Canceled"})
	if err := <-a.broken; err == nil {
		t.Error("the socket of a cancelled account is open")
	}
	b.until("friendlist")
	for sender := any(nil); sender != "AccountSuspended"; { // the client need not ask for it: its socket has ended
		rooms := c.until("fetchroom").list("roomlist")
		sender = rooms[len(rooms)-1].list("message_list")[0]["sender"]
	}
	info := c.ask2("fetchroominfo", fields{"function": "fetch_roominfo", "roomid": group})
	if info.number("mem_count") != 2 {
		t.Errorf("the group is %v", info)
	}
	if info["master"] != carol.name && info["master"] != bob.name {
		t.Errorf("the group is %v", info)
	}
	rooms := c.rooms()
	if len(rooms) != 1 || rooms[group].list("message_list")[0]["sender"] != "AccountSuspended" {
		t.Errorf("her rooms are %v", rooms)
	}
}

// ask2 is ask which passes over what is pushed.
func (l *line) ask2(answer string, in fields) said {
	l.t.Helper()
	l.send(in)
	return l.until(answer)
}

// With trust_names a name is enough, as it is for the published server.
func TestInstantTrustsNames(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Listen, c.Faces.Instant.TrustNames = "127.0.0.1:0", true })
	alice := s.pupil("alice")
	for range 2 {
		l := s.wsconnect("/wsconnect", "")
		l.send(fields{"function": "add_channel", "username": alice.name})
		l.ask2("friendlist", fields{"function": "fetchfriendlist"})
	}
	l := s.wsconnect("/wsconnect", "")
	l.ask("add_channel", fields{"function": "add_channel", "username": "nobody12345"}).is(t, fields{"function": "add_channel", "message": "Token Error"})
	wrong := s.wsconnect("/wsconnect", "")
	wrong.ask("add_channel", fields{"function": "add_channel", "username": alice.name, "token": 1}).is(t, fields{"function": "add_channel", "message": "Token Error"})
	if alice.login()["token"] == nil {
		t.Error("no token")
	}
}

func TestInstantCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Faces.Instant.Enabled = false })
	if _, response := s.instant("POST", "/user/login", "", fields{}); response.StatusCode != 404 {
		t.Errorf("status %d", response.StatusCode)
	}
}
