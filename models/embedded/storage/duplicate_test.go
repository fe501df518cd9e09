package storage

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestDuplicateKeyNamesTheEntry checks that the error of a unique index shows the entry
// that is there already, of the several that a document with arrays has.
func TestDuplicateKeyNamesTheEntry(t *testing.T) {
	t.Parallel()
	oid := bson.ObjectID{1}
	field := func(name string, v any) bson.D { return bson.D{{Key: name, Value: v}} }
	for _, test := range []struct {
		name           string
		keys           bson.D
		stored, insert bson.D
		value          bson.D
		text           string
	}{
		{"element", field("a", 1), field("a", bson.A{1, 2}), field("a", bson.A{2, 3}), field("a", 2), "{ a: 2 }"},
		{"descending", field("a", -1), field("a", bson.A{"x", "y"}), field("a", bson.A{"y", "z"}), field("a", "y"), `{ a: "y" }`},
		{"plain value", field("a", 1), field("a", bson.A{1, 2}), field("a", 2.0), field("a", 2.0), "{ a: 2.0 }"},
		{"empty array", field("a", 1), field("a", bson.A{}), field("a", bson.A{}), field("a", bson.Undefined{}), "{ a: undefined }"},
		{"missing", field("a", 1), field("b", 1), field("b", 2), field("a", nil), "{ a: null }"},
		{"below an array", field("a.b", 1), field("a", bson.A{field("b", 1), field("b", oid)}), field("a", bson.A{field("b", oid)}),
			field("a.b", oid), "{ a.b: ObjectId('010000000000000000000000') }"},
		{"two fields", bson.D{{Key: "a", Value: 1}, {Key: "b", Value: -1}}, bson.D{{Key: "a", Value: bson.A{1, 2}}, {Key: "b", Value: true}},
			bson.D{{Key: "b", Value: true}, {Key: "a", Value: bson.A{0, 2}}}, bson.D{{Key: "a", Value: 2}, {Key: "b", Value: true}}, "{ a: 2, b: true }"},
		{"document", field("a", 1), field("a", bson.A{field("x", 1)}), field("a", field("x", 1)), field("a", field("x", 1)), "{ a: { x: 1 } }"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, c := openThings(t, vfs.NewMem())
			defer s.Close()
			spec, err := ParseIndexSpec(raw(t, bson.D{{Key: "key", Value: test.keys}, {Key: "name", Value: "by"}, {Key: "unique", Value: true}}))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.CreateIndexes(t.Context(), []IndexSpec{spec}); err != nil {
				t.Fatal(err)
			}
			insert(t, c, false, append(field("_id", 1), test.stored...))
			w, err := c.Begin()
			if err != nil {
				t.Fatal(err)
			}
			err = w.Insert(raw(t, append(field("_id", 2), test.insert...)))
			if rollback := w.Rollback(); rollback != nil {
				t.Fatal(rollback)
			}
			var duplicate *DuplicateKey
			if !errors.As(err, &duplicate) {
				t.Fatalf("inserted: %v", err)
			}
			if want := raw(t, test.value); string(duplicate.KeyValue) != string(want) {
				t.Errorf("key value %s, want %s", duplicate.KeyValue, want)
			}
			if want := "E11000 duplicate key error collection: test.things index: by dup key: " + test.text; err.Error() != want {
				t.Errorf("%q, want %q", err, want)
			}
		})
	}
}
