package router_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	source "go/token"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// keysOf returns the keys of a map that a file of the router declares: what a socket can be asked for.
func keysOf(t *testing.T, file, variable string) (keys []string) {
	t.Helper()
	parsed, err := parser.ParseFile(source.NewFileSet(), file, nil, 0)
	must(t, err)
	ast.Inspect(parsed, func(n ast.Node) bool {
		if declared, ok := n.(*ast.ValueSpec); ok && declared.Names[0].Name == variable {
			for _, element := range declared.Values[0].(*ast.CompositeLit).Elts {
				keys = append(keys, strings.Trim(element.(*ast.KeyValueExpr).Key.(*ast.BasicLit).Value, `"`))
			}
		}
		return true
	})
	if len(keys) == 0 {
		t.Fatalf("%s has no %s", file, variable)
	}
	slices.Sort(keys)
	return keys
}

// chatTrespasses are what /wsconnect can be asked for, by function, with what is the owner's.
var chatTrespasses = map[string][]string{
	"heartbeat":         {``},
	"add_channel":       {`"username":"{ownername}"`, `"username":"{ownername}","token":"{token}"`, `"username":"{ownername}","token":123456789012`},
	"apply":             {`"from":"{ownername}","to":"{askername}"`},
	"confirm":           {`"from":"{askername}","to":"{ownername}"`},
	"decline":           {`"from":"{askername}","to":"{ownername}"`},
	"fetchapplylist":    {``},
	"fetchreceivelist":  {``},
	"fetchfriendlist":   {``},
	"fetch_room":        {``},
	"fetchRoomList":     {``},
	"fetch_roominfo":    {`"roomid":{chat}`, `"roomid":{private}`},
	"fetch_invite_list": {``},
	"fetch_message":     {`"father_id":{message}`},
	"add_chat":          {`"room_id":{chat},"room_name":"x"`, `"room_id":{private}`},
	"leave_chat":        {``},
	"send_message": {
		`"msg_type":"text","msg_body":"said he"`, `"msg_type":"reply","msg_body":"said he","reply_id":{message}`,
		`"msg_type":"combine","combine_list":[{message}],"transroom_id":{chat}`, `"msg_type":"notice","msg_body":"said he"`,
		`"msg_type":"invite","msg_body":"{name}"`, `"msg_type":"file","msg_body":"/static/media/file/{file}.txt"`,
	},
	"acknowledge_message":    {`"room_id":{chat},"count":1`},
	"read_message":           {`"chatroom_id":{chat},"read_message_list":[{message}],"read_user":"{ownername}"`},
	"withdraw_message":       {`"msg_id":{message},"is_private":true,"is_admin":true`},
	"delete_message":         {`"msg_id":{message}`},
	"create_group":           {`"room_name":"theirs","member_list":["{membername}","{ownername}"]`},
	"delete_chat_group":      {`"chatroom_id":{chat}`},
	"appoint_manager":        {`"chatroom_id":{chat},"manager_name":"{membername}"`},
	"remove_manager":         {`"chatroom_id":{chat},"manager_name":"{membername}"`},
	"transfer_master":        {`"chatroom_id":{chat},"new_master_name":"{name}"`},
	"add_group_member":       {`"chatroom_id":{chat},"added_username":"{name}"`},
	"remove_group_member":    {`"chatroom_id":{chat},"member_name":"{membername}"`},
	"leave_group":            {`"chatroom_id":{chat}`},
	"reply_add_group":        {`"chatroom_id":{chat},"message_id":{invitation},"answer":1`, `"chatroom_id":{chat},"message_id":{message},"answer":1`},
	"revise_is_top":          {`"chatroom_id":{chat},"is_top":true`},
	"revise_is_notice":       {`"chatroom_id":{chat},"is_notice":false`},
	"revise_is_specific":     {`"chatroom_id":{private},"is_specific":true`},
	"examine_password_twice": {`"password":"wrong1"`},
	"refresh":                {`"friend_list":["{membername}"],"chatroom_list":[{chat}],"refresh":"{ownername}"`},
}

// callTrespasses are what /ws/call/ can be asked for, by type.
var callTrespasses = map[string][]string{
	"login":        {`"name":"audio_or_video_{ownername}"`, `"name":"{ownername}","token":"{token}"`, `"name":"{ownername}","token":123456789012`},
	"call":         {`"name":"{membername}","rtcMessage":{"type":"offer","sdp":"m=audio"}`},
	"answer_call":  {`"caller":"{membername}","rtcMessage":{"type":"answer","sdp":"m=audio"}`},
	"ICEcandidate": {`"user":"{membername}","rtcMessage":{"label":1,"id":"0","candidate":"x"}`},
	"stop_call":    {`"name":"{membername}"`},
}

// Over the sockets, too, nothing is told to whoever is not in a group, or says that he is somebody else; and nothing of
// what is said meanwhile.
func TestStrangersOnTheSocketsOfFaces(t *testing.T) {
	t.Parallel()
	h := newHaunt(t)
	checkSame(t, "chatTrespasses", keys(chatTrespasses), keysOf(t, "instant/functions.go", "functions"))
	checkSame(t, "callTrespasses", keys(callTrespasses), keysOf(t, "instant/calls.go", "callFunctions"))
	owners := h.wsconnect("/wsconnect", "parlor_instant="+h.owner.token)
	owners.send(fields{"function": "add_channel", "username": h.owner.account})
	asked := owners.ask("fetchinvitelist", fields{"function": "fetch_invite_list"}).list("room_list")[0]
	h.places["{invitation}"] = fmt.Sprint(asked.list("message_list")[0].number("msg_id"))
	strangers, formers := h.listensOnly(h.stranger), h.listensOnly(h.former)
	before := h.contents()
	var listening []*intrusion
	for _, by := range h.intruders() {
		for _, open := range []func(intruder) *intrusion{h.chatSocket, h.callSocket, h.classicSocket, h.usersigSocket, h.cotalkSocket} {
			if i := open(by); i != nil {
				i.tries()
				listening = append(listening, i)
				if what := changed(before, h.contents()); len(what) > 0 {
					t.Errorf("over %s %s changes %q", i.path, by.what, what)
				}
			}
		}
	}
	h.owner.send(h.places["{room}"], h.secrets[0])
	h.member.send(h.places["{privateroom}"], h.secrets[0])
	h.owner.post("/rooms/"+h.places["{room}"]+"/announcements", fields{"content": h.secrets[4]}).ok(201)
	for _, i := range listening {
		i.hearsNothing()
	}
	strangers()
	formers()
}

func keys[V any](m map[string]V) (all []string) {
	for key := range m {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}

// intrusion is a socket of an intruder.
type intrusion struct {
	*haunt
	by    intruder
	path  string
	wire  *faceSocket
	lines []string // what he tries
	ping  string   // what is always answered
	pong  string   // what stands in the answer
	pongs int      // how many of the lines are answered likewise
}

func (h *haunt) intrude(by intruder, path string, header http.Header) *intrusion {
	return &intrusion{haunt: h, by: by, path: path, wire: h.faceSocket(h.fill(path, by), header)}
}

func (h *haunt) chatSocket(by intruder) *intrusion {
	header := http.Header{}
	if by.token != "" {
		header.Set("Cookie", "parlor_instant="+by.token)
	}
	i := h.intrude(by, "/wsconnect", header)
	i.ping, i.pong, i.pongs = `{"function":"heartbeat"}`, "heartbeatconfirm", 2
	i.lines = []string{`{"function":"add_channel","username":"{name}"}`}
	for _, function := range keys(chatTrespasses) {
		for _, in := range chatTrespasses[function] {
			i.lines = append(i.lines, joined(`{"function":"`+function+`"`, in), joined(`{"function":"`+function+`"`, in, `"username":"{ownername}"`))
			if function != "leave_chat" {
				i.lines = append(i.lines, `{"function":"add_chat","room_id":{chat},"room_name":"x"}`)
			}
		}
	}
	return i
}

// joined puts the parts of an object together that are not empty.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ",") + "}"
}

func (h *haunt) callSocket(by intruder) *intrusion {
	if by.name == h.former {
		return nil // the owner's friend may call him
	}
	header := http.Header{}
	if by.token != "" {
		header.Set("Cookie", "parlor_instant="+by.token)
	}
	i := h.intrude(by, "/ws/call/", header)
	i.wire.next() // that it is connected
	for _, kind := range keys(callTrespasses) {
		for _, in := range callTrespasses[kind] {
			i.lines = append(i.lines, `{"type":"`+kind+`","data":{`+in+`}}`, joined(`{"type":"`+kind+`"`, in))
		}
	}
	if !by.posing {
		i.lines = append(i.lines, append([]string{`{"type":"login","data":{"name":"{name}"}}`}, i.lines...)...)
		return i
	}
	i.ping, i.pong, i.pongs = `{"type":"login","data":{"name":"{ownername}"}}`, "Token Error", 2*len(callTrespasses["login"])
	return i
}

func (h *haunt) classicSocket(by intruder) *intrusion {
	if by.posing { // no name is said there
		return nil
	}
	i := h.intrude(by, "/websocket/message", http.Header{"Authorization": {by.token}})
	i.ping, i.pong = `{}`, "message为必填字段"
	i.lines = []string{`{"message":"said he","room_identity":"{room}"}`, `{"message":"said he","room_identity":"{privateroom}"}`, `{"message":"x","room_identity":"{memberid}"}`}
	return i
}

func (h *haunt) usersigSocket(by intruder) *intrusion {
	if by.posing {
		if status := h.refusedSocket(h.fill("/ws/chat/{name}/{token}/", by), nil); status != http.StatusForbidden {
			h.t.Errorf("a usersig socket of %s: %d", by.what, status)
		}
		return nil
	}
	i := h.intrude(by, "/ws/chat/{name}/{token}/", nil)
	i.ping, i.pong = `{}`, "to_session须为整数"
	i.lines = []string{`{"to_session":{chat},"content":"said he"}`, `{"to_session":"{private}","content":{"x":1}}`}
	return i
}

func (h *haunt) cotalkSocket(by intruder) *intrusion {
	if by.posing {
		status := http.StatusNotFound // an address without a token is another
		if by.token != "" {
			status = http.StatusForbidden
		}
		if got := h.refusedSocket(h.fill("/ws/main/{as}/{token}", by), nil); got != status {
			h.t.Errorf("a cotalk socket of %s: %d", by.what, got)
		}
		return nil
	}
	i := h.intrude(by, "/ws/main/{as}/{token}", nil)
	i.lines = []string{`{"type":"chat.message","status":"send message","chat_id":{chat},"msg_id":{message}}`}
	return i
}

// tries sends everything that he can think of, and fails the test where he is told a secret.
func (i *intrusion) tries() {
	for _, line := range i.lines {
		i.wire.send(i.fill(line, i.by))
	}
	if i.ping != "" {
		i.drain()
		return
	}
	// Where nothing is always answered, the end is: it comes behind all that was sent.
	must(i.t, i.wire.conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")))
	i.wire.closed()
	close(i.wire.frames)
	for text := range i.wire.frames {
		if secret := i.told(text); secret != "" {
			i.t.Errorf("%s tells %s of %q: %s", i.path, i.by.what, secret, text)
		}
	}
}

// drain takes in what comes before the answer to a ping, and to those lines that are answered likewise.
func (i *intrusion) drain() (all []string) {
	i.wire.send(i.fill(i.ping, i.by))
	for pongs := -1; pongs < i.pongs; {
		text := i.wire.next()
		all = append(all, text)
		if secret := i.told(text); secret != "" {
			i.t.Errorf("%s tells %s of %q: %s", i.path, i.by.what, secret, text)
		}
		if strings.Contains(text, i.pong) {
			pongs++
		}
	}
	i.pongs = 0
	return all
}

// hearsNothing fails the test where he has heard anything since.
func (i *intrusion) hearsNothing() {
	if i.ping == "" {
		return
	}
	if all := i.drain(); len(all) > 1 {
		i.t.Errorf("%s tells %s %q", i.path, i.by.what, all)
	}
}

// listensOnly returns a socket over which nothing is asked, and a function that fails the test where anything was heard
// before what somebody says in a room of his own.
func (h *haunt) listensOnly(u *user) func() {
	socket, own := h.faceSocket(fmt.Sprintf("/ws/main/%d/%s", u.number(), u.token), nil), u.room(u.group("his own"))
	return func() {
		said := u.send(own.Identity, "to himself")
		if got := socket.next(); !strings.Contains(got, fmt.Sprintf(`"chat_id":%d,"msg_id":%d`, own.Number, said.Identity)) {
			h.t.Errorf("%s heard %s", u.account, got)
		}
	}
}
