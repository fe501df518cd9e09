package storage

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// crashable opens a store on a file system that can lose what was not synced. It
// opens it twice, since the log of a new Pebble store is of the oldest format.
func crashable(t *testing.T) (*vfs.MemFS, *Store, *Collection) {
	t.Helper()
	fs := vfs.NewCrashableMem()
	s, c := openThings(t, fs)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := openOn(fs, dataFolder, testOptions)
	if err != nil {
		t.Fatal(err)
	}
	return fs, s, s.Collection(c.NS)
}

// afterLoss opens what the disk may hold after loss of power: all that was synced,
// and so many percent of the blocks that were not, in any order.
func afterLoss(t *testing.T, fs *vfs.MemFS, ns Namespace, percent int) (*Store, *Collection) {
	t.Helper()
	s, err := openOn(fs, dataFolder, testOptions)
	if err != nil {
		t.Fatalf("%d percent of what was not synced: %v", percent, err)
	}
	return s, s.Collection(ns)
}

func lose(fs *vfs.MemFS, percent int) *vfs.MemFS {
	return fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(uint64(percent), 1))})
}

// versions reads what the documents are, as version by _id.
func versions(t *testing.T, c *Collection) map[int32]int32 {
	t.Helper()
	out := map[int32]int32{}
	results, err := c.Find(Query{Filter: parsed(t, bson.D{})})
	if err != nil {
		t.Fatal(err)
	}
	for {
		_, doc, ok, err := results.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		out[doc.Lookup("_id").Int32()] = doc.Lookup("version").Int32()
	}
	if err := results.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPowerLoss changes documents one by one and cuts the power at the end. What is
// left must be the state after one of the changes: the journaled one or a later one.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	const steps, journaled = 150, 70
	for seed := range 25 {
		fs, s, c := crashable(t)
		history := []map[int32]int32{{}}
		documents := map[int32]located{}
		for step := range int32(steps) {
			changeThing(t, c, documents, step, step == journaled)
			now := map[int32]int32{}
			for id, d := range documents {
				now[id] = d.doc.Lookup("version").Int32()
			}
			history = append(history, now)
		}
		percent := seed * 100 / 24
		lost := lose(fs, percent)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s, c = afterLoss(t, lost, c.NS, percent)
		sound(t, c)
		left, found := versions(t, c), false
		for _, state := range history[journaled+1:] {
			found = found || maps.Equal(state, left)
		}
		if !found {
			t.Errorf("%d percent of what was not synced: %d documents, which were never together", percent, len(left))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// located is a document and where it is.
type located struct {
	id  RecordID
	doc bson.Raw
}

// changeThing inserts, updates or deletes a document, in a command of its own.
func changeThing(t *testing.T, c *Collection, documents map[int32]located, step int32, journaled bool) {
	t.Helper()
	doc := func(id int32) bson.Raw {
		return raw(t, bson.D{{Key: "_id", Value: id}, {Key: "version", Value: step}, {Key: "tags", Value: bson.A{step % 3, "x"}},
			{Key: "text", Value: fmt.Sprintf("%0*d", 2000, step)}})
	}
	w, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	old, ok := documents[step/2]
	switch {
	case step%3 == 1 && ok:
		next := doc(step / 2)
		err = w.Update(old.id, old.doc, next)
		documents[step/2] = located{old.id, next}
	case step%3 == 2 && ok:
		err = w.Delete(old.id, old.doc)
		delete(documents, step/2)
	default:
		documents[step] = located{c.nextRecord, doc(step)}
		err = w.Insert(documents[step].doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(journaled); err != nil {
		t.Fatal(err)
	}
}

// TestPowerLossUnderLoad cuts the power while several write. Whatever was journaled
// by then must be there, without a gap before it: all documents of one writer up to
// the last that is left.
func TestPowerLossUnderLoad(t *testing.T) {
	t.Parallel()
	const writers = 4
	for percent := 0; percent <= 100; percent += 10 {
		fs, s, c := crashable(t)
		var stop atomic.Bool
		var journaled [writers]atomic.Int32 // the last of each that is surely on disk
		enough := make(chan struct{}, writers)
		var running sync.WaitGroup
		for writer := range int32(writers) {
			running.Go(func() {
				for n := int32(1); !stop.Load(); n++ {
					insert(t, c, n%5 == 0, bson.D{{Key: "_id", Value: n*writers + writer}, {Key: "version", Value: n}, {Key: "tags", Value: bson.A{1, 2}}})
					if n%5 == 0 {
						journaled[writer].Store(n)
					}
					if n == 20 {
						enough <- struct{}{}
					}
				}
			})
		}
		for range writers {
			<-enough
		}
		var least [writers]int32
		for writer := range least {
			least[writer] = journaled[writer].Load()
		}
		lost := lose(fs, percent)
		stop.Store(true)
		running.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s, c = afterLoss(t, lost, c.NS, percent)
		sound(t, c)
		left := versions(t, c)
		count, last := [writers]int32{}, [writers]int32{}
		for id, n := range left {
			count[id%writers]++
			last[id%writers] = max(last[id%writers], n)
		}
		for writer := range least {
			if last[writer] < least[writer] || count[writer] != last[writer] {
				t.Errorf("%d percent of what was not synced: writer %d has %d documents up to %d, journaled up to %d",
					percent, writer, count[writer], last[writer], least[writer])
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
