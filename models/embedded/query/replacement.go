package query

import (
	"bytes"
	"encoding/binary"
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
	if out, err = keepID(doc, StampTimestamps(replacement, now)); err != nil {
		return nil, false, err
	}
	return out, !bytes.Equal(doc, out), nil
}

// keepID gives a new state of doc with doc's _id in front, which it may not
// change. Without any _id it stays without.
func keepID(doc, next bson.Raw) (bson.Raw, error) {
	id, newID := value.Field(doc, "_id"), value.Field(next, "_id")
	if value.Missing(id) {
		id = newID
	}
	if !value.Missing(newID) && !value.Equal(id, newID) {
		return nil, mongoerr.ImmutableField.Errorf("After applying the update, the (immutable) field '_id' was found to have been altered to _id: %s",
			value.Format(newID))
	}
	start, dst := bsoncore.AppendDocumentStart(make([]byte, 0, len(next)+32))
	if !value.Missing(id) {
		dst = appendElement(dst, []byte("_id"), id)
	}
	it := value.Elements(next)
	for {
		key, v, ok := it.Next()
		if !ok {
			return bsoncore.AppendDocumentEnd(dst, start)
		}
		if string(key) != "_id" {
			dst = appendElement(dst, key, v)
		}
	}
}

// StampTimestamps gives doc with the empty timestamps among its own fields set to
// now, as mongod does on insert. _id stays as it is, and doc is never changed.
func StampTimestamps(doc bson.Raw, now time.Time) bson.Raw {
	out := doc
	it := value.Elements(doc)
	for at := 4; ; {
		key, v, ok := it.Next()
		if !ok {
			return out
		}
		at += len(key) + 2
		if v.Type == bson.TypeTimestamp && binary.LittleEndian.Uint64(v.Value) == 0 && string(key) != "_id" {
			if &out[0] == &doc[0] {
				out = bytes.Clone(doc)
			}
			copy(out[at:], timestampValue(now).Value)
		}
		at += len(v.Value)
	}
}
