package embedded

import (
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A document without the field, or with nothing in an array on the way to it, gives no value: not null.
func TestDistinct(t *testing.T) {
	t.Parallel()
	tests := []struct {
		doc, path string
		want      []string
	}{
		{`{"a":1}`, "a", []string{`1`}},
		{`{"a":null}`, "a", []string{`null`}},
		{`{}`, "a", nil},
		{`{"a":[1,[2,3],null]}`, "a", []string{`1`, `[2,3]`, `null`}},
		{`{"a":[]}`, "a", nil},
		{`{"a":[]}`, "a.b", nil},
		{`{"a":5}`, "a.b", nil},
		{`{"a":[{"b":1},{"c":2},5,[{"b":7}]]}`, "a.b", []string{`1`}},
		{`{"a":[{"b":[1,2]},{"b":{"c":3}}]}`, "a.b", []string{`1`, `2`, `{"c":3}`}},
		{`{"a":[{"b":1},{"b":2}]}`, "a.1.b", []string{`2`}},
		{`{"a":[7,[8,9]]}`, "a.1", []string{`8`, `9`}},
		{`{"a":[7]}`, "a.3", nil},
		{`{"a":{"1":7}}`, "a.1", []string{`7`}},
	}
	for _, test := range tests {
		c := collection(t)
		var doc bson.D
		if err := bson.UnmarshalExtJSON([]byte(test.doc), false, &doc); err != nil {
			t.Fatal(err)
		}
		must(c.InsertOne(t.Context(), doc))(t)
		values := must(c.Distinct(t.Context(), test.path, bson.D{}).Raw())(t)
		var got []string
		for _, v := range must(values.Values())(t) {
			got = append(got, rawJSON(t, v))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s of %s: got %v, want %v", test.path, test.doc, got, test.want)
		}
	}
}

func rawJSON(t *testing.T, v bson.RawValue) string {
	t.Helper()
	doc := must(bson.MarshalExtJSON(bson.D{{Key: "v", Value: v}}, false, false))(t)
	return string(doc[len(`{"v":`) : len(doc)-1])
}
