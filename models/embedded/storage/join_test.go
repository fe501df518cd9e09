package storage

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/query"
)

// Documents that have several values in one array are found in the index, in any order and direction, without a look at
// a document.
func TestJoinOfArrayValues(t *testing.T) {
	t.Parallel()
	s, err := openOn(vfs.NewMem(), "data", testOptions)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	random := rand.New(rand.NewPCG(1, 2))
	for n, keys := range []bson.D{
		{{Key: "tags", Value: 1}, {Key: "room", Value: 1}, {Key: "at", Value: -1}},
		{{Key: "tags", Value: -1}, {Key: "room", Value: -1}, {Key: "at", Value: 1}},
		{{Key: "room", Value: 1}, {Key: "tags", Value: -1}, {Key: "at", Value: 1}},
		{{Key: "room", Value: -1}, {Key: "at", Value: 1}, {Key: "tags", Value: 1}},
	} {
		c, err := s.Create(Namespace{"test", string(rune('a' + n))}, CollectionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		spec, err := ParseIndexSpec(raw(t, bson.D{{Key: "key", Value: keys}, {Key: "name", Value: "byTag"}}))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.CreateIndexes(t.Context(), []IndexSpec{spec}); err != nil {
			t.Fatal(err)
		}
		fillTagged(t, c, random)
		for range 60 {
			room, tag := random.IntN(8), func() int { return min(random.IntN(40), random.IntN(40)) }
			filter := bson.D{{Key: "tags", Value: bson.D{{Key: "$all", Value: bson.A{tag(), tag(), tag()}[random.IntN(2):]}}},
				{Key: "room", Value: bson.D{{Key: "$in", Value: bson.A{room, room + 3, room + 4}}}}, {Key: "at", Value: bson.D{{Key: "$gte", Value: random.IntN(900)}}}}
			sort := bson.D{{Key: "at", Value: 1 - 2*random.IntN(2)}}[random.IntN(2):]
			joinAgrees(t, c, filter, sort)
		}
	}
}

func fillTagged(t *testing.T, c *Collection, random *rand.Rand) {
	t.Helper()
	writer, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for id := range 1500 {
		tags := bson.A{}
		for range random.IntN(12) {
			tags = append(tags, min(random.IntN(40), random.IntN(40)))
		}
		doc := bson.D{{Key: "_id", Value: id}, {Key: "tags", Value: tags}, {Key: "room", Value: random.IntN(12)}, {Key: "at", Value: random.IntN(1000)}}
		if err := writer.Insert(raw(t, doc)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Commit(false); err != nil {
		t.Fatal(err)
	}
}

// joinAgrees compares a covered query by the index with a scan of the collection.
func joinAgrees(t *testing.T, c *Collection, filter, sort bson.D) {
	t.Helper()
	parsed, err := query.ParseFilter(raw(t, filter), nil)
	if err != nil {
		t.Fatal(err)
	}
	q := Query{Filter: parsed, Fields: []string{"room", "at"}}
	if q.Sort, err = query.ParseSort(raw(t, sort)); err != nil {
		t.Fatal(err)
	}
	natural := q
	natural.Fields, natural.Hint = nil, bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: raw(t, bson.D{{Key: "$natural", Value: 1}})}
	all, err := c.plans(&natural)
	if err != nil {
		t.Fatal(err)
	}
	plans, err := c.plans(&q)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range plans {
		if problem := q.differ(gather(t, c, q, p), gather(t, c, natural, all[0])); problem != "" {
			t.Errorf("%s: %s sort %s: %s", problem, raw(t, filter), raw(t, sort), explainPlan(p))
		}
		if !p.Covered {
			t.Errorf("%s reads documents: %s", raw(t, filter), explainPlan(p))
		}
	}
}
