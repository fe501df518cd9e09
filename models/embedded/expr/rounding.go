package expr

import (
	"math"

	"github.com/cockroachdb/apd/v3"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $round, $trunc and conversions to integers.
const (
	roundOverflow        mongoerr.Code = 51080
	roundNotNumeric      mongoerr.Code = 51081
	precisionNotIntegral mongoerr.Code = 51082
	precisionOutOfRange  mongoerr.Code = 51083
	noLong               mongoerr.Code = 16004
)

func ceil(_ string, v bson.RawValue) (bson.RawValue, error) {
	return toWhole(v, math.Ceil, apd.RoundCeiling), nil
}

func floor(_ string, v bson.RawValue) (bson.RawValue, error) {
	return toWhole(v, math.Floor, apd.RoundFloor), nil
}

func toWhole(v bson.RawValue, double func(float64) float64, mode apd.Rounder) bson.RawValue {
	switch v.Type {
	case bson.TypeDouble:
		return value.Double(double(v.Double()))
	case bson.TypeDecimal128:
		return value.FromDecimal(quantize(value.ToDecimal(v), 0, mode))
	}
	return v
}

// quantize rounds d to a multiple of 10^exponent. As in Decimal128 the result
// is NaN where that takes more than 34 digits.
func quantize(d *apd.Decimal, exponent int32, mode apd.Rounder) *apd.Decimal {
	if d.Form != apd.Finite {
		return d
	}
	c := *value.DecimalContext
	c.Rounding = mode
	var out apd.Decimal
	_, _ = c.Quantize(&out, d, exponent)
	return &out
}

func round(name string, args []bson.RawValue) (bson.RawValue, error) {
	return roundTo(name, args, apd.RoundHalfEven)
}

func trunc(name string, args []bson.RawValue) (bson.RawValue, error) {
	return roundTo(name, args, apd.RoundDown)
}

func roundTo(name string, args []bson.RawValue, mode apd.Rounder) (bson.RawValue, error) {
	v := args[0]
	if nullish(v) {
		return value.Null, nil
	}
	if !value.IsNumber(v) {
		return bson.RawValue{}, roundNotNumeric.Errorf("%s only supports numeric types, not %s", name, typeName(v))
	}
	places := int64(0)
	if len(args) > 1 {
		if nullish(args[1]) {
			return value.Null, nil
		}
		var err error
		if places, err = precision(name, args[1]); err != nil {
			return bson.RawValue{}, err
		}
	}
	switch v.Type {
	case bson.TypeDecimal128:
		return value.FromDecimal(quantize(value.ToDecimal(v), int32(-places), mode)), nil
	case bson.TypeDouble:
		if f := v.Double(); math.IsNaN(f) || math.IsInf(f, 0) {
			return v, nil
		}
		rounded := quantize(value.ExactDecimal(v), int32(-places), mode)
		return value.Double(value.Float(value.FromDecimal(rounded))), nil
	}
	return roundInt(name, v, places, mode)
}

func precision(name string, v bson.RawValue) (int64, error) {
	if !value.IsNumber(v) {
		return 0, noLong.Errorf("can't convert from BSON type %s to long", typeName(v))
	}
	n, ok := value.ExactInt32(v)
	if !ok {
		return 0, precisionNotIntegral.Errorf("precision argument to  %s must be a integral value", name)
	}
	if n < -20 || n > 100 {
		return 0, precisionOutOfRange.Errorf("cannot apply %s with precision value %d value must be in [-20, 100]", name, n)
	}
	return int64(n), nil
}

func roundInt(name string, v bson.RawValue, places int64, mode apd.Rounder) (bson.RawValue, error) {
	if places >= 0 {
		return v, nil
	}
	n, _, ok := value.TruncateDecimal(quantize(value.ToDecimal(v), int32(-places), mode))
	if !ok {
		return bson.RawValue{}, roundOverflow.Errorf("invalid conversion from Decimal128 result in %s resulting from arguments: [%d, %d]", name, value.TruncateInt64(v), places)
	}
	if v.Type == bson.TypeInt64 {
		return value.Int64(n), nil
	}
	return value.IntOrLong(n), nil
}
