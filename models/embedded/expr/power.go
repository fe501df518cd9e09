package expr

import (
	"fmt"
	"math"

	"github.com/cockroachdb/apd/v3"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about powers, roots and logarithms.
const (
	negativeRoot      mongoerr.Code = 28714
	lnNotPositive     mongoerr.Code = 28766
	log10NotPositive  mongoerr.Code = 28761
	logNotNumeric     mongoerr.Code = 28756
	logBaseNotNumeric mongoerr.Code = 28757
	logNotPositive    mongoerr.Code = 28758
	logBadBase        mongoerr.Code = 28759
	powBaseNotNumeric mongoerr.Code = 28762
	powNotNumeric     mongoerr.Code = 28763
	zeroToNegative    mongoerr.Code = 28764
)

// decimalFunction is a method of apd.Context of one argument.
type decimalFunction = func(d, x *apd.Decimal) (apd.Condition, error)

func decimalResult(f decimalFunction, x *apd.Decimal) bson.RawValue {
	var d apd.Decimal
	_, _ = f(&d, x) // conditions are in the result
	return value.FromDecimal(&d)
}

func exp(_ string, v bson.RawValue) (bson.RawValue, error) {
	if isDecimal(v) {
		return value.FromDecimal(decimalExp(value.ToDecimal(v))), nil
	}
	return value.Double(math.Exp(value.Float(v))), nil
}

// decimalExp is e^x; apd does not say what lies out of range.
func decimalExp(x *apd.Decimal) *apd.Decimal {
	if x.Form == apd.Finite && x.Cmp(apd.New(15000, 0)) > 0 {
		return &apd.Decimal{Form: apd.Infinite}
	}
	if x.Form == apd.Finite && x.Cmp(apd.New(-15000, 0)) < 0 || x.Form == apd.Infinite && x.Negative {
		return new(apd.Decimal)
	}
	var d apd.Decimal
	_, _ = value.DecimalContext.Exp(&d, x)
	return &d
}

func sqrt(_ string, v bson.RawValue) (bson.RawValue, error) {
	if value.Float(v) < 0 {
		return bson.RawValue{}, negativeRoot.Errorf("$sqrt's argument must be greater than or equal to 0")
	}
	if isDecimal(v) {
		return decimalResult(value.DecimalContext.Sqrt, value.ToDecimal(v)), nil
	}
	return value.Double(math.Sqrt(value.Float(v))), nil
}

func ln(_ string, v bson.RawValue) (bson.RawValue, error) {
	if err := positive(lnNotPositive, "$ln's argument must be a positive number, but is %s", v); err != nil {
		return bson.RawValue{}, err
	}
	if isDecimal(v) {
		return decimalResult(value.DecimalContext.Ln, value.ToDecimal(v)), nil
	}
	return value.Double(math.Log(value.Float(v))), nil
}

func log10(_ string, v bson.RawValue) (bson.RawValue, error) {
	if err := positive(log10NotPositive, "$log10's argument must be a positive number, but is %s", v); err != nil {
		return bson.RawValue{}, err
	}
	if isDecimal(v) {
		return decimalResult(value.DecimalContext.Log10, value.ToDecimal(v)), nil
	}
	return value.Double(math.Log10(value.Float(v))), nil
}

// positive refuses zero and negative numbers, but not NaN.
func positive(code mongoerr.Code, text string, v bson.RawValue) error {
	if value.Compare(v, value.Int32(0)) > 0 || math.IsNaN(value.Float(v)) {
		return nil
	}
	return code.Errorf(text, showFloat(value.Float(v)))
}

// showFloat writes a double as mongod streams it into texts.
func showFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return fmt.Sprintf("%.16g", f)
}

func logarithm(_ string, args []bson.RawValue) (bson.RawValue, error) {
	v, base := args[0], args[1]
	switch {
	case nullish(v) || nullish(base):
		return value.Null, nil
	case !value.IsNumber(v):
		return bson.RawValue{}, logNotNumeric.Errorf("$log's argument must be numeric, not %s", typeName(v))
	case !value.IsNumber(base):
		return bson.RawValue{}, logBaseNotNumeric.Errorf("$log's base must be numeric, not %s", typeName(base))
	}
	if err := positive(logNotPositive, "$log's argument must be a positive number, but is %s", v); err != nil {
		return bson.RawValue{}, err
	}
	const badBase = "$log's base must be a positive number not equal to 1, but is %s"
	if err := positive(logBadBase, badBase, base); err != nil {
		return bson.RawValue{}, err
	}
	if value.Equal(base, value.Int32(1)) {
		return bson.RawValue{}, logBadBase.Errorf(badBase, "1")
	}
	if isDecimal(v) || isDecimal(base) {
		return value.FromDecimal(decimalLog(value.ToDecimal(v), value.ToDecimal(base))), nil
	}
	return value.Double(math.Log(value.Float(v)) / math.Log(value.Float(base))), nil
}

func decimalLog(x, base *apd.Decimal) *apd.Decimal {
	wide := *value.DecimalContext
	wide.Precision += 10
	var above, below, quotient apd.Decimal
	_, _ = wide.Ln(&above, x)
	_, _ = wide.Ln(&below, base)
	_, _ = wide.Quo(&quotient, &above, &below)
	return &quotient
}

func pow(_ string, args []bson.RawValue) (bson.RawValue, error) {
	base, exponent := args[0], args[1]
	switch {
	case nullish(base) || nullish(exponent):
		return value.Null, nil
	case !value.IsNumber(base):
		return bson.RawValue{}, powBaseNotNumeric.Errorf("$pow's base must be numeric, not %s", typeName(base))
	case !value.IsNumber(exponent):
		return bson.RawValue{}, powNotNumeric.Errorf("$pow's exponent must be numeric, not %s", typeName(exponent))
	case isZero(base) && value.Float(exponent) < 0:
		return bson.RawValue{}, zeroToNegative.Errorf("$pow cannot take a base of 0 and a negative exponent")
	case isDecimal(base) || isDecimal(exponent):
		var d apd.Decimal
		_, _ = value.DecimalContext.Pow(&d, value.ToDecimal(base), value.ToDecimal(exponent))
		return value.FromDecimal(&d), nil
	}
	float := value.Double(math.Pow(value.Float(base), value.Float(exponent)))
	if base.Type == bson.TypeDouble || exponent.Type == bson.TypeDouble {
		return float, nil
	}
	n, ok := intPower(value.TruncateInt64(base), value.TruncateInt64(exponent))
	switch {
	case !ok:
		return float, nil
	case base.Type == bson.TypeInt64 || exponent.Type == bson.TypeInt64:
		return value.Int64(n), nil
	}
	return value.IntOrLong(n), nil
}

// intPower is exact; ok is false if the result is no long.
func intPower(base, exponent int64) (n int64, ok bool) {
	switch {
	case base == 0 && exponent > 0 || base == 1:
		return base, true
	case base == -1:
		return 1 - 2*(exponent&1), true
	case exponent < 0 || exponent > 63:
		return 0, false
	}
	n = 1
	for range exponent {
		product, overflow := value.Multiply(value.Int64(n), value.Int64(base))
		if overflow {
			return 0, false
		}
		n = product.Int64()
	}
	return n, true
}
