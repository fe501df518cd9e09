// Package value orders BSON values as MongoDB does, encodes them into keys
// whose bytes order the same way, and finds values in documents by path.
//
// Documents are expected to be valid BSON of bounded depth, as the wire package
// checks. On malformed bytes a walk ends early.
package value

import (
	"bytes"
	"encoding/binary"
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Values without a payload. Null also stands for a missing field in indexes
// and sorts; Undefined is what an index holds for an empty array.
var (
	Null      = bson.RawValue{Type: bson.TypeNull}
	Undefined = bson.RawValue{Type: bson.TypeUndefined}
)

// Missing reports whether v is the zero value, which stands for no field at all.
func Missing(v bson.RawValue) bool { return v.Type == 0 }

// Identical reports whether a and b have the same type and the same bytes,
// which is stricter than Equal: 1 and 1.0 are not identical.
func Identical(a, b bson.RawValue) bool {
	return a.Type == b.Type && bytes.Equal(a.Value, b.Value)
}

// IsNumber reports whether v is an int32, int64, double or decimal128.
func IsNumber(v bson.RawValue) bool {
	switch v.Type {
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDouble, bson.TypeDecimal128:
		return true
	}
	return false
}

// Iterator walks the elements of a document or array without allocating.
type Iterator struct{ rest []byte }

// Elements starts an iteration over a document or the value of an array.
func Elements(doc []byte) Iterator {
	if len(doc) < 5 {
		return Iterator{}
	}
	return Iterator{rest: doc[4:]}
}

// Next gives the next element; ok is false at the end and at malformed bytes.
// key and v refer to the document's own memory.
func (it *Iterator) Next() (key []byte, v bson.RawValue, ok bool) {
	if len(it.rest) < 2 {
		return nil, v, false
	}
	t := it.rest[0]
	end := bytes.IndexByte(it.rest[1:], 0)
	if end < 0 {
		return nil, v, false
	}
	key = it.rest[1 : 1+end]
	data := it.rest[2+end:]
	if size, fixed := fixedSize(t); fixed && len(data) >= size {
		it.rest = data[size:]
		return key, bson.RawValue{Type: bson.Type(t), Value: data[:size:size]}, true
	}
	read, rest, ok := bsoncore.ReadValue(data, bsoncore.Type(t))
	if !ok {
		it.rest = nil
		return nil, v, false
	}
	it.rest = rest
	return key, bson.RawValue{Type: bson.Type(t), Value: read.Data}, true
}

// fixedSize gives the payload size of the types that always have the same one.
func fixedSize(t byte) (size int, fixed bool) {
	switch bson.Type(t) {
	case bson.TypeInt32:
		return 4, true
	case bson.TypeInt64, bson.TypeDouble, bson.TypeDateTime, bson.TypeTimestamp:
		return 8, true
	case bson.TypeObjectID:
		return 12, true
	case bson.TypeBoolean:
		return 1, true
	}
	return 0, false
}

func int32Of(v bson.RawValue) int32 {
	if len(v.Value) < 4 {
		return 0
	}
	return int32(binary.LittleEndian.Uint32(v.Value))
}

func uint64Of(v bson.RawValue) uint64 {
	if len(v.Value) < 8 {
		return 0
	}
	return binary.LittleEndian.Uint64(v.Value)
}

func doubleOf(v bson.RawValue) float64 { return math.Float64frombits(uint64Of(v)) }

// TextOf gives the bytes of a string, symbol or JavaScript value.
func TextOf(v bson.RawValue) []byte {
	if len(v.Value) < 5 {
		return nil
	}
	return v.Value[4 : len(v.Value)-1]
}

// Truthy reports how v counts where a command takes any value as a flag:
// false, zero, null and undefined are false, a missing value too.
func Truthy(v bson.RawValue) bool {
	switch v.Type {
	case bson.TypeBoolean:
		return len(v.Value) > 0 && v.Value[0] != 0
	case bson.TypeInt32, bson.TypeInt64:
		return intOf(v) != 0
	case bson.TypeDouble:
		return doubleOf(v) != 0
	case bson.TypeDecimal128:
		coefficient, _, _ := DecimalParts(v)
		return coefficient == nil || coefficient.Sign() != 0
	case bson.TypeNull, bson.TypeUndefined, 0:
		return false
	}
	return true
}

// TypeName gives mongod's name of v's type, as $type and error texts use it.
func TypeName(t bson.Type) string {
	switch t {
	case bson.TypeDouble:
		return "double"
	case bson.TypeString:
		return "string"
	case bson.TypeEmbeddedDocument:
		return "object"
	case bson.TypeArray:
		return "array"
	case bson.TypeBinary:
		return "binData"
	case bson.TypeUndefined:
		return "undefined"
	case bson.TypeObjectID:
		return "objectId"
	case bson.TypeBoolean:
		return "bool"
	case bson.TypeDateTime:
		return "date"
	case bson.TypeNull:
		return "null"
	case bson.TypeRegex:
		return "regex"
	case bson.TypeDBPointer:
		return "dbPointer"
	case bson.TypeJavaScript:
		return "javascript"
	case bson.TypeSymbol:
		return "symbol"
	case bson.TypeCodeWithScope:
		return "javascriptWithScope"
	case bson.TypeInt32:
		return "int"
	case bson.TypeTimestamp:
		return "timestamp"
	case bson.TypeInt64:
		return "long"
	case bson.TypeDecimal128:
		return "decimal"
	case bson.TypeMinKey:
		return "minKey"
	case bson.TypeMaxKey:
		return "maxKey"
	}
	return "missing"
}
