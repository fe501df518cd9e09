package embedded

import (
	"context"
	"errors"
	"net"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

type dialer func(ctx context.Context) (net.Conn, error)

func (d dialer) DialContext(ctx context.Context, _, _ string) (net.Conn, error) { return d(ctx) }

// start opens a server in memory and a client on an in-process connection.
func start(t testing.TB) (*Server, *mongo.Client) {
	t.Helper()
	s, err := Open(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	return s, connect(t, s)
}

func closeAtEnd(t testing.TB, s *Server) {
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// openDir opens a server on a directory, a client, and gives what closes both.
func openDir(t testing.TB, dir string) (*mongo.Client, func()) {
	t.Helper()
	s, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	client := newClient(t, s)
	return client, func() {
		if err := errors.Join(client.Disconnect(context.Background()), s.Close(context.Background())); err != nil {
			t.Error(err)
		}
	}
}

func newClient(t testing.TB, s *Server) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://embedded/?directConnection=true").SetDialer(dialer(s.Dial)))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// connect gives a client until the test ends. The server must outlive it.
func connect(t testing.TB, s *Server) *mongo.Client {
	t.Helper()
	client := newClient(t, s)
	t.Cleanup(func() {
		if err := client.Disconnect(context.Background()); err != nil {
			t.Errorf("disconnect: %v", err)
		}
	})
	return client
}

// collection gives an empty collection on a server of its own.
func collection(t testing.TB) *mongo.Collection {
	_, client := start(t)
	return client.Database("test").Collection("things")
}

// must fails the test on an error.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func index(t testing.TB, c *mongo.Collection, keys bson.D, o ...*options.IndexOptionsBuilder) {
	t.Helper()
	m := mongo.IndexModel{Keys: keys}
	if len(o) > 0 {
		m.Options = o[0]
	}
	must(c.Indexes().CreateOne(t.Context(), m))(t)
}

func code(err error) int {
	var failed mongo.ServerError
	if !errors.As(err, &failed) || len(failed.ErrorCodes()) == 0 {
		return 0
	}
	return failed.ErrorCodes()[0]
}

func all(t testing.TB, c *mongo.Collection, filter any, o ...options.Lister[options.FindOptions]) []bson.M {
	t.Helper()
	cursor := must(c.Find(t.Context(), filter, o...))(t)
	var docs []bson.M
	if err := cursor.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	return docs
}

func TestInsertAndFind(t *testing.T) {
	t.Parallel()
	c := collection(t)
	docs := make([]any, 250)
	for i := range docs {
		docs[i] = bson.D{{Key: "_id", Value: i}, {Key: "group", Value: i % 2}}
	}
	must(c.InsertMany(t.Context(), docs))(t)
	found := all(t, c, bson.D{{Key: "group", Value: 1}}, options.Find().SetBatchSize(10).SetSort(bson.D{{Key: "_id", Value: -1}}))
	if len(found) != 125 || found[0]["_id"] != int32(249) || found[124]["_id"] != int32(1) {
		t.Fatalf("found %d, from %v", len(found), found[0])
	}
	if n := must(c.CountDocuments(t.Context(), bson.D{{Key: "group", Value: 0}}))(t); n != 125 {
		t.Errorf("counted %d", n)
	}
	if n := must(c.EstimatedDocumentCount(t.Context()))(t); n != 250 {
		t.Errorf("estimated %d", n)
	}
}

func TestUpdateAndFindAndModify(t *testing.T) {
	t.Parallel()
	c := collection(t)
	ctx := t.Context()
	up := must(c.UpdateOne(ctx, bson.D{{Key: "_id", Value: "a"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: 1}}}}, options.UpdateOne().SetUpsert(true)))(t)
	if up.UpsertedID != "a" || up.MatchedCount != 0 {
		t.Fatalf("upsert: %+v", up)
	}
	up = must(c.UpdateOne(ctx, bson.D{{Key: "_id", Value: "a"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: 1}}}}))(t)
	if up.MatchedCount != 1 || up.ModifiedCount != 0 {
		t.Fatalf("unchanged update: %+v", up)
	}
	var doc bson.M
	err := c.FindOneAndUpdate(ctx, bson.D{{Key: "_id", Value: "a"}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 4}}}},
		options.FindOneAndUpdate().SetReturnDocument(options.After)).Decode(&doc)
	if err != nil || doc["n"] != int32(5) {
		t.Fatalf("findAndModify: %v, %v", doc, err)
	}
	if d := must(c.DeleteMany(ctx, bson.D{}))(t); d.DeletedCount != 1 {
		t.Fatalf("deleted %d", d.DeletedCount)
	}
}

func TestUniqueIndex(t *testing.T) {
	t.Parallel()
	c := collection(t)
	index(t, c, bson.D{{Key: "a", Value: 1}, {Key: "b", Value: -1}}, options.Index().SetUnique(true))
	must(c.InsertOne(t.Context(), bson.D{{Key: "a", Value: 1}, {Key: "b", Value: "x"}}))(t)
	_, err := c.InsertMany(t.Context(), []any{
		bson.D{{Key: "a", Value: 1}, {Key: "b", Value: "y"}},
		bson.D{{Key: "a", Value: 1}, {Key: "b", Value: "x"}},
		bson.D{{Key: "a", Value: 1}, {Key: "b", Value: "z"}},
	})
	var bulk mongo.BulkWriteException
	if !errors.As(err, &bulk) || len(bulk.WriteErrors) != 1 || bulk.WriteErrors[0].Index != 1 || bulk.WriteErrors[0].Code != 11000 {
		t.Fatalf("error %v", err)
	}
	want := `E11000 duplicate key error collection: test.things index: a_1_b_-1 dup key: { a: 1, b: "x" }`
	if bulk.WriteErrors[0].Message != want {
		t.Errorf("message %q", bulk.WriteErrors[0].Message)
	}
	if n := must(c.CountDocuments(t.Context(), bson.D{}))(t); n != 2 {
		t.Errorf("%d documents after an ordered insert that failed at the second", n)
	}
}
