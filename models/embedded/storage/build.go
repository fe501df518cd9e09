package storage

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

// CreateIndexes builds the indexes that the collection doesn't have yet and gives
// their number before and after. Writes to the collection wait for it. Either all
// are built or none.
func (c *Collection) CreateIndexes(ctx context.Context, specs []IndexSpec) (before, after int, err error) {
	c.store.ddl.Lock()
	defer c.store.ddl.Unlock()
	c.write.Lock()
	defer c.write.Unlock()
	if c.dropped {
		return 0, 0, mongoerr.NamespaceNotFound.Errorf("ns does not exist: %s", c.NS)
	}
	old := c.schema.Load()
	have := old.indexes
	wanted, err := missing(have, specs)
	if err != nil || len(wanted) == 0 {
		return len(have), len(have), err
	}
	const most = 64
	if len(have)+len(wanted) > most {
		return 0, 0, mongoerr.CannotCreateIndex.Errorf("add index fails, too many indexes for %s key:%s", c.NS, wanted[0].Key)
	}
	if err := c.store.space.check(); err != nil {
		return 0, 0, err
	}
	built := make([]*Index, len(wanted))
	for i, spec := range wanted {
		built[i] = newIndex(c.store.takeID(), spec)
	}
	// The ids are used up first: what a crash leaves of a build can never be taken
	// for the entries of a later index.
	b := c.store.db.NewBatch()
	if err := errors.Join(c.store.putID(b), b.Commit(pebble.Sync)); err != nil {
		return 0, 0, err
	}
	for _, x := range built {
		if err := c.build(ctx, x); err != nil {
			return 0, 0, errors.Join(err, c.discard(built))
		}
	}
	next := old.with(append(append([]*Index(nil), have...), built...))
	b = c.store.db.NewBatch()
	if err := errors.Join(c.putEntry(b, next), b.Commit(pebble.Sync)); err != nil {
		return 0, 0, err
	}
	c.schema.Store(next)
	return len(have), len(next.indexes), nil
}

// missing gives the wanted indexes that are not there yet.
func missing(have []*Index, specs []IndexSpec) ([]IndexSpec, error) {
	var out []IndexSpec
wanted:
	for i := range specs {
		for _, x := range have {
			same, err := specs[i].conflict(&x.Spec)
			if err != nil {
				return nil, err
			}
			if same {
				continue wanted
			}
		}
		for j := range out {
			if same, err := specs[i].conflict(&out[j]); err != nil {
				return nil, err
			} else if same {
				return nil, mongoerr.IndexAlreadyExists.Errorf("Identical index already exists: %s", specs[i].Name)
			}
		}
		out = append(out, specs[i])
	}
	return out, nil
}

// build writes the entries of x for every document.
func (c *Collection) build(ctx context.Context, x *Index) error {
	prefix := appendPrefix(nil, recordKind, c.ID)
	iter, err := c.store.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: successor(prefix)})
	if err != nil {
		return err
	}
	w := &Writer{c: c, batch: c.store.db.NewBatch()}
	for iter.First(); iter.Valid(); iter.Next() {
		doc := bson.Raw(iter.Value())
		if err := w.buildEntry(x, recordIDAt(iter.Key()), doc); err != nil {
			return errors.Join(err, iter.Close(), w.closeProbe(), w.batch.Close())
		}
		if w.Full() {
			if err := errors.Join(ctx.Err(), w.closeProbe(), w.batch.Commit(pebble.Sync)); err != nil {
				return errors.Join(err, iter.Close())
			}
			w.batch = c.store.db.NewBatch()
			clear(w.taken)
		}
	}
	return errors.Join(iter.Close(), w.closeProbe(), w.batch.Commit(pebble.Sync))
}

func (w *Writer) buildEntry(x *Index, id RecordID, doc bson.Raw) error {
	e := &w.old // free here: nothing is replaced
	if err := w.check(x, id, doc, e); err != nil {
		return err
	}
	if !x.knows(e.arrays) {
		*x = *x.withArrays(e.arrays)
	}
	for i := range e.len() {
		if err := w.setEntry(x, e.at(i), e.typesAt(i), id); err != nil {
			return err
		}
	}
	return nil
}

// Reindex builds all indexes anew. Writes to the collection wait for it.
func (c *Collection) Reindex(ctx context.Context) error {
	c.store.ddl.Lock()
	defer c.store.ddl.Unlock()
	c.write.Lock()
	defer c.write.Unlock()
	if c.dropped {
		return mongoerr.NamespaceNotFound.Errorf("ns does not exist: %s", c.NS)
	}
	old := c.schema.Load()
	next := old.with(nil)
	for _, x := range old.indexes {
		next.indexes = append(next.indexes, newIndex(c.store.takeID(), x.Spec))
	}
	b := c.store.db.NewBatch()
	if err := errors.Join(c.store.putID(b), b.Commit(pebble.Sync)); err != nil {
		return err
	}
	for _, x := range next.indexes {
		if err := c.build(ctx, x); err != nil {
			return errors.Join(err, c.discard(next.indexes))
		}
	}
	b = c.store.db.NewBatch()
	if err := errors.Join(c.putEntry(b, next), b.Commit(pebble.Sync)); err != nil {
		return err
	}
	c.schema.Store(next)
	return c.discard(old.indexes)
}

// Compact gives the space of removed documents back and says how many bytes that
// were.
func (c *Collection) Compact(ctx context.Context) (freed uint64, err error) {
	prefixes := [][]byte{appendPrefix(nil, recordKind, c.ID)}
	for _, x := range c.Indexes() {
		prefixes = append(prefixes, appendPrefix(nil, entryKind, x.ID))
	}
	for _, prefix := range prefixes {
		before := c.store.diskUsage(prefix)
		if err := c.store.db.Compact(ctx, prefix, successor(prefix), false); err != nil {
			return freed, err
		}
		if after := c.store.diskUsage(prefix); after < before {
			freed += before - after
		}
	}
	return freed, nil
}

// discard removes the entries of indexes that are no longer in the schema.
func (c *Collection) discard(indexes []*Index) error {
	b := c.store.db.NewBatch()
	for _, x := range indexes {
		if err := deletePrefix(b, appendPrefix(nil, entryKind, x.ID)); err != nil {
			return err
		}
	}
	return b.Commit(pebble.Sync)
}

// DropIndexes removes the indexes that drop chooses and gives the number of
// indexes there were.
func (c *Collection) DropIndexes(drop func(*Index) bool) (before int, err error) {
	c.store.ddl.Lock()
	defer c.store.ddl.Unlock()
	c.write.Lock()
	defer c.write.Unlock()
	old := c.schema.Load()
	have := old.indexes
	next := old.with(nil)
	var gone []*Index
	for _, x := range have {
		if x.Spec.Name != IDIndex && drop(x) {
			gone = append(gone, x)
		} else {
			next.indexes = append(next.indexes, x)
		}
	}
	if len(gone) == 0 {
		return len(have), nil
	}
	b := c.store.db.NewBatch()
	if err := errors.Join(c.putEntry(b, next), b.Commit(pebble.Sync)); err != nil {
		return 0, err
	}
	// Published before the entries go, so that a reader that still sees the index
	// either has a snapshot with its entries or notices the change (see newScan).
	c.schema.Store(next)
	return len(have), c.discard(gone)
}
