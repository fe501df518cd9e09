package embedded

import (
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// explainReply is what the tests look at of a reply to explain.
type explainReply struct {
	QueryPlanner struct {
		Namespace     string
		ParsedQuery   bson.Raw
		WinningPlan   bson.Raw
		RejectedPlans []bson.Raw
	}
	ExecutionStats struct {
		NReturned, TotalKeysExamined, TotalDocsExamined int64
		ExecutionStages                                 bson.Raw
		AllPlansExecution                               []bson.Raw
	}
}

func explainCommand(t *testing.T, c *mongo.Collection, verbosity string, command bson.D) (reply explainReply) {
	t.Helper()
	command = append(bson.D{{Key: command[0].Key, Value: c.Name()}}, command[1:]...)
	err := c.Database().RunCommand(t.Context(), bson.D{{Key: "explain", Value: command}, {Key: "verbosity", Value: verbosity}}).Decode(&reply)
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	return reply
}

// shapeOf writes a tree of stages as FETCH(OR(IXSCAN a_1, IXSCAN b_1)).
func shapeOf(stage bson.Raw) string {
	shape := stage.Lookup("stage").StringValue()
	if name, ok := stage.Lookup("indexName").StringValueOK(); ok {
		shape += " " + name
	}
	if stage.Lookup("direction").String() == `"backward"` {
		shape += " backward"
	}
	var inputs []string
	if input, ok := stage.Lookup("inputStage").DocumentOK(); ok {
		inputs = append(inputs, shapeOf(input))
	}
	if list, ok := stage.Lookup("inputStages").ArrayOK(); ok {
		values, _ := list.Values()
		for _, v := range values {
			inputs = append(inputs, shapeOf(v.Document()))
		}
	}
	if len(inputs) > 0 {
		shape += "(" + strings.Join(inputs, ", ") + ")"
	}
	return shape
}

func extended(t *testing.T, text string) (d bson.D) {
	t.Helper()
	if err := bson.UnmarshalExtJSON([]byte(text), false, &d); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func planned(t *testing.T) *mongo.Collection {
	t.Helper()
	c := collection(t)
	var docs []any
	for i := range 1000 {
		docs = append(docs, bson.D{{Key: "_id", Value: i}, {Key: "a", Value: i % 10}, {Key: "b", Value: i / 10}, {Key: "c", Value: fmt.Sprint("c", i%50)},
			{Key: "tags", Value: bson.A{i % 3, i%3 + 10}}, {Key: "list", Value: bson.A{bson.D{{Key: "x", Value: i % 7}, {Key: "y", Value: i % 11}}, bson.D{{Key: "x", Value: 1}, {Key: "y", Value: 2}}}}})
	}
	must(c.InsertMany(t.Context(), docs))(t)
	for _, keys := range []string{`{"a": 1, "b": 1}`, `{"c": 1}`, `{"tags": 1, "b": 1}`, `{"list.x": 1, "list.y": 1}`, `{"b": -1, "c": 1}`} {
		index(t, c, extended(t, keys))
	}
	index(t, c, extended(t, `{"hid": 1}`), options.Index().SetHidden(true))
	return c
}

func TestExplainPlans(t *testing.T) {
	t.Parallel()
	c := planned(t)
	for _, test := range []struct {
		command              string
		shape                string
		keys, docs, returned int64
	}{
		{`{"find": "", "filter": {"_id": 1}}`, "IDHACK", 1, 1, 1},
		{`{"find": "", "filter": {"_id": 1}, "projection": {"_id": 1}}`, "PROJECTION_SIMPLE(IDHACK)", 1, 1, 1},
		{`{"find": "", "filter": {"_id": 1, "a": 1}}`, "FETCH(IXSCAN _id_)", 1, 1, 1},
		{`{"find": "", "filter": {"a": {"$in": [1, 2]}}, "sort": {"b": 1}, "limit": 5}`, "LIMIT(FETCH(SORT_MERGE(IXSCAN a_1_b_1, IXSCAN a_1_b_1)))", 6, 5, 5},
		{`{"find": "", "filter": {"a": {"$in": [1, 2]}}, "sort": {"b": -1}, "limit": 5}`, "LIMIT(FETCH(SORT_MERGE(IXSCAN a_1_b_1 backward, IXSCAN a_1_b_1 backward)))", 6, 5, 5},
		{`{"find": "", "filter": {"$or": [{"a": 1, "b": 5}, {"c": "c7"}]}}`, "FETCH(OR(IXSCAN a_1_b_1, IXSCAN c_1))", 21, 21, 21},
		{`{"find": "", "filter": {"$or": [{"a": 1}, {"a": {"$lt": 2}}]}}`, "FETCH(OR(IXSCAN a_1_b_1, IXSCAN a_1_b_1))", 300, 200, 200},
		{`{"find": "", "filter": {"b": {"$lt": 3}, "$or": [{"a": 1}, {"a": 2}]}}`, "FETCH(OR(IXSCAN a_1_b_1, IXSCAN a_1_b_1))", 6, 6, 6},
		{`{"find": "", "filter": {"$or": [{"a": 1}, {"a": 2}]}, "sort": {"b": 1}, "limit": 3}`, "LIMIT(FETCH(SORT_MERGE(IXSCAN a_1_b_1, IXSCAN a_1_b_1)))", 4, 3, 3},
		{`{"find": "", "filter": {"$or": [{"a": 1}, {"z": 2}]}}`, "COLLSCAN", 0, 1000, 100},
		{`{"find": "", "filter": {"a": 1}, "projection": {"_id": 0, "b": 1}}`, "PROJECTION_COVERED(IXSCAN a_1_b_1)", 100, 0, 100},
		{`{"find": "", "filter": {"a": 1}, "projection": {"b": 1}}`, "PROJECTION_SIMPLE(FETCH(IXSCAN a_1_b_1))", 100, 100, 100},
		{`{"find": "", "filter": {"a": {"$ne": 3}}, "projection": {"_id": 0, "a": 1}, "limit": 2}`, "LIMIT(PROJECTION_COVERED(IXSCAN a_1_b_1))", 2, 0, 2},
		{`{"find": "", "filter": {"tags": 11, "b": {"$gte": 90}}, "sort": {"b": 1}}`, "FETCH(IXSCAN tags_1_b_1)", 33, 33, 33},
		{`{"find": "", "filter": {"list": {"$elemMatch": {"x": 5, "y": 6}}}}`, "FETCH(IXSCAN list.x_1_list.y_1)", 13, 13, 13},
		{`{"find": "", "filter": {"list.x": 5, "list.y": 6}}`, "FETCH(IXSCAN list.x_1_list.y_1)", 143, 143, 13},
		{`{"find": "", "filter": {"c": {"$regex": "^c4"}}, "sort": {"b": 1}, "limit": 10, "skip": 5}`, "LIMIT(SKIP(FETCH(IXSCAN b_-1_c_1 backward)))", 25, 15, 10},
		{`{"find": "", "filter": {"c": {"$regex": "^c4"}}, "sort": {"z": 1}, "limit": 10, "skip": 5}`, "SKIP(SORT(FETCH(IXSCAN c_1)))", 220, 220, 10},
		{`{"find": "", "filter": {"a": {"$gte": 3, "$lt": 5}, "b": 7}}`, "FETCH(IXSCAN a_1_b_1)", 6, 2, 2},
		{`{"find": "", "filter": {"hid": 1}}`, "COLLSCAN", 0, 1000, 0},
		{`{"find": "", "sort": {"$natural": -1}, "limit": 1}`, "LIMIT(COLLSCAN backward)", 0, 1, 1},
		{`{"find": "", "hint": {"a": 1, "b": 1}, "min": {"a": 3, "b": 98}, "max": {"a": 4, "b": 1}}`, "FETCH(IXSCAN a_1_b_1)", 3, 3, 3},
		{`{"find": "", "filter": {"a": 3}, "returnKey": true, "limit": 1}`, "LIMIT(RETURN_KEY(FETCH(IXSCAN a_1_b_1)))", 1, 1, 1},
		{`{"count": "", "query": {"a": 3}}`, "COUNT(COUNT_SCAN a_1_b_1)", 100, 0, 0},
		{`{"count": "", "query": {"a": {"$in": [3, 4]}}}`, "COUNT(IXSCAN a_1_b_1)", 200, 0, 0},
		{`{"count": "", "query": {"$or": [{"a": 3}, {"a": 4}]}}`, "COUNT(OR(IXSCAN a_1_b_1, IXSCAN a_1_b_1))", 200, 0, 0},
		{`{"count": "", "query": {"tags": 2}}`, "COUNT(COUNT_SCAN tags_1_b_1)", 333, 0, 0},
		{`{"count": ""}`, "COUNT(RECORD_STORE_FAST_COUNT)", 0, 0, 0},
		{`{"distinct": "", "key": "a"}`, "PROJECTION_COVERED(DISTINCT_SCAN a_1_b_1)", 10, 0, 10},
		{`{"distinct": "", "key": "b", "query": {"a": 3}}`, "PROJECTION_COVERED(DISTINCT_SCAN a_1_b_1)", 100, 0, 100},
		{`{"distinct": "", "key": "tags", "query": {"c": "c3"}}`, "FETCH(IXSCAN c_1)", 20, 20, 20},
		{`{"update": "", "updates": [{"q": {"a": 1}, "u": {"$set": {"z": 1}}, "multi": true}]}`, "UPDATE(FETCH(IXSCAN a_1_b_1))", 100, 100, 0},
		{`{"delete": "", "deletes": [{"q": {"_id": 1}, "limit": 1}]}`, "DELETE(IDHACK)", 1, 1, 0},
		{`{"findAndModify": "", "query": {"a": 1}, "sort": {"b": -1}, "remove": true, "fields": {"b": 1}}`, "PROJECTION_SIMPLE(DELETE(FETCH(IXSCAN a_1_b_1 backward)))", 1, 1, 0},
	} {
		reply := explainCommand(t, c, "executionStats", extended(t, test.command))
		stats := reply.ExecutionStats
		shape := shapeOf(reply.QueryPlanner.WinningPlan)
		if shape != test.shape || stats.TotalKeysExamined != test.keys || stats.TotalDocsExamined != test.docs || stats.NReturned != test.returned {
			t.Errorf("%s: %s keys %d docs %d returned %d", test.command, shape, stats.TotalKeysExamined, stats.TotalDocsExamined, stats.NReturned)
		}
		if executed := shapeOf(stats.ExecutionStages); executed != shape {
			t.Errorf("%s: executed %s", test.command, executed)
		}
	}
}

func TestExplainFields(t *testing.T) {
	t.Parallel()
	c := planned(t)
	reply := explainCommand(t, c, "allPlansExecution", extended(t, `{"find": "", "filter": {"a": 3, "b": {"$gt": 5, "$lte": 9}, "list.x": {"$in": [1, 2]}}}`))
	planner := reply.QueryPlanner
	const parsed = `{"$and": [{"a": {"$eq": {"$numberInt":"3"}}},{"b": {"$gt": {"$numberInt":"5"}}},{"b": {"$lte": {"$numberInt":"9"}}},{"list.x": {"$in": [{"$numberInt":"1"},{"$numberInt":"2"}]}}]}`
	if planner.Namespace != "test.things" || planner.ParsedQuery.String() != parsed {
		t.Errorf("%s %s", planner.Namespace, planner.ParsedQuery)
	}
	scan := planner.WinningPlan.Lookup("inputStage").Document()
	for name, want := range map[string]string{
		"keyPattern":    `{"a": {"$numberInt":"1"},"b": {"$numberInt":"1"}}`,
		"multiKeyPaths": `{"a": [],"b": []}`,
		"isMultiKey":    `false`, "isUnique": `false`, "isSparse": `false`, "isPartial": `false`,
		"direction":   `"forward"`,
		"indexBounds": `{"a": ["[3, 3]"],"b": ["(5, 9]"]}`,
	} {
		if got := scan.Lookup(name).String(); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	if filter := planner.WinningPlan.Lookup("filter").String(); filter != `{"list.x": {"$in": [{"$numberInt":"1"},{"$numberInt":"2"}]}}` {
		t.Errorf("filter of FETCH: %s", filter)
	}
	if len(planner.RejectedPlans) == 0 || len(reply.ExecutionStats.AllPlansExecution) < 2 {
		t.Errorf("%d rejected plans, %d trials", len(planner.RejectedPlans), len(reply.ExecutionStats.AllPlansExecution))
	}
	multikey := explainCommand(t, c, "queryPlanner", extended(t, `{"find": "", "filter": {"list.x": {"$not": {"$gt": 3}}}}`)).QueryPlanner.WinningPlan.Lookup("inputStage").Document()
	if paths := multikey.Lookup("multiKeyPaths").String(); paths != `{"list.x": ["list"],"list.y": ["list"]}` {
		t.Errorf("multiKeyPaths: %s", paths)
	}
	if bounds := multikey.Lookup("indexBounds").String(); bounds != `{"list.x": ["[MinKey, 3]","(inf.0, MaxKey]"],"list.y": ["[MinKey, MaxKey]"]}` {
		t.Errorf("bounds: %s", bounds)
	}
}

// A key alone tells neither the type of some values nor null from a missing field:
// those documents are fetched, and what is found is as stored.
func TestCoveredReadsKeepTypes(t *testing.T) {
	t.Parallel()
	c := collection(t)
	index(t, c, bson.D{{Key: "a", Value: 1}, {Key: "n.m", Value: -1}})
	decimal, err := bson.ParseDecimal128("1.00")
	if err != nil {
		t.Fatal(err)
	}
	values := []any{int32(1), int64(1), 1.0, decimal, "text", "a\x00b", nil, true, bson.DateTime(5), bson.NewObjectID(), bson.Binary{Subtype: 2, Data: []byte{1, 0}}, bson.D{{Key: "k", Value: 1}}, int64(1) << 60}
	for i, v := range values {
		must(c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: i}, {Key: "a", Value: v}, {Key: "n", Value: bson.D{{Key: "m", Value: v}}}}))(t)
	}
	must(c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: -1}}))(t)
	// The key stays as it is, the type doesn't.
	must(c.UpdateByID(t.Context(), 0, bson.D{{Key: "$set", Value: bson.D{{Key: "a", Value: 1.0}}}}))(t)
	projection := options.Find().SetProjection(bson.D{{Key: "_id", Value: 0}, {Key: "a", Value: 1}, {Key: "n.m", Value: 1}}).SetSort(bson.D{{Key: "a", Value: 1}, {Key: "n.m", Value: -1}})
	count := map[string]int{}
	tally := func(by int, hint any) {
		cursor := must(c.Find(t.Context(), bson.D{}, projection.SetHint(hint)))(t)
		for cursor.Next(t.Context()) {
			count[cursor.Current.String()] += by
		}
		if err := cursor.Err(); err != nil {
			t.Error(err)
		}
	}
	tally(1, "a_1_n.m_-1")
	tally(-1, bson.D{{Key: "$natural", Value: 1}})
	for doc, n := range count {
		if n != 0 {
			t.Errorf("%s: %+d", doc, n)
		}
	}
	if len(count) != len(values)+1 {
		t.Errorf("%d different documents", len(count))
	}
}

// A $or of many branches reads one range after the other, and is sorted where too many
// would have to be merged.
func TestManyBranches(t *testing.T) {
	t.Parallel()
	c := planned(t)
	branches := bson.A{}
	for i := range 300 {
		branches = append(branches, bson.D{{Key: "a", Value: 1}, {Key: "b", Value: i}})
	}
	find := bson.D{{Key: "find", Value: ""}, {Key: "filter", Value: bson.D{{Key: "$or", Value: branches}}}, {Key: "sort", Value: bson.D{{Key: "b", Value: -1}}}}
	reply := explainCommand(t, c, "executionStats", find)
	shape, _, _ := strings.Cut(shapeOf(reply.QueryPlanner.WinningPlan), "IXSCAN")
	if shape != "SORT(FETCH(OR(" || reply.ExecutionStats.TotalKeysExamined != 100 || reply.ExecutionStats.NReturned != 100 {
		t.Errorf("%s keys %d returned %d", shape, reply.ExecutionStats.TotalKeysExamined, reply.ExecutionStats.NReturned)
	}
}

// A merge of many scans is not given up in its trial for having to look into each of them first.
func TestTrialOfManyScans(t *testing.T) {
	t.Parallel()
	c := collection(t)
	index(t, c, bson.D{{Key: "room", Value: 1}, {Key: "word", Value: 1}, {Key: "at", Value: 1}}, options.Index())
	index(t, c, bson.D{{Key: "room", Value: 1}, {Key: "seq", Value: 1}}, options.Index())
	var docs []bson.D
	rooms := bson.A{}
	for room := range 180 {
		rooms = append(rooms, room)
		for seq := range 10 {
			docs = append(docs, bson.D{{Key: "room", Value: room}, {Key: "seq", Value: seq}, {Key: "at", Value: seq*180 + room}, {Key: "word", Value: bson.A{1, seq % 3}}})
		}
	}
	if _, err := c.InsertMany(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
	reply := explainCommand(t, c, "executionStats", bson.D{
		{Key: "find"}, {Key: "filter", Value: bson.D{{Key: "room", Value: bson.D{{Key: "$in", Value: rooms}}}, {Key: "word", Value: 1}}},
		{Key: "sort", Value: bson.D{{Key: "at", Value: -1}}}, {Key: "limit", Value: 20},
	})
	if n := reply.ExecutionStats.TotalDocsExamined; n > 250 || !strings.Contains(shapeOf(reply.QueryPlanner.WinningPlan), "SORT_MERGE") {
		t.Errorf("%d documents were examined by %s", n, shapeOf(reply.QueryPlanner.WinningPlan))
	}
}

func TestFindOptions(t *testing.T) {
	t.Parallel()
	c := planned(t)
	hint := options.Find().SetHint("a_1_b_1").SetMin(extended(t, `{"a": 3, "b": 98}`)).SetMax(extended(t, `{"a": 4, "b": 1}`))
	if got := ids(all(t, c, bson.D{}, hint)); got != "[983 993 4]" {
		t.Errorf("min and max: %s", got)
	}
	keys := all(t, c, extended(t, `{"a": 3, "b": {"$gte": 98}}`), options.Find().SetReturnKey(true))
	if len(keys) != 2 || len(keys[0]) != 2 || keys[0]["a"] != int32(3) || keys[0]["b"] != int32(98) {
		t.Errorf("returnKey: %v", keys)
	}
	docs := all(t, c, extended(t, `{"_id": {"$lt": 2}}`), options.Find().SetShowRecordID(true).SetProjection(extended(t, `{"_id": 1}`)))
	if len(docs) != 2 || len(docs[1]) != 2 || docs[1]["_id"] != int32(1) || docs[1]["$recordId"] != int64(2) {
		t.Errorf("showRecordId: %v", docs)
	}
	var found struct{ Cursor struct{ FirstBatch []bson.M } }
	command := append(bson.D{{Key: "find", Value: c.Name()}}, extended(t, `{"filter": {"$expr": {"$eq": ["$_id", "$$id"]}}, "let": {"id": 7}}`)...)
	if err := c.Database().RunCommand(t.Context(), command).Decode(&found); err != nil || ids(found.Cursor.FirstBatch) != "[7]" {
		t.Errorf("let: %v, %v", found, err)
	}
	for _, test := range []struct {
		find string
		code int
	}{
		{`{"hint": "none"}`, 2},
		{`{"hint": "hid_1"}`, 2},
		{`{"min": {"a": 1}}`, 51173},
		{`{"hint": "a_1_b_1", "min": {"a": 1}}`, 51174},
		{`{"hint": "a_1_b_1", "min": {"a": 2, "b": 1}, "max": {"a": 1, "b": 1}}`, 51175},
		{`{"collation": {"locale": "de"}}`, 238},
		{`{"let": {"x": "$field"}}`, 4890500},
	} {
		err := c.Database().RunCommand(t.Context(), append(bson.D{{Key: "find", Value: c.Name()}}, extended(t, test.find)...)).Err()
		if code(err) != test.code {
			t.Errorf("%s: %v", test.find, err)
		}
	}
}
