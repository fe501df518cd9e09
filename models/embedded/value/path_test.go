package value

import (
	"reflect"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

func document(t *testing.T, json string) bson.Raw {
	t.Helper()
	var doc bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(json), false, &doc); err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	return doc
}

func formatAll(values []bson.RawValue) string {
	texts := make([]string, len(values))
	for i, v := range values {
		if texts[i] = Format(v); Missing(v) {
			texts[i] = "missing"
		}
	}
	return strings.Join(texts, " ")
}

// The cases follow mongod's path_test.cpp.
func TestWalk(t *testing.T) {
	t.Parallel()
	tests := []struct{ doc, path, want string }{
		{`{"a": 4}`, "a", "4"},
		{`{"a": 4}`, "b", "missing"},
		{`{"a": {"b": 5}}`, "a.b", "5"},
		{`{"a": 4}`, "a.b", "missing"},
		{`{"a": [5, 6]}`, "a", "5 6 [ 5, 6 ]"},
		{`{"a": []}`, "a", "[]"},
		{`{"a": []}`, "a.b", ""},
		{`{"a": [{"b": 5}, 3, {}, {"b": [9, 11]}, {"b": 7}]}`, "a.b", "5 missing 9 11 [ 9, 11 ] 7"},
		{`{"a": [5, [2, 4]]}`, "a.1", "[ 2, 4 ]"},
		{`{"a": [5, {"1": 4}]}`, "a.1", `4 { 1: 4 }`},
		{`{"a": [5, {"1": {"b": 9}, "b": 8}]}`, "a.1.b", "9 8"},
		{`{"a": [[{"b": 3}, {"b": 4}]]}`, "a.b", ""},
		{`{"a": [[{"b": 3}, {"b": 4}]]}`, "a.0.b", "3 4"},
		{`{"a": [1]}`, "a.01", ""},
	}
	for _, test := range tests {
		var got []bson.RawValue
		Walk(document(t, test.doc), strings.Split(test.path, "."), true, func(v bson.RawValue, _ int) bool {
			got = append(got, v)
			return false
		})
		if formatAll(got) != test.want {
			t.Errorf("%s at %s: %s, want %s", test.doc, test.path, formatAll(got), test.want)
		}
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	doc := document(t, `{"a": {"b": [1, {"c": 2}]}, "n": null}`)
	for path, want := range map[string]string{"a.b.1.c": "2", "a.b.0": "1", "n": "null", "a.b.c": "missing", "a.b.0.c": "missing", "x": "missing"} {
		v, ok := Lookup(doc, path)
		if formatAll([]bson.RawValue{v}) != want || ok != (want != "missing") {
			t.Errorf("%s: %v %v, want %s", path, v, ok, want)
		}
	}
}

func TestIndexTuples(t *testing.T) {
	t.Parallel()
	tests := []struct {
		doc, paths string
		want       []string
		arrays     []uint64
	}{
		{`{"a": 1, "b": 2}`, "a b", []string{"1 2"}, nil},
		{`{"a": 1}`, "a b", []string{"1 null"}, nil},
		{`{"a": [3, 1, 3], "b": 2}`, "a b", []string{"1 2", "3 2"}, []uint64{1, 0}},
		{`{"a": []}`, "a", []string{"undefined"}, []uint64{1}},
		{`{"a": []}`, "a.b", []string{"null"}, []uint64{1}},
		{`{"a": [{"$undefined": true}]}`, "a", []string{"null"}, []uint64{1}},
		{`{"a": {"$undefined": true}}`, "a", []string{"null"}, nil},
		{`{"a": [[1, 2], 3]}`, "a", []string{"3", "[ 1, 2 ]"}, []uint64{1}},
		{`{"a": [{"x": 1, "y": 2}, {"x": 3}, 4]}`, "a.x a.y", []string{"null null", "1 2", "3 null"}, []uint64{1, 1}},
		{`{"a": [{"x": [1, 2], "y": 5}]}`, "a.x a.y", []string{"1 5", "2 5"}, []uint64{3, 1}},
		{`{"a": [{"x": 1}], "b": 1}`, "a a.x b", []string{`{ x: 1 } 1 1`}, []uint64{1, 1, 0}},
		{`{"a": [7, 8]}`, "a.1", []string{"8"}, nil},
		{`{"a": 5}`, "a.b", []string{"null"}, nil},
	}
	for _, test := range tests {
		tuples, arrays, err := IndexTuples(document(t, test.doc), strings.Fields(test.paths))
		var got []string
		for _, tuple := range tuples {
			got = append(got, formatAll(tuple))
		}
		if err != nil || !reflect.DeepEqual(got, test.want) || !reflect.DeepEqual(arrays, test.arrays) {
			t.Errorf("%s by %s: %q %v %v, want %q %v", test.doc, test.paths, got, arrays, err, test.want, test.arrays)
		}
	}
}

func TestIndexTuplesRefusesParallelArrays(t *testing.T) {
	t.Parallel()
	_, _, err := IndexTuples(document(t, `{"a": [1], "b": [2]}`), []string{"a", "b"})
	if !mongoerr.Is(err, mongoerr.CannotIndexParallelArrays) || mongoerr.From(err).Message != "cannot index parallel arrays [b] [a]" {
		t.Errorf("got %v", err)
	}
}

func TestIndexValues(t *testing.T) {
	t.Parallel()
	vals, multikey := IndexValues(document(t, `{"a": [{"b": 2}, {"b": [1, 2]}]}`), "a.b")
	if formatAll(vals) != "1 2" || !multikey {
		t.Errorf("got %s, %v", formatAll(vals), multikey)
	}
}
