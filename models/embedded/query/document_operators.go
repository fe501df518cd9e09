package query

import (
	"math/rand/v2"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// documentOperators are the operators that stand where a field name could and
// look at the whole document. $and, $or, $nor and $comment are handled apart.
var documentOperators = map[string]func(p *filterParser, name string, v bson.RawValue) (node, error){
	"$expr":        (*filterParser).expression,
	"$jsonSchema":  (*filterParser).jsonSchema,
	"$sampleRate":  (*filterParser).sampleRate,
	"$alwaysTrue":  (*filterParser).always,
	"$alwaysFalse": (*filterParser).always,
	"$text":        (*filterParser).text,
	"$where":       (*filterParser).where,
	"$ref":         (*filterParser).dbRef,
	"$id":          (*filterParser).dbRef,
	"$db":          (*filterParser).dbRef,
}

// isTopLevelOperator reports whether an operator stands where a field name could.
func isTopLevelOperator(name string) bool {
	switch name {
	case "$and", "$or", "$nor", "$comment":
		return true
	}
	_, ok := documentOperators[name]
	return ok
}

// exprNode is $expr.
type exprNode struct{ expression *expr.Expression }

func (n *exprNode) match(doc []byte, _ *position) (bool, error) {
	v, err := n.expression.Eval(doc)
	return err == nil && value.Truthy(v), err
}

func (p *filterParser) expression(_ string, v bson.RawValue) (node, error) {
	if p.element {
		return nil, mongoerr.BadValue.Errorf("$expr can only be applied to the top-level document")
	}
	if p.plain {
		return nil, mongoerr.QueryFeatureNotAllowed.Errorf("$expr is not allowed in this context")
	}
	e, err := expr.Parse(v, p.vars)
	return &exprNode{e}, err
}

// sampleNode is $sampleRate: it matches at random, at this rate.
type sampleNode float64

func (n sampleNode) match([]byte, *position) (bool, error) { return rand.Float64() < float64(n), nil }

func (p *filterParser) sampleRate(_ string, v bson.RawValue) (node, error) {
	if !value.IsNumber(v) {
		return nil, mongoerr.BadValue.Errorf("argument to $sampleRate must be a numeric type")
	}
	rate := value.Float(v)
	if !(rate >= 0 && rate <= 1) {
		return nil, mongoerr.BadValue.Errorf("numeric argument to $sampleRate must be in [0, 1]")
	}
	return sampleNode(rate), nil
}

func (p *filterParser) always(name string, v bson.RawValue) (node, error) {
	n, ok := value.ExactInt64(v)
	switch {
	case !value.IsNumber(v):
		return nil, mongoerr.FailedToParse.Errorf("Expected a number in: %s: %s", name, value.Format(v))
	case !ok || n != 1:
		return nil, mongoerr.FailedToParse.Errorf("%s must be an integer value of 1", name)
	case name == "$alwaysFalse":
		return &orNode{}, nil
	}
	return &andNode{}, nil
}

func (p *filterParser) text(string, bson.RawValue) (node, error) {
	if p.element {
		return nil, mongoerr.BadValue.Errorf("$text can only be applied to the top-level document")
	}
	if p.plain {
		return nil, mongoerr.BadValue.Errorf("$text is not allowed in this context")
	}
	return nil, mongoerr.IndexNotFound.Errorf("text index required for $text query")
}

func (p *filterParser) where(string, bson.RawValue) (node, error) {
	if p.plain || p.element {
		return nil, mongoerr.BadValue.Errorf("$where is not allowed in this context")
	}
	return nil, mongoerr.BadValue.Errorf("no globalScriptEngine in $where parsing")
}

// dbRef reads the fields of a DBRef by their names, as $elemMatch meets them.
func (p *filterParser) dbRef(name string, v bson.RawValue) (node, error) {
	c, err := equality(v, false)
	return &pathNode{path: name, parts: []string{name}, condition: c, expand: true}, err
}

// UsesExpr reports whether the filter has an $expr, which an upsert can't take.
func (f *Filter) UsesExpr() bool { return usesExpr(f.root) }

func usesExpr(n node) bool {
	switch n := n.(type) {
	case *exprNode:
		return true
	case *notNode:
		return usesExpr(n.child)
	case *andNode:
		for _, child := range n.children {
			if usesExpr(child) {
				return true
			}
		}
	case *orNode:
		for _, child := range n.children {
			if usesExpr(child) {
				return true
			}
		}
	}
	return false
}
