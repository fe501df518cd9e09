package query

import (
	"math"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about projections.
const (
	pathCollisionBelow      mongoerr.Code = 31249
	pathCollision           mongoerr.Code = 31250
	expressionInExclusion   mongoerr.Code = 31252
	inclusionInExclusion    mongoerr.Code = 31253
	exclusionInInclusion    mongoerr.Code = 31254
	positionalWithElemMatch mongoerr.Code = 31255
	elemMatchWithPositional mongoerr.Code = 31256
	positionalExpression    mongoerr.Code = 31271
	elemMatchNotObject      mongoerr.Code = 31274
	elemMatchNested         mongoerr.Code = 31275
	secondPositional        mongoerr.Code = 31276
	positionalUnmatched     mongoerr.Code = 31277
	positionalLiteral       mongoerr.Code = 31308
	literalInExclusion      mongoerr.Code = 31310
	positionalAggregation   mongoerr.Code = 31324
	unknownExpression       mongoerr.Code = 31325
	positionalInside        mongoerr.Code = 31394
	positionalExclusion     mongoerr.Code = 31395
	emptySubProjection      mongoerr.Code = 51270
	positionalWithoutFilter mongoerr.Code = 51050
)

// projectionParser collects the fields and finds out on the way whether the
// projection includes or excludes.
type projectionParser struct {
	projection  *Projection
	filter      *Filter
	vars        *expr.Variables
	aggregation bool // a $project, which has no $slice, $elemMatch and positional operator of find
	decided     bool // whether inclusive is known

	idNamed, idGiven, idKept               bool // _id or something below it, _id itself, and how
	hasSlice, hasElemMatch, hasMeta, needs bool // needs: the filter
}

// ParseProjection parses the projection of a find. The filter is needed for the
// positional operator only and may be nil; vars are what expressions see and may
// be nil. The projection refers to p's memory. Errors are *mongoerr.Error.
func ParseProjection(p bson.Raw, filter *Filter, vars *expr.Variables) (*Projection, error) {
	parser := &projectionParser{filter: filter, vars: vars}
	return parser.parse(p)
}

func (p *projectionParser) parse(doc bson.Raw) (*Projection, error) {
	p.projection = &Projection{root: &projectionNode{}}
	if err := p.fields("", doc, 0); err != nil {
		return nil, err
	}
	return p.finish()
}

// finish settles what the fields alone leave open, and whether _id stays.
func (p *projectionParser) finish() (*Projection, error) {
	out := p.projection
	if !p.decided {
		switch {
		case p.hasSlice:
			out.inclusive = p.idKept
		case p.hasMeta:
			out.inclusive = p.idKept || p.aggregation || p.hasElemMatch
		default:
			out.inclusive = p.idKept || p.hasElemMatch
		}
	}
	if p.needs {
		out.filter = p.filter
	}
	if p.idGiven && p.idKept != out.inclusive {
		out.root.remove("_id")
	}
	if !p.idNamed && out.inclusive {
		out.root.append(&projectionNode{name: "_id", action: keep})
	}
	return out, nil
}

func (p *projectionParser) fields(prefix string, doc []byte, depth int) error {
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			return nil
		}
		if err := p.field(prefix+string(key), v, depth); err != nil {
			return err
		}
	}
}

func (p *projectionParser) field(path string, v bson.RawValue, depth int) error {
	p.idNamed = p.idNamed || path == "_id" || strings.HasPrefix(path, "_id.")
	if before, positional := strings.CutSuffix(path, ".$"); positional {
		return p.positional(before, path, v)
	}
	if strings.Contains(path, ".$.") {
		return p.refuseInside(path)
	}
	if err := checkFieldPath(path); err != nil {
		return err
	}
	switch {
	case v.Type == bson.TypeBoolean || value.IsNumber(v):
		return p.flag(path, value.Truthy(v))
	case v.Type == bson.TypeEmbeddedDocument:
		return p.object(path, v, depth)
	}
	return p.literal(path, v)
}

func (p *projectionParser) flag(path string, include bool) error {
	action := drop
	if include {
		action = keep
	}
	if path == "_id" {
		p.idGiven, p.idKept = true, include
	} else if err := p.decide(path, include); err != nil {
		return err
	}
	return p.insert(path, projectionNode{action: action})
}

func (p *projectionParser) decide(path string, include bool) error {
	out := p.projection
	switch {
	case !p.decided:
		p.decided, out.inclusive = true, include
	case include && !out.inclusive:
		return inclusionInExclusion.Errorf("Cannot do inclusion on field %s in exclusion projection", path)
	case !include && out.inclusive:
		return exclusionInInclusion.Errorf("Cannot do exclusion on field %s in inclusion projection", path)
	}
	return nil
}

// object parses an operator on a field, or the projection of its fields.
func (p *projectionParser) object(path string, v bson.RawValue, depth int) error {
	it := value.Elements(v.Value)
	name, arg, ok := it.Next()
	_, _, more := it.Next()
	switch {
	case !ok:
		return emptySubProjection.Errorf("An empty sub-projection is not a valid value. Found empty object at path '%s'", path)
	case !more && strings.HasPrefix(string(name), "$"):
		return p.operator(path, string(name), arg, v)
	}
	if depth > maxQueryDepth {
		return mongoerr.Overflow.Errorf("Maximum expression depth exceeded: %d", maxQueryDepth)
	}
	return p.fields(path+".", v.Value, depth+1)
}

func (p *projectionParser) operator(path, name string, arg, v bson.RawValue) error {
	switch {
	case name == "$elemMatch" && p.aggregation:
		return mongoerr.InvalidPipelineOperator.Errorf("Cannot use $elemMatch in this context")
	case name == "$elemMatch":
		return p.elemMatch(path, arg)
	case name != "$slice" || p.aggregation:
		return p.expression(path, name, v)
	}
	s, sliceErr := parseSlice(arg)
	if sliceErr == nil {
		p.hasSlice = true
		return p.insert(path, projectionNode{action: cutOut, slice: s})
	}
	if err := p.expression(path, name, v); err != nil {
		failed := mongoerr.From(err)
		return mongoerr.Code(failed.Code).Errorf("Invalid $slice syntax. The given syntax %s did not match the find() syntax because :: %s: %s :: "+
			"The given syntax did not match the expression $slice syntax. :: caused by :: %s",
			value.Format(v), sliceErr.Name, sliceErr.Message, failed.Message)
	}
	return nil
}

func (p *projectionParser) elemMatch(path string, arg bson.RawValue) error {
	if arg.Type != bson.TypeEmbeddedDocument {
		return elemMatchNotObject.Errorf("elemMatch: Invalid argument, object required, but got %s", value.TypeName(arg.Type))
	}
	if p.needs {
		return positionalWithElemMatch.Errorf("Cannot specify positional operator and $elemMatch.")
	}
	if strings.Contains(path, ".") {
		return elemMatchNested.Errorf("Cannot use $elemMatch projection on a nested field.")
	}
	c, err := plainParser.elemMatch(path, arg, 0)
	if err != nil {
		return err
	}
	p.hasElemMatch = true
	return p.insert(path, projectionNode{action: compute, computes: true, computed: &elementMatch{path, c.(arrayCondition)}})
}

// expression parses a computed field. $meta alone doesn't make an inclusion.
func (p *projectionParser) expression(path, name string, v bson.RawValue) error {
	e, err := expr.Parse(v, p.vars)
	if err != nil {
		if failed := mongoerr.From(err); failed.Message == "Unrecognized expression '"+name+"'" {
			return unknownExpression.Errorf("Unknown expression %s", name)
		}
		return err
	}
	p.hasMeta = p.hasMeta || name == "$meta"
	if name != "$meta" {
		if p.decided && !p.projection.inclusive {
			return expressionInExclusion.Errorf("Cannot use expression other than $meta in exclusion projection")
		}
		p.decided, p.projection.inclusive = true, true
	}
	return p.insert(path, projectionNode{action: compute, computes: true, computed: e})
}

// literal parses a field that is computed by something else than an operator: a
// value, the path of a field, or an array of those.
func (p *projectionParser) literal(path string, v bson.RawValue) error {
	e, err := expr.Parse(v, p.vars)
	if err != nil {
		return err
	}
	if p.decided && !p.projection.inclusive {
		return literalInExclusion.Errorf("Cannot use an expression %s: %s in an exclusion projection", path, value.Format(v))
	}
	p.decided, p.projection.inclusive = true, true
	return p.insert(path, projectionNode{action: compute, computes: true, computed: e})
}

func (p *projectionParser) insert(path string, leaf projectionNode) error {
	conflict := p.projection.root.insert(path, leaf)
	switch {
	case conflict == nil:
		return nil
	case conflict.rest == "":
		return pathCollision.Errorf("Path collision at %s", path)
	}
	return pathCollisionBelow.Errorf("Path collision at %s remaining portion %s", path, conflict.rest)
}

// parseSlice parses find's form of $slice.
func parseSlice(arg bson.RawValue) (s sliceRange, err *mongoerr.Error) {
	n, ok := truncatedInt(arg)
	if ok && n >= 0 {
		return sliceRange{limit: n}, nil
	}
	if ok {
		return sliceRange{skip: max(n, -math.MaxInt32), limit: math.MaxInt64}, nil
	}
	if arg.Type != bson.TypeArray {
		return s, mongoerr.Code(31273).Errorf("$slice only supports numbers and [skip, limit] arrays")
	}
	pair := items(arg)
	if len(pair) != 2 {
		return s, mongoerr.Code(31272).Errorf("$slice array argument should be of form [skip, limit]")
	}
	skip, ok := truncatedInt(pair[0])
	if !ok {
		return s, mongoerr.Code(31257).Errorf("$slice expects the skip argument to be a number, got %s", value.TypeName(pair[0].Type))
	}
	limit, ok := truncatedInt(pair[1])
	if !ok {
		return s, mongoerr.Code(31258).Errorf("$slice expects the limit argument to be a number, got %s", value.TypeName(pair[1].Type))
	}
	if limit <= 0 {
		return s, mongoerr.Code(31259).Errorf("$slice limit must be positive, got %d", limit)
	}
	return sliceRange{skip: max(skip, -math.MaxInt32), limit: limit}, nil
}
