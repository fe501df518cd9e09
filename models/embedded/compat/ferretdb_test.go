package compat

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/FerretDB/FerretDB/ferretdb"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// serveVariable tells a child process to be a FerretDB, with its data in the named folder.
const serveVariable = "COMPAT_FERRETDB_DIR"

func newFerretDB(t testing.TB, dir string) *ferretdb.FerretDB {
	t.Helper()
	f, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    slog.New(slog.DiscardHandler),
		Handler:   "sqlite",
		SQLiteURL: "file:" + dir + "/",
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// startFerretDB runs a FerretDB on SQLite in this process and connects to it.
func startFerretDB(t testing.TB) *mongo.Client {
	t.Helper()
	f := newFerretDB(t, t.TempDir())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("FerretDB: %v", err)
		}
	})
	return connect(t, options.Client().ApplyURI(f.MongoDBURI()+"?directConnection=true"))
}

// spawnFerretDB runs one in a process of its own: after some commands FerretDB panics at the next
// garbage collection, which is off there.
func spawnFerretDB(t testing.TB) *mongo.Client {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestServeFerretDB$", "-test.v")
	child.Env = append(os.Environ(), serveVariable+"="+t.TempDir(), "GOGC=off")
	child.Stderr = os.Stderr
	stop, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop.Close()
		if err := child.Wait(); err != nil {
			t.Errorf("FerretDB: %v", err)
		}
	})
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if uri := lines.Text(); strings.HasPrefix(uri, "mongodb://") {
			return connect(t, options.Client().ApplyURI(uri+"?directConnection=true"))
		}
	}
	t.Fatal("FerretDB did not start")
	return nil
}

// TestServeFerretDB is what the child process runs, until its input is closed.
func TestServeFerretDB(t *testing.T) {
	dir := os.Getenv(serveVariable)
	if dir == "" {
		t.Skip("only as a child process of the other tests")
	}
	f := newFerretDB(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	fmt.Println(f.MongoDBURI())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
