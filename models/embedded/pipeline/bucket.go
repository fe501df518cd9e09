package pipeline

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// bucketSpec is a $bucket as it is written.
type bucketSpec struct {
	p          *parser
	groupBy    *expr.Expression
	boundaries []bson.RawValue
	standard   bson.RawValue // the default; zero without
	group      groupStage
	hasOutput  bool
}

// parseBucket parses $bucket, which is a $group and a $sort.
func parseBucket(p *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.Code(40201).Errorf("Argument to $bucket stage must be an object, but found type: %s.", value.TypeName(v.Type))
	}
	b := &bucketSpec{p: p}
	if err := eachOption(v, b.option); err != nil {
		return nil, err
	}
	if b.groupBy == nil || b.boundaries == nil {
		return nil, mongoerr.Code(40198).Errorf("$bucket requires 'groupBy' and 'boundaries' to be specified.")
	}
	if err := b.checkDefault(); err != nil {
		return nil, err
	}
	if !b.hasOutput {
		b.group.fields = []accumulation{countField(p)}
	}
	b.group.id = b.bucketOf
	by, err := query.ParseSort(marshal(bson.D{{Key: "_id", Value: int32(1)}}))
	return chain{&b.group, &sortStage{by: by}}, err
}

func (b *bucketSpec) option(name string, v bson.RawValue) (err error) {
	switch name {
	case "groupBy":
		if !isExpression(v) {
			return mongoerr.Code(40202).Errorf("The $bucket 'groupBy' field must be defined as a $-prefixed path or an expression, but found: %s.", value.Format(v))
		}
		b.groupBy, err = expr.Parse(v, b.p.env.Vars)
		return err
	case "boundaries":
		return b.parseBoundaries(v)
	case "default":
		constant, ok, err := b.constant(v)
		if !ok && err == nil {
			err = mongoerr.Code(40195).Errorf("The $bucket 'default' field must be a constant expression, but found: %s.", value.Format(v))
		}
		b.standard = constant
		return err
	case "output":
		if v.Type != bson.TypeEmbeddedDocument {
			return mongoerr.Code(40196).Errorf("The $bucket 'output' field must be an object, but found type: %s.", value.TypeName(v.Type))
		}
		b.hasOutput = true
		return eachOption(v, func(name string, v bson.RawValue) error { return b.group.addField(b.p, name, v) })
	}
	return mongoerr.Code(40197).Errorf("Unrecognized option to $bucket: %s.", name)
}

// isExpression reports whether v is a field path or an operator.
func isExpression(v bson.RawValue) bool {
	if v.Type == bson.TypeEmbeddedDocument {
		it := value.Elements(v.Value)
		key, _, _ := it.Next()
		return len(key) > 0 && key[0] == '$'
	}
	return v.Type == bson.TypeString && strings.HasPrefix(v.StringValue(), "$")
}

// constant gives the value of an expression that reads no document.
func (b *bucketSpec) constant(v bson.RawValue) (constant bson.RawValue, ok bool, err error) {
	e, err := expr.Parse(v, b.p.env.Vars)
	if err != nil || e.ReadsDocument() {
		return constant, false, err
	}
	constant, err = e.Eval(marshal(bson.D{}))
	return keep(constant), err == nil, err
}

func (b *bucketSpec) parseBoundaries(v bson.RawValue) error {
	if v.Type != bson.TypeArray {
		return mongoerr.Code(40200).Errorf("The $bucket 'boundaries' field must be an array, but found type: %s.", value.TypeName(v.Type))
	}
	err := eachOption(v, func(_ string, item bson.RawValue) error {
		constant, ok, err := b.constant(item)
		if !ok && err == nil {
			err = mongoerr.Code(40191).Errorf("The $bucket 'boundaries' field must be an array of constant values, but found value: %s.", value.Format(item))
		}
		b.boundaries = append(b.boundaries, constant)
		return err
	})
	if err != nil {
		return err
	}
	if len(b.boundaries) < 2 {
		return mongoerr.Code(40192).Errorf("The $bucket 'boundaries' field must have at least 2 values, but found %d value(s).", len(b.boundaries))
	}
	for i := 1; i < len(b.boundaries); i++ {
		lower, upper := b.boundaries[i-1], b.boundaries[i]
		if !sameBracket(lower, upper) {
			return mongoerr.Code(40193).Errorf("All values in the the 'boundaries' option to $bucket must have the same type. Found conflicting types %s and %s.", value.TypeName(lower.Type), value.TypeName(upper.Type))
		}
		if value.Compare(lower, upper) >= 0 {
			return mongoerr.Code(40194).Errorf("The 'boundaries' option to $bucket must be sorted, but elements %d and %d are not in ascending order (%s is not less than %s).", i-1, i, value.Format(lower), value.Format(upper))
		}
	}
	return nil
}

// sameBracket reports whether two values are of one type as comparisons see it.
func sameBracket(a, b bson.RawValue) bool {
	text := func(v bson.RawValue) bool { return v.Type == bson.TypeString || v.Type == bson.TypeSymbol }
	return a.Type == b.Type || value.IsNumber(a) && value.IsNumber(b) || text(a) && text(b)
}

func (b *bucketSpec) checkDefault() error {
	lowest, highest := b.boundaries[0], b.boundaries[len(b.boundaries)-1]
	if value.Missing(b.standard) || !sameBracket(b.standard, lowest) {
		return nil
	}
	if value.Compare(b.standard, lowest) >= 0 && value.Compare(b.standard, highest) < 0 {
		return mongoerr.Code(40199).Errorf("The $bucket 'default' field must be less than the lowest boundary or greater than or equal to the highest boundary.")
	}
	return nil
}

// bucketOf gives the lower boundary of the bucket that a document belongs to.
func (b *bucketSpec) bucketOf(doc bson.Raw) (bson.RawValue, error) {
	v, err := b.groupBy.Eval(doc)
	if err != nil {
		return v, err
	}
	if !value.Missing(v) && value.Compare(v, b.boundaries[0]) >= 0 {
		for i, upper := range b.boundaries[1:] {
			if value.Compare(v, upper) < 0 {
				return b.boundaries[i], nil
			}
		}
	}
	if value.Missing(b.standard) {
		return v, mongoerr.Code(40066).Errorf("$switch could not find a matching branch for an input, and no default was specified.")
	}
	return b.standard, nil
}
