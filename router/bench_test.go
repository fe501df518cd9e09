package router_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// The benchmarks measure the whole server over real sockets, with the clients in the same process and everything
// persisted before it is acknowledged. The figures stand in docs/performance.md.

// crowd is users and rooms for a benchmark, stored without the cost of registering.
type crowd struct {
	*instance
	b      *testing.B
	tokens []string
	users  []string
}

func newCrowd(b *testing.B, n int) *crowd {
	b.Helper()
	server, err := open(testConfig(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := server.close(); err != nil {
			b.Error(err)
		}
	})
	c := &crowd{instance: server, b: b}
	ctx := context.Background()
	expires := time.Now().Add(time.Hour)
	for i := range n {
		account := fmt.Sprintf("user%05d", i)
		user := models.User{
			Identity: helper.NewIdentity(), Account: account, AccountKey: account, Number: int64(i + 1), Nickname: account,
			Description: define.DefaultDescription, CreatedAt: 1,
		}
		session := models.Session{Identity: helper.NewIdentity(), UserIdentity: user.Identity, ExpiresAt: expires, SeenAt: time.Now().UnixMilli()}
		token, err := server.tokens.Sign(user.Identity, session.Identity, time.Now(), expires)
		for _, err := range []error{err, server.store.Users.Insert(ctx, &user), server.store.Sessions.Insert(ctx, &session)} {
			if err != nil {
				b.Fatal(err)
			}
		}
		c.users, c.tokens = append(c.users, user.Identity), append(c.tokens, token)
	}
	return c
}

// room makes a group of these users.
func (c *crowd) room(number int, users ...string) string {
	c.b.Helper()
	ctx := context.Background()
	room := models.Room{Identity: helper.NewIdentity(), Number: int64(number), Kind: define.RoomGroup, UserIdentity: users[0], MemberCount: len(users)}
	members := make([]models.UserRoom, len(users))
	for i, user := range users {
		members[i] = models.UserRoom{Identity: helper.NewIdentity(), UserIdentity: user, RoomIdentity: room.Identity, RoomKind: room.Kind, Role: define.RoleMember}
	}
	if err := c.store.Rooms.Insert(ctx, &room); err != nil {
		c.b.Fatal(err)
	}
	if err := c.store.UserRooms.Ensure(ctx, members); err != nil {
		c.b.Fatal(err)
	}
	return room.Identity
}

// fill stores n messages of 300 bytes in a room.
func (c *crowd) fill(room, user string, n int) {
	c.b.Helper()
	const batch = 1000
	ctx := context.Background()
	for done := 0; done < n; done += batch {
		first, err := c.store.Counters.Take(ctx, models.CounterMessage, batch)
		if err != nil {
			c.b.Fatal(err)
		}
		messages := make([]*models.Message, batch)
		for i := range messages {
			messages[i] = &models.Message{
				Identity: first + int64(i), RoomIdentity: room, Seq: int64(done + i + 1), UserIdentity: user,
				Type: define.MessageText, Data: strings.Repeat("x", 120), CreatedAt: 1, UpdatedAt: 1,
			}
		}
		if _, err := c.store.Messages.InsertBatch(ctx, messages); err != nil {
			c.b.Fatal(err)
		}
		if err := c.store.Rooms.Advance(ctx, []*models.Message{messages[batch-1]}); err != nil {
			c.b.Fatal(err)
		}
	}
}

// client is a socket that looks at no more of a frame than it must, so that the server is what is measured.
type client struct {
	conn     net.Conn
	answered chan struct{}    // one for each answer
	pushed   *tally           // counts message.new
	heard    func(msg []byte) // sees each message.new; may be nil
}

// tally counts what was delivered to all clients together.
type tally struct {
	count, want atomic.Int64
	reached     chan struct{}
}

func newTally(want int) *tally {
	t := &tally{reached: make(chan struct{})}
	t.want.Store(int64(want))
	return t
}

func (t *tally) add() {
	if t.count.Add(1) == t.want.Load() {
		close(t.reached)
	}
}

func (c *crowd) dial(i int, pushed *tally, heard func([]byte)) *client {
	c.b.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(c.url, "http")+"/ws", http.Header{"Authorization": {"Bearer " + c.tokens[i]}})
	if err != nil {
		c.b.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); err != nil { // ready: from here on nothing is missed
		c.b.Fatal(err)
	}
	return &client{conn: conn.NetConn(), answered: make(chan struct{}, 64), pushed: pushed, heard: heard}
}

var (
	okFrame   = []byte(`{"id":`)
	pushFrame = []byte(`{"op":"message.new"`)
)

// read counts frames until the connection ends.
func (c *client) read() {
	r := bufio.NewReaderSize(c.conn, 64<<10)
	var payload []byte
	for {
		head, err := r.Peek(4)
		if err != nil {
			return
		}
		header, size := 2, int(head[1])
		if size == 126 {
			header, size = 4, int(binary.BigEndian.Uint16(head[2:]))
		}
		if head[0]&0xf != websocket.TextMessage {
			size = int(head[1])
		}
		if c.heard != nil {
			payload = slices.Grow(payload[:0], header+size)[:header+size]
			if _, err := io.ReadFull(r, payload); err != nil {
				return
			}
			c.count(payload[header:])
			continue
		}
		start, err := r.Peek(header + min(size, len(pushFrame)))
		if err != nil {
			return
		}
		c.count(start[header:])
		if _, err := r.Discard(header + size); err != nil {
			return
		}
	}
}

func (c *client) count(payload []byte) {
	switch {
	case bytes.HasPrefix(payload, okFrame):
		c.answered <- struct{}{}
	case bytes.HasPrefix(payload, pushFrame):
		c.pushed.add()
		if c.heard != nil {
			c.heard(payload)
		}
	}
}

// send writes one message.send. The mask is zero, which costs the client nothing and the server what any mask does.
func (c *client) send(room, id, text string) error {
	payload := fmt.Sprintf(`{"id":%q,"op":"message.send","data":{"room":%q,"data":%q,"client_id":%q}}`, id, room, text, id)
	frame := make([]byte, 8, 8+len(payload))
	frame[0], frame[1] = 0x81, 0x80|126
	binary.BigEndian.PutUint16(frame[2:], uint16(len(payload)))
	_, err := c.conn.Write(append(frame, payload...))
	return err
}

// flood lets each client keep `window` sends unacknowledged until n are sent and answered.
func (c *crowd) flood(clients []*client, rooms []string, n, window int, text string) {
	c.b.Helper()
	var sent atomic.Int64
	var senders sync.WaitGroup
	for i, client := range clients {
		senders.Go(func() {
			open := 0
			for {
				k := sent.Add(1)
				if k > int64(n) {
					break
				}
				if open == window {
					<-client.answered
					open--
				}
				if err := client.send(rooms[i], strconv.FormatInt(k, 10), text); err != nil {
					c.b.Error(err)
					return
				}
				open++
			}
			for ; open > 0; open-- {
				<-client.answered
			}
		})
	}
	senders.Wait()
}

// BenchmarkGroup50 is one group of 50 members on 50 sockets, texts of 200 bytes, 10 members sending with 8
// unacknowledged each. One operation is one message, stored, answered and delivered to the other 49.
func BenchmarkGroup50(b *testing.B) {
	const members, senders, window = 50, 10, 8
	c := newCrowd(b, members)
	room := c.room(1, c.users...)
	pushed := newTally(b.N * (members - 1))
	clients := make([]*client, members)
	for i := range clients {
		clients[i] = c.dial(i, pushed, nil)
		go clients[i].read()
	}
	rooms := slices.Repeat([]string{room}, senders)
	text := strings.Repeat("w", 200)
	b.ResetTimer()
	c.flood(clients[:senders], rooms, b.N, window, text)
	<-pushed.reached
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sends/s")
	b.ReportMetric(float64(b.N*members)/b.Elapsed().Seconds(), "deliveries/s")
}

// BenchmarkSend64 sends over 64 sockets into 16 rooms of 4 members, 8 unacknowledged each.
func BenchmarkSend64(b *testing.B) {
	c, clients, rooms, pushed := sockets64(b, b.N, nil)
	b.ResetTimer()
	c.flood(clients, rooms, b.N, 8, strings.Repeat("w", 200))
	<-pushed.reached
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sends/s")
}

// sockets64 opens 64 sockets in 16 rooms, for a number of messages of which each is delivered to three.
func sockets64(b *testing.B, messages int, heard func([]byte)) (*crowd, []*client, []string, *tally) {
	c := newCrowd(b, 64)
	clients, rooms := make([]*client, 64), make([]string, 64)
	pushed := newTally(3 * messages)
	for i := range 16 {
		room := c.room(i+1, c.users[4*i:4*i+4]...)
		for j := 4 * i; j < 4*i+4; j++ {
			rooms[j] = room
		}
	}
	for i := range clients {
		clients[i] = c.dial(i, pushed, heard)
		go clients[i].read()
	}
	return c, clients, rooms, pushed
}

// BenchmarkLatency sends at 5,000 messages a second over the sockets of BenchmarkSend64, each at its own moment and not
// when the one before is answered, and reports how long it takes from the send to the delivery at another member.
func BenchmarkLatency(b *testing.B) {
	const perSecond = 5000
	var mu sync.Mutex
	var taken []time.Duration
	mark := []byte(`"data":"at `)
	n := max(b.N, perSecond)
	_, clients, rooms, pushed := sockets64(b, n, func(payload []byte) {
		i := bytes.Index(payload, mark)
		if i < 0 {
			return
		}
		stamp, _, _ := bytes.Cut(payload[i+len(mark):], []byte{' '})
		at, err := strconv.ParseInt(string(stamp), 10, 64)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		taken = append(taken, time.Duration(time.Now().UnixNano()-at))
	})
	for _, client := range clients {
		go func() {
			for range client.answered {
			}
		}()
	}
	text := strings.Repeat("w", 180)
	b.ResetTimer()
	start := time.Now()
	for i := range n {
		if wait := time.Until(start.Add(time.Duration(i) * time.Second / perSecond)); wait > 0 {
			time.Sleep(wait)
		}
		k := i % len(clients)
		if err := clients[k].send(rooms[k], strconv.Itoa(i), fmt.Sprintf("at %d %s", time.Now().UnixNano(), text)); err != nil {
			b.Fatal(err)
		}
	}
	<-pushed.reached
	b.StopTimer()
	for _, client := range clients {
		close(client.answered)
	}
	slices.Sort(taken)
	b.ReportMetric(float64(taken[len(taken)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(taken[len(taken)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(len(taken))/3/b.Elapsed().Seconds(), "sends/s")
}

// BenchmarkNewestPage reads the newest 50 messages of rooms of different sizes over HTTP.
func BenchmarkNewestPage(b *testing.B) {
	c := newCrowd(b, 1)
	small, large := c.room(1, c.users[0]), c.room(2, c.users[0])
	c.fill(small, c.users[0], 1000)
	c.fill(large, c.users[0], 1_000_000)
	for name, room := range map[string]string{"messages=1000": small, "messages=1000000": large} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				r, err := http.NewRequest("GET", c.url+"/api/v1/rooms/"+room+"/messages?limit=50", nil)
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer "+c.tokens[0])
				response, err := c.instance.client.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				if err != nil || response.StatusCode != 200 || !json.Valid(body) {
					b.Fatalf("%d %s %v", response.StatusCode, body, err)
				}
			}
		})
	}
}
