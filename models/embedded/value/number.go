package value

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"math/big"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func compareNumbers(a, b bson.RawValue) int {
	if a.Type == bson.TypeDecimal128 || b.Type == bson.TypeDecimal128 {
		var bufA, bufB [64]byte
		return bytes.Compare(appendNumber(bufA[:0], a), appendNumber(bufB[:0], b))
	}
	if a.Type == bson.TypeDouble {
		if b.Type == bson.TypeDouble {
			return cmp.Compare(doubleOf(a), doubleOf(b))
		}
		return -compareIntDouble(intOf(b), doubleOf(a))
	}
	if b.Type == bson.TypeDouble {
		return compareIntDouble(intOf(a), doubleOf(b))
	}
	return cmp.Compare(intOf(a), intOf(b))
}

func intOf(v bson.RawValue) int64 {
	if v.Type == bson.TypeInt32 {
		return int64(int32Of(v))
	}
	return int64(uint64Of(v))
}

// compareIntDouble compares exactly: converting either side would round.
func compareIntDouble(i int64, f float64) int {
	switch {
	case math.IsNaN(f), f < -(1 << 63):
		return 1
	case f >= 1<<63:
		return -1
	}
	whole := int64(f)
	if c := cmp.Compare(i, whole); c != 0 {
		return c
	}
	return cmp.Compare(0, f-float64(whole))
}

// A number's key is the largest double not above its magnitude, as eight
// bytes that order like doubles, and one byte that says whether that is exact.
// Where it isn't, the exact magnitude follows in decimal: a two-byte exponent
// and two digits a byte, ended by a zero. Negative numbers have every byte
// inverted. NaN is all zeros, below the bytes of -Infinity.
const (
	exactDouble   = 0
	inexactDouble = 1
)

func appendNumber(dst []byte, v bson.RawValue) []byte {
	switch v.Type {
	case bson.TypeDouble:
		return appendExact(dst, doubleOf(v))
	case bson.TypeDecimal128:
		return appendDecimal(dst, v)
	}
	i := intOf(v)
	f := float64(i)
	if compareIntDouble(i, f) == 0 {
		return appendExact(dst, f)
	}
	magnitude := uint64(i)
	if i < 0 {
		magnitude = -magnitude
	}
	if f = math.Abs(f); f > float64(math.MaxInt64) || uint64(f) > magnitude {
		f = math.Nextafter(f, 0)
	}
	var digits [20]byte
	return appendInexact(dst, i < 0, f, strconv.AppendUint(digits[:0], magnitude, 10), 0)
}

func appendExact(dst []byte, f float64) []byte {
	if math.IsNaN(f) {
		return append(dst, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	if f == 0 {
		f = 0 // -0 becomes 0
	}
	if f < 0 {
		return append(binary.BigEndian.AppendUint64(dst, ^math.Float64bits(f)), ^byte(exactDouble))
	}
	return append(binary.BigEndian.AppendUint64(dst, math.Float64bits(f)|1<<63), exactDouble)
}

// appendInexact encodes digits * 10^exponent, whose magnitude truncates to f.
func appendInexact(dst []byte, negative bool, f float64, digits []byte, exponent int) []byte {
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(f)|1<<63)
	dst = append(dst, inexactDouble)
	// Exponents of Decimal128 lie within ±6177, so the sum stays in 16 bits.
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(digits)+exponent+1<<14))
	digits = bytes.TrimRight(digits, "0")
	for i := 0; i < len(digits); i += 2 {
		pair := (digits[i] - '0') * 10
		if i+1 < len(digits) {
			pair += digits[i+1] - '0'
		}
		dst = append(dst, pair+1)
	}
	dst = append(dst, 0)
	if negative {
		invert(dst[start:])
	}
	return dst
}

// maxCoefficient is the largest canonical coefficient of a Decimal128; the
// standard reads a larger one as zero.
var maxCoefficient = new(big.Int).Sub(new(big.Int).Exp(big.NewInt(10), big.NewInt(34), nil), big.NewInt(1))

func appendDecimal(dst []byte, v bson.RawValue) []byte {
	coefficient, exponent, special := DecimalParts(v)
	if coefficient == nil {
		return appendExact(dst, special)
	}
	if coefficient.Sign() == 0 {
		return appendExact(dst, 0)
	}
	negative := coefficient.Sign() < 0
	magnitude := coefficient.Abs(coefficient)
	digits := magnitude.Append(make([]byte, 0, 40), 10)
	f, exact := truncateToDouble(magnitude, exponent, len(digits))
	if exact {
		if negative {
			f = -f
		}
		return appendExact(dst, f)
	}
	return appendInexact(dst, negative, f, digits, exponent)
}

// DecimalParts splits a Decimal128 into coefficient * 10^exponent. For NaN and
// the infinities coefficient is nil and special holds them.
func DecimalParts(v bson.RawValue) (coefficient *big.Int, exponent int, special float64) {
	if len(v.Value) < 16 {
		return nil, 0, math.NaN()
	}
	d := bson.NewDecimal128(binary.LittleEndian.Uint64(v.Value[8:]), binary.LittleEndian.Uint64(v.Value))
	if sign := d.IsInf(); sign != 0 {
		return nil, 0, math.Inf(sign)
	}
	coefficient, exponent, err := d.BigInt()
	if err != nil {
		return nil, 0, math.NaN()
	}
	if coefficient.CmpAbs(maxCoefficient) > 0 {
		coefficient.SetInt64(0)
	}
	return coefficient, exponent, 0
}

// truncateToDouble gives the largest double that isn't above magnitude *
// 10^exponent, and whether it is equal. Numbers far outside a double's range
// are told by their size alone, which bounds the arithmetic.
func truncateToDouble(magnitude *big.Int, exponent, digits int) (f float64, exact bool) {
	switch {
	case digits+exponent > 310:
		return math.MaxFloat64, false
	case digits+exponent < -330:
		return 0, false
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil)
	x := new(big.Rat)
	if exponent >= 0 {
		x.SetInt(power.Mul(power, magnitude))
	} else {
		x.SetFrac(magnitude, power)
	}
	f, exact = x.Float64()
	if exact {
		return f, true
	}
	if math.IsInf(f, 1) || new(big.Rat).SetFloat64(f).Cmp(x) > 0 {
		f = math.Nextafter(f, 0)
	}
	return f, false
}
