package query

import (
	"math"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// comparison is $eq, $lt, $lte, $gt or $gte.
type comparison struct {
	op    Op
	value bson.RawValue
}

func (c *comparison) matches(v bson.RawValue) bool {
	if !value.SameBracket(v, c.value) {
		return c.acrossBrackets(v)
	}
	if isNaN(v) || isNaN(c.value) {
		return c.op != OpLt && c.op != OpGt && isNaN(v) && isNaN(c.value)
	}
	order := value.Compare(v, c.value)
	switch c.op {
	case OpLt:
		return order < 0
	case OpLte:
		return order <= 0
	case OpGt:
		return order > 0
	case OpGte:
		return order >= 0
	}
	return order == 0
}

// acrossBrackets holds the exceptions from type bracketing: undefined is like
// null, and MinKey and MaxKey compare with everything.
func (c *comparison) acrossBrackets(v bson.RawValue) bool {
	switch c.value.Type {
	case bson.TypeNull:
		return v.Type == bson.TypeUndefined && c.op != OpLt && c.op != OpGt
	case bson.TypeMaxKey:
		return c.op == OpLt || c.op == OpLte
	case bson.TypeMinKey:
		return c.op == OpGt || c.op == OpGte
	}
	return false
}

func isNaN(v bson.RawValue) bool {
	switch v.Type {
	case bson.TypeDouble:
		return math.IsNaN(v.Double())
	case bson.TypeDecimal128:
		return v.Decimal128().IsNaN()
	}
	return false
}

// membership is $in: one of the values, which are sorted, or of the expressions.
type membership struct {
	values  []bson.RawValue
	regexes []*regex
	null    bool
}

func (c *membership) matches(v bson.RawValue) bool {
	if value.Missing(v) || v.Type == bson.TypeUndefined {
		return c.null
	}
	if _, found := slices.BinarySearchFunc(c.values, v, value.Compare); found {
		return true
	}
	for _, re := range c.regexes {
		if re.matches(v) {
			return true
		}
	}
	return false
}

// existsCondition is {$exists: true}.
type existsCondition struct{}

func (existsCondition) matches(v bson.RawValue) bool { return !value.Missing(v) }

// nothing is a condition that no value satisfies, as {$all: []}.
type nothing struct{}

func (nothing) matches(bson.RawValue) bool { return false }

// sizeCondition is $size.
type sizeCondition int64

func (c sizeCondition) matches(v bson.RawValue) bool {
	if v.Type != bson.TypeArray {
		return false
	}
	it := value.Elements(v.Value)
	for n := int64(0); ; n++ {
		if _, _, ok := it.Next(); !ok {
			return n == int64(c)
		}
	}
}

// typeSet is $type: a bit for each BSON type.
type typeSet uint32

func (c typeSet) matches(v bson.RawValue) bool { return c&typeBit(v.Type) != 0 }

func typeBit(t bson.Type) typeSet {
	switch t {
	case 0:
		return 0
	case bson.TypeMinKey:
		return 1 << 20
	case bson.TypeMaxKey:
		return 1 << 21
	}
	return 1 << t
}

// modulo is $mod.
type modulo struct{ divisor, remainder int64 }

func (c modulo) matches(v bson.RawValue) bool {
	n, ok := truncatedInt(v)
	return ok && n%c.divisor == c.remainder
}

// truncatedInt gives a number without its fraction. ok is false for what isn't
// a number or doesn't fit.
func truncatedInt(v bson.RawValue) (n int64, ok bool) {
	switch v.Type {
	case bson.TypeInt32:
		return int64(v.Int32()), true
	case bson.TypeInt64:
		return v.Int64(), true
	case bson.TypeDouble:
		f := v.Double()
		return int64(f), f >= -(1<<63) && f < 1<<63
	case bson.TypeDecimal128:
		n, _, ok = value.TruncateDecimal(value.ToDecimal(v))
		return n, ok
	}
	return 0, false
}
