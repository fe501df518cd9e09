package embedded

import (
	"bytes"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
	"parlor/models/embedded/wire"
)

// maxStoredDepth is how deep a stored document may nest: mongod keeps 20 of its
// 200 levels for what it wraps documents in.
const maxStoredDepth = wire.MaxDepth - 20

// mongod's assertions about documents that an update makes.
const (
	updatedTooLarge  mongoerr.Code = 17419
	upsertedTooLarge mongoerr.Code = 17420
)

// prepareInsert checks a document, gives it an _id if it has none and puts that
// first, and sets its empty timestamps to now.
func prepareInsert(doc bson.Raw, now time.Time) (bson.Raw, error) {
	if len(doc) > wire.MaxDocumentSize {
		return nil, mongoerr.BadValue.Errorf("object to insert too large. size in bytes: %d, max size: %d", len(doc), wire.MaxDocumentSize)
	}
	if deeperThan(doc, maxStoredDepth) {
		return nil, mongoerr.Overflow.Errorf("cannot insert document because it exceeds %d levels of nesting", maxStoredDepth)
	}
	id, place, err := findID(doc)
	if err != nil {
		return nil, err
	}
	if doc = query.StampTimestamps(doc, now); place == 0 {
		return doc, nil
	}
	if place < 0 {
		oid := bson.NewObjectID()
		id = bson.RawValue{Type: bson.TypeObjectID, Value: oid[:]}
	}
	index, out := bsoncore.AppendDocumentStart(make([]byte, 0, len(doc)+24))
	out = appendValue(out, "_id", id)
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			return endDocument(out, index), nil
		}
		if string(key) != "_id" {
			out = appendValue(out, string(key), v)
		}
	}
}

// findID gives a document's _id, checked, and its place among the fields; -1 if
// there is none.
func findID(doc bson.Raw) (id bson.RawValue, place int, err error) {
	place = -1
	it := value.Elements(doc)
	for i := 0; ; i++ {
		key, v, ok := it.Next()
		if !ok {
			return id, place, nil
		}
		if string(key) != "_id" {
			continue
		}
		if place >= 0 {
			return id, place, mongoerr.BadValue.Errorf("can't have multiple _id fields in one document")
		}
		if err := checkID(v); err != nil {
			return id, place, err
		}
		id, place = v, i
	}
}

func checkID(id bson.RawValue) error {
	switch id.Type {
	case bson.TypeArray, bson.TypeRegex, bson.TypeUndefined:
		return mongoerr.InvalidIdField.Errorf("The '_id' value cannot be of type %s", typeName(id))
	case bson.TypeEmbeddedDocument:
		return checkIDFields(id.Value)
	}
	return nil
}

// checkIDFields refuses names that start with a dollar at any depth, but for the
// fields of a DBRef in their order.
func checkIDFields(doc bson.Raw) error {
	it := value.Elements(doc)
	for before := ""; ; {
		key, v, ok := it.Next()
		if !ok {
			return nil
		}
		name := string(key)
		switch {
		case name == "$ref", name == "$id" && before == "$ref", name == "$db" && before == "$id":
			if name != "$id" && v.Type != bson.TypeString {
				return mongoerr.InvalidDBRef.Errorf("The DBRef %s field must be a String, not a %s", name, typeName(v))
			}
		case strings.HasPrefix(name, "$"):
			return mongoerr.DollarPrefixedFieldName.Errorf("_id fields may not contain '$'-prefixed fields: The dollar ($) prefixed field '%s' is not valid for storage.", name)
		}
		if v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray {
			if err := checkIDFields(v.Value); err != nil {
				return err
			}
		}
		before = name
	}
}

// checkUpdated refuses an updated document that can't be stored. before is the
// document as it was; nil for one that an upsert inserts.
func checkUpdated(doc, before bson.Raw) error {
	if err := query.CheckBuiltSize(len(doc)); err != nil {
		return err
	}
	if len(doc) > wire.MaxDocumentSize && before == nil {
		return upsertedTooLarge.Errorf("Document to upsert is larger than %d", wire.MaxDocumentSize)
	}
	if len(doc) > wire.MaxDocumentSize {
		return updatedTooLarge.Errorf("Resulting document after update is larger than %d", wire.MaxDocumentSize)
	}
	if deeperThan(doc, maxStoredDepth) {
		return mongoerr.Overflow.Errorf("Document exceeds maximum nesting depth of %d", maxStoredDepth)
	}
	id := value.Field(doc, "_id")
	if before != nil && bytes.Equal(id.Value, value.Field(before, "_id").Value) {
		return nil
	}
	return checkID(id)
}

// deeperThan reports whether documents and arrays nest deeper in doc, itself
// included.
func deeperThan(doc []byte, limit int) bool {
	if limit == 0 {
		return true
	}
	it := value.Elements(doc)
	for {
		_, v, ok := it.Next()
		if !ok {
			return false
		}
		if (v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray) && deeperThan(v.Value, limit-1) {
			return true
		}
	}
}
