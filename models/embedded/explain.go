package embedded

import (
	"context"
	"errors"
	"os"
	"runtime"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/storage"
)

// explained is a command as explain sees it: a query and what is done with its
// documents.
type explained struct {
	ns     storage.Namespace
	query  storage.Query
	filter bson.Raw
	// projected and top say which stages stand above the query's.
	projected bool
	top       string // "COUNT", "UPDATE", "DELETE" or ""
}

func runExplain(ctx context.Context, r *request, out []byte) ([]byte, error) {
	body, ok := r.arg.DocumentOK()
	if !ok {
		return nil, wrongType("explain.explain", r.arg, "object")
	}
	verbosity := "allPlansExecution"
	for _, f := range r.fields {
		if f.name != "verbosity" {
			return nil, r.unknown(f)
		}
		verbosity, _ = f.v.StringValueOK()
	}
	if verbosity != "queryPlanner" && verbosity != "executionStats" && verbosity != "allPlansExecution" {
		return nil, mongoerr.BadValue.Errorf("Enumeration value '%s' for field 'explain.verbosity' is not a valid value.", verbosity)
	}
	inner := &request{s: r.s, conn: r.conn, db: r.db, body: body, sequences: r.sequences, explaining: true}
	if err := inner.parse(); err != nil {
		return nil, err
	}
	e, err := inner.explained()
	if err != nil {
		return nil, err
	}
	return e.append(ctx, r, out, verbosity, body)
}

// explained parses the command that is to be explained.
func (r *request) explained() (e explained, err error) {
	switch r.name {
	case "find":
		a, err := r.parseFind()
		if err != nil {
			return e, err
		}
		return explained{ns: a.ns, query: a.query, projected: a.projection != nil, filter: r.lookup("filter")}, nil
	case "count":
		e.top, e.filter = "COUNT", r.lookup("query")
		e.ns, e.query, err = r.parseCount()
	case "distinct":
		e.filter = r.lookup("query")
		e.ns, _, e.query, err = r.parseDistinct()
	case "update":
		return r.explainedWrite("updates", "UPDATE", func(doc bson.Raw, vars *expr.Variables) (storage.Query, error) {
			s, err := r.readUpdate(doc)
			if err != nil {
				return storage.Query{}, err
			}
			ch, err := s.parse(r, vars)
			if err != nil {
				return storage.Query{}, err
			}
			if !ch.multi {
				ch.query.Limit = 1
			}
			return ch.query, nil
		})
	case "delete":
		return r.explainedWrite("deletes", "DELETE", r.parseDelete)
	case "findAndModify", "findandmodify":
		a, err := r.parseFindAndModify()
		if err != nil {
			return e, err
		}
		e = explained{ns: a.ns, query: a.change.query, top: "UPDATE", filter: r.lookup("query")}
		e.query.Limit = 1
		if a.remove {
			e.top = "DELETE"
		}
		return e, nil
	case "aggregate":
		a, err := r.parseAggregate()
		if err != nil {
			return e, err
		}
		if len(a.pipeline.stages) > 0 {
			return e, mongoerr.NotImplemented.Errorf("explain of this aggregation is not supported")
		}
		return explained{ns: a.ns, query: a.pipeline.query}, nil
	default:
		err = mongoerr.CommandNotFound.Errorf("Explain failed due to unknown command: %s", r.name)
	}
	return e, err
}

func (r *request) explainedWrite(list, top string, parse func(bson.Raw, *expr.Variables) (storage.Query, error)) (e explained, err error) {
	a, err := r.parseBatch(list)
	if err != nil {
		return e, err
	}
	if len(a.writes) != 1 {
		return e, mongoerr.InvalidLength.Errorf("explained write batches must be of size 1")
	}
	q, err := parse(a.writes[0], a.vars)
	filter, _ := a.writes[0].Lookup("q").DocumentOK()
	return explained{ns: a.ns, query: q, top: top, filter: filter}, err
}

func (r *request) lookup(name string) bson.Raw {
	doc, _ := r.body.Lookup(name).DocumentOK()
	return doc
}

func (e explained) append(ctx context.Context, r *request, out []byte, verbosity string, body bson.Raw) ([]byte, error) {
	if e.filter == nil {
		e.filter = bson.Raw{5, 0, 0, 0, 0}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	planner := bson.D{{Key: "namespace", Value: e.ns.String()}, {Key: "indexFilterSet", Value: false}, {Key: "parsedQuery", Value: e.filter}}
	winning := bson.D{{Key: "stage", Value: "EOF"}}
	var stats bson.D
	if c := r.s.store.Collection(e.ns); c != nil {
		if winning, stats, err = e.run(ctx, r.s.clock, c, verbosity != "queryPlanner"); err != nil {
			return nil, err
		}
	}
	planner = append(planner, bson.E{Key: "winningPlan", Value: winning}, bson.E{Key: "rejectedPlans", Value: bson.A{}})
	reply := bson.D{{Key: "explainVersion", Value: "1"}, {Key: "queryPlanner", Value: planner}}
	if stats != nil {
		reply = append(reply, bson.E{Key: "executionStats", Value: stats})
	}
	return appendFields(out, append(reply,
		bson.E{Key: "command", Value: body},
		bson.E{Key: "serverInfo", Value: bson.D{{Key: "host", Value: host}, {Key: "version", Value: Version}, {Key: "gitVersion", Value: "embedded"}, {Key: "platform", Value: runtime.GOOS}}},
	))
}

// run plans the query and, if asked to, runs it without its effect.
func (e explained) run(ctx context.Context, clock clock, c *storage.Collection, execute bool) (winning, stats bson.D, err error) {
	if e.top == "COUNT" && e.query.Filter.Empty() && e.query.Hint.IsZero() {
		winning = bson.D{{Key: "stage", Value: "RECORD_STORE_FAST_COUNT"}}
		if execute {
			stats = executionStats(0, 0, storage.Stats{}, winning)
		}
		return winning, stats, nil
	}
	results, err := c.Find(e.query)
	if err != nil {
		return nil, nil, err
	}
	winning = e.stages(results, nil)
	if execute {
		began := clock.now()
		for ok := true; ok && err == nil; {
			_, _, ok, err = results.Next(ctx)
		}
		stats = executionStats(results.Returned, clock.now().Sub(began), results.Scan.Stats, e.stages(results, &results.Scan.Stats))
	}
	return winning, stats, errors.Join(err, results.Close())
}

func executionStats(returned int64, took time.Duration, s storage.Stats, stages bson.D) bson.D {
	return bson.D{
		{Key: "executionSuccess", Value: true},
		{Key: "nReturned", Value: returned},
		{Key: "executionTimeMillis", Value: int32(took.Milliseconds())},
		{Key: "totalKeysExamined", Value: s.KeysExamined},
		{Key: "totalDocsExamined", Value: s.DocsExamined},
		{Key: "executionStages", Value: stages},
	}
}

// stages renders the plan from the top down; with stats, what each stage did.
func (e explained) stages(results *storage.Results, stats *storage.Stats) bson.D {
	p := results.Scan.Plan
	direction := "forward"
	if p.Reverse {
		direction = "backward"
	}
	var plan bson.D
	switch {
	case p.Index == nil:
		plan = bson.D{{Key: "stage", Value: "COLLSCAN"}, {Key: "filter", Value: e.filter}, {Key: "direction", Value: direction}}
		plan = examined(plan, stats, false)
	case p.Point && p.Index.Spec.Name == storage.IDIndex:
		plan = examined(bson.D{{Key: "stage", Value: "IDHACK"}}, stats, true)
	default:
		plan = examined(bson.D{
			{Key: "stage", Value: "IXSCAN"},
			{Key: "keyPattern", Value: p.Index.Spec.Key},
			{Key: "indexName", Value: p.Index.Spec.Name},
			{Key: "isMultiKey", Value: p.Index.Multikey},
			{Key: "isUnique", Value: p.Index.Spec.Unique},
			{Key: "isSparse", Value: p.Index.Spec.Sparse},
			{Key: "isPartial", Value: p.Index.Spec.Partial != nil},
			{Key: "indexVersion", Value: int32(2)},
			{Key: "direction", Value: direction},
			{Key: "indexBounds", Value: p.Bounds()},
		}, stats, true)
		plan = bson.D{{Key: "stage", Value: "FETCH"}, {Key: "filter", Value: e.filter}, {Key: "inputStage", Value: plan}}
		plan = examined(plan, stats, false)
	}
	plan = e.above(plan, results)
	return plan
}

// above puts the stages on top that follow the reading.
func (e explained) above(plan bson.D, results *storage.Results) bson.D {
	on := func(stage string, fields ...bson.E) {
		plan = append(append(bson.D{{Key: "stage", Value: stage}}, fields...), bson.E{Key: "inputStage", Value: plan})
	}
	if !results.Scan.Plan.Sorted {
		pattern := bson.D{}
		for _, f := range e.query.Sort.Fields {
			order := int32(1)
			if f.Desc {
				order = -1
			}
			pattern = append(pattern, bson.E{Key: f.Path, Value: order})
		}
		on("SORT", bson.E{Key: "sortPattern", Value: pattern}, bson.E{Key: "memLimit", Value: int32(storage.MaxSortBytes)}, bson.E{Key: "type", Value: "simple"})
	}
	if e.query.Skip > 0 {
		on("SKIP", bson.E{Key: "skipAmount", Value: e.query.Skip})
	}
	if e.query.Limit > 0 && e.top != "UPDATE" && e.top != "DELETE" {
		on("LIMIT", bson.E{Key: "limitAmount", Value: e.query.Limit})
	}
	if e.projected {
		on("PROJECTION_DEFAULT")
	}
	if e.top != "" {
		on(e.top)
	}
	return plan
}

func examined(plan bson.D, stats *storage.Stats, keys bool) bson.D {
	switch {
	case stats == nil:
		return plan
	case keys:
		return append(plan, bson.E{Key: "keysExamined", Value: stats.KeysExamined})
	}
	return append(plan, bson.E{Key: "docsExamined", Value: stats.DocsExamined})
}
