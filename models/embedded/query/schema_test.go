package query

import "testing"

func TestJSONSchema(t *testing.T) {
	t.Parallel()
	tests := []struct {
		schema, doc string
		want        bool
	}{
		{`{}`, `{"a": 1}`, true},
		{`{"bsonType": "object", "title": "x", "description": "y"}`, `{}`, true},
		{`{"bsonType": "string"}`, `{}`, false},
		{`{"required": ["a", "b"]}`, `{"a": 1, "b": null}`, true},
		{`{"required": ["a", "b"]}`, `{"a": 1}`, false},
		{`{"properties": {"a": {"bsonType": "int"}}}`, `{"a": 1}`, true},
		{`{"properties": {"a": {"bsonType": "int"}}}`, `{"a": 1.5}`, false},
		{`{"properties": {"a": {"bsonType": "int"}}}`, `{}`, true},
		{`{"properties": {"a": {"bsonType": "int"}}}`, `{"a": [1]}`, false},
		{`{"properties": {"a": {"bsonType": ["int", "null"]}}}`, `{"a": null}`, true},
		{`{"properties": {"a": {"type": "number"}}}`, `{"a": 1.5}`, true},
		{`{"properties": {"a": {"type": "boolean"}}}`, `{"a": 1}`, false},
		{`{"properties": {"a": {"minimum": 2, "maximum": 5}}}`, `{"a": 5}`, true},
		{`{"properties": {"a": {"minimum": 2, "maximum": 5}}}`, `{"a": 1}`, false},
		{`{"properties": {"a": {"minimum": 2}}}`, `{"a": "text"}`, true},
		{`{"properties": {"a": {"maximum": 5, "exclusiveMaximum": true}}}`, `{"a": 5.0}`, false},
		{`{"properties": {"a": {"minimum": 5, "exclusiveMinimum": false}}}`, `{"a": 5}`, true},
		{`{"properties": {"a": {"multipleOf": 0.1}}}`, `{"a": 0.3}`, true},
		{`{"properties": {"a": {"multipleOf": 2}}}`, `{"a": 3}`, false},
		{`{"properties": {"a": {"minLength": 2, "maxLength": 2}}}`, `{"a": "äö"}`, true},
		{`{"properties": {"a": {"maxLength": 2}}}`, `{"a": "abc"}`, false},
		{`{"properties": {"a": {"pattern": "^x"}}}`, `{"a": "xy"}`, true},
		{`{"properties": {"a": {"pattern": "^x"}}}`, `{"a": "yx"}`, false},
		{`{"properties": {"a": {"enum": [1, "x", {"b": 1, "c": 2}]}}}`, `{"a": {"c": 2, "b": 1.0}}`, true},
		{`{"properties": {"a": {"enum": [1, {"x": {"b": 1, "c": 2}}]}}}`, `{"a": {"x": {"c": 2, "b": 1}}}`, true},
		{`{"properties": {"a": {"enum": [1, [1, 2]]}}}`, `{"a": [2, 1]}`, false},
		{`{"enum": [{"a": 1}]}`, `{"a": 1}`, true},
		{`{"properties": {"a": {"minItems": 1, "maxItems": 2}}}`, `{"a": [1, 2]}`, true},
		{`{"properties": {"a": {"minItems": 1}}}`, `{"a": []}`, false},
		{`{"properties": {"a": {"uniqueItems": true}}}`, `{"a": [1, 1.0]}`, false},
		{`{"properties": {"a": {"uniqueItems": true}}}`, `{"a": [{"x": 1, "y": 2}, {"y": 1, "x": 2}]}`, true},
		{`{"properties": {"a": {"items": {"bsonType": "int"}}}}`, `{"a": [1, 2]}`, true},
		{`{"properties": {"a": {"items": {"bsonType": "int"}}}}`, `{"a": [1, "x"]}`, false},
		{`{"properties": {"a": {"items": [{"bsonType": "int"}, {"bsonType": "string"}]}}}`, `{"a": [1, "x", null]}`, true},
		{`{"properties": {"a": {"items": [{"bsonType": "int"}], "additionalItems": false}}}`, `{"a": [1, 2]}`, false},
		{`{"properties": {"a": {"items": [{"bsonType": "int"}], "additionalItems": {"bsonType": "string"}}}}`, `{"a": [1, "x"]}`, true},
		{`{"properties": {"a": {"items": [], "additionalItems": false}}}`, `{"a": [1]}`, false},
		{`{"properties": {"a": {"additionalItems": false}}}`, `{"a": [1]}`, true},
		{`{"properties": {"a": {}}, "additionalProperties": false}`, `{"a": 1}`, true},
		{`{"properties": {"a": {}}, "additionalProperties": false}`, `{"a": 1, "b": 1}`, false},
		{`{"additionalProperties": {"bsonType": "int"}}`, `{"a": 1, "b": "x"}`, false},
		{`{"patternProperties": {"^s_": {"bsonType": "string"}}, "additionalProperties": false}`, `{"s_a": "x"}`, true},
		{`{"patternProperties": {"^s_": {"bsonType": "string"}}}`, `{"s_a": 1}`, false},
		{`{"minProperties": 2, "maxProperties": 3}`, `{"a": 1}`, false},
		{`{"dependencies": {"a": ["b"]}}`, `{"a": 1, "b": 1}`, true},
		{`{"dependencies": {"a": ["b"]}}`, `{"a": 1}`, false},
		{`{"dependencies": {"a": {"required": ["c"]}}}`, `{"b": 1}`, true},
		{`{"dependencies": {"a": {"required": ["c"]}}}`, `{"a": 1}`, false},
		{`{"allOf": [{"required": ["a"]}, {"required": ["b"]}]}`, `{"a": 1}`, false},
		{`{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}`, `{"a": 1}`, true},
		{`{"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}`, `{"a": 1, "b": 1}`, false},
		{`{"not": {"required": ["a"]}}`, `{"b": 1}`, true},
		{`{"properties": {"a": {"properties": {"b": {"required": ["c"]}}}}}`, `{"a": {"b": {}}}`, false},
	}
	for _, test := range tests {
		filter := filterOf(t, `{"$jsonSchema": `+test.schema+`}`)
		if got := matches(t, filter, document(t, test.doc)); got != test.want {
			t.Errorf("%s on %s: %v, want %v", test.schema, test.doc, got, test.want)
		}
	}
}

func TestJSONSchemaErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		schema string
		code   int32
		text   string
	}{
		{`1`, 14, "$jsonSchema must be an object"},
		{`{"foo": 1}`, 9, "Unknown $jsonSchema keyword: foo"},
		{`{"format": "x"}`, 9, "$jsonSchema keyword 'format' is not currently supported"},
		{`{"title": 1}`, 14, "$jsonSchema keyword 'title' must be of type string"},
		{`{"type": "object", "bsonType": "object"}`, 9, "Cannot specify both $jsonSchema keywords 'type' and 'bsonType'"},
		{`{"type": "integer"}`, 9, "$jsonSchema type 'integer' is not currently supported."},
		{`{"type": "int"}`, 2, "Unknown type name alias: int"},
		{`{"bsonType": 1}`, 14, "must be either a string or an array of strings"},
		{`{"bsonType": []}`, 9, "must name at least one type"},
		{`{"bsonType": ["int", "int"]}`, 9, "has duplicate value: int"},
		{`{"required": []}`, 9, "$jsonSchema keyword 'required' cannot be an empty array"},
		{`{"required": ["a", "a"]}`, 9, "cannot contain duplicate values"},
		{`{"properties": {"a": 1}}`, 14, "Nested schema for $jsonSchema property 'a' must be an object"},
		{`{"properties": {"a": {"foo": 1}}}`, 9, "Unknown $jsonSchema keyword: foo"},
		{`{"maximum": "x"}`, 14, "$jsonSchema keyword 'maximum' must be a number"},
		{`{"exclusiveMaximum": true}`, 9, "$jsonSchema keyword 'maximum' must be a present if exclusiveMaximum is present"},
		{`{"minimum": 1, "exclusiveMinimum": 1}`, 14, "$jsonSchema keyword 'exclusiveMinimum' must be a boolean"},
		{`{"multipleOf": 0}`, 9, "must have a positive value"},
		{`{"maxLength": -1}`, 9, "Expected a non-negative number in: maxLength: -1"},
		{`{"pattern": "("}`, 51091, "Regular expression is invalid"},
		{`{"enum": []}`, 9, "cannot be an empty array"},
		{`{"enum": [1, 1.0]}`, 9, "array cannot contain duplicate values."},
		{`{"items": 1}`, 14, "must be an array or an object, not int"},
		{`{"additionalItems": 1}`, 14, "must be either an object or a boolean, but got a int"},
		{`{"uniqueItems": 1}`, 14, "must be a boolean"},
		{`{"allOf": []}`, 2, "must be a non-empty array"},
		{`{"not": 1}`, 14, "must be an object, but found an element of type int"},
		{`{"patternProperties": {"a": 1}}`, 14, "has property 'a' which is not an object"},
		{`{"additionalProperties": 1}`, 14, "must be an object or a boolean"},
		{`{"dependencies": {"a": 1}}`, 14, "property 'a' in $jsonSchema keyword 'dependencies' must be either an object or an array"},
		{`{"dependencies": {"a": []}}`, 9, "cannot be an empty array"},
	}
	for _, test := range tests {
		_, err := ParseFilter(document(t, `{"$jsonSchema": `+test.schema+`}`), nil)
		checkError(t, test.schema, err, test.code, test.text)
	}
}
