package query

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $addFields.
const (
	conflictingPaths      mongoerr.Code = 40176
	expressionWithFields  mongoerr.Code = 40181
	dottedSubField        mongoerr.Code = 40183
	addFieldsSpecNoObject mongoerr.Code = 40272
)

// addFieldsParser parses $set and $addFields into an exclusion without drops:
// everything stays, and what is computed goes over it.
type addFieldsParser struct {
	spec bson.RawValue
	vars *expr.Variables
	root *projectionNode
}

func parseAddFields(stage string, v bson.RawValue, vars *expr.Variables) (*Transform, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, addFieldsSpecNoObject.Errorf("%s specification stage must be an object, got %s", stage, value.TypeName(v.Type))
	}
	p := &addFieldsParser{spec: v, vars: vars, root: &projectionNode{}}
	if err := p.fields("", v.Value, 0); err != nil {
		return nil, invalid(stage, err)
	}
	return &Transform{projection: &Projection{root: p.root}}, nil
}

func (p *addFieldsParser) fields(prefix string, doc []byte, depth int) error {
	if depth > maxQueryDepth {
		return mongoerr.Overflow.Errorf("Maximum expression depth exceeded: %d", maxQueryDepth)
	}
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			return nil
		}
		name := string(key)
		switch {
		case prefix != "" && strings.HasPrefix(name, "$"):
			return expressionWithFields.Errorf("an expression specification must contain exactly one field, the name of the expression. "+
				"Found %d fields in %s, while parsing object %s", len(items(documentValue(doc))), value.Format(documentValue(doc)), value.Format(p.spec))
		case prefix != "" && strings.Contains(name, "."):
			return dottedSubField.Errorf("cannot use dotted field name '%s' in a sub object: %s", name, value.Format(p.spec))
		}
		if err := p.field(prefix+name, v, depth); err != nil {
			return err
		}
	}
}

// field parses a value to compute, or an object of fields to go into another.
func (p *addFieldsParser) field(path string, v bson.RawValue, depth int) error {
	if err := checkFieldPath(path); err != nil {
		return err
	}
	if v.Type == bson.TypeEmbeddedDocument {
		it := value.Elements(v.Value)
		name, _, ok := it.Next()
		_, _, more := it.Next()
		if ok && (more || !strings.HasPrefix(string(name), "$")) {
			return p.fields(path+".", v.Value, depth+1)
		}
	}
	e, err := expr.Parse(v, p.vars)
	if err != nil {
		return err
	}
	if conflict := p.root.insert(path, projectionNode{action: compute, computes: true, computed: e}); conflict != nil {
		return conflictingPaths.Errorf("specification contains two conflicting paths. Cannot specify both '%s' and '%s': %s",
			path, conflict.other, value.Format(p.spec))
	}
	return nil
}
