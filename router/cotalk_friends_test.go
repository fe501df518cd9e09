package router_test

import (
	"fmt"
	"testing"
)

// One verb makes, answers and ends a friendship; the other one is told each time, at once and by a notification.
func TestCotalkFriends(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob := s.cotalker("ann"), s.cotalker("bob")
	anns, bobs := ann.socket(), bob.socket()
	put := func(who *cotalker, body fields) *cotalkAnswer { return who.ask("PUT", who.own("/friends"), body) }
	friends := func(who *cotalker, other *cotalker, group string) {
		t.Helper()
		a := who.ask("GET", who.own("/friends"), nil).ok()
		if group == "" {
			a.ok(fields{"friends": []any{}})
			return
		}
		since := a.list("friends")[0]["register_time"]
		a.ok(fields{"friends": []fields{{
			"user_id": other.number, "user_name": other.name, "user_email": "", "user_phone": "", "description": defaultDescription,
			"register_time": since, "group": group,
		}}})
	}
	put(ann, fields{"friend_id": bob.number, "approve": false}).ok() // there is nothing to refuse
	put(ann, fields{"friend_id": ann.number}).is(400, -7, "Invalid friend id : it is yours")
	put(ann, fields{"friend_id": fmt.Sprint(bob.number), "group": "philosophers"}).ok()
	bobs.hears(friendFrame("make request", ann, true))
	if a := put(ann, fields{"friend_id": bob.number}); a.status != 409 || a.fields()["code"] != -5.0 {
		t.Errorf("asked twice: %d %s", a.status, a.raw)
	}
	friends(ann, bob, "")

	put(bob, fields{"friend_id": ann.number, "approve": "False"}).ok()
	anns.hears(friendFrame("reject request", bob, false))
	put(ann, fields{"friend_id": bob.number, "group": "philosophers"}).ok()
	bobs.hears(friendFrame("make request", ann, true))
	put(bob, fields{"friend_id": ann.number, "approve": true, "group": "pupils"}).ok()
	anns.hears(friendFrame("accept request", bob, true))
	friends(ann, bob, "philosophers")
	friends(bob, ann, "pupils")
	chats := ann.ask("GET", ann.own("/chats"), nil).ok()
	chat := chats.list("chats")[0]
	chats.ok(fields{"chats": []fields{{
		"chat_id": chat["chat_id"], "chat_name": fmt.Sprintf("Private %d&%d", bob.number, ann.number), "create_time": chat["create_time"], "is_private": true,
	}}})

	put(ann, fields{"friend_id": bob.number, "approve": true, "group": "sophists"}).ok() // nobody hears of it
	put(ann, fields{"friend_id": bob.number}).ok()
	friends(ann, bob, "sophists")
	friends(bob, ann, "pupils")

	put(ann, fields{"friend_id": bob.number, "approve": false}).ok()
	bobs.hears(friendFrame("delete", ann, false))
	friends(bob, ann, "")
	ann.ask("GET", ann.own("/chats"), nil).ok(fields{"chats": []any{}})

	var told []string
	for _, n := range bob.notices("") {
		content := n["content"].(map[string]any)
		if n["sender_id"] != float64(ann.number) || content["user_id"] != float64(ann.number) || content["type"] != "user.friend.request" || n["is_read"] != false {
			t.Errorf("notification %v", n)
		}
		told = append(told, content["text"].(string))
	}
	want := []string{ann.name + " 请求添加您为好友", ann.name + " 请求添加您为好友", ann.name + " 终止了与您的好友关系"}
	if fmt.Sprint(told) != fmt.Sprint(want) {
		t.Errorf("bob was told %q, want %q", told, want)
	}
}

// Notifications are one's own, are listed from a moment on or unread, and can be taken away.
func TestCotalkNotifications(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	ann, bob, eve := s.cotalker("ann"), s.cotalker("bob"), s.cotalker("eve")
	bob.ask("PUT", bob.own("/friends"), fields{"friend_id": ann.number}).ok()
	eve.ask("PUT", eve.own("/friends"), fields{"friend_id": ann.number}).ok()
	all := ann.notices("?only_unread=false&later_than=0")
	if len(all) != 2 || all[0]["sender_id"] != float64(bob.number) {
		t.Fatalf("told %v", all)
	}
	one := func(who *cotalker, n fields) string {
		return who.own(fmt.Sprintf("/notification/%v", n["notification_id"]))
	}
	first := ann.ask("GET", one(ann, all[0]), nil).ok()
	first.ok(fields{
		"notification_id": all[0]["notification_id"], "sender_id": bob.number, "content": first.fields()["content"], "create_time": all[0]["create_time"], "is_read": false,
	})
	ann.ask("PUT", one(ann, all[0]), nil).ok()
	if n := ann.ask("GET", one(ann, all[0]), nil).ok().fields(); n["is_read"] != true {
		t.Errorf("read and not read: %v", n)
	}
	if unread := ann.notices("?only_unread=true"); len(unread) != 1 || unread[0]["notification_id"] != all[1]["notification_id"] {
		t.Errorf("unread are %v", unread)
	}
	if later := ann.notices(fmt.Sprintf("?later_than=%f", all[1]["create_time"])); len(later) < 1 || later[len(later)-1]["notification_id"] != all[1]["notification_id"] {
		t.Errorf("later are %v", later)
	}
	if later := ann.notices("?later_than=99999999999"); len(later) != 0 {
		t.Errorf("from the future: %v", later)
	}
	ann.ask("GET", ann.own("/notifications?only_unread=maybe"), nil).is(400, -7, "'Invalid parameters. Expected `only_unread` to be `bool` type.'")
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		bob.ask(method, one(bob, all[0]), nil).is(404, -1, "Invalid notification id : notification not found")
		bob.ask(method, one(ann, all[0]), nil).is(401, -2, "Unauthorized : Expired or wrong-formatted JWT token")
	}
	ann.ask("DELETE", one(ann, all[0]), nil).ok()
	ann.ask("DELETE", one(ann, all[0]), nil).is(404, -1, "Invalid notification id : notification not found")
	if left := ann.notices(""); len(left) != 1 {
		t.Errorf("left are %v", left)
	}
}
