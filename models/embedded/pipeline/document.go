package pipeline

import (
	"bytes"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// MaxDocumentSize is the size of the largest document that a pipeline may give.
const MaxDocumentSize = 16 << 20

// maxStageBytes is what one stage may hold in memory, as in mongod.
const maxStageBytes = 100 << 20

// memoryLimit is the error of a stage that would need to spill to disk.
const memoryLimit mongoerr.Code = 292

func outOfMemory(format string, args ...any) error {
	return mongoerr.New(int32(memoryLimit), "QueryExceededMemoryLimitNoDiskUseAllowed", format, args...)
}

func appendValue(dst []byte, key string, v bson.RawValue) []byte {
	return append(bsoncore.AppendHeader(dst, bsoncore.Type(v.Type), key), v.Value...)
}

func endDocument(dst []byte, index int32) []byte {
	dst, err := bsoncore.AppendDocumentEnd(dst, index)
	if err != nil {
		panic(err) // only a wrong index fails
	}
	return dst
}

// arrayBuilder builds an array value item by item.
type arrayBuilder struct {
	raw []byte
	n   int
}

func (a *arrayBuilder) add(v bson.RawValue) {
	if a.raw == nil {
		a.raw = []byte{0, 0, 0, 0}
	}
	a.raw = append(a.raw, byte(v.Type))
	a.raw = strconv.AppendInt(a.raw, int64(a.n), 10)
	a.raw = append(a.raw, 0)
	a.raw = append(a.raw, v.Value...)
	a.n++
}

func (a *arrayBuilder) size() int { return len(a.raw) }

// value closes the array; nothing may be added to it afterwards.
func (a *arrayBuilder) value() bson.RawValue {
	if a.raw == nil {
		a.raw = []byte{0, 0, 0, 0}
	}
	raw := append(a.raw, 0)
	return bson.RawValue{Type: bson.TypeArray, Value: bsoncore.UpdateLength(raw, 0, int32(len(raw)))}
}

func arrayOf(values []bson.RawValue) bson.RawValue {
	var a arrayBuilder
	for _, v := range values {
		a.add(v)
	}
	return a.value()
}

func documentValue(doc bson.Raw) bson.RawValue {
	return bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}
}

func stringValue(s string) bson.RawValue {
	return bson.RawValue{Type: bson.TypeString, Value: bsoncore.AppendString(nil, s)}
}

func int64Value(n int64) bson.RawValue {
	return bson.RawValue{Type: bson.TypeInt64, Value: bsoncore.AppendInt64(nil, n)}
}

// numberValue gives an int, or a long where n doesn't fit, as mongod does.
func numberValue(n int64) bson.RawValue {
	if n == int64(int32(n)) {
		return bson.RawValue{Type: bson.TypeInt32, Value: bsoncore.AppendInt32(nil, int32(n))}
	}
	return int64Value(n)
}

// marshal renders a document of literals, which can't fail.
func marshal(doc bson.D) bson.Raw {
	raw, err := bson.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return raw
}

// keep copies a value that outlives the document it was found in.
func keep(v bson.RawValue) bson.RawValue {
	return bson.RawValue{Type: v.Type, Value: bytes.Clone(v.Value)}
}

// setPath gives doc with v at a dotted path; v of type 0 removes the field. What is
// no document on the way, an array too, is replaced by one.
func setPath(doc bson.Raw, path string, v bson.RawValue) bson.Raw {
	return appendWithPath(make([]byte, 0, len(doc)+len(path)+len(v.Value)+8), doc, strings.Split(path, "."), v)
}

func appendWithPath(dst, doc []byte, path []string, v bson.RawValue) []byte {
	index, dst := bsoncore.AppendDocumentStart(dst)
	found := false
	it := value.Elements(doc)
	for {
		key, old, ok := it.Next()
		if !ok {
			break
		}
		if string(key) != path[0] {
			dst = appendValue(dst, string(key), old)
			continue
		}
		found = true
		dst = appendPathField(dst, path, old, v)
	}
	if !found {
		dst = appendPathField(dst, path, bson.RawValue{}, v)
	}
	return endDocument(dst, index)
}

// appendPathField appends the field path[0], which was old, with v at the rest of
// the path.
func appendPathField(dst []byte, path []string, old, v bson.RawValue) []byte {
	switch {
	case len(path) > 1 && old.Type == bson.TypeEmbeddedDocument:
		return appendWithPath(bsoncore.AppendHeader(dst, bsoncore.TypeEmbeddedDocument, path[0]), old.Value, path[1:], v)
	case len(path) > 1 && !value.Missing(v):
		return appendWithPath(bsoncore.AppendHeader(dst, bsoncore.TypeEmbeddedDocument, path[0]), nil, path[1:], v)
	case len(path) > 1 && !value.Missing(old):
		return appendValue(dst, path[0], old)
	case value.Missing(v):
		return dst
	}
	return appendValue(dst, path[0], v)
}

// at gives the value at a dotted path, through documents only.
func at(doc []byte, path string) bson.RawValue {
	for {
		name, rest, more := strings.Cut(path, ".")
		v := value.Field(doc, name)
		if !more {
			return v
		}
		if v.Type != bson.TypeEmbeddedDocument {
			return bson.RawValue{}
		}
		doc, path = v.Value, rest
	}
}

// checkFieldPath refuses what can't be a field path, with mongod's assertions.
func checkFieldPath(path string) error {
	if path == "" {
		return mongoerr.Code(40352).Errorf("FieldPath cannot be constructed with empty string")
	}
	if strings.HasSuffix(path, ".") {
		return mongoerr.Code(40353).Errorf("FieldPath must not end with a '.'.")
	}
	for name := range strings.SplitSeq(path, ".") {
		if err := checkFieldName(name); err != nil {
			return err
		}
	}
	return nil
}

func checkFieldName(name string) error {
	switch {
	case name == "":
		return mongoerr.Code(15998).Errorf("FieldPath field names may not be empty strings.")
	case name[0] == '$':
		return mongoerr.Code(16410).Errorf("FieldPath field names may not start with '$'. Consider using $getField or $setField.")
	case strings.Contains(name, "\x00"):
		return mongoerr.Code(16411).Errorf("FieldPath field names may not contain '\\0'.")
	case strings.Contains(name, "."):
		return mongoerr.Code(16412).Errorf("FieldPath field names may not contain '.'. Consider using $getField or $setField.")
	}
	return nil
}
