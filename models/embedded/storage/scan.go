package storage

import (
	"bytes"
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/query"
)

// checkEvery is how many keys a scan reads between looks at its context.
const checkEvery = 256

// Stats counts the work of a query, as explain's executionStats does.
type Stats struct {
	KeysExamined int64
	DocsExamined int64
}

// Scan reads the documents that match a filter in the order of its plan, all from
// one moment. It holds no lock. It isn't safe for concurrent use.
type Scan struct {
	Plan  *Plan
	Stats Stats

	c      *Collection
	filter *query.Filter
	// main walks the index, or the records where there is no index; records fetches
	// what the index points to, from the same snapshot.
	main    *pebble.Iterator
	records *pebble.Iterator
	at      int // the range that main is in
	started bool
	seen    map[RecordID]struct{}
	key     []byte
	steps   int
	done    bool
}

// newScan plans q and opens its iterators. The schema is read before and after the
// snapshot is taken: where it is the same, the snapshot has every entry of the
// planned index (they are applied before an index is published, and deleted after
// it is withdrawn) and no array that the plan didn't expect.
func (c *Collection) newScan(q *Query) (*Scan, error) {
	for {
		before := c.schema.Load()
		p, err := before.plan(q)
		if err != nil {
			return nil, err
		}
		s := &Scan{Plan: p, c: c, filter: q.Filter}
		if p.Point && !p.ranges[0].empty() {
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

func (s *Scan) open() error {
	prefix := appendPrefix(nil, recordKind, s.c.ID)
	ids := pebble.IterOptions{LowerBound: prefix, UpperBound: successor(prefix)}
	if s.Plan.Index == nil {
		s.Plan.ranges = []keyRange{{ids.LowerBound, ids.UpperBound}}
		var err error
		s.main, err = s.c.store.db.NewIter(&ids)
		return err
	}
	prefix = appendPrefix(nil, entryKind, s.Plan.Index.ID)
	main, err := s.c.store.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: successor(prefix)})
	if err != nil {
		return err
	}
	records, err := main.Clone(pebble.CloneOptions{IterOptions: &ids})
	if err != nil {
		return errors.Join(err, main.Close())
	}
	if s.Plan.Index.Multikey {
		s.seen = map[RecordID]struct{}{}
	}
	s.main, s.records = main, records
	return nil
}

// Close frees the snapshot.
func (s *Scan) Close() error {
	var err error
	if s.main != nil {
		err = s.main.Close()
	}
	if s.records != nil {
		err = errors.Join(err, s.records.Close())
	}
	s.main, s.records, s.done = nil, nil, true
	return err
}

// Next gives the next matching document, which is valid until the next call. ok is
// false at the end.
func (s *Scan) Next(ctx context.Context) (id RecordID, doc bson.Raw, ok bool, err error) {
	if s.done {
		return 0, nil, false, nil
	}
	if s.main == nil {
		return s.point(ctx)
	}
	for {
		if s.steps++; s.steps%checkEvery == 0 && ctx.Err() != nil {
			return 0, nil, false, ctx.Err()
		}
		if !s.step() {
			s.done = true
			return 0, nil, false, s.main.Error()
		}
		id, doc, err := s.fetch()
		if err != nil {
			return 0, nil, false, err
		}
		if doc == nil {
			continue
		}
		s.Stats.DocsExamined++
		if ok, err := s.filter.Match(doc); ok || err != nil {
			return id, doc, ok, err
		}
	}
}

// point reads the one record of a unique key without an iterator. The two reads
// are of two moments: where the record no longer fits, the general way decides.
func (s *Scan) point(ctx context.Context) (RecordID, bson.Raw, bool, error) {
	db := s.c.store.db
	v, closer, err := db.Get(s.Plan.ranges[0].low)
	if errors.Is(err, pebble.ErrNotFound) {
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
		if ok, err := s.filter.Match(record); ok || err != nil {
			s.done = true
			s.Stats = Stats{KeysExamined: 1, DocsExamined: 1}
			return id, record, ok, err
		}
	}
	if err := s.open(); err != nil {
		return 0, nil, false, err
	}
	return s.Next(ctx)
}

// step moves main to the next key of the plan's ranges.
func (s *Scan) step() bool {
	for {
		if s.at == len(s.Plan.ranges) {
			return false
		}
		r := s.Plan.ranges[s.at]
		var valid bool
		switch {
		case !s.started && r.empty():
		case !s.started && s.Plan.Reverse && r.high == nil:
			valid = s.main.Last()
		case !s.started && s.Plan.Reverse:
			valid = s.main.SeekLT(r.high)
		case !s.started:
			valid = s.main.SeekGE(r.low)
		case s.Plan.Reverse:
			valid = s.main.Prev()
		default:
			valid = s.main.Next()
		}
		s.started = true
		if valid && s.within(r) {
			return true
		}
		if s.main.Error() != nil {
			return false
		}
		s.at++
		s.started = false
	}
}

func (s *Scan) within(r keyRange) bool {
	key := s.main.Key()
	if s.Plan.Reverse {
		return bytes.Compare(key, r.low) >= 0
	}
	return r.high == nil || bytes.Compare(key, r.high) < 0
}

// fetch gives the document that main stands at. It is nil where a multikey scan
// has given it before.
func (s *Scan) fetch() (RecordID, bson.Raw, error) {
	if s.Plan.Index == nil {
		v, err := s.main.ValueAndErr()
		return recordIDAt(s.main.Key()), v, err
	}
	s.Stats.KeysExamined++
	id := RecordID(0)
	if s.Plan.Index.Spec.Unique {
		v, err := s.main.ValueAndErr()
		if err != nil {
			return 0, nil, err
		}
		id = recordIDAt(v)
	} else {
		id = recordIDAt(s.main.Key())
	}
	if s.seen != nil {
		if _, again := s.seen[id]; again {
			return 0, nil, nil
		}
		s.seen[id] = struct{}{}
	}
	s.key = appendRecordKey(s.key[:0], s.c.ID, id)
	// The prefix of a key is the whole key: the Bloom filters keep the seek out of
	// the levels that don't have the record.
	if !s.records.SeekPrefixGE(s.key) {
		if err := s.records.Error(); err != nil {
			return 0, nil, err
		}
		return 0, nil, errors.New("index " + s.Plan.Index.Spec.Name + " of " + s.c.NS.String() + " points to a document that isn't there")
	}
	v, err := s.records.ValueAndErr()
	return id, v, err
}
