package query

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/wire"
)

// stageOf gives the specification of a stage written as {"$set": …}.
func stageOf(t testing.TB, json string) (name string, v bson.RawValue) {
	t.Helper()
	element, err := document(t, json).IndexErr(0)
	if err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	return element.Key(), element.Value()
}

func TestTransform(t *testing.T) {
	t.Parallel()
	const doc = `{"_id": 1, "a": 2, "b": {"c": 3}, "d": [{"e": 1}, 5]}`
	tests := []struct{ stage, want string }{
		{`{"$project": {"a": 1}}`, `{ _id: 1, a: 2 }`},
		{`{"$project": {"a": 0, "d": 0}}`, `{ _id: 1, b: { c: 3 } }`},
		{`{"$project": {"x": "$b.c", "_id": 0}}`, `{ x: 3 }`},
		{`{"$set": {"a": 7}}`, `{ _id: 1, a: 7, b: { c: 3 }, d: [ { e: 1 }, 5 ] }`},
		{`{"$set": {"b.c": "$a", "b.x": "$b.c", "y": "$d"}}`, `{ _id: 1, a: 2, b: { c: 2, x: 3 }, d: [ { e: 1 }, 5 ], y: [ { e: 1 }, 5 ] }`},
		{`{"$addFields": {"b": {"x": 1}, "d": "$$REMOVE"}}`, `{ _id: 1, a: 2, b: { c: 3, x: 1 } }`},
		{`{"$addFields": {"d.f": "$a"}}`, `{ _id: 1, a: 2, b: { c: 3 }, d: [ { e: 1, f: 2 }, { f: 2 } ] }`},
		{`{"$addFields": {"a.x": 1}}`, `{ _id: 1, a: { x: 1 }, b: { c: 3 }, d: [ { e: 1 }, 5 ] }`},
		{`{"$addFields": {"x.y": 1, "b": {"$literal": {"$x": 1}}}}`, `{ _id: 1, a: 2, b: { $x: 1 }, d: [ { e: 1 }, 5 ], x: { y: 1 } }`},
		{`{"$addFields": {"b": {}}}`, `{ _id: 1, a: 2, b: { }, d: [ { e: 1 }, 5 ] }`},
		{`{"$addFields": {}}`, `{ _id: 1, a: 2, b: { c: 3 }, d: [ { e: 1 }, 5 ] }`},
		{`{"$unset": "b"}`, `{ _id: 1, a: 2, d: [ { e: 1 }, 5 ] }`},
		{`{"$unset": ["_id", "b.c", "d.e"]}`, `{ a: 2, b: { }, d: [ { }, 5 ] }`},
		{`{"$unset": "x"}`, `{ _id: 1, a: 2, b: { c: 3 }, d: [ { e: 1 }, 5 ] }`},
		{`{"$replaceRoot": {"newRoot": "$b"}}`, `{ c: 3 }`},
		{`{"$replaceWith": {"x": "$a", "y": {"z": "$b.c"}}}`, `{ x: 2, y: { z: 3 } }`},
	}
	for _, test := range tests {
		name, spec := stageOf(t, test.stage)
		transform, err := ParseTransform(name, spec, nil)
		if err != nil {
			t.Errorf("%s: %v", test.stage, err)
			continue
		}
		out, err := transform.Apply(document(t, doc))
		if err != nil || text(out) != test.want || wire.Validate(out) != nil {
			t.Errorf("%s: %s %v, want %s", test.stage, text(out), err, test.want)
		}
	}
}

func TestTransformErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		stage string
		code  int32
		text  string
	}{
		{`{"$foo": 1}`, 40324, "Unrecognized pipeline stage name: '$foo'"},
		{`{"$project": 1}`, 15969, "$project specification must be an object"},
		{`{"$project": {}}`, 51272, "Invalid $project :: caused by :: projection specification must have at least one field"},
		{`{"$project": {"a": {"$elemMatch": {"b": 1}}}}`, 168, "Invalid $project :: caused by :: Cannot use $elemMatch in this context"},
		{`{"$project": {"a.$": 1}}`, 31324, "Cannot use positional projection in aggregation projection"},
		{`{"$project": {"a": 1, "b": 0}}`, 31254, "Invalid $project :: caused by :: Cannot do exclusion on field b in inclusion projection"},
		{`{"$set": 1}`, 40272, "$set specification stage must be an object, got int"},
		{`{"$addFields": {"a": 1, "a.b": 2}}`, 40176, "Invalid $addFields :: caused by :: specification contains two conflicting paths. Cannot specify both 'a.b' and 'a': { a: 1, a.b: 2 }"},
		{`{"$addFields": {"a.b": 1, "a": 2}}`, 40176, "Cannot specify both 'a' and 'a.b'"},
		{`{"$addFields": {"a": {"b.c": 1}}}`, 40183, "cannot use dotted field name 'b.c' in a sub object"},
		{`{"$addFields": {"a": {"b": 1, "$add": 1}}}`, 40181, "an expression specification must contain exactly one field, the name of the expression. Found 2 fields in { b: 1, $add: 1 }"},
		{`{"$addFields": {"$a": 1}}`, 16410, "Invalid $addFields :: caused by :: FieldPath field names may not start with '$'."},
		{`{"$addFields": {"a": {"$foo": 1}}}`, 168, "Invalid $addFields :: caused by :: Unrecognized expression '$foo'"},
		{`{"$unset": 1}`, 31002, "$unset specification must be a string or an array"},
		{`{"$unset": []}`, 31119, "at least one field"},
		{`{"$unset": ["a", 1]}`, 31120, "containing only string values"},
		{`{"$unset": ["a", "a.b"]}`, 31249, "Invalid $unset :: caused by :: Path collision at a.b"},
		{`{"$replaceRoot": 1}`, 40229, "expected an object as specification for $replaceRoot stage, got int"},
		{`{"$replaceRoot": {}}`, 40414, "BSON field '$replaceRoot.newRoot' is missing but a required field"},
		{`{"$replaceRoot": {"x": 1}}`, 40415, "BSON field '$replaceRoot.x' is an unknown field."},
	}
	for _, test := range tests {
		name, spec := stageOf(t, test.stage)
		_, err := ParseTransform(name, spec, nil)
		checkError(t, test.stage, err, test.code, test.text)
	}
	for _, test := range []struct{ stage, text string }{
		{`{"$replaceRoot": {"newRoot": "$a"}}`, "'newRoot' expression  must evaluate to an object, but resulting value was: 5. Type of resulting value: 'int'. Input document: { a: 5 }"},
		{`{"$replaceWith": "$x"}`, "'replacement document'  must evaluate to an object, but resulting value was: MISSING. Type of resulting value: 'missing'."},
	} {
		name, spec := stageOf(t, test.stage)
		transform, err := ParseTransform(name, spec, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = transform.Apply(document(t, `{"a": 5}`))
		checkError(t, test.stage, err, 40228, test.text)
	}
}

// A document must not grow without bound where many fields copy it.
func TestTransformBuildsNoHugeDocument(t *testing.T) {
	t.Parallel()
	name, spec := stageOf(t, `{"$set": {"a.x": "$$ROOT"}}`)
	transform, err := ParseTransform(name, spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	doc := document(t, `{"a": [`+strings.Repeat("1, ", 99)+`1], "b": "`+strings.Repeat("x", 1<<20)+`"}`)
	_, err = transform.Apply(doc)
	checkError(t, "a hundred copies", err, 10334, "is invalid. Size must be between 0 and 67108864(64MB)")
}

func FuzzTransform(f *testing.F) {
	for _, seed := range []string{
		`{"$project": {"a.b": "$c", "d": 1}}`, `{"$set": {"a.b": {"$literal": 1}, "c": {"x": "$$ROOT"}}}`, `{"$unset": ["a.b", "c"]}`,
		`{"$replaceWith": {"x": ["$a", "$$REMOVE"]}}`, `{"$project": {"a": {"b": 0}}}`,
	} {
		f.Add([]byte(document(f, seed)), []byte(document(f, `{"_id": 1, "a": [{"b": 1}, 3, [{"b": 2}]], "b": {"c": 7}}`)))
	}
	f.Fuzz(func(t *testing.T, stage, doc []byte) {
		if wire.Validate(stage) != nil || wire.Validate(doc) != nil {
			return
		}
		element, err := bson.Raw(stage).IndexErr(0)
		if err != nil {
			return
		}
		transform, err := ParseTransform(element.Key(), element.Value(), nil)
		if err != nil {
			return
		}
		if out, err := transform.Apply(doc); err == nil && wire.Validate(out) != nil {
			t.Fatalf("%s on %s gives invalid BSON", text(stage), text(doc))
		}
	})
}
