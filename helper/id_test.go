package helper

import (
	"testing"

	"github.com/google/uuid"
)

func TestNewIdentityIsUUIDv7AndSorts(t *testing.T) {
	t.Parallel()
	previous := ""
	for range 10_000 {
		identity := NewIdentity()
		if identity <= previous {
			t.Fatalf("%s does not sort after %s", identity, previous)
		}
		previous = identity
	}
	if id, err := uuid.Parse(previous); err != nil || id.Version() != 7 || id.Variant() != uuid.RFC4122 {
		t.Errorf("%s is not a UUIDv7", previous)
	}
}

func BenchmarkNewIdentity(b *testing.B) {
	for b.Loop() {
		NewIdentity()
	}
}
