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

func newDuplicateKey(ns Namespace, x *Index, doc bson.Raw) *DuplicateKey {
	b := bsoncore.NewDocumentBuilder()
	parts := make([]string, 0, len(x.Spec.Paths))
	for _, path := range x.Spec.Paths {
		v, ok := value.Lookup(doc, path)
		if !ok {
			v = value.Null
		}
		b.AppendValue(path, bsoncore.Value{Type: bsoncore.Type(v.Type), Data: v.Value})
		parts = append(parts, path+": "+shellValue(v))
	}
	return &DuplicateKey{
		KeyPattern: x.Spec.Key,
		KeyValue:   bson.Raw(b.Build()),
		message: fmt.Sprintf("E11000 duplicate key error collection: %s index: %s dup key: { %s }",
			ns, x.Spec.Name, strings.Join(parts, ", ")),
	}
}

// shellValue renders a value as mongod's messages do.
func shellValue(v bson.RawValue) string {
	switch v.Type {
	case bson.TypeObjectID:
		return fmt.Sprintf("ObjectId('%s')", v.ObjectID().Hex())
	case bson.TypeInt32:
		return fmt.Sprint(v.Int32())
	case bson.TypeInt64:
		return fmt.Sprint(v.Int64())
	case bson.TypeDateTime:
		return fmt.Sprintf("new Date(%d)", v.DateTime())
	case bson.TypeNull, bson.TypeUndefined:
		return "null"
	case bson.TypeString:
		return fmt.Sprintf("%q", v.StringValue())
	case bson.TypeDouble:
		s := fmt.Sprint(v.Double())
		if !strings.ContainsAny(s, ".eNI") {
			s += ".0"
		}
		return s
	}
	return v.String()
}
