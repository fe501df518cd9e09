package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Validation is what Validate found. A sound collection has no problems.
type Validation struct {
	Problems []string
	Records  int64
	// Keys is the number of entries of each index, by name.
	Keys map[string]int64
}

// Validate compares every index with the documents. Writes wait for it.
func (c *Collection) Validate(ctx context.Context) (Validation, error) {
	c.write.Lock()
	defer c.write.Unlock()
	v := validation{c: c, keys: map[string]int64{}}
	if err := v.records(ctx); err != nil {
		return Validation{}, err
	}
	for _, x := range c.schema.Load().indexes {
		if err := v.entries(ctx, x); err != nil {
			return Validation{}, err
		}
	}
	if v.count != c.count.Load() {
		v.problem("the collection counts %d documents but has %d", c.count.Load(), v.count)
	}
	if v.size != c.bytes.Load() {
		v.problem("the collection counts %d bytes but has %d", c.bytes.Load(), v.size)
	}
	return Validation{v.problems, v.count, v.keys}, nil
}

// validation compares in both directions: each document's entries are there, and
// there are no more entries than that.
type validation struct {
	c        *Collection
	problems []string
	count    int64
	size     int64
	keys     map[string]int64
}

func (v *validation) problem(format string, args ...any) {
	const most = 100
	if len(v.problems) < most {
		v.problems = append(v.problems, fmt.Sprintf(format, args...))
	}
}

func (v *validation) records(ctx context.Context) error {
	prefix := appendPrefix(nil, recordKind, v.c.ID)
	iter, err := v.c.store.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: successor(prefix)})
	if err != nil {
		return err
	}
	var e entries
	for iter.First(); iter.Valid() && ctx.Err() == nil; iter.Next() {
		v.count++
		v.size += int64(len(iter.Value()))
		for _, x := range v.c.schema.Load().indexes {
			if err := x.entriesOf(iter.Value(), &e); err != nil {
				v.problem("index %s: %v", x.Spec.Name, err)
				continue
			}
			v.keys[x.Spec.Name] += int64(e.len())
			for i := range e.len() {
				v.entry(x, e.at(i), e.typesAt(i), recordIDAt(iter.Key()))
			}
		}
	}
	return errors.Join(ctx.Err(), iter.Close())
}

// entry checks that the index points from key to the record, with the types of the
// values. Older versions stored no types.
func (v *validation) entry(x *Index, key, types []byte, id RecordID) {
	if !x.Spec.Unique {
		key = append(append([]byte(nil), key...), uint64Bytes(uint64(id))...)
	}
	owner, err := v.c.store.get(key)
	stored := entryTypes(x, owner)
	switch {
	case err != nil || owner == nil:
		v.problem("index %s has no entry for record %d", x.Spec.Name, id)
	case x.Spec.Unique && recordIDAt(owner) != id:
		v.problem("index %s has an entry of record %d for record %d", x.Spec.Name, recordIDAt(owner), id)
	case len(stored) > 0 && !bytes.Equal(stored, types):
		v.problem("index %s has an entry with types %x for record %d", x.Spec.Name, stored, id)
	}
}

func (v *validation) entries(ctx context.Context, x *Index) error {
	prefix := appendPrefix(nil, entryKind, x.ID)
	iter, err := v.c.store.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: successor(prefix)})
	if err != nil {
		return err
	}
	n := int64(0)
	for iter.First(); iter.Valid() && ctx.Err() == nil; iter.Next() {
		n++
	}
	if n != v.keys[x.Spec.Name] {
		v.problem("index %s has %d entries, its documents give %d", x.Spec.Name, n, v.keys[x.Spec.Name])
	}
	return errors.Join(ctx.Err(), iter.Close())
}
