package cotalk

import (
	"testing"

	"parlor/service"
)

// A message is updated when somebody but its sender reads it.
func TestWhenMessagesAreUpdated(t *testing.T) {
	t.Parallel()
	member := func(identity string, seq, at int64) service.Member {
		return service.Member{User: service.User{Identity: identity}, ReadSeq: seq, ReadAt: at}
	}
	m := service.Message{Seq: 5, Sender: service.User{Identity: "sender"}, CreatedAt: 1000, UpdatedAt: 1000}
	for name, test := range map[string]struct {
		members []service.Member
		want    float64
	}{
		"by nobody":       {[]service.Member{member("sender", 9, 9000), member("other", 4, 4000)}, 1},
		"by two":          {[]service.Member{member("one", 5, 2000), member("two", 6, 3000)}, 3},
		"by who came in":  {[]service.Member{member("newcomer", 9, 0)}, 1},
		"long ago":        {[]service.Member{member("one", 5, 500)}, 1},
		"by nobody left":  {nil, 1},
		"by sender, once": {[]service.Member{member("sender", 5, 2000), member("one", 5, 1500)}, 1.5},
	} {
		if got := messageViewOf(m, readers{members: test.members}, nil).UpdateTime; float64(got) != test.want {
			t.Errorf("read %s: updated at %v, want %v", name, got, test.want)
		}
	}
}
