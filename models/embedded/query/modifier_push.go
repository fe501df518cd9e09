package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// parsePush reads a value to append, or a document with $each and other clauses.
func parsePush(_ string, arg bson.RawValue) (modifier, error) {
	if arg.Type != bson.TypeEmbeddedDocument || value.Missing(value.Field(arg.Value, "$each")) {
		return &push{values: []bson.RawValue{arg}}, nil
	}
	m := &push{}
	it := value.Elements(arg.Value)
	for {
		key, v, ok := it.Next()
		if !ok {
			return m, nil
		}
		if err := m.parseClause(string(key), v); err != nil {
			return nil, err
		}
	}
}

func (m *push) parseClause(name string, v bson.RawValue) error {
	n, integral := value.ExactInt64(v)
	switch name {
	case "$each":
		if v.Type != bson.TypeArray {
			return mongoerr.BadValue.Errorf("The argument to $each in $push must be an array but it was of type: %s", value.TypeName(v.Type))
		}
		m.values = items(v)
	case "$slice":
		if !integral {
			return mongoerr.BadValue.Errorf("The value for $slice must be an integer value but was given type: %s", value.TypeName(v.Type))
		}
		m.slice = &n
	case "$position":
		if !integral {
			return mongoerr.BadValue.Errorf("The value for $position must be an integer value, not of type: %s", value.TypeName(v.Type))
		}
		m.position = &n
	case "$sort":
		return m.parseSort(v)
	default:
		return mongoerr.BadValue.Errorf("Unrecognized clause in $push: %s", name)
	}
	return nil
}

func (m *push) parseSort(v bson.RawValue) error {
	n, integral := value.ExactInt64(v)
	switch {
	case integral && (n == 1 || n == -1):
		m.order = int(n)
		return nil
	case v.Type != bson.TypeEmbeddedDocument:
		return mongoerr.BadValue.Errorf("The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort embedded fields")
	}
	sort, err := ParseSort(v.Value)
	if err != nil {
		return mongoerr.BadValue.Errorf("The $sort element value must be either 1 or -1")
	}
	if len(sort.Fields) == 0 {
		return mongoerr.BadValue.Errorf("The $sort pattern is empty when it should be a set of fields.")
	}
	m.sort = sort
	return nil
}
