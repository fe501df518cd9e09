package pipeline

import (
	"bytes"
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
)

const scores = `[{"_id":1,"g":"a","n":5,"p":"x"},{"_id":2,"g":"b","n":1,"p":"y"},{"_id":3,"g":"a","n":2,"p":"z"},{"_id":4,"g":"a","p":null},{"_id":5,"g":"a","n":5,"p":"x"}]`

var groupTests = []stageTest{
	{"$group by a field", scores, ``, `[{"$group":{"_id":"$g","n":{"$sum":"$n"},"c":{"$count":{}}}}]`, `[{"_id":"a","n":12,"c":4},{"_id":"b","n":1,"c":1}]`},
	{"$group of nothing", `[]`, ``, `[{"$group":{"_id":null,"n":{"$sum":1}}}]`, `[]`},
	{"$group by what is missing", `[{"a":1},{"b":null},{"b":2}]`, ``, `[{"$group":{"_id":"$b","n":{"$sum":1}}}]`, `[{"_id":null,"n":2},{"_id":2,"n":1}]`},
	{"$group by a document", `[{"a":1,"b":1},{"a":1.0,"b":1},{"a":1}]`, ``, `[{"$group":{"_id":{"x":"$a","y":"$b"},"n":{"$sum":1}}}]`,
		`[{"_id":{"x":1,"y":1},"n":2},{"_id":{"x":1},"n":1}]`},
	{"$group by numbers of any type", `[{"a":1},{"a":1.0},{"a":{"$numberLong":"1"}},{"a":{"$numberDecimal":"1"}},{"a":"1"}]`, ``, `[{"$group":{"_id":"$a","n":{"$sum":1}}}]`, `[{"_id":1,"n":4},{"_id":"1","n":1}]`},
	{"$sum and $avg", `[{"n":1},{"n":2.5},{"n":"x"},{"n":null},{}]`, ``, `[{"$group":{"_id":0,"s":{"$sum":"$n"},"a":{"$avg":"$n"}}}]`, `[{"_id":0,"s":3.5,"a":1.75}]`},
	{"$sum becomes a long", `[{"n":2147483647},{"n":1}]`, ``, `[{"$group":{"_id":0,"s":{"$sum":"$n"}}}]`, `[{"_id":0,"s":{"$numberLong":"2147483648"}}]`},
	{"$sum of decimals", `[{"n":{"$numberDecimal":"0.1"}},{"n":2}]`, ``, `[{"$group":{"_id":0,"s":{"$sum":"$n"}}}]`, `[{"_id":0,"s":{"$numberDecimal":"2.1"}}]`},
	{"averages of nothing", `[{"n":"x"}]`, ``, `[{"$group":{"_id":0,"a":{"$avg":"$n"},"p":{"$stdDevPop":"$n"},"s":{"$stdDevSamp":"$n"},"m":{"$min":"$z"},"f":{"$first":"$z"}}}]`,
		`[{"_id":0,"a":null,"p":null,"s":null,"m":null,"f":null}]`},
	{"$min and $max", `[{"n":3},{"n":"a"},{"n":null},{"n":1.5},{}]`, ``, `[{"$group":{"_id":0,"a":{"$min":"$n"},"b":{"$max":"$n"}}}]`, `[{"_id":0,"a":1.5,"b":"a"}]`},
	{"$first and $last", `[{},{"n":1},{"n":2}]`, ``, `[{"$group":{"_id":0,"a":{"$first":"$n"},"b":{"$last":"$n"}}}]`, `[{"_id":0,"a":null,"b":2}]`},
	{"$push and $addToSet", `[{"n":1},{"n":1.0},{"n":null},{},{"n":[1]}]`, ``, `[{"$group":{"_id":0,"p":{"$push":"$n"},"s":{"$addToSet":"$n"}}}]`, `[{"_id":0,"p":[1,1.0,null,[1]],"s":[1,null,[1]]}]`},
	{"$push of documents", `[{"n":1}]`, ``, `[{"$group":{"_id":0,"p":{"$push":{"v":"$n","w":"$z"}}}}]`, `[{"_id":0,"p":[{"v":1}]}]`},
	{"$stdDev", `[{"n":2},{"n":4},{"n":4},{"n":4},{"n":5},{"n":5},{"n":7},{"n":9},{"n":"x"}]`, ``, `[{"$group":{"_id":0,"p":{"$stdDevPop":"$n"}}}]`, `[{"_id":0,"p":2.0}]`},
	{"$stdDevSamp", `[{"n":1},{"n":3}]`, ``, `[{"$match":{"n":3}},{"$group":{"_id":0,"s":{"$stdDevSamp":"$n"}}}]`, `[{"_id":0,"s":null}]`},
	{"$mergeObjects", `[{"o":{"a":1,"b":1}},{"o":null},{},{"o":{"b":2,"c":3}}]`, ``, `[{"$group":{"_id":0,"o":{"$mergeObjects":"$o"}}}]`, `[{"_id":0,"o":{"a":1,"b":2,"c":3}}]`},
	{"$firstN and $lastN", scores, ``, `[{"$group":{"_id":0,"f":{"$firstN":{"n":2,"input":"$n"}},"l":{"$lastN":{"n":2,"input":"$n"}}}}]`, `[{"_id":0,"f":[5,1],"l":[null,5]}]`},
	{"$minN and $maxN", scores, ``, `[{"$group":{"_id":0,"a":{"$minN":{"n":3,"input":"$n"}},"b":{"$maxN":{"n":3,"input":"$n"}}}}]`, `[{"_id":0,"a":[1,2,5],"b":[5,5,2]}]`},
	{"n by group", scores, ``, `[{"$group":{"_id":{"g":"$g"},"f":{"$firstN":{"n":{"$cond":[{"$eq":["$g","a"]},2,1]},"input":"$_id"}}}}]`, `[{"_id":{"g":"a"},"f":[1,3]},{"_id":{"g":"b"},"f":[2]}]`},
	{"$top and $bottom", scores, ``, `[{"$group":{"_id":0,"t":{"$top":{"sortBy":{"n":-1},"output":"$_id"}},"b":{"$bottom":{"sortBy":{"n":-1},"output":["$_id","$p"]}}}}]`, `[{"_id":0,"t":1,"b":[4,null]}]`},
	{"$topN and $bottomN", scores, ``, `[{"$group":{"_id":0,"t":{"$topN":{"n":3,"sortBy":{"n":-1},"output":"$_id"}},"b":{"$bottomN":{"n":3,"sortBy":{"n":-1},"output":"$_id"}}}}]`,
		`[{"_id":0,"t":[1,5,3],"b":[3,2,4]}]`},
	{"$sortByCount", scores, ``, `[{"$sortByCount":"$g"}]`, `[{"_id":"a","count":4},{"_id":"b","count":1}]`},

	{"$bucket", `[{"n":5},{"n":10},{"n":0},{"n":19.5},{"n":"x"},{}]`, ``, `[{"$bucket":{"groupBy":"$n","boundaries":[0,10,20],"default":"other"}}]`,
		`[{"_id":0,"count":2},{"_id":10,"count":2},{"_id":"other","count":2}]`},
	{"$bucket with output", `[{"n":5},{"n":6}]`, ``, `[{"$bucket":{"groupBy":"$n","boundaries":[0,10],"output":{"all":{"$push":"$n"}}}}]`, `[{"_id":0,"all":[5,6]}]`},
	{"$bucketAuto", `[{"n":4},{"n":1},{"n":3},{"n":2},{"n":2}]`, ``, `[{"$bucketAuto":{"groupBy":"$n","buckets":2}}]`,
		`[{"_id":{"min":1,"max":3},"count":3},{"_id":{"min":3,"max":4},"count":2}]`},
	{"$bucketAuto with more buckets than documents", `[{"n":1},{"n":2}]`, ``, `[{"$bucketAuto":{"groupBy":"$n","buckets":5,"output":{"s":{"$sum":"$n"}}}}]`,
		`[{"_id":{"min":1,"max":2},"s":1},{"_id":{"min":2,"max":2},"s":2}]`},
}

func TestGroupsAreBounded(t *testing.T) {
	t.Parallel()
	text := bson.RawValue{Type: bson.TypeString, Value: append(append([]byte{1, 0, 16, 0}, bytes.Repeat([]byte("x"), 1<<20)...), 0)}
	doc := marshal(bson.D{{Key: "a", Value: text}})
	for _, stage := range []string{
		`{"$group":{"_id":0,"all":{"$push":"$a"}}}`, `{"$sort":{"a":1}}`, `{"$facet":{"x":[]}}`, `{"$bucketAuto":{"groupBy":"$a","buckets":2}}`,
	} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			steps, err := (&parser{env: Env{NS: things, Vars: expr.NewVariables(time.Now())}}).parse(list(t, "["+stage+"]"))
			if err != nil {
				t.Fatal(err)
			}
			left := 110
			_, err = openAll(steps, &repeated{doc: doc, left: &left}).Next(t.Context())
			code := int32(292)
			if steps[0].name == "$facet" {
				code = 4031700
			}
			checkCode(t, err, code)
		})
	}
}

// repeated gives one document some times.
type repeated struct {
	doc  bson.Raw
	left *int
}

func (r *repeated) Next(context.Context) (bson.Raw, error) {
	if *r.left--; *r.left < 0 {
		return nil, nil
	}
	return r.doc, nil
}

func (r *repeated) Exhausted() bool { return *r.left <= 0 }
func (r *repeated) Close() error    { return nil }
