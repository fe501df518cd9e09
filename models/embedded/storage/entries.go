package storage

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// Index is one index of a collection. It is never changed, only replaced in its
// schema.
type Index struct {
	ID   uint32
	Spec IndexSpec
	// Multikey says that some document has an array on a path of the index, or had.
	Multikey bool
	usage    *usage
	// Arrays says of each path which of its parts were arrays, the first part in the
	// lowest bit. It is nil where that isn't known, in the data of older versions.
	Arrays []uint64
}

// arrays gives the bits of Arrays of field i, all where they aren't known.
func (x *Index) arrays(i int) uint64 {
	switch {
	case !x.Multikey:
		return 0
	case x.Arrays == nil:
		return ^uint64(0)
	}
	return x.Arrays[i]
}

// arrayOn reports whether there may be arrays on a path of the index.
func (x *Index) arrayOn(path string) bool {
	i := slices.Index(x.Spec.Paths, path)
	return i < 0 || x.arrays(i) != 0
}

// knows reports whether x is marked with arrays that a document has.
func (x *Index) knows(arrays []uint64) bool {
	for i, bits := range arrays {
		if bits&^x.arrays(i) != 0 {
			return false
		}
	}
	return true
}

// withArrays gives x marked with arrays that a document has.
func (x *Index) withArrays(arrays []uint64) *Index {
	next := *x
	next.Multikey, next.Arrays = true, make([]uint64, len(arrays))
	for i := range arrays {
		next.Arrays[i] = x.arrays(i) | arrays[i]
	}
	return &next

}

// usage counts the queries that read an index, since the process started or the
// index was made.
type usage struct {
	queries atomic.Int64
	since   time.Time
}

func newIndex(id uint32, spec IndexSpec) *Index {
	return &Index{ID: id, Spec: spec, usage: &usage{since: time.Now()}}
}

// Usage gives the number of queries that have read the index since a time.
func (x *Index) Usage() (queries int64, since time.Time) {
	return x.usage.queries.Load(), x.usage.since
}

// schema is the indexes and options of a collection at one moment. It is never
// changed.
type schema struct {
	indexes []*Index
	options CollectionOptions
	// retired marks a collection that was dropped, renamed or replaced.
	retired bool
}

// with gives the schema with other indexes.
func (s *schema) with(indexes []*Index) *schema {
	return &schema{indexes: indexes, options: s.options}
}

// entries are the keys that one index holds for one document, without the record
// id that ends the key of an index that isn't unique.
//
// types say how to read the values back from each key: a byte for each field, its
// type, or 0 where the key alone doesn't tell the value. They are the value of the
// entry, before the record id of a unique one.
type entries struct {
	buf    []byte
	ends   []int
	types  []byte
	arrays []uint64
}

func (e *entries) reset() { e.buf, e.ends, e.types, e.arrays = e.buf[:0], e.ends[:0], e.types[:0], nil }

// typesAt gives the types of entry i.
func (e *entries) typesAt(i int) []byte {
	n := len(e.types) / len(e.ends)
	return e.types[i*n : (i+1)*n]
}

// same reports whether o has the entry i of e with the same types.
func (e *entries) same(i int, o *entries) bool {
	for j := range o.ends {
		if bytes.Equal(e.at(i), o.at(j)) && bytes.Equal(e.typesAt(i), o.typesAt(j)) {
			return true
		}
	}
	return false
}

func (e *entries) len() int { return len(e.ends) }

func (e *entries) at(i int) []byte {
	from := 0
	if i > 0 {
		from = e.ends[i-1]
	}
	return e.buf[from:e.ends[i]:e.ends[i]]
}

func (e *entries) contains(key []byte) bool {
	for i := range e.ends {
		if bytes.Equal(e.at(i), key) {
			return true
		}
	}
	return false
}

// entriesOf puts the keys that x holds for doc into e, each once.
func (x *Index) entriesOf(doc bson.Raw, e *entries) error {
	e.reset()
	if x.Spec.PartialFilter != nil {
		if ok, err := x.Spec.PartialFilter.Match(doc); !ok {
			return err
		}
	}
	if x.Spec.Sparse && !x.hasAny(doc) {
		return nil
	}
	if x.singleEntry(doc, e) {
		return nil
	}
	e.reset()
	if x.ascendingEntries(doc, e) {
		return nil
	}
	e.reset()
	tuples, arrays, err := value.IndexTuples(doc, x.Spec.Paths)
	if err != nil {
		return err
	}
	e.arrays = arrays
	for _, tuple := range tuples {
		from := len(e.buf)
		e.buf = appendPrefix(e.buf, entryKind, x.ID)
		for i, v := range tuple {
			e.buf = value.AppendKey(e.buf, v, x.Spec.Fields[i].Desc)
		}
		if key := e.buf[from:]; e.contains(key) {
			e.buf = e.buf[:from]
			continue
		}
		e.ends = append(e.ends, len(e.buf))
		for i, v := range tuple {
			e.types = append(e.types, x.typeOf(doc, i, v))
		}
	}
	return nil
}

// tuple gives the values of doc that key, which is the entry of x for doc, holds.
func (x *Index) tuple(doc bson.Raw, key []byte) ([]bson.RawValue, error) {
	tuples, _, err := value.IndexTuples(doc, x.Spec.Paths)
	if err != nil {
		return nil, err
	}
	for _, tuple := range tuples {
		var encoded []byte
		for i, v := range tuple {
			encoded = value.AppendKey(encoded, v, x.Spec.Fields[i].Desc)
		}
		if bytes.HasPrefix(key[entryPrefixSize:], encoded) {
			return tuple, nil
		}
	}
	return nil, nil
}

// typeOf gives the type by which the value v of field i is read back. Null may stand
// for no value at all.
func (x *Index) typeOf(doc bson.Raw, i int, v bson.RawValue) byte {
	if v.Type == bson.TypeNull {
		if have, _ := value.Lookup(doc, x.Spec.Paths[i]); have.Type != bson.TypeNull {
			return 0
		}
	}
	return byte(value.ReadableKey(v))
}

// singleEntry handles the usual case, plain fields without arrays, without
// building tuples. False means that the document needs the general way.
func (x *Index) singleEntry(doc bson.Raw, e *entries) bool {
	e.buf = appendPrefix(e.buf, entryKind, x.ID)
	for _, f := range x.Spec.Fields {
		if strings.IndexByte(f.Path, '.') >= 0 {
			return false
		}
		v, ok := topLevel(doc, f.Path)
		kind := byte(value.ReadableKey(v))
		if !ok || v.Type == bson.TypeUndefined {
			v, kind = value.Null, 0
		}
		if v.Type == bson.TypeArray {
			return false
		}
		e.buf = value.AppendKey(e.buf, v, f.Desc)
		e.types = append(e.types, kind)
	}
	e.ends = append(e.ends, len(e.buf))
	return true
}

// ascendingEntries handles one array of plain values in ascending order among plain
// fields, without building tuples: what a list of terms is. False means that the document
// needs the general way.
func (x *Index) ascendingEntries(doc bson.Raw, e *entries) bool {
	at := -1
	var array bson.RawValue
	var head, tail []byte
	types := make([]byte, len(x.Spec.Fields))
	head = appendPrefix(head, entryKind, x.ID)
	for i, f := range x.Spec.Fields {
		v, ok := topLevel(doc, f.Path)
		types[i] = byte(value.ReadableKey(v))
		switch {
		case strings.IndexByte(f.Path, '.') >= 0, v.Type == bson.TypeArray && at >= 0:
			return false
		case v.Type == bson.TypeArray:
			at, array = i, v
			continue
		case !ok || v.Type == bson.TypeUndefined:
			v, types[i] = value.Null, 0
		}
		if at < 0 {
			head = value.AppendKey(head, v, f.Desc)
		} else {
			tail = value.AppendKey(tail, v, f.Desc)
		}
	}
	var last []byte
	for it := value.Elements(array.Value); at >= 0; {
		_, v, ok := it.Next()
		if !ok {
			break
		}
		from := len(e.buf)
		e.buf = value.AppendKey(append(e.buf, head...), v, x.Spec.Fields[at].Desc)
		key := e.buf[from+len(head):]
		order := bytes.Compare(key, last)
		if x.Spec.Fields[at].Desc {
			order = -order
		}
		if v.Type == bson.TypeArray || v.Type == bson.TypeUndefined || v.Type == bson.TypeNull || last != nil && order <= 0 {
			return false
		}
		last = key
		e.buf = append(e.buf, tail...)
		e.ends = append(e.ends, len(e.buf))
		types[at] = byte(value.ReadableKey(v))
		e.types = append(e.types, types...)
	}
	if len(e.ends) == 0 {
		return false
	}
	e.arrays = make([]uint64, len(types))
	e.arrays[at] = 1
	return true
}

// hasAny reports whether doc has one of the index's fields, which is when a
// sparse index holds it.
func (x *Index) hasAny(doc bson.Raw) bool {
	for _, path := range x.Spec.Paths {
		if _, ok := topLevel(doc, path); ok {
			return true
		}
		if strings.IndexByte(path, '.') < 0 {
			continue
		}
		if _, ok := value.Lookup(doc, path); ok {
			return true
		}
		if vals, multikey := value.IndexValues(doc, path); multikey || len(vals) > 0 && vals[0].Type != bson.TypeNull {
			return true
		}
	}
	return false
}

// untouched reports whether old and new agree in every field that x looks at.
func (x *Index) untouched(old, new bson.Raw) bool {
	if x.Spec.PartialFilter != nil {
		return false
	}
	for _, path := range x.Spec.Paths {
		root, _, _ := strings.Cut(path, ".")
		a, okA := topLevel(old, root)
		b, okB := topLevel(new, root)
		if okA != okB || a.Type != b.Type || !bytes.Equal(a.Value, b.Value) {
			return false
		}
	}
	return true
}

// topLevel finds a field of a document that is known to be valid, without
// allocating.
func topLevel(doc bson.Raw, name string) (bson.RawValue, bool) {
	rest := []byte(doc[4:])
	for len(rest) > 1 {
		kind := bson.Type(rest[0])
		end := bytes.IndexByte(rest[1:], 0)
		key := rest[1 : 1+end]
		rest = rest[end+2:]
		size := valueLen(kind, rest)
		if string(key) == name {
			return bson.RawValue{Type: kind, Value: rest[:size:size]}, true
		}
		rest = rest[size:]
	}
	return bson.RawValue{}, false
}

// valueLen gives the length of the value that src starts with.
func valueLen(kind bson.Type, src []byte) int {
	size := func() int { return int(binary.LittleEndian.Uint32(src)) }
	switch kind {
	case bson.TypeBoolean:
		return 1
	case bson.TypeInt32:
		return 4
	case bson.TypeDouble, bson.TypeInt64, bson.TypeDateTime, bson.TypeTimestamp:
		return 8
	case bson.TypeObjectID:
		return 12
	case bson.TypeDecimal128:
		return 16
	case bson.TypeString, bson.TypeJavaScript, bson.TypeSymbol:
		return 4 + size()
	case bson.TypeDBPointer:
		return 4 + size() + 12
	case bson.TypeBinary:
		return 5 + size()
	case bson.TypeEmbeddedDocument, bson.TypeArray, bson.TypeCodeWithScope:
		return size()
	case bson.TypeRegex:
		pattern := bytes.IndexByte(src, 0) + 1
		return pattern + bytes.IndexByte(src[pattern:], 0) + 1
	}
	return 0
}
