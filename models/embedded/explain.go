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
	"parlor/models/embedded/query"
	"parlor/models/embedded/storage"
)

// explained is a command as explain sees it: a query and what is done with its
// documents.
type explained struct {
	ns     storage.Namespace
	query  storage.Query
	filter bson.Raw
	// projection is what find projects by, nil without one; its kind is "SIMPLE" or
	// "DEFAULT".
	projection     bson.Raw
	projectionKind string
	// top is the stage that stands above the query's: "COUNT", "UPDATE", "DELETE" or "".
	top string
}

// verbosity says how much explain tells.
type verbosity int

const (
	queryPlanner verbosity = iota
	executionStats
	allPlansExecution
)

var verbosities = map[string]verbosity{"queryPlanner": queryPlanner, "executionStats": executionStats, "allPlansExecution": allPlansExecution}

func runExplain(ctx context.Context, r *request, out []byte) ([]byte, error) {
	body, ok := r.arg.DocumentOK()
	if !ok {
		return nil, wrongType("explain.explain", r.arg, "object")
	}
	level := allPlansExecution
	for _, f := range r.fields {
		if f.name != "verbosity" {
			return nil, r.unknown(f)
		}
		name, _ := f.v.StringValueOK()
		if level, ok = verbosities[name]; !ok {
			return nil, mongoerr.BadValue.Errorf("Enumeration value '%s' for field 'explain.verbosity' is not a valid value.", name)
		}
	}
	inner := &request{s: r.s, conn: r.conn, db: r.db, body: body, sequences: r.sequences, explaining: true}
	if err := inner.parse(); err != nil {
		return nil, err
	}
	inner, err := inner.belowView()
	if err != nil {
		return nil, err
	}
	if inner.name == "aggregate" {
		a, err := inner.parseAggregate()
		if err != nil {
			return nil, err
		}
		return inner.appendAggregateExplain(ctx, out, a, level, body)
	}
	e, err := inner.explained()
	if err != nil {
		return nil, err
	}
	reply, err := r.s.explain(ctx, e, level)
	if err != nil {
		return nil, err
	}
	return appendFields(out, append(reply, bson.E{Key: "command", Value: body}, bson.E{Key: "serverInfo", Value: serverInfo()}))
}

func serverInfo() bson.D {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return bson.D{{Key: "host", Value: host}, {Key: "version", Value: Version}, {Key: "gitVersion", Value: "embedded"}, {Key: "platform", Value: runtime.GOOS}}
}

// explained parses the command that is to be explained.
func (r *request) explained() (e explained, err error) {
	switch r.name {
	case "find":
		a, err := r.parseFind()
		if err != nil {
			return e, err
		}
		e = explained{ns: a.ns, query: a.query, filter: r.lookup("filter")}
		e.project(a.projection, r.lookup("projection"))
		return e, nil
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
		e.project(a.projection, r.lookup("fields"))
		return e, nil
	default:
		err = mongoerr.CommandNotFound.Errorf("Explain failed due to unknown command: %s", r.name)
	}
	return e, err
}

// project notes a projection and its kind: simple is one of whole fields only.
func (e *explained) project(p *query.Projection, doc bson.Raw) {
	if p == nil {
		return
	}
	e.projection, e.projectionKind = doc, "DEFAULT"
	if simpleProjection(doc) {
		e.projectionKind = "SIMPLE"
	}
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

// explain gives explainVersion, queryPlanner and, where asked for, executionStats of
// a query. The query is run without its effect.
func (s *Server) explain(ctx context.Context, e explained, level verbosity) (bson.D, error) {
	planner := bson.D{{Key: "namespace", Value: e.ns.String()}, {Key: "indexFilterSet", Value: false}, {Key: "parsedQuery", Value: parsedQuery(e.filter)}}
	winning, rejected := bson.D{{Key: "stage", Value: "EOF"}}, bson.A{}
	var stats bson.D
	c := s.store.Collection(e.ns)
	switch {
	case c == nil && level > queryPlanner:
		stats = statsReply(0, 0, storage.Stats{}, winning)
	case c == nil:
	case e.top == "COUNT" && e.query.Filter.Empty() && e.query.Hint.IsZero():
		winning = bson.D{{Key: "stage", Value: "COUNT"}, {Key: "inputStage", Value: bson.D{{Key: "stage", Value: "RECORD_STORE_FAST_COUNT"}}}}
		if level > queryPlanner {
			stats = statsReply(0, 0, storage.Stats{}, winning)
		}
	default:
		run, err := e.run(ctx, s.clock, c, level)
		if err != nil {
			return nil, err
		}
		winning, stats = e.tree(run.plan).render(false), run.stats
		for _, p := range run.plan.Rejected {
			rejected = append(rejected, e.tree(p).render(false))
		}
	}
	planner = append(planner, bson.E{Key: "winningPlan", Value: winning}, bson.E{Key: "rejectedPlans", Value: rejected})
	reply := bson.D{{Key: "explainVersion", Value: "1"}, {Key: "queryPlanner", Value: planner}}
	if stats != nil {
		reply = append(reply, bson.E{Key: "executionStats", Value: stats})
	}
	return reply, nil
}

// explainedRun is a plan and, where it was run, what it did.
type explainedRun struct {
	plan  *storage.Plan
	stats bson.D
}

// run plans the query and, if asked to, runs it without its effect.
func (e explained) run(ctx context.Context, clock clock, c *storage.Collection, level verbosity) (run explainedRun, err error) {
	results, err := c.Find(e.query)
	if err != nil {
		return run, err
	}
	defer func() { err = errors.Join(err, results.Close()) }()
	run.plan = results.Scan.Plan
	if level == queryPlanner {
		return run, nil
	}
	began := clock.now()
	for {
		_, _, ok, err := results.Next(ctx)
		if err != nil {
			return run, err
		}
		if !ok {
			break
		}
	}
	took := clock.now().Sub(began)
	work := results.Scan.Work()
	tree := e.tree(run.plan)
	tree.measure(work, results.Returned, e.query.Skip)
	returned := results.Returned
	if e.top == "COUNT" || e.top == "UPDATE" || e.top == "DELETE" {
		returned = 0
	}
	run.stats = statsReply(returned, took, work, tree.render(true))
	if level == allPlansExecution {
		run.stats = append(run.stats, bson.E{Key: "allPlansExecution", Value: e.trials(run.plan)})
	}
	return run, nil
}

// trials gives what each plan did in the trial that chose among them.
func (e explained) trials(winner *storage.Plan) bson.A {
	out := bson.A{}
	for _, p := range append([]*storage.Plan{winner}, winner.Rejected...) {
		if p.Trial == nil {
			continue
		}
		tree := e.scanTree(p)
		tree.measure(*p.Trial, p.Trial.Matched, 0)
		out = append(out, bson.D{
			{Key: "nReturned", Value: p.Trial.Matched},
			{Key: "executionTimeMillisEstimate", Value: int32(0)},
			{Key: "totalKeysExamined", Value: p.Trial.KeysExamined},
			{Key: "totalDocsExamined", Value: p.Trial.DocsExamined},
			{Key: "executionStages", Value: tree.render(true)},
		})
	}
	return out
}

func statsReply(returned int64, took time.Duration, s storage.Stats, stages bson.D) bson.D {
	return bson.D{
		{Key: "executionSuccess", Value: true},
		{Key: "nReturned", Value: returned},
		{Key: "executionTimeMillis", Value: int32(took.Milliseconds())},
		{Key: "totalKeysExamined", Value: s.KeysExamined},
		{Key: "totalDocsExamined", Value: s.DocsExamined},
		{Key: "executionStages", Value: stages},
	}
}
