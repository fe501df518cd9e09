package storage

import (
	"bytes"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// keyRange is a range of index keys: low <= key < high.
type keyRange struct{ low, high []byte }

// empty reports whether a range can hold no key.
func (r keyRange) empty() bool { return bytes.Compare(r.low, r.high) >= 0 }

// bound is one end of an interval: an encoded value, ascending, or the first bytes of
// some. An open bound doesn't belong to the interval.
type bound struct {
	key  []byte
	open bool
	// shown is what explain shows.
	shown bson.RawValue
}

// interval is a range of values of one index field.
type interval struct{ low, high bound }

// intervals are what the predicates allow one index field: ascending and apart. nil
// allows everything; an empty list that isn't nil allows nothing.
type intervals []interval

// comparePlaces compares the places before (or after) all keys that start with a and
// b.
func comparePlaces(a []byte, afterA bool, b []byte, afterB bool) int {
	n := min(len(a), len(b))
	if c := bytes.Compare(a[:n], b[:n]); c != 0 {
		return c
	}
	switch {
	case len(a) == len(b) && afterA == afterB:
		return 0
	case len(a) > n && !afterB, len(b) > n && afterA, len(a) == len(b) && afterA:
		return 1
	}
	return -1
}

func compareLows(a, b interval) int {
	return comparePlaces(a.low.key, a.low.open, b.low.key, b.low.open)
}

func compareHighs(a, b interval) int {
	return comparePlaces(a.high.key, !a.high.open, b.high.key, !b.high.open)
}

func (i interval) empty() bool {
	return comparePlaces(i.low.key, i.low.open, i.high.key, !i.high.open) >= 0
}

// point reports whether the interval is one value. The keys of a whole class are equal
// too, but begin a value only.
func (i interval) point() bool {
	return !i.low.open && !i.high.open && bytes.Equal(i.low.key, i.high.key) && value.KeyLen(i.low.key, false) == len(i.low.key)
}

// everything is the interval of all values.
func everything() interval {
	return interval{
		low:  bound{key: []byte{lowestClass}, shown: bson.RawValue{Type: bson.TypeMinKey}},
		high: bound{key: []byte{highestClass}, shown: bson.RawValue{Type: bson.TypeMaxKey}},
	}
}

var lowestClass, highestClass = value.Bracket(bson.RawValue{Type: bson.TypeMinKey})

// bounded reports whether the intervals leave anything out.
func (f intervals) bounded() bool { return f != nil }

// points reports whether every interval is one value.
func (f intervals) points() bool {
	return f != nil && !slices.ContainsFunc(f, func(i interval) bool { return !i.point() })
}

// fixed reports whether the intervals are one value.
func (f intervals) fixed() bool { return len(f) == 1 && f[0].point() }

func pointAt(v bson.RawValue) interval {
	b := bound{key: value.AppendKey(nil, v, false), shown: v}
	return interval{b, b}
}

// intersect gives what both f and o allow.
func (f intervals) intersect(o intervals) intervals {
	if f == nil {
		return o
	}
	out := intervals{}
	for i, j := 0, 0; i < len(f) && j < len(o); {
		both := f[i]
		if compareLows(o[j], both) > 0 {
			both.low = o[j].low
		}
		if compareHighs(o[j], both) < 0 {
			both.high = o[j].high
		}
		if !both.empty() {
			out = append(out, both)
		}
		if compareHighs(f[i], o[j]) < 0 {
			i++
		} else {
			j++
		}
	}
	return out
}

// union sorts intervals and joins those that overlap.
func union(list intervals) intervals {
	slices.SortFunc(list, compareLows)
	out := make(intervals, 0, len(list))
	for _, next := range list {
		if next.empty() {
			continue
		}
		last := len(out) - 1
		if last >= 0 && comparePlaces(next.low.key, next.low.open, out[last].high.key, !out[last].high.open) < 0 {
			if compareHighs(next, out[last]) > 0 {
				out[last].high = next.high
			}
			continue
		}
		out = append(out, next)
	}
	return out
}

// complement gives what f leaves out.
func (f intervals) complement() intervals {
	out := make(intervals, 0, len(f)+1)
	rest := everything()
	for _, i := range f {
		gap := interval{rest.low, bound{i.low.key, !i.low.open, i.low.shown}}
		if !gap.empty() {
			out = append(out, gap)
		}
		rest.low = bound{i.high.key, !i.high.open, i.high.shown}
	}
	if !rest.empty() {
		out = append(out, rest)
	}
	return out
}

// intervalsOf gives the values that a predicate allows an index field.
func intervalsOf(p *query.Predicate) intervals {
	if p.Op == query.OpExists && p.Not {
		return intervals{pointAt(value.Null)}
	}
	out := allowedBy(p)
	if p.Not {
		out = out.complement()
	}
	if len(out) == 1 && compareLows(out[0], everything()) <= 0 && compareHighs(out[0], everything()) >= 0 {
		return nil
	}
	return out
}

func allowedBy(p *query.Predicate) intervals {
	switch p.Op {
	case query.OpEq:
		return intervals{pointAt(p.Value)}
	case query.OpIn:
		return oneOf(p)
	case query.OpType:
		return ofTypes(p.Types)
	case query.OpExists:
		return intervals{everything()}
	}
	return union(intervals{comparedWith(p)})
}

func oneOf(p *query.Predicate) intervals {
	out := make(intervals, 0, len(p.Values)+len(p.Prefixes))
	for _, v := range p.Values {
		out = append(out, pointAt(v))
	}
	for _, prefix := range p.Prefixes {
		out = append(out, startingWith(prefix))
	}
	return union(out)
}

func startingWith(prefix string) interval {
	i := pointAt(stringValue(prefix))
	if end := successor([]byte(prefix)); end != nil {
		i.high = pointAt(stringValue(string(end))).high
	} else {
		i.high = bracket(stringValue("")).high
	}
	i.high.open = true
	return i
}

func stringValue(s string) bson.RawValue {
	t, data, err := bson.MarshalValue(s)
	if err != nil {
		panic(err) // a string can always be marshalled
	}
	return bson.RawValue{Type: t, Value: data}
}

// comparedWith gives the interval of $lt, $lte, $gt or $gte, which find values of the
// same bracket only. NaN is in order with nothing but itself.
func comparedWith(p *query.Predicate) interval {
	at := pointAt(p.Value)
	if isNaN(p.Value) {
		at.high.open = p.Op == query.OpLt || p.Op == query.OpGt
		return at
	}
	i := bracket(p.Value)
	switch p.Op {
	case query.OpLt, query.OpLte:
		i.high = at.high
		i.high.open = p.Op == query.OpLt
	case query.OpGt, query.OpGte:
		i.low = at.low
		i.low.open = p.Op == query.OpGt
	}
	return i
}

// ofTypes gives the brackets of types. Numbers of all types, and strings and symbols,
// lie in one bracket, and a stored undefined is indexed as null.
func ofTypes(types []bson.Type) intervals {
	var out intervals
	for _, t := range types {
		if t == bson.TypeUndefined {
			out = append(out, pointAt(value.Null))
		}
		out = append(out, wholeClass(t))
	}
	return union(out)
}

// rangeAfter gives the keys that start with prefix and go on with a value of the
// interval, in an index field that descends if desc.
func (i interval) rangeAfter(prefix []byte, desc bool) keyRange {
	if !desc {
		return keyRange{edge(prefix, i.low.key, i.low.open), edge(prefix, i.high.key, !i.high.open)}
	}
	return keyRange{edge(prefix, inverted(i.high.key), i.high.open), edge(prefix, inverted(i.low.key), !i.low.open)}
}

// edge gives the first key from prefix and bound on, or the first after all that
// start so.
func edge(prefix, bound []byte, after bool) []byte {
	key := append(append(make([]byte, 0, len(prefix)+len(bound)), prefix...), bound...)
	if after {
		return successor(key)
	}
	return key
}

func inverted(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = ^c
	}
	return out
}
