package query

import (
	"bytes"
	"testing"
)

func TestSortKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		sort, a, b string
		want       int
	}{
		{`{"n": 1}`, `{"n": 1}`, `{"n": 2}`, -1},
		{`{"n": -1}`, `{"n": 1}`, `{"n": 2}`, 1},
		{`{"n": 1}`, `{"n": 1}`, `{"n": 1.0, "x": 1}`, 0},
		{`{"n": 1}`, `{}`, `{"n": null}`, 0},
		{`{"n": 1}`, `{"n": []}`, `{}`, -1},
		{`{"n": 1}`, `{"n": [5, 1]}`, `{"n": 2}`, -1},
		{`{"n": -1}`, `{"n": [5, 1]}`, `{"n": 2}`, -1},
		{`{"a": 1, "b": -1}`, `{"a": 1, "b": 1}`, `{"a": 1, "b": 2}`, 1},
		{`{"a.b": 1}`, `{"a": {"b": 1}}`, `{"a": [{"b": 3}, {"b": 0}]}`, 1},
		{`{"a.b": 1}`, `{"a": 5}`, `{"a": {"b": null}}`, 0},
		{`{"a.x": 1, "a.y": -1}`, `{"a": [{"x": 1, "y": 5}, {"x": 2, "y": 9}]}`, `{"a": {"x": 1, "y": 6}}`, 1},
		{`{"a": 1, "b": 1}`, `{"a": [2, 1], "b": [7]}`, `{"a": 1, "b": 8}`, -1},
	}
	for _, test := range tests {
		s, err := ParseSort(document(t, test.sort))
		if err != nil {
			t.Fatalf("%s: %v", test.sort, err)
		}
		if got := bytes.Compare(s.Key(document(t, test.a)), s.Key(document(t, test.b))); got != test.want {
			t.Errorf("%s: %s against %s is %d, want %d", test.sort, test.a, test.b, got, test.want)
		}
	}
}

func TestParseSort(t *testing.T) {
	t.Parallel()
	s, err := ParseSort(document(t, `{"$natural": -1}`))
	if err != nil || s.Natural != -1 || len(s.Fields) != 0 {
		t.Errorf("got %+v, %v", s, err)
	}
	tests := []struct {
		sort string
		code int32
		text string
	}{
		{`{"a": "x"}`, 15974, "Illegal key in $sort specification: a: \"x\""},
		{`{"a": 2}`, 15975, "$sort key ordering must be 1 (for ascending) or -1 (for descending)"},
		{`{"a": {"$meta": "textScore"}}`, 238, "$meta"},
		{`{"$natural": 1, "a": 1}`, 2, "Cannot include '$natural' in compound sort"},
		{`{"$natural": 2}`, 2, "$natural sort cannot be set to a value other than -1 or 1."},
		{`{"a..b": 1}`, 15998, "FieldPath field names may not be empty strings."},
	}
	for _, test := range tests {
		_, err := ParseSort(document(t, test.sort))
		checkError(t, test.sort, err, test.code, test.text)
	}
}
