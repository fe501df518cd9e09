package router_test

import (
	"bytes"
	"context"
	"net"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// dialFunc is a way to a database as the driver wants it.
type dialFunc func(ctx context.Context) (net.Conn, error)

// DialContext implements options.ContextDialer.
func (d dialFunc) DialContext(ctx context.Context, _, _ string) (net.Conn, error) { return d(ctx) }

// openDatabase opens the server's database beside the server.
func (s *server) openDatabase() *mongo.Database {
	s.t.Helper()
	o := options.Client().SetServerMonitoringMode("poll")
	if s.database != nil {
		o.ApplyURI("mongodb://embedded/?directConnection=true").SetDialer(dialFunc(s.instance.database.Dial))
	} else {
		o.ApplyURI(s.config.MongoDB.URI)
	}
	client, err := mongo.Connect(o)
	must(s.t, err)
	s.t.Cleanup(func() {
		if err := client.Disconnect(context.Background()); err != nil {
			s.t.Error(err)
		}
	})
	return client.Database(s.config.MongoDB.Database)
}

// placesOf returns the collections in which a text stands, in any field of any document: its bytes are looked for.
func placesOf(t *testing.T, database *mongo.Database, text string) (places []string) {
	t.Helper()
	names, err := database.ListCollectionNames(t.Context(), bson.D{})
	must(t, err)
	documents := 0
	for _, name := range names {
		cursor, err := database.Collection(name).Find(t.Context(), bson.D{})
		must(t, err)
		for cursor.Next(t.Context()) {
			documents++
			if bytes.Contains(cursor.Current, []byte(text)) {
				places = append(places, name)
			}
		}
		must(t, cursor.Err())
	}
	if documents == 0 {
		t.Fatal("the database is empty")
	}
	return places
}

// set changes one document by hand.
func set(t *testing.T, collection *mongo.Collection, filter, change bson.D) {
	t.Helper()
	result, err := collection.UpdateOne(t.Context(), filter, bson.D{{Key: "$set", Value: change}})
	must(t, err)
	if result.MatchedCount != 1 {
		t.Fatalf("%s: there is no %v", collection.Name(), filter)
	}
}
