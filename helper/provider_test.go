package helper

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(2, time.Minute)
		var now, most, done atomic.Int64
		work := func(ctx context.Context) error {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			select {
			case <-time.After(25 * time.Second):
				done.Add(1)
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		results := make(chan error, 8)
		for range 8 {
			go func() { results <- turns.take(t.Context(), work) }()
		}
		late := 0
		for range 8 {
			if err := <-results; errors.Is(err, errNoTurn) {
				late++
			} else if err != nil {
				t.Error(err)
			}
		}
		if most.Load() != 2 || done.Load() != 6 || late != 2 {
			t.Errorf("at most %d at once, %d done, %d were too late", most.Load(), done.Load(), late)
		}

		err := turns.take(t.Context(), func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		if err == nil || !strings.Contains(err.Error(), "longer than 1m0s") {
			t.Errorf("what takes too long ends with %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		busy := newTurns(1, time.Minute)
		busy.free <- struct{}{}
		if err := busy.take(ctx, work); !errors.Is(err, context.Canceled) {
			t.Errorf("who has gone waits and gets %v", err)
		}
	})
}

func TestReasonKeepsSecrets(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error": "no"}`: "no",
		`{"error": {"message": "no model", "code": 1}}`: "no model",
		`{"error": "key sk-1 is wrong for hello"}`:      "key … is wrong for …",
		`{"error": 7}`:        "without a reason",
		`{"detail": "hello"}`: "without a reason",
		`<html>hello</html>`:  "without a reason",
		``:                    "without a reason",
		`{"error": "` + strings.Repeat("长", 400) + `"}`: strings.Repeat("长", reasonMax),
	} {
		if got := reason([]byte(body), []string{"hello", "sk-1", ""}); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func FuzzReason(f *testing.F) {
	f.Add([]byte(`{"error": "no"}`))
	f.Add([]byte(`{"error": {"message": "\ud800"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if got := reason(body, []string{"secret"}); strings.Contains(got, "secret") || len([]rune(got)) > reasonMax {
			t.Errorf("%q gives %q", body, got)
		}
	})
}
