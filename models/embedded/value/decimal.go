package value

import (
	"math"
	"math/big"
	"strconv"

	"github.com/cockroachdb/apd/v3"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// The limits of Decimal128.
const (
	decimalDigits      = 34
	decimalMaxExponent = 6111
)

// DecimalContext rounds as Decimal128 does: to 34 digits, half to even, to
// infinity above its range and to fewer digits below.
var DecimalContext = &apd.Context{
	Precision:   decimalDigits,
	MaxExponent: decimalMaxExponent + decimalDigits - 1,
	MinExponent: -6143,
	Rounding:    apd.RoundHalfEven,
}

// ToDecimal converts a number as mongod does: a double is taken with 15
// significant digits.
func ToDecimal(v bson.RawValue) *apd.Decimal {
	switch v.Type {
	case bson.TypeDecimal128:
		return parseDecimal(v)
	case bson.TypeDouble:
		return fromDouble(doubleOf(v), 14)
	}
	return apd.New(intOf(v), 0)
}

// ExactDecimal converts a number with 34 digits of a double.
func ExactDecimal(v bson.RawValue) *apd.Decimal {
	if v.Type == bson.TypeDouble {
		return fromDouble(doubleOf(v), decimalDigits-1)
	}
	return ToDecimal(v)
}

func parseDecimal(v bson.RawValue) *apd.Decimal {
	coefficient, exponent, special := DecimalParts(v)
	if coefficient == nil {
		return specialDecimal(special)
	}
	d := apd.NewWithBigInt(new(apd.BigInt).SetMathBigInt(coefficient), int32(exponent))
	d.Negative = v.Value[15]&0x80 != 0
	return d
}

func specialDecimal(f float64) *apd.Decimal {
	if math.IsNaN(f) {
		return &apd.Decimal{Form: apd.NaN}
	}
	return &apd.Decimal{Form: apd.Infinite, Negative: f < 0}
}

func fromDouble(f float64, digits int) *apd.Decimal {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return specialDecimal(f)
	}
	if f == 0 {
		return &apd.Decimal{Negative: math.Signbit(f)}
	}
	d, _, err := apd.NewFromString(strconv.FormatFloat(f, 'e', digits, 64))
	if err != nil { // a formatted number parses
		return specialDecimal(math.NaN())
	}
	return d
}

// FromDecimal rounds d to a decimal128.
func FromDecimal(d *apd.Decimal) bson.RawValue {
	var r apd.Decimal
	if d.Form == apd.Finite {
		_, _ = DecimalContext.Round(&r, d) // conditions are in the result
	} else {
		r.Set(d)
	}
	switch r.Form {
	case apd.Infinite:
		return Decimal(infiniteDecimal(r.Negative))
	case apd.Finite:
		return Decimal(finiteDecimal(&r))
	}
	return Decimal(bson.NewDecimal128(0x7c<<56, 0))
}

func infiniteDecimal(negative bool) bson.Decimal128 {
	if negative {
		return bson.NewDecimal128(0xf8<<56, 0)
	}
	return bson.NewDecimal128(0x78<<56, 0)
}

func finiteDecimal(d *apd.Decimal) bson.Decimal128 {
	coefficient, exponent := d.Coeff.MathBigInt(), int(d.Exponent)
	if over := exponent - decimalMaxExponent; over > 0 {
		if coefficient.Sign() != 0 {
			coefficient.Mul(coefficient, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(over)), nil))
		}
		exponent = decimalMaxExponent
	}
	exponent = max(exponent, -6176)
	out, _ := bson.ParseDecimal128FromBigInt(coefficient, exponent) // rounded to fit
	if d.Negative {
		high, low := out.GetBytes()
		return bson.NewDecimal128(high|1<<63, low)
	}
	return out
}
