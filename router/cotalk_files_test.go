package router_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"parlor/define"
)

// A picture given at the registration is shown to everybody, small; so is one that takes its place.
func TestCotalkPictures(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	register := func(name, file string, content []byte) *cotalkAnswer {
		return s.cotalk(cotalkCall{method: "POST", path: "/api/user/register", body: form{
			fields: map[string]string{"user_name": name, "password": "secret"}, file: "avatar", name: file, bytes: content,
		}})
	}
	shown := func(number int64) (kind string, width int) {
		t.Helper()
		a := s.cotalk(cotalkCall{method: "GET", path: fmt.Sprintf("/api/user/private/%d/avatar", number)})
		if a.err != nil || a.status != 200 {
			t.Fatalf("%s: %d %v", a.call, a.status, a.err)
		}
		width, _ = sizeOf(t, a.raw)
		return a.header.Get("Content-Type"), width
	}
	name := "ann_" + s.suffix()
	const wrong = "'Missing or error type of [avatar]'"
	register(name, "me.svg", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")).is(400, -7, wrong)
	register(name, "me.png", []byte("no picture at all")).is(400, -7, wrong)
	register(name, "me.txt", pngBytes(picture(10, 10))).is(400, -7,
		"'Invalid parameters. Expected `file` to be a image file, should be one of jpg,jpeg,png,gif,bmp,webp,svg'")
	register(name, "me.png", nil).is(400, -7, wrong)
	a := register(name, "me.JPG", jpegBytes(picture(1200, 600))).ok()
	ann := &cotalker{server: s, number: a.number("user_id"), name: name, password: "secret", token: a.fields()["token"].(string)}
	if kind, width := shown(ann.number); kind != "image/jpeg" || width != 512 {
		t.Errorf("the picture is %s, %d pixels", kind, width)
	}
	change := func(password string) *cotalkAnswer {
		return ann.ask("POST", ann.own(""), form{fields: map[string]string{"old_password": password}, file: "avatar", name: "me.png", bytes: pngBytes(picture(30, 30))})
	}
	change("wrong").is(401, -2, "Invalid password")
	if _, width := shown(ann.number); width != 512 {
		t.Errorf("the picture was changed without the password: %d pixels", width)
	}
	change("secret").ok()
	if _, width := shown(ann.number); width != 30 {
		t.Errorf("the new picture has %d pixels", width)
	}
	// A broken one is no reason to have no account.
	broken := append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 100)...)
	if kind, width := shown(register("bob_"+s.suffix(), "me.png", broken).ok().number("user_id")); kind != "image/png" || width != 200 {
		t.Errorf("instead of a broken picture there is %s, %d pixels", kind, width)
	}
}

// Files are sent beside their text, have a letter, and are there for the members of the chat, whatever client they have.
func TestCotalkFiles(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob, eve := s.cotalker("ann"), s.cotalker("bob"), s.cotalker("eve")
	chat := ann.befriend(bob)
	send := func(token, kind, name string, content []byte) *cotalkAnswer {
		return s.cotalk(cotalkCall{method: "POST", path: "/api/message/send", token: token, body: form{
			fields: map[string]string{"user_id": fmt.Sprint(ann.number), "chat_id": fmt.Sprint(chat), "msg_text": name, "msg_type": kind},
			file:   "msg_file", name: name, bytes: content,
		}})
	}
	image := pngBytes(picture(20, 10))
	for _, test := range []struct {
		kind, name, letter string
		content            []byte
	}{
		{"image", "house.png", "I", image},
		{"audio", "song.wav", "A", wavOf(8000, 800)},
		{"others", "notes.txt", "O", []byte("to do")},
		{"others", "house.png", "O", image},
	} {
		message := send(ann.token, test.kind, test.name, test.content).ok().number("msg_id")
		m := bob.ask("GET", messagePath(message)+bob.me(), nil).ok().fields()
		url := fmt.Sprintf("/api/message/files/%d", message)
		if m["msg_type"] != test.letter || m["msg_text"] != test.name || m["msg_file_url"] != url {
			t.Errorf("%s: %v", test.name, m)
		}
		for who, call := range map[string]cotalkCall{"token": {token: bob.token}, "cookie": {cookie: "cotalk_token=" + bob.token}} {
			call.method, call.path = "GET", url
			if a := s.cotalk(call); a.status != http.StatusOK || string(a.raw) != string(test.content) || a.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s by %s: %d, %d bytes", test.name, who, a.status, len(a.raw))
			}
		}
		eve.ask("GET", url, nil).is(401, -2, "Unauthorized : the user cannot see the message")
		s.cotalk(cotalkCall{method: "GET", path: url}).is(400, -7, "'Missing Authorization header'")
	}
	if m := bob.messages(chat, "&filter_type=others"); len(m) != 2 {
		t.Errorf("other files are %v", m)
	}
	send(ann.token, "image", "house.txt", image).is(400, -7, "'Invalid parameters. Expected `file` to be a image file, should be one of jpg,jpeg,png,gif,bmp,webp,svg'")
	send(ann.token, "video", "house.png", image).is(400, -7, "'Invalid parameters. Expected `file` to be a video file, should be one of mp4,webm,ogg,flv'")
	if a := send(ann.token, "image", "house.png", []byte("not an image")); a.status != 400 || a.fields()["code"] != -7.0 {
		t.Errorf("a text called an image: %d %s", a.status, a.raw)
	}
	send("", "image", "house.png", image).is(400, -7, "'Missing Authorization header'")
	send("x.y.z", "image", "house.png", image).is(401, -2, "Unauthorized : Expired or wrong-formatted JWT token")
	send(eve.token, "image", "house.png", image).is(401, -2, "Unauthorized : Expired or wrong-formatted JWT token")
	ann.ask("POST", "/api/message/send", fields{"user_id": ann.number, "chat_id": chat, "msg_text": "x", "msg_type": "image"}).is(400, -7, "'Invalid parameters. Expected `msg_file`, but not found.'")

	// From a client of our own, without a caption; and forwarded with others.
	native := bob.native()
	room := native.roomWith(ann.native())
	sent := native.sendFile(room, native.upload("map.png", image), "")
	if m := ann.ask("GET", messagePath(sent.Identity)+ann.me(), nil).ok().fields(); m["msg_type"] != "I" || m["msg_text"] != "map.png" {
		t.Errorf("a file of a native client: %v", m)
	}
	native.post("/messages/forward", fields{"messages": []int64{sent.Identity}, "rooms": []string{room}, "mode": "merged"}).ok(201)
	if texts := ann.texts(chat); !strings.HasSuffix(texts[len(texts)-1], bob.name+": map.png") {
		t.Errorf("a merged file is %q", texts[len(texts)-1])
	}
}

// What is too large is refused, whoever finds out.
func TestCotalkLargeFiles(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Files.MaxSize = 1000 })
	ann, bob := s.cotalker("ann"), s.cotalker("bob")
	chat := ann.befriend(bob)
	for _, size := range []int{1001, 3 << 20} {
		a := ann.ask("POST", "/api/message/send", form{
			fields: map[string]string{"user_id": fmt.Sprint(ann.number), "chat_id": fmt.Sprint(chat), "msg_text": "large", "msg_type": "others"},
			file:   "msg_file", name: "large.bin", bytes: make([]byte, size),
		})
		if a.err != nil || a.status != 400 || a.fields()["code"] != -7.0 {
			t.Errorf("%d bytes: %d %s %v", size, a.status, a.raw, a.err)
		}
	}
	a := ann.ask("POST", "/api/message/send", fields{"user_id": ann.number, "chat_id": chat, "msg_text": strings.Repeat("x", 2<<20), "msg_type": "text"})
	if a.err != nil || a.status != 400 || a.fields()["code"] != -7.0 {
		t.Errorf("a long body: %d %.200s %v", a.status, a.raw, a.err)
	}
	if texts := ann.texts(chat); len(texts) != 0 {
		t.Errorf("the chat says %q", texts)
	}
}
