package expr

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about the operators on sets.
const (
	allNoArray           mongoerr.Code = 17040
	anyNoArray           mongoerr.Code = 17041
	subsetSecondNoArray  mongoerr.Code = 17042
	unionNoArray         mongoerr.Code = 17043
	equalsNoArray        mongoerr.Code = 17044
	equalsArity          mongoerr.Code = 17045
	subsetFirstNoArray   mongoerr.Code = 17046
	intersectionNoArray  mongoerr.Code = 17047
	differenceNoArray    mongoerr.Code = 17048
	differenceNoArrayTwo mongoerr.Code = 17049
)

func allElementsTrue(name string, args []bson.RawValue) (bson.RawValue, error) {
	if !isArray(args[0]) {
		return bson.RawValue{}, allNoArray.Errorf("%s's argument must be an array, but is %s", name, typeName(args[0]))
	}
	for v := range elements(args[0]) {
		if !value.Truthy(v) {
			return boolValue(false), nil
		}
	}
	return boolValue(true), nil
}

func anyElementTrue(name string, args []bson.RawValue) (bson.RawValue, error) {
	if !isArray(args[0]) {
		return bson.RawValue{}, anyNoArray.Errorf("%s's argument must be an array, but is %s", name, typeName(args[0]))
	}
	for v := range elements(args[0]) {
		if value.Truthy(v) {
			return boolValue(true), nil
		}
	}
	return boolValue(false), nil
}

// set holds values by keys that are the same for values that compare equal.
type set map[string]struct{}

// add reports whether v is new.
func (s set) add(v bson.RawValue) bool {
	key := value.AppendKey(nil, v, false)
	if _, have := s[string(key)]; have {
		return false
	}
	s[string(key)] = struct{}{}
	return true
}

func (s set) has(v bson.RawValue) bool {
	_, have := s[string(value.AppendKey(nil, v, false))]
	return have
}

func setOf(array bson.RawValue) set {
	s := set{}
	for v := range elements(array) {
		s.add(v)
	}
	return s
}

func setDifference(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) || nullish(args[1]) {
		return value.Null, nil
	}
	if !isArray(args[0]) {
		return bson.RawValue{}, differenceNoArray.Errorf("both operands of $setDifference must be arrays. First argument is of type: %s", typeName(args[0]))
	}
	if !isArray(args[1]) {
		return bson.RawValue{}, differenceNoArrayTwo.Errorf("both operands of $setDifference must be arrays. Second argument is of type: %s", typeName(args[1]))
	}
	seen, out := setOf(args[1]), newArray()
	for v := range elements(args[0]) {
		if seen.add(v) {
			out.add(v)
		}
	}
	return out.value(), nil
}

func parseSetEquals(p *parser, name string, v bson.RawValue) (node, error) {
	args, err := p.arguments(v)
	if err == nil && len(args) < 2 {
		return nil, equalsArity.Errorf("$setEquals needs at least two arguments had: %d", len(args))
	}
	return &call{name, args, setEquals}, err
}

func setEquals(_ string, args []bson.RawValue) (bson.RawValue, error) {
	var first set
	equal := true
	for i, v := range args {
		if !isArray(v) {
			return bson.RawValue{}, equalsNoArray.Errorf("All operands of $setEquals must be arrays. %d-th argument is of type: %s", i+1, typeName(v))
		}
		other := setOf(v)
		if i == 0 {
			first = other
		}
		equal = equal && len(first) == len(other) && contains(first, other)
	}
	return boolValue(equal), nil
}

func contains(outer, inner set) bool {
	for key := range inner {
		if _, ok := outer[key]; !ok {
			return false
		}
	}
	return true
}

func setIntersection(_ string, args []bson.RawValue) (bson.RawValue, error) {
	var common []bson.RawValue
	for i, v := range args {
		if nullish(v) {
			return value.Null, nil
		}
		if !isArray(v) {
			return bson.RawValue{}, intersectionNoArray.Errorf("All operands of $setIntersection must be arrays. One argument is of type: %s", typeName(v))
		}
		if i == 0 {
			common = collect(v)
			continue
		}
		other := setOf(v)
		common = slices.DeleteFunc(common, func(v bson.RawValue) bool { return !other.has(v) })
	}
	return sortedSet(common), nil
}

func setUnion(_ string, args []bson.RawValue) (bson.RawValue, error) {
	var all []bson.RawValue
	for _, v := range args {
		if nullish(v) {
			return value.Null, nil
		}
		if !isArray(v) {
			return bson.RawValue{}, unionNoArray.Errorf("All operands of $setUnion must be arrays. One argument is of type: %s", typeName(v))
		}
		all = append(all, collect(v)...)
	}
	return sortedSet(all), nil
}

// sortedSet keeps the first of equal values.
func sortedSet(values []bson.RawValue) bson.RawValue {
	slices.SortStableFunc(values, value.Compare)
	return arrayOf(slices.CompactFunc(values, value.Equal))
}

func setIsSubset(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if !isArray(args[0]) {
		return bson.RawValue{}, subsetFirstNoArray.Errorf("both operands of $setIsSubset must be arrays. First argument is of type: %s", typeName(args[0]))
	}
	if !isArray(args[1]) {
		return bson.RawValue{}, subsetSecondNoArray.Errorf("both operands of $setIsSubset must be arrays. Second argument is of type: %s", typeName(args[1]))
	}
	return boolValue(contains(setOf(args[1]), setOf(args[0]))), nil
}
