package query

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// bits is one of $bitsAllSet, $bitsAllClear, $bitsAnySet and $bitsAnyClear.
type bits struct {
	positions []int64
	any       bool // one position is enough
	set       bool // the bit has to be set, not clear
}

func (c *bits) matches(v bson.RawValue) bool {
	isSet := bitTest(v)
	if isSet == nil {
		return false
	}
	for _, position := range c.positions {
		if (isSet(position) == c.set) == c.any {
			return c.any
		}
	}
	return !c.any
}

// bitTest gives a view of v's bits: of an integral number, extended by its
// sign, or of binary data, extended by zeros. nil for other values.
func bitTest(v bson.RawValue) func(position int64) bool {
	if _, data, ok := v.BinaryOK(); ok {
		return func(position int64) bool {
			return position/8 < int64(len(data)) && data[position/8]>>(position%8)&1 == 1
		}
	}
	n, ok := value.ExactInt64(v)
	if !ok {
		return nil
	}
	return func(position int64) bool { return n>>min(position, 63)&1 == 1 }
}

func parseBits(name string, v bson.RawValue) (condition, error) {
	c := &bits{any: name == "$bitsAnySet" || name == "$bitsAnyClear", set: name == "$bitsAllSet" || name == "$bitsAnySet"}
	switch {
	case v.Type == bson.TypeArray:
		return c, c.parsePositions(v)
	case v.Type == bson.TypeBinary:
		_, data := v.Binary()
		c.addMask(int64(len(data))*8, bitTest(v))
		return c, nil
	case value.IsNumber(v):
		n, ok := value.ExactInt64(v)
		if !ok {
			return nil, mongoerr.FailedToParse.Errorf("Expected an integer: %s: %s", name, value.Format(v))
		}
		if n < 0 {
			return nil, mongoerr.FailedToParse.Errorf("Expected a non-negative number in: %s: %s", name, value.Format(v))
		}
		c.addMask(64, bitTest(value.Int64(n)))
		return c, nil
	}
	return nil, mongoerr.BadValue.Errorf("%s takes an Array, a number, or a BinData but received: %s: %s", name, name, value.Format(v))
}

func (c *bits) addMask(size int64, isSet func(int64) bool) {
	for position := range size {
		if isSet(position) {
			c.positions = append(c.positions, position)
		}
	}
}

func (c *bits) parsePositions(array bson.RawValue) error {
	it := value.Elements(array.Value)
	for {
		index, v, ok := it.Next()
		if !ok {
			return nil
		}
		position, integral := value.ExactInt64(v)
		switch {
		case !value.IsNumber(v):
			return mongoerr.BadValue.Errorf("bit positions must be an integer but got: %s: %s", index, value.Format(v))
		case !integral:
			return mongoerr.BadValue.Errorf("Failed to parse bit position. Expected an integer: %s: %s", index, value.Format(v))
		case position > math.MaxInt32:
			return mongoerr.BadValue.Errorf("Failed to parse bit position. Cannot represent %s: %s in an int", index, value.Format(v))
		case position < 0:
			return mongoerr.BadValue.Errorf("Failed to parse bit position. Expected a non-negative number in: %s: %s", index, value.Format(v))
		}
		c.positions = append(c.positions, position)
	}
}
