package embedded

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/storage"
	"parlor/models/embedded/value"
)

// findArgs are the fields of a find.
type findArgs struct {
	ns         storage.Namespace
	query      storage.Query
	projection *query.Projection
	cursor     cursorOptions
	tailable   bool
	// recordID asks for the record id in each document.
	recordID bool
}

// findDocuments are the fields of a find that hold documents.
type findDocuments struct {
	filter, sort, projection, min, max bson.Raw
}

func (r *request) parseFind() (*findArgs, error) {
	ns, err := r.collection()
	if err != nil {
		return nil, err
	}
	a := &findArgs{ns: ns, cursor: cursorOptions{batch: firstBatch}}
	var docs findDocuments
	for _, f := range r.fields {
		if err := a.option(r, f, &docs); err != nil {
			return nil, err
		}
	}
	return a, a.parse(r, docs)
}

func (a *findArgs) option(r *request, f field, docs *findDocuments) (err error) {
	switch f.name {
	case "filter":
		err = r.document(f, &docs.filter)
	case "sort":
		err = r.document(f, &docs.sort)
	case "projection":
		err = r.document(f, &docs.projection)
	case "min":
		err = r.document(f, &docs.min)
	case "max":
		err = r.document(f, &docs.max)
	case "hint":
		a.query.Hint = keep(f.v)
	case "skip":
		err = r.natural(f, &a.query.Skip)
	case "limit":
		err = r.natural(f, &a.query.Limit)
	case "batchSize":
		err = r.natural(f, &a.cursor.batch)
	case "singleBatch":
		err = r.boolean(f, &a.cursor.single)
	case "returnKey":
		err = r.boolean(f, &a.query.ReturnKey)
	case "showRecordId":
		err = r.boolean(f, &a.recordID)
	case "let": // see variables
	case "noCursorTimeout":
		err = r.boolean(f, &a.cursor.keep)
	case "tailable":
		err = r.boolean(f, &a.tailable)
	case "awaitData":
		err = r.boolean(f, &a.cursor.await)
	case "allowDiskUse", "oplogReplay", "allowPartialResults":
		// Nothing here depends on them.
	default:
		err = r.unknown(f)
	}
	return err
}

// parse reads the documents, which it copies: a cursor outlives the buffer of the
// request that it was opened by.
func (a *findArgs) parse(r *request, docs findDocuments) (err error) {
	if err := a.checkTail(); err != nil {
		return err
	}
	vars, err := r.variables()
	if err != nil {
		return err
	}
	if a.query.Filter, err = query.ParseFilter(bytes.Clone(docs.filter), vars); err != nil {
		return err
	}
	if a.query.Sort, err = query.ParseSort(bytes.Clone(docs.sort)); err != nil {
		return err
	}
	a.query.Min, a.query.Max = bytes.Clone(docs.min), bytes.Clone(docs.max)
	if len(docs.projection) <= 5 {
		return nil
	}
	if a.projection, err = query.ParseProjection(bytes.Clone(docs.projection), a.query.Filter, vars); err != nil {
		return err
	}
	if paths, ok := a.projection.Paths(); ok && !a.query.ReturnKey {
		a.query.Fields = paths
	}
	return nil
}

func runFind(ctx context.Context, r *request, out []byte) ([]byte, error) {
	a, err := r.parseFind()
	if err != nil {
		return nil, err
	}
	var src source = &listSource{}
	if c := r.s.store.Collection(a.ns); c != nil {
		if src, err = a.open(c); err != nil {
			return nil, err
		}
	}
	return r.openCursor(ctx, out, a.ns, src, a.cursor)
}

// open starts the query.
func (a *findArgs) open(c *storage.Collection) (source, error) {
	if a.tailable {
		tail, err := c.NewTail(a.query)
		return &tailSource{tail: tail, projection: a.projection}, err
	}
	results, err := c.Find(a.query)
	found := &findSource{results: results, recordID: a.recordID}
	if !a.query.ReturnKey { // which shows the key and nothing else
		found.projection = a.projection
	}
	return found, err
}

func (a *findArgs) checkTail() error {
	switch {
	case a.cursor.await && !a.tailable:
		return mongoerr.FailedToParse.Errorf("Cannot set 'awaitData' without also setting 'tailable'")
	case a.tailable && a.cursor.single:
		return mongoerr.FailedToParse.Errorf("Cannot use tailable option with the 'singleBatch' option")
	case a.tailable && (a.recordID || a.query.ReturnKey):
		return mongoerr.NotImplemented.Errorf("showRecordId and returnKey of a tailable cursor are not supported")
	}
	return nil
}

// findSource projects the documents of a query.
type findSource struct {
	results    *storage.Results
	projection *query.Projection
	recordID   bool
	buf        []byte
}

func (f *findSource) Next(ctx context.Context) (bson.Raw, error) {
	id, doc, ok, err := f.results.Next(ctx)
	if err != nil || !ok {
		return nil, err
	}
	if f.projection != nil {
		if doc, err = f.projection.Apply(doc); err != nil {
			return nil, err
		}
	}
	if f.recordID {
		f.buf = append(f.buf[:0], doc[:len(doc)-1]...)
		f.buf = append(bsoncore.AppendInt64Element(f.buf, "$recordId", int64(id)), 0)
		doc = bsoncore.UpdateLength(f.buf, 0, int32(len(f.buf)))
	}
	return doc, nil
}

func (f *findSource) Exhausted() bool { return f.results.Exhausted() }
func (f *findSource) Close() error    { return f.results.Close() }

func (r *request) parseCount() (ns storage.Namespace, q storage.Query, err error) {
	if ns, err = r.collection(); err != nil {
		return ns, q, err
	}
	var filter bson.Raw
	for _, f := range r.fields {
		switch f.name {
		case "query":
			if f.v.Type != bson.TypeNull {
				err = r.document(f, &filter)
			}
		case "limit":
			n, _ := f.v.AsInt64OK()
			q.Limit = max(n, -n)
		case "skip":
			err = r.natural(f, &q.Skip)
		case "hint":
			q.Hint = f.v
		case "fields":
		default:
			err = r.unknown(f)
		}
		if err != nil {
			return ns, q, err
		}
	}
	q.Count = true
	q.Filter, err = query.ParseFilter(filter, nil)
	return ns, q, err
}

func runCount(ctx context.Context, r *request, out []byte) ([]byte, error) {
	ns, q, err := r.parseCount()
	if err != nil {
		return nil, err
	}
	n := int64(0)
	if c := r.s.store.Collection(ns); c != nil {
		if n, err = count(ctx, c, q); err != nil {
			return nil, err
		}
	}
	return appendNumber(out, "n", n), nil
}

func count(ctx context.Context, c *storage.Collection, q storage.Query) (int64, error) {
	if q.Filter.Empty() && q.Hint.IsZero() {
		n := max(c.Count()-q.Skip, 0)
		if q.Limit > 0 {
			n = min(n, q.Limit)
		}
		return n, nil
	}
	results, err := c.Find(q)
	if err != nil {
		return 0, err
	}
	for {
		_, _, ok, err := results.Next(ctx)
		if err != nil || !ok {
			return results.Returned, errors.Join(err, results.Close())
		}
	}
}

// appendNumber appends an int, or a long where it doesn't fit, as mongod does.
func appendNumber(out []byte, name string, n int64) []byte {
	if n == int64(int32(n)) {
		return bsoncore.AppendInt32Element(out, name, int32(n))
	}
	return bsoncore.AppendInt64Element(out, name, n)
}

func (r *request) parseDistinct() (ns storage.Namespace, key string, q storage.Query, err error) {
	if ns, err = r.collection(); err != nil {
		return ns, key, q, err
	}
	var filter bson.Raw
	ok := false
	for _, f := range r.fields {
		switch f.name {
		case "key":
			if key, ok = f.v.StringValueOK(); !ok {
				err = wrongType("distinct.key", f.v, "string")
			}
		case "query":
			if f.v.Type != bson.TypeNull {
				err = r.document(f, &filter)
			}
		case "hint":
			q.Hint = f.v
		default:
			err = r.unknown(f)
		}
		if err != nil {
			return ns, key, q, err
		}
	}
	if !ok {
		return ns, key, q, mongoerr.MissingCommandField.Errorf("BSON field 'distinct.key' is missing but a required field")
	}
	q.Distinct, q.Fields = key, []string{key}
	q.Filter, err = query.ParseFilter(filter, nil)
	return ns, key, q, err
}

func runDistinct(ctx context.Context, r *request, out []byte) ([]byte, error) {
	ns, key, q, err := r.parseDistinct()
	if err != nil {
		return nil, err
	}
	index, out := bsoncore.AppendArrayElementStart(out, "values")
	c := r.s.store.Collection(ns)
	if c == nil {
		return endDocument(out, index), nil
	}
	results, err := c.Find(q)
	if err != nil {
		return nil, err
	}
	start := len(out)
	seen := map[string]struct{}{}
	for {
		_, doc, ok, err := results.Next(ctx)
		if err != nil {
			return nil, errors.Join(err, results.Close())
		}
		if !ok {
			return endDocument(out, index), results.Close()
		}
		for _, v := range distinctValues(doc, key) {
			k := string(value.AppendKey(nil, v, false))
			if _, have := seen[k]; have {
				continue
			}
			out = appendValue(out, strconv.Itoa(len(seen)), v)
			seen[k] = struct{}{}
		}
		if len(out)-start > maxBatchBytes {
			return nil, errors.Join(mongoerr.New(17217, "Location17217", "distinct too big, 16mb cap"), results.Close())
		}
	}
}

// distinctValues gives the values that distinct sees at a path: the elements of
// arrays, and nothing where the field is missing. A numeric part of the path is
// the index of an array; any other part is looked up in each of its elements.
func distinctValues(doc []byte, path string) []bson.RawValue {
	name, rest, more := strings.Cut(path, ".")
	v := value.Field(doc, name)
	switch {
	case value.Missing(v):
		return nil
	case !more && v.Type != bson.TypeArray:
		return []bson.RawValue{v}
	case v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray && more && startsWithNumber(rest):
		return distinctValues(v.Value, rest)
	case v.Type != bson.TypeArray:
		return nil
	}
	var values []bson.RawValue
	it := value.Elements(v.Value)
	for {
		_, element, ok := it.Next()
		switch {
		case !ok:
			return values
		case !more:
			values = append(values, element)
		case element.Type == bson.TypeEmbeddedDocument || element.Type == bson.TypeArray:
			values = append(values, distinctValues(element.Value, rest)...)
		}
	}
}

func startsWithNumber(path string) bool {
	part, _, _ := strings.Cut(path, ".")
	return part != "" && strings.Trim(part, "0123456789") == ""
}
