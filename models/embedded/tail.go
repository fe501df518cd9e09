package embedded

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/query"
	"parlor/models/embedded/storage"
)

// tailSource is the source of a tailable cursor.
type tailSource struct {
	tail       *storage.Tail
	projection *query.Projection
}

func (t *tailSource) Next(ctx context.Context) (bson.Raw, error) {
	doc, ok, err := t.tail.Next(ctx)
	if err != nil || !ok {
		return nil, err
	}
	if t.projection != nil {
		return t.projection.Apply(doc)
	}
	return doc, nil
}

func (t *tailSource) Exhausted() bool                 { return t.tail.Exhausted() }
func (t *tailSource) Await(ctx context.Context) error { return t.tail.Wait(ctx) }
func (t *tailSource) Close() error                    { return t.tail.Close() }
