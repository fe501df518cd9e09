package service

import (
	"cmp"
	"context"
	"math"
	"slices"

	"parlor/define"
	"parlor/models"
)

// Snapshot is a room as one member sees it, with who is in it and the newest of what was said, oldest first. It is for
// clients that cannot page. Of a room that he has locked it shows no messages.
type Snapshot struct {
	Room     Room
	Members  []Member // in the order of arrival
	Messages []Message
	Deleted  map[int64]bool // those of the messages that he has deleted for himself
}

// Snapshots returns the caller's open rooms, the last active ones where he has more than define.SnapshotRooms.
// Recalled messages are left out. How many messages a room shows follows from define.SnapshotMessages and
// define.SnapshotMarks, so that what is answered stays of a size that can be sent.
func (s *Messages) Snapshots(ctx context.Context, c Caller) ([]Snapshot, error) {
	all, err := s.joinedRooms(ctx, c.User)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(j joined) bool { return j.room.ClosedAt > 0 })
	slices.SortFunc(all, func(a, b joined) int { return cmp.Compare(b.room.UpdatedAt, a.room.UpdatedAt) })
	all = all[:min(len(all), define.SnapshotRooms)]
	views, err := s.roomViews(ctx, c.User, all, c.unlocked)
	if err != nil {
		return nil, err
	}
	members, err := s.membersOfAll(ctx, all)
	if err != nil {
		return nil, err
	}
	said, err := s.newestOfAll(ctx, c, all)
	if err != nil {
		return nil, err
	}
	snapshots := make([]Snapshot, len(all))
	for i, view := range views {
		snapshots[i] = Snapshot{Room: view, Members: members[view.Identity], Deleted: map[int64]bool{}}
		docs := said[view.Identity]
		if snapshots[i].Messages, err = s.views(ctx, docs, c.User); err != nil {
			return nil, err
		}
		for j := range docs {
			if slices.Contains(docs[j].HiddenFor, c.User) {
				snapshots[i].Deleted[docs[j].Identity] = true
			}
		}
	}
	return snapshots, nil
}

// membersOfAll returns who is in each of some rooms, in the order of arrival.
func (c *core) membersOfAll(ctx context.Context, all []joined) (map[string][]Member, error) {
	rooms := make([]string, len(all))
	for i, j := range all {
		rooms[i] = j.room.Identity
	}
	docs, err := c.store.UserRooms.ByRooms(ctx, rooms)
	if err != nil {
		return nil, err
	}
	views, err := c.memberViews(ctx, docs)
	if err != nil {
		return nil, err
	}
	members := make(map[string][]Member, len(all))
	for i := range docs {
		members[docs[i].RoomIdentity] = append(members[docs[i].RoomIdentity], views[i])
	}
	return members, nil
}

// spansPerQuery keeps one query of many rooms' messages well below what a database takes.
const spansPerQuery = 100

// newestOfAll returns the newest messages of each of some rooms that their member may read, oldest first.
func (s *Messages) newestOfAll(ctx context.Context, c Caller, all []joined) (map[string][]models.Message, error) {
	var spans []models.Span
	for _, j := range all {
		from := max(floor(j.member), j.room.LastSeq-snapshotLength(len(all), j.room.MemberCount)) + 1
		if from <= j.room.LastSeq && (!j.member.Locked || c.unlocked(j.room.Identity)) {
			spans = append(spans, models.Span{Room: j.room.Identity, From: from, To: math.MaxInt64})
		}
	}
	said := map[string][]models.Message{}
	for part := range slices.Chunk(spans, spansPerQuery) {
		docs, err := s.store.Messages.InSpans(ctx, part)
		if err != nil {
			return nil, err
		}
		for _, m := range docs {
			if m.RecalledAt == 0 {
				said[m.RoomIdentity] = append(said[m.RoomIdentity], m)
			}
		}
	}
	for _, docs := range said {
		slices.SortFunc(docs, func(a, b models.Message) int { return cmp.Compare(a.Seq, b.Seq) })
	}
	return said, nil
}

// snapshotLength is how many places of a room a snapshot of so many rooms looks at.
func snapshotLength(rooms, members int) int64 {
	length := define.SnapshotMessages / max(1, rooms)
	length = min(length, define.SnapshotMarks/max(1, members))
	return int64(min(max(length, define.SnapshotLeast), define.SnapshotMost))
}

// Between returns the identities of what was said in a room from after one place up to another, oldest first: at most
// define.SnapshotMost, the newest. Refusals: ErrRoomNotFound, ErrRoomDissolved.
func (s *Messages) Between(ctx context.Context, c Caller, room string, after, upTo int64) ([]int64, error) {
	if _, err := s.memberOf(ctx, c.User, room); err != nil {
		return nil, err
	}
	after = max(after, upTo-define.SnapshotMost)
	docs, err := s.store.Messages.InSpans(ctx, []models.Span{{Room: room, From: after + 1, To: upTo}})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(docs, func(a, b models.Message) int { return cmp.Compare(a.Seq, b.Seq) })
	identities := make([]int64, len(docs))
	for i := range docs {
		identities[i] = docs[i].Identity
	}
	return identities, nil
}
