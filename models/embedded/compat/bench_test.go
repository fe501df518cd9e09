package compat

import (
	"fmt"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// A contender is a server to measure.
type contender struct {
	name    string
	connect func(b *testing.B) *mongo.Client
	// documents is the size of the collection that is read. A page takes FerretDB time in proportion to it.
	documents int
	// partial says that the server knows partial indexes.
	partial bool
}

func contenders() []contender {
	return []contender{
		{"Embedded/TCP", func(b *testing.B) *mongo.Client { return overTCP(b, startEmbedded(b)) }, 1_000_000, true},
		{"Embedded/InProcess", func(b *testing.B) *mongo.Client { return overPipe(b, startEmbedded(b)) }, 1_000_000, true},
		{"FerretDB/TCP", func(b *testing.B) *mongo.Client { return startFerretDB(b) }, 20_000, false},
	}
}

// ceiling is the driver with nothing behind it.
func ceiling() contender {
	return contender{name: "Nothing/TCP", connect: func(b *testing.B) *mongo.Client { return connectNull(b) }}
}

func messages(b *testing.B, c contender) *mongo.Collection {
	return c.connect(b).Database("bench").Collection("message")
}

// message has the shape of a message of Parlor, about 300 bytes.
func message(room, seq int) bson.D {
	return bson.D{
		{Key: "_id", Value: int64(room)<<32 | int64(seq)},
		{Key: "room_identity", Value: roomIdentity(room)},
		{Key: "seq", Value: int64(seq)},
		{Key: "user_identity", Value: "01890a5d-ac96-774b-bcce-b302099a8057"},
		{Key: "type", Value: "text"},
		{Key: "data", Value: "Meet me at the station at eight, and bring the book that I lent you in spring."},
		{Key: "client_id", Value: fmt.Sprintf("c-%d-%d", room, seq)},
		{Key: "created_at", Value: int64(1760000000000 + seq)},
	}
}

func roomIdentity(room int) string { return fmt.Sprintf("01890a5d-ac96-774b-bcce-%012d", room) }

// createIndexes makes three secondary indexes.
func createIndexes(b *testing.B, c *mongo.Collection, partial bool) {
	b.Helper()
	byClientID := options.Index().SetUnique(true)
	if partial {
		byClientID.SetPartialFilterExpression(bson.D{{Key: "client_id", Value: bson.D{{Key: "$exists", Value: true}}}})
	}
	_, err := c.Indexes().CreateMany(b.Context(), []mongo.IndexModel{
		{Keys: bson.D{{Key: "room_identity", Value: 1}, {Key: "seq", Value: 1}}, Options: options.Index().SetUnique(true)},
		{
			Keys:    bson.D{{Key: "room_identity", Value: 1}, {Key: "user_identity", Value: 1}, {Key: "client_id", Value: 1}},
			Options: byClientID,
		},
		{Keys: bson.D{{Key: "created_at", Value: -1}}},
	})
	if err != nil {
		b.Fatal(err)
	}
}

// insertBatch spreads n messages over a hundred rooms.
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

// BenchmarkInsertOne inserts single messages from 8 goroutines a core.
func BenchmarkInsertOne(b *testing.B) {
	for _, c := range append(contenders(), ceiling()) {
		b.Run(c.name, func(b *testing.B) {
			coll := messages(b, c)
			var n atomic.Int64
			b.SetParallelism(8)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := coll.InsertOne(b.Context(), message(1, int(n.Add(1)))); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
		})
	}
}

// BenchmarkInsertMany inserts batches into a collection with three secondary indexes, from 2 goroutines a core.
func BenchmarkInsertMany(b *testing.B) {
	const size = 1000
	for _, c := range append(contenders(), ceiling()) {
		b.Run(c.name, func(b *testing.B) {
			coll := messages(b, c)
			createIndexes(b, coll, c.partial)
			var batch atomic.Int64
			b.SetParallelism(2)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					insertBatch(b, coll, int(batch.Add(1))*size, size)
				}
			})
			b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds(), "docs/s")
		})
	}
}

// BenchmarkRead reads a point by a unique index, and a page of 50 by the same, backwards.
func BenchmarkRead(b *testing.B) {
	for _, c := range contenders() {
		b.Run(c.name, func(b *testing.B) {
			coll := messages(b, c)
			createIndexes(b, coll, c.partial)
			for from := 0; from < c.documents; from += 10_000 {
				insertBatch(b, coll, from, 10_000)
			}
			perRoom := c.documents / 100
			b.Run("Point", func(b *testing.B) {
				for n := 0; b.Loop(); n++ {
					filter := bson.D{{Key: "room_identity", Value: roomIdentity(n % 100)}, {Key: "seq", Value: n * 37 % perRoom}}
					if _, err := coll.FindOne(b.Context(), filter).Raw(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(c.documents), "documents")
			})
			b.Run("Page50", func(b *testing.B) {
				for n := 0; b.Loop(); n++ {
					readPage(b, coll, n%100, 50+n*37%(perRoom-50))
				}
				b.ReportMetric(float64(c.documents), "documents")
			})
		})
	}
}

// readPage reads the 50 messages of a room before a number.
func readPage(b *testing.B, c *mongo.Collection, room, before int) {
	b.Helper()
	filter := bson.D{{Key: "room_identity", Value: roomIdentity(room)}, {Key: "seq", Value: bson.D{{Key: "$lt", Value: before}}}}
	cursor, err := c.Find(b.Context(), filter, options.Find().SetSort(bson.D{{Key: "seq", Value: -1}}).SetLimit(50))
	if err != nil {
		b.Fatal(err)
	}
	var page []bson.Raw
	if err := cursor.All(b.Context(), &page); err != nil || len(page) != 50 {
		b.Fatal(len(page), err)
	}
}
