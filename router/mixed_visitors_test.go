package router_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// visitor is somebody with the client of one way in. What he does he does over it.
type visitor interface {
	way() string
	known() *user // the same person on the native API
	asks(other *user)
	agrees(other *user)
	opens(in roomView) // listens, and is ready to write in the room
	says(in roomView, text string)
	// does something that only his clients can do, the n-th of several. What is recalled has the mark in it.
	does(n int, in roomView, mark string)
	// hears returns the next message that he is told of, and passes over all else.
	hears() sight
	// told is what he hears of a message when it is new; false where his clients have no words for it.
	told(m message) (sight, bool)
	lists(in roomView) []sight // what his client shows of the room, the oldest first
	// listed is what his list shows of a message.
	listed(m message) (sight, bool)
}

// sight is what a client shows of a message: of some only its number, of some only its text.
type sight struct {
	id   int64
	text string
}

// waysIn registers somebody for each way in.
var waysIn = []func(*server) visitor{
	func(s *server) visitor { return &nativeVisitor{user: s.user("nat")} },
	func(s *server) visitor { return &cotalkVisitor{cotalker: s.cotalker("cot")} },
	func(s *server) visitor { return &instantVisitor{pupil: s.pupil("ins")} },
	func(s *server) visitor { return &classicVisitor{classic: s.classic("cla")} },
	func(s *server) visitor { return &usersigVisitor{usersig: s.usersig("sig")} },
}

// recalled is what is said in order to be recalled.
func recalled(mark string, n int) string { return fmt.Sprintf("%s %d", mark, n) }

// nativeVisitor writes over one socket and listens on another.
type nativeVisitor struct {
	*user
	voice, ears *socket
	last        message
}

func (*nativeVisitor) way() string    { return "native" }
func (v *nativeVisitor) known() *user { return v.user }
func (v *nativeVisitor) asks(other *user) {
	v.post("/friends/requests", fields{"to": other.identity}).ok(201)
}
func (v *nativeVisitor) agrees(other *user) {
	for _, r := range pages[friendRequest](v.user, "/friends/requests?box=in", "10") {
		if r.From == other.identity {
			v.post("/friends/requests/"+r.Identity+"/accept", nil).ok(200)
		}
	}
}

func (v *nativeVisitor) opens(roomView) { v.voice, v.ears = v.socket(), v.socket() }

func (v *nativeVisitor) says(in roomView, text string) {
	v.sends(fields{"room": in.Identity, "data": text})
}

func (v *nativeVisitor) sends(in fields) {
	v.last = decode[message](v.t, "sent", v.voice.ok("message.send", in))
}

func (v *nativeVisitor) does(n int, in roomView, mark string) {
	switch n % 7 {
	case 0:
		v.sends(fields{"room": in.Identity, "data": fmt.Sprint("an answer ", n), "reply_to": v.last.Identity})
	case 1:
		v.voice.ok("message.edit", fields{"message": v.last.Identity, "data": fmt.Sprint("edited ", n)})
	case 2:
		v.says(in, recalled(mark, n))
		v.voice.ok("message.recall", fields{"message": v.last.Identity})
		v.says(in, "what stays")
	case 3:
		sent := v.upload(fmt.Sprintf("native%d.png", n), pngBytes(picture(8+n, 8)))
		v.post("/rooms/"+in.Identity+"/messages", fields{"file": sent.Identity, "data": "a caption"}).ok(201)
	case 4:
		v.post("/messages/forward", fields{"messages": []int64{v.last.Identity}, "rooms": []string{in.Identity}, "mode": "merged"}).ok(201)
	case 5:
		v.post("/rooms/"+in.Identity+"/announcements", fields{"content": fmt.Sprint("a notice ", n)}).ok(201)
	case 6:
		v.put(v.last.path()+"/reactions/"+url.PathEscape("👍"), nil).ok(204)
	}
}

func (v *nativeVisitor) next() message {
	for {
		if f := v.ears.await(v.ears.pushes, "message.new"); f.Op == "message.new" {
			return decode[message](v.t, f.Op, f.Data)
		}
	}
}

func (v *nativeVisitor) hears() sight {
	m := v.next()
	return sight{m.Identity, m.Data}
}

func (*nativeVisitor) told(m message) (sight, bool)     { return sight{m.Identity, m.Data}, true }
func (v *nativeVisitor) listed(m message) (sight, bool) { return v.told(m) }

func (v *nativeVisitor) lists(in roomView) (all []sight) {
	for _, m := range v.history(in.Identity) {
		all = append(all, sight{m.Identity, m.Data})
	}
	return all
}

// cotalkVisitor writes over HTTP. He is told the numbers of messages, and asks what they say.
type cotalkVisitor struct {
	*cotalker
	ears *cotalkSocket
	last int64
}

func (*cotalkVisitor) way() string    { return "cotalk" }
func (v *cotalkVisitor) known() *user { return v.native() }

func (v *cotalkVisitor) asks(other *user) {
	v.ask("PUT", v.own("/friends"), fields{"friend_id": other.number()}).ok()
}

func (v *cotalkVisitor) agrees(other *user) {
	v.ask("PUT", v.own("/friends"), fields{"friend_id": other.number(), "approve": true}).ok()
}

// number is by what others know a user.
func (u *user) number() int64 {
	u.t.Helper()
	return into[ownPerson](u.get("/users/me").ok(200)).Number
}

func (v *cotalkVisitor) opens(roomView)                { v.ears = v.socket() }
func (v *cotalkVisitor) says(in roomView, text string) { v.last = v.say(in.Number, text) }

func (v *cotalkVisitor) does(n int, in roomView, mark string) {
	switch n % 3 {
	case 0:
		body := form{
			fields: map[string]string{"user_id": fmt.Sprint(v.number), "chat_id": fmt.Sprint(in.Number), "msg_text": "a picture", "msg_type": "image"},
			file:   "msg_file", name: fmt.Sprintf("cotalk%d.png", n), bytes: pngBytes(picture(9, 9+n)),
		}
		v.ask("POST", "/api/message/send", body).ok()
	case 1:
		v.says(in, recalled(mark, n))
		v.ask("DELETE", messagePath(v.last), fields{"user_id": v.number, "is_remove": true}).ok()
	case 2:
		v.ask("PUT", messagePath(v.say(in.Number, fmt.Sprint("and read ", n))), fields{"user_id": v.number}).ok()
	}
}

func (v *cotalkVisitor) hears() sight {
	for {
		if f := v.ears.next(); f["status"] == "send message" {
			return sight{id: int64(f["msg_id"].(float64))}
		}
	}
}

func (*cotalkVisitor) told(m message) (sight, bool) { return sight{id: m.Identity}, m.Type != "system" }

func (*cotalkVisitor) listed(m message) (sight, bool) {
	switch {
	case m.RecalledAt > 0 || m.Type == "system":
		return sight{m.Identity, "a sentence"}, true
	case m.Type == "merged":
		return sight{m.Identity, m.Merged[0].Sender.Account + ": " + m.Merged[0].Data}, true
	case m.File != nil && m.Data == "":
		return sight{m.Identity, m.File.Name}, true
	}
	return sight{m.Identity, m.Data}, true
}

func (v *cotalkVisitor) lists(in roomView) (all []sight) {
	for _, m := range v.messages(in.Number, "") {
		id, text := int64(m["msg_id"].(float64)), m["msg_text"].(string)
		if m["is_system"] == true {
			id, text = id%(1<<52), "a sentence" // what is left of a withdrawn message has a number of its own
		}
		all = append(all, sight{id, text})
	}
	return all
}

// instantVisitor writes over one socket and listens on another.
type instantVisitor struct {
	*pupil
	voice, ears *line
	last        int64
	same        *user
}

func (*instantVisitor) way() string { return "instant" }

func (v *instantVisitor) known() *user {
	if v.same == nil {
		v.same = v.native()
	}
	return v.same
}

func (v *instantVisitor) frame(function string, more fields) {
	v.speaker().send(merged(fields{"function": function, "username": v.name}, more))
}

func merged(all ...fields) fields {
	one := fields{}
	for _, in := range all {
		for key, value := range in {
			one[key] = value
		}
	}
	return one
}

// speaker opens the socket over which he writes.
func (v *instantVisitor) speaker() *line {
	if v.voice == nil {
		v.voice = v.socket()
	}
	return v.voice
}

func (v *instantVisitor) asks(other *user) {
	v.frame("apply", fields{"from": v.name, "to": other.account})
	v.voice.until("applylist")
}

func (v *instantVisitor) agrees(other *user) {
	v.frame("confirm", fields{"from": other.account, "to": v.name})
	v.voice.until("friendlist")
}

func (v *instantVisitor) opens(in roomView) {
	v.speaker().open(in.Number)
	v.ears = v.socket()
	v.voice.settle()
}

func (v *instantVisitor) says(_ roomView, text string) {
	v.sends(fields{"msg_type": "text", "msg_body": text})
}

func (v *instantVisitor) sends(in fields) {
	v.frame("send_message", in)
	v.last = v.voice.until("Ack2").number("msg_id")
}

func (v *instantVisitor) does(n int, in roomView, mark string) {
	switch n % 5 {
	case 0:
		v.sends(fields{"msg_type": "reply", "msg_body": fmt.Sprint("an answer ", n), "reply_id": v.last})
	case 1:
		a, _ := v.form("/user/uploadfile", v.cookie, "file", fmt.Sprintf("instant%d.png", n), "", pngBytes(picture(10+n, 10)))
		v.sends(fields{"msg_type": "image", "msg_body": a["file_url"]})
	case 2:
		v.says(in, recalled(mark, n))
		v.frame("withdraw_message", fields{"msg_id": v.last})
		v.voice.until("withdraw_message")
		v.says(in, "what stays")
	case 3:
		v.sends(fields{"msg_type": "combine", "msg_body": "", "combine_list": []int64{v.last}, "transroom_id": in.Number})
	case 4:
		v.frame("read_message", fields{"chatroom_id": in.Number, "read_message_list": []int64{v.last}, "read_user": v.name})
		v.says(in, fmt.Sprint("said again ", n))
	}
}

func (v *instantVisitor) hears() sight {
	m := v.ears.until("Msg")
	return sight{m.number("msg_id"), m["msg_body"].(string)}
}

func (v *instantVisitor) told(m message) (sight, bool) {
	switch {
	case m.Type == "system":
		var what struct {
			Event string   `json:"event"`
			Users []string `json:"users"`
		}
		must(v.t, json.Unmarshal([]byte(m.Data), &what))
		if what.Event != "member.joined" {
			return sight{}, false
		}
		names := []string{}
		for _, user := range what.Users {
			names = append(names, into[profile](v.known().get("/users/"+user).ok(200)).Account)
		}
		return sight{m.Identity, strings.Join(names, ", ")}, true
	case m.Type == "merged":
		return sight{id: m.Identity}, true
	case m.File != nil:
		return sight{m.Identity, "/static/media/file/" + m.File.Identity + ".png"}, true
	}
	return sight{m.Identity, m.Data}, true
}

func (v *instantVisitor) listed(m message) (sight, bool) {
	if m.RecalledAt > 0 {
		return sight{}, false
	}
	return v.told(m)
}

func (v *instantVisitor) lists(in roomView) (all []sight) {
	for _, m := range v.socket().rooms()[in.Number].list("message_list") {
		all = append(all, sight{m.number("msg_id"), m["msg_body"].(string)})
	}
	return all
}

// classicVisitor knows texts alone.
type classicVisitor struct {
	*classic
	wire *faceSocket
}

func (*classicVisitor) way() string                     { return "classic" }
func (v *classicVisitor) known() *user                  { return v.native() }
func (v *classicVisitor) asks(other *user)              { v.add(other.account) }
func (v *classicVisitor) agrees(other *user)            { v.add(other.account).must(v.t, "room_identity") }
func (v *classicVisitor) opens(roomView)                { v.wire = v.socket() }
func (v *classicVisitor) says(in roomView, text string) { v.say(v.wire, in.Identity, text) }

func (v *classicVisitor) does(n int, in roomView, _ string) { v.says(in, fmt.Sprint("one more ", n)) }

func (v *classicVisitor) hears() sight {
	var f struct {
		Message string `json:"message"`
		Refused string `json:"msg"`
	}
	text := v.wire.next()
	if err := json.Unmarshal([]byte(text), &f); err != nil || f.Message == "" {
		v.t.Errorf("classic heard %s", text)
	}
	return sight{text: plainWords(f.Message)}
}

func (*classicVisitor) told(m message) (sight, bool)     { return sight{text: wordsOf(m)}, true }
func (v *classicVisitor) listed(m message) (sight, bool) { return sight{m.Identity, wordsOf(m)}, true }

func (v *classicVisitor) lists(in roomView) (all []sight) {
	for page := 1; ; page++ {
		var list struct {
			Data []struct{ Identity, Data string }
		}
		a := v.ask("GET", fmt.Sprintf("/chat/list?room_identity=%s&page_index=%d", in.Identity, page), nil)
		must(v.t, json.Unmarshal([]byte(a.body), &list))
		if len(list.Data) == 0 {
			slices.Reverse(all)
			return all
		}
		for _, m := range list.Data {
			id, err := strconv.ParseInt(m.Identity, 10, 64)
			must(v.t, err)
			all = append(all, sight{id, plainWords(m.Data)})
		}
	}
}

// wordsOf is what clients are shown that know texts alone.
func wordsOf(m message) string {
	file := func() string { return "[图片] " + m.File.Name }
	switch {
	case m.RecalledAt > 0:
		return "[消息已撤回]"
	case m.Type == "system":
		return "[系统消息]"
	case m.Type == "merged":
		return "[聊天记录]\n" + m.Merged[0].Sender.Nickname + ": " + m.Merged[0].Data
	case m.Type == "notice":
		return "[群公告] " + m.Data
	case m.File != nil && m.Data != "":
		return file() + "\n" + m.Data
	case m.File != nil:
		return file()
	}
	return plainWords(m.Data)
}

var fileAddress = regexp.MustCompile(`/media/chat_file/\S*/`)

// plainWords leaves out what the tests do not look at: what exactly the system says, and where files are.
func plainWords(text string) string {
	if strings.HasPrefix(text, "[系统消息]") {
		return "[系统消息]"
	}
	return fileAddress.ReplaceAllString(text, "")
}

// usersigVisitor is a user of a deployment.
type usersigVisitor struct {
	*usersig
	wire *faceSocket
	same *user
}

func (*usersigVisitor) way() string { return "usersig" }

func (v *usersigVisitor) known() *user {
	if v.same == nil {
		v.same = v.native()
	}
	return v.same
}

// asks opens a session, which is a request where the other one has a password.
func (v *usersigVisitor) asks(other *user) {
	v.usersig.post("/chat/create-session/", "type", "1", "name", "", "chat_user_id_list", fmt.Sprintf("[%q,%q]", v.id, other.account)).
		must(v.t, `"code":(200|403)`)
}

func (v *usersigVisitor) agrees(other *user) {
	v.usersig.post("/chat/create-session/", "type", "1", "name", "", "chat_user_id_list", fmt.Sprintf("[%q,%q]", v.id, other.account)).must(v.t, `"code":200`)
}

func (v *usersigVisitor) opens(roomView) { v.wire = v.socket() }

func (v *usersigVisitor) says(in roomView, text string) {
	v.wire.send(fmt.Sprintf(`{"to_session":%d,"content":%q}`, in.Number, text))
}

func (v *usersigVisitor) does(n int, in roomView, _ string) {
	if n%4 == 3 { // a file is an address in a content
		address := v.call("POST", "/file/upload-chat-file/", v.sig, formFile{"file", "x.txt", []byte("usersig")}).must(v.t, `"url":"([^"]+)"`)
		v.wire.send(fmt.Sprintf(`{"to_session":%d,"content":{"file":%q}}`, in.Number, address))
		return
	}
	v.wire.send(fmt.Sprintf(`{"to_session":"%d","content":{"n":%d}}`, in.Number, n))
}

type usersigLog struct {
	ID      int64           `json:"id"`
	Read    bool            `json:"have_read"`
	Content json.RawMessage `json:"content"`
}

func (l usersigLog) sight() sight {
	var text string
	if json.Unmarshal(l.Content, &text) != nil {
		text = string(l.Content)
	}
	text, _ = url.PathUnescape(plainWords(text))
	return sight{l.ID, text}
}

func (v *usersigVisitor) hears() sight {
	var f struct {
		Type string     `json:"type"`
		Log  usersigLog `json:"chat_log"`
	}
	text := v.wire.next()
	if err := json.Unmarshal([]byte(text), &f); err != nil || f.Log.ID == 0 {
		v.t.Errorf("usersig heard %s", text)
	}
	return f.Log.sight()
}

func (*usersigVisitor) told(m message) (sight, bool)     { return sight{m.Identity, wordsOf(m)}, true }
func (v *usersigVisitor) listed(m message) (sight, bool) { return v.told(m) }

func (v *usersigVisitor) logs(in roomView) (all []usersigLog) {
	var list struct {
		Data struct {
			Logs []usersigLog `json:"chat_log_info_list"`
		}
	}
	a := v.usersig.get(fmt.Sprintf("/chat/chat-log-info/?session_id=%d&total=1", in.Number))
	must(v.t, json.Unmarshal([]byte(a.body), &list))
	slices.Reverse(list.Data.Logs)
	return list.Data.Logs
}

func (v *usersigVisitor) lists(in roomView) (all []sight) {
	for _, log := range v.logs(in) {
		all = append(all, log.sight())
	}
	return all
}

// jsonInto reports whether a text is JSON of this shape, and reads it.
func jsonInto(text string, v any) bool { return json.Unmarshal([]byte(text), v) == nil }
