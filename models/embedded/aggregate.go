package embedded

import (
	"bytes"
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/storage"
)

// pipeline is a parsed aggregation: a query that storage runs, and the stages that
// follow it.
type pipeline struct {
	query  storage.Query
	stages []stage
}

// stage makes a source of documents from the one before it.
type stage func(source) source

// parsePipeline parses stages. Leading ones that a query can take are given to it:
// $match, then $sort, then $skip, then $limit.
func parsePipeline(stages []bson.Raw) (*pipeline, error) {
	p := &pipeline{}
	var filters []bson.Raw
	const matching, sorting, skipping, limiting, staging = 0, 1, 2, 3, 4
	state := matching
	for _, doc := range stages {
		elements, err := doc.Elements()
		if err != nil {
			return nil, mongoerr.InvalidBSON.Errorf("%v", err)
		}
		if len(elements) != 1 {
			return nil, mongoerr.New(40323, "Location40323", "A pipeline stage specification object must contain exactly one field.")
		}
		name, v := elements[0].Key(), elements[0].Value()
		next, err := parseStage(name, v)
		if err != nil {
			return nil, err
		}
		switch {
		case name == "$match" && state == matching:
			filters = append(filters, v.Document())
		case name == "$sort" && state < sorting:
			p.query.Sort, err = query.ParseSort(v.Document())
			state = sorting
		case name == "$skip" && state < skipping:
			p.query.Skip, _ = v.AsInt64OK()
			state = skipping
		case name == "$limit" && state < limiting:
			p.query.Limit, _ = v.AsInt64OK()
			state = limiting
		default:
			p.stages = append(p.stages, next)
			state = staging
		}
		if err != nil {
			return nil, err
		}
	}
	var err error
	p.query.Filter, err = query.ParseFilter(conjunction(filters), nil)
	return p, err
}

// conjunction joins filters into one.
func conjunction(filters []bson.Raw) bson.Raw {
	if len(filters) == 0 {
		return nil
	}
	if len(filters) == 1 {
		return filters[0]
	}
	doc, err := bson.Marshal(bson.D{{Key: "$and", Value: filters}})
	if err != nil {
		panic(err) // the filters are valid documents
	}
	return doc
}

func parseStage(name string, v bson.RawValue) (stage, error) {
	switch name {
	case "$match":
		return parseMatch(v)
	case "$sort":
		return parseSort(v)
	case "$skip", "$limit":
		return parseWindow(name, v)
	case "$count":
		return parseCountStage(v)
	case "$project":
		return parseProject(v)
	case "$group":
		return parseGroup(v)
	case "$changeStream":
		return nil, mongoerr.New(40573, "Location40573", "The $changeStream stage is only supported on replica sets")
	}
	return nil, mongoerr.UnrecognizedPipelineStage.Errorf("Unrecognized pipeline stage name: '%s'", name)
}

// aggregateArgs are the fields of an aggregate.
type aggregateArgs struct {
	ns       storage.Namespace
	pipeline *pipeline
	batch    int64
}

func (r *request) parseAggregate() (*aggregateArgs, error) {
	if _, ok := r.arg.StringValueOK(); !ok {
		if n, ok := r.arg.AsInt64OK(); ok && n == 1 {
			return nil, mongoerr.NotImplemented.Errorf("database aggregations are not supported")
		}
		return nil, mongoerr.FailedToParse.Errorf("Invalid command format: the 'aggregate' field must specify a collection name or 1")
	}
	ns, err := r.collection()
	if err != nil {
		return nil, err
	}
	a := &aggregateArgs{ns: ns, batch: firstBatch}
	var hint bson.RawValue
	var hasCursor, explain bool
	for _, f := range r.fields {
		switch f.name {
		case "pipeline":
		case "cursor":
			a.batch, err = r.cursorBatch(f, firstBatch)
			hasCursor = true
		case "explain":
			err = r.boolean(f, &explain)
		case "hint":
			hint = keep(f.v)
		case "allowDiskUse", "bypassDocumentValidation", "let", "fromMongos", "needsMerge":
		default:
			err = r.unknown(f)
		}
		if err != nil {
			return nil, err
		}
	}
	if explain {
		return nil, mongoerr.NotImplemented.Errorf("explain of an aggregation is not supported; explain the find")
	}
	if !hasCursor && !r.explaining {
		return nil, mongoerr.FailedToParse.Errorf("The 'cursor' option is required, except for aggregate with the explain argument")
	}
	docs, err := r.documents("pipeline")
	if err != nil {
		return nil, err
	}
	for i := range docs {
		docs[i] = bytes.Clone(docs[i])
	}
	if a.pipeline, err = parsePipeline(docs); err != nil {
		return nil, err
	}
	a.pipeline.query.Hint = hint
	return a, nil
}

func runAggregate(ctx context.Context, r *request, out []byte) ([]byte, error) {
	a, err := r.parseAggregate()
	if err != nil {
		return nil, err
	}
	var src source = &listSource{}
	if c := r.s.store.Collection(a.ns); c != nil {
		results, err := c.Find(a.pipeline.query)
		if err != nil {
			return nil, err
		}
		src = &findSource{results: results}
	}
	for _, next := range a.pipeline.stages {
		src = next(src)
	}
	return r.appendFirst(ctx, out, a.ns, src, a.batch, false)
}
