package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"parlor/define"
	"parlor/models"
	"parlor/service/hub"
)

// A process notes every callRenewal that it still holds its open calls. Those that nobody has held for callLease are ended
// by any process of the same database. The clocks of several machines must agree to well within it.
const (
	callRenewal = 30 * time.Second
	callLease   = 3 * callRenewal
)

// switchboard holds the open calls of this process. The documents say how they stand; here are the sockets and timers that
// go with them. A call is changed by who holds the lock of its room, and rooms are locked one at a time.
type switchboard struct {
	*core
	node  string     // tells this process, started again, from the others on its database
	gates keyedMutex // by room

	mu      sync.Mutex // guards what follows
	lines   map[string]*line
	byRoom  map[string]*line
	engaged map[string]*line              // by user: the call that he is in
	ringing map[string]map[*line]struct{} // by user: the calls that ring for him
	sockets map[*hub.Conn]*line           // those that are in a call
	untold  []models.Call                 // found open at the start
	stopped bool

	quit  chan struct{}
	tasks sync.WaitGroup
}

func newSwitchboard(c *core) *switchboard {
	return &switchboard{
		core: c, node: nodeName(c.config), lines: map[string]*line{}, byRoom: map[string]*line{}, engaged: map[string]*line{},
		ringing: map[string]map[*line]struct{}{}, sockets: map[*hub.Conn]*line{}, quit: make(chan struct{}),
	}
}

// nodeName is the same whenever this machine starts the server with the same data and address.
func nodeName(config define.Config) string {
	host, _ := os.Hostname()
	data, _ := filepath.Abs(config.Data)
	sum := sha256.Sum256([]byte(host + "\n" + data + "\n" + config.Listen))
	return hex.EncodeToString(sum[:8])
}

// repair ends the calls that this process held when it was stopped the last time, and those that nobody holds any more.
func (b *switchboard) repair(ctx context.Context) error {
	mine, err := b.store.Calls.HeldBy(ctx, b.node)
	if err != nil {
		return err
	}
	abandoned, err := b.store.Calls.Abandoned(ctx, now()-callLease.Milliseconds())
	if err != nil {
		return err
	}
	for _, call := range append(mine, abandoned...) {
		ended, err := b.abandon(ctx, call)
		if err != nil {
			return err
		}
		if ended != nil {
			b.untold = append(b.untold, *ended)
		}
	}
	return nil
}

// abandon ends a call that nobody holds, and returns it, or nil where another process was faster.
func (b *switchboard) abandon(ctx context.Context, call models.Call) (*models.Call, error) {
	hangUp(&call, define.ReasonFailed, now())
	err := b.store.Calls.Save(ctx, &call)
	if errors.Is(err, models.ErrNotFound) {
		return nil, nil
	}
	return &call, err
}

func (b *switchboard) start() { b.tasks.Go(b.run) }

// run keeps the calls of this process, and ends those of processes that are gone.
func (b *switchboard) run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for i := range b.untold {
		b.recordCall(ctx, &b.untold[i])
	}
	ticker := time.NewTicker(callRenewal)
	defer ticker.Stop()
	for {
		select {
		case <-b.quit:
			return
		case <-ticker.C:
			if err := b.renew(ctx); err != nil {
				b.log.Warn("calls could not be renewed", "error", err)
			}
		}
	}
}

func (b *switchboard) renew(ctx context.Context) error {
	var held []string
	for _, l := range b.all() {
		held = append(held, l.identity)
	}
	if len(held) > 0 {
		if err := b.store.Calls.Renew(ctx, held, now()); err != nil {
			return err
		}
	}
	abandoned, err := b.store.Calls.Abandoned(ctx, now()-callLease.Milliseconds())
	if err != nil {
		return err
	}
	for _, call := range abandoned {
		ended, err := b.abandon(ctx, call)
		if err != nil {
			return err
		}
		if ended != nil {
			b.recordCall(ctx, ended)
		}
	}
	return nil
}

// stop ends every call, waits for what is under way and takes nothing new. Sockets and the writer must still be there.
func (b *switchboard) stop(ctx context.Context) {
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	close(b.quit)
	for _, l := range b.all() {
		b.endCall(ctx, l, define.ReasonFailed)
	}
	b.tasks.Wait()
}

// later does something about calls in a goroutine of its own, for callers that must not wait.
func (b *switchboard) later(do func(ctx context.Context)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return
	}
	b.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
		defer cancel()
		do(ctx)
	})
}

// after does something with a call later, if it is still open then, under the lock of its room.
func (b *switchboard) after(d time.Duration, l *line, do func(ctx context.Context)) *time.Timer {
	return time.AfterFunc(d, func() { b.later(func(ctx context.Context) { b.with(ctx, l, do) }) })
}

// with does something with a call under the lock of its room, unless it is over.
func (b *switchboard) with(ctx context.Context, l *line, do func(ctx context.Context)) {
	defer b.gates.lock(l.room)()
	if b.line(l.identity) == l {
		do(ctx)
	}
}

// came rings a connection that has just been opened. It doesn't block.
func (b *switchboard) came(conn *hub.Conn) {
	b.mu.Lock()
	var calls []*line
	for l := range b.ringing[conn.User()] {
		calls = append(calls, l)
	}
	b.mu.Unlock()
	for _, l := range calls {
		b.later(func(ctx context.Context) {
			b.with(ctx, l, func(ctx context.Context) {
				if p := l.participant(conn.User()); p != nil && p.State == define.ParticipantRinging {
					b.ring(ctx, l, conn.User())
				}
			})
		})
	}
}

// gone gives a participant whose connection is gone a while to come back. It doesn't block.
func (b *switchboard) gone(conn *hub.Conn) {
	b.mu.Lock()
	l := b.sockets[conn]
	delete(b.sockets, conn)
	b.mu.Unlock()
	if l == nil {
		return
	}
	b.later(func(ctx context.Context) {
		b.with(ctx, l, func(context.Context) { b.miss(l, conn) })
	})
}

func (b *switchboard) line(identity string) *line {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines[identity]
}

func (b *switchboard) inRoom(room string) *line {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byRoom[room]
}

func (b *switchboard) all() []*line {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*line, 0, len(b.lines))
	for _, l := range b.lines {
		all = append(all, l)
	}
	return all
}

// engage notes that a user is in a call; ErrInCall where he is in another.
func (b *switchboard) engage(user string, l *line) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.stopped:
		return define.ErrStopping
	case b.engaged[user] != nil:
		return define.ErrInCall
	}
	b.engaged[user] = l
	return nil
}

// expect notes that a call rings for a user, and reports false where he is in another one.
func (b *switchboard) expect(user string, l *line) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.engaged[user] != nil {
		return false
	}
	if b.ringing[user] == nil {
		b.ringing[user] = map[*line]struct{}{}
	}
	b.ringing[user][l] = struct{}{}
	return true
}

// keep notes how a call stands now: who is in it and for whom it rings. Of one that is over nothing is kept.
func (b *switchboard) keep(l *line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.call.EndedAt == 0 {
		b.lines[l.identity], b.byRoom[l.room] = l, l
	} else {
		delete(b.lines, l.identity)
		if b.byRoom[l.room] == l {
			delete(b.byRoom, l.room)
		}
	}
	for _, p := range l.call.Participants {
		if p.State != define.ParticipantRinging {
			b.quieten(p.UserIdentity, l)
		}
		if p.State != define.ParticipantJoined && b.engaged[p.UserIdentity] == l {
			delete(b.engaged, p.UserIdentity)
		}
	}
}

// disengage takes back what engage has noted for somebody who could not join.
func (b *switchboard) disengage(user string, l *line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.engaged[user] == l {
		delete(b.engaged, user)
	}
}

// quieten notes that a call rings for a user no more. The caller holds mu.
func (b *switchboard) quieten(user string, l *line) {
	delete(b.ringing[user], l)
	if len(b.ringing[user]) == 0 {
		delete(b.ringing, user)
	}
}

// forget takes back what was noted of a call that could not be opened.
func (b *switchboard) forget(l *line, caller string, callees []string) {
	b.disengage(caller, l)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, user := range callees {
		b.quieten(user, l)
	}
}

// attach puts a participant on a connection. One that is gone already counts as just gone.
func (b *switchboard) attach(l *line, conn *hub.Conn) {
	user := conn.User()
	b.mu.Lock()
	if former := l.sockets[user]; former != nil {
		delete(b.sockets, former)
	}
	b.sockets[conn] = l
	b.mu.Unlock()
	l.sockets[user] = conn
	if grace := l.graces[user]; grace != nil {
		grace.Stop()
		delete(l.graces, user)
	}
	if !slices.Contains(b.hub.Conns(user), conn) {
		b.gone(conn)
	}
}

// detach takes a user off his connection for good.
func (b *switchboard) detach(l *line, user string) {
	if conn := l.sockets[user]; conn != nil {
		b.mu.Lock()
		delete(b.sockets, conn)
		b.mu.Unlock()
	}
	delete(l.sockets, user)
	if grace := l.graces[user]; grace != nil {
		grace.Stop()
		delete(l.graces, user)
	}
}

// leaveRoom takes a user out of the call of a room, if he is in it or it rings for him.
func (b *switchboard) leaveRoom(room, user string) {
	if l := b.inRoom(room); l != nil {
		b.later(func(ctx context.Context) {
			b.with(ctx, l, func(ctx context.Context) { b.exclude(ctx, l, user) })
		})
	}
}

// closeRoom ends the call of a room.
func (b *switchboard) closeRoom(room string) {
	if l := b.inRoom(room); l != nil {
		b.later(func(ctx context.Context) { b.endCall(ctx, l, define.ReasonCancelled) })
	}
}

// endSession takes a session that is over out of its call.
func (b *switchboard) endSession(user, session string) {
	b.mu.Lock()
	l := b.engaged[user]
	b.mu.Unlock()
	if l == nil {
		return
	}
	b.later(func(ctx context.Context) {
		b.with(ctx, l, func(ctx context.Context) {
			if p := l.participant(user); p != nil && p.State == define.ParticipantJoined && p.SessionIdentity == session {
				b.leave(ctx, l, user, define.ReasonCancelled, nil, func(Call, error) {})
			}
		})
	})
}
