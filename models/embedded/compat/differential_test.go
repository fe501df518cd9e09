package compat

import (
	"context"
	"os"
	"strconv"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"
)

// setting reads a number from the environment.
func setting(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	text, set := os.LookupEnv(name)
	if !set {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// TestDifferential sends random commands to both servers. COMPAT_CASES says how many collections are
// made up, COMPAT_SEED which is the first. Both have fixed defaults, so that a check says the same each time.
func TestDifferential(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	first, cases := setting(t, "COMPAT_SEED", 1), setting(t, "COMPAT_CASES", 150)
	t.Logf("seeds %d to %d", first, first+cases-1)
	const tolerated = 25
	for seed, failed := first, 0; seed < first+cases && failed < tolerated; seed++ {
		failed += p.compareSeed(t, seed)
	}
}

// A pair is the two servers.
type pair struct{ ours, theirs *mongo.Database }

func startPair(t testing.TB) pair {
	t.Helper()
	const name = "compat"
	return pair{overPipe(t, startEmbedded(t)).Database(name), spawnFerretDB(t).Database(name)}
}

func (p pair) perform(ctx context.Context, s scenario) (ours, theirs outcome) {
	return perform(ctx, p.ours, s), perform(ctx, p.theirs, s)
}

// compareSeed makes up a collection, reads it in many ways and writes to it once. It gives the number of failures.
func (p pair) compareSeed(t *testing.T, seed uint64) (failed int) {
	t.Helper()
	g := newGenerator(seed)
	s := scenario{docs: g.documents()}
	if g.chance(3) {
		s.index = g.index()
	}
	ours, filled := prepare(t.Context(), p.ours, s)
	theirs, theirsFilled := prepare(t.Context(), p.theirs, s)
	if !filled || !theirsFilled {
		return p.check(t, seed, s, ours, theirs)
	}
	for range 12 {
		s.op = g.read()
		failed += p.check(t, seed, s, run(t.Context(), p.ours, s.op), run(t.Context(), p.theirs, s.op))
	}
	s.op = g.write()
	return failed + p.check(t, seed, s, run(t.Context(), p.ours, s.op), run(t.Context(), p.theirs, s.op))
}

// check fails the test where two outcomes differ in a way that is not written down.
func (p pair) check(t *testing.T, seed uint64, s scenario, ours, theirs outcome) (failed int) {
	t.Helper()
	if ours.equal(theirs) || known(s, ours, theirs) {
		return 0
	}
	unexplained := func(s scenario) bool {
		o, f := p.perform(t.Context(), s)
		return o.code == ours.code && f.code == theirs.code && !o.equal(f) && !known(s, o, f)
	}
	s = shrink(s, unexplained)
	ours, theirs = p.perform(t.Context(), s)
	t.Errorf("seed %d\n%v\nours:\n%v %s\nFerretDB:\n%v %s", seed, s, ours, ours.text, theirs, theirs.text)
	// What comes next needs the collection as it was.
	g := newGenerator(seed)
	whole := scenario{docs: g.documents()}
	if g.chance(3) {
		whole.index = g.index()
	}
	prepare(t.Context(), p.ours, whole)
	prepare(t.Context(), p.theirs, whole)
	return 1
}
