package query

import (
	"bytes"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// maxQueryDepth is mongod's limit for nested query expressions.
const maxQueryDepth = 100

// filterParser parses filters, and what is like them in updates and projections.
type filterParser struct {
	vars *expr.Variables
	// plain says that operators on whole documents, such as $expr, are banned.
	plain bool
	// element says that it is parsing the query of an $elemMatch.
	element bool
}

// plainParser parses the queries in updates and projections.
var plainParser = &filterParser{plain: true}

// conjunction parses a query document, whose fields are joined by and.
func (p *filterParser) conjunction(doc []byte, depth int) (*andNode, error) {
	if depth > maxQueryDepth {
		return nil, mongoerr.BadValue.Errorf("exceeded maximum query tree depth of %d at %s", maxQueryDepth,
			value.Format(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}))
	}
	and := &andNode{}
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			return and, nil
		}
		var nodes []node
		var err error
		if bytes.HasPrefix(key, []byte("$")) {
			nodes, err = p.topLevel(string(key), v, depth)
		} else {
			nodes, err = p.field(string(key), v, depth)
		}
		if err != nil {
			return nil, err
		}
		and.children = append(and.children, nodes...)
	}
}

// topLevel parses an operator that stands where a field name could.
func (p *filterParser) topLevel(name string, v bson.RawValue, depth int) ([]node, error) {
	switch name {
	case "$comment":
		return nil, nil
	case "$and", "$or", "$nor":
		children, err := p.branches(name, v, depth)
		if err != nil {
			return nil, err
		}
		return joinBranches(name, children), nil
	}
	if parse, ok := documentOperators[name]; ok {
		n, err := parse(p, name, v)
		return []node{n}, err
	}
	return nil, mongoerr.BadValue.Errorf("unknown top level operator: %s. If you have a field name that starts with a '$' symbol, "+
		"consider using $getField or $setField.", name)
}

func joinBranches(name string, children []*andNode) []node {
	switch name {
	case "$or":
		return []node{&orNode{children}}
	case "$nor":
		return []node{&notNode{&orNode{children}}}
	}
	var nodes []node
	for _, child := range children {
		nodes = append(nodes, child.children...)
	}
	return nodes
}

func (p *filterParser) branches(name string, v bson.RawValue, depth int) ([]*andNode, error) {
	if v.Type != bson.TypeArray {
		return nil, mongoerr.BadValue.Errorf("%s must be an array", name)
	}
	var children []*andNode
	it := value.Elements(v.Value)
	for {
		_, branch, ok := it.Next()
		if !ok {
			break
		}
		if branch.Type != bson.TypeEmbeddedDocument {
			return nil, mongoerr.BadValue.Errorf("$or/$and/$nor entries need to be full objects")
		}
		child, err := p.conjunction(branch.Value, depth+1)
		if err != nil {
			return nil, err
		}
		children = append(children, child)
	}
	if len(children) == 0 {
		return nil, mongoerr.BadValue.Errorf("$and/$or/$nor must be a nonempty array")
	}
	return children, nil
}

// noQueryExecutionPlans is mongod's code for a query no index can answer.
const noQueryExecutionPlans mongoerr.Code = 291

func refuseOperator(path, name string) error {
	switch name {
	case "$near", "$nearSphere", "$geoNear":
		return mongoerr.New(int32(noQueryExecutionPlans), "NoQueryExecutionPlans",
			"error processing query: field=%s: unable to find index for $geoNear query", path)
	case "$geoWithin", "$within", "$geoIntersects":
		return mongoerr.NotImplemented.Errorf("%s is not supported by this server", name)
	}
	return mongoerr.BadValue.Errorf("unknown operator: %s", name)
}

// field parses the condition on one path: operators, or a value to equal.
func (p *filterParser) field(path string, v bson.RawValue, depth int) ([]node, error) {
	if isOperatorDocument(v, false) {
		terms, err := p.operators(path, v.Value, depth)
		if err != nil {
			return nil, err
		}
		return nodesOf(path, strings.Split(path, "."), terms), nil
	}
	c, err := equality(v, true)
	if err != nil {
		return nil, err
	}
	return nodesOf(path, strings.Split(path, "."), []term{{condition: c}}), nil
}

// isOperatorDocument tells {$gt: 1} from a document to compare with. A DBRef
// is one of the latter although its names start with a dollar; partial says that
// one of its fields is enough to be one.
func isOperatorDocument(v bson.RawValue, partial bool) bool {
	if v.Type != bson.TypeEmbeddedDocument {
		return false
	}
	it := value.Elements(v.Value)
	if name, _, _ := it.Next(); !bytes.HasPrefix(name, []byte("$")) {
		return false
	}
	ref, id := !value.Missing(value.Field(v.Value, "$ref")), !value.Missing(value.Field(v.Value, "$id"))
	if partial {
		return !ref && !id && value.Missing(value.Field(v.Value, "$db"))
	}
	return !ref || !id
}

// equality gives the condition of {field: v}. Written so a regular expression
// is matched; as {$eq: v} it would only equal itself.
func equality(v bson.RawValue, implicit bool) (condition, error) {
	switch {
	case v.Type == bson.TypeUndefined:
		return nil, mongoerr.BadValue.Errorf("cannot compare to undefined")
	case v.Type == bson.TypeRegex && implicit:
		return compileRegex(v.Regex())
	}
	return &comparison{op: OpEq, value: v}, nil
}

// term is one operator on a path: a condition, or terms that must not all hold.
type term struct {
	condition condition
	negated   []term
}

// nodesOf gives each term its own walk along the path: within an array,
// different elements may satisfy different terms.
func nodesOf(path string, parts []string, terms []term) []node {
	nodes := make([]node, len(terms))
	for i, t := range terms {
		if t.condition == nil {
			nodes[i] = &notNode{&andNode{nodesOf(path, parts, t.negated)}}
			continue
		}
		nodes[i] = &pathNode{path: path, parts: parts, condition: t.condition, expand: !wholeArrays(t.condition)}
	}
	return nodes
}

// conditionOf joins terms into one condition on a single value.
func conditionOf(terms []term) condition {
	all := make(allOf, len(terms))
	for i, t := range terms {
		if all[i] = t.condition; t.condition == nil {
			all[i] = noneOf{conditionOf(t.negated)}
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return all
}
