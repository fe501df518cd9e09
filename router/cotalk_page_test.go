package router_test

import (
	"fmt"
	"slices"
	"testing"
)

// The page of seed 000 opens a chat: all at once it asks for each author, marks each message that it has not read, and
// asks for each picture. Everything of it works, in whatever order it arrives.
func TestCotalkPageOpensAChat(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob := s.cotalker("ann"), s.cotalker("bob")
	chat := ann.befriend(bob)
	for i := range 30 {
		ann.say(chat, fmt.Sprint("message ", i))
	}
	withdrawn := ann.messages(chat, "")[10]["msg_id"].(float64)
	ann.ask("DELETE", messagePath(int64(withdrawn)), fields{"user_id": ann.number, "is_remove": true}).ok()

	cookie := "cotalk_token=" + bob.token
	s.cotalk(cotalkCall{method: "GET", path: chatPath(chat, "/detail"), cookie: cookie}).ok()
	shown := bob.messages(chat, "")
	unread := func() (n int) {
		for _, m := range bob.messages(chat, "") {
			if !slices.Contains(m["read_users"].([]any), any(float64(bob.number))) {
				n++
			}
		}
		return n
	}
	if n := unread(); n != len(shown) {
		t.Fatalf("%d of %d are unread", n, len(shown))
	}
	together(len(shown), func(i int) {
		m := shown[i]
		for _, a := range []*cotalkAnswer{
			s.cotalk(cotalkCall{method: "GET", path: fmt.Sprintf("/api/user/private/%.0f", m["sender_id"])}),
			bob.ask("PUT", messagePath(int64(m["msg_id"].(float64))), fields{"user_id": bob.number}),
			s.cotalk(cotalkCall{method: "GET", path: fmt.Sprintf("/api/user/private/%.0f/avatar", m["sender_id"])}),
		} {
			if a.err != nil || a.status != 200 {
				t.Errorf("%s: %d %s %v", a.call, a.status, a.raw, a.err)
			}
		}
	})
	if n := unread(); n != 0 {
		t.Errorf("%d are unread after all were marked", n)
	}
}

// A notification holds the names of people and chats, whatever stands in them, and its page reads it.
func TestCotalkNamesInNotifications(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob := s.cotalker("True"), s.cotalker("bob")
	name := `False friends' "club" \True`
	ann.chat(name, bob)
	notices := bob.notices("")
	if len(notices) != 1 || notices[0]["content"].(map[string]any)["text"] != ann.name+" 邀请您加入聊天室 "+name {
		t.Errorf("told %v", notices)
	}
}
