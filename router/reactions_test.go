package router_test

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
)

func (m message) reactionPath(emoji string) string {
	return m.path() + "/reactions/" + url.PathEscape(emoji)
}

// reacted returns who has set an emoji.
func (m message) reacted(emoji string) []string {
	var all []string
	for _, r := range m.Reactions {
		if r.Emoji == emoji {
			all = append(all, r.Users...)
		}
	}
	slices.Sort(all)
	return all
}

func TestReactions(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("reactions", bob)
	said := alice.send(group, "tea?")
	alices, bobs := alice.socket(), bob.socket()
	changed := decode[message](t, "react", bobs.ok("message.react", fields{"message": said.Identity, "emoji": "👍"}))
	if !slices.Equal(changed.reacted("👍"), []string{bob.identity}) || len(changed.Reactions) != 1 {
		t.Errorf("bob has %+v", changed.Reactions)
	}
	if got := heard[message](alices, "message.reacted"); !equalMessages(got, changed) {
		t.Errorf("alice heard %+v", got)
	}
	bobs.quiet()
	alice.put(said.reactionPath("👍"), nil).ok(204)
	alice.put(said.reactionPath("👍"), nil).ok(204) // twice is once
	alice.put(said.reactionPath("❤️"), nil).ok(204)
	got := bob.history(group)[0]
	both := []string{alice.identity, bob.identity}
	slices.Sort(both)
	if !slices.Equal(got.reacted("👍"), both) || !slices.Equal(got.reacted("❤️"), []string{alice.identity}) || got.EditedAt != 0 {
		t.Errorf("the reactions are %+v", got.Reactions)
	}
	bob.delete(said.reactionPath("👍"), nil).ok(204)
	bob.delete(said.reactionPath("👍"), nil).ok(204)
	alice.delete(said.reactionPath("👍"), nil).ok(204)
	if got := bob.history(group)[0]; len(got.Reactions) != 1 || got.Reactions[0].Emoji != "❤️" {
		t.Errorf("the reactions are %+v", got.Reactions)
	}
	for _, emoji := range []string{"👍🏽", "👨‍👩‍👧‍👦", "🇩🇪", "1️⃣", "☕", "‼\ufe0f", "↔\ufe0f"} {
		bob.put(said.reactionPath(emoji), nil).ok(204)
	}
	for _, text := range []string{"a", "好", "1", "👍 👍", "👍a", "\u200b"} {
		bob.put(said.reactionPath(text), nil).refused("invalid", "emoji")
	}
	bob.put("/messages/"+fmt.Sprint(1<<50)+"/reactions/"+url.PathEscape("👍"), nil).refused("not_found")
}

// Many who set and take away emoji at the same moment each have what they did last, and no emoji stands twice.
func TestReactionsTogether(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	var others []*user
	for range 8 {
		other := s.user("other")
		alice.befriend(other)
		others = append(others, other)
	}
	group := alice.group("crowd", others...)
	said := alice.send(group, "vote")
	emoji := []string{"👍", "👎", "😀"}
	answers := make([][]*answer, len(others))
	together(len(others), func(i int) {
		for round := range 3 {
			for _, e := range emoji {
				answers[i] = append(answers[i], others[i].put(said.reactionPath(e), nil))
				if round < 2 || (i+len(e))%2 == 0 && e != "👍" {
					answers[i] = append(answers[i], others[i].delete(said.reactionPath(e), nil))
				}
			}
		}
	})
	for i := range answers {
		for _, a := range answers[i] {
			a.ok(204)
		}
	}
	got := alice.history(group)[0]
	for _, e := range emoji {
		var want []string
		for i, other := range others {
			if (i+len(e))%2 != 0 || e == "👍" {
				want = append(want, other.identity)
			}
		}
		slices.Sort(want)
		if !slices.Equal(got.reacted(e), want) {
			t.Errorf("%s: %q, want %q", e, got.reacted(e), want)
		}
	}
	if len(got.Reactions) != len(emoji) {
		t.Errorf("the reactions are %+v", got.Reactions)
	}

	// A message takes twenty different ones, however many come at once.
	crowded := alice.send(group, "choose")
	first := '😀'
	statuses := make([]int, 30)
	together(len(statuses), func(i int) {
		statuses[i] = others[i%len(others)].put(crowded.reactionPath(string(first+rune(i))), nil).status
	})
	set := 0
	for _, status := range statuses {
		switch status {
		case 204:
			set++
		case 400:
		default:
			t.Errorf("status %d", status)
		}
	}
	if got := alice.history(group)[1]; set != 20 || len(got.Reactions) != 20 {
		t.Errorf("%d were set, %d are there", set, len(got.Reactions))
	}
}
