package router_test

import (
	"fmt"
	"testing"
)

// A message may say that its data is JSON: readers are told so until it is edited.
func TestFormat(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room, other := alice.roomWith(bob), alice.group("other")
	bobs := bob.socket()
	on := "/rooms/" + room + "/messages"
	for _, broken := range []string{`{`, `{} {}`, `x`, ` `} {
		alice.post(on, fields{"data": broken, "format": "json"}).refused("invalid", "data")
	}
	alice.post(on, fields{"data": "<p>", "format": "html"}).refused("invalid", "format")

	const card = `{"card": [1, 2.50]}`
	said := into[message](alice.post(on, fields{"data": card, "format": "json"}).ok(201))
	for who, m := range map[string]message{
		"the sender": said, "the other's socket": heard[message](bobs, "message.new"), "history": bob.history(room)[0], "the room": *bob.room(room).LastMessage,
	} {
		if m.Data != card || m.Format != "json" {
			t.Errorf("%s has %q of format %q", who, m.Data, m.Format)
		}
	}
	repeated := into[forwarded](alice.post("/messages/forward", fields{"messages": []int64{said.Identity}, "rooms": []string{other}}).ok(201)).Items[0]
	if repeated.Data != card || repeated.Format != "json" {
		t.Errorf("forwarded as %q of format %q", repeated.Data, repeated.Format)
	}
	edited := into[message](alice.patch(fmt.Sprint("/messages/", said.Identity), fields{"data": "words"}).ok(200))
	if edited.Format != "" || bob.history(room)[0].Format != "" || bob.room(room).LastMessage.Format != "" {
		t.Errorf("edited, it is still of format %q", edited.Format)
	}
	alice.post(fmt.Sprint("/messages/", repeated.Identity, "/recall"), nil).ok(200)
	if last := alice.room(other).LastMessage; last.Format != "" || last.Data != "" {
		t.Errorf("recalled, it is %+v", last)
	}
	if plain := alice.send(room, card); plain.Format != "" {
		t.Errorf("text is of format %q", plain.Format)
	}
}
