package router_test

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

// examined returns how many index keys and documents the database has looked at since it was started.
func examined(t *testing.T, database *mongo.Database) int64 {
	t.Helper()
	var status struct {
		Metrics struct {
			QueryExecutor struct{ Scanned, ScannedObjects int64 } `bson:"queryExecutor"`
		}
	}
	must(t, database.RunCommand(t.Context(), bson.D{{Key: "serverStatus", Value: 1}}).Decode(&status))
	return status.Metrics.QueryExecutor.Scanned + status.Metrics.QueryExecutor.ScannedObjects
}

// crowded adds members to a group without the cost of registering them.
func (s *server) crowded(group string, n int) {
	s.t.Helper()
	members := make([]models.UserRoom, n)
	for i := range members {
		user := models.User{Identity: helper.NewIdentity(), Account: fmt.Sprint("extra", i), AccountKey: fmt.Sprint("extra", i), Number: int64(1_000_000 + i)}
		must(s.t, s.store.Users.Insert(s.t.Context(), &user))
		members[i] = models.UserRoom{Identity: helper.NewIdentity(), UserIdentity: user.Identity, RoomIdentity: group, RoomKind: define.RoomGroup, Role: define.RoleMember}
	}
	must(s.t, s.store.UserRooms.Ensure(s.t.Context(), members))
}

// In a group of 500, no call costs more because more was said before.
func TestCostDoesNotGrowWithHistory(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(*define.Config) {})
	alice, bob := s.friends("alice", "bob")
	carol := s.user("carol")
	alice.befriend(carol)
	group := alice.group("costs", bob)
	s.crowded(group, 497)
	on := "/rooms/" + group
	database := s.openDatabase()

	var last message
	talk := func(n int) {
		for range n {
			last = bob.send(group, "some words to be found by")
		}
	}
	calls := []struct {
		name string
		call func()
	}{
		{"list rooms", func() { alice.get("/rooms").ok(200) }},
		{"room", func() { alice.get(on).ok(200) }},
		{"members", func() { alice.get(on + "/members").ok(200) }},
		{"history", func() { alice.get(on + "/messages?limit=20").ok(200) }},
		{"history after", func() { alice.get(on + "/messages?after_seq=5&limit=20").ok(200) }},
		{"history by sender", func() { alice.get(on + "/messages?limit=20&sender=" + bob.identity).ok(200) }},
		{"search", func() { alice.get("/search/messages?limit=20&q=words").ok(200) }},
		{"search in vain", func() { alice.get("/search/messages?limit=20&q=nowhere").ok(200) }},
		{"send", func() { bob.send(group, "one more") }},
		{"mention all", func() { alice.post(on+"/messages", fields{"data": "all!", "mentions": []string{"all"}}).ok(201) }},
		{"reply", func() { alice.post(on+"/messages", fields{"data": "well", "reply_to": last.Identity}).ok(201) }},
		{"edit", func() { bob.patch(fmt.Sprint("/messages/", last.Identity), fields{"data": "other words"}).ok(200) }},
		{"react", func() { alice.put(fmt.Sprint("/messages/", last.Identity, "/reactions/👍"), nil).ok(204) }},
		{"readers", func() { alice.get(fmt.Sprint("/messages/", last.Identity, "/readers")).ok(200) }},
		{"read", func() { alice.post(on+"/read", fields{"seq": last.Seq}).ok(200) }},
		{"delete", func() { alice.delete(fmt.Sprint("/messages/", last.Identity), nil).ok(204) }},
		{"recall", func() { bob.post(fmt.Sprint("/messages/", last.Identity, "/recall"), nil).ok(200) }},
		{"pin", func() { alice.patch(on+"/me", fields{"pinned": true}).ok(200) }},
		{"rename", func() { alice.patch(on, fields{"name": "costs"}).ok(200) }},
		{"announce", func() { alice.post(on+"/announcements", fields{"content": "listen"}).ok(201) }},
		{"silence", func() { alice.put(on+"/members/"+bob.identity+"/silence", fields{"seconds": 0}).ok(200) }},
		{"add", func() { alice.post(on+"/members", fields{"members": []string{carol.identity}}).ok(200) }},
		{"remove", func() { alice.delete(on+"/members/"+carol.identity, nil).ok(204) }},
		{"clear", func() { alice.delete(on+"/messages", nil).ok(204) }},
	}
	costs := func() map[string]int64 {
		cost := map[string]int64{}
		for _, c := range calls {
			before := examined(t, database)
			c.call()
			cost[c.name] = examined(t, database) - before
		}
		return cost
	}
	const before, more = 250, 1250
	talk(before)
	few := costs()
	talk(more)
	many := costs()
	for _, c := range calls {
		t.Logf("%-18s %5d keys and documents, %5d after six times as many messages", c.name, few[c.name], many[c.name])
		// Some more are those of the indexer and of sessions, which are noted when they please, and of runs of messages,
		// which are as long as the sends were fast: the first look of a search is at 65 to 128 messages.
		if many[c.name] > few[c.name]+more/4 {
			t.Errorf("%s: %d keys and documents with few messages, %d with many", c.name, few[c.name], many[c.name])
		}
	}
}
