package router_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func (u *user) forward(mode string, rooms []string, messages ...message) *answer {
	u.t.Helper()
	var identities []int64
	for _, m := range messages {
		identities = append(identities, m.Identity)
	}
	return u.post("/messages/forward", fields{"messages": identities, "rooms": rooms, "mode": mode})
}

// Forwarded one by one, messages come in the order in which they are named, and say who said them first.
func TestForwardEach(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	from, to := alice.group("from", bob), alice.group("to", carol)
	private := alice.roomWith(carol)
	first, second := bob.send(from, "first"), alice.send(from, "second")
	carols := carol.socket()
	items := into[forwarded](alice.forward("each", []string{to, private, to}, second, first).ok(201)).Items
	if len(items) != 4 {
		t.Fatalf("forwarded %+v", items)
	}
	for i, m := range items {
		original := []message{second, first}[i%2]
		if m.Data != original.Data || m.Type != "text" || m.Sender.Identity != alice.identity || m.ForwardedFrom == nil ||
			m.ForwardedFrom.Identity != original.Identity || m.ForwardedFrom.Sender.Identity != original.Sender.Identity || m.Seq != int64(i%2+1) {
			t.Errorf("item %d is %+v", i, m)
		}
	}
	for _, room := range []string{to, private} {
		got := carol.history(room)
		if len(got) != 2 || got[0].Data != "second" || got[1].Data != "first" {
			t.Errorf("carol reads %+v", got)
		}
	}
	for range items {
		if m := heard[message](carols, "message.new"); m.ForwardedFrom == nil {
			t.Errorf("carol heard %+v", m)
		}
	}
	carols.quiet()

	// Forwarded on, it still is what bob said; the recall of the original does not reach it; it is not edited.
	on := into[forwarded](carol.forward("", []string{private}, carol.history(to)[1]).ok(201)).Items[0]
	if on.ForwardedFrom.Identity != first.Identity || on.ForwardedFrom.Sender.Identity != bob.identity {
		t.Errorf("forwarded on: %+v", on)
	}
	bob.post(first.path()+"/recall", nil).ok(200)
	if m := into[message](carol.get(on.path()).ok(200)); m.Data != "first" || m.ForwardedFrom == nil {
		t.Errorf("after the recall of the original: %+v", m)
	}
	carol.patch(on.path(), fields{"data": "bob never said this"}).refused("forbidden")
	carol.post(on.path()+"/recall", nil).ok(200)
	if m := into[message](carol.get(on.path()).ok(200)); m.ForwardedFrom != nil || m.RecalledAt == 0 {
		t.Errorf("the forwarded one, recalled: %+v", m)
	}
}

// A merged forward holds what was said then. What becomes of the originals does not reach into it.
func TestForwardMerged(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	from := alice.group("from", bob)
	private := alice.roomWith(carol)
	database := s.openDatabase()
	text := "merged-" + s.suffix()
	first, second := bob.send(from, text), alice.send(from, "second")
	notice := into[announcement](alice.post("/rooms/"+from+"/announcements", fields{"content": "notice"}).ok(201))
	m := into[forwarded](alice.forward("merged", []string{private}, first, second, message{Identity: notice.MessageIdentity}).ok(201)).Items[0]
	if m.Type != "merged" || m.Data != "" || m.ForwardedFrom != nil || len(m.Merged) != 3 {
		t.Fatalf("merged %+v", m)
	}
	if c := m.Merged[0]; c.Data != text || c.Sender.Identity != bob.identity || c.CreatedAt != first.CreatedAt || c.Type != "text" {
		t.Errorf("the first copy is %+v", c)
	}
	if c := m.Merged[2]; c.Data != "notice" || c.Type != "text" {
		t.Errorf("the copy of a notice is %+v", c)
	}
	bob.patch(first.path(), fields{"data": "something else"}).ok(200)
	bob.post(first.path()+"/recall", nil).ok(200)
	for _, reader := range []*user{alice, carol} {
		if got := into[message](reader.get(m.path()).ok(200)); len(got.Merged) != 3 || got.Merged[0].Data != text {
			t.Errorf("%s reads %+v", reader.account, got)
		}
	}
	// Merged once more, it is a copy in a copy.
	nested := into[forwarded](carol.forward("merged", []string{private}, m).ok(201)).Items[0]
	if len(nested.Merged) != 1 || nested.Merged[0].Type != "merged" || len(nested.Merged[0].Merged) != 3 || nested.Merged[0].Merged[0].Data != text {
		t.Errorf("nested %+v", nested)
	}
	reply := into[message](carol.post("/rooms/"+private+"/messages", fields{"data": "I see", "reply_to": m.Identity}).ok(201))
	if reply.Reply == nil || reply.Reply.Type != "merged" || reply.Reply.Data != "" {
		t.Errorf("the quote is %+v", reply.Reply)
	}
	alice.post(m.path()+"/recall", nil).ok(200)
	carol.post(nested.path()+"/recall", nil).ok(200)
	if places := placesOf(t, database, text); len(places) > 0 {
		t.Errorf("with all copies recalled it is still in %q", places)
	}
}

// Where one of the rooms refuses, or one message can't be read, nothing is sent anywhere.
func TestForwardRefusals(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	stranger := s.user("stranger")
	here, there := alice.group("here", bob), alice.group("there", bob)
	said := alice.send(here, "said")
	strangers := stranger.send(stranger.group("strangers"), "not for you")
	bob.delete("/rooms/"+here+"/members/"+bob.identity, nil).ok(204)
	system := alice.history(here)[1]
	alice.put("/rooms/"+there+"/members/"+bob.identity+"/silence", fields{"seconds": 100}).ok(200)
	bobs := bob.send(bob.group("bobs"), "mine")

	alice.forward("each", []string{there}, said, strangers).refused("not_found")
	alice.forward("each", []string{there}, system).refused("forbidden")
	alice.forward("each", []string{there, "nowhere"}, said).refused("not_found")
	alice.forward("twice", []string{there}, said).refused("invalid", "mode")
	alice.forward("each", nil, said).refused("invalid", "rooms")
	alice.forward("each", []string{there}).refused("invalid", "messages")
	alice.forward("each", []string{there}, said, said).refused("invalid", "messages")
	alice.forward("each", slices.Repeat([]string{there}, 21), said).refused("invalid", "rooms")
	bob.forward("merged", []string{there}, said).refused("not_found") // he is in that room no more
	bob.forward("each", []string{bobs.RoomIdentity, there}, bobs).refused("forbidden")
	if got := alice.history(there); len(got) != 0 {
		t.Errorf("there stands %+v", got)
	}
	if got := bob.history(bobs.RoomIdentity); len(got) != 1 {
		t.Errorf("bob's room has %+v", got)
	}
	// What is too much to copy is refused, and not cut.
	var long []message
	for range 50 {
		long = append(long, alice.send(here, strings.Repeat("字", 8000)))
	}
	alice.forward("merged", []string{there}, long...).refused("invalid", "messages")
	alice.forward("each", []string{there}, long...).ok(201)
	checkSequence(t, alice.history(there), 1)
}

// A forward that is sent again with its client_id answers with the messages made then.
func TestForwardRetried(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	from, to := alice.group("from", bob), alice.group("to", bob)
	first, second := alice.send(from, "first"), alice.send(from, "second")
	made := map[string][]int64{}
	for _, mode := range []string{"each", "merged"} {
		body := fields{"messages": []int64{first.Identity, second.Identity}, "rooms": []string{to}, "mode": mode, "client_id": strings.Repeat("c", 60) + mode[:4]}
		items := into[forwarded](alice.post("/messages/forward", body).ok(201)).Items
		again := into[forwarded](alice.post("/messages/forward", body).ok(201)).Items
		made[mode] = identities(items)
		if fmt.Sprint(made[mode]) != fmt.Sprint(identities(again)) || len(items) == 0 {
			t.Errorf("%s: made %v, then %v", mode, made[mode], identities(again))
		}
	}
	if got := alice.history(to); len(got) != 3 {
		t.Errorf("there stand %+v", got)
	}
	// So it does where what was forwarded has been recalled since; but not to who has left.
	bob.post("/messages/forward", fields{"messages": []int64{first.Identity}, "rooms": []string{to}, "client_id": "bob's"}).ok(201)
	alice.post(first.path()+"/recall", nil).ok(200)
	for _, mode := range []string{"each", "merged"} {
		body := fields{"messages": []int64{first.Identity, second.Identity}, "rooms": []string{to}, "mode": mode, "client_id": strings.Repeat("c", 60) + mode[:4]}
		if again := into[forwarded](alice.post("/messages/forward", body).ok(201)).Items; fmt.Sprint(identities(again)) != fmt.Sprint(made[mode]) {
			t.Errorf("%s: made %v, after the recall %v", mode, made[mode], identities(again))
		}
		body["client_id"] = "another"
		alice.post("/messages/forward", body).refused("gone")
	}
	bob.delete("/rooms/"+to+"/members/"+bob.identity, nil).ok(204)
	bob.post("/messages/forward", fields{"messages": []int64{first.Identity}, "rooms": []string{to}, "client_id": "bob's"}).refused("not_found")
}

func identities(messages []message) (all []int64) {
	for _, m := range messages {
		all = append(all, m.Identity)
	}
	return all
}
