package router_test

import (
	"crypto/rand"
	"strings"
	"testing"
)

const password = "correct horse battery"

// suffix keeps the accounts of one test apart from those of all others.
func (*server) suffix() string { return strings.ToLower(rand.Text()[:10]) }

// user registers somebody whose account begins with name.
func (s *server) user(name string) *user {
	s.t.Helper()
	account := name + "-" + s.suffix()
	in := into[login](anyone{s}.post("/register", fields{"account": account, "password": password, "nickname": name}).ok(201))
	return &user{server: s, identity: in.User.Identity, account: account, password: password, token: in.Token}
}

// friends registers two users who are friends.
func (s *server) friends(a, b string) (*user, *user) {
	s.t.Helper()
	one, other := s.user(a), s.user(b)
	one.befriend(other)
	return one, other
}

// befriend makes two users friends and returns their room.
func (u *user) befriend(other *user) string {
	s := u.server
	s.t.Helper()
	request := into[friendRequest](u.post("/friends/requests", fields{"to": other.identity}).ok(201))
	return into[friend](other.post("/friends/requests/"+request.Identity+"/accept", nil).ok(200)).RoomIdentity
}

// roomWith returns the room of two friends.
func (u *user) roomWith(other *user) string {
	u.t.Helper()
	return into[profile](u.get("/users/" + other.identity).ok(200)).RoomIdentity
}

// group makes a group of the user and friends of his.
func (u *user) group(name string, members ...*user) string {
	u.t.Helper()
	identities := []string{}
	for _, m := range members {
		identities = append(identities, m.identity)
	}
	return into[room](u.post("/rooms", fields{"name": name, "members": identities}).ok(201)).Identity
}

// send says something over REST.
func (u *user) send(room, text string) message {
	u.t.Helper()
	return into[message](u.post("/rooms/"+room+"/messages", fields{"data": text}).ok(201))
}

// login opens another session of the same user.
func (u *user) login(device string) *user {
	u.t.Helper()
	in := into[login](anyone{u.server}.post("/login", fields{"account": u.account, "password": u.password, "device": device}).ok(200))
	other := *u
	other.token = in.Token
	return &other
}

// room returns a room as the user sees it now.
func (u *user) room(identity string) room {
	u.t.Helper()
	return into[room](u.get("/rooms/" + identity).ok(200))
}

// history returns the whole history of a room, oldest first.
func (u *user) history(room string) []message {
	u.t.Helper()
	return pages[message](u, "/rooms/"+room+"/messages?after_seq=0", "100")
}

// checkSequence fails the test unless messages have the numbers from, from+1, …
func checkSequence(t *testing.T, messages []message, from int64) {
	t.Helper()
	for i, m := range messages {
		if m.Seq != from+int64(i) {
			t.Fatalf("message %d has seq %d, want %d", i, m.Seq, from+int64(i))
		}
	}
}
