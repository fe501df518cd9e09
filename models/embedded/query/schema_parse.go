package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

func (p *filterParser) jsonSchema(_ string, v bson.RawValue) (node, error) {
	if p.plain {
		return nil, mongoerr.QueryFeatureNotAllowed.Errorf("$jsonSchema is not allowed in this context")
	}
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.TypeMismatch.Errorf("$jsonSchema must be an object")
	}
	s, err := parseSchema(v.Value)
	return &schemaNode{s}, err
}

// schemaParser parses one level of a schema.
type schemaParser struct {
	keywords map[string]bson.RawValue
	schema   schema
}

// parseSchema parses MongoDB's subset of JSON Schema, draft 4, and bsonType.
func parseSchema(doc []byte) (schema, error) {
	p := &schemaParser{keywords: map[string]bson.RawValue{}}
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			break
		}
		name := string(key)
		if err := checkKeyword(name); err != nil {
			return nil, err
		}
		if _, twice := p.keywords[name]; twice {
			return nil, mongoerr.FailedToParse.Errorf("Duplicate $jsonSchema keyword: %s", name)
		}
		p.keywords[name] = v
	}
	err := p.metadata()
	for _, parse := range []func(*schemaParser) error{
		(*schemaParser).types, (*schemaParser).numbers, (*schemaParser).strings,
		(*schemaParser).arrays, (*schemaParser).objects, (*schemaParser).logic,
	} {
		if err == nil {
			err = parse(p)
		}
	}
	return p.schema, err
}

func checkKeyword(name string) error {
	switch name {
	case "additionalItems", "additionalProperties", "allOf", "anyOf", "bsonType", "dependencies", "description", "enum",
		"exclusiveMaximum", "exclusiveMinimum", "items", "maxItems", "maxLength", "maxProperties", "maximum", "minItems",
		"minLength", "minProperties", "minimum", "multipleOf", "not", "oneOf", "pattern", "patternProperties", "properties",
		"required", "title", "type", "uniqueItems":
		return nil
	case "$ref", "$schema", "default", "definitions", "format", "id":
		return mongoerr.FailedToParse.Errorf("$jsonSchema keyword '%s' is not currently supported", name)
	case "encrypt", "encryptMetadata":
		return mongoerr.NotImplemented.Errorf("$jsonSchema keyword '%s' is not supported by this server", name)
	}
	return mongoerr.FailedToParse.Errorf("Unknown $jsonSchema keyword: %s", name)
}

func (p *schemaParser) add(check func(v bson.RawValue) bool) { p.schema = append(p.schema, check) }

// each calls parse for those of the keywords that the schema has, in this order.
func (p *schemaParser) each(parse func(name string, v bson.RawValue) error, names ...string) error {
	for _, name := range names {
		if v, ok := p.keywords[name]; ok {
			if err := parse(name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *schemaParser) metadata() error {
	return p.each(func(name string, v bson.RawValue) error {
		if v.Type != bson.TypeString {
			return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be of type string", name)
		}
		return nil
	}, "description", "title")
}

func (p *schemaParser) types() error {
	_, named := p.keywords["type"]
	if _, bsonNamed := p.keywords["bsonType"]; named && bsonNamed {
		return mongoerr.FailedToParse.Errorf("Cannot specify both $jsonSchema keywords 'type' and 'bsonType'")
	}
	return p.each(func(name string, v bson.RawValue) error {
		set, err := parseSchemaTypes(name, v)
		p.add(set.matches)
		return err
	}, "type", "bsonType")
}

func parseSchemaTypes(keyword string, v bson.RawValue) (typeSet, error) {
	list := []bson.RawValue{v}
	if v.Type == bson.TypeArray {
		list = items(v)
	} else if v.Type != bson.TypeString {
		return 0, mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be either a string or an array of strings", keyword)
	}
	set := typeSet(0)
	seen := map[string]struct{}{}
	for _, item := range list {
		name, ok := item.StringValueOK()
		if !ok {
			return 0, mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' array elements must be strings", keyword)
		}
		if _, twice := seen[name]; twice {
			return 0, mongoerr.FailedToParse.Errorf("$jsonSchema keyword '%s' has duplicate value: %s", keyword, name)
		}
		seen[name] = struct{}{}
		types, err := schemaType(keyword, name)
		if err != nil {
			return 0, err
		}
		set |= types
	}
	if set == 0 {
		return 0, mongoerr.FailedToParse.Errorf("$jsonSchema keyword '%s' must name at least one type", keyword)
	}
	return set, nil
}

// schemaType reads a name of bsonType, or one of JSON's own for type.
func schemaType(keyword, name string) (typeSet, error) {
	if name == "integer" {
		return 0, mongoerr.FailedToParse.Errorf("$jsonSchema type 'integer' is not currently supported.")
	}
	if keyword == "type" {
		switch name {
		case "array", "null", "number", "object", "string":
		case "boolean":
			name = "bool"
		default:
			return 0, mongoerr.BadValue.Errorf("Unknown type name alias: %s", name)
		}
	}
	return typesNamed(name)
}

// logic parses what combines schemas, and enum.
func (p *schemaParser) logic() error {
	if err := p.each(p.combination, "allOf", "anyOf", "oneOf"); err != nil {
		return err
	}
	if err := p.each(p.not, "not"); err != nil {
		return err
	}
	return p.each(p.enum, "enum")
}

func (p *schemaParser) combination(name string, v bson.RawValue) error {
	if v.Type != bson.TypeArray {
		return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be an array", name)
	}
	var branches []schema
	for _, item := range items(v) {
		if item.Type != bson.TypeEmbeddedDocument {
			return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be an array of objects, but found an element of type %s",
				name, value.TypeName(item.Type))
		}
		s, err := parseSchema(item.Value)
		if err != nil {
			return err
		}
		branches = append(branches, s)
	}
	if len(branches) == 0 {
		return mongoerr.BadValue.Errorf("$jsonSchema keyword '%s' must be a non-empty array", name)
	}
	p.add(func(v bson.RawValue) bool {
		accepted := 0
		for _, s := range branches {
			if s.accepts(v) {
				accepted++
			}
		}
		return name == "allOf" && accepted == len(branches) || name == "anyOf" && accepted > 0 || name == "oneOf" && accepted == 1
	})
	return nil
}

func (p *schemaParser) not(name string, v bson.RawValue) error {
	if v.Type != bson.TypeEmbeddedDocument {
		return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be an object, but found an element of type %s", name, value.TypeName(v.Type))
	}
	s, err := parseSchema(v.Value)
	p.add(func(v bson.RawValue) bool { return !s.accepts(v) })
	return err
}

func (p *schemaParser) enum(name string, v bson.RawValue) error {
	if v.Type != bson.TypeArray {
		return mongoerr.TypeMismatch.Errorf("$jsonSchema keyword '%s' must be an array, but found an element of type %s", name, value.TypeName(v.Type))
	}
	allowed := map[string]struct{}{}
	for _, item := range items(v) {
		key := equalityKey(item)
		if _, twice := allowed[key]; twice {
			return mongoerr.FailedToParse.Errorf("$jsonSchema keyword '%s' array cannot contain duplicate values.", name)
		}
		allowed[key] = struct{}{}
	}
	if len(allowed) == 0 {
		return mongoerr.FailedToParse.Errorf("$jsonSchema keyword '%s' cannot be an empty array", name)
	}
	p.add(func(v bson.RawValue) bool {
		_, ok := allowed[equalityKey(v)]
		return ok
	})
	return nil
}
