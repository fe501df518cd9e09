package embedded

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/wire"
)

func runInsert(ctx context.Context, r *request, out []byte) ([]byte, error) {
	a, err := r.parseBatch("documents")
	if err != nil {
		return nil, err
	}
	_, w, err := r.begin(a.ns, true)
	if err != nil {
		return nil, err
	}
	var failed writeErrors
	n := int32(0)
	for i, doc := range a.writes {
		err := ctx.Err()
		if err == nil {
			if doc, err = prepareInsert(doc); err == nil {
				err = w.Insert(doc)
			}
		}
		if err == nil && w.Full() {
			err = w.Apply()
		}
		if err == nil {
			n++
			continue
		}
		failed.add(i, err)
		if !a.unordered || fatal(err) {
			break
		}
	}
	if err := w.Commit(r.journaled); err != nil {
		return nil, err
	}
	out = bsoncore.AppendInt32Element(out, "n", n)
	return failed.append(out), nil
}

// prepareInsert checks a document, gives it an _id if it has none and puts that
// first.
func prepareInsert(doc bson.Raw) (bson.Raw, error) {
	if len(doc) > wire.MaxDocumentSize {
		return nil, mongoerr.BadValue.Errorf("object to insert too large. size in bytes: %d, max size: %d", len(doc), wire.MaxDocumentSize)
	}
	first, _, ok := bsoncore.ReadElement(doc[4:])
	if ok && len(doc) > 5 && first.Key() == "_id" {
		v := first.Value()
		return doc, checkID(bson.RawValue{Type: bson.Type(v.Type), Value: v.Data})
	}
	id, err := doc.LookupErr("_id")
	if err != nil {
		oid := bson.NewObjectID()
		id = bson.RawValue{Type: bson.TypeObjectID, Value: oid[:]}
	}
	if err := checkID(id); err != nil {
		return nil, err
	}
	index, out := bsoncore.AppendDocumentStart(make([]byte, 0, len(doc)+24))
	out = appendValue(out, "_id", id)
	rest := []byte(doc[4 : len(doc)-1])
	for len(rest) > 0 {
		element, after, _ := bsoncore.ReadElement(rest)
		if element.Key() != "_id" {
			out = append(out, element...)
		}
		rest = after
	}
	return endDocument(out, index), nil
}

func checkID(id bson.RawValue) error {
	switch id.Type {
	case bson.TypeArray, bson.TypeRegex, bson.TypeUndefined:
		return mongoerr.InvalidIdField.Errorf("The '_id' value cannot be of type %s", typeName(id))
	}
	return nil
}

func checkSize(doc bson.Raw) error {
	if len(doc) > wire.MaxDocumentSize {
		return mongoerr.BSONObjectTooLarge.Errorf("BSONObj size: %d (0x%X) is invalid. Size must be between 0 and %d(16MB)", len(doc), len(doc), wire.MaxDocumentSize)
	}
	return nil
}
