package router_test

import (
	"fmt"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// gathering is a group of the native visitor's, with one person on each way in.
type gathering struct {
	*server
	owner  *nativeVisitor
	others []visitor // on the faces
	room   roomView
	heard  []message // what the owner was told of, in order
}

func (s *server) gathering() *gathering {
	s.t.Helper()
	all := []visitor{}
	for _, register := range waysIn {
		all = append(all, register(s))
	}
	g := &gathering{server: s, owner: all[0].(*nativeVisitor), others: all[1:]}
	identities := []string{}
	for _, v := range g.others {
		g.owner.befriend(v.known())
		identities = append(identities, v.known().identity)
	}
	g.room = into[room](g.owner.post("/rooms", fields{"name": "all ways", "members": identities, "history": "all"}).ok(201))
	for _, v := range all {
		v.opens(g.room)
	}
	return g
}

// listen takes in what the owner is told, up to the last message of the room, and returns all of it.
func (g *gathering) listen() []message {
	g.t.Helper()
	for last := g.owner.room(g.room.Identity).LastSeq; int64(len(g.heard)) < last; {
		g.heard = append(g.heard, g.owner.next())
	}
	return g.heard
}

// checkHeard fails the test unless a visitor hears just this, in this order.
func checkHeard(t *testing.T, v visitor, all []message) {
	t.Helper()
	for i, m := range all {
		want, told := v.told(m)
		if !told {
			continue
		}
		if got := v.hears(); got != want {
			t.Fatalf("message %d, %+v: %s heard %+v, want %+v", i, m, v.way(), got, want)
		}
	}
}

// checkLists fails the test unless a visitor's list shows the room as it is.
func (g *gathering) checkLists(v visitor, now []message) {
	g.t.Helper()
	var want []sight
	for _, m := range now {
		if s, shown := v.listed(m); shown {
			want = append(want, s)
		}
	}
	got := v.lists(g.room)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			g.t.Errorf("%s lists %d messages, want %d; they differ from %d on: %+v, want %+v", v.way(), len(got), len(want), i, got[min(i, len(got)):min(i+3, len(got))], want[min(i, len(want)):min(i+3, len(want))])
			return
		}
	}
}

// stored returns what the database has of the room: numbers without a gap, each with the identity of its message.
func (g *gathering) stored(database *mongo.Database) (all []stored) {
	g.t.Helper()
	cursor, err := database.Collection("message").Find(g.t.Context(), bson.D{{Key: "room_identity", Value: g.room.Identity}}, options.Find().SetSort(bson.D{{Key: "seq", Value: 1}}))
	must(g.t, err)
	must(g.t, cursor.All(g.t.Context(), &all))
	for i, m := range all {
		if m.Seq != int64(i+1) {
			g.t.Fatalf("message %d has the number %d", i, m.Seq)
		}
	}
	return all
}

// One person on each way in: all write at once, in all the ways that their clients have. Each hears everything that his
// client can show, in the order of the database, and lists the same afterwards.
func TestMixedRoom(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	g := s.gathering()
	everybody := append([]visitor{g.owner}, g.others...)
	const texts, acts = 12, 10
	mark := "withdrawn" + s.suffix()
	together(len(everybody), func(i int) {
		v := everybody[i]
		for n := range texts {
			v.says(g.room, fmt.Sprintf("%s says %d", v.way(), n))
		}
		for n := range acts {
			v.does(n, g.room, mark)
		}
	})
	g.settles()
	all := g.listen()
	database := s.openDatabase()
	rows := g.stored(database)
	if len(rows) != len(g.heard) {
		t.Fatalf("the owner heard of %d messages, the database has %d", len(g.heard), len(rows))
	}
	for i, m := range g.heard {
		if m.Identity != rows[i].Identity || m.Seq != rows[i].Seq {
			t.Fatalf("the owner heard %+v, the database has %+v", m, rows[i])
		}
	}
	for _, v := range g.others {
		checkHeard(t, v, all)
	}
	end := []message{g.owner.send(g.room.Identity, "the end")}
	for _, v := range everybody {
		checkHeard(t, v, end) // and nothing came before
	}
	now := g.owner.history(g.room.Identity)
	for _, v := range everybody {
		g.checkLists(v, now)
	}
	rows = g.stored(database)
	for i, m := range now {
		if m.Data != rows[i].Data && m.RecalledAt == 0 {
			t.Errorf("message %d is listed as %q, the database has %q", i, m.Data, rows[i].Data)
		}
	}
	g.checkRecalled(mark, database)
}

// settles waits until what was sent over sockets without an answer is stored.
func (g *gathering) settles() {
	g.t.Helper()
	for _, v := range g.others {
		if v.way() == "classic" || v.way() == "usersig" {
			v.says(g.room, "the last of "+v.way())
		}
	}
	for waiting := 2; waiting > 0; {
		m := g.owner.next()
		g.heard = append(g.heard, m)
		if m.Data == "the last of classic" || m.Data == "the last of usersig" {
			waiting--
		}
	}
}

// checkRecalled fails the test where what was recalled is found by any way in, or anywhere in the database.
func (g *gathering) checkRecalled(mark string, database *mongo.Database) {
	g.t.Helper()
	found := into[list[message]](g.owner.get("/search/messages?q=" + mark).ok(200)).Items
	cotalk := g.others[0].(*cotalkVisitor)
	if shown := cotalk.messages(g.room.Number, "&filter_text="+mark); len(found)+len(shown) > 0 {
		g.t.Errorf("what was recalled is found: %+v, %v", found, shown)
	}
	if places := placesOf(g.t, database, mark); len(places) > 0 {
		g.t.Errorf("what was recalled is in %q", places)
	}
}

// While everybody writes, the group gets another name, somebody comes, two are removed and one leaves. Who has gone has
// heard everything up to a moment before, in order, and nothing after it.
func TestMixedRoomComingAndGoing(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	g := s.gathering()
	cotalk, instant, classic, usersig := g.others[0].(*cotalkVisitor), g.others[1].(*instantVisitor), g.others[2].(*classicVisitor), g.others[3].(*usersigVisitor)
	on := "/rooms/" + g.room.Identity
	g.owner.put(on+"/members/"+instant.known().identity+"/role", fields{"role": "admin"}).ok(200)
	newcomer := &nativeVisitor{user: s.user("newcomer")}
	g.owner.befriend(newcomer.user)
	newcomer.opens(g.room)
	private := map[string]roomView{}
	for _, v := range g.others {
		private[v.way()] = g.owner.room(g.owner.roomWith(v.known()))
	}
	const texts = 30
	together(3, func(i int) {
		for n := range texts {
			switch i {
			case 0:
				g.owner.says(g.room, fmt.Sprint("the owner says ", n))
				switch n {
				case 5:
					g.owner.patch(on, fields{"name": "other ways"}).ok(200)
				case 10:
					g.owner.post(on+"/members", fields{"members": []string{newcomer.identity}}).ok(200)
				case 20:
					g.owner.delete(on+"/members/"+classic.identity, nil).ok(204)
				}
			case 1:
				instant.says(g.room, fmt.Sprint("instant says ", n))
				if n == 15 {
					instant.frame("remove_group_member", fields{"chatroom_id": g.room.Number, "member_name": usersig.id})
					instant.voice.until("remove_group_member")
				}
			case 2:
				if n < 12 {
					cotalk.says(g.room, fmt.Sprint("cotalk says ", n))
				}
				if n == 12 {
					cotalk.ask("DELETE", cotalk.own("/chats"), fields{"chat_id": g.room.Number}).ok()
				}
			}
		}
	})
	after := g.owner.send(g.room.Identity, "among those who are left")
	all := g.listen()
	rows := g.stored(s.openDatabase())
	for i, m := range g.heard {
		if m.Identity != rows[i].Identity {
			t.Fatalf("the owner heard %+v, the database has %+v", m, rows[i])
		}
	}
	checkHeard(t, instant, all)
	came := slices.IndexFunc(all, func(m message) bool { return happens(m, "member.joined", newcomer.identity) })
	if came < 0 {
		t.Fatal("nobody has come")
	}
	first := newcomer.hears().id // he may hear of what is said while the others are being told of him
	from := slices.IndexFunc(all, func(m message) bool { return m.Identity == first })
	if from < 0 || from > came {
		t.Fatalf("the newcomer heard message %d first, he came in with message %d", from, came)
	}
	checkHeard(t, newcomer, all[from+1:])
	for _, v := range []visitor{instant, newcomer} {
		g.checkLists(v, g.owner.history(g.room.Identity))
	}
	for _, v := range []visitor{cotalk, classic, usersig} {
		gone := slices.IndexFunc(all, func(m message) bool { return happens(m, "member.left", v.known().identity) })
		if gone < 0 {
			t.Fatalf("%s has not gone", v.way())
		}
		g.checkGone(v, all[:gone+1], g.owner.send(private[v.way()].Identity, "to you alone"))
		if list := v.(interface{ reads(roomView) string }).reads(g.room); list != "" {
			t.Errorf("%s has gone, and lists %s", v.way(), list)
		}
	}
	if after.Seq != int64(len(g.heard)) {
		t.Errorf("the last message is %+v of %d", after, len(g.heard))
	}
}

// happens reports whether a message of the system tells this of somebody.
func happens(m message, event, user string) bool {
	var what struct {
		Event string   `json:"event"`
		Users []string `json:"users"`
	}
	return m.Type == "system" && jsonInto(m.Data, &what) && what.Event == event && slices.Contains(what.Users, user)
}

// checkGone fails the test unless somebody has heard these messages but the last ones of them, in order, and then what
// was said to him elsewhere.
func (g *gathering) checkGone(v visitor, before []message, elsewhere message) {
	g.t.Helper()
	var want []sight
	for _, m := range before {
		if s, told := v.told(m); told {
			want = append(want, s)
		}
	}
	end, _ := v.told(elsewhere)
	for i := 0; ; i++ {
		got := v.hears()
		if got == end {
			if i < len(want)/2 {
				g.t.Errorf("%s heard only %d of %d before he went", v.way(), i, len(want))
			}
			return
		}
		if i >= len(want) || got != want[i] {
			g.t.Fatalf("%s heard %+v as the %dth of %d before he went", v.way(), got, i, len(want))
		}
	}
}

// reads returns what somebody who is not in a room gets of its history, empty where that is nothing.
func (v *cotalkVisitor) reads(in roomView) string {
	if a := v.ask("GET", chatPath(in.Number, "/messages")+v.me(), nil); a.status != 401 {
		return string(a.raw)
	}
	return ""
}

func (v *classicVisitor) reads(in roomView) string {
	if a := v.ask("GET", "/chat/list?room_identity="+in.Identity, nil); a.body != `{"status":"error","msg":"非法访问"}` {
		return a.body
	}
	return ""
}

func (v *usersigVisitor) reads(in roomView) string {
	if all := v.logs(in); len(all) > 0 {
		return fmt.Sprint(all)
	}
	return ""
}
