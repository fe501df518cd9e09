package router_test

import (
	"fmt"
	"testing"
)

func (u *user) found(query string) []message {
	u.t.Helper()
	return pages[message](u, "/search/messages?q="+query, "10")
}

// Messages with files, over REST and the socket: their types, captions and short forms.
func TestMessagesWithFiles(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("files", bob)
	on := "/rooms/" + group + "/messages"
	photo := alice.upload("holiday.png", pngBytes(picture(40, 20)))
	sound := alice.upload("voice.wav", wavOf(8000, 12_000))
	if sound.Mime != "audio/wav" || sound.Duration != 1.5 {
		t.Errorf("a second and a half of silence is %+v", sound)
	}
	text := alice.upload("notes.txt", []byte("some notes"))
	bobs := bob.socket()
	for _, test := range []struct {
		body fields
		of   file
		want string // the type
	}{
		{fields{"file": photo.Identity}, photo, "image"},
		{fields{"file": photo.Identity, "type": "image", "data": "caption"}, photo, "image"},
		{fields{"file": photo.Identity, "type": "file"}, photo, "file"},
		{fields{"file": sound.Identity}, sound, "audio"},
		{fields{"file": text.Identity}, text, "file"},
	} {
		said := into[message](alice.post(on, test.body).ok(201))
		if said.Type != test.want || said.File == nil || *said.File != test.of || said.Data != "" && said.Data != "caption" {
			t.Errorf("%v became %+v", test.body, said)
		}
		if got := heard[message](bobs, "message.new"); !equalMessages(got, said) {
			t.Errorf("bob heard %+v", got)
		}
		if last := bob.room(group).LastMessage; last == nil || last.File == nil || *last.File != test.of || last.Type != test.want {
			t.Errorf("the last message is %+v", last)
		}
	}
	for _, wrong := range []struct {
		body   fields
		fields []string
	}{
		{fields{"file": photo.Identity, "type": "text"}, []string{"type"}},
		{fields{"file": photo.Identity, "type": "video"}, []string{"file"}},
		{fields{"file": text.Identity, "type": "image"}, []string{"file"}},
		{fields{"file": "no-such-file", "data": "x"}, []string{"file"}},
		{fields{"type": "image", "data": "x"}, []string{"file"}},
		{fields{"data": ""}, []string{"data"}},
	} {
		alice.post(on, wrong.body).refused("invalid", wrong.fields...)
	}

	alices := alice.socket()
	over := decode[message](t, "message.send", alices.ok("message.send", fields{"room": group, "file": photo.Identity, "data": "over the socket"}))
	if over.Type != "image" || over.File == nil || *over.File != photo {
		t.Errorf("over the socket it is %+v", over)
	}
	alices.refused("invalid", "message.send", fields{"room": group, "file": "no-such-file"}, "file")
	heard[message](bobs, "message.new")

	answer := into[message](bob.post(on, fields{"data": "nice", "reply_to": over.Identity}).ok(201))
	if answer.Reply == nil || answer.Reply.File == nil || *answer.Reply.File != photo || answer.Reply.Type != "image" {
		t.Errorf("the quote is %+v", answer.Reply)
	}
	edited := into[message](alice.patch(over.path(), fields{"data": "other words"}).ok(200))
	if edited.Data != "other words" || edited.File == nil || edited.Type != "image" {
		t.Errorf("edited to %+v", edited)
	}
	if edited = into[message](alice.patch(over.path(), fields{"data": ""}).ok(200)); edited.Data != "" || edited.File == nil {
		t.Errorf("without its caption it is %+v", edited)
	}
	alice.patch(over.path(), fields{}).refused("invalid", "data")
	said := alice.send(group, "words")
	alice.patch(said.path(), fields{"data": ""}).refused("invalid", "data")
	again := fields{"file": photo.Identity, "client_id": "once"}
	first := into[message](alice.post(on, again).ok(201))
	if second := into[message](alice.post(on, again).ok(200)); !equalMessages(first, second) {
		t.Errorf("sent twice: %+v, %+v", first, second)
	}
	for _, r := range missed(bob.socket(), fields{group: 0}) {
		if r.Identity == group && (len(r.Items) == 0 || r.Items[len(r.Items)-1].File == nil) {
			t.Errorf("sync shows %+v", r)
		}
	}
}

// Captions and names are found, and history by type.
func TestFilesAreFound(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("search", bob)
	caption, name := "caption"+s.suffix(), "name"+s.suffix()
	said := alice.sendFile(group, alice.upload(name+".png", pngBytes(picture(12, 20))), caption+" 北京烤鸭")
	text := alice.sendFile(group, alice.upload("notes.txt", []byte("notes")), "")
	for _, query := range []string{caption, name, name + "&type=image", caption + "&sender=" + alice.identity} {
		if found := bob.found(query); len(found) != 1 || found[0].Identity != said.Identity || found[0].File == nil {
			t.Errorf("%s finds %+v", query, found)
		}
	}
	for query, want := range map[string]message{"type=image": said, "type=file": text, "q=烤鸭": said} {
		if found := pages[message](bob, "/rooms/"+group+"/messages?"+query, "10"); len(found) != 1 || found[0].Identity != want.Identity {
			t.Errorf("history by %s: %+v", query, found)
		}
	}
	alice.patch(said.path(), fields{"data": "other"}).ok(200)
	if found := bob.found(caption); len(found) > 0 {
		t.Errorf("the old caption finds %+v", found)
	}
	if found := bob.found(name); len(found) != 1 {
		t.Errorf("the name finds %+v", found)
	}
}

// What is forwarded takes its file along, whoever has uploaded it, and keeps it when the first message is recalled.
func TestForwardFiles(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol, dave := s.user("carol"), s.user("dave")
	bob.befriend(carol)
	carol.befriend(dave)
	photo := alice.upload("photo.png", pngBytes(picture(50, 20)))
	said := alice.sendFile(alice.roomWith(bob), photo, "between us")
	toCarol, toDave := bob.roomWith(carol), carol.roomWith(dave)
	mayRead(t, "before", photo, map[*user]string{bob: "", carol: "not_found", dave: "not_found"})

	each := into[forwarded](bob.post("/messages/forward", fields{"messages": []int64{said.Identity}, "rooms": []string{toCarol}}).ok(201)).Items[0]
	if each.Type != "image" || each.File == nil || *each.File != photo || each.Data != "between us" || each.ForwardedFrom == nil {
		t.Errorf("forwarded as %+v", each)
	}
	mayRead(t, "forwarded", photo, map[*user]string{carol: "", dave: "not_found"})
	inside := into[forwarded](carol.post("/messages/forward", fields{"messages": []int64{each.Identity}, "rooms": []string{toCarol}, "mode": "merged"}).ok(201)).Items[0]
	merged := into[forwarded](carol.post("/messages/forward", fields{"messages": []int64{inside.Identity, each.Identity}, "rooms": []string{toDave}, "mode": "merged"}).ok(201)).Items[0]
	if merged.File != nil || len(merged.Merged) != 2 || merged.Merged[0].Merged[0].File == nil || *merged.Merged[1].File != photo {
		t.Errorf("merged as %+v", merged)
	}
	mayRead(t, "merged", photo, map[*user]string{dave: ""})

	alice.post(said.path()+"/recall", nil).ok(200)
	bob.post(each.path()+"/recall", nil).ok(200)
	carol.post(inside.path()+"/recall", nil).ok(200)
	mayRead(t, "all but the merged copy are recalled", photo, map[*user]string{alice: "", bob: "not_found", carol: "", dave: ""})
	for _, m := range dave.history(toDave) {
		if m.Identity == merged.Identity && (m.Merged[1].File == nil || *m.Merged[1].File != photo) {
			t.Errorf("dave reads %+v", m)
		}
	}
	carol.post(merged.path()+"/recall", nil).ok(200)
	mayRead(t, "all are recalled", photo, map[*user]string{alice: "not_found", carol: "not_found", dave: "not_found"})
	alice.post("/rooms/"+alice.roomWith(bob)+"/messages", fields{"file": photo.Identity}).refused("invalid", "file")
	bob.post("/messages/forward", fields{"messages": []int64{each.Identity}, "rooms": []string{toCarol}}).refused("gone")
}

// Whoever tries again to send what was recalled meanwhile, and is gone with its file, learns that it was sent.
func TestRetryOfARecalledFile(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	on := "/rooms/" + alice.roomWith(bob) + "/messages"
	send := fields{"file": alice.upload("x", []byte("x"+s.suffix())).Identity, "client_id": "once"}
	said := into[message](alice.post(on, send).ok(201))
	alice.post(said.path()+"/recall", nil).ok(200)
	if again := into[message](alice.post(on, send).ok(200)); again.Identity != said.Identity || again.RecalledAt == 0 {
		t.Errorf("got %+v", again)
	}
}

// Sends, forwards and recalls of one file at the same moment: every message that is left has its file, and with the last
// one it goes.
func TestFileSentAndRecalledTogether(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("at once", bob)
	on := "/rooms/" + group + "/messages"
	for round := range 15 {
		content := fmt.Sprint("round ", round, s.suffix())
		of := alice.upload("x", []byte(content))
		first := alice.sendFile(group, of, "")
		answers := make([]*answer, 6)
		together(len(answers), func(i int) {
			switch i % 3 {
			case 0:
				answers[i] = alice.post(on, fields{"file": of.Identity})
			case 1:
				answers[i] = bob.post("/messages/forward", fields{"messages": []int64{first.Identity}, "rooms": []string{group}})
			default:
				answers[i] = alice.post(first.path()+"/recall", nil)
			}
		})
		left := []string{}
		for i, a := range answers {
			switch {
			case a.err != nil || a.status >= 500:
				t.Fatalf("%s: %d %s, %v", a.call, a.status, a.body, a.err)
			case i%3 == 0 && a.status == 201:
				left = append(left, into[message](a).path())
			case i%3 == 1 && a.status == 201:
				left = append(left, into[forwarded](a).Items[0].path())
			}
		}
		if len(left) > 0 {
			bob.download(of.Identity).bytes(200, []byte(content))
		}
		for _, path := range left {
			alice.post(path+"/recall", nil).ok(200)
		}
		alice.download(of.Identity).refused("not_found")
		bob.download(of.Identity).refused("not_found")
	}
}
