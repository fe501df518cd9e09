package storage

import (
	"math/rand/v2"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The entries of an array are the same in whatever order its elements stand: one in ascending order is handled apart.
func TestEntriesOfAnArrayInAnyOrder(t *testing.T) {
	t.Parallel()
	w := world{rand.New(rand.NewPCG(1, 2))}
	for range 3000 {
		keys := bson.D{{Key: "tags", Value: w.pick(1, -1)}, {Key: "a", Value: w.pick(1, -1)}, {Key: "b", Value: 1}}
		w.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		spec, err := ParseIndexSpec(raw(t, bson.D{{Key: "key", Value: keys}, {Key: "name", Value: "x"}}))
		if err != nil {
			t.Fatal(err)
		}
		tags := bson.A{}
		for i := range 1 + w.IntN(5) {
			tags = append(tags, w.pick(int32(i), int64(i), float64(i)+0.5, int32(i/2)))
		}
		if w.IntN(4) == 0 {
			tags = append(tags, w.scalar())
		}
		doc := bson.D{{Key: "a", Value: w.value(1)}, {Key: "tags", Value: tags}, {Key: "b", Value: w.scalar()}}[w.IntN(2):]
		x := newIndex(1, spec)
		var forth, back entries
		errForth := x.entriesOf(raw(t, doc), &forth)
		text := raw(t, doc)
		slices.Reverse(tags)
		errBack := x.entriesOf(raw(t, doc), &back)
		if (errForth == nil) != (errBack == nil) {
			t.Fatalf("%s: %v, reversed %v", text, errForth, errBack)
		}
		if forth.len() != back.len() || !slices.Equal(forth.arrays, back.arrays) {
			t.Fatalf("%s: %d entries with arrays %b, reversed %d with %b", text, forth.len(), forth.arrays, back.len(), back.arrays)
		}
		for i := range forth.len() {
			if !back.contains(forth.at(i)) {
				t.Fatalf("%s on %s: entry %x is not there reversed", text, raw(t, keys), forth.at(i))
			}
		}
	}
}
