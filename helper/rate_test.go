package helper

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// countAllowed returns how many of n events of key are allowed at now.
func countAllowed(r *Rates, key string, now time.Time, n int) int {
	allowed := 0
	for range n {
		if ok, _ := r.Allow(key, now); ok {
			allowed++
		}
	}
	return allowed
}

func TestRatesGiveBack(t *testing.T) {
	t.Parallel()
	r := NewRates(1.0/3600, 2, 1)
	at := time.Unix(1_700_000_000, 0)
	r.Allow("a", at)
	r.Allow("a", at)
	r.Return("a", at)
	for i, want := range []bool{true, false} {
		if ok, _ := r.Allow("a", at); ok != want {
			t.Errorf("event %d: allowed %v", i, ok)
		}
	}
	for range 3 { // more than were counted
		r.Return("b", at)
	}
	for i, want := range []bool{true, true, false} {
		if ok, _ := r.Allow("b", at); ok != want {
			t.Errorf("event %d of another key: allowed %v", i, ok)
		}
	}
}

func TestRatesAllowBurstThenRateForEachKey(t *testing.T) {
	t.Parallel()
	r := NewRates(2, 5, 1)
	if got := countAllowed(r, "a", start, 10); got != 5 {
		t.Errorf("%d at once, want 5", got)
	}
	if got := countAllowed(r, "b", start, 10); got != 5 {
		t.Errorf("another key: %d at once, want 5", got)
	}
	if got := countAllowed(r, "a", start.Add(time.Second), 10); got != 2 {
		t.Errorf("%d a second later, want 2", got)
	}
	if got := countAllowed(r, "a", start.Add(time.Hour), 10); got != 5 {
		t.Errorf("%d after a rest, want 5", got)
	}
}

func TestRatesSayWhenToRetry(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []float64{1.0 / 3600, 0.3, 1, 7, 1e6} {
		r := NewRates(perSecond, 3, 1)
		countAllowed(r, "a", start, 3)
		ok, wait := r.Allow("a", start)
		if want := time.Duration(float64(time.Second) / perSecond); ok || wait < want || wait > want+time.Microsecond {
			t.Errorf("%v a second: got %v, %v, want %v", perSecond, ok, wait, want)
		}
		if ok, _ := r.Allow("a", start.Add(wait/2)); ok {
			t.Errorf("%v a second: allowed too early", perSecond)
		}
		if ok, more := r.Allow("a", start.Add(wait)); !ok {
			t.Errorf("%v a second: refused after %v, which it had asked for; now %v", perSecond, wait, more)
		}
	}
}

func TestRatesFactor(t *testing.T) {
	t.Parallel()
	for factor, want := range map[float64]int{0: 1000, 0.001: 1, 0.5: 5, 1: 10, 3: 30, math.MaxFloat64: 1000} {
		if got := countAllowed(NewRates(1, 10, factor), "a", start, 1000); got != want {
			t.Errorf("factor %v: %d of 1000 allowed, want %d", factor, got, want)
		}
	}
	r := NewRates(1, 1, 10)
	countAllowed(r, "a", start, 10)
	if got := countAllowed(r, "a", start.Add(time.Second), 100); got != 10 {
		t.Errorf("factor 10: %d a second, want 10", got)
	}
}

func TestRatesSurviveAClockThatGoesBack(t *testing.T) {
	t.Parallel()
	r := NewRates(1, 2, 1)
	countAllowed(r, "a", start, 2)
	if ok, wait := r.Allow("a", start.Add(-time.Hour)); ok || wait > time.Second {
		t.Errorf("got %v, %v", ok, wait)
	}
}

func TestRatesForgetRestedKeys(t *testing.T) {
	t.Parallel()
	r := NewRates(1, 10, 1)
	for i := range 1000 {
		r.Allow("old"+strconv.Itoa(i), start)
	}
	for i := range 500 {
		r.Allow("new"+strconv.Itoa(i), start.Add(time.Minute))
	}
	if got := len(r.keys); got != 500 || r.recent.Len() != got {
		t.Errorf("%d keys in the map, %d in the list, want 500", got, r.recent.Len())
	}
}

func TestRatesBoundTheirKeys(t *testing.T) {
	t.Parallel()
	r := NewRates(1, 2, 1)
	for i := range maxRateKeys + 1000 {
		r.Allow("spent", start)
		r.Allow(strconv.Itoa(i), start)
	}
	if got := len(r.keys); got > maxRateKeys || r.recent.Len() != got {
		t.Errorf("%d keys in the map, %d in the list, at most %d are allowed", got, r.recent.Len(), maxRateKeys)
	}
	if ok, _ := r.Allow("spent", start); ok {
		t.Error("a busy key was forgotten")
	}
}

func TestRatesCountConcurrentEventsOnce(t *testing.T) {
	t.Parallel()
	r := NewRates(1, 100, 1)
	var allowed atomic.Int64
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() { allowed.Add(int64(countAllowed(r, "a", start, 50))) })
	}
	callers.Wait()
	if got := allowed.Load(); got != 100 {
		t.Errorf("%d allowed, want 100", got)
	}
}

func BenchmarkRatesAllow(b *testing.B) {
	for _, keys := range []int{1, 10_000, 2 * maxRateKeys} {
		b.Run(fmt.Sprint(keys, " keys"), func(b *testing.B) {
			names := make([]string, keys)
			for i := range names {
				names[i] = NewIdentity()
			}
			r := NewRates(1000, 1000, 1)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r.Allow(names[i%keys], start)
			}
		})
	}
}
