package storage

import (
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Collection is a set of documents and their indexes.
type Collection struct {
	ID    uint32
	NS    Namespace
	UUID  bson.Binary
	store *Store

	// write is held by one write command while it reads, checks and applies.
	write      sync.Mutex
	nextRecord RecordID
	dropped    bool

	growth growth
	schema atomic.Pointer[schema]
	count  atomic.Int64
	bytes  atomic.Int64
}

// Count gives the number of documents, and Bytes what they take together.
func (c *Collection) Count() int64 { return c.count.Load() }

// Bytes gives the size of all documents as BSON, uncompressed.
func (c *Collection) Bytes() int64 { return c.bytes.Load() }

// Indexes gives the indexes, the one on _id first.
func (c *Collection) Indexes() []*Index { return c.schema.Load().indexes }

// StorageSize estimates the bytes on disk of the documents.
func (c *Collection) StorageSize() uint64 {
	return c.store.diskUsage(appendPrefix(nil, recordKind, c.ID))
}

// IndexSize estimates the bytes on disk of an index.
func (c *Collection) IndexSize(x *Index) uint64 {
	return c.store.diskUsage(appendPrefix(nil, entryKind, x.ID))
}

func (s *Store) diskUsage(prefix []byte) uint64 {
	n, err := s.db.EstimateDiskUsage(prefix, successor(prefix))
	if err != nil {
		return 0
	}
	return n
}

func (c *Collection) loadStats() error {
	v, err := c.store.get(appendPrefix(nil, statsKind, c.ID))
	if err != nil || v == nil {
		return err
	}
	if len(v) != 16 {
		return errors.New("the number of documents is broken")
	}
	c.count.Store(int64(binary.BigEndian.Uint64(v)))
	c.bytes.Store(int64(binary.BigEndian.Uint64(v[8:])))
	return nil
}

func (c *Collection) putStats(b *pebble.Batch, count, bytes int64) error {
	op := b.SetDeferred(5, 16)
	appendPrefix(op.Key[:0], statsKind, c.ID)
	binary.BigEndian.PutUint64(op.Value, uint64(count))
	binary.BigEndian.PutUint64(op.Value[8:], uint64(bytes))
	return op.Finish()
}

func (c *Collection) loadNextRecord() error {
	prefix := appendPrefix(nil, recordKind, c.ID)
	iter, err := c.store.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: successor(prefix)})
	if err != nil {
		return err
	}
	c.nextRecord = 1
	if iter.Last() {
		c.nextRecord = recordIDAt(iter.Key()) + 1
	}
	return iter.Close()
}

// putEntry stores the collection in the catalog with the indexes and options of s.
func (c *Collection) putEntry(b *pebble.Batch, s *schema) error {
	e := collectionEntry{ID: c.ID, DB: c.NS.DB, Collection: c.NS.Collection, UUID: c.UUID, Options: s.options}
	for _, x := range s.indexes {
		entry := indexEntry{ID: x.ID, Spec: x.Spec.Raw, Multikey: x.Multikey}
		for _, bits := range x.Arrays {
			entry.Arrays = append(entry.Arrays, int64(bits))
		}
		e.Indexes = append(e.Indexes, entry)
	}
	raw, err := bson.Marshal(e)
	if err != nil {
		return err
	}
	return b.Set(appendPrefix(nil, catalogKind, c.ID), raw, nil)
}
