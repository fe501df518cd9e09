package query

import (
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
	"parlor/models/embedded/wire"
)

func updateOf(t testing.TB, json string, arrayFilters ...string) (*Update, error) {
	t.Helper()
	opts := UpdateOptions{Now: time.UnixMilli(5000)}
	for _, filter := range arrayFilters {
		opts.ArrayFilters = append(opts.ArrayFilters, document(t, filter))
	}
	return ParseUpdate(documentValue(document(t, json)), opts)
}

func text(doc bson.Raw) string { return value.Format(documentValue(doc)) }

func TestUpdateApply(t *testing.T) {
	t.Parallel()
	tests := []struct{ update, doc, want string }{ // want is empty where nothing is modified
		// $set and the order of new fields
		{`{"$set": {"a": 2}}`, `{"_id": 1, "a": 1, "b": 1}`, `{ _id: 1, a: 2, b: 1 }`},
		{`{"$set": {"a": 1}}`, `{"_id": 1, "a": 1}`, ``},
		{`{"$set": {"a": 1.0}}`, `{"_id": 1, "a": 1}`, `{ _id: 1, a: 1.0 }`},
		{`{"$set": {}}`, `{"_id": 1}`, ``},
		{`{"$set": {"z": 1, "b": 2, "10": 3, "9": 4}}`, `{"_id": 1}`, `{ _id: 1, 9: 4, 10: 3, b: 2, z: 1 }`},
		{`{"$set": {"a.1": 1, "a.01": 2, "a.1a": 3, "a.10": 4, "a.2": 5}}`, `{"_id": 1}`, `{ _id: 1, a: { 01: 2, 1: 1, 2: 5, 10: 4, 1a: 3 } }`},
		{`{"$set": {"z": 1}, "$inc": {"c": 1}}`, `{"_id": 1}`, `{ _id: 1, c: 1, z: 1 }`},
		{`{"$set": {"a.b.c": 1}}`, `{"_id": 1}`, `{ _id: 1, a: { b: { c: 1 } } }`},
		{`{"$set": {"a.c": 1, "a.b": 2}}`, `{"_id": 1, "a": {"x": 0}}`, `{ _id: 1, a: { x: 0, b: 2, c: 1 } }`},
		{`{"$set": {"a.1": 9}}`, `{"_id": 1, "a": [1, 2]}`, `{ _id: 1, a: [ 1, 9 ] }`},
		{`{"$set": {"a.4": 9}}`, `{"_id": 1, "a": [1]}`, `{ _id: 1, a: [ 1, null, null, null, 9 ] }`},
		{`{"$set": {"a.0.b": 9}}`, `{"_id": 1, "a": [{"b": 1, "c": 2}]}`, `{ _id: 1, a: [ { b: 9, c: 2 } ] }`},
		{`{"$set": {"a.0": 9}}`, `{"_id": 1}`, `{ _id: 1, a: { 0: 9 } }`},
		{`{"$set": {"_id": 1.0}}`, `{"_id": 1}`, `{ _id: 1.0 }`},
		{`{"$setOnInsert": {"a": 1}}`, `{"_id": 1}`, ``},

		// $unset
		{`{"$unset": {"a": ""}}`, `{"_id": 1, "a": 1}`, `{ _id: 1 }`},
		{`{"$unset": {"b": ""}}`, `{"_id": 1, "a": 1}`, ``},
		{`{"$unset": {"a.b.c": ""}}`, `{"_id": 1, "a": 1}`, ``},
		{`{"$unset": {"a.0": ""}}`, `{"_id": 1, "a": [1, 2]}`, `{ _id: 1, a: [ null, 2 ] }`},
		{`{"$unset": {"a.x": ""}}`, `{"_id": 1, "a": [1, 2]}`, ``},
		{`{"$unset": {"a.b": ""}}`, `{"_id": 1, "a": {"b": 1}}`, `{ _id: 1, a: { } }`},

		// numbers
		{`{"$inc": {"a": 2}}`, `{"_id": 1, "a": 1}`, `{ _id: 1, a: 3 }`},
		{`{"$inc": {"a": 0}}`, `{"_id": 1, "a": 1}`, ``},
		{`{"$inc": {"a": 1}}`, `{"_id": 1}`, `{ _id: 1, a: 1 }`},
		{`{"$inc": {"a": 1}}`, `{"_id": 1, "a": 2147483647}`, `{ _id: 1, a: 2147483648 }`},
		{`{"$inc": {"a": 0.5}}`, `{"_id": 1, "a": 1}`, `{ _id: 1, a: 1.5 }`},
		{`{"$inc": {"a": {"$numberDecimal": "0.1"}}}`, `{"_id": 1, "a": {"$numberDecimal": "0.2"}}`, `{ _id: 1, a: 0.3 }`},
		{`{"$mul": {"a": 3}}`, `{"_id": 1, "a": 2}`, `{ _id: 1, a: 6 }`},
		{`{"$mul": {"a": 3.5}}`, `{"_id": 1}`, `{ _id: 1, a: 0.0 }`},
		{`{"$min": {"a": 3}}`, `{"_id": 1, "a": 2}`, ``},
		{`{"$min": {"a": 1}}`, `{"_id": 1, "a": 2}`, `{ _id: 1, a: 1 }`},
		{`{"$max": {"a": "x"}}`, `{"_id": 1, "a": 2}`, `{ _id: 1, a: "x" }`},
		{`{"$max": {"a": 2.0}}`, `{"_id": 1, "a": 2}`, ``},
		{`{"$max": {"a": 1}}`, `{"_id": 1}`, `{ _id: 1, a: 1 }`},
		{`{"$bit": {"a": {"and": 12, "or": 1}}}`, `{"_id": 1, "a": 10}`, `{ _id: 1, a: 9 }`},
		{`{"$bit": {"a": {"xor": 3}}}`, `{"_id": 1}`, `{ _id: 1, a: 3 }`},
		{`{"$currentDate": {"a": true, "b": {"$type": "timestamp"}}}`, `{"_id": 1}`, `{ _id: 1, a: new Date(5000), b: Timestamp(5, 1) }`},

		// $rename
		{`{"$rename": {"a": "b"}}`, `{"_id": 1, "a": 5, "c": 1}`, `{ _id: 1, c: 1, b: 5 }`},
		{`{"$rename": {"a": "b"}}`, `{"_id": 1, "b": 2, "a": 5}`, `{ _id: 1, b: 5 }`},
		{`{"$rename": {"a": "x.y"}}`, `{"_id": 1, "a": 5}`, `{ _id: 1, x: { y: 5 } }`},
		{`{"$rename": {"a": "b"}}`, `{"_id": 1}`, ``},

		// $push
		{`{"$push": {"a": 3}}`, `{"_id": 1, "a": [1]}`, `{ _id: 1, a: [ 1, 3 ] }`},
		{`{"$push": {"a": 3}}`, `{"_id": 1}`, `{ _id: 1, a: [ 3 ] }`},
		{`{"$push": {"a": [3]}}`, `{"_id": 1, "a": []}`, `{ _id: 1, a: [ [ 3 ] ] }`},
		{`{"$push": {"a": {"$each": [3, 4]}}}`, `{"_id": 1, "a": [1]}`, `{ _id: 1, a: [ 1, 3, 4 ] }`},
		{`{"$push": {"a": {"$each": []}}}`, `{"_id": 1, "a": [1]}`, ``},
		{`{"$push": {"a": {"$each": [3, 4], "$slice": -2}}}`, `{"_id": 1, "a": [1]}`, `{ _id: 1, a: [ 3, 4 ] }`},
		{`{"$push": {"a": {"$each": [3], "$slice": 0}}}`, `{"_id": 1, "a": [1]}`, `{ _id: 1, a: [] }`},
		{`{"$push": {"a": {"$each": [3], "$position": 0}}}`, `{"_id": 1, "a": [1]}`, `{ _id: 1, a: [ 3, 1 ] }`},
		{`{"$push": {"a": {"$each": [3], "$position": -1}}}`, `{"_id": 1, "a": [1, 2]}`, `{ _id: 1, a: [ 1, 3, 2 ] }`},
		{`{"$push": {"a": {"$each": [1], "$sort": -1}}}`, `{"_id": 1, "a": [2, 3]}`, `{ _id: 1, a: [ 3, 2, 1 ] }`},
		{`{"$push": {"a": {"$each": [{"n": 1}], "$sort": {"n": 1}, "$slice": 2}}}`, `{"_id": 1, "a": [{"n": 3}, {"n": 2}]}`, `{ _id: 1, a: [ { n: 1 }, { n: 2 } ] }`},

		// other array operators
		{`{"$addToSet": {"a": 2}}`, `{"_id": 1, "a": [1, 2.0]}`, ``},
		{`{"$addToSet": {"a": {"$each": [2, 3, 3]}}}`, `{"_id": 1, "a": [1, 2]}`, `{ _id: 1, a: [ 1, 2, 3 ] }`},
		{`{"$addToSet": {"a": {"x": 1}}}`, `{"_id": 1}`, `{ _id: 1, a: [ { x: 1 } ] }`},
		{`{"$pull": {"a": 2}}`, `{"_id": 1, "a": [1, 2, 2.0]}`, `{ _id: 1, a: [ 1 ] }`},
		{`{"$pull": {"a": {"$gte": 2}}}`, `{"_id": 1, "a": [1, 2, 3]}`, `{ _id: 1, a: [ 1 ] }`},
		{`{"$pull": {"a": {"$in": ["x", "y"]}}}`, `{"_id": 1, "a": ["x", "z"]}`, `{ _id: 1, a: [ "z" ] }`},
		{`{"$pull": {"a": {"n": 1}}}`, `{"_id": 1, "a": [{"n": 1, "m": 2}, {"n": 2}, 5]}`, `{ _id: 1, a: [ { n: 2 }, 5 ] }`},
		{`{"$pull": {"a": {"$or": [{"n": 1}, {"n": 2}]}}}`, `{"_id": 1, "a": [{"n": 1}, {"n": 2}, {"n": 3}]}`, `{ _id: 1, a: [ { n: 3 } ] }`},
		{`{"$pull": {"a": 2}}`, `{"_id": 1, "a": [1]}`, ``},
		{`{"$pull": {"a": 2}}`, `{"_id": 1}`, ``},
		{`{"$pullAll": {"a": [1, 2]}}`, `{"_id": 1, "a": [1, 2, 3]}`, `{ _id: 1, a: [ 3 ] }`},
		{`{"$pop": {"a": 1}}`, `{"_id": 1, "a": [1, 2, 3]}`, `{ _id: 1, a: [ 1, 2 ] }`},
		{`{"$pop": {"a": -1}}`, `{"_id": 1, "a": [1, 2, 3]}`, `{ _id: 1, a: [ 2, 3 ] }`},
		{`{"$pop": {"a": 1}}`, `{"_id": 1, "a": []}`, ``},

		// all elements
		{`{"$inc": {"a.$[]": 1}}`, `{"_id": 1, "a": [1, 2]}`, `{ _id: 1, a: [ 2, 3 ] }`},
		{`{"$set": {"a.$[].b": 1}}`, `{"_id": 1, "a": [{"b": 0}, {}]}`, `{ _id: 1, a: [ { b: 1 }, { b: 1 } ] }`},
		{`{"$inc": {"a.$[].$[]": 1}}`, `{"_id": 1, "a": [[1], [2, 3]]}`, `{ _id: 1, a: [ [ 2 ], [ 3, 4 ] ] }`},
		{`{"$unset": {"a.$[].b": 1}}`, `{"_id": 1, "a": [{"b": 0}, 5]}`, `{ _id: 1, a: [ { }, 5 ] }`},

		// replacement
		{`{"b": 2}`, `{"_id": 1, "a": 1}`, `{ _id: 1, b: 2 }`},
		{`{"b": 2, "_id": 1}`, `{"_id": 1, "a": 1}`, `{ _id: 1, b: 2 }`},
		{`{"a": 1}`, `{"_id": 1, "a": 1}`, ``},
		{`{}`, `{"_id": 1, "a": 1}`, `{ _id: 1 }`},
		{`{"t": {"$timestamp": {"t": 0, "i": 0}}}`, `{"_id": 1}`, `{ _id: 1, t: Timestamp(5, 1) }`},
	}
	for _, test := range tests {
		u, err := updateOf(t, test.update)
		if err != nil {
			t.Errorf("%s: %v", test.update, err)
			continue
		}
		doc := document(t, test.doc)
		before := text(doc)
		out, modified, err := u.Apply(doc, nil, false)
		want := test.want
		if want == "" {
			want = before
		}
		if err != nil || text(out) != want || modified != (test.want != "") || wire.Validate(out) != nil {
			t.Errorf("%s on %s: %s %v %v, want %s", test.update, test.doc, text(out), modified, err, want)
		}
		if text(doc) != before {
			t.Errorf("%s changed the document it was given to %s", test.update, text(doc))
		}
	}
}

func TestUpdateDecimals(t *testing.T) {
	t.Parallel()
	tests := []struct{ operator, a, b, want string }{
		{"$inc", "0.1", "0.20", "0.30"},
		{"$inc", "9999999999999999999999999999999999", "1", "1.000000000000000000000000000000000E+34"},
		{"$inc", "1E+50", "1", "1.000000000000000000000000000000000E+50"},
		{"$inc", "1E+6000", "-1", "1.000000000000000000000000000000000E+6000"},
		{"$inc", "Infinity", "-Infinity", "NaN"},
		{"$mul", "1.5", "-2", "-3.0"},
		{"$mul", "9E+6144", "10", "Infinity"},
		{"$mul", "1E-6000", "1E-6000", "0E-6176"},
		{"$mul", "1E+6111", "100", "1.00E+6113"},
	}
	for _, test := range tests {
		u, err := updateOf(t, `{"`+test.operator+`": {"a": {"$numberDecimal": "`+test.b+`"}}}`)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := u.Apply(document(t, `{"a": {"$numberDecimal": "`+test.a+`"}}`), nil, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := out.Lookup("a").Decimal128().String(); got != test.want {
			t.Errorf("%s %s %s = %s, want %s", test.a, test.operator, test.b, got, test.want)
		}
	}
}

func TestUpdateArrayFilters(t *testing.T) {
	t.Parallel()
	tests := []struct {
		update  string
		filters []string
		doc     string
		want    string
	}{
		{`{"$set": {"a.$[x]": 0}}`, []string{`{"x": {"$gte": 2}}`}, `{"a": [1, 2, 3]}`, `{ a: [ 1, 0, 0 ] }`},
		{`{"$set": {"a.$[x].n": 0}}`, []string{`{"x.k": "b"}`}, `{"a": [{"k": "a"}, {"k": "b"}]}`, `{ a: [ { k: "a" }, { k: "b", n: 0 } ] }`},
		{`{"$set": {"a.$[x].n": 0, "a.$[y].m": 1}}`, []string{`{"x.k": "b"}`, `{"$or": [{"y.k": "b"}, {"y.k": "c"}]}`},
			`{"a": [{"k": "b"}, {"k": "c"}]}`, `{ a: [ { k: "b", m: 1, n: 0 }, { k: "c", m: 1 } ] }`},
		{`{"$set": {"a.$[x]": 0}}`, []string{`{"x": 9}`}, `{"a": [1]}`, ``},
	}
	for _, test := range tests {
		u, err := updateOf(t, test.update, test.filters...)
		if err != nil {
			t.Errorf("%s: %v", test.update, err)
			continue
		}
		out, modified, err := u.Apply(document(t, test.doc), nil, false)
		want := test.want
		if want == "" {
			want = text(document(t, test.doc))
		}
		if err != nil || text(out) != want || modified != (test.want != "") {
			t.Errorf("%s on %s: %s %v %v, want %s", test.update, test.doc, text(out), modified, err, want)
		}
	}
}

func TestUpdatePositional(t *testing.T) {
	t.Parallel()
	tests := []struct{ filter, update, doc, want string }{
		{`{"a": 2}`, `{"$set": {"a.$": 9}}`, `{"a": [1, 2, 2]}`, `{ a: [ 1, 9, 2 ] }`},
		{`{"a.n": 2}`, `{"$set": {"a.$.m": 9}}`, `{"a": [{"n": 1}, {"n": 2}]}`, `{ a: [ { n: 1 }, { n: 2, m: 9 } ] }`},
		{`{"a.n": 2}`, `{"$set": {"a.$.m": 9, "a.0.m": 8}}`, `{"a": [{"n": 1}, {"n": 2}]}`, `{ a: [ { n: 1, m: 8 }, { n: 2, m: 9 } ] }`},
		{`{"a.n": 2}`, `{"$set": {"a.$.m": 9, "a.1.k": 8}}`, `{"a": [{"n": 1}, {"n": 2}]}`, `{ a: [ { n: 1 }, { n: 2, k: 8, m: 9 } ] }`},
		{`{"a": {"$elemMatch": {"n": 2, "k": 1}}}`, `{"$unset": {"a.$.k": 1}}`, `{"a": [{"n": 2}, {"n": 2, "k": 1}]}`, `{ a: [ { n: 2 }, { n: 2 } ] }`},
	}
	for _, test := range tests {
		u, err := updateOf(t, test.update)
		if err != nil {
			t.Errorf("%s: %v", test.update, err)
			continue
		}
		out, _, err := u.Apply(document(t, test.doc), filterOf(t, test.filter), false)
		if err != nil || text(out) != test.want {
			t.Errorf("%s on %s: %s %v, want %s", test.update, test.doc, text(out), err, test.want)
		}
	}
}

func TestParseUpdateErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		update string
		code   int32
		text   string
	}{
		{`{"$foo": {"a": 1}}`, 9, "Unknown modifier: $foo. Expected a valid update modifier or pipeline-style update specified as an array"},
		{`{"$set": {"a": 1}, "b": 1}`, 9, "Unknown modifier: b"},
		{`{"a": 1, "$set": {"b": 1}}`, 52, "The dollar ($) prefixed field '$set' in '$set' is not allowed"},
		{`{"$set": 5}`, 9, "Modifiers operate on fields but we found type int instead. For example: {$mod: {<field>: ...}} not {$set: 5}"},
		{`{"$set": {"": 1}}`, 56, "An empty update path is not valid."},
		{`{"$set": {"a..b": 1}}`, 56, "The update path 'a..b' contains an empty field name, which is not allowed."},
		{`{"$set": {"$a": 1}}`, 52, "The dollar ($) prefixed field '$a'"},
		{`{"$set": {"$": 1}}`, 2, "Cannot have positional (i.e. '$') element in the first position in path '$'"},
		{`{"$set": {"a.$.b.$": 1}}`, 2, "Too many positional (i.e. '$') elements found in path 'a.$.b.$'"},
		{`{"$set": {"a": 1}, "$inc": {"a": 1}}`, 40, "Updating the path 'a' would create a conflict at 'a'"},
		{`{"$set": {"a": 1, "a.b": 1}}`, 40, "Updating the path 'a.b' would create a conflict at 'a'"},
		{`{"$set": {"a.b": 1, "a": 1}}`, 40, "Updating the path 'a' would create a conflict at 'a'"},
		{`{"$set": {"a.$[]": 1, "a.0": 1}}`, 40, "Updating the path 'a.0' would create a conflict at 'a'"},
		{`{"$set": {"a.$[x]": 1}}`, 2, "No array filter found for identifier 'x' in path 'a.$[x]'"},
		{`{"$inc": {"a": "x"}}`, 14, "Cannot increment with non-numeric argument: {a: \"x\"}"},
		{`{"$mul": {"a": "x"}}`, 14, "Cannot multiply with non-numeric argument: {a: \"x\"}"},
		{`{"$rename": {"a": 1}}`, 2, "The 'to' field for $rename must be a string: a: 1"},
		{`{"$rename": {"a": "b\u0000c"}}`, 2, "The 'to' field for $rename cannot contain an embedded null byte"},
		{`{"$rename": {"a": "a"}}`, 2, "The source and target field for $rename must differ"},
		{`{"$rename": {"a": "a.b"}}`, 2, "must not be on the same path"},
		{`{"$rename": {"a.$": "b"}}`, 2, "The source field for $rename may not be dynamic: a.$"},
		{`{"$currentDate": {"a": 1}}`, 2, "int is not valid type for $currentDate."},
		{`{"$currentDate": {"a": {"$type": "x"}}}`, 2, "The '$type' string field is required"},
		{`{"$push": {"a": {"$each": 1}}}`, 2, "The argument to $each in $push must be an array but it was of type: int"},
		{`{"$push": {"a": {"$each": [], "$foo": 1}}}`, 2, "Unrecognized clause in $push: $foo"},
		{`{"$push": {"a": {"$each": [], "$slice": "x"}}}`, 2, "The value for $slice must be an integer value but was given type: string"},
		{`{"$push": {"a": {"$each": [], "$sort": 5}}}`, 2, "The $sort is invalid"},
		{`{"$addToSet": {"a": {"$each": 1}}}`, 14, "The argument to $each in $addToSet must be an array"},
		{`{"$pullAll": {"a": 1}}`, 2, "$pullAll requires an array argument but was given a int"},
		{`{"$pull": {"a": {"$foo": 1}}}`, 2, "unknown top level operator: $foo"},
		{`{"$pop": {"a": 2}}`, 9, "$pop expects 1 or -1, found: 2"},
		{`{"$pop": {"a": "x"}}`, 9, "Expected a number in: a: \"x\""},
		{`{"$bit": {"a": 1}}`, 2, "The $bit modifier is not compatible with a int"},
		{`{"$bit": {"a": {"nand": 1}}}`, 2, "only supports 'and', 'or', and 'xor', not 'nand'"},
		{`{"$bit": {"a": {"and": 1.5}}}`, 2, "a 'double' is not supported here"},
		{`{"$bit": {"a": {}}}`, 2, "You must pass in at least one bitwise operation"},
		{`{"$set": {"` + strings.Repeat("a.", 200) + `a": 1}}`, 15, "maximum depth"},
	}
	for _, test := range tests {
		_, err := updateOf(t, test.update)
		checkError(t, test.update, err, test.code, test.text)
	}
	_, err := ParseUpdate(documentValue(emptyDocument), UpdateOptions{Constants: emptyDocument})
	checkError(t, "constants without a pipeline", err, 51198, "Constant values may only be specified for pipeline updates")
	_, err = ParseUpdate(value.Int32(1), UpdateOptions{})
	checkError(t, "a number", err, 9, "Update argument must be either an object or an array")
}

func TestParseArrayFilterErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		filters []string
		code    int32
		text    string
	}{
		{[]string{`{"x": 1}`, `{"y": 1}`}, 9, "The array filter for identifier 'y' was not used in the update { $set: { a.$[x]: 1 } }"},
		{[]string{`{"x": 1}`, `{"x": 2}`}, 9, "Found multiple array filters with the same top-level field name x"},
		{[]string{`{"x": 1, "y": 1}`}, 9, "Expected a single top-level field name, found 'x' and 'y'"},
		{[]string{`{"X": 1}`}, 2, "must be an alphanumeric string beginning with a lowercase letter, found 'X'"},
		{[]string{`{"$expr": true, "x": 1}`}, 224, "Error parsing array filter :: caused by :: $expr is not allowed in this context"},
		{[]string{`{}`}, 9, "Cannot use an expression without a top-level field name in arrayFilters"},
		{[]string{`{"x": {"$foo": 1}}`}, 2, "Error parsing array filter :: caused by :: unknown operator: $foo"},
	}
	for _, test := range tests {
		_, err := updateOf(t, `{"$set": {"a.$[x]": 1}}`, test.filters...)
		checkError(t, strings.Join(test.filters, " "), err, test.code, test.text)
	}
}

func TestUpdateApplyErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		update, doc string
		code        int32
		text        string
	}{
		{`{"$set": {"_id": 2}}`, `{"_id": 1}`, 66, "Performing an update on the path '_id' would modify the immutable field '_id'"},
		{`{"$unset": {"_id": 2}}`, `{"_id": 1}`, 66, "immutable field '_id'"},
		{`{"_id": 2}`, `{"_id": 1}`, 66, "After applying the update, the (immutable) field '_id' was found to have been altered to _id: 2"},
		{`{"$set": {"a.b": 1}}`, `{"_id": 1, "a": 5}`, 28, "Cannot create field 'b' in element {a: 5}"},
		{`{"$set": {"a.b.c": 1}}`, `{"_id": 1, "a": {"b": null}}`, 28, "Cannot create field 'c' in element {b: null}"},
		{`{"$set": {"a.x": 1}}`, `{"_id": 1, "a": [1, 2]}`, 28, "Cannot create field 'x' in element {a: [ 1, 2 ]}"},
		{`{"$pop": {"a.b": 1}}`, `{"_id": 1, "a": "foo"}`, 28, "Cannot use the part (b) of (a.b) to traverse the element ({a: \"foo\"})"},
		{`{"$set": {"a.2000000": 1}}`, `{"_id": 1, "a": []}`, 34, "can't backfill more than 1500000 elements"},
		{`{"$inc": {"a": 1}}`, `{"_id": 1, "a": "x"}`, 14, "Cannot apply $inc to a value of non-numeric type. {_id: 1} has the field 'a' of non-numeric type string"},
		{`{"$inc": {"a": 1}}`, `{"_id": 1, "a": {"$numberLong": "9223372036854775807"}}`, 2, "Failed to apply $inc operations to current value ((NumberLong)9223372036854775807) for document {_id: 1}"},
		{`{"$mul": {"a": {"$numberLong": "2"}}}`, `{"_id": 1, "a": {"$numberLong": "9223372036854775807"}}`, 2, "Failed to apply $mul operations"},
		{`{"$push": {"a": 1}}`, `{"_id": 1, "a": 5}`, 2, "The field 'a' must be an array but is of type int in document {_id: 1}"},
		{`{"$addToSet": {"x.a": 1}}`, `{"_id": 1, "x": {"a": 5}}`, 2, "Cannot apply $addToSet to non-array field. Field named 'a' has non-array type int"},
		{`{"$pull": {"a": 1}}`, `{"_id": 1, "a": 5}`, 2, "Cannot apply $pull to a non-array value"},
		{`{"$pop": {"a": 1}}`, `{"_id": 1, "a": 5}`, 14, "Path 'a' contains an element of non-array type 'int'"},
		{`{"$bit": {"a": {"or": 1}}}`, `{"_id": 1, "a": "x"}`, 2, "Cannot apply $bit to a value of non-integral type"},
		{`{"$set": {"a.$": 1}}`, `{"_id": 1, "a": [1]}`, 2, "The positional operator did not find the match needed from the query."},
		{`{"$set": {"a.$[]": 1}}`, `{"_id": 1, "a": 5}`, 2, "Cannot apply array updates to non-array element a: 5"},
		{`{"$set": {"a.$[]": 1}}`, `{"_id": 1}`, 2, "The path 'a' must exist in the document in order to apply array updates."},
		{`{"$rename": {"a.b": "c"}}`, `{"_id": 1, "a": [{"b": 1}]}`, 2, "The source field cannot be an array element, 'a.b' in doc with _id: 1 has an array field called 'a'"},
		{`{"$rename": {"c": "a.b"}}`, `{"_id": 1, "a": [], "c": 1}`, 2, "The destination field cannot be an array element, 'a.b'"},
		{`{"$rename": {"c": "a.b"}}`, `{"_id": 1, "a": 5, "c": 1}`, 28, "Cannot create field 'b' in element {a: 5}"},
		// Of two errors the one of the first path is told, whatever the order of the fields.
		{`{"$push": {"b.x": 1}, "$pop": {"a": 1}}`, `{"_id": 1, "b": null, "a": 5}`, 14, "Path 'a' contains an element of non-array type 'int'"},
		{`{"$push": {"b.x": 1}, "$set": {"a.y": 1}}`, `{"_id": 1, "b": null, "a": 5}`, 28, "Cannot create field 'y' in element {a: 5}"},
	}
	for _, test := range tests {
		u, err := updateOf(t, test.update)
		if err != nil {
			t.Errorf("%s: %v", test.update, err)
			continue
		}
		_, _, err = u.Apply(document(t, test.doc), filterOf(t, `{}`), false)
		checkError(t, test.update+" on "+test.doc, err, test.code, test.text)
	}
	u, err := updateOf(t, `{"$set": {"a.$[x]": 1, "a.$[y]": 2}}`, `{"x": {"$gt": 0}}`, `{"y": {"$lt": 9}}`)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = u.Apply(document(t, `{"a": [5]}`), nil, false)
	checkError(t, "two filters on one element", err, 40, "Update created a conflict at 'a.0'")
}

func TestUpsertDocument(t *testing.T) {
	t.Parallel()
	tests := []struct{ filter, update, want string }{
		{`{"_id": 1, "a": 2}`, `{"$set": {"b": 3}}`, `{ _id: 1, a: 2, b: 3 }`},
		{`{"a": 2, "_id": 1}`, `{"$setOnInsert": {"b": 3}, "$inc": {"n": 1}}`, `{ _id: 1, a: 2, b: 3, n: 1 }`},
		{`{"a.b": 2, "$and": [{"c": {"$eq": 3}}]}`, `{"$set": {"_id": 9}}`, `{ _id: 9, a: { b: 2 }, c: 3 }`},
		{`{"_id": 1, "a": {"$gt": 5}, "b": {"$in": [1, 2]}}`, `{"$inc": {"a": 1}}`, `{ _id: 1, a: 1 }`},
		{`{"_id": {"$in": [1]}, "b": {"$in": [2, 2.0]}, "c": {"$nin": [3]}}`, `{"$set": {"a": 1}}`, `{ _id: 1, a: 1, b: 2 }`},
		{`{"_id": 1, "a": 2}`, `{"b": 3}`, `{ _id: 1, b: 3 }`},
		{`{"a": 2}`, `{"b": 3, "_id": 7}`, `{ _id: 7, b: 3 }`},
		{`{"_id": 1, "$or": [{"a": 1}]}`, `{"$set": {"b": 1}}`, `{ _id: 1, a: 1, b: 1 }`},
		{`{"_id": 1, "a": null}`, `{"$set": {"b": 1}}`, `{ _id: 1, a: null, b: 1 }`},
		{`{"_id": 1, "tags": {"$all": ["x"]}}`, `{"$set": {"b": 1}}`, `{ _id: 1, b: 1, tags: "x" }`},
	}
	for _, test := range tests {
		u, err := updateOf(t, test.update)
		if err != nil {
			t.Fatalf("%s: %v", test.update, err)
		}
		out, err := UpsertDocument(filterOf(t, test.filter), u)
		if err != nil || !sameFields(out, test.want) || wire.Validate(out) != nil {
			t.Errorf("%s with %s: %s %v, want %s", test.filter, test.update, text(out), err, test.want)
		}
	}
}

// sameFields compares a document with a formatted one, in any order behind _id.
func sameFields(doc bson.Raw, want string) bool {
	if !strings.HasPrefix(text(doc), want[:len("{ _id: 1")]) {
		return false
	}
	values, _ := doc.Elements()
	rest := want
	for _, element := range values {
		field := element.Key() + ": " + value.Format(element.Value())
		if !strings.Contains(rest, field) {
			return false
		}
		rest = strings.Replace(rest, field, "", 1)
	}
	return strings.Trim(rest, "{}, ") == ""
}

func TestUpsertMakesAnID(t *testing.T) {
	t.Parallel()
	u, err := updateOf(t, `{"$set": {"a": 1}}`)
	if err != nil {
		t.Fatal(err)
	}
	out, err := UpsertDocument(filterOf(t, `{"b": 2}`), u)
	if err != nil {
		t.Fatal(err)
	}
	first := out.Index(0)
	if first.Key() != "_id" || first.Value().Type != bson.TypeObjectID || first.Value().ObjectID().IsZero() {
		t.Errorf("got %s", text(out))
	}
}

func TestUpsertErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		filter, update string
		code           int32
		text           string
	}{
		{`{"$and": [{"a": 1}, {"a": 2}]}`, `{"$set": {"b": 1}}`, 54, "cannot infer query fields to set, path 'a' is matched twice"},
		{`{"a": {"b": 1}, "a.b": 1}`, `{"$set": {"b": 1}}`, 54, "both paths 'a.b' and 'a' are matched"},
		{`{"_id": 1}`, `{"$set": {"_id": 2}}`, 66, "immutable field '_id'"},
		{`{"_id": 1}`, `{"_id": 2}`, 66, "altered to _id: 2"},
		{`{"_id.a": 1}`, `{"b": 2}`, 111, "field at '_id' must be exactly specified, field at sub-path '_id.a'found"},
		{`{"a": 1}`, `{"$set": {"_id": [1]}}`, 53, "The '_id' value cannot be of type array"},
		{`{"a": 1}`, `{"$set": {"a.b": 1}}`, 28, "Cannot create field 'b' in element {a: 1}"},
	}
	for _, test := range tests {
		u, err := updateOf(t, test.update)
		if err != nil {
			t.Fatalf("%s: %v", test.update, err)
		}
		_, err = UpsertDocument(filterOf(t, test.filter), u)
		checkError(t, test.filter+" with "+test.update, err, test.code, test.text)
	}
}

func FuzzUpdate(f *testing.F) {
	for _, seed := range []string{
		`{"$set": {"a.b": 1, "c": [1]}}`, `{"$unset": {"a.0": 1}, "$inc": {"n": 1.5}}`, `{"$push": {"a": {"$each": [3], "$sort": {"x": 1}, "$slice": -2}}}`,
		`{"$rename": {"a": "b.c"}}`, `{"$pull": {"a": {"$gt": 1}}}`, `{"$set": {"a.$[].b": 1, "a.$[x].c": 2}}`, `{"$bit": {"n": {"or": 4}}}`, `{"r": 1}`,
		`{"$set": {"a.$": 1, "a.0.z": 2}}`,
	} {
		f.Add([]byte(document(f, seed)), []byte(document(f, `{"_id": 1, "a": [{"b": 1}, 3], "n": 7}`)))
	}
	filter, err := ParseFilter(document(f, `{"a": {"$exists": true}}`), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, update, doc []byte) {
		if wire.Validate(update) != nil || wire.Validate(doc) != nil {
			return
		}
		u, err := ParseUpdate(documentValue(update), UpdateOptions{ArrayFilters: []bson.Raw{document(t, `{"x": {"$gt": 0}}`)}})
		if err != nil {
			u, err = ParseUpdate(documentValue(update), UpdateOptions{})
		}
		if err != nil {
			return
		}
		before := string(doc)
		out, modified, err := u.Apply(doc, filter, true)
		if string(doc) != before {
			t.Fatal("the document was changed in place")
		}
		if err == nil && wire.Validate(out) != nil {
			t.Fatalf("%s on %s gives invalid BSON", text(update), text(doc))
		}
		if err == nil && !modified && string(out) != before {
			t.Fatal("changed, but not modified")
		}
	})
}

func BenchmarkSetTwoFields(b *testing.B) {
	u, err := updateOf(b, `{"$set": {"last_seq": {"$numberLong": "87"}, "last_message": "hello"}}`)
	if err != nil {
		b.Fatal(err)
	}
	doc := document(b, `{"_id": "room-17", "name": "Lobby", "last_seq": {"$numberLong": "86"}, "last_message": "hi", "members": 12}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, modified, err := u.Apply(doc, nil, false); err != nil || !modified {
			b.Fatal(modified, err)
		}
	}
}
