package value

import (
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Field finds a field of a document, or an element of an array by its index
// as name. The zero RawValue means that there is none.
func Field(doc []byte, name string) bson.RawValue {
	it := Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok || string(key) == name {
			return v
		}
	}
}

// Lookup finds the value at a dotted path, through documents by name and
// through arrays by numeric index only.
func Lookup(doc bson.Raw, path string) (bson.RawValue, bool) {
	current := []byte(doc)
	for {
		name, rest, more := strings.Cut(path, ".")
		v := Field(current, name)
		if Missing(v) || !more {
			return v, !Missing(v)
		}
		if v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray {
			return bson.RawValue{}, false
		}
		current, path = v.Value, rest
	}
}

// Walk visits the values that a query condition on a path applies to, and
// stops with true at the first for which visit returns true. Arrays on the way
// are entered by each document in them and by numeric index. With expand an
// array at the end of the path gives each of its elements and then itself.
// A path that leads nowhere gives the zero RawValue, except through an array.
// index is the position in the outermost array that was entered without a
// numeric index, or -1.
func Walk(doc []byte, path []string, expand bool, visit func(v bson.RawValue, index int) bool) bool {
	current := doc
	for i, name := range path {
		v := Field(current, name)
		rest := path[i+1:]
		switch {
		case v.Type == bson.TypeArray:
			return walkArray(v, rest, expand, visit)
		case len(rest) == 0:
			return visit(v, -1)
		case v.Type != bson.TypeEmbeddedDocument:
			return visit(bson.RawValue{}, -1)
		}
		current = v.Value
	}
	return false
}

func walkArray(array bson.RawValue, rest []string, expand bool, visit func(bson.RawValue, int) bool) bool {
	if len(rest) == 0 && !expand {
		return visit(array, -1)
	}
	position := -1
	if len(rest) > 0 {
		position = ArrayIndex(rest[0])
	}
	it := Elements(array.Value)
	for i := 0; ; i++ {
		_, v, ok := it.Next()
		if !ok {
			break
		}
		if walkElement(v, i, i == position, rest, expand, visit) {
			return true
		}
	}
	return len(rest) == 0 && visit(array, -1)
}

// walkElement handles element i of an array; addressed says that the next part
// of the path is its index.
func walkElement(v bson.RawValue, i int, addressed bool, rest []string, expand bool, visit func(bson.RawValue, int) bool) bool {
	if len(rest) == 0 {
		return visit(v, i)
	}
	if v.Type == bson.TypeEmbeddedDocument && walkIndexed(v.Value, i, rest, expand, visit) {
		return true
	}
	if !addressed {
		return false
	}
	if len(rest) == 1 {
		return visit(v, i)
	}
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		return Walk(v.Value, rest[1:], expand, visit)
	case bson.TypeArray:
		return walkArray(v, rest[1:], expand, visit)
	}
	return false
}

// walkIndexed walks a document that is element i of an array, and reports i
// for whatever is found below.
func walkIndexed(doc []byte, i int, rest []string, expand bool, visit func(bson.RawValue, int) bool) bool {
	return Walk(doc, rest, expand, func(v bson.RawValue, _ int) bool { return visit(v, i) })
}

// ArrayIndex reads a path part as an array index, or gives -1. As in mongod,
// a leading zero makes it a name.
func ArrayIndex(part string) int {
	if part == "" || part[0] < '0' || part[0] > '9' || (part[0] == '0' && len(part) > 1) {
		return -1
	}
	n, err := strconv.Atoi(part)
	if err != nil {
		return -1
	}
	return n
}
