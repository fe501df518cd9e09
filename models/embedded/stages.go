package embedded

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
)

// maxStageBytes is what one stage may hold in memory, as in mongod.
const maxStageBytes = 100 << 20

func stageMemory(name string) error {
	return mongoerr.New(292, "QueryExceededMemoryLimitNoDiskUseAllowed",
		"Exceeded memory limit for %s, but didn't allow external spilling; pass allowDiskUse:true to opt in", name)
}

// eachSource is a stage that turns each document into one or none.
type eachSource struct {
	source
	// apply gives nil to leave the document out. done ends the stage.
	apply func(doc bson.Raw) (out bson.Raw, err error)
}

func (e *eachSource) Next(ctx context.Context) (bson.Raw, error) {
	for {
		doc, err := e.source.Next(ctx)
		if doc == nil || err != nil {
			return nil, err
		}
		if doc, err = e.apply(doc); doc != nil || err != nil {
			return doc, err
		}
	}
}

func parseMatch(v bson.RawValue) (stage, error) {
	doc, ok := v.DocumentOK()
	if !ok {
		return nil, mongoerr.New(15959, "Location15959", "the match filter must be an expression in an object")
	}
	filter, err := query.ParseFilter(doc, nil)
	if err != nil {
		return nil, err
	}
	return func(from source) source {
		return &eachSource{from, func(doc bson.Raw) (bson.Raw, error) {
			if ok, err := filter.Match(doc); !ok {
				return nil, err
			}
			return doc, nil
		}}
	}, nil
}

// parseProject takes inclusions and exclusions only.
func parseProject(v bson.RawValue) (stage, error) {
	doc, ok := v.DocumentOK()
	if !ok {
		return nil, mongoerr.New(15969, "Location15969", "$project specification must be an object")
	}
	if len(doc) == 5 {
		return nil, mongoerr.New(51272, "Location51272", "Invalid $project :: caused by :: projection specification must have at least one field")
	}
	if err := plainProjection(doc); err != nil {
		return nil, err
	}
	projection, err := query.ParseProjection(doc, nil, nil)
	if err != nil {
		return nil, err
	}
	return func(from source) source { return &eachSource{from, projection.Apply} }, nil
}

func plainProjection(doc bson.Raw) error {
	return eachField(doc, func(f field) error {
		if inner, ok := f.v.DocumentOK(); ok && !strings.HasPrefix(f.name, "$") {
			return plainProjection(inner)
		}
		if _, ok := asBool(f.v); !ok || strings.HasPrefix(f.name, "$") {
			return mongoerr.NotImplemented.Errorf("expressions in $project are not supported")
		}
		return nil
	})
}

// windowSource skips, then limits; a negative limit is none.
type windowSource struct {
	source
	skip, limit int64
}

func (w *windowSource) Next(ctx context.Context) (bson.Raw, error) {
	for ; w.skip > 0; w.skip-- {
		if doc, err := w.source.Next(ctx); doc == nil || err != nil {
			return nil, err
		}
	}
	if w.limit == 0 {
		return nil, nil
	}
	w.limit--
	return w.source.Next(ctx)
}

func (w *windowSource) Exhausted() bool { return w.limit == 0 || w.source.Exhausted() }

func parseWindow(name string, v bson.RawValue) (stage, error) {
	n, ok := v.AsInt64OK()
	if f, isNumber := v.AsFloat64OK(); !ok || !isNumber || f != float64(n) {
		code := int32(5107200)
		if name == "$limit" {
			code = 5107201
		}
		return nil, mongoerr.New(code, mongoerr.Code(code).String(), "invalid argument to %s stage: Expected an integer: %s: %s", name, name, v)
	}
	if n < 0 {
		code := int32(5107200)
		if name == "$limit" {
			code = 5107201
		}
		return nil, mongoerr.New(code, mongoerr.Code(code).String(), "invalid argument to %s stage: Expected a non-negative number in: %s: %s", name, name, v)
	}
	if name == "$limit" && n == 0 {
		return nil, mongoerr.New(15958, "Location15958", "the limit must be positive")
	}
	if name == "$skip" {
		return func(from source) source { return &windowSource{from, n, -1} }, nil
	}
	return func(from source) source { return &windowSource{from, 0, n} }, nil
}

// gatherSource is a stage that needs all documents before it gives the first.
type gatherSource struct {
	source
	gather func(ctx context.Context, from source) ([]bson.Raw, error)
	list   *listSource
}

func (g *gatherSource) Next(ctx context.Context) (bson.Raw, error) {
	if g.list == nil {
		docs, err := g.gather(ctx, g.source)
		if err != nil {
			return nil, err
		}
		g.list = &listSource{docs: docs}
	}
	return g.list.Next(ctx)
}

func (g *gatherSource) Exhausted() bool { return g.list != nil && g.list.Exhausted() }

func parseSort(v bson.RawValue) (stage, error) {
	doc, ok := v.DocumentOK()
	if !ok {
		return nil, mongoerr.New(15973, "Location15973", "the $sort key specification must be an object")
	}
	if len(doc) == 5 {
		return nil, mongoerr.New(15976, "Location15976", "$sort stage must have at least one sort key")
	}
	by, err := query.ParseSort(doc)
	if err != nil {
		return nil, err
	}
	return func(from source) source {
		return &gatherSource{source: from, gather: func(ctx context.Context, from source) ([]bson.Raw, error) {
			return sortAll(ctx, from, by)
		}}
	}, nil
}

func sortAll(ctx context.Context, from source, by *query.Sort) ([]bson.Raw, error) {
	type keyed struct{ key, doc []byte }
	var all []keyed
	size := 0
	for {
		doc, err := from.Next(ctx)
		if err != nil {
			return nil, err
		}
		if doc == nil {
			break
		}
		k := keyed{by.Key(doc), bytes.Clone(doc)}
		if size += len(k.key) + len(k.doc); size > maxStageBytes {
			return nil, stageMemory("$sort")
		}
		all = append(all, k)
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return bytes.Compare(a.key, b.key) })
	docs := make([]bson.Raw, len(all))
	for i := range all {
		docs[i] = all[i].doc
	}
	return docs, nil
}

func parseCountStage(v bson.RawValue) (stage, error) {
	name, ok := v.StringValueOK()
	if !ok || name == "" {
		return nil, mongoerr.New(40156, "Location40156", "the count field must be a non-empty string")
	}
	if strings.HasPrefix(name, "$") {
		return nil, mongoerr.New(40158, "Location40158", "the count field cannot be a $-prefixed path")
	}
	if strings.Contains(name, ".") {
		return nil, mongoerr.New(40160, "Location40160", "the count field cannot contain '.'")
	}
	return func(from source) source {
		return &gatherSource{source: from, gather: func(ctx context.Context, from source) ([]bson.Raw, error) {
			n := int64(0)
			for ; ; n++ {
				if doc, err := from.Next(ctx); err != nil {
					return nil, err
				} else if doc == nil {
					break
				}
			}
			if n == 0 {
				return nil, nil
			}
			index, out := bsoncore.AppendDocumentStart(nil)
			return []bson.Raw{endDocument(appendNumber(out, name, n), index)}, nil
		}}
	}, nil
}
