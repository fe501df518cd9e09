package router_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"parlor/define"
	"parlor/models"
	"parlor/service"
)

// Search over many rooms reads windows of time. What is said may be spread over them in any way: at one moment, close
// together, years apart, in one room or all.
func TestSearchWindows(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(*define.Config) {})
	alice := s.user("alice")
	rooms := make([]string, 12)
	for i := range rooms {
		rooms[i] = alice.group("windows")
	}
	random := rand.New(rand.NewPCG(1, 2))
	const start, year = 1_600_000_000_000, 365 * 86_400_000
	times := map[string][]int64{}
	add := func(room string, at int64) { times[room] = append(times[room], at) }
	for i := range 1_300 {
		add(rooms[i%2], start+3*year) // more than fit into one window
		add(rooms[2], start+int64(random.IntN(2_000)))
		add(rooms[3+i%9], start+int64(random.IntN(year)))
	}
	for i := range int64(10) {
		add(rooms[i], start+4*year+i*year/2)
	}
	var messages []models.Message
	for room, at := range times {
		slices.Sort(at)
		for i := range at {
			messages = append(messages, models.Message{
				Identity: int64(len(messages) + 1), RoomIdentity: room, Seq: int64(i + 1000), UserIdentity: alice.identity, Type: "text",
				Data: "hay" + []string{"", " needle"}[i%2], CreatedAt: at[i], UpdatedAt: at[i],
			})
		}
	}
	var runs []models.MessageRun
	for i := range messages {
		runs = append(runs, service.RunsOf(messages[i:i+1])...)
	}
	s.storeMessages(messages, runs)
	slices.SortFunc(messages, func(a, b models.Message) int {
		return -cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.Identity, b.Identity))
	})
	for q, wanted := range map[string]func(m *models.Message) bool{
		"hay":                  func(*models.Message) bool { return true },
		"needle":               func(m *models.Message) bool { return m.Data != "hay" },
		"hay+needle":           func(m *models.Message) bool { return m.Data != "hay" },
		"hay&to=1600000001000": func(m *models.Message) bool { return m.CreatedAt <= start+1000 },
	} {
		var want, got []int64
		for i := range messages {
			if wanted(&messages[i]) {
				want = append(want, messages[i].Identity)
			}
		}
		for cursor, pages := "", 0; pages < 200; pages++ {
			page := into[list[message]](alice.get("/search/messages?limit=100&q=" + q + cursor).ok(200))
			for _, m := range page.Items {
				got = append(got, m.Identity)
			}
			if page.Next == "" {
				break
			}
			cursor = "&cursor=" + page.Next
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d messages, want %d in their order", q, len(got), len(want))
		}
	}
}
