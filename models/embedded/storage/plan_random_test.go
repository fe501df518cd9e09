package storage

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// world makes random documents, indexes and queries from few fields and values, so
// that they meet.
type world struct{ *rand.Rand }

func (w world) pick(choices ...any) any { return choices[w.IntN(len(choices))] }

func (w world) path() string {
	return w.pick("a", "a", "b", "b", "c", "_id", "d.x", "d.x", "d.y", "e.x.y", "d").(string)
}

func (w world) scalar() any {
	return w.pick(nil, true, false, int32(w.IntN(6)), int32(w.IntN(6)), int64(w.IntN(6)), float64(w.IntN(6)), 2.5, -1.5,
		"", "a", "ab", "abc", "b", bson.Undefined{}, bson.MinKey{}, bson.MaxKey{}, bson.DateTime(w.IntN(3)),
		bson.Regex{Pattern: "^ab"}, bson.Decimal128{}, bson.ObjectID{11: byte(w.IntN(3))}, negativeZero, nan, int64(1)<<60)
}

var (
	zero         = 0.0
	negativeZero = -1 * zero
	nan          = zero / zero
)

func (w world) value(depth int) any {
	switch n := w.IntN(12); {
	case depth == 0 || n < 9:
		return w.scalar()
	case n < 11:
		array := bson.A{}
		for range w.IntN(4) {
			array = append(array, w.value(depth-1))
		}
		return array
	}
	doc := bson.D{}
	for _, name := range []string{"x", "y"} {
		if w.IntN(3) > 0 {
			doc = append(doc, bson.E{Key: name, Value: w.value(depth - 1)})
		}
	}
	return doc
}

func (w world) document(id int) bson.D {
	doc := bson.D{{Key: "_id", Value: id}}
	for _, name := range []string{"a", "b", "c"} {
		if w.IntN(5) > 0 {
			doc = append(doc, bson.E{Key: name, Value: w.value(2)})
		}
	}
	for _, name := range []string{"d", "e"} {
		inner := func() bson.D {
			return bson.D{{Key: "x", Value: w.value(1)}, {Key: "y", Value: w.value(1)}}[w.IntN(2):]
		}
		switch w.IntN(4) {
		case 0:
			doc = append(doc, bson.E{Key: name, Value: bson.A{inner(), inner(), w.value(1)}[:w.IntN(4)]})
		case 1:
		default:
			doc = append(doc, bson.E{Key: name, Value: inner()})
		}
	}
	return doc
}

// words is a list of few words, most of them more than once in a collection.
func (w world) words() bson.A {
	list := bson.A{}
	for range 1 + w.IntN(3) {
		list = append(list, w.pick("a", "ab", "b", int32(1)))
	}
	return list
}

// plain documents have no array but words, so that indexes without these aren't multikey
// and those with them have one array.
func (w world) plain(id int) bson.D {
	doc := bson.D{{Key: "_id", Value: id}, {Key: "words", Value: w.words()}}
	for _, name := range []string{"a", "b", "c"} {
		if w.IntN(6) > 0 {
			doc = append(doc, bson.E{Key: name, Value: w.scalar()})
		}
	}
	return append(doc, bson.E{Key: "d", Value: bson.D{{Key: "x", Value: w.scalar()}, {Key: "y", Value: w.scalar()}}})
}

func (w world) condition() any {
	regex := func() bson.Regex { return bson.Regex{Pattern: w.pick("^ab", "^a", "b", "^a.c", "^ab?").(string)} }
	list := func() bson.A {
		array := bson.A{}
		for range w.IntN(4) {
			array = append(array, w.value(1))
		}
		return array
	}
	op := func(name string, v any) bson.D { return bson.D{{Key: name, Value: v}} }
	compare := func() string { return w.pick("$gt", "$gte", "$lt", "$lte").(string) }
	switch w.IntN(18) {
	case 0, 1, 2, 3:
		return w.value(1)
	case 4, 5:
		return op("$in", append(list(), list()...))
	case 6:
		return bson.D{{Key: "$gte", Value: w.scalar()}, {Key: "$lt", Value: w.scalar()}}
	case 7, 8:
		return op(compare(), w.scalar())
	case 9:
		return op("$ne", w.value(1))
	case 10:
		return op("$nin", list())
	case 11:
		return op("$not", op(compare(), w.scalar()))
	case 12:
		return op("$exists", w.IntN(2) == 0)
	case 13:
		return op("$type", w.pick("string", "number", "null", "object", "array", "bool", "undefined", bson.A{"int", "date"}))
	case 14:
		return regex()
	case 15:
		return op("$in", append(list(), regex()))
	case 16:
		return op("$all", append(list(), w.scalar()))
	}
	if w.IntN(2) == 0 {
		return op("$elemMatch", bson.D{{Key: compare(), Value: w.scalar()}, {Key: w.pick("$ne", "$lt").(string), Value: w.scalar()}})
	}
	return op("$elemMatch", bson.D{{Key: "x", Value: w.condition()}, {Key: "y", Value: w.condition()}}[w.IntN(2):])
}

func (w world) filter(depth int) bson.D {
	filter := bson.D{}
	for range w.IntN(4) {
		if n := w.IntN(10); depth > 0 && n < 3 {
			branches := bson.A{}
			for range 1 + w.IntN(3) {
				branches = append(branches, w.filter(depth-1))
			}
			filter = append(filter, bson.E{Key: []string{"$or", "$and", "$nor"}[n], Value: branches})
			continue
		}
		if w.IntN(8) == 0 {
			filter = append(filter, bson.E{Key: "words", Value: bson.D{{Key: "$all", Value: w.words()}}})
			continue
		}
		filter = append(filter, bson.E{Key: w.path(), Value: w.condition()})
	}
	return filter
}

func (w world) keys(most int) bson.D {
	keys := bson.D{}
	for range 1 + w.IntN(most) {
		path := w.path()
		if !slices.ContainsFunc(keys, func(e bson.E) bool { return e.Key == path }) {
			keys = append(keys, bson.E{Key: path, Value: w.pick(1, -1)})
		}
	}
	return keys
}

func (w world) index() bson.D {
	keys := w.keys(3)
	if w.IntN(4) == 0 {
		keys = slices.Insert(keys, w.IntN(len(keys)), bson.E{Key: "words", Value: w.pick(1, -1)})
	}
	spec := bson.D{{Key: "key", Value: keys}}
	switch w.IntN(6) {
	case 0:
		spec = append(spec, bson.E{Key: "sparse", Value: true})
	case 1:
		partial := w.pick(bson.D{{Key: "a", Value: bson.D{{Key: "$exists", Value: true}}}}, bson.D{{Key: "b", Value: bson.D{{Key: "$gt", Value: 2}}}},
			bson.D{{Key: "c", Value: bson.D{{Key: "$type", Value: "string"}}}})
		spec = append(spec, bson.E{Key: "partialFilterExpression", Value: partial})
	}
	return spec
}

// worlds is how many collections the test makes; more by the environment.
func worlds(t *testing.T) int {
	if s := os.Getenv("PLAN_WORLDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 25
}

// wholeSeed is that of a world whose queries meet every kind of plan. Others may meet few.
const wholeSeed = 3

// TestEveryPlanAgrees runs random queries by every plan that there is for them and by
// a scan of the collection, and compares.
func TestEveryPlanAgrees(t *testing.T) {
	t.Parallel()
	base := rand.Uint64()
	s, err := openOn(vfs.NewMem(), "data", testOptions)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	var ran coverage
	for i := range worlds(t) {
		seed := base + uint64(i)
		if i == 0 {
			seed = wholeSeed
		}
		if s := os.Getenv("PLAN_SEED"); s != "" {
			if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		w := world{rand.New(rand.NewPCG(seed, 1))}
		c, err := s.Create(Namespace{"test", fmt.Sprint("c", i)}, CollectionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w.fill(t, c)
		for range 100 {
			w.compare(t, c, seed, &ran)
			if t.Failed() {
				t.Fatalf("seed %d, indexes %s", seed, describe(c))
			}
		}
		sound(t, c)
	}
	t.Logf("%+v", ran)
	if ran.plans < 2*ran.queries/3 || ran.merged == 0 || ran.sorted == 0 || ran.covered == 0 || ran.counted == 0 || ran.distinct == 0 || ran.checked == 0 || ran.joined == 0 {
		t.Errorf("the queries meet too few plans: %+v", ran)
	}
}

// coverage counts the plans that the random queries met.
type coverage struct{ queries, plans, merged, sorted, covered, counted, distinct, checked, joined int }

func (v *coverage) add(p *Plan) {
	v.plans++
	for n, is := range map[*int]bool{&v.merged: len(p.Scans) > 1, &v.sorted: p.Sorted, &v.covered: p.Covered, &v.counted: p.Counted, &v.distinct: p.Distinct,
		&v.checked: slices.ContainsFunc(p.Scans, func(s *IndexScan) bool { return s.checks != nil }),
		&v.joined:  slices.ContainsFunc(p.Scans, (*IndexScan).Joins)} {
		if is {
			*n++
		}
	}
}

func describe(c *Collection) string {
	var out []string
	for _, x := range c.Indexes() {
		out = append(out, fmt.Sprintf("%s %b", x.Spec.Raw, x.Arrays))
	}
	return strings.Join(out, "; ")
}

func (w world) fill(t *testing.T, c *Collection) {
	t.Helper()
	plain := w.IntN(2) == 0
	for n := range 1 + w.IntN(5) {
		spec := append(w.index(), bson.E{Key: "name", Value: fmt.Sprint("i", n)})
		if keys := spec[0].Value.(bson.D); len(keys) == 1 && keys[0].Key == "_id" {
			continue
		}
		parsed, err := ParseIndexSpec(raw(t, spec))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.CreateIndexes(t.Context(), []IndexSpec{parsed}); err != nil && !mongoerr.Is(err, mongoerr.IndexOptionsConflict) && !mongoerr.Is(err, mongoerr.IndexKeySpecsConflict) {
			t.Fatal(err)
		}
	}
	writer, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for id := range 60 + w.IntN(200) {
		doc := w.document(id)
		if plain {
			doc = w.plain(id)
		}
		if err := writer.Insert(raw(t, doc)); err != nil && !mongoerr.Is(err, mongoerr.CannotIndexParallelArrays) {
			t.Fatal(err)
		}
	}
	if err := writer.Commit(false); err != nil {
		t.Fatal(err)
	}
}

// compare runs one random query.
func (w world) compare(t *testing.T, c *Collection, seed uint64, ran *coverage) {
	t.Helper()
	text := w.filter(2)
	filter, err := query.ParseFilter(raw(t, text), nil)
	if err != nil {
		return // a comparison that mongod refuses
	}
	q := Query{Filter: filter, Sort: &query.Sort{}}
	ran.queries++
	sortText := bson.D{}
	switch w.IntN(5) {
	case 0, 1:
		sortText = w.keys(3)
		if q.Sort, err = query.ParseSort(raw(t, sortText)); err != nil {
			t.Fatal(err)
		}
	case 2:
		q.Count = true
	case 3:
		q.Distinct = w.path()
		q.Fields = []string{q.Distinct}
	}
	if q.Distinct == "" && !q.Count && w.IntN(3) == 0 {
		q.Fields = []string{w.path()}
	}
	scan := q
	scan.Hint = bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: raw(t, bson.D{{Key: "$natural", Value: 1}})}
	scan.Fields, scan.Count, scan.Distinct = nil, false, ""
	want, err := c.plans(&scan)
	if err != nil {
		t.Fatal(err)
	}
	expected := gather(t, c, scan, want[0])
	if w.IntN(3) == 0 && q.Distinct == "" {
		q.Limit, q.Skip = int64(1+w.IntN(20)), int64(w.IntN(5))
	}
	plans, err := c.plans(&q)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range c.Indexes() {
		hinted := q
		hinted.Hint = bson.RawValue{Type: bson.TypeString, Value: raw(t, bson.D{{Key: "", Value: x.Spec.Name}}).Index(0).Value().Value}
		if more, err := c.plans(&hinted); err == nil && x.usable(filter.Predicates()) {
			plans = append(plans, more...)
		}
	}
	for _, p := range plans {
		ran.add(p)
		got := gather(t, c, q, p)
		if problem := q.differ(got, expected); problem != "" {
			t.Errorf("%s: filter %s sort %s limit %d skip %d count %v fields %v distinct %q\nplan %s", problem,
				raw(t, text), raw(t, sortText), q.Limit, q.Skip, q.Count, q.Fields, q.Distinct, explainPlan(p))
		}
	}
}

func (c *Collection) plans(q *Query) ([]*Plan, error) { return c.schema.Load().plans(q) }

func explainPlan(p *Plan) string {
	out := fmt.Sprintf("sorted %v covered %v counted %v distinct %v:", p.Sorted, p.Covered, p.Counted, p.Distinct)
	for _, s := range p.Scans {
		out += fmt.Sprintf(" %s %v reverse %v exact %v checks %v joins %v", s.Index.Spec.Name, s.Bounds(), s.Reverse, s.exact, s.checks != nil, s.Joins())
	}
	return out
}

func gather(t *testing.T, c *Collection, q Query, p *Plan) []sortedDoc {
	t.Helper()
	s := &Scan{Plan: p, c: c, q: &q}
	if err := s.open(); err != nil {
		t.Fatal(err)
	}
	r := &Results{Scan: s, q: &q, skip: q.Skip}
	var out []sortedDoc
	for {
		id, doc, ok, err := r.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		out = append(out, sortedDoc{id: id, doc: bytes.Clone(doc)})
	}
	if p.Counted && s.Stats.DocsExamined > 0 {
		t.Error("a count read documents")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// differ says how got, within skip and limit, is not what all gives; "" if it is.
func (q *Query) differ(got, all []sortedDoc) string {
	if q.Distinct != "" {
		return q.differInValues(got, all)
	}
	number := max(len(all)-int(q.Skip), 0)
	if q.Limit > 0 {
		number = min(number, int(q.Limit))
	}
	if len(got) != number {
		return fmt.Sprintf("%d documents, want %d", len(got), number)
	}
	byID := map[RecordID]bson.Raw{}
	for _, d := range all {
		byID[d.id] = d.doc
	}
	for i, d := range got {
		doc := byID[d.id]
		if doc == nil {
			return fmt.Sprintf("record %d doesn't match or comes twice", d.id)
		}
		delete(byID, d.id)
		for _, path := range q.Fields {
			have, _ := value.Lookup(d.doc, path)
			if want, _ := value.Lookup(doc, path); !value.Identical(have, want) {
				return fmt.Sprintf("%s of record %d is %s, want %s", path, d.id, value.Format(have), value.Format(want))
			}
		}
		if key, want := q.Sort.Key(doc), q.Sort.Key(all[i+int(q.Skip)].doc); !bytes.Equal(key, want) {
			return fmt.Sprintf("record %d is out of order: %s where %s was", d.id, doc, all[i+int(q.Skip)].doc)
		}
	}
	return ""
}

func (q *Query) differInValues(got, all []sortedDoc) string {
	have, want := q.values(got), q.values(all)
	if !slices.Equal(have, want) {
		return fmt.Sprintf("%d values, want %d", len(have), len(want))
	}
	return ""
}

// values gives the distinct values as keys, in order. A command gives no undefined.
func (q *Query) values(docs []sortedDoc) []string {
	found := map[string]bool{}
	for _, d := range docs {
		if v, ok := value.Lookup(d.doc, q.Distinct); ok && v.Type != bson.TypeUndefined {
			found[string(value.AppendKey(nil, v, false))] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
