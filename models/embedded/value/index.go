package value

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

// IndexValues gives what a single-field index on path holds for doc, without
// duplicates: Null for a missing field, each element of an array, Undefined
// for an empty one. A stored undefined is indexed as Null, so that a search
// for null finds it. multikey says that an array was expanded.
func IndexValues(doc bson.Raw, path string) (vals []bson.RawValue, multikey bool) {
	tuples, arrays, err := IndexTuples(doc, []string{path})
	multikey = arrays != nil
	if err != nil { // one path has no parallel arrays
		return nil, multikey
	}
	if len(tuples) == 1 {
		return tuples[0], multikey
	}
	vals = make([]bson.RawValue, len(tuples))
	for i, tuple := range tuples {
		vals[i] = tuple[0]
	}
	return vals, multikey
}

// IndexTuples gives the compound index entries of doc, without duplicates: one
// value for each path in each tuple. Paths through the same array are expanded
// together. Paths through different arrays are refused with
// CannotIndexParallelArrays. arrays has a bit for each part of each path that is an
// array in doc, the first part lowest; it is nil where no array was expanded.
func IndexTuples(doc bson.Raw, paths []string) (tuples [][]bson.RawValue, arrays []uint64, err error) {
	x := expansion{values: make([]bson.RawValue, len(paths))}
	cursors := make([]cursor, len(paths))
	for i, path := range paths {
		cursors[i] = cursor{at: bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}, rest: path}
	}
	if err := x.expand(cursors); err != nil {
		return nil, x.arrays, err
	}
	if len(x.tuples) > 1 {
		slices.SortFunc(x.tuples, compareTuples)
		x.tuples = slices.CompactFunc(x.tuples, func(a, b []bson.RawValue) bool { return compareTuples(a, b) == 0 })
	}
	return x.tuples, x.arrays, nil
}

func compareTuples(a, b []bson.RawValue) int { return slices.CompareFunc(a, b, Compare) }

// cursor is how far one path has got: the value reached and the rest to go.
type cursor struct {
	at   bson.RawValue
	rest string
	name string // the last part taken, for errors
	part int    // how many parts have been taken
}

type expansion struct {
	values []bson.RawValue
	tuples [][]bson.RawValue
	arrays []uint64
}

// expand moves all cursors to their ends or to an array, and starts over for
// each element of that array.
func (x *expansion) expand(cursors []cursor) error {
	var array bson.RawValue
	arrayName := ""
	for i := range cursors {
		c := &cursors[i]
		c.advance()
		if c.at.Type != bson.TypeArray || c.ended() {
			continue
		}
		if array.Type == 0 {
			array, arrayName = c.at, c.name
		} else if !sameBytes(array.Value, c.at.Value) {
			return mongoerr.CannotIndexParallelArrays.Errorf("cannot index parallel arrays [%s] [%s]", c.name, arrayName)
		}
	}
	if array.Type == 0 {
		x.emit(cursors)
		return nil
	}
	x.mark(cursors)
	return x.expandArray(array, cursors)
}

// mark notes for each cursor that stands at an array which part of its path that is.
// Parts beyond the 64th count as the 64th.
func (x *expansion) mark(cursors []cursor) {
	if x.arrays == nil {
		x.arrays = make([]uint64, len(cursors))
	}
	for i, c := range cursors {
		if c.at.Type == bson.TypeArray && !c.ended() {
			x.arrays[i] |= 1 << min(c.part-1, 63)
		}
	}
}

// expandArray continues each cursor that stands at array with every element.
func (x *expansion) expandArray(array bson.RawValue, cursors []cursor) error {
	next := make([]cursor, len(cursors))
	it := Elements(array.Value)
	for empty := true; ; empty = false {
		_, element, ok := it.Next()
		if !ok && !empty {
			return nil
		}
		if !ok {
			element = Undefined
		}
		for i, c := range cursors {
			next[i] = c
			if c.at.Type == bson.TypeArray && !c.ended() {
				next[i] = c.enter(element, ok)
			}
		}
		if err := x.expand(next); err != nil || !ok {
			return err
		}
	}
}

func (x *expansion) emit(cursors []cursor) {
	tuple := x.values
	if len(x.tuples) > 0 {
		tuple = make([]bson.RawValue, len(cursors))
	}
	for i, c := range cursors {
		tuple[i] = c.at
	}
	x.tuples = append(x.tuples, tuple)
}

// endMark as rest says that at is final even if it is an array.
const endMark = "\x00"

func (c *cursor) ended() bool { return c.rest == endMark }

// advance follows the path through documents, and through arrays by index.
func (c *cursor) advance() {
	for c.rest != "" && !c.ended() {
		name, rest, _ := strings.Cut(c.rest, ".")
		var v bson.RawValue
		switch c.at.Type {
		case bson.TypeEmbeddedDocument:
			v = Field(c.at.Value, name)
		case bson.TypeArray:
			if ArrayIndex(name) < 0 {
				return
			}
			if v = Field(c.at.Value, name); Missing(v) {
				return
			}
		}
		c.at, c.rest, c.name = v, rest, name
		c.part++
	}
	if c.at.Type == bson.TypeUndefined && !c.ended() || Missing(c.at) {
		c.at, c.rest = Null, endMark
	}
}

// enter gives the cursor of one element of the array that c stands at.
func (c cursor) enter(element bson.RawValue, exists bool) cursor {
	if c.rest == "" {
		if exists && element.Type == bson.TypeUndefined {
			element = Null
		}
		return cursor{at: element, rest: endMark, name: c.name, part: c.part}
	}
	if element.Type != bson.TypeEmbeddedDocument {
		return cursor{at: Null, rest: endMark, name: c.name, part: c.part}
	}
	return cursor{at: element, rest: c.rest, name: c.name, part: c.part}
}

// sameBytes reports whether a and b are the same place in memory.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
