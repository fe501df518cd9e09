package router_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"parlor/define"
)

// queries returns how many finds the database has answered since it was started.
func queries(t *testing.T, database *mongo.Database) int64 {
	t.Helper()
	var status struct{ OpCounters struct{ Query int64 } }
	must(t, database.RunCommand(t.Context(), bson.D{{Key: "serverStatus", Value: 1}}).Decode(&status))
	return status.OpCounters.Query
}

// What a message costs does not depend on how many clients of the face are told of it, although each is told how he stands.
func TestUsersigFrameCost(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(*define.Config) {})
	database := s.openDatabase()
	const viewers = 40
	all := make([]*usersig, viewers)
	ids := make([]string, viewers)
	for i := range all {
		all[i] = s.usersig("viewer")
		ids[i] = all[i].id
	}
	speaker := all[0]
	cost := func(id string, sockets []*faceSocket) int64 {
		t.Helper()
		before := int64(0)
		for _, said := range []string{"first", "second"} { // the first fills the caches
			before = queries(t, database)
			sockets[0].send(`{"to_session":` + id + `,"content":"` + said + `"}`)
			for _, socket := range sockets {
				if frame := socket.next(); !strings.Contains(frame, `"content":"`+said+`"`) {
					t.Fatalf("heard %s", frame)
				}
			}
		}
		return queries(t, database) - before
	}
	sockets := make([]*faceSocket, viewers)
	for i, u := range all {
		sockets[i] = u.socket()
	}
	of2 := cost(speaker.session("1", ids[1]), sockets[:2])
	of40 := cost(speaker.session("2", ids[1:]...), sockets)
	t.Logf("queries for a message: %d told to 2, %d told to %d", of2, of40, viewers)
	if of40 > of2 {
		t.Errorf("a message costs %d queries where 2 are told of it, %d where %d are", of2, of40, viewers)
	}
}

// BenchmarkUsersig500 is one group of 500 members on 500 sockets of usersig. One operation is one message, stored and told
// to all of them, each with his own number of unread messages.
func BenchmarkUsersig500(b *testing.B) {
	const members = 500
	c := newCrowd(b, members)
	c.room(1, c.users...)
	told := make(chan struct{}, members)
	conns := make([]*websocket.Conn, members)
	for i := range conns {
		address := "ws" + strings.TrimPrefix(c.url, "http") + "/ws/chat/" + fmt.Sprintf("user%05d", i) + "/" + c.tokens[i] + "/"
		conn, _, err := websocket.DefaultDialer.Dial(address, http.Header{})
		if err != nil {
			b.Fatal(err)
		}
		conns[i] = conn
		go func() {
			for {
				if _, _, err := conn.NextReader(); err != nil {
					return
				}
				told <- struct{}{}
			}
		}()
	}
	b.ResetTimer()
	for range b.N {
		if err := conns[0].WriteMessage(websocket.TextMessage, []byte(`{"to_session":1,"content":"hello"}`)); err != nil {
			b.Fatal(err)
		}
		for range members {
			<-told
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N*members)/b.Elapsed().Seconds(), "deliveries/s")
}
