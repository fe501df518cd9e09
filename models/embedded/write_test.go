package embedded

import (
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// TestMalformedStatement checks that a statement with a field that doesn't exist, or
// without one that must be there, fails its whole command: nothing before it runs.
func TestMalformedStatement(t *testing.T) {
	t.Parallel()
	coll := collection(t)
	if _, err := coll.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}, {Key: "x", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	all := bson.D{}
	increment := bson.D{{Key: "q", Value: all}, {Key: "u", Value: bson.D{{Key: "$inc", Value: bson.D{{Key: "x", Value: 1}}}}}}
	remove := bson.D{{Key: "q", Value: all}, {Key: "limit", Value: 0}}
	for _, c := range []struct {
		name, command, list string
		good, bad           bson.D
		code                int
	}{
		{"unknown field of an update", "update", "updates", increment, append(increment[:2:2], bson.E{Key: "sort", Value: all}), 40415},
		{"update without u", "update", "updates", increment, increment[:1], 40414},
		{"update without q", "update", "updates", increment, increment[1:], 40414},
		{"unknown field of a delete", "delete", "deletes", remove, append(remove[:2:2], bson.E{Key: "sort", Value: all}), 40415},
		{"delete without limit", "delete", "deletes", remove, remove[:1], 40414},
		{"delete with a limit of two", "delete", "deletes", remove, bson.D{remove[0], {Key: "limit", Value: 2}}, 9},
	} {
		err := coll.Database().RunCommand(t.Context(), bson.D{{Key: c.command, Value: coll.Name()}, {Key: c.list, Value: bson.A{c.good, c.bad}}}).Err()
		var failed mongo.CommandError
		if !errors.As(err, &failed) || failed.Code != int32(c.code) {
			t.Errorf("%s: %v, want code %d", c.name, err, c.code)
		}
	}
	doc := must(coll.FindOne(t.Context(), all).Raw())(t)
	if x := doc.Lookup("x").AsInt64(); x != 1 {
		t.Errorf("x is %d after malformed commands, want 1", x)
	}
}
