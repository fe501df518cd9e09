package pipeline

import (
	"context"
	"iter"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// facetStage is $facet: pipelines that all read the same documents.
type facetStage struct {
	names     []string
	pipelines [][]step
}

func parseFacet(p *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument || len(v.Value) == 5 {
		return nil, mongoerr.Code(40169).Errorf("the $facet specification must be a non-empty object, but found: $facet: %s", value.Format(v))
	}
	inner, err := p.sub("$facet", p.env.NS)
	if err != nil {
		return nil, err
	}
	f := &facetStage{}
	it := value.Elements(v.Value)
	for {
		key, list, ok := it.Next()
		if !ok {
			return f, nil
		}
		docs, err := facetPipeline(string(key), list)
		if err != nil {
			return nil, err
		}
		steps, err := inner.parse(docs)
		if err != nil {
			return nil, err
		}
		sortLimits(steps)
		f.names, f.pipelines = append(f.names, string(key)), append(f.pipelines, steps)
	}
}

func facetPipeline(name string, v bson.RawValue) ([]bson.Raw, error) {
	if err := checkFieldName(name); err != nil {
		return nil, err
	}
	if v.Type != bson.TypeArray {
		return nil, mongoerr.Code(40170).Errorf("arguments to $facet must be arrays, %s is type %s", name, value.TypeName(v.Type))
	}
	var docs []bson.Raw
	it := value.Elements(v.Value)
	for {
		key, item, ok := it.Next()
		if !ok {
			return docs, nil
		}
		if item.Type != bson.TypeEmbeddedDocument {
			return nil, mongoerr.Code(40171).Errorf("elements of arrays in $facet spec must be non-empty objects, %s argument contained an element of type %s: %s: %s",
				name, value.TypeName(item.Type), key, value.Format(item))
		}
		docs = append(docs, item.Value)
	}
}

func (f *facetStage) open(from Source) Source { return &gatherSource{Source: from, gather: f.gather} }

// gather hands each document to every pipeline before it takes the next, so that
// the input is never held as a whole. The pipelines run as coroutines: each pulls,
// and is resumed when there is something to pull.
func (f *facetStage) gather(ctx context.Context, from Source) (Source, error) {
	facets := make([]*facet, len(f.pipelines))
	defer func() {
		for _, each := range facets {
			if each != nil {
				each.stop()
			}
		}
	}()
	for i, steps := range f.pipelines {
		facets[i] = startFacet(ctx, steps)
	}
	for more := true; more; {
		doc, err := from.Next(ctx)
		if err != nil {
			return nil, err
		}
		more = false
		size := 0
		for _, each := range facets {
			wants := each.feed(doc)
			if each.err != nil {
				return nil, each.err
			}
			more = more || wants && doc != nil
			if size += each.results.size(); size > maxStageBytes {
				return nil, mongoerr.Code(4031700).Errorf("document constructed by $facet is %d bytes, which exceeds the limit of %d bytes", size, maxStageBytes)
			}
		}
	}
	index, out := bsoncore.AppendDocumentStart(nil)
	for i, each := range facets {
		out = appendValue(out, f.names[i], each.results.value())
	}
	return List([]bson.Raw{endDocument(out, index)}), nil
}

// facet is one pipeline as it runs.
type facet struct {
	results arrayBuilder
	err     error
	doc     bson.Raw // the document that the pipeline may take now
	ended   bool     // that was the last one
	stopped bool
	next    func() (struct{}, bool)
	stop    func()
	yield   func(struct{}) bool
}

func startFacet(ctx context.Context, steps []step) *facet {
	f := &facet{}
	f.next, f.stop = iter.Pull(func(yield func(struct{}) bool) {
		f.yield = yield
		src := openAll(steps, f)
		f.err = drain(ctx, src, func(doc bson.Raw) error {
			f.results.add(documentValue(doc))
			return nil
		})
		if err := src.Close(); f.err == nil {
			f.err = err
		}
	})
	f.next() // runs to where it wants the first document
	return f
}

// feed resumes the pipeline with a document, nil at the end, and reports whether
// it wants another.
func (f *facet) feed(doc bson.Raw) bool {
	f.doc, f.ended = doc, doc == nil
	_, wants := f.next()
	return wants
}

// Next is how the pipeline takes its documents: it waits until it is fed.
func (f *facet) Next(context.Context) (bson.Raw, error) {
	if f.ended {
		return nil, nil
	}
	if f.stopped = f.stopped || !f.yield(struct{}{}); f.stopped {
		return nil, context.Canceled
	}
	return f.doc, nil
}

// Exhausted reports whether the last document has been fed.
func (f *facet) Exhausted() bool { return f.ended }

// Close does nothing: $facet closes what it reads.
func (f *facet) Close() error { return nil }
