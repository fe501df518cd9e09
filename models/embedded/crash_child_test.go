package embedded

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// crashDir tells the test binary that it is the child that is to be killed.
const crashDir = "EMBEDDED_CRASH_DIR"

// gone is the version of a document that is not there.
const gone = 0

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		err := writeUntilKilled(context.Background(), dir)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if dir := os.Getenv(serveDir); dir != "" {
		if err := serveUntilTold(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// writeUntilKilled changes documents over several TCP connections, and indexes and
// collections in between. Each line that it prints is one write call: "try id
// version" before a change, "ok id version" once it is acknowledged.
func writeUntilKilled(ctx context.Context, dir string) error {
	s, err := Open(ctx, Options{Dir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	if err := s.ListenErr(); err != nil {
		return err
	}
	dial := func() (*mongo.Client, error) {
		return mongo.Connect(options.Client().ApplyURI("mongodb://" + s.Addr().String() + "/?directConnection=true"))
	}
	client, err := dial()
	if err != nil {
		return err
	}
	db := client.Database("test")
	if _, err := db.Collection("things").Indexes().CreateMany(ctx, []mongo.IndexModel{
		{Keys: bson.D{{Key: "unique", Value: 1}}, Options: options.Index().SetUnique(true)},
		{Keys: bson.D{{Key: "tags", Value: 1}, {Key: "version", Value: -1}}},
	}); err != nil {
		return err
	}
	failed := make(chan error)
	for number := range int64(4) {
		client, err := dial()
		if err != nil {
			return err
		}
		w := &crashWorker{number: number, version: time.Now().UnixNano(), client: client}
		go func() { failed <- w.run(ctx) }()
	}
	go func() { failed <- changeSchemas(ctx, db) }()
	return <-failed
}

// crashWorker owns the documents whose _id is its number modulo 4.
type crashWorker struct {
	number  int64
	version int64
	next    int64
	live    []int64
	client  *mongo.Client
}

func (w *crashWorker) run(ctx context.Context) error {
	c := w.client.Database("test").Collection("things")
	var have []struct {
		ID int64 `bson:"_id"`
	}
	cursor, err := c.Find(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$mod", Value: bson.A{4, w.number}}}}}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return err
	}
	if err := cursor.All(ctx, &have); err != nil {
		return err
	}
	w.next = w.number
	for _, doc := range have {
		w.live = append(w.live, doc.ID)
		w.next = doc.ID + 4
	}
	journaled := writeconcern.W1()
	journaled.Journal = new(true)
	synced := w.client.Database("test").Collection("things", options.Collection().SetWriteConcern(journaled))
	for {
		target := c
		if rand.IntN(8) == 0 {
			target = synced
		}
		if err := w.change(ctx, target); err != nil {
			return err
		}
	}
}

// change does one random write.
func (w *crashWorker) change(ctx context.Context, c *mongo.Collection) error {
	const most = 200
	w.version++
	switch kind := rand.IntN(10); {
	case len(w.live) < 10 || kind < 4 && len(w.live) < most:
		return w.insert(ctx, c)
	case kind < 8:
		id := w.live[rand.IntN(len(w.live))]
		return announce(id, w.version, func() error {
			_, err := c.UpdateByID(ctx, id, bson.D{{Key: "$set", Value: crashFields(id, w.version)}})
			return err
		})
	}
	i := rand.IntN(len(w.live))
	id := w.live[i]
	w.live = append(w.live[:i], w.live[i+1:]...)
	return announce(id, gone, func() error {
		_, err := c.DeleteOne(ctx, bson.D{{Key: "_id", Value: id}})
		return err
	})
}

func (w *crashWorker) insert(ctx context.Context, c *mongo.Collection) error {
	id := w.next
	w.next += 4
	w.live = append(w.live, id)
	return announce(id, w.version, func() error {
		_, err := c.InsertOne(ctx, append(bson.D{{Key: "_id", Value: id}}, crashFields(id, w.version)...))
		return err
	})
}

func announce(id, version int64, write func() error) error {
	fmt.Println("try", id, version)
	if err := write(); err != nil {
		return err
	}
	fmt.Println("ok", id, version)
	return nil
}

// crashFields are the fields of a version of a document. Each says the version in
// its own way, so that a document put together from two of them is noticed.
func crashFields(id, version int64) bson.D {
	tags := bson.A{version % 7}
	for i := range version % 4 {
		tags = append(tags, fmt.Sprint("tag", i))
	}
	return bson.D{
		{Key: "version", Value: version},
		{Key: "unique", Value: fmt.Sprint(id, "-", version)},
		{Key: "tags", Value: tags},
		{Key: "text", Value: strings.Repeat(fmt.Sprint(version), int(version%100)+1)},
	}
}

// changeSchemas creates and drops an index and a collection.
func changeSchemas(ctx context.Context, db *mongo.Database) error {
	indexes := db.Collection("things").Indexes()
	for {
		name, err := indexes.CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "text", Value: 1}, {Key: "tags", Value: 1}}, Options: options.Index().SetUnique(true)})
		if err != nil {
			return err
		}
		other := db.Collection("other")
		if _, err := other.InsertMany(ctx, []any{bson.D{{Key: "a", Value: 1}}, bson.D{{Key: "a", Value: bson.A{2, 3}}}}); err != nil {
			return err
		}
		if _, err := other.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "a", Value: 1}}}); err != nil {
			return err
		}
		if err := indexes.DropOne(ctx, name); err != nil {
			return err
		}
		if err := other.Drop(ctx); err != nil {
			return err
		}
	}
}
