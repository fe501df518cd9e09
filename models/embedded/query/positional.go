package query

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// positional parses {"a.$": 1}: of an array the element that the query matched.
func (p *projectionParser) positional(path, full string, v bson.RawValue) error {
	switch {
	case p.aggregation:
		return positionalAggregation.Errorf("Cannot use positional projection in aggregation projection")
	case v.Type == bson.TypeEmbeddedDocument:
		return positionalExpression.Errorf("positional projection cannot be used with an expression or sub object")
	case v.Type != bson.TypeBoolean && !value.IsNumber(v):
		return positionalLiteral.Errorf("positional projection cannot be used with a literal")
	case !value.Truthy(v):
		return positionalExclusion.Errorf("positional projection cannot be used with exclusion")
	case p.needs:
		return secondPositional.Errorf("Cannot specify more than one positional projection per query.")
	case p.hasElemMatch:
		return elemMatchWithPositional.Errorf("Cannot specify positional operator and $elemMatch.")
	case p.filter == nil:
		return positionalWithoutFilter.Errorf("Projections with a positional operator require a matcher")
	case !p.filter.names(path):
		return positionalUnmatched.Errorf("Positional projection '%s' does not match the query document.", full)
	}
	if err := checkFieldPath(path); err != nil {
		return err
	}
	if err := p.decide(full, true); err != nil {
		return err
	}
	p.needs = true
	return p.insert(path, projectionNode{action: keep, positional: true})
}

func (p *projectionParser) refuseInside(path string) error {
	if p.aggregation {
		return positionalAggregation.Errorf("Cannot use positional projection in aggregation projection")
	}
	return positionalInside.Errorf("As of 4.4, it's illegal to specify positional operator in the middle of a path."+
		"Positional projection may only be used at the end, for example: a.b.$. If the query previously used a form like a.b.$.d, "+
		"remove the parts following the '$' and the results will be equivalent. Found: %s", path)
}

// names reports whether a condition of the filter is on the same top-level field
// as path.
func (f *Filter) names(path string) bool {
	field, _, _ := strings.Cut(path, ".")
	for _, each := range nodePaths(nil, f.root) {
		if top, _, _ := strings.Cut(each, "."); top == field {
			return true
		}
	}
	return false
}
