package router_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"parlor/define"
)

func TestUsersigUsers(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	a1, b1 := s.usersig("a1"), s.usersig("b1")
	full := url.Values{
		"user_id": {"full-" + s.suffix()}, "name": {"张三"}, "nickname": {"三"}, "username": {"zhang"}, "gender": {"男"}, "birthday": {"2000-01-02"}, "id_card_num": {"110"},
		"phone": {"123"}, "email": {"z@example.com"}, "province": {"北京"}, "city": {"北京市"}, "avatar": {"http://example.com/a.png"}, "description": {"hello"},
	}
	id := full.Get("user_id")
	const all = `{"user_id":"FULL","name":"张三","nickname":"三","username":"zhang","gender":"男","birthday":"2000-01-02","id_card_num":"110","phone":"123",` +
		`"email":"z@example.com","province":"北京","city":"北京市","avatar":"http://example.com/a.png","description":"hello","is_disable":false,"login_time":"TIME","create_time":"TIME"}`
	create := func(pairs ...string) url.Values {
		v := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	tests := []struct {
		name, method, path, sig string
		body                    any
		want                    string
	}{
		{"everything", "POST", "/chat/create-chat-user/", "", full, `{"code":200,"message":"创建成功","data":{"chat_user":` + all + `}}`},
		{"again", "POST", "/chat/create-chat-user/", "", full, `{"code":400,"message":"user_id已存在","data":{}}`},
		{"no id", "POST", "/chat/create-chat-user/", "", create("name", "x"), `{"code":400,"message":"user_id不能为空","data":{}}`},
		{"JSON is not read", "POST", "/chat/create-chat-user/", "", `{"user_id":"json"}`, `{"code":400,"message":"user_id不能为空","data":{}}`},
		{"a bad id", "POST", "/chat/create-chat-user/", "", create("user_id", "a b"), `{"code":400,"message":"user_id必须是2到50个文字、数字或 _ - .","data":{}}`},
		{"a bad day", "POST", "/chat/create-chat-user/", "", create("user_id", "x-"+s.suffix(), "birthday", "yesterday"), `{"code":400,"message":"birthday必须是日期，例如 2006-01-02","data":{}}`},
		{"a bad address", "POST", "/chat/create-chat-user/", "", create("user_id", "x-"+s.suffix(), "email", "somewhere"), `{"code":400,"message":"email必须是一个有效的邮箱","data":{}}`},
		{"a long number", "POST", "/chat/create-chat-user/", "", create("user_id", "x-"+s.suffix(), "phone", strings.Repeat("1", 17)), `{"code":400,"message":"phone长度不能超过16个字符","data":{}}`},
		{"a bad gender", "POST", "/chat/create-chat-user/", "", create("user_id", "x-"+s.suffix(), "gender", "x"), `{"code":400,"message":"gender须为男或女","data":{}}`},
		{"oneself", "GET", "/chat/chat-user-info/?user_id=" + a1.id, a1.sig, nil, `{"code":200,"message":"获取成功","data":{"chat_user":` + ownChatUser("A1") + `}}`},
		{"another", "GET", "/chat/chat-user-info/?user_id=" + b1.id, a1.sig, nil, `{"code":200,"message":"获取成功","data":{"chat_user":` + chatUser("B1") + `}}`},
		{
			"what is not for others", "GET", "/chat/chat-user-info/?user_id=" + id, a1.sig, nil,
			`{"code":200,"message":"获取成功","data":{"chat_user":{"user_id":"FULL","name":null,"nickname":"三","username":null,"gender":"男","birthday":null,"id_card_num":null,"phone":null,` +
				`"email":null,"province":null,"city":null,"avatar":"http://example.com/a.png","description":"hello","is_disable":false,"login_time":null,"create_time":"TIME"}}}`,
		},
		{"nobody", "GET", "/chat/chat-user-info/?user_id=nobody-at-all", a1.sig, nil, `{"code":404,"message":"未取到该用户","data":{}}`},
		{"nobody named", "GET", "/chat/chat-user-info/", a1.sig, nil, `{"code":404,"message":"未取到该用户","data":{}}`},
		{"without the slash", "GET", "/chat/chat-user-info?user_id=nobody-at-all", a1.sig, nil, `{"code":404,"message":"未取到该用户","data":{}}`},
		{"no signature", "GET", "/chat/chat-user-info/?user_id=" + a1.id, "", nil, `{"code":403,"message":"user_sig无效","data":{}}`},
		{"a bad signature", "GET", "/chat/chat-user-info/?user_id=" + a1.id, "x", nil, `{"code":403,"message":"user_sig无效","data":{}}`},
		{
			"change some", "POST", "/chat/change-chat-user-info/", b1.sig, create("user_id", "mine", "name", "Bee", "gender", "女", "city", "上海", "username", "bee"),
			`{"code":200,"message":"更改成功","data":{"chat_user":` + strings.NewReplacer(`"name":null`, `"name":"Bee"`, `"gender":null`, `"gender":"女"`, `"city":null`, `"city":"上海"`,
				`"username":null`, `"username":"bee"`).Replace(ownChatUser("B1")) + `}}`,
		},
		{
			"change to nothing", "POST", "/chat/change-chat-user-info/", b1.sig, create("name", "", "gender", "", "nickname", ""),
			`{"code":200,"message":"更改成功","data":{"chat_user":` + strings.NewReplacer(`"city":null`, `"city":"上海"`, `"username":null`, `"username":"bee"`).Replace(ownChatUser("B1")) + `}}`,
		},
		{"change without a signature", "POST", "/chat/change-chat-user-info/", "", create("name", "x"), `{"code":403,"message":"user_sig无效","data":{}}`},
	}
	for _, test := range tests { // in this order
		a := s.call(test.method, test.path, test.sig, test.body)
		if got := masked(a.body, a1.id, "A1", b1.id, "B1", id, "FULL"); a.status != 200 || got != test.want {
			t.Errorf("%s: %d %s\nwant %s", test.name, a.status, got, test.want)
		}
	}
	for call, want := range map[string]struct {
		status int
		allow  string
	}{
		"PUT /chat/create-chat-user/": {405, "POST, OPTIONS"}, "GET /chat/get-user-sig": {405, "POST, OPTIONS"}, "HEAD /chat/create-session/": {405, "POST, OPTIONS"},
		"POST /chat/session-info/": {405, "GET, HEAD, OPTIONS"}, "OPTIONS /chat/session-info": {200, "GET, HEAD, OPTIONS"}, "HEAD /chat/session-info/": {200, ""},
		"DELETE /ws/chat/a/b/": {405, "GET, HEAD, OPTIONS"},
	} {
		method, path, _ := strings.Cut(call, " ")
		if a := s.call(method, path, a1.sig, nil); a.status != want.status || a.body != "" || a.header.Get("Allow") != want.allow {
			t.Errorf("%s: %d %q, allowed %q", call, a.status, a.body, a.header.Get("Allow"))
		}
	}
}

func TestUsersigSignatures(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) {
		c.Faces.Usersig.MinuteRule = true
		c.Faces.Usersig.SigTTL = 6 * time.Second
	})
	a1, native := s.usersig("a1"), s.user("native")
	minute := func(id string, at time.Time) string {
		sum := md5.Sum([]byte(id + "-" + at.In(time.FixedZone("", 8*60*60)).Format("2006-01-02-15-04")))
		return hex.EncodeToString(sum[:])
	}
	now := time.Now()
	const (
		good   = `"code":200`
		failed = `{"code":403,"message":"验证失败","data":{}}`
	)
	for name, test := range map[string]struct{ id, token, want string }{
		"the secret":                       {a1.id, sigToken(usersigSecret, a1.id, now), good},
		"a clock that is late":             {a1.id, sigToken(usersigSecret, a1.id, now.Add(-time.Minute)), good},
		"capital letters":                  {a1.id, strings.ToUpper(sigToken(usersigSecret, a1.id, now)), good},
		"for somebody with a password":     {native.account, sigToken(usersigSecret, native.account, now), good},
		"an old one":                       {a1.id, sigToken(usersigSecret, a1.id, now.Add(-time.Hour)), failed},
		"another secret":                   {a1.id, sigToken("x", a1.id, now), failed},
		"another's":                        {a1.id, sigToken(usersigSecret, native.account, now), failed},
		"none":                             {a1.id, "", failed},
		"nobody":                           {"nobody-at-all", sigToken(usersigSecret, "nobody-at-all", now), `{"code":404,"message":"未取到该用户","data":{}}`},
		"the minute":                       {a1.id, minute(a1.id, now), good},
		"the minute, with a password":      {native.account, minute(native.account, now), failed},
		"another minute":                   {a1.id, minute(a1.id, now.Add(time.Hour)), failed},
		"the minute of somebody not there": {"nobody-at-all", minute("nobody-at-all", now), `{"code":404,"message":"未取到该用户","data":{}}`},
	} {
		a := s.call("POST", "/chat/get-user-sig/", "", url.Values{"user_id": {test.id}, "token": {test.token}})
		if a.status != 200 || !strings.Contains(a.body, test.want) {
			t.Errorf("%s: %d %s, want %s", name, a.status, a.body, test.want)
		}
	}

	// The socket stays when the signature is not good any more, and goes with the session.
	a1.sig = s.sigFor(a1.id)
	socket := a1.socket()
	claims, err := s.tokens.Parse(a1.sig)
	must(t, err)
	<-time.After(time.Until(claims.ExpiresAt))
	if a := a1.get("/chat/session-info/"); a.body != `{"code":403,"message":"user_sig无效","data":{}}` {
		t.Errorf("an expired signature: %s", a.body)
	}
	if status := s.refusedSocket("/ws/chat/"+a1.id+"/"+a1.sig+"/", nil); status != 403 {
		t.Errorf("a socket with an expired signature: %d", status)
	}
	socket.send(`{`)
	socket.expect(`{"type":"error","code":400,"message":"请求体不是有效的 JSON"}`)
	a1.sig = s.sigFor(a1.id)
	a1.native().ask("POST", "/logout", a1.sig, nil).ok(204)
	socket.expect(`{"type":"kickedOut"}`)
	if code := socket.closed(); code != 4401 {
		t.Errorf("closed with %d", code)
	}
}

// Without the secret nobody gets a signature, and who logs in can use his token as one.
func TestUsersigWithoutASecret(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Faces.Usersig.Secret = "" })
	native := s.user("native")
	for _, token := range []string{"", sigToken("", native.account, time.Now())} {
		a := s.call("POST", "/chat/get-user-sig/", "", url.Values{"user_id": {native.account}, "token": {token}})
		if a.body != `{"code":403,"message":"验证失败","data":{}}` {
			t.Errorf("with %q: %s", token, a.body)
		}
	}
	if a := s.call("GET", "/chat/session-info/", native.token, nil); !strings.Contains(a.body, `"code":200`) {
		t.Errorf("with the token of a login: %s", a.body)
	}
}

func TestUsersigSessions(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	a1, b1, c1 := s.usersig("a1"), s.usersig("b1"), s.usersig("c1")
	native := s.user("native")
	mask := func(text string) string {
		return maskLogs(masked(text, a1.id, "A1", b1.id, "B1", c1.id, "C1", native.account, "N"))
	}
	list := func(ids ...string) string {
		text, _ := json.Marshal(ids)
		return string(text)
	}
	created := func(message, session string) string {
		return `{"code":200,"message":"` + message + `","data":{"session":` + session + `}}`
	}
	for _, test := range []struct {
		name             string
		by               *usersig
		kind, title, ids string
		want             string
	}{
		{"no type", a1, "", "x", list(a1.id, b1.id), `{"code":400,"message":"会话类型格式有误，只能为1或者2，int或者str","data":{}}`},
		{"another type", a1, "3", "x", list(a1.id, b1.id), `{"code":400,"message":"会话类型格式有误，只能为1或者2，int或者str","data":{}}`},
		{"no list", a1, "1", "x", "", `{"code":400,"message":"chat_user_id_list须为JSON数组，例如[\"a1\",\"b1\"]","data":{}}`},
		{"a list of other things", a1, "1", "x", `[{}]`, `{"code":400,"message":"chat_user_id_list须为JSON数组，例如[\"a1\",\"b1\"]","data":{}}`},
		{"with nobody there", a1, "1", "x", list(a1.id, "zz"), `{"code":404,"message":"未取到user_id为 zz 的用户","data":{}}`},
		{"with a number", a1, "1", "x", `["` + a1.id + `",77]`, `{"code":404,"message":"未取到user_id为 77 的用户","data":{}}`},
		{"with oneself", a1, "1", "x", list(a1.id, a1.id), `{"code":400,"message":"单聊须包含自己和另一位用户","data":{}}`},
		{"of others", c1, "1", "x", list(a1.id, b1.id), `{"code":400,"message":"单聊须包含自己和另一位用户","data":{}}`},
		{"of two", a1, "1", "talk", list(a1.id, b1.id), created("创建成功", sessionJSON("1", "talk", chatUser("B1"), 0, "null"))},
		{"again, by the other", b1, "1", "other", list(a1.id, b1.id), created("已存在，不需创建", sessionJSON("1", "talk", chatUser("A1"), 0, "null"))},
		{"a group", a1, "2", "all", list(a1.id, b1.id, c1.id), created("创建成功", sessionJSON("2", "all", "{}", 0, "null"))},
		{"a group of oneself", a1, "2", "alone", list(a1.id), created("创建成功", sessionJSON("2", "alone", "{}", 0, "null"))},
		{"a group of others gets its maker", c1, "2", "two", list(a1.id, b1.id), created("创建成功", sessionJSON("2", "two", "{}", 0, "null"))},
		{"a group with nobody there", a1, "2", "x", list(a1.id, "zz"), `{"code":404,"message":"未取到user_id为 zz 的用户","data":{}}`},
		{"a group without a name", a1, "2", "", list(a1.id, b1.id), `{"code":400,"message":"name为必填字段","data":{}}`},
		{"with who must agree", a1, "1", "x", list(a1.id, native.account), `{"code":403,"message":"已向对方发送好友申请，对方同意后可建立会话","data":{}}`},
		{"with who has not agreed yet", a1, "1", "x", list(a1.id, native.account), `{"code":400,"message":"好友申请已发送，请等待对方处理","data":{}}`},
	} {
		a := test.by.post("/chat/create-session/", "type", test.kind, "name", test.title, "chat_user_id_list", test.ids)
		if got := mask(a.body); a.status != 200 || got != test.want {
			t.Errorf("%s: %d %s\nwant %s", test.name, a.status, got, test.want)
		}
	}
	requests := pages[friendRequest](native, "/friends/requests?box=in", "10")
	native.post("/friends/requests/"+requests[0].Identity+"/accept", nil).ok(200)
	a := a1.post("/chat/create-session/", "type", "1", "name", "x", "chat_user_id_list", list(a1.id, native.account))
	a.must(t, `已存在，不需创建.*"name":"native"`) // a session that has no name goes by the other's

	page := func(query, want string) {
		t.Helper()
		got := a1.get("/chat/session-info/" + query).body
		names := regexp.MustCompile(`"name":"([^"]*)","session_info"`).FindAllStringSubmatch(got, -1)
		shown := []string{}
		for _, n := range names {
			shown = append(shown, n[1])
		}
		numbers := regexp.MustCompile(`"num_of_sessions":(\w+),|"num_of_pages":(\w+)`).FindAllString(got, -1)
		if summary := fmt.Sprint(shown, numbers); summary != want {
			t.Errorf("%s: %s, want %s", query, summary, want)
		}
	}
	page("", `[native two alone all talk] ["num_of_sessions":5, "num_of_pages":1]`)
	page("?page_size=3", `[native two alone] ["num_of_sessions":5, "num_of_pages":2]`)
	page("?page_size=3&page_num=2", `[all talk] ["num_of_sessions":5, "num_of_pages":2]`)
	page("?total=1&page_size=1", `[native two alone all talk] ["num_of_sessions":null, "num_of_pages":null]`)
	for query, want := range map[string]string{
		"?page_num=2": `{"code":404,"message":"未找到","data":{}}`, "?page_num=0": `{"code":400,"message":"page_num须为正整数，page_size不超过1000","data":{}}`,
		"?page_size=x": `{"code":400,"message":"page_size须为正整数，page_size不超过1000","data":{}}`,
	} {
		if a := a1.get("/chat/session-info/" + query); a.body != want {
			t.Errorf("%s: %s", query, a.body)
		}
	}
	if a := s.usersig("new").get("/chat/session-info/"); a.body != `{"code":200,"message":"获取成功","data":{"num_of_sessions":0,"session_info_list":[],"num_of_pages":1}}` {
		t.Errorf("no sessions: %s", a.body)
	}
}

// Of several calls at once that open a session of two, one has opened it.
func TestUsersigSessionOfTwoAtOnce(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	for range 8 { // calls that don't meet prove nothing
		s.openSessionAtOnce(s.usersig("a1"), s.usersig("b1"))
	}
}

func (s *server) openSessionAtOnce(a1, b1 *usersig) {
	s.t.Helper()
	answers := make(chan string)
	for _, u := range []*usersig{a1, b1, a1, b1, a1, b1} {
		go func() {
			answers <- u.post("/chat/create-session/", "type", "1", "name", "x", "chat_user_id_list", `["`+a1.id+`","`+b1.id+`"]`).body
		}()
	}
	opened := 0
	for range 6 {
		switch answer := <-answers; {
		case strings.Contains(answer, `"message":"创建成功"`):
			opened++
		case !strings.Contains(answer, `"message":"已存在，不需创建"`):
			s.t.Error(answer)
		}
	}
	if opened != 1 {
		s.t.Errorf("%d of them have opened it", opened)
	}
	for _, u := range []*usersig{a1, b1} {
		if told := pages[notification](u.native(), "/notifications", "10"); len(told) > 1 {
			s.t.Errorf("told %d times: %v", len(told), told)
		}
	}
}

// The whole story of two users, over HTTP and sockets.
func TestUsersigStory(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	a1, b1 := s.usersig("a1"), s.usersig("b1")
	id := a1.session("1", b1.id)
	mask := func(text string) string { return maskLogs(masked(text, a1.id, "A1", b1.id, "B1")) }
	phone, tablet, bobs := a1.socket(), a1.socket(), b1.socket()
	seenBy := func(peer string, unread int) func(string) string {
		return func(recent string) string { return sessionJSON("1", "talk", chatUser(peer), unread, recent) }
	}
	unread := 0
	say := func(session, content, heard string) {
		t.Helper()
		phone.send(`{"to_session":` + session + `,"content":` + content + `}`)
		unread++
		if got, want := mask(bobs.next()), saidFrame("onMessageReceived", heard, "A1", seenBy("A1", unread)); got != want {
			t.Errorf("b1 heard %s\nwant     %s", got, want)
		}
		for _, socket := range []*faceSocket{phone, tablet} {
			if got, want := mask(socket.next()), saidFrame("onMessageSendSuccess", heard, "A1", seenBy("B1", 0)); got != want {
				t.Errorf("a1 heard %s\nwant     %s", got, want)
			}
		}
	}
	contents := []string{`"<hello> & 你好"`, `{"type":"text","n":12345678901234567890.10,"a":{"b":[null,true,"\n"]}}`, `[1,2]`, `7`, `false`, `""`, `"{\"a\":1}"`}
	say(id, contents[0], contents[0])
	say(`"`+id+`"`, `{ "type": "text", "n": 12345678901234567890.10, "a": {"b": [null, true, "\n"]} }`, contents[1])
	for _, content := range contents[2:] {
		say(id, content, content)
	}

	logs := func(by *usersig, query string) string {
		t.Helper()
		return mask(by.get("/chat/chat-log-info/?session_id=" + id + query).body)
	}
	newest := []string{}
	for _, content := range contents {
		newest = append([]string{logJSON(content, "A1")}, newest...)
	}
	const page = `{"code":200,"message":"获取成功","data":{"num_of_chat_logs":%s,"chat_log_info_list":[%s],"num_of_pages":%s}}`
	for query, want := range map[string]string{
		"":                          fmt.Sprintf(page, "7", strings.Join(newest, ","), "1"),
		"&page_size=2&page_num=4":   fmt.Sprintf(page, "7", newest[6], "4"),
		"&page_size=2&page_num=2":   fmt.Sprintf(page, "7", newest[2]+","+newest[3], "4"),
		"&total=total":              fmt.Sprintf(page, "null", strings.Join(newest, ","), "null"),
		"&page_size=2&page_num=5":   `{"code":404,"message":"未找到","data":{}}`,
		"&page_size=1001":           `{"code":400,"message":"page_size须为正整数，page_size不超过1000","data":{}}`,
		"9999999999&page_size=1":    fmt.Sprintf(page, "0", "", "1"), // a session that there is not
		"x":                         `{"code":400,"message":"session_id须为整数","data":{}}`,
		"&page_num=1&page_size=100": fmt.Sprintf(page, "7", strings.Join(newest, ","), "1"),
	} {
		if got := logs(b1, query); got != want {
			t.Errorf("%s: %s\nwant %s", query, got, want)
		}
	}
	if got, want := mask(b1.get("/chat/session-info/").body), `"session_info_list":[`+seenBy("A1", 7)(newest[0])+`]`; !strings.Contains(got, want) {
		t.Errorf("b1 sees %s\nwant  %s", got, want)
	}

	for _, want := range []string{"7", "0"} { // the second time nothing is left
		if a := b1.post("/chat/single-chat-mark-as-read/", "session_id", id); a.body != `{"code":200,"message":"标记成功","data":{"marked_count":`+want+`}}` {
			t.Errorf("mark as read: %s", a.body)
		}
	}
	for _, by := range []*usersig{a1, b1} {
		if got := logs(by, ""); strings.Count(got, `"have_read":true,"read_time":"TIME"`) != 7 {
			t.Errorf("after it was read: %s", got)
		}
		if got := mask(by.get("/chat/session-info/").body); !strings.Contains(got, `"unread_count":0,"recently_chat_log":{"id":ID,"have_read":true,"read_time":"TIME"`) {
			t.Errorf("after it was read: %s", got)
		}
	}
	bobs.send(`{"to_session":` + id + `,"content":"answer"}`)
	if got, want := mask(phone.next()), saidFrame("onMessageReceived", `"answer"`, "B1", seenBy("B1", 1)); got != want {
		t.Errorf("a1 heard %s\nwant     %s", got, want)
	}
	if got, want := mask(bobs.next()), saidFrame("onMessageSendSuccess", `"answer"`, "B1", seenBy("A1", 0)); got != want {
		t.Errorf("b1 heard %s\nwant     %s", got, want)
	}
	if got := logs(a1, "&page_size=1"); !strings.Contains(got, logJSON(`"answer"`, "B1")) {
		t.Errorf("the answer: %s", got)
	}
	for _, session := range []string{"", "x", "999999999"} {
		if a := b1.post("/chat/single-chat-mark-as-read/", "session_id", session); a.body != `{"code":404,"message":"session不存在或该用户未参与该会话","data":{}}` {
			t.Errorf("mark %q as read: %s", session, a.body)
		}
	}
}

func TestUsersigDocumentProtocol(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Faces.Usersig.Protocol = "document" })
	a1, b1 := s.usersig("a1"), s.usersig("b1")
	id := a1.session("1", b1.id)
	mask := func(text string) string { return maskLogs(masked(text, a1.id, "A1", b1.id, "B1")) }
	as, bs := a1.socket(), b1.socket()
	as.expect(`{"type":"SDK_READY"}`)
	bs.expect(`{"type":"SDK_READY"}`)
	as.send(`{"to_session":"` + id + `","content":{"x":1}}`)
	log := logJSON(`{"x":1}`, "A1")
	for socket, want := range map[*faceSocket]string{
		bs: `{"type":"MESSAGE_RECEIVED","content":{"x":1},"session":` + sessionJSON("1", "talk", chatUser("A1"), 1, log) + `,"sender":"A1"}`,
		as: `{"type":"MESSAGE_SEND_SUCCESS","content":{"x":1},"session":` + sessionJSON("1", "talk", chatUser("B1"), 0, log) + `,"sender":"A1"}`,
	} {
		if got := mask(socket.next()); got != want {
			t.Errorf("heard %s\nwant  %s", got, want)
		}
	}
	a1.native().ask("POST", "/logout", a1.sig, nil).ok(204)
	as.expect(`{"type":"KICKED_OUT"}`)
}
