package storage

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/query"
)

// BenchmarkFind measures queries without the protocol: 100,000 messages in 100 rooms.
func BenchmarkFind(b *testing.B) {
	options := testOptions
	options.CacheSize = 64 << 20
	s, err := openOn(vfs.NewMem(), "data", options)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c, err := s.Create(Namespace{"bench", "message"}, CollectionOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for from := 0; from < 100_000; from += 1000 {
		docs := make([]bson.D, 1000)
		for i := range docs {
			n := from + i
			docs[i] = bson.D{{Key: "_id", Value: int64(n)}, {Key: "room", Value: fmt.Sprint("room-", n%100)}, {Key: "seq", Value: int64(n / 100)},
				{Key: "user", Value: int64(n % 37)}, {Key: "data", Value: "Meet me at the station at eight, and bring the book that I lent you in spring."}}
		}
		insert(b, c, false, docs...)
	}
	var specs []IndexSpec
	for _, d := range []bson.D{
		{{Key: "key", Value: bson.D{{Key: "room", Value: 1}, {Key: "seq", Value: 1}}}, {Key: "name", Value: "room_seq"}, {Key: "unique", Value: true}},
		{{Key: "key", Value: bson.D{{Key: "user", Value: 1}}}, {Key: "name", Value: "user"}},
	} {
		spec, err := ParseIndexSpec(raw(b, d))
		if err != nil {
			b.Fatal(err)
		}
		specs = append(specs, spec)
	}
	if _, _, err := c.CreateIndexes(b.Context(), specs); err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name, filter, sort string
		query              Query
		want               int
	}{
		{"Point", `{"room": "room-7", "seq": 500}`, `{}`, Query{}, 1},
		{"ByID", `{"_id": 777}`, `{}`, Query{}, 1},
		{"Page50", `{"room": "room-7", "seq": {"$lt": 900}}`, `{"seq": -1}`, Query{Limit: 50}, 50},
		{"CoveredPage50", `{"room": "room-7", "seq": {"$lt": 900}}`, `{"seq": -1}`, Query{Limit: 50, Fields: []string{"seq"}}, 50},
		{"InMerged", `{"room": {"$in": ["room-1", "room-2", "room-3"]}}`, `{"seq": -1}`, Query{Limit: 50}, 50},
		{"Or", `{"$or": [{"room": "room-7", "seq": {"$lt": 20}}, {"room": "room-8", "seq": {"$gt": 980}}]}`, `{}`, Query{}, 39},
		{"CoveredCount", `{"room": "room-7", "seq": {"$gte": 900}}`, `{}`, Query{Count: true}, 100},
		{"Trial", `{"room": "room-7", "user": 5}`, `{"seq": 1}`, Query{Limit: 10}, 10},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			filter, sort := extended(b, bench.filter), extended(b, bench.sort)
			for b.Loop() {
				if n := bench.query.drain(b, c, filter, sort); n != bench.want {
					b.Fatal(n)
				}
			}
		})
	}
}

func (q Query) drain(b *testing.B, c *Collection, filter, sort bson.Raw) (n int) {
	b.Helper()
	var err error
	if q.Filter, err = query.ParseFilter(filter, nil); err != nil {
		b.Fatal(err)
	}
	if q.Sort, err = query.ParseSort(sort); err != nil {
		b.Fatal(err)
	}
	results, err := c.Find(q)
	if err != nil {
		b.Fatal(err)
	}
	for ; ; n++ {
		if _, _, ok, err := results.Next(context.Background()); err != nil {
			b.Fatal(err)
		} else if !ok {
			break
		}
	}
	if err := results.Close(); err != nil {
		b.Fatal(err)
	}
	return n
}

func extended(t testing.TB, text string) bson.Raw {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(text), false, &d); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return raw(t, d)
}
