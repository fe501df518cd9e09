package storage

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/value"
)

// DuplicateKey is the error of a write that a unique index refuses.
type DuplicateKey struct {
	KeyPattern bson.Raw
	KeyValue   bson.Raw
	message    string
}

func (e *DuplicateKey) Error() string { return e.message }

// newDuplicateKey tells that key, one of the entries of x for doc, is there already.
func newDuplicateKey(ns Namespace, x *Index, doc bson.Raw, key []byte) error {
	tuple, err := x.tuple(doc, key)
	if err != nil {
		return err
	}
	b := bsoncore.NewDocumentBuilder()
	parts := make([]string, 0, len(tuple))
	for i, v := range tuple {
		b.AppendValue(x.Spec.Paths[i], bsoncore.Value{Type: bsoncore.Type(v.Type), Data: v.Value})
		parts = append(parts, x.Spec.Paths[i]+": "+value.Format(v))
	}
	return &DuplicateKey{
		KeyPattern: x.Spec.Key,
		KeyValue:   bson.Raw(b.Build()),
		message: fmt.Sprintf("E11000 duplicate key error collection: %s index: %s dup key: { %s }",
			ns, x.Spec.Name, strings.Join(parts, ", ")),
	}
}
