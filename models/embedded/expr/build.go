package expr

import (
	"encoding/binary"
	"iter"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// maxBytes bounds what one evaluation produces, all intermediate results
// together: mongod's limit for the memory of an expression.
const maxBytes = 100 << 20

// produced counts a new value against the memory of the evaluation.
func (s *scope) produced(v bson.RawValue) (bson.RawValue, error) {
	if s.bytes += len(v.Value); s.bytes > maxBytes {
		return bson.RawValue{}, mongoerr.ExceededMemoryLimit.Errorf("expression used too much memory: %d bytes exceed the limit of %d bytes", s.bytes, maxBytes)
	}
	return v, nil
}

// elements walks the values of an array.
func elements(array bson.RawValue) iter.Seq[bson.RawValue] {
	return func(yield func(bson.RawValue) bool) {
		it := value.Elements(array.Value)
		for {
			_, v, ok := it.Next()
			if !ok || !yield(v) {
				return
			}
		}
	}
}

// fields walks the fields of a document.
func fields(doc []byte) iter.Seq2[string, bson.RawValue] {
	return func(yield func(string, bson.RawValue) bool) {
		it := value.Elements(doc)
		for {
			key, v, ok := it.Next()
			if !ok || !yield(string(key), v) {
				return
			}
		}
	}
}

func collect(array bson.RawValue) []bson.RawValue {
	var out []bson.RawValue
	for v := range elements(array) {
		out = append(out, v)
	}
	return out
}

// arrayBuilder writes an array.
type arrayBuilder struct {
	out   []byte
	count int
}

func newArray() *arrayBuilder { return &arrayBuilder{out: make([]byte, 4, 64)} }

func (b *arrayBuilder) add(v bson.RawValue) {
	b.out = append(b.out, byte(v.Type))
	b.out = strconv.AppendInt(b.out, int64(b.count), 10)
	b.out = append(append(b.out, 0), v.Value...)
	b.count++
}

func (b *arrayBuilder) value() bson.RawValue {
	return bson.RawValue{Type: bson.TypeArray, Value: closed(b.out)}
}

// documentBuilder writes a document.
type documentBuilder struct{ out []byte }

func newDocument() *documentBuilder { return &documentBuilder{out: make([]byte, 4, 64)} }

func (b *documentBuilder) add(name string, v bson.RawValue) {
	b.out = append(b.out, byte(v.Type))
	b.out = append(append(b.out, name...), 0)
	b.out = append(b.out, v.Value...)
}

func (b *documentBuilder) value() bson.RawValue { return documentValue(closed(b.out)) }

// closed ends a document whose first four bytes are kept for its length.
func closed(out []byte) []byte {
	out = append(out, 0)
	binary.LittleEndian.PutUint32(out, uint32(len(out)))
	return out
}

func arrayOf(values []bson.RawValue) bson.RawValue {
	out := newArray()
	for _, v := range values {
		out.add(v)
	}
	return out.value()
}

func documentValue(doc []byte) bson.RawValue {
	return bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}
}

func stringValue(s string) bson.RawValue {
	return bson.RawValue{Type: bson.TypeString, Value: bsoncore.AppendString(nil, s)}
}

func dateValue(millis int64) bson.RawValue {
	return bson.RawValue{Type: bson.TypeDateTime, Value: bsoncore.AppendDateTime(nil, millis)}
}

func boolValue(b bool) bson.RawValue {
	return bson.RawValue{Type: bson.TypeBoolean, Value: bsoncore.AppendBoolean(nil, b)}
}

// nullish reports whether v is missing, null or undefined.
func nullish(v bson.RawValue) bool {
	return v.Type == 0 || v.Type == bson.TypeNull || v.Type == bson.TypeUndefined
}

func orNull(v bson.RawValue) bson.RawValue {
	if value.Missing(v) {
		return value.Null
	}
	return v
}

func isArray(v bson.RawValue) bool { return v.Type == bson.TypeArray }

func isObject(v bson.RawValue) bool { return v.Type == bson.TypeEmbeddedDocument }
