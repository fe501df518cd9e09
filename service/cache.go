package service

import (
	"context"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// cache keeps what load has found, by identity, and drops what was used longest ago. Any number of callers that miss
// the same key wait for one load. A value that was being loaded while drop was called for it is not kept, so that
// nothing stale stays.
type cache[V any] struct {
	load func(ctx context.Context, key string) (V, error)

	mu      sync.Mutex
	kept    *simplelru.LRU[string, V]
	loading map[string]*loading[V]
}

type loading[V any] struct {
	done  chan struct{}
	value V
	err   error
}

func newCache[V any](size int, load func(context.Context, string) (V, error)) *cache[V] {
	kept, err := simplelru.NewLRU[string, V](size, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &cache[V]{load: load, kept: kept, loading: map[string]*loading[V]{}}
}

// get returns the value of key, loading it where it is not known.
func (c *cache[V]) get(ctx context.Context, key string) (V, error) {
	c.mu.Lock()
	if value, ok := c.kept.Get(key); ok {
		c.mu.Unlock()
		return value, nil
	}
	l, waits := c.loading[key]
	if !waits {
		l = &loading[V]{done: make(chan struct{})}
		c.loading[key] = l
	}
	c.mu.Unlock()
	if waits {
		select {
		case <-l.done:
			return l.value, l.err
		case <-ctx.Done():
			return l.value, ctx.Err()
		}
	}

	// Others wait for this load, so it must not end with this caller's context.
	l.value, l.err = c.load(context.WithoutCancel(ctx), key)
	c.mu.Lock()
	if c.loading[key] == l {
		delete(c.loading, key)
		if l.err == nil {
			c.kept.Add(key, l.value)
		}
	}
	c.mu.Unlock()
	close(l.done)
	return l.value, l.err
}

// peek returns the value of key if it is known.
func (c *cache[V]) peek(key string) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept.Get(key)
}

// drop forgets key; a load of it that is under way is not kept.
func (c *cache[V]) drop(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept.Remove(key)
	delete(c.loading, key)
}

// turnstile counts who is inside, by a key. The zero value is ready.
type turnstile struct {
	mu     sync.Mutex
	inside map[string]int
}

// enter lets somebody in, until leave is called, unless most others of his key are inside.
func (t *turnstile) enter(key string, most int) (leave func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inside == nil {
		t.inside = map[string]int{}
	}
	if t.inside[key] >= most {
		return nil, false
	}
	t.inside[key]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.inside[key]--; t.inside[key] == 0 {
			delete(t.inside, key)
		}
	}, true
}

// keyedMutex is a mutex for each key that is in use. The zero value is ready.
type keyedMutex struct {
	mu   sync.Mutex
	held map[string]*heldMutex
}

type heldMutex struct {
	sync.Mutex
	users int
}

// lock waits for key and returns what gives it back.
func (k *keyedMutex) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.held == nil {
		k.held = map[string]*heldMutex{}
	}
	m := k.held[key]
	if m == nil {
		m = &heldMutex{}
		k.held[key] = m
	}
	m.users++
	k.mu.Unlock()
	m.Lock()
	return func() {
		m.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if m.users--; m.users == 0 {
			delete(k.held, key)
		}
	}
}
