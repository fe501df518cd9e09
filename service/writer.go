package service

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"parlor/define"
	"parlor/models"
	"parlor/service/hub"
)

const (
	writerShards = 4     // writes under way at once; the rooms are spread over them
	batchMax     = 512   // messages in one insert
	queueMax     = 4096  // sends that wait for one shard; one more waits to be taken
	cursorsMax   = 20000 // rooms of a shard whose next number is remembered
	idBlock      = 1000  // identities of messages that are reserved at once
	writeTimeout = 10 * time.Second
)

// send is a message on its way to the database. One without a message only waits for its turn.
type send struct {
	message *models.Message
	around  surroundings
	conn    *hub.Conn // the socket it came over, which has its answer and no event
	done    func(m Message, created bool, err error)
	told    func() // called after done, when the others have been told as well
}

// key tells sends of the same ClientID apart from all others.
func (s *send) key() string {
	return s.message.RoomIdentity + "\n" + s.message.UserIdentity + "\n" + s.message.ClientID
}

// writer stores messages: the rooms are spread over shards, and each shard writes what is waiting for all of its rooms
// with one insert. Batches form from what waits while the write before is under way; nothing sleeps to fill one.
type writer struct {
	*core
	seed   maphash.Seed
	shards [writerShards]*shard
	quit   chan struct{}
	done   sync.WaitGroup
}

// shard is one goroutine's share of the writer. Only that goroutine uses its fields, but for the queue and the identities.
type shard struct {
	*core
	queue  chan *send
	next   *simplelru.LRU[string, int64] // the next number of each room
	behind map[string]bool               // rooms that could not be brought up to their newest message
	ids    *idRange
}

// idRange is what is left of a reserved block of identities. All shards take from one, so that what is newer has the
// higher identity: repair relies on it.
type idRange struct {
	mu       sync.Mutex
	from, to int64
}

func newWriter(c *core) *writer {
	w := &writer{core: c, seed: maphash.MakeSeed(), quit: make(chan struct{})}
	ids := &idRange{}
	for i := range w.shards {
		next, err := simplelru.NewLRU[string, int64](cursorsMax, nil)
		if err != nil {
			panic(err) // only for a size that is not positive
		}
		w.shards[i] = &shard{core: c, queue: make(chan *send, queueMax), next: next, behind: map[string]bool{}, ids: ids}
	}
	return w
}

func (w *writer) start() {
	for _, s := range w.shards {
		w.done.Go(func() { s.run(w.quit) })
	}
}

// stop writes what is queued and ends. Nothing may be put afterwards.
func (w *writer) stop() {
	close(w.quit)
	w.done.Wait()
}

// settle returns when the room and its members know of every message of the room that is stored already.
func (w *writer) settle(ctx context.Context, room string) error {
	settled := make(chan struct{})
	if err := w.queue(ctx, room, &send{told: func() { close(settled) }}); err != nil {
		return err
	}
	<-settled
	return nil
}

// put queues a message. While the database is away it is refused instead, but for one that waits to find it again.
func (w *writer) put(ctx context.Context, s *send) error {
	leave, err := w.store.Enter()
	if err != nil {
		return err
	}
	told := s.told
	s.told = func() {
		leave()
		told()
	}
	if err := w.queue(ctx, s.message.RoomIdentity, s); err != nil {
		leave()
		return err
	}
	return nil
}

// queue queues a send for the shard of a room. It waits where the queue is full, so that a flood slows down who causes it.
func (w *writer) queue(ctx context.Context, room string, s *send) error {
	shard := w.shards[maphash.String(w.seed, room)%writerShards]
	select {
	case <-w.quit:
		return define.ErrStopping
	default:
	}
	select {
	case shard.queue <- s:
		return nil
	case <-w.quit:
		return define.ErrStopping
	case <-ctx.Done():
		return define.ErrUnavailable.With(ctx.Err())
	}
}

// repair brings rooms up to their newest messages, and counts their mentions, where a crash came between the writes of a batch. What a batch
// has written last has the highest identities, so that only those need a look.
func (w *writer) repair(ctx context.Context) error {
	newest, err := w.store.Messages.Newest(ctx, 2*writerShards*batchMax)
	if err != nil {
		return err
	}
	for i := range newest {
		if len(newest[i].Mentions) > 0 {
			if err := w.countMentions(ctx, &newest[i]); err != nil {
				return err
			}
		}
	}
	return w.store.Rooms.Advance(ctx, lastOfRooms(newest))
}

// lastOfRooms returns the message with the highest number of each room.
func lastOfRooms(messages []models.Message) []models.Message {
	last := map[string]models.Message{}
	for _, m := range messages {
		if m.Seq > last[m.RoomIdentity].Seq {
			last[m.RoomIdentity] = m
		}
	}
	all := make([]models.Message, 0, len(last))
	for _, m := range last {
		all = append(all, m)
	}
	return all
}

// run stores what is queued until quit. Telling of a batch overlaps with the storing of the next.
func (s *shard) run(quit <-chan struct{}) {
	written := make(chan batchOutcome, 1)
	var teller sync.WaitGroup
	teller.Go(func() {
		for b := range written {
			s.indexer.put(b.stored()) // first: whoever has his answer can find what he sent
			b.tell(s)
		}
	})
	defer teller.Wait()
	defer close(written)
	for {
		var batch []*send
		select {
		case first := <-s.queue:
			batch = s.gather(first)
		case <-quit:
			if batch = s.gather(); len(batch) == 0 {
				return
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
		written <- s.write(ctx, batch)
		cancel()
	}
}

// gather makes a batch of what is waiting.
func (s *shard) gather(batch ...*send) []*send {
	for len(batch) < batchMax {
		select {
		case next := <-s.queue:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

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

// stored returns what is new in the room.
func (b batchOutcome) stored() []models.Message {
	messages := make([]models.Message, 0, len(b.batch))
	for _, one := range b.batch {
		if o := b.outcomes[one]; o.created {
			messages = append(messages, *o.message)
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
	type reader struct{ user, room string }
	reads := map[reader]models.Read{}
	last := map[string]models.Message{}
	for _, one := range batch {
		o := outcomes[one]
		if !o.created {
			continue
		}
		m := o.message
		last[m.RoomIdentity] = *m
		reads[reader{m.UserIdentity, m.RoomIdentity}] = models.Read{
			UserIdentity: m.UserIdentity, RoomIdentity: m.RoomIdentity, Seq: m.Seq, MessageIdentity: m.Identity, At: m.CreatedAt,
		}
	}
	newest := s.newestOf(ctx, last)
	positions := make([]models.Read, 0, len(reads))
	for _, read := range reads {
		positions = append(positions, read)
	}
	if err := s.store.Rooms.Advance(ctx, newest); err != nil {
		s.log.Error("rooms are behind their newest messages", "rooms", len(newest), "error", err)
		for room := range last {
			s.behind[room] = true
		}
	} else {
		for i := range newest {
			delete(s.behind, newest[i].RoomIdentity)
		}
	}
	if err := s.store.UserRooms.AdvanceReads(ctx, positions); err != nil {
		s.log.Error("senders are behind their own messages", "senders", len(positions), "error", err)
	}
	for _, one := range batch {
		if o := outcomes[one]; o.created && len(o.message.Mentions) > 0 {
			if err := s.countMentions(ctx, o.message); err != nil {
				s.log.Error("a mention is not counted", "room", o.message.RoomIdentity, "error", err)
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
func (s *shard) newestOf(ctx context.Context, last map[string]models.Message) []models.Message {
	newest := make([]models.Message, 0, len(last)+len(s.behind))
	for _, m := range last {
		newest = append(newest, m)
	}
	for room := range s.behind {
		if _, ok := last[room]; ok {
			continue
		}
		m, err := s.store.Messages.Last(ctx, room)
		if err != nil {
			s.log.Error("a room stays behind its newest message", "room", room, "error", err)
			continue
		}
		newest = append(newest, m)
	}
	return newest
}
