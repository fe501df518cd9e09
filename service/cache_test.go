package service

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// gate is a load that the test lets through.
type gate struct {
	mu      sync.Mutex
	calls   int
	entered chan struct{}
	let     chan string
}

func (g *gate) load(context.Context, string) (string, error) {
	g.mu.Lock()
	g.calls++
	g.mu.Unlock()
	g.entered <- struct{}{}
	value := <-g.let
	if value == "" {
		return "", errors.New("not to be had")
	}
	return value, nil
}

func newGate() *gate { return &gate{entered: make(chan struct{}), let: make(chan string)} }

func getInBackground(c *cache[string]) chan string {
	got := make(chan string, 1)
	go func() {
		value, err := c.get(context.Background(), "k")
		if err != nil {
			value = "error"
		}
		got <- value
	}()
	return got
}

// A room was loaded while somebody was being removed from it: the load had seen him, the drop came before its result
// was kept, and from then on the cache said that he was a member.
func TestCacheForgetsWhatWasLoadedBeforeADrop(t *testing.T) {
	t.Parallel()
	g := newGate()
	c := newCache(10, g.load)
	first := getInBackground(c)
	<-g.entered
	c.drop("k")
	second := getInBackground(c)
	<-g.entered // a load of its own: it must not join the one from before the drop
	g.let <- "one of the two"
	g.let <- "one of the two"
	<-first
	<-second
	if g.calls != 2 {
		t.Fatalf("loaded %d times, want 2", g.calls)
	}

	c.drop("k")
	stale := getInBackground(c)
	<-g.entered
	c.drop("k")
	g.let <- "old"
	if got := <-stale; got != "old" {
		t.Fatalf("the caller from before the drop got %q", got)
	}
	if value, known := c.peek("k"); known {
		t.Fatalf("%q was kept although it was dropped while it was loaded", value)
	}
}

func TestCacheLoadsOnceForAll(t *testing.T) {
	t.Parallel()
	g := newGate()
	c := newCache(10, g.load)
	first := getInBackground(c)
	<-g.entered
	others := []chan string{getInBackground(c), getInBackground(c), getInBackground(c)}
	g.let <- "value"
	for _, got := range append(others, first) {
		if value := <-got; value != "value" {
			t.Fatalf("got %q", value)
		}
	}
	if g.calls != 1 {
		t.Fatalf("loaded %d times, want 1", g.calls)
	}
}

func TestCacheKeepsNoErrors(t *testing.T) {
	t.Parallel()
	g := newGate()
	c := newCache(10, g.load)
	first := getInBackground(c)
	<-g.entered
	g.let <- ""
	if got := <-first; got != "error" {
		t.Fatalf("got %q, want an error", got)
	}
	second := getInBackground(c)
	<-g.entered
	g.let <- "value"
	if got := <-second; got != "value" {
		t.Fatalf("got %q", got)
	}
}

func TestKeyedMutexSerialisesOneKeyOnly(t *testing.T) {
	t.Parallel()
	var k keyedMutex
	unlockA := k.lock("a")
	k.lock("b")() // another key is free
	inside := make(chan struct{})
	go func() {
		defer k.lock("a")()
		close(inside)
	}()
	select {
	case <-inside:
		t.Fatal("two held the same key")
	default:
	}
	unlockA()
	<-inside
	defer k.lock("a")() // free again, whoever comes
}
