package service

import (
	"context"

	"parlor/define"
	"parlor/models"
)

// Sync returns what the caller has missed in each of his rooms, oldest first: at most define.SyncPerRoom messages a room
// and define.SyncTotal in all. A room that has more says so, and is then read by History with after_seq. Rooms that the
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
	left := define.SyncTotal
	for i := range all {
		room, err := s.syncRoom(ctx, c, &all[i], in.Rooms[all[i].room.Identity], min(left, define.SyncPerRoom))
		if err != nil {
			return result, err
		}
		left -= len(room.Items)
		result.Rooms = append(result.Rooms, room)
	}
	return result, nil
}

// syncRoom reads only where the room says that it has something new.
func (s *Messages) syncRoom(ctx context.Context, c Caller, j *joined, seen int64, limit int) (SyncRoom, error) {
	room := SyncRoom{Identity: j.room.Identity, LastSeq: j.room.LastSeq, Items: []Message{}}
	seen = max(seen, floor(j.member))
	if seen >= room.LastSeq {
		return room, nil
	}
	if limit == 0 {
		room.More = true
		return room, nil
	}
	docs, err := s.store.Messages.After(ctx, room.Identity, seen, limit+1)
	if err != nil {
		return room, err
	}
	users, err := s.senders(ctx, docs)
	if err != nil {
		return room, err
	}
	page := listOf(docs, limit, func(m *models.Message) Message { return messageViewFor(m, users[m.UserIdentity], c.User) },
		func(_ int, last *models.Message) any { return historyCursor{After: last.Seq} })
	room.Items, room.More = page.Items, page.Next != ""
	if n := len(room.Items); n > 0 {
		// The room may be behind what was just read: a batch is being written.
		room.LastSeq = max(room.LastSeq, room.Items[n-1].Seq)
	}
	return room, nil
}
