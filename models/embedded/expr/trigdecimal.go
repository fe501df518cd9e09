package expr

import (
	"math"
	"math/big"

	"github.com/cockroachdb/apd/v3"

	"parlor/models/embedded/value"
)

// wideDigits is the precision of what lies between a decimal and the decimal
// that a function makes of it: twice what a decimal128 holds.
const wideDigits = 72

func wide(digits uint32) *apd.Context {
	return &apd.Context{Precision: digits, MaxExponent: apd.MaxExponent, MinExponent: apd.MinExponent, Rounding: apd.RoundHalfEven}
}

type wideOperation = func(c *apd.Context, d, x, y *apd.Decimal) (apd.Condition, error)

func widely(f wideOperation, x, y *apd.Decimal) *apd.Decimal {
	var d apd.Decimal
	_, _ = f(wide(wideDigits), &d, x, y) // conditions are in the result
	return &d
}

func plus(x, y *apd.Decimal) *apd.Decimal     { return widely((*apd.Context).Add, x, y) }
func minus(x, y *apd.Decimal) *apd.Decimal    { return widely((*apd.Context).Sub, x, y) }
func product(x, y *apd.Decimal) *apd.Decimal  { return widely((*apd.Context).Mul, x, y) }
func quotient(x, y *apd.Decimal) *apd.Decimal { return widely((*apd.Context).Quo, x, y) }

func root(x *apd.Decimal) *apd.Decimal {
	var d apd.Decimal
	_, _ = wide(wideDigits).Sqrt(&d, x)
	return &d
}

func logOf(x *apd.Decimal) *apd.Decimal {
	var d apd.Decimal
	_, _ = wide(wideDigits).Ln(&d, x)
	return &d
}

func negated(x *apd.Decimal) *apd.Decimal {
	d := new(apd.Decimal).Set(x)
	d.Negative = !d.Negative
	return d
}

func one() *apd.Decimal { return apd.New(1, 0) }

func infinite(negative bool) *apd.Decimal {
	return &apd.Decimal{Form: apd.Infinite, Negative: negative}
}

// size is the power of ten of x's first digit.
func size10(x *apd.Decimal) int64 { return x.NumDigits() + int64(x.Exponent) - 1 }

// tiny reports whether x is so small that the odd functions give x itself.
func tiny(x *apd.Decimal) bool { return x.IsZero() || size10(x) < -20 }

// pi gives π to so many digits, by Machin's formula.
func pi(digits int64) *apd.Decimal {
	const guard = 10
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(digits+guard), nil)
	sum := new(big.Int).Mul(big.NewInt(16), arccot(5, unit))
	sum.Sub(sum, new(big.Int).Mul(big.NewInt(4), arccot(239, unit)))
	return apd.NewWithBigInt(new(apd.BigInt).SetMathBigInt(sum), -int32(digits+guard))
}

func arccot(n int64, unit *big.Int) *big.Int {
	square := big.NewInt(n * n)
	power := new(big.Int).Quo(unit, big.NewInt(n))
	sum, term := new(big.Int), new(big.Int)
	for k := int64(1); power.Sign() != 0; k += 2 {
		term.Quo(power, big.NewInt(k))
		if k%4 == 1 {
			sum.Add(sum, term)
		} else {
			sum.Sub(sum, term)
		}
		power.Quo(power, square)
	}
	return sum
}

func halfPi() *apd.Decimal { return quotient(pi(wideDigits), apd.New(2, 0)) }

// reduced gives x modulo 2π, between -2π and 2π. A large x needs as many more
// digits of π as it has before its point.
func reduced(x *apd.Decimal) *apd.Decimal {
	digits := wideDigits + max(size10(x), 0)
	c := wide(uint32(digits + 10))
	var turn, rest apd.Decimal
	_, _ = c.Mul(&turn, pi(digits), apd.New(2, 0))
	_, _ = c.Rem(&rest, x, &turn)
	return &rest
}

// series adds up terms that each follow from the one before.
func series(term *apd.Decimal, next func(term *apd.Decimal, n int64) *apd.Decimal) *apd.Decimal {
	sum := new(apd.Decimal).Set(term)
	for n := int64(1); !term.IsZero() && size10(term) > size10(sum)-wideDigits-5; n++ {
		term = next(term, n)
		sum = plus(sum, term)
		if sum.IsZero() {
			sum = apd.New(0, -4*wideDigits) // goes on until the terms vanish
		}
	}
	return sum
}

func decimalSin(x *apd.Decimal) *apd.Decimal {
	if x.Form != apd.Finite || tiny(x) {
		return x
	}
	x = reduced(x)
	square := negated(product(x, x))
	return series(x, func(term *apd.Decimal, n int64) *apd.Decimal {
		return quotient(product(term, square), apd.New(2*n*(2*n+1), 0))
	})
}

func decimalCos(x *apd.Decimal) *apd.Decimal {
	if x.Form != apd.Finite {
		return x
	}
	x = reduced(x)
	square := negated(product(x, x))
	return series(one(), func(term *apd.Decimal, n int64) *apd.Decimal {
		return quotient(product(term, square), apd.New(2*n*(2*n-1), 0))
	})
}

func decimalTan(x *apd.Decimal) *apd.Decimal {
	if x.Form != apd.Finite || tiny(x) {
		return x
	}
	return quotient(decimalSin(x), decimalCos(x))
}

func decimalAtan(x *apd.Decimal) *apd.Decimal {
	switch {
	case x.Form == apd.Infinite && x.Negative:
		return negated(halfPi())
	case x.Form == apd.Infinite:
		return halfPi()
	case x.Form != apd.Finite || tiny(x):
		return x
	case x.Negative:
		return negated(decimalAtan(negated(x)))
	case x.Cmp(one()) > 0:
		return minus(halfPi(), decimalAtan(quotient(one(), x)))
	}
	const halvings = 4 // each halves the angle, for the series to end soon
	for range halvings {
		x = quotient(x, plus(one(), root(plus(one(), product(x, x)))))
	}
	square := negated(product(x, x))
	power := x
	sum := series(x, func(_ *apd.Decimal, n int64) *apd.Decimal {
		power = product(power, square)
		return quotient(power, apd.New(2*n+1, 0))
	})
	return product(sum, apd.New(1<<halvings, 0))
}

func decimalAsin(x *apd.Decimal) *apd.Decimal {
	rest := minus(one(), product(x, x))
	switch {
	case x.Form != apd.Finite || tiny(x):
		return x
	case rest.IsZero() && x.Negative:
		return negated(halfPi())
	case rest.IsZero():
		return halfPi()
	}
	return decimalAtan(quotient(x, root(rest)))
}

func decimalAcos(x *apd.Decimal) *apd.Decimal {
	if x.Form != apd.Finite {
		return x
	}
	return minus(halfPi(), decimalAsin(x))
}

func decimalAtan2(y, x *apd.Decimal) *apd.Decimal {
	switch {
	case y.Form == apd.NaN || x.Form == apd.NaN:
		return &apd.Decimal{Form: apd.NaN}
	case y.Form == apd.Infinite && x.Form == apd.Infinite, y.IsZero() && x.IsZero():
		f := math.Atan2(signed(y), signed(x)) // a multiple of π/4
		return quotient(product(apd.New(int64(math.Round(f/math.Pi*4)), 0), pi(wideDigits)), apd.New(4, 0))
	case x.IsZero():
		return decimalAtan(infinite(y.Negative))
	}
	angle := decimalAtan(quotient(y, x))
	switch {
	case !x.Negative:
		return angle
	case y.Negative:
		return minus(angle, pi(wideDigits))
	}
	return plus(angle, pi(wideDigits))
}

// signed gives what math.Atan2 needs to know of zeros and infinities.
func signed(x *apd.Decimal) float64 {
	f := 0.0
	if x.Form == apd.Infinite {
		f = math.Inf(1)
	}
	return math.Copysign(f, 1-2*float64(btoi(x.Negative)))
}

// powers gives e^x and e^-x.
func powers(x *apd.Decimal) (up, down *apd.Decimal) {
	var d apd.Decimal
	_, _ = wide(wideDigits).Exp(&d, x)
	return &d, quotient(one(), &d)
}

// huge reports whether e^x is beyond all decimals.
func huge(x *apd.Decimal) bool { return x.Form == apd.Infinite || size10(x) > 4 }

func decimalSinh(x *apd.Decimal) *apd.Decimal {
	switch {
	case x.Form == apd.NaN || tiny(x) && x.Form == apd.Finite:
		return x
	case huge(x):
		return infinite(x.Negative)
	}
	up, down := powers(x)
	return quotient(minus(up, down), apd.New(2, 0))
}

func decimalCosh(x *apd.Decimal) *apd.Decimal {
	switch {
	case x.Form == apd.NaN:
		return x
	case huge(x):
		return infinite(false)
	}
	up, down := powers(x)
	return quotient(plus(up, down), apd.New(2, 0))
}

func decimalTanh(x *apd.Decimal) *apd.Decimal {
	switch {
	case x.Form == apd.NaN || tiny(x) && x.Form == apd.Finite:
		return x
	case huge(x):
		return apd.New(1-2*int64(btoi(x.Negative)), 0)
	}
	return quotient(decimalSinh(x), decimalCosh(x))
}

func decimalAsinh(x *apd.Decimal) *apd.Decimal {
	switch {
	case x.Form != apd.Finite || tiny(x):
		return x
	case x.Negative:
		return negated(decimalAsinh(negated(x)))
	}
	return logOf(plus(x, root(plus(product(x, x), one()))))
}

func decimalAcosh(x *apd.Decimal) *apd.Decimal {
	if x.Form != apd.Finite {
		return x
	}
	return logOf(plus(x, root(minus(product(x, x), one()))))
}

func decimalAtanh(x *apd.Decimal) *apd.Decimal {
	switch {
	case x.Form != apd.Finite || tiny(x):
		return x
	case value.Compare(value.FromDecimal(x), value.Int32(1)) == 0, value.Compare(value.FromDecimal(x), value.Int32(-1)) == 0:
		return infinite(x.Negative)
	}
	return quotient(logOf(quotient(plus(one(), x), minus(one(), x))), apd.New(2, 0))
}
