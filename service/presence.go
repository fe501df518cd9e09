package service

import (
	"context"
	"sync"
	"time"

	"parlor/define"
	"parlor/service/hub"
)

// Presence says which friends are online.
type Presence struct{ *core }

// Online returns those of the users asked for who are friends of the caller and online.
func (s *Presence) Online(ctx context.Context, c Caller, in PresenceInput) (PresenceResult, error) {
	result := PresenceResult{Online: []string{}}
	if err := check(in); err != nil {
		return result, err
	}
	friends, err := s.store.Friendships.Among(ctx, c.User, in.Users)
	for i := range friends {
		if s.hub.Online(friends[i].FriendIdentity) {
			result.Online = append(result.Online, friends[i].FriendIdentity)
		}
	}
	return result, err
}

// announcer tells friends who came and who went. It looks at what is true when its turn comes, so that the last word
// about a user is right however fast he comes and goes.
type announcer struct {
	*core
	mu      sync.Mutex
	pending map[string]struct{}
	wake    chan struct{}
	quit    chan struct{}
	done    sync.WaitGroup
	online  map[string]struct{} // as announced; only run uses it
}

func newAnnouncer(c *core) *announcer {
	return &announcer{
		core: c, pending: map[string]struct{}{}, online: map[string]struct{}{},
		wake: make(chan struct{}, 1), quit: make(chan struct{}),
	}
}

func (a *announcer) start() { a.done.Go(a.run) }

func (a *announcer) stop() {
	close(a.quit)
	a.done.Wait()
}

// changed notes that a user's first connection came or his last one went. It doesn't block.
func (a *announcer) changed(user string) {
	a.postpone(user)
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// postpone keeps a user for the next time that anybody comes or goes.
func (a *announcer) postpone(user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pending[user] = struct{}{}
}

func (a *announcer) run() {
	for {
		select {
		case <-a.quit:
			return
		case <-a.wake:
		}
		a.mu.Lock()
		users := a.pending
		a.pending = map[string]struct{}{}
		a.mu.Unlock()
		for user := range users {
			select {
			case <-a.quit:
				return
			default:
				a.announce(user)
			}
		}
	}
}

func (a *announcer) announce(user string) {
	online := a.hub.Online(user)
	if _, said := a.online[user]; said == online {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	friends, err := a.store.Friendships.All(ctx, user)
	if err != nil {
		a.log.Warn("friends could not be told of a user's presence", "user", user, "error", err)
		a.postpone(user)
		return
	}
	if online {
		a.online[user] = struct{}{}
	} else {
		delete(a.online, user)
	}
	audience := make([]string, 0, len(friends))
	for i := range friends {
		audience = append(audience, friends[i].FriendIdentity)
	}
	a.hub.Publish(hub.Delivery{Event: hub.Event{Op: define.EventPresence, Data: PresenceEvent{User: user, Online: online}}, Users: audience})
}
