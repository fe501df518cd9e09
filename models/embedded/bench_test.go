package embedded

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// onDisk gives a collection of a server with a data directory.
func onDisk(b *testing.B) *mongo.Collection {
	client, stop := openDir(b, b.TempDir())
	b.Cleanup(stop)
	return client.Database("bench").Collection("message")
}

func roomName(room int) string { return fmt.Sprintf("01890a5d-ac96-774b-bcce-%012d", room) }

func message(room, seq int) bson.D {
	return bson.D{
		{Key: "_id", Value: int64(room)<<32 | int64(seq)},
		{Key: "room_identity", Value: roomName(room)},
		{Key: "seq", Value: int64(seq)},
		{Key: "user_identity", Value: "01890a5d-ac96-774b-bcce-b302099a8057"},
		{Key: "type", Value: "text"},
		{Key: "data", Value: "Meet me at the station at eight, and bring the book that I lent you in spring."},
		{Key: "client_id", Value: fmt.Sprintf("c-%d-%d", room, seq)},
		{Key: "created_at", Value: int64(1760000000000 + seq)},
	}
}

func messageIndexes(b *testing.B, c *mongo.Collection) {
	index(b, c, bson.D{{Key: "room_identity", Value: 1}, {Key: "seq", Value: 1}}, options.Index().SetUnique(true))
	index(b, c, bson.D{{Key: "room_identity", Value: 1}, {Key: "user_identity", Value: 1}, {Key: "client_id", Value: 1}},
		options.Index().SetUnique(true).SetPartialFilterExpression(bson.D{{Key: "client_id", Value: bson.D{{Key: "$exists", Value: true}}}}))
	index(b, c, bson.D{{Key: "created_at", Value: -1}})
}

// BenchmarkInsertOne inserts over in-process connections.
func BenchmarkInsertOne(b *testing.B) { insertOne(b, onDisk(b)) }

// BenchmarkInsertOneTCP inserts over TCP connections.
func BenchmarkInsertOneTCP(b *testing.B) {
	s, err := Open(b.Context(), Options{Dir: b.TempDir(), Listen: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	closeAtEnd(b, s)
	insertOne(b, overTCP(b, s.Addr().String()))
}

func overTCP(b *testing.B, address string) *mongo.Collection {
	b.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + address + "/?directConnection=true"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := client.Disconnect(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return client.Database("bench").Collection("message")
}

func insertOne(b *testing.B, c *mongo.Collection) {
	var n atomic.Int64
	b.SetParallelism(8) // 16 goroutines on 2 cores
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.InsertOne(b.Context(), message(1, int(n.Add(1)))); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
}

func BenchmarkInsertMany(b *testing.B) {
	c := onDisk(b)
	messageIndexes(b, c)
	const size = 1000
	var batch atomic.Int64
	b.SetParallelism(2) // 4 goroutines on 2 cores
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			insertBatch(b, c, int(batch.Add(1))*size, size)
		}
	})
	b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds(), "docs/s")
}

func insertBatch(b *testing.B, c *mongo.Collection, from, n int) {
	b.Helper()
	docs := make([]any, n)
	for i := range docs {
		docs[i] = message((from+i)%100, (from+i)/100)
	}
	if _, err := c.InsertMany(b.Context(), docs); err != nil {
		b.Error(err)
	}
}

// stored is a message as Parlor reads it.
type stored struct {
	ID        int64  `bson:"_id"`
	Room      string `bson:"room_identity"`
	Seq       int64  `bson:"seq"`
	User      string `bson:"user_identity"`
	Type      string `bson:"type"`
	Data      string `bson:"data"`
	ClientID  string `bson:"client_id"`
	CreatedAt int64  `bson:"created_at"`
}

// BenchmarkRead measures reads of a collection of a million messages.
func BenchmarkRead(b *testing.B) {
	c := onDisk(b)
	messageIndexes(b, c)
	const total = 1_000_000
	for from := 0; from < total; from += 10_000 {
		insertBatch(b, c, from, 10_000)
	}
	// Else the first reads compete with what the load has left to be done.
	if err := c.Database().RunCommand(b.Context(), bson.D{{Key: "compact", Value: c.Name()}}).Err(); err != nil {
		b.Fatal(err)
	}
	b.Run("Page50", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			filter := bson.D{{Key: "room_identity", Value: roomName(n % 100)}, {Key: "seq", Value: bson.D{{Key: "$lt", Value: 100 + n*37%9000}}}}
			cursor, err := c.Find(b.Context(), filter, options.Find().SetSort(bson.D{{Key: "seq", Value: -1}}).SetLimit(50))
			if err != nil {
				b.Fatal(err)
			}
			read := 0
			for cursor.Next(b.Context()) {
				var m stored
				if err := bson.Unmarshal(cursor.Current, &m); err != nil {
					b.Fatal(err)
				}
				read++
			}
			if err := cursor.Err(); err != nil || read != 50 {
				b.Fatal(read, err)
			}
		}
	})
	b.Run("Point", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			filter := bson.D{{Key: "room_identity", Value: roomName(n % 100)}, {Key: "seq", Value: n * 37 % 9000}}
			if _, err := c.FindOne(b.Context(), filter).Raw(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("PointByID", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			if _, err := c.FindOne(b.Context(), bson.D{{Key: "_id", Value: int64(n%100)<<32 | int64(n*37%9000)}}).Raw(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
