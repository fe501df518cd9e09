package value

import (
	"encoding/binary"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// AppendKey appends an encoding of v whose bytes order as Compare does. Values
// that compare equal encode alike. No encoding is a prefix of another, so
// encodings may be concatenated into compound keys and followed by anything.
// desc inverts every byte. It allocates only to grow dst, except for decimals.
func AppendKey(dst []byte, v bson.RawValue, desc bool) []byte {
	start := len(dst)
	c := class(v.Type)
	dst = appendPayload(append(dst, c), c, v)
	if desc {
		invert(dst[start:])
	}
	return dst
}

func invert(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

func appendPayload(dst []byte, c byte, v bson.RawValue) []byte {
	switch c {
	case classNumber:
		return appendNumber(dst, v)
	case classString, classCode:
		return appendText(dst, TextOf(v))
	case classObject:
		return appendObject(dst, v.Value)
	case classArray:
		return appendArray(dst, v.Value)
	case classBinary, classDBPointer:
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(v.Value)))
		return append(dst, v.Value...)
	case classObjectID, classBoolean:
		return append(dst, v.Value...)
	case classDate:
		return binary.BigEndian.AppendUint64(dst, uint64Of(v)^1<<63)
	case classTimestamp:
		return binary.BigEndian.AppendUint64(dst, uint64Of(v))
	case classRegex:
		pattern, options := regexParts(v.Value)
		dst = append(append(dst, pattern...), 0)
		return append(append(dst, options...), 0)
	case classCodeWithScope:
		code, scope := codeWithScope(v)
		return appendObject(appendText(dst, code), scope)
	}
	return dst
}

// appendText ends a text with two zeros; a zero within is followed by 0xff.
func appendText(dst, text []byte) []byte {
	start := 0
	for i, b := range text {
		if b == 0 {
			dst = append(append(dst, text[start:i+1]...), 0xff)
			start = i + 1
		}
	}
	return append(append(dst, text[start:]...), 0, 0)
}

// appendObject writes each element in the order that Compare looks at it:
// class, name, value. A zero, which is no class, ends the object.
func appendObject(dst, doc []byte) []byte {
	it := Elements(doc)
	for {
		name, v, ok := it.Next()
		if !ok {
			return append(dst, 0)
		}
		c := class(v.Type)
		dst = append(append(append(dst, c), name...), 0)
		dst = appendPayload(dst, c, v)
	}
}

func appendArray(dst, array []byte) []byte {
	it := Elements(array)
	for {
		_, v, ok := it.Next()
		if !ok {
			return append(dst, 0)
		}
		c := class(v.Type)
		dst = appendPayload(append(dst, c), c, v)
	}
}
