package pipeline

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/query"
)

// transformStage is a stage that makes one document of one: $project, $set …
type transformStage struct{ transform *query.Transform }

func transformParser(name string) func(*parser, bson.RawValue) (stage, error) {
	return func(p *parser, v bson.RawValue) (stage, error) {
		t, err := query.ParseTransform(name, v, p.env.Vars)
		return &transformStage{t}, err
	}
}

func (t *transformStage) open(from Source) Source {
	return &eachSource{from, func(_ context.Context, doc bson.Raw) (bson.Raw, error) { return t.transform.Apply(doc) }}
}
