package service

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"parlor/models"
)

// What is handed over is due when it fills a run, when it is old enough, or when somebody asks; each message once, and
// those of a room in order.
func TestRunsFill(t *testing.T) {
	t.Parallel()
	messages := func(room string, from, n int) (list []*models.Message) {
		for i := range n {
			list = append(list, &models.Message{RoomIdentity: room, Seq: int64(from + i)})
		}
		return list
	}
	due := func(x *indexer) (got []string) {
		for _, list := range x.due {
			got = append(got, fmt.Sprintf("%s %d-%d", list[0].RoomIdentity, list[0].Seq, list[len(list)-1].Seq))
		}
		return got
	}
	for _, test := range []struct {
		name string
		do   func(*indexer)
		want []string
	}{
		{"few", func(x *indexer) { x.put(messages("a", 1, 63)) }, nil},
		{"a run", func(x *indexer) { x.put(messages("a", 1, 63)); x.put(messages("a", 64, 1)) }, []string{"a 1-64"}},
		{"more", func(x *indexer) { x.put(append(messages("b", 1, 1), messages("a", 1, 130)...)) }, []string{"a 1-64", "a 65-128"}},
		{"all", func(x *indexer) {
			x.put(append(messages("b", 1, 1), messages("a", 1, 65)...))
			x.ripen(time.Time{})
		}, []string{"a 1-64", "b 1-1", "a 65-65"}},
		{"the old ones", func(x *indexer) {
			x.put(messages("a", 1, 1))
			x.filling["a"].since = time.Now().Add(-time.Hour)
			x.put(append(messages("b", 1, 1), messages("a", 2, 1)...))
			if next := x.ripen(time.Now().Add(-time.Minute)); !next.Equal(x.filling["b"].since) {
				t.Errorf("the next one began at %v", next)
			}
		}, []string{"a 1-2"}},
	} {
		x := newIndexer(nil)
		test.do(x)
		if got := due(x); !slices.Equal(got, test.want) {
			t.Errorf("%s: due are %q, want %q", test.name, got, test.want)
		}
		if waiting := int64(x.pending) - x.handed; waiting != int64(growing(x.filling)) {
			t.Errorf("%s: %d messages are waiting, %d in runs", test.name, waiting, growing(x.filling))
		}
	}
}

func growing(filling map[string]*filling) (n int) {
	for _, f := range filling {
		n += len(f.messages)
	}
	return n
}
