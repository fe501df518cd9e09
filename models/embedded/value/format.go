package value

import (
	"encoding/hex"
	"math"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Format writes v as mongod does in the texts of its errors, for example
// { a: 1, b: [ "x", null ] }.
func Format(v bson.RawValue) string { return string(appendFormat(nil, v)) }

// FormatElement writes a field with its name as mongod does in errors: {a: 1}.
func FormatElement(name string, v bson.RawValue) string {
	return "{" + name + ": " + Format(v) + "}"
}

func appendFormat(dst []byte, v bson.RawValue) []byte {
	switch v.Type {
	case bson.TypeDouble:
		return appendDouble(dst, doubleOf(v))
	case bson.TypeInt32, bson.TypeInt64:
		return strconv.AppendInt(dst, intOf(v), 10)
	case bson.TypeString, bson.TypeSymbol:
		return append(append(append(dst, '"'), TextOf(v)...), '"')
	case bson.TypeEmbeddedDocument:
		return appendElements(dst, v.Value, '{', '}')
	case bson.TypeArray:
		return appendElements(dst, v.Value, '[', ']')
	case bson.TypeBoolean:
		return strconv.AppendBool(dst, Truthy(v))
	case bson.TypeObjectID:
		return append(hex.AppendEncode(append(dst, "ObjectId('"...), v.Value), "')"...)
	case bson.TypeDateTime:
		return append(strconv.AppendInt(append(dst, "new Date("...), int64(uint64Of(v)), 10), ')')
	case bson.TypeTimestamp:
		t := uint64Of(v)
		dst = strconv.AppendUint(append(dst, "Timestamp("...), t>>32, 10)
		return append(strconv.AppendUint(append(dst, ", "...), t&math.MaxUint32, 10), ')')
	case bson.TypeRegex:
		pattern, options := regexParts(v.Value)
		return append(append(append(append(dst, '/'), pattern...), '/'), options...)
	case bson.TypeBinary:
		return appendBinary(dst, v.Value)
	case bson.TypeMinKey:
		return append(dst, "MinKey"...)
	case bson.TypeMaxKey:
		return append(dst, "MaxKey"...)
	case bson.TypeUndefined:
		return append(dst, "undefined"...)
	case bson.TypeNull:
		return append(dst, "null"...)
	case bson.TypeDecimal128:
		return append(dst, v.Decimal128().String()...)
	}
	return append(dst, v.String()...)
}

func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan.0"...)
	case math.IsInf(f, 1):
		return append(dst, "inf.0"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf.0"...)
	case f == math.Trunc(f) && math.Abs(f) < 1e15:
		return append(strconv.AppendFloat(dst, f, 'f', -1, 64), ".0"...)
	}
	return strconv.AppendFloat(dst, f, 'g', 16, 64)
}

func appendBinary(dst, v []byte) []byte {
	if len(v) < 5 {
		return dst
	}
	dst = strconv.AppendUint(append(dst, "BinData("...), uint64(v[4]), 10)
	return append(hex.AppendEncode(append(dst, ", "...), v[5:]), ')')
}

func appendElements(dst, doc []byte, open, end byte) []byte {
	dst = append(dst, open)
	it := Elements(doc)
	for first := true; ; first = false {
		name, v, ok := it.Next()
		if !ok && first && open == '[' {
			return append(dst, end)
		}
		if !ok {
			return append(dst, ' ', end)
		}
		if !first {
			dst = append(dst, ',')
		}
		dst = append(dst, ' ')
		if open == '{' {
			dst = append(append(dst, name...), ": "...)
		}
		dst = appendFormat(dst, v)
	}
}
