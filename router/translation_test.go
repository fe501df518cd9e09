package router_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/define"
)

// A text is translated once into a language, whoever asks for it and wherever it stands.
func TestTranslation(t *testing.T) {
	t.Parallel()
	s, words := newWordsServer(t, func(*define.Config) {})
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	said := alice.send(room, "good morning")
	want := translation{"es:good morning", "en", "es"}
	for _, a := range []*answer{bob.translate("good morning", "", "es"), bob.translateMessage(said, "es"), alice.translateMessage(said, "ES"), alice.translate("good morning", "", "es")} {
		if got := into[translation](a.ok(200)); got != want {
			t.Errorf("%s: got %+v", a.call, got)
		}
	}
	if n := words.times("good morning"); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
	if got := into[translation](bob.translate("good morning", "en", "zh").ok(200)); got != (translation{"zh:good morning", "en", "zh"}) {
		t.Errorf("got %+v", got)
	}
	if got := into[translation](bob.post(said.path()+"/translation", fields{"to": "zh", "from": "es"}).ok(200)); got != (translation{"zh:good morning", "es", "zh"}) {
		t.Errorf("got %+v", got)
	}
	if n := words.times("good morning"); n != 3 {
		t.Errorf("for other languages the provider was asked %d times", n)
	}
	if got := into[translation](bob.translate("  left as it is\n", "en", "en").ok(200)); got != (translation{"  left as it is\n", "en", "en"}) || words.times("  left as it is\n") > 0 {
		t.Errorf("got %+v", got)
	}
	caption := alice.sendFile(room, alice.upload("voice.wav", saying("spoken")), "written below")
	bob.transcribe(caption).ok(200)
	if got := into[translation](bob.translateMessage(caption, "es").ok(200)); got.Text != "es:written below" {
		t.Errorf("of a caption: %+v", got)
	}
	long := strings.Repeat("长", 8000)
	if got := into[translation](bob.translate(long, "zh", "es").ok(200)); got.Text != "es:"+long {
		t.Errorf("of a long text came %d bytes", len(got.Text))
	}
}

func TestTranslationIsRefused(t *testing.T) {
	t.Parallel()
	s, words := newWordsServer(t, func(*define.Config) {})
	alice, bob := s.friends("alice", "bob")
	eve := s.user("eve")
	group := alice.group("quiet", bob)
	said := alice.send(group, "not for eve")
	for _, test := range []struct {
		body   any
		fields []string
	}{
		{fields{}, []string{"text", "to"}},
		{fields{"text": "", "to": "es"}, []string{"text"}},
		{fields{"text": " \n", "to": "es"}, []string{"text"}},
		{fields{"text": strings.Repeat("x", 8001), "to": "es"}, []string{"text"}},
		{fields{"text": "hello", "to": "klingon", "from": "und"}, []string{"from", "to"}},
		{fields{"text": "hello", "to": "sw"}, []string{"to"}},
		{fields{"text": "hello", "to": "en", "from": "sw"}, []string{"from"}},
		{fields{"text": "hello", "to": "es", "language": "en"}, []string{"language"}},
	} {
		bob.post("/translations", test.body).refused("invalid", test.fields...)
	}
	bob.post(said.path()+"/translation", nil).refused("invalid", "to")
	bob.post(said.path()+"/translation", fields{"to": "es", "text": "x"}).refused("invalid", "text")
	eve.translateMessage(said, "es").refused("not_found")
	bob.translateMessage(message{Identity: 1 << 52}, "es").refused("not_found")
	bob.patch("/rooms/"+group+"/me", fields{"locked": true}).ok(200)
	bob.translateMessage(said, "es").refused("locked")
	bob.post("/rooms/"+group+"/unlock", fields{"password": password}).ok(204)

	bob.translateMessage(alice.say(group, "not transcribed yet"), "es").refused("invalid", "message")
	merged := into[forwarded](alice.post("/messages/forward", fields{"messages": []int64{said.Identity}, "rooms": []string{group}, "mode": "merged"}).ok(201))
	bob.translateMessage(merged.Items[0], "es").refused("invalid", "message")
	alice.post("/rooms/"+group+"/members", fields{"members": []string{}}).refused("invalid", "members")
	alice.patch("/rooms/"+group, fields{"name": "renamed"}).ok(200)
	history := alice.history(group)
	bob.translateMessage(history[len(history)-1], "es").refused("invalid", "message") // the server's own
	alice.post(said.path()+"/recall", nil).ok(200)
	bob.translateMessage(said, "es").refused("gone")
	if n := words.times("not for eve"); n > 0 {
		t.Errorf("the provider was asked %d times", n)
	}
	words.fail(true)
	bob.translate("fails", "", "es").refused("unavailable")
	words.fail(false)
	bob.translate("fails", "", "es").ok(200)
}

// The translations of a text go with it, also those that are made while it goes.
func TestTranslationsAreForgotten(t *testing.T) {
	t.Parallel()
	s, words := newWordsServer(t, func(*define.Config) {})
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	database := s.openDatabase()
	said := alice.send(room, "forget-first")
	bob.translateMessage(said, "es").ok(200)
	bob.translate("forget-first", "en", "zh").ok(200)
	if places := placesOf(t, database, "forget-first"); !slices.Contains(places, "translation") {
		t.Errorf("the translations are in %q", places)
	}
	alice.patch(said.path(), fields{"data": "forget-second"}).ok(200)
	bob.translateMessage(said, "zh").ok(200)
	alice.post(said.path()+"/recall", nil).ok(200)

	for _, change := range []string{"recall", "edit"} {
		text := "forget-during-" + change
		meanwhile := alice.send(room, text)
		held := words.hold()
		late := make(chan *answer)
		go func() { late <- bob.translateMessage(meanwhile, "es") }()
		<-held.arrived
		if change == "edit" {
			alice.patch(meanwhile.path(), fields{"data": "better"}).ok(200)
		} else {
			alice.post(meanwhile.path()+"/recall", nil).ok(200)
		}
		close(held.open)
		if a := <-late; change == "edit" {
			a.ok(200)
		} else {
			a.refused("gone")
		}
	}
	for _, text := range []string{"forget-first", "forget-second", "forget-during-recall", "forget-during-edit"} {
		if places := placesOf(t, database, text); len(places) > 0 {
			t.Errorf("%s is still in %q", text, places)
		}
	}
}

// A translation is kept for as long as the configuration says.
func TestTranslationCache(t *testing.T) {
	t.Parallel()
	s, words := newWordsServer(t, func(*define.Config) {})
	alice := s.user("alice")
	alice.translate("old", "en", "es").ok(200)
	cache := s.openDatabase().Collection("translation")
	set(t, cache, bson.D{}, bson.D{{Key: "expires_at", Value: time.Now().Add(-time.Minute)}})
	alice.translate("old", "en", "es").ok(200)
	alice.translate("old", "en", "es").ok(200)
	if n := words.times("old"); n != 2 {
		t.Errorf("the provider was asked %d times", n)
	}

	s, words = newWordsServer(t, func(c *define.Config) { c.Translation.Cache = 0 })
	alice = s.user("alice")
	alice.translate("never kept", "en", "es").ok(200)
	alice.translate("never kept", "en", "es").ok(200)
	if places := placesOf(t, s.openDatabase(), "never kept"); len(places) > 0 || words.times("never kept") != 2 {
		t.Errorf("it is in %q, and the provider was asked %d times", places, words.times("never kept"))
	}
}

// One user can't keep the providers to himself; what is kept already costs nothing.
func TestWordsAreLimited(t *testing.T) {
	t.Parallel()
	s, _ := newWordsServer(t, func(c *define.Config) { c.Limits.Factor = 0.1 })
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	refused := func(ask func(i int) *answer) bool {
		for i := range 8 {
			if ask(i).status == 429 {
				return true
			}
		}
		return false
	}
	var said []message
	for _, text := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		said = append(said, alice.say(room, text))
	}
	if !refused(func(i int) *answer { return alice.transcribe(said[i]) }) {
		t.Error("speech is not limited")
	}
	if !refused(func(i int) *answer { return alice.translate(strings.Repeat("x", i+1), "en", "es") }) {
		t.Error("translation is not limited")
	}
	alice.transcribe(said[0]).ok(200)
	alice.translate("x", "en", "es").ok(200)
	bob.transcribe(said[7]).ok(200)
	bob.translate("bob's", "en", "es").ok(200)
}
