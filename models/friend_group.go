package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// FriendGroup is a name under which a user keeps friends. It is a document so that an empty group can exist.
type FriendGroup struct {
	Identity     string `bson:"_id"`
	UserIdentity string `bson:"user_identity"`
	Name         string `bson:"name"`
	CreatedAt    int64  `bson:"created_at"`
	UpdatedAt    int64  `bson:"updated_at"`
}

// FriendGroups is the collection `friend_group`.
type FriendGroups struct{ c *mongo.Collection }

// Insert adds a group; ErrDuplicate where the user has one of this name.
func (f FriendGroups) Insert(ctx context.Context, group *FriendGroup) error {
	_, err := f.c.InsertOne(ctx, group)
	return wrap(err)
}

// Get returns one group of a user.
func (f FriendGroups) Get(ctx context.Context, user, name string) (FriendGroup, error) {
	return findOne[FriendGroup](ctx, f.c, bson.D{{Key: "user_identity", Value: user}, {Key: "name", Value: name}})
}

// Page returns a user's groups by name, after the name `after`.
func (f FriendGroups) Page(ctx context.Context, user, after string, limit int) ([]FriendGroup, error) {
	filter := bson.D{{Key: "user_identity", Value: user}, {Key: "name", Value: bson.D{{Key: "$gt", Value: after}}}}
	return findAll[FriendGroup](ctx, f.c, filter, page(bson.D{{Key: "name", Value: 1}}, limit))
}

// Delete takes a group away and reports whether it was there.
func (f FriendGroups) Delete(ctx context.Context, user, name string) (bool, error) {
	return deleteOne(ctx, f.c, bson.D{{Key: "user_identity", Value: user}, {Key: "name", Value: name}})
}
