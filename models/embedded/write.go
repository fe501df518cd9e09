package embedded

import (
	"errors"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/storage"
)

// maxWriteBatch is how many writes one command may carry.
const maxWriteBatch = 100_000

// writeErrors are the failed writes of a command, by their place in it.
type writeErrors struct {
	list []writeError
}

type writeError struct {
	index int
	err   error
}

func (w *writeErrors) add(index int, err error) { w.list = append(w.list, writeError{index, err}) }

func (w *writeErrors) append(out []byte) []byte {
	if len(w.list) == 0 {
		return out
	}
	array, out := bsoncore.AppendArrayElementStart(out, "writeErrors")
	for i, e := range w.list {
		index, b := bsoncore.AppendDocumentElementStart(out, strconv.Itoa(i))
		b = bsoncore.AppendInt32Element(b, "index", int32(e.index))
		out = endDocument(appendWriteError(b, e.err), index)
	}
	return endDocument(out, array)
}

func appendWriteError(out []byte, err error) []byte {
	var duplicate *storage.DuplicateKey
	if errors.As(err, &duplicate) {
		out = bsoncore.AppendInt32Element(out, "code", int32(mongoerr.DuplicateKey))
		out = bsoncore.AppendDocumentElement(out, "keyPattern", duplicate.KeyPattern)
		out = bsoncore.AppendDocumentElement(out, "keyValue", duplicate.KeyValue)
		return bsoncore.AppendStringElement(out, "errmsg", duplicate.Error())
	}
	e := toMongo(err)
	out = bsoncore.AppendInt32Element(out, "code", e.Code)
	if e.Info != nil {
		out = bsoncore.AppendDocumentElement(out, "errInfo", e.Info)
	}
	return bsoncore.AppendStringElement(out, "errmsg", e.Message)
}

// fatal reports whether an error ends the whole command rather than one write.
func fatal(err error) bool {
	var duplicate *storage.DuplicateKey
	var known *mongoerr.Error
	return !errors.As(err, &duplicate) && !errors.As(err, &known)
}

// begin starts writing to a collection, creating it where create says so. The
// writer is nil where there is no collection.
func (r *request) begin(ns storage.Namespace, create bool) (*storage.Collection, *storage.Writer, error) {
	for {
		c := r.s.store.Collection(ns)
		if c == nil {
			if err := r.notView(ns); err != nil || !create {
				return nil, nil, err
			}
		}
		if c == nil {
			var err error
			if c, err = r.s.store.Ensure(ns); err != nil {
				return nil, nil, err
			}
		}
		w, err := c.Begin()
		// Dropped between the two: look again.
		if mongoerr.Is(err, mongoerr.NamespaceNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		w.Unvalidated, _ = asBool(r.body.Lookup("bypassDocumentValidation"))
		return c, w, nil
	}
}

// batchArgs are what insert, update and delete have in common.
type batchArgs struct {
	ns        storage.Namespace
	writes    []bson.Raw
	unordered bool
	vars      *expr.Variables
}

func (r *request) parseBatch(list string) (a batchArgs, err error) {
	if a.ns, err = r.collection(); err != nil {
		return a, err
	}
	for _, f := range r.fields {
		switch f.name {
		case list:
		case "ordered":
			var ordered bool
			if err := r.boolean(f, &ordered); err != nil {
				return a, err
			}
			a.unordered = !ordered
		case "let":
			if r.name == "insert" {
				return a, r.unknown(f)
			}
		case "bypassDocumentValidation", "stmtId", "stmtIds", "isTimeseriesNamespace", "encryptionInformation":
		default:
			return a, r.unknown(f)
		}
	}
	if a.vars, err = r.variables(); err != nil {
		return a, err
	}
	if a.writes, err = r.documents(list); err != nil {
		return a, err
	}
	if n := len(a.writes); n == 0 || n > maxWriteBatch {
		return a, mongoerr.InvalidLength.Errorf("Write batch sizes must be between 1 and %d. Got %d operations.", maxWriteBatch, n)
	}
	return a, nil
}

// target is the collection that a command writes to, locked when first needed.
type target struct {
	r  *request
	ns storage.Namespace
	c  *storage.Collection
	w  *storage.Writer
}

func (t *target) open(create bool) (*storage.Collection, *storage.Writer, error) {
	if t.w == nil {
		var err error
		if t.c, t.w, err = t.r.begin(t.ns, create); err != nil {
			return nil, nil, err
		}
	}
	return t.c, t.w, nil
}

// eachWrite runs every statement of a batch and commits. A statement sees what
// those before it did.
func (r *request) eachWrite(a batchArgs, failed *writeErrors, run func(i int, doc bson.Raw, t *target) error) error {
	t := &target{r: r, ns: a.ns}
	for i, doc := range a.writes {
		err := run(i, doc, t)
		if t.w != nil && i+1 < len(a.writes) {
			err = errors.Join(err, t.w.Apply())
		}
		if err == nil {
			continue
		}
		failed.add(i, err)
		if !a.unordered || fatal(err) {
			break
		}
	}
	if t.w == nil {
		return nil
	}
	return t.w.Commit(r.journaled)
}
