package storage

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestUniqueBuildRefused builds a unique index over documents that it can't hold,
// beside one that it could: neither is there afterwards, nor an entry of them.
func TestUniqueBuildRefused(t *testing.T) {
	t.Parallel()
	s, c := openThings(t, vfs.NewMem())
	defer s.Close()
	// The first index is complete when the second fails.
	for i := range 3000 {
		insert(t, c, false, bson.D{{Key: "_id", Value: i}, {Key: "a", Value: i % 2999}})
	}
	entriesBefore := countEntries(t, s)
	var specs []IndexSpec
	for _, spec := range []bson.D{
		{{Key: "key", Value: bson.D{{Key: "a", Value: -1}}}, {Key: "name", Value: "plain"}},
		{{Key: "key", Value: bson.D{{Key: "a", Value: 1}}}, {Key: "name", Value: "unique"}, {Key: "unique", Value: true}},
	} {
		x, err := ParseIndexSpec(raw(t, spec))
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, x)
	}
	_, _, err := c.CreateIndexes(t.Context(), specs)
	var duplicate *DuplicateKey
	if !errors.As(err, &duplicate) {
		t.Fatalf("built: %v", err)
	}
	if n := len(c.Indexes()); n != 2 {
		t.Errorf("%d indexes", n)
	}
	if n := countEntries(t, s); n != entriesBefore {
		t.Errorf("%d index entries, before there were %d", n, entriesBefore)
	}
	insert(t, c, false, bson.D{{Key: "_id", Value: -1}, {Key: "a", Value: 0}})
	sound(t, c)
}

func countEntries(t *testing.T, s *Store) (n int) {
	t.Helper()
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{entryKind}, UpperBound: []byte{entryKind + 1}})
	if err != nil {
		t.Fatal(err)
	}
	for iter.First(); iter.Valid(); iter.Next() {
		n++
	}
	if err := iter.Close(); err != nil {
		t.Fatal(err)
	}
	return n
}
