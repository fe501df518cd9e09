package value

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/wire"
)

// checkOrder checks Compare and the keys of a and b in both directions, alone
// and as the first part of a compound key.
func checkOrder(t *testing.T, a, b bson.RawValue, want int) {
	t.Helper()
	if got := Compare(a, b); got != want {
		t.Errorf("Compare(%s, %s) = %d, want %d", a, b, got, want)
	}
	keyA, keyB := AppendKey(nil, a, false), AppendKey(nil, b, false)
	if got := bytes.Compare(keyA, keyB); got != want {
		t.Errorf("keys of %s and %s compare as %d, want %d\n%x\n%x", a, b, got, want, keyA, keyB)
	}
	downA, downB := AppendKey(nil, a, true), AppendKey(nil, b, true)
	if got := bytes.Compare(downA, downB); got != -want {
		t.Errorf("descending keys of %s and %s compare as %d, want %d", a, b, got, -want)
	}
	if want == 0 {
		return
	}
	for _, suffixes := range [][2]byte{{0, 0xff}, {0xff, 0}} {
		longA, longB := append(keyA, suffixes[0]), append(keyB, suffixes[1])
		if got := bytes.Compare(longA, longB); got != want {
			t.Errorf("keys of %s and %s compare as %d with suffixes, want %d", a, b, got, want)
		}
	}
}

func TestKeysOrderAsCompareForRandomValues(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 60000 {
		a, b := raw(randomValue(r, 3)), raw(randomValue(r, 3))
		forth, back := Compare(a, b), Compare(b, a)
		if forth != -back {
			t.Fatalf("Compare(%s, %s) = %d, but %d the other way round", a, b, forth, back)
		}
		checkOrder(t, a, b, forth)
		checkOrder(t, a, a, 0)
		if t.Failed() {
			return
		}
	}
}

func TestNumbersOrderAlikeWhateverTheirType(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 60000 {
		a, b := raw(randomNumber(r)), raw(randomNumber(r))
		checkOrder(t, a, b, Compare(a, b))
		if t.Failed() {
			return
		}
	}
}

func TestBracketHoldsItsKeys(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		a, b := raw(randomValue(r, 1)), raw(randomValue(r, 1))
		low, high := Bracket(a)
		first := AppendKey(nil, b, false)[0]
		all := a.Type == bson.TypeMinKey || a.Type == bson.TypeMaxKey
		if got, want := low <= first && first <= high, SameBracket(a, b) || all; got != want {
			t.Fatalf("key of %s in the bracket of %s: %v, want %v", b, a, got, want)
		}
	}
}

func FuzzKeyOrder(f *testing.F) {
	for _, v := range ascending {
		doc, _ := bson.Marshal(bson.D{{Key: "a", Value: v[0]}, {Key: "b", Value: v[len(v)-1]}})
		f.Add(doc)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if wire.Validate(doc) != nil {
			return
		}
		it := Elements(doc)
		_, a, _ := it.Next()
		_, b, ok := it.Next()
		if ok {
			checkOrder(t, a, b, Compare(a, b))
		}
	})
}

func TestAppendKeyDoesNotAllocate(t *testing.T) {
	buffer := make([]byte, 0, 1024)
	text, number := raw("room-17"), raw(int64(1)<<62+1)
	object := raw(bson.D{{Key: "a", Value: bson.A{"x", 1.5, true}}})
	got := testing.AllocsPerRun(100, func() {
		AppendKey(AppendKey(AppendKey(buffer, text, false), number, true), object, false)
	})
	if got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkAppendKey(b *testing.B) {
	buffer := make([]byte, 0, 64)
	text, number := raw("0190f3a2-room"), raw(int64(86000))
	b.ReportAllocs()
	for b.Loop() {
		AppendKey(AppendKey(buffer, text, false), number, true)
	}
}
