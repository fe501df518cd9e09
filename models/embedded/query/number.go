package query

import (
	"encoding/binary"
	"math"
	"math/big"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

func int32Value(n int32) bson.RawValue {
	return bson.RawValue{Type: bson.TypeInt32, Value: binary.LittleEndian.AppendUint32(nil, uint32(n))}
}

func int64Value(n int64) bson.RawValue {
	return bson.RawValue{Type: bson.TypeInt64, Value: binary.LittleEndian.AppendUint64(nil, uint64(n))}
}

func doubleValue(f float64) bson.RawValue {
	return bson.RawValue{Type: bson.TypeDouble, Value: binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))}
}

func decimalValue(d bson.Decimal128) bson.RawValue {
	high, low := d.GetBytes()
	return bson.RawValue{Type: bson.TypeDecimal128,
		Value: binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, low), high)}
}

var ten = big.NewInt(10)

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(ten, big.NewInt(int64(n)), nil) }

func truncatedDecimal(v bson.RawValue) (n int64, ok bool) {
	coefficient, exponent, _ := value.DecimalParts(v)
	switch {
	case coefficient == nil:
		return 0, false
	case coefficient.Sign() == 0 || exponent < -40:
		return 0, true
	case exponent > 20:
		return 0, false
	case exponent < 0:
		coefficient.Quo(coefficient, powerOfTen(-exponent))
	default:
		coefficient.Mul(coefficient, powerOfTen(exponent))
	}
	return coefficient.Int64(), coefficient.IsInt64()
}

// arithmetic is $inc or $mul for the types a result can have. The int
// functions report whether the result fits.
type arithmetic struct {
	name    string
	ints    func(a, b int64) (int64, bool)
	doubles func(a, b float64) float64
	decimal func(a, b decimalNumber) decimalNumber
}

var (
	addition = &arithmetic{
		name: "$inc",
		ints: func(a, b int64) (int64, bool) {
			sum := a + b
			return sum, (sum > a) == (b > 0)
		},
		doubles: func(a, b float64) float64 { return a + b },
		decimal: decimalNumber.add,
	}
	multiplication = &arithmetic{
		name: "$mul",
		ints: func(a, b int64) (int64, bool) {
			if a == 0 || b == 0 {
				return 0, true
			}
			product := a * b
			overflow := product/b != a || (a == -1 && b == math.MinInt64) || (b == -1 && a == math.MinInt64)
			return product, !overflow
		},
		doubles: func(a, b float64) float64 { return a * b },
		decimal: decimalNumber.multiply,
	}
)

// apply computes as mongod does: with a decimal in decimal, with a double in
// double, otherwise in integers, where an int that overflows becomes a long.
// ok is false if a long overflows.
func (o *arithmetic) apply(a, b bson.RawValue) (result bson.RawValue, ok bool) {
	if a.Type == bson.TypeDecimal128 || b.Type == bson.TypeDecimal128 {
		return o.decimal(decimalOf(a), decimalOf(b)).value(), true
	}
	if a.Type == bson.TypeDouble || b.Type == bson.TypeDouble {
		return doubleValue(o.doubles(a.AsFloat64(), b.AsFloat64())), true
	}
	n, ok := o.ints(a.AsInt64(), b.AsInt64())
	if a.Type == bson.TypeInt32 && b.Type == bson.TypeInt32 && n == int64(int32(n)) {
		return int32Value(int32(n)), ok
	}
	return int64Value(n), ok
}
