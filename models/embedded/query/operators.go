package query

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// operators parses {$gt: 1, $lt: 5}.
func (p *filterParser) operators(path string, doc []byte, depth int) ([]term, error) {
	if depth > maxQueryDepth {
		return nil, mongoerr.BadValue.Errorf("exceeded maximum query tree depth of %d", maxQueryDepth)
	}
	var terms []term
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			return terms, nil
		}
		added, err := p.operator(path, string(key), v, doc, depth)
		if err != nil {
			return nil, err
		}
		terms = append(terms, added...)
	}
}

func (p *filterParser) operator(path, name string, v bson.RawValue, doc []byte, depth int) ([]term, error) {
	var c condition
	var err error
	switch name {
	case "$not":
		return p.not(path, v, depth)
	case "$ne", "$nin":
		return parseNegated(path, name, v)
	case "$exists":
		if !value.Truthy(v) {
			return []term{{negated: []term{{condition: existsCondition{}}}}}, nil
		}
		c = existsCondition{}
	case "$all":
		return p.all(path, v, depth)
	case "$options":
		if value.Missing(value.Field(doc, "$regex")) {
			return nil, mongoerr.BadValue.Errorf("$options needs a $regex")
		}
		return nil, nil
	case "$regex":
		c, err = parseRegex(doc)
	case "$elemMatch":
		c, err = p.elemMatch(path, v, depth)
	case "$eq", "$gt", "$gte", "$lt", "$lte":
		c, err = parseComparison(path, name, v)
	case "$in":
		c, err = parseIn(name, v)
	case "$type":
		c, err = parseType(v)
	case "$size":
		c, err = parseSize(v)
	case "$mod":
		c, err = parseMod(v)
	case "$bitsAllSet", "$bitsAllClear", "$bitsAnySet", "$bitsAnyClear":
		c, err = parseBits(name, v)
	default:
		return nil, refuseOperator(path, name)
	}
	if err != nil {
		return nil, err
	}
	return []term{{condition: c}}, nil
}

func parseComparison(path, name string, v bson.RawValue) (condition, error) {
	if name == "$eq" {
		return equality(v, false)
	}
	if v.Type == bson.TypeRegex {
		return nil, mongoerr.BadValue.Errorf("Can't have RegEx as arg to predicate over field '%s'.", path)
	}
	if v.Type == bson.TypeUndefined {
		return nil, mongoerr.BadValue.Errorf("cannot compare to undefined")
	}
	op := map[string]Op{"$gt": OpGt, "$gte": OpGte, "$lt": OpLt, "$lte": OpLte}[name]
	return &comparison{op: op, value: v}, nil
}

func parseNegated(path, name string, v bson.RawValue) ([]term, error) {
	var c condition
	var err error
	switch {
	case name == "$nin":
		c, err = parseIn(name, v)
	case v.Type == bson.TypeRegex:
		err = mongoerr.BadValue.Errorf("Can't have regex as arg to $ne.")
	default:
		c, err = equality(v, false)
	}
	if err != nil {
		return nil, err
	}
	return []term{{negated: []term{{condition: c}}}}, nil
}

func (p *filterParser) not(path string, v bson.RawValue, depth int) ([]term, error) {
	if v.Type == bson.TypeRegex {
		c, err := compileRegex(v.Regex())
		return []term{{negated: []term{{condition: c}}}}, err
	}
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.BadValue.Errorf("$not needs a regex or a document")
	}
	terms, err := p.operators(path, v.Value, depth+1)
	if err == nil && len(terms) == 0 {
		err = mongoerr.BadValue.Errorf("$not cannot be empty")
	}
	return []term{{negated: terms}}, err
}

func parseIn(name string, v bson.RawValue) (condition, error) {
	if v.Type != bson.TypeArray {
		return nil, mongoerr.BadValue.Errorf("%s needs an array", name)
	}
	in := &membership{}
	it := value.Elements(v.Value)
	for {
		_, item, ok := it.Next()
		if !ok {
			break
		}
		switch {
		case isOperatorDocument(item, false):
			return nil, mongoerr.BadValue.Errorf("cannot nest $ under $in")
		case item.Type == bson.TypeUndefined:
			return nil, mongoerr.BadValue.Errorf("cannot compare to undefined")
		case item.Type == bson.TypeRegex:
			re, err := compileRegex(item.Regex())
			if err != nil {
				return nil, err
			}
			in.regexes = append(in.regexes, re)
		default:
			in.null = in.null || item.Type == bson.TypeNull
			in.values = append(in.values, item)
		}
	}
	in.values = sortedSet(in.values)
	return in, nil
}

// all parses $all. Its first item decides whether all are to be $elemMatch.
func (p *filterParser) all(path string, v bson.RawValue, depth int) ([]term, error) {
	if v.Type != bson.TypeArray {
		return nil, mongoerr.BadValue.Errorf("$all needs an array")
	}
	var terms []term
	list := items(v)
	for _, item := range list {
		c, err := p.allItem(path, item, firstName(list[0]) == "$elemMatch", depth)
		if err != nil {
			return nil, err
		}
		terms = append(terms, term{condition: c})
	}
	if len(terms) == 0 {
		return []term{{condition: nothing{}}}, nil
	}
	return terms, nil
}

func (p *filterParser) allItem(path string, item bson.RawValue, elements bool, depth int) (condition, error) {
	name := firstName(item)
	switch {
	case elements && name != "$elemMatch":
		return nil, mongoerr.BadValue.Errorf("$all/$elemMatch has to be consistent")
	case elements:
		return p.elemMatch(path, value.Field(item.Value, "$elemMatch"), depth)
	case isPathOperator(name):
		return nil, mongoerr.BadValue.Errorf("no $ expressions in $all")
	}
	return equality(item, true)
}

// firstName gives the name of a document's first field; empty for other values.
func firstName(v bson.RawValue) string {
	if v.Type != bson.TypeEmbeddedDocument {
		return ""
	}
	it := value.Elements(v.Value)
	name, _, _ := it.Next()
	return string(name)
}

// isPathOperator reports whether mongod knows an operator on a path by this name.
func isPathOperator(name string) bool {
	switch name {
	case "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$not", "$all", "$elemMatch", "$size", "$exists", "$type",
		"$mod", "$regex", "$options", "$bitsAllSet", "$bitsAllClear", "$bitsAnySet", "$bitsAnyClear",
		"$near", "$nearSphere", "$geoNear", "$geoWithin", "$within", "$geoIntersects", "$maxDistance", "$minDistance":
		return true
	}
	return false
}

func (p *filterParser) elemMatch(path string, v bson.RawValue, depth int) (condition, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.BadValue.Errorf("$elemMatch needs an Object")
	}
	inner := *p
	inner.element = true
	if isOperatorDocument(v, true) && !isTopLevelOperator(firstName(v)) {
		terms, err := inner.operators(path, v.Value, depth+1)
		return &elemMatchValue{conditionOf(terms)}, err
	}
	query, err := inner.conjunction(v.Value, depth+1)
	return &elemMatchObject{query}, err
}

// parseRegex parses $regex and $options, which stand in either order.
func parseRegex(doc []byte) (condition, error) {
	const setTwice = "options set in both $regex and $options"
	source, flags := "", ""
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			return compileRegex(source, flags)
		}
		text, isString := v.StringValueOK()
		switch {
		case string(key) == "$regex" && v.Type == bson.TypeRegex:
			pattern, own := v.Regex()
			if own != "" && flags != "" {
				return nil, mongoerr.Code(51074).Errorf(setTwice)
			}
			source, flags = pattern, own+flags
		case string(key) == "$regex" && !isString:
			return nil, mongoerr.BadValue.Errorf("$regex has to be a string")
		case string(key) == "$regex":
			source = text
		case string(key) == "$options" && !isString:
			return nil, mongoerr.BadValue.Errorf("$options has to be a string")
		case string(key) == "$options" && flags != "":
			return nil, mongoerr.Code(51075).Errorf(setTwice)
		case string(key) == "$options":
			flags = text
		}
	}
}

func parseSize(v bson.RawValue) (condition, error) {
	element := "$size: " + value.Format(v)
	if !value.IsNumber(v) {
		return nil, mongoerr.BadValue.Errorf("Failed to parse $size. Expected a number in: %s", element)
	}
	n, ok := value.ExactInt64(v)
	if !ok {
		return nil, mongoerr.BadValue.Errorf("Failed to parse $size. Expected an integer: %s", element)
	}
	if n < 0 {
		return nil, mongoerr.BadValue.Errorf("Failed to parse $size. Expected a non-negative number in: %s", element)
	}
	return sizeCondition(n), nil
}

func parseMod(v bson.RawValue) (condition, error) {
	if v.Type != bson.TypeArray {
		return nil, mongoerr.BadValue.Errorf("malformed mod, needs to be an array")
	}
	var numbers []int64
	it := value.Elements(v.Value)
	for {
		_, item, ok := it.Next()
		if !ok {
			break
		}
		if len(numbers) == 2 {
			return nil, mongoerr.BadValue.Errorf("malformed mod, too many elements")
		}
		role := []string{"divisor", "remainder"}[len(numbers)]
		if !value.IsNumber(item) {
			return nil, mongoerr.BadValue.Errorf("malformed mod, %s not a number", role)
		}
		n, ok := truncatedInt(item)
		if !ok {
			return nil, mongoerr.BadValue.Errorf("malformed mod, %s value is invalid :: caused by :: out of bounds", role)
		}
		numbers = append(numbers, n)
	}
	if len(numbers) < 2 {
		return nil, mongoerr.BadValue.Errorf("malformed mod, not enough elements")
	}
	if numbers[0] == 0 {
		return nil, mongoerr.BadValue.Errorf("divisor cannot be 0")
	}
	return modulo{numbers[0], numbers[1]}, nil
}

func parseType(v bson.RawValue) (condition, error) {
	if v.Type != bson.TypeArray {
		return parseTypeName(v)
	}
	set := typeSet(0)
	it := value.Elements(v.Value)
	for {
		_, item, ok := it.Next()
		if !ok {
			break
		}
		types, err := parseTypeName(item)
		if err != nil {
			return nil, err
		}
		set |= types
	}
	if set == 0 {
		return nil, mongoerr.FailedToParse.Errorf("$type must match at least one type")
	}
	return set, nil
}

func parseTypeName(v bson.RawValue) (typeSet, error) {
	if name, ok := v.StringValueOK(); ok {
		return typesNamed(name)
	}
	if !value.IsNumber(v) {
		return 0, mongoerr.TypeMismatch.Errorf("type must be represented as a number or a string")
	}
	code, ok := value.ExactInt64(v)
	if ok && code == -1 {
		return typeBit(bson.TypeMinKey), nil
	}
	if !ok || code < 1 || code > math.MaxInt8 || value.TypeName(bson.Type(code)) == "missing" {
		return 0, mongoerr.BadValue.Errorf("Invalid numerical type code: %s", value.Format(v))
	}
	return typeBit(bson.Type(code)), nil
}

func typesNamed(name string) (typeSet, error) {
	if name == "number" {
		return typeBit(bson.TypeDouble) | typeBit(bson.TypeInt32) | typeBit(bson.TypeInt64) | typeBit(bson.TypeDecimal128), nil
	}
	if name == "missing" {
		return 0, mongoerr.BadValue.Errorf("Unknown type name alias: missing")
	}
	for code := range 256 {
		if value.TypeName(bson.Type(code)) == name {
			return typeBit(bson.Type(code)), nil
		}
	}
	return 0, mongoerr.BadValue.Errorf("Unknown type name alias: %s", name)
}
