package storage

import (
	"bytes"
	"math"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/value"
)

// bracket gives the interval of the values that comparisons with v find, with the
// ends that mongod shows.
func bracket(v bson.RawValue) interval {
	low, high, highOpen := bracketEnds(v.Type)
	if low.Type == 0 {
		return wholeClass(v.Type)
	}
	return interval{
		low:  bound{key: value.AppendKey(nil, low, false), shown: low},
		high: bound{key: value.AppendKey(nil, high, false), shown: high, open: highOpen},
	}
}

func bracketEnds(t bson.Type) (low, high bson.RawValue, highOpen bool) {
	of := func(t bson.Type, data []byte) bson.RawValue { return bson.RawValue{Type: t, Value: data} }
	emptyObject := of(bson.TypeEmbeddedDocument, []byte{5, 0, 0, 0, 0})
	switch t {
	case bson.TypeDouble, bson.TypeInt32, bson.TypeInt64, bson.TypeDecimal128:
		return of(bson.TypeDouble, bsoncore.AppendDouble(nil, math.Inf(-1))), of(bson.TypeDouble, bsoncore.AppendDouble(nil, math.Inf(1))), false
	case bson.TypeString, bson.TypeSymbol:
		return stringValue(""), emptyObject, true
	case bson.TypeEmbeddedDocument:
		return emptyObject, of(bson.TypeArray, []byte{5, 0, 0, 0, 0}), true
	case bson.TypeDateTime:
		return of(t, bsoncore.AppendDateTime(nil, math.MinInt64)), of(t, bsoncore.AppendDateTime(nil, math.MaxInt64)), false
	case bson.TypeTimestamp:
		return of(t, bsoncore.AppendTimestamp(nil, 0, 0)), of(t, bsoncore.AppendTimestamp(nil, math.MaxUint32, math.MaxUint32)), false
	case bson.TypeObjectID:
		return of(t, make([]byte, 12)), of(t, bytes.Repeat([]byte{0xff}, 12)), false
	case bson.TypeBoolean:
		return of(t, []byte{0}), of(t, []byte{1}), false
	case bson.TypeBinary:
		return of(t, make([]byte, 5)), of(bson.TypeObjectID, make([]byte, 12)), true
	}
	return low, high, false
}

// wholeClass gives the interval of all values that compare by the same rules as those
// of type t.
func wholeClass(t bson.Type) interval {
	v := bson.RawValue{Type: t}
	switch t {
	case bson.TypeMinKey, bson.TypeMaxKey, bson.TypeNull, bson.TypeUndefined:
		return pointAt(v)
	}
	low, high, highOpen := bracketEnds(t)
	if low.Type == 0 {
		low, high = v, v
	}
	first, last := value.Bracket(v)
	if highOpen {
		last++
	}
	return interval{low: bound{key: []byte{first}, shown: low}, high: bound{key: []byte{last}, shown: high, open: highOpen}}
}

func isNaN(v bson.RawValue) bool {
	nan := bson.RawValue{Type: bson.TypeDouble, Value: bsoncore.AppendDouble(nil, math.NaN())}
	return value.IsNumber(v) && value.Equal(v, nan)
}

// texts renders what is read of a field as explain shows it; backward if it is read
// from its highest value down.
func (f intervals) texts(backward bool) bson.A {
	if f == nil {
		f = intervals{everything()}
	}
	out := bson.A{}
	for _, i := range f {
		out = append(out, i.text(backward))
	}
	if backward {
		slices.Reverse(out)
	}
	return out
}

func (i interval) text(backward bool) string {
	from, to := i.low, i.high
	if backward {
		from, to = to, from
	}
	open, end := "[", "]"
	if from.open {
		open = "("
	}
	if to.open {
		end = ")"
	}
	// A prefix may end within a character.
	return strings.ToValidUTF8(open+value.Format(from.shown)+", "+value.Format(to.shown)+end, "\ufffd")
}
