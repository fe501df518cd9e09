package embedded

import (
	"bytes"
	"context"
	"errors"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/storage"
)

// change is one update: a statement of update, or a findAndModify.
type change struct {
	query  storage.Query
	update *query.Update
	multi  bool
	upsert bool
}

// changed is what a change did.
type changed struct {
	matched, modified int64
	// upserted is the _id of the document that an upsert inserted; zero without.
	upserted bson.RawValue
	// before and after are the last document changed, where keepDocs was asked.
	before, after bson.Raw
}

// apply runs a change through w. The caller applies or commits what it stages.
func (ch *change) apply(ctx context.Context, c *storage.Collection, w *storage.Writer, keepDocs bool) (done changed, err error) {
	q := ch.query
	if !ch.multi {
		q.Limit = 1
	}
	results, err := c.Find(q)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, results.Close()) }()
	for {
		id, doc, ok, err := results.Next(ctx)
		if err != nil {
			return done, err
		}
		if !ok {
			break
		}
		if err := ch.applyTo(w, id, doc, keepDocs, &done); err != nil {
			return done, err
		}
	}
	if done.matched == 0 && ch.upsert {
		return ch.insert(w, keepDocs)
	}
	return done, nil
}

func (ch *change) applyTo(w *storage.Writer, id storage.RecordID, doc bson.Raw, keepDocs bool, done *changed) error {
	updated, modified, err := ch.update.Apply(doc, ch.query.Filter, false)
	if err == nil && modified {
		err = checkUpdated(updated, doc)
	}
	if err != nil {
		return err
	}
	done.matched++
	if keepDocs {
		done.before, done.after = bytes.Clone(doc), bytes.Clone(updated)
	}
	if !modified {
		return nil
	}
	if err := w.Update(id, doc, updated); err != nil {
		return err
	}
	done.modified++
	if w.Full() {
		return w.Apply()
	}
	return nil
}

func (ch *change) insert(w *storage.Writer, keepDocs bool) (done changed, err error) {
	doc, err := query.UpsertDocument(ch.query.Filter, ch.update)
	if err != nil {
		return done, err
	}
	if err := checkUpdated(doc, nil); err != nil {
		return done, err
	}
	if err := w.Insert(doc); err != nil {
		return done, err
	}
	done.upserted = doc.Lookup("_id")
	if keepDocs {
		done.after = doc
	}
	return done, nil
}

// updateStatement is an update as the client wrote it.
type updateStatement struct {
	change  *change
	filter  bson.Raw
	update  bson.RawValue
	options query.UpdateOptions
}

// readUpdate reads the fields of a statement. Its errors fail the whole command.
func (r *request) readUpdate(doc bson.Raw) (*updateStatement, error) {
	ch := &change{}
	s := &updateStatement{change: ch}
	var q bson.RawValue
	ok := false
	err := eachField(doc, func(f field) (err error) {
		switch f.name {
		case "q":
			q = f.v
		case "u":
			s.update = f.v
		case "multi":
			err = r.boolean(f, &ch.multi)
		case "upsert":
			err = r.boolean(f, &ch.upsert)
		case "arrayFilters":
			s.options.ArrayFilters, err = documentsOf("update.updates.arrayFilters", f.v)
		case "hint":
			ch.query.Hint = f.v
		case "collation":
			err = checkCollation(f.v)
		case "c":
			if s.options.Constants, ok = f.v.DocumentOK(); !ok {
				err = wrongType("update.updates.c", f.v, "object")
			}
		case "upsertSupplied":
			var supplied bool
			if err = r.boolean(f, &supplied); err == nil && supplied {
				err = mongoerr.NotImplemented.Errorf("upsertSupplied is not supported")
			}
		case "sampleId":
		default:
			err = mongoerr.UnknownCommandField.Errorf("BSON field 'update.updates.%s' is an unknown field.", f.name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if s.filter, ok = q.DocumentOK(); !ok {
		return nil, mongoerr.MissingCommandField.Errorf("BSON field 'update.updates.q' is missing but a required field")
	}
	if s.update.IsZero() {
		return nil, mongoerr.MissingCommandField.Errorf("BSON field 'update.updates.u' is missing but a required field")
	}
	return s, nil
}

// parse gives the change. Its errors fail only the statement.
func (s *updateStatement) parse(r *request, vars *expr.Variables) (*change, error) {
	s.options.Vars = vars
	return s.change, s.change.parse(r, s.filter, s.update, s.options)
}

// parse fills in the filter and the update.
func (ch *change) parse(r *request, filter bson.Raw, u bson.RawValue, options query.UpdateOptions) (err error) {
	if ch.query.Filter, err = query.ParseFilter(filter, options.Vars); err != nil {
		return err
	}
	if ch.upsert && ch.query.Filter.UsesExpr() {
		return mongoerr.QueryFeatureNotAllowed.Errorf("$expr is not allowed in the query predicate for an upsert")
	}
	options.Now = r.s.clock.now()
	ch.update, err = query.ParseUpdate(u, options)
	if err == nil && ch.multi && ch.update.Replacement() {
		return mongoerr.FailedToParse.Errorf("multi update is not supported for replacement-style update")
	}
	return err
}

func runUpdate(ctx context.Context, r *request, out []byte) ([]byte, error) {
	a, err := r.parseBatch("updates")
	if err != nil {
		return nil, err
	}
	statements := make([]*updateStatement, len(a.writes))
	for i, doc := range a.writes {
		if statements[i], err = r.readUpdate(doc); err != nil {
			return nil, err
		}
	}
	var failed writeErrors
	var upserted []writeUpsert
	total := changed{}
	err = r.eachWrite(a, &failed, func(i int, _ bson.Raw, t *target) error {
		ch, err := statements[i].parse(r, a.vars)
		if err != nil {
			return err
		}
		c, w, err := t.open(ch.upsert)
		if err != nil || w == nil {
			return err
		}
		done, err := ch.apply(ctx, c, w, false)
		total.matched += done.matched
		total.modified += done.modified
		if err == nil && !done.upserted.IsZero() {
			upserted = append(upserted, writeUpsert{i, done.upserted})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out = appendNumber(out, "n", total.matched+int64(len(upserted)))
	out = appendNumber(out, "nModified", total.modified)
	out = appendUpserts(out, upserted)
	return failed.append(out), nil
}

type writeUpsert struct {
	index int
	id    bson.RawValue
}

func appendUpserts(out []byte, list []writeUpsert) []byte {
	if len(list) == 0 {
		return out
	}
	array, out := bsoncore.AppendArrayElementStart(out, "upserted")
	for i, u := range list {
		index, b := bsoncore.AppendDocumentElementStart(out, strconv.Itoa(i))
		b = bsoncore.AppendInt32Element(b, "index", int32(u.index))
		out = endDocument(appendValue(b, "_id", u.id), index)
	}
	return endDocument(out, array)
}
