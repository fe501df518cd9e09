package hub_test

import (
	"fmt"
	"sync"
	"testing"

	"parlor/service/hub"
)

// lookout notes whether the hub knew its user when the first frame was written.
type lookout struct {
	*socket
	hub   *hub.Hub
	user  string
	first chan bool
}

func (l lookout) Write(frames []hub.Frame) error {
	select {
	case l.first <- l.hub.Online(l.user):
	default:
	}
	return l.socket.Write(frames)
}

// A client that has read the first event hears everything that happens from then on. The event was once written before
// the connection was known, and what was published in between was lost.
func TestFirstEventIsWrittenToAKnownConnection(t *testing.T) {
	t.Parallel()
	h := start(t, options())
	d := newDialect()
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for j := range 500 {
				l := lookout{socket: newSocket(), hub: h, user: fmt.Sprint(i, j), first: make(chan bool, 1)}
				connect(t, h, l.user, "session", d, l)
				if !<-l.first {
					t.Errorf("connection %d of %d was written to before it was known", j, i)
				}
			}
		})
	}
	clients.Wait()
}
