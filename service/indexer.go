package service

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

const (
	runMessages  = 64       // of one run at most
	runBytes     = 16 << 10 // of its texts
	runSpan      = 1_000    // milliseconds from its first message to its last
	indexDelay   = time.Second
	indexPending = 8_192  // messages that wait for the indexer; with more the writer waits
	indexRepair  = 16_384 // newest messages that are looked at after a start: more than can have been waiting here and in the writer
	indexRetry   = time.Second
	indexTries   = 5
)

// indexer makes stored messages findable: those of a room together when they fill a run, after a second, or when somebody
// searches. The more messages a run has, the more of their terms are the same. What waits when the process is killed is
// found by repair at the next start.
type indexer struct {
	*core
	mu      sync.Mutex
	changed *sync.Cond
	filling map[string]*filling // runs that may still grow, by room
	oldest  []*filling          // the same in the order in which they began, and some that are due since
	due     [][]*models.Message // to be stored now, in this order
	pending int                 // messages in filling and due
	handed  int64               // messages that have been due since the start
	indexed int64               // of these, those that are findable
	closed  bool
	quit    chan struct{}
	done    sync.WaitGroup
}

// filling is a run to be.
type filling struct {
	messages []*models.Message // none once it is due
	since    time.Time
}

func newIndexer(c *core) *indexer {
	x := &indexer{core: c, quit: make(chan struct{}), filling: map[string]*filling{}}
	x.changed = sync.NewCond(&x.mu)
	return x
}

func (x *indexer) start() { x.done.Go(x.run) }

// stop indexes what waits and ends.
func (x *indexer) stop() {
	x.mu.Lock()
	x.closed = true
	x.ripen(time.Time{})
	x.changed.Broadcast()
	x.mu.Unlock()
	close(x.quit)
	x.done.Wait()
}

// put hands stored messages over. It waits where too many are waiting.
func (x *indexer) put(messages []*models.Message) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.pending >= indexPending && !x.closed {
		x.changed.Wait()
	}
	idle := len(x.filling) == 0
	for _, m := range messages {
		x.fill(m)
	}
	x.pending += len(messages)
	if idle || len(x.due) > 0 || x.pending >= indexPending {
		x.changed.Broadcast()
	}
}

func (x *indexer) fill(m *models.Message) {
	f := x.filling[m.RoomIdentity]
	if f == nil {
		f = &filling{since: time.Now()}
		x.filling[m.RoomIdentity] = f
		x.oldest = append(x.oldest, f)
	}
	f.messages = append(f.messages, m)
	if len(f.messages) == runMessages || x.closed {
		x.ripe(f)
	}
}

// ripe makes a run due.
func (x *indexer) ripe(f *filling) {
	x.due = append(x.due, f.messages)
	x.handed += int64(len(f.messages))
	delete(x.filling, f.messages[0].RoomIdentity)
	f.messages = nil
}

// ripen makes the runs due that began by a time, the zero time for all, and returns when the next one began.
func (x *indexer) ripen(by time.Time) (next time.Time) {
	for len(x.oldest) > 0 {
		f := x.oldest[0]
		if f.messages != nil {
			if !by.IsZero() && f.since.After(by) {
				return f.since
			}
			x.ripe(f)
		}
		x.oldest = x.oldest[1:]
	}
	return time.Time{}
}

// wait returns when everything that was handed over before is findable.
func (x *indexer) wait(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.changed.Broadcast()
	})()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ripen(time.Time{})
	x.changed.Broadcast()
	for want := x.handed; x.indexed < want; {
		if ctx.Err() != nil {
			return define.ErrUnavailable.With(ctx.Err())
		}
		x.changed.Wait()
	}
	return nil
}

func (x *indexer) run() {
	wake := time.AfterFunc(indexDelay, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.changed.Broadcast()
	})
	defer wake.Stop()
	for {
		batch := x.take(wake)
		if len(batch) == 0 {
			return
		}
		x.index(batch)
		x.mu.Lock()
		x.indexed += int64(len(batch))
		x.pending -= len(batch)
		x.changed.Broadcast()
		x.mu.Unlock()
	}
}

// take waits for due runs and returns the messages of as many of them as one run may have: with small writes those of
// the chat itself, which are in one line with them, wait less. It returns none at the end.
func (x *indexer) take(wake *time.Timer) (batch []*models.Message) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		next := x.ripen(time.Now().Add(-indexDelay))
		if x.pending >= indexPending {
			x.ripen(time.Time{})
		}
		if len(x.due) > 0 || x.closed {
			break
		}
		if !next.IsZero() {
			wake.Reset(time.Until(next.Add(indexDelay)))
		}
		x.changed.Wait()
	}
	for len(x.due) > 0 && len(batch)+len(x.due[0]) <= runMessages {
		batch = append(batch, x.due[0]...)
		x.due = x.due[1:]
	}
	return batch
}

// index stores the runs of messages. It waits for a database that is away. One that refuses them again and again leaves
// them unfindable until the next start: the chat goes on.
func (x *indexer) index(messages []*models.Message) {
	runs := runsOf(messages)
	for try := 1; ; try++ {
		ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
		err := x.store.Runs.InsertMany(ctx, runs)
		cancel()
		switch {
		case err == nil:
			return
		case errors.Is(err, define.ErrUnavailable):
			x.log.Warn("messages wait to be made findable", "messages", len(messages), "error", err)
			try = 0
		default:
			x.log.Error("messages could not be made findable", "messages", len(messages), "try", try, "error", err)
		}
		if try == indexTries || !x.pause(indexRetry) {
			return
		}
	}
}

// pause waits a while and reports whether to go on: stop ends it at once.
func (x *indexer) pause(d time.Duration) bool {
	select {
	case <-x.quit:
		return false
	case <-time.After(d):
		return true
	}
}

// RunsOf makes the runs under which stored messages are found: of one room, without a gap, and small. Whoever stores
// messages past the writer, as an import does, stores these too.
func RunsOf(messages []models.Message) []models.MessageRun {
	return runsOf(pointersTo(messages))
}

func pointersTo(messages []models.Message) []*models.Message {
	all := make([]*models.Message, len(messages))
	for i := range messages {
		all[i] = &messages[i]
	}
	return all
}

func runsOf(messages []*models.Message) (runs []models.MessageRun) {
	byRoom := map[string][]*models.Message{}
	for _, m := range messages {
		byRoom[m.RoomIdentity] = append(byRoom[m.RoomIdentity], m)
	}
	for _, list := range byRoom {
		slices.SortFunc(list, func(a, b *models.Message) int { return int(a.Seq - b.Seq) })
		for len(list) > 0 {
			n := runLength(list)
			runs = append(runs, runOf(list[:n]))
			list = list[n:]
		}
	}
	return runs
}

func runLength(list []*models.Message) int {
	n, bytes := 1, len(list[0].Data)
	for n < min(len(list), runMessages) {
		m, last := list[n], list[n-1]
		bytes += len(m.Data)
		if m.Seq != last.Seq+1 || bytes > runBytes || m.CreatedAt < last.CreatedAt || m.CreatedAt > list[0].CreatedAt+runSpan {
			break
		}
		n++
	}
	return n
}

// runOf makes one run. Its identity tells its messages: the same run stored twice is one, and two that overlap, as of two
// processes that index the same messages, are both kept.
func runOf(list []*models.Message) models.MessageRun {
	first, last := list[0], list[len(list)-1]
	return models.MessageRun{
		Identity: first.Identity*runMessages + int64(len(list)-1), RoomIdentity: first.RoomIdentity, FromSeq: first.Seq, ToSeq: last.Seq,
		ToAt: last.CreatedAt, Terms: termsOf(list),
	}
}

// What messages are found by beside their text.
func senderTerm(user string) int32  { return helper.Term("sender:" + user) }
func typeTerm(kind string) int32    { return helper.Term("type:" + kind) }
func mentionTerm(user string) int32 { return helper.Term("mention:" + user) }
func everyTerm() int32              { return helper.Term("every") }

func termsOf(list []*models.Message) []int32 {
	terms := []int32{everyTerm()}
	for _, m := range list {
		terms = append(terms, senderTerm(m.UserIdentity))
		if m.RecalledAt > 0 {
			continue
		}
		terms = append(terms, typeTerm(m.Type))
		for _, user := range m.Mentions {
			terms = append(terms, mentionTerm(user))
		}
		for _, text := range textsOf(m) {
			terms = helper.AppendTextTerms(terms, helper.FoldText(text))
		}
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

// textsOf returns what people say in a message: its own words and the name of its file, and those of the copies in a
// merged one.
func textsOf(m *models.Message) []string {
	if m.Type == define.MessageSystem {
		return nil
	}
	return appendTexts(appendName([]string{m.Data}, m.File), m.Merged)
}

func appendTexts(texts []string, merged []models.MergedMessage) []string {
	for i := range merged {
		texts = appendTexts(appendName(append(texts, merged[i].Data), merged[i].File), merged[i].Merged)
	}
	return texts
}

func appendName(texts []string, file *models.FileCopy) []string {
	if file == nil {
		return texts
	}
	return append(texts, file.Name)
}

// again lets a changed message be found by what it says now. The change is made: where this fails, the message is found
// by what it said before only as far as it still says it, and the caller is not refused.
func (x *indexer) again(ctx context.Context, m *models.Message) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := x.renew(ctx, m); err != nil {
		x.log.Error("a changed message could not be made findable", "room", m.RoomIdentity, "error", err)
	}
}

// renew computes the terms of a message's run anew, from all of its messages.
func (x *indexer) renew(ctx context.Context, m *models.Message) error {
	if err := x.wait(ctx); err != nil {
		return err
	}
	runs, err := x.store.Runs.EndingFrom(ctx, m.RoomIdentity, m.Seq, runMessages)
	if err != nil {
		return err
	}
	runs = slices.DeleteFunc(runs, func(r models.MessageRun) bool { return r.FromSeq > m.Seq })
	if len(runs) == 0 { // another process has not come to it, or nobody could
		return x.store.Runs.InsertMany(ctx, runsOf([]*models.Message{m}))
	}
	for i := range runs {
		if err := x.renewRun(ctx, &runs[i]); err != nil {
			return err
		}
	}
	return nil
}

// renewRun must not run twice at once for one run: of two changed messages only one might be found.
func (x *indexer) renewRun(ctx context.Context, run *models.MessageRun) error {
	defer x.locks.lock("run " + strconv.FormatInt(run.Identity, 10))()
	messages, err := x.store.Messages.InSpans(ctx, []models.Span{{Room: run.RoomIdentity, From: run.FromSeq, To: run.ToSeq}})
	if err != nil {
		return err
	}
	return x.store.Runs.SetTerms(ctx, run.Identity, termsOf(pointersTo(messages)))
}

// repair makes those of the newest messages findable that were waiting when the process ended.
func (x *indexer) repair(ctx context.Context) error {
	newest, err := x.store.Messages.Newest(ctx, indexRepair)
	if err != nil {
		return err
	}
	oldest := map[string]int64{}
	for i := range newest {
		m := &newest[i]
		if seq, ok := oldest[m.RoomIdentity]; !ok || m.Seq < seq {
			oldest[m.RoomIdentity] = m.Seq
		}
	}
	runs := make(map[string][]models.MessageRun, len(oldest))
	for room, seq := range oldest {
		if runs[room], err = x.store.Runs.EndingFrom(ctx, room, seq, indexRepair); err != nil {
			return err
		}
	}
	missing := slices.DeleteFunc(newest, func(m models.Message) bool { return covered(runs[m.RoomIdentity], m.Seq) })
	if len(missing) == 0 {
		return nil
	}
	return x.store.Runs.InsertMany(ctx, RunsOf(missing))
}

// covered reports whether a message is in one of the runs of its room, which are in order.
func covered(runs []models.MessageRun, seq int64) bool {
	i, _ := slices.BinarySearchFunc(runs, seq, func(r models.MessageRun, seq int64) int { return cmp.Compare(r.ToSeq, seq) })
	return i < len(runs) && runs[i].FromSeq <= seq
}
