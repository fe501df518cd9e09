package embedded

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"parlor/models/embedded/storage"
)

func TestTCPWithPassword(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Listen: "127.0.0.1:0", User: "admin", Password: "pass word"})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	for password, want := range map[string]int{"pass word": 0, "wrong": 18} {
		client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + s.Addr().String()).
			SetAuth(options.Credential{Username: "admin", Password: password}).SetServerSelectionTimeout(10 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Database("test").Collection("things").InsertOne(t.Context(), bson.D{{Key: "x", Value: 1}})
		if want == 0 && err != nil || want != 0 && err == nil {
			t.Errorf("with %q: %v", password, err)
		}
		if err := client.Disconnect(t.Context()); err != nil {
			t.Error(err)
		}
	}
	client := must(mongo.Connect(options.Client().ApplyURI("mongodb://" + s.Addr().String())))(t)
	defer client.Disconnect(context.Background())
	_, err = client.Database("test").Collection("things").InsertOne(t.Context(), bson.D{})
	if code(err) != 13 {
		t.Errorf("without a user: %v", err)
	}
	if n := must(connect(t, s).Database("test").Collection("things").CountDocuments(t.Context(), bson.D{}))(t); n != 1 {
		t.Errorf("%d documents", n)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	if _, err := Open(ctx, Options{Listen: "0.0.0.0:0"}); err == nil {
		t.Error("listens for all without a password")
	}
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "letter.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, Options{Dir: foreign}); !errors.Is(err, storage.ErrForeign) {
		t.Errorf("foreign directory: %v", err)
	}
	dir := t.TempDir()
	s, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, Options{Dir: dir}); !errors.Is(err, storage.ErrInUse) {
		t.Errorf("directory in use: %v", err)
	}
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("mongodb-embedded 99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, Options{Dir: dir}); !errors.Is(err, storage.ErrNewer) {
		t.Errorf("newer format: %v", err)
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s, err := Open(t.Context(), Options{Listen: l.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	if s.ListenErr() == nil || s.Addr() != nil {
		t.Errorf("error %v, address %v", s.ListenErr(), s.Addr())
	}
	must(connect(t, s).Database("test").Collection("things").InsertOne(t.Context(), bson.D{}))(t)
}

func TestReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for n := range int64(3) {
		client, stop := openDir(t, dir)
		c := client.Database("test").Collection("things")
		if n == 0 {
			index(t, c, bson.D{{Key: "n", Value: 1}}, options.Index().SetUnique(true))
		}
		must(c.InsertOne(t.Context(), bson.D{{Key: "n", Value: n}}))(t)
		if _, err := c.InsertOne(t.Context(), bson.D{{Key: "n", Value: 0}}); code(err) != 11000 {
			t.Errorf("start %d: the unique index is gone: %v", n, err)
		}
		if got := must(c.EstimatedDocumentCount(t.Context()))(t); got != n+1 {
			t.Errorf("start %d: %d documents", n, got)
		}
		stop()
	}
}

func TestConcurrentWrites(t *testing.T) {
	t.Parallel()
	c := collection(t)
	index(t, c, bson.D{{Key: "name", Value: 1}}, options.Index().SetUnique(true))
	must(c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "counter"}, {Key: "n", Value: 0}, {Key: "name", Value: "counter"}}))(t)
	const workers, each = 8, 50
	var won atomic.Int64
	var mu sync.Mutex
	numbers := map[int32]bool{}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range each {
				_, err := c.InsertOne(t.Context(), bson.D{{Key: "name", Value: i}})
				if err == nil {
					won.Add(1)
				} else if !mongo.IsDuplicateKeyError(err) {
					t.Error(err)
				}
				var doc struct{ N int32 }
				err = c.FindOneAndUpdate(t.Context(), bson.D{{Key: "_id", Value: "counter"}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}}}).Decode(&doc)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				if numbers[doc.N] {
					t.Errorf("number %d given twice", doc.N)
				}
				numbers[doc.N] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won.Load() != each || len(numbers) != workers*each {
		t.Errorf("%d inserts of %d names won, %d numbers of %d", won.Load(), each, len(numbers), workers*each)
	}
}

func TestTTL(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	ticks := make(chan time.Time)
	s, err := open(t.Context(), Options{}, clock{
		now:  func() time.Time { return now },
		tick: func(context.Context, time.Duration) <-chan time.Time { return ticks },
	})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	c := connect(t, s).Database("test").Collection("things")
	index(t, c, bson.D{{Key: "at", Value: 1}}, options.Index().SetExpireAfterSeconds(60))
	must(c.InsertMany(t.Context(), []any{
		bson.D{{Key: "_id", Value: "old"}, {Key: "at", Value: now.Add(-time.Minute)}},
		bson.D{{Key: "_id", Value: "one old of two"}, {Key: "at", Value: bson.A{now, now.Add(-time.Hour)}}},
		bson.D{{Key: "_id", Value: "new"}, {Key: "at", Value: now.Add(-59 * time.Second)}},
		bson.D{{Key: "_id", Value: "no date"}, {Key: "at", Value: 5}},
		bson.D{{Key: "_id", Value: "nothing"}},
	}))(t)
	ticks <- now
	ticks <- now // taken only after the first round is over
	left := all(t, c, bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	if len(left) != 3 || left[0]["_id"] != "new" || left[1]["_id"] != "no date" || left[2]["_id"] != "nothing" {
		t.Errorf("left: %v", left)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	c := collection(t)
	must(c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}}))(t)
	for _, test := range []struct {
		want    int
		command bson.D
	}{
		{59, bson.D{{Key: "nonsense", Value: 1}}},
		{40415, bson.D{{Key: "find", Value: "things"}, {Key: "nonsense", Value: 1}}},
		{40414, bson.D{{Key: "insert", Value: "things"}}},
		{40324, bson.D{{Key: "aggregate", Value: "things"}, {Key: "pipeline", Value: bson.A{bson.D{{Key: "$nonsense", Value: 1}}}}, {Key: "cursor", Value: bson.D{}}}},
		{20, bson.D{{Key: "find", Value: "things"}, {Key: "txnNumber", Value: int64(1)}}},
		{43, bson.D{{Key: "getMore", Value: int64(12345)}, {Key: "collection", Value: "things"}}},
		{26, bson.D{{Key: "listIndexes", Value: "absent"}}},
		{27, bson.D{{Key: "dropIndexes", Value: "things"}, {Key: "index", Value: "absent"}}},
		{48, bson.D{{Key: "create", Value: "things"}, {Key: "capped", Value: true}, {Key: "size", Value: 4096}}},
		{73, bson.D{{Key: "insert", Value: "a$b"}, {Key: "documents", Value: bson.A{bson.D{}}}}},
		{2, bson.D{{Key: "find", Value: "things"}, {Key: "hint", Value: "absent"}}},
	} {
		if err := c.Database().RunCommand(t.Context(), test.command).Err(); code(err) != test.want {
			t.Errorf("%v: %v", test.command, err)
		}
	}
	for _, id := range []any{bson.A{1}, bson.Regex{Pattern: "x"}, bson.Undefined{}} {
		if _, err := c.InsertOne(t.Context(), bson.D{{Key: "_id", Value: id}}); code(err) != 53 {
			t.Errorf("_id %v: %v", id, err)
		}
	}
	index(t, c, bson.D{{Key: "a", Value: 1}}, options.Index().SetName("x"))
	index(t, c, bson.D{{Key: "a", Value: 1}}, options.Index().SetName("x")) // the same again is no error
	if _, err := c.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "a", Value: 1}}, Options: options.Index().SetName("y")}); code(err) != 85 {
		t.Errorf("same key, other name: %v", err)
	}
	if _, err := c.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: "b", Value: 1}}, Options: options.Index().SetName("x")}); code(err) != 86 {
		t.Errorf("same name, other key: %v", err)
	}
}
