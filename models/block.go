package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Block says that a user accepts nothing from another.
type Block struct {
	Identity        string `bson:"_id"`
	UserIdentity    string `bson:"user_identity"`
	BlockedIdentity string `bson:"blocked_identity"`
	CreatedAt       int64  `bson:"created_at"`
}

// Blocks is the collection `block`.
type Blocks struct{ c *mongo.Collection }

func blocks(user, blocked string) bson.D {
	return bson.D{{Key: "user_identity", Value: user}, {Key: "blocked_identity", Value: blocked}}
}

// Insert adds a block; ErrDuplicate where it stands already.
func (b Blocks) Insert(ctx context.Context, block *Block) error {
	_, err := b.c.InsertOne(ctx, block)
	return wrap(err)
}

// Exists reports whether user has blocked the other.
func (b Blocks) Exists(ctx context.Context, user, other string) (bool, error) {
	n, err := b.c.CountDocuments(ctx, blocks(user, other))
	return n > 0, wrap(err)
}

// Page returns whom a user has blocked, oldest first, after the identity `after`.
func (b Blocks) Page(ctx context.Context, user, after string, limit int) ([]Block, error) {
	filter := bson.D{{Key: "user_identity", Value: user}, {Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}
	return findAll[Block](ctx, b.c, filter, page(bson.D{{Key: "_id", Value: 1}}, limit))
}

// Delete takes a block away and reports whether it was there.
func (b Blocks) Delete(ctx context.Context, user, blocked string) (bool, error) {
	return deleteOne(ctx, b.c, blocks(user, blocked))
}

// Among returns the blocks that any of the users has set against one other.
func (b Blocks) Among(ctx context.Context, users []string, blocked string) ([]Block, error) {
	return findAll[Block](ctx, b.c, bson.D{{Key: "user_identity", Value: bson.D{{Key: "$in", Value: users}}}, {Key: "blocked_identity", Value: blocked}})
}
