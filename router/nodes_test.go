package router_test

import (
	"fmt"
	"testing"

	"parlor/define"
)

// twoNodes starts two servers on one database: the second reaches the embedded one of the first over TCP.
func twoNodes(t *testing.T) (one, two *server) {
	t.Helper()
	one = newServer(t, func(c *define.Config) { c.Embedded.Listen = "127.0.0.1:0" })
	uri := fmt.Sprintf("mongodb://%s/?directConnection=true", one.database.Addr())
	two = newServer(t, func(c *define.Config) { c.MongoDB.URI = uri })
	return one, two
}

// on is the same user with the same session, on another node.
func (u *user) on(s *server) *user {
	other := *u
	other.server = s
	return &other
}

// Two writers on one database number the messages of a room without a gap, and lose and repeat none.
func TestTwoNodesWriteIntoOneRoom(t *testing.T) {
	t.Parallel()
	one, two := twoNodes(t)
	alice := one.user("alice")
	room := alice.group("shared")
	nodes := []*user{alice, alice.on(two)}

	const sends = 400
	answers := make([]*answer, sends)
	together(sends, func(i int) {
		answers[i] = nodes[i%2].post("/rooms/"+room+"/messages", fields{"data": fmt.Sprint(i)})
	})
	said := map[int64]string{}
	for i, a := range answers {
		m := into[message](a.ok(201))
		if m.Data != fmt.Sprint(i) || said[m.Seq] != "" {
			t.Fatalf("send %d was answered by %+v", i, m)
		}
		said[m.Seq] = m.Data
	}
	for _, node := range nodes {
		history := node.history(room)
		checkSequence(t, history, 1)
		if len(history) != sends {
			t.Errorf("history holds %d messages", len(history))
		}
		for _, m := range history {
			if m.Data != said[m.Seq] {
				t.Errorf("history has %q at %d, acknowledged was %q", m.Data, m.Seq, said[m.Seq])
			}
		}
		if got := node.room(room); got.LastSeq != sends || got.Me.ReadSeq != sends {
			t.Errorf("the room is %+v", got)
		}
	}

	// The same client_id on both is still one message.
	retries := make([]*answer, 50)
	together(len(retries), func(i int) {
		retries[i] = nodes[i%2].post("/rooms/"+room+"/messages", fields{"data": "once", "client_id": "raced"})
	})
	checkOne(t, retries, 201)
	for _, a := range retries {
		if m := into[message](a); m.Seq != sends+1 {
			t.Errorf("a retry got %+v", m)
		}
	}
	if history := alice.history(room); len(history) != sends+1 {
		t.Errorf("history holds %d messages", len(history))
	}
}

// Two people who ask each other on two nodes at the same moment have one room.
func TestTwoNodesMakeOneFriendship(t *testing.T) {
	t.Parallel()
	one, two := twoNodes(t)
	for range 5 {
		alice, bob := one.user("alice"), one.user("bob")
		bobsToo := bob.on(two)
		answers := make([]*answer, 10)
		together(len(answers), func(i int) {
			if i%2 == 0 {
				answers[i] = alice.post("/friends/requests", fields{"to": bob.identity})
			} else {
				answers[i] = bobsToo.post("/friends/requests", fields{"to": alice.identity})
			}
		})
		for _, a := range answers {
			if a.err != nil || a.status != 200 && a.status != 201 {
				a.refused("conflict")
			}
		}
		checkOneRoom(alice, bob)
	}
}

// While the database is away everything is refused as unavailable; when it is back everything works again, without a restart.
func TestDatabaseGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := testConfig(dir)
	config.Embedded.Listen = "127.0.0.1:0"
	first, err := open(config)
	if err != nil {
		t.Fatal(err)
	}
	address := first.database.Addr().String()
	s := newServer(t, func(c *define.Config) { c.MongoDB.URI = "mongodb://" + address + "/?directConnection=true" })
	alice := s.user("alice")
	room := alice.group("patient")
	alice.send(room, "before")
	socket := alice.socket()

	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	a := alice.post("/rooms/"+room+"/messages", fields{"data": "meanwhile"})
	a.refused("unavailable")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	socket.refused("unavailable", "message.send", fields{"room": room, "data": "meanwhile"})
	together(20, func(int) {
		alice.post("/rooms/"+room+"/messages", fields{"data": "meanwhile"}).refused("unavailable")
	})

	config.Embedded.Listen = address
	second, err := open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := second.close(); err != nil {
			t.Error(err)
		}
	})
	again := decode[message](t, "send", socket.ok("message.send", fields{"room": room, "data": "after"}))
	if again.Seq != 2 {
		t.Errorf("after seq 1 comes %d", again.Seq)
	}
	checkSequence(t, alice.history(room), 1)
}
