package router_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSend(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	alices, bobs := alice.socket(), bob.socket()
	const text = "你好 <b>&amp;</b> \u2028 😀\nsecond line"

	sent := into[message](alice.post("/rooms/"+room+"/messages", fields{"data": text, "client_id": "c-1"}).ok(201))
	if sent.Identity < 1 || sent.Identity >= 1<<53 || sent.RoomIdentity != room || sent.Seq != 1 || sent.Sender.Identity != alice.identity ||
		sent.Type != "text" || sent.Data != text || sent.ClientID != "c-1" || sent.CreatedAt == 0 {
		t.Errorf("sent %+v", sent)
	}
	// Over REST no socket has its answer yet: all of the sender's hear it, with his client_id.
	if got := heard[message](alices, "message.new"); !equalMessages(got, sent) {
		t.Errorf("alice heard %+v", got)
	}
	foreign := sent
	foreign.ClientID = ""
	if got := heard[message](bobs, "message.new"); !equalMessages(got, foreign) {
		t.Errorf("bob heard %+v", got)
	}
	if got := into[message](alice.get(fmt.Sprint("/messages/", sent.Identity)).ok(200)); !equalMessages(got, sent) {
		t.Errorf("alice reads %+v", got)
	}
	if got := bob.history(room); len(got) != 1 || !equalMessages(got[0], foreign) {
		t.Errorf("bob reads %+v", got)
	}

	reply := into[message](bob.post("/rooms/"+room+"/messages", fields{
		"type": "text", "data": strings.Repeat("字", 8000), "reply_to": sent.Identity, "mentions": []string{alice.identity},
	}).ok(201))
	if reply.Seq != 2 || reply.ReplyTo != sent.Identity || !slices.Equal(reply.Mentions, []string{alice.identity}) || utf8.RuneCountInString(reply.Data) != 8000 {
		t.Errorf("replied %+v", reply)
	}
	for _, socket := range []*socket{alices, bobs} {
		if got := heard[message](socket, "message.new"); !equalMessages(got, reply) {
			t.Errorf("%s heard %+v", socket.account, got)
		}
		socket.quiet()
	}
	preview := alice.room(room)
	if m := preview.LastMessage; preview.LastSeq != 2 || m == nil || m.Seq != 2 || m.Data == "" || !strings.HasPrefix(reply.Data, m.Data) || len(m.Data) > 1000 {
		t.Errorf("the room shows %+v", preview)
	}
}

func equalMessages(a, b message) bool { return reflect.DeepEqual(a, b) }

func TestSendRefusals(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room, elsewhere := alice.roomWith(bob), alice.group("elsewhere")
	there := alice.send(elsewhere, "there")
	listener := bob.socket()
	tests := []struct {
		body   fields
		code   string
		fields []string
	}{
		{fields{}, "invalid", []string{"data"}},
		{fields{"data": ""}, "invalid", []string{"data"}},
		{fields{"data": strings.Repeat("字", 8001)}, "invalid", []string{"data"}},
		{fields{"data": "x", "type": "system"}, "invalid", []string{"type"}},
		{fields{"data": "x", "type": "notice"}, "invalid", []string{"type"}},
		{fields{"data": "x", "type": "image"}, "invalid", []string{"file"}},
		{fields{"data": "x", "file": "no-such-file"}, "invalid", []string{"file"}},
		{fields{"data": "x", "client_id": strings.Repeat("c", 65)}, "invalid", []string{"client_id"}},
		{fields{"data": "x", "client_id": "a\nb"}, "invalid", []string{"client_id"}},
		{fields{"data": "x", "client_id": ""}, "", nil},
		{fields{"data": "x", "mentions": []string{"nobody"}}, "invalid", []string{"mentions"}},
		{fields{"data": "x", "reply_to": there.Identity}, "not_found", nil},
		{fields{"data": "x", "reply_to": -1}, "invalid", []string{"reply_to"}},
		{fields{"data": "x", "seq": 7}, "invalid", []string{"seq"}},
	}
	for _, test := range tests {
		a := alice.post("/rooms/"+room+"/messages", test.body)
		if test.code == "" {
			a.ok(201)
			listener.expect("message.new")
			continue
		}
		a.refused(test.code, test.fields...)
	}
	listener.quiet()
	checkSequence(t, alice.history(room), 1)
}

// A retry is never a second message, and never heard a second time.
func TestClientIDs(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room, group := alice.roomWith(bob), alice.group("elsewhere", bob)
	bobs := bob.socket()
	body := fields{"data": "once", "client_id": "the same"}
	first := into[message](alice.post("/rooms/"+room+"/messages", body).ok(201))
	bobs.expect("message.new")
	if again := into[message](alice.post("/rooms/"+room+"/messages", body).ok(200)); !equalMessages(again, first) {
		t.Errorf("the retry is %+v, the first %+v", again, first)
	}
	// What counts is the client_id, not what is said.
	if again := into[message](alice.post("/rooms/"+room+"/messages", fields{"data": "other", "client_id": "the same"}).ok(200)); again.Data != "once" {
		t.Errorf("the retry is %+v", again)
	}
	alices := alice.socket()
	if again := decode[message](t, "send", alices.ok("message.send", fields{"room": room, "data": "once", "client_id": "the same"})); !equalMessages(again, first) {
		t.Errorf("the retry over the socket is %+v", again)
	}
	bobs.quiet()
	// It is the sender's own, and the room's.
	into[message](bob.post("/rooms/"+room+"/messages", body).ok(201))
	into[message](alice.post("/rooms/"+group+"/messages", body).ok(201))
	bobs.expect("message.new")
	bobs.expect("message.new")

	answers := make([]*answer, 50)
	together(len(answers), func(i int) {
		answers[i] = alice.post("/rooms/"+room+"/messages", fields{"data": fmt.Sprint("try ", i), "client_id": "raced"})
	})
	checkOne(t, answers, 201)
	raced := into[message](answers[0])
	for _, a := range answers {
		if got := into[message](a); !equalMessages(got, raced) {
			t.Errorf("one got %+v, another %+v", got, raced)
		}
	}
	bobs.expect("message.new")
	bobs.quiet()
	history := alice.history(room)
	checkSequence(t, history, 1)
	if len(history) != 3 {
		t.Errorf("the room holds %d messages: %+v", len(history), history)
	}
}

// A retry is answered although the send would be refused by now.
func TestClientIDsAfterChanges(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("changes", bob)
	on := "/rooms/" + group + "/messages"
	answered := bob.send(group, "answered")
	alice.put("/rooms/"+group+"/members/"+bob.identity+"/role", fields{"role": "admin"}).ok(200)
	sends := []fields{
		{"data": "reply", "reply_to": answered.Identity, "client_id": "reply"},
		{"data": "mention", "mentions": []string{alice.identity}, "client_id": "mention"},
		{"data": "all", "mentions": []string{"all"}, "client_id": "all"},
	}
	var first []message
	for _, body := range sends {
		first = append(first, into[message](bob.post(on, body).ok(201)))
	}
	bob.post(answered.path()+"/recall", nil).ok(200)
	alice.put("/rooms/"+group+"/members/"+bob.identity+"/role", fields{"role": "member"}).ok(200)
	heir := s.user("heir")
	alice.befriend(heir)
	alice.post("/rooms/"+group+"/members", fields{"members": []string{heir.identity}}).ok(200)
	alice.put("/rooms/"+group+"/owner", fields{"user": heir.identity}).ok(200)
	alice.delete("/rooms/"+group+"/members/"+alice.identity, nil).ok(204)
	bobs := bob.socket()
	for i, body := range sends {
		if got := into[message](bob.post(on, body).ok(200)); got.Identity != first[i].Identity {
			t.Errorf("%v: %+v", body, got)
		}
		send := fields{"room": group}
		maps.Copy(send, body)
		if got := decode[message](t, "send", bobs.ok("message.send", send)); got.Identity != first[i].Identity {
			t.Errorf("%v over the socket: %+v", body, got)
		}
	}
	// What was not sent before is refused.
	bob.post(on, fields{"data": "x", "reply_to": answered.Identity, "client_id": "new"}).refused("gone")
	bob.post(on, fields{"data": "x", "mentions": []string{alice.identity}, "client_id": "new"}).refused("invalid", "mentions")
	bob.post(on, fields{"data": "x", "mentions": []string{"all"}, "client_id": "new"}).refused("forbidden")
	// Who has left has no part in it any more. Neither does a lock open for a retry.
	alice.post(on, sends[0]).refused("not_found")
	bob.patch("/rooms/"+group+"/me", fields{"locked": true}).ok(200)
	bob.post(on, sends[0]).refused("locked")
	heir.put("/rooms/"+group+"/members/"+bob.identity+"/silence", fields{"seconds": 600}).ok(200)
	bob.post(on, sends[0]).refused("locked")
	bob.post(on, sends[1]).ok(200)
}

// Two hundred sends at once, over sockets and REST: numbers 1 to 200, and every socket has each of them once, in order.
func TestConcurrentSends(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	room := alice.group("busy", bob, carol)
	senders := []*socket{alice.socket(), bob.socket()}
	listeners := []*socket{alice.socket(), bob.login("second").socket(), carol.socket()}

	const sends = 200
	answers, frames := make([]*answer, sends), make([]chan frame, sends)
	together(sends, func(i int) {
		body := fields{"data": fmt.Sprint("message ", i), "client_id": fmt.Sprint(i)}
		if i%4 == 0 {
			answers[i] = carol.post("/rooms/"+room+"/messages", body)
			return
		}
		body["room"] = room
		frames[i] = senders[i%2].start("message.send", body)
	})
	acknowledged := make([]message, sends)
	for i := range sends {
		if i%4 == 0 {
			acknowledged[i] = into[message](answers[i].ok(201))
		} else {
			acknowledged[i] = decode[message](t, "send", senders[i%2].await(frames[i], "the answer to a send").Data)
		}
	}
	byNumber := map[int64]string{}
	for _, m := range acknowledged {
		byNumber[m.Seq] = m.Data
	}
	if len(byNumber) != sends {
		t.Fatalf("%d numbers were given to %d messages", len(byNumber), sends)
	}
	for _, listener := range listeners {
		for seq := int64(1); seq <= sends; seq++ {
			if m := heard[message](listener, "message.new"); m.Seq != seq || m.Data != byNumber[seq] {
				t.Fatalf("%s heard %d %q, want %d %q", listener.account, m.Seq, m.Data, seq, byNumber[seq])
			}
		}
		listener.quiet()
	}
	// A socket that sends has its own messages in the answers, and hears the others in order.
	for i, sender := range senders {
		var own []int64
		for j, m := range acknowledged {
			if j%4 != 0 && j%2 == i {
				own = append(own, m.Seq)
			}
		}
		for seq := int64(1); seq <= sends; seq++ {
			if slices.Contains(own, seq) {
				continue
			}
			if m := heard[message](sender, "message.new"); m.Seq != seq {
				t.Fatalf("%s heard %d, want %d", sender.account, m.Seq, seq)
			}
		}
		sender.quiet()
	}
	history := carol.history(room)
	checkSequence(t, history, 1)
	for _, m := range history {
		if m.Data != byNumber[m.Seq] {
			t.Errorf("history has %q at %d, want %q", m.Data, m.Seq, byNumber[m.Seq])
		}
	}
	if len(history) != sends {
		t.Errorf("history has %d messages", len(history))
	}
	if got := carol.room(room); got.LastSeq != sends || got.LastMessage.Data != byNumber[sends] {
		t.Errorf("the room is %+v", got)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	room := alice.group("history")
	path := "/rooms/" + room + "/messages"
	if got := into[list[message]](alice.get(path).ok(200)); got.Items == nil || len(got.Items) > 0 || got.Next != "" {
		t.Errorf("an empty room shows %+v", got)
	}
	const total = 25
	for i := range total {
		alice.send(room, fmt.Sprint(i+1))
	}
	tests := []struct {
		query string
		from  int64
		step  int64
		n     int
	}{
		{"", total, -1, total},
		{"before_seq=10", 9, -1, 9},
		{"before_seq=1", 0, -1, 0},
		{"before_seq=1000", total, -1, total},
		{"after_seq=0", 1, 1, total},
		{"after_seq=20", 21, 1, 5},
		{"after_seq=25", 0, 1, 0},
		{"after_seq=1000", 0, 1, 0},
	}
	for _, test := range tests {
		for _, limit := range []string{"1", "5", "7", "100"} {
			all := pages[message](alice, path+"?"+test.query, limit)
			if len(all) != test.n {
				t.Errorf("%q in pages of %s: %d messages, want %d", test.query, limit, len(all), test.n)
			}
			for i, m := range all {
				if want := test.from + int64(i)*test.step; m.Seq != want || m.Data != fmt.Sprint(want) {
					t.Fatalf("%q in pages of %s: item %d is %d %q, want %d", test.query, limit, i, m.Seq, m.Data, want)
				}
			}
		}
	}
	// What comes in meanwhile does not disturb who pages backwards.
	first := into[list[message]](alice.get(path + "?limit=10").ok(200))
	alice.send(room, "meanwhile")
	second := into[list[message]](alice.get(path + "?limit=10&cursor=" + first.Next).ok(200))
	if second.Items[0].Seq != first.Items[9].Seq-1 {
		t.Errorf("after %d comes %d", first.Items[9].Seq, second.Items[0].Seq)
	}
	if page := into[list[message]](alice.get(path).ok(200)); len(page.Items) != total+1 {
		t.Errorf("a page without a limit holds %d messages", len(page.Items))
	}
}

func TestReading(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	read := "/rooms/" + room + "/read"
	for i := range 5 {
		alice.send(room, fmt.Sprint(i))
	}
	checkRead(t, alice, room, 5, 0)
	checkRead(t, bob, room, 0, 5)
	alices, bobs, outsider := alice.socket(), bob.login("second").socket(), s.user("outsider").socket()

	expect := func(seq int64) {
		t.Helper()
		for _, socket := range []*socket{alices, bobs} {
			got := heard[struct {
				Room string `json:"room"`
				User string `json:"user"`
				Seq  int64  `json:"seq"`
			}](socket, "room.read")
			if got.Room != room || got.User != bob.identity || got.Seq != seq {
				t.Errorf("%s heard %+v, want %d", socket.account, got, seq)
			}
			socket.quiet()
		}
		outsider.quiet()
	}
	if me := into[roomMe](bob.post(read, fields{"seq": 3}).ok(200)); me.ReadSeq != 3 || me.Unread != 2 || me.Role != "member" {
		t.Errorf("me is %+v", me)
	}
	expect(3)
	for _, seq := range []int{0, 1, 3} { // only forward
		if me := into[roomMe](bob.post(read, fields{"seq": seq}).ok(200)); me.ReadSeq != 3 || me.Unread != 2 {
			t.Errorf("after reading %d again me is %+v", seq, me)
		}
	}
	alices.quiet()
	bob.post(read, fields{}).refused("invalid", "seq")
	bob.post(read, fields{"seq": -1}).refused("invalid", "seq")
	if me := into[roomMe](bob.post(read, fields{"seq": 1000}).ok(200)); me.ReadSeq != 5 || me.Unread != 0 {
		t.Errorf("after reading what is not there yet me is %+v", me)
	}
	expect(5)
	// Who writes has read what stands before.
	alice.send(room, "six")
	bob.send(room, "seven")
	checkRead(t, bob, room, 7, 0)
	checkRead(t, alice, room, 6, 1)
	if all := pages[member](bob, "/rooms/"+room+"/members", "10"); all[0].ReadSeq+all[1].ReadSeq != 13 {
		t.Errorf("the members are %+v", all)
	}
}

func checkRead(t *testing.T, u *user, room string, read, unread int64) {
	t.Helper()
	if me := u.room(room).Me; me.ReadSeq != read || me.Unread != unread {
		t.Errorf("%s has read %d and %d are unread, want %d and %d", u.account, me.ReadSeq, me.Unread, read, unread)
	}
}

// Whoever reads at the same moment from many devices ends where the furthest has read.
func TestReadingAtTheSameMoment(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	const total = 20
	for i := range total {
		alice.send(room, fmt.Sprint(i))
	}
	answers := make([]*answer, total)
	together(total, func(i int) { answers[i] = bob.post("/rooms/"+room+"/read", fields{"seq": i + 1}) })
	for _, a := range answers {
		a.ok(200)
	}
	checkRead(t, bob, room, total, 0)
}

// A room was closed between a send and its retry, which was refused although the message was stored.
func TestRetryAfterTheRoomWasClosed(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	messages := "/rooms/" + alice.roomWith(bob) + "/messages"
	body := fields{"data": "once", "client_id": "stored"}
	first := into[message](alice.post(messages, body).ok(201))
	bob.delete("/friends/"+alice.identity, nil).ok(204)
	if again := into[message](alice.post(messages, body).ok(200)); !equalMessages(again, first) {
		t.Errorf("the retry is %+v, the first %+v", again, first)
	}
	alice.post(messages, fields{"data": "new", "client_id": "not stored"}).refused("forbidden")
	bob.post(messages, body).refused("forbidden") // the client_id is the sender's own
}
