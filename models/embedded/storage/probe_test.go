package storage

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestUniqueInOneCommand runs commands of many inserts and deletes and compares
// each refusal with a plain set: few distinct keys meet gaps, staged and stored
// keys, many fill the gaps up, and ascending ones rest on a gap at the end.
func TestUniqueInOneCommand(t *testing.T) {
	t.Parallel()
	tests := map[string]func(r *rand.Rand, step int) int{
		"few":       func(r *rand.Rand, _ int) int { return r.IntN(300) },
		"many":      func(r *rand.Rand, _ int) int { return r.IntN(20_000) },
		"ascending": func(r *rand.Rand, step int) int { return step - r.IntN(2) },
	}
	for name, key := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := openOn(vfs.NewMem(), dataFolder, testOptions)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			c, err := s.Ensure(Namespace{"db", "unique"})
			if err != nil {
				t.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 2))
			records := map[int]RecordID{}
			for command := range 8 {
				w, err := c.Begin()
				if err != nil {
					t.Fatal(err)
				}
				for step := range 1000 {
					changeOne(t, w, records, key(r, command*1000+step), r.IntN(4) == 0)
					if r.IntN(200) == 0 {
						if err := w.Apply(); err != nil {
							t.Fatal(err)
						}
					}
				}
				if err := w.Commit(false); err != nil {
					t.Fatal(err)
				}
			}
			if n := sound(t, c); n != int64(len(records)) {
				t.Errorf("%d documents, want %d", n, len(records))
			}
		})
	}
}

// changeOne inserts the document with the _id key, which must fail if it is there.
// In that case it deletes it where remove says so.
func changeOne(t *testing.T, w *Writer, records map[int]RecordID, key int, remove bool) {
	t.Helper()
	doc := raw(t, bson.D{{Key: "_id", Value: key}})
	id := w.c.nextRecord
	err := w.Insert(doc)
	have, ok := records[key]
	var duplicate *DuplicateKey
	switch {
	case errors.As(err, &duplicate) != ok:
		t.Fatalf("insert of %d, which is there: %v, gave %v", key, ok, err)
	case err != nil && !ok:
		t.Fatal(err)
	case !ok:
		records[key] = id
	case remove:
		if err := w.Delete(have, doc); err != nil {
			t.Fatal(err)
		}
		delete(records, key)
	}
}
