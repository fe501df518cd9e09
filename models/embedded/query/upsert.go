package query

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// UpsertDocument builds the document that an upsert without a match inserts:
// the fields the filter holds equal to something, updated, with _id in front.
// A missing _id becomes a new ObjectID.
func UpsertDocument(filter *Filter, u *Update) (bson.Raw, error) {
	base, err := equalFields(filter, u.Replacement())
	if err != nil {
		return nil, err
	}
	doc, _, err := u.Apply(base, filter, true)
	if err != nil {
		return nil, err
	}
	return withID(doc)
}

// equalFields gives the document of the filter's equalities. A replacement
// takes only the _id from it.
func equalFields(filter *Filter, idOnly bool) (bson.Raw, error) {
	base := &Update{tree: &updateNode{}}
	found := equalities(nil, filter.root)
	for i, c := range found {
		if idOnly && strings.HasPrefix(c.path, "_id.") {
			return nil, mongoerr.NotExactValueField.Errorf("field at '_id' must be exactly specified, field at sub-path '%s'found", c.path)
		}
		if idOnly && c.path != "_id" {
			continue
		}
		for _, other := range found[:i] {
			if err := refuseMatchedTwice(other.path, c.path); err != nil {
				return nil, err
			}
		}
		if err := base.tree.insert(c.path, c.parts, &updateNode{modifier: &set{c.value}}, nil); err != nil {
			return nil, err
		}
	}
	doc, _, err := base.Apply(emptyDocument, nil, true)
	return doc, err
}

func refuseMatchedTwice(a, b string) error {
	switch {
	case a == b:
		return mongoerr.NotSingleValueField.Errorf("cannot infer query fields to set, path '%s' is matched twice", a)
	case strings.HasPrefix(b, a+"."):
		return mongoerr.NotSingleValueField.Errorf("cannot infer query fields to set, both paths '%s' and '%s' are matched", b, a)
	case strings.HasPrefix(a, b+"."):
		return mongoerr.NotSingleValueField.Errorf("cannot infer query fields to set, both paths '%s' and '%s' are matched", b, a)
	}
	return nil
}

// equalField is a field that every match has with this value.
type equalField struct {
	path  string
	parts []string
	value bson.RawValue
}

// equalities collects the equality conditions that every match satisfies. $in
// with one value is one, as in mongod.
func equalities(found []equalField, n node) []equalField {
	switch n := n.(type) {
	case *pathNode:
		switch c := n.condition.(type) {
		case *comparison:
			if c.op == OpEq {
				return append(found, equalField{n.path, n.parts, c.value})
			}
		case *membership:
			if len(c.values) == 1 && len(c.regexes) == 0 {
				return append(found, equalField{n.path, n.parts, c.values[0]})
			}
		}
	case *andNode:
		for _, child := range n.children {
			found = equalities(found, child)
		}
	case *orNode:
		if len(n.children) == 1 {
			return equalities(found, n.children[0])
		}
	}
	return found
}

// withID puts _id in front, made up if there is none.
func withID(doc bson.Raw) (bson.Raw, error) {
	id := value.Field(doc, "_id")
	switch id.Type {
	case bson.TypeArray, bson.TypeRegex, bson.TypeUndefined:
		return nil, mongoerr.InvalidIdField.Errorf("The '_id' value cannot be of type %s", value.TypeName(id.Type))
	case 0:
		oid := bson.NewObjectID()
		id = bson.RawValue{Type: bson.TypeObjectID, Value: oid[:]}
	}
	start, dst := bsoncore.AppendDocumentStart(make([]byte, 0, len(doc)+32))
	dst = appendElement(dst, []byte("_id"), id)
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			return bsoncore.UpdateLength(append(dst, 0), start, int32(len(dst)+1)), nil
		}
		if string(key) != "_id" {
			dst = appendElement(dst, key, v)
		}
	}
}
