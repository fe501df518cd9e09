package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// The sequences from which numbers are taken.
const (
	CounterUser         = "user"         // user.number
	CounterRoom         = "room"         // room.number
	CounterMessage      = "message"      // message._id
	CounterNotification = "notification" // notification._id
)

// Counters hands out numbers that no other process on the same database gets.
type Counters struct{ c *mongo.Collection }

// Take reserves n numbers of a sequence and returns the first; the first of all is 1.
func (c Counters) Take(ctx context.Context, name string, n int64) (int64, error) {
	var doc struct {
		Value int64 `bson:"value"`
	}
	o := options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After)
	err := c.c.FindOneAndUpdate(ctx, bson.D{{Key: "_id", Value: name}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "value", Value: n}}}}, o).Decode(&doc)
	if mongo.IsDuplicateKeyError(err) {
		// Two processes made the counter at the same moment; it exists now.
		return c.Take(ctx, name, n)
	}
	return doc.Value - n + 1, wrap(err)
}
