package router_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"parlor/define"
)

const defaultDescription = "这个人很懒,什么都没留下"

// Registering answers with everything the page keeps, and the token proves it.
func TestCotalkRegistersAndLogsIn(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	name := "socrates_" + s.suffix()
	register := func(body any) *cotalkAnswer {
		return s.cotalk(cotalkCall{method: "POST", path: "/api/user/register", body: body})
	}
	a := register(form{fields: map[string]string{
		"user_name": name, "password": "socrates_pwd", "user_email": name + "@athens.gr", "user_phone": "123", "description": "A great philosopher",
	}}).ok()
	me := a.fields()
	first := me["token"].(string)
	user := fields{
		"user_id": me["user_id"], "user_name": name, "user_email": name + "@athens.gr", "user_phone": "123", "description": "A great philosopher",
		"register_time": me["register_time"],
	}
	with := func(token string) fields {
		all := fields{"token": token}
		for key, value := range user {
			all[key] = value
		}
		return all
	}
	a.ok(with(first))
	if at := me["register_time"].(float64); at < 1e9 || at > 1e11 {
		t.Errorf("register_time is %v: not in seconds", at)
	}
	if claims := jwtClaims(t, first); claims["data"].(map[string]any)["user_id"] != me["user_id"] {
		t.Errorf("the token says %v", claims)
	}
	own := fmt.Sprintf("/api/user/private/%v", me["user_id"])
	friends := func(token string) *cotalkAnswer {
		return s.cotalk(cotalkCall{method: "GET", path: own + "/friends", token: token})
	}
	friends(first).ok(fields{"friends": []any{}})
	friends("Bearer " + first).ok()
	friends(padded(first)).ok()

	login := func(body any) *cotalkAnswer {
		return s.cotalk(cotalkCall{method: "POST", path: "/api/user/login", body: body, kind: "application/json"})
	}
	second := login(fields{"user_name": name, "password": "socrates_pwd"}).ok().fields()["token"].(string)
	friends(first).is(401, -2, "Unauthorized : Expired or wrong-formatted JWT token")
	friends(second).ok()
	third := login(fields{"user_name": strings.ToUpper(name), "password": "socrates_pwd"}).ok()
	third.ok(with(third.fields()["token"].(string)))
	friends(second).is(401, -2, "Unauthorized : Expired or wrong-formatted JWT token")

	login(fields{"user_name": name, "password": "wrong"}).is(401, -2, "Unauthorized : Wrong password")
	login(fields{"user_name": name, "password": ""}).is(401, -2, "Unauthorized : Wrong password")
	login(fields{"user_name": "nobody_" + name, "password": "wrong"}).is(404, -1, "User Not Found")
	login(fields{"user_name": name}).is(400, -7, "'Missing or error type of [password]'")
	if a := login("{user_name"); a.status != 400 || !strings.HasPrefix(a.fields()["info"].(string), "JSON decode error: ") {
		t.Errorf("broken JSON: %d %s", a.status, a.raw)
	}
	register(fields{"user_name": name, "password": "socrates_pwd"}).is(409, -5, "Username conflict")
}

// padded is a token as the original writes it.
func padded(token string) string {
	parts := strings.Split(token, ".")
	for i, part := range parts {
		parts[i] = part + strings.Repeat("=", (4-len(part)%4)%4)
	}
	return strings.Join(parts, ".")
}

func TestCotalkRefusesRegistrations(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	name := "plato_" + s.suffix()
	long := strings.Repeat("x", 101)
	tests := []struct {
		body fields
		info string
	}{
		{fields{"password": "secret"}, "'Missing or error type of [user_name]'"},
		{fields{"user_name": name}, "'Missing or error type of [password]'"},
		{fields{"user_name": []string{name}, "password": "secret"}, "'Missing or error type of [user_name]'"},
		{fields{"user_name": "", "password": "secret"}, "Username length error"},
		{fields{"user_name": long[:51], "password": "secret"}, "Username length error"},
		{fields{"user_name": "two words", "password": "secret"}, "Username length error"},
		{fields{"user_name": name, "password": ""}, "Password length error"},
		{fields{"user_name": name, "password": "short"}, "Password length error"},
		{fields{"user_name": name, "password": long[:51]}, "Password length error"},
		{fields{"user_name": name, "password": "secret", "user_email": ""}, "Email length error"},
		{fields{"user_name": name, "password": "secret", "user_email": long + "@a.b"}, "Email length error"},
		{fields{"user_name": name, "password": "secret", "user_email": "plato"}, "Invalid email address"},
		{fields{"user_name": name, "password": "secret", "user_email": "a@b"}, "Invalid email address"},
		{fields{"user_name": name, "password": "secret", "user_phone": ""}, "Phone length error"},
		{fields{"user_name": name, "password": "secret", "user_phone": "12a"}, "Invalid phone number"},
		{fields{"user_name": name, "password": "secret", "description": long}, "Description length error"},
	}
	for _, test := range tests {
		for _, body := range []any{test.body, asForm(test.body)} {
			if body != nil {
				s.cotalk(cotalkCall{method: "POST", path: "/api/user/register", body: body}).is(400, -7, test.info)
			}
		}
	}
	// Nobody can pass for the server, whatever client he has.
	s.cotalk(cotalkCall{method: "POST", path: "/api/user/register", body: fields{"user_name": "System", "password": "secret"}}).is(409, -5, "Username conflict")
	anyone{s}.post("/register", fields{"account": "SYSTEM", "password": password}).refused("conflict")
	s.user("carol").put("/users/me/account", fields{"account": "system", "password": password}).refused("conflict")
	s.cotalk(cotalkCall{method: "POST", path: "/api/user/register", body: fields{"user_name": name, "password": "secret", "description": ""}}).ok()
	found := s.cotalk(cotalkCall{method: "GET", path: "/api/user/search?search_text=" + name}).ok().list("users")
	if len(found) != 1 || found[0]["description"] != defaultDescription || found[0]["user_email"] != "" {
		t.Errorf("found %v", found)
	}
}

// asForm is the same as a form, nil where a form can't say it.
func asForm(body fields) any {
	all := map[string]string{}
	for name, value := range body {
		text, ok := value.(string)
		if !ok {
			return nil
		}
		all[name] = text
	}
	return form{fields: all}
}

// Wrong methods, numbers and tokens are refused in this order, and nothing is redirected.
func TestCotalkChecksInItsOrder(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob := s.cotalker("ann"), s.cotalker("bob")
	own, nobody := ann.own(""), "/api/user/private/1000000007"
	tests := []struct {
		call cotalkCall
		want failureOf
	}{
		{cotalkCall{method: "GET", path: "/api/user/register"}, failureOf{405, -3, "Bad method"}},
		{cotalkCall{method: "PUT", path: "/api/user/login"}, failureOf{405, -3, "Bad method"}},
		{cotalkCall{method: "POST", path: "/api/user/search"}, failureOf{405, -3, "Bad method"}},
		{cotalkCall{method: "PATCH", path: own}, failureOf{405, -3, "Bad method"}},
		{cotalkCall{method: "DELETE", path: "/api/chat/null/messages"}, failureOf{405, -3, "Bad method"}},
		{cotalkCall{method: "GET", path: "/api/user/private/me"}, failureOf{400, -7, "User id must be an integer"}},
		{cotalkCall{method: "GET", path: "/api/user/private/99999999999999999999/friends"}, failureOf{400, -7, "User id must be an integer"}},
		{cotalkCall{method: "GET", path: "/api/chat/null/detail"}, failureOf{400, -7, "Chat id must be an integer"}},
		{cotalkCall{method: "GET", path: "/api/chat/null/messages" + ann.me()}, failureOf{400, -7, "Invalid chat id : Must be integer"}},
		{cotalkCall{method: "GET", path: nobody}, failureOf{404, -1, "Invalid user id"}},
		{cotalkCall{method: "GET", path: nobody + "/friends"}, failureOf{404, -1, "Invalid user id : user not found"}},
		{cotalkCall{method: "GET", path: own + "/friends"}, failureOf{400, -7, "'Missing Authorization header'"}},
		{cotalkCall{method: "GET", path: own + "/friends", token: "nonsense"}, failureOf{401, -2, "Unauthorized : Expired or wrong-formatted JWT token"}},
		{cotalkCall{method: "GET", path: own + "/friends", token: bob.token}, failureOf{401, -2, "Unauthorized : Expired or wrong-formatted JWT token"}},
		{cotalkCall{method: "GET", path: "/api/chat/1000000007/detail"}, failureOf{404, -1, "Invalid chat id : chat not found"}},
		{cotalkCall{method: "GET", path: "/api/chat/1/members"}, failureOf{400, -7, "User id is required"}},
		{cotalkCall{method: "GET", path: "/api/chat/1/members?user_id=me"}, failureOf{400, -7, "User id must be an integer"}},
		{cotalkCall{method: "GET", path: "/api/chat/1/members?user_id=1000000007"}, failureOf{404, -1, "Invalid user id : user not found"}},
		{cotalkCall{method: "GET", path: "/api/message/x/management" + ann.me()}, failureOf{400, -7, "Invalid message id : Must be integer"}},
		{cotalkCall{method: "GET", path: own + "/notification/x", token: ann.token}, failureOf{400, -7, "Invalid user id or notification id : must be integer"}},
		{cotalkCall{method: "PUT", path: own + "/friends", token: ann.token, body: fields{}}, failureOf{400, -7, "'Invalid parameters. Expected `friend_id`, but not found.'"}},
		{cotalkCall{method: "PUT", path: own + "/friends", token: ann.token, body: fields{"friend_id": 1000000007}}, failureOf{404, -1, "Invalid friend id : friend not found"}},
		{cotalkCall{method: "POST", path: "/api/chat/create", body: fields{"user_id": ann.number}}, failureOf{400, -7, "'Invalid parameters. Expected `chat_name`, but not found.'"}},
		{cotalkCall{method: "POST", path: "/api/message/send", body: fields{"user_id": ann.number, "chat_id": 1, "msg_type": "text"}}, failureOf{400, -7, "'Invalid parameters. Expected `msg_text`, but not found.'"}},
	}
	for _, test := range tests {
		s.cotalk(test.call).is(test.want.status, test.want.code, test.want.info)
	}
	if a := s.cotalk(cotalkCall{method: "POST", path: "/api/user/login/", body: fields{}}); a.status != 404 {
		t.Errorf("a slash at the end: %d", a.status)
	}
}

type failureOf struct {
	status, code int
	info         string
}

func TestCotalkProfiles(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob := s.cotalker("ann"), s.cotalker("bob")
	change := func(body any) *cotalkAnswer { return ann.ask("POST", ann.own(""), body) }
	email := ann.name + "@example.com"
	change(form{fields: map[string]string{"old_password": "secret", "user_email": email, "user_phone": "555", "description": "d'oh", "user_name": ""}}).ok()
	change(fields{"user_email": "ann@example.com"}).is(400, -7, "'Invalid parameters. Expected `old_password`, but not found.'")
	change(fields{"old_password": "wrong", "description": "x"}).is(401, -2, "Invalid password")
	change(fields{"old_password": "secret", "user_name": bob.name}).is(409, -5, "Username conflict")
	change(fields{"old_password": "secret", "user_name": "system"}).is(409, -5, "Username conflict")
	change(fields{"old_password": "secret", "user_email": "@"}).is(400, -7, "Invalid email address")
	change(fields{"old_password": "secret", "user_phone": "x"}).is(400, -7, "Invalid phone number")
	renamed := ann.name + "_2"
	change(fields{"old_password": "secret", "user_name": renamed, "description": ""}).ok()

	public := fields{"user_id": ann.number, "user_name": renamed, "user_email": "", "user_phone": "", "description": "d'oh"}
	private := fields{"user_id": ann.number, "user_name": renamed, "user_email": email, "user_phone": "555", "description": "d'oh"}
	for _, test := range []struct {
		who  cotalkCall
		want fields
	}{
		{cotalkCall{}, public},
		{cotalkCall{token: bob.token}, public},
		{cotalkCall{token: "nonsense"}, public},
		{cotalkCall{token: ann.token}, private},
		{cotalkCall{cookie: "cotalk_token=" + ann.token}, private},
		{cotalkCall{cookie: "cotalk_token=nonsense"}, public},
	} {
		test.who.method, test.who.path = "GET", ann.own("")
		a := s.cotalk(test.who).ok()
		test.want["register_time"] = a.fields()["register_time"]
		a.ok(test.want)
	}
	s.cotalk(cotalkCall{method: "GET", path: "/api/user/private/0"}).ok(fields{
		"user_id": 0, "user_name": "system", "user_email": "", "user_phone": "", "description": defaultDescription, "register_time": 0,
	})
	// The cookie is for reading, and of oneself.
	cookie := "cotalk_token=" + ann.token
	s.cotalk(cotalkCall{method: "GET", path: ann.own("/friends"), cookie: cookie}).is(400, -7, "'Missing Authorization header'")
	s.cotalk(cotalkCall{method: "DELETE", path: ann.own(""), cookie: cookie}).is(400, -7, "'Missing Authorization header'")
	for _, path := range []string{ann.own("/avatar"), "/api/user/private/0/avatar"} {
		a := s.cotalk(cotalkCall{method: "GET", path: path})
		if a.status != 200 || a.header.Get("Content-Type") != "image/png" || !strings.HasPrefix(string(a.raw), "\x89PNG") {
			t.Errorf("%s: %d %q", path, a.status, a.header.Get("Content-Type"))
		}
	}
	s.cotalk(cotalkCall{method: "GET", path: "/api/user/private/1000000007/avatar"}).is(404, -1, "Invalid user id")
}

// The cookie of a login is for the page's own requests, and no script sees it.
func TestCotalkCookie(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann := s.cotalker("ann")
	a := s.cotalk(cotalkCall{method: "POST", path: "/api/user/login", body: fields{"user_name": ann.name, "password": ann.password}}).ok()
	set := a.header.Get("Set-Cookie")
	for _, part := range []string{"cotalk_token=" + a.fields()["token"].(string), "Path=/api", "HttpOnly", "SameSite=Strict"} {
		if !strings.Contains(set, part) {
			t.Errorf("%q is not in %q", part, set)
		}
	}
}

func TestCotalkPasswordByMail(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann := s.cotalker("ann")
	code := func() *cotalkAnswer { return ann.ask("PUT", ann.own("/verification"), nil) }
	set := func(password, code string) *cotalkAnswer {
		return ann.ask("POST", ann.own(""), form{fields: map[string]string{"password": password, "code": code}})
	}
	code().is(500, -4, "Failed to send email")
	email := ann.name + "@example.com"
	ann.ask("POST", ann.own(""), fields{"old_password": "secret", "user_email": email}).ok()
	set("new secret", "123456").is(400, -7, "Verification code not sent")
	code().ok()
	sent := shared.mails.code(t, email, 1)
	wrong := "000000"
	if sent == wrong {
		wrong = "111111"
	}
	set("new secret", wrong).is(401, -2, "Invalid verification code")
	set("new secret", "12").is(401, -2, "Invalid verification code")
	set("short", sent).is(400, -7, "Password length error")
	ann.ask("POST", ann.own(""), fields{"password": "new secret"}).is(400, -7, "'Invalid parameters. Expected `code`, but not found.'")
	set("new secret", sent).ok()
	set("new secret", sent).is(400, -7, "Verification code not sent")
	login := func(password string) *cotalkAnswer {
		return s.cotalk(cotalkCall{method: "POST", path: "/api/user/login", body: fields{"user_name": ann.name, "password": password}})
	}
	login("secret").is(401, -2, "Unauthorized : Wrong password")
	ann.ask("GET", ann.own("/friends"), nil).ok() // the token stays good
	login("new secret").ok()
}

func TestCotalkSearch(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann := s.cotalker("ann")
	part := ann.name[2 : len(ann.name)-2]
	names := func(query string) (names []string) {
		for _, user := range ann.ask("GET", "/api/user/search"+query, nil).ok().list("users") {
			names = append(names, user["user_name"].(string))
		}
		return names
	}
	if got := names("?search_text=" + strings.ToUpper(part)); !slices.Equal(got, []string{ann.name}) {
		t.Errorf("found %q", got)
	}
	for _, query := range []string{"", "?search_text="} {
		if got := names(query); len(got) == 0 || slices.Contains(got, define.AccountSystem) {
			t.Errorf("%q: found %q", query, got)
		}
	}
	if got := names("?search_text=nobody-is-called-this"); len(got) != 0 {
		t.Errorf("found %q", got)
	}
}
