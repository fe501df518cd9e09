package pipeline

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
)

// Query gives what the pipeline asks of its collection. ok is false where its first
// stage makes the documents.
func (p *Pipeline) Query() (q Query, ok bool, err error) {
	q = p.query
	q.Filter, err = query.ParseFilter(q.FilterDoc, p.env.Vars)
	return q, !p.generates(), err
}

// Stages gives the stages that run on the query's documents, as explain shows them.
func (p *Pipeline) Stages() bson.D {
	stages := bson.D{}
	for _, s := range p.steps {
		switch stage := s.stage.(type) {
		case *sortStage:
			shown := bson.D{{Key: "sortKey", Value: s.spec}}
			if stage.limit > 0 {
				shown = append(shown, bson.E{Key: "limit", Value: stage.limit})
			}
			stages = append(stages, bson.E{Key: s.name, Value: shown})
		case skipStage:
			stages = append(stages, bson.E{Key: s.name, Value: int64(stage)})
		case limitStage:
			stages = append(stages, bson.E{Key: s.name, Value: int64(stage)})
		default:
			stages = append(stages, bson.E{Key: s.name, Value: s.spec})
		}
	}
	return stages
}

// Work is what a stage did: the documents that it gave, and the time until it had
// given them, that of the stages before it included.
type Work struct {
	Returned int64
	Took     time.Duration
}

// Trace runs the pipeline, with reading as the store that its own query is put to,
// and gives the work of each of Stages. A pipeline that writes is refused.
func (p *Pipeline) Trace(ctx context.Context, reading Store) (work []Work, err error) {
	if p.Writes() {
		name := p.steps[len(p.steps)-1].name
		return nil, mongoerr.Code(51029).Errorf("%s cannot be explained with a verbosity above 'queryPlanner'", name)
	}
	work = make([]Work, len(p.steps))
	traced := *p
	traced.env.Store = reading
	traced.steps = make([]step, len(p.steps))
	for i, s := range p.steps {
		s.stage = &tracedStage{s.stage, &work[i]}
		traced.steps[i] = s
	}
	src, err := traced.run(nil)
	if err != nil {
		return nil, err
	}
	err = drain(ctx, src, func(bson.Raw) error { return nil })
	if cerr := src.Close(); err == nil {
		err = cerr
	}
	return work, err
}

// tracedStage notes the work of a stage.
type tracedStage struct {
	stage
	work *Work
}

func (t *tracedStage) open(from Source) Source { return &tracedSource{t.stage.open(from), t.work} }

type tracedSource struct {
	Source
	work *Work
}

func (t *tracedSource) Next(ctx context.Context) (bson.Raw, error) {
	began := time.Now()
	doc, err := t.Source.Next(ctx)
	t.work.Took += time.Since(began)
	if doc != nil {
		t.work.Returned++
	}
	return doc, err
}
