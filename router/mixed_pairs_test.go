package router_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

// correspondent is a visitor with what his client shows of the room of two.
type correspondent interface {
	visitor
	finds(in roomView) bool
	// readsTo reads up to a message, as far as his client can say so. Some can only say that everything is read, others nothing.
	readsTo(in roomView, m message) reading
	unread(in roomView) int64 // -1 where his client shows none
	// seen returns how his client shows one of his messages: whether the other one has read it.
	seen(in roomView, m message, by *user) reading
	// hearsReading waits until his client is told that the other one has read a message, if it is ever told.
	hearsReading(m message)
}

// reading is what a client can say of messages and their readers.
type reading string

const (
	readThis    reading = "read"
	readAll     reading = "everything read"
	readNot     reading = "not read"
	readUnknown reading = "no word for it"
)

func shownAsRead(read bool) reading {
	if read {
		return readThis
	}
	return readNot
}

// Whoever asks, and over whatever way he does: two people become friends, find their room, and see of each other what
// was said and read, as the native API has it.
func TestMixedPairs(t *testing.T) {
	t.Parallel()
	names := []string{"native", "cotalk", "instant", "classic", "usersig"}
	for i := range waysIn {
		for k := range waysIn {
			if i == k {
				continue
			}
			t.Run(names[i]+" asks "+names[k], func(t *testing.T) {
				t.Parallel()
				s := sharedServer(t)
				meet(t, waysIn[i](s).(correspondent), waysIn[k](s).(correspondent))
			})
		}
	}
}

func meet(t *testing.T, one, other correspondent) {
	one.asks(other.known())
	other.agrees(one.known())
	room := one.known().room(one.known().roomWith(other.known()))
	if again := other.known().roomWith(one.known()); again != room.Identity {
		t.Fatalf("one has the room %s, the other %s", room.Identity, again)
	}
	for _, v := range []correspondent{one, other} {
		if !v.finds(room) {
			t.Errorf("%s does not find the room", v.way())
		}
		v.opens(room)
	}
	talk(t, one, other, room)
	talk(t, other, one, room)
	now := one.known().history(room.Identity)
	for _, v := range []correspondent{one, other} {
		var want []sight
		for _, m := range now {
			if s, shown := v.listed(m); shown {
				want = append(want, s)
			}
		}
		if got := v.lists(room); !slices.Equal(got, want) {
			t.Errorf("%s lists %+v, want %+v", v.way(), got, want)
		}
	}
}

// talk has one say something three times, and the other one hear it, read it and answer.
func talk(t *testing.T, one, other correspondent, room roomView) {
	t.Helper()
	from := one.known().room(room.Identity).LastSeq
	for n := range 3 {
		one.says(room, fmt.Sprintf("%s says %d", one.way(), n))
		one.hears()
		other.hears()
	}
	said := one.known().history(room.Identity)[from:]
	checkUnread(t, other, room, 3)
	checkUnread(t, one, room, 0)
	if got := one.seen(room, said[0], other.known()); got != readNot && got != readUnknown {
		t.Errorf("%s is shown %q of %s before it was read", one.way(), got, other.way())
	}
	switch other.readsTo(room, said[1]) {
	case readThis:
		one.hearsReading(said[1])
		checkUnread(t, other, room, 1)
		if got := one.seen(room, said[2], other.known()); got != readNot && got != readUnknown {
			t.Errorf("%s is shown %q of %s, which has read the one before", one.way(), got, other.way())
		}
	case readAll:
		one.hearsReading(said[2])
		checkUnread(t, other, room, 0)
	}
	other.says(room, other.way()+" answers")
	one.hears()
	other.hears()
	checkUnread(t, other, room, 0)
	checkUnread(t, one, room, 1)
	for _, m := range said {
		if got := one.seen(room, m, other.known()); got != readThis && got != readUnknown {
			t.Errorf("%s is shown %q of %s, which has answered", one.way(), got, other.way())
		}
	}
	one.says(room, one.way()+" has the last word")
	one.hears()
	other.hears()
	checkUnread(t, one, room, 0)
}

// checkUnread compares what somebody's client counts with what the native API says of him, and both with what is true.
func checkUnread(t *testing.T, v correspondent, room roomView, want int64) {
	t.Helper()
	native, shown := v.known().room(room.Identity).Me.Unread, v.unread(room)
	if native != want || shown != want && shown >= 0 {
		t.Errorf("%s counts %d unread, the native API %d, want %d", v.way(), shown, native, want)
	}
}

func (v *nativeVisitor) finds(in roomView) bool { return v.room(in.Identity).Identity == in.Identity }
func (v *nativeVisitor) unread(in roomView) int64 {
	return v.room(in.Identity).Me.Unread
}

func (v *nativeVisitor) readsTo(in roomView, m message) reading {
	v.voice.ok("room.read", fields{"room": in.Identity, "seq": m.Seq})
	return readThis
}

func (v *nativeVisitor) seen(_ roomView, m message, by *user) reading {
	all := into[readers](v.get(m.path() + "/readers").ok(200))
	return shownAsRead(slices.ContainsFunc(all.Read, func(p person) bool { return p.Identity == by.identity }))
}

func (v *nativeVisitor) hearsReading(m message) {
	for {
		var read struct {
			User string `json:"user"`
			Seq  int64  `json:"seq"`
		}
		f := v.ears.await(v.ears.pushes, "room.read")
		if f.Op == "room.read" && jsonInto(string(f.Data), &read) && read.User != v.identity && read.Seq == m.Seq {
			return
		}
	}
}

func (v *cotalkVisitor) finds(in roomView) bool {
	return slices.ContainsFunc(v.ask("GET", v.own("/chats"), nil).ok().list("chats"), func(chat fields) bool { return chat["chat_id"] == float64(in.Number) })
}

// readersOf returns the numbers of those who have read a message.
func readersOf(m fields) (numbers []int64) {
	for _, one := range m["read_users"].([]any) {
		numbers = append(numbers, int64(one.(float64)))
	}
	return numbers
}

func (v *cotalkVisitor) unread(in roomView) (n int64) {
	for _, m := range v.messages(in.Number, "") {
		if m["is_system"] == false && !slices.Contains(readersOf(m), v.number) {
			n++
		}
	}
	return n
}

func (v *cotalkVisitor) readsTo(_ roomView, m message) reading {
	v.ask("PUT", messagePath(m.Identity), fields{"user_id": v.number}).ok()
	return readThis
}

func (v *cotalkVisitor) seen(_ roomView, m message, by *user) reading {
	return shownAsRead(slices.Contains(readersOf(v.ask("GET", messagePath(m.Identity)+v.me(), nil).ok().fields()), by.number()))
}

func (v *cotalkVisitor) hearsReading(m message) {
	for {
		if f := v.ears.next(); f["status"] == "read message" && f["user_id"] != float64(v.number) && f["msg_id"] == float64(m.Identity) {
			return
		}
	}
}

func (v *instantVisitor) finds(in roomView) bool { return v.socket().rooms()[in.Number] != nil }

// marks returns what the list of rooms says of who has read a message, by place, and the places by name.
func (v *instantVisitor) marks(in roomView) (byMessage map[int64][]bool, names []string, own int64) {
	l := v.socket()
	room := l.rooms()[in.Number]
	byMessage = map[int64][]bool{}
	for _, m := range room.list("message_list") {
		var read []bool
		must(v.t, json.Unmarshal([]byte(m.bools("read_list")), &read))
		byMessage[m.number("msg_id")] = read
	}
	return byMessage, l.members(in.Number), room.number("index")
}

func (v *instantVisitor) unread(in roomView) (n int64) {
	byMessage, _, own := v.marks(in)
	for _, read := range byMessage {
		if !read[own] {
			n++
		}
	}
	return n
}

func (v *instantVisitor) readsTo(in roomView, m message) reading {
	v.frame("read_message", fields{"chatroom_id": in.Number, "read_message_list": []int64{m.Identity}, "read_user": v.name})
	v.voice.until("read_message")
	return readThis
}

func (v *instantVisitor) seen(in roomView, m message, by *user) reading {
	byMessage, names, _ := v.marks(in)
	return shownAsRead(byMessage[m.Identity][slices.Index(names, by.account)])
}

func (v *instantVisitor) hearsReading(m message) {
	for {
		f := v.ears.until("read_message")
		named, _ := f["read_message_list"].([]any)
		if f["read_user"] != v.name && slices.ContainsFunc(named, func(id any) bool { return fmt.Sprint(id) == fmt.Sprint(m.Identity) }) {
			return
		}
	}
}

// Clients of classic know nothing of reading; who answers has read.
func (v *classicVisitor) finds(in roomView) bool {
	return v.ask("GET", "/chat/list?room_identity="+in.Identity, nil).body == `{"status":"success","data":null}`
}
func (*classicVisitor) unread(roomView) int64                 { return -1 }
func (*classicVisitor) readsTo(roomView, message) reading     { return readUnknown }
func (*classicVisitor) seen(roomView, message, *user) reading { return readUnknown }
func (*classicVisitor) hearsReading(message)                  {}

type usersigSession struct {
	ID     int64 `json:"session_id"`
	Unread int64 `json:"unread_count"`
}

func (v *usersigVisitor) session(in roomView) (found usersigSession) {
	var list struct {
		Data struct {
			Sessions []usersigSession `json:"session_info_list"`
		}
	}
	must(v.t, json.Unmarshal([]byte(v.usersig.get("/chat/session-info/?total=1").body), &list))
	for _, s := range list.Data.Sessions {
		if s.ID == in.Number {
			return s
		}
	}
	return found
}

func (v *usersigVisitor) finds(in roomView) bool   { return v.session(in).ID == in.Number }
func (v *usersigVisitor) unread(in roomView) int64 { return v.session(in).Unread }

func (v *usersigVisitor) readsTo(in roomView, _ message) reading {
	v.usersig.post("/chat/single-chat-mark-as-read/", "session_id", fmt.Sprint(in.Number)).must(v.t, `"code":200`)
	return readAll
}

func (v *usersigVisitor) seen(in roomView, m message, _ *user) reading {
	for _, log := range v.logs(in) {
		if log.ID == m.Identity {
			return shownAsRead(log.Read)
		}
	}
	return readNot
}

func (*usersigVisitor) hearsReading(message) {}
