package embedded

import (
	"bytes"
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/pipeline"
	"parlor/models/embedded/storage"
)

// aggregateArgs are the fields of an aggregate.
type aggregateArgs struct {
	// ns has the collection $cmd.aggregate where the command names the database.
	ns       storage.Namespace
	pipeline *pipeline.Pipeline
	batch    int64
	explain  bool
}

func (r *request) parseAggregate() (*aggregateArgs, error) {
	ns, err := r.aggregated()
	if err != nil {
		return nil, err
	}
	a := &aggregateArgs{ns: storage.Namespace(ns), batch: firstBatch}
	if ns.Collection == "" {
		a.ns.Collection = databaseCursor
	}
	env := pipeline.Env{NS: ns, Store: r.aggregation()}
	hasCursor := false
	for _, f := range r.fields {
		var ignored bool
		switch f.name {
		case "pipeline", "let":
		case "cursor":
			a.batch, err = r.cursorBatch(f, firstBatch)
			hasCursor = true
		case "explain":
			err = r.boolean(f, &a.explain)
		case "hint":
			env.Hint = keep(f.v)
		case "allowDiskUse", "bypassDocumentValidation", "fromMongos", "needsMerge":
			// Stages never spill.
			err = r.boolean(f, &ignored)
		default:
			err = r.unknown(f)
		}
		if err != nil {
			return nil, err
		}
	}
	a.explain = a.explain || r.explaining
	if !hasCursor && !a.explain {
		return nil, mongoerr.FailedToParse.Errorf("The 'cursor' option is required, except for aggregate with the explain argument")
	}
	if env.Vars, err = r.variables(); err != nil {
		return nil, err
	}
	stages, err := r.pipelineStages()
	if err != nil {
		return nil, err
	}
	a.pipeline, err = pipeline.Parse(stages, env)
	return a, err
}

// databaseCursor names the collection of a cursor over {aggregate: 1}.
const databaseCursor = "$cmd.aggregate"

// aggregated is what the command is about: a collection, or with 1 the database.
func (r *request) aggregated() (pipeline.Namespace, error) {
	if _, ok := r.arg.StringValueOK(); ok {
		ns, err := r.collection()
		return pipeline.Namespace(ns), err
	}
	if n, ok := r.arg.AsFloat64OK(); !ok || n != 1 {
		return pipeline.Namespace{}, mongoerr.FailedToParse.Errorf("Invalid command format: the 'aggregate' field must specify a collection name or 1")
	}
	return pipeline.Namespace{DB: r.db}, nil
}

// pipelineStages copies the stages, which a cursor needs longer than the request's
// buffer lives.
func (r *request) pipelineStages() ([]bson.Raw, error) {
	docs, err := r.documents("pipeline")
	if err != nil {
		return nil, err
	}
	stages := make([]bson.Raw, len(docs))
	for i := range docs {
		stages[i] = bytes.Clone(docs[i])
	}
	return stages, nil
}

func runAggregate(ctx context.Context, r *request, out []byte) ([]byte, error) {
	a, err := r.parseAggregate()
	if err != nil {
		return nil, err
	}
	if a.explain {
		return r.appendAggregateExplain(ctx, out, a, queryPlanner, r.body)
	}
	src, err := a.pipeline.Run()
	if err != nil {
		return nil, err
	}
	if a.pipeline.Writes() && a.batch == 0 {
		a.batch = firstBatch // it is done at once, whatever the client wants to see
	}
	out, err = r.appendFirst(ctx, out, a.ns, src, a.batch, false)
	return out, aggregationError(err)
}

// aggregationError says where an error came up, as mongod does.
func aggregationError(err error) error {
	var known *mongoerr.Error
	if !errors.As(err, &known) {
		return err
	}
	said := *known
	said.Message = "PlanExecutor error during aggregation :: caused by :: " + known.Message
	return &said
}
