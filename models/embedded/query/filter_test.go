package query

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
	"parlor/models/embedded/wire"
)

// document reads relaxed extended JSON.
func document(t testing.TB, json string) bson.Raw {
	t.Helper()
	var doc bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(json), false, &doc); err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	return doc
}

func filterOf(t testing.TB, json string) *Filter {
	t.Helper()
	f, err := ParseFilter(document(t, json), nil)
	if err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	return f
}

func matches(t testing.TB, f *Filter, doc bson.Raw) bool {
	t.Helper()
	ok, err := f.Match(doc)
	if err != nil {
		t.Fatalf("matching %s: %v", doc, err)
	}
	return ok
}

func checkError(t *testing.T, what string, err error, code int32, text string) {
	t.Helper()
	got := mongoerr.From(err)
	if err == nil || got.Code != code || !strings.Contains(got.Message, text) {
		t.Errorf("%s: got %v, want code %d with %q", what, err, code, text)
	}
}

func TestFilterMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		filter, doc string
		want        bool
	}{
		{`{}`, `{"a": 1}`, true},
		{`{"a": 1}`, `{"a": 1}`, true},
		{`{"a": 1}`, `{"a": 1.0}`, true},
		{`{"a": 1}`, `{"a": {"$numberLong": "1"}}`, true},
		{`{"a": 1}`, `{"a": {"$numberDecimal": "1.00"}}`, true},
		{`{"a": {"$numberLong": "9007199254740993"}}`, `{"a": 9007199254740992.0}`, false},
		{`{"a": 0}`, `{"a": -0.0}`, true},
		{`{"a": 1}`, `{"a": "1"}`, false},
		{`{"a": 1}`, `{"a": true}`, false},
		{`{"a": 1, "b": 2}`, `{"a": 1, "b": 3}`, false},
		{`{"a": "x"}`, `{"a": {"$symbol": "x"}}`, true},

		// null, missing and undefined
		{`{"a": null}`, `{}`, true},
		{`{"a": null}`, `{"a": null}`, true},
		{`{"a": null}`, `{"a": {"$undefined": true}}`, true},
		{`{"a": null}`, `{"a": 0}`, false},
		{`{"a": null}`, `{"a": []}`, false},
		{`{"a": null}`, `{"a": [1, null]}`, true},
		{`{"a.b": null}`, `{"a": 4}`, true},
		{`{"a.b": null}`, `{"a": []}`, false},
		{`{"a.b": null}`, `{"a": [1, 2]}`, false},
		{`{"a.b": null}`, `{"a": [{"b": 3}, {}]}`, true},
		{`{"a": {"$gte": null}}`, `{}`, true},
		{`{"a": {"$gt": null}}`, `{}`, false},
		{`{"a": {"$ne": null}}`, `{}`, false},
		{`{"a": {"$in": [null, 5]}}`, `{}`, true},
		{`{"a": {"$nin": [null, 5]}}`, `{}`, false},
		{`{"a": {"$nin": [5]}}`, `{}`, true},

		// arrays
		{`{"a": 2}`, `{"a": [1, 2]}`, true},
		{`{"a": [1, 2]}`, `{"a": [1, 2]}`, true},
		{`{"a": [1, 2]}`, `{"a": [[1, 2], 3]}`, true},
		{`{"a": [1, 2]}`, `{"a": [1, 2, 3]}`, false},
		{`{"a": {"$gt": 1, "$lt": 5}}`, `{"a": [0, 9]}`, true},
		{`{"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}}`, `{"a": [0, 9]}`, false},
		{`{"a": {"$elemMatch": {"$gt": 1, "$lt": 5}}}`, `{"a": [0, 3]}`, true},
		{`{"a": {"$elemMatch": {"$gt": 1}}}`, `{"a": 3}`, false},
		{`{"a": {"$elemMatch": {"$not": {"$gt": 1}}}}`, `{"a": [3, 0]}`, true},
		{`{"a": {"$elemMatch": {"$elemMatch": {"$gt": 1}}}}`, `{"a": [[0], [2]]}`, true},
		{`{"a": {"$elemMatch": {"b": 1, "c": 2}}}`, `{"a": [{"b": 1}, {"c": 2}]}`, false},
		{`{"a": {"$elemMatch": {"b": 1, "c": 2}}}`, `{"a": [{"b": 1, "c": 2}]}`, true},
		{`{"a": {"$elemMatch": {"$or": [{"b": 7}, {"b": 1}]}}}`, `{"a": [{"b": 1}]}`, true},
		{`{"a": {"$elemMatch": {"0": 5}}}`, `{"a": [[5]]}`, true},
		{`{"a.b": {"$elemMatch": {"$gt": 4}}}`, `{"a": [{"b": [1]}, {"b": [5]}]}`, true},
		{`{"a.b": 5}`, `{"a": [{"b": 1}, {"b": 5}]}`, true},
		{`{"a.1.b": 5}`, `{"a": [{"b": 1}, {"b": 5}]}`, true},
		{`{"a.0.b": 5}`, `{"a": [{"b": 1}, {"b": 5}]}`, false},
		{`{"a.0": 1}`, `{"a": [[1, 2]]}`, false},
		{`{"a.0": 1}`, `{"a": {"0": 1}}`, true},
		{`{"a": {"$all": [1, 2]}}`, `{"a": [2, 3, 1]}`, true},
		{`{"a": {"$all": [1, 2]}}`, `{"a": [1]}`, false},
		{`{"a": {"$all": [1]}}`, `{"a": 1}`, true},
		{`{"a": {"$all": []}}`, `{"a": []}`, false},
		{`{"a": {"$all": [[1, 2]]}}`, `{"a": [1, 2]}`, true},
		{`{"a": {"$all": [{"$elemMatch": {"b": 1}}, {"$elemMatch": {"b": 2}}]}}`, `{"a": [{"b": 2}, {"b": 1}]}`, true},
		{`{"a": {"$size": 2}}`, `{"a": [1, [2, 3]]}`, true},
		{`{"a": {"$size": 2}}`, `{"a": [[1, 2]]}`, false},
		{`{"a": {"$size": 0}}`, `{}`, false},
		{`{"a": {"$ne": 1}}`, `{"a": [1, 2]}`, false},
		{`{"a": {"$not": {"$gt": 5}}}`, `{"a": [1, 9]}`, false},

		// documents compare field by field, in order
		{`{"a": {"b": 1}}`, `{"a": {"b": 1.0}}`, true},
		{`{"a": {"b": 1, "c": 2}}`, `{"a": {"c": 2, "b": 1}}`, false},
		{`{"a": {"b": 1}}`, `{"a": {"b": 1, "c": 2}}`, false},
		{`{"a": {}}`, `{"a": {}}`, true},
		{`{"a": {"$eq": {"$gt": 1}}}`, `{"a": {"$gt": 1}}`, true},
		{`{"a": {"$ref": "c", "$id": 1}}`, `{"a": {"$ref": "c", "$id": 1}}`, true},
		{`{"a": {"$gt": {"b": 1}}}`, `{"a": {"b": 2}}`, true},

		// brackets
		{`{"a": {"$lt": 5}}`, `{"a": "x"}`, false},
		{`{"a": {"$lt": 5}}`, `{}`, false},
		{`{"a": {"$gt": "a"}}`, `{"a": 5}`, false},
		{`{"a": {"$gte": {"$numberDouble": "NaN"}}}`, `{"a": 5}`, false},
		{`{"a": {"$lte": {"$numberDouble": "NaN"}}}`, `{"a": {"$numberDecimal": "NaN"}}`, true},
		{`{"a": {"$lt": 5}}`, `{"a": {"$numberDouble": "NaN"}}`, false},
		{`{"a": {"$gt": {"$minKey": 1}}}`, `{"a": "x"}`, true},
		{`{"a": {"$lt": {"$maxKey": 1}}}`, `{"a": "x"}`, true},
		{`{"a": {"$lt": {"$date": "2020-01-01T00:00:00Z"}}}`, `{"a": {"$timestamp": {"t": 1, "i": 1}}}`, false},
		{`{"a": {"$gte": 1.5}}`, `{"a": {"$numberDecimal": "1.5"}}`, true},

		// logic
		{`{"$or": [{"a": 1}, {"b": 1}]}`, `{"b": 1}`, true},
		{`{"$or": [{"a": 1}, {"b": 1}]}`, `{"b": 2}`, false},
		{`{"$and": [{"a": 1}, {"$or": [{"b": 1}, {"b": 2}]}]}`, `{"a": 1, "b": 2}`, true},
		{`{"$nor": [{"a": 1}, {"b": 1}]}`, `{"a": 2}`, true},
		{`{"$nor": [{"a": 1}, {"b": 1}]}`, `{"b": 1}`, false},
		{`{"a": {"$not": {"$gt": 1, "$lt": 5}}}`, `{"a": 7}`, true},
		{`{"a": {"$not": {"$gt": 1, "$lt": 5}}}`, `{"a": 3}`, false},
		{`{"a": 1, "$comment": "why"}`, `{"a": 1}`, true},

		// other operators
		{`{"a": {"$in": [1, "x"]}}`, `{"a": "x"}`, true},
		{`{"a": {"$in": [1, {"$regularExpression": {"pattern": "^x", "options": ""}}]}}`, `{"a": "xy"}`, true},
		{`{"a": {"$in": []}}`, `{}`, false},
		{`{"a": {"$in": [[1]]}}`, `{"a": [1]}`, true},
		{`{"a": {"$exists": true}}`, `{"a": null}`, true},
		{`{"a": {"$exists": false}}`, `{"a": null}`, false},
		{`{"a.b": {"$exists": true}}`, `{"a": [1, {"b": 1}]}`, true},
		{`{"a.b": {"$exists": false}}`, `{"a": []}`, true},
		{`{"a": {"$type": "array"}}`, `{"a": [1]}`, true},
		{`{"a": {"$type": "int"}}`, `{"a": [1]}`, true},
		{`{"a": {"$type": ["string", "number"]}}`, `{"a": 1.5}`, true},
		{`{"a": {"$type": 2}}`, `{"a": 1.5}`, false},
		{`{"a": {"$type": -1}}`, `{"a": {"$minKey": 1}}`, true},
		{`{"a": {"$type": "null"}}`, `{}`, false},
		{`{"a": {"$mod": [4, 1]}}`, `{"a": 5}`, true},
		{`{"a": {"$mod": [4, 1]}}`, `{"a": 5.9}`, true},
		{`{"a": {"$mod": [4, -1]}}`, `{"a": -5}`, true},
		{`{"a": {"$mod": [4, 0]}}`, `{"a": "x"}`, false},
		{`{"a": {"$mod": [4, 1]}}`, `{"a": {"$numberDecimal": "5.5"}}`, true},
		{`{"a": {"$bitsAllSet": 5}}`, `{"a": 7}`, true},
		{`{"a": {"$bitsAllSet": [0, 3]}}`, `{"a": 7}`, false},
		{`{"a": {"$bitsAnySet": [0, 3]}}`, `{"a": 7}`, true},
		{`{"a": {"$bitsAllClear": [3, 4]}}`, `{"a": 7}`, true},
		{`{"a": {"$bitsAnyClear": 7}}`, `{"a": 7}`, false},
		{`{"a": {"$bitsAllSet": [200]}}`, `{"a": -1}`, true},
		{`{"a": {"$bitsAllSet": [9]}}`, `{"a": {"$binary": {"base64": "AAI=", "subType": "00"}}}`, true},
		{`{"a": {"$bitsAllClear": [0]}}`, `{"a": 1.5}`, false},

		// regular expressions
		{`{"a": {"$regex": "^b.d$"}}`, `{"a": "bad"}`, true},
		{`{"a": {"$regex": "^b.d$"}}`, `{"a": "bad\n"}`, true},
		{`{"a": {"$regex": "b.d$"}}`, `{"a": "bad\n\n"}`, false},
		{`{"a": {"$regex": "BAD", "$options": "i"}}`, `{"a": ["x", "bad"]}`, true},
		{`{"a": {"$options": "i", "$regex": "BAD"}}`, `{"a": "bad"}`, true},
		{`{"a": {"$regex": "^b", "$options": "m"}}`, `{"a": "a\nb"}`, true},
		{`{"a": {"$regex": "^b"}}`, `{"a": "a\nb"}`, false},
		{`{"a": {"$regex": "a.b", "$options": "s"}}`, `{"a": "a\nb"}`, true},
		{`{"a": {"$regex": "a.b"}}`, `{"a": "a\nb"}`, false},
		{`{"a": {"$regex": "a b [ ] # c", "$options": "x"}}`, `{"a": "ab "}`, true},
		{`{"a": {"$regex": "x"}}`, `{"a": 5}`, false},
		{`{"a": {"$not": {"$regex": "x"}}}`, `{"a": 5}`, true},
		{`{"a": {"$regularExpression": {"pattern": "x", "options": ""}}}`, `{"a": {"$regularExpression": {"pattern": "x", "options": ""}}}`, true},
		{`{"a": {"$eq": {"$regularExpression": {"pattern": "x", "options": ""}}}}`, `{"a": "x"}`, false},

		{`{"$expr": {"$gt": ["$a", "$b"]}}`, `{"a": 2, "b": 1}`, true},
		{`{"$expr": {"$gt": ["$a", "$b"]}}`, `{"a": 1, "b": 1}`, false},
		{`{"$expr": "$a"}`, `{"a": "text"}`, true},
		{`{"$expr": "$a"}`, `{}`, false},
		{`{"$or": [{"a": 7}, {"$nor": [{"$expr": "$a"}]}]}`, `{"a": 0}`, true},
		{`{"$sampleRate": 1}`, `{}`, true},
		{`{"a": {"$bitsAllSet": 1}}`, `{"a": {"$numberDecimal": "1"}}`, true},
		{`{"a": {"$bitsAllSet": {"$numberDecimal": "1"}}}`, `{"a": 1}`, true},
		{`{"$sampleRate": 0}`, `{}`, false},
		{`{"$alwaysTrue": 1}`, `{}`, true},
		{`{"$alwaysFalse": 1}`, `{}`, false},
		{`{"a": {"$ref": "c", "$id": 1}}`, `{"a": {"$ref": "c", "$id": 1}}`, true},
		{`{"a": {"$elemMatch": {"$ref": "c"}}}`, `{"a": [{"$ref": "c", "$id": 1}]}`, true},
		{`{"a": {"$all": [{"$foo": 1}]}}`, `{"a": [{"$foo": 1}]}`, true},
	}
	for _, test := range tests {
		if got := matches(t, filterOf(t, test.filter), document(t, test.doc)); got != test.want {
			t.Errorf("%s on %s: %v, want %v", test.filter, test.doc, got, test.want)
		}
	}
}

func TestParseFilterErrors(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"$and": [`, 102) + `{"a": 1}` + strings.Repeat(`]}`, 102)
	tests := []struct {
		filter string
		code   int32
		text   string
	}{
		{`{"$foo": 1}`, 2, "unknown top level operator: $foo. If you have a field name that starts with a '$' symbol"},
		{`{"a": {"$foo": 1}}`, 2, "unknown operator: $foo"},
		{`{"a": {"$gt": 1, "b": 1}}`, 2, "unknown operator: b"},
		{`{"$and": 1}`, 2, "$and must be an array"},
		{`{"$or": []}`, 2, "$and/$or/$nor must be a nonempty array"},
		{`{"$or": [1]}`, 2, "$or/$and/$nor entries need to be full objects"},
		{`{"a": {"$in": 1}}`, 2, "$in needs an array"},
		{`{"a": {"$nin": 1}}`, 2, "$nin needs an array"},
		{`{"a": {"$in": [{"$gt": 1}]}}`, 2, "cannot nest $ under $in"},
		{`{"a": {"$not": 1}}`, 2, "$not needs a regex or a document"},
		{`{"a": {"$not": {}}}`, 2, "$not cannot be empty"},
		{`{"a": {"$all": 1}}`, 2, "$all needs an array"},
		{`{"a": {"$all": [{"$gt": 1}]}}`, 2, "no $ expressions in $all"},
		{`{"a": {"$elemMatch": 1}}`, 2, "$elemMatch needs an Object"},
		{`{"a": {"$size": "x"}}`, 2, "Failed to parse $size. Expected a number in: $size: \"x\""},
		{`{"a": {"$size": -1}}`, 2, "Expected a non-negative number in: $size: -1"},
		{`{"a": {"$size": 1.5}}`, 2, "Expected an integer: $size: 1.5"},
		{`{"a": {"$mod": [1]}}`, 2, "malformed mod, not enough elements"},
		{`{"a": {"$mod": [0, 1]}}`, 2, "divisor cannot be 0"},
		{`{"a": {"$mod": [1, 2, 3]}}`, 2, "malformed mod, too many elements"},
		{`{"a": {"$type": "foo"}}`, 2, "Unknown type name alias: foo"},
		{`{"a": {"$type": 99}}`, 2, "Invalid numerical type code: 99"},
		{`{"a": {"$type": []}}`, 9, "$type must match at least one type"},
		{`{"a": {"$type": true}}`, 14, "type must be represented as a number or a string"},
		{`{"a": {"$options": "i"}}`, 2, "$options needs a $regex"},
		{`{"a": {"$regex": {"$regularExpression": {"pattern": "x", "options": "i"}}, "$options": "s"}}`, 51075, "options set in both $regex and $options"},
		{`{"a": {"$options": "s", "$regex": {"$regularExpression": {"pattern": "x", "options": "i"}}}}`, 51074, "options set in both $regex and $options"},
		{`{"a": {"$bitsAllSet": [3000000000]}}`, 2, "Cannot represent 0: 3000000000 in an int"},
		{`{"a": {"$regex": 5}}`, 2, "$regex has to be a string"},
		{`{"a": {"$regex": "a", "$options": "q"}}`, 51108, "invalid flag in regex options: q"},
		{`{"a": {"$regex": "a(?=b)"}}`, 51091, "Regular expression is invalid: "},
		{`{"a": {"$regex": "(a)\\1"}}`, 51091, "Regular expression is invalid: "},
		{`{"a": {"$regex": "\\v"}}`, 51091, "Regular expression is invalid: "},
		{`{"a": {"$gt": {"$regularExpression": {"pattern": "x", "options": ""}}}}`, 2, "Can't have RegEx as arg to predicate over field 'a'."},
		{`{"a": {"$ne": {"$regularExpression": {"pattern": "x", "options": ""}}}}`, 2, "Can't have regex as arg to $ne."},
		{`{"a": {"$undefined": true}}`, 2, "cannot compare to undefined"},
		{`{"a": {"$bitsAllSet": "x"}}`, 2, "$bitsAllSet takes an Array, a number, or a BinData"},
		{`{"a": {"$bitsAllSet": -1}}`, 9, "Expected a non-negative number"},
		{`{"a": {"$elemMatch": {"$expr": true}}}`, 2, "$expr can only be applied to the top-level document"},
		{`{"$expr": {"$foo": 1}}`, 168, "Unrecognized expression '$foo'"},
		{`{"$expr": "$$x"}`, 17276, "Use of undefined variable: x"},
		{`{"$sampleRate": "x"}`, 2, "argument to $sampleRate must be a numeric type"},
		{`{"$sampleRate": 1.5}`, 2, "numeric argument to $sampleRate must be in [0, 1]"},
		{`{"$sampleRate": {"$numberDouble": "NaN"}}`, 2, "numeric argument to $sampleRate must be in [0, 1]"},
		{`{"$alwaysTrue": 2}`, 9, "$alwaysTrue must be an integer value of 1"},
		{`{"a": {"$ref": "x"}}`, 2, "unknown operator: $ref"},
		{`{"a": {"$all": [1, {"$elemMatch": {"b": 1}}]}}`, 2, "no $ expressions in $all"},
		{`{"a": {"$all": [{"$elemMatch": {"b": 1}}, 1]}}`, 2, "$all/$elemMatch has to be consistent"},
		{`{"a": {"$elemMatch": {"$where": "true"}}}`, 2, "$where is not allowed in this context"},
		{`{"$where": "true"}`, 2, "$where"},
		{`{"$text": {"$search": "x"}}`, 27, "text index required for $text query"},
		{`{"a": {"$near": [1, 2]}}`, 291, "unable to find index for $geoNear query"},
		{deep, 2, "exceeded maximum query tree depth of 100"},
	}
	for _, test := range tests {
		_, err := ParseFilter(document(t, test.filter), nil)
		checkError(t, test.filter, err, test.code, test.text)
	}
}

func TestMatchArrayIndex(t *testing.T) {
	t.Parallel()
	tests := []struct {
		filter, doc string
		want        int
	}{
		{`{"a": 5}`, `{"a": [1, 5]}`, 1},
		{`{"a": 5}`, `{"a": 5}`, -1},
		{`{"a": 5}`, `{"a": [1]}`, -1},
		{`{"a.b": 5}`, `{"a": [{"b": 1}, {"b": 3}, {"b": [4, 5]}]}`, 2},
		{`{"a": {"$elemMatch": {"b": 1, "c": 2}}}`, `{"a": [{"b": 1}, {"b": 1, "c": 2}]}`, 1},
		{`{"a": {"$elemMatch": {"$gt": 3}}}`, `{"a": [1, 2, 9]}`, 2},
		{`{"x": 1, "a": {"$gte": 2}}`, `{"x": 1, "a": [1, 2, 9]}`, 1},
		{`{"a": {"$not": {"$gt": 3}}}`, `{"a": [1, 2]}`, -1},
	}
	for _, test := range tests {
		got, ok := filterOf(t, test.filter).MatchArrayIndex(document(t, test.doc))
		if got != test.want || ok != (test.want >= 0) {
			t.Errorf("%s on %s: %d, %v, want %d", test.filter, test.doc, got, ok, test.want)
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	doc := document(t, `{"_id": 7, "room": "x", "seq": {"$numberLong": "100"}, "tags": [{"n": "a"}, {"n": "b"}]}`)
	for _, text := range []string{
		`{"room": "x", "seq": {"$gt": 50, "$lte": 100.5}}`,
		`{"tags.n": "b"}`,
		`{"tags": {"$elemMatch": {"n": "b"}}}`,
		`{"seq": {"$in": [1, 2, 100]}, "_id": {"$ne": 8}, "x": {"$exists": false}}`,
		`{"$or": [{"room": "y"}, {"room": {"$type": "string"}}]}`,
	} {
		f := filterOf(t, text)
		if !matches(t, f, doc) {
			t.Errorf("%s does not match", text)
		}
		if got := testing.AllocsPerRun(100, func() { matches(t, f, doc) }); got != 0 {
			t.Errorf("%s: %v allocations", text, got)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{
		`{"a": 1}`, `{"a": {"$gt": 1, "$lt": [1]}}`, `{"$or": [{"a": null}, {"a.0.b": {"$in": [1, "x"]}}]}`,
		`{"a": {"$elemMatch": {"$not": {"$size": 1}}}}`, `{"a": {"$regex": "^a+", "$options": "ix"}}`,
		`{"$jsonSchema": {"properties": {"a": {"items": [{"enum": [{"b": 1}]}]}}, "patternProperties": {"b": {"multipleOf": 7}}}}`, `{"$expr": {"$gt": ["$b", 1]}}`,
		`{"a": {"$all": [{"$elemMatch": {"b": 1}}]}}`, `{"a": {"$mod": [3, 1]}, "b": {"$bitsAnySet": [1, 70]}}`,
	} {
		f.Add([]byte(document(f, seed)), []byte(document(f, `{"a": [{"b": 1}, 3, "x", [1]], "b": 7}`)))
	}
	f.Fuzz(func(t *testing.T, filter, doc []byte) {
		if wire.Validate(filter) != nil || wire.Validate(doc) != nil {
			return
		}
		parsed, err := ParseFilter(filter, nil)
		if err != nil {
			return
		}
		matched, err := parsed.Match(doc)
		if err != nil && mongoerr.From(err).Code == int32(mongoerr.InternalError) {
			t.Errorf("not an error of a server: %v", err)
		}
		atRandom := bytes.Contains(filter, []byte("$sampleRate")) || bytes.Contains(filter, []byte("$rand"))
		if _, ok := parsed.MatchArrayIndex(doc); ok && !matched && !atRandom {
			t.Error("a position in a document that doesn't match")
		}
		if matched {
			checkPredicates(t, parsed, doc)
		}
	})
}

// checkPredicates checks that an index would have found doc: one of its index
// values satisfies each predicate.
func checkPredicates(t *testing.T, f *Filter, doc bson.Raw) {
	t.Helper()
	for _, p := range f.Predicates() {
		found := false
		vals, _ := value.IndexValues(doc, p.Path)
		for _, v := range vals {
			found = found || holds(p, v)
		}
		if !found {
			t.Errorf("no index value of %s satisfies %+v in %s", p.Path, p, doc)
		}
	}
}

func holds(p Predicate, v bson.RawValue) bool { return holdsAsIs(p, v) != p.Not }

func holdsAsIs(p Predicate, v bson.RawValue) bool {
	switch p.Op {
	case OpIn:
		return slices.ContainsFunc(p.Values, func(each bson.RawValue) bool { return value.Equal(each, v) }) ||
			slices.ContainsFunc(p.Prefixes, func(prefix string) bool {
				return v.Type == bson.TypeString && strings.HasPrefix(string(value.TextOf(v)), prefix)
			})
	case OpType:
		return slices.Contains(p.Types, v.Type) || v.Type == bson.TypeNull && slices.Contains(p.Types, bson.TypeUndefined)
	case OpExists:
		return !p.Not || v.Type != bson.TypeNull
	}
	if !value.SameBracket(v, p.Value) {
		return false
	}
	order := value.Compare(v, p.Value)
	switch p.Op {
	case OpLt:
		return order < 0
	case OpLte:
		return order <= 0
	case OpGt:
		return order > 0
	case OpGte:
		return order >= 0
	}
	return order == 0
}

func BenchmarkMatchEquality(b *testing.B) {
	f := filterOf(b, `{"room_identity": "room-17"}`)
	doc := document(b, `{"_id": {"$numberLong": "7"}, "sender": "user-4", "room_identity": "room-17", "text": "hello"}`)
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := f.Match(doc); !ok || err != nil {
			b.Fatal("no match")
		}
	}
}
