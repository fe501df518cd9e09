package storage

import (
	"bytes"

	"parlor/models/embedded/value"
)

// joined reports whether the document of the current key has the other values that the
// scan asks of its array. Where it lacks one, the cursor goes on at the next document that
// has it: of two values the rarer decides how many keys are looked at.
func (c *keyCursor) joined() (bool, error) {
	if len(c.scan.also) == 0 {
		return true, nil
	}
	key := c.iter.Key()
	desc := c.scan.Index.Spec.Fields
	from := entryPrefixSize
	for i := range c.scan.array {
		from += value.KeyLen(key[from:], desc[i].Desc)
	}
	to := from + value.KeyLen(key[from:], desc[c.scan.array].Desc)
	for i, v := range c.scan.also {
		c.wanted = append(append(append(c.wanted[:0], key[:from]...), v...), key[to:]...)
		c.Stats.Keys++
		found, err := c.lookUp(i)
		if err != nil || !bytes.Equal(found, c.wanted) {
			c.passOver(key, from, to, found, len(v))
			return false, err
		}
	}
	return true, nil
}

// lookUp gives the first key from wanted on in the direction of the scan, nil if there is
// none.
func (c *keyCursor) lookUp(i int) ([]byte, error) {
	other := c.others[i]
	valid := false
	if c.scan.Reverse {
		c.wanted = append(c.wanted, 0)
		valid = other.SeekLT(c.wanted)
		c.wanted = c.wanted[:len(c.wanted)-1]
	} else {
		valid = other.SeekGE(c.wanted)
	}
	if !valid {
		return nil, other.Error()
	}
	return other.Key(), nil
}

// passOver lets the cursor go on where found is in the list of another value, which has a
// value of `length` bytes at from where the cursor's own goes on to `to`.
func (c *keyCursor) passOver(key []byte, from, to int, found []byte, length int) {
	if !bytes.HasPrefix(found, c.wanted[:from+length]) { // the other list has ended
		c.jump = c.target(key[:to], nil)
		return
	}
	c.jump = append(bytes.Clone(key[:to]), found[from+length:]...)
	if c.scan.Reverse {
		c.jump = append(c.jump, 0) // that key itself is looked at
	}
}
