package expr

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $range.
const (
	rangeStartNotNumeric mongoerr.Code = 34443
	rangeStartNoInt      mongoerr.Code = 34444
	rangeEndNotNumeric   mongoerr.Code = 34445
	rangeEndNoInt        mongoerr.Code = 34446
	rangeStepNotNumeric  mongoerr.Code = 34447
	rangeStepNoInt       mongoerr.Code = 34448
	rangeStepZero        mongoerr.Code = 34449
)

// rangeLimit is mongod's bound for the memory of a $range, where an int takes
// rangeItem bytes.
const (
	rangeLimit = 100 << 20
	rangeItem  = 16
)

func rangeOf(_ string, args []bson.RawValue) (bson.RawValue, error) {
	start, err := bound(args[0], rangeStartNotNumeric, "numeric starting value, found value of type: ", rangeStartNoInt, "starting value")
	if err != nil {
		return bson.RawValue{}, err
	}
	stop, err := bound(args[1], rangeEndNotNumeric, "numeric ending value, found value of type: ", rangeEndNoInt, "ending value")
	if err != nil {
		return bson.RawValue{}, err
	}
	step := int64(1)
	if len(args) == 3 {
		if step, err = bound(args[2], rangeStepNotNumeric, "numeric step value, found value of type:", rangeStepNoInt, "step value"); err != nil {
			return bson.RawValue{}, err
		}
		if step == 0 {
			return bson.RawValue{}, rangeStepZero.Errorf("$range requires a non-zero step value")
		}
	}
	if need := max(0, 1+(stop-start)/step)*rangeItem + 24; need >= rangeLimit {
		return bson.RawValue{}, mongoerr.ExceededMemoryLimit.Errorf("$range would use too much memory (%d bytes) and cannot spill to disk. Memory limit: %d bytes", need, rangeLimit)
	}
	out := newArray()
	for n := start; step > 0 && n < stop || step < 0 && n > stop; n += step {
		out.add(value.Int32(int32(n)))
	}
	return out.value(), nil
}

func bound(v bson.RawValue, notNumeric mongoerr.Code, numeric string, noInt mongoerr.Code, what string) (int64, error) {
	if !value.IsNumber(v) {
		return 0, notNumeric.Errorf("$range requires a %s%s", numeric, typeName(v))
	}
	n, ok := value.ExactInt32(v)
	if !ok {
		article := "a"
		if what[0] == 'e' {
			article = "an"
		}
		return 0, noInt.Errorf("$range requires %s %s that can be represented as a 32-bit integer, found value: %s", article, what, showValue(v))
	}
	return int64(n), nil
}
