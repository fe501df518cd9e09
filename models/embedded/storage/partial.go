package storage

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// checkPartial refuses what mongod refuses in a partialFilterExpression.
func checkPartial(doc bson.Raw) error {
	return eachCondition(doc, func(path, op string, v bson.RawValue) error {
		switch op {
		case "$eq", "$lt", "$lte", "$gt", "$gte", "$type", "$in":
			return nil
		case "$exists":
			if b, ok := truth(v); ok && b {
				return nil
			}
		}
		return mongoerr.CannotCreateIndex.Errorf("Expression not supported in partial index: %s %s: %s", path, op, v)
	})
}

// eachCondition calls f for every condition of a conjunction.
func eachCondition(doc bson.Raw, f func(path, op string, v bson.RawValue) error) error {
	elements, err := doc.Elements()
	if err != nil {
		return err
	}
	for _, e := range elements {
		name, v := e.Key(), e.Value()
		if name == "$and" {
			if err := eachOfAnd(v, f); err != nil {
				return err
			}
			continue
		}
		if strings.HasPrefix(name, "$") {
			return mongoerr.CannotCreateIndex.Errorf("Expression not supported in partial index: %s %s", name, v)
		}
		if err := eachOnPath(name, v, f); err != nil {
			return err
		}
	}
	return nil
}

func eachOfAnd(v bson.RawValue, f func(path, op string, v bson.RawValue) error) error {
	list, ok := v.ArrayOK()
	if !ok {
		return mongoerr.BadValue.Errorf("$and must be an array")
	}
	branches, err := list.Values()
	if err != nil {
		return err
	}
	for _, b := range branches {
		doc, ok := b.DocumentOK()
		if !ok {
			return mongoerr.BadValue.Errorf("$or/$and/$nor entries need to be full objects")
		}
		if err := eachCondition(doc, f); err != nil {
			return err
		}
	}
	return nil
}

func eachOnPath(path string, v bson.RawValue, f func(path, op string, v bson.RawValue) error) error {
	doc, ok := v.DocumentOK()
	if !ok {
		return f(path, "$eq", v)
	}
	elements, err := doc.Elements()
	if err != nil {
		return err
	}
	if len(elements) == 0 || elements[0].Key()[:min(1, len(elements[0].Key()))] != "$" {
		return f(path, "$eq", v)
	}
	for _, e := range elements {
		if err := f(path, e.Key(), e.Value()); err != nil {
			return err
		}
	}
	return nil
}

// implied reports whether every document that satisfies the predicates satisfies
// the partial filter too.
func implied(partial bson.Raw, predicates []query.Predicate) bool {
	err := eachCondition(partial, func(path, op string, v bson.RawValue) error {
		for _, p := range predicates {
			if p.Path == path && implies(p, op, v) {
				return nil
			}
		}
		return mongoerr.BadValue.Errorf("not implied")
	})
	return err == nil
}

func implies(p query.Predicate, op string, v bson.RawValue) bool {
	if op == "$exists" {
		return !p.MatchesMissing()
	}
	if p.Not || len(p.Prefixes) > 0 || p.Op == query.OpExists || p.Op == query.OpType {
		return false
	}
	values := p.Values
	if p.Op != query.OpIn {
		values = []bson.RawValue{p.Value}
	}
	if op == "$type" {
		return impliesType(values, v)
	}
	if p.Op == query.OpEq || p.Op == query.OpIn {
		for _, have := range values {
			if !satisfies(have, op, v) {
				return false
			}
		}
		return len(values) > 0
	}
	if !sameBracket(p.Value, v) {
		return false
	}
	order := value.Compare(p.Value, v)
	switch {
	case p.Op == query.OpGt && (op == "$gt" || op == "$gte"), p.Op == query.OpGte && op == "$gte":
		return order >= 0
	case p.Op == query.OpGte && op == "$gt":
		return order > 0
	case p.Op == query.OpLt && (op == "$lt" || op == "$lte"), p.Op == query.OpLte && op == "$lte":
		return order <= 0
	case p.Op == query.OpLte && op == "$lt":
		return order < 0
	}
	return false
}

func impliesType(values []bson.RawValue, want bson.RawValue) bool {
	name, ok := want.StringValueOK()
	if !ok || len(values) == 0 {
		return false
	}
	for _, v := range values {
		switch {
		case name == "number" && v.IsNumber():
		case name == "string" && v.Type == bson.TypeString, name == "objectId" && v.Type == bson.TypeObjectID,
			name == "date" && v.Type == bson.TypeDateTime, name == "bool" && v.Type == bson.TypeBoolean:
		// A number equals numbers of other types, so one type is never implied.
		default:
			return false
		}
	}
	return true
}

// satisfies evaluates one comparison of a partial filter on a value.
func satisfies(have bson.RawValue, op string, v bson.RawValue) bool {
	if op == "$in" {
		return false
	}
	if op != "$eq" && !sameBracket(have, v) {
		return false
	}
	order := value.Compare(have, v)
	switch op {
	case "$eq":
		return order == 0
	case "$lt":
		return order < 0
	case "$lte":
		return order <= 0
	case "$gt":
		return order > 0
	case "$gte":
		return order >= 0
	}
	return false
}

func sameBracket(a, b bson.RawValue) bool {
	lowA, highA := value.Bracket(a)
	lowB, highB := value.Bracket(b)
	return lowA == lowB && highA == highB
}
