package embedded

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// crashDir tells the test binary that it is the child that is to be killed.
const crashDir = "EMBEDDED_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := insertUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// insertUntilKilled inserts from several goroutines and prints each _id once it is
// acknowledged.
func insertUntilKilled(dir string) error {
	ctx := context.Background()
	s, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		return err
	}
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://embedded/?directConnection=true").SetDialer(dialer(s.Dial)))
	if err != nil {
		return err
	}
	c := client.Database("test").Collection("things")
	if _, err := c.Indexes().CreateMany(ctx, []mongo.IndexModel{
		{Keys: bson.D{{Key: "unique", Value: 1}}, Options: options.Index().SetUnique(true)},
		{Keys: bson.D{{Key: "tags", Value: 1}, {Key: "n", Value: -1}}},
	}); err != nil {
		return err
	}
	failed := make(chan error)
	base := rand.Int64()
	for worker := range int64(4) {
		go func() {
			for i := int64(0); ; i++ {
				id := (base+worker)<<20 + i
				doc := bson.D{{Key: "_id", Value: id}, {Key: "unique", Value: fmt.Sprint(id)}, {Key: "tags", Value: bson.A{"a", i % 7}}, {Key: "n", Value: i}}
				if _, err := c.InsertOne(ctx, doc); err != nil {
					failed <- err
					return
				}
				fmt.Println(id)
				if i%5 == 0 {
					if _, err := c.UpdateByID(ctx, id, bson.D{{Key: "$push", Value: bson.D{{Key: "tags", Value: "b"}}}}); err != nil {
						failed <- err
						return
					}
				}
			}
		}()
	}
	return <-failed
}

// TestKill kills a process that writes, several times over the same data.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acknowledged := map[int64]bool{}
	for round := range 4 {
		for _, id := range killedAfter(t, dir, 200+round*500) {
			acknowledged[id] = true
		}
		verify(t, dir, acknowledged)
	}
}

// killedAfter runs the child until it has acknowledged n inserts and gives all that
// it acknowledged before it died.
func killedAfter(t *testing.T, dir string, n int) []int64 {
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
	var ids []int64
	lines := bufio.NewReader(out)
	for {
		// The last line may be cut short by the kill: it counts only when whole.
		line, err := lines.ReadString('\n')
		if err != nil {
			break
		}
		id, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			t.Fatalf("child printed %q", line)
		}
		ids = append(ids, id)
		if len(ids) == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(ids) < n {
		t.Fatalf("child ended by itself after %d inserts: %v", len(ids), err)
	}
	return ids
}

// verify opens the data and checks that every acknowledged document is there once
// and that every index agrees.
func verify(t *testing.T, dir string, acknowledged map[int64]bool) {
	t.Helper()
	client, stop := openDir(t, dir)
	defer stop()
	db := client.Database("test")
	seen := map[int64]int{}
	for _, doc := range all(t, db.Collection("things"), bson.D{}) {
		seen[doc["_id"].(int64)]++
	}
	for id := range acknowledged {
		if seen[id] != 1 {
			t.Errorf("document %d is there %d times", id, seen[id])
		}
	}
	var result struct {
		Valid    bool
		Errors   []string
		NRecords int
	}
	if err := db.RunCommand(t.Context(), bson.D{{Key: "validate", Value: "things"}}).Decode(&result); err != nil {
		t.Fatal(err)
	}
	if !result.Valid || result.NRecords != len(seen) {
		t.Errorf("validate: %+v, with %d documents", result, len(seen))
	}
}

// TestTornTail cuts the newest log short, as loss of power may.
func TestTornTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ids := killedAfter(t, dir, 500)
	logs, err := filepath.Glob(filepath.Join(dir, "pebble", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("logs %v, %v", logs, err)
	}
	newest := logs[len(logs)-1]
	info, err := os.Stat(newest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(newest, info.Size()*3/4); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(newest, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	verify(t, dir, nil)
	client, stop := openDir(t, dir)
	defer stop()
	n := must(client.Database("test").Collection("things").CountDocuments(t.Context(), bson.D{}))(t)
	if n == 0 || n >= int64(len(ids)) {
		t.Errorf("%d of %d documents after losing a quarter of the log", n, len(ids))
	}
}
