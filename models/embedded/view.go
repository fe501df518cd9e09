package embedded

import (
	"context"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/storage"
)

type runner = func(ctx context.Context, r *request, out []byte) ([]byte, error)

// orView runs a reading command, or, where it names a view, what does the same with
// an aggregation of the collection below.
func orView(run, onView runner) runner {
	return func(ctx context.Context, r *request, out []byte) ([]byte, error) {
		if name, ok := r.arg.StringValueOK(); ok && r.s.store.View(storage.Namespace{DB: r.db, Collection: name}) != nil {
			return onView(ctx, r, out)
		}
		return run(ctx, r, out)
	}
}

// viewed gives the aggregate over the collection below the view that r names: its
// pipeline, then stages. The fields of r that are named in passed go along.
func (r *request) viewed(stages []bson.Raw, passed ...string) (*request, error) {
	name, _ := r.arg.StringValueOK()
	view := storage.Namespace{DB: r.db, Collection: name}
	ns, pipeline, err := r.s.resolveView(view)
	if err != nil {
		return nil, err
	}
	index, body := bsoncore.AppendDocumentStart(nil)
	body = bsoncore.AppendStringElement(body, "aggregate", ns.Collection)
	body = appendDocuments(body, "pipeline", append(pipeline, stages...))
	for _, f := range r.fields {
		for _, name := range passed {
			if f.name == name {
				body = appendValue(body, f.name, f.v)
			}
		}
	}
	body = endDocument(body, index)
	inner := *r
	inner.body, inner.fields, inner.sequences, inner.view = body, nil, nil, &view
	inner.name, inner.arg = "aggregate", bson.Raw(body).Lookup("aggregate")
	err = eachField(body, func(f field) error {
		if f.name != "aggregate" {
			inner.fields = append(inner.fields, f)
		}
		return nil
	})
	return &inner, err
}

func appendDocuments(out []byte, name string, docs []bson.Raw) []byte {
	index, out := bsoncore.AppendArrayElementStart(out, name)
	for i, doc := range docs {
		out = bsoncore.AppendDocumentElement(out, strconv.Itoa(i), doc)
	}
	return endDocument(out, index)
}

func stageOf(name string, v any) bson.Raw {
	doc, err := bson.Marshal(bson.D{{Key: name, Value: v}})
	if err != nil {
		panic(err) // of values that were read from BSON
	}
	return doc
}

// stages gives the stages that do what the fields of a find, count or distinct do.
func (r *request) stages() (stages []bson.Raw, err error) {
	var skip, limit int64
	for _, f := range r.fields {
		switch f.name {
		case "skip":
			err = r.natural(f, &skip)
		case "limit":
			limit, _ = f.v.AsInt64OK()
			limit = max(limit, -limit)
		case "filter", "query", "sort", "projection", "key", "batchSize", "singleBatch", "hint", "allowDiskUse", "let", "noCursorTimeout", "allowPartialResults", "fields":
		case "showRecordId", "returnKey", "tailable", "awaitData", "oplogReplay", "min", "max":
			if on, isBool := f.v.BooleanOK(); !isBool || on {
				err = mongoerr.InvalidPipelineOperator.Errorf("Option %s not supported in aggregation.", f.name)
			}
		default:
			err = r.unknown(f)
		}
		if err != nil {
			return nil, err
		}
	}
	add := func(stage, field string) {
		if doc := r.lookup(field); len(doc) > 5 {
			stages = append(stages, stageOf(stage, doc))
		}
	}
	add("$match", "filter")
	add("$match", "query")
	add("$sort", "sort")
	if skip > 0 {
		stages = append(stages, stageOf("$skip", skip))
	}
	if limit > 0 {
		stages = append(stages, stageOf("$limit", limit))
	}
	add("$project", "projection")
	return stages, nil
}

// belowView gives the aggregate that does what r does on a view; r itself where it
// names none.
func (r *request) belowView() (*request, error) {
	name, ok := r.arg.StringValueOK()
	ns := storage.Namespace{DB: r.db, Collection: name}
	if !ok || r.s.store.View(ns) == nil {
		return r, nil
	}
	switch r.name {
	case "find":
		return r.findBelow()
	case "aggregate":
		return r.aggregateBelow(ns)
	case "count", "distinct":
		stages, err := r.stages()
		if err != nil {
			return nil, err
		}
		return r.viewed(stages, "hint")
	}
	return nil, r.notView(ns)
}

func (r *request) findBelow() (*request, error) {
	stages, err := r.stages()
	if err != nil {
		return nil, err
	}
	inner, err := r.viewed(stages, "hint", "let", "allowDiskUse")
	if err != nil {
		return nil, err
	}
	cursor := bson.D{}
	if size := r.body.Lookup("batchSize"); !size.IsZero() {
		cursor = append(cursor, bson.E{Key: "batchSize", Value: size})
	}
	inner.fields = append(inner.fields, field{"cursor", asValue(cursor)})
	inner.single, _ = asBool(r.body.Lookup("singleBatch"))
	return inner, nil
}

func (r *request) aggregateBelow(view storage.Namespace) (*request, error) {
	stages, err := r.documents("pipeline")
	if err != nil {
		return nil, err
	}
	if len(stages) > 0 {
		// They tell of what is stored.
		if first, err := stages[0].IndexErr(0); err == nil && (first.Key() == "$collStats" || first.Key() == "$indexStats") {
			return nil, r.notView(view)
		}
	}
	inner, err := r.viewed(stages)
	if err != nil {
		return nil, err
	}
	for _, f := range r.fields {
		if f.name != "pipeline" {
			inner.fields = append(inner.fields, f)
		}
	}
	return inner, nil
}

// runOnView runs find or aggregate on a view.
func runOnView(ctx context.Context, r *request, out []byte) ([]byte, error) {
	inner, err := r.belowView()
	if err != nil {
		return nil, err
	}
	return runAggregate(ctx, inner, out)
}

// one runs stages over the view and gives the one document that comes out, nil if
// none does.
func (r *request) one(ctx context.Context, stages []bson.Raw) (bson.Raw, error) {
	inner, err := r.viewed(stages, "hint")
	if err != nil {
		return nil, err
	}
	inner.single = true
	inner.fields = append(inner.fields, field{"cursor", asValue(bson.D{})})
	index, reply := bsoncore.AppendDocumentStart(nil)
	if reply, err = runAggregate(ctx, inner, reply); err != nil {
		return nil, err
	}
	doc, _ := bson.Raw(endDocument(reply, index)).Lookup("cursor", "firstBatch", "0").DocumentOK()
	return doc, nil
}

func countOnView(ctx context.Context, r *request, out []byte) ([]byte, error) {
	stages, err := r.stages()
	if err != nil {
		return nil, err
	}
	doc, err := r.one(ctx, append(stages, stageOf("$count", "count")))
	if err != nil {
		return nil, err
	}
	n, _ := doc.Lookup("count").AsInt64OK()
	return appendNumber(out, "n", n), nil
}

func distinctOnView(ctx context.Context, r *request, out []byte) ([]byte, error) {
	key, ok := r.body.Lookup("key").StringValueOK()
	if !ok {
		return nil, mongoerr.MissingCommandField.Errorf("BSON field 'distinct.key' is missing but a required field")
	}
	stages, err := r.stages()
	if err != nil {
		return nil, err
	}
	doc, err := r.one(ctx, append(stages,
		stageOf("$unwind", bson.D{{Key: "path", Value: "$" + key}, {Key: "preserveNullAndEmptyArrays", Value: true}}),
		stageOf("$match", bson.D{{Key: key, Value: bson.D{{Key: "$exists", Value: true}, {Key: "$not", Value: bson.D{{Key: "$type", Value: "array"}}}}}}),
		stageOf("$group", bson.D{{Key: "_id", Value: nil}, {Key: "distinct", Value: bson.D{{Key: "$addToSet", Value: "$" + key}}}}),
	))
	if err != nil {
		return nil, err
	}
	values := doc.Lookup("distinct")
	if values.IsZero() {
		index, out := bsoncore.AppendArrayElementStart(out, "values")
		return endDocument(out, index), nil
	}
	return appendValue(out, "values", values), nil
}

// asValue marshals what certainly can be.
func asValue(v any) bson.RawValue {
	t, data, err := bson.MarshalValue(v)
	if err != nil {
		panic(err)
	}
	return bson.RawValue{Type: t, Value: data}
}
