package pipeline

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// memory is a Store that keeps documents in memory, in the order they came in. It
// answers queries by their filter, sort, skip and limit, as storage does.
type memory struct {
	collections map[Namespace][]bson.Raw
	unique      map[Namespace][]string
	views       map[Namespace][]bson.Raw // on things
	queries     []Query                  // those that Find was asked, in order
}

func newMemory() *memory {
	return &memory{collections: map[Namespace][]bson.Raw{}, unique: map[Namespace][]string{}}
}

func (m *memory) Find(ns Namespace, q Query) (Source, error) {
	m.queries = append(m.queries, q)
	var found []bson.Raw
	for _, doc := range m.collections[ns] {
		ok, err := q.Filter.Match(doc)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, doc)
		}
	}
	if q.Sort != nil {
		slices.SortStableFunc(found, func(a, b bson.Raw) int { return bytes.Compare(q.Sort.Key(a), q.Sort.Key(b)) })
	}
	found = found[min(int(q.Skip), len(found)):]
	if q.Limit > 0 {
		found = found[:min(int(q.Limit), len(found))]
	}
	return List(found), nil
}

func (m *memory) Resolve(ns Namespace) (Namespace, []bson.Raw, error) {
	if stages, ok := m.views[ns]; ok {
		return things, stages, nil
	}
	return ns, nil, nil
}

func (m *memory) UniqueOn(ns Namespace, fields []string) (unique, sparse bool) {
	return slices.Equal(fields, []string{"_id"}) || slices.Equal(fields, m.unique[ns]), false
}

func (m *memory) Merge(_ context.Context, ns Namespace, changes []Change) error {
	for _, change := range changes {
		if err := m.merge(ns, change); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) merge(ns Namespace, change Change) error {
	at := -1
	var old bson.Raw
	if change.Filter != nil {
		for i, doc := range m.collections[ns] {
			if ok, err := change.Filter.Match(doc); ok || err != nil {
				at, old = i, doc
			}
		}
	}
	doc, err := change.Apply(old)
	if doc == nil || err != nil {
		return err
	}
	if at >= 0 {
		m.collections[ns][at] = doc
		return nil
	}
	for _, other := range m.collections[ns] {
		if value.Equal(value.Field(other, "_id"), value.Field(doc, "_id")) {
			return mongoerr.DuplicateKey.Errorf("E11000 duplicate key error")
		}
	}
	m.collections[ns] = append(m.collections[ns], doc)
	return nil
}

func (m *memory) Replace(_ context.Context, ns Namespace) (Replacement, error) {
	return &memoryReplacement{m: m, ns: ns}, nil
}

func (m *memory) CollStats(ns Namespace, o CollStatsOptions) (bson.Raw, error) {
	doc := bson.D{{Key: "ns", Value: ns.String()}}
	if o.Count {
		doc = append(doc, bson.E{Key: "count", Value: len(m.collections[ns])})
	}
	return bson.Marshal(doc)
}

func (m *memory) IndexStats(Namespace) ([]bson.Raw, error) {
	return []bson.Raw{marshal(bson.D{{Key: "name", Value: "_id_"}})}, nil
}

func (m *memory) CurrentOps(bool, bool) ([]bson.Raw, error) {
	return []bson.Raw{marshal(bson.D{{Key: "type", Value: "op"}})}, nil
}

func (m *memory) Sessions() ([]bson.Raw, error) {
	return []bson.Raw{marshal(bson.D{{Key: "lastUse", Value: int64(1)}})}, nil
}

type memoryReplacement struct {
	m    *memory
	ns   Namespace
	docs []bson.Raw
}

func (r *memoryReplacement) Insert(doc bson.Raw) error {
	r.docs = append(r.docs, bytes.Clone(doc))
	return nil
}

func (r *memoryReplacement) Commit() error {
	r.m.collections[r.ns] = r.docs
	return nil
}

func (r *memoryReplacement) Abort() error { return nil }

var things = Namespace{"db", "things"}

// list reads a JSON array of documents.
func list(t testing.TB, text string) []bson.Raw {
	t.Helper()
	var wrapped struct {
		List []bson.Raw `bson:"list"`
	}
	if err := bson.UnmarshalExtJSON([]byte(`{"list": `+text+`}`), false, &wrapped); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return wrapped.List
}

func env(store Store, ns Namespace) Env {
	return Env{Store: store, NS: ns, Vars: expr.NewVariables(time.UnixMilli(0))}
}

func run(ctx context.Context, stages []bson.Raw, e Env) (docs []bson.Raw, err error) {
	p, err := Parse(stages, e)
	if err != nil {
		return nil, err
	}
	src, err := p.Run()
	if err != nil {
		return nil, err
	}
	err = drain(ctx, src, func(doc bson.Raw) error {
		docs = append(docs, bytes.Clone(doc))
		return nil
	})
	return docs, errors.Join(err, src.Close())
}

// check compares documents in order, types included.
func check(t *testing.T, got []bson.Raw, want string) {
	t.Helper()
	expected := list(t, want)
	if !slices.EqualFunc(got, expected, func(a, b bson.Raw) bool { return bytes.Equal(a, b) }) {
		t.Errorf("got  %v\nwant %v", got, expected)
	}
}

func checkCode(t *testing.T, err error, code int32) {
	t.Helper()
	var e *mongoerr.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("got %v, want the code %d", err, code)
	}
}

func TestLeadingStagesBecomeTheQuery(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, pipeline string
		filter         string
		sort           int
		skip, limit    int64
		steps          int
		count          bool
	}{
		{"nothing", `[]`, ``, 0, 0, 0, 0, false},
		{"all four", `[{"$match":{"a":1}},{"$sort":{"b":1}},{"$skip":2},{"$limit":3},{"$project":{"a":1}}]`, `{"a":1}`, 1, 2, 3, 1, false},
		{"match after sort", `[{"$sort":{"b":1}},{"$match":{"a":1}}]`, `{"a":1}`, 1, 0, 0, 0, false},
		{"two matches", `[{"$match":{"a":1}},{"$match":{"b":1}}]`, `{"$and":[{"a":1},{"b":1}]}`, 0, 0, 0, 0, false},
		{"match after limit", `[{"$limit":3},{"$match":{"a":1}}]`, ``, 0, 0, 3, 1, false},
		{"skip after limit", `[{"$limit":3},{"$skip":1}]`, ``, 0, 0, 3, 1, false},
		{"sort after skip", `[{"$skip":3},{"$sort":{"a":1}}]`, ``, 0, 3, 0, 1, false},
		{"a driver's count", `[{"$match":{"a":1}},{"$group":{"_id":1,"n":{"$sum":1}}}]`, `{"a":1}`, 0, 0, 0, 1, true},
		{"a sum that reads", `[{"$group":{"_id":1,"n":{"$sum":"$a"}}}]`, ``, 0, 0, 0, 1, false},
		{"a group that reads", `[{"$group":{"_id":"$a","n":{"$sum":1}}}]`, ``, 0, 0, 0, 1, false},
		{"$count", `[{"$count":"n"}]`, ``, 0, 0, 0, 1, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p, err := Parse(list(t, test.pipeline), env(newMemory(), things))
			if err != nil {
				t.Fatal(err)
			}
			q := p.query
			if len(q.Sort.Fields) != test.sort || q.Skip != test.skip || q.Limit != test.limit || len(p.steps) != test.steps || q.Count != test.count {
				t.Errorf("got %+v and %d steps", q, len(p.steps))
			}
			want := bson.Raw(nil)
			if test.filter != "" {
				want = list(t, "["+test.filter+"]")[0]
			}
			if !bytes.Equal(q.FilterDoc, want) {
				t.Errorf("filter %v, want %v", q.FilterDoc, want)
			}
		})
	}
}

func TestLookupAsksTheForeignCollectionByEquality(t *testing.T) {
	t.Parallel()
	store := newMemory()
	store.collections[things] = list(t, `[{"_id":1,"k":["x","y"]}]`)
	_, err := run(t.Context(), list(t, `[{"$lookup":{"from":"other","localField":"k","foreignField":"f","pipeline":[{"$match":{"on":true}},{"$limit":2}],"as":"o"}}]`), env(store, things))
	if err != nil {
		t.Fatal(err)
	}
	q := store.queries[1]
	check(t, []bson.Raw{q.FilterDoc}, `[{"$and":[{"f":{"$in":["x","y"]}},{"on":true}]}]`)
	if q.Limit != 2 {
		t.Errorf("the limit is %d", q.Limit)
	}
}

func TestCancellationStopsEveryLoop(t *testing.T) {
	t.Parallel()
	var docs []bson.Raw
	for i := range 1000 {
		docs = append(docs, marshal(bson.D{{Key: "_id", Value: i}, {Key: "a", Value: bson.A{i}}}))
	}
	for _, stage := range []string{
		`{"$match":{"a":-1}}`, `{"$sort":{"a":1}}`, `{"$group":{"_id":"$a"}}`, `{"$unwind":"$missing"}`, `{"$count":"n"}`,
		`{"$facet":{"x":[{"$match":{"a":-1}}]}}`, `{"$bucketAuto":{"groupBy":"$a","buckets":2}}`, `{"$sample":{"size":5}}`, `{"$out":"o"}`, `{"$merge":"m"}`,
	} {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			store.collections[things] = docs
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			p, err := Parse(append(list(t, `[{"$skip":0},{"$project":{"a":1}}]`), list(t, "["+stage+"]")...), env(store, things))
			if err != nil {
				t.Fatal(err)
			}
			src, err := p.Run()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := src.Next(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			if err := src.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSourcesAreReadOnlyAsFarAsNeeded(t *testing.T) {
	t.Parallel()
	read := 0
	from := &eachSource{List(list(t, `[{"a":1},{"a":2},{"a":3},{"a":4}]`)), func(_ context.Context, doc bson.Raw) (bson.Raw, error) {
		read++
		return doc, nil
	}}
	steps, err := (&parser{env: env(newMemory(), things)}).parse(list(t, `[{"$unwind":"$a"},{"$limit":2}]`))
	if err != nil {
		t.Fatal(err)
	}
	src := openAll(steps, from)
	for range 2 {
		if doc, err := src.Next(t.Context()); doc == nil || err != nil {
			t.Fatal(doc, err)
		}
	}
	if !src.Exhausted() || read != 2 {
		t.Errorf("exhausted %t after %d documents", src.Exhausted(), read)
	}
}

func TestTheFirstOfAnOrderAreSortedInLittleMemory(t *testing.T) {
	t.Parallel()
	steps, err := (&parser{env: env(newMemory(), things)}).parse(list(t, `[{"$sort":{"a":-1}},{"$skip":1},{"$limit":2}]`))
	if err != nil {
		t.Fatal(err)
	}
	sortLimits(steps)
	if s := steps[0].stage.(*sortStage); s.limit != 3 {
		t.Errorf("the sort keeps %d", s.limit)
	}
	src := openAll(steps, List(list(t, `[{"a":1},{"a":5,"n":1},{"a":5,"n":2},{"a":2},{"a":4}]`)))
	var got []bson.Raw
	if err := drain(t.Context(), src, func(doc bson.Raw) error { got = append(got, doc); return nil }); err != nil {
		t.Fatal(err)
	}
	check(t, got, `[{"a":5,"n":2},{"a":4}]`)
}

func FuzzParse(f *testing.F) {
	for _, test := range stageTests {
		raw, err := bson.Marshal(bson.D{{Key: "p", Value: list(f, test.pipeline)}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc := bson.Raw(raw)
		if doc.Validate() != nil || len(raw) > 4096 {
			return
		}
		store := newMemory()
		store.collections[things] = list(t, `[{"_id":1,"a":[1,{"b":null}],"k":"x"},{"_id":2,"a":{"b":[2.5,"s"]}}]`)
		var docs []bson.Raw
		stages, err := pipelineOf(value.Field(doc, "p"))
		if err == nil {
			docs, err = run(t.Context(), stages, env(store, things))
		}
		if err != nil {
			var e *mongoerr.Error
			if !errors.As(err, &e) {
				t.Errorf("no error of mongod's: %v", err)
			}
			return
		}
		for _, doc := range docs {
			if err := doc.Validate(); err != nil {
				t.Errorf("broken document %x: %v", []byte(doc), err)
			}
		}
	})
}

func TestConjunction(t *testing.T) {
	t.Parallel()
	if conjunction(nil) != nil {
		t.Error("no filters give a filter")
	}
	one := marshal(bson.D{{Key: "a", Value: 1}})
	if !bytes.Equal(conjunction(compact(nil, one)), one) {
		t.Error("one filter is wrapped")
	}
	both, err := query.ParseFilter(conjunction([]bson.Raw{one, marshal(bson.D{{Key: "b", Value: 1}})}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := both.Match(one); ok {
		t.Error("a conjunction matches by one of its parts")
	}
}

func TestSubPipelinesReadViews(t *testing.T) {
	t.Parallel()
	store := newMemory()
	store.collections[things] = list(t, `[{"_id":1,"a":1},{"_id":2,"a":2}]`)
	store.views = map[Namespace][]bson.Raw{{"db", "view"}: list(t, `[{"$match":{"a":2}}]`)}
	docs, err := run(t.Context(), list(t, `[{"$match":{"_id":1}},{"$unionWith":"view"},{"$lookup":{"from":"view","pipeline":[{"$project":{"a":0}}],"as":"v"}}]`), env(store, things))
	if err != nil {
		t.Fatal(err)
	}
	check(t, docs, `[{"_id":1,"a":1,"v":[{"_id":2}]},{"_id":2,"a":2,"v":[{"_id":2}]}]`)
}

func TestViewsDontWrite(t *testing.T) {
	t.Parallel()
	view := Namespace{"db", "view"}
	checkCode(t, CheckView(list(t, `[{"$limit":1},{"$out":"o"}]`), view, env(newMemory(), things)), 167)
	checkCode(t, CheckView(list(t, `[{"$nonsense":1}]`), view, env(newMemory(), things)), 40324)
	if err := CheckView(list(t, `[{"$limit":1}]`), view, env(newMemory(), things)); err != nil {
		t.Error(err)
	}
}
