package helper

import (
	"container/list"
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxRateKeys bounds the memory of one Rates at some 20 MiB. Where more keys than that are busy at
// once, the one used least recently starts anew.
const maxRateKeys = 1 << 16

// Rates limits how often something may happen for each key, which is an account, an address or
// whatever else is counted. It may be used by several goroutines.
type Rates struct {
	limit rate.Limit
	burst int
	rest  time.Duration // after which an unused key is as good as new
	off   bool

	mu     sync.Mutex
	keys   map[string]*list.Element // of *rateKey
	recent *list.List               // the key used last is in front
}

type rateKey struct {
	key     string
	used    time.Time
	limiter *rate.Limiter
}

// NewRates allows each key burst events at once and perSecond events a second over time, both
// more than 0 and multiplied by factor. With factor 0 there is no limit.
func NewRates(perSecond float64, burst int, factor float64) *Rates {
	r := &Rates{
		limit:  rate.Limit(perSecond * factor),
		burst:  max(1, int(min(float64(burst)*factor, math.MaxInt32))),
		off:    factor == 0,
		keys:   map[string]*list.Element{},
		recent: list.New(),
	}
	r.rest = seconds(float64(r.burst), r.limit)
	return r
}

// Allow counts one event of key at now and reports whether it is within the limit. Where it is
// not, nothing is counted and retryAfter says how long it takes until one is allowed.
func (r *Rates) Allow(key string, now time.Time) (ok bool, retryAfter time.Duration) {
	if r.off {
		return true, 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	limiter := r.limiter(key, now)
	if limiter.AllowN(now, 1) {
		return true, 0
	}
	return false, seconds(1-limiter.TokensAt(now), r.limit)
}

// Return takes back one event of key that Allow has counted: it turned out not to be one.
func (r *Rates) Return(key string, now time.Time) {
	if r.off {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limiter(key, now).AllowN(now, -1) // never beyond the burst, to which the limiter cuts its tokens down
}

func (r *Rates) limiter(key string, now time.Time) *rate.Limiter {
	element := r.keys[key]
	if element == nil {
		r.dropRested(now)
		element = r.recent.PushFront(&rateKey{key: key, limiter: rate.NewLimiter(r.limit, r.burst)})
		r.keys[key] = element
	}
	r.recent.MoveToFront(element)
	entry := element.Value.(*rateKey)
	entry.used = now
	return entry.limiter
}

// dropRested makes room for a new key. Two keys at most are dropped for each that comes, so no
// call pays for many, and the rested ones go faster than others come.
func (r *Rates) dropRested(now time.Time) {
	for range 2 {
		oldest := r.recent.Back()
		if oldest == nil {
			return
		}
		entry := oldest.Value.(*rateKey)
		if now.Sub(entry.used) < r.rest && len(r.keys) < maxRateKeys {
			return
		}
		r.recent.Remove(oldest)
		delete(r.keys, entry.key)
	}
}

// seconds is how long limit takes to give that many tokens, rounded up so that waiting is enough.
func seconds(tokens float64, limit rate.Limit) time.Duration {
	nanoseconds := math.Ceil(tokens / float64(limit) * float64(time.Second))
	if nanoseconds >= math.MaxInt64 {
		return math.MaxInt64
	}
	return max(1, time.Duration(nanoseconds))
}

// AddressKey is the key under which an address is counted: itself for IPv4, its /64 network for IPv6, since one
// subscriber has all of those (RFC 6177). What is no address counts as it is.
func AddressKey(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	network, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return network.String()
}
