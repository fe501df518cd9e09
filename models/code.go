package models

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Code is a short-lived proof that somebody reads an e-mail address. The code itself is not kept, only its hash.
type Code struct {
	Identity     string    `bson:"_id"` // what it is good for, and for which address
	UserIdentity string    `bson:"user_identity"`
	Hash         string    `bson:"hash"`
	Tries        int       `bson:"tries"`
	CreatedAt    int64     `bson:"created_at"`
	ExpiresAt    time.Time `bson:"expires_at"`
}

// Codes is the collection `code`.
type Codes struct{ c *mongo.Collection }

// Replace keeps a code instead of the one before it, unless that was made after the moment `since`: it returns that one
// and ErrDuplicate then.
func (c Codes) Replace(ctx context.Context, code *Code, since int64) (Code, error) {
	older := bson.D{{Key: "_id", Value: code.Identity}, {Key: "created_at", Value: bson.D{{Key: "$lte", Value: since}}}}
	_, err := c.c.ReplaceOne(ctx, older, code, options.Replace().SetUpsert(true))
	if !mongo.IsDuplicateKeyError(err) {
		return *code, wrap(err)
	}
	kept, err := findOne[Code](ctx, c.c, bson.D{{Key: "_id", Value: code.Identity}})
	if err != nil {
		return kept, err
	}
	return kept, ErrDuplicate
}

// Try counts a try and returns the code; ErrNotFound where there is none, or it has had `most` tries, or has expired.
func (c Codes) Try(ctx context.Context, identity string, most int, at time.Time) (Code, error) {
	good := bson.D{
		{Key: "_id", Value: identity}, {Key: "tries", Value: bson.D{{Key: "$lt", Value: most}}}, {Key: "expires_at", Value: bson.D{{Key: "$gt", Value: at}}},
	}
	return changeOne[Code](ctx, c.c, good, bson.D{{Key: "$inc", Value: bson.D{{Key: "tries", Value: 1}}}})
}

// Use takes a code away and reports whether it was there: of several who know it, one can use it.
func (c Codes) Use(ctx context.Context, identity, hash string) (bool, error) {
	return deleteOne(ctx, c.c, bson.D{{Key: "_id", Value: identity}, {Key: "hash", Value: hash}})
}
