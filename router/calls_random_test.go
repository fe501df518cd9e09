package router_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"parlor/define"
	"parlor/models"
)

// phone is a device that believes what it was told last of each call: by the answers to what it asked, and by pushes, in the order in
// which they come.
type phone struct {
	*user
	conn *websocket.Conn
	done chan struct{}

	mu      sync.Mutex
	err     error
	last    int
	waiting map[string]chan frame
	calls   map[string]call
}

func (u *user) phone() *phone {
	u.t.Helper()
	p := &phone{user: u}
	must(u.t, p.open())
	u.t.Cleanup(p.close)
	return p
}

// open opens a socket; what a former one has told is forgotten.
func (p *phone) open() error {
	conn, _, err := p.dial("", http.Header{"Authorization": {"Bearer " + p.token}})
	if err != nil {
		return err
	}
	p.conn, p.done, p.waiting, p.calls = conn, make(chan struct{}), map[string]chan frame{}, map[string]call{}
	go p.run(conn, p.done)
	return nil
}

func (p *phone) close() {
	_ = p.conn.Close() // it may be gone already
	<-p.done
}

func (p *phone) run(conn *websocket.Conn, done chan struct{}) {
	defer close(done)
	for {
		var f frame
		if conn.ReadJSON(&f) != nil {
			return
		}
		p.mu.Lock()
		if f.Op == "error" && slices.Contains([]string{"internal", "rate_limited"}, f.Error.Code) {
			p.err = errors.Join(p.err, fmt.Errorf("%s was refused: %+v", p.account, f.Error))
		}
		if f.Op == "ok" || strings.HasPrefix(f.Op, "call.") && f.Op != "call.signal" {
			var c call
			if json.Unmarshal(f.Data, &c) == nil && c.Identity != "" {
				p.calls[c.Identity] = c
			}
		}
		if f.ID != "" {
			p.waiting[f.ID] <- f
			delete(p.waiting, f.ID)
		}
		p.mu.Unlock()
	}
}

// call asks and waits for the answer.
func (p *phone) call(op string, data fields) error {
	answer := make(chan frame, 1)
	p.mu.Lock()
	p.last++
	id := strconv.Itoa(p.last)
	p.waiting[id] = answer
	err := p.conn.WriteJSON(fields{"id": id, "op": op, "data": data})
	p.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-answer:
		return nil
	case <-p.done:
		return errors.New("the socket is gone")
	case <-time.After(patience):
		return fmt.Errorf("no answer to %s", op)
	}
}

// known returns the identities of the calls that the phone has heard of.
func (p *phone) known() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.calls))
}

// act does something at random.
func (p *phone) act(random *rand.Rand, rooms []string, others []*phone) error {
	it := fields{"call": "none"}
	if known := p.known(); len(known) > 0 {
		it["call"] = known[max(0, len(known)-1-random.IntN(3))]
	}
	switch random.IntN(12) {
	case 0, 1, 2:
		return p.call("call.start", fields{"room": rooms[random.IntN(len(rooms))], "media": "audio"})
	case 3, 4, 5, 6:
		return p.call("call.accept", it)
	case 7:
		return p.call("call.decline", it)
	case 8, 9:
		return p.call("call.end", it)
	case 10:
		p.close()
		return p.open()
	default:
		it["to"], it["candidate"] = others[random.IntN(len(others))].identity, fields{}
		return p.call("call.signal", it)
	}
}

// shape is how a call stands, without who is shown how.
func shapeOf(state, reason string, states map[string]string) string {
	shape := state + " " + reason
	for _, user := range slices.Sorted(maps.Keys(states)) {
		shape += " " + user[len(user)-4:] + ":" + states[user]
	}
	return shape
}

// disagreement says where a phone believes something else than the database.
func (p *phone) disagreement(stored map[string]string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for identity, c := range p.calls {
		if got := shapeOf(c.State, c.Reason, c.states()); got != stored[identity] {
			return fmt.Errorf("%s believes of %s: %s; stored is: %s", p.account, identity, got, stored[identity])
		}
	}
	return p.err
}

// Users with two devices each call, answer, decline, hang up and vanish at random. In the end every device believes what the
// database says, nobody is in two calls, no room has two, and every call that is over is told of once.
func TestCallsAtRandom(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *define.Config) { c.Call.ReconnectGrace = time.Millisecond })
	users := []*user{s.user("alice"), s.user("bob"), s.user("carol"), s.user("dave")}
	rooms := map[string][]string{}
	for i, one := range users {
		for _, other := range users[i+1:] {
			room := one.befriend(other)
			rooms[one.identity], rooms[other.identity] = append(rooms[one.identity], room), append(rooms[other.identity], room)
		}
	}
	group := users[0].group("all", users[1:]...)
	var phones []*phone
	for _, u := range users {
		rooms[u.identity] = append(rooms[u.identity], group)
		phones = append(phones, u.phone(), u.login("other").phone())
	}
	failed := make([]error, len(phones))
	calls := s.openDatabase().Collection("call")
	enough := func() bool { // calls have come to their end for the rest to mean something
		over, err := calls.CountDocuments(t.Context(), bson.D{{Key: "ended_at", Value: bson.D{{Key: "$gt", Value: 0}}}})
		return err != nil || over >= 20
	}
	seed := rand.Uint64()
	together(len(phones), func(i int) {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		for n := 0; n < 150 || !enough(); n++ {
			if failed[i] = phones[i].act(random, rooms[phones[i].identity], phones); failed[i] != nil {
				return
			}
		}
	})
	must(t, errors.Join(failed...))

	var err error
	for deadline := time.Now().Add(patience); ; {
		if err = s.agreed(calls, phones); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, p := range phones { // what was published meanwhile is heard
			must(t, p.call("ping", fields{}))
		}
	}
	s.checkRecords(calls, users, rooms)
}

// agreed compares what devices believe with what is stored.
func (s *server) agreed(calls *mongo.Collection, phones []*phone) error {
	stored := map[string]string{}
	in := map[string]string{}
	inRoom := map[string]string{}
	for _, c := range s.storedCalls(calls) {
		states := map[string]string{}
		for _, p := range c.Participants {
			states[p.UserIdentity] = p.State
			if p.State == define.ParticipantJoined {
				if in[p.UserIdentity] != "" {
					return fmt.Errorf("%s is in %s and in %s", p.UserIdentity, in[p.UserIdentity], c.Identity)
				}
				in[p.UserIdentity] = c.Identity
			}
		}
		if c.EndedAt == 0 {
			if inRoom[c.RoomIdentity] != "" {
				return fmt.Errorf("room %s has two calls", c.RoomIdentity)
			}
			inRoom[c.RoomIdentity] = c.Identity
		}
		stored[c.Identity] = shapeOf(c.State, c.Reason, states)
	}
	for _, p := range phones {
		if err := p.disagreement(stored); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) storedCalls(calls *mongo.Collection) []models.Call {
	s.t.Helper()
	cursor, err := calls.Find(s.t.Context(), bson.D{})
	must(s.t, err)
	var all []models.Call
	must(s.t, cursor.All(s.t.Context(), &all))
	return all
}

// checkRecords looks for one message about each call that is over, and for none of any other.
func (s *server) checkRecords(calls *mongo.Collection, users []*user, rooms map[string][]string) {
	s.t.Helper()
	told := map[string]int{}
	seen := map[string]bool{}
	for _, u := range users {
		for _, room := range rooms[u.identity] {
			if seen[room] {
				continue
			}
			seen[room] = true
			for _, m := range u.history(room) {
				var record callRecord
				if m.Type == "system" && json.Unmarshal([]byte(m.Data), &record) == nil && record.Event == "call.ended" {
					told[record.Call]++
				}
			}
		}
	}
	for _, c := range s.storedCalls(calls) {
		want := 0
		if c.EndedAt > 0 {
			want = 1
		}
		if told[c.Identity] != want {
			s.t.Errorf("call %s (%s %s) is told of %d times", c.Identity, c.State, c.Reason, told[c.Identity])
		}
	}
}
