package embedded

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// crashRounds says how often TestKill kills its child, where the default is too few.
const crashRounds = "EMBEDDED_CRASH_ROUNDS"

// states are the versions that a document may have: the acknowledged one, and the
// one that was under way.
type states map[int64][]int64

// TestKill kills a process that writes, over and over on the same data, and checks
// what the next one finds.
func TestKill(t *testing.T) {
	t.Parallel()
	rounds := 20
	if n := os.Getenv(crashRounds); n != "" {
		rounds = must(strconv.Atoi(n))(t)
	}
	dir := t.TempDir()
	may := states{}
	lines := 0
	for round := range rounds {
		// Now and then while it starts, which is where the log is replayed.
		n := rand.IntN(2000)
		if round%10 == 9 {
			n = 0
		}
		lines += killedAfter(t, dir, n, may)
		verify(t, dir, may)
		if t.Failed() {
			t.Fatalf("after round %d", round)
		}
	}
	t.Logf("killed %d times, %d writes acknowledged or under way, %d documents", rounds, lines/2, len(may))
}

// killedAfter runs the child until it has printed n lines, or for a short time where
// n is 0, kills it, and notes in may what it printed until it died. It gives the
// number of lines.
func killedAfter(t *testing.T, dir string, n int, may states) int {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() {
		if err := child.Process.Kill(); err != nil {
			t.Error(err)
		}
	}
	if n == 0 {
		start := time.AfterFunc(time.Duration(rand.IntN(200))*time.Millisecond, kill)
		defer start.Stop()
	}
	printed := 0
	for lines := bufio.NewReader(out); ; {
		// The last line may be cut short by the kill: it counts only when whole.
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		may.note(t, line)
		if printed++; printed == n {
			kill()
		}
	}
	if err := child.Wait(); err == nil || printed < n {
		t.Fatalf("child ended by itself after %d lines: %v", printed, err)
	}
	return printed
}

func (may states) note(t *testing.T, line string) {
	t.Helper()
	var verb string
	var id, version int64
	if _, err := fmt.Sscan(line, &verb, &id, &version); err != nil {
		t.Fatalf("child printed %q", line)
	}
	if verb == "ok" {
		may[id] = []int64{version}
		return
	}
	if may[id] == nil {
		may[id] = []int64{gone}
	}
	may[id] = append(may[id], version)
}

// verify opens the data and checks that every document is whole and in a state that
// it may have, and that every index agrees. What it finds is from then on what a
// document must be.
func verify(t *testing.T, dir string, may states) {
	t.Helper()
	client, stop := openDir(t, dir)
	defer stop()
	db := client.Database("test")
	found := wholeVersions(t, db)
	for id, versions := range may {
		if !slices.Contains(versions, found[id]) {
			t.Errorf("document %d has version %d, not of %v", id, found[id], versions)
		}
		may[id] = []int64{found[id]}
	}
	for id := range found {
		if may[id] == nil {
			t.Errorf("document %d was never written", id)
		}
	}
	validAll(t, db)
}

// wholeVersions gives the version of each document, which must be all of that
// version.
func wholeVersions(t *testing.T, db *mongo.Database) map[int64]int64 {
	t.Helper()
	found := map[int64]int64{}
	for _, doc := range all(t, db.Collection("things"), bson.D{}) {
		id, version := doc["_id"].(int64), doc["version"].(int64)
		if found[id] != gone {
			t.Errorf("document %d is there twice", id)
		}
		found[id] = version
		for _, field := range crashFields(id, version) {
			if !reflect.DeepEqual(doc[field.Key], field.Value) {
				t.Errorf("document %d of version %d has %s %v", id, version, field.Key, doc[field.Key])
			}
		}
	}
	return found
}

func validAll(t *testing.T, db *mongo.Database) {
	t.Helper()
	for _, name := range must(db.ListCollectionNames(t.Context(), bson.D{}))(t) {
		var result struct {
			Valid    bool
			Errors   []string
			NRecords int
		}
		if err := db.RunCommand(t.Context(), bson.D{{Key: "validate", Value: name}, {Key: "full", Value: true}}).Decode(&result); err != nil {
			t.Fatal(err)
		}
		if n := len(all(t, db.Collection(name), bson.D{})); !result.Valid || result.NRecords != n {
			t.Errorf("validate %s: %+v, with %d documents", name, result, n)
		}
	}
}

// TestTornTail cuts the newest log short, as loss of power may.
func TestTornTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	may := states{}
	killedAfter(t, dir, 2000, may)
	logs := must(filepath.Glob(filepath.Join(dir, "pebble", "*.log")))(t)
	newest := logs[len(logs)-1]
	size := must(os.Stat(newest))(t).Size()
	if err := os.Truncate(newest, size*3/4); err != nil {
		t.Fatal(err)
	}
	f := must(os.OpenFile(newest, os.O_WRONLY|os.O_APPEND, 0))(t)
	must(f.Write(make([]byte, 100_000)))(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	client, stop := openDir(t, dir)
	defer stop()
	db := client.Database("test")
	if n := len(wholeVersions(t, db)); n == 0 || n >= len(may) {
		t.Errorf("%d documents of %d after losing a quarter of the log", n, len(may))
	}
	validAll(t, db)
}
