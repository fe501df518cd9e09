package query

import (
	"strings"
	"testing"

	"parlor/models/embedded/wire"
)

func TestProjectionApply(t *testing.T) {
	t.Parallel()
	const doc = `{"_id": 1, "a": 2, "b": {"c": 3, "d": [{"e": 1, "f": 2}, 5, [{"e": 7}]]}, "g": [1, 2, 3, 4]}`
	tests := []struct{ projection, want string }{
		{`{}`, `{ _id: 1, a: 2, b: { c: 3, d: [ { e: 1, f: 2 }, 5, [ { e: 7 } ] ] }, g: [ 1, 2, 3, 4 ] }`},
		{`{"a": 1}`, `{ _id: 1, a: 2 }`},
		{`{"a": true, "_id": 0}`, `{ a: 2 }`},
		{`{"_id": 1}`, `{ _id: 1 }`},
		{`{"_id": 0}`, `{ a: 2, b: { c: 3, d: [ { e: 1, f: 2 }, 5, [ { e: 7 } ] ] }, g: [ 1, 2, 3, 4 ] }`},
		{`{"b": 0, "g": 0}`, `{ _id: 1, a: 2 }`},
		{`{"b": 0, "g": 0, "_id": 1}`, `{ _id: 1, a: 2 }`},
		{`{"b.c": 1}`, `{ _id: 1, b: { c: 3 } }`},
		{`{"b": {"c": 1}}`, `{ _id: 1, b: { c: 3 } }`},
		{`{"b.d.e": 1}`, `{ _id: 1, b: { d: [ { e: 1 }, [ { e: 7 } ] ] } }`},
		{`{"b.d.e": 0, "g": 0}`, `{ _id: 1, a: 2, b: { c: 3, d: [ { f: 2 }, 5, [ { } ] ] } }`},
		{`{"a.x": 1}`, `{ _id: 1 }`},
		{`{"a.x": 0, "b": 0, "g": 0}`, `{ _id: 1, a: 2 }`},
		{`{"x": 1}`, `{ _id: 1 }`},
		{`{"g": {"$slice": 2}, "b": 0}`, `{ _id: 1, a: 2, g: [ 1, 2 ] }`},
		{`{"g": {"$slice": -1}, "a": 1}`, `{ _id: 1, a: 2, g: [ 4 ] }`},
		{`{"g": {"$slice": [1, 2]}, "a": 1}`, `{ _id: 1, a: 2, g: [ 2, 3 ] }`},
		{`{"g": {"$slice": [-3, 2]}, "a": 1}`, `{ _id: 1, a: 2, g: [ 2, 3 ] }`},
		{`{"g": {"$slice": [9, 2]}, "a": 1}`, `{ _id: 1, a: 2, g: [] }`},
		{`{"a": {"$slice": ["$g", 1, 2]}}`, `{ _id: 1, a: [ 2, 3 ] }`},
		{`{"a": {"$slice": 1}, "b": 0, "g": 0}`, `{ _id: 1, a: 2 }`},
		{`{"g": {"$elemMatch": {"$gt": 2}}}`, `{ _id: 1, g: [ 3 ] }`},
		{`{"g": {"$elemMatch": {"$gt": 9}}, "a": 1}`, `{ _id: 1, a: 2 }`},
		{`{"g": {"$elemMatch": {"$gt": 2}}, "b": 0}`, `{ _id: 1, a: 2, g: [ 3 ] }`},
		{`{"g": {"$elemMatch": {"$gt": 2}}, "_id": 0}`, `{ g: [ 3 ] }`},
		{`{"g.$": 1}`, `{ _id: 1, g: [ 3 ] }`},
		{`{"x": "$a", "b.c": 1}`, `{ _id: 1, b: { c: 3 }, x: 2 }`},
		{`{"x": "text", "y": ["$a", null], "_id": 0}`, `{ x: "text", y: [ 2, null ] }`},
		{`{"_id": "$a"}`, `{ _id: 2 }`},
		{`{"a": {"$literal": 1}}`, `{ _id: 1, a: 1 }`},
		{`{"b": {"x": "$a"}}`, `{ _id: 1, b: { x: 2 } }`},
		{`{"b.c": 1, "b.x": "$a"}`, `{ _id: 1, b: { c: 3, x: 2 } }`},
		{`{"b.d.e": "$a"}`, `{ _id: 1, b: { d: [ { e: 2 }, { e: 2 }, [ { e: 2 } ] ] } }`},
		{`{"a.x": "$a", "g": 1}`, `{ _id: 1, g: [ 1, 2, 3, 4 ], a: { x: 2 } }`},
		{`{"y.z.x": "$a"}`, `{ _id: 1, y: { z: { x: 2 } } }`},
		{`{"y.x": "$$REMOVE", "a": "$$REMOVE"}`, `{ _id: 1, y: { } }`},
		{`{"x": "$nothing", "a": 1}`, `{ _id: 1, a: 2 }`},
	}
	filter := filterOf(t, `{"g": 3}`)
	for _, test := range tests {
		p, err := ParseProjection(document(t, test.projection), filter, nil)
		if err != nil {
			t.Errorf("%s: %v", test.projection, err)
			continue
		}
		out, err := p.Apply(document(t, doc))
		if err != nil || text(out) != test.want || wire.Validate(out) != nil {
			t.Errorf("%s: %s %v, want %s", test.projection, text(out), err, test.want)
		}
	}
}

func TestProjectionErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		projection string
		code       int32
		text       string
	}{
		{`{"a": 1, "b": 0}`, 31254, "Cannot do exclusion on field b in inclusion projection"},
		{`{"a": 0, "b": 1}`, 31253, "Cannot do inclusion on field b in exclusion projection"},
		{`{"a": 0, "b": "$x"}`, 31310, "Cannot use an expression b: \"$x\" in an exclusion projection"},
		{`{"a": 0, "b": {"$literal": 1}}`, 31252, "Cannot use expression other than $meta in exclusion projection"},
		{`{"a": "$x", "b": 0}`, 31254, "Cannot do exclusion on field b in inclusion projection"},
		{`{"a": {"$foo": 1}}`, 31325, "Unknown expression $foo"},
		{`{"a": {"$literal": 1, "b": 1}}`, 16410, "FieldPath field names may not start with '$'."},
		{`{"_id": 1, "_id.a": 1}`, 31249, "Path collision at _id.a remaining portion a"},
		{`{"a.$": "x"}`, 31308, "positional projection cannot be used with a literal"},
		{`{"a.$": {"b": 1}}`, 31271, "positional projection cannot be used with an expression or sub object"},
		{`{"b.$": 1}`, 31277, "Positional projection 'b.$' does not match the query document."},
		{`{"a": 1, "a.b": 1}`, 31249, "Path collision at a.b remaining portion b"},
		{`{"a.b": 1, "a": 1}`, 31250, "Path collision at a"},
		{`{"a.$": 0}`, 31395, "positional projection cannot be used with exclusion"},
		{`{"a.$": 1, "b.$": 1}`, 31276, "Cannot specify more than one positional projection per query."},
		{`{"a.$.b": 1}`, 31394, "positional operator in the middle of a path"},
		{`{"a.$": 1, "b": {"$elemMatch": {"x": 1}}}`, 31255, "Cannot specify positional operator and $elemMatch."},
		{`{"a.b": {"$elemMatch": {"x": 1}}}`, 31275, "Cannot use $elemMatch projection on a nested field"},
		{`{"a": {"$elemMatch": 1}}`, 31274, "object required"},
		{`{"a": {"$slice": "x"}}`, 28667, "Invalid $slice syntax. The given syntax { $slice: \"x\" } did not match the find() syntax because :: Location31273: $slice only supports numbers and [skip, limit] arrays :: The given syntax did not match the expression $slice syntax. :: caused by :: "},
		{`{"a": {"$slice": [1]}}`, 28667, "Location31272: $slice array argument should be of form [skip, limit]"},
		{`{"a": {"$slice": [1, 0, 3, 4]}}`, 28667, "[skip, limit]"},
		{`{"a": {}}`, 51270, "An empty sub-projection is not a valid value."},
		{`{"` + strings.Repeat("a.", 200) + `a": "$b"}`, 15, "FieldPath is too long"},
		{`{"": 1}`, 40352, "FieldPath cannot be constructed with empty string"},
		{`{"a.": 1}`, 40353, "FieldPath must not end with a '.'."},
		{`{"a..b": 1}`, 15998, "FieldPath field names may not be empty strings."},
		{`{"$a": 1}`, 16410, "FieldPath field names may not start with '$'."},
	}
	for _, test := range tests {
		_, err := ParseProjection(document(t, test.projection), filterOf(t, `{"a": 1}`), nil)
		checkError(t, test.projection, err, test.code, test.text)
	}
	p, err := ParseProjection(document(t, `{"a.$": 1}`), filterOf(t, `{"b": 1, "a": {"$exists": true}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Apply(document(t, `{"a": [1], "b": 1}`))
	checkError(t, "no array in the filter", err, 51246, "couldn't find a matching element")
}

func FuzzProjection(f *testing.F) {
	for _, seed := range []string{`{"a": 1, "b.c": 1}`, `{"a.b": 0, "_id": 0}`, `{"a": {"$slice": [-1, 2]}}`, `{"a": {"$elemMatch": {"b": 1}}}`, `{"a.$": 1}`, `{"b": {"c": 1}}`} {
		f.Add([]byte(document(f, seed)), []byte(document(f, `{"_id": 1, "a": [{"b": 1}, 3, [{"b": 2}]], "b": {"c": 7}}`)))
	}
	filter, err := ParseFilter(document(f, `{"a": {"$exists": true}}`), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, projection, doc []byte) {
		if wire.Validate(projection) != nil || wire.Validate(doc) != nil {
			return
		}
		p, err := ParseProjection(projection, filter, nil)
		if err != nil {
			return
		}
		if out, err := p.Apply(doc); err == nil && wire.Validate(out) != nil {
			t.Fatalf("%s on %s gives invalid BSON", text(projection), text(doc))
		}
	})
}
