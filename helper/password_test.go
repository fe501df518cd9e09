package helper

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestPasswordRoundTrip(t *testing.T) {
	t.Parallel()
	const password = "correct horse 电池"
	hash, err := HashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash is %q", hash)
	}
	again, err := HashPassword(t.Context(), password)
	if err != nil || again == hash {
		t.Errorf("the salt is not fresh: %q (%v)", again, err)
	}
	for candidate, want := range map[string]bool{
		password:        true,
		password + " ":  false,
		password[:1]:    false,
		"":              false,
		"Correct horse": false,
	} {
		if got, err := CheckPassword(t.Context(), hash, candidate); got != want || err != nil {
			t.Errorf("%q: got %v, %v, want %v", candidate, got, err, want)
		}
	}
}

// The hash is a test vector of the reference implementation (src/test.c of phc-winner-argon2).
func TestCheckPasswordReadsParametersFromHash(t *testing.T) {
	t.Parallel()
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for password, want := range map[string]bool{"password": true, "differentpassword": false} {
		if got, err := CheckPassword(t.Context(), hash, password); got != want || err != nil {
			t.Errorf("%q: got %v, %v, want %v", password, got, err, want)
		}
	}
}

func TestCheckPasswordRefusesWhatIsNoHash(t *testing.T) {
	t.Parallel()
	const end = "$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for _, hash := range []string{
		"",
		"password",
		"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"$argon2i$v=19$m=65536,t=2,p=1" + end,
		"$argon2id$m=65536,t=2,p=1" + end,
		"$argon2id$v=16$m=65536,t=2,p=1" + end,
		"x$argon2id$v=19$m=65536,t=2,p=1" + end,
		"$argon2id$v=19$m=65536,t=2" + end,
		"$argon2id$v=19$t=2,m=65536,p=1" + end,
		"$argon2id$v=19$m=65536,t=2,p=1,x=1" + end,
		"$argon2id$v=19$m=0,t=2,p=1" + end,
		"$argon2id$v=19$m=65536,t=0,p=1" + end,
		"$argon2id$v=19$m=65536,t=2,p=0" + end,
		"$argon2id$v=19$m=-1,t=2,p=1" + end,
		"$argon2id$v=19$m=4294967295,t=2,p=1" + end,
		"$argon2id$v=19$m=65536,t=4294967295,p=1" + end,
		"$argon2id$v=19$m=65536,t=2,p=257" + end,
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$",
		"$argon2id$v=19$m=65536,t=2,p=1$$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ=$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$" + strings.Repeat("A", 1024),
	} {
		if ok, err := CheckPassword(t.Context(), hash, "password"); ok || !errors.Is(err, errPasswordHash) {
			t.Errorf("%q: got %v, %v", hash, ok, err)
		}
	}
}

func TestPasswordsGiveUpWithTheirContext(t *testing.T) {
	t.Parallel()
	hash, err := HashPassword(t.Context(), "password")
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := HashPassword(ended, "password"); !errors.Is(err, context.Canceled) {
		t.Errorf("HashPassword: %v", err)
	}
	if ok, err := CheckPassword(ended, hash, "password"); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("CheckPassword: %v, %v", ok, err)
	}
	if err := CheckNoPassword(ended, "password"); !errors.Is(err, context.Canceled) {
		t.Errorf("CheckNoPassword: %v", err)
	}
}

// No t.Parallel: it takes every place, and looks at who waits.
func TestHashingWaitsForAPlace(t *testing.T) {
	for range cap(hashing) {
		hashing <- struct{}{}
	}
	if got := cap(hashing); got != runtime.GOMAXPROCS(0) {
		t.Errorf("%d hashes at once on %d CPUs", got, runtime.GOMAXPROCS(0))
	}
	ctx, cancel := context.WithCancel(t.Context())
	refused := make(chan error)
	go func() { refused <- CheckNoPassword(ctx, "password") }()
	cancel()
	if err := <-refused; !errors.Is(err, context.Canceled) {
		t.Errorf("with every place taken: %v", err)
	}
	var waiting sync.WaitGroup
	for range 4 {
		waiting.Go(func() {
			if err := CheckNoPassword(t.Context(), "password"); err != nil {
				t.Error(err)
			}
		})
	}
	for range cap(hashing) {
		<-hashing
	}
	waiting.Wait()
	if len(hashing) != 0 {
		t.Errorf("%d places were not given back", len(hashing))
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	f.Fuzz(func(t *testing.T, hash string) {
		cost, salt, key, err := parseHash(hash)
		if err != nil {
			return
		}
		if cost.memory == 0 || cost.memory > highestCost.memory || cost.time == 0 || cost.time > highestCost.time ||
			cost.threads == 0 || cost.threads > highestCost.threads || len(salt) < minPartBytes || len(key) < minPartBytes {
			t.Errorf("%q was accepted with %+v and %d, %d bytes", hash, cost, len(salt), len(key))
		}
	})
}

func BenchmarkCheckPassword(b *testing.B) {
	hash, err := HashPassword(b.Context(), "password")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := CheckPassword(b.Context(), hash, "password"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
