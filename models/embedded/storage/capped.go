package storage

import (
	"context"
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

// insertCapped stages a document together with the removal of the oldest ones that
// it leaves no room for.
func (w *Writer) insertCapped(doc bson.Raw) error {
	o := w.c.schema.Load().options
	size := int64(len(doc))
	if size > o.Size {
		return mongoerr.BadValue.Errorf("object to insert exceeds cappedMaxSize")
	}
	full := func() bool { return w.count > 0 && (w.bytes+size > o.Size || o.Max > 0 && w.count+1 > o.Max) }
	if !full() {
		return w.insert(doc)
	}
	// What is staged can't be read, and the document may be refused: then what was
	// staged before must stand, and nothing be removed for it.
	if err := w.Apply(); err != nil {
		return err
	}
	const most = 256 // each of a full collection's inserts is a batch of its own
	if len(w.applied) > most {
		if err := w.settle(); err != nil {
			return err
		}
	}
	count, bytes := w.count, w.bytes
	err := w.evict(full)
	if err == nil {
		err = w.insert(doc)
	}
	if err != nil {
		w.count, w.bytes = count, bytes
		err = errors.Join(err, w.unstage())
	}
	return err
}

// evict stages the removal of the oldest documents while full.
func (w *Writer) evict(full func() bool) error {
	prefix := appendPrefix(nil, recordKind, w.c.ID)
	iter, err := w.c.store.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: successor(prefix)})
	if err != nil {
		return err
	}
	for valid := iter.First(); valid && full(); valid = iter.Next() {
		old, err := iter.ValueAndErr()
		if err == nil {
			err = w.Delete(recordIDAt(iter.Key()), old)
		}
		if err != nil {
			return errors.Join(err, iter.Close())
		}
	}
	return errors.Join(iter.Error(), iter.Close())
}

// unstage drops what is staged since the last Apply.
func (w *Writer) unstage() error {
	clear(w.taken)
	if w.batch == nil {
		return nil
	}
	err := w.batch.Close()
	w.batch = nil
	return err
}

// growth tells who waits that a collection has changed.
type growth struct {
	mu      sync.Mutex
	waiting chan struct{}
}

// next gives a channel that is closed at the next change.
func (g *growth) next() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting == nil {
		g.waiting = make(chan struct{})
	}
	return g.waiting
}

func (g *growth) announce() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting != nil {
		close(g.waiting)
		g.waiting = nil
	}
}

// Tail reads a capped collection in the order of insertion, and goes on where it
// ended when there is more. It isn't safe for concurrent use.
type Tail struct {
	c       *Collection
	q       Query
	results *Results
	last    RecordID
	left    int64 // of the query's limit
	grown   <-chan struct{}
	ended   bool
}

// NewTail starts a tail. It fails with BadValue where the collection isn't capped,
// or the query wants another order.
func (c *Collection) NewTail(q Query) (*Tail, error) {
	if !c.Options().Capped {
		return nil, mongoerr.BadValue.Errorf("error processing query: ns=%s :: caused by :: tailable cursor requested on non capped collection", c.NS)
	}
	if q.Sort != nil && (len(q.Sort.Fields) > 0 || q.Sort.Natural < 0) {
		return nil, mongoerr.BadValue.Errorf("error processing query: ns=%s :: caused by :: cannot use tailable option with a sort other than {$natural: 1}", c.NS)
	}
	q.tail = true
	return &Tail{c: c, q: q, left: q.Limit}, nil
}

// Next gives the next document, valid until the next call. ok is false where there
// is none for now. It fails with CappedPositionLost where documents that it hasn't
// read were removed to make room, and with QueryPlanKilled where the collection is
// gone.
func (t *Tail) Next(ctx context.Context) (doc bson.Raw, ok bool, err error) {
	if t.q.Limit > 0 && t.left == 0 {
		return nil, false, nil
	}
	if t.results == nil {
		if err := t.resume(); err != nil {
			return nil, false, err
		}
	}
	_, doc, ok, err = t.results.Next(ctx)
	t.last = max(t.last, t.results.Scan.last)
	if ok {
		t.left--
	} else if err == nil {
		t.ended = true
		t.q.Skip = t.results.skip
		err = t.Close()
	}
	return doc, ok, err
}

func (t *Tail) resume() (err error) {
	// Asked for before reading, so that nothing that comes after goes unnoticed.
	t.grown = t.c.growth.next()
	if t.c.schema.Load().retired {
		return mongoerr.QueryPlanKilled.Errorf("collection dropped between getMore calls: %s", t.c.NS)
	}
	if t.last > 0 {
		at, err := t.c.store.get(appendRecordKey(nil, t.c.ID, t.last))
		if err != nil {
			return err
		}
		if at == nil {
			return mongoerr.CappedPositionLost.Errorf("CollectionScan died due to position in capped collection being deleted. Last seen record id: RecordId(%d)", t.last)
		}
	}
	t.q.after = t.last
	t.results, err = t.c.Find(t.q)
	return err
}

// Exhausted reports whether nothing will ever follow: the collection was empty, so
// that there is no place to go on from, or the limit is reached.
func (t *Tail) Exhausted() bool {
	return t.ended && t.last == 0 || t.q.Limit > 0 && t.left == 0
}

// Wait waits until the collection has changed since the last Next.
func (t *Tail) Wait(ctx context.Context) error {
	select {
	case <-t.grown:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close frees what the tail holds.
func (t *Tail) Close() error {
	if t.results == nil {
		return nil
	}
	err := t.results.Close()
	t.results = nil
	return err
}
