package query

import (
	"bytes"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// SortField is one key of a sort.
type SortField struct {
	Path string
	Desc bool
}

// Sort is a parsed sort specification. It is immutable.
type Sort struct {
	Fields []SortField
	// Natural is 1 or -1 for {$natural: ±1}, which has no Fields, else 0.
	Natural int

	paths []string
}

const maxSortFields = 32

// mongod's assertions about sort specifications.
const (
	badSortValue     mongoerr.Code = 15974
	badSortDirection mongoerr.Code = 15975
	tooManySortKeys  mongoerr.Code = 13103
)

// ParseSort parses a sort document; an empty one has no fields.
func ParseSort(s bson.Raw) (*Sort, error) {
	sort := &Sort{}
	it := value.Elements(s)
	for n := 0; ; n++ {
		key, v, ok := it.Next()
		if !ok {
			return sort, nil
		}
		if n == maxSortFields {
			return nil, tooManySortKeys.Errorf("too many compound keys")
		}
		if err := sort.add(string(key), v, n); err != nil {
			return nil, err
		}
	}
}

func (s *Sort) add(path string, v bson.RawValue, n int) error {
	if v.Type == bson.TypeEmbeddedDocument && !value.Missing(value.Field(v.Value, "$meta")) {
		return mongoerr.NotImplemented.Errorf("$meta sort is not supported by this server")
	}
	if !value.IsNumber(v) {
		return badSortValue.Errorf("Illegal key in $sort specification: %s: %s", path, value.Format(v))
	}
	direction, ok := value.ExactInt64(v)
	if path == "$natural" || s.Natural != 0 {
		if n > 0 {
			return mongoerr.BadValue.Errorf("Cannot include '$natural' in compound sort")
		}
		if !ok || direction != 1 && direction != -1 {
			return mongoerr.BadValue.Errorf("$natural sort cannot be set to a value other than -1 or 1.")
		}
		s.Natural = int(direction)
		return nil
	}
	if !ok || direction != 1 && direction != -1 {
		return badSortDirection.Errorf("$sort key ordering must be 1 (for ascending) or -1 (for descending)")
	}
	if err := checkFieldPath(path); err != nil {
		return err
	}
	s.Fields = append(s.Fields, SortField{Path: path, Desc: direction < 0})
	s.paths = append(s.paths, path)
	return nil
}

// Key gives doc's place in the sort as bytes that order with bytes.Compare.
// Documents with equal keys are left in the order they come in.
func (s *Sort) Key(doc bson.Raw) []byte { return s.AppendKey(nil, doc) }

// AppendKey appends Key(doc) to dst. An array counts as its lowest element
// where the sort ascends and its highest where it descends. Arrays in parallel,
// which mongod refuses to sort by, count one by one.
func (s *Sort) AppendKey(dst []byte, doc bson.Raw) []byte {
	start := len(dst)
	for _, field := range s.Fields {
		v, array := scalarAt(doc, field.Path)
		if array {
			return append(dst[:start], s.arrayKey(doc)...)
		}
		if v.Type == bson.TypeUndefined {
			v = value.Null // as an index has it
		}
		dst = value.AppendKey(dst, v, field.Desc)
	}
	return dst
}

// scalarAt follows a path through documents; array says that one is in the way.
func scalarAt(doc []byte, path string) (v bson.RawValue, array bool) {
	for {
		name, rest, more := strings.Cut(path, ".")
		v = value.Field(doc, name)
		if v.Type == bson.TypeArray || !more {
			return v, v.Type == bson.TypeArray
		}
		if v.Type != bson.TypeEmbeddedDocument {
			return bson.RawValue{}, false
		}
		doc, path = v.Value, rest
	}
}

// arrayKey gives the first of the keys that an index on the fields would hold.
func (s *Sort) arrayKey(doc bson.Raw) []byte {
	tuples, _, err := value.IndexTuples(doc, s.paths)
	if err != nil {
		return s.parallelKey(doc)
	}
	var best []byte
	for _, tuple := range tuples {
		var key []byte
		for i, v := range tuple {
			key = value.AppendKey(key, v, s.Fields[i].Desc)
		}
		if best == nil || bytes.Compare(key, best) < 0 {
			best = key
		}
	}
	return best
}

func (s *Sort) parallelKey(doc bson.Raw) []byte {
	var key []byte
	for _, field := range s.Fields {
		values, _ := value.IndexValues(doc, field.Path) // ascending
		extreme := values[0]
		if field.Desc {
			extreme = values[len(values)-1]
		}
		key = value.AppendKey(key, extreme, field.Desc)
	}
	return key
}
