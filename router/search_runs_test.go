package router_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"parlor/define"
	"parlor/models"
	"parlor/service"
)

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
