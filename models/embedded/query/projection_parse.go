package query

import (
	"bytes"
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
	inclusionInExclusion    mongoerr.Code = 31253
	exclusionInInclusion    mongoerr.Code = 31254
	positionalWithElemMatch mongoerr.Code = 31255
	sliceNotPair            mongoerr.Code = 31272
	sliceNotNumber          mongoerr.Code = 31273
	elemMatchNotObject      mongoerr.Code = 31274
	elemMatchNested         mongoerr.Code = 31275
	secondPositional        mongoerr.Code = 31276
	positionalInside        mongoerr.Code = 31394
	positionalExclusion     mongoerr.Code = 31395
	sliceNotPositive        mongoerr.Code = 28724
	emptySubProjection      mongoerr.Code = 51270
	positionalWithoutFilter mongoerr.Code = 51050
)

// projectionParser collects the fields and finds out on the way whether the
// projection includes or excludes.
type projectionParser struct {
	projection  *Projection
	filter      *Filter
	decided     bool // whether inclusive is known
	idGiven     bool
	idKept      bool
	needsFilter bool
}

// ParseProjection parses a projection document. The filter is needed for the
// positional operator only and may be nil. Expressions, which would compute
// fields, are refused. Errors are *mongoerr.Error.
func ParseProjection(p bson.Raw, filter *Filter, _ *expr.Variables) (*Projection, error) {
	parser := &projectionParser{projection: &Projection{root: &projectionNode{}}, filter: filter}
	if err := parser.fields("", p, 0); err != nil {
		return nil, err
	}
	return parser.finish()
}

func (p *projectionParser) finish() (*Projection, error) {
	out := p.projection
	if len(out.matches) > 0 && p.decided && !out.inclusive {
		return nil, inclusionInExclusion.Errorf("Cannot do inclusion on field %s in exclusion projection", out.matches[0].field)
	}
	if !p.decided {
		out.inclusive = len(out.matches) > 0 || p.idKept
	}
	if p.needsFilter {
		if len(out.matches) > 0 {
			return nil, positionalWithElemMatch.Errorf("Cannot specify positional operator and $elemMatch.")
		}
		out.filter = p.filter
	}
	idAction, named := keep, p.idKept || !p.idGiven
	if !out.inclusive {
		idAction, named = drop, p.idGiven && !p.idKept
	}
	if named && out.root.find([]byte("_id")) == nil {
		out.root.children = append(out.root.children, &projectionNode{name: "_id", action: idAction})
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
	if before, positional := strings.CutSuffix(path, ".$"); positional {
		return p.positional(before, path, v)
	}
	if strings.Contains(path, ".$.") {
		return positionalInside.Errorf("As of 4.4, it's illegal to specify positional operator in the middle of a path."+
			"Positional projection may only be used at the end, for example: a.b.$. If the query previously used a form like a.b.$.d, "+
			"remove the parts following the '$' and the results will be equivalent. Found: %s", path)
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
	return refuseExpression(path)
}

func refuseExpression(path string) error {
	return mongoerr.NotImplemented.Errorf("the expression that projects '%s' is not supported by this server", path)
}

func (p *projectionParser) flag(path string, include bool) error {
	if path == "_id" {
		if p.idGiven {
			return pathCollision.Errorf("Path collision at _id")
		}
		p.idGiven, p.idKept = true, include
		return nil
	}
	if err := p.decide(path, include); err != nil {
		return err
	}
	action := drop
	if include {
		action = keep
	}
	_, err := p.insert(path, action, false)
	return err
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
	switch {
	case !ok:
		return emptySubProjection.Errorf("An empty sub-projection is not a valid value. Found empty object at path '%s'", path)
	case string(name) == "$slice":
		return p.slice(path, arg)
	case string(name) == "$elemMatch":
		return p.elemMatch(path, arg)
	case string(name) == "$meta":
		return mongoerr.NotImplemented.Errorf("$meta is not supported by this server")
	case bytes.HasPrefix(name, []byte("$")):
		return refuseExpression(path)
	}
	if depth > maxQueryDepth {
		return mongoerr.Overflow.Errorf("Maximum expression depth exceeded: %d", maxQueryDepth)
	}
	return p.fields(path+".", v.Value, depth+1)
}

func (p *projectionParser) positional(path, full string, v bson.RawValue) error {
	if (v.Type != bson.TypeBoolean && !value.IsNumber(v)) || !value.Truthy(v) {
		return positionalExclusion.Errorf("positional projection cannot be used with exclusion")
	}
	if p.needsFilter {
		return secondPositional.Errorf("Cannot specify more than one positional projection per query.")
	}
	if p.filter == nil {
		return positionalWithoutFilter.Errorf("Positional projection '%s' does not match the query document.", full)
	}
	if err := checkFieldPath(path); err != nil {
		return err
	}
	if err := p.decide(full, true); err != nil {
		return err
	}
	p.needsFilter = true
	_, err := p.insert(path, keep, true)
	return err
}

func (p *projectionParser) elemMatch(path string, arg bson.RawValue) error {
	if arg.Type != bson.TypeEmbeddedDocument {
		return elemMatchNotObject.Errorf("elemMatch: Invalid argument, object required, but got %s", value.TypeName(arg.Type))
	}
	if strings.Contains(path, ".") {
		return elemMatchNested.Errorf("Cannot use $elemMatch projection on a nested field")
	}
	c, err := plainParser.elemMatch(path, arg, 0)
	if err != nil {
		return err
	}
	p.projection.matches = append(p.projection.matches, elementMatch{path, c.(arrayCondition)})
	_, err = p.insert(path, matchLast, false)
	return err
}

func (p *projectionParser) slice(path string, arg bson.RawValue) error {
	s := sliceRange{}
	if arg.Type == bson.TypeArray {
		pair := items(arg)
		if len(pair) != 2 {
			return sliceNotPair.Errorf("$slice array argument should be of form [skip, limit]")
		}
		skip, skipOK := truncatedInt(pair[0])
		limit, limitOK := truncatedInt(pair[1])
		if !skipOK || !limitOK {
			return sliceNotNumber.Errorf("$slice only supports numbers and [skip, limit] arrays")
		}
		if limit <= 0 {
			return sliceNotPositive.Errorf("Third argument to $slice must be positive: %d", limit)
		}
		s = sliceRange{skip: max(skip, -math.MaxInt32), limit: limit}
	} else {
		n, ok := truncatedInt(arg)
		if !ok {
			return sliceNotNumber.Errorf("$slice only supports numbers and [skip, limit] arrays")
		}
		s = sliceRange{limit: n}
		if n < 0 {
			s = sliceRange{skip: max(n, -math.MaxInt32), limit: math.MaxInt64}
		}
	}
	node, err := p.insert(path, cutOut, false)
	if err == nil {
		node.slice = s
	}
	return err
}

// insert puts a field into the tree; no named field may lie below another.
func (p *projectionParser) insert(path string, action projectionAction, positional bool) (*projectionNode, error) {
	n := p.projection.root
	rest, more := path, true
	for more {
		var name string
		name, rest, more = strings.Cut(rest, ".")
		child := n.find([]byte(name))
		switch {
		case child == nil:
			child = &projectionNode{name: name}
			n.children = append(n.children, child)
			if !more {
				child.action = action
			}
		case !more:
			return nil, pathCollision.Errorf("Path collision at %s", path)
		case child.action != descend:
			return nil, pathCollisionBelow.Errorf("Path collision at %s remaining portion %s", path, rest)
		}
		child.positional = child.positional || positional
		n = child
	}
	return n, nil
}
