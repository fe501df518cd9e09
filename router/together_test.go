package router_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const actsEach = 80

// Four people use one room at the same moment, in every way there is, while a fifth comes and goes. Then the screen of
// each, which knows only what it was told, is compared with what the server answers and with the database.
func TestManyInOneRoom(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	owner, admin := s.friends("owner", "admin")
	one, other, guest := s.user("one"), s.user("other"), s.user("guest")
	for _, u := range []*user{one, other} {
		owner.befriend(u)
	}
	made := into[room](owner.post("/rooms", fields{
		"name": "busy", "members": []string{admin.identity, one.identity, other.identity}, "join_policy": "open", "history": "all",
	}).ok(201))
	on := "/rooms/" + made.Identity
	owner.put(on+"/members/"+admin.identity+"/role", fields{"role": "admin"}).ok(200)
	people := []*user{owner, admin, one, other}
	var screens []*screen
	for _, u := range people {
		screens = append(screens, u.newScreen(made.Identity))
	}
	together(len(screens)+1, func(i int) {
		if i == len(screens) {
			for range 6 {
				guest.post("/rooms/join", fields{"number": made.Number})
				guest.post(on+"/messages", fields{"data": "hello and goodbye"})
				guest.delete(on+"/members/"+guest.identity, nil)
			}
			return
		}
		r := rand.New(rand.NewPCG(4, uint64(i)))
		for n := range actsEach {
			screens[i].act(r, n, people)
		}
	})
	// The last word of each over REST, which waits until all have been told; then what was published before is there.
	for _, u := range people {
		u.post(on+"/messages", fields{"data": "done"})
	}
	for _, screen := range screens {
		screen.settled(t)
	}
	database := s.openDatabase()
	for _, screen := range screens {
		screen.compareWithServer(t)
		screen.compareWithDatabase(t, database)
	}
}

// act does one thing at random.
func (s *screen) act(r *rand.Rand, n int, people []*user) {
	on := "/rooms/" + s.room
	var mine, all []message
	for _, m := range s.shown() {
		if m.RecalledAt == 0 && m.Type != "system" {
			all = append(all, m)
			if m.Sender.Identity == s.identity && m.Type == "text" {
				mine = append(mine, m)
			}
		}
	}
	somebody := people[r.IntN(len(people))]
	pick := func(from []message) message {
		if len(from) == 0 {
			return message{Identity: 1 << 52}
		}
		return from[max(0, len(from)-1-r.IntN(8))]
	}
	text := fmt.Sprintf("%s %d", s.account, n)
	emoji := []string{"👍", "👎", "😀"}[r.IntN(3)]
	switch r.IntN(20) {
	case 0, 1, 2:
		_, _ = s.call("message.send", fields{"room": s.room, "data": text, "client_id": fmt.Sprint(n)})
	case 3:
		s.rest("POST", on+"/messages", fields{"data": text, "mentions": []string{somebody.identity}})
	case 4:
		_, _ = s.call("message.send", fields{"room": s.room, "data": text, "mentions": []string{"all"}})
	case 5, 6:
		_, _ = s.call("message.send", fields{"room": s.room, "data": text, "reply_to": pick(all).Identity})
	case 7:
		_, _ = s.call("message.edit", fields{"message": pick(mine).Identity, "data": text + " edited"})
	case 8:
		s.rest("PATCH", pick(mine).path(), fields{"data": text + " edited"})
	case 9:
		_, _ = s.call("message.recall", fields{"message": pick(all).Identity})
	case 10:
		s.rest("POST", pick(mine).path()+"/recall", nil)
	case 11, 12:
		_, _ = s.call("message.react", fields{"message": pick(all).Identity, "emoji": emoji, "remove": r.IntN(3) == 0})
	case 13:
		s.rest("PUT", pick(all).path()+"/reactions/"+url.PathEscape(emoji), nil)
	case 14:
		_, _ = s.call("message.delete", fields{"message": pick(all).Identity})
	case 15:
		_, _ = s.call("room.read", fields{"room": s.room, "seq": max(1, pick(all).Seq)})
	case 16:
		s.rest("POST", "/messages/forward", fields{"messages": []int64{pick(all).Identity}, "rooms": []string{s.room}, "mode": []string{"each", "merged"}[r.IntN(2)]})
	case 17:
		if n%4 == 0 {
			s.rest("DELETE", on+"/messages", nil)
		} else {
			s.rest("PATCH", on+"/me", fields{"nickname": fmt.Sprint("n", n)})
		}
	case 18:
		s.rest("POST", on+"/announcements", fields{"content": text})
	case 19:
		s.rest("PUT", on+"/members/"+somebody.identity+"/silence", fields{"seconds": []int{0, 0, 3600}[r.IntN(3)]})
		s.rest("PATCH", on, fields{"name": fmt.Sprint("busy ", n)})
	}
}

func (s *screen) compareWithServer(t *testing.T) {
	t.Helper()
	shown, history := s.shown(), s.history(s.room)
	if !slices.Equal(identities(shown), identities(history)) {
		for _, m := range history {
			if !slices.Contains(identities(shown), m.Identity) {
				t.Errorf("%s does not show %+v (deleted: %v)", s.account, m, s.hidden[m.Identity])
			}
		}
		for _, m := range shown {
			if !slices.Contains(identities(history), m.Identity) {
				t.Errorf("%s shows %+v, which the history has not", s.account, m)
			}
		}
		return
	}
	for i := range shown {
		if !equalMessages(shown[i], history[i]) {
			t.Errorf("%s shows %+v (a reply to %+v)\nthe server says %+v (a reply to %+v)", s.account, shown[i], shown[i].Reply, history[i], history[i].Reply)
		}
	}
	now := s.user.room(s.room)
	unread, mentioned := s.counts()
	if now.Me.Unread != unread || now.Me.Mentioned != mentioned || now.Me.ReadSeq != s.reads[s.identity] || now.Me.ClearedSeq != s.cleared || now.Name != s.name {
		t.Errorf("%s counts %d unread and %d mentions, read to %d, cleared to %d of %q; the server says %+v of %q",
			s.account, unread, mentioned, s.reads[s.identity], s.cleared, s.name, now.Me, now.Name)
	}
	if last := shown[len(shown)-1]; now.LastMessage == nil || now.LastMessage.Identity != last.Identity || !strings.HasPrefix(last.Data, now.LastMessage.Data) {
		t.Errorf("%s shows %+v as the last, the server %+v", s.account, last, now.LastMessage)
	}
	members := map[string]member{}
	for _, m := range pages[member](s.user, "/rooms/"+s.room+"/members", "100") {
		if m.ReadSeq != s.reads[m.User.Identity] {
			t.Errorf("%s shows %s as having read to %d, the server to %d", s.account, m.User.Account, s.reads[m.User.Identity], m.ReadSeq)
		}
		members[m.User.Identity] = m.steady()
	}
	known := map[string]member{}
	for identity, m := range s.members {
		known[identity] = m.steady()
	}
	if !maps.Equal(known, members) {
		t.Errorf("%s shows the members %+v, the server %+v", s.account, known, members)
	}
	var announced []string
	for identity, a := range s.notices {
		if s.said[a.MessageIdentity].RecalledAt == 0 {
			announced = append(announced, identity)
		}
	}
	var listed []string
	for _, a := range pages[announcement](s.user, "/rooms/"+s.room+"/announcements", "100") {
		listed = append(listed, a.Identity)
	}
	slices.Sort(announced)
	slices.Sort(listed)
	if !slices.Equal(announced, listed) {
		t.Errorf("%s shows the announcements %q, the server %q", s.account, announced, listed)
	}
}

// steady is a member without what a client learns in other ways.
func (m member) steady() member {
	m.ReadSeq, m.Online = 0, false
	return m
}

// stored is what the comparison needs of a message in the database.
type stored struct {
	Identity  int64      `bson:"_id"`
	Seq       int64      `bson:"seq"`
	User      string     `bson:"user_identity"`
	Data      string     `bson:"data"`
	Reactions []reaction `bson:"reactions"`
	HiddenFor []string   `bson:"hidden_for"`
	Recalled  int64      `bson:"recalled_at"`
}

func (s *screen) compareWithDatabase(t *testing.T, database *mongo.Database) {
	t.Helper()
	var all []stored
	cursor, err := database.Collection("message").Find(t.Context(), bson.D{{Key: "room_identity", Value: s.room}}, options.Find().SetSort(bson.D{{Key: "seq", Value: 1}}))
	must(t, err)
	must(t, cursor.All(t.Context(), &all))
	shown := s.shown()
	for i, m := range all {
		if m.Seq != int64(i+1) {
			t.Fatalf("message %d has the number %d", i, m.Seq)
		}
		if m.Recalled > 0 && (m.Data != "" || len(m.Reactions) > 0) {
			t.Errorf("of a recalled message is kept %+v", m)
		}
		if m.Seq <= s.cleared || slices.Contains(m.HiddenFor, s.identity) {
			continue
		}
		if len(shown) == 0 {
			t.Fatalf("%s does not show %+v", s.account, m)
		}
		c := shown[0]
		same := slices.EqualFunc(c.Reactions, m.Reactions, func(a, b reaction) bool { return a.Emoji == b.Emoji && slices.Equal(a.Users, b.Users) })
		if !same || c.Identity != m.Identity || c.Seq != m.Seq || c.Data != m.Data || c.Sender.Identity != m.User || c.RecalledAt != m.Recalled {
			t.Fatalf("%s shows %+v, the database has %+v", s.account, c, m)
		}
		shown = shown[1:]
	}
	if len(shown) > 0 {
		t.Errorf("%s shows %+v, which the database has not", s.account, shown)
	}
	var side struct {
		ReadSeq    int64  `bson:"read_seq"`
		ClearedSeq int64  `bson:"cleared_seq"`
		Role       string `bson:"role"`
		Nickname   string `bson:"nickname"`
	}
	must(t, database.Collection("user_room").FindOne(t.Context(), bson.D{{Key: "user_identity", Value: s.identity}, {Key: "room_identity", Value: s.room}}).Decode(&side))
	if me := s.members[s.identity]; side.ReadSeq != s.reads[s.identity] || side.ClearedSeq != s.cleared || side.Role != me.Role || side.Nickname != me.Nickname {
		t.Errorf("%s shows himself as %+v, read to %d, cleared to %d; the database has %+v", s.account, me, s.reads[s.identity], s.cleared, side)
	}
}
