package expr

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $firstN, $lastN, $minN and $maxN.
const (
	nthNoObject    mongoerr.Code = 5787900
	nthUnknown     mongoerr.Code = 5787901
	nthNoIntegral  mongoerr.Code = 5787902
	nthNoLong      mongoerr.Code = 5787903
	nthNoN         mongoerr.Code = 5787906
	nthNoInput     mongoerr.Code = 5787907
	nthNotPositive mongoerr.Code = 5787908
	nthNoArray     mongoerr.Code = 5788200
)

var (
	parseFirstN = nth(func(items []bson.RawValue, n int) []bson.RawValue { return items[:min(n, len(items))] })
	parseLastN  = nth(func(items []bson.RawValue, n int) []bson.RawValue { return items[len(items)-min(n, len(items)):] })
	parseMinN   = nth(func(items []bson.RawValue, n int) []bson.RawValue { return extremes(items, n, value.Compare) })
	parseMaxN   = nth(func(items []bson.RawValue, n int) []bson.RawValue {
		return extremes(items, n, func(a, b bson.RawValue) int { return value.Compare(b, a) })
	})
)

// extremes gives the first n in order, without those that are null.
func extremes(items []bson.RawValue, n int, order func(a, b bson.RawValue) int) []bson.RawValue {
	items = slices.DeleteFunc(items, nullish)
	slices.SortStableFunc(items, order)
	return items[:min(n, len(items))]
}

// nth is an operator that chooses n elements of an array.
func nth(choose func(items []bson.RawValue, n int) []bson.RawValue) operator {
	return func(p *parser, name string, v bson.RawValue) (node, error) {
		if !isObject(v) {
			return nil, nthNoObject.Errorf("specification must be an object; found %s: %s", name, showValue(v))
		}
		unknown := func(arg string) error { return nthUnknown.Errorf("Unknown argument for 'n' operator: %s", arg) }
		args, err := p.named(v, unknown, "n", "input")
		switch {
		case err != nil:
			return nil, err
		case args["n"] == nil:
			return nil, nthNoN.Errorf("Missing value for 'n'")
		case args["input"] == nil:
			return nil, nthNoInput.Errorf("Missing value for 'input'")
		}
		return &call{name, []node{args["n"], args["input"]}, func(_ string, args []bson.RawValue) (bson.RawValue, error) {
			n, err := positiveCount(args[0])
			if err != nil {
				return bson.RawValue{}, err
			}
			if !isArray(args[1]) {
				return bson.RawValue{}, nthNoArray.Errorf("Input must be an array")
			}
			return arrayOf(choose(collect(args[1]), n)), nil
		}}, nil
	}
}

func positiveCount(v bson.RawValue) (int, error) {
	if !value.IsNumber(v) {
		return 0, nthNoIntegral.Errorf("Value for 'n' must be of integral type, but found %s", showValue(v))
	}
	n, ok := value.ExactInt64(v)
	if !ok {
		return 0, nthNoLong.Errorf("Value for 'n' must be of integral type, but found %s", showValue(v))
	}
	if n <= 0 {
		return 0, nthNotPositive.Errorf("'n' must be greater than 0, found %d", n)
	}
	return int(n), nil
}
