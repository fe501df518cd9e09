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
	"time"

	"parlor/define"
	"parlor/models"
	"parlor/service"
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

// storeMessages stores messages past the writer, and their runs where they are to be found.
func (s *server) storeMessages(messages []models.Message, runs []models.MessageRun) {
	s.t.Helper()
	pointers := make([]*models.Message, len(messages))
	for i := range messages {
		pointers[i] = &messages[i]
	}
	_, err := s.store.Messages.InsertBatch(s.t.Context(), pointers)
	must(s.t, err)
	if len(runs) > 0 {
		must(s.t, s.store.Runs.InsertMany(s.t.Context(), runs))
	}
}

// A page that would have to look at too many messages ends early, and the next one goes on: also where all of them are of
// one moment.
func TestSearchLongWay(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(*define.Config) {})
	alice := s.user("alice")
	room := alice.group("long")
	const each = 2_500
	messages := make([]models.Message, 2*each)
	var runs []models.MessageRun
	for i := range messages {
		m := &messages[i]
		at := int64(1_700_000_000_000 + i*2_000)
		if i >= each {
			at = 1_800_000_000_000
		}
		*m = models.Message{Identity: int64(i + 1), RoomIdentity: room, Seq: int64(i + 1), UserIdentity: alice.identity, Type: "text", Data: "no", CreatedAt: at, UpdatedAt: at}
		if i%(each-1) == 0 {
			m.Data = "yes?"
		}
		runs = append(runs, service.RunsOf(messages[i:i+1])...) // each by itself
	}
	s.storeMessages(messages, runs)
	for path, want := range map[string][]int64{
		"/search/messages?q=%3F":                         {2*each - 1, each, 1},
		"/rooms/" + room + "/messages?q=%3F":             {2*each - 1, each, 1},
		"/rooms/" + room + "/messages?q=%3F&after_seq=0": {1, each, 2*each - 1},
	} {
		got, short, cursor := []int64{}, 0, ""
		for range 20 {
			page := into[list[message]](alice.get(path + "&limit=2" + cursor).ok(200))
			for _, m := range page.Items {
				got = append(got, m.Seq)
			}
			if page.Next == "" {
				cursor = ""
				break
			}
			if len(page.Items) < 2 {
				short++
			}
			cursor = "&cursor=" + page.Next
		}
		if !slices.Equal(got, want) || cursor != "" || short == 0 {
			t.Errorf("%s: found %d, want %d; %d pages ended early", path, got, want, short)
		}
	}
}

// A server that was killed between storing messages and making them findable does that when it starts again, once.
func TestSearchIsRepaired(t *testing.T) {
	t.Parallel()
	config := testConfig(t.TempDir())
	var alice *user
	var room string
	for round := range 3 {
		i, err := open(config)
		must(t, err)
		s := &server{i, t}
		if round == 0 {
			alice = s.user("alice")
			room = alice.group("killed")
			for n := range 5 {
				alice.send(room, fmt.Sprint("found before ", n))
			}
			lost := make([]models.Message, 300)
			for n := range lost {
				at := time.Now().UnixMilli()
				lost[n] = models.Message{Identity: int64(100_000 + n), RoomIdentity: room, Seq: int64(6 + n), UserIdentity: alice.identity, Type: "text", Data: fmt.Sprint("lost ", n), CreatedAt: at, UpdatedAt: at}
			}
			s.storeMessages(lost, append(service.RunsOf(lost[40:70]), service.RunsOf(lost[60:90])...)) // two that overlap
		} else {
			alice = alice.on(s)
			for q, want := range map[string]int{"lost": 300, "found": 5} {
				if got := found(alice, "/search/messages?q="+q); len(got) != want {
					t.Errorf("start %d: %q finds %d messages, want %d", round, q, len(got), want)
				}
			}
			if runs, err := s.store.Runs.EndingFrom(t.Context(), room, 1, 1000); err != nil || len(runs) > 20 {
				t.Errorf("start %d: %d runs, %v", round, len(runs), err)
			}
		}
		must(t, i.close())
	}
}

// A message that was sent on one node and is changed on another at once is found by what it says then, on both.
func TestSearchOnTwoNodes(t *testing.T) {
	t.Parallel()
	one, two := twoNodes(t)
	alice := one.user("alice")
	there := alice.on(two)
	room := alice.group("both")
	const sends = 40
	edits := make([]*answer, sends)
	together(sends, func(i int) {
		sent := alice.post("/rooms/"+room+"/messages", fields{"data": "before"})
		edits[i] = there.patch(into[message](sent.ok(201)).path(), fields{"data": "afterwards"})
	})
	for _, a := range edits {
		a.ok(200)
	}
	for _, node := range []*user{alice, there} {
		if got := found(node, "/search/messages?q=terward"); len(got) != sends {
			t.Errorf("found %d of %d messages", len(got), sends)
		}
		if got := found(node, "/search/messages?q=before"); len(got) > 0 {
			t.Errorf("what was edited away is found: %q", got)
		}
	}
}
