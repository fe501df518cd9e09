package pipeline

import (
	"bytes"
	"context"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// graphStage is $graphLookup: a search in breadth, level by level.
type graphStage struct {
	as, connectFrom, connectTo, depthField string
	startWith                              *expr.Expression
	maxDepth                               int64 // -1: none
	restrict                               bson.Raw
	from                                   *Pipeline
}

func parseGraphLookup(p *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.FailedToParse.Errorf("the $graphLookup stage specification must be an object, but found %s", value.TypeName(v.Type))
	}
	g := &graphStage{maxDepth: -1}
	from := ""
	err := eachOption(v, func(name string, v bson.RawValue) error { return g.option(p, name, v, &from) })
	if err != nil {
		return nil, err
	}
	if from == "" || g.as == "" || g.startWith == nil || g.connectFrom == "" || g.connectTo == "" {
		return nil, mongoerr.Code(40105).Errorf("$graphLookup requires 'from', 'as', 'startWith', 'connectFromField', and 'connectToField' to be specified.")
	}
	for _, path := range []string{g.as, g.connectFrom, g.connectTo} {
		if err := checkFieldPath(path); err != nil {
			return nil, err
		}
	}
	g.from, err = p.subPipeline("$graphLookup", from, nil)
	return g, err
}

func (g *graphStage) option(p *parser, name string, v bson.RawValue, from *string) (err error) {
	switch name {
	case "startWith":
		g.startWith, err = expr.Parse(v, p.env.Vars)
		return err
	case "maxDepth":
		return g.parseMaxDepth(v)
	case "restrictSearchWithMatch":
		if v.Type != bson.TypeEmbeddedDocument {
			return mongoerr.Code(40185).Errorf("restrictSearchWithMatch must be an object, found %s", value.TypeName(v.Type))
		}
		g.restrict = v.Value
		_, err = query.ParseFilter(g.restrict, p.env.Vars)
		return err
	}
	to := map[string]*string{"from": from, "as": &g.as, "connectFromField": &g.connectFrom, "connectToField": &g.connectTo, "depthField": &g.depthField}[name]
	if to == nil {
		return mongoerr.Code(40104).Errorf("Unknown argument to $graphLookup: %s", name)
	}
	if v.Type != bson.TypeString {
		return mongoerr.Code(40103).Errorf("expected string as argument for %s, found: %s", name, value.TypeName(v.Type))
	}
	*to = v.StringValue()
	if name == "depthField" {
		return checkFieldPath(g.depthField)
	}
	return nil
}

func (g *graphStage) parseMaxDepth(v bson.RawValue) error {
	if !value.IsNumber(v) {
		return mongoerr.Code(40100).Errorf("maxDepth must be numeric, found type: %s", value.TypeName(v.Type))
	}
	n, ok := integer(v)
	if f, _ := v.AsFloat64OK(); f < 0 || ok && n < 0 {
		return mongoerr.Code(40101).Errorf("maxDepth requires a nonnegative argument, found: %s", value.Format(v))
	}
	if !ok {
		return mongoerr.Code(40102).Errorf("maxDepth could not be represented as a long long: %s", value.Format(v))
	}
	g.maxDepth = n
	return nil
}

func (g *graphStage) open(from Source) Source { return &eachSource{from, g.join} }

// graphSearch is the search of one document.
type graphSearch struct {
	*graphStage
	asked    map[string]bool // values that have been looked for
	visited  map[string]bool // _ids that have been found
	frontier []bson.RawValue // values to look for next
	found    arrayBuilder
	held     int
}

func (g *graphStage) join(ctx context.Context, doc bson.Raw) (bson.Raw, error) {
	doc = bytes.Clone(doc)
	start, err := g.startWith.Eval(doc)
	if err != nil {
		return nil, err
	}
	s := &graphSearch{graphStage: g, asked: map[string]bool{}, visited: map[string]bool{}}
	s.want(start)
	if start.Type == bson.TypeArray {
		s.frontier, s.asked = nil, map[string]bool{}
		it := value.Elements(start.Value)
		for {
			_, v, ok := it.Next()
			if !ok {
				break
			}
			s.want(v)
		}
	}
	for depth := int64(0); len(s.frontier) > 0 && (g.maxDepth < 0 || depth <= g.maxDepth); depth++ {
		if err := s.level(ctx, depth); err != nil {
			return nil, err
		}
	}
	return setPath(doc, g.as, s.found.value()), nil
}

// want notes a value to look for, unless it has been looked for. Nothing finds
// nothing, though a null finds what lacks the field.
func (s *graphSearch) want(v bson.RawValue) {
	if value.Missing(v) {
		return
	}
	key := string(value.AppendKey(nil, v, false))
	if !s.asked[key] {
		s.asked[key] = true
		s.frontier = append(s.frontier, keep(v))
		s.held += 2*len(key) + 64
	}
}

// level finds the documents that are one step further.
func (s *graphSearch) level(ctx context.Context, depth int64) (err error) {
	where := conjunction(compact(equalTo(s.connectTo, s.frontier), s.restrict))
	s.frontier = nil
	src, err := s.from.run(where)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := src.Close(); err == nil {
			err = cerr
		}
	}()
	return drain(ctx, src, func(doc bson.Raw) error {
		id := string(value.AppendKey(nil, value.Field(doc, "_id"), false))
		if s.visited[id] {
			return nil
		}
		s.visited[id] = true
		for _, v := range valuesAt(nil, doc, strings.Split(s.connectFrom, ".")) {
			s.want(v)
		}
		if s.depthField != "" {
			doc = setPath(doc, s.depthField, int64Value(depth))
		}
		s.found.add(documentValue(doc))
		if s.held += len(id) + 64; s.held+s.found.size() > maxStageBytes {
			return mongoerr.Code(40099).Errorf("$graphLookup reached maximum memory consumption")
		}
		return nil
	})
}
