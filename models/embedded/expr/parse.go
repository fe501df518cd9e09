package expr

import (
	"bytes"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about the shape of expressions.
const (
	wrongArity      mongoerr.Code = 16020
	arityOutOfRange mongoerr.Code = 28667
	oneFieldOnly    mongoerr.Code = 15983
	duplicateField  mongoerr.Code = 16406
	loneDollar      mongoerr.Code = 16872
	emptyFieldPath  mongoerr.Code = 40352
	trailingDotPath mongoerr.Code = 40353
	emptyFieldName  mongoerr.Code = 15998
	dollarFieldName mongoerr.Code = 16410
	nulFieldName    mongoerr.Code = 16411
	dottedFieldName mongoerr.Code = 16412
)

// maxDepth is how deep expressions nest, as BSON does.
const maxDepth = 200

// operator parses the argument v of the operator called name.
type operator func(p *parser, name string, v bson.RawValue) (node, error)

// parser turns specifications into nodes.
type parser struct {
	operators map[string]operator
	vars      *Variables
	bound     []binding // the variables of the operators around, innermost last
	locals    int       // slots handed out
	depth     int
	reads     bool // something read the document
}

type binding struct {
	name string
	slot int
}

// bind gives a slot for a variable; the caller drops it from bound when the
// expression in which it is visible has been parsed.
func (p *parser) bind(name string) int {
	p.bound = append(p.bound, binding{name, p.locals})
	p.locals++
	return p.locals - 1
}

// operand parses what can stand for a value: a path, an expression, or a literal.
func (p *parser) operand(v bson.RawValue) (node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, mongoerr.Overflow.Errorf("exceeded maximum nested object depth: %d", maxDepth)
	}
	defer func() { p.depth-- }()
	switch v.Type {
	case bson.TypeString:
		if text := string(value.TextOf(v)); strings.HasPrefix(text, "$") {
			return p.reference(text)
		}
	case bson.TypeEmbeddedDocument:
		return p.document(v)
	case bson.TypeArray:
		return p.array(v)
	}
	return constantNode(v), nil
}

func constantNode(v bson.RawValue) node {
	return &constant{bson.RawValue{Type: v.Type, Value: bytes.Clone(v.Value)}}
}

// document parses an object: an operator if its first name starts with $.
func (p *parser) document(v bson.RawValue) (node, error) {
	it := value.Elements(v.Value)
	key, argument, ok := it.Next()
	if !ok || len(key) == 0 || key[0] != '$' {
		return p.object(v)
	}
	if _, _, more := it.Next(); more {
		return nil, oneFieldOnly.Errorf("An object representing an expression must have exactly one field: %s", value.Format(v))
	}
	name := string(key)
	parse, ok := p.operators[name]
	if !ok {
		return nil, mongoerr.InvalidPipelineOperator.Errorf("Unrecognized expression '%s'", name)
	}
	return parse(p, name, argument)
}

func (p *parser) object(v bson.RawValue) (node, error) {
	o := &object{}
	seen := map[string]bool{}
	for name, spec := range fields(v.Value) {
		if err := checkFieldName(name); err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, duplicateField.Errorf("duplicate field name specified in object literal: %s", value.Format(v))
		}
		seen[name] = true
		n, err := p.operand(spec)
		if err != nil {
			return nil, err
		}
		o.names, o.values = append(o.names, name), append(o.values, n)
	}
	return folded(o, o.values), nil
}

func (p *parser) array(v bson.RawValue) (node, error) {
	l := &list{}
	for spec := range elements(v) {
		n, err := p.operand(spec)
		if err != nil {
			return nil, err
		}
		l.values = append(l.values, n)
	}
	return folded(l, l.values), nil
}

// folded gives the value of a literal as a constant if all its parts are.
func folded(n node, parts []node) node {
	for _, part := range parts {
		if _, ok := constantOf(part); !ok {
			return n
		}
	}
	v, err := n.eval(&scope{})
	if err != nil {
		return n
	}
	return &constant{v}
}

// reference parses "$a.b" and "$$variable.a.b".
func (p *parser) reference(text string) (node, error) {
	if text == "$" {
		return nil, loneDollar.Errorf("'$' by itself is not a valid FieldPath")
	}
	if !strings.HasPrefix(text, "$$") {
		parts, err := splitPath(text[1:])
		if err != nil {
			return nil, err
		}
		return p.path("CURRENT", parts)
	}
	name, rest, dotted := strings.Cut(text[2:], ".")
	if err := checkReadable(name); err != nil {
		return nil, err
	}
	var parts []string
	if dotted {
		var err error
		if parts, err = splitPath(rest); err != nil {
			return nil, err
		}
	}
	return p.path(name, parts)
}

// path reads parts of the variable called name.
func (p *parser) path(name string, parts []string) (node, error) {
	of, err := p.variable(name)
	if err != nil || len(parts) == 0 {
		return of, err
	}
	if _, ok := of.(rootValue); ok {
		return &fieldPath{parts}, nil
	}
	if c, ok := of.(*constant); ok {
		return &constant{fieldOf(c.value, parts)}, nil
	}
	return &pathIn{of, parts}, nil
}

func (p *parser) variable(name string) (node, error) {
	for i := len(p.bound) - 1; i >= 0; i-- {
		if p.bound[i].name == name {
			return local{p.bound[i].slot}, nil
		}
	}
	if v, ok := p.vars.lookup(name); ok {
		return &constant{v}, nil
	}
	switch name {
	case "ROOT", "CURRENT":
		p.reads = true
		return rootValue{}, nil
	case "REMOVE":
		return &constant{}, nil
	case "CLUSTER_TIME", "USER_ROLES", "SEARCH_META":
		return nil, unavailableVariable.Errorf("Builtin variable '$$%s' is not available", name)
	}
	return nil, undefinedVariable.Errorf("Use of undefined variable: %s", name)
}

func splitPath(path string) ([]string, error) {
	if path == "" {
		return nil, emptyFieldPath.Errorf("FieldPath cannot be constructed with empty string")
	}
	if strings.HasSuffix(path, ".") {
		return nil, trailingDotPath.Errorf("FieldPath must not end with a '.'.")
	}
	parts := strings.Split(path, ".")
	for _, part := range parts {
		if err := checkFieldName(part); err != nil {
			return nil, err
		}
	}
	if len(parts) > maxDepth {
		return nil, mongoerr.Overflow.Errorf("FieldPath is too long")
	}
	return parts, nil
}

func checkFieldName(name string) error {
	switch {
	case name == "":
		return emptyFieldName.Errorf("FieldPath field names may not be empty strings.")
	case name[0] == '$':
		return dollarFieldName.Errorf("FieldPath field names may not start with '$'. Consider using $getField or $setField.")
	case strings.ContainsRune(name, 0):
		return nulFieldName.Errorf("FieldPath field names may not contain '\\0'.")
	case strings.Contains(name, "."):
		return dottedFieldName.Errorf("FieldPath field names may not contain '.'. Consider using $getField or $setField.")
	}
	return nil
}

// arguments parses an operator's arguments: an array of them, or a single one.
func (p *parser) arguments(v bson.RawValue) ([]node, error) {
	if !isArray(v) {
		n, err := p.operand(v)
		return []node{n}, err
	}
	var args []node
	for spec := range elements(v) {
		n, err := p.operand(spec)
		if err != nil {
			return nil, err
		}
		args = append(args, n)
	}
	return args, nil
}

// named parses the arguments of an operator that takes an object of them. A
// name other than names fails with unknown.
func (p *parser) named(v bson.RawValue, unknown func(name string) error, names ...string) (map[string]node, error) {
	specs, err := namedSpecs(v, unknown, names...)
	if err != nil {
		return nil, err
	}
	args := map[string]node{}
	for _, name := range names {
		if spec, ok := specs[name]; ok {
			if args[name], err = p.operand(spec); err != nil {
				return nil, err
			}
		}
	}
	return args, nil
}

// namedSpecs gives the arguments of such an operator unparsed.
func namedSpecs(v bson.RawValue, unknown func(name string) error, names ...string) (map[string]bson.RawValue, error) {
	specs := map[string]bson.RawValue{}
	for name, spec := range fields(v.Value) {
		if !slices.Contains(names, name) {
			return nil, unknown(name)
		}
		specs[name] = spec
	}
	return specs, nil
}

// within parses v with variables bound to slots that it hands to the caller.
func (p *parser) within(v bson.RawValue, names ...string) (n node, slots []int, err error) {
	outer := len(p.bound)
	for _, name := range names {
		slots = append(slots, p.bind(name))
	}
	n, err = p.operand(v)
	p.bound = p.bound[:outer]
	return n, slots, err
}
