package query

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/value"
)

// schema is a parsed $jsonSchema: the conditions that a value satisfies. As JSON
// Schema has it, a condition on one type accepts all values of other types.
type schema []func(v bson.RawValue) bool

func (s schema) accepts(v bson.RawValue) bool {
	for _, check := range s {
		if !check(v) {
			return false
		}
	}
	return true
}

// schemaNode is $jsonSchema in a filter.
type schemaNode struct{ schema schema }

func (n *schemaNode) match(doc []byte, _ *position) (bool, error) {
	return n.schema.accepts(documentValue(doc)), nil
}

// on makes a condition on one type; other values are accepted.
func on(t bson.Type, check func(v bson.RawValue) bool) func(v bson.RawValue) bool {
	return func(v bson.RawValue) bool { return v.Type != t || check(v) }
}

func onNumbers(check func(v bson.RawValue) bool) func(v bson.RawValue) bool {
	return func(v bson.RawValue) bool { return !value.IsNumber(v) || check(v) }
}

func hasField(v bson.RawValue, name string) bool { return !value.Missing(value.Field(v.Value, name)) }

func hasFields(v bson.RawValue, names []string) bool {
	for _, name := range names {
		if !hasField(v, name) {
			return false
		}
	}
	return true
}

// count gives the number of elements of a document or array.
func count(v bson.RawValue) int64 {
	it := value.Elements(v.Value)
	for n := int64(0); ; n++ {
		if _, _, ok := it.Next(); !ok {
			return n
		}
	}
}

// allowedProperties is patternProperties and additionalProperties.
type allowedProperties struct {
	named    map[string]struct{} // by properties, which has its own condition
	patterns []patternSchema
	others   schema
	closed   bool // there may be no others
}

type patternSchema struct {
	name   *regex
	schema schema
}

func (a *allowedProperties) accepts(doc bson.RawValue) bool {
	it := value.Elements(doc.Value)
	for {
		name, v, ok := it.Next()
		if !ok {
			return true
		}
		_, known := a.named[string(name)]
		for _, p := range a.patterns {
			if !p.name.compiled.Match(name) {
				continue
			}
			if known = true; !p.schema.accepts(v) {
				return false
			}
		}
		if !known && (a.closed || !a.others.accepts(v)) {
			return false
		}
	}
}

// arrayItems is items and additionalItems.
type arrayItems struct {
	first  []schema // of the elements by place
	rest   schema
	closed bool // there may be no more than first
}

func (a *arrayItems) accepts(array bson.RawValue) bool {
	it := value.Elements(array.Value)
	for i := 0; ; i++ {
		_, v, ok := it.Next()
		switch {
		case !ok:
			return true
		case i < len(a.first):
			ok = a.first[i].accepts(v)
		default:
			ok = !a.closed && a.rest.accepts(v)
		}
		if !ok {
			return false
		}
	}
}

func uniqueItems(array bson.RawValue) bool {
	seen := map[string]struct{}{}
	for _, v := range items(array) {
		seen[equalityKey(v)] = struct{}{}
	}
	return int64(len(seen)) == count(array)
}

// equalityKey gives the same text for values that are equal when the order of
// fields doesn't count, which is how a schema compares.
func equalityKey(v bson.RawValue) string {
	return string(value.AppendKey(nil, sortedFields(v), false))
}

func sortedFields(v bson.RawValue) bson.RawValue {
	switch v.Type {
	case bson.TypeArray:
		list := items(v)
		for i := range list {
			list[i] = sortedFields(list[i])
		}
		return arrayValue(list)
	case bson.TypeEmbeddedDocument:
		type field struct {
			name string
			v    bson.RawValue
		}
		var fields []field
		it := value.Elements(v.Value)
		for {
			name, each, ok := it.Next()
			if !ok {
				break
			}
			fields = append(fields, field{string(name), sortedFields(each)})
		}
		slices.SortStableFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
		start, doc := bsoncore.AppendDocumentStart(make([]byte, 0, len(v.Value)))
		for _, f := range fields {
			doc = appendElement(doc, []byte(f.name), f.v)
		}
		return documentValue(bsoncore.UpdateLength(append(doc, 0), start, int32(len(doc)+1)))
	}
	return v
}
