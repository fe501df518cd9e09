package router_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What is sent is pushed without its text, read by its number, marked, withdrawn and deleted.
func TestCotalkMessages(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob, eve := s.cotalker("ann"), s.cotalker("bob"), s.cotalker("eve")
	chat := ann.befriend(bob)
	anns, bobs := ann.socket(), bob.socket()

	sent := ann.ask("POST", "/api/message/send", form{fields: map[string]string{
		"user_id": fmt.Sprint(ann.number), "chat_id": fmt.Sprint(chat), "msg_text": "χαῖρε <b>'Plato'</b>", "msg_type": "text",
	}}).ok()
	first := sent.number("msg_id")
	sent.ok(fields{"msg_id": first, "create_time": sent.fields()["create_time"]})
	for _, socket := range []*cotalkSocket{anns, bobs} {
		socket.hears(messageFrame("send message", ann, chat, first))
	}
	shape := func(more fields) fields {
		all := fields{
			"msg_id": first, "sender_id": ann.number, "chat_id": chat, "msg_text": "χαῖρε <b>'Plato'</b>", "msg_file_url": "", "msg_type": "T",
			"create_time": sent.fields()["create_time"], "update_time": sent.fields()["create_time"], "read_users": []int64{ann.number}, "reply_to": -1, "is_system": false,
		}
		for key, value := range more {
			all[key] = value
		}
		return all
	}
	bob.ask("GET", messagePath(first)+bob.me(), nil).ok(shape(fields{"unable_to_see_users": []any{}}))
	bob.ask("GET", chatPath(chat, "/messages")+bob.me(), nil).is(200, 0, "Success", fields{"messages": []fields{shape(nil)}})

	for range 2 {
		bob.ask("PUT", messagePath(first), fields{"user_id": bob.number}).ok()
	}
	for _, socket := range []*cotalkSocket{anns, bobs} {
		socket.hears(messageFrame("read message", bob, chat, first))
	}
	if m := ann.messages(chat, "")[0]; !slices.Equal(m["read_users"].([]any), []any{float64(ann.number), float64(bob.number)}) && !slices.Equal(m["read_users"].([]any), []any{float64(bob.number), float64(ann.number)}) {
		t.Errorf("read by %v", m["read_users"])
	}

	answer := bob.ask("POST", "/api/message/send", fields{"user_id": bob.number, "chat_id": chat, "msg_text": "hello", "msg_type": "text", "reply_to": first}).ok().number("msg_id")
	anns.hears(messageFrame("send message", bob, chat, answer))
	if m := ann.messages(chat, "")[1]; m["reply_to"] != float64(first) {
		t.Errorf("an answer to %v", m["reply_to"])
	}
	remove := func(who *cotalker, message int64, forAll any) *cotalkAnswer {
		return who.ask("DELETE", messagePath(message), fields{"user_id": who.number, "is_remove": forAll})
	}
	remove(bob, first, true).is(401, -2, "Unauthorized : the user is not the sender of the message")
	remove(bob, first, "maybe").is(400, -7, "'Invalid parameters. Expected `is_remove` to be `bool` type.'")
	bob.ask("DELETE", messagePath(first), fields{"user_id": bob.number}).is(400, -7, "'Invalid parameters. Expected `is_remove`, but not found.'")
	remove(ann, first, true).ok()
	bobs.hears(messageFrame("send message", bob, chat, answer), messageFrame("withdraw message", ann, chat, first))
	bob.ask("GET", messagePath(first)+bob.me(), nil).is(404, -1, "Invalid message id : message not found")
	remove(ann, first, true).is(404, -1, "Invalid message id : message not found")
	bob.ask("PUT", messagePath(first), fields{"user_id": bob.number}).ok() // the page marks what it has listed
	left := bob.messages(chat, "")[0]
	if left["msg_text"] != ann.name+" withdrawn a message." || left["is_system"] != true || left["sender_id"] != 0.0 || left["msg_type"] != "T" {
		t.Errorf("withdrawn: %v", left)
	}
	// The page draws a number once: what is left has one of its own, or the text would stay on the screen.
	remnant := int64(left["msg_id"].(float64))
	if remnant == first {
		t.Errorf("what is left of message %d has its number", first)
	}
	left["unable_to_see_users"] = []any{}
	bob.ask("GET", messagePath(remnant)+bob.me(), nil).ok(left)
	bob.ask("PUT", messagePath(remnant), fields{"user_id": bob.number}).ok()
	remove(ann, remnant, true).is(401, -2, "Unauthorized : the user is not the sender of the message")
	eve.ask("GET", messagePath(remnant)+eve.me(), nil).is(401, -2, "Unauthorized : the user cannot see the message")
	ann.ask("GET", messagePath(remnant-first+answer)+ann.me(), nil).is(404, -1, "Invalid message id : message not found")
	remove(ann, answer, false).ok()
	if got := ann.texts(chat); !slices.Equal(got, []string{ann.name + " withdrawn a message."}) {
		t.Errorf("ann sees %q", got)
	}
	if got := bob.texts(chat); len(got) != 2 {
		t.Errorf("bob sees %q", got)
	}
	remove(bob, remnant, false).ok()
	if got := bob.texts(chat); !slices.Equal(got, []string{"hello"}) {
		t.Errorf("bob sees %q", got)
	}
	ann.ask("GET", messagePath(answer)+ann.me(), nil).is(401, -2, "Unauthorized : the user cannot see the message")
	eve.ask("GET", messagePath(answer)+eve.me(), nil).is(401, -2, "Unauthorized : the user cannot see the message")
	eve.ask("GET", "/api/message/999999999999/management"+eve.me(), nil).is(404, -1, "Invalid message id : message not found")
}

func TestCotalkRefusesSends(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob, eve := s.cotalker("ann"), s.cotalker("bob"), s.cotalker("eve")
	chat := ann.befriend(bob)
	group := ann.chat("notices", bob)
	elsewhere := ann.say(group, "elsewhere")
	send := func(who *cotalker, more fields) *cotalkAnswer {
		body := fields{"user_id": who.number, "chat_id": chat, "msg_text": "x", "msg_type": "text"}
		for key, value := range more {
			body[key] = value
		}
		return who.ask("POST", "/api/message/send", body)
	}
	send(ann, fields{"chat_id": 1000000007}).is(404, -1, "Invalid chat id : chat not found")
	send(eve, nil).is(401, -2, fmt.Sprintf("Unauthorized : user %d not in chat %d", eve.number, chat))
	send(ann, fields{"msg_text": strings.Repeat("字", 1001)}).is(400, -7, "Invalid msg_text : msg_text length exceed")
	send(ann, fields{"msg_text": strings.Repeat("字", 1000)}).ok()
	send(ann, fields{"msg_type": "song"}).is(400, -7, "'Invalid parameters. Expected `msg_file`, but not found.'")
	send(ann, fields{"reply_to": elsewhere}).is(404, -1, "Not found : reply_to message not found")
	send(ann, fields{"reply_to": 999999999999}).is(404, -1, "Not found : reply_to message not found")
	send(ann, fields{"reply_to": -1}).ok()
	send(bob, fields{"chat_id": group, "msg_type": "group_notice"}).is(401, -2, "Unauthorized : the user is neither the owner nor the admin of the chat")
	send(ann, fields{"msg_type": "group_notice"}).is(401, -2, "Unauthorized : the user is neither the owner nor the admin of the chat")
	notice := send(ann, fields{"chat_id": group, "msg_type": "group_notice", "msg_text": "tomorrow"}).ok().number("msg_id")
	found := bob.messages(group, "&filter_type=group_notice")
	if len(found) != 1 || found[0]["msg_id"] != float64(notice) || found[0]["msg_type"] != "G" || found[0]["msg_text"] != "tomorrow" {
		t.Errorf("notices are %v", found)
	}
	if a := send(ann, fields{"msg_text": ""}); a.status != 400 || a.fields()["code"] != -7.0 {
		t.Errorf("an empty text: %d %s", a.status, a.raw)
	}
}

// A long chat comes whole, and filters leave what all of them let through.
func TestCotalkHistoryAndFilters(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob := s.cotalker("ann"), s.cotalker("bob")
	ann.befriend(bob)
	chat := ann.chat("long")
	const n = 250
	var sent []int64
	for i := range n {
		sent = append(sent, ann.say(chat, fmt.Sprintf("Number %d", i)))
	}
	ann.ask("PUT", chatPath(chat, "/members"), fields{"user_id": ann.number, "member_id": bob.number}).ok()
	bob.ask("PUT", chatPath(chat, "/members"), fields{"user_id": bob.number, "member_id": bob.number}).ok()
	all := bob.messages(chat, "")
	if len(all) != n+1 {
		t.Fatalf("%d messages, want %d", len(all), n+1)
	}
	for i, m := range all[:n] {
		if m["msg_id"] != float64(sent[i]) {
			t.Fatalf("message %d is %v, want %d", i, m["msg_id"], sent[i])
		}
	}
	bob.say(chat, "number one")
	middle := all[100]["create_time"].(float64)
	for filter, want := range map[string]func(m fields) bool{
		"&filter_text=number%20" + "24":                             func(m fields) bool { return strings.HasPrefix(m["msg_text"].(string), "Number 24") },
		fmt.Sprintf("&filter_user=%d", bob.number):                  func(m fields) bool { return m["sender_id"] == float64(bob.number) },
		"&filter_user=0":                                            func(m fields) bool { return m["is_system"] == true },
		fmt.Sprintf("&filter_before=%f", middle):                    func(m fields) bool { return m["create_time"].(float64) < middle },
		fmt.Sprintf("&filter_after=%f", middle):                     func(m fields) bool { return m["create_time"].(float64) > middle },
		"&filter_type=text":                                         func(fields) bool { return true },
		"&filter_type=image":                                        func(fields) bool { return false },
		"&filter_text=NUMBER&filter_user=" + fmt.Sprint(bob.number): func(m fields) bool { return m["sender_id"] == float64(bob.number) },
	} {
		var ids []any
		for _, m := range ann.messages(chat, "") {
			if want(m) {
				ids = append(ids, m["msg_id"])
			}
		}
		var got []any
		for _, m := range ann.messages(chat, filter) {
			got = append(got, m["msg_id"])
		}
		if !slices.Equal(got, ids) {
			t.Errorf("%s: %d messages, want %d", filter, len(got), len(ids))
		}
	}
	ann.ask("GET", chatPath(chat, "/messages")+ann.me()+"&filter_text=-&filter_type=text", nil).is(200, 0, "Success, filter_text: -, filter_type: text", fields{"messages": []any{}})
	ann.ask("GET", chatPath(chat, "/messages")+ann.me()+"&filter_type=song", nil).is(400, -7, "Invalid filter_type : song")
	ann.ask("GET", chatPath(chat, "/messages")+ann.me()+"&filter_before=soon", nil).is(400, -7, "'Invalid parameters. Expected `filter_before` to be `float` type.'")
}
