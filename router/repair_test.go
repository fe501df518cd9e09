package router_test

import (
	"testing"

	"parlor/define"
	"parlor/models"
)

// A process that was killed has stored a message, and nothing else of it. The next start does the rest.
func TestRepairAfterTheInsert(t *testing.T) {
	t.Parallel()
	first := newServer(t, func(c *define.Config) { c.Embedded.Listen = "127.0.0.1:0" })
	alice, bob := first.friends("alice", "bob")
	group := alice.group("killed", bob)
	bob.send(group, "one")
	id, err := first.store.Counters.Take(t.Context(), models.CounterMessage, 1)
	must(t, err)
	stored := models.Message{
		Identity: id, RoomIdentity: group, Seq: 2, UserIdentity: alice.identity, Type: define.MessageText, Data: "two",
		Mentions: []string{define.MentionAll}, CreatedAt: 1, UpdatedAt: 1,
	}
	_, err = first.store.Messages.InsertBatch(t.Context(), []*models.Message{&stored})
	must(t, err)

	newServer(t, func(c *define.Config) { c.MongoDB.URI = "mongodb://" + first.database.Addr().String() })
	if r := alice.room(group); r.LastSeq != 2 || r.LastMessage.Data != "two" || r.Me.ReadSeq != 2 {
		t.Errorf("alice sees %+v", r)
	}
	alice.checkMe("her own message", group, 0, 0)
	bob.checkMe("alice's", group, 1, 1)
}
