package pipeline

import (
	"testing"
)

// stageTest is a pipeline over the collection things, and over others that it reads.
type stageTest struct {
	name, docs, other, pipeline string
	want                        string
}

var stageTests = []stageTest{
	{"$match after $limit", `[{"a":1},{"a":2}]`, ``, `[{"$limit":2},{"$match":{"a":2}}]`, `[{"a":2}]`},
	{"$skip and $limit", `[{"a":1},{"a":2},{"a":3}]`, ``, `[{"$limit":3},{"$skip":1},{"$limit":1}]`, `[{"a":2}]`},
	{"$sort is stable", `[{"a":2,"n":1},{"a":1},{"a":2,"n":2}]`, ``, `[{"$skip":0},{"$sort":{"a":-1}}]`, `[{"a":2,"n":1},{"a":2,"n":2},{"a":1}]`},
	{"$count", `[{"a":1},{"a":2}]`, ``, `[{"$count":"n"}]`, `[{"n":2}]`},
	{"$count of nothing", `[]`, ``, `[{"$count":"n"}]`, `[]`},
	{"$sample of all", `[{"a":1}]`, ``, `[{"$sample":{"size":3}}]`, `[{"a":1}]`},

	{"$unwind", `[{"_id":1,"a":[1,[2]],"b":0},{"_id":2,"a":3},{"_id":3},{"_id":4,"a":[]},{"_id":5,"a":null}]`, ``,
		`[{"$unwind":"$a"}]`, `[{"_id":1,"a":1,"b":0},{"_id":1,"a":[2],"b":0},{"_id":2,"a":3}]`},
	{"$unwind that preserves", `[{"_id":1,"a":[7]},{"_id":2,"a":3},{"_id":3},{"_id":4,"a":[]},{"_id":5,"a":null}]`, ``,
		`[{"$unwind":{"path":"$a","preserveNullAndEmptyArrays":true,"includeArrayIndex":"i"}}]`,
		`[{"_id":1,"a":7,"i":{"$numberLong":"0"}},{"_id":2,"a":3,"i":null},{"_id":3,"i":null},{"_id":4,"i":null},{"_id":5,"a":null,"i":null}]`},
	{"$unwind of a path", `[{"a":{"b":[1,2],"c":0}},{"a":[{"b":[3]}]}]`, ``, `[{"$unwind":{"path":"$a.b","includeArrayIndex":"a.i"}}]`,
		`[{"a":{"b":1,"c":0,"i":{"$numberLong":"0"}}},{"a":{"b":2,"c":0,"i":{"$numberLong":"1"}}}]`},

	{"$unionWith", `[{"a":1}]`, `[{"a":2}]`, `[{"$unionWith":"other"}]`, `[{"a":1},{"a":2}]`},
	{"$unionWith a pipeline", `[{"a":1}]`, `[{"a":2},{"a":3}]`, `[{"$unionWith":{"coll":"other","pipeline":[{"$match":{"a":3}}]}},{"$sort":{"a":-1}}]`, `[{"a":3},{"a":1}]`},
	{"$unionWith documents", `[{"a":1}]`, ``, `[{"$unionWith":{"pipeline":[{"$documents":[{"a":2}]}]}}]`, `[{"a":1},{"a":2}]`},

	{"$facet", `[{"a":1},{"a":2},{"a":3}]`, ``,
		`[{"$facet":{"big":[{"$match":{"a":{"$gt":1}}}],"n":[{"$count":"n"}],"one":[{"$limit":1}],"all":[],"down":[{"$sort":{"a":-1}},{"$limit":1}]}}]`,
		`[{"big":[{"a":2},{"a":3}],"n":[{"n":3}],"one":[{"a":1}],"all":[{"a":1},{"a":2},{"a":3}],"down":[{"a":3}]}]`},
	{"$facet of nothing", `[]`, ``, `[{"$facet":{"x":[],"n":[{"$count":"n"}]}}]`, `[{"x":[],"n":[]}]`},
	{"$facet with $unionWith and $lookup", `[{"_id":1}]`, `[{"_id":2,"k":1}]`,
		`[{"$facet":{"u":[{"$unionWith":"other"}],"l":[{"$lookup":{"from":"other","localField":"_id","foreignField":"k","as":"o"}}]}}]`,
		`[{"u":[{"_id":1},{"_id":2,"k":1}],"l":[{"_id":1,"o":[{"_id":2,"k":1}]}]}]`},

	{"$lookup", `[{"_id":1,"k":"x"},{"_id":2,"k":["x","y"]},{"_id":3},{"_id":4,"k":[]}]`, `[{"_id":1,"f":"x"},{"_id":2,"f":["y"]},{"_id":3,"f":null},{"_id":4}]`,
		`[{"$lookup":{"from":"other","localField":"k","foreignField":"f","as":"o"}}]`,
		`[{"_id":1,"k":"x","o":[{"_id":1,"f":"x"}]},{"_id":2,"k":["x","y"],"o":[{"_id":1,"f":"x"},{"_id":2,"f":["y"]}]},
		  {"_id":3,"o":[{"_id":3,"f":null},{"_id":4}]},{"_id":4,"k":[],"o":[{"_id":3,"f":null},{"_id":4}]}]`},
	{"$lookup through an array of documents", `[{"_id":1,"k":[{"id":"x"},{"id":"y"},5]}]`, `[{"_id":1,"f":"y"}]`,
		`[{"$lookup":{"from":"other","localField":"k.id","foreignField":"f","as":"o"}}]`, `[{"_id":1,"k":[{"id":"x"},{"id":"y"},5],"o":[{"_id":1,"f":"y"}]}]`},
	{"$lookup by index", `[{"_id":1,"k":["x","y"]}]`, `[{"_id":1,"f":"x"},{"_id":2,"f":"y"}]`,
		`[{"$lookup":{"from":"other","localField":"k.1","foreignField":"f","as":"o.p"}}]`, `[{"_id":1,"k":["x","y"],"o":{"p":[{"_id":2,"f":"y"}]}}]`},
	{"$lookup of a regular expression", `[{"_id":1,"k":[{"$regularExpression":{"pattern":"x","options":""}},"z"]}]`, `[{"_id":1,"f":"xx"},{"_id":2,"f":{"$regularExpression":{"pattern":"x","options":""}}}]`,
		`[{"$lookup":{"from":"other","localField":"k","foreignField":"f","as":"o"}},{"$project":{"o._id":1}}]`, `[{"_id":1,"o":[{"_id":2}]}]`},
	{"$lookup with a pipeline", `[{"_id":1,"k":2},{"_id":2,"k":9}]`, `[{"_id":1,"n":1},{"_id":2,"n":5}]`,
		`[{"$lookup":{"from":"other","let":{"k":"$k"},"pipeline":[{"$match":{"$expr":{"$lt":["$n","$$k"]}}},{"$project":{"_id":1}}],"as":"o"}}]`,
		`[{"_id":1,"k":2,"o":[{"_id":1}]},{"_id":2,"k":9,"o":[{"_id":1},{"_id":2}]}]`},
	{"$lookup with fields and a pipeline", `[{"_id":1,"k":"x","low":3}]`, `[{"_id":1,"f":"x","n":1},{"_id":2,"f":"x","n":5},{"_id":3,"f":"y","n":5}]`,
		`[{"$lookup":{"from":"other","localField":"k","foreignField":"f","let":{"low":"$low"},"pipeline":[{"$match":{"$expr":{"$gt":["$n","$$low"]}}}],"as":"o"}}]`,
		`[{"_id":1,"k":"x","low":3,"o":[{"_id":2,"f":"x","n":5}]}]`},
	{"$lookup in a $lookup sees the outer variables", `[{"_id":1,"k":5}]`, `[{"_id":1,"n":5}]`,
		`[{"$lookup":{"from":"other","let":{"k":"$k"},"pipeline":[{"$lookup":{"from":"other","pipeline":[{"$match":{"$expr":{"$eq":["$n","$$k"]}}}],"as":"i"}}],"as":"o"}}]`,
		`[{"_id":1,"k":5,"o":[{"_id":1,"n":5,"i":[{"_id":1,"n":5}]}]}]`},
	{"$lookup of documents", `[{"_id":1,"k":"x"}]`, ``, `[{"$lookup":{"localField":"k","foreignField":"f","pipeline":[{"$documents":[{"f":"x"},{"f":"y"}]}],"as":"o"}}]`,
		`[{"_id":1,"k":"x","o":[{"f":"x"}]}]`},

	{"$graphLookup", `[{"_id":1,"boss":"b"}]`, `[{"_id":"b","boss":"c"},{"_id":"c","boss":"b"},{"_id":"d","boss":"b"}]`,
		`[{"$graphLookup":{"from":"other","startWith":"$boss","connectFromField":"boss","connectToField":"_id","as":"up","depthField":"depth"}}]`,
		`[{"_id":1,"boss":"b","up":[{"_id":"b","boss":"c","depth":{"$numberLong":"0"}},{"_id":"c","boss":"b","depth":{"$numberLong":"1"}}]}]`},
	{"$graphLookup with limits", `[{"_id":1,"to":["a","b"]}]`, `[{"_id":"a","to":"c"},{"_id":"b","to":"c","off":true},{"_id":"c","to":"a"}]`,
		`[{"$graphLookup":{"from":"other","startWith":"$to","connectFromField":"to","connectToField":"_id","as":"up","maxDepth":0,"restrictSearchWithMatch":{"off":{"$ne":true}}}}]`,
		`[{"_id":1,"to":["a","b"],"up":[{"_id":"a","to":"c"}]}]`},

	{"transformations", `[{"_id":1,"a":1,"b":{"c":2}}]`, ``, `[{"$set":{"d":"$b.c"}},{"$unset":"b"},{"$addFields":{"e":{"$literal":"$x"}}},{"$project":{"_id":0}}]`, `[{"a":1,"d":2,"e":"$x"}]`},
	{"$replaceRoot", `[{"_id":1,"b":{"c":2}}]`, ``, `[{"$replaceRoot":{"newRoot":"$b"}}]`, `[{"c":2}]`},
	{"$replaceWith", `[{"_id":1,"b":{"c":2}}]`, ``, `[{"$replaceWith":{"x":"$b"}}]`, `[{"x":{"c":2}}]`},
	{"$redact", `[{"_id":1,"l":1,"in":{"l":3,"x":1},"list":[{"l":1},{"l":5},7]},{"_id":2,"l":9}]`, ``,
		`[{"$redact":{"$cond":[{"$gt":["$l",2]},"$$PRUNE","$$DESCEND"]}}]`, `[{"_id":1,"l":1,"list":[{"l":1},7]}]`},
}

func TestStages(t *testing.T) {
	t.Parallel()
	for _, test := range append(stageTests, groupTests...) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			store.collections[things] = list(t, test.docs)
			if test.other != "" {
				store.collections[Namespace{"db", "other"}] = list(t, test.other)
			}
			docs, err := run(t.Context(), list(t, test.pipeline), env(store, things))
			if err != nil {
				t.Fatal(err)
			}
			check(t, docs, test.want)
		})
	}
}

func TestDatabasePipelines(t *testing.T) {
	t.Parallel()
	tests := []stageTest{
		{"$documents", ``, ``, `[{"$documents":[{"a":1},{"a":2}]},{"$match":{"a":2}}]`, `[{"a":2}]`},
		{"$listLocalSessions", ``, ``, `[{"$listLocalSessions":{}}]`, `[{"lastUse":{"$numberLong":"1"}}]`},
		{"$currentOp", ``, ``, `[{"$currentOp":{"allUsers":true}}]`, `[{"type":"op"}]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			docs, err := run(t.Context(), list(t, test.pipeline), env(newMemory(), Namespace{DB: "admin"}))
			if err != nil {
				t.Fatal(err)
			}
			check(t, docs, test.want)
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pipeline string
		code     int32
	}{
		{`[{}]`, 40323}, {`[{"$match":{},"$limit":1}]`, 40323}, {`[{"$nonsense":1}]`, 40324}, {`[{"$changeStream":{}}]`, 40573},
		{`[{"$match":1}]`, 15959}, {`[{"$match":{"$nonsense":1}}]`, 2},
		{`[{"$sort":1}]`, 15973}, {`[{"$sort":{}}]`, 15976}, {`[{"$sort":{"a":"x"}}]`, 15974}, {`[{"$sort":{"a":2}}]`, 15975}, {`[{"$sort":{"$natural":1}}]`, 16410},
		{`[{"$skip":-1}]`, 5107200}, {`[{"$skip":"x"}]`, 5107200}, {`[{"$limit":1.5}]`, 5107201}, {`[{"$limit":0}]`, 15958},
		{`[{"$count":1}]`, 40156}, {`[{"$count":""}]`, 40157}, {`[{"$count":"$a"}]`, 40158}, {`[{"$count":"a.b"}]`, 40160},
		{`[{"$sample":1}]`, 28745}, {`[{"$sample":{"size":"x"}}]`, 28746}, {`[{"$sample":{"size":-1}}]`, 28747}, {`[{"$sample":{"x":1}}]`, 28748}, {`[{"$sample":{}}]`, 28749},
		{`[{"$unwind":1}]`, 15981}, {`[{"$unwind":{"path":1}}]`, 28808}, {`[{"$unwind":{"path":"$a","preserveNullAndEmptyArrays":1}}]`, 28809},
		{`[{"$unwind":{"path":"$a","includeArrayIndex":1}}]`, 28810}, {`[{"$unwind":{"path":"$a","includeArrayIndex":"$x"}}]`, 28822},
		{`[{"$unwind":{"path":"$a","x":1}}]`, 28811}, {`[{"$unwind":{}}]`, 28812}, {`[{"$unwind":"a"}]`, 28818},
		{`[{"$unionWith":1}]`, 9}, {`[{"$unionWith":{}}]`, 9}, {`[{"$unionWith":{"coll":1}}]`, 14}, {`[{"$unionWith":{"coll":"o","x":1}}]`, 40415},
		{`[{"$unionWith":{"coll":"o","pipeline":[{"$out":"x"}]}}]`, 31441},
		{`[{"$facet":1}]`, 40169}, {`[{"$facet":{}}]`, 40169}, {`[{"$facet":{"a":1}}]`, 40170}, {`[{"$facet":{"a":[1]}}]`, 40171}, {`[{"$facet":{"a.b":[]}}]`, 16412},
		{`[{"$facet":{"a":[{"$out":"x"}]}}]`, 40600}, {`[{"$facet":{"a":[{"$facet":{"b":[]}}]}}]`, 40600}, {`[{"$facet":{"a":[{"$collStats":{}}]}}]`, 40600},
		{`[{"$lookup":1}]`, 9}, {`[{"$lookup":{"from":"o"}}]`, 9}, {`[{"$lookup":{"from":"o","as":"x","localField":"a"}}]`, 9}, {`[{"$lookup":{"from":"o","as":"x","nonsense":"a"}}]`, 9},
		{`[{"$lookup":{"from":"o","as":"x","let":{"a":1},"localField":"a","foreignField":"b"}}]`, 9}, {`[{"$lookup":{"from":"o","as":"x","let":{"A":1},"pipeline":[]}}]`, 9},
		{`[{"$lookup":{"from":"o","as":"x","pipeline":1}}]`, 14}, {`[{"$lookup":{"from":"o","as":"x","pipeline":[{"$out":"x"}]}}]`, 51047},
		{`[{"$lookup":{"from":"o","as":"x","pipeline":[{"$match":{"$expr":{"$eq":["$a","$$nobody"]}}}]}}]`, 17276},
		{`[{"$graphLookup":1}]`, 9}, {`[{"$graphLookup":{}}]`, 40105}, {`[{"$graphLookup":{"from":1}}]`, 40103}, {`[{"$graphLookup":{"x":1}}]`, 40104},
		{`[{"$graphLookup":{"maxDepth":"x"}}]`, 40100}, {`[{"$graphLookup":{"maxDepth":-1}}]`, 40101}, {`[{"$graphLookup":{"maxDepth":1.5}}]`, 40102}, {`[{"$graphLookup":{"restrictSearchWithMatch":1}}]`, 40185},
		{`[{"$out":1}]`, 16990}, {`[{"$out":{"db":"x"}}]`, 40414}, {`[{"$out":"system.x"}]`, 17385}, {`[{"$out":{"db":"config","coll":"x"}}]`, 31321}, {`[{"$out":"a$b"}]`, 73},
		{`[{"$out":"x"},{"$limit":1}]`, 40601}, {`[{"$limit":1},{"$collStats":{}}]`, 40602},
		{`[{"$merge":1}]`, 14}, {`[{"$merge":{}}]`, 40414}, {`[{"$merge":{"into":1}}]`, 51178}, {`[{"$merge":{"into":"x","x":1}}]`, 40415},
		{`[{"$merge":{"into":"x","on":1}}]`, 51186}, {`[{"$merge":{"into":"x","on":[]}}]`, 51187}, {`[{"$merge":{"into":"x","on":[1]}}]`, 51134}, {`[{"$merge":{"into":"x","on":["a","a"]}}]`, 31465},
		{`[{"$merge":{"into":"x","on":"a"}}]`, 51183}, {`[{"$merge":{"into":"x","whenMatched":1}}]`, 51191}, {`[{"$merge":{"into":"x","whenMatched":"x"}}]`, 2},
		{`[{"$merge":{"into":"x","whenNotMatched":"x"}}]`, 2}, {`[{"$merge":{"into":"x","whenMatched":"fail","whenNotMatched":"fail"}}]`, 51181},
		{`[{"$merge":{"into":"x","whenMatched":"replace","let":{"a":1}}}]`, 51199}, {`[{"$merge":{"into":"x","whenMatched":[],"let":{"new":1}}}]`, 51273},
		{`[{"$documents":[]}]`, 73}, {`[{"$listLocalSessions":{}}]`, 73}, {`[{"$currentOp":{}}]`, 73},
		{`[{"$collStats":1}]`, 5447000}, {`[{"$collStats":{"x":{}}}]`, 40415}, {`[{"$indexStats":{"x":1}}]`, 28803},
		{`[{"$redact":"$a"}]`, 17053},
		{`[{"$group":1}]`, 15947}, {`[{"$group":{}}]`, 15955}, {`[{"$group":{"_id":1,"a":1}}]`, 40234}, {`[{"$group":{"_id":1,"a.b":{"$sum":1}}}]`, 40235},
		{`[{"$group":{"_id":1,"$a":{"$sum":1}}}]`, 40236}, {`[{"$group":{"_id":1,"a":{"$sum":1,"$avg":1}}}]`, 40238}, {`[{"$group":{"_id":1,"a":{"$nonsense":1}}}]`, 15952},
		{`[{"$group":{"_id":1,"a":{"$sum":[1]}}}]`, 40237}, {`[{"$group":{"_id":1,"a":{"$count":1}}}]`, 9}, {`[{"$group":{"_id":1,"a":{"$mergeObjects":"$a"}}}]`, 40400},
		{`[{"$group":{"_id":1,"a":{"$firstN":1}}}]`, 5787801}, {`[{"$group":{"_id":1,"a":{"$minN":1}}}]`, 5787900}, {`[{"$group":{"_id":1,"a":{"$firstN":{"x":1}}}}]`, 5787901},
		{`[{"$group":{"_id":1,"a":{"$firstN":{"n":"x","input":1}}}}]`, 5787902}, {`[{"$group":{"_id":1,"a":{"$firstN":{"n":1.5,"input":1}}}}]`, 5787903},
		{`[{"$group":{"_id":1,"a":{"$firstN":{"n":0,"input":1}}}}]`, 5787908}, {`[{"$group":{"_id":1,"a":{"$firstN":{"input":1}}}}]`, 5787906}, {`[{"$group":{"_id":1,"a":{"$firstN":{"n":1}}}}]`, 5787907},
		{`[{"$group":{"_id":1,"a":{"$top":1}}}]`, 5788001}, {`[{"$group":{"_id":1,"a":{"$top":{"n":1}}}}]`, 5788002}, {`[{"$group":{"_id":1,"a":{"$topN":{"output":1,"sortBy":{"a":1}}}}}]`, 5788003},
		{`[{"$group":{"_id":1,"a":{"$top":{"sortBy":{"a":1}}}}}]`, 5788004}, {`[{"$group":{"_id":1,"a":{"$top":{"output":1}}}}]`, 5788005}, {`[{"$group":{"_id":1,"a":{"$top":{"output":1,"sortBy":1}}}}]`, 5788604},
		{`[{"$sortByCount":1}]`, 40149}, {`[{"$sortByCount":"a"}]`, 40148}, {`[{"$sortByCount":{"a":1}}]`, 40147},
		{`[{"$bucket":1}]`, 40201}, {`[{"$bucket":{"groupBy":"a"}}]`, 40202}, {`[{"$bucket":{"boundaries":1}}]`, 40200}, {`[{"$bucket":{"boundaries":["$a",1]}}]`, 40191},
		{`[{"$bucket":{"boundaries":[1]}}]`, 40192}, {`[{"$bucket":{"boundaries":[1,"a"]}}]`, 40193}, {`[{"$bucket":{"boundaries":[1,1]}}]`, 40194}, {`[{"$bucket":{"default":"$a"}}]`, 40195},
		{`[{"$bucket":{"output":1}}]`, 40196}, {`[{"$bucket":{"x":1}}]`, 40197}, {`[{"$bucket":{"groupBy":"$a"}}]`, 40198}, {`[{"$bucket":{"groupBy":"$a","boundaries":[1,3],"default":2}}]`, 40199},
		{`[{"$bucket":{"groupBy":"$a","boundaries":[1,3]}}]`, 40066},
		{`[{"$bucketAuto":1}]`, 40240}, {`[{"$bucketAuto":{"groupBy":"a"}}]`, 40239}, {`[{"$bucketAuto":{"buckets":"x"}}]`, 40241}, {`[{"$bucketAuto":{"buckets":1.5}}]`, 40242},
		{`[{"$bucketAuto":{"buckets":0}}]`, 40243}, {`[{"$bucketAuto":{"output":1}}]`, 40244}, {`[{"$bucketAuto":{"x":1}}]`, 40245}, {`[{"$bucketAuto":{}}]`, 40246}, {`[{"$bucketAuto":{"granularity":1}}]`, 40261},
		{`[{"$bucketAuto":{"groupBy":"$a","buckets":2,"granularity":"R5"}}]`, 238},
	}
	for _, test := range tests {
		t.Run(test.pipeline, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			store.collections[things] = list(t, `[{"_id":1,"a":9}]`)
			_, err := run(t.Context(), list(t, test.pipeline), env(store, things))
			checkCode(t, err, test.code)
		})
	}
}

func TestDatabaseErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pipeline string
		code     int32
	}{
		{`[]`, 73}, {`[{"$match":{}}]`, 73}, {`[{"$collStats":{}}]`, 73},
		{`[{"$documents":{"a":1}}]`, 5858203}, {`[{"$documents":[1]}]`, 40228}, {`[{"$documents":[]},{"$documents":[]}]`, 40602},
		{`[{"$currentOp":1}]`, 9}, {`[{"$currentOp":{"x":true}}]`, 9}, {`[{"$listLocalSessions":1}]`, 14}, {`[{"$listLocalSessions":{"x":1}}]`, 40415},
	}
	for _, test := range tests {
		t.Run(test.pipeline, func(t *testing.T) {
			t.Parallel()
			_, err := run(t.Context(), list(t, test.pipeline), env(newMemory(), Namespace{DB: "admin"}))
			checkCode(t, err, test.code)
		})
	}
}
