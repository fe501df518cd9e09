package router_test

import (
	"encoding/json"
	"testing"
)

// Who can't see a message hears nothing of its changes but that it was recalled: a newcomer, who has cleared his history,
// and who has deleted it for himself. Neither does he see it quoted.
func TestChangesOfWhatOneCannotSee(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	cleared, deleted, newcomer := s.user("cleared"), s.user("deleted"), s.user("newcomer")
	for _, u := range []*user{cleared, deleted, newcomer} {
		alice.befriend(u)
	}
	group := alice.group("unseen", bob, cleared, deleted)
	said := bob.send(group, "before")
	bobs := bob.socket()
	bob.patch(said.path(), fields{"data": "seen by all"}).ok(200) // so that the members are cached by now
	bobs.expect("message.edited")
	cleared.delete("/rooms/"+group+"/messages", nil).ok(204)
	deleted.delete(said.path(), nil).ok(204)
	alice.post("/rooms/"+group+"/members", fields{"members": []string{newcomer.identity}}).ok(200)
	bobs.expect("member.joined")
	bobs.expect("message.new")
	blind := []*socket{cleared.socket(), deleted.socket(), newcomer.socket()}

	bob.patch(said.path(), fields{"data": "changed"}).ok(200)
	if got := heard[message](bobs, "message.edited"); got.Data != "changed" {
		t.Errorf("bob heard %+v", got)
	}
	alice.put(said.path()+"/reactions/👍", nil).ok(204)
	bobs.expect("message.reacted")
	for _, one := range blind {
		one.quiet()
	}
	answer := fields{"data": "answer", "reply_to": said.Identity}
	reply := into[message](alice.post("/rooms/"+group+"/messages", answer).ok(201))
	if got := heard[message](bobs, "message.new"); got.Reply == nil || got.Reply.Data != "changed" {
		t.Errorf("bob heard %+v", got)
	}
	for _, one := range blind {
		if got := heard[message](one, "message.new"); got.Reply != nil || got.ReplyTo != said.Identity {
			t.Errorf("%s heard %+v, %+v", one.account, got, got.Reply)
		}
		if got := into[message](one.get(reply.path()).ok(200)); got.Reply != nil {
			t.Errorf("%s sees %+v, %+v", one.account, got, got.Reply)
		}
		if got := one.history(group); got[len(got)-1].Reply != nil {
			t.Errorf("%s reads %+v", one.account, got)
		}
	}
	if got := into[message](bob.get(reply.path()).ok(200)); got.Reply == nil || got.Reply.Data != "changed" {
		t.Errorf("bob sees %+v", got)
	}
	alice.post(said.path()+"/recall", nil).ok(200)
	for _, one := range append(blind, bobs) {
		if got := heard[message](one, "message.recalled"); got.Data != "" || got.RecalledAt == 0 {
			t.Errorf("%s heard %+v", one.account, got)
		}
	}
	// What comes later is there for all again, for the sender too who has cleared it.
	later := cleared.send(group, "later")
	for _, one := range append(blind, bobs) {
		one.expect("message.new")
	}
	cleared.delete("/rooms/"+group+"/messages", nil).ok(204)
	blind[0].expect("room.me")
	bob.put(later.path()+"/reactions/👍", nil).ok(204)
	bobs.expect("message.reacted")
	blind[1].expect("message.reacted")
	blind[2].expect("message.reacted")
	blind[0].quiet()
}

// The data of a system message is JSON wherever it is shown, also where texts are cut.
func TestSystemMessagesAreNotCut(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	group := alice.group("whole")
	alice.post("/rooms/"+group+"/members", fields{"members": []string{bob.identity, carol.identity}}).ok(200)
	last := alice.room(group).LastMessage
	if last == nil || last.Type != "system" || len(last.Data) <= 100 || !json.Valid([]byte(last.Data)) {
		t.Fatalf("the last message is %+v", last)
	}
	reply := into[message](alice.post("/rooms/"+group+"/messages", fields{"data": "welcome", "reply_to": last.Identity}).ok(201))
	if reply.Reply == nil || reply.Reply.Data != last.Data {
		t.Errorf("the reply is %+v", reply)
	}
}
