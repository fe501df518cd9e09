package embedded

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/pipeline"
	"parlor/models/embedded/storage"
)

// explainStore is what the query of a pipeline that is explained is put to: it notes
// what the query did.
type explainStore struct {
	*aggregation
	plan     *storage.Plan // nil before the query, and without a collection
	work     storage.Stats
	returned int64
	took     time.Duration
}

func (e *explainStore) Find(ns pipeline.Namespace, q pipeline.Query) (pipeline.Source, error) {
	src, err := e.aggregation.Find(ns, q)
	if found, ok := src.(*querySource); ok {
		e.plan = found.results.Scan.Plan
		return &notedSource{found, e}, err
	}
	return src, err
}

// notedSource notes the time and the work of a query.
type notedSource struct {
	*querySource
	store *explainStore
}

func (n *notedSource) Next(ctx context.Context) (bson.Raw, error) {
	began := time.Now()
	defer func() { n.store.took += time.Since(began) }()
	return n.querySource.Next(ctx)
}

func (n *notedSource) Close() error {
	n.store.work, n.store.returned = n.results.Scan.Work(), n.results.Returned
	return n.querySource.Close()
}

// appendAggregateExplain answers the explain of an aggregate: as that of a find where
// the query does everything, otherwise stage by stage.
func (r *request) appendAggregateExplain(ctx context.Context, out []byte, a *aggregateArgs, level verbosity, command bson.Raw) ([]byte, error) {
	q, reads, err := a.pipeline.Query()
	if err != nil {
		return nil, err
	}
	e := explained{ns: a.ns, query: storageQuery(q), filter: q.FilterDoc}
	stages := a.pipeline.Stages()
	var reply bson.D
	if reads && len(stages) == 0 {
		reply, err = r.s.explain(ctx, e, level)
	} else {
		reply, err = r.explainStages(ctx, e, a.pipeline, stages, reads, level)
	}
	if err != nil {
		return nil, err
	}
	return appendFields(out, append(reply, bson.E{Key: "command", Value: command}, bson.E{Key: "serverInfo", Value: serverInfo()}))
}

func (r *request) explainStages(ctx context.Context, e explained, p *pipeline.Pipeline, stages bson.D, reads bool, level verbosity) (bson.D, error) {
	store := &explainStore{aggregation: r.aggregation()}
	var work []pipeline.Work
	if level > queryPlanner {
		var err error
		if work, err = p.Trace(ctx, store); err != nil {
			return nil, err
		}
	}
	var list bson.A
	if reads {
		planned, err := r.s.explain(ctx, e, queryPlanner)
		if err != nil {
			return nil, err
		}
		list = append(list, store.cursorStage(e, planned[1], level))
	}
	for i, s := range stages {
		stage := bson.D{s}
		if work != nil {
			stage = append(stage, measured(work[i].Returned, work[i].Took)...)
		}
		list = append(list, stage)
	}
	return bson.D{{Key: "explainVersion", Value: "1"}, {Key: "stages", Value: list}}, nil
}

// cursorStage describes the query of a pipeline and, where it has been run, what it
// did.
func (e *explainStore) cursorStage(of explained, planner bson.E, level verbosity) bson.D {
	cursor := bson.D{planner}
	if level == queryPlanner {
		return bson.D{{Key: "$cursor", Value: cursor}}
	}
	stats := statsReply(0, 0, storage.Stats{}, bson.D{{Key: "stage", Value: "EOF"}})
	if e.plan != nil {
		tree := of.tree(e.plan)
		tree.measure(e.work, e.returned, of.query.Skip)
		stats = statsReply(e.returned, e.took, e.work, tree.render(true))
	}
	cursor = append(cursor, bson.E{Key: "executionStats", Value: stats})
	return append(bson.D{{Key: "$cursor", Value: cursor}}, measured(e.returned, e.took)...)
}

func measured(returned int64, took time.Duration) bson.D {
	return bson.D{{Key: "nReturned", Value: returned}, {Key: "executionTimeMillisEstimate", Value: took.Milliseconds()}}
}
