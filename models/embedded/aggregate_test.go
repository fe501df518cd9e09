package embedded

import (
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// stages reads a pipeline from JSON.
func stages(t testing.TB, text string) bson.A {
	t.Helper()
	var wrapped struct{ P bson.A }
	if err := bson.UnmarshalExtJSON([]byte(`{"p": `+text+`}`), false, &wrapped); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return wrapped.P
}

// aggregated runs a pipeline and gives its results as JSON, one a line.
func aggregated(t testing.TB, c *mongo.Collection, pipeline string, o ...options.Lister[options.AggregateOptions]) string {
	t.Helper()
	cursor := must(c.Aggregate(t.Context(), stages(t, pipeline), o...))(t)
	var docs []bson.D
	if err := cursor.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(docs))
	for i, doc := range docs {
		lines[i] = string(must(bson.MarshalExtJSON(doc, false, false))(t))
	}
	return strings.Join(lines, "\n")
}

func insertJSON(t testing.TB, c *mongo.Collection, docs string) {
	t.Helper()
	must(c.InsertMany(t.Context(), stages(t, docs)))(t)
}

// explainedAggregate explains a pipeline with its execution.
func explainedAggregate(t testing.TB, c *mongo.Collection, pipeline string) bson.Raw {
	t.Helper()
	command := bson.D{{Key: "aggregate", Value: c.Name()}, {Key: "pipeline", Value: stages(t, pipeline)}, {Key: "cursor", Value: bson.D{}}}
	reply := c.Database().RunCommand(t.Context(), bson.D{{Key: "explain", Value: command}, {Key: "verbosity", Value: "executionStats"}})
	return must(reply.Raw())(t)
}

func TestAggregateInBatches(t *testing.T) {
	t.Parallel()
	c := collection(t)
	var docs []any
	for i := range 1000 {
		docs = append(docs, bson.D{{Key: "_id", Value: i}, {Key: "list", Value: bson.A{i, -i}}})
	}
	must(c.InsertMany(t.Context(), docs))(t)
	for _, size := range []int32{0, 1, 7, 5000} {
		cursor := must(c.Aggregate(t.Context(), stages(t, `[{"$unwind":"$list"},{"$match":{"list":{"$gte":0}}},{"$set":{"double":{"$multiply":["$list",2]}}}]`), options.Aggregate().SetBatchSize(size)))(t)
		n := 0
		for ; cursor.Next(t.Context()); n++ {
			if got := cursor.Current.Lookup("double").Int32(); got != cursor.Current.Lookup("_id").Int32()*2 {
				t.Fatalf("document %d has %d", n, got)
			}
			if size == 1 && n == 10 {
				break
			}
		}
		if err := cursor.Err(); err != nil {
			t.Fatal(err)
		}
		if size != 1 && n != 1001 {
			t.Errorf("batches of %d give %d documents", size, n)
		}
		if err := cursor.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestOutReplacesTheCollectionAndKeepsItsIndexes(t *testing.T) {
	t.Parallel()
	c := collection(t)
	out := c.Database().Collection("out")
	insertJSON(t, c, `[{"_id":1,"k":"a"},{"_id":2,"k":"b"},{"_id":3,"k":"b"}]`)
	insertJSON(t, out, `[{"_id":9,"k":"old"}]`)
	index(t, out, bson.D{{Key: "k", Value: 1}}, options.Index().SetUnique(true))

	if got := aggregated(t, c, `[{"$match":{"_id":{"$lt":3}}},{"$out":"out"}]`, options.Aggregate().SetBatchSize(0)); got != "" {
		t.Errorf("$out gives %s", got)
	}
	if got := aggregated(t, out, `[{"$sort":{"_id":1}}]`); got != "{\"_id\":1,\"k\":\"a\"}\n{\"_id\":2,\"k\":\"b\"}" {
		t.Errorf("out has %s", got)
	}
	_, err := c.Aggregate(t.Context(), stages(t, `[{"$out":"out"}]`))
	if code(err) != 11000 {
		t.Errorf("a duplicate key gives %v", err)
	}
	if n := must(out.CountDocuments(t.Context(), bson.D{}))(t); n != 2 {
		t.Errorf("the failed $out left %d documents", n)
	}
	names := must(c.Database().ListCollectionNames(t.Context(), bson.D{}))(t)
	if len(names) != 2 {
		t.Errorf("there are %v", names)
	}
	if specs := must(out.Indexes().ListSpecifications(t.Context()))(t); len(specs) != 2 {
		t.Errorf("out has %d indexes", len(specs))
	}
	if got := aggregated(t, c, `[{"$set":{"k":"$_id"}},{"$out":{"db":"other","coll":"new"}}]`); got != "" {
		t.Errorf("$out gives %s", got)
	}
	if n := must(c.Database().Client().Database("other").Collection("new").CountDocuments(t.Context(), bson.D{{Key: "k", Value: 3}}))(t); n != 1 {
		t.Errorf("other.new has %d", n)
	}
}

func TestMergeByAnotherKey(t *testing.T) {
	t.Parallel()
	c := collection(t)
	to := c.Database().Collection("to")
	insertJSON(t, c, `[{"_id":1,"room":"a","n":1},{"_id":2,"room":"a","n":2},{"_id":3,"room":"b","n":5}]`)
	insertJSON(t, to, `[{"_id":"x","room":"a","total":10}]`)
	merge := `[{"$group":{"_id":"$room","n":{"$sum":"$n"}}},{"$project":{"_id":0,"room":"$_id","n":1}},
		{"$merge":{"into":"to","on":"room","whenMatched":[{"$set":{"total":{"$add":["$total","$$new.n"]}}}]}}]`
	if _, err := c.Aggregate(t.Context(), stages(t, merge)); code(err) != 51183 {
		t.Errorf("without a unique index: %v", err)
	}
	index(t, to, bson.D{{Key: "room", Value: 1}}, options.Index().SetUnique(true))
	aggregated(t, c, merge)
	if got := aggregated(t, to, `[{"$project":{"_id":0}},{"$sort":{"room":1}}]`); got != "{\"room\":\"a\",\"total\":13}\n{\"n\":5,\"room\":\"b\"}" {
		t.Errorf("to has %s", got)
	}
	_, err := c.Aggregate(t.Context(), stages(t, `[{"$merge":{"into":"to","on":"room"}}]`))
	if code(err) != 66 || !strings.HasPrefix(err.Error(), "(ImmutableField) PlanExecutor error during aggregation :: caused by :: ") {
		t.Errorf("another _id: %v", err)
	}
}

func TestExplainOfAggregates(t *testing.T) {
	t.Parallel()
	c := collection(t)
	insertJSON(t, c, `[{"_id":1,"k":"a"},{"_id":2,"k":"b"},{"_id":3,"k":"b"}]`)
	index(t, c, bson.D{{Key: "k", Value: 1}})

	whole := explainedAggregate(t, c, `[{"$match":{"k":"b"}},{"$limit":1}]`)
	if got := whole.Lookup("queryPlanner", "winningPlan", "stage").StringValue(); got != "LIMIT" {
		t.Errorf("a query has %s on top: %s", got, whole)
	}
	staged := explainedAggregate(t, c, `[{"$match":{"k":"b"}},{"$group":{"_id":"$k","n":{"$sum":1}}}]`)
	cursor := staged.Lookup("stages", "0", "$cursor").Document()
	if got := cursor.Lookup("queryPlanner", "winningPlan", "inputStage", "indexName").StringValue(); got != "k_1" {
		t.Errorf("the cursor: %s", cursor)
	}
	if keys, _ := cursor.Lookup("executionStats", "totalKeysExamined").AsInt64OK(); keys != 2 {
		t.Errorf("the cursor examined %d keys: %s", keys, cursor)
	}
	if n := staged.Lookup("stages", "1", "nReturned").AsInt64(); n != 1 {
		t.Errorf("$group gave %d: %s", n, staged)
	}
	counted := explainedAggregate(t, c, `[{"$match":{"k":"b"}},{"$group":{"_id":1,"n":{"$sum":1}}}]`)
	if docs, _ := counted.Lookup("stages", "0", "$cursor", "executionStats", "totalDocsExamined").AsInt64OK(); docs != 0 {
		t.Errorf("a count reads documents: %s", counted)
	}
	early := explainedAggregate(t, c, `[{"$unwind":"$k"},{"$limit":1}]`)
	if docs, _ := early.Lookup("stages", "0", "$cursor", "executionStats", "totalDocsExamined").AsInt64OK(); docs != 1 {
		t.Errorf("the cursor goes on after the limit: %s", early)
	}
	generated := must(c.Database().RunCommand(t.Context(), bson.D{{Key: "explain", Value: bson.D{{Key: "aggregate", Value: 1}, {Key: "pipeline", Value: stages(t, `[{"$documents":[{"a":1}]}]`)}, {Key: "cursor", Value: bson.D{}}}}}).Raw())(t)
	if n := generated.Lookup("stages", "0", "nReturned").AsInt64(); n != 1 {
		t.Errorf("$documents: %s", generated)
	}
}

func TestLookupThroughAnIndex(t *testing.T) {
	t.Parallel()
	c := collection(t)
	members := c.Database().Collection("member")
	insertJSON(t, c, `[{"_id":1,"room":"a"},{"_id":2,"room":"b"}]`)
	var docs []any
	for i := range 200 {
		docs = append(docs, bson.D{{Key: "_id", Value: i}, {Key: "room", Value: string(rune('a' + i%20))}})
	}
	must(members.InsertMany(t.Context(), docs))(t)
	index(t, members, bson.D{{Key: "room", Value: 1}, {Key: "_id", Value: 1}})
	lookup := `[{"$lookup":{"from":"member","localField":"room","foreignField":"room","let":{"r":"$room"},"pipeline":[{"$sort":{"_id":-1}},{"$limit":2},{"$project":{"same":{"$eq":["$room","$$r"]}}}],"as":"last"}}]`
	want := `{"_id":1,"room":"a","last":[{"_id":180,"same":true},{"_id":160,"same":true}]}` + "\n" + `{"_id":2,"room":"b","last":[{"_id":181,"same":true},{"_id":161,"same":true}]}`
	if got := aggregated(t, c, lookup); got != want {
		t.Errorf("got %s", got)
	}
}

func TestStatsStages(t *testing.T) {
	t.Parallel()
	c := collection(t)
	insertJSON(t, c, `[{"_id":1},{"_id":2}]`)
	if got := aggregated(t, c, `[{"$collStats":{"count":{},"storageStats":{}}},{"$project":{"ns":1,"count":1,"n":"$storageStats.count"}}]`); got != fmt.Sprintf(`{"ns":"%s.%s","count":2,"n":2}`, c.Database().Name(), c.Name()) {
		t.Errorf("got %s", got)
	}
	_, err := c.Database().Collection("none").Aggregate(t.Context(), stages(t, `[{"$collStats":{"count":{}}}]`))
	if code(err) != 26 {
		t.Errorf("without a collection: %v", err)
	}
}

func TestDatabaseAggregateInBatches(t *testing.T) {
	t.Parallel()
	c := collection(t)
	cursor := must(c.Database().Aggregate(t.Context(), stages(t, `[{"$documents":[{"a":1},{"a":2},{"a":3},{"a":4},{"a":5}]},{"$match":{"a":{"$ne":3}}}]`), options.Aggregate().SetBatchSize(2)))(t)
	var docs []bson.M
	if err := cursor.All(t.Context(), &docs); err != nil || len(docs) != 4 {
		t.Errorf("got %v, %v", docs, err)
	}
}

func TestAggregateOptions(t *testing.T) {
	t.Parallel()
	c := collection(t)
	insertJSON(t, c, `[{"_id":1,"k":"a"},{"_id":2,"k":"b"}]`)
	index(t, c, bson.D{{Key: "k", Value: -1}})
	if got := aggregated(t, c, `[{"$project":{"k":1,"_id":0}}]`, options.Aggregate().SetHint(bson.D{{Key: "k", Value: -1}})); got != "{\"k\":\"b\"}\n{\"k\":\"a\"}" {
		t.Errorf("with a hint: %s", got)
	}
	_, err := c.Aggregate(t.Context(), stages(t, `[]`), options.Aggregate().SetHint("none"))
	if code(err) != 2 {
		t.Errorf("with a hint to nothing: %v", err)
	}
	if got := aggregated(t, c, `[{"$match":{"$expr":{"$eq":["$k","$$want"]}}},{"$set":{"w":"$$want"}}]`, options.Aggregate().SetLet(bson.D{{Key: "want", Value: "b"}})); got != `{"_id":2,"k":"b","w":"b"}` {
		t.Errorf("with let: %s", got)
	}
	reply := must(c.Database().RunCommand(t.Context(), bson.D{{Key: "aggregate", Value: c.Name()}, {Key: "pipeline", Value: bson.A{}}, {Key: "explain", Value: true}}).Raw())(t)
	if reply.Lookup("queryPlanner", "winningPlan", "stage").StringValue() != "COLLSCAN" {
		t.Errorf("explained: %s", reply)
	}
}
