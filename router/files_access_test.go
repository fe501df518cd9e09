package router_test

import (
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// mayRead checks who may read a file, in every way in which it can be read: the others learn nothing, or that they have
// locked the room.
func mayRead(t *testing.T, when string, of file, who map[*user]string) {
	t.Helper()
	for reader, code := range who {
		for _, path := range []string{of.Identity, of.Identity + "/thumb"} {
			a := reader.download(path)
			if code == "" {
				if a.status != 200 {
					t.Errorf("%s: %s by %s: %d %s", when, a.call, reader.account, a.status, a.body)
				}
				continue
			}
			a.refused(code)
			head := reader.ask("HEAD", "/files/"+path, reader.token, nil)
			if head.status != statusOf[code] || head.header.Get("ETag") != "" || head.header.Get("Content-Disposition") != "" {
				t.Errorf("%s: %s by %s: %d %v", when, head.call, reader.account, head.status, head.header)
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// A file is there for whoever sees a message with it, and for nobody else.
func TestWhoMayReadAFile(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol, dave, outsider := s.user("carol"), s.user("dave"), s.user("outsider")
	alice.befriend(carol)
	alice.befriend(dave)
	group := alice.group("photos", bob, carol)
	photo := alice.upload("photo.png", pngBytes(picture(20, 20)))
	mayRead(t, "not sent", photo, map[*user]string{alice: "", bob: "not_found", outsider: "not_found"})
	outsider.post("/rooms/"+group+"/messages", fields{"file": photo.Identity}).refused("not_found")
	bob.post("/rooms/"+group+"/messages", fields{"file": photo.Identity}).refused("invalid", "file")

	said := alice.sendFile(group, photo, "look")
	mayRead(t, "sent", photo, map[*user]string{alice: "", bob: "", carol: "", dave: "not_found", outsider: "not_found"})
	alice.post("/rooms/"+group+"/members", fields{"members": []string{dave.identity}}).ok(200)
	mayRead(t, "before his time", photo, map[*user]string{dave: "not_found"})
	bob.delete(said.path(), nil).ok(204)
	mayRead(t, "deleted for himself", photo, map[*user]string{bob: "not_found", carol: ""})
	carol.delete("/rooms/"+group+"/messages", nil).ok(204)
	mayRead(t, "cleared", photo, map[*user]string{carol: "not_found"})

	again := alice.sendFile(group, photo, "again")
	mayRead(t, "sent again", photo, map[*user]string{bob: "", carol: "", dave: ""})
	bob.patch("/rooms/"+group+"/me", fields{"locked": true}).ok(200)
	mayRead(t, "locked", photo, map[*user]string{bob: "locked", carol: ""})
	phone := bob.login("phone")
	phone.post("/rooms/"+group+"/unlock", fields{"password": password}).ok(204)
	mayRead(t, "unlocked on the phone", photo, map[*user]string{bob: "locked", phone: ""})
	private := alice.roomWith(bob)
	alice.sendFile(private, photo, "to you alone")
	mayRead(t, "sent in another room as well", photo, map[*user]string{bob: ""})

	carol.delete("/rooms/"+group+"/members/"+carol.identity, nil).ok(204)
	mayRead(t, "left", photo, map[*user]string{carol: "not_found", dave: ""})
	alice.post(again.path()+"/recall", nil).ok(200)
	mayRead(t, "recalled", photo, map[*user]string{dave: "not_found", phone: ""})
	alice.sendFile(group, photo, "for the last time")
	alice.delete("/rooms/"+group, nil).ok(204)
	mayRead(t, "dissolved", photo, map[*user]string{alice: "", dave: "not_found", bob: ""})
	alice.delete("/friends/"+bob.identity, nil).ok(204)
	mayRead(t, "no friends any more: the history stays", photo, map[*user]string{bob: ""})
	ended := bob.login("ended")
	ended.post("/logout", nil).ok(204)
	for _, token := range []string{ended.token, "none", ""} {
		s.ask("GET", "/files/"+photo.Identity+"?token="+token, "", nil).refused("unauthenticated")
	}
	outsider.download("no-such-file").refused("not_found")
	outsider.download("no-such-file/thumb").refused("not_found")
}

// A file that stands in very many messages is found in the reader's own.
func TestFileInManyRooms(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	outsider := s.user("outsider")
	photo := alice.upload("viral.png", pngBytes(picture(20, 20)))
	own := alice.group("own")
	for i := range 60 {
		alice.sendFile(own, photo, fmt.Sprint(i))
	}
	mayRead(t, "in many messages of another room", photo, map[*user]string{bob: "not_found", outsider: "not_found"})
	alice.sendFile(alice.roomWith(bob), photo, "for you")
	mayRead(t, "in one of his as well", photo, map[*user]string{bob: "", outsider: "not_found"})
}

// An HTML or SVG upload is never run: not by its type, nor by a browser that guesses, nor in the page's own origin.
func TestFileHeaders(t *testing.T) {
	t.Parallel()
	alice := sharedServer(t).user("alice")
	const script = "<script>fetch('/api/v1/users/me')</script>"
	for _, test := range []struct {
		name, mime, disposition string
		content                 []byte
	}{
		{"page.html", "text/html", `attachment; filename="page.html"`, []byte("<html>" + script)},
		{"drawing.svg", "image/svg+xml", `attachment; filename="drawing.svg"`, []byte(`<svg xmlns="http://www.w3.org/2000/svg">` + script + "</svg>")},
		{"page.xhtml", "application/xhtml+xml", `attachment; filename="page.xhtml"`, []byte(`<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">` + script + "</html>")},
		{"a.pdf", "application/pdf", `attachment; filename="a.pdf"`, []byte("%PDF-1.7\n")},
		{"script.js", "text/plain", `attachment; filename="script.js"`, []byte("alert(1)")},
		{"photo.png", "image/png", `inline; filename="photo.png"`, pngBytes(picture(9, 9))},
		{"photo.html", "image/png", `inline; filename="photo.html"`, append(pngBytes(picture(9, 9)), script...)},
		{"my photo.png", "image/png", `inline; filename="my photo.png"`, pngBytes(picture(8, 9))},
		{`q"u;o\te.png`, "image/png", `inline; filename="te.png"`, pngBytes(picture(7, 9))},
		{`q"u;.png`, "image/png", `inline; filename="q_u;.png"; filename*=UTF-8''q%22u%3B.png`, pngBytes(picture(6, 9))},
		{"照片 50%.png", "image/png", `inline; filename="__ 50_.png"; filename*=UTF-8''%E7%85%A7%E7%89%87%2050%25.png`, pngBytes(picture(5, 9))},
	} {
		of := alice.upload(test.name, test.content)
		header := alice.download(of.Identity).bytes(200, test.content).header
		for name, want := range map[string]string{
			"Content-Type": test.mime, "Content-Disposition": test.disposition, "X-Content-Type-Options": "nosniff",
			"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "private, no-cache", "ETag": `"` + of.SHA256 + `"`,
			"Referrer-Policy": "no-referrer", "Accept-Ranges": "bytes",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", test.name, name, got, want)
			}
		}
	}
}

func TestRangesAndConditions(t *testing.T) {
	t.Parallel()
	alice := sharedServer(t).user("alice")
	content := noise(600_000, 3) // of three chunks
	of := alice.upload("noise", content)
	tag := `"` + of.SHA256 + `"`
	for _, test := range []struct {
		asked, answered string
		status          int
		want            []byte
	}{
		{"bytes=-1", "bytes 599999-599999/600000", 206, content[599_999:]},
		{"bytes=0-0", "bytes 0-0/600000", 206, content[:1]},
		{"bytes=261119-261121", "bytes 261119-261121/600000", 206, content[261_119:261_122]},
		{"bytes=500000-", "bytes 500000-599999/600000", 206, content[500_000:]},
		{"bytes=100-700000", "bytes 100-599999/600000", 206, content[100:]},
		{"bytes=-700000", "bytes 0-599999/600000", 206, content},
		{"bytes= 10-19 ", "bytes 10-19/600000", 206, content[10:20]},
		{"bytes=600000-", "bytes */600000", 416, nil},
		{"bytes=600000-700000", "bytes */600000", 416, nil},
		{"seconds=1-2", "", 200, content},
		{"Seconds", "", 200, content},
		{"bytes=5-2", "", 200, content},
		{"bytes=-0", "", 200, content},
		{"bytes=0-9,-0", "", 200, content},
		{"bytes=", "", 200, content},
		{"bytes=-", "", 200, content},
		{"bytes=7", "", 200, content},
		{"bytes=+1-2", "", 200, content},
		{"bytes=--1", "", 200, content},
		{"bytes=x-", "", 200, content},
		{"bytes=0-99999999999999999999", "", 200, content},
	} {
		a := alice.download(of.Identity, "Range", test.asked)
		if test.want != nil {
			a.bytes(test.status, test.want)
		}
		if got := a.header.Get("Content-Range"); a.status != test.status || got != test.answered {
			t.Errorf("%s: %d, %q", test.asked, a.status, got)
		}
	}
	several := alice.download(of.Identity, "Range", "bytes=0-9,300000-300009")
	if several.status != 206 || !strings.HasPrefix(several.header.Get("Content-Type"), "multipart/byteranges; boundary=") ||
		!strings.Contains(string(several.body), string(content[:10])) || !strings.Contains(string(several.body), string(content[300_000:300_010])) {
		t.Errorf("two ranges: %d %v", several.status, several.header)
	}
	alice.download(of.Identity, "If-None-Match", tag).bytes(304, nil)
	alice.download(of.Identity, "If-None-Match", `W/`+tag).bytes(304, nil)
	alice.download(of.Identity, "If-None-Match", "*").bytes(304, nil)
	alice.download(of.Identity, "If-None-Match", `"other"`).bytes(200, content)
	alice.download(of.Identity, "If-Range", tag, "Range", "bytes=-1").bytes(206, content[599_999:])
	alice.download(of.Identity, "If-Range", `"other"`, "Range", "bytes=-1").bytes(200, content)
	if a := alice.download(of.Identity, "If-Match", `"other"`); a.status != 412 {
		t.Errorf("If-Match: %d", a.status)
	}
}

// Avatars are for everybody to see; they are made small, and whoever takes another one leaves the old one to the sweep.
func TestAvatars(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	stranger := s.user("stranger")
	first := into[ownPerson](alice.sendForm("PUT", "/users/me/avatar", "me.png", pngBytes(picture(1024, 512))).ok(200)).Avatar
	if me := into[ownPerson](alice.get("/users/me").ok(200)); me.Avatar != first || first == "" {
		t.Errorf("the avatar is %q", me.Avatar)
	}
	if p := into[profile](stranger.get("/users/" + alice.identity).ok(200)); p.Avatar != first {
		t.Errorf("others see %q", p.Avatar)
	}
	mayRead(t, "an avatar", file{Identity: first}, map[*user]string{alice: "", bob: "", stranger: ""})
	if width, height := sizeOf(t, stranger.download(first).body); width != 512 || height != 256 {
		t.Errorf("it is %d×%d", width, height)
	}
	for name, content := range map[string][]byte{
		"a text": []byte("hello"), "a drawing": []byte(`<svg xmlns="http://www.w3.org/2000/svg"></svg>`), "nothing of an image": []byte("GIF89a"),
	} {
		if alice.sendForm("PUT", "/users/me/avatar", name, content).refused("unsupported"); t.Failed() {
			t.Fatal(name)
		}
	}

	photo := alice.upload("photo.jpg", jpegBytes(picture(600, 900)))
	text := alice.upload("text", []byte("hello"))
	theirs := bob.upload("bob.png", pngBytes(picture(20, 20)))
	for _, wrong := range []string{"no-such-file", text.Identity, theirs.Identity} {
		alice.patch("/users/me", fields{"avatar": wrong, "city": "Paris"}).refused("invalid", "avatar")
	}
	second := into[ownPerson](alice.patch("/users/me", fields{"avatar": photo.Identity, "city": "London"}).ok(200))
	if second.Avatar == photo.Identity || second.Avatar == first || second.City != "London" {
		t.Errorf("changed to %+v", second.person)
	}
	if width, height := sizeOf(t, bob.download(second.Avatar).body); width != 341 || height != 512 {
		t.Errorf("it is %d×%d", width, height)
	}
	mayRead(t, "the photo that it was made of", photo, map[*user]string{alice: "", bob: "not_found"})
	if same := into[ownPerson](alice.patch("/users/me", fields{"avatar": second.Avatar}).ok(200)); same.Avatar != second.Avatar {
		t.Errorf("the same again is %q", same.Avatar)
	}
	if none := into[ownPerson](alice.patch("/users/me", fields{"avatar": ""}).ok(200)); none.Avatar != "" {
		t.Errorf("none is %q", none.Avatar)
	}

	group := alice.group("with a picture", bob)
	bob.patch("/rooms/"+group, fields{"avatar": theirs.Identity}).refused("forbidden")
	bobs := bob.socket()
	changed := into[room](alice.patch("/rooms/"+group, fields{"avatar": photo.Identity}).ok(200))
	if got := heard[room](bobs, "room.updated"); got.Avatar != changed.Avatar || changed.Avatar == "" {
		t.Errorf("bob heard of %q, alice of %q", got.Avatar, changed.Avatar)
	}
	mayRead(t, "a room's avatar", file{Identity: changed.Avatar}, map[*user]string{bob: "", stranger: ""})
	alice.patch("/rooms/"+group, fields{"avatar": theirs.Identity}).refused("invalid", "avatar")
}

// A cancelled account leaves its files in the rooms where they were sent, and its avatar to the sweep.
func TestFilesOfACancelledAccount(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := bob.group("remains", alice)
	photo := alice.upload("photo.png", pngBytes(picture(30, 20)))
	alice.sendFile(group, photo, "remember me")
	avatar := into[ownPerson](alice.sendForm("PUT", "/users/me/avatar", "me.png", pngBytes(picture(31, 20))).ok(200)).Avatar
	files := s.openDatabase().Collection("file")
	if _, err := files.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: avatar}}, bson.D{{Key: "$unset", Value: bson.D{{Key: "loose_since", Value: ""}}}}); err != nil {
		t.Fatal(err)
	}
	alice.delete("/users/me", fields{"password": password}).ok(204)
	mayRead(t, "cancelled", photo, map[*user]string{bob: ""})
	if n, err := files.CountDocuments(t.Context(), bson.D{{Key: "_id", Value: avatar}, {Key: "loose_since", Value: bson.D{{Key: "$gt", Value: 0}}}}); n != 1 || err != nil {
		t.Errorf("the avatar is not left to the sweep: %d, %v", n, err)
	}
}
