package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// MaxDepth is how deep documents and arrays may nest, as in mongod.
const MaxDepth = 200

// DocumentError says why bytes are not a BSON document.
type DocumentError struct {
	Reason string
	// TooDeep tells a document beyond MaxDepth from a broken one.
	TooDeep bool
}

func (e *DocumentError) Error() string { return "invalid BSON: " + e.Reason }

// Validate checks that doc is one well-formed BSON document, so that code behind
// it can read values without checking lengths again. The error is a
// *DocumentError.
func Validate(doc bson.Raw) error {
	if err := validateDocument(doc, 1); err != nil {
		return err
	}
	return nil
}

func validateDocument(doc []byte, depth int) *DocumentError {
	if depth > MaxDepth {
		return &DocumentError{Reason: fmt.Sprintf("exceeded maximum nested object depth: %d", MaxDepth), TooDeep: true}
	}
	if len(doc) < 5 || int64(int32(binary.LittleEndian.Uint32(doc))) != int64(len(doc)) || doc[len(doc)-1] != 0 {
		return &DocumentError{Reason: "length of document is wrong"}
	}
	rest := doc[4 : len(doc)-1]
	for len(rest) > 0 {
		kind := bson.Type(rest[0])
		end := bytes.IndexByte(rest[1:], 0)
		if end < 0 {
			return &DocumentError{Reason: "field name without an end"}
		}
		rest = rest[end+2:]
		size, err := valueSize(kind, rest)
		if err != nil {
			return err
		}
		if size < 0 || size > len(rest) {
			return &DocumentError{Reason: "value runs over the end of its document"}
		}
		if err := validateNested(kind, rest[:size], depth); err != nil {
			return err
		}
		rest = rest[size:]
	}
	return nil
}

func validateNested(kind bson.Type, v []byte, depth int) *DocumentError {
	switch kind {
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		return validateDocument(v, depth+1)
	case bson.TypeCodeWithScope:
		code := int(int32(binary.LittleEndian.Uint32(v[4:])))
		if code < 1 || code > len(v)-8-5 || v[8+code-1] != 0 {
			return &DocumentError{Reason: "code with scope is broken"}
		}
		return validateDocument(v[8+code:], depth+1)
	case bson.TypeBinary:
		if v[4] == bson.TypeBinaryBinaryOld {
			inner := int64(len(v)) - 9
			if inner < 0 || int64(int32(binary.LittleEndian.Uint32(v[5:]))) != inner {
				return &DocumentError{Reason: "binary of subtype 2 is broken"}
			}
		}
	case bson.TypeBoolean:
		if v[0] > 1 {
			return &DocumentError{Reason: "boolean is neither true nor false"}
		}
	}
	return nil
}

// valueSize gives the bytes that a value at the start of src takes; -1 or a
// size beyond src means that it doesn't fit.
func valueSize(kind bson.Type, src []byte) (int, *DocumentError) {
	switch kind {
	case bson.TypeNull, bson.TypeUndefined, bson.TypeMinKey, bson.TypeMaxKey:
		return 0, nil
	case bson.TypeBoolean:
		return 1, nil
	case bson.TypeInt32:
		return 4, nil
	case bson.TypeDouble, bson.TypeInt64, bson.TypeDateTime, bson.TypeTimestamp:
		return 8, nil
	case bson.TypeObjectID:
		return 12, nil
	case bson.TypeDecimal128:
		return 16, nil
	case bson.TypeString, bson.TypeJavaScript, bson.TypeSymbol:
		return stringSize(src), nil
	case bson.TypeDBPointer:
		if n := stringSize(src); n > 0 {
			return n + 12, nil
		}
		return -1, nil
	case bson.TypeBinary:
		return prefixedSize(src, 5, 0), nil
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		return prefixedSize(src, 0, 5), nil
	case bson.TypeCodeWithScope:
		return prefixedSize(src, 0, 14), nil
	case bson.TypeRegex:
		pattern := bytes.IndexByte(src, 0)
		if pattern < 0 {
			return -1, nil
		}
		options := bytes.IndexByte(src[pattern+1:], 0)
		if options < 0 {
			return -1, nil
		}
		return pattern + options + 2, nil
	}
	return 0, &DocumentError{Reason: fmt.Sprintf("unrecognized BSON type %d", kind)}
}

func stringSize(src []byte) int {
	n := prefixedSize(src, 4, 1)
	if n < 0 || n > len(src) || src[n-1] != 0 {
		return -1
	}
	return n
}

// prefixedSize reads an int32 length of at least least, which extra bytes come
// on top of.
func prefixedSize(src []byte, extra, least int) int {
	if len(src) < 4 {
		return -1
	}
	n := int(int32(binary.LittleEndian.Uint32(src)))
	if n < least || n > len(src)-extra {
		return -1
	}
	return n + extra
}
