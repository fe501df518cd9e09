package router_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/define"
)

func (m message) path() string { return fmt.Sprint("/messages/", m.Identity) }

// A recalled text is nowhere in the database any more, nor shown on any way.
func TestRecallLeavesNothing(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("regrets", bob)
	database := s.openDatabase()
	first, second, announced := "teh-"+s.suffix(), "the-"+s.suffix(), "notice-"+s.suffix()
	said := into[message](alice.post("/rooms/"+group+"/messages", fields{
		"data": strings.Repeat("x", 90) + first, "mentions": []string{bob.identity}, "client_id": "c",
	}).ok(201))
	edited := into[message](alice.patch(said.path(), fields{"data": second}).ok(200))
	if edited.Data != second || edited.EditedAt == 0 {
		t.Errorf("edited %+v", edited)
	}
	if places := placesOf(t, database, first); len(places) > 0 {
		t.Errorf("what was said before the edit is still in %q", places)
	}
	bob.put(said.path()+"/reactions/"+url.PathEscape("👍"), nil).ok(204)
	answer := into[message](bob.post("/rooms/"+group+"/messages", fields{"data": "yes", "reply_to": said.Identity}).ok(201))
	if answer.Reply == nil || answer.Reply.Data != second || answer.Reply.Sender.Identity != alice.identity || answer.Reply.Seq != said.Seq {
		t.Errorf("the quote is %+v", answer.Reply)
	}
	if places := placesOf(t, database, second); !slices.Equal(places, []string{"message"}) {
		t.Errorf("before the recall it is in %q", places)
	}
	alices, bobs := alice.socket(), bob.socket()
	left := into[message](alice.post(said.path()+"/recall", nil).ok(200))
	want := message{Identity: said.Identity, RoomIdentity: group, Seq: said.Seq, Sender: said.Sender, RecalledAt: left.RecalledAt, RecalledBy: alice.identity}
	if !equalMessages(left, want) || left.RecalledAt == 0 {
		t.Errorf("of the message is left %+v", left)
	}
	for _, socket := range []*socket{alices, bobs} {
		if got := heard[message](socket, "message.recalled"); !equalMessages(got, want) {
			t.Errorf("%s heard %+v", socket.account, got)
		}
		socket.quiet()
	}
	if again := into[message](alice.post(said.path()+"/recall", nil).ok(200)); !equalMessages(again, want) {
		t.Errorf("recalled again %+v", again)
	}
	alices.quiet() // the second time nobody is told
	for _, reader := range []*user{alice, bob} {
		if got := reader.history(group); !equalMessages(got[0], want) || got[1].Reply == nil || got[1].Reply.Data != "" || got[1].Reply.RecalledAt != left.RecalledAt {
			t.Errorf("%s reads %+v", reader.account, got)
		}
	}
	if places := placesOf(t, database, second); len(places) > 0 {
		t.Errorf("after the recall it is still in %q", places)
	}

	// The same where it is the newest message of the room, and where it was announced.
	last := alice.send(group, second)
	if places := placesOf(t, database, second); !slices.Equal(slices.Sorted(slices.Values(places)), []string{"message", "room"}) {
		t.Errorf("a new one is in %q", places)
	}
	alice.post(last.path()+"/recall", nil).ok(200)
	if m := bob.room(group).LastMessage; m == nil || m.Identity != last.Identity || m.Data != "" || m.RecalledAt == 0 {
		t.Errorf("the last message is %+v", m)
	}
	notice := into[announcement](alice.post("/rooms/"+group+"/announcements", fields{"content": announced}).ok(201))
	alice.delete("/rooms/"+group+"/announcements/"+notice.Identity, nil).ok(204)
	for _, text := range []string{second, announced} {
		if places := placesOf(t, database, text); len(places) > 0 {
			t.Errorf("%s is still in %q", text, places)
		}
	}
	alice.patch(said.path(), fields{"data": "x"}).refused("gone")
	bob.put(said.path()+"/reactions/"+url.PathEscape("👍"), nil).refused("gone")
	bob.post("/rooms/"+group+"/messages", fields{"data": "x", "reply_to": said.Identity}).refused("gone")
	bob.post("/messages/forward", fields{"messages": []int64{said.Identity}, "rooms": []string{group}}).refused("gone")
}

// Senders change and recall for as long as the configuration says; owners and admins recall at any time.
func TestWindows(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Message.EditWindow, c.Message.RecallWindow = 2*time.Hour, time.Hour })
	messages := s.openDatabase().Collection("message")
	owner, admin := s.friends("owner", "admin")
	bob := s.user("bob")
	owner.befriend(bob)
	group := owner.group("windows", admin, bob)
	owner.put("/rooms/"+group+"/members/"+admin.identity+"/role", fields{"role": "admin"}).ok(200)
	private := owner.roomWith(bob)
	old := func(by *user, room string, age time.Duration) message {
		m := by.send(room, "aged")
		set(t, messages, bson.D{{Key: "_id", Value: m.Identity}}, bson.D{{Key: "created_at", Value: time.Now().Add(-age).UnixMilli()}})
		return m
	}
	const young, late, later = 55 * time.Minute, 65 * time.Minute, 125 * time.Minute
	for _, test := range []struct {
		name   string
		said   message
		edit   string // what a late edit by its sender answers
		recall map[*user]string
	}{
		{"a member's", old(bob, group, young), "", map[*user]string{bob: ""}},
		{"a member's, late", old(bob, group, late), "", map[*user]string{bob: "gone", admin: ""}},
		{"a member's, later", old(bob, group, later), "gone", map[*user]string{bob: "gone", owner: ""}},
		{"an admin's, late", old(admin, group, late), "", map[*user]string{bob: "forbidden", admin: "gone", owner: ""}},
		{"the owner's, late", old(owner, group, late), "", map[*user]string{bob: "forbidden", admin: "forbidden"}},
		{"the owner's, much later", old(owner, group, later), "gone", map[*user]string{owner: ""}},
		{"in private", old(bob, private, young), "", map[*user]string{owner: "forbidden"}},
		{"in private, late", old(bob, private, late), "", map[*user]string{bob: "gone", owner: "forbidden"}},
	} {
		for _, sender := range []*user{owner, admin, bob} {
			if sender == admin && test.said.RoomIdentity == private {
				sender.patch(test.said.path(), fields{"data": "x"}).refused("not_found")
			} else if sender.identity != test.said.Sender.Identity {
				sender.patch(test.said.path(), fields{"data": "x"}).refused("forbidden")
			} else if a := sender.patch(test.said.path(), fields{"data": "x"}); test.edit == "" {
				a.ok(200)
			} else {
				a.refused(test.edit)
			}
		}
		for _, code := range []string{"forbidden", "gone", ""} { // the one who may comes last
			for who, want := range test.recall {
				if want != code {
					continue
				}
				if a := who.post(test.said.path()+"/recall", nil); code == "" {
					a.ok(200)
				} else if a.status != statusOf[code] {
					t.Errorf("%s, recalled by %s: %d %s, want %s", test.name, who.account, a.status, a.body, code)
				}
			}
		}
	}
}

// Recalling and editing at the same moment end the same for everybody: recalled.
func TestRecallAndEditTogether(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("at once", bob)
	database := s.openDatabase()
	for round := range 10 {
		text := fmt.Sprintf("edit-%d-%s", round, s.suffix())
		said := bob.send(group, text)
		answers := make([]*answer, 6)
		together(len(answers), func(i int) {
			switch i {
			case 0:
				answers[i] = alice.post(said.path()+"/recall", nil)
			case 1:
				answers[i] = bob.post(said.path()+"/recall", nil)
			case 2:
				answers[i] = alice.put(said.path()+"/reactions/"+url.PathEscape("👍"), nil)
			default:
				answers[i] = bob.patch(said.path(), fields{"data": fmt.Sprint(text, " ", i)})
			}
		})
		for i, a := range answers {
			if a.status >= 400 && (i < 2 || a.status != 410) {
				t.Errorf("%s: %d %s", a.call, a.status, a.body)
			}
		}
		if places := placesOf(t, database, text); len(places) > 0 {
			t.Fatalf("round %d: it is still in %q", round, places)
		}
		if m := into[message](bob.get(said.path()).ok(200)); m.RecalledAt == 0 {
			t.Errorf("round %d: %+v", round, m)
		}
	}
}

// A message that is recalled while it is being sent, by a client that sees it in the history before its sender has an
// answer, does not come back as the room's last one.
func TestRecallWhileSending(t *testing.T) {
	t.Parallel()
	s := sharedServer(t)
	alice, bob := s.friends("alice", "bob")
	group := alice.group("quick", bob)
	database := s.openDatabase()
	text := "quick-" + s.suffix()
	const total = 60
	together(2, func(i int) {
		if i == 0 {
			for n := range total {
				bob.post("/rooms/"+group+"/messages", fields{"data": fmt.Sprint(text, n)})
			}
			return
		}
		for after := int64(0); after < total; {
			a := alice.get(fmt.Sprintf("/rooms/%s/messages?after_seq=%d", group, after))
			if a.status != 200 {
				return // what is missing shows below
			}
			for _, m := range into[list[message]](a).Items {
				alice.post(m.path()+"/recall", nil)
				after = m.Seq
			}
		}
	})
	if places := placesOf(t, database, text); len(places) > 0 {
		t.Errorf("it is still in %q", places)
	}
}
