package storage

import (
	"bytes"
	"cmp"
)

// readAhead is what a cursor has read that takes turns with others on one iterator. An
// iterator for each would cost more than the seek that a turn takes, and most cursors of
// a merge have few turns: each reads twice as many keys as the one before.
type readAhead struct {
	entries []entry
	at      int
	buf     []byte
}

// entry is a key of an index and what is stored under it.
type entry struct {
	key, value []byte
	examined   int64 // keys that it took to find it
}

// maxAhead bounds the keys that are read in one turn.
const maxAhead = 32

func (a *readAhead) next(c *keyCursor) (bool, error) {
	if a.at++; a.at >= len(a.entries) {
		if err := a.read(c); err != nil || len(a.entries) == 0 {
			return false, err
		}
	}
	c.Stats.Keys += a.entries[a.at].examined
	return true, nil
}

// read takes one turn. What it reads counts as examined when it is given.
func (a *readAhead) read(c *keyCursor) error {
	number := max(1, min(2*len(a.entries), maxAhead))
	if len(a.entries) > 0 {
		c.resume(a.entries[len(a.entries)-1].key)
	}
	a.entries, a.buf, a.at = a.entries[:0], a.buf[:0], 0
	before := c.Stats.Keys
	for len(a.entries) < number {
		c.Stats.Keys = before
		ok, err := c.move()
		if err != nil || !ok {
			return err
		}
		v, err := c.iter.ValueAndErr()
		if err != nil {
			return err
		}
		from := len(a.buf)
		a.buf = append(append(a.buf, c.iter.Key()...), v...)
		to := len(a.buf) - len(v)
		a.entries = append(a.entries, entry{a.buf[from:to], a.buf[to:], c.Stats.Keys - before})
	}
	c.Stats.Keys = before
	return nil
}

// resume lets the cursor go on after a key, wherever its iterator has got meanwhile.
func (c *keyCursor) resume(key []byte) {
	c.jump = bytes.Clone(key)
	if !c.scan.Reverse {
		c.jump = append(c.jump, 0)
	}
}

// merge is a heap of cursors, the one with the first key of the order on top. Where keys
// are equal the scans' own order decides, so that the same query gives the same twice.
type merge []*keyCursor

func (m merge) Len() int { return len(m) }
func (m merge) Less(i, j int) bool {
	return cmp.Or(bytes.Compare(m[i].order, m[j].order), m[i].place-m[j].place) < 0
}
func (m merge) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m *merge) Push(x any)   { *m = append(*m, x.(*keyCursor)) }

func (m *merge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
