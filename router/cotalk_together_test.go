package router_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// native is the same person with a client of our own.
func (c *cotalker) native() *user {
	c.t.Helper()
	me := into[ownPerson](c.server.ask("GET", "/users/me", c.token, nil).ok(200))
	return &user{server: c.server, identity: me.Identity, account: c.name, password: c.password, token: c.token}
}

// One member has a client of seed 000, the other one of our own. Both have everything, in the same order.
func TestCotalkAndNativeInOneRoom(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, ann := s.user("alice"), s.cotalker("ann")
	number := into[ownPerson](alice.get("/users/me").ok(200)).Number
	anns := ann.socket()
	alice.post("/friends/requests", fields{"to": ann.name}).ok(201)
	asked := anns.next()
	if asked["status"] != "make request" || asked["user_id"] != float64(number) {
		t.Fatalf("ann heard %v", asked)
	}
	ann.ask("PUT", ann.own("/friends"), fields{"friend_id": number, "approve": true}).ok()
	group := alice.group("both", ann.native())
	chat := into[room](alice.get("/rooms/" + group).ok(200)).Number
	anns.hears(fields{"type": "user.friend.request", "status": "make invitation", "user_id": number, "chat_id": chat, "is_approved": true})
	ann.ask("PUT", chatPath(chat, "/members"), fields{"user_id": ann.number, "member_id": ann.number, "approve": true}).ok() // the button that the page shows

	alices := alice.socket()
	const each = 40
	together(2, func(who int) {
		for i := range each {
			if who == 0 {
				alices.start("message.send", fields{"room": group, "data": fmt.Sprint("alice ", i)})
			} else if a := ann.ask("POST", "/api/message/send", fields{"user_id": ann.number, "chat_id": chat, "msg_text": fmt.Sprint("ann ", i), "msg_type": "text"}); a.status != 200 {
				t.Errorf("%s", a.raw)
			}
		}
	})
	history := alice.history(group)
	var want, said []string
	for _, m := range history {
		if m.Type == "text" {
			want, said = append(want, fmt.Sprint(m.Identity)), append(said, m.Data)
		}
	}
	if len(want) != 2*each {
		t.Fatalf("%d messages, want %d", len(want), 2*each)
	}
	var heard, texts []string
	for range want {
		f := anns.next()
		if f["status"] != "send message" {
			t.Fatalf("ann heard %v", f)
		}
		heard = append(heard, fmt.Sprintf("%.0f", f["msg_id"]))
	}
	if !slices.Equal(heard, want) {
		t.Errorf("ann heard %v, want %v", heard, want)
	}
	for _, m := range ann.messages(chat, "") {
		if m["is_system"] == false {
			texts = append(texts, m["msg_text"].(string))
		}
	}
	if !slices.Equal(texts, said) {
		t.Errorf("ann reads %q, want %q", texts, said)
	}
	for range each { // what ann has said; her own alice has in her answers
		alices.expect("message.new")
	}

	last := history[len(history)-1]
	alice.post("/rooms/"+group+"/read", fields{"seq": last.Seq}).ok(200)
	alices.expect("room.read")
	anns.hears(fields{"type": "chat.message", "status": "read message", "user_id": number, "chat_id": chat, "msg_id": last.Identity})
	notice := into[announcement](alice.post("/rooms/"+group+"/announcements", fields{"content": "lunch"}).ok(201))
	anns.hears(fields{"type": "chat.message", "status": "send message", "user_id": number, "chat_id": chat, "msg_id": notice.MessageIdentity})
	if m := ann.messages(chat, "&filter_type=group_notice"); len(m) != 1 || m[0]["msg_text"] != "lunch" {
		t.Errorf("notices are %v", m)
	}
	forwarded := into[struct {
		Items []message `json:"items"`
	}](alice.post("/messages/forward", fields{"messages": []int64{history[0].Identity, history[1].Identity}, "rooms": []string{group}, "mode": "merged"}).ok(201))
	anns.next()
	merged := ann.ask("GET", messagePath(forwarded.Items[0].Identity)+ann.me(), nil).ok().fields()
	if merged["msg_type"] != "T" || strings.Count(merged["msg_text"].(string), "\n") != 1 || !strings.Contains(merged["msg_text"].(string), ": ") {
		t.Errorf("a merged forward is %v", merged)
	}
	alice.patch("/rooms/"+group, fields{"name": "all of us"}).ok(200)
	if texts := ann.texts(chat); texts[len(texts)-1] != alice.account+" renamed the chat." {
		t.Errorf("the last words are %q", texts[len(texts)-1])
	}
	alice.delete("/rooms/"+group+"/members/"+ann.native().identity, nil).ok(204)
	anns.hears(fields{"type": "user.friend.request", "status": "kicked out", "user_id": number, "chat_id": chat, "is_approved": false})
	alice.send(group, "without ann")
	private := alice.roomWith(ann.native())
	hello := alice.send(private, "with ann")
	if f := anns.next(); f["msg_id"] != float64(hello.Identity) {
		t.Errorf("who has left heard %v", f)
	}
}

// The page opens a socket before it has closed the one before, and sends nothing that matters.
func TestCotalkSockets(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob := s.cotalker("ann"), s.cotalker("bob")
	chat := ann.befriend(bob)
	first := ann.socket()
	second := ann.socket()
	for _, frame := range []string{"", "{", "[]", `{"type":"chat.message","status":"send message","chat_id":1}`, strings.Repeat("x", 60_000), "\x00"} {
		if err := first.conn.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.conn.WriteMessage(websocket.BinaryMessage, []byte{0xff, 0xfe}); err != nil {
		t.Fatal(err)
	}
	one := bob.say(chat, "one")
	for _, socket := range []*cotalkSocket{first, second} {
		socket.hears(messageFrame("send message", bob, chat, one))
	}
	first.close()
	two := bob.say(chat, "two")
	second.hears(messageFrame("send message", bob, chat, two))

	for name, path := range map[string]string{
		"a wrong token":     fmt.Sprintf("/ws/main/%d/nonsense", ann.number),
		"another's number":  fmt.Sprintf("/ws/main/%d/%s", bob.number, ann.token),
		"no number":         "/ws/main/ann/" + ann.token,
		"a number in words": fmt.Sprintf("/ws/main/0%d/%s", ann.number, ann.token),
	} {
		conn, response, err := s.dialPath(path, nil)
		if err == nil {
			conn.Close()
		}
		if err == nil || response == nil || response.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v, %v", name, response, err)
		}
	}
	conn, _, err := s.dialPath(fmt.Sprintf("/ws/main/%d/%s", ann.number, padded(ann.token)), nil)
	if err != nil {
		t.Fatalf("a padded token: %v", err)
	}
	conn.Close()

	// A new login ends the sockets of the one before.
	s.cotalk(cotalkCall{method: "POST", path: "/api/user/login", body: fields{"user_name": ann.name, "password": ann.password}}).ok()
	select {
	case <-second.ended:
	case <-time.After(patience):
		t.Error("the socket of an ended session is open")
	}
}

// A stranger tries every call in another's name, and in chats that he is not in. Nothing of it happens.
func TestCotalkStranger(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob, eve := s.cotalker("ann"), s.cotalker("bob"), s.cotalker("eve")
	ann.befriend(bob)
	chat := ann.chat("closed", bob)
	eve.ask("PUT", eve.own("/friends"), fields{"friend_id": ann.number}).ok()
	message := ann.say(chat, "a secret")
	notices := ann.ask("GET", ann.own("/notifications"), nil).ok().list("notifications")
	notice := ann.own(fmt.Sprintf("/notification/%v", notices[0]["notification_id"]))
	calls := []struct {
		method, path string
		body         fields // user_id is added
	}{
		{"POST", ann.own(""), fields{"old_password": ann.password, "description": "mine"}},
		{"POST", ann.own(""), fields{"password": "stolen", "code": "123456"}},
		{"DELETE", ann.own(""), nil},
		{"PUT", ann.own("/verification"), nil},
		{"GET", ann.own("/friends"), nil},
		{"PUT", ann.own("/friends"), fields{"friend_id": eve.number, "approve": true}},
		{"PUT", ann.own("/friends"), fields{"friend_id": bob.number, "approve": false}},
		{"GET", ann.own("/chats"), nil},
		{"DELETE", ann.own("/chats"), fields{"chat_id": chat}},
		{"GET", ann.own("/notifications"), nil},
		{"GET", notice, nil}, {"PUT", notice, nil}, {"DELETE", notice, nil},
		{"POST", "/api/chat/create", fields{"chat_name": "in her name"}},
		{"GET", chatPath(chat, "/members"), nil},
		{"PUT", chatPath(chat, "/members"), fields{"member_id": eve.number}},
		{"PUT", chatPath(chat, "/members"), fields{"member_id": bob.number, "approve": false}},
		{"PUT", chatPath(chat, "/management"), fields{"member_id": bob.number, "change_to": "owner"}},
		{"GET", chatPath(chat, "/messages"), nil},
		{"POST", "/api/message/send", fields{"chat_id": chat, "msg_text": "said ann", "msg_type": "text"}},
		{"GET", messagePath(message), nil},
		{"PUT", messagePath(message), nil},
		{"DELETE", messagePath(message), fields{"is_remove": true}},
		{"DELETE", messagePath(message), fields{"is_remove": false}},
	}
	for _, call := range calls {
		for name, token := range map[string]string{"another's": eve.token, "no": "", "a wrong": "x.y.z"} {
			body := fields{"user_id": ann.number}
			for key, value := range call.body {
				body[key] = value
			}
			path := call.path
			if call.method == "GET" {
				path += ann.me()
			}
			a := s.cotalk(cotalkCall{method: call.method, path: path, token: token, body: body, cookie: "cotalk_token=" + eve.token})
			got := a.fields()
			if a.status == 401 && got["code"] == -2.0 || token == "" && a.status == 400 && got["info"] == "'Missing Authorization header'" {
				continue
			}
			t.Errorf("%s with %s token: %d %s", a.call, name, a.status, a.raw)
		}
	}
	// In his own name, where he is not in the chat.
	for _, call := range calls {
		if !strings.HasPrefix(call.path, "/api/chat/") && !strings.HasPrefix(call.path, "/api/message/") || call.path == "/api/chat/create" {
			continue
		}
		body := fields{"user_id": eve.number}
		for key, value := range call.body {
			body[key] = value
		}
		a := eve.ask(call.method, call.path, body)
		if a.status != 401 && a.status != 404 {
			t.Errorf("%s as a stranger: %d %s", a.call, a.status, a.raw)
		}
	}
	if got := ann.texts(chat); !slices.Equal(got, []string{bob.name + " joined the chat.", "a secret"}) {
		t.Errorf("the chat says %q", got)
	}
	if got := ann.ask("GET", ann.own("/friends"), nil).ok().list("friends"); len(got) != 1 || got[0]["user_id"] != float64(bob.number) {
		t.Errorf("friends are %v", got)
	}
	if m := ann.messages(chat, "")[1]; len(m["read_users"].([]any)) != 1 {
		t.Errorf("read by %v", m["read_users"])
	}
}

// A user who has left keeps his name where he has written, and nothing else is his any more.
func TestCotalkCancelledUser(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob := s.cotalker("ann"), s.cotalker("bob")
	ann.befriend(bob)
	chat := ann.chat("left", bob)
	bob.say(chat, "so long")
	bob.ask("DELETE", bob.own(""), nil).ok()
	ann.ask("GET", ann.own("/friends"), nil).ok(fields{"friends": []any{}})
	said := ann.messages(chat, "&filter_text=so%20long")[0]
	author := s.cotalk(cotalkCall{method: "GET", path: fmt.Sprintf("/api/user/private/%.0f", said["sender_id"])}).ok().fields()
	if author["user_name"] != bob.name || author["description"] != "" {
		t.Errorf("the author is %v", author)
	}
	bob.ask("GET", bob.own("/friends"), nil).is(404, -1, "Invalid user id : user not found")
	ann.ask("PUT", ann.own("/friends"), fields{"friend_id": bob.number}).is(404, -1, "Invalid friend id : friend not found")
	ann.ask("PUT", chatPath(chat, "/members"), fields{"user_id": ann.number, "member_id": bob.number}).is(404, -1, "Invalid member id")
}
