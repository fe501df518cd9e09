package embedded

import (
	"context"
	"os"
	"runtime"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/pipeline"
	"parlor/models/embedded/storage"
)

// explainStore is what the query of a pipeline that is explained is put to: it keeps
// the results.
type explainStore struct {
	*aggregation
	found *findSource
	took  time.Duration
}

func (e *explainStore) Find(ns pipeline.Namespace, q pipeline.Query) (pipeline.Source, error) {
	src, err := e.aggregation.Find(ns, q)
	if found, ok := src.(*findSource); ok {
		e.found = found
		src = &timedSource{found, &e.took}
	}
	return src, err
}

// timedSource takes the time that a source takes.
type timedSource struct {
	*findSource
	took *time.Duration
}

func (t *timedSource) Next(ctx context.Context) (bson.Raw, error) {
	began := time.Now()
	defer func() { *t.took += time.Since(began) }()
	return t.findSource.Next(ctx)
}

// appendAggregateExplain answers the explain of an aggregate: as that of a find where
// the query does everything, otherwise stage by stage.
func (r *request) appendAggregateExplain(ctx context.Context, out []byte, a *aggregateArgs, verbosity string, command bson.Raw) ([]byte, error) {
	q, reads, err := a.pipeline.Query()
	if err != nil {
		return nil, err
	}
	e := explained{ns: a.ns, query: storageQuery(q), filter: q.FilterDoc}
	stages := a.pipeline.Stages()
	if reads && len(stages) == 0 {
		return e.append(ctx, r, out, verbosity, command)
	}
	store := &explainStore{aggregation: r.aggregation()}
	var work []pipeline.Work
	if verbosity != "queryPlanner" {
		if work, err = a.pipeline.Trace(ctx, store); err != nil {
			return nil, err
		}
	}
	var list bson.A
	if reads {
		cursor, err := r.cursorStage(e, store, q)
		if err != nil {
			return nil, err
		}
		list = append(list, cursor)
	}
	for i, s := range stages {
		stage := bson.D{s}
		if work != nil {
			stage = append(stage, bson.E{Key: "nReturned", Value: work[i].Returned}, bson.E{Key: "executionTimeMillisEstimate", Value: work[i].Took.Milliseconds()})
		}
		list = append(list, stage)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return appendFields(out, bson.D{
		{Key: "explainVersion", Value: "1"},
		{Key: "stages", Value: list},
		{Key: "serverInfo", Value: bson.D{{Key: "host", Value: host}, {Key: "version", Value: Version}, {Key: "gitVersion", Value: "embedded"}, {Key: "platform", Value: runtime.GOOS}}},
		{Key: "command", Value: command},
	})
}

// cursorStage describes the query of a pipeline and, where it has been run, what it
// did.
func (r *request) cursorStage(e explained, store *explainStore, q pipeline.Query) (bson.D, error) {
	ran := store.found != nil
	if !ran {
		src, err := store.Find(pipeline.Namespace(e.ns), q)
		if err != nil {
			return nil, err
		}
		if err := src.Close(); err != nil {
			return nil, err
		}
	}
	if e.filter == nil {
		e.filter = bson.Raw{5, 0, 0, 0, 0}
	}
	winning := bson.D{{Key: "stage", Value: "EOF"}}
	var results *storage.Results
	if store.found != nil {
		results = store.found.results
		winning = e.stages(results, nil)
	}
	cursor := bson.D{{Key: "queryPlanner", Value: bson.D{
		{Key: "namespace", Value: e.ns.String()},
		{Key: "indexFilterSet", Value: false},
		{Key: "parsedQuery", Value: e.filter},
		{Key: "winningPlan", Value: winning},
		{Key: "rejectedPlans", Value: bson.A{}},
	}}}
	if !ran {
		return bson.D{{Key: "$cursor", Value: cursor}}, nil
	}
	stats := executionStats(results.Returned, store.took, results.Scan.Stats, e.stages(results, &results.Scan.Stats))
	cursor = append(cursor, bson.E{Key: "executionStats", Value: stats})
	return bson.D{
		{Key: "$cursor", Value: cursor},
		{Key: "nReturned", Value: results.Returned},
		{Key: "executionTimeMillisEstimate", Value: store.took.Milliseconds()},
	}, nil
}
