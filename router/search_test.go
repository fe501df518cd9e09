package router_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func found(u *user, path string) []string {
	u.t.Helper()
	texts := []string{}
	for _, m := range pages[message](u, path, "2") {
		texts = append(texts, m.Data)
	}
	return texts
}

func TestSearchMessages(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	private, group := alice.roomWith(bob), alice.group("search", bob)
	alice.send(private, "Meet me at the Station, 北京西站!")
	bob.send(group, "The stationery is in the drawer")
	alice.send(group, "我在北京的火车站等你")
	alice.send(group, "pizza? ok 👍")
	other := carol.roomWith(alice)
	carol.send(other, "a station that bob must not find")

	for _, test := range []struct {
		q    string
		want []string
	}{
		{"station", []string{"The stationery is in the drawer", "Meet me at the Station, 北京西站!"}},
		{"TATIO", []string{"The stationery is in the drawer", "Meet me at the Station, 北京西站!"}},
		{"at the station", []string{"Meet me at the Station, 北京西站!"}},
		{"北京", []string{"我在北京的火车站等你", "Meet me at the Station, 北京西站!"}},
		{"站", []string{"我在北京的火车站等你", "Meet me at the Station, 北京西站!"}},
		{"火车站", []string{"我在北京的火车站等你"}},
		{"is in", []string{"The stationery is in the drawer"}},
		{"me", []string{"Meet me at the Station, 北京西站!"}},
		{"a? ok", []string{"pizza? ok 👍"}},
		{"👍", []string{"pizza? ok 👍"}},
		{"nowhere", []string{}},
	} {
		got := found(bob, "/search/messages?q="+url.QueryEscape(test.q))
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%q finds %q, want %q", test.q, got, test.want)
		}
	}
	if got := found(bob, "/search/messages?q=station&room="+private); len(got) != 1 {
		t.Errorf("in one room: %q", got)
	}
	if got := found(bob, "/rooms/"+group+"/messages?sender="+alice.identity); fmt.Sprint(got) != fmt.Sprint([]string{"pizza? ok 👍", "我在北京的火车站等你"}) {
		t.Errorf("alice said %q", got)
	}
	if got := found(bob, "/rooms/"+group+"/messages?type=text&after_seq=1"); fmt.Sprint(got) != fmt.Sprint([]string{"我在北京的火车站等你", "pizza? ok 👍"}) {
		t.Errorf("after the first: %q", got)
	}
	bob.get("/search/messages?q=station&room=" + other).refused("not_found")
	bob.get("/search/messages").refused("invalid", "q")
}

// filters are the parameters of a search or of filtered history.
type filters struct {
	q, sender string
	types     []string
	from, to  int64
	mentions  bool
}

func (f filters) query() string {
	values := url.Values{}
	if f.q != "" {
		values.Set("q", f.q)
	}
	if f.sender != "" {
		values.Set("sender", f.sender)
	}
	if len(f.types) > 0 {
		values.Set("type", strings.Join(f.types, ","))
	}
	if f.from > 0 {
		values.Set("from", fmt.Sprint(f.from))
	}
	if f.to > 0 {
		values.Set("to", fmt.Sprint(f.to))
	}
	if f.mentions {
		values.Set("mentions", "me")
	}
	return values.Encode()
}

// leaves says what api.md says of a message that is there for the user.
func (f filters) leaves(u *user, m *message) bool {
	mentioned := slices.Contains(m.Mentions, u.identity) || slices.Contains(m.Mentions, "all") && m.Sender.Identity != u.identity
	return m.RecalledAt == 0 && (f.sender == "" || m.Sender.Identity == f.sender) && (len(f.types) == 0 || slices.Contains(f.types, m.Type)) &&
		(f.from == 0 || m.CreatedAt >= f.from) && (f.to == 0 || m.CreatedAt <= f.to) && (!f.mentions || mentioned) &&
		(f.q == "" || m.Type != "system" && (says(m.Data, f.q) || copiesSay(m.Merged, f.q)))
}

func copiesSay(merged []mergedMessage, q string) bool {
	return slices.ContainsFunc(merged, func(m mergedMessage) bool { return says(m.Data, q) || copiesSay(m.Merged, q) })
}

var shortWord = regexp.MustCompile("^[a-z]{1,2}$")

// says looks for q in a text: one or two letters only at the beginning of a word.
func says(text, q string) bool {
	text, q = strings.ToLower(text), strings.ToLower(q)
	if shortWord.MatchString(q) {
		return regexp.MustCompile("(^|[^a-z])" + q).MatchString(text)
	}
	return strings.Contains(text, q)
}

// randomText is made of few words, so that a part of one text stands in others.
func randomText(random *rand.Rand) string {
	pieces := strings.Fields("ab abc bca Cab babab caba 北京 京北 站 北 京站北 👍 👍🏽 🍕 ? !")
	text := ""
	for range 1 + random.IntN(8) {
		text += pieces[random.IntN(len(pieces))] + []string{"", " ", ", "}[random.IntN(3)]
	}
	return text
}

// crossRoom is a group in which three people have said much at once, and changed some of it.
func crossRoom(random *rand.Rand, alice, bob, carol *user) string {
	alice.t.Helper()
	room := alice.group("cross", bob, carol)
	people := []*user{alice, bob, carol}
	inputs := make([]fields, 90)
	for i := range inputs {
		inputs[i] = fields{"data": randomText(random)}
		switch random.IntN(8) {
		case 0:
			inputs[i]["mentions"] = []string{alice.identity}
		case 1:
			inputs[i]["mentions"] = []string{bob.identity, carol.identity}
		case 2:
			if i%3 == 0 {
				inputs[i]["mentions"] = []string{"all"}
			}
		}
	}
	sent := make([]message, len(inputs))
	answers := make([]*answer, len(inputs))
	together(len(inputs), func(i int) { answers[i] = people[i%3].post("/rooms/"+room+"/messages", inputs[i]) })
	for i, a := range answers {
		sent[i] = into[message](a.ok(201))
	}
	alice.patch("/rooms/"+room, fields{"name": "ab 北京"}).ok(200) // a system message that must not be found by text
	for range 3 {
		some := []int64{sent[random.IntN(90)].Identity, sent[random.IntN(90)].Identity}
		bob.post("/messages/forward", fields{"messages": some, "rooms": []string{room}, "mode": "merged"}).ok(201)
		bob.post("/messages/forward", fields{"messages": some, "rooms": []string{room}}).ok(201)
	}
	together(30, func(i int) { // two messages of one run at the same moment
		switch m := sent[i]; i % 5 {
		case 0, 1, 2:
			answers[i] = people[i%3].patch(m.path(), fields{"data": inputs[89-i]["data"]})
		case 3:
			answers[i] = people[i%3].post(m.path()+"/recall", nil)
		case 4:
			answers[i] = alice.delete(m.path(), nil)
		}
	})
	for i := range 30 {
		if i%5 == 4 {
			answers[i].ok(204)
		} else {
			answers[i].ok(200)
		}
	}
	return room
}

func (f filters) random(random *rand.Rand, people []*user, all []message) filters {
	some := all[random.IntN(len(all))]
	if runes := []rune(some.Data); len(runes) > 0 && some.Type == "text" && random.IntN(4) > 0 {
		from := random.IntN(len(runes))
		f.q = string(runes[from:min(len(runes), from+1+random.IntN(6))])
	}
	if random.IntN(3) == 0 {
		f.sender = people[random.IntN(len(people))].identity
	}
	if random.IntN(3) == 0 {
		f.types = [][]string{{"text"}, {"merged"}, {"text", "merged"}, {"system", "merged"}, {"notice"}}[random.IntN(5)]
	}
	if random.IntN(4) == 0 {
		f.from = some.CreatedAt
	}
	if random.IntN(4) == 0 {
		f.to = all[random.IntN(len(all))].CreatedAt
	}
	return f
}

// Random searches and filters find what a look at every message finds, in the same order, page by page.
func TestSearchFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	random := rand.New(rand.NewPCG(7, 8))
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	people := []*user{alice, bob, carol}
	rooms := []string{crossRoom(random, alice, bob, carol), crossRoom(random, alice, bob, carol), alice.roomWith(bob)}
	for range 10 {
		alice.send(rooms[2], randomText(random))
	}
	bob.delete("/rooms/"+rooms[1]+"/messages", nil).ok(204) // cleared
	bob.send(rooms[1], "abc 北京")
	carol.delete("/users/me", fields{"password": carol.password}).ok(204)
	for _, reader := range []*user{alice, bob} {
		all := []message{}
		for _, room := range rooms {
			all = append(all, reader.history(room)...)
		}
		for range 60 {
			f := filters{}.random(random, people, all)
			limit := []string{"1", "2", "7", "100"}[random.IntN(4)]
			if f.q != "" {
				reader.checkSearch(all, "", f, limit)
				reader.checkSearch(all, rooms[random.IntN(3)], f, limit)
			}
			f.mentions = random.IntN(5) == 0
			if f.query() != "" {
				reader.checkHistory(rooms[random.IntN(3)], f, limit, random.Int64N(100))
			}
		}
	}
}

func (u *user) checkSearch(all []message, room string, f filters, limit string) {
	u.t.Helper()
	want := []message{}
	for _, m := range all {
		if (room == "" || m.RoomIdentity == room) && f.leaves(u, &m) {
			want = append(want, m)
		}
	}
	slices.SortFunc(want, func(a, b message) int {
		return -cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.Identity, b.Identity))
	})
	path := "/search/messages?" + f.query()
	if room != "" {
		path += "&room=" + room
	}
	u.checkFound(path, limit, want)
}

// checkHistory checks the filters in both directions, from both ends and from the middle.
func (u *user) checkHistory(room string, f filters, limit string, seq int64) {
	u.t.Helper()
	var below, above, want []message
	for _, m := range u.history(room) {
		if !f.leaves(u, &m) {
			continue
		}
		want = append(want, m)
		if m.Seq < seq {
			below = append(below, m)
		}
		if m.Seq > seq {
			above = append(above, m)
		}
	}
	path := "/rooms/" + room + "/messages?" + f.query()
	u.checkFound(path+"&after_seq=0", limit, want)
	slices.Reverse(want)
	u.checkFound(path, limit, want)
	u.checkFound(fmt.Sprint(path, "&after_seq=", seq), limit, above)
	slices.Reverse(below)
	u.checkFound(fmt.Sprint(path, "&before_seq=", max(1, seq)), limit, below)
}

func (u *user) checkFound(path, limit string, want []message) {
	u.t.Helper()
	got := pages[message](u, path, limit)
	if !slices.EqualFunc(got, want, equalMessages) {
		u.t.Fatalf("GET %s, %s a page: found\n%s\nwant\n%s", path, limit, short(got), short(want))
	}
}

func short(messages []message) (text string) {
	for _, m := range messages {
		text += fmt.Sprintf("%s/%d %s %q\n", m.RoomIdentity, m.Seq, m.Type, m.Data)
	}
	return text
}

// What one may not read any more, or not yet, is not found; what is said now is.
func TestSearchFindsOnlyWhatOneMayRead(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	room := alice.group("visible")
	word := "w" + s.suffix()
	path := "/search/messages?q=" + word
	find := func(u *user, want ...string) {
		t.Helper()
		if got := found(u, path); !slices.Equal(got, want) {
			t.Errorf("%s finds %q, want %q", u.account, got, want)
		}
	}
	alice.send(room, word+" before")
	alice.post("/rooms/"+room+"/members", fields{"members": []string{bob.identity}}).ok(200)
	said := alice.send(room, word+" then")
	find(alice, word+" then", word+" before")
	find(bob, word+" then")
	find(bob.login("phone"), word+" then")

	alice.patch(said.path(), fields{"data": word + " edited"}).ok(200)
	find(bob, word+" edited")
	if got := found(bob, "/search/messages?q=then"); len(got) > 0 {
		t.Errorf("what was edited away is found: %q", got)
	}
	merged := into[forwarded](alice.post("/messages/forward", fields{
		"messages": []int64{said.Identity}, "rooms": []string{room}, "mode": "merged",
	}).ok(201)).Items[0]
	find(bob, "", word+" edited")
	alice.post(said.path()+"/recall", nil).ok(200)
	find(bob, "") // the copy stays
	alice.post(merged.path()+"/recall", nil).ok(200)
	find(bob)

	last := alice.send(room, word+" last")
	bob.patch("/rooms/"+room+"/me", fields{"locked": true}).ok(200)
	find(bob)
	bob.get(path + "&room=" + room).refused("locked")
	bob.get("/rooms/" + room + "/messages?q=" + word).refused("locked")
	bob.post("/rooms/"+room+"/unlock", fields{"password": bob.password}).ok(204)
	find(bob, word+" last")
	find(bob.login("tablet")) // another session
	bob.delete(last.path(), nil).ok(204)
	find(bob)
	find(alice, word+" last", word+" before")
	alice.send(room, word+" more")
	bob.delete("/rooms/"+room+"/members/"+bob.identity, nil).ok(204)
	find(bob)
	bob.get(path + "&room=" + room).refused("not_found")
	alice.delete("/rooms/"+room, nil).ok(204)
	find(alice)
	alice.get(path + "&room=" + room).refused("gone")
}

// Whoever has his answer finds what he sent, while others are sending; so does he on another device.
func TestSearchFindsWhatWasJustSent(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice := s.user("alice")
	phone := alice.login("phone")
	room := alice.group("just now")
	finds := make([]*answer, 60)
	words := make([]string, len(finds))
	together(len(finds), func(i int) {
		words[i] = "j" + s.suffix()
		alice.ask("POST", "/rooms/"+room+"/messages", alice.token, fields{"data": words[i]})
		finds[i] = phone.get("/search/messages?q=" + words[i])
	})
	for i, a := range finds {
		if items := into[list[message]](a.ok(200)).Items; len(items) != 1 || items[0].Data != words[i] {
			t.Errorf("%s: found %s", words[i], short(items))
		}
	}
}
