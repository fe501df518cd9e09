package router_test

import (
	"context"
	"net/http"
	"testing"

	"parlor/define"
)

// What is said in a recording is asked for once and kept with its message, for all who may read that.
func TestTranscription(t *testing.T) {
	t.Parallel()
	s, words := newWordsServer(t, func(*define.Config) {})
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	said := alice.say(room, "hello")
	if said.Type != "audio" {
		t.Fatalf("a recording was sent as %+v", said)
	}
	want := transcription{Text: "hello", Language: "en"}
	for _, reader := range []*user{bob, alice, bob} {
		if got := into[transcription](reader.transcribe(said).ok(200)); got != want {
			t.Errorf("%s reads %+v", reader.account, got)
		}
	}
	if n := words.times("hello"); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
	if m := into[message](bob.get(said.path()).ok(200)); !equalMessages(m, said) {
		t.Errorf("the message has changed to %+v", m)
	}
	silence := alice.say(room, "")
	for range 2 {
		if got := into[transcription](bob.transcribe(silence).ok(200)); got.Text != "" {
			t.Errorf("silence says %q", got.Text)
		}
	}
	if n := words.times(""); n != 1 {
		t.Errorf("of silence the provider was asked %d times", n)
	}
}

func TestTranscriptionIsRefused(t *testing.T) {
	t.Parallel()
	s, words := newWordsServer(t, func(*define.Config) {})
	alice, bob := s.friends("alice", "bob")
	eve := s.user("eve")
	group := alice.group("quiet", bob)
	said := alice.say(group, "not for eve")
	bob.transcribe(alice.send(group, "written")).refused("invalid", "message")
	bob.transcribe(alice.sendFile(group, alice.upload("a.png", pngBytes(picture(2, 2))), "")).refused("invalid", "message")
	bob.transcribe(alice.sendFile(group, alice.upload("a.txt", []byte("not a sound")), "")).refused("invalid", "message")
	bob.transcribe(message{Identity: 1 << 52}).refused("not_found")
	bob.post("/messages/x/transcription", nil).refused("not_found")
	eve.transcribe(said).refused("not_found")

	bob.patch("/rooms/"+group+"/me", fields{"locked": true}).ok(200)
	bob.transcribe(said).refused("locked")
	bob.post("/rooms/"+group+"/unlock", fields{"password": password}).ok(204)
	deleted := alice.say(group, "deleted")
	bob.delete(deleted.path(), nil).ok(204)
	bob.transcribe(deleted).refused("not_found")
	cleared := alice.say(group, "cleared")
	bob.delete("/rooms/"+group+"/messages", nil).ok(204)
	bob.transcribe(cleared).refused("not_found")
	bob.delete("/rooms/"+group+"/members/"+bob.identity, nil).ok(204)
	bob.transcribe(said).refused("not_found")
	recalled := alice.say(group, "recalled")
	alice.post(recalled.path()+"/recall", nil).ok(200)
	alice.transcribe(recalled).refused("gone")
	for _, text := range []string{"not for eve", "deleted", "cleared", "recalled"} {
		if words.times(text) > 0 {
			t.Errorf("%q was sent to the provider", text)
		}
	}
}

// Whoever asks while the provider is at work gets its answer as well, also where the first one has gone away.
func TestTranscriptionTogether(t *testing.T) {
	t.Parallel()
	s, words := newWordsServer(t, func(*define.Config) {})
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	said := alice.say(room, "once")
	held := words.hold()
	answers := make([]*answer, 8)
	ctx, hangUp := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		request, err := http.NewRequestWithContext(ctx, "POST", s.url+"/api/v1"+said.path()+"/transcription", nil)
		if err == nil {
			request.Header.Set("Authorization", "Bearer "+alice.token)
			_, err = s.client.Do(request)
		}
		gone <- err
	}()
	<-held.arrived
	hangUp()
	if err := <-gone; err == nil {
		t.Error("who has hung up got an answer")
	}
	together(len(answers)+1, func(i int) {
		if i < len(answers) {
			answers[i] = bob.transcribe(said)
			return
		}
		for range 30 { // until the others wait, or most of them
			alice.get("/users/me")
		}
		close(held.open)
	})
	for _, a := range answers {
		if got := into[transcription](a.ok(200)); got.Text != "once" {
			t.Errorf("got %+v", got)
		}
	}
	if n := words.times("once"); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
}

// Nothing of a recalled recording is left, were it transcribed, translated, or just being transcribed.
func TestRecallTakesTheTranscriptionAlong(t *testing.T) {
	t.Parallel()
	s, words := newWordsServer(t, func(*define.Config) {})
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	database := s.openDatabase()
	said := alice.say(room, "regret-before")
	bob.transcribe(said).ok(200)
	if got := into[translation](bob.translateMessage(said, "es").ok(200)); got != (translation{"es:regret-before", "en", "es"}) {
		t.Errorf("translated %+v", got)
	}
	if places := placesOf(t, database, "regret-before"); len(places) < 2 {
		t.Errorf("before the recall it is in %q", places)
	}
	alice.post(said.path()+"/recall", nil).ok(200)

	meanwhile := alice.say(room, "regret-meanwhile")
	held := words.hold()
	late := make(chan *answer)
	go func() { late <- bob.transcribe(meanwhile) }()
	<-held.arrived
	alice.post(meanwhile.path()+"/recall", nil).ok(200)
	close(held.open)
	(<-late).refused("gone")
	for _, text := range []string{"regret-before", "regret-meanwhile"} {
		if places := placesOf(t, database, text); len(places) > 0 {
			t.Errorf("%s is still in %q", text, places)
		}
	}
	bob.translateMessage(said, "es").refused("gone")
}

// A provider that fails is not asked again by itself, and nothing is kept of its failure.
func TestTranscriptionFails(t *testing.T) {
	t.Parallel()
	s, words := newWordsServer(t, func(*define.Config) {})
	alice, bob := s.friends("alice", "bob")
	said := alice.say(alice.roomWith(bob), "at last")
	words.fail(true)
	a := bob.transcribe(said)
	a.refused("unavailable")
	if a.header.Get("Retry-After") == "" || words.times("at last") != 1 {
		t.Errorf("the provider was asked %d times, and the answer says %v", words.times("at last"), a.header)
	}
	words.fail(false)
	if got := into[transcription](bob.transcribe(said).ok(200)); got.Text != "at last" {
		t.Errorf("got %+v", got)
	}
}

// Without providers both are refused as that, and what needs none is answered.
func TestNoProviders(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(*define.Config) {})
	alice, bob := s.friends("alice", "bob")
	room := alice.roomWith(bob)
	said := alice.say(room, "unheard")
	if r := bob.transcribe(said).refused("unavailable"); r.Message != define.ErrNoSpeech.Text.En {
		t.Errorf("told %q", r.Message)
	}
	if r := bob.translate("hello", "", "es").refused("unavailable"); r.Message != define.ErrNoTranslation.Text.En {
		t.Errorf("told %q", r.Message)
	}
	bob.translateMessage(alice.send(room, "hello"), "es").refused("unavailable")
	if got := into[translation](bob.translate("hello", "en", "en").ok(200)); got != (translation{"hello", "en", "en"}) {
		t.Errorf("got %+v", got)
	}
	bob.translate("hello", "", "klingon").refused("invalid", "to")
}
