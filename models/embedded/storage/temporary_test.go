package storage

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestTemporaryCollections opens a store that was left with temporary collections: they
// are gone, but for one that was renamed.
func TestTemporaryCollections(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	s, _ := openThings(t, fs)
	left, renamed := Namespace{"test", "tmp.left"}, Namespace{"test", "tmp.renamed"}
	for _, ns := range []Namespace{left, renamed} {
		c, err := s.Create(ns, CollectionOptions{Temp: true})
		if err != nil {
			t.Fatal(err)
		}
		insert(t, c, false, bson.D{{Key: "_id", Value: 1}})
	}
	lasting := Namespace{"test", "lasting"}
	if err := s.Rename(renamed, lasting, false); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ = openThings(t, fs)
	defer s.Close()
	if s.Collection(left) != nil {
		t.Error("the temporary collection is still there")
	}
	c := s.Collection(lasting)
	if c == nil || c.Options().Temp {
		t.Fatalf("the renamed collection: %v", c)
	}
	if n := sound(t, c); n != 1 {
		t.Errorf("%d documents in the renamed collection", n)
	}
	if entries := countEntries(t, s); entries != 1 {
		t.Errorf("%d index entries", entries)
	}
}
