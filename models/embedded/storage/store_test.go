package storage

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/query"
)

var testOptions = Options{CacheSize: 1 << 20, Logger: slog.New(slog.DiscardHandler)}

func raw(t testing.TB, doc bson.D) bson.Raw {
	t.Helper()
	b, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parsed(t testing.TB, filter bson.D) *query.Filter {
	t.Helper()
	f, err := query.ParseFilter(raw(t, filter), nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func insert(t testing.TB, c *Collection, journaled bool, docs ...bson.D) {
	t.Helper()
	w, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range docs {
		if err := w.Insert(raw(t, doc)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(journaled); err != nil {
		t.Fatal(err)
	}
}

func sound(t testing.TB, c *Collection) int64 {
	t.Helper()
	v, err := c.Validate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range v.Problems {
		t.Error(p)
	}
	return v.Records
}

// TestSchemaChangesUnderReads builds and drops an index while others read by it.
func TestSchemaChangesUnderReads(t *testing.T) {
	t.Parallel()
	s, err := Open(testOptions)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := s.Create(Namespace{"test", "things"}, CollectionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		insert(t, c, false, bson.D{{Key: "_id", Value: i}, {Key: "a", Value: i % 2}})
	}
	filter := parsed(t, bson.D{{Key: "a", Value: 1}})
	spec, err := ParseIndexSpec(raw(t, bson.D{{Key: "key", Value: bson.D{{Key: "a", Value: 1}}}, {Key: "name", Value: "a_1"}}))
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	done := make(chan error, 2)
	for range cap(done) {
		go func() {
			for !stop.Load() {
				if n, err := countAll(t, c, filter); err != nil || n != 100 {
					done <- fmt.Errorf("found %d: %w", n, err)
					return
				}
			}
			done <- nil
		}()
	}
	for range 50 {
		if _, _, err := c.CreateIndexes(t.Context(), []IndexSpec{spec}); err != nil {
			t.Error(err)
		}
		if _, err := c.DropIndexes(func(*Index) bool { return true }); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	sound(t, c)
}

func countAll(t *testing.T, c *Collection, filter *query.Filter) (n int, err error) {
	results, err := c.Find(Query{Filter: filter})
	if err != nil {
		return 0, err
	}
	for {
		_, _, ok, err := results.Next(t.Context())
		if err != nil {
			return n, err
		}
		if !ok {
			return n, results.Close()
		}
		n++
	}
}

// TestFirstArray marks an index multikey while others read by it.
func TestFirstArray(t *testing.T) {
	t.Parallel()
	s, err := Open(testOptions)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := s.Create(Namespace{"test", "things"}, CollectionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ParseIndexSpec(raw(t, bson.D{{Key: "key", Value: bson.D{{Key: "a", Value: 1}}}, {Key: "name", Value: "a_1"}}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.CreateIndexes(t.Context(), []IndexSpec{spec}); err != nil {
		t.Fatal(err)
	}
	insert(t, c, false, bson.D{{Key: "_id", Value: 1}, {Key: "a", Value: 1}})
	if c.Indexes()[1].Multikey {
		t.Error("multikey without an array")
	}
	// Rolled back, the index stays marked: that is only careful.
	w, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Insert(raw(t, bson.D{{Key: "_id", Value: 2}, {Key: "a", Value: bson.A{1, 2, 2}}})); err != nil {
		t.Fatal(err)
	}
	if err := w.Rollback(); err != nil {
		t.Fatal(err)
	}
	if n := sound(t, c); n != 1 {
		t.Errorf("%d documents after a rollback", n)
	}
	insert(t, c, false, bson.D{{Key: "_id", Value: 2}, {Key: "a", Value: bson.A{1, 2, 2}}})
	if !c.Indexes()[1].Multikey {
		t.Error("not marked multikey")
	}
	filter := parsed(t, bson.D{{Key: "a", Value: bson.D{{Key: "$gte", Value: 1}}}})
	if n, err := countAll(t, c, filter); n != 2 || err != nil {
		t.Errorf("found %d, %v", n, err)
	}
	sound(t, c)
}
