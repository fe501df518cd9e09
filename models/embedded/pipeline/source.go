package pipeline

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// checkEvery is how many documents a stage takes between looks at its context.
const checkEvery = 128

// drain calls f with every document that follows and stops at its first error.
func drain(ctx context.Context, from Source, f func(doc bson.Raw) error) error {
	for n := 1; ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		doc, err := from.Next(ctx)
		if doc == nil || err != nil {
			return err
		}
		if err := f(doc); err != nil {
			return err
		}
	}
}

// listSource gives documents that are all there already.
type listSource struct{ docs []bson.Raw }

// List gives docs as a source.
func List(docs []bson.Raw) Source { return &listSource{docs} }

func (l *listSource) Next(ctx context.Context) (bson.Raw, error) {
	if len(l.docs) == 0 {
		return nil, nil
	}
	if len(l.docs)%checkEvery == 0 && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	doc := l.docs[0]
	l.docs[0] = nil
	l.docs = l.docs[1:]
	return doc, nil
}

func (l *listSource) Exhausted() bool { return len(l.docs) == 0 }

func (l *listSource) Close() error {
	l.docs = nil
	return nil
}

// eachSource turns each document into one or, where apply gives nil, none.
type eachSource struct {
	Source
	apply func(ctx context.Context, doc bson.Raw) (bson.Raw, error)
}

func (e *eachSource) Next(ctx context.Context) (bson.Raw, error) {
	for n := 1; ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		doc, err := e.Source.Next(ctx)
		if doc == nil || err != nil {
			return nil, err
		}
		if doc, err = e.apply(ctx, doc); doc != nil || err != nil {
			return doc, err
		}
	}
}

// gatherSource needs all documents before it gives the first.
type gatherSource struct {
	Source
	gather func(ctx context.Context, from Source) (Source, error)
	result Source // nil before gather ran
}

func (g *gatherSource) Next(ctx context.Context) (bson.Raw, error) {
	if g.result == nil {
		result, err := g.gather(ctx, g.Source)
		if err != nil {
			return nil, err
		}
		g.result = result
	}
	return g.result.Next(ctx)
}

func (g *gatherSource) Exhausted() bool { return g.result != nil && g.result.Exhausted() }

func (g *gatherSource) Close() error {
	g.result = List(nil)
	return g.Source.Close()
}
