package router_test

import (
	"strconv"
	"strings"
	"testing"
)

// The answers recorded from the published server, key by key.
func TestInstantAccounts(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.pupil("alice")
	native := s.user("with-hyphen")
	short := strings.Repeat("a", 5)
	tests := []struct {
		name, method, path string
		in, want           fields
	}{
		{"a short name", "POST", "/user/register", fields{"username": short, "password": "secret1"}, fields{"code": -2, "info": "Invalid Userdata"}},
		{"a long name", "POST", "/user/register", fields{"username": strings.Repeat("a", 21), "password": "secret1"}, fields{"code": -2, "info": "Invalid Userdata"}},
		{"a name with a hyphen", "POST", "/user/register", fields{"username": "alice-1", "password": "secret1"}, fields{"code": -2, "info": "Invalid Userdata"}},
		{"a short password", "POST", "/user/register", fields{"username": "alice12", "password": short}, fields{"code": -2, "info": "Invalid Userdata"}},
		{"a password with a blank", "POST", "/user/register", fields{"username": "alice12", "password": "secret 1"}, fields{"code": -2, "info": "Invalid Userdata"}},
		{"a taken name", "POST", "/user/register", fields{"username": alice.name, "password": "secret1"}, fields{"code": -3, "info": "User already exists"}},
		{"a taken name in capitals", "POST", "/user/register", fields{"username": strings.ToUpper(alice.name), "password": "secret1"}, fields{"code": -3, "info": "User already exists"}},
		{"the name of who is gone", "POST", "/user/register", fields{"username": "accountsuspended", "password": "secret1"}, fields{"code": -3, "info": "User already exists"}},
		{"the wrong method", "GET", "/user/register", fields{}, fields{"code": -3, "info": "Bad method"}},
		{"nobody", "POST", "/user/login", fields{"username": "nobody12345", "password": "secret1", "email": ""}, fields{"code": -4, "info": "User not exists"}},
		{"a wrong password", "POST", "/user/login", fields{"username": alice.name, "password": "secret2", "email": ""}, fields{"code": -2, "info": "Wrong Password"}},
		{"no name of this kind", "POST", "/user/login", fields{"username": "no one", "password": "secret2", "email": ""}, fields{"code": -2, "info": "Invalid Userdata"}},
		{"a native name, a wrong password", "POST", "/user/login", fields{"username": native.account, "password": "secret2", "email": ""}, fields{"code": -2, "info": "Wrong Password"}},
		{"an unknown address", "POST", "/user/login", fields{"username": "", "password": "secret2", "email": "nobody@example.com"}, fields{"code": -2, "info": "Wrong Password"}},
		{"no address", "POST", "/user/login", fields{"username": "", "password": "secret2", "email": "nobody"}, fields{"code": -2, "info": "Invalid Userdata"}},
		{"neither", "POST", "/user/login", fields{"username": "", "password": "secret2", "email": ""}, fields{"code": -1, "info": "Unexpected error"}},
		{"logout without a token", "DELETE", "/user/logout", fields{"username": alice.name}, fields{"code": -1, "info": "Token Error"}},
		{"logout with another's token", "DELETE", "/user/logout", fields{"username": native.account, "token": alice.token}, fields{"code": -1, "info": "Token Error"}},
		{"cancel nobody", "DELETE", "/user/cancel", fields{"username": "nobody12345", "input_password": "secret1"}, fields{"code": -1, "info": "User not Exists"}},
		{"cancel with a wrong password", "DELETE", "/user/cancel", fields{"username": alice.name, "input_password": "secret2"}, fields{"code": -1, "info": "Wrong Password"}},
		{"cancel without one", "DELETE", "/user/cancel", fields{"username": alice.name}, fields{"code": -1, "info": "Wrong Password"}},
		{"a code for a stranger", "POST", "/user/send_email", fields{"email": "a@example.com"}, fields{"code": -1, "info": "发送失败"}},
		{"binding as a stranger", "POST", "/user/email", fields{"username": alice.name, "email": "a@example.com", "code": "123456"}, fields{"code": -1, "info": "验证码错误"}},
		{"revise nobody", "PUT", "/user/revise", fields{"username": "nobody12345", "token": alice.token, "input_password": "secret1", "revise_field": "username", "revise_content": "alice1234"},
			fields{"code": -1, "info": "User Not exists or Login State Error"}},
		{"revise with a wrong token", "PUT", "/user/revise", fields{"username": alice.name, "token": 123456789012, "input_password": "secret1", "revise_field": "username", "revise_content": "alice1234"},
			fields{"code": -2, "info": "Token Error"}},
		{"revise with a wrong password", "PUT", "/user/revise", fields{"username": alice.name, "token": alice.token, "input_password": "secret2", "revise_field": "password", "revise_content": "secret3"},
			fields{"code": -1, "info": "User Not exists or Login State Error"}},
		{"revise nothing known", "PUT", "/user/revise", fields{"username": alice.name, "token": alice.token, "input_password": "secret1", "revise_field": "age", "revise_content": "12"},
			fields{"code": -3, "info": "Revise_field Error"}},
		{"revise to a taken name", "PUT", "/user/revise", fields{"username": native.account, "token": alice.token, "input_password": "secret1", "revise_field": "username", "revise_content": alice.name},
			fields{"code": -2, "info": "Token Error"}},
		{"messages for a stranger", "POST", "/user/message", fields{"combine_list": []int{1}}, fields{"code": -2, "info": "Token Error"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, response := s.instant(test.method, test.path, "", test.in)
			got.is(t, test.want)
			if response.StatusCode != 200 || response.Header.Get("X-Frame-Options") != "SAMEORIGIN" {
				t.Errorf("status %d, X-Frame-Options %q", response.StatusCode, response.Header.Get("X-Frame-Options"))
			}
		})
	}
	for _, body := range []string{"", "nonsense", "[]", "null", `{"username": 5}`, "{", `"x"`, "\xff"} {
		if got, _ := s.instant("POST", "/user/login", "", body); got["code"] == nil || got.number("code") != -1 {
			t.Errorf("the body %q gets %v", body, got)
		}
	}
}

func TestInstantLogin(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.pupil("alice")
	first, a := alice.token, alice.socket()
	in, response := s.instant("POST", "/user/login", "", fields{"username": alice.name, "password": alice.password, "email": ""})
	in.is(t, fields{
		"code": 0, "info": "Login Succeed", "username": alice.name, "token": in.number("token"), "avatar": "/static/media/pic/default.jpeg", "password": alice.password,
	})
	if n := in.number("token"); n < 100_000_000_000 || n > 999_999_999_999 || n == first {
		t.Errorf("the token is %d, was %d", n, first)
	}
	cookie := response.Header.Get("Set-Cookie")
	for _, part := range []string{"; HttpOnly", "; SameSite=Strict", "; Path=/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie %q has no %q", cookie, part)
		}
	}
	if got := alice.call("DELETE", "/user/logout", fields{}); got["info"] != "Token Error" {
		t.Errorf("the former token: %v", got)
	}
	if err := <-a.broken; err == nil {
		t.Error("the socket of the former login is open")
	}
	alice.token = in.number("token")
	digits, _ := s.instant("DELETE", "/user/logout", "", fields{"username": alice.name, "token": strconv.FormatInt(alice.token, 10)})
	digits.is(t, fields{"code": 0, "info": "Logout Succeed"})
	if got := alice.call("DELETE", "/user/logout", fields{}); got["info"] != "Token Error" {
		t.Errorf("a token after logout: %v", got)
	}

	native := s.user("some-native")
	in, _ = s.instant("POST", "/user/login", "", fields{"username": strings.ToUpper(native.account), "password": native.password, "email": ""})
	if in["username"] != native.account || in.number("code") != 0 {
		t.Errorf("a native user: %v", in)
	}
}

func TestInstantRevises(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.pupil("alice"), s.pupil("bobby")
	revise := func(field, content string) said {
		return alice.call("PUT", "/user/revise", fields{"revise_field": field, "revise_content": content, "input_password": alice.password})
	}
	succeeded := fields{"code": 0, "info": "Revise Succeed"}
	if got := revise("username", bob.name); got.number("code") == 0 {
		t.Errorf("a taken name: %v", got)
	}
	if got := revise("username", "a b"); got.number("code") == 0 {
		t.Errorf("a name with a blank: %v", got)
	}
	name := "renamed" + s.suffix()
	revise("username", name).is(t, succeeded)
	alice.name = name
	revise("password", "secret2").is(t, succeeded)
	alice.password = "secret2"
	if got := revise("password", "12345"); got.number("code") == 0 {
		t.Errorf("a short password: %v", got)
	}
	revise("email", "alice."+s.suffix()+"@example.com").is(t, succeeded)
	alice.login()
	got := alice.call("DELETE", "/user/cancel", fields{"input_password": alice.password})
	got.is(t, fields{"code": 0, "info": "User Canceled"})
	if got, _ := s.instant("POST", "/user/login", "", fields{"username": alice.name, "password": alice.password, "email": ""}); got.number("code") != -4 {
		t.Errorf("login after cancelling: %v", got)
	}
}

func TestInstantFriendCalls(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob, carol := s.pupil("alice"), s.pupil("bobby"), s.pupil("carol")
	a, b := alice.socket(), bob.socket()
	a.befriends(alice, bob, b)
	avatar := "/static/media/pic/default.jpeg"
	check := func(in, want fields) {
		t.Helper()
		got, _ := s.instant("POST", "/friend/checkuser", "", in)
		got.is(t, want)
	}
	check(fields{"my_username": alice.name, "check_name": alice.name}, fields{"code": -4, "info": "The Query User Is The Same As User"})
	check(fields{"my_username": "nobody12345", "check_name": bob.name}, fields{"code": -3, "info": "User not found"})
	check(fields{"my_username": alice.name, "check_name": "nobody12345"}, fields{"code": -20, "info": "nobody12345"})
	check(fields{"my_username": alice.name, "check_name": bob.name, "token": 1}, fields{"code": -2, "info": "Token Error"})
	check(fields{"my_username": alice.name, "check_name": bob.name, "token": alice.token}, fields{"code": 0, "info": "User found", "username": bob.name, "is_friend": true, "avatar": avatar})
	check(fields{"my_username": alice.name, "check_username": carol.name, "token": alice.token}, fields{"code": 0, "info": "User found", "username": carol.name, "is_friend": false, "avatar": avatar})

	part := carol.name[3:]
	got, _ := s.instant("POST", "/friend/searchuser", alice.cookie, fields{"my_username": alice.name, "search_username": strings.ToUpper(part)})
	got.is(t, fields{"code": 0, "info": "Search Succeed", "search_user_list": []fields{{"username": carol.name, "avatar": avatar}}})
	got, _ = s.instant("POST", "/friend/searchuser", alice.cookie, fields{"my_username": alice.name, "friend_username": alice.name})
	got.is(t, fields{"code": 0, "info": "Search Succeed", "search_user_list": []fields{}})
	got, _ = s.instant("POST", "/friend/searchuser", "", fields{"my_username": alice.name, "search_username": part})
	got.is(t, fields{"code": -2, "info": "Token Error"})

	group := func(method, path, name string, code int, info string) {
		t.Helper()
		alice.call(method, path, fields{"fgroup_name": name, "friend_name": bob.name}).is(t, fields{"code": code, "info": info})
	}
	group("POST", "/friend/createfgroup", "work", 0, "CreateGroup Succeed")
	group("POST", "/friend/createfgroup", "work", -1, "Group Already Exists")
	group("POST", "/friend/createfgroup", "我的好友", -1, "Group Already Exists")
	a.ask("", fields{"function": "fetchfriendlist"}).is(t, fields{"user": alice.name})
	a.next("friendlist").is(t, fields{"function": "friendlist", "friendlist": []fields{
		{"groupname": "我的好友", "username": []string{bob.name}}, {"groupname": "work", "username": []string{}},
	}})
	group("PUT", "/friend/addfgroup", "work", 0, "AddGroup Succeed")
	a.ask("", fields{"function": "fetchfriendlist"})
	a.next("friendlist").is(t, fields{"function": "friendlist", "friendlist": []fields{
		{"groupname": "我的好友", "username": []string{}}, {"groupname": "work", "username": []string{bob.name}},
	}})
	group("DELETE", "/friend/deletefgroup", "work", -5, "Number of Friend Not 0")
	group("PUT", "/friend/addfgroup", "我的好友", 0, "AddGroup Succeed")
	group("DELETE", "/friend/deletefgroup", "work", 0, "Delete Friend Group Succeed")
	group("DELETE", "/friend/deletefgroup", "work", -4, "Friend Not Exists")
	group("DELETE", "/friend/deletefgroup", "我的好友", -6, "You cannot delete this")
	alice.call("PUT", "/friend/addfgroup", fields{"fgroup_name": "x", "friend_name": carol.name}).is(t, fields{"code": -1, "info": "Friend Not Exists"})

	alice.call("DELETE", "/friend/deletefriend", fields{"friend_name": carol.name}).is(t, fields{"code": -1, "info": "Friend Not Exists"})
	alice.call("DELETE", "/friend/deletefriend", fields{"friend_name": "nobody12345"}).is(t, fields{"code": -1, "info": "Friend Not Exists"})
	alice.call("DELETE", "/friend/deletefriend", fields{"friend_name": bob.name}).is(t, fields{"code": 0, "info": "Delete Friend Succeed"})
	for _, l := range []*line{a, b} {
		l.settle()
		if rooms := l.rooms(); len(rooms) > 0 {
			t.Errorf("the room of former friends is listed: %v", rooms)
		}
	}
}

// What the published server answers without a token, this one answers to no one who does not show who he is.
func TestInstantCallsOfStrangers(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, eve := s.pupil("alice"), s.pupil("evelyn")
	for _, test := range []struct{ method, path string }{
		{"DELETE", "/user/logout"}, {"PUT", "/user/revise"}, {"POST", "/user/send_email"}, {"POST", "/user/email"}, {"POST", "/user/message"},
		{"POST", "/friend/searchuser"}, {"POST", "/friend/checkuser"}, {"DELETE", "/friend/deletefriend"}, {"POST", "/friend/createfgroup"},
		{"PUT", "/friend/addfgroup"}, {"DELETE", "/friend/deletefgroup"}, {"DELETE", "/user/cancel"},
	} {
		in := fields{
			"username": alice.name, "my_username": alice.name, "input_password": eve.password + "x", "check_name": eve.name, "search_username": "a",
			"revise_field": "username", "revise_content": "stolen12", "email": "eve@example.com", "code": "123456", "fgroup_name": "x", "friend_name": eve.name,
			"combine_list": []int64{1},
		}
		for name, proof := range map[string]struct {
			cookie string
			token  any
		}{
			"nothing": {}, "a guess": {token: 123456789012}, "her own token": {token: eve.token}, "her own cookie": {cookie: eve.cookie},
			"a cookie of nobody": {cookie: "parlor_instant=x.y.z"}, "no number": {token: "secret"}, "her cookie, no token": {cookie: eve.cookie, token: ""},
		} {
			body := fields{}
			for key, value := range in {
				body[key] = value
			}
			if proof.token != nil {
				body["token"] = proof.token
			}
			got, response := s.instant(test.method, test.path, proof.cookie, body)
			if response.StatusCode != 200 || got.number("code") >= 0 || got["search_user_list"] != nil || got["is_friend"] != nil {
				t.Errorf("%s %s with %s: %d %v", test.method, test.path, name, response.StatusCode, got)
			}
		}
	}
	if got := alice.call("POST", "/friend/createfgroup", fields{"fgroup_name": "mine"}); got.number("code") != 0 {
		t.Errorf("she herself: %v", got)
	}
}
