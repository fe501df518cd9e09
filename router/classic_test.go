package router_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// classic is a user of the face classic.
type classic struct {
	*server
	account, identity, token string
}

const classicPassword = "secret"

// classic registers somebody over the face and logs him in.
func (s *server) classic(name string) *classic {
	s.t.Helper()
	c := &classic{server: s, account: name + "-" + s.suffix()}
	s.call("POST", "/register", "", fmt.Sprintf(`{"account":%q,"password":%q,"nickname":%q,"sex":1,"email":"a@example.com","avatar":"a.png"}`, c.account, classicPassword, name)).
		must(s.t, `^\{"code":"000"\}$`)
	c.token = s.call("POST", "/login", "", fmt.Sprintf(`{"account":%q,"password":%q}`, c.account, classicPassword)).must(s.t, `^\{"status":"success","data":\{"token":"([^"]+)"\}\}$`)
	c.identity = c.ask("GET", "/user/info", nil).must(s.t, `"identity":"([^"]+)"`)
	return c
}

func (c *classic) ask(method, path string, body any) faceAnswer {
	c.t.Helper()
	return c.call(method, path, "Bearer "+c.token, body)
}

func (c *classic) add(account string) faceAnswer {
	c.t.Helper()
	return c.ask("POST", "/user/add", fmt.Sprintf(`{"account":%q}`, account))
}

// socket opens the socket of the face.
func (c *classic) socket() *faceSocket {
	c.t.Helper()
	return c.faceSocket("/websocket/message", http.Header{"Authorization": {"Bearer " + c.token}})
}

// native is the same user on the native API.
func (c *classic) native() *user {
	return &user{server: c.server, identity: c.identity, account: c.account, password: classicPassword, token: c.token}
}

func (c *classic) say(socket *faceSocket, room, text string) {
	socket.send(fmt.Sprintf(`{"message":%q,"room_identity":%q}`, text, room))
}

func TestClassicAnswers(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.classic("alice"), s.classic("bob")
	mask := []string{alice.account, "ALICE", bob.account, "BOB", alice.identity, "A"}
	registration := func(change string) string {
		return fmt.Sprintf(`{"account":%q,"password":"secret","nickname":"n","email":"n@example.com","avatar":"n.png"%s}`, "n-"+s.suffix(), change)
	}
	form := url.Values{"account": {"f-" + s.suffix()}, "password": {"secret"}, "nickname": {"f"}, "sex": {"2"}, "email": {"f@example.com"}, "avatar": {"f.png"}}
	originals := url.Values{"Account": {"g-" + s.suffix()}, "Password": {"secret"}, "Nickname": {"g"}, "Sex": {"2"}, "Email": {"g@example.com"}, "Avatar": {"g.png"}}
	without := func(name string) url.Values {
		v := url.Values{}
		for k := range form {
			if v[k] = form[k]; k == name {
				v.Del(k)
			}
		}
		return v
	}
	tests := []struct {
		name, method, path string
		body               any
		want               string
	}{
		{"a form", "POST", "/register", form, `{"code":"000"}`},
		{"a form as the original knew it", "POST", "/register", originals, `{"code":"000"}`},
		{"no sex of these in such a form", "POST", "/register", url.Values{"Sex": {"x"}}, `{"status":"error","msg":"sex必须是 0、1 或 2"}`},
		{"an account again", "POST", "/register", form, `{"status":"error","msg":"该账号已被占用"}`},
		{"with a slash", "POST", "/register/", registration(""), `{"code":"000"}`},
		{"fields that nobody knows", "POST", "/register", registration(`,"identity":"mine","created_at":1`), `{"code":"000"}`},
		{"no account", "POST", "/register", without("account"), `{"status":"error","msg":"account为必填字段"}`},
		{"no password", "POST", "/register", without("password"), `{"status":"error","msg":"password为必填字段"}`},
		{"no nickname", "POST", "/register", without("nickname"), `{"status":"error","msg":"nickname为必填字段"}`},
		{"no email", "POST", "/register", without("email"), `{"status":"error","msg":"email为必填字段"}`},
		{"no avatar", "POST", "/register", without("avatar"), `{"status":"error","msg":"avatar为必填字段"}`},
		{"a short password", "POST", "/register", registration(`,"password":"12345"`), `{"status":"error","msg":"password长度必须至少为6个字符"}`},
		{"no sex of these", "POST", "/register", registration(`,"sex":3`), `{"status":"error","msg":"sex必须是[0 1 2]中的一个"}`},
		{"sex as a text", "POST", "/register", registration(`,"sex":"1"`), `{"status":"error","msg":"sex类型不正确"}`},
		{"sex in words", "POST", "/register", url.Values{"sex": {"x"}}, `{"status":"error","msg":"sex必须是 0、1 或 2"}`},
		{"broken JSON", "POST", "/register", `{`, `{"status":"error","msg":"请求体不是有效的 JSON"}`},
		{"an empty login", "POST", "/login", `{"account":""}`, `{"status":"error","msg":"帐号或密码不能为空"}`},
		{"nobody logs in", "POST", "/login", `{"account":"nobody-at-all","password":"x"}`, `{"status":"error","msg":"用户名或密码错误"}`},
		{"a wrong password", "POST", "/login", fmt.Sprintf(`{"account":%q,"password":"x"}`, alice.account), `{"status":"error","msg":"用户名或密码错误"}`},
		{"oneself", "GET", "/user/info", nil, `{"status":"success","data":{"identity":"A","account":"ALICE","password":"","nickname":"alice","sex":1,"email":"a@example.com","avatar":"a.png","created_at":SECONDS,"updated_at":SECONDS}}`},
		{"add nobody", "POST", "/user/add", `{"account":"nobody-at-all"}`, `{"status":"error","msg":"用户不存在"}`},
		{"add no account", "POST", "/user/add", `{}`, `{"status":"error","msg":"account为必填字段"}`},
		{"add oneself", "POST", "/user/add", fmt.Sprintf(`{"account":%q}`, alice.account), `{"status":"error","msg":"不能添加自己为好友"}`},
		{"ask", "POST", "/user/add", fmt.Sprintf(`{"account":%q}`, bob.account), `{"status":"success","data":"已发送好友申请，对方也添加您后即可聊天"}`},
		{"ask again", "POST", "/user/add", fmt.Sprintf(`{"account":%q}`, bob.account), `{"status":"error","msg":"好友申请已发送，请等待对方处理"}`},
		{"delete who has not agreed", "DELETE", "/user/delete", fmt.Sprintf(`{"identity":%q}`, bob.identity), `{"status":"error","msg":"不是好友，不可删除"}`},
		{"delete nobody", "DELETE", "/user/delete", `{"identity":"x"}`, `{"status":"error","msg":"不是好友，不可删除"}`},
		{"no room", "GET", "/chat/list", nil, `{"status":"error","msg":"房间号不能为空"}`},
		{"an unknown room", "GET", "/chat/list?room_identity=x", nil, `{"status":"error","msg":"非法访问"}`},
		{"a page below 1", "GET", "/chat/list?room_identity=x&page_index=-1", nil, `{"status":"error","msg":"page_index必须不小于 1"}`},
	}
	for _, test := range tests { // in this order
		a := alice.ask(test.method, test.path, test.body)
		if got := masked(a.body, mask...); a.status != 200 || got != test.want {
			t.Errorf("%s: %d %s\nwant %s", test.name, a.status, got, test.want)
		}
	}
	if a := s.call("GET", "/user/info", alice.token, nil); !strings.Contains(a.body, alice.identity) {
		t.Errorf("a bare token: %s", a.body)
	}
	if a := s.call("DELETE", "/login", "", nil); a.status != 405 || a.header.Get("Allow") != "POST" || a.body != `{"status":"error","msg":"请求方法不被允许"}` {
		t.Errorf("a wrong method: %d %s", a.status, a.body)
	}
}

// Friends, a room, a conversation, and the end of it.
func TestClassicStory(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.classic("alice"), s.classic("bob")
	alice.add(bob.account)
	room := bob.add(alice.account).must(t, `^\{"status":"success","data":"添加成功","room_identity":"([^"]+)"\}$`)
	if again := alice.add(bob.account).must(t, `^\{"status":"error","msg":"互为好友，不可重复添加","room_identity":"([^"]+)"\}$`); again != room {
		t.Errorf("alice is told of the room %s, bob of %s", again, room)
	}
	list := "/chat/list?room_identity=" + room
	if a := alice.ask("GET", list, nil); a.body != `{"status":"success","data":null}` {
		t.Errorf("an empty room: %s", a.body)
	}
	alices, tablet, bobs := alice.socket(), alice.faceSocket("/websocket/message?token="+alice.token, nil), bob.socket()
	alice.say(alices, room, "<hi> & 你好")
	for _, socket := range []*faceSocket{alices, tablet, bobs} {
		socket.expect(`{"message":"<hi> & 你好","room_identity":"ROOM"}`, room, "ROOM")
	}
	bob.say(bobs, room, "two")
	bobs.expect(`{"message":"two","room_identity":"ROOM"}`, room, "ROOM")
	view := func(from *classic, text string) string {
		return fmt.Sprintf(`{"Identity":"N","UserIdentity":%q,"RoomIdentity":%q,"Data":%q,"CreatedAt":SECONDS,"UpdatedAt":SECONDS}`, from.identity, room, text)
	}
	for query, want := range map[string]string{
		"":                           view(bob, "two") + "," + view(alice, "<hi> & 你好"),
		"&page_index=1&page_size=1":  view(bob, "two"),
		"&page_index=2&page_size=1":  view(alice, "<hi> & 你好"),
		"&page_index=x&page_size=":   view(bob, "two") + "," + view(alice, "<hi> & 你好"),
		"&page_index=0&page_size=99": view(bob, "two") + "," + view(alice, "<hi> & 你好"),
	} {
		got := alice.ask("GET", list+query, nil).body
		for _, m := range alice.native().history(room) {
			got = strings.Replace(got, fmt.Sprintf(`"Identity":"%d"`, m.Identity), `"Identity":"N"`, 1)
		}
		if masked(got) != masked(`{"status":"success","data":[`+want+`]}`) {
			t.Errorf("%q: %s\nwant %s", query, got, want)
		}
	}
	if a := alice.ask("GET", list+"&page_index=3&page_size=1", nil); a.body != `{"status":"success","data":null}` {
		t.Errorf("behind the end: %s", a.body)
	}

	// What she deletes for herself keeps its place, so that the pages stay where they are.
	alice.native().delete(fmt.Sprint("/messages/", alice.native().history(room)[1].Identity), nil).ok(204)
	for query, shown := range map[string]bool{"&page_size=1": false, "&page_index=2&page_size=1": true, "&page_index=1&page_size=2": true} {
		got := alice.ask("GET", list+query, nil).body
		if strings.Contains(got, `"Data":"two"`) || strings.Contains(got, "你好") != shown {
			t.Errorf("%q after a deletion: %s", query, got)
		}
	}

	if a := alice.ask("DELETE", "/user/delete", fmt.Sprintf(`{"identity":%q}`, bob.identity)); a.body != `{"status":"success","data":"删除成功"}` {
		t.Errorf("delete: %s", a.body)
	}
	bob.say(bobs, room, "still there?")
	bobs.expect(`{"status":"error","msg":"你们已不是好友，会话已关闭"}`)
	alice.add(bob.account)
	if again := bob.add(alice.account).must(t, `"room_identity":"([^"]+)"`); again != room {
		t.Errorf("friends again in the room %s, before in %s", again, room)
	}
	alices.expect(`{"message":"two","room_identity":"ROOM"}`, room, "ROOM") // of before: nothing came between
	bob.say(bobs, room, "again")
	alices.expect(`{"message":"again","room_identity":"ROOM"}`, room, "ROOM")
}

// A stranger with a session of his own gets at nothing of others'; without one at nothing at all.
func TestClassicStranger(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob, mallory := s.classic("alice"), s.classic("bob"), s.classic("mallory")
	alice.add(bob.account)
	room := bob.add(alice.account).must(t, `"room_identity":"([^"]+)"`)
	alices, mallorys := alice.socket(), mallory.socket()

	mallory.say(mallorys, room, "let me in")
	mallorys.expect(`{"status":"error","msg":"非法访问"}`)
	if a := mallory.ask("GET", "/chat/list?room_identity="+room, nil); a.body != `{"status":"error","msg":"非法访问"}` {
		t.Errorf("reads: %s", a.body)
	}
	mallory.ask("DELETE", "/user/delete", fmt.Sprintf(`{"identity":%q}`, bob.identity)).must(t, `不是好友`)
	mallory.add(alice.account).must(t, `已发送好友申请`) // who has not agreed hears nothing of him
	private := fmt.Sprintf(`{"message":"x","room_identity":%q}`, alice.identity)
	mallorys.send(private)
	mallorys.expect(`{"status":"error","msg":"非法访问"}`)
	alice.say(alices, room, "ours")
	alices.expect(`{"message":"ours","room_identity":"ROOM"}`, room, "ROOM")

	for _, token := range []string{"", "Bearer ", "Bearer x", "Basic " + alice.token, alice.token + "x"} {
		for path, method := range map[string]string{"/user/info": "GET", "/user/add": "POST", "/user/delete": "DELETE", "/chat/list?room_identity=" + room: "GET"} {
			if a := s.call(method, path, token, fmt.Sprintf(`{"account":%q,"identity":%q}`, alice.account, alice.identity)); a.status != 200 || a.body != `{"status":"error","msg":"请登陆"}` {
				t.Errorf("%s with %q: %d %s", path, token, a.status, a.body)
			}
		}
		header := http.Header{"Authorization": {token}}
		if status := s.refusedSocket("/websocket/message", header); status != 200 {
			t.Errorf("a socket with %q: %d", token, status)
		}
	}
	alice.native().post("/logout", nil).ok(204)
	if code := alices.closed(); code != 4401 {
		t.Errorf("the socket of a session that has ended was closed with %d", code)
	}
}

func TestClassicBadFrames(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.classic("alice"), s.classic("bob")
	alice.add(bob.account)
	room := bob.add(alice.account).must(t, `"room_identity":"([^"]+)"`)
	socket := alice.socket()
	const malformed = `{"status":"error","msg":"请求体不是有效的 JSON"}`
	for range 3 {
		for text, want := range map[string]string{
			``: malformed, `{`: malformed, `null`: malformed, `[]`: malformed, `"x"`: malformed, `{"message":1}`: `{"status":"error","msg":"message类型不正确"}`, "{\"message\":\"\xff\"}": malformed,
			`{}`: `{"status":"error","msg":"message为必填字段"}`, `{"message":"x"}`: `{"status":"error","msg":"非法访问"}`,
			`{"message":"","room_identity":"` + room + `"}`: `{"status":"error","msg":"message为必填字段"}`,
		} {
			socket.send(text)
			socket.expect(want)
		}
		alice.say(socket, room, "fine")
		socket.expect(`{"message":"fine","room_identity":"ROOM"}`, room, "ROOM")
	}
	alice.say(socket, room, strings.Repeat("字", 8001))
	socket.expect(`{"status":"error","msg":"message长度不能超过8,000个字符"}`)
	for range 11 { // these are JSON
		socket.send(`{"message":1}`)
		socket.expect(`{"status":"error","msg":"message类型不正确"}`)
	}
	for range 10 {
		socket.send(`{`)
		socket.expect(malformed)
	}
	if code := socket.closed(); code != 4400 {
		t.Errorf("ten broken frames in a row: closed with %d", code)
	}
}

// What others do in a room that they share with this face is shown as well as words can.
func TestClassicAmongOthers(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob, carol := s.classic("alice"), s.user("bob"), s.user("carol")
	bob.befriend(alice.native())
	bob.befriend(carol)
	room := bob.group("all", alice.native())
	alices, bobs := alice.socket(), bob.socket()
	hear := func(text string) {
		t.Helper()
		alices.expect(fmt.Sprintf(`{"message":%q,"room_identity":"ROOM"}`, text), room, "ROOM")
	}
	bob.post("/rooms/"+room+"/members", fields{"members": []string{carol.identity}}).ok(200)
	hear("[系统消息] 邀请了 1 位成员加入群聊")
	first := bob.send(room, "from bob")
	hear("from bob")
	alice.say(alices, room, "from alice")
	hear("from alice")
	bob.post("/rooms/"+room+"/announcements", fields{"content": "listen"}).ok(201)
	hear("[群公告] listen")
	bob.post("/rooms/"+room+"/messages", fields{"data": `{"x": 1}`, "format": "json"}).ok(201)
	hear(`{"x": 1}`)
	bob.post(fmt.Sprint("/messages/", first.Identity, "/recall"), nil).ok(200)
	a := alice.ask("GET", "/chat/list?room_identity="+room, nil)
	if !strings.Contains(a.body, `"Data":"[消息已撤回]"`) || strings.Contains(a.body, "from bob") {
		t.Errorf("after a recall: %s", a.body)
	}
	bob.delete("/rooms/"+room+"/members/"+alice.identity, nil).ok(204)
	bob.send(room, "without alice")
	alice.say(alices, room, "let me in")
	alices.expect(`{"status":"error","msg":"非法访问"}`)
	bobs.expect("member.joined")
	seen := []string{}
	for range 4 {
		m := heard[message](bobs, "message.new")
		seen = append(seen, m.Data)
	}
	if seen[2] != "from alice" {
		t.Errorf("bob heard %q", seen)
	}
}
