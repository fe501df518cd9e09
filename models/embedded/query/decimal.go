package query

import (
	"math"
	"math/big"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// decimalNumber is coefficient * 10^exponent, or special (NaN or an infinity)
// where coefficient is nil.
type decimalNumber struct {
	coefficient *big.Int
	exponent    int
	special     float64
}

// The limits of Decimal128.
const (
	decimalDigits      = 34
	decimalMinExponent = -6176
	decimalMaxExponent = 6111
)

// decimalOf converts a number. A double is taken with 15 significant digits,
// as mongod converts it.
func decimalOf(v bson.RawValue) decimalNumber {
	switch v.Type {
	case bson.TypeDecimal128:
		coefficient, exponent, special := value.DecimalParts(v)
		return decimalNumber{coefficient, exponent, special}
	case bson.TypeDouble:
		f := v.Double()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return decimalNumber{special: f}
		}
		d, err := bson.ParseDecimal128(strconv.FormatFloat(f, 'e', 14, 64))
		if err != nil {
			return decimalNumber{special: math.NaN()}
		}
		return decimalOf(decimalValue(d))
	}
	return decimalNumber{coefficient: big.NewInt(v.AsInt64())}
}

func (d decimalNumber) float() float64 {
	if d.coefficient == nil {
		return d.special
	}
	return float64(d.coefficient.Sign())
}

func (d decimalNumber) add(e decimalNumber) decimalNumber {
	if d.coefficient == nil || e.coefficient == nil {
		return decimalNumber{special: d.float() + e.float()}
	}
	if d.exponent < e.exponent {
		d, e = e, d
	}
	// Beyond this gap the smaller number is out of sight, but still decides how
	// an exact half is rounded.
	const reach = 2*decimalDigits + 2
	if gap := d.exponent - e.exponent; gap > reach && d.coefficient.Sign() != 0 {
		d.coefficient = new(big.Int).Mul(d.coefficient, powerOfTen(reach))
		d.exponent -= reach
		e = decimalNumber{coefficient: big.NewInt(int64(e.coefficient.Sign())), exponent: d.exponent}
	} else {
		d.coefficient = new(big.Int).Mul(d.coefficient, powerOfTen(gap))
	}
	return decimalNumber{coefficient: new(big.Int).Add(d.coefficient, e.coefficient), exponent: e.exponent}
}

func (d decimalNumber) multiply(e decimalNumber) decimalNumber {
	if d.coefficient == nil || e.coefficient == nil {
		return decimalNumber{special: d.float() * e.float()}
	}
	return decimalNumber{coefficient: new(big.Int).Mul(d.coefficient, e.coefficient), exponent: d.exponent + e.exponent}
}

// value rounds to Decimal128: half to even at 34 digits, infinity above and
// fewer digits below the range of exponents.
func (d decimalNumber) value() bson.RawValue {
	if d.coefficient == nil {
		text := "NaN"
		if !math.IsNaN(d.special) {
			text = strconv.FormatFloat(d.special, 'f', -1, 64) // +Inf or -Inf
		}
		return parsedDecimal(text)
	}
	drop := len(new(big.Int).Abs(d.coefficient).String()) - decimalDigits
	drop = max(drop, decimalMinExponent-d.exponent, 0)
	coefficient, exponent := roundHalfEven(d.coefficient, drop), d.exponent+drop
	if len(new(big.Int).Abs(coefficient).String()) > decimalDigits { // 9.99 became 10.0
		coefficient, exponent = coefficient.Quo(coefficient, ten), exponent+1
	}
	for exponent > decimalMaxExponent && coefficient.Sign() != 0 {
		coefficient, exponent = coefficient.Mul(coefficient, ten), exponent-1
		if len(new(big.Int).Abs(coefficient).String()) > decimalDigits {
			return parsedDecimal(strconv.FormatFloat(math.Inf(coefficient.Sign()), 'f', -1, 64))
		}
	}
	result, _ := bson.ParseDecimal128FromBigInt(coefficient, min(exponent, decimalMaxExponent))
	return decimalValue(result)
}

func parsedDecimal(text string) bson.RawValue {
	d, err := bson.ParseDecimal128(text)
	if err != nil { // the texts are NaN and the infinities
		panic(err)
	}
	return decimalValue(d)
}

func roundHalfEven(n *big.Int, drop int) *big.Int {
	if drop == 0 {
		return new(big.Int).Set(n)
	}
	if drop > 4*decimalDigits {
		return new(big.Int)
	}
	unit := powerOfTen(drop)
	quotient, rest := new(big.Int).QuoRem(n, unit, new(big.Int))
	half := rest.Abs(rest).Lsh(rest, 1).Cmp(unit)
	if half > 0 || half == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(int64(n.Sign())))
	}
	return quotient
}
