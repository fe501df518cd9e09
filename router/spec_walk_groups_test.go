package router_test

import (
	"fmt"
	"net/url"

	"parlor/define"
)

func walkEmail(s *server, alice *user) {
	s.t.Helper()
	address := alice.account + "@example.com"
	alice.post("/users/me/email/code", fields{"email": "no address"}).refused("invalid", "email")
	alice.post("/users/me/email/code", fields{"email": address}).ok(202)
	code := shared.mails.code(s.t, address, 1)
	alice.put("/users/me/email", fields{"email": address, "code": wrong(code)}).refused("invalid", "code")
	alice.put("/users/me/email", fields{"email": address, "code": code}).ok(200)
	alice.put("/users/me/email", fields{"email": address, "code": code}).refused("gone")
	other := s.user("other")
	other.post("/users/me/email/code", fields{"email": address}).refused("conflict")
	anyone{s}.post("/password/code", fields{"email": address}).ok(202)
	code = shared.mails.code(s.t, address, 2)
	anyone{s}.post("/password/reset", fields{"email": address, "code": code, "new_password": "short"}).refused("invalid", "new_password")
	anyone{s}.post("/password/reset", fields{"email": address, "code": code, "new_password": password}).ok(204)
	alice.token = into[login](anyone{s}.post("/login", fields{"email": address, "password": password}).ok(200)).Token
}

// wrong returns another code of the same form.
func wrong(code string) string {
	first := "1"
	if code[0] == '1' {
		first = "2"
	}
	return first + code[1:]
}

func walkWaysIn(s *server, alice, bob *user) {
	s.t.Helper()
	dave, erin := s.user("dave"), s.user("erin")
	alice.befriend(dave)
	bob.befriend(erin)
	room := into[room](alice.post("/rooms", fields{"name": "club", "members": []string{bob.identity}, "join_policy": "approval"}).ok(201))
	on := "/rooms/" + room.Identity
	alice.post(on+"/members", fields{"members": []string{dave.identity}}).ok(200)
	alice.post(on+"/members", fields{"members": []string{dave.identity}}).refused("conflict")
	alice.post(on+"/members", fields{"members": []string{erin.identity}}).refused("invalid", "members")
	bob.post(on+"/members", fields{"members": []string{erin.identity}}).ok(200) // has to wait
	pending := into[list[invitation]](alice.get(on + "/invitations?limit=1").ok(200)).Items[0]
	bob.get(on + "/invitations").refused("forbidden")
	bob.post("/invitations/"+pending.Identity+"/approve", nil).refused("forbidden")
	alice.post("/invitations/"+pending.Identity+"/approve", nil).ok(200)
	alice.post("/invitations/"+pending.Identity+"/decline", nil).refused("conflict")
	erin.post("/invitations/nothing/decline", nil).refused("not_found")
	erin.get("/invitations?limit=1").ok(200)
	erin.delete(on+"/members/"+erin.identity, nil).ok(204)
	asked := into[invitation](erin.post("/rooms/join", fields{"number": room.Number, "message": "please"}).ok(202))
	alice.post("/invitations/"+asked.Identity+"/decline", nil).ok(200)
	alice.patch(on, fields{"name": "open club", "info": "i", "avatar": "", "join_policy": "open", "history": "all"}).ok(200)
	erin.post("/rooms/join", fields{"number": room.Number}).ok(200)
	erin.post("/rooms/join", fields{"number": 1 << 40}).refused("not_found")
	alice.put(on+"/members/"+bob.identity+"/role", fields{"role": "admin"}).ok(200)
	bob.put(on+"/members/"+dave.identity+"/silence", fields{"seconds": 60}).ok(200)
	bob.put(on+"/members/"+alice.identity+"/silence", fields{"seconds": 60}).refused("forbidden")
	announced := into[announcement](bob.post(on+"/announcements", fields{"content": "tea is ready"}).ok(201))
	dave.post(on+"/announcements", fields{"content": "no"}).refused("forbidden")
	dave.get(on + "/announcements?limit=1").ok(200)
	dave.get(on + "/messages").ok(200) // with a notice
	bob.delete(on+"/announcements/"+announced.Identity, nil).ok(204)
	bob.delete(on+"/announcements/"+announced.Identity, nil).refused("not_found")
	dave.get("/rooms").ok(200) // with a recalled message as the last one
	alice.put(on+"/owner", fields{"user": bob.identity}).ok(200)
	alice.put(on+"/owner", fields{"user": bob.identity}).refused("forbidden")
}

func walkChanges(alice, bob *user, private string) {
	alice.t.Helper()
	said := alice.send(private, "teh")
	at := fmt.Sprint("/messages/", said.Identity)
	alice.patch(at, fields{"data": "the"}).ok(200)
	bob.patch(at, fields{"data": "mine"}).refused("forbidden")
	thumb := at + "/reactions/" + url.PathEscape("👍")
	bob.put(thumb, nil).ok(204)
	alice.get(at).ok(200) // with a reaction
	bob.put(at+"/reactions/word", nil).refused("invalid", "emoji")
	bob.delete(thumb, nil).ok(204)
	alice.get(at + "/readers").ok(200)
	bob.post("/rooms/"+private+"/messages", fields{"data": "what?", "reply_to": said.Identity}).ok(201)
	merged := into[forwarded](bob.post("/messages/forward", fields{
		"messages": []int64{said.Identity}, "rooms": []string{private}, "mode": "merged", "client_id": "m",
	}).ok(201)).Items[0]
	bob.post("/messages/forward", fields{"messages": []int64{merged.Identity, said.Identity}, "rooms": []string{private}}).ok(201)
	bob.post("/messages/forward", fields{"messages": []int64{merged.Identity}, "rooms": []string{"nowhere"}}).refused("not_found")
	alice.post(at+"/recall", nil).ok(200)
	bob.post("/messages/"+fmt.Sprint(merged.Identity)+"/recall", nil).ok(200)
	alice.patch(at, fields{"data": "late"}).refused("gone")
	bob.put(thumb, nil).refused("gone")
	bob.get("/rooms/" + private + "/messages").ok(200) // with all of these
	bob.delete(at, nil).ok(204)
	bob.get(at).refused("not_found")
	bob.delete("/rooms/"+private+"/messages", nil).ok(204)
}

func walkLocked(alice *user, private string) {
	alice.t.Helper()
	said := alice.send(private, "behind a lock")
	on := "/rooms/" + private
	alice.patch(on+"/me", fields{"pinned": true, "muted": true, "locked": true, "nickname": "A."}).ok(200)
	alice.get(on + "/messages").refused("locked")
	alice.get(fmt.Sprint("/messages/", said.Identity)).refused("locked")
	alice.get(on).ok(200) // without the last message
	alice.post(on+"/unlock", fields{"password": "wrong"}).refused("forbidden")
	alice.post(on+"/unlock", fields{"password": password}).ok(204)
	alice.get(on + "/messages").ok(200)
	alice.patch(on+"/me", fields{"locked": false, "password": "wrong"}).refused("forbidden")
	alice.patch(on+"/me", fields{"pinned": false, "locked": false, "password": password}).ok(200)
}

func walkNotifications(alice, bob *user) {
	alice.t.Helper()
	first := into[list[notification]](bob.get("/notifications?limit=2").ok(200))
	bob.get("/notifications?limit=100&cursor=" + first.Next).ok(200)
	alice.get("/notifications?limit=100").ok(200)
	bob.post("/notifications/read", fields{}).refused("invalid", "identities")
	bob.post("/notifications/read", fields{"identities": []int64{first.Items[0].Identity}}).ok(204)
	bob.post("/notifications/read", fields{"all": true}).ok(204)
}

// changeOverSocket has everything done to messages of a room that can be done over a socket.
func changeOverSocket(alice *user, alices, bobs *checkedSocket, room string) {
	alice.t.Helper()
	said := alice.send(room, "teh").Identity
	alices.ask(define.OpMessageEdit, fields{"message": said, "data": "the"}, define.OpOK)
	bobs.until(define.EventMessageEdited)
	bobs.ask(define.OpMessageReact, fields{"message": said, "emoji": "👍"}, define.OpOK)
	alices.until(define.EventMessageReacted)
	bobs.ask(define.OpMessageReact, fields{"message": said, "emoji": "👍", "remove": true}, define.OpOK)
	alices.ask(define.OpMessageRecall, fields{"message": said}, define.OpOK)
	bobs.until(define.EventMessageRecalled)
	alices.ask(define.OpMessageDelete, fields{"message": said}, define.OpOK)
	alice.delete(fmt.Sprint("/messages/", alice.send(room, "for you").Identity), nil).ok(204)
	alices.until(define.EventMessageDeleted)
	alice.patch("/rooms/"+room+"/me", fields{"locked": true}).ok(200)
	alices.until(define.EventRoomMe)
	alice.send(room, "behind a lock")
	alices.until(define.EventMessageNew)
	alices.ask(define.OpSync, fields{"rooms": fields{}}, define.OpOK)
	alice.patch("/rooms/"+room+"/me", fields{"locked": false, "password": password}).ok(200)
	alices.until(define.EventRoomMe)
}

// inviteAndAnnounce lets somebody ask for a way into a group, decides on it, and announces something.
func inviteAndAnnounce(s *server, alice *user, alices *checkedSocket, group string) {
	s.t.Helper()
	dave := s.user("dave")
	alice.patch("/rooms/"+group, fields{"join_policy": "approval"}).ok(200)
	alices.until(define.EventRoomUpdated)
	asked := into[invitation](dave.post("/rooms/join", fields{"number": alice.room(group).Number}).ok(202))
	alices.until(define.EventInvitationPending)
	alices.until(define.EventNotificationNew)
	alice.post("/invitations/"+asked.Identity+"/approve", nil).ok(200)
	alices.until(define.EventMemberJoined)
	alices.until(define.EventInvitationDecided)
	alice.post("/rooms/"+group+"/announcements", fields{"content": "welcome"}).ok(201)
	alices.until(define.EventAnnouncementNew)
	alice.post("/notifications/read", fields{"all": true}).ok(204)
	alices.until(define.EventNotificationRead)
	dave.delete("/rooms/"+group+"/members/"+dave.identity, nil).ok(204)
}

// changeOwnThings changes what only the user's own devices hear of.
func changeOwnThings(alice *user, alices *checkedSocket, friend *user) {
	alice.patch("/friends/"+friend.identity, fields{"remark": "my friend"}).ok(200)
	alices.until(define.EventFriendUpdated)
	alice.post("/friends/groups", fields{"name": "a group"}).ok(201)
	alices.until(define.EventFriendRegrouped)
	alice.put("/blocks/"+friend.identity, nil).ok(204)
	alices.until(define.EventBlockChanged)
	alice.delete("/blocks/"+friend.identity, nil).ok(204)
	alices.until(define.EventBlockChanged)
	alice.patch("/users/me", fields{"city": "Athens"}).ok(200)
	alices.until(define.EventUserUpdated)
}
