package router_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"parlor/define"
)

// form sends an upload as the published page does: the file, then the name of who sends it.
func (s *server) form(path, cookie, field, name, username string, content []byte) (said, *http.Response) {
	s.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(field, name)
	must(s.t, err)
	_, err = part.Write(content)
	must(s.t, err)
	if username != "" {
		must(s.t, form.WriteField("username", username))
	}
	must(s.t, form.Close())
	return s.instant("POST", path, cookie, body.String(), "Content-Type", form.FormDataContentType())
}

// load returns what is at an address, as an image of the page is loaded.
func (s *server) load(path, cookie string) (int, []byte, http.Header) {
	s.t.Helper()
	request, err := http.NewRequest("GET", s.url+path, nil)
	must(s.t, err)
	if cookie != "" {
		request.Header.Set("Cookie", cookie)
	}
	response, err := s.client.Do(request)
	must(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(s.t, err)
	return response.StatusCode, body, response.Header
}

func TestInstantAvatars(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.pupil("alice"), s.pupil("bobby")
	a, b := alice.socket(), bob.socket()
	room := a.befriends(alice, bob, b)
	status, drawn, header := s.load("/static/media/pic/default.jpeg", "")
	if status != 200 || header.Get("Content-Type") != "image/jpeg" || len(drawn) == 0 {
		t.Errorf("the default picture: %d, %v, %d bytes", status, header, len(drawn))
	}
	for name, upload := range map[string]struct{ cookie, username string }{"nobody": {"", alice.name}, "another": {bob.cookie, alice.name}, "a guess": {"parlor_instant=x", ""}} {
		if got, response := s.form("/user/upload", upload.cookie, "avatar", "me.png", upload.username, pngBytes(picture(64, 64))); got.number("code") != -1 || response.StatusCode != 200 {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got, _ := s.form("/user/upload", alice.cookie, "avatar", "me.png", alice.name, []byte("no picture")); got.number("code") != -1 {
		t.Errorf("what is no picture: %v", got)
	}
	if got, _ := s.form("/user/upload", alice.cookie, "picture", "me.png", alice.name, pngBytes(picture(64, 64))); got.number("code") != -1 {
		t.Errorf("another field: %v", got)
	}
	var avatar string
	for range 2 { // each upload arrives twice
		got, response := s.form("/user/upload", alice.cookie, "avatar", "me.png", alice.name, pngBytes(picture(64, 64)))
		avatar, _ = got["avatar"].(string)
		got.is(t, fields{"code": 0, "info": "successfully upload", "avatar": avatar})
		if !strings.HasPrefix(avatar, "/static/media/pic/") || response.Header.Get("X-Frame-Options") != "SAMEORIGIN" {
			t.Errorf("the avatar is at %q, X-Frame-Options %q", avatar, response.Header.Get("X-Frame-Options"))
		}
	}
	if status, got, header := s.load(avatar, bob.cookie); status != 200 || len(got) == 0 || !strings.HasPrefix(header.Get("Content-Type"), "image/") {
		t.Errorf("loading it: %d, %d bytes, %v", status, len(got), header)
	}
	if status, _, _ := s.load(avatar, ""); status == 200 {
		t.Error("who shows nothing loads it")
	}
	a.open(room)
	a.settle()
	if m := a.say("text", "how do I look?"); m["avatar"] != avatar {
		t.Errorf("the message is %v", m)
	}
	if in := alice.login(); in["avatar"] != avatar {
		t.Errorf("the login is %v", in)
	}
}

func TestInstantFiles(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob, eve := s.pupil("alice"), s.pupil("bobby"), s.pupil("evelyn")
	a, b := alice.socket(), bob.socket()
	room := a.befriends(alice, bob, b)
	a.open(room)
	b.open(room)
	image := pngBytes(picture(32, 32))
	if got, _ := s.form("/user/uploadfile", "", "file", "look.png", alice.name, image); got.number("code") != -1 {
		t.Errorf("nobody: %v", got)
	}
	got, _ := s.form("/user/uploadfile", alice.cookie, "file", "look here.PNG", "", image)
	address, _ := got["file_url"].(string)
	got.is(t, fields{"code": 0, "info": "successfully upload", "file_url": address})
	if !strings.HasPrefix(address, "/static/media/file/") || !strings.HasSuffix(address, ".png") {
		t.Errorf("the file is at %q", address)
	}
	if status, _, _ := s.load(address, bob.cookie); status != 404 {
		t.Errorf("before it is sent: %d", status)
	}
	if got, _ := s.form("/user/uploadfile", alice.cookie, "avatar", "look.png", alice.name, image); got.number("code") != 0 {
		t.Errorf("by the name that the document has for the field: %v", got)
	}
	m := a.say("image", address)
	if heard := b.next("Msg"); heard["msg_body"] != address || heard["msg_type"] != "image" || m["msg_body"] != address {
		t.Errorf("heard %v", heard)
	}
	for _, p := range []*pupil{alice, bob} {
		if status, body, header := s.load(address, p.cookie); status != 200 || !bytes.Equal(body, image) || header.Get("Content-Type") != "image/png" {
			t.Errorf("loading it: %d, %d bytes, %v", status, len(body), header)
		}
	}
	for _, cookie := range []string{"", eve.cookie} {
		if status, _, _ := s.load(address, cookie); status == 200 {
			t.Error("a stranger loads it")
		}
	}
	token := url.Values{"username": {bob.name}, "token": {m["msg_id"].(interface{ String() string }).String()}}
	if status, _, _ := s.load(address+"?"+token.Encode(), ""); status == 200 {
		t.Error("a wrong token loads it")
	}
	if listed := b.rooms()[room].list("message_list"); listed[0]["msg_body"] != address || listed[0]["msg_type"] != "image" {
		t.Errorf("listed as %v", listed)
	}
	text, _ := s.form("/user/uploadfile", alice.cookie, "file", "plan.txt", "", []byte("the plan"))
	if m := a.say("image", text["file_url"].(string)); m["msg_type"] != "file" { // whatever she says of it
		t.Errorf("a text that is said to be an image is %v", m)
	}
	b.next("Msg")
	for _, body := range []string{"", "hello", "/static/media/file/", "/static/media/file/nothing.png", "/static/media/pic/default.jpeg", "https://example.com/x.png"} {
		if got := a.ask("send_message", fields{"function": "send_message", "msg_type": "file", "msg_body": body}); got["message"] == "" {
			t.Errorf("%q is answered with %v", body, got)
		}
	}
	if got := b.ask("send_message", fields{"function": "send_message", "msg_type": "file", "msg_body": eveFile(s, eve)}); got["message"] == "" {
		t.Errorf("another's file: %v", got)
	}

	native := bob.native()
	sent := native.upload("voice.txt", []byte("not a voice"))
	into[message](native.post("/rooms/"+roomOf(t, native, room)+"/messages", fields{"file": sent.Identity, "data": "a caption"}).ok(201))
	heard := a.next("Msg")
	if heard["msg_type"] != "file" || heard["msg_body"] != "/static/media/file/"+sent.Identity+".txt" {
		t.Errorf("heard %v", heard)
	}
	if status, body, _ := s.load(heard["msg_body"].(string), alice.cookie); status != 200 || string(body) != "not a voice" {
		t.Errorf("loading it: %d %q", status, body)
	}
	a.ask("Ack2", fields{"function": "send_message", "msg_type": "combine", "combine_list": []int64{m.number("msg_id")}, "transroom_id": room})
	merged := a.next("Msg")
	if got, _ := s.instant("POST", "/user/message", bob.cookie, fields{"combine_list": merged["combine_list"]}); got.list("msg_list")[0]["msg_body"] != address {
		t.Errorf("the part is %v", got)
	}
	for _, cookie := range []string{"", eve.cookie, alice.cookie} { // there is no provider, and nothing to hear
		if got, response := s.instant("POST", "/user/audio", cookie, fields{"url": address}); got.number("code") != -1 || response.StatusCode != 200 {
			t.Errorf("audio: %v", got)
		}
	}
	for _, path := range []string{"/static/media/", "/static/media/x", "/static/media/file/../../config.yaml", "/static/media/file/" + sent.Identity + "/x", "/static/media/pic/nothing"} {
		if status, _, _ := s.load(path, alice.cookie); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func eveFile(s *server, eve *pupil) string {
	s.t.Helper()
	got, _ := s.form("/user/uploadfile", eve.cookie, "file", "mine.txt", "", []byte("hers"))
	return got["file_url"].(string)
}

func TestInstantUploadLimit(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Files.MaxSize = 1000 })
	alice := s.pupil("alice")
	for size, want := range map[int]int64{1000: 0, 1001: -1, 100_000: -1} {
		if got, _ := s.form("/user/uploadfile", alice.cookie, "file", "x.bin", "", bytes.Repeat([]byte("x"), size)); got.number("code") != want {
			t.Errorf("%d bytes: %v", size, got)
		}
	}
}

// What is said in a recording is for who has it in a room of his.
func TestInstantHears(t *testing.T) {
	t.Parallel()
	s, words := newWordsServer(t, func(*define.Config) {})
	alice, bob, eve := s.pupil("alice"), s.pupil("bobby"), s.pupil("evelyn")
	a, b := alice.socket(), bob.socket()
	room := a.befriends(alice, bob, b)
	a.open(room)
	got, _ := s.form("/user/uploadfile", alice.cookie, "file", "voice.wav", "", saying("hello"))
	address := got["file_url"].(string)
	ask := func(cookie string) said {
		answer, _ := s.instant("POST", "/user/audio", cookie, fields{"url": address})
		return answer
	}
	if got := ask(alice.cookie); got.number("code") != -1 {
		t.Errorf("before it is sent: %v", got)
	}
	if m := a.say("audio", address); m["msg_type"] != "audio" {
		t.Errorf("the recording is %v", m)
	}
	for _, cookie := range []string{eve.cookie, ""} {
		if got := ask(cookie); got.number("code") != -1 || got["result"] != nil {
			t.Errorf("a stranger hears %v", got)
		}
	}
	for _, cookie := range []string{bob.cookie, alice.cookie} {
		ask(cookie).is(t, fields{"code": 0, "result": "hello"})
	}
	if n := words.times("hello"); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
}
