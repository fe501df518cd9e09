package service

import (
	"context"

	"parlor/define"
	"parlor/models"
)

// Sync returns what the caller has missed in each of his rooms, oldest first: at most define.SyncPerRoom messages a room,
// and define.SyncTotal or define.SyncBytes of text in all. A room that has more says so, and is then read by History with after_seq. Rooms that the
// caller doesn't name are ones that he has joined meanwhile; rooms that he is not in are left out.
func (s *Messages) Sync(ctx context.Context, c Caller, in SyncInput) (SyncResult, error) {
	result := SyncResult{Rooms: []SyncRoom{}}
	if err := check(in); err != nil {
		return result, err
	}
	all, err := s.joinedRooms(ctx, c.User)
	if err != nil {
		return result, err
	}
	left := syncBudget{messages: define.SyncTotal, bytes: define.SyncBytes}
	for i := range all {
		room, err := s.syncRoom(ctx, c, &all[i], in.Rooms[all[i].room.Identity], &left)
		if err != nil {
			return result, err
		}
		result.Rooms = append(result.Rooms, room)
	}
	return result, nil
}

// syncBudget is what is left of a sync.
type syncBudget struct{ messages, bytes int }

func (b *syncBudget) used() bool { return b.messages <= 0 || b.bytes <= 0 }

// spend takes messages from the budget until one of its sides is used up, and returns how many it took.
func (b *syncBudget) spend(docs []models.Message) int {
	for i := range docs {
		if b.used() {
			return i
		}
		b.messages--
		b.bytes -= len(docs[i].Data)
	}
	return len(docs)
}

// syncRoom reads only where the room says that it has something new.
func (s *Messages) syncRoom(ctx context.Context, c Caller, j *joined, seen int64, left *syncBudget) (SyncRoom, error) {
	room := SyncRoom{Identity: j.room.Identity, LastSeq: j.room.LastSeq, Items: []Message{}}
	seen = max(seen, floor(j.member))
	if seen >= room.LastSeq {
		return room, nil
	}
	if j.member.Locked && !c.unlocked(room.Identity) {
		room.Locked, room.More = true, true
		return room, nil
	}
	if left.used() {
		room.More = true
		return room, nil
	}
	docs, err := s.store.Messages.After(ctx, room.Identity, c.User, seen, define.SyncPerRoom+1)
	if err != nil {
		return room, err
	}
	shown := docs[:left.spend(docs[:min(len(docs), define.SyncPerRoom)])]
	room.More = len(shown) < len(docs)
	if room.Items, err = s.views(ctx, shown, c.User); err != nil {
		return room, err
	}
	for i := range shown {
		// The room may be behind what was just read: a batch is being written.
		room.LastSeq = max(room.LastSeq, shown[i].Seq)
	}
	return room, nil
}
