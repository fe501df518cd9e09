package value

import (
	"math/rand/v2"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A key that is followed by others is found to be as long as it is, and what
// ReadableKey says can be read back is read back bit by bit.
func TestKeysReadBack(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	read := 0
	for range 20_000 {
		v := raw(randomValue(r, 3))
		desc := r.IntN(2) == 0
		key := AppendKey(nil, v, desc)
		if n := KeyLen(append(key[:len(key):len(key)], byte(r.IntN(256)), 0, 0xff), desc); n != len(key) {
			t.Fatalf("%s: length %d, want %d", Format(v), n, len(key))
		}
		kind := ReadableKey(v)
		if kind == 0 {
			continue
		}
		read++
		if got := (bson.RawValue{Type: kind, Value: AppendFromKey(nil, key, desc, kind)}); !Identical(got, v) {
			t.Fatalf("%s became %s", Format(v), Format(got))
		}
	}
	if read < 5000 {
		t.Errorf("only %d values could be read back", read)
	}
}

func FuzzKeyLen(f *testing.F) {
	f.Add(AppendKey(nil, raw("text"), false), false)
	f.Add(AppendKey(nil, raw(bson.D{{Key: "a", Value: bson.A{1, -2.5}}}), true), true)
	f.Fuzz(func(t *testing.T, key []byte, desc bool) {
		if n := KeyLen(key, desc); n > len(key) {
			t.Errorf("length %d of %d bytes", n, len(key))
		}
	})
}
