package value

import (
	"math"
	"math/bits"

	"github.com/cockroachdb/apd/v3"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// The operations below take numbers and compute as mongod does: with a decimal
// in decimal, with a double in double, otherwise in integers, where an int that
// overflows becomes a long and a long that overflows becomes a double.

// Add gives a + b. overflow says that two integers had to become a double.
func Add(a, b bson.RawValue) (sum bson.RawValue, overflow bool) {
	return apply(&addition, a, b)
}

// Subtract gives a - b; see Add for overflow.
func Subtract(a, b bson.RawValue) (difference bson.RawValue, overflow bool) {
	return apply(&subtraction, a, b)
}

// Multiply gives a * b; see Add for overflow.
func Multiply(a, b bson.RawValue) (product bson.RawValue, overflow bool) {
	return apply(&multiplication, a, b)
}

// Divide gives a / b as a double or decimal; b is not zero.
func Divide(a, b bson.RawValue) bson.RawValue {
	if isDecimal(a) || isDecimal(b) {
		return decimalOf(DecimalContext.Quo, a, b)
	}
	return Double(Float(a) / Float(b))
}

// Remainder gives what is left of a divided by b, with the sign of a; b is not
// zero. A whole double as b does not make the result a double.
func Remainder(a, b bson.RawValue) bson.RawValue {
	if isDecimal(a) || isDecimal(b) {
		return decimalRemainder(a, b)
	}
	divisor, whole := ExactInt64(b)
	if a.Type == bson.TypeDouble || !whole {
		return Double(math.Mod(Float(a), Float(b)))
	}
	rest := int64(0)
	if divisor != -1 { // the smallest long overflows with it
		rest = intOf(a) % divisor
	}
	if a.Type == bson.TypeInt64 || b.Type == bson.TypeInt64 || int64(int32(divisor)) != divisor {
		return Int64(rest)
	}
	return Int32(int32(rest))
}

// decimalRemainder takes the remainder exactly, whatever the quotient's size.
func decimalRemainder(a, b bson.RawValue) bson.RawValue {
	x, y := ToDecimal(a), ToDecimal(b)
	if x.Form == apd.Finite && y.Form == apd.Infinite {
		return FromDecimal(x)
	}
	exact := *DecimalContext
	exact.Precision = 2 * 6200
	var rest apd.Decimal
	_, _ = exact.Rem(&rest, x, y)
	return FromDecimal(&rest)
}

type operation struct {
	ints     func(a, b int64) (result int64, ok bool)
	doubles  func(a, b float64) float64
	decimals func(d, a, b *apd.Decimal) (apd.Condition, error)
}

var (
	addition = operation{
		func(a, b int64) (int64, bool) { return a + b, (a+b > a) == (b > 0) },
		func(a, b float64) float64 { return a + b },
		DecimalContext.Add,
	}
	subtraction = operation{
		func(a, b int64) (int64, bool) { return a - b, (a-b < a) == (b > 0) },
		func(a, b float64) float64 { return a - b },
		DecimalContext.Sub,
	}
	multiplication = operation{
		multiplyInts,
		func(a, b float64) float64 { return a * b },
		DecimalContext.Mul,
	}
)

func multiplyInts(a, b int64) (int64, bool) {
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	if (a < 0) != (b < 0) {
		return -int64(low), high == 0 && low <= 1<<63
	}
	return int64(low), high == 0 && low < 1<<63
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func apply(o *operation, a, b bson.RawValue) (result bson.RawValue, overflow bool) {
	if isDecimal(a) || isDecimal(b) {
		return decimalOf(o.decimals, a, b), false
	}
	if a.Type == bson.TypeDouble || b.Type == bson.TypeDouble {
		return Double(o.doubles(Float(a), Float(b))), false
	}
	n, ok := o.ints(intOf(a), intOf(b))
	if !ok {
		return Double(o.doubles(Float(a), Float(b))), true
	}
	if a.Type == bson.TypeInt32 && b.Type == bson.TypeInt32 {
		return IntOrLong(n), false
	}
	return Int64(n), false
}

func decimalOf(f func(d, a, b *apd.Decimal) (apd.Condition, error), a, b bson.RawValue) bson.RawValue {
	var d apd.Decimal
	_, _ = f(&d, ToDecimal(a), ToDecimal(b)) // conditions are in the result
	return FromDecimal(&d)
}

func isDecimal(v bson.RawValue) bool { return v.Type == bson.TypeDecimal128 }

// Float converts a number to the nearest double.
func Float(v bson.RawValue) float64 {
	switch v.Type {
	case bson.TypeDouble:
		return doubleOf(v)
	case bson.TypeDecimal128:
		d := parseDecimal(v)
		switch d.Form {
		case apd.Finite:
			f, _ := d.Float64() // out of range gives an infinity
			return f
		case apd.Infinite:
			return math.Inf(1 - 2*boolToInt(d.Negative))
		}
		return math.NaN()
	}
	return float64(intOf(v))
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ExactInt64 gives a number that is whole and fits into a long.
func ExactInt64(v bson.RawValue) (n int64, ok bool) {
	switch v.Type {
	case bson.TypeInt32, bson.TypeInt64:
		return intOf(v), true
	case bson.TypeDouble:
		f := doubleOf(v)
		if f != math.Trunc(f) || f < -(1<<63) || f >= 1<<63 {
			return 0, false
		}
		return int64(f), true
	case bson.TypeDecimal128:
		n, exact, ok := TruncateDecimal(parseDecimal(v))
		return n, ok && exact
	}
	return 0, false
}

// ExactInt32 gives a number that is whole and fits into an int.
func ExactInt32(v bson.RawValue) (n int32, ok bool) {
	wide, ok := ExactInt64(v)
	return int32(wide), ok && wide == int64(int32(wide))
}

// TruncateDecimal cuts d towards zero. exact says that nothing was cut, ok
// that the result fits into a long.
func TruncateDecimal(d *apd.Decimal) (n int64, exact, ok bool) {
	if d.Form != apd.Finite || d.NumDigits()+int64(d.Exponent) > 19 {
		return 0, false, d.Form == apd.Finite && d.Coeff.Sign() == 0
	}
	var whole, fraction apd.Decimal
	d.Modf(&whole, &fraction)
	n, err := whole.Int64()
	return n, fraction.IsZero(), err == nil
}

// TruncateInt64 cuts a number towards zero; beyond a long's range it gives the
// end of it, for NaN zero.
func TruncateInt64(v bson.RawValue) int64 {
	switch v.Type {
	case bson.TypeInt32, bson.TypeInt64:
		return intOf(v)
	case bson.TypeDecimal128:
		if n, _, ok := TruncateDecimal(parseDecimal(v)); ok {
			return n
		}
	}
	switch f := Float(v); {
	case math.IsNaN(f):
		return 0
	case f >= 1<<63:
		return math.MaxInt64
	case f <= -(1 << 63):
		return math.MinInt64
	default:
		return int64(f)
	}
}

// IntOrLong makes an int if n fits into one, otherwise a long.
func IntOrLong(n int64) bson.RawValue {
	if n == int64(int32(n)) {
		return Int32(int32(n))
	}
	return Int64(n)
}
