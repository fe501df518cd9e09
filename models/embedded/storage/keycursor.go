package storage

import (
	"bytes"
	"errors"
	"sort"

	"github.com/cockroachdb/pebble/v2"

	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// entryPrefixSize is the length of what stands before the values of an entry's key.
const entryPrefixSize = 5

// CursorStats counts the work on one IndexScan.
type CursorStats struct {
	Keys     int64 // examined
	Seeks    int64
	Returned int64
	Repeated int64 // led to a document that had been given before
}

// keyCursor walks over the keys of an IndexScan.
type keyCursor struct {
	scan  *IndexScan
	iter  *pebble.Iterator
	Stats CursorStats

	at      int // the range that iter is in
	started bool
	// jump is where to go on, nil for the next key.
	jump  []byte
	ended bool

	// others look for the values of scan.also, each at its own place.
	others []*pebble.Iterator
	wanted []byte
	// merged holds what a cursor has that takes turns with others on one iterator.
	merged *readAhead
	// order holds the values of the sort in the current key, where scans are merged,
	// and place is that of the cursor among them.
	order []byte
	place int
}

// next moves to the next key that the bounds allow.
func (c *keyCursor) next() (bool, error) {
	if c.merged != nil {
		return c.merged.next(c)
	}
	return c.move()
}

// move moves iter to the next key that the bounds allow.
func (c *keyCursor) move() (bool, error) {
	for !c.ended {
		if !c.step() {
			c.ended = true
			return false, c.iter.Error()
		}
		c.Stats.Keys++
		if c.scan.checks != nil && !c.check() {
			continue
		}
		if ok, err := c.joined(); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// step moves to the next key of the ranges. Where it comes to lie past a range it
// serves for the ranges after it: what many ranges have in few keys takes few seeks.
func (c *keyCursor) step() bool {
	positioned := c.started
	if c.started && !c.advance() {
		return false // nothing follows, in this range or another
	}
	c.started = true
	for ; c.at < len(c.scan.ranges); c.at++ {
		r := c.scan.ranges[c.at]
		if r.empty() {
			continue
		}
		if !positioned || c.before(r) {
			if !c.seek(r.low, r.high) {
				return false
			}
			positioned = true
		}
		if c.within(r) {
			return true
		}
	}
	return false
}

// advance moves to the next key, or to where the cursor was told to go on.
func (c *keyCursor) advance() bool {
	jump := c.jump
	c.jump = nil
	switch {
	case jump != nil:
		return c.seek(jump, jump)
	case c.scan.Reverse:
		return c.iter.Prev()
	}
	return c.iter.Next()
}

func (c *keyCursor) seek(low, high []byte) bool {
	c.Stats.Seeks++
	if c.scan.Reverse {
		return c.iter.SeekLT(high)
	}
	return c.iter.SeekGE(low)
}

// before reports whether the scan comes to r after the key that iter is at.
func (c *keyCursor) before(r keyRange) bool {
	if c.scan.Reverse {
		return bytes.Compare(c.iter.Key(), r.high) >= 0
	}
	return bytes.Compare(c.iter.Key(), r.low) < 0
}

// within reports whether the key that iter is at, not before r, is in r.
func (c *keyCursor) within(r keyRange) bool {
	if c.scan.Reverse {
		return bytes.Compare(c.iter.Key(), r.low) >= 0
	}
	return bytes.Compare(c.iter.Key(), r.high) < 0
}

// check reports whether the bounds of the later fields allow the current key. Where
// they don't, it says where to go on.
func (c *keyCursor) check() bool {
	key := c.iter.Key()
	at := entryPrefixSize
	for i, f := range c.scan.Index.Spec.Fields {
		end := at + value.KeyLen(key[at:], f.Desc)
		if allowed := c.scan.checks[i]; allowed != nil {
			if jump, ok := c.outside(allowed, key[at:end]); !ok {
				c.jump = c.target(key[:at], jump)
				return false
			}
		}
		at = end
	}
	return true
}

// outside finds the range that v is in. If there is none it gives the place where the
// next one in the direction of the scan begins, nil after the last.
func (c *keyCursor) outside(allowed []keyRange, v []byte) (jump []byte, ok bool) {
	if c.scan.Reverse {
		i := sort.Search(len(allowed), func(i int) bool { return bytes.Compare(allowed[i].low, v) > 0 }) - 1
		if i < 0 {
			return nil, false
		}
		return allowed[i].high, bytes.Compare(v, allowed[i].high) < 0
	}
	i := sort.Search(len(allowed), func(i int) bool { return bytes.Compare(v, allowed[i].high) < 0 })
	if i == len(allowed) {
		return nil, false
	}
	return allowed[i].low, bytes.Compare(v, allowed[i].low) >= 0
}

// target gives the key to seek to: jump after what the fields before it hold, or past
// all keys that start so.
func (c *keyCursor) target(prefix, jump []byte) []byte {
	if jump == nil && !c.scan.Reverse {
		return successor(prefix)
	}
	return append(bytes.Clone(prefix), jump...)
}

// key and value give the entry that the cursor is at.
func (c *keyCursor) key() []byte {
	if c.merged != nil {
		return c.merged.entries[c.merged.at].key
	}
	return c.iter.Key()
}

func (c *keyCursor) value() ([]byte, error) {
	if c.merged != nil {
		return c.merged.entries[c.merged.at].value, nil
	}
	return c.iter.ValueAndErr()
}

// recordID gives the record that the current key leads to.
func (c *keyCursor) recordID() (RecordID, error) {
	if !c.scan.Index.Spec.Unique {
		return recordIDAt(c.key()), nil
	}
	v, err := c.value()
	if err != nil {
		return 0, err
	}
	return recordIDAt(v), nil
}

// types gives how the values of the current key are read, empty where an older
// version wrote the entry.
func (c *keyCursor) types() ([]byte, error) {
	v, err := c.value()
	return entryTypes(c.scan.Index, v), err
}

// entryTypes cuts the record id off the value of an entry.
func entryTypes(x *Index, v []byte) []byte {
	if x.Spec.Unique && len(v) >= recordIDSize {
		return v[:len(v)-recordIDSize]
	}
	return v
}

// field gives the encoded value of field i in the current key and where it ends.
func (c *keyCursor) field(i int) (v []byte, end int) {
	key := c.key()
	at := entryPrefixSize
	for j, f := range c.scan.Index.Spec.Fields {
		end := at + value.KeyLen(key[at:], f.Desc)
		if j == i {
			return key[at:end], end
		}
		at = end
	}
	return nil, at
}

// skipValue goes on after all keys that agree with the current one up to field i.
func (c *keyCursor) skipValue(i int) {
	_, end := c.field(i)
	prefix := bytes.Clone(c.iter.Key()[:end])
	if c.scan.Reverse {
		c.jump = prefix
	} else {
		c.jump = successor(prefix)
	}
}

// setOrder takes the values of a sort from the current key, so that cursors of
// different indexes and directions compare.
func (c *keyCursor) setOrder(fields []query.SortField) error {
	c.order = c.order[:0]
	spec := &c.scan.Index.Spec
	for _, want := range fields {
		i := 0
		for i < len(spec.Fields) && spec.Fields[i].Path != want.Path {
			i++
		}
		v, _ := c.field(i)
		if v == nil {
			return errors.New("index " + spec.Name + " doesn't hold " + want.Path)
		}
		from := len(c.order)
		c.order = append(c.order, v...)
		if spec.Fields[i].Desc != want.Desc {
			for j := range c.order[from:] {
				c.order[from+j] ^= 0xff
			}
		}
	}
	return nil
}
