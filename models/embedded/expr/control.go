package expr

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $cond, $ifNull, $switch and $let.
const (
	condUnknown    mongoerr.Code = 17083
	condNoIf       mongoerr.Code = 17080
	condNoThen     mongoerr.Code = 17081
	condNoElse     mongoerr.Code = 17082
	ifNullArity    mongoerr.Code = 1257300
	switchNoObject mongoerr.Code = 40060
	switchNoArray  mongoerr.Code = 40061
	branchNoObject mongoerr.Code = 40062
	branchUnknown  mongoerr.Code = 40063
	branchNoCase   mongoerr.Code = 40064
	branchNoThen   mongoerr.Code = 40065
	switchNoMatch  mongoerr.Code = 40066
	switchUnknown  mongoerr.Code = 40067
	switchEmpty    mongoerr.Code = 40068
	letNoObject    mongoerr.Code = 16874
	letUnknown     mongoerr.Code = 16875
	letNoVars      mongoerr.Code = 16876
	letNoIn        mongoerr.Code = 16877
)

func parseCond(p *parser, name string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		args, err := p.arguments(v)
		if err != nil {
			return nil, err
		}
		if len(args) != 3 {
			return nil, wrongArity.Errorf("Expression %s takes exactly 3 arguments. %d were passed in.", name, len(args))
		}
		return choice(args[0], args[1], args[2]), nil
	}
	unknown := func(name string) error { return condUnknown.Errorf("Unrecognized parameter to $cond: %s", name) }
	args, err := p.named(v, unknown, "if", "then", "else")
	switch {
	case err != nil:
		return nil, err
	case args["if"] == nil:
		return nil, condNoIf.Errorf("Missing 'if' parameter to $cond")
	case args["then"] == nil:
		return nil, condNoThen.Errorf("Missing 'then' parameter to $cond")
	case args["else"] == nil:
		return nil, condNoElse.Errorf("Missing 'else' parameter to $cond")
	}
	return choice(args["if"], args["then"], args["else"]), nil
}

func choice(condition, then, otherwise node) node {
	return nodeFunc(func(s *scope) (bson.RawValue, error) {
		v, err := condition.eval(s)
		if err != nil {
			return v, err
		}
		if value.Truthy(v) {
			return then.eval(s)
		}
		return otherwise.eval(s)
	})
}

func parseIfNull(p *parser, _ string, v bson.RawValue) (node, error) {
	args, err := p.arguments(v)
	if err != nil {
		return nil, err
	}
	if len(args) < 2 {
		return nil, ifNullArity.Errorf("$ifNull needs at least two arguments, had: %d", len(args))
	}
	return nodeFunc(func(s *scope) (v bson.RawValue, err error) {
		for _, arg := range args {
			if v, err = arg.eval(s); err != nil || !nullish(v) {
				return v, err
			}
		}
		return v, nil
	}), nil
}

type branch struct{ condition, then node }

func parseSwitch(p *parser, _ string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, switchNoObject.Errorf("$switch requires an object as an argument, found: %s", typeName(v))
	}
	unknown := func(name string) error { return switchUnknown.Errorf("$switch found an unknown argument: %s", name) }
	specs, err := namedSpecs(v, unknown, "branches", "default")
	if err != nil {
		return nil, err
	}
	var branches []branch
	if spec, ok := specs["branches"]; ok {
		if branches, err = p.branches(spec); err != nil {
			return nil, err
		}
	}
	if len(branches) == 0 {
		return nil, switchEmpty.Errorf("$switch requires at least one branch.")
	}
	var otherwise node
	if spec, ok := specs["default"]; ok {
		if otherwise, err = p.operand(spec); err != nil {
			return nil, err
		}
	}
	return switchOf(branches, otherwise), nil
}

func (p *parser) branches(v bson.RawValue) ([]branch, error) {
	if !isArray(v) {
		return nil, switchNoArray.Errorf("$switch expected an array for 'branches', found: %s", typeName(v))
	}
	unknown := func(name string) error {
		return branchUnknown.Errorf("$switch found an unknown argument to a branch: %s", name)
	}
	var out []branch
	for spec := range elements(v) {
		if !isObject(spec) {
			return nil, branchNoObject.Errorf("$switch expected each branch to be an object, found: %s", typeName(spec))
		}
		args, err := p.named(spec, unknown, "case", "then")
		switch {
		case err != nil:
			return nil, err
		case args["case"] == nil:
			return nil, branchNoCase.Errorf("$switch requires each branch have a 'case' expression")
		case args["then"] == nil:
			return nil, branchNoThen.Errorf("$switch requires each branch have a 'then' expression.")
		}
		out = append(out, branch{args["case"], args["then"]})
	}
	return out, nil
}

func switchOf(branches []branch, otherwise node) node {
	return nodeFunc(func(s *scope) (bson.RawValue, error) {
		for _, b := range branches {
			v, err := b.condition.eval(s)
			if err != nil {
				return v, err
			}
			if value.Truthy(v) {
				return b.then.eval(s)
			}
		}
		if otherwise == nil {
			return bson.RawValue{}, switchNoMatch.Errorf("$switch could not find a matching branch for an input, and no default was specified.")
		}
		return otherwise.eval(s)
	})
}

func parseLet(p *parser, _ string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, letNoObject.Errorf("$let only supports an object as its argument")
	}
	unknown := func(name string) error { return letUnknown.Errorf("Unrecognized parameter to $let: %s", name) }
	specs, err := namedSpecs(v, unknown, "vars", "in")
	if err != nil {
		return nil, err
	}
	vars, ok := specs["vars"]
	if !ok {
		return nil, letNoVars.Errorf("Missing 'vars' parameter to $let")
	}
	in, ok := specs["in"]
	if !ok {
		return nil, letNoIn.Errorf("Missing 'in' parameter to $let")
	}
	if !isObject(vars) {
		return nil, mongoerr.TypeMismatch.Errorf("invalid parameter: expected an object (vars)")
	}
	var names []string
	var values []node
	for name, spec := range fields(vars.Value) {
		if err := checkWritable(name); err != nil {
			return nil, err
		}
		n, err := p.operand(spec) // sees the outer variables only
		if err != nil {
			return nil, err
		}
		names, values = append(names, name), append(values, n)
	}
	body, slots, err := p.within(in, names...)
	return nodeFunc(func(s *scope) (bson.RawValue, error) {
		for i, n := range values {
			v, err := n.eval(s)
			if err != nil {
				return v, err
			}
			s.locals[slots[i]] = v
		}
		return body.eval(s)
	}), err
}
