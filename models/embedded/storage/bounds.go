package storage

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// maxRanges bounds how many ranges one plan scans. Where the points of $in would
// give more, later fields of the index are left to the filter.
const maxRanges = 4096

// keyRange is a range of index keys: low <= key < high. A nil high has no end.
type keyRange struct{ low, high []byte }

// interval is what the predicates allow one index field. Its edges are prefixes of
// encoded values, ascending; an edge says whether the values that it is a prefix
// of belong to the interval.
type interval struct {
	low, high         []byte
	lowOpen, highOpen bool
	lowText, highText string
}

// fieldBounds are what the predicates say of one index field: points, or an
// interval, or nothing.
type fieldBounds struct {
	points []point
	span   *interval
}

// point is one value that a field must equal.
type point struct {
	key  []byte
	text string
}

func (b fieldBounds) bounded() bool { return b.points != nil || b.span != nil }

// boundsOf collects what the predicates say of path. On a multikey index only one
// of several may count, since different elements may satisfy them.
func boundsOf(path string, predicates []query.Predicate, multikey bool) fieldBounds {
	var span *interval
	for _, p := range predicates {
		if p.Path != path {
			continue
		}
		switch p.Op {
		case query.OpEq:
			return fieldBounds{points: pointsOf(p.Value)}
		case query.OpIn:
			return fieldBounds{points: pointsOf(p.Values...)}
		}
		next := intervalOf(p)
		switch {
		case span == nil:
			span = &next
		case !multikey:
			span.narrow(next)
		}
	}
	return fieldBounds{span: span}
}

// pointsOf gives the distinct points in the order of the index. The slice isn't
// nil: no values means that nothing matches.
func pointsOf(values ...bson.RawValue) []point {
	points := make([]point, 0, len(values))
	for _, v := range values {
		points = append(points, point{value.AppendKey(nil, v, false), shellValue(v)})
	}
	slices.SortFunc(points, func(a, b point) int { return bytes.Compare(a.key, b.key) })
	return slices.CompactFunc(points, func(a, b point) bool { return bytes.Equal(a.key, b.key) })
}

func intervalOf(p query.Predicate) interval {
	first, last := value.Bracket(p.Value)
	key, text := value.AppendKey(nil, p.Value, false), shellValue(p.Value)
	// The bracket's edges: comparisons find values of the same type only.
	i := interval{low: []byte{first}, high: []byte{last}, lowText: bracketText(p.Value, false), highText: bracketText(p.Value, true)}
	switch p.Op {
	case query.OpLt, query.OpLte:
		i.high, i.highOpen, i.highText = key, p.Op == query.OpLt, text
	case query.OpGt, query.OpGte:
		i.low, i.lowOpen, i.lowText = key, p.Op == query.OpGt, text
	case query.OpPrefix:
		i.low, i.lowText = key, text
		if end := successor([]byte(p.Value.StringValue())); end != nil {
			v := stringValue(string(end))
			i.high, i.highOpen, i.highText = value.AppendKey(nil, v, false), true, shellValue(v)
		}
	}
	return i
}

func stringValue(s string) bson.RawValue {
	t, data, err := bson.MarshalValue(s)
	if err != nil {
		panic(err) // a string can always be marshalled
	}
	return bson.RawValue{Type: t, Value: data}
}

// bracketText names the edge of a type's bracket as explain does.
func bracketText(v bson.RawValue, high bool) string {
	switch v.Type {
	case bson.TypeDouble, bson.TypeInt32, bson.TypeInt64, bson.TypeDecimal128:
		return pick(high, "inf.0", "-inf.0")
	case bson.TypeString, bson.TypeSymbol:
		return pick(high, "{}", "\"\"")
	case bson.TypeDateTime:
		return pick(high, "new Date(9223372036854775807)", "new Date(-9223372036854775808)")
	case bson.TypeObjectID:
		return pick(high, "ObjectId('ffffffffffffffffffffffff')", "ObjectId('000000000000000000000000')")
	case bson.TypeBoolean:
		return pick(high, "true", "false")
	}
	return pick(high, "MaxKey", "MinKey")
}

func pick(second bool, b, a string) string {
	if second {
		return b
	}
	return a
}

// narrow intersects i with o.
func (i *interval) narrow(o interval) {
	if bytes.Compare(edge(nil, o.low, o.lowOpen), edge(nil, i.low, i.lowOpen)) > 0 {
		i.low, i.lowOpen, i.lowText = o.low, o.lowOpen, o.lowText
	}
	if bytes.Compare(edge(nil, o.high, !o.highOpen), edge(nil, i.high, !i.highOpen)) < 0 {
		i.high, i.highOpen, i.highText = o.high, o.highOpen, o.highText
	}
}

// rangeAfter gives the keys that start with prefix and go on with a value of the
// interval, in an index field that descends if desc.
func (i *interval) rangeAfter(prefix []byte, desc bool) keyRange {
	if !desc {
		return keyRange{
			low:  edge(prefix, i.low, i.lowOpen),
			high: edge(prefix, i.high, !i.highOpen),
		}
	}
	return keyRange{
		low:  edge(prefix, inverted(i.high), i.highOpen),
		high: edge(prefix, inverted(i.low), !i.lowOpen),
	}
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

func (i *interval) text(desc bool) string {
	open, close := "[", "]"
	if i.lowOpen {
		open = "("
	}
	if i.highOpen {
		close = ")"
	}
	if desc {
		return fmt.Sprintf("%s%s, %s%s", mirror(close), i.highText, i.lowText, mirror(open))
	}
	return fmt.Sprintf("%s%s, %s%s", open, i.lowText, i.highText, close)
}

func mirror(bracket string) string {
	return map[string]string{"[": "]", "]": "[", "(": ")", ")": "("}[bracket]
}

// texts renders the bounds of a field as explain shows them.
func (b fieldBounds) texts(desc bool) []string {
	switch {
	case b.points != nil:
		out := make([]string, len(b.points))
		for i, p := range b.points {
			out[i] = "[" + p.text + ", " + p.text + "]"
		}
		if desc {
			slices.Reverse(out)
		}
		return out
	case b.span != nil:
		return []string{b.span.text(desc)}
	case desc:
		return []string{"[MaxKey, MinKey]"}
	}
	return []string{"[MinKey, MaxKey]"}
}

// rootOf gives the first component of a path.
func rootOf(path string) string {
	root, _, _ := strings.Cut(path, ".")
	return root
}
