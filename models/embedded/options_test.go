package embedded

import (
	"errors"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func numbers(docs []bson.M) (ids []int32) {
	for _, doc := range docs {
		ids = append(ids, doc["_id"].(int32))
	}
	return ids
}

func TestCapped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	client, stop := openDir(t, dir)
	log := capped(t, client)
	index(t, log, bson.D{{Key: "n", Value: 1}}, options.Index().SetUnique(true))
	docs := make([]any, 9)
	for i := range docs {
		docs[i] = bson.D{{Key: "_id", Value: i + 1}, {Key: "n", Value: i + 1}}
	}
	must(log.InsertMany(t.Context(), docs))(t)
	if _, err := log.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 10}, {Key: "n", Value: 8}}); code(err) != 11000 {
		t.Errorf("a value that is taken: %v", err)
	}
	if _, err := log.InsertOne(t.Context(), bson.D{{Key: "text", Value: string(make([]byte, 5000))}}); code(err) != 2 {
		t.Errorf("larger than the collection: %v", err)
	}
	stop()
	client, stop = openDir(t, dir)
	defer stop()
	log = client.Database("test").Collection("log")
	if got := numbers(all(t, log, bson.D{})); !slices.Equal(got, []int32{7, 8, 9}) {
		t.Errorf("the last three are %v", got)
	}
	// 7 goes, and its value of the unique index is free again in the same write.
	must(log.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 11}, {Key: "n", Value: 7}}))(t)
	for i := range 3 {
		must(log.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 20 + i}, {Key: "n", Value: 20 + i}, {Key: "text", Value: string(make([]byte, 2000))}}))(t)
	}
	if got := numbers(all(t, log, bson.D{})); !slices.Equal(got, []int32{21, 22}) {
		t.Errorf("within the size there are %v", got)
	}
	reply, err := runCommand(t, client.Database("test"), "validate", "log")
	if err != nil || reply["valid"] != true {
		t.Errorf("validate: %v, %v", reply, err)
	}
}

func TestValidators(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	db := client.Database("test")
	validator := bson.D{{Key: "n", Value: bson.D{{Key: "$type", Value: "int"}}}}
	if err := db.CreateCollection(t.Context(), "things", options.CreateCollection().SetValidator(validator)); err != nil {
		t.Fatal(err)
	}
	c := db.Collection("things")
	good, bad := bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: 1}}, bson.D{{Key: "_id", Value: 2}, {Key: "n", Value: "one"}}
	must(c.InsertOne(t.Context(), good))(t)
	_, err := c.InsertOne(t.Context(), bad)
	var failed mongo.WriteException
	if !errors.As(err, &failed) || code(err) != 121 {
		t.Fatalf("insert: %v", err)
	}
	details := asMap(t, failed.WriteErrors[0].Details)
	want := `{"failingDocumentId":2,"details":{"operatorName":"$type","specifiedAs":{"n":{"$type":"int"}},"reason":"type did not match","consideredValue":"one","consideredType":"string"}}`
	if got := must(bson.MarshalExtJSON(failed.WriteErrors[0].Details, false, false))(t); string(got) != want {
		t.Errorf("details %s of %v", got, details)
	}
	spoil := bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: "two"}}}}
	upsert := options.UpdateOne().SetUpsert(true)
	for name, err := range map[string]error{
		"update":        second(c.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: 1}}, spoil)),
		"upsert":        second(c.UpdateOne(t.Context(), bson.D{{Key: "_id", Value: 3}}, spoil, upsert)),
		"findAndModify": c.FindOneAndUpdate(t.Context(), bson.D{{Key: "_id", Value: 1}}, spoil).Err(),
		"$merge":        second(db.Aggregate(t.Context(), mongo.Pipeline{{{Key: "$documents", Value: bson.A{bad}}}, {{Key: "$merge", Value: "things"}}})),
		"$out":          second(db.Aggregate(t.Context(), mongo.Pipeline{{{Key: "$documents", Value: bson.A{bad}}}, {{Key: "$out", Value: "things"}}})),
	} {
		if code(err) != 121 {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(c.InsertOne(t.Context(), bad, options.InsertOne().SetBypassDocumentValidation(true)))(t)
	for _, test := range []struct {
		option, value string
		old, new      int // codes of changing a document that is bad already, and of a new bad one
	}{
		{"validationLevel", "strict", 121, 121},
		{"validationLevel", "moderate", 0, 121},
		{"validationLevel", "off", 0, 0},
		{"validationLevel", "loose", 121, 121},
		{"validationAction", "warn", 0, 0},
	} {
		if _, err := runCommand(t, db, "collMod", "things", "validationLevel", "strict", "validationAction", "error"); err != nil {
			t.Fatal(err)
		}
		_, err := runCommand(t, db, "collMod", "things", test.option, test.value)
		if (code(err) == 2) != (test.value == "loose") {
			t.Errorf("%s %s: %v", test.option, test.value, err)
		}
		_, err = c.UpdateByID(t.Context(), 2, bson.D{{Key: "$inc", Value: bson.D{{Key: "m", Value: 1}}}})
		if code(err) != test.old {
			t.Errorf("%s %s: update: %v", test.option, test.value, err)
		}
		if _, err := c.InsertOne(t.Context(), bson.D{{Key: "n", Value: nil}}); code(err) != test.new {
			t.Errorf("%s %s: insert: %v", test.option, test.value, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestViews(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	client, stop := openDir(t, dir)
	db := client.Database("test")
	must(db.Collection("items").InsertMany(t.Context(), []any{
		bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: 5}, {Key: "tags", Value: bson.A{"a", "b"}}},
		bson.D{{Key: "_id", Value: 2}, {Key: "n", Value: 7}, {Key: "tags", Value: bson.A{"b", "c"}}},
		bson.D{{Key: "_id", Value: 3}, {Key: "n", Value: 9}},
	}))(t)
	match := func(op string, n int) mongo.Pipeline {
		return mongo.Pipeline{{{Key: "$match", Value: bson.D{{Key: "n", Value: bson.D{{Key: op, Value: n}}}}}}}
	}
	for name, view := range map[string]struct {
		on string
		p  mongo.Pipeline
	}{"big": {"items", match("$gte", 7)}, "one": {"big", match("$lt", 9)}} {
		if err := db.CreateView(t.Context(), name, view.on, view.p); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	client, stop = openDir(t, dir)
	defer stop()
	db = client.Database("test")
	big, one := db.Collection("big"), db.Collection("one")
	find := options.Find().SetSort(bson.D{{Key: "n", Value: -1}}).SetProjection(bson.D{{Key: "n", Value: 1}}).SetBatchSize(1)
	if got := numbers(all(t, big, bson.D{}, find)); !slices.Equal(got, []int32{3, 2}) {
		t.Errorf("find: %v", got)
	}
	if got := numbers(all(t, big, bson.D{{Key: "tags", Value: "c"}})); !slices.Equal(got, []int32{2}) {
		t.Errorf("find with a filter: %v", got)
	}
	if docs := all(t, one, bson.D{}); !slices.Equal(numbers(docs), []int32{2}) {
		t.Errorf("view of a view: %v", docs)
	}
	if n := must(big.EstimatedDocumentCount(t.Context()))(t); n != 2 {
		t.Errorf("count: %d", n)
	}
	if n := must(big.CountDocuments(t.Context(), bson.D{{Key: "n", Value: 9}}))(t); n != 1 {
		t.Errorf("aggregate: %d", n)
	}
	var tags []string
	if err := big.Distinct(t.Context(), "tags", bson.D{}).Decode(&tags); err != nil || len(tags) != 2 {
		t.Errorf("distinct: %v, %v", tags, err)
	}
	joined := must(db.Collection("items").Aggregate(t.Context(), mongo.Pipeline{{{Key: "$unionWith", Value: "one"}}}))(t)
	var docs []bson.M
	if err := joined.All(t.Context(), &docs); err != nil || len(docs) != 4 {
		t.Errorf("$unionWith: %v, %v", docs, err)
	}
	entries := must(db.ListCollectionSpecifications(t.Context(), bson.D{{Key: "type", Value: "view"}}))(t)
	if len(entries) != 2 || entries[0].Name != "big" || !entries[0].ReadOnly {
		t.Errorf("listCollections: %v", entries)
	}
	explained, err := runCommand(t, db, "explain", bson.D{{Key: "find", Value: "big"}, {Key: "filter", Value: bson.D{{Key: "n", Value: 7}}}}, "verbosity", "queryPlanner")
	if err != nil || asMap(t, explained["queryPlanner"])["namespace"] != "test.items" {
		t.Errorf("explain: %v, %v", explained, err)
	}
	checkViewRefusals(t, db)
	if err := big.Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := all(t, one, bson.D{}); len(got) != 0 {
		t.Errorf("a view of nothing shows %v", got)
	}
}

func checkViewRefusals(t *testing.T, db *mongo.Database) {
	t.Helper()
	self := mongo.Pipeline{}
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"insert":        {second(db.Collection("big").InsertOne(t.Context(), bson.D{})), 166},
		"update":        {second(db.Collection("big").UpdateOne(t.Context(), bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "x", Value: 1}}}})), 166},
		"delete":        {second(db.Collection("big").DeleteOne(t.Context(), bson.D{})), 166},
		"findAndModify": {db.Collection("big").FindOneAndDelete(t.Context(), bson.D{}).Err(), 166},
		"createIndexes": {second(db.Collection("big").Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "n", Value: 1}}})), 166},
		"listIndexes":   {second(db.Collection("big").Indexes().List(t.Context())), 166},
		"validate":      {second(runCommand(t, db, "validate", "big")), 166},
		"collStats":     {second(runCommand(t, db, "collStats", "big")), 166},
		"$collStats":    {second(db.Collection("big").Aggregate(t.Context(), mongo.Pipeline{{{Key: "$collStats", Value: bson.D{{Key: "count", Value: bson.D{}}}}}})), 166},
		"rename":        {rename(t, db.Client(), "test.big", "test.x", false), 166},
		"rename to it":  {rename(t, db.Client(), "test.items", "test.big", true), 48},
		"$out":          {second(db.Collection("items").Aggregate(t.Context(), mongo.Pipeline{{{Key: "$out", Value: "big"}}})), 166},
		"create":        {db.CreateCollection(t.Context(), "big"), 48},
		"again":         {db.CreateView(t.Context(), "big", "items", self), 48},
		"over a name":   {db.CreateView(t.Context(), "items", "other", self), 48},
		"of itself":     {db.CreateView(t.Context(), "me", "me", self), 5},
		"cycle":         {second(runCommand(t, db, "collMod", "big", "viewOn", "one", "pipeline", bson.A{})), 5},
		"writes":        {db.CreateView(t.Context(), "w", "items", mongo.Pipeline{{{Key: "$out", Value: "x"}}}), 167},
		"tail":          {second(runCommand(t, db, "find", "big", "tailable", true)), 168},
		"capped":        {second(runCommand(t, db, "create", "v", "viewOn", "items", "capped", true)), 72},
		"pipeline only": {second(runCommand(t, db, "create", "v", "pipeline", bson.A{})), 72},
	} {
		if code(test.err) != test.want {
			t.Errorf("%s: want %d, got %v", name, test.want, test.err)
		}
	}
}

func TestCollMod(t *testing.T) {
	t.Parallel()
	c := collection(t)
	index(t, c, bson.D{{Key: "n", Value: 1}}, options.Index().SetName("by_n"))
	must(c.InsertOne(t.Context(), bson.D{{Key: "n", Value: 1}}))(t)
	db := c.Database()
	stage := func() string {
		t.Helper()
		reply, err := runCommand(t, db, "explain", bson.D{{Key: "find", Value: "things"}, {Key: "filter", Value: bson.D{{Key: "n", Value: 1}}}})
		if err != nil {
			t.Fatal(err)
		}
		return asMap(t, asMap(t, reply["queryPlanner"])["winningPlan"])["stage"].(string)
	}
	for _, hide := range []bool{true, false} {
		reply, err := runCommand(t, db, "collMod", "things", "index", bson.D{{Key: "keyPattern", Value: bson.D{{Key: "n", Value: 1}}}, {Key: "hidden", Value: hide}})
		if err != nil || reply["hidden_new"] != hide {
			t.Errorf("hidden %v: %v, %v", hide, reply, err)
		}
		if got := stage(); (got == "COLLSCAN") != hide {
			t.Errorf("hidden %v: %s", hide, got)
		}
	}
	reply, err := runCommand(t, db, "collMod", "things", "index", bson.D{{Key: "name", Value: "by_n"}, {Key: "expireAfterSeconds", Value: 60}})
	if err != nil || reply["expireAfterSeconds_new"] != int64(60) {
		t.Errorf("TTL: %v, %v", reply, err)
	}
	specs := must(c.Indexes().ListSpecifications(t.Context()))(t)
	if len(specs) != 2 || specs[1].ExpireAfterSeconds == nil || *specs[1].ExpireAfterSeconds != 60 {
		t.Errorf("indexes %v", specs)
	}
	for name, test := range map[string]struct {
		fields []any
		want   int
	}{
		"absent collection": {[]any{"collMod", "absent"}, 26},
		"absent index":      {[]any{"collMod", "things", "index", bson.D{{Key: "name", Value: "x"}, {Key: "hidden", Value: true}}}, 27},
		"_id":               {[]any{"collMod", "things", "index", bson.D{{Key: "name", Value: "_id_"}, {Key: "hidden", Value: true}}}, 2},
		"nothing":           {[]any{"collMod", "things", "index", bson.D{{Key: "name", Value: "by_n"}}}, 72},
		"unknown":           {[]any{"collMod", "things", "colour", "red"}, 40415},
		"not capped":        {[]any{"collMod", "things", "cappedSize", 5000}, 72},
	} {
		if _, err := runCommand(t, db, test.fields...); code(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := runCommand(t, db, "reIndex", "things"); err != nil || stage() != "FETCH" {
		t.Errorf("reIndex: %v", err)
	}
	if reply, err := runCommand(t, db, "validate", "things"); err != nil || reply["valid"] != true {
		t.Errorf("validate: %v, %v", reply, err)
	}
}
