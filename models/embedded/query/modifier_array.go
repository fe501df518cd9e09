package query

import (
	"bytes"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// addToSet is $addToSet.
type addToSet struct{ values []bson.RawValue }

func parseAddToSet(_ string, arg bson.RawValue) (modifier, error) {
	m := &addToSet{values: []bson.RawValue{arg}}
	if arg.Type != bson.TypeEmbeddedDocument {
		return m, nil
	}
	it := value.Elements(arg.Value)
	name, each, _ := it.Next()
	if string(name) != "$each" {
		return m, nil
	}
	if each.Type != bson.TypeArray {
		return nil, mongoerr.TypeMismatch.Errorf("The argument to $each in $addToSet must be an array but it was of type %s", value.TypeName(each.Type))
	}
	if other, _, more := it.Next(); more {
		return nil, mongoerr.BadValue.Errorf("Found unexpected fields after $each in $addToSet: %s", other)
	}
	m.values = items(each)
	return m, nil
}

func (m *addToSet) apply(old bson.RawValue, run *updateRun) (bson.RawValue, error) {
	if !value.Missing(old) && old.Type != bson.TypeArray {
		return old, mongoerr.BadValue.Errorf("Cannot apply $addToSet to non-array field. Field named '%s' has non-array type %s",
			run.path[len(run.path)-1], value.TypeName(old.Type))
	}
	list := items(old)
	before := len(list)
	for _, v := range m.values {
		if !contains(list, v) {
			list = append(list, v)
		}
	}
	if len(list) == before && !value.Missing(old) {
		return old, nil
	}
	return arrayValue(list), nil
}

func (m *addToSet) blocked() blocking { return blockedCreate }

// cull is $pull and $pullAll: it takes elements out of an array.
type cull struct {
	name  string
	takes func(v bson.RawValue) bool
}

func (m *cull) apply(old bson.RawValue, _ *updateRun) (bson.RawValue, error) {
	if value.Missing(old) {
		return old, nil
	}
	if old.Type != bson.TypeArray {
		return old, mongoerr.BadValue.Errorf("Cannot apply %s to a non-array value", m.name)
	}
	list := items(old)
	kept := slices.DeleteFunc(list, m.takes)
	if len(kept) == len(list) {
		return old, nil
	}
	return arrayValue(kept), nil
}

func (m *cull) blocked() blocking { return blockedTraverse }

func parsePullAll(_ string, arg bson.RawValue) (modifier, error) {
	if arg.Type != bson.TypeArray {
		return nil, mongoerr.BadValue.Errorf("$pullAll requires an array argument but was given a %s", value.TypeName(arg.Type))
	}
	unwanted := items(arg)
	return &cull{"$pullAll", func(v bson.RawValue) bool { return contains(unwanted, v) }}, nil
}

// parsePull reads the argument as a query on documents in the array, as
// operators on its elements, or as a value to equal.
func parsePull(_ string, arg bson.RawValue) (modifier, error) {
	switch {
	case arg.Type == bson.TypeRegex, isPathOperator(firstName(arg)):
		nodes, err := plainParser.field("", arg, 0)
		if err != nil {
			return nil, err
		}
		query := &andNode{nodes}
		return &cull{"$pull", func(v bson.RawValue) bool { return satisfied(query, wrap(nil, "", v)) }}, nil
	case arg.Type == bson.TypeEmbeddedDocument:
		query, err := plainParser.conjunction(arg.Value, 0)
		if err != nil {
			return nil, err
		}
		return &cull{"$pull", func(v bson.RawValue) bool {
			return v.Type == bson.TypeEmbeddedDocument && satisfied(query, v.Value)
		}}, nil
	}
	return &cull{"$pull", func(v bson.RawValue) bool { return value.Equal(arg, v) }}, nil
}

// pop is $pop.
type pop struct{ first bool }

func parsePop(path string, arg bson.RawValue) (modifier, error) {
	n, ok := value.ExactInt64(arg)
	if !value.IsNumber(arg) {
		return nil, mongoerr.FailedToParse.Errorf("Expected a number in: %s: %s", path, value.Format(arg))
	}
	if !ok {
		return nil, mongoerr.FailedToParse.Errorf("Expected an integer: %s: %s", path, value.Format(arg))
	}
	if n != 1 && n != -1 {
		return nil, mongoerr.FailedToParse.Errorf("$pop expects 1 or -1, found: %d", n)
	}
	return &pop{first: n < 0}, nil
}

func (m *pop) apply(old bson.RawValue, run *updateRun) (bson.RawValue, error) {
	if value.Missing(old) {
		return old, nil
	}
	if old.Type != bson.TypeArray {
		return old, mongoerr.TypeMismatch.Errorf("Path '%s' contains an element of non-array type '%s'", run.at(), value.TypeName(old.Type))
	}
	list := items(old)
	switch {
	case len(list) == 0:
		return old, nil
	case m.first:
		return arrayValue(list[1:]), nil
	}
	return arrayValue(list[:len(list)-1]), nil
}

func (m *pop) blocked() blocking { return blockedTraverse }

// push is $push with its clauses.
type push struct {
	values          []bson.RawValue
	position, slice *int64
	sort            *Sort // by fields of the elements
	order           int   // of whole elements: 1, -1, or 0 for none
}

func (m *push) apply(old bson.RawValue, run *updateRun) (bson.RawValue, error) {
	if !value.Missing(old) && old.Type != bson.TypeArray {
		return old, mongoerr.BadValue.Errorf("The field '%s' must be an array but is of type %s in document %s",
			run.at(), value.TypeName(old.Type), run.id())
	}
	list := items(old)
	list = slices.Insert(list, m.insertAt(len(list)), m.values...)
	m.arrange(list)
	return arrayValue(m.cut(list)), nil
}

func (m *push) blocked() blocking { return blockedCreate }

func (m *push) insertAt(size int) int {
	if m.position == nil {
		return size
	}
	at := *m.position
	if at < 0 {
		at = max(int64(size)+at, 0)
	}
	return int(min(at, int64(size)))
}

func (m *push) arrange(list []bson.RawValue) {
	switch {
	case m.sort != nil:
		slices.SortStableFunc(list, func(a, b bson.RawValue) int {
			return bytes.Compare(m.sort.Key(fieldsOf(a)), m.sort.Key(fieldsOf(b)))
		})
	case m.order != 0:
		slices.SortStableFunc(list, func(a, b bson.RawValue) int { return m.order * value.Compare(a, b) })
	}
}

// fieldsOf gives the document to sort an element by; other values have no fields.
func fieldsOf(v bson.RawValue) bson.Raw {
	if v.Type == bson.TypeEmbeddedDocument {
		return v.Value
	}
	return emptyDocument
}

func (m *push) cut(list []bson.RawValue) []bson.RawValue {
	size := int64(len(list))
	switch {
	case m.slice == nil:
		return list
	case *m.slice >= 0:
		return list[:min(*m.slice, size)]
	}
	return list[max(size+*m.slice, 0):]
}
