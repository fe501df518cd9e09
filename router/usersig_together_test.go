package router_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"parlor/define"
)

// A stranger with a signature of his own gets at nothing of others'; without one at nothing at all.
func TestUsersigStranger(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	a1, b1, mallory := s.usersig("a1"), s.usersig("b1"), s.usersig("a1x") // a longer id, which the original mistook for a1's
	native := s.user("native")
	id := a1.session("1", b1.id)
	as, ms := a1.socket(), mallory.socket()
	as.send(`{"to_session":` + id + `,"content":"ours"}`)
	as.next()

	ms.send(`{"to_session":` + id + `,"content":"let me in"}`)
	ms.expect(`{"type":"error","code":404,"message":"session不存在或该用户未参与该会话"}`)
	if a := mallory.get("/chat/chat-log-info/?session_id=" + id); strings.Contains(a.body, "ours") || !strings.Contains(a.body, `"num_of_chat_logs":0,"chat_log_info_list":[]`) {
		t.Errorf("reads: %s", a.body)
	}
	if a := mallory.get("/chat/session-info/?total=1"); !strings.Contains(a.body, `"session_info_list":[]`) {
		t.Errorf("lists: %s", a.body)
	}
	mallory.post("/chat/single-chat-mark-as-read/", "session_id", id).must(t, `"code":404`)
	mallory.post("/chat/create-session/", "type", "1", "name", "x", "chat_user_id_list", `["`+a1.id+`","`+b1.id+`"]`).must(t, `"code":400`)
	mallory.post("/chat/change-chat-user-info/", "user_id", a1.id, "name", "mallory's").must(t, `"user_id":"`+mallory.id)
	if a := a1.get("/chat/chat-user-info/?user_id=" + a1.id); strings.Contains(a.body, "mallory") {
		t.Errorf("a1 is now %s", a.body)
	}
	// Who has a password has not handed his decisions to the deployment.
	mallory.post("/chat/create-session/", "type", "1", "name", "x", "chat_user_id_list", `["`+mallory.id+`","`+native.account+`"]`).must(t, `"code":403`)
	mallory.post("/chat/create-session/", "type", "2", "name", "x", "chat_user_id_list", `["`+mallory.id+`","`+native.account+`"]`).must(t, `"code":200`)
	if rooms := pages[room](native, "/rooms", "10"); len(rooms) > 0 {
		t.Errorf("he was brought into %+v", rooms)
	}
	if asked := pages[invitation](native, "/invitations", "10"); len(asked) != 1 || asked[0].Awaits != "consent" {
		t.Errorf("he was asked %+v", asked)
	}
	// And nobody logs in to an account that has none.
	for _, tried := range []string{"", "x", password} {
		if a := (anyone{s}).post("/login", fields{"account": a1.id, "password": tried}); a.status != 401 && a.status != 400 {
			t.Errorf("a login to a1 with %q: %d %s", tried, a.status, a.body)
		}
	}

	for name, path := range map[string]string{
		"another's name":   "/ws/chat/" + a1.id + "/" + mallory.sig + "/",
		"a longer name":    "/ws/chat/" + a1.id + "0/" + a1.sig + "/",
		"a made-up one":    "/ws/chat/" + a1.id + "/x/",
		"without a slash":  "/ws/chat/" + a1.id + "/" + mallory.sig,
		"nobody's":         "/ws/chat/nobody-at-all/" + a1.sig + "/",
		"a broken address": "/ws/chat/%25zz/" + a1.sig + "/",
	} {
		if status := s.refusedSocket(path, nil); status != 403 {
			t.Errorf("a socket with %s: %d", name, status)
		}
	}
	for _, sig := range []string{"", "x", "Bearer " + a1.sig, a1.sig + "x"} {
		for path, method := range map[string]string{
			"/chat/chat-user-info/?user_id=" + a1.id: "GET", "/chat/change-chat-user-info/": "POST", "/chat/create-session/": "POST", "/chat/session-info/": "GET",
			"/chat/chat-log-info/?session_id=" + id: "GET", "/chat/single-chat-mark-as-read/": "POST",
		} {
			if a := s.call(method, path, sig, url.Values{"session_id": {id}, "type": {"1"}}); a.status != 200 || a.body != `{"code":403,"message":"user_sig无效","data":{}}` {
				t.Errorf("%s with %q: %d %s", path, sig, a.status, a.body)
			}
		}
	}
}

func TestUsersigBadFrames(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	a1, b1 := s.usersig("a1"), s.usersig("b1")
	id := a1.session("1", b1.id)
	socket := a1.socket()
	const malformed = `{"type":"error","code":400,"message":"请求体不是有效的 JSON"}`
	for range 3 {
		for text, want := range map[string]string{
			``: malformed, `{`: malformed, `null`: malformed, `[]`: malformed, `"x"`: malformed, "{\"content\":\"\xff\"}": malformed,
			`{}`:                                       `{"type":"error","code":400,"message":"to_session须为整数"}`,
			`{"to_session":{},"content":"x"}`:          `{"type":"error","code":400,"message":"to_session须为整数"}`,
			`{"to_session":"","content":"x"}`:          `{"type":"error","code":400,"message":"to_session须为整数"}`,
			`{"to_session":999999,"content":""}`:       `{"type":"error","code":404,"message":"session不存在或该用户未参与该会话"}`,
			`{"to_session":` + id + `}`:                `{"type":"error","code":400,"message":"content不能为空"}`,
			`{"to_session":` + id + `,"content":null}`: `{"type":"error","code":400,"message":"content不能为空"}`,
			`{"to_session":` + id + `,"content":"` + strings.Repeat("字", 8001) + `"}`:   `{"type":"error","code":400,"message":"content长度不能超过8,000个字符"}`,
			`{"to_session":` + id + `,"content":["` + strings.Repeat("x", 8000) + `"]}`: `{"type":"error","code":400,"message":"content长度不能超过8,000个字符"}`,
		} {
			socket.send(text)
			socket.expect(want)
		}
		socket.send(`{"to_session":` + id + `,"content":"fine","more":1}`)
		socket.next()
	}
	for range 10 {
		socket.send(`{`)
		socket.expect(malformed)
	}
	if code := socket.closed(); code != 4400 {
		t.Errorf("ten broken frames in a row: closed with %d", code)
	}
}

// A group of one member on each of these ways in: everybody says something, and everybody has everything in the same order.
func TestUsersigAmongOthers(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	a1, alice, bob := s.usersig("a1"), s.classic("alice"), s.user("bob")
	bob.befriend(a1.native())
	bob.befriend(alice.native())
	group := bob.group("all", a1.native(), alice.native())
	number := bob.room(group).Number
	as, alices, bobs := a1.socket(), alice.socket(), bob.socket()

	const rounds = 20
	as.send(fmt.Sprintf(`{"to_session":%d,"content":{"first":true}}`, number))
	together(3, func(i int) {
		for n := range rounds {
			switch i {
			case 0:
				as.send(fmt.Sprintf(`{"to_session":%d,"content":"a %d"}`, number, n))
			case 1:
				alice.say(alices, group, fmt.Sprintf("alice %d", n))
			case 2:
				bobs.start("message.send", fields{"room": group, "data": fmt.Sprintf("bob %d", n)})
			}
		}
	})
	var want, heard []string
	for range 3*rounds + 1 {
		m := regexp.MustCompile(`^\{"type":"(\w+)","chat_log":\{"id":(\d+),.*?"content":("(?:[^"\\]|\\.)*"|\{[^}]*\}),"sender":"([^"]+)"`).FindStringSubmatch(as.next())
		if m == nil {
			t.Fatal("a frame of another shape")
		}
		if (m[1] == "onMessageSendSuccess") != (m[4] == a1.id) {
			t.Errorf("%s for a message of %s", m[1], m[4])
		}
		var text string
		if json.Unmarshal([]byte(m[3]), &text) != nil {
			text = m[3]
		}
		want = append(want, text)
		var f struct {
			Message string `json:"message"`
		}
		if err := json.Unmarshal([]byte(alices.next()), &f); err != nil {
			t.Fatal(err)
		}
		heard = append(heard, f.Message)
	}
	if fmt.Sprint(heard) != fmt.Sprint(want) {
		t.Errorf("alice heard %q\na1 heard    %q", heard, want)
	}
	history := bob.history(group)
	checkSequence(t, history, 1)
	for i, m := range history {
		if m.Data != want[i] {
			t.Errorf("message %d is %q in history, a1 heard %q", i, m.Data, want[i])
		}
	}

	// What others do is shown as well as words can.
	show := func(pattern string) {
		t.Helper()
		if got := as.next(); !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("heard %s, want %s", got, pattern)
		}
	}
	bob.patch("/rooms/"+group, fields{"name": "everybody"}).ok(200)
	show(`^\{"type":"onMessageReceived".*"content":"\[系统消息\] 修改了群名称".*"name":"everybody"`)
	said := bob.send(group, "gone soon")
	show(`"content":"gone soon"`)
	bob.post(fmt.Sprint("/messages/", said.Identity, "/recall"), nil).ok(200)
	if a := a1.get(fmt.Sprintf("/chat/chat-log-info/?session_id=%d&page_size=1", number)); !strings.Contains(a.body, `"content":"[消息已撤回]"`) {
		t.Errorf("after a recall: %s", a.body)
	}
	bob.delete("/rooms/"+group+"/members/"+a1.native().identity, nil).ok(204)
	bob.send(group, "without a1")
	as.send(fmt.Sprintf(`{"to_session":%d,"content":"let me in"}`, number))
	as.expect(`{"type":"error","code":404,"message":"session不存在或该用户未参与该会话"}`)
}

// Who reads a session over another way in has read it here as well, and the other way round.
func TestUsersigReadElsewhere(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	a1, bob := s.usersig("a1"), s.user("bob")
	private := bob.befriend(a1.native())
	number := bob.room(private).Number
	as, bobs := a1.socket(), bob.socket()
	as.send(fmt.Sprintf(`{"to_session":%d,"content":"read me"}`, number))
	as.next()
	m := heard[message](bobs, "message.new")
	if m.Data != "read me" || m.Format != "" {
		t.Errorf("bob heard %+v", m)
	}
	logs := fmt.Sprintf("/chat/chat-log-info/?session_id=%d", number)
	a1.get(logs).must(t, `"have_read":false,"read_time":null,"content":"read me"`)
	bob.post("/rooms/"+private+"/read", fields{"seq": m.Seq}).ok(200)
	a1.get(logs).must(t, `"have_read":true,"read_time":"[^"]+","content":"read me"`)

	bob.send(private, "answer")
	as.next()
	bobs.expect("room.read") // his own, and by answering
	a1.post("/chat/single-chat-mark-as-read/", "session_id", fmt.Sprint(number)).must(t, `"marked_count":1\}`)
	for {
		var read struct {
			User string `json:"user"`
			Seq  int64  `json:"seq"`
		}
		f := bobs.await(bobs.pushes, "room.read")
		if f.Op == "room.read" && json.Unmarshal(f.Data, &read) == nil && read.User == a1.native().identity {
			if read.Seq != 2 {
				t.Errorf("a1 has read up to %d", read.Seq)
			}
			return
		}
	}
}

// Who locks a room for himself is told nothing of what is said there, here as elsewhere.
func TestUsersigLockedRoom(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	private := alice.roomWith(bob)
	number := alice.room(private).Number
	// Who has no password could never unlock it again.
	a1 := s.usersig("a1")
	a1.native().patch("/rooms/"+bob.befriend(a1.native())+"/me", fields{"locked": true}).refused("invalid", "locked")

	socket := s.faceSocket("/ws/chat/"+alice.account+"/"+alice.token+"/", nil)
	classics := s.faceSocket("/websocket/message?token="+alice.token, nil)
	alice.patch("/rooms/"+private+"/me", fields{"locked": true}).ok(200)
	bob.send(private, "secret")
	open := bob.group("open", alice)
	bob.send(open, "for all")
	if got := socket.next(); !strings.Contains(got, `"content":"for all"`) {
		t.Errorf("alice heard %s", got)
	}
	if got := classics.next(); !strings.Contains(got, `"message":"for all"`) {
		t.Errorf("alice heard %s", got)
	}
	for path, want := range map[string]string{
		fmt.Sprintf("/chat/chat-log-info/?session_id=%d", number): `"code":403,"message":"您已锁定该会话，请输入密码解锁"`,
		"/chat/session-info/":                 `"unread_count":1,"recently_chat_log":null`,
		"/chat/list?room_identity=" + private: `"msg":"您已锁定该会话，请输入密码解锁"`,
	} {
		if a := s.call("GET", path, alice.token, nil); !strings.Contains(a.body, want) || strings.Contains(a.body, "secret") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}

// A deployment opens as many users as it likes; others are limited by address.
func TestUsersigOpeningManyUsers(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Limits.Factor = 0.01 })
	for i, test := range []struct {
		proof bool
		code  string
	}{{false, "200"}, {false, "429"}, {true, "200"}, {true, "200"}} {
		body := url.Values{"user_id": {fmt.Sprint("user-", i)}}
		if test.proof {
			body.Set("token", sigToken(usersigSecret, body.Get("user_id"), time.Now()))
		}
		if a := s.call("POST", "/chat/create-chat-user/", "", body); !strings.HasPrefix(a.body, `{"code":`+test.code) {
			t.Errorf("user %d: %s", i, a.body)
		}
	}
}

// However many open the session of two at once, there is one; and who has blocked somebody is not brought together with him.
func TestUsersigOneSessionOfTwo(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	a1, b1, c1 := s.usersig("a1"), s.usersig("b1"), s.usersig("c1")
	ids := make([]string, 8)
	together(len(ids), func(i int) {
		by, other := a1, b1
		if i%2 == 1 {
			by, other = b1, a1
		}
		body := url.Values{"type": {"1"}, "name": {fmt.Sprint("name ", i)}, "chat_user_id_list": {fmt.Sprintf("[%q,%q]", by.id, other.id)}}
		request, err := http.NewRequest("POST", s.url+"/chat/create-session/", strings.NewReader(body.Encode()))
		if err != nil {
			return
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Authorization", by.sig)
		response, err := s.client.Do(request)
		if err != nil {
			return
		}
		defer response.Body.Close()
		var got struct {
			Data struct {
				Session struct {
					ID json.Number `json:"session_id"`
				} `json:"session"`
			} `json:"data"`
		}
		if json.NewDecoder(response.Body).Decode(&got) == nil {
			ids[i] = got.Data.Session.ID.String()
		}
	})
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Fatalf("the sessions %q", ids)
		}
	}
	for _, by := range []*usersig{a1, b1} {
		if a := by.get("/chat/session-info/"); !strings.Contains(a.body, `"num_of_sessions":1`) {
			t.Errorf("%s sees %s", by.id, a.body)
		}
	}
	native := c1.native()
	native.put("/blocks/"+a1.native().identity, nil).ok(204)
	for _, kind := range []string{"1", "2"} {
		a := a1.post("/chat/create-session/", "type", kind, "name", "x", "chat_user_id_list", fmt.Sprintf("[%q,%q]", a1.id, c1.id))
		if a.body != `{"code":403,"message":"对方已将您屏蔽","data":{}}` {
			t.Errorf("type %s with who has blocked the caller: %s", kind, a.body)
		}
	}
	if a := c1.get("/chat/session-info/"); !strings.Contains(a.body, `"num_of_sessions":0`) {
		t.Errorf("c1 sees %s", a.body)
	}
}
