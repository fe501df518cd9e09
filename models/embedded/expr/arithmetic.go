package expr

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about arithmetic.
const (
	notNumeric       mongoerr.Code = 28765
	twoDates         mongoerr.Code = 16612
	absOfMin         mongoerr.Code = 28680
	modByZero        mongoerr.Code = 16610
	decimalModByZero mongoerr.Code = 5733415
	modNotNumeric    mongoerr.Code = 16611
)

// numeric is an operator of one number; without one its result is null.
func numeric(apply func(name string, v bson.RawValue) (bson.RawValue, error)) operator {
	return exactly(1, func(name string, args []bson.RawValue) (bson.RawValue, error) {
		if nullish(args[0]) {
			return value.Null, nil
		}
		if !value.IsNumber(args[0]) {
			return bson.RawValue{}, notNumeric.Errorf("%s only supports numeric types, not %s", name, typeName(args[0]))
		}
		return apply(name, args[0])
	})
}

func typeName(v bson.RawValue) string { return value.TypeName(v.Type) }

func isDecimal(v bson.RawValue) bool { return v.Type == bson.TypeDecimal128 }

func isDate(v bson.RawValue) bool { return v.Type == bson.TypeDateTime }

func abs(_ string, v bson.RawValue) (bson.RawValue, error) {
	switch v.Type {
	case bson.TypeDouble:
		return value.Double(math.Abs(value.Float(v))), nil
	case bson.TypeDecimal128:
		d := value.ToDecimal(v)
		d.Negative = false
		return value.FromDecimal(d), nil
	}
	n := value.TruncateInt64(v)
	if n == math.MinInt64 {
		return bson.RawValue{}, absOfMin.Errorf("can't take $abs of long long min")
	}
	if v.Type == bson.TypeInt64 {
		return value.Int64(max(n, -n)), nil
	}
	return value.IntOrLong(max(n, -n)), nil
}

func add(_ string, args []bson.RawValue) (bson.RawValue, error) {
	total, date := value.Int32(0), false
	narrow := true // all integers so far are ints
	for _, v := range args {
		if nullish(v) {
			return value.Null, nil
		}
		if isDate(v) {
			if date {
				return bson.RawValue{}, twoDates.Errorf("only one date allowed in an $add expression")
			}
			date = true
			v = value.Int64(v.DateTime())
		} else if !value.IsNumber(v) {
			return bson.RawValue{}, mongoerr.TypeMismatch.Errorf("$add only supports numeric or date types, not %s", typeName(v))
		}
		narrow = narrow && v.Type == bson.TypeInt32
		total, _ = value.Add(total, v)
	}
	if date {
		return dateOf("$add", total)
	}
	return narrowed(total, narrow), nil
}

// narrowed makes the sum or product of ints an int again where it fits, though
// it was a long on the way.
func narrowed(v bson.RawValue, narrow bool) bson.RawValue {
	if narrow && v.Type == bson.TypeInt64 {
		return value.IntOrLong(v.Int64())
	}
	return v
}

// dateOf rounds milliseconds of any type to a date.
func dateOf(name string, millis bson.RawValue) (bson.RawValue, error) {
	if millis.Type == bson.TypeDouble {
		f := millis.Double()
		if math.IsNaN(f) || f < -(1<<63) || f >= 1<<63 {
			return bson.RawValue{}, mongoerr.Overflow.Errorf("date overflow in %s", name)
		}
		return dateValue(int64(math.Round(f))), nil
	}
	return dateValue(value.TruncateInt64(millis)), nil
}

func subtract(_ string, args []bson.RawValue) (bson.RawValue, error) {
	a, b := args[0], args[1]
	switch {
	case value.IsNumber(a) && value.IsNumber(b):
		difference, _ := value.Subtract(a, b)
		return difference, nil
	case nullish(a) || nullish(b):
		return value.Null, nil
	case isDate(a) && isDate(b):
		difference, overflow := value.Subtract(value.Int64(a.DateTime()), value.Int64(b.DateTime()))
		if overflow {
			return bson.RawValue{}, mongoerr.Overflow.Errorf("date overflow in $subtract")
		}
		return difference, nil
	case isDate(a) && value.IsNumber(b):
		difference, overflow := value.Subtract(value.Int64(a.DateTime()), value.Int64(value.TruncateInt64(b)))
		if overflow {
			return bson.RawValue{}, mongoerr.Overflow.Errorf("date overflow in $subtract")
		}
		return dateValue(difference.Int64()), nil
	case isDate(a):
		return bson.RawValue{}, mongoerr.TypeMismatch.Errorf("can't $subtract %s from Date", typeName(b))
	}
	return bson.RawValue{}, mongoerr.TypeMismatch.Errorf("can't $subtract %s from %s", typeName(b), typeName(a))
}

func multiply(_ string, args []bson.RawValue) (bson.RawValue, error) {
	product, narrow := value.Int32(1), true
	for _, v := range args {
		if nullish(v) {
			return value.Null, nil
		}
		if !value.IsNumber(v) {
			return bson.RawValue{}, mongoerr.TypeMismatch.Errorf("$multiply only supports numeric types, not %s", typeName(v))
		}
		narrow = narrow && v.Type == bson.TypeInt32
		product, _ = value.Multiply(product, v)
	}
	return narrowed(product, narrow), nil
}

func divide(_ string, args []bson.RawValue) (bson.RawValue, error) {
	a, b := args[0], args[1]
	switch {
	case value.IsNumber(a) && value.IsNumber(b):
		if isZero(b) {
			return bson.RawValue{}, mongoerr.BadValue.Errorf("can't $divide by zero")
		}
		return value.Divide(a, b), nil
	case nullish(a) || nullish(b):
		return value.Null, nil
	}
	return bson.RawValue{}, mongoerr.TypeMismatch.Errorf("$divide only supports numeric types, not %s and %s", typeName(a), typeName(b))
}

func mod(_ string, args []bson.RawValue) (bson.RawValue, error) {
	a, b := args[0], args[1]
	switch {
	case value.IsNumber(a) && value.IsNumber(b):
		if isZero(b) && (isDecimal(a) || isDecimal(b)) {
			return bson.RawValue{}, decimalModByZero.Errorf("can't $mod by zero")
		}
		if isZero(b) {
			return bson.RawValue{}, modByZero.Errorf("can't $mod by zero")
		}
		return value.Remainder(a, b), nil
	case nullish(a) || nullish(b):
		return value.Null, nil
	}
	return bson.RawValue{}, modNotNumeric.Errorf("$mod only supports numeric types, not %s and %s", typeName(a), typeName(b))
}

func isZero(v bson.RawValue) bool { return !value.Truthy(v) }
