package expr

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

var testNow = time.UnixMilli(1_700_000_000_123)

// read gives the value of an extended JSON text; an empty text is missing.
func read(t testing.TB, text string) bson.RawValue {
	t.Helper()
	if text == "" {
		return bson.RawValue{}
	}
	var doc bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(`{"v":`+text+`}`), false, &doc); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return doc.Lookup("v")
}

// show writes v as extended JSON that tells the types of numbers.
func show(v bson.RawValue) string {
	if value.Missing(v) {
		return "missing"
	}
	return v.String()
}

// testCase is an expression, the document it reads, and its value: all as
// extended JSON. The value is empty where it is missing.
type testCase struct{ expression, doc, want string }

func evaluate(t testing.TB, expression, doc string) (bson.RawValue, error) {
	t.Helper()
	if doc == "" {
		doc = "{}"
	}
	vars := NewVariables(testNow).With("user", read(t, `{"name": "ann", "tags": [{"a": 1}, {"a": 2}]}`))
	e, err := Parse(read(t, expression), vars)
	if err != nil {
		return bson.RawValue{}, err
	}
	return e.Eval(bson.Raw(read(t, doc).Value))
}

func checkCases(t *testing.T, cases []testCase) {
	t.Helper()
	for _, c := range cases {
		got, err := evaluate(t, c.expression, c.doc)
		if err != nil {
			t.Errorf("%s of %s: %v", c.expression, c.doc, err)
			continue
		}
		if want := read(t, c.want); !value.Identical(got, want) {
			t.Errorf("%s of %s\n got %s\nwant %s", c.expression, c.doc, show(got), show(want))
		}
	}
}

// failure is an expression that fails, with the code and text of the error.
type failure struct {
	expression string
	code       mongoerr.Code
	text       string
}

func checkFailures(t *testing.T, cases []failure) {
	t.Helper()
	for _, c := range cases {
		got, err := evaluate(t, c.expression, `{"n": 1, "s": "x", "a": [1, 2], "o": {"a": 1}, "null": null}`)
		if err == nil {
			t.Errorf("%s gives %s, want error %d", c.expression, show(got), c.code)
			continue
		}
		if e := mongoerr.From(err); e.Code != int32(c.code) || e.Message != c.text {
			t.Errorf("%s\n got %d %s\nwant %d %s", c.expression, e.Code, e.Message, c.code, c.text)
		}
	}
}

func TestPathsAndLiterals(t *testing.T) {
	t.Parallel()
	doc := `{"a": {"b": 1}, "list": [{"x": 1}, {"y": 2}, {"x": [3]}, [{"x": 4}], 5], "s": "t"}`
	checkCases(t, []testCase{
		{`1`, doc, `1`},
		{`"text"`, doc, `"text"`},
		{`"$a.b"`, doc, `1`},
		{`"$a.c"`, doc, ``},
		{`"$s.c"`, doc, ``},
		{`"$list.x"`, doc, `[1, [3]]`},
		{`"$list.0"`, doc, `[]`},
		{`"$$ROOT"`, doc, doc},
		{`"$$ROOT.a.b"`, doc, `1`},
		{`"$$CURRENT.a"`, doc, `{"b": 1}`},
		{`"$$NOW"`, doc, `{"$date": {"$numberLong": "1700000000123"}}`},
		{`"$$REMOVE"`, doc, ``},
		{`"$$user.name"`, doc, `"ann"`},
		{`"$$user.tags.a"`, doc, `[1, 2]`},
		{`{"$literal": "$a"}`, doc, `"$a"`},
		{`{"x": "$a.b", "y": "$none", "z": ["$none", "$s"], "o": {"p": "$s"}}`, doc, `{"x": 1, "z": [null, "t"], "o": {"p": "t"}}`},
		{`{}`, doc, `{}`},
		{`[]`, doc, `[]`},
	})
}

func TestShapeIsChecked(t *testing.T) {
	t.Parallel()
	checkFailures(t, []failure{
		{`{"$foo": 1}`, mongoerr.InvalidPipelineOperator, "Unrecognized expression '$foo'"},
		{`{"$eq": [1, 2], "x": 1}`, 15983, "An object representing an expression must have exactly one field: { $eq: [ 1, 2 ], x: 1 }"},
		{`{"x": 1, "$eq": [1, 2]}`, 16410, "FieldPath field names may not start with '$'. Consider using $getField or $setField."},
		{`{"a.b": 1}`, 16412, "FieldPath field names may not contain '.'. Consider using $getField or $setField."},
		{`"$"`, 16872, "'$' by itself is not a valid FieldPath"},
		{`"$a."`, 40353, "FieldPath must not end with a '.'."},
		{`"$a..b"`, 15998, "FieldPath field names may not be empty strings."},
		{`"$$nobody"`, 17276, "Use of undefined variable: nobody"},
		{`"$$CLUSTER_TIME"`, 51144, "Builtin variable '$$CLUSTER_TIME' is not available"},
		{`{"$eq": [1]}`, 16020, "Expression $eq takes exactly 2 arguments. 1 were passed in."},
	})
}

func TestLetOfACommand(t *testing.T) {
	t.Parallel()
	vars, err := NewVariables(testNow).Let(bson.Raw(read(t, `{"a": 5, "b": {"$eq": ["$$a", 5]}}`).Value))
	if err != nil {
		t.Fatal(err)
	}
	e, err := Parse(read(t, `["$$a", "$$b"]`), vars)
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := e.Constant(); !ok || show(v) != show(read(t, `[5, true]`)) {
		t.Errorf("got %s", show(v))
	}
	if _, err = vars.Let(bson.Raw(read(t, `{"x": "$a"}`).Value)); !mongoerr.Is(err, 4890500) {
		t.Errorf("a field gives %v", err)
	}
	if _, err = vars.Let(bson.Raw(read(t, `{"X": 1}`).Value)); !mongoerr.Is(err, mongoerr.FailedToParse) {
		t.Errorf("a capital gives %v", err)
	}
}

func TestWhatPlannersAsk(t *testing.T) {
	t.Parallel()
	e, err := Parse(read(t, `"$a.b"`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if path, ok := e.FieldPath(); !ok || path != "a.b" || !e.ReadsDocument() {
		t.Errorf("got %q, %v", path, ok)
	}
	if _, ok := e.Constant(); ok {
		t.Error("a path is no constant")
	}
}
