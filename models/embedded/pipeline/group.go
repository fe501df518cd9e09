package pipeline

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// groupStage is $group.
type groupStage struct {
	// id gives the group that a document belongs to.
	id     func(doc bson.Raw) (bson.RawValue, error)
	fields []accumulation
	// counts: the documents themselves are not looked at.
	counts bool
}

func parseGroup(p *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.Code(15947).Errorf("a group's fields must be specified in an object")
	}
	g := &groupStage{counts: true}
	err := eachOption(v, func(name string, v bson.RawValue) error {
		if name == "_id" {
			if g.id != nil {
				return mongoerr.Code(15948).Errorf("a group's _id may only be specified once")
			}
			e, err := expr.Parse(v, p.env.Vars)
			if err == nil {
				g.id, g.counts = e.Eval, g.counts && !e.ReadsDocument()
			}
			return err
		}
		return g.addField(p, name, v)
	})
	if err != nil {
		return nil, err
	}
	if g.id == nil {
		return nil, mongoerr.Code(15955).Errorf("a group specification must include an _id")
	}
	return g, nil
}

func (g *groupStage) addField(p *parser, name string, v bson.RawValue) error {
	field, err := parseAccumulation(p, name, v)
	g.fields = append(g.fields, field)
	g.counts = g.counts && !field.reads
	return err
}

// group is one group as it gathers.
type group struct {
	id     bson.RawValue
	fields []accumulator
}

func (g *groupStage) open(from Source) Source { return &gatherSource{Source: from, gather: g.gather} }

func (g *groupStage) gather(ctx context.Context, from Source) (Source, error) {
	groups := map[string]*group{}
	var order []*group
	var key []byte
	size := 0
	err := drain(ctx, from, func(doc bson.Raw) error {
		id, err := g.id(doc)
		if err != nil {
			return err
		}
		if value.Missing(id) {
			id = value.Null
		}
		key = value.AppendKey(key[:0], id, false)
		to := groups[string(key)]
		if to == nil {
			if to, err = startGroup(id, g.fields); err != nil {
				return err
			}
			groups[string(key)] = to
			order = append(order, to)
			size += len(key) + len(id.Value) + 64*(1+len(g.fields))
		}
		grown, err := to.add(doc, g.fields)
		if size += grown; err == nil && size > maxStageBytes {
			err = outOfMemory("Exceeded memory limit for $group, but didn't allow external sort. Pass allowDiskUse:true to opt in.")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &groupSource{fields: g.fields, groups: order}, nil
}

func startGroup(id bson.RawValue, fields []accumulation) (*group, error) {
	g := &group{id: keep(id), fields: make([]accumulator, len(fields))}
	for i, f := range fields {
		var err error
		if g.fields[i], err = f.start(g.id); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// add adds a document to every field and gives the bytes by which they have grown.
func (g *group) add(doc bson.Raw, fields []accumulation) (grown int, err error) {
	for i, f := range fields {
		v := bson.RawValue{}
		if f.argument != nil {
			if v, err = f.argument.Eval(doc); err != nil {
				return grown, err
			}
		}
		before := g.fields[i].size()
		if err := g.fields[i].add(doc, v); err != nil {
			return grown, err
		}
		grown += g.fields[i].size() - before
	}
	return grown, nil
}

func (g *group) appendFields(out []byte, fields []accumulation) []byte {
	for i, f := range fields {
		v := g.fields[i].result()
		if value.Missing(v) {
			v = value.Null
		}
		out = appendValue(out, f.name, v)
	}
	return out
}

// groupSource gives the document of each group.
type groupSource struct {
	fields []accumulation
	groups []*group
}

func (s *groupSource) Next(ctx context.Context) (bson.Raw, error) {
	if len(s.groups) == 0 {
		return nil, nil
	}
	if len(s.groups)%checkEvery == 0 && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	next := s.groups[0]
	s.groups[0] = nil
	s.groups = s.groups[1:]
	index, out := bsoncore.AppendDocumentStart(nil)
	out = appendValue(out, "_id", next.id)
	return endDocument(next.appendFields(out, s.fields), index), nil
}

func (s *groupSource) Exhausted() bool { return len(s.groups) == 0 }

func (s *groupSource) Close() error {
	s.groups = nil
	return nil
}

// parseSortByCount parses $sortByCount, which is a $group and a $sort.
func parseSortByCount(p *parser, v bson.RawValue) (stage, error) {
	const wrongExpression = "the sortByCount field must be defined as a $-prefixed path or an expression inside an object"
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		it := value.Elements(v.Value)
		if key, _, _ := it.Next(); len(key) == 0 || key[0] != '$' {
			return nil, mongoerr.Code(40147).Errorf(wrongExpression)
		}
	case bson.TypeString:
		if text := v.StringValue(); text == "" || text[0] != '$' {
			return nil, mongoerr.Code(40148).Errorf(wrongExpression)
		}
	default:
		return nil, mongoerr.Code(40149).Errorf("the sortByCount field must be specified as a string or as an object")
	}
	id, err := expr.Parse(v, p.env.Vars)
	if err != nil {
		return nil, err
	}
	g := &groupStage{id: id.Eval, fields: []accumulation{countField(p)}}
	by, err := query.ParseSort(marshal(bson.D{{Key: "count", Value: int32(-1)}}))
	return chain{g, &sortStage{by: by}}, err
}

// countField is count: {$sum: 1}.
func countField(p *parser) accumulation {
	field, err := parseAccumulation(p, "count", documentValue(marshal(bson.D{{Key: "$sum", Value: int32(1)}})))
	if err != nil {
		panic(err) // it is valid
	}
	return field
}
