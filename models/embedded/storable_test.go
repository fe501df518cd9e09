package embedded

import (
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// nested gives documents in documents, as many as depth.
func nested(depth int) bson.D {
	doc := bson.D{}
	for range depth - 1 {
		doc = bson.D{{Key: "a", Value: doc}}
	}
	return doc
}

// Inserts go as raw commands: the driver would mend or refuse some of them.
func TestInsertRefuses(t *testing.T) {
	t.Parallel()
	coll := collection(t)
	for _, test := range []struct {
		doc  bson.D
		code int
		text string
	}{
		{bson.D{{Key: "_id", Value: bson.A{1}}}, 53, "The '_id' value cannot be of type array"},
		{bson.D{{Key: "_id", Value: bson.Regex{Pattern: "x"}}}, 53, "The '_id' value cannot be of type regex"},
		{bson.D{{Key: "_id", Value: bson.D{{Key: "$a", Value: 1}}}}, 52, "_id fields may not contain '$'-prefixed fields: The dollar ($) prefixed field '$a' is not valid for storage."},
		{bson.D{{Key: "_id", Value: bson.D{{Key: "b", Value: bson.D{{Key: "$a", Value: 1}}}}}}, 52, "'$a'"},
		{bson.D{{Key: "_id", Value: bson.D{{Key: "$id", Value: 1}}}}, 52, "'$id'"},
		{bson.D{{Key: "_id", Value: 1}, {Key: "x", Value: 1}, {Key: "_id", Value: 2}}, 2, "can't have multiple _id fields in one document"},
		{nested(181), 15, "cannot insert document because it exceeds 180 levels of nesting"},
	} {
		err := coll.Database().RunCommand(t.Context(), bson.D{{Key: "insert", Value: coll.Name()}, {Key: "documents", Value: bson.A{test.doc}}}).Err()
		if code(err) != test.code || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%v: %v, want %d %s", test.doc, err, test.code, test.text)
		}
	}
	for _, doc := range []bson.D{
		{{Key: "_id", Value: bson.D{{Key: "$ref", Value: "c"}, {Key: "$id", Value: 1}}}},
		{{Key: "$x", Value: 1}, {Key: "a.b", Value: bson.D{{Key: "$y", Value: 1}}}},
		nested(180),
	} {
		if _, err := coll.InsertOne(t.Context(), doc); err != nil {
			t.Errorf("%v: %v", doc, err)
		}
	}
}

func TestInsertSetsEmptyTimestamps(t *testing.T) {
	t.Parallel()
	coll := collection(t)
	before := uint32(time.Now().Unix())
	empty := bson.Timestamp{}
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: empty}, {Key: "t", Value: empty}, {Key: "d", Value: bson.D{{Key: "t", Value: empty}}}}); err != nil {
		t.Fatal(err)
	}
	var got struct {
		ID bson.Timestamp `bson:"_id"`
		T  bson.Timestamp
		D  struct{ T bson.Timestamp }
	}
	if err := coll.FindOne(t.Context(), bson.D{}).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.ID != empty || got.D.T != empty || got.T.T < before {
		t.Errorf("got %+v", got)
	}
}

func TestUpdateLimits(t *testing.T) {
	t.Parallel()
	coll := collection(t)
	half := strings.Repeat("x", 8<<20)
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}, {Key: "a", Value: half}}); err != nil {
		t.Fatal(err)
	}
	set := func(key string, v any) bson.D {
		return bson.D{{Key: "$set", Value: bson.D{{Key: key, Value: v}}}}
	}
	for _, test := range []struct {
		update bson.D
		upsert bool
		code   int
		text   string
	}{
		{set("b", half), false, 17419, "Resulting document after update is larger than 16777216"},
		{set("b", half+half[:1<<20]), false, 10334, "is invalid. Size must be between 0 and 16793600(16MB)"},
		{set(strings.Repeat("b.", 100)+"b", nested(100)), false, 15, "Document exceeds maximum nesting depth of 180"},
		{bson.D{{Key: "$set", Value: bson.D{{Key: "a", Value: half}, {Key: "b", Value: half}}}}, true, 17420, "Document to upsert is larger than 16777216"},
		{set("_id.$x", 1), true, 52, "may not contain '$'-prefixed fields"},
	} {
		filter := bson.D{{Key: "_id", Value: 1}}
		if test.upsert {
			filter = bson.D{{Key: "nothing", Value: 1}}
		}
		_, err := coll.UpdateOne(t.Context(), filter, test.update, options.UpdateOne().SetUpsert(test.upsert))
		if code(err) != test.code || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%d: got %v, want %s", test.code, err, test.text)
		}
	}
	if n := must(coll.CountDocuments(t.Context(), bson.D{}))(t); n != 1 {
		t.Errorf("%d documents, want 1", n)
	}
}

func TestLetInWrites(t *testing.T) {
	t.Parallel()
	coll := collection(t)
	docs := bson.A{bson.D{{Key: "_id", Value: 1}}, bson.D{{Key: "_id", Value: 2}}, bson.D{{Key: "_id", Value: 3}}}
	if _, err := coll.InsertMany(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
	let := bson.D{{Key: "id", Value: 2}, {Key: "n", Value: bson.D{{Key: "$literal", Value: "$x"}}}}
	filter := bson.D{{Key: "$expr", Value: bson.D{{Key: "$eq", Value: bson.A{"$_id", "$$id"}}}}}
	pipeline := bson.A{bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: "$$n"}, {Key: "c", Value: "$$c"}}}}}
	run := func(command bson.D) bson.Raw {
		return must(coll.Database().RunCommand(t.Context(), command).Raw())(t)
	}
	run(bson.D{{Key: "update", Value: coll.Name()}, {Key: "let", Value: let}, {Key: "updates", Value: bson.A{
		bson.D{{Key: "q", Value: filter}, {Key: "u", Value: pipeline}, {Key: "c", Value: bson.D{{Key: "c", Value: 7}}}}}}})
	got := all(t, coll, bson.D{{Key: "n", Value: "$x"}, {Key: "c", Value: 7}})
	if len(got) != 1 || got[0]["_id"] != int32(2) {
		t.Errorf("updated %v", got)
	}
	result := run(bson.D{{Key: "findAndModify", Value: coll.Name()}, {Key: "let", Value: let}, {Key: "query", Value: filter}, {Key: "remove", Value: true},
		{Key: "fields", Value: bson.D{{Key: "was", Value: "$$id"}, {Key: "_id", Value: 0}}}})
	if was, ok := result.Lookup("value", "was").AsInt64OK(); !ok || was != 2 {
		t.Errorf("removed %v", result)
	}
	run(bson.D{{Key: "delete", Value: coll.Name()}, {Key: "let", Value: bson.D{{Key: "id", Value: 3}}}, {Key: "deletes", Value: bson.A{
		bson.D{{Key: "q", Value: filter}, {Key: "limit", Value: 0}}}}})
	if left := all(t, coll, bson.D{}); len(left) != 1 || left[0]["_id"] != int32(1) {
		t.Errorf("left %v", left)
	}
}

func TestExpressionErrorsInWrites(t *testing.T) {
	t.Parallel()
	coll := collection(t)
	fails := bson.D{{Key: "$expr", Value: bson.D{{Key: "$eq", Value: bson.A{"$$nothing", 1}}}}}
	_, err := coll.DeleteMany(t.Context(), fails)
	if code(err) != 17276 {
		t.Errorf("an undefined variable: %v", err)
	}
	always := bson.D{{Key: "$expr", Value: true}}
	_, err = coll.UpdateOne(t.Context(), always, bson.D{{Key: "$set", Value: bson.D{{Key: "a", Value: 1}}}}, options.UpdateOne().SetUpsert(true))
	if code(err) != 224 {
		t.Errorf("an upsert with $expr: %v", err)
	}
	err = coll.Database().RunCommand(t.Context(), bson.D{{Key: "delete", Value: coll.Name()}, {Key: "let", Value: bson.D{{Key: "x", Value: "$a"}}},
		{Key: "deletes", Value: bson.A{bson.D{{Key: "q", Value: bson.D{}}, {Key: "limit", Value: 0}}}}}).Err()
	if code(err) != 4890500 {
		t.Errorf("a let that reads a field: %v", err)
	}
}
