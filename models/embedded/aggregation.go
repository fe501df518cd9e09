package embedded

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/pipeline"
	"parlor/models/embedded/storage"
)

// aggregation is the store as a pipeline sees it. It outlives the request that it
// was made for, since a cursor does.
type aggregation struct {
	s         *Server
	journaled bool
	// unvalidated is bypassDocumentValidation.
	unvalidated bool
}

func (r *request) aggregation() *aggregation {
	unvalidated, _ := asBool(r.body.Lookup("bypassDocumentValidation"))
	return &aggregation{s: r.s, journaled: r.journaled, unvalidated: unvalidated}
}

// storageQuery is a pipeline's query as storage takes it.
func storageQuery(q pipeline.Query) storage.Query {
	return storage.Query{Filter: q.Filter, Sort: q.Sort, Skip: q.Skip, Limit: q.Limit, Hint: q.Hint, Count: q.Count}
}

func (a *aggregation) Resolve(ns pipeline.Namespace) (pipeline.Namespace, []bson.Raw, error) {
	on, stages, err := a.s.resolveView(storage.Namespace(ns))
	return pipeline.Namespace(on), stages, err
}

func (a *aggregation) Find(ns pipeline.Namespace, q pipeline.Query) (pipeline.Source, error) {
	c := a.s.store.Collection(storage.Namespace(ns))
	if c == nil {
		return pipeline.List(nil), nil
	}
	results, err := c.Find(storageQuery(q))
	if err != nil {
		return nil, err
	}
	return &querySource{results}, nil
}

// querySource gives the documents of a pipeline's query.
type querySource struct{ results *storage.Results }

// Next gives an empty document for one that is only counted.
func (q *querySource) Next(ctx context.Context) (bson.Raw, error) {
	_, doc, ok, err := q.results.Next(ctx)
	if doc == nil && ok {
		doc = bson.Raw{5, 0, 0, 0, 0}
	}
	return doc, err
}

func (q *querySource) Exhausted() bool { return q.results.Exhausted() }
func (q *querySource) Close() error    { return q.results.Close() }

func (a *aggregation) UniqueOn(ns pipeline.Namespace, fields []string) (unique, sparse bool) {
	if len(fields) == 1 && fields[0] == "_id" {
		return true, false
	}
	c := a.s.store.Collection(storage.Namespace(ns))
	if c == nil {
		return false, false
	}
	wanted := slices.Sorted(slices.Values(fields))
	for _, x := range c.Indexes() {
		if x.Spec.Unique && x.Spec.Partial == nil && slices.Equal(slices.Sorted(slices.Values(x.Spec.Paths)), wanted) {
			if !x.Spec.Sparse {
				return true, false
			}
			unique, sparse = true, true
		}
	}
	return unique, sparse
}

func (a *aggregation) Merge(ctx context.Context, ns pipeline.Namespace, changes []pipeline.Change) (err error) {
	c, w, err := (&request{s: a.s}).begin(storage.Namespace(ns), true)
	if err != nil {
		return err
	}
	w.Unvalidated = a.unvalidated
	for _, change := range changes {
		// Applied one by one: a change sees what those before it did.
		if err = errors.Join(a.merge(ctx, c, w, change), w.Apply()); err != nil {
			break
		}
	}
	return errors.Join(err, w.Commit(a.journaled))
}

func (a *aggregation) merge(ctx context.Context, c *storage.Collection, w *storage.Writer, change pipeline.Change) (err error) {
	if change.Filter != nil {
		results, err := c.Find(storage.Query{Filter: change.Filter, Limit: 1})
		if err != nil {
			return err
		}
		id, old, ok, err := results.Next(ctx)
		if ok {
			err = replace(w, id, old, change)
		}
		if err = errors.Join(err, results.Close()); ok || err != nil {
			return err
		}
	}
	doc, err := change.Apply(nil)
	if doc == nil || err != nil {
		return err
	}
	if doc, err = prepareInsert(doc, a.s.clock.now()); err != nil {
		return err
	}
	return w.Insert(doc)
}

func replace(w *storage.Writer, id storage.RecordID, old bson.Raw, change pipeline.Change) error {
	doc, err := change.Apply(old)
	if doc == nil || err != nil || bytes.Equal(doc, old) {
		return err
	}
	if err := checkUpdated(doc, old); err != nil {
		return err
	}
	return w.Update(id, old, doc)
}

func (a *aggregation) CollStats(ns pipeline.Namespace, o pipeline.CollStatsOptions) (bson.Raw, error) {
	c := a.s.store.Collection(storage.Namespace(ns))
	doc := bson.D{{Key: "ns", Value: ns.String()}, {Key: "host", Value: hostname()}, {Key: "localTime", Value: a.s.clock.now()}}
	if o.Latency || o.QueryExec {
		return nil, mongoerr.NotImplemented.Errorf("latencyStats and queryExecStats of $collStats are not supported by this server")
	}
	if c == nil && (o.Storage || o.Count) {
		what := "count"
		if o.Storage {
			what = "storageStats"
		}
		return nil, mongoerr.NamespaceNotFound.Errorf("Unable to retrieve %s in $collStats stage :: caused by :: Collection [%s] not found.", what, ns)
	}
	if o.Storage {
		doc = append(doc, bson.E{Key: "storageStats", Value: a.s.collStats(storage.Namespace(ns), o.Scale)})
	}
	if o.Count {
		doc = append(doc, bson.E{Key: "count", Value: c.Count()})
	}
	return bson.Marshal(doc)
}

func (a *aggregation) IndexStats(ns pipeline.Namespace) ([]bson.Raw, error) {
	c := a.s.store.Collection(storage.Namespace(ns))
	if c == nil {
		return nil, nil
	}
	var docs []bson.Raw
	for _, x := range c.Indexes() {
		queries, since := x.Usage()
		raw, err := bson.Marshal(bson.D{
			{Key: "name", Value: x.Spec.Name}, {Key: "key", Value: x.Spec.Key}, {Key: "host", Value: hostname()},
			{Key: "accesses", Value: bson.D{{Key: "ops", Value: queries}, {Key: "since", Value: since}}},
			{Key: "spec", Value: x.Spec.Raw},
		})
		if err != nil {
			return nil, err
		}
		docs = append(docs, raw)
	}
	return docs, nil
}

func (a *aggregation) CurrentOps(idleConnections, idleCursors bool) ([]bson.Raw, error) {
	return a.s.currentOps(currentOpOptions{idleConnections: idleConnections, idleCursors: idleCursors})
}

func (a *aggregation) Sessions() ([]bson.Raw, error) { return a.s.sessions.list() }
