package query

import (
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

func (p *schemaParser) numbers() error {
	if err := p.each(p.multipleOf, "multipleOf"); err != nil {
		return err
	}
	if err := p.limit("maximum", "exclusiveMaximum", OpLte, OpLt); err != nil {
		return err
	}
	return p.limit("minimum", "exclusiveMinimum", OpGte, OpGt)
}

func (p *schemaParser) multipleOf(name string, divisor bson.RawValue) error {
	if !value.IsNumber(divisor) {
		return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be a number", name)
	}
	if value.Compare(divisor, value.Int32(0)) <= 0 {
		return mongoerr.FailedToParse.Errorf("$jsonSchema keyword '%s' must have a positive value", name)
	}
	// mongod divides decimals: 0.3 is a multiple of 0.1.
	decimal := value.FromDecimal(value.ToDecimal(divisor))
	p.add(onNumbers(func(v bson.RawValue) bool { return value.Equal(value.Remainder(v, decimal), value.Int32(0)) }))
	return nil
}

func (p *schemaParser) limit(name, exclusive string, op, exclusiveOp Op) error {
	isExclusive, given := p.keywords[exclusive]
	bound, ok := p.keywords[name]
	switch {
	case !ok && given:
		return mongoerr.FailedToParse.Errorf("$jsonSchema keyword '%s' must be a present if %s is present", name, exclusive)
	case !ok:
		return nil
	case given && isExclusive.Type != bson.TypeBoolean:
		return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be a boolean", exclusive)
	case !value.IsNumber(bound):
		return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be a number", name)
	}
	if value.Truthy(isExclusive) {
		op = exclusiveOp
	}
	p.add(onNumbers((&comparison{op: op, value: bound}).matches))
	return nil
}

func (p *schemaParser) strings() error {
	characters := func(v bson.RawValue) int64 { return int64(utf8.RuneCount(value.TextOf(v))) }
	if err := p.size("maxLength", "minLength", bson.TypeString, characters); err != nil {
		return err
	}
	return p.each(func(name string, v bson.RawValue) error {
		pattern, ok := v.StringValueOK()
		if !ok {
			return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be a string", name)
		}
		re, err := compileRegex(pattern, "")
		if err == nil {
			p.add(on(bson.TypeString, re.matches))
		}
		return err
	}, "pattern")
}

// size parses a pair of keywords that limit how many parts a value has.
func (p *schemaParser) size(most, least string, t bson.Type, size func(v bson.RawValue) int64) error {
	return p.each(func(name string, v bson.RawValue) error {
		n, whole := value.ExactInt64(v)
		switch {
		case !value.IsNumber(v):
			return mongoerr.FailedToParse.Errorf("Expected a number in: %s: %s", name, value.Format(v))
		case !whole:
			return mongoerr.FailedToParse.Errorf("Expected an integer: %s: %s", name, value.Format(v))
		case n < 0:
			return mongoerr.FailedToParse.Errorf("Expected a non-negative number in: %s: %s", name, value.Format(v))
		case name == most:
			p.add(on(t, func(v bson.RawValue) bool { return size(v) <= n }))
		default:
			p.add(on(t, func(v bson.RawValue) bool { return size(v) >= n }))
		}
		return nil
	}, most, least)
}

func (p *schemaParser) arrays() error {
	if err := p.size("maxItems", "minItems", bson.TypeArray, count); err != nil {
		return err
	}
	if v, ok := p.keywords["uniqueItems"]; ok {
		if v.Type != bson.TypeBoolean {
			return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword 'uniqueItems' must be a boolean")
		}
		if value.Truthy(v) {
			p.add(on(bson.TypeArray, uniqueItems))
		}
	}
	a := &arrayItems{}
	if err := p.each(a.parseItems, "items"); err != nil {
		return err
	}
	if err := p.each(a.parseAdditional, "additionalItems"); err != nil {
		return err
	}
	p.add(on(bson.TypeArray, a.accepts))
	return nil
}

func (a *arrayItems) parseItems(name string, v bson.RawValue) (err error) {
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		a.rest, err = parseSchema(v.Value)
		return err
	case bson.TypeArray:
	default:
		return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be an array or an object, not %s", name, value.TypeName(v.Type))
	}
	a.first = []schema{}
	for _, item := range items(v) {
		if item.Type != bson.TypeEmbeddedDocument {
			return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' requires that each element of the array is an object, but found a %s",
				name, value.TypeName(item.Type))
		}
		s, err := parseSchema(item.Value)
		if err != nil {
			return err
		}
		a.first = append(a.first, s)
	}
	return nil
}

// parseAdditional parses additionalItems, which counts only beside an array of
// items.
func (a *arrayItems) parseAdditional(name string, v bson.RawValue) error {
	switch v.Type {
	case bson.TypeBoolean:
		a.closed = a.first != nil && !value.Truthy(v)
		return nil
	case bson.TypeEmbeddedDocument:
		s, err := parseSchema(v.Value)
		if a.first != nil {
			a.rest = s
		}
		return err
	}
	return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be either an object or a boolean, but got a %s", name, value.TypeName(v.Type))
}
