package router_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// A chat from its beginning to its end: who is invited agrees, roles change, members go, and history tells it all.
func TestCotalkChat(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob, cy, dan := s.cotalker("ann"), s.cotalker("bob"), s.cotalker("cy"), s.cotalker("dan")
	for _, other := range []*cotalker{bob, cy, dan} {
		ann.befriend(other)
	}
	bobs, cys := bob.socket(), cy.socket()
	name := "Athens " + s.suffix()
	made := ann.ask("POST", "/api/chat/create", fields{"user_id": ann.number, "chat_name": name, "members": []any{bob.number, fmt.Sprint(cy.number)}}).ok()
	chat := made.number("chat_id")
	made.ok(fields{"chat_id": chat, "create_time": made.fields()["create_time"]})
	ann.ask("POST", "/api/chat/create", fields{"user_id": ann.number, "chat_name": name}).is(409, -5, "Chat name conflict")
	ann.ask("POST", "/api/chat/create", fields{"user_id": ann.number, "chat_name": name + "!", "members": []any{1000000007}}).is(404, -1, "Invalid member id")

	change := func(who, member *cotalker, more fields) *cotalkAnswer {
		body := fields{"user_id": who.number, "member_id": member.number}
		for key, value := range more {
			body[key] = value
		}
		return who.ask("PUT", chatPath(chat, "/members"), body)
	}
	privilege := func(who, member *cotalker, to string) *cotalkAnswer {
		return who.ask("PUT", chatPath(chat, "/management"), fields{"user_id": who.number, "member_id": member.number, "change_to": to})
	}
	members := func(want ...string) {
		t.Helper()
		var got []string
		for _, m := range ann.ask("GET", chatPath(chat, "/members")+ann.me(), nil).ok().list("members") {
			if m["user_email"] != "" || m["user_phone"] != "" || len(m) != 7 {
				t.Errorf("member %v", m)
			}
			got = append(got, fmt.Sprint(m["user_id"], m["privilege"]))
		}
		if !slices.Equal(got, want) {
			t.Errorf("members %q, want %q", got, want)
		}
	}
	is := func(c *cotalker, letter string) string { return fmt.Sprint(float64(c.number), letter) }

	bobs.hears(chatFrame("make invitation", ann, chat, true))
	cys.hears(chatFrame("make invitation", ann, chat, true))
	members(is(ann, "O"))
	bob.ask("GET", chatPath(chat, "/members")+bob.me(), nil).is(404, -1, "Invalid chat id or user not in chat")
	bob.ask("GET", chatPath(chat, "/messages")+bob.me(), nil).is(401, -2, fmt.Sprintf("Unauthorized : user %d not in chat %d", bob.number, chat))
	change(ann, bob, nil).is(400, -7, "Invalid situation") // he is invited already
	change(bob, cy, nil).is(400, -7, "Invalid situation")
	change(dan, dan, nil).is(404, -1, "Invalid chat id or user not in chat")
	change(bob, bob, fields{"approve": true}).ok()
	change(bob, bob, fields{"approve": true}).ok() // once more changes nothing
	change(cy, cy, fields{"approve": false}).ok()
	members(is(ann, "O"), is(bob, "M"))
	change(bob, cy, nil).ok() // members may invite
	cys.hears(chatFrame("make invitation", bob, chat, true))
	change(cy, cy, fields{"approve": "true"}).ok()
	change(ann, dan, fields{"approve": false}).is(400, -7, "Invalid situation") // he is not in it
	change(ann, dan, nil).ok()
	change(dan, dan, nil).ok()
	first := ann.say(chat, "Welcome")
	bobs.hears(messageFrame("send message", ann, chat, first))

	privilege(bob, cy, "admin").is(401, -2, "No management privilege")
	privilege(bob, ann, "member").is(401, -2, "No management privilege")
	privilege(ann, bob, "boss").is(400, -7, "Invalid change_to parameter: boss")
	privilege(ann, s.cotalker("eve"), "admin").is(404, -1, "Invalid chat id or member not in chat")
	privilege(ann, bob, "admin").ok()
	bobs.hears(chatFrame("change to admin", ann, chat, true))
	change(bob, ann, fields{"approve": false}).is(401, -2, "Unauthorized: no management privilege")
	change(cy, dan, fields{"approve": false}).is(401, -2, "Unauthorized: no management privilege")
	change(bob, dan, fields{"approve": false}).ok()
	members(is(ann, "O"), is(bob, "A"), is(cy, "M"))
	privilege(ann, bob, "member").ok()
	bobs.hears(chatFrame("change to member", ann, chat, true))
	privilege(ann, cy, "owner").ok()
	members(is(ann, "M"), is(bob, "M"), is(cy, "O"))
	privilege(ann, bob, "admin").is(401, -2, "No management privilege")
	privilege(cy, bob, "admin").ok()
	if n := dan.notices(""); n[len(n)-1]["content"].(map[string]any)["text"] != bob.name+" 将您移出了聊天室 "+name {
		t.Errorf("dan was told %v", n)
	}

	leave := func(who *cotalker, chat int64) *cotalkAnswer {
		return who.ask("DELETE", who.own("/chats"), fields{"chat_id": fmt.Sprint(chat)})
	}
	leave(dan, chat).is(404, -1, "Invalid chat id or user not in chat")
	leave(cy, chat).ok()
	members(is(ann, "M"), is(bob, "O"))
	leave(cy, chat).is(404, -1, "Invalid chat id or user not in chat")
	want := []string{
		bob.name + " joined the chat.", cy.name + " joined the chat.", dan.name + " joined the chat.", "Welcome",
		ann.name + " changed " + bob.name + "'s privilege to admin.", bob.name + " kicked " + dan.name + " out of the chat.",
		ann.name + " changed " + bob.name + "'s privilege to member.", ann.name + " changed " + cy.name + "'s privilege to owner.",
		cy.name + " changed " + bob.name + "'s privilege to admin.", cy.name + " changed " + bob.name + "'s privilege to owner.", cy.name + " left the chat.",
	}
	if got := ann.texts(chat); !slices.Equal(got, want) {
		t.Errorf("history is %q, want %q", got, want)
	}
	leave(ann, chat).ok()
	leave(bob, chat).ok()
	s.cotalk(cotalkCall{method: "GET", path: chatPath(chat, "/detail"), token: bob.token}).is(404, -1, "Invalid chat id : chat not found")
}

// Only three admins, and only members learn about a chat.
func TestCotalkAdminsAndDetail(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann := s.cotalker("ann")
	var others []*cotalker
	for range 4 {
		other := s.cotalker("other")
		ann.befriend(other)
		others = append(others, other)
	}
	chat := ann.chat("Private club", others...)
	for i, other := range others {
		a := ann.ask("PUT", chatPath(chat, "/management"), fields{"user_id": ann.number, "member_id": other.number, "change_to": "admin"})
		if i < 3 {
			a.ok()
		} else {
			a.is(412, -6, "There are already 3 admins")
		}
	}
	detail := func(call cotalkCall) *cotalkAnswer {
		call.method, call.path = "GET", chatPath(chat, "/detail")
		return s.cotalk(call).ok()
	}
	inside := detail(cotalkCall{token: ann.token})
	full := fields{
		"chat_id": chat, "chat_name": "private club", "owner_id": ann.number, "member_num": 5, "create_time": inside.fields()["create_time"], "is_private": false,
	}
	inside.ok(full)
	detail(cotalkCall{cookie: "cotalk_token=" + others[0].token}).ok(full)
	hidden := fields{"chat_id": chat, "chat_name": fmt.Sprintf("Chat %d", chat), "owner_id": 0, "member_num": 0, "create_time": 0, "is_private": false}
	for _, call := range []cotalkCall{{}, {token: s.cotalker("eve").token}, {token: "nonsense"}, {cookie: "cotalk_token=x"}} {
		detail(call).ok(hidden)
	}

	// Who is invited reads the name of the chat before he agrees.
	dan := s.cotalker("dan")
	ann.befriend(dan)
	ann.ask("PUT", chatPath(chat, "/members"), fields{"user_id": ann.number, "member_id": dan.number}).ok()
	named := maps.Clone(hidden)
	named["chat_name"] = "private club"
	detail(cotalkCall{cookie: "cotalk_token=" + dan.token}).ok(named)
	dan.ask("PUT", chatPath(chat, "/members"), fields{"user_id": dan.number, "member_id": dan.number, "approve": false}).ok()
	detail(cotalkCall{cookie: "cotalk_token=" + dan.token}).ok(hidden)

	private := ann.befriend(s.cotalker("bob"))
	ann.ask("DELETE", ann.own("/chats"), fields{"chat_id": private}).is(412, -6, "Cannot delete private chat")
	a := ann.ask("GET", chatPath(private, "/members")+ann.me(), nil).ok().list("members")
	letters := map[any]any{}
	for _, m := range a {
		letters[m["user_id"]] = m["privilege"]
	}
	if letters[float64(ann.number)] != "M" || len(letters) != 2 {
		t.Errorf("privileges in a private chat: %v", letters)
	}
}
