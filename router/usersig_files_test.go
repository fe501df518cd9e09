package router_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"parlor/define"
)

// fetch reads an address without a session, as a page does that shows an image.
func (s *server) fetch(address string) faceAnswer {
	s.t.Helper()
	return s.call("GET", strings.TrimPrefix(address, s.url), "", nil)
}

func TestUsersigFiles(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	a1, b1 := s.usersig("a1"), s.usersig("b1")
	a := s.call("POST", "/file/upload-chat-file/", a1.sig, formFile{"file", "报告 1.txt", []byte("hello, file")})
	address := a.must(t, `^\{"code":200,"message":"上传成功","data":\{"chat_file":\{"id":"[0-9a-f-]{36}","md5":"68952bab2d1c03e15f76fef8b43241e0","create_time":"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",`+
		`"url":"(`+s.url+`/media/chat_file/[^"]+/%E6%8A%A5%E5%91%8A%201.txt)"\}\}\}$`)
	file := s.fetch(address)
	if file.status != 200 || file.body != "hello, file" || !strings.HasPrefix(file.header.Get("Content-Type"), "text/plain") || file.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the file: %d %q %v", file.status, file.body, file.header)
	}
	parts := strings.Split(strings.TrimPrefix(address, s.url), "/") // "", media, chat_file, file, reader, proof, name
	other := s.call("POST", "/file/upload-chat-file/", b1.sig, formFile{"file", "b", []byte("of b1")}).must(t, `"url":"([^"]+)"`)
	others := strings.Split(strings.TrimPrefix(other, s.url), "/")
	for name, at := range map[int]string{3: others[3], 4: others[4], 5: others[5]} {
		changed := append([]string{}, parts...)
		changed[name] = at
		if got := s.fetch(strings.Join(changed, "/")); got.status != 404 || got.body != "" {
			t.Errorf("with another's part %d: %d %q", name, got.status, got.body)
		}
	}
	for _, wrong := range []string{parts[5][:31], parts[5] + "0", strings.ToUpper(parts[5]) + "x", "x"} {
		changed := append([]string{}, parts...)
		changed[5] = wrong
		if got := s.fetch(strings.Join(changed, "/")); got.status != 404 {
			t.Errorf("with the proof %q: %d %q", wrong, got.status, got.body)
		}
	}

	for name, test := range map[string]struct {
		sig  string
		body any
		want string
	}{
		"no file":      {a1.sig, formFile{"other", "a", []byte("x")}, `{"code":400,"message":"file不能为空","data":{}}`},
		"no form":      {a1.sig, `{}`, `{"code":400,"message":"file不能为空","data":{}}`},
		"an empty one": {a1.sig, formFile{"file", "a", nil}, `"code":400,"message":"file`},
		"nobody":       {"", formFile{"file", "a", []byte("x")}, `{"code":403,"message":"user_sig无效","data":{}}`},
		"too large":    {a1.sig, formFile{"file", "a", bytes.Repeat([]byte("x"), 20<<20+1)}, `{"code":400,"message":"文件大小超限，20M以内","data":{}}`},
	} {
		if a := s.call("POST", "/file/upload-chat-file/", test.sig, test.body); a.status != 200 || !strings.Contains(a.body, test.want) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// An address lasts although no message has the file: it may stand in the content of one.
func TestUsersigFilesAreKept(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) {
		c.Faces.Usersig.URL = "https://chat.example.com"
		c.Files.MaxSize = 1000
	})
	a1 := s.usersig("a1")
	address := s.call("POST", "/file/upload-chat-file/", a1.sig, formFile{"file", "a", []byte("kept")}).must(t, `"url":"https://chat.example.com(/media/[^"]+)"`)
	must(t, s.services.Files.Sweep(t.Context(), time.Now().Add(1000*time.Hour)))
	if got := s.fetch(address); got.body != "kept" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if a := s.call("POST", "/file/upload-chat-file/", a1.sig, formFile{"file", "a", make([]byte, 1001)}); !strings.Contains(a.body, `"code":400,"message":"文件过大`) {
		t.Errorf("above the server's own limit: %s", a.body)
	}
}

// A file that was sent over another way in is shown by an address, which is good for as long as its reader may read it.
func TestUsersigFilesOfOthers(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	a1, bob := s.usersig("a1"), s.user("bob")
	bob.befriend(a1.native())
	group := bob.group("pictures", a1.native())
	socket := a1.socket()
	sent := bob.upload("notes.txt", []byte("for the group"))
	bob.post("/rooms/"+group+"/messages", fields{"file": sent.Identity, "data": "read this"}).ok(201)
	heard := faceAnswer{body: socket.next()}
	address := heard.must(t, `"content":"\[文件\] (/media/chat_file/[^\\]+/notes.txt)\\nread this"`)
	if got := s.fetch(address); got.body != "for the group" {
		t.Errorf("%d %s", got.status, got.body)
	}
	logs := a1.get(fmt.Sprintf("/chat/chat-log-info/?session_id=%d", bob.room(group).Number))
	if !strings.Contains(logs.body, address) {
		t.Errorf("history: %s", logs.body)
	}
	bob.delete("/rooms/"+group+"/members/"+a1.native().identity, nil).ok(204)
	if got := s.fetch(address); got.status != 404 {
		t.Errorf("after a1 was removed: %d %s", got.status, got.body)
	}
}

// What somebody has sent stays when he goes; what he was only let read does not.
func TestUsersigFilesOfACancelledAccount(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := bob.group("group", alice)
	own := s.call("POST", "/file/upload-chat-file/", alice.token, formFile{"file", "a", []byte("of alice")}).must(t, `"url":"([^"]+)"`)
	bob.sendFile(group, bob.upload("b.txt", []byte("of bob")), "")
	bobs := s.call("GET", fmt.Sprintf("/chat/chat-log-info/?session_id=%d", bob.room(group).Number), alice.token, nil).must(t, `"content":"\[文件\] ([^"]+)"`)
	if got := s.fetch(bobs); got.body != "of bob" {
		t.Errorf("%d %s", got.status, got.body)
	}
	alice.delete("/users/me", fields{"password": password}).ok(204)
	if got := s.fetch(own); got.body != "of alice" {
		t.Errorf("what she has uploaded: %d %s", got.status, got.body)
	}
	if got := s.fetch(bobs); got.status != 404 {
		t.Errorf("what was sent to her: %d %s", got.status, got.body)
	}
}
