package expr

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $map, $filter and $reduce.
const (
	mapNoObject       mongoerr.Code = 16878
	mapUnknown        mongoerr.Code = 16879
	mapNoInput        mongoerr.Code = 16880
	mapNoIn           mongoerr.Code = 16882
	mapNoArray        mongoerr.Code = 16883
	filterNoObject    mongoerr.Code = 28646
	filterUnknown     mongoerr.Code = 28647
	filterNoInput     mongoerr.Code = 28648
	filterNoCond      mongoerr.Code = 28650
	filterNoArray     mongoerr.Code = 28651
	filterLimitNoInt  mongoerr.Code = 327391
	filterLimitTooLow mongoerr.Code = 327392
	reduceNoObject    mongoerr.Code = 40075
	reduceUnknown     mongoerr.Code = 40076
	reduceNoInput     mongoerr.Code = 40077
	reduceNoInitial   mongoerr.Code = 40078
	reduceNoIn        mongoerr.Code = 40079
	reduceNoArray     mongoerr.Code = 40080
)

// itemName gives the variable that "as" names, "this" by default.
func itemName(specs map[string]bson.RawValue) (string, error) {
	as, ok := specs["as"]
	if !ok {
		return "this", nil
	}
	name, _ := as.StringValueOK()
	return name, checkWritable(name)
}

func parseMap(p *parser, _ string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, mapNoObject.Errorf("$map only supports an object as its argument")
	}
	unknown := func(name string) error { return mapUnknown.Errorf("Unrecognized parameter to $map: %s", name) }
	specs, err := namedSpecs(v, unknown, "input", "as", "in")
	if err != nil {
		return nil, err
	}
	if _, ok := specs["input"]; !ok {
		return nil, mapNoInput.Errorf("Missing 'input' parameter to $map")
	}
	if _, ok := specs["in"]; !ok {
		return nil, mapNoIn.Errorf("Missing 'in' parameter to $map")
	}
	input, err := p.operand(specs["input"])
	if err != nil {
		return nil, err
	}
	name, err := itemName(specs)
	if err != nil {
		return nil, err
	}
	body, slots, err := p.within(specs["in"], name)
	return nodeFunc(func(s *scope) (bson.RawValue, error) {
		list, err := input.eval(s)
		if err != nil {
			return list, err
		}
		if nullish(list) {
			return value.Null, nil
		}
		if !isArray(list) {
			return bson.RawValue{}, mapNoArray.Errorf("input to $map must be an array not %s", typeName(list))
		}
		out := newArray()
		for item := range elements(list) {
			s.locals[slots[0]] = item
			v, err := body.eval(s)
			if err != nil {
				return v, err
			}
			if len(out.out)+len(v.Value) > maxBytes {
				return s.produced(bson.RawValue{Value: out.out})
			}
			out.add(orNull(v))
		}
		return s.produced(out.value())
	}), err
}

func parseFilter(p *parser, _ string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, filterNoObject.Errorf("$filter only supports an object as its argument")
	}
	unknown := func(name string) error { return filterUnknown.Errorf("Unrecognized parameter to $filter: %s", name) }
	specs, err := namedSpecs(v, unknown, "input", "as", "cond", "limit")
	if err != nil {
		return nil, err
	}
	if _, ok := specs["input"]; !ok {
		return nil, filterNoInput.Errorf("Missing 'input' parameter to $filter")
	}
	if _, ok := specs["cond"]; !ok {
		return nil, filterNoCond.Errorf("Missing 'cond' parameter to $filter")
	}
	input, err := p.operand(specs["input"])
	if err != nil {
		return nil, err
	}
	name, err := itemName(specs)
	if err != nil {
		return nil, err
	}
	condition, slots, err := p.within(specs["cond"], name)
	if err != nil {
		return nil, err
	}
	f := &filter{input: input, condition: condition, slot: slots[0]}
	if spec, ok := specs["limit"]; ok {
		f.limit, err = p.operand(spec)
	}
	return f, err
}

// filter is $filter; limit is nil without one.
type filter struct {
	input, condition, limit node
	slot                    int
}

func (f *filter) eval(s *scope) (bson.RawValue, error) {
	list, err := f.input.eval(s)
	if err != nil {
		return list, err
	}
	if nullish(list) {
		return value.Null, nil
	}
	if !isArray(list) {
		return bson.RawValue{}, filterNoArray.Errorf("input to $filter must be an array not %s", typeName(list))
	}
	limit, err := f.most(s)
	if err != nil {
		return bson.RawValue{}, err
	}
	out := newArray()
	for item := range elements(list) {
		s.locals[f.slot] = item
		v, err := f.condition.eval(s)
		if err != nil {
			return v, err
		}
		if value.Truthy(v) {
			out.add(item)
		}
		if limit > 0 && out.count == int(limit) {
			break
		}
	}
	return s.produced(out.value())
}

// most gives the limit, zero for none.
func (f *filter) most(s *scope) (int32, error) {
	if f.limit == nil {
		return 0, nil
	}
	v, err := f.limit.eval(s)
	if err != nil || nullish(v) {
		return 0, err
	}
	n, ok := value.ExactInt32(v)
	if !ok {
		return 0, filterLimitNoInt.Errorf("$filter: limit must be represented as a 32-bit integral value: %s", showValue(v))
	}
	if n < 1 {
		return 0, filterLimitTooLow.Errorf("$filter: limit must be greater than 0: %d", n)
	}
	return n, nil
}

func parseReduce(p *parser, _ string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, reduceNoObject.Errorf("$reduce requires an object as an argument, found: %s", typeName(v))
	}
	unknown := func(name string) error { return reduceUnknown.Errorf("$reduce found an unknown argument: %s", name) }
	specs, err := namedSpecs(v, unknown, "input", "initialValue", "in")
	if err != nil {
		return nil, err
	}
	if _, ok := specs["input"]; !ok {
		return nil, reduceNoInput.Errorf("$reduce requires 'input' to be specified")
	}
	if _, ok := specs["initialValue"]; !ok {
		return nil, reduceNoInitial.Errorf("$reduce requires 'initialValue' to be specified")
	}
	if _, ok := specs["in"]; !ok {
		return nil, reduceNoIn.Errorf("$reduce requires 'in' to be specified")
	}
	input, err := p.operand(specs["input"])
	if err != nil {
		return nil, err
	}
	initial, err := p.operand(specs["initialValue"])
	if err != nil {
		return nil, err
	}
	body, slots, err := p.within(specs["in"], "this", "value")
	return nodeFunc(func(s *scope) (bson.RawValue, error) {
		list, err := input.eval(s)
		if err != nil {
			return list, err
		}
		if nullish(list) {
			return value.Null, nil
		}
		if !isArray(list) {
			return bson.RawValue{}, reduceNoArray.Errorf("$reduce requires that 'input' be an array, found: %s", showValue(list))
		}
		result, err := initial.eval(s)
		for item := range elements(list) {
			if err != nil {
				break
			}
			s.locals[slots[0]], s.locals[slots[1]] = item, result
			result, err = body.eval(s)
		}
		return result, err
	}), err
}
