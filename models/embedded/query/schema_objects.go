package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

func (p *schemaParser) objects() error {
	if err := p.each(p.required, "required"); err != nil {
		return err
	}
	if err := p.each(p.properties, "properties"); err != nil {
		return err
	}
	if err := p.allowed(); err != nil {
		return err
	}
	if err := p.size("maxProperties", "minProperties", bson.TypeEmbeddedDocument, count); err != nil {
		return err
	}
	return p.each(p.dependencies, "dependencies")
}

func (p *schemaParser) required(name string, v bson.RawValue) error {
	if v.Type != bson.TypeArray {
		return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be an array, but found an element of type %s", name, value.TypeName(v.Type))
	}
	var names []string
	seen := map[string]struct{}{}
	for _, item := range items(v) {
		field, ok := item.StringValueOK()
		if !ok {
			return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be an array of strings, but found an element of type: %s",
				name, value.TypeName(item.Type))
		}
		if _, twice := seen[field]; twice {
			return mongoerr.FailedToParse.Errorf("$jsonSchema keyword '%s' array cannot contain duplicate values", name)
		}
		seen[field] = struct{}{}
		names = append(names, field)
	}
	if len(names) == 0 {
		return mongoerr.FailedToParse.Errorf("$jsonSchema keyword '%s' cannot be an empty array", name)
	}
	p.add(on(bson.TypeEmbeddedDocument, func(v bson.RawValue) bool { return hasFields(v, names) }))
	return nil
}

func (p *schemaParser) properties(name string, v bson.RawValue) error {
	if v.Type != bson.TypeEmbeddedDocument {
		return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be an object", name)
	}
	it := value.Elements(v.Value)
	for {
		key, nested, ok := it.Next()
		if !ok {
			return nil
		}
		field := string(key)
		if nested.Type != bson.TypeEmbeddedDocument {
			return mongoerr.TypeMismatch.Errorf("Nested schema for $jsonSchema property '%s' must be an object", field)
		}
		s, err := parseSchema(nested.Value)
		if err != nil {
			return err
		}
		p.add(on(bson.TypeEmbeddedDocument, func(v bson.RawValue) bool {
			v = value.Field(v.Value, field)
			return value.Missing(v) || s.accepts(v)
		}))
	}
}

// allowed parses patternProperties and additionalProperties.
func (p *schemaParser) allowed() error {
	a := &allowedProperties{named: map[string]struct{}{}}
	it := value.Elements(p.keywords["properties"].Value)
	for {
		key, _, ok := it.Next()
		if !ok {
			break
		}
		a.named[string(key)] = struct{}{}
	}
	if err := p.each(a.parsePatterns, "patternProperties"); err != nil {
		return err
	}
	if err := p.each(a.parseAdditional, "additionalProperties"); err != nil {
		return err
	}
	if len(a.patterns) > 0 || len(a.others) > 0 || a.closed {
		p.add(on(bson.TypeEmbeddedDocument, a.accepts))
	}
	return nil
}

func (a *allowedProperties) parsePatterns(name string, v bson.RawValue) error {
	if v.Type != bson.TypeEmbeddedDocument {
		return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be an object", name)
	}
	it := value.Elements(v.Value)
	for {
		pattern, nested, ok := it.Next()
		if !ok {
			return nil
		}
		if nested.Type != bson.TypeEmbeddedDocument {
			return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' has property '%s' which is not an object", name, pattern)
		}
		s, err := parseSchema(nested.Value)
		if err != nil {
			return err
		}
		re, err := compileRegex(string(pattern), "")
		if err != nil {
			return err
		}
		a.patterns = append(a.patterns, patternSchema{re, s})
	}
}

func (a *allowedProperties) parseAdditional(name string, v bson.RawValue) (err error) {
	switch v.Type {
	case bson.TypeBoolean:
		a.closed = !value.Truthy(v)
	case bson.TypeEmbeddedDocument:
		a.others, err = parseSchema(v.Value)
	default:
		err = mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be an object or a boolean", name)
	}
	return err
}

func (p *schemaParser) dependencies(name string, v bson.RawValue) error {
	if v.Type != bson.TypeEmbeddedDocument {
		return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be an object", name)
	}
	it := value.Elements(v.Value)
	for {
		key, dependency, ok := it.Next()
		if !ok {
			return nil
		}
		field := string(key)
		needs, err := parseDependency(field, dependency)
		if err != nil {
			return err
		}
		p.add(on(bson.TypeEmbeddedDocument, func(v bson.RawValue) bool { return !hasField(v, field) || needs(v) }))
	}
}

// parseDependency gives what an object with the field must satisfy: a schema, or
// to have other fields.
func parseDependency(field string, v bson.RawValue) (func(v bson.RawValue) bool, error) {
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		s, err := parseSchema(v.Value)
		return s.accepts, err
	case bson.TypeArray:
	default:
		return nil, mongoerr.TypeMismatch.Errorf("property '%s' in $jsonSchema keyword 'dependencies' must be either an object or an array", field)
	}
	var names []string
	seen := map[string]struct{}{}
	for _, item := range items(v) {
		name, ok := item.StringValueOK()
		if !ok {
			return nil, mongoerr.TypeMismatch.Errorf("array '%s' in $jsonSchema keyword 'dependencies' can only contain strings, but found element of type: %s",
				field, value.TypeName(item.Type))
		}
		if _, twice := seen[name]; twice {
			return nil, mongoerr.FailedToParse.Errorf("array '%s' in $jsonSchema keyword 'dependencies' contains duplicate element: %s", field, name)
		}
		seen[name] = struct{}{}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, mongoerr.FailedToParse.Errorf("property '%s' in $jsonSchema keyword 'dependencies' cannot be an empty array", field)
	}
	return func(v bson.RawValue) bool { return hasFields(v, names) }, nil
}
