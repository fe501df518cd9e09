package query

import (
	"bytes"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

func checkReplacement(doc []byte) error {
	it := value.Elements(doc)
	for {
		key, _, ok := it.Next()
		if !ok {
			return nil
		}
		if bytes.HasPrefix(key, []byte("$")) {
			return refuseDollarField(string(key))
		}
	}
}

// replace gives the replacement with doc's _id in front. As in mongod an empty
// timestamp at the top level becomes the time of the update.
func replace(doc, replacement bson.Raw, now time.Time) (out bson.Raw, modified bool, err error) {
	id, newID := value.Field(doc, "_id"), value.Field(replacement, "_id")
	if value.Missing(id) {
		id = newID
	}
	if !value.Missing(newID) && !value.Equal(id, newID) {
		return nil, false, mongoerr.ImmutableField.Errorf("After applying the update, the (immutable) field '_id' was found to have been altered to _id: %s",
			value.Format(newID))
	}
	start, dst := bsoncore.AppendDocumentStart(make([]byte, 0, len(replacement)+32))
	if !value.Missing(id) {
		dst = appendElement(dst, []byte("_id"), id)
	}
	it := value.Elements(replacement)
	for {
		key, v, ok := it.Next()
		if !ok {
			break
		}
		if string(key) == "_id" {
			continue
		}
		if v.Type == bson.TypeTimestamp && value.Identical(v, emptyTimestamp) {
			v = timestampValue(now)
		}
		dst = appendElement(dst, key, v)
	}
	out = bsoncore.UpdateLength(append(dst, 0), start, int32(len(dst)+1))
	return out, !bytes.Equal(doc, out), nil
}

var emptyTimestamp = bson.RawValue{Type: bson.TypeTimestamp, Value: make([]byte, 8)}
