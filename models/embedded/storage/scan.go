package storage

import (
	"container/heap"
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// checkEvery is how many keys a scan reads between looks at its context.
const checkEvery = 256

// Stats counts the work of a query, as explain's executionStats does.
type Stats struct {
	KeysExamined int64
	DocsExamined int64
	// Repeated counts keys that led to a document that had been given before.
	Repeated int64
	// Matched counts the documents that the scan gave.
	Matched int64
	// Cursors are the work on each scan of the plan.
	Cursors []CursorStats
}

// Scan reads the documents that match a filter in the order of its plan, all from
// one moment. It holds no lock. It isn't safe for concurrent use.
type Scan struct {
	Plan  *Plan
	Stats Stats

	c       *Collection
	q       *Query
	planned *schema
	// collection walks the records where the plan has no index.
	collection *pebble.Iterator
	started    bool
	last       RecordID // that collection has come to
	// cursors walk the indexes. In order they are merged, else one follows another.
	cursors []*keyCursor
	merge   merge
	current *keyCursor
	// keys is the iterator that all cursors use, others those for their joins.
	keys   *pebble.Iterator
	others []*pebble.Iterator
	// records fetches what the indexes point to, from the same snapshot.
	records *pebble.Iterator
	seen    map[RecordID]struct{}
	key     []byte
	doc     []byte
	values  []keyed
	steps   int
	budget  int64 // of keys and documents, in a trial
	counted bool  // its work is in the store's count
	done    bool
}

// newScan plans q and opens its iterators. The schema is read before and after the
// snapshot is taken: where it is the same, the snapshot has every entry of the
// planned indexes (they are applied before an index is published, and deleted after
// it is withdrawn) and no array that the plan didn't expect.
func (c *Collection) newScan(q *Query) (*Scan, error) {
	for {
		c = c.current()
		before := c.schema.Load()
		plans, err := before.plans(q)
		if err != nil {
			return nil, err
		}
		p, err := c.choose(q, plans)
		if err != nil {
			return nil, err
		}
		for _, scan := range p.Scans {
			scan.Index.usage.queries.Add(1)
		}
		s := &Scan{Plan: p, c: c, q: q, planned: before}
		if p.direct() && !q.ReturnKey {
			return s, nil
		}
		if err := s.open(); err != nil {
			return nil, err
		}
		if c.schema.Load() == before {
			return s, nil
		}
		if err := s.Close(); err != nil {
			return nil, err
		}
	}
}

// direct reports whether the plan reads one document by a unique key.
func (p *Plan) direct() bool {
	return len(p.Scans) == 1 && !p.Covered && !p.Counted && !p.Distinct && p.Scans[0].point() && !p.Scans[0].ranges[0].empty()
}

func (s *Scan) open() error {
	db := s.c.store.db
	prefix := appendPrefix(nil, recordKind, s.c.ID)
	ids := pebble.IterOptions{LowerBound: prefix, UpperBound: successor(prefix)}
	if len(s.Plan.Scans) == 0 {
		if s.q.after > 0 {
			ids.LowerBound = appendRecordKey(nil, s.c.ID, s.q.after+1)
		}
		var err error
		s.collection, err = db.NewIter(&ids)
		return err
	}
	if err := s.openKeys(); err != nil {
		return errors.Join(err, s.Close())
	}
	if !s.Plan.Counted {
		var err error
		if s.records, err = s.keys.Clone(pebble.CloneOptions{IterOptions: &ids}); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	if s.Plan.repeats() {
		s.seen = map[RecordID]struct{}{}
	}
	return nil
}

// openKeys makes the cursors, which share one iterator, and one for each value of a join.
func (s *Scan) openKeys() (err error) {
	options := pebble.IterOptions{LowerBound: []byte{entryKind}, UpperBound: []byte{entryKind + 1}}
	if len(s.Plan.Scans) == 1 {
		options.LowerBound = appendPrefix(nil, entryKind, s.Plan.Scans[0].Index.ID)
		options.UpperBound = successor(options.LowerBound)
	}
	if s.keys, err = s.c.store.db.NewIter(&options); err != nil {
		return err
	}
	for _, scan := range s.Plan.Scans {
		for len(s.others) < len(scan.also) {
			other, err := s.keys.Clone(pebble.CloneOptions{})
			if err != nil {
				return err
			}
			s.others = append(s.others, other)
		}
	}
	s.cursors = make([]*keyCursor, len(s.Plan.Scans))
	for i, scan := range s.Plan.Scans {
		s.cursors[i] = &keyCursor{scan: scan, place: i, iter: s.keys, others: s.others}
		if s.merges() {
			s.cursors[i].merged = &readAhead{}
		}
	}
	return nil
}

// merges reports whether the plan's scans are merged in the order of the sort.
func (s *Scan) merges() bool {
	return s.Plan.Sorted && len(s.Plan.Scans) > 1 && len(s.q.Sort.Fields) > 0
}

// Close frees the snapshot.
func (s *Scan) Close() error {
	if !s.counted {
		s.counted = true
		s.c.store.keysExamined.Add(s.Stats.KeysExamined)
		s.c.store.docsExamined.Add(s.Stats.DocsExamined)
	}
	var err error
	for _, iter := range append(s.others, s.collection, s.records, s.keys) {
		if iter != nil {
			err = errors.Join(err, iter.Close())
		}
	}
	s.collection, s.records, s.keys, s.others, s.cursors, s.merge, s.done = nil, nil, nil, nil, nil, nil, true
	return err
}

// Next gives the next matching document, which is valid until the next call; nil in its
// place where the plan counts. ok is false at the end.
func (s *Scan) Next(ctx context.Context) (id RecordID, doc bson.Raw, ok bool, err error) {
	if s.done {
		return 0, nil, false, nil
	}
	if s.collection == nil && s.cursors == nil {
		return s.point(ctx)
	}
	for {
		if s.steps++; s.steps%checkEvery == 0 && ctx.Err() != nil {
			return 0, nil, false, context.Cause(ctx)
		}
		if s.budget > 0 && s.Stats.KeysExamined+s.Stats.DocsExamined >= s.budget {
			return 0, nil, false, nil
		}
		moved, err := s.advance()
		if err != nil || !moved {
			s.done = err == nil
			return 0, nil, false, err
		}
		id, doc, ok, err := s.take()
		if ok {
			s.Stats.Matched++
		}
		if err != nil || ok {
			return id, doc, ok, err
		}
	}
}

// take gives the document that the scan stands at; ok is false where it doesn't match
// or has been given before.
func (s *Scan) take() (id RecordID, doc bson.Raw, ok bool, err error) {
	if s.collection != nil {
		v, err := s.collection.ValueAndErr()
		if err != nil {
			return 0, nil, false, err
		}
		s.Stats.DocsExamined++
		s.last = recordIDAt(s.collection.Key())
		ok, err = s.q.Filter.Match(v)
		return s.last, v, ok, err
	}
	c := s.current
	if id, err = c.recordID(); err != nil {
		return 0, nil, false, err
	}
	if s.seen != nil {
		if _, again := s.seen[id]; again {
			c.Stats.Repeated++
			s.Stats.Repeated++
			return 0, nil, false, nil
		}
		s.seen[id] = struct{}{}
	}
	c.Stats.Returned++
	if s.Plan.Counted {
		return id, nil, true, nil
	}
	if doc, err = s.read(c, id); err != nil {
		return 0, nil, false, err
	}
	if c.scan.exact {
		return id, doc, true, nil
	}
	ok, err = s.q.Filter.Match(doc)
	return id, doc, ok, err
}

// read gives what the key that c stands at leads to: a document made of the key where
// that is enough, else the stored one.
func (s *Scan) read(c *keyCursor, id RecordID) (bson.Raw, error) {
	if s.Plan.Covered || s.Plan.Distinct {
		doc, values, ok, err := c.readKey(s.doc[:0], s.Plan.fields, s.values)
		if s.doc, s.values = doc, values; err != nil {
			return nil, err
		}
		if ok && s.Plan.Distinct {
			c.skipValue(s.Plan.fields[0])
		}
		if ok {
			return doc, nil
		}
	}
	s.key = appendRecordKey(s.key[:0], s.c.ID, id)
	// The prefix of a key is the whole key: the Bloom filters keep the seek out of
	// the levels that don't have the record.
	if !s.records.SeekPrefixGE(s.key) {
		if err := s.records.Error(); err != nil {
			return nil, err
		}
		return nil, errors.New("index " + c.scan.Index.Spec.Name + " of " + s.c.NS.String() + " points to a document that isn't there")
	}
	s.Stats.DocsExamined++
	doc, err := s.records.ValueAndErr()
	if err == nil && s.Plan.Distinct {
		// A missing field and an undefined one share a key with null.
		if v, ok := value.Lookup(doc, s.q.Distinct); ok && v.Type != bson.TypeUndefined {
			c.skipValue(s.Plan.fields[0])
		}
	}
	return doc, err
}

// point reads the one record of a unique key without an iterator. The two reads
// are of two moments: where the record no longer fits, the general way decides.
func (s *Scan) point(ctx context.Context) (RecordID, bson.Raw, bool, error) {
	db := s.c.store.db
	v, closer, err := db.Get(s.Plan.Scans[0].ranges[0].low)
	if errors.Is(err, pebble.ErrNotFound) {
		if s.c.schema.Load() != s.planned {
			return s.again(ctx)
		}
		s.done = true
		return 0, nil, false, nil
	}
	if err != nil {
		return 0, nil, false, err
	}
	id := recordIDAt(v)
	if err := closer.Close(); err != nil {
		return 0, nil, false, err
	}
	s.key = appendRecordKey(s.key[:0], s.c.ID, id)
	record, err := s.c.store.get(s.key)
	if err != nil {
		return 0, nil, false, err
	}
	if record != nil {
		if ok, err := s.q.Filter.Match(record); ok || err != nil {
			s.done = true
			s.Stats = Stats{KeysExamined: 1, DocsExamined: 1, Matched: 1}
			return id, record, ok, err
		}
	}
	if err := s.open(); err != nil {
		return 0, nil, false, err
	}
	if s.c.schema.Load() != s.planned {
		return s.again(ctx)
	}
	return s.Next(ctx)
}

// again reads the one document of a unique key under the schema of now.
func (s *Scan) again(ctx context.Context) (RecordID, bson.Raw, bool, error) {
	if err := s.Close(); err != nil {
		return 0, nil, false, err
	}
	next, err := s.c.newScan(s.q)
	if err != nil {
		return 0, nil, false, err
	}
	*s = *next
	return s.Next(ctx)
}

// advance moves to the next record, or the next key of the cursor whose turn it is.
func (s *Scan) advance() (bool, error) {
	if s.collection != nil {
		return s.walk(), s.collection.Error()
	}
	if s.merges() {
		return s.advanceMerged()
	}
	if s.current == nil {
		s.current = s.cursors[0]
	}
	for next := 0; ; next++ {
		if moved, err := s.step(s.current); moved || err != nil {
			return moved, err
		}
		for next < len(s.cursors) && s.cursors[next].ended {
			next++
		}
		if next == len(s.cursors) {
			return false, nil
		}
		s.current = s.cursors[next]
	}
}

// step moves a cursor and counts the keys that it looks at.
func (s *Scan) step(c *keyCursor) (bool, error) {
	before := c.Stats.Keys
	moved, err := c.next()
	s.Stats.KeysExamined += c.Stats.Keys - before
	return moved, err
}

// advanceMerged moves to the first key in the order of the sort among all cursors.
func (s *Scan) advanceMerged() (bool, error) {
	if s.current == nil {
		for _, c := range s.cursors {
			moved, err := s.turn(c)
			if err != nil {
				return false, err
			}
			if moved {
				s.merge = append(s.merge, c)
			}
		}
		heap.Init(&s.merge)
	} else if moved, err := s.turn(s.current); err != nil {
		return false, err
	} else if moved {
		heap.Fix(&s.merge, 0)
	} else {
		heap.Pop(&s.merge)
	}
	if len(s.merge) == 0 {
		return false, nil
	}
	s.current = s.merge[0]
	return true, nil
}

// turn moves a cursor of a merge and takes its place in the order.
func (s *Scan) turn(c *keyCursor) (bool, error) {
	moved, err := s.step(c)
	if moved && err == nil {
		err = c.setOrder(s.q.Sort.Fields)
	}
	return moved, err
}

// walk moves to the next record of the collection.
func (s *Scan) walk() bool {
	defer func() { s.started = true }()
	switch {
	case !s.started && s.Plan.Reverse:
		return s.collection.Last()
	case !s.started:
		return s.collection.First()
	case s.Plan.Reverse:
		return s.collection.Prev()
	}
	return s.collection.Next()
}

// Work gives what the scan has done so far. It must not be closed yet.
func (s *Scan) Work() Stats {
	out := s.Stats
	out.Cursors = make([]CursorStats, len(s.Plan.Scans))
	for i, c := range s.cursors {
		out.Cursors[i] = c.Stats
	}
	if s.cursors == nil && len(out.Cursors) == 1 {
		out.Cursors[0] = CursorStats{Keys: s.Stats.KeysExamined, Seeks: 1, Returned: s.Stats.KeysExamined}
	}
	return out
}
