package service

import (
	"context"
	"hash/maphash"
	"maps"
	"slices"
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

// repair brings rooms up to their newest messages and senders up to their own, and counts their mentions, where a crash
// came between the writes of a batch. What a batch has written last has the highest identities, so that only those need
// a look.
func (w *writer) repair(ctx context.Context) error {
	newest, err := w.store.Messages.Newest(ctx, 2*writerShards*batchMax)
	if err != nil {
		return err
	}
	stored := pointersTo(newest)
	if err := w.store.UserRooms.AdvanceReads(ctx, ownReads(stored)); err != nil { // first: nobody is mentioned by himself
		return err
	}
	for _, m := range stored {
		if len(m.Mentions) > 0 {
			if err := w.countMentions(ctx, m); err != nil {
				return err
			}
		}
	}
	return w.store.Rooms.Advance(ctx, slices.Collect(maps.Values(lastOfRooms(stored))))
}

// lastOfRooms returns the message with the highest number of each room.
func lastOfRooms(messages []*models.Message) map[string]*models.Message {
	last := map[string]*models.Message{}
	for _, m := range messages {
		if before := last[m.RoomIdentity]; before == nil || m.Seq > before.Seq {
			last[m.RoomIdentity] = m
		}
	}
	return last
}

// ownReads returns how far the senders of messages have read at least: each up to his own last one in each room.
func ownReads(messages []*models.Message) []models.Read {
	type sender struct{ user, room string }
	last := map[sender]models.Read{}
	for _, m := range messages {
		if by := (sender{m.UserIdentity, m.RoomIdentity}); m.Seq > last[by].Seq {
			last[by] = models.Read{UserIdentity: m.UserIdentity, RoomIdentity: m.RoomIdentity, Seq: m.Seq, MessageIdentity: m.Identity, At: m.CreatedAt}
		}
	}
	return slices.Collect(maps.Values(last))
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
