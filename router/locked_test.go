package router_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// checkHint checks that a socket hears of a message only that it came.
func checkHint(t *testing.T, socket *socket, op string, of message) {
	t.Helper()
	want := message{Identity: of.Identity, RoomIdentity: of.RoomIdentity, Seq: of.Seq, Locked: true, CreatedAt: of.CreatedAt}
	if got := heard[message](socket, op); !equalMessages(got, want) {
		t.Errorf("%s heard %s %+v", socket.account, op, got)
	}
}

// readsLocked calls every way to what is said in a room, and checks that each asks for the password.
func (u *user) readsLocked(socket *socket, room string, said int64) {
	u.t.Helper()
	at := fmt.Sprint("/messages/", said)
	thumb := at + "/reactions/" + url.PathEscape("👍")
	u.get("/rooms/" + room + "/messages").refused("locked")
	u.get("/rooms/" + room + "/messages?after_seq=0").refused("locked")
	u.get("/rooms/" + room + "/announcements").refused("locked")
	u.get(at).refused("locked")
	u.get(at + "/readers").refused("locked")
	u.patch(at, fields{"data": "x"}).refused("locked")
	u.post(at+"/recall", nil).refused("locked")
	u.delete(at, nil).refused("locked")
	u.put(thumb, nil).refused("locked")
	u.delete(thumb, nil).refused("locked")
	u.post("/messages/forward", fields{"messages": []int64{said}, "rooms": []string{room}}).refused("locked")
	u.post("/rooms/"+room+"/messages", fields{"data": "x", "reply_to": said}).refused("locked")
	socket.refused("locked", "message.edit", fields{"message": said, "data": "x"})
	socket.refused("locked", "message.recall", fields{"message": said})
	socket.refused("locked", "message.delete", fields{"message": said})
	socket.refused("locked", "message.react", fields{"message": said, "emoji": "👍"})
	socket.refused("locked", "message.send", fields{"room": room, "data": "x", "reply_to": said})
	if r := u.room(room); r.LastMessage != nil || !r.Me.Locked || r.LastSeq == 0 {
		u.t.Errorf("the locked room is %+v", r)
	}
	for _, r := range pages[roomView](u, "/rooms", "100") {
		if r.Identity == room && r.LastMessage != nil {
			u.t.Errorf("the list shows %+v", r.LastMessage)
		}
	}
	for _, r := range missed(socket, fields{}) {
		if r.Identity == room && (len(r.Items) > 0 || !r.Locked || !r.More || r.LastSeq == 0) {
			u.t.Errorf("sync shows %+v", r)
		}
	}
	socket.quiet()
}

// roomView is room under a name that tests with a variable of that name can use.
type roomView = room

// readsUnlocked is the contrary of readsLocked, for what changes nothing.
func (u *user) readsUnlocked(socket *socket, room string, said message) {
	u.t.Helper()
	if got := u.history(room); !slices.ContainsFunc(got, func(m message) bool { return m.Identity == said.Identity && m.Data == said.Data }) {
		u.t.Errorf("the history is %+v", got)
	}
	u.get("/rooms/" + room + "/announcements").ok(200)
	u.get(fmt.Sprint("/messages/", said.Identity, "/readers")).ok(200)
	if r := u.room(room); r.LastMessage == nil {
		u.t.Errorf("the room is %+v", r)
	}
	for _, r := range missed(socket, fields{}) {
		if r.Identity == room && (len(r.Items) == 0 || r.Locked) {
			u.t.Errorf("sync shows %+v", r)
		}
	}
}

// A locked room shows nothing of what is said in it, on any way, until this session gives the password.
func TestLockedRoom(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("diary", bob)
	on := "/rooms/" + group
	alice.put(on+"/members/"+bob.identity+"/role", fields{"role": "admin"}).ok(200)
	secret := alice.send(group, "a secret")
	other := alice.login("phone")
	desk, phone, bobs := alice.socket(), other.socket(), bob.socket()
	all := []*socket{desk, phone, bobs}

	me := into[roomMe](alice.patch(on+"/me", fields{"locked": true}).ok(200))
	if !me.Locked {
		t.Errorf("locked: %+v", me)
	}
	for _, socket := range []*socket{desk, phone} {
		if got := heard[meChange](socket, "room.me"); got.Room != group || got.Me != me {
			t.Errorf("%s heard of %+v", socket.account, got)
		}
	}
	alice.readsLocked(desk, group, secret.Identity)
	other.readsLocked(phone, group, secret.Identity)
	bob.readsUnlocked(bobs, group, secret) // it is hers alone

	// Pushes show only that something came.
	changeAndHint := func(locked []*socket, open []*socket) {
		t.Helper()
		said := into[message](bob.post(on+"/messages", fields{"data": "for you", "mentions": []string{alice.identity}}).ok(201))
		edited := into[message](bob.patch(fmt.Sprint("/messages/", said.Identity), fields{"data": "for you alone"}).ok(200))
		bob.put(fmt.Sprint("/messages/", said.Identity)+"/reactions/"+url.PathEscape("👍"), nil).ok(204)
		bob.post(fmt.Sprint("/messages/", said.Identity, "/recall"), nil).ok(200)
		announced := into[announcement](bob.post(on+"/announcements", fields{"content": "listen"}).ok(201))
		for _, socket := range locked {
			for _, op := range []string{"message.new", "message.edited", "message.reacted", "message.recalled"} {
				checkHint(t, socket, op, said)
			}
			if got := heard[message](socket, "message.new"); got.Data != "" || !got.Locked || got.Identity != announced.MessageIdentity {
				t.Errorf("%s heard %+v", socket.account, got)
			}
			socket.quiet() // no announcement.new
		}
		for _, socket := range open {
			if got := heard[message](socket, "message.new"); got.Data != "for you" {
				t.Errorf("%s heard %+v", socket.account, got)
			}
			if got := heard[message](socket, "message.edited"); !equalMessages(got, edited) {
				t.Errorf("%s heard %+v", socket.account, got)
			}
			for _, op := range []string{"message.reacted", "message.recalled", "message.new", "announcement.new"} {
				socket.expect(op)
			}
			socket.quiet()
		}
	}
	changeAndHint([]*socket{desk, phone}, []*socket{bobs})

	// She can still write; what she says comes back to her own other devices as a hint.
	sent := decode[message](t, "sent", desk.ok("message.send", fields{"room": group, "data": "written blind"}))
	if sent.Data != "written blind" {
		t.Errorf("sent %+v", sent)
	}
	checkHint(t, phone, "message.new", sent)
	bobs.expect("message.new")

	// The password opens it for this session and no other.
	alice.post(on+"/unlock", fields{"password": "wrong"}).refused("forbidden")
	alice.post(on+"/unlock", fields{}).refused("invalid", "password")
	alice.readsLocked(desk, group, secret.Identity)
	alice.post(on+"/unlock", fields{"password": password}).ok(204)
	alice.readsUnlocked(desk, group, secret)
	late := alice.socket()
	alice.readsUnlocked(late, group, secret)
	other.readsLocked(phone, group, secret.Identity)
	changeAndHint([]*socket{phone}, []*socket{desk, late, bobs})

	// After 30 minutes it is locked again.
	until := bson.D{{Key: "unlocked." + group, Value: time.Now().Add(-time.Second).UnixMilli()}}
	set(t, s.openDatabase().Collection("session"), bson.D{{Key: "user_identity", Value: alice.identity}, {Key: "unlocked." + group, Value: bson.D{{Key: "$gt", Value: time.Now().Add(29 * time.Minute).UnixMilli()}}}}, until)
	alice.get(on + "/messages").refused("locked")
	alice.readsLocked(alice.socket(), group, secret.Identity)

	// Taking the lock away needs the password as well, and opens it everywhere.
	alice.patch(on+"/me", fields{"locked": false}).refused("invalid", "password")
	alice.patch(on+"/me", fields{"locked": false, "password": "wrong"}).refused("forbidden")
	for _, socket := range append(all, late) {
		socket.quiet()
	}
	alice.patch(on+"/me", fields{"locked": false, "password": password}).ok(200)
	for _, socket := range []*socket{desk, phone, late} {
		if got := heard[meChange](socket, "room.me"); got.Me.Locked {
			t.Errorf("%s heard of %+v", socket.account, got)
		}
	}
	other.readsUnlocked(phone, group, secret)
	changeAndHint(nil, []*socket{desk, phone, late, bobs})
}

// What is deleted for oneself elsewhere, and what others quote, does not leak out of a locked room either.
func TestLockedRoomsOfTwo(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	private, open := alice.roomWith(bob), alice.group("open", bob)
	secret := bob.send(private, "a secret")
	alice.patch("/rooms/"+private+"/me", fields{"locked": true}).ok(200)
	alices := alice.socket()
	alice.post("/messages/forward", fields{"messages": []int64{secret.Identity}, "rooms": []string{open}, "mode": "merged"}).refused("locked")
	bob.post("/rooms/"+private+"/messages", fields{"data": "again", "reply_to": secret.Identity}).ok(201)
	if got := heard[message](alices, "message.new"); !got.Locked || got.Reply != nil || got.Data != "" {
		t.Errorf("alice heard %+v", got)
	}
	if r := alice.room(private); r.Me.Unread != 2 || r.LastMessage != nil {
		t.Errorf("alice sees %+v", r)
	}
	// Reading and clearing show nothing, and need no password.
	if me := into[roomMe](alice.post("/rooms/"+private+"/read", fields{"seq": 2}).ok(200)); me.Unread != 0 {
		t.Errorf("read: %+v", me)
	}
	// A login on another device begins locked.
	alice.post("/rooms/"+private+"/unlock", fields{"password": password}).ok(204)
	alice.get("/rooms/" + private + "/messages").ok(200)
	alice.login("phone").get("/rooms/" + private + "/messages").refused("locked")
	// Locked again, it is closed to the session that had opened it, and to its sockets.
	alices.expect("room.read")
	alice.patch("/rooms/"+private+"/me", fields{"locked": true}).ok(200)
	alice.get("/rooms/" + private + "/messages").refused("locked")
	bob.send(private, "a third time")
	alices.expect("room.me")
	if got := heard[message](alices, "message.new"); !got.Locked {
		t.Errorf("alice heard %+v", got)
	}
}
