package expr

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// operators parse each operator by its name.
var operators = map[string]operator{
	"$literal": literal,
	"$expr":    grouped,
	"$const":   literal,

	"$and": variadic(and),
	"$or":  variadic(or),
	"$not": exactly(1, not),

	"$cmp": exactly(2, func(a []bson.RawValue) (bson.RawValue, error) {
		return value.Int32(int32(compare(a[0], a[1]))), nil
	}),
	"$eq":  comparison(func(c int) bool { return c == 0 }),
	"$ne":  comparison(func(c int) bool { return c != 0 }),
	"$gt":  comparison(func(c int) bool { return c > 0 }),
	"$gte": comparison(func(c int) bool { return c >= 0 }),
	"$lt":  comparison(func(c int) bool { return c < 0 }),
	"$lte": comparison(func(c int) bool { return c <= 0 }),
}

type function = func(args []bson.RawValue) (bson.RawValue, error)

// exactly is an operator that takes n arguments.
func exactly(n int, apply function) operator {
	return func(p *parser, name string, v bson.RawValue) (node, error) {
		args, err := p.arguments(v)
		if err != nil {
			return nil, err
		}
		if len(args) != n {
			return nil, wrongArity.Errorf("Expression %s takes exactly %d arguments. %d were passed in.", name, n, len(args))
		}
		return &call{args, apply}, nil
	}
}

// between is an operator that takes from least to most arguments.
func between(least, most int, apply function) operator {
	return func(p *parser, name string, v bson.RawValue) (node, error) {
		args, err := p.arguments(v)
		if err != nil {
			return nil, err
		}
		if len(args) < least || len(args) > most {
			return nil, arityOutOfRange.Errorf("Expression %s takes at least %d arguments, and at most %d, but %d were passed in.", name, least, most, len(args))
		}
		return &call{args, apply}, nil
	}
}

// anyNumber is an operator that takes any number of arguments.
func anyNumber(apply function) operator {
	return variadic(func(args []node) node { return &call{args, apply} })
}

// variadic is an operator that takes any number of arguments and evaluates
// them itself.
func variadic(build func(args []node) node) operator {
	return func(p *parser, _ string, v bson.RawValue) (node, error) {
		args, err := p.arguments(v)
		if err != nil {
			return nil, err
		}
		return build(args), nil
	}
}

func literal(_ *parser, _ string, v bson.RawValue) (node, error) { return constantNode(v), nil }

// grouped is $expr within an expression, which is its argument.
func grouped(p *parser, _ string, v bson.RawValue) (node, error) { return p.operand(v) }
