package query

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// Op is the comparison of a Predicate.
type Op uint8

// The comparisons that an index can answer.
const (
	OpEq     Op = iota // equal to Value
	OpLt               // less than Value, within its type bracket
	OpLte              // less than or equal, within the bracket
	OpGt               // greater, within the bracket
	OpGte              // greater or equal, within the bracket
	OpIn               // equal to one of Values, which ascend
	OpPrefix           // a string that starts with the string Value, or equal to one of Values
)

// Predicate is a condition on one path that every matching document satisfies.
// An index that holds IndexValues of Path finds a superset of the matches; the
// caller still has to run Match. On a multikey index two predicates on the same
// path may be satisfied by different elements, so only one may bound the scan.
// A search for null also finds documents without the field, which a sparse
// index doesn't hold.
type Predicate struct {
	Path   string
	Op     Op
	Value  bson.RawValue
	Values []bson.RawValue
}

// Predicates gives the conditions of the top-level conjunction that an index
// can answer, in the order of the query.
func (f *Filter) Predicates() []Predicate { return predicates(nil, "", f.root) }

// Or gives, for each $or in the top-level conjunction, its branches as filters.
func (f *Filter) Or() [][]*Filter {
	var ors [][]*Filter
	for _, child := range f.root.children {
		or, ok := child.(*orNode)
		if !ok {
			continue
		}
		branches := make([]*Filter, len(or.children))
		for i, branch := range or.children {
			branches[i] = &Filter{root: branch}
		}
		ors = append(ors, branches)
	}
	return ors
}

func predicates(found []Predicate, prefix string, and *andNode) []Predicate {
	for _, child := range and.children {
		n, ok := child.(*pathNode)
		if !ok || hasNumericPart(n.parts) {
			continue
		}
		if elements, ok := n.condition.(*elemMatchObject); ok {
			found = predicates(found, prefix+n.path+".", elements.query)
			continue
		}
		found = conditionPredicates(found, prefix+n.path, n.condition)
	}
	return found
}

// conditionPredicates leaves out what an index holds in another form, such as
// the insides of an array within an array.
func conditionPredicates(found []Predicate, path string, c condition) []Predicate {
	switch c := c.(type) {
	case *comparison:
		if p, ok := c.predicate(path); ok {
			found = append(found, p)
		}
	case *membership:
		if len(c.regexes) == 0 {
			found = append(found, Predicate{Path: path, Op: OpIn, Values: indexKeys(c.values)})
		}
	case *regex:
		if prefix := c.literalPrefix(); prefix != "" {
			found = append(found, Predicate{Path: path, Op: OpPrefix, Value: stringValue(prefix), Values: []bson.RawValue{c.literal()}})
		}
	case *elemMatchValue:
		if _, nested := c.condition.(*elemMatchValue); !nested {
			found = conditionPredicates(found, path, c.condition)
		}
	case allOf:
		for _, each := range c {
			if _, nested := each.(*elemMatchValue); !nested {
				found = conditionPredicates(found, path, each)
			}
		}
	}
	return found
}

func (c *comparison) predicate(path string) (Predicate, bool) {
	p := Predicate{Path: path, Op: c.op, Value: c.value}
	if c.op == OpEq {
		if c.value.Type == bson.TypeArray {
			return Predicate{Path: path, Op: OpIn, Values: indexKeys([]bson.RawValue{c.value})}, true
		}
		return p, c.value.Type != bson.TypeRegex
	}
	switch c.value.Type {
	case bson.TypeMinKey, bson.TypeMaxKey, bson.TypeArray:
		return p, false
	case bson.TypeNull:
		p.Op = OpEq
		return p, c.op == OpLte || c.op == OpGte
	}
	return p, true
}

// indexKeys gives where an index has documents that equal one of values: an
// array is found under its first element, or whole where it is an element.
func indexKeys(values []bson.RawValue) []bson.RawValue {
	keys := make([]bson.RawValue, 0, len(values))
	for _, v := range values {
		keys = append(keys, v)
		if v.Type == bson.TypeArray {
			keys = append(keys, firstKey(v))
		}
	}
	return sortedSet(keys)
}

func firstKey(array bson.RawValue) bson.RawValue {
	it := value.Elements(array.Value)
	_, first, ok := it.Next()
	switch {
	case !ok:
		return value.Undefined
	case first.Type == bson.TypeUndefined:
		return value.Null
	}
	return first
}

func hasNumericPart(parts []string) bool {
	for _, part := range parts {
		if part != "" && strings.Trim(part, "0123456789") == "" {
			return true
		}
	}
	return false
}
