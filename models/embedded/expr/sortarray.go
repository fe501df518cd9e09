package expr

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $sortArray.
const (
	sortNoObject    mongoerr.Code = 2942500
	sortUnknown     mongoerr.Code = 2942501
	sortNoInput     mongoerr.Code = 2942502
	sortNoBy        mongoerr.Code = 2942503
	sortNoArray     mongoerr.Code = 2942504
	sortBadClause   mongoerr.Code = 2942505
	sortBadOrder    mongoerr.Code = 2942506
	sortBadByClause mongoerr.Code = 2942507
)

// sortKey is one field to sort by; without a path it is the whole element.
type sortKey struct {
	path       string
	descending bool
}

func parseSortArray(p *parser, name string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, sortNoObject.Errorf("$sortArray requires an object as an argument, found: %s", typeName(v))
	}
	unknown := func(arg string) error { return sortUnknown.Errorf("$sortArray found an unknown argument: %s", arg) }
	specs, err := namedSpecs(v, unknown, "input", "sortBy")
	if err != nil {
		return nil, err
	}
	spec, ok := specs["input"]
	if !ok {
		return nil, sortNoInput.Errorf("$sortArray requires 'input' to be specified")
	}
	by, ok := specs["sortBy"]
	if !ok {
		return nil, sortNoBy.Errorf("$sortArray requires 'sortBy' to be specified")
	}
	keys, err := sortKeys(by)
	if err != nil {
		return nil, err
	}
	input, err := p.operand(spec)
	return &call{name, []node{input}, sortArrayBy(keys)}, err
}

func sortArrayBy(keys []sortKey) function {
	return func(_ string, args []bson.RawValue) (bson.RawValue, error) {
		if nullish(args[0]) {
			return value.Null, nil
		}
		if !isArray(args[0]) {
			return bson.RawValue{}, sortNoArray.Errorf("The input argument to $sortArray must be an array, but was of type: %s", typeName(args[0]))
		}
		items := collect(args[0])
		slices.SortStableFunc(items, func(a, b bson.RawValue) int { return compareBy(keys, a, b) })
		return arrayOf(items), nil
	}
}

func sortKeys(by bson.RawValue) ([]sortKey, error) {
	if !isObject(by) {
		if !value.IsNumber(by) {
			return nil, sortBadByClause.Errorf("The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort embedded fields")
		}
		descending, err := sortOrder(by)
		return []sortKey{{descending: descending}}, err
	}
	var keys []sortKey
	for path, order := range fields(by.Value) {
		descending, err := sortOrder(order)
		if err != nil {
			return nil, err
		}
		switch {
		case path == "":
			return nil, sortBadClause.Errorf("BadValue: The $sort field cannot be empty")
		case strings.HasPrefix(path, "."), strings.HasSuffix(path, "."):
			return nil, sortBadClause.Errorf("BadValue: The $sort field is a dotted field but has an empty part: %s", path)
		}
		keys = append(keys, sortKey{path, descending})
	}
	if len(keys) == 0 {
		return nil, sortBadClause.Errorf("BadValue: The $sort pattern is empty when it should be a set of fields.")
	}
	return keys, nil
}

func sortOrder(v bson.RawValue) (descending bool, err error) {
	n, ok := value.ExactInt32(v)
	if !ok || n != 1 && n != -1 {
		return false, sortBadOrder.Errorf("The $sort element value must be either 1 or -1")
	}
	return n == -1, nil
}

func compareBy(keys []sortKey, a, b bson.RawValue) int {
	for _, key := range keys {
		c := value.Compare(key.of(a), key.of(b))
		if key.descending {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func (k sortKey) of(v bson.RawValue) bson.RawValue {
	if k.path == "" {
		return v
	}
	if !isObject(v) {
		return value.Null
	}
	found, _ := value.Lookup(v.Value, k.path)
	return orNull(found)
}
