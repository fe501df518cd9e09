package expr

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $zip.
const (
	zipNoObject       mongoerr.Code = 34460
	zipInputsNoArray  mongoerr.Code = 34461
	zipDefaultNoArray mongoerr.Code = 34462
	zipLongestNoBool  mongoerr.Code = 34463
	zipUnknown        mongoerr.Code = 34464
	zipNoInputs       mongoerr.Code = 34465
	zipDefaultsUnused mongoerr.Code = 34466
	zipDefaultsLength mongoerr.Code = 34467
	zipInputNoArray   mongoerr.Code = 34468
)

func parseZip(p *parser, name string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, zipNoObject.Errorf("$zip only supports an object as an argument, found %s", typeName(v))
	}
	unknown := func(arg string) error { return zipUnknown.Errorf("$zip found an unknown argument: %s", arg) }
	specs, err := namedSpecs(v, unknown, "inputs", "defaults", "useLongestLength")
	if err != nil {
		return nil, err
	}
	longest := specs["useLongestLength"]
	if !value.Missing(longest) && longest.Type != bson.TypeBoolean {
		return nil, zipLongestNoBool.Errorf("useLongestLength must be a bool, found %s", typeName(longest))
	}
	inputs, err := p.zipArguments("inputs", zipInputsNoArray, specs["inputs"])
	if err != nil {
		return nil, err
	}
	defaults, err := p.zipArguments("defaults", zipDefaultNoArray, specs["defaults"])
	switch {
	case err != nil:
		return nil, err
	case len(inputs) == 0:
		return nil, zipNoInputs.Errorf("$zip requires at least one input array")
	case len(defaults) > 0 && !value.Truthy(longest):
		return nil, zipDefaultsUnused.Errorf("cannot specify defaults unless useLongestLength is true")
	case len(defaults) > 0 && len(defaults) != len(inputs):
		return nil, zipDefaultsLength.Errorf("defaults and inputs must have the same length")
	}
	z := zip{len(inputs), value.Truthy(longest)}
	return &call{name, append(inputs, defaults...), z.apply}, nil
}

func (p *parser) zipArguments(what string, noArray mongoerr.Code, v bson.RawValue) ([]node, error) {
	if value.Missing(v) {
		return nil, nil
	}
	if !isArray(v) {
		return nil, noArray.Errorf("%s must be an array of expressions, found %s", what, typeName(v))
	}
	return p.arguments(v)
}

// zip is $zip of the first arguments; the others are defaults.
type zip struct {
	inputs  int
	longest bool
}

func (z zip) apply(_ string, args []bson.RawValue) (bson.RawValue, error) {
	columns := make([][]bson.RawValue, z.inputs)
	shortest, longest := -1, 0
	for i, v := range args[:z.inputs] {
		if nullish(v) {
			return value.Null, nil
		}
		if !isArray(v) {
			return bson.RawValue{}, zipInputNoArray.Errorf("$zip found a non-array expression in input: %s", showValue(v))
		}
		columns[i] = collect(v)
		longest = max(longest, len(columns[i]))
		if shortest < 0 || len(columns[i]) < shortest {
			shortest = len(columns[i])
		}
	}
	rows := shortest
	if z.longest {
		rows = longest
	}
	out := newArray()
	for row := range rows {
		line := newArray()
		for i, column := range columns {
			line.add(z.item(args, column, i, row))
		}
		out.add(line.value())
	}
	return out.value(), nil
}

func (z zip) item(args, column []bson.RawValue, i, row int) bson.RawValue {
	switch {
	case row < len(column):
		return column[row]
	case z.inputs+i < len(args):
		return orNull(args[z.inputs+i])
	}
	return value.Null
}
