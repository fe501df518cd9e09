package query

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/value"
	"parlor/models/embedded/wire"
)

// pipelineOf parses the field p of a document as an update.
func pipelineOf(t testing.TB, json string, opts UpdateOptions) (*Update, error) {
	t.Helper()
	return ParseUpdate(document(t, `{"p": `+json+`}`).Lookup("p"), opts)
}

func TestUpdatePipeline(t *testing.T) {
	t.Parallel()
	tests := []struct{ update, doc, want string }{ // want is empty where nothing is modified
		{`[]`, `{"_id": 1, "a": 2}`, ``},
		{`[{"$set": {"b": "$a"}}]`, `{"_id": 1, "a": 2}`, `{ _id: 1, a: 2, b: 2 }`},
		{`[{"$set": {"a": 2}}]`, `{"_id": 1, "a": 2}`, ``},
		{`[{"$set": {"b": "$a"}}, {"$unset": "a"}]`, `{"_id": 1, "a": 2}`, `{ _id: 1, b: 2 }`},
		{`[{"$project": {"a": 1, "_id": 0}}]`, `{"_id": 1, "a": 2, "b": 3}`, `{ _id: 1, a: 2 }`},
		{`[{"$replaceWith": {"x": "$a"}}]`, `{"_id": 1, "a": 2}`, `{ _id: 1, x: 2 }`},
		{`[{"$replaceRoot": {"newRoot": {"x": "$$k", "_id": "$_id"}}}]`, `{"_id": 1, "a": 2}`, `{ _id: 1, x: 7 }`},
		{`[{"$set": {"k": "$$k", "c": "$$c", "now": "$$NOW"}}]`, `{"_id": 1}`, `{ _id: 1, k: 7, c: "$a", now: new Date(5000) }`},
	}
	vars := expr.NewVariables(time.UnixMilli(5000)).With("k", value.Int32(7))
	for _, test := range tests {
		u, err := pipelineOf(t, test.update, UpdateOptions{Vars: vars, Constants: document(t, `{"c": "$a"}`)})
		if err != nil {
			t.Errorf("%s: %v", test.update, err)
			continue
		}
		out, modified, err := u.Apply(document(t, test.doc), nil, false)
		want := test.want
		if want == "" {
			want = text(document(t, test.doc))
		}
		if err != nil || text(out) != want || modified != (test.want != "") || wire.Validate(out) != nil {
			t.Errorf("%s on %s: %s %v %v, want %s", test.update, test.doc, text(out), modified, err, want)
		}
	}
}

func TestUpsertWithPipeline(t *testing.T) {
	t.Parallel()
	u, err := pipelineOf(t, `[{"$set": {"b": "$a"}}]`, UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := UpsertDocument(filterOf(t, `{"_id": 1, "a": 2, "c": {"$gt": 1}}`), u)
	if err != nil || text(out) != `{ _id: 1, a: 2, b: 2 }` {
		t.Errorf("got %s %v", text(out), err)
	}
}

func TestUpdatePipelineErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		update string
		code   int32
		text   string
	}{
		{`[1]`, 14, "Each element of the 'pipeline' array must be an object"},
		{`[{}]`, 40323, "A pipeline stage specification object must contain exactly one field."},
		{`[{"$set": {"a": 1}, "$unset": "b"}]`, 40323, "exactly one field"},
		{`[{"$match": {"a": 1}}]`, 72, "$match is not allowed to be used within an update"},
		{`[{"$foo": {"a": 1}}]`, 40324, "Unrecognized pipeline stage name: '$foo'"},
		{`[{"$set": {"a": "$$x"}}]`, 17276, "Use of undefined variable: x"},
	} {
		_, err := pipelineOf(t, test.update, UpdateOptions{})
		checkError(t, test.update, err, test.code, test.text)
	}
	_, err := pipelineOf(t, `[{"$set": {"a": 1}}]`, UpdateOptions{ArrayFilters: []bson.Raw{document(t, `{"x": 1}`)}})
	checkError(t, "arrayFilters", err, 9, "arrayFilters may not be specified for pipeline-syle updates")
	for _, test := range []struct {
		update string
		code   int32
		text   string
	}{
		{`[{"$set": {"_id": 2}}]`, 66, "After applying the update, the (immutable) field '_id' was found to have been altered to _id: 2"},
		{`[{"$replaceWith": "$a"}]`, 40228, "must evaluate to an object"},
	} {
		u, err := pipelineOf(t, test.update, UpdateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = u.Apply(document(t, `{"_id": 1, "a": 5}`), nil, false)
		checkError(t, test.update, err, test.code, test.text)
	}
}

func FuzzUpdatePipeline(f *testing.F) {
	for _, seed := range []string{
		`[{"$set": {"a.b": "$n"}}, {"$unset": "n"}]`, `[{"$replaceWith": {"x": "$$ROOT", "y": "$$c"}}]`, `[{"$project": {"a": {"b": 1}}}]`,
	} {
		f.Add([]byte(document(f, `{"p": `+seed+`}`)), []byte(document(f, `{"_id": 1, "a": [{"b": 1}, 3], "n": 7}`)))
	}
	f.Fuzz(func(t *testing.T, update, doc []byte) {
		if wire.Validate(update) != nil || wire.Validate(doc) != nil {
			return
		}
		u, err := ParseUpdate(bson.Raw(update).Lookup("p"), UpdateOptions{Constants: document(t, `{"c": 1}`)})
		if err != nil {
			return
		}
		before := string(doc)
		out, modified, err := u.Apply(doc, nil, true)
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

// Paths that fill arrays with nulls must not take memory without bound.
func TestUpdateBuildsNoHugeDocument(t *testing.T) {
	t.Parallel()
	u, err := updateOf(t, `{"$set": {"a.1499999": 1, "b.1499999": 1, "c.1499999": 1, "d.1499999": 1}}`)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = u.Apply(document(t, `{"_id": 1, "a": [], "b": [], "c": [], "d": []}`), nil, false)
	checkError(t, "four arrays of nulls", err, 10334, "is invalid. Size must be between 0 and 16793600(16MB)")
}

func TestStampTimestamps(t *testing.T) {
	t.Parallel()
	doc := document(t, `{"_id": {"$timestamp": {"t": 0, "i": 0}}, "a": {"$timestamp": {"t": 0, "i": 0}}, "b": {"c": {"$timestamp": {"t": 0, "i": 0}}}, "d": {"$timestamp": {"t": 3, "i": 0}}}`)
	before := text(doc)
	got := text(StampTimestamps(doc, time.Unix(7, 0)))
	if want := `{ _id: Timestamp(0, 0), a: Timestamp(7, 1), b: { c: Timestamp(0, 0) }, d: Timestamp(3, 0) }`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if text(doc) != before {
		t.Error("the document was changed in place")
	}
}
