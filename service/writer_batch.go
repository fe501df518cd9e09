package service

import (
	"context"
	"errors"
	"maps"
	"slices"

	"parlor/models"
)

// outcome is what became of a send.
type outcome struct {
	message *models.Message
	created bool
	err     error
}

// batchOutcome is what became of a batch, in the order of the numbers.
type batchOutcome struct {
	batch    []*send
	outcomes map[*send]outcome
}

func (b batchOutcome) tell(s *shard) {
	for _, one := range b.batch {
		s.tell(one, b.outcomes[one])
	}
}

// stored returns what is new in the rooms.
func (b batchOutcome) stored() []*models.Message { return storedOf(b.batch, b.outcomes) }

func storedOf(batch []*send, outcomes map[*send]outcome) []*models.Message {
	messages := make([]*models.Message, 0, len(batch))
	for _, one := range batch {
		if o := outcomes[one]; o.created {
			messages = append(messages, o.message)
		}
	}
	return messages
}

// write stores a batch and brings its rooms and senders up to date.
func (s *shard) write(ctx context.Context, batch []*send) batchOutcome {
	outcomes := make(map[*send]outcome, len(batch))
	firsts, repeats := splitRepeats(batch)
	s.insert(ctx, s.number(ctx, firsts, outcomes), outcomes)
	for repeat, first := range repeats {
		o := outcomes[first]
		o.created = false
		outcomes[repeat] = o
	}
	s.advance(ctx, batch, outcomes)
	s.release(ctx, batch, outcomes)
	return batchOutcome{batch, outcomes}
}

// splitRepeats finds sends whose ClientID stands in the batch before them: they get the answer of the first.
func splitRepeats(batch []*send) (firsts []*send, repeats map[*send]*send) {
	firsts = make([]*send, 0, len(batch))
	seen := map[string]*send{}
	for _, one := range batch {
		if one.message == nil {
			continue
		}
		if one.message.ClientID != "" {
			if first, ok := seen[one.key()]; ok {
				if repeats == nil {
					repeats = map[*send]*send{}
				}
				repeats[one] = first
				continue
			}
			seen[one.key()] = one
		}
		firsts = append(firsts, one)
	}
	return firsts, repeats
}

// number gives each message its identity, its place in its room and its time. A send whose room can't be read fails.
func (s *shard) number(ctx context.Context, sends []*send, outcomes map[*send]outcome) []*send {
	at := now()
	numbered := sends[:0]
	for _, one := range sends {
		m := one.message
		seq, err := s.nextSeq(ctx, m.RoomIdentity)
		if err == nil && m.Identity == 0 {
			m.Identity, err = s.nextID(ctx)
		}
		if err != nil {
			outcomes[one] = outcome{err: err}
			continue
		}
		m.Seq, m.CreatedAt, m.UpdatedAt = seq, at, at
		s.next.Add(m.RoomIdentity, seq+1)
		numbered = append(numbered, one)
	}
	return numbered
}

func (s *shard) nextSeq(ctx context.Context, room string) (int64, error) {
	if seq, ok := s.next.Get(room); ok {
		return seq, nil
	}
	last, err := s.store.Messages.Last(ctx, room)
	if err != nil && !errors.Is(err, models.ErrNotFound) {
		return 0, err
	}
	return last.Seq + 1, nil
}

func (s *shard) nextID(ctx context.Context) (int64, error) {
	s.ids.mu.Lock()
	defer s.ids.mu.Unlock()
	if s.ids.from == s.ids.to {
		from, err := s.store.Counters.Take(ctx, models.CounterMessage, idBlock)
		if err != nil {
			return 0, err
		}
		s.ids.from, s.ids.to = from, from+idBlock
	}
	s.ids.from++
	return s.ids.from - 1, nil
}

// insert writes numbered messages with one ordered insert. Where a unique index refuses one, everything before it is
// stored; the refused one is settled, what comes after it takes new numbers, and the rest goes again in the same order.
// Each round either settles a message or finds a room further on, so it ends.
func (s *shard) insert(ctx context.Context, sends []*send, outcomes map[*send]outcome) {
	for len(sends) > 0 {
		documents := make([]*models.Message, len(sends))
		for i, one := range sends {
			documents[i] = one.message
		}
		n, err := s.store.Messages.InsertBatch(ctx, documents)
		if n < 0 {
			s.fail(sends, outcomes, err)
			return
		}
		for _, one := range sends[:n] {
			outcomes[one] = outcome{message: one.message, created: true}
		}
		if n == len(sends) {
			return
		}
		rest, err := s.settle(ctx, sends[n:], outcomes)
		if err != nil {
			s.fail(rest, outcomes, err)
			return
		}
		for _, one := range sends[n:] {
			s.next.Remove(one.message.RoomIdentity) // read anew, so that no number is skipped
		}
		sends = s.number(ctx, rest, outcomes)
	}
}

// settle finds out why the first of the sends was refused, by reading: its ClientID is stored already (it is answered
// with that message and leaves the batch), or another process has taken its number (it stays and takes a new one).
func (s *shard) settle(ctx context.Context, sends []*send, outcomes map[*send]outcome) ([]*send, error) {
	refused := sends[0].message
	if refused.ClientID == "" {
		return sends, nil
	}
	stored, err := s.store.Messages.ByClientID(ctx, refused.RoomIdentity, refused.UserIdentity, refused.ClientID)
	if errors.Is(err, models.ErrNotFound) {
		return sends, nil
	}
	if err != nil {
		return sends, err
	}
	outcomes[sends[0]] = outcome{message: &stored}
	return sends[1:], nil
}

// fail refuses sends of which it is not known whether they are stored. The numbers of their rooms are read anew.
func (s *shard) fail(sends []*send, outcomes map[*send]outcome, err error) {
	for _, one := range sends {
		outcomes[one] = outcome{err: err}
		s.next.Remove(one.message.RoomIdentity)
	}
}

// advance brings the rooms of a batch up to their newest message, and its senders up to their own. A message is on disk
// by now: where this fails it is only late, is tried again with the next batch, and repair does it after a crash.
func (s *shard) advance(ctx context.Context, batch []*send, outcomes map[*send]outcome) {
	stored := storedOf(batch, outcomes)
	last := lastOfRooms(stored)
	newest, positions := s.newestOf(ctx, last), ownReads(stored)
	if err := s.store.Rooms.Advance(ctx, newest); err != nil {
		s.log.Error("rooms are behind their newest messages", "rooms", len(newest), "error", err)
		for room := range last {
			s.behind[room] = true
		}
	} else {
		for _, m := range newest {
			delete(s.behind, m.RoomIdentity)
		}
	}
	if err := s.store.UserRooms.AdvanceReads(ctx, positions); err != nil {
		s.log.Error("senders are behind their own messages", "senders", len(positions), "error", err)
	}
	for _, m := range stored {
		if len(m.Mentions) > 0 {
			if err := s.countMentions(ctx, m); err != nil {
				s.log.Error("a mention is not counted", "room", m.RoomIdentity, "error", err)
			}
		}
	}
}

// release ends the holds on the files of what is stored, or is known not to be. Where it fails, or does not come, they
// end by themselves.
func (s *shard) release(ctx context.Context, batch []*send, outcomes map[*send]outcome) {
	var settled []*models.Message
	for _, one := range batch {
		if one.message != nil && len(one.message.Files) > 0 && outcomes[one].err == nil {
			settled = append(settled, one.message)
		}
	}
	if err := s.store.Files.Release(ctx, filesIn(settled)); err != nil {
		s.log.Warn("files stay held for a while", "messages", len(settled), "error", err)
	}
}

// newestOf returns the messages to which rooms are to be brought up: the last ones of a batch, and those of rooms that
// are behind, read anew, since what was said may have been recalled meanwhile.
func (s *shard) newestOf(ctx context.Context, last map[string]*models.Message) []*models.Message {
	newest := slices.Collect(maps.Values(last))
	for room := range s.behind {
		if _, ok := last[room]; ok {
			continue
		}
		m, err := s.store.Messages.Last(ctx, room)
		if err != nil {
			s.log.Error("a room stays behind its newest message", "room", room, "error", err)
			continue
		}
		newest = append(newest, &m)
	}
	return newest
}
