package embedded

import (
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func rename(t testing.TB, client *mongo.Client, from, to string, dropTarget bool) error {
	t.Helper()
	return client.Database("admin").RunCommand(t.Context(), bson.D{
		{Key: "renameCollection", Value: from}, {Key: "to", Value: to}, {Key: "dropTarget", Value: dropTarget},
	}).Err()
}

func TestRename(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, to string }{{"in its database", "test.b"}, {"to another database", "other.b"}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			client, stop := openDir(t, dir)
			a := client.Database("test").Collection("a")
			index(t, a, bson.D{{Key: "n", Value: 1}}, options.Index().SetUnique(true))
			must(a.InsertMany(t.Context(), []any{bson.D{{Key: "n", Value: 1}}, bson.D{{Key: "n", Value: 2}}}))(t)
			if err := rename(t, client, "test.a", test.to, false); err != nil {
				t.Fatal(err)
			}
			check := func() {
				t.Helper()
				if n := must(a.CountDocuments(t.Context(), bson.D{}))(t); n != 0 {
					t.Errorf("%d documents under the old name", n)
				}
				b := client.Database(test.to[:len(test.to)-2]).Collection("b")
				if _, err := b.InsertOne(t.Context(), bson.D{{Key: "n", Value: 2}}); code(err) != 11000 {
					t.Errorf("the unique index is gone: %v", err)
				}
				if n := must(b.EstimatedDocumentCount(t.Context()))(t); n != 2 {
					t.Errorf("%d documents", n)
				}
				var v struct{ Valid bool }
				if err := b.Database().RunCommand(t.Context(), bson.D{{Key: "validate", Value: "b"}}).Decode(&v); err != nil || !v.Valid {
					t.Errorf("validate: %v, %v", v, err)
				}
			}
			check()
			stop()
			client, stop = openDir(t, dir)
			defer stop()
			a = client.Database("test").Collection("a")
			check()
		})
	}
}

func TestRenameRefused(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	db := client.Database("test")
	for _, name := range []string{"a", "b"} {
		must(db.Collection(name).InsertOne(t.Context(), bson.D{{Key: "name", Value: name}}))(t)
	}
	for _, test := range []struct {
		from, to string
		want     int
	}{
		{"test.absent", "test.c", 26},
		{"test.a", "test.b", 48},
		{"test.a", "test.a", 20},
		{"test.a", "test.", 73},
		{"test.a", "te st.x", 73},
		{"a", "test.x", 73},
	} {
		if err := rename(t, client, test.from, test.to, false); code(err) != test.want {
			t.Errorf("%s to %s: %v", test.from, test.to, err)
		}
	}
	err := db.RunCommand(t.Context(), bson.D{{Key: "renameCollection", Value: "test.a"}, {Key: "to", Value: "test.c"}}).Err()
	if code(err) != 13 {
		t.Errorf("outside admin: %v", err)
	}
	if err := rename(t, client, "test.a", "test.b", true); err != nil {
		t.Fatal(err)
	}
	if docs := all(t, db.Collection("b"), bson.D{}); len(docs) != 1 || docs[0]["name"] != "a" {
		t.Errorf("dropTarget left %v", docs)
	}
}

// A reader of a name that is replaced over and over sees one whole collection or
// the next, never none.
func TestRenameOverReaders(t *testing.T) {
	t.Parallel()
	s, client := start(t)
	db := client.Database("test")
	fill := func(name string) {
		c := db.Collection(name)
		index(t, c, bson.D{{Key: "n", Value: 1}}, options.Index().SetUnique(true))
		must(c.InsertMany(t.Context(), []any{bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: 1}}, bson.D{{Key: "_id", Value: 2}, {Key: "n", Value: 2}}}))(t)
	}
	fill("live")
	done := make(chan struct{})
	var readers sync.WaitGroup
	for _, filter := range []bson.D{{}, {{Key: "_id", Value: 1}}, {{Key: "n", Value: bson.D{{Key: "$gte", Value: 1}}}}} {
		want := 2
		if len(filter) > 0 && filter[0].Key == "_id" {
			want = 1
		}
		c := connect(t, s).Database("test").Collection("live")
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				cursor, err := c.Find(t.Context(), filter)
				var docs []bson.M
				if err == nil {
					err = cursor.All(t.Context(), &docs)
				}
				if err != nil || len(docs) != want {
					t.Errorf("%v: %d documents, %v", filter, len(docs), err)
					return
				}
			}
		})
	}
	for range 30 {
		fill("next")
		if err := rename(t, client, "test.next", "test.live", true); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}
