package expr

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

const (
	conversionFailure mongoerr.Code = 241
	aliasArity        mongoerr.Code = 50723
)

func typeOf(_ string, args []bson.RawValue) (bson.RawValue, error) {
	return stringValue(typeName(args[0])), nil
}

func isNumber(_ string, args []bson.RawValue) (bson.RawValue, error) {
	return boolValue(value.IsNumber(args[0])), nil
}

// conversion is $toInt and the like.
func conversion(to bson.Type) operator {
	return func(p *parser, name string, v bson.RawValue) (node, error) {
		args, err := p.arguments(v)
		if err != nil {
			return nil, err
		}
		if len(args) != 1 {
			return nil, aliasArity.Errorf("%s requires a single argument, got %d", name, len(args))
		}
		return &call{name, args, func(_ string, args []bson.RawValue) (bson.RawValue, error) {
			if nullish(args[0]) {
				return value.Null, nil
			}
			return convert(args[0], to)
		}}, nil
	}
}

func parseConvert(p *parser, name string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, mongoerr.FailedToParse.Errorf("$convert expects an object of named arguments but found: %s", typeName(v))
	}
	unknown := func(arg string) error {
		return mongoerr.FailedToParse.Errorf("$convert found an unknown argument: %s", arg)
	}
	args, err := p.named(v, unknown, "input", "to", "onError", "onNull")
	switch {
	case err != nil:
		return nil, err
	case args["input"] == nil:
		return nil, mongoerr.FailedToParse.Errorf("Missing 'input' parameter to %s", name)
	case args["to"] == nil:
		return nil, mongoerr.FailedToParse.Errorf("Missing 'to' parameter to %s", name)
	}
	return &convertNode{args["input"], args["to"], args["onError"], args["onNull"]}, nil
}

// convertNode is $convert; onError and onNull are nil where not given.
type convertNode struct{ input, to, onError, onNull node }

func (c *convertNode) eval(s *scope) (bson.RawValue, error) {
	to, err := c.to.eval(s)
	if err != nil {
		return to, err
	}
	input, err := c.input.eval(s)
	if err != nil {
		return input, err
	}
	target, err := targetType(to)
	switch {
	case err != nil:
		return bson.RawValue{}, err
	case nullish(input) && c.onNull != nil:
		return c.onNull.eval(s)
	case nullish(input) || nullish(to):
		return value.Null, nil
	}
	v, err := convert(input, target)
	if c.onError != nil && mongoerr.Is(err, conversionFailure) {
		return c.onError.eval(s)
	}
	return v, err
}

// targetType reads "to"; zero stands for null and for the type "missing".
func targetType(to bson.RawValue) (bson.Type, error) {
	switch {
	case nullish(to):
		return 0, nil
	case isString(to):
		name := textOf(to)
		for t := range 256 {
			if value.TypeName(bson.Type(t)) == name {
				return bson.Type(t), nil
			}
		}
		return 0, mongoerr.BadValue.Errorf("Unknown type name: %s", name)
	case value.IsNumber(to):
		n, ok := value.ExactInt32(to)
		if !ok {
			return 0, mongoerr.FailedToParse.Errorf("In $convert, numeric 'to' argument is not an integer")
		}
		if n < -1 || n == 0 || n > 127 || value.TypeName(bson.Type(n)) == "missing" {
			return 0, mongoerr.FailedToParse.Errorf("In $convert, numeric value for 'to' does not correspond to a BSON type: %d", n)
		}
		return bson.Type(n), nil
	}
	return 0, mongoerr.FailedToParse.Errorf("$convert's 'to' argument must be a string or number, but is %s", typeName(to))
}

func failed(format string, args ...any) (bson.RawValue, error) {
	return bson.RawValue{}, conversionFailure.Errorf(format, args...)
}

func convert(v bson.RawValue, to bson.Type) (bson.RawValue, error) {
	if v.Type == to && convertible(to) {
		return v, nil
	}
	switch to {
	case bson.TypeBoolean:
		return boolValue(value.Truthy(v)), nil
	case bson.TypeString:
		return convertToString(v)
	case bson.TypeDateTime:
		return convertToDate(v)
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDouble, bson.TypeDecimal128:
		return convertToNumber(v, to)
	case bson.TypeObjectID:
		if isString(v) {
			return parseObjectID(textOf(v))
		}
	}
	return unsupported(v, to)
}

func convertible(t bson.Type) bool {
	switch t {
	case bson.TypeBoolean, bson.TypeString, bson.TypeDateTime, bson.TypeObjectID,
		bson.TypeInt32, bson.TypeInt64, bson.TypeDouble, bson.TypeDecimal128:
		return true
	}
	return false
}

func unsupported(v bson.RawValue, to bson.Type) (bson.RawValue, error) {
	return failed("Unsupported conversion from %s to %s in $convert with no onError value", typeName(v), value.TypeName(to))
}

func convertToString(v bson.RawValue) (bson.RawValue, error) {
	switch v.Type {
	case bson.TypeObjectID:
		return stringValue(hex.EncodeToString(v.Value)), nil
	case bson.TypeBoolean:
		return stringValue(strconv.FormatBool(v.Boolean())), nil
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDouble, bson.TypeDecimal128, bson.TypeDateTime:
		text, err := toText(v)
		return stringValue(text), err
	}
	return unsupported(v, bson.TypeString)
}

func doubleText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	return showFloat(f)
}

func convertToDate(v bson.RawValue) (bson.RawValue, error) {
	switch v.Type {
	case bson.TypeObjectID:
		return dateValue(int64(binary.BigEndian.Uint32(v.Value)) * 1000), nil
	case bson.TypeTimestamp:
		t, _ := v.Timestamp()
		return dateValue(int64(t) * 1000), nil
	case bson.TypeInt64, bson.TypeDouble, bson.TypeDecimal128:
		millis, err := convertToNumber(v, bson.TypeInt64)
		if err != nil {
			return millis, err
		}
		return dateValue(millis.Int64()), nil
	case bson.TypeString:
		return parseFreeDate(textOf(v), time.UTC)
	}
	return unsupported(v, bson.TypeDateTime)
}

func convertToNumber(v bson.RawValue, to bson.Type) (bson.RawValue, error) {
	switch {
	case isString(v):
		return parseNumber(textOf(v), to)
	case v.Type == bson.TypeBoolean:
		return castNumber(value.Int32(int32(btoi(v.Boolean()))), to)
	case isDate(v) && to != bson.TypeInt32:
		return castNumber(value.Int64(v.DateTime()), to)
	case value.IsNumber(v):
		return castNumber(v, to)
	}
	return unsupported(v, to)
}

func castNumber(v bson.RawValue, to bson.Type) (bson.RawValue, error) {
	switch to {
	case v.Type:
		return v, nil
	case bson.TypeDecimal128:
		return value.FromDecimal(value.ToDecimal(v)), nil
	case bson.TypeDouble:
		f := value.Float(v)
		if isDecimal(v) && math.IsInf(f, 0) && value.Compare(v, value.Double(f)) != 0 {
			return failed("Conversion would overflow target type in $convert with no onError value: %s", value.Format(v))
		}
		return value.Double(f), nil
	}
	if f := value.Float(v); math.IsNaN(f) {
		return failed("Attempt to convert NaN value to integer type in $convert with no onError value")
	} else if math.IsInf(f, 0) {
		return failed("Attempt to convert infinity value to integer type in $convert with no onError value")
	}
	n := value.TruncateInt64(v)
	if beyondLong(v) || to == bson.TypeInt32 && n != int64(int32(n)) {
		return failed("Conversion would overflow target type in $convert with no onError value: %s", overflowing(v))
	}
	if to == bson.TypeInt32 {
		return value.Int32(int32(n)), nil
	}
	return value.Int64(n), nil
}

func beyondLong(v bson.RawValue) bool {
	if isDecimal(v) {
		_, _, ok := value.TruncateDecimal(value.ToDecimal(v))
		return !ok
	}
	f := value.Float(v)
	return v.Type == bson.TypeDouble && (f < -(1<<63) || f >= 1<<63)
}

// overflowing writes the number in the text of the error; for a long mongod
// leaves it out.
func overflowing(v bson.RawValue) string {
	switch v.Type {
	case bson.TypeInt64:
		return ""
	case bson.TypeDouble:
		return showFloat(v.Double())
	}
	return value.Format(v)
}
