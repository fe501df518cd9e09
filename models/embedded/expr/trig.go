package expr

import (
	"math"

	"github.com/cockroachdb/apd/v3"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

const (
	trigOutOfRange mongoerr.Code = 50989
	atan2First     mongoerr.Code = 51044
	atan2Second    mongoerr.Code = 51045
)

// trigonometric is a function for doubles and for decimals.
type trigonometric struct {
	double  func(float64) float64
	decimal func(x *apd.Decimal) *apd.Decimal
	// inside tells where the function is defined, which bounds writes down;
	// nil is everywhere.
	inside func(f float64) bool
	bounds string
}

func (t trigonometric) of(name string, v bson.RawValue) (bson.RawValue, error) {
	f := value.Float(v)
	if t.inside != nil && !math.IsNaN(f) && !t.inside(f) {
		return bson.RawValue{}, trigOutOfRange.Errorf("cannot apply %s to %s, value must in %s", name, showValue(v), t.bounds)
	}
	if isDecimal(v) {
		return value.FromDecimal(t.decimal(value.ToDecimal(v))), nil
	}
	return value.Double(t.double(f)), nil
}

func finite(f float64) bool { return !math.IsInf(f, 0) }

func withinOne(f float64) bool { return f >= -1 && f <= 1 }

func sin(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{math.Sin, decimalSin, finite, "(-inf,inf)"}.of(name, v)
}

func cos(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{math.Cos, decimalCos, finite, "(-inf,inf)"}.of(name, v)
}

func tan(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{math.Tan, decimalTan, finite, "(-inf,inf)"}.of(name, v)
}

func asin(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{math.Asin, decimalAsin, withinOne, "[-1,1]"}.of(name, v)
}

func acos(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{math.Acos, decimalAcos, withinOne, "[-1,1]"}.of(name, v)
}

func atan(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{math.Atan, decimalAtan, nil, ""}.of(name, v)
}

func sinh(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{math.Sinh, decimalSinh, nil, ""}.of(name, v)
}

func cosh(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{math.Cosh, decimalCosh, nil, ""}.of(name, v)
}

func tanh(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{math.Tanh, decimalTanh, nil, ""}.of(name, v)
}

func asinh(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{math.Asinh, decimalAsinh, nil, ""}.of(name, v)
}

func acosh(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{math.Acosh, decimalAcosh, func(f float64) bool { return f >= 1 }, "[1,inf]"}.of(name, v)
}

func atanh(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{math.Atanh, decimalAtanh, withinOne, "[-1,1]"}.of(name, v)
}

func degreesToRadians(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{
		func(f float64) float64 { return f * (math.Pi / 180) },
		func(x *apd.Decimal) *apd.Decimal { return quotient(product(x, pi(wideDigits)), apd.New(180, 0)) },
		nil, "",
	}.of(name, v)
}

func radiansToDegrees(name string, v bson.RawValue) (bson.RawValue, error) {
	return trigonometric{
		func(f float64) float64 { return f * (180 / math.Pi) },
		func(x *apd.Decimal) *apd.Decimal { return quotient(product(x, apd.New(180, 0)), pi(wideDigits)) },
		nil, "",
	}.of(name, v)
}

func atan2(name string, args []bson.RawValue) (bson.RawValue, error) {
	y, x := args[0], args[1]
	switch {
	case nullish(y) || nullish(x):
		return value.Null, nil
	case !value.IsNumber(y):
		return bson.RawValue{}, atan2First.Errorf("%s only supports numeric types, not %s", name, typeName(y))
	case !value.IsNumber(x):
		return bson.RawValue{}, atan2Second.Errorf("%s only supports numeric types, not %s", name, typeName(x))
	case isDecimal(y) || isDecimal(x):
		return value.FromDecimal(decimalAtan2(value.ToDecimal(y), value.ToDecimal(x))), nil
	}
	return value.Double(math.Atan2(value.Float(y), value.Float(x))), nil
}
