package pipeline

import (
	"bytes"
	"context"
	"math"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// bucketAutoStage is $bucketAuto.
type bucketAutoStage struct {
	p       *parser
	groupBy *expr.Expression
	buckets int64
	group   groupStage // its fields
	output  bool
}

func parseBucketAuto(p *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.Code(40240).Errorf("The argument to $bucketAuto must be an object, but found type: %s.", value.TypeName(v.Type))
	}
	b := &bucketAutoStage{p: p}
	if err := eachOption(v, b.option); err != nil {
		return nil, err
	}
	if b.groupBy == nil || b.buckets == 0 {
		return nil, mongoerr.Code(40246).Errorf("$bucketAuto requires 'groupBy' and 'buckets' to be specified")
	}
	if !b.output {
		b.group.fields = []accumulation{countField(p)}
	}
	return b, nil
}

func (b *bucketAutoStage) option(name string, v bson.RawValue) (err error) {
	switch name {
	case "groupBy":
		if !isExpression(v) {
			return mongoerr.Code(40239).Errorf("The $bucketAuto 'groupBy' field must be defined as a $-prefixed path or an expression object, but found: %s", value.Format(v))
		}
		b.groupBy, err = expr.Parse(v, b.p.env.Vars)
		return err
	case "buckets":
		return b.parseBuckets(v)
	case "output":
		if v.Type != bson.TypeEmbeddedDocument {
			return mongoerr.Code(40244).Errorf("The $bucketAuto 'output' field must be an object, but found type: %s", value.TypeName(v.Type))
		}
		b.output = true
		return eachOption(v, func(name string, v bson.RawValue) error { return b.group.addField(b.p, name, v) })
	case "granularity":
		if v.Type != bson.TypeString {
			return mongoerr.Code(40261).Errorf("The $bucketAuto 'granularity' field must be a string, but found type: %s", value.TypeName(v.Type))
		}
		return mongoerr.NotImplemented.Errorf("the 'granularity' option of $bucketAuto is not supported by this server")
	}
	return mongoerr.Code(40245).Errorf("Unrecognized option to $bucketAuto: %s", name)
}

func (b *bucketAutoStage) parseBuckets(v bson.RawValue) error {
	if !value.IsNumber(v) {
		return mongoerr.Code(40241).Errorf("The $bucketAuto 'buckets' field must be a numeric value, but found type: %s", value.TypeName(v.Type))
	}
	n, ok := integer(v)
	if !ok || n != int64(int32(n)) {
		return mongoerr.Code(40242).Errorf("The $bucketAuto 'buckets' field must be representable as a 32-bit integer, but found %s", value.Format(v))
	}
	if n <= 0 {
		return mongoerr.Code(40243).Errorf("The $bucketAuto 'buckets' field must be greater than 0, but found: %d", n)
	}
	b.buckets = n
	return nil
}

func (b *bucketAutoStage) open(from Source) Source {
	return &gatherSource{Source: from, gather: b.gather}
}

// bucketDoc is a document with what it is grouped by.
type bucketDoc struct {
	key []byte
	by  bson.RawValue
	doc bson.Raw
}

func (b *bucketAutoStage) gather(ctx context.Context, from Source) (Source, error) {
	var docs []bucketDoc
	size := 0
	err := drain(ctx, from, func(doc bson.Raw) error {
		doc = bytes.Clone(doc)
		by, err := b.groupBy.Eval(doc)
		if err != nil {
			return err
		}
		if value.Missing(by) {
			by = value.Null
		}
		d := bucketDoc{value.AppendKey(nil, by, false), by, doc}
		docs = append(docs, d)
		if size += len(d.key) + len(doc) + 64; size > maxStageBytes {
			return outOfMemory("$bucketAuto exceeded memory limit of %d bytes, but did not opt in to external sorting.", maxStageBytes)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(docs, func(a, b bucketDoc) int { return bytes.Compare(a.key, b.key) })
	return b.fill(docs)
}

// fill shares out the documents, in their order. Those that are grouped alike are
// never parted.
func (b *bucketAutoStage) fill(docs []bucketDoc) (Source, error) {
	share := max(int(math.Round(float64(len(docs))/float64(b.buckets))), 1)
	var out []bson.Raw
	for number := int64(1); len(docs) > 0; number++ {
		n := min(share, len(docs))
		if number == b.buckets {
			n = len(docs)
		}
		for n < len(docs) && bytes.Equal(docs[n].key, docs[n-1].key) {
			n++
		}
		highest := docs[n-1].by
		if n < len(docs) {
			highest = docs[n].by
		}
		doc, err := b.bucket(docs[:n], highest)
		if err != nil {
			return nil, err
		}
		out = append(out, doc)
		docs = docs[n:]
	}
	return List(out), nil
}

func (b *bucketAutoStage) bucket(docs []bucketDoc, highest bson.RawValue) (bson.Raw, error) {
	g, err := startGroup(value.Null, b.group.fields)
	if err != nil {
		return nil, err
	}
	for _, d := range docs {
		if _, err := g.add(d.doc, b.group.fields); err != nil {
			return nil, err
		}
	}
	index, out := bsoncore.AppendDocumentStart(nil)
	id, out := bsoncore.AppendDocumentElementStart(out, "_id")
	out = endDocument(appendValue(appendValue(out, "min", docs[0].by), "max", highest), id)
	return endDocument(g.appendFields(out, b.group.fields), index), nil
}
