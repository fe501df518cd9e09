package embedded

import (
	"bytes"
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/storage"
)

// readDelete reads the fields of a statement, all but what is in the filter. Its
// errors fail the whole command.
func (r *request) readDelete(doc bson.Raw) (q storage.Query, f bson.Raw, err error) {
	var filter, limit bson.RawValue
	err = eachField(doc, func(f field) error {
		switch f.name {
		case "q":
			filter = f.v
		case "limit":
			limit = f.v
		case "hint":
			q.Hint = f.v
		case "collation":
			return checkCollation(f.v)
		case "sampleId":
		default:
			return mongoerr.UnknownCommandField.Errorf("BSON field 'delete.deletes.%s' is an unknown field.", f.name)
		}
		return nil
	})
	if err != nil {
		return q, nil, err
	}
	f, ok := filter.DocumentOK()
	if !ok {
		return q, nil, mongoerr.MissingCommandField.Errorf("BSON field 'delete.deletes.q' is missing but a required field")
	}
	n, ok := limit.AsInt64OK()
	if !ok {
		return q, nil, mongoerr.MissingCommandField.Errorf("BSON field 'delete.deletes.limit' is missing but a required field")
	}
	if n != 0 && n != 1 {
		return q, nil, mongoerr.FailedToParse.Errorf("The limit field in delete objects must be 0 or 1. Got %d", n)
	}
	q.Limit = n
	return q, f, nil
}

func (r *request) parseDelete(doc bson.Raw, vars *expr.Variables) (storage.Query, error) {
	q, f, err := r.readDelete(doc)
	if err != nil {
		return q, err
	}
	q.Filter, err = query.ParseFilter(f, vars)
	return q, err
}

func runDelete(ctx context.Context, r *request, out []byte) ([]byte, error) {
	a, err := r.parseBatch("deletes")
	if err != nil {
		return nil, err
	}
	for _, doc := range a.writes {
		if _, _, err := r.readDelete(doc); err != nil {
			return nil, err
		}
	}
	var failed writeErrors
	total := int64(0)
	err = r.eachWrite(a, &failed, func(_ int, doc bson.Raw, t *target) error {
		q, err := r.parseDelete(doc, a.vars)
		if err != nil {
			return err
		}
		c, w, err := t.open(false)
		if err != nil || w == nil {
			return err
		}
		n, _, err := remove(ctx, c, w, q, false)
		total += n
		return err
	})
	if err != nil {
		return nil, err
	}
	out = appendNumber(out, "n", total)
	return failed.append(out), nil
}

// remove deletes what q finds and gives the number and, if asked for, the last
// document.
func remove(ctx context.Context, c *storage.Collection, w *storage.Writer, q storage.Query, keepDoc bool) (n int64, last bson.Raw, err error) {
	results, err := c.Find(q)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, results.Close()) }()
	for {
		id, doc, ok, err := results.Next(ctx)
		if err != nil || !ok {
			return n, last, err
		}
		if keepDoc {
			last = bytes.Clone(doc)
		}
		if err := w.Delete(id, doc); err != nil {
			return n, last, err
		}
		n++
		if w.Full() {
			if err := w.Apply(); err != nil {
				return n, last, err
			}
		}
	}
}
