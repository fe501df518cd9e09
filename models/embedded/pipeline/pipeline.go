// Package pipeline parses and runs MongoDB's aggregation pipelines.
//
// A pipeline is a chain of sources: each stage takes documents from the one before
// it, one at a time, so that no stage holds the whole result unless its meaning
// needs all documents ($sort, $group …). What such a stage may hold is bounded.
// Documents are valid BSON of bounded depth, as the wire package checks. Errors are
// mongod's, with its codes and texts.
package pipeline

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
)

// Env is where a pipeline runs.
type Env struct {
	Store Store
	NS    Namespace
	// Hint names the index that the reading of NS must use; zero without.
	Hint bson.RawValue
	Vars *expr.Variables
}

// Pipeline is a parsed pipeline. It can be run several times, also concurrently.
type Pipeline struct {
	env Env
	// query is what the collection is asked, by the first pushed stages.
	query Query
	// pushed stages are part of query; steps run on what it gives.
	pushed, steps []step
}

// step is a stage with what it was parsed from.
type step struct {
	name  string
	spec  bson.RawValue
	kind  *kind
	stage stage
}

// stage makes a source of documents from the one before it. It is immutable.
type stage interface {
	open(from Source) Source
}

// Parse parses the stages of an aggregate command. The pipeline refers to their
// memory.
func Parse(stages []bson.Raw, env Env) (*Pipeline, error) {
	p := &parser{env: env}
	steps, err := p.parse(stages)
	if err != nil {
		return nil, err
	}
	if err := p.checkCollection(steps); err != nil {
		return nil, err
	}
	return p.pipeline(steps)
}

// CheckView reports what keeps stages from being the pipeline of a view.
func CheckView(stages []bson.Raw, view Namespace, env Env) error {
	p, err := Parse(stages, env)
	if err == nil && p.Writes() {
		at := len(stages) - 1
		err = mongoerr.New(167, "OptionNotSupportedOnView", "The aggregation stage %s in location %d of the pipeline cannot be used in the view definition of %s because it writes to disk", p.steps[len(p.steps)-1].name, at, view)
	}
	return err
}

// Writes reports whether the pipeline ends in $out or $merge.
func (p *Pipeline) Writes() bool {
	return len(p.steps) > 0 && p.steps[len(p.steps)-1].kind.last
}

// Run starts the pipeline. The source refuses documents that are too large for an
// answer.
func (p *Pipeline) Run() (Source, error) {
	src, err := p.run(nil)
	if err != nil {
		return nil, err
	}
	return &eachSource{src, checkSize}, nil
}

func checkSize(_ context.Context, doc bson.Raw) (bson.Raw, error) {
	if len(doc) > MaxDocumentSize {
		return nil, mongoerr.BSONObjectTooLarge.Errorf("BSONObj size: %d (0x%X) is invalid. Size must be between 0 and %d(16MB)", len(doc), len(doc), MaxDocumentSize+16<<10)
	}
	return doc, nil
}

// run starts the pipeline on the documents of its collection, those that match
// where if it isn't nil.
func (p *Pipeline) run(where bson.Raw) (Source, error) {
	q := p.query
	if where != nil {
		q.FilterDoc = conjunction(compact(where, q.FilterDoc))
	}
	filter, err := query.ParseFilter(q.FilterDoc, p.env.Vars)
	if err != nil {
		return nil, err
	}
	q.Filter = filter
	if !p.generates() {
		src, err := p.env.Store.Find(p.env.NS, q)
		if err != nil {
			return nil, err
		}
		return openAll(p.steps, src), nil
	}
	src := p.steps[0].stage.open(List(nil))
	if where != nil {
		src = (&matchStage{filter: filter}).open(src)
	}
	return openAll(p.steps[1:], src), nil
}

// generates reports whether the first stage makes documents by itself.
func (p *Pipeline) generates() bool { return len(p.steps) > 0 && p.steps[0].kind.generates }

func openAll(steps []step, src Source) Source {
	for _, s := range steps {
		src = s.stage.open(src)
	}
	return src
}

// chain is several stages as one.
type chain []stage

func (c chain) open(src Source) Source {
	for _, s := range c {
		src = s.open(src)
	}
	return src
}

// pipeline gives steps the part that the collection's query can take.
func (p *parser) pipeline(steps []step) (*Pipeline, error) {
	sortLimits(steps)
	out := &Pipeline{env: p.env, steps: steps, query: Query{Sort: &query.Sort{}, Hint: p.env.Hint}}
	if len(steps) > 0 && steps[0].kind.generates {
		return out, nil
	}
	n := out.push(steps)
	out.pushed, out.steps = steps[:n], steps[n:]
	out.query.Count = n < len(steps) && counts(steps[n].stage)
	return out, nil
}

// counts reports whether a stage only counts its documents.
func counts(s stage) bool {
	switch s := s.(type) {
	case countStage:
		return true
	case *groupStage:
		return s.counts
	}
	return false
}

// push puts leading stages into the query: $match, then $sort, then $skip, then
// $limit. It gives their number.
func (p *Pipeline) push(steps []step) int {
	const matching, sorting, skipping, limiting = 0, 1, 2, 3
	state := matching
	var filters []bson.Raw
	n := 0
loop:
	for _, s := range steps {
		switch stage := s.stage.(type) {
		case *matchStage:
			// Where documents are sorted first, filtering them first gives the same.
			if state > sorting {
				break loop
			}
			filters = append(filters, stage.doc)
		case *sortStage:
			if state > matching {
				break loop
			}
			p.query.Sort, state = stage.by, sorting
		case skipStage:
			if state >= skipping {
				break loop
			}
			p.query.Skip, state = int64(stage), skipping
		case limitStage:
			if state >= limiting {
				break loop
			}
			p.query.Limit, state = int64(stage), limiting
		default:
			break loop
		}
		n++
	}
	p.query.FilterDoc = conjunction(filters)
	return n
}

// conjunction joins filters into one; nil where there are none.
func conjunction(filters []bson.Raw) bson.Raw {
	switch len(filters) {
	case 0:
		return nil
	case 1:
		return filters[0]
	}
	var all arrayBuilder
	for _, f := range filters {
		all.add(documentValue(f))
	}
	return marshal(bson.D{{Key: "$and", Value: all.value()}})
}

func compact(filters ...bson.Raw) []bson.Raw {
	out := filters[:0:0]
	for _, f := range filters {
		if f != nil {
			out = append(out, f)
		}
	}
	return out
}

// sortLimits tells each $sort how many of its documents the $skip and $limit after
// it let through.
func sortLimits(steps []step) {
	for i := range steps {
		s, ok := steps[i].stage.(*sortStage)
		if !ok {
			continue
		}
		skip := int64(0)
		for _, next := range steps[i+1:] {
			if n, ok := next.stage.(skipStage); ok {
				skip += int64(n)
				continue
			}
			if n, ok := next.stage.(limitStage); ok && skip+int64(n) > 0 {
				steps[i].stage = &sortStage{by: s.by, limit: skip + int64(n)}
			}
			break
		}
	}
}

// joinClose closes several sources.
func joinClose(sources ...Source) error {
	var err error
	for _, s := range sources {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}
