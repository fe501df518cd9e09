package query

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/value"
)

func documentValue(doc []byte) bson.RawValue {
	return bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}
}

// literal is the expression itself as a value.
func (c *regex) literal() bson.RawValue {
	return bson.RawValue{Type: bson.TypeRegex, Value: bsoncore.AppendRegex(nil, c.pattern, c.options)}
}

// sortedSet sorts values and drops those that equal another one.
func sortedSet(values []bson.RawValue) []bson.RawValue {
	slices.SortFunc(values, value.Compare)
	return slices.CompactFunc(values, value.Equal)
}
