package value

import (
	"bytes"
	"cmp"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The classes of types in MongoDB's sort order. They are also the first byte
// of a key; zero is kept free to end objects and arrays.
const (
	classMinKey byte = iota + 1
	classUndefined
	classNull
	classNumber
	classString
	classObject
	classArray
	classBinary
	classObjectID
	classBoolean
	classDate
	classTimestamp
	classRegex
	classDBPointer
	classCode
	classCodeWithScope
	classMaxKey
)

func class(t bson.Type) byte {
	switch t {
	case bson.TypeMinKey:
		return classMinKey
	case bson.TypeUndefined:
		return classUndefined
	case bson.TypeNull, 0:
		return classNull
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDouble, bson.TypeDecimal128:
		return classNumber
	case bson.TypeString, bson.TypeSymbol:
		return classString
	case bson.TypeEmbeddedDocument:
		return classObject
	case bson.TypeArray:
		return classArray
	case bson.TypeBinary:
		return classBinary
	case bson.TypeObjectID:
		return classObjectID
	case bson.TypeBoolean:
		return classBoolean
	case bson.TypeDateTime:
		return classDate
	case bson.TypeTimestamp:
		return classTimestamp
	case bson.TypeRegex:
		return classRegex
	case bson.TypeDBPointer:
		return classDBPointer
	case bson.TypeJavaScript:
		return classCode
	case bson.TypeCodeWithScope:
		return classCodeWithScope
	}
	return classMaxKey
}

// SameBracket reports whether the comparison operators compare a with b at
// all: both are numbers, both are strings or symbols, or of the same type.
func SameBracket(a, b bson.RawValue) bool { return class(a.Type) == class(b.Type) }

// Bracket gives the first bytes that keys of values in v's type bracket start
// with: low <= key[0] <= high for every value that $lt, $lte, $gt and $gte
// would compare with v. Both are for ascending keys; invert (^) for descending.
func Bracket(v bson.RawValue) (low, high byte) {
	c := class(v.Type)
	if c == classMinKey || c == classMaxKey {
		return classMinKey, classMaxKey
	}
	return c, c
}

// Equal reports whether Compare finds no difference.
func Equal(a, b bson.RawValue) bool { return Compare(a, b) == 0 }

// Compare orders a and b as MongoDB does: -1, 0 or 1. Types come in the order
// of MongoDB's documentation, numbers of all types compare by their exact
// value with NaN below them all, and a missing value equals null.
func Compare(a, b bson.RawValue) int {
	ca, cb := class(a.Type), class(b.Type)
	if ca != cb {
		return cmp.Compare(ca, cb)
	}
	switch ca {
	case classNumber:
		return compareNumbers(a, b)
	case classString, classCode:
		return bytes.Compare(TextOf(a), TextOf(b))
	case classObject:
		return compareElements(a.Value, b.Value, true)
	case classArray:
		return compareElements(a.Value, b.Value, false)
	case classBinary, classDBPointer:
		return compareSized(a.Value, b.Value)
	case classObjectID, classBoolean:
		return bytes.Compare(a.Value, b.Value)
	case classDate:
		return cmp.Compare(int64(uint64Of(a)), int64(uint64Of(b)))
	case classTimestamp:
		return cmp.Compare(uint64Of(a), uint64Of(b))
	case classRegex:
		return compareRegexes(a.Value, b.Value)
	case classCodeWithScope:
		codeA, scopeA := codeWithScope(a)
		codeB, scopeB := codeWithScope(b)
		if c := bytes.Compare(codeA, codeB); c != 0 {
			return c
		}
		return compareElements(scopeA, scopeB, true)
	}
	return 0
}

// compareElements compares element by element: class, name, value.
func compareElements(a, b []byte, names bool) int {
	left, right := Elements(a), Elements(b)
	for {
		nameA, va, okA := left.Next()
		nameB, vb, okB := right.Next()
		if !okA || !okB {
			return compareBool(okA, okB)
		}
		if c := cmp.Compare(class(va.Type), class(vb.Type)); c != 0 {
			return c
		}
		if names {
			if c := bytes.Compare(nameA, nameB); c != 0 {
				return c
			}
		}
		if c := Compare(va, vb); c != 0 {
			return c
		}
	}
}

// compareSized puts the shorter value first whatever it holds.
func compareSized(a, b []byte) int {
	if c := cmp.Compare(len(a), len(b)); c != 0 {
		return c
	}
	return bytes.Compare(a, b)
}

func compareRegexes(a, b []byte) int {
	patternA, optionsA := regexParts(a)
	patternB, optionsB := regexParts(b)
	if c := bytes.Compare(patternA, patternB); c != 0 {
		return c
	}
	return bytes.Compare(optionsA, optionsB)
}

func regexParts(v []byte) (pattern, options []byte) {
	pattern, options, _ = bytes.Cut(v, []byte{0})
	return pattern, bytes.TrimSuffix(options, []byte{0})
}

// codeWithScope splits the value: total length, string with its length, scope.
func codeWithScope(v bson.RawValue) (code, scope []byte) {
	if len(v.Value) < 8 {
		return nil, nil
	}
	size := int(int32Of(bson.RawValue{Value: v.Value[4:]}))
	if size < 1 || size > len(v.Value)-8 {
		return nil, nil
	}
	return v.Value[8 : 8+size-1], v.Value[8+size:]
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
