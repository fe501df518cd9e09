package embedded

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// planOf explains a find and gives its stages from the top, the name of its index,
// and what it examined.
func planOf(t *testing.T, c *mongo.Collection, find bson.D) (stages string, indexName string, keys, docs, returned int64) {
	t.Helper()
	var reply struct {
		QueryPlanner   struct{ WinningPlan bson.M }
		ExecutionStats struct{ NReturned, TotalKeysExamined, TotalDocsExamined int64 }
	}
	command := append(bson.D{{Key: "find", Value: c.Name()}}, find...)
	err := c.Database().RunCommand(t.Context(), bson.D{{Key: "explain", Value: command}, {Key: "verbosity", Value: "executionStats"}}).Decode(&reply)
	if err != nil {
		t.Fatal(err)
	}
	for stage := reply.QueryPlanner.WinningPlan; stage != nil; {
		stages += fmt.Sprint(stage["stage"], " ")
		if name, ok := stage["indexName"].(string); ok {
			indexName = name
		}
		switch next := stage["inputStage"].(type) {
		case bson.M:
			stage = next
		case bson.D:
			stage = bson.M{}
			for _, e := range next {
				stage[e.Key] = e.Value
			}
		default:
			stage = nil
		}
	}
	x := reply.ExecutionStats
	return stages, indexName, x.TotalKeysExamined, x.TotalDocsExamined, x.NReturned
}

func TestExplain(t *testing.T) {
	t.Parallel()
	c := collection(t)
	var docs []any
	for i := range 1000 {
		doc := bson.D{{Key: "_id", Value: i}, {Key: "room", Value: i % 10}, {Key: "seq", Value: i / 10}, {Key: "tags", Value: bson.A{i % 3, i%3 + 10}}, {Key: "n", Value: i}}
		if i%100 == 0 {
			doc = append(doc, bson.E{Key: "rare", Value: fmt.Sprint("r", i)})
		}
		docs = append(docs, doc)
	}
	must(c.InsertMany(t.Context(), docs))(t)
	index(t, c, bson.D{{Key: "room", Value: 1}, {Key: "seq", Value: 1}}, options.Index().SetUnique(true))
	index(t, c, bson.D{{Key: "n", Value: -1}})
	index(t, c, bson.D{{Key: "tags", Value: 1}})
	index(t, c, bson.D{{Key: "rare", Value: 1}}, options.Index().SetSparse(true))
	index(t, c, bson.D{{Key: "seq", Value: 1}}, options.Index().SetName("late").SetPartialFilterExpression(bson.D{{Key: "seq", Value: bson.D{{Key: "$gte", Value: 90}}}}))
	op := func(kv ...any) bson.D {
		d := bson.D{}
		for i := 0; i < len(kv); i += 2 {
			d = append(d, bson.E{Key: kv[i].(string), Value: kv[i+1]})
		}
		return d
	}
	for _, test := range []struct {
		name                 string
		find                 bson.D
		stages, index        string
		keys, docs, returned int64
	}{
		{"by _id", op("filter", op("_id", 5)), "IDHACK ", "", 1, 1, 1},
		{"unique point", op("filter", op("room", 3, "seq", 7)), "FETCH IXSCAN ", "room_1_seq_1", 1, 1, 1},
		{"equality and order", op("filter", op("room", 3), "sort", op("seq", -1), "limit", 5), "LIMIT FETCH IXSCAN ", "room_1_seq_1", 5, 5, 5},
		{"equality and range", op("filter", op("room", 3, "seq", op("$gt", 10, "$lte", 20))), "FETCH IXSCAN ", "room_1_seq_1", 10, 10, 10},
		{"open range backward", op("filter", op("room", 3, "seq", op("$lt", 50)), "sort", op("seq", -1), "limit", 2), "LIMIT FETCH IXSCAN ", "room_1_seq_1", 2, 2, 2},
		{"points of $in", op("filter", op("room", op("$in", bson.A{1, 2}), "seq", 4)), "FETCH IXSCAN ", "room_1_seq_1", 2, 2, 2},
		{"descending index, range", op("filter", op("n", op("$gte", 990))), "FETCH IXSCAN ", "n_-1", 10, 10, 10},
		{"descending index, order only", op("sort", op("n", 1), "limit", 3), "LIMIT FETCH IXSCAN ", "n_-1", 3, 3, 3},
		{"multikey point", op("filter", op("tags", 11)), "FETCH IXSCAN ", "tags_1", 333, 333, 333},
		{"multikey range reads each document once", op("filter", op("tags", op("$gte", 0))), "FETCH IXSCAN ", "tags_1", 2000, 1000, 1000},
		{"multikey with two ends uses one", op("filter", op("tags", op("$gte", 12, "$lt", 13))), "FETCH IXSCAN ", "tags_1", 333, 333, 333},
		{"sparse", op("filter", op("rare", op("$gte", "r"))), "FETCH IXSCAN ", "rare_1", 10, 10, 10},
		{"sparse can't find the missing", op("filter", op("rare", nil)), "COLLSCAN ", "", 0, 1000, 990},
		{"partial, implied", op("filter", op("seq", op("$gte", 95))), "FETCH IXSCAN ", "late", 50, 50, 50},
		{"partial, not implied", op("filter", op("seq", op("$gte", 50))), "COLLSCAN ", "", 0, 1000, 500},
		{"no index", op("filter", op("x", 1)), "COLLSCAN ", "", 0, 1000, 0},
		{"sort in memory", op("filter", op("room", 1), "sort", op("n", 1)), "SORT FETCH IXSCAN ", "room_1_seq_1", 100, 100, 100},
		{"hint", op("filter", op("room", 1), "hint", "n_-1"), "FETCH IXSCAN ", "n_-1", 1000, 1000, 100},
		{"natural hint", op("filter", op("_id", 1), "hint", op("$natural", 1)), "COLLSCAN ", "", 0, 1000, 1},
		{"contradiction", op("filter", op("n", op("$gt", 5, "$lt", 5))), "FETCH IXSCAN ", "n_-1", 0, 0, 0},
	} {
		stages, name, keys, docs, returned := planOf(t, c, test.find)
		if stages != test.stages || name != test.index || keys != test.keys || docs != test.docs || returned != test.returned {
			t.Errorf("%s: %s(%s) keys %d docs %d returned %d", test.name, stages, name, keys, docs, returned)
		}
	}
	err := c.FindOne(t.Context(), bson.D{}, options.FindOne().SetHint("none")).Err()
	if code(err) != 2 {
		t.Errorf("unknown hint: %v", err)
	}
}

func ids(docs []bson.M) string {
	var list []any
	for _, doc := range docs {
		list = append(list, doc["_id"])
	}
	return fmt.Sprint(list)
}

// TestPlansAgree runs queries by every index and by none, and compares.
func TestPlansAgree(t *testing.T) {
	t.Parallel()
	c := collection(t)
	values := bson.A{nil, 1, int64(2), 2.5, "a", "b", bson.A{}, bson.A{1, "a"}, bson.A{nil, 3}, true, bson.D{{Key: "x", Value: 1}}}
	for i, a := range values {
		for j, b := range values {
			if _, isArray := a.(bson.A); isArray && i > 0 && j > 5 {
				continue // no two arrays in one compound index
			}
			doc := bson.D{{Key: "_id", Value: i*100 + j}, {Key: "a", Value: a}, {Key: "b", Value: b}}
			if j == 3 {
				doc = doc[:2]
			}
			must(c.InsertOne(t.Context(), doc))(t)
		}
	}
	for _, keys := range []bson.D{{{Key: "a", Value: 1}, {Key: "b", Value: -1}}, {{Key: "b", Value: 1}}, {{Key: "a", Value: -1}}} {
		index(t, c, keys)
	}
	for _, op := range []string{"$eq", "$gt", "$gte", "$lt", "$lte"} {
		for _, v := range values {
			for _, sort := range []bson.D{{{Key: "a", Value: 1}, {Key: "_id", Value: 1}}, {{Key: "b", Value: -1}, {Key: "_id", Value: 1}}} {
				filter := bson.D{{Key: "a", Value: bson.D{{Key: op, Value: v}}}, {Key: "b", Value: bson.D{{Key: "$ne", Value: true}}}}
				want := all(t, c, filter, options.Find().SetHint(bson.D{{Key: "$natural", Value: 1}}).SetSort(sort))
				for _, hint := range []string{"a_1_b_-1", "b_1", "a_-1"} {
					got := all(t, c, filter, options.Find().SetHint(hint).SetSort(sort))
					if a, b := ids(got), ids(want); a != b {
						t.Errorf("%v by %s in order %v: got %s, want %s", filter, hint, sort, a, b)
					}
				}
			}
		}
	}
}
