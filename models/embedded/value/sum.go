package value

import (
	"math"
	"math/bits"

	"github.com/cockroachdb/apd/v3"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Sum adds up numbers as mongod's $sum and $avg do: with an error compensated
// double for all but decimals, and the type of the widest number. The zero Sum
// is empty.
type Sum struct {
	total   float64
	low     float64 // what total lost by rounding
	special float64 // the plain sum, which knows infinities and NaN
	whole   int64   // the integers, the low half of 128 bits
	high    int64   // and the high half
	decimal apd.Decimal
	widest  bson.Type // zero for int32
	count   int64
}

// Add counts v if it is a number.
func (s *Sum) Add(v bson.RawValue) {
	switch v.Type {
	case bson.TypeInt32, bson.TypeInt64:
		s.addInt(intOf(v))
		if v.Type == bson.TypeInt64 && s.widest == 0 {
			s.widest = v.Type
		}
	case bson.TypeDouble:
		s.addDouble(doubleOf(v))
		if s.widest != bson.TypeDecimal128 {
			s.widest = v.Type
		}
	case bson.TypeDecimal128:
		_, _ = DecimalContext.Add(&s.decimal, &s.decimal, parseDecimal(v))
		s.widest = v.Type
	default:
		return
	}
	s.count++
}

func (s *Sum) addInt(n int64) {
	low, carry := bits.Add64(uint64(s.whole), uint64(n), 0)
	s.whole, s.high = int64(low), s.high+n>>63+int64(carry)
	// Two doubles hold any long exactly.
	s.addDouble(float64(n >> 32 << 32))
	s.addDouble(float64(n & math.MaxUint32))
}

// fits reports whether the integers add up to a long.
func (s *Sum) fits() bool { return s.high == s.whole>>63 }

func (s *Sum) addDouble(f float64) {
	s.special += f
	sum := s.total + f
	part := sum - s.total
	s.low += (s.total - (sum - part)) + (f - part)
	s.total = sum
}

func (s *Sum) float() float64 {
	if f := s.total + s.low; !math.IsNaN(f) {
		return f
	}
	return s.special
}

// Result gives the sum: an int if all were ints and it fits, otherwise a long,
// double or decimal. Of no numbers it is the int 0.
func (s *Sum) Result() bson.RawValue {
	switch {
	case s.widest == bson.TypeDecimal128:
		return FromDecimal(s.inDecimal())
	case s.widest == bson.TypeDouble || !s.fits():
		return Double(s.float())
	case s.widest == bson.TypeInt64:
		return Int64(s.whole)
	}
	return IntOrLong(s.whole)
}

// Average gives the mean as a double or decimal, null of no numbers.
func (s *Sum) Average() bson.RawValue {
	if s.count == 0 {
		return Null
	}
	if s.widest != bson.TypeDecimal128 {
		return Double(s.float() / float64(s.count))
	}
	var mean apd.Decimal
	_, _ = DecimalContext.Quo(&mean, s.inDecimal(), apd.New(s.count, 0))
	return FromDecimal(&mean)
}

// inDecimal adds the decimals and the rest, whose two halves go in apart.
func (s *Sum) inDecimal() *apd.Decimal {
	sum := new(apd.Decimal).Set(&s.decimal)
	if s.total == 0 && s.low == 0 {
		return sum
	}
	rest := fromDouble(s.float(), 14)
	if f := s.float(); f == math.Trunc(f) && s.fits() && f == float64(s.whole) {
		rest = apd.New(s.whole, 0)
	}
	_, _ = DecimalContext.Add(sum, sum, rest)
	return sum
}
