package storage

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

// maxBatch is the size at which a write of many documents is applied in parts,
// which mongod does too: only a single document is written atomically.
const maxBatch = 4 << 20

// probeAfter is the number of unique keys that a command looks up one by one. From
// then on it keeps an iterator, which costs more to open and less to use.
const probeAfter = 8

// Writer is one write command on one collection. It holds the collection's write
// lock from Begin to Commit.
type Writer struct {
	// Unvalidated lets documents in that the collection's validator refuses.
	Unvalidated bool

	c     *Collection
	batch *pebble.Batch
	// taken are the keys of unique indexes that batch sets (true) or deletes.
	taken   map[string]bool
	lookups int
	probe   *probe
	applied []*pebble.Batch
	settled bool // applied was not always empty
	count   int64
	bytes   int64
	old     entries
	new     []entries // of the document being staged, by index
	key     []byte
}

// Begin waits for the write lock. It fails with OutOfDiskSpace where the disk is
// full, and with NamespaceNotFound where the collection has been dropped.
func (c *Collection) Begin() (*Writer, error) {
	if err := c.store.space.check(); err != nil {
		return nil, err
	}
	c.write.Lock()
	if c.dropped {
		c.write.Unlock()
		return nil, mongoerr.NamespaceNotFound.Errorf("collection dropped: %s", c.NS)
	}
	return &Writer{c: c, count: c.count.Load(), bytes: c.bytes.Load()}, nil
}

// Insert stages a document. It has an _id. A *DuplicateKey error leaves the
// Writer as it was.
func (w *Writer) Insert(doc bson.Raw) error {
	if w.c.schema.Load().options.Capped {
		return w.insertCapped(doc)
	}
	return w.insert(doc)
}

func (w *Writer) insert(doc bson.Raw) error {
	id := w.c.nextRecord
	if err := w.stage(id, nil, doc); err != nil {
		return err
	}
	w.c.nextRecord++
	w.count++
	w.bytes += int64(len(doc))
	return nil
}

// Update stages the replacement of the document old, which has the record id.
func (w *Writer) Update(id RecordID, old, new bson.Raw) error {
	if err := w.stage(id, old, new); err != nil {
		return err
	}
	w.bytes += int64(len(new) - len(old))
	return nil
}

// Delete stages the removal of the document old.
func (w *Writer) Delete(id RecordID, old bson.Raw) error {
	if err := w.stage(id, old, nil); err != nil {
		return err
	}
	w.count--
	w.bytes -= int64(len(old))
	return nil
}

// stage puts the change from old to new into the batch; nil means no document.
// All checks come before the first change.
func (w *Writer) stage(id RecordID, old, new bson.Raw) error {
	if w.batch == nil {
		w.batch = w.c.store.db.NewBatch()
	}
	if new != nil {
		if err := w.validate(old, new); err != nil {
			return err
		}
	}
	indexes := w.c.schema.Load().indexes
	for len(w.new) < len(indexes) {
		w.new = append(w.new, entries{})
	}
	for i, x := range indexes {
		w.new[i].reset()
		if new == nil || old != nil && x.untouched(old, new) {
			continue
		}
		if err := w.check(x, id, new, &w.new[i]); err != nil {
			return err
		}
	}
	for i, x := range indexes {
		if old != nil && new != nil && x.untouched(old, new) {
			continue
		}
		if err := w.stageEntries(x, id, old, &w.new[i]); err != nil {
			return err
		}
	}
	return w.stageRecord(id, new)
}

// check puts the entries of doc in x into e, and refuses a document that x can't
// take.
func (w *Writer) check(x *Index, id RecordID, doc bson.Raw, e *entries) error {
	if err := x.entriesOf(doc, e); err != nil {
		return err
	}
	if !x.Spec.Unique {
		return nil
	}
	for i := range e.len() {
		owner, err := w.owner(x, e.at(i))
		if err != nil {
			return err
		}
		if owner != 0 && owner != id {
			return newDuplicateKey(w.c.NS, x, doc, e.at(i))
		}
	}
	return nil
}

// owner gives the record that a key of a unique index x points to, 0 if none.
func (w *Writer) owner(x *Index, key []byte) (RecordID, error) {
	if len(w.taken) > 0 {
		if set, ok := w.taken[string(key)]; ok && !set {
			return 0, nil
		} else if ok {
			return ^RecordID(0), nil
		}
	}
	if w.lookups++; w.lookups > probeAfter {
		if w.probe == nil {
			var err error
			if w.probe, err = newProbe(w.c.store.db); err != nil {
				return 0, err
			}
		}
		return w.probe.owner(x.ID, key)
	}
	v, closer, err := w.c.store.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return recordIDAt(v), closer.Close()
}

func (w *Writer) closeProbe() error {
	if w.probe == nil {
		return nil
	}
	err := w.probe.Close()
	w.probe = nil
	return err
}

// stageEntries replaces the entries of old in x by the new ones.
func (w *Writer) stageEntries(x *Index, id RecordID, old bson.Raw, new *entries) error {
	w.old.reset()
	if old != nil {
		if err := x.entriesOf(old, &w.old); err != nil {
			return err
		}
	}
	if !x.knows(new.arrays) {
		if err := w.c.markArrays(x, new.arrays); err != nil {
			return err
		}
	}
	for i := range w.old.len() {
		if key := w.old.at(i); !new.contains(key) {
			if err := w.deleteEntry(x, key, id); err != nil {
				return err
			}
		}
	}
	for i := range new.len() {
		if !new.same(i, &w.old) {
			if err := w.setEntry(x, new.at(i), new.typesAt(i), id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Writer) setEntry(x *Index, key, types []byte, id RecordID) error {
	if !x.Spec.Unique {
		w.key = binary.BigEndian.AppendUint64(append(w.key[:0], key...), uint64(id))
		return w.batch.Set(w.key, types, nil)
	}
	w.note(key, true)
	w.key = binary.BigEndian.AppendUint64(append(w.key[:0], types...), uint64(id))
	return w.batch.Set(key, w.key, nil)
}

func (w *Writer) deleteEntry(x *Index, key []byte, id RecordID) error {
	if !x.Spec.Unique {
		w.key = binary.BigEndian.AppendUint64(append(w.key[:0], key...), uint64(id))
		return w.batch.Delete(w.key, nil)
	}
	w.note(key, false)
	return w.batch.Delete(key, nil)
}

func (w *Writer) note(key []byte, set bool) {
	if w.taken == nil {
		w.taken = map[string]bool{}
	}
	w.taken[string(key)] = set
}

func (w *Writer) stageRecord(id RecordID, doc bson.Raw) error {
	w.key = appendRecordKey(w.key[:0], w.c.ID, id)
	if doc == nil {
		return w.batch.Delete(w.key, nil)
	}
	return w.batch.Set(w.key, doc, nil)
}

// Full reports that enough is staged to Apply it before going on.
func (w *Writer) Full() bool { return w.batch != nil && w.batch.Len() >= maxBatch }

// Apply makes what is staged visible to readers, the Writer's own among them.
func (w *Writer) Apply() error {
	if err := w.closeProbe(); err != nil {
		return err
	}
	if w.batch == nil || w.batch.Empty() {
		return nil
	}
	// Once more: a long command may have filled the disk since Begin.
	if err := w.c.store.space.check(); err != nil {
		return err
	}
	if err := w.c.putStats(w.batch, w.count, w.bytes); err != nil {
		return err
	}
	// Sync asks for the write to the log, which walFS lets go as soon as the
	// bytes are with the operating system.
	if err := w.c.store.db.ApplyNoSyncWait(w.batch, pebble.Sync); err != nil {
		return err
	}
	w.applied = append(w.applied, w.batch)
	w.batch = nil
	clear(w.taken)
	w.c.count.Store(w.count)
	w.c.bytes.Store(w.bytes)
	w.c.growth.announce()
	return nil
}

// Commit applies what is staged, gives the write lock back and waits until the
// process may die without losing it; with journaled, until the machine may.
func (w *Writer) Commit(journaled bool) error {
	err := w.Apply()
	w.c.write.Unlock()
	if w.batch != nil {
		err = errors.Join(err, w.batch.Close())
	}
	wrote := w.settled || len(w.applied) > 0
	err = errors.Join(err, w.settle())
	if err == nil && journaled && wrote {
		err = w.c.store.Barrier()
	}
	return err
}

// settle waits until what was applied survives the process, and frees it.
func (w *Writer) settle() error {
	var err error
	for _, b := range w.applied {
		err = errors.Join(err, b.SyncWait(), b.Close())
	}
	w.settled = w.settled || len(w.applied) > 0
	w.applied = nil
	return err
}

// Rollback drops what is staged and gives the write lock back. What was applied
// stays.
func (w *Writer) Rollback() error {
	var err error
	if w.batch != nil {
		err = w.batch.Close()
		w.batch = nil
	}
	return errors.Join(err, w.Commit(false))
}

// markArrays records and publishes that documents have arrays on paths of x, before
// the batch that brings their entries is applied, so that no reader sees them
// unprepared.
func (c *Collection) markArrays(x *Index, arrays []uint64) error {
	old := c.schema.Load()
	next := old.with(nil)
	for _, have := range old.indexes {
		if have.ID == x.ID {
			have = have.withArrays(arrays)
		}
		next.indexes = append(next.indexes, have)
	}
	b := c.store.db.NewBatch()
	if err := errors.Join(c.putEntry(b, next), b.Commit(pebble.Sync)); err != nil {
		return err
	}
	c.schema.Store(next)
	return nil
}
