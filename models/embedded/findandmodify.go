package embedded

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/storage"
)

// findAndModifyArgs are the fields of a findAndModify.
type findAndModifyArgs struct {
	ns         storage.Namespace
	change     change
	remove     bool
	new        bool
	projection *query.Projection
}

func (r *request) parseFindAndModify() (*findAndModifyArgs, error) {
	ns, err := r.collection()
	if err != nil {
		return nil, err
	}
	a := &findAndModifyArgs{ns: ns}
	var filter, sort, fields bson.Raw
	var update bson.RawValue
	var arrayFilters []bson.Raw
	for _, f := range r.fields {
		switch f.name {
		case "query":
			err = r.document(f, &filter)
		case "sort":
			err = r.document(f, &sort)
		case "fields":
			err = r.document(f, &fields)
		case "update":
			update = f.v
		case "remove":
			err = r.boolean(f, &a.remove)
		case "new":
			err = r.boolean(f, &a.new)
		case "upsert":
			err = r.boolean(f, &a.change.upsert)
		case "arrayFilters":
			arrayFilters, err = documentsOf("findAndModify.arrayFilters", f.v)
		case "hint":
			a.change.query.Hint = f.v
		case "let": // see variables
		case "bypassDocumentValidation", "stmtId":
		default:
			err = r.unknown(f)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case a.remove && !update.IsZero():
		return nil, mongoerr.FailedToParse.Errorf("Cannot specify both an update and remove=true")
	case a.remove && a.change.upsert:
		return nil, mongoerr.FailedToParse.Errorf("Cannot specify both upsert=true and remove=true ")
	case a.remove && arrayFilters != nil:
		return nil, mongoerr.FailedToParse.Errorf("Cannot specify arrayFilters and remove=true")
	case a.remove && a.new:
		return nil, mongoerr.FailedToParse.Errorf("Cannot specify both new=true and remove=true; 'remove' always returns the deleted document")
	case !a.remove && update.IsZero():
		return nil, mongoerr.FailedToParse.Errorf("Either an update or remove=true must be specified")
	}
	vars, err := r.variables()
	if err != nil {
		return nil, err
	}
	options := query.UpdateOptions{ArrayFilters: arrayFilters, Vars: vars}
	if a.remove {
		a.change.query.Filter, err = query.ParseFilter(filter, vars)
	} else {
		err = a.change.parse(r, filter, update, options)
	}
	if err != nil {
		return nil, err
	}
	return a, a.parse(sort, fields, vars)
}

// parse reads what beside the filter and the update makes a findAndModify.
func (a *findAndModifyArgs) parse(sort, fields bson.Raw, vars *expr.Variables) (err error) {
	if a.change.query.Sort, err = query.ParseSort(sort); err != nil {
		return err
	}
	if len(fields) > 5 {
		a.projection, err = query.ParseProjection(fields, a.change.query.Filter, vars)
	}
	return err
}

func runFindAndModify(ctx context.Context, r *request, out []byte) ([]byte, error) {
	a, err := r.parseFindAndModify()
	if err != nil {
		return nil, err
	}
	c, w, err := r.begin(a.ns, a.change.upsert)
	if err != nil {
		return nil, err
	}
	var done changed
	if w != nil {
		if done, err = a.run(ctx, c, w); err != nil {
			// What a failed command staged must not be applied.
			return nil, errors.Join(err, w.Rollback())
		}
		if err := w.Commit(r.journaled); err != nil {
			return nil, err
		}
	}
	return a.reply(done, out)
}

func (a *findAndModifyArgs) run(ctx context.Context, c *storage.Collection, w *storage.Writer) (done changed, err error) {
	if !a.remove {
		return a.change.apply(ctx, c, w, true)
	}
	q := a.change.query
	q.Limit = 1
	done.matched, done.before, err = remove(ctx, c, w, q, true)
	return done, err
}

func (a *findAndModifyArgs) reply(done changed, out []byte) ([]byte, error) {
	index, out := bsoncore.AppendDocumentElementStart(out, "lastErrorObject")
	n := int32(done.matched)
	if !done.upserted.IsZero() {
		n = 1
	}
	out = bsoncore.AppendInt32Element(out, "n", n)
	if !a.remove {
		out = bsoncore.AppendBooleanElement(out, "updatedExisting", done.matched > 0)
	}
	if !done.upserted.IsZero() {
		out = appendValue(out, "upserted", done.upserted)
	}
	out = endDocument(out, index)
	doc := done.before
	if a.new {
		doc = done.after
	}
	if doc == nil {
		return bsoncore.AppendNullElement(out, "value"), nil
	}
	if a.projection != nil {
		var err error
		if doc, err = a.projection.Apply(doc); err != nil {
			return nil, err
		}
	}
	return bsoncore.AppendDocumentElement(out, "value", doc), nil
}
