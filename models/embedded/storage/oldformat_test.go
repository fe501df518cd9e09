package storage

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/query"
)

// Entries of older versions have no types, and their catalog doesn't say which paths
// have arrays: what is covered otherwise is fetched then, and every path counts as
// having arrays.
func TestEntriesWithoutTypes(t *testing.T) {
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
	c, err := s.Create(Namespace{"test", "things"}, CollectionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var specs []IndexSpec
	for _, text := range []string{`{"key": {"a": 1}, "name": "a"}`, `{"key": {"b": 1}, "name": "b", "unique": true}`, `{"key": {"c": 1, "a": 1}, "name": "c"}`} {
		spec, err := ParseIndexSpec(extended(t, text))
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, spec)
	}
	if _, _, err := c.CreateIndexes(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		insert(t, c, false, bson.D{{Key: "_id", Value: i}, {Key: "a", Value: int64(i % 5)}, {Key: "b", Value: i}, {Key: "c", Value: bson.A{i, "x"}}})
	}
	forgetTypes(t, c)
	sound(t, c)
	for _, test := range []struct {
		filter string
		q      Query
		want   int
		docs   int64
		hinted bool
	}{
		{`{"a": 3}`, Query{Fields: []string{"a"}}, 10, 10, false},
		{`{"b": {"$gte": 40}}`, Query{Fields: []string{"b"}}, 10, 10, false},
		{`{"b": {"$gte": 40}}`, Query{Count: true}, 10, 0, false},
		{`{"c": "x", "a": 3}`, Query{Fields: []string{"a"}}, 10, 10, true},
	} {
		test.q.Filter, err = query.ParseFilter(extended(t, test.filter), nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.hinted {
			test.q.Hint = bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: extended(t, `{"c": 1, "a": 1}`)}
		}
		results, err := c.Find(test.q)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for {
			_, doc, ok, err := results.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			if n++; len(test.q.Fields) > 0 && test.q.Fields[0] == "a" && doc.Lookup("a").Type != bson.TypeInt64 {
				t.Errorf("%s: %s", test.filter, doc)
			}
		}
		if work := results.Scan.Work(); n != test.want || work.DocsExamined != test.docs {
			t.Errorf("%s: %d documents, %d examined", test.filter, n, work.DocsExamined)
		}
		if err := results.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// forgetTypes makes the entries and indexes of a collection what older versions wrote.
func forgetTypes(t *testing.T, c *Collection) {
	t.Helper()
	next := &schema{}
	batch := c.store.db.NewBatch()
	for _, x := range c.Indexes() {
		old := *x
		old.Arrays = nil
		next.indexes = append(next.indexes, &old)
		prefix := appendPrefix(nil, entryKind, x.ID)
		iter, err := c.store.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: successor(prefix)})
		if err != nil {
			t.Fatal(err)
		}
		for iter.First(); iter.Valid(); iter.Next() {
			if err := batch.Set(iter.Key(), iter.Value()[len(entryTypes(x, iter.Value())):], nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := iter.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Commit(pebble.Sync); err != nil {
		t.Fatal(err)
	}
	c.schema.Store(next)
}
