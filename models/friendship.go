package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Friendship is one side of a friendship: there are two documents a pair, (A,B) and (B,A).
type Friendship struct {
	Identity       string `bson:"_id"`
	UserIdentity   string `bson:"user_identity"`
	FriendIdentity string `bson:"friend_identity"`
	RoomIdentity   string `bson:"room_identity"`
	Group          string `bson:"group"`
	Remark         string `bson:"remark"`
	IsApproved     bool   `bson:"is_approved"`
	CreatedAt      int64  `bson:"created_at"`
	UpdatedAt      int64  `bson:"updated_at"`
}

// FriendshipChange names the fields to set; nil ones stay.
type FriendshipChange struct {
	Group     *string `bson:"group,omitempty"`
	Remark    *string `bson:"remark,omitempty"`
	UpdatedAt int64   `bson:"updated_at"`
}

// Friendships is the collection `friendship`.
type Friendships struct{ c *mongo.Collection }

func side(user, friend string) bson.D {
	return bson.D{{Key: "user_identity", Value: user}, {Key: "friend_identity", Value: friend}}
}

// Ensure adds one side unless it stands already.
func (f Friendships) Ensure(ctx context.Context, doc *Friendship) error {
	_, err := f.c.UpdateOne(ctx, side(doc.UserIdentity, doc.FriendIdentity), bson.D{{Key: "$setOnInsert", Value: doc}}, options.UpdateOne().SetUpsert(true))
	if mongo.IsDuplicateKeyError(err) {
		return nil // somebody else made it at the same moment
	}
	return wrap(err)
}

// Get returns one side.
func (f Friendships) Get(ctx context.Context, user, friend string) (Friendship, error) {
	return findOne[Friendship](ctx, f.c, side(user, friend))
}

// Among returns the user's sides towards those of the others who are his friends, in no order.
func (f Friendships) Among(ctx context.Context, user string, others []string) ([]Friendship, error) {
	return findAll[Friendship](ctx, f.c, bson.D{{Key: "user_identity", Value: user}, {Key: "friend_identity", Value: bson.D{{Key: "$in", Value: others}}}})
}

// All returns every friendship of a user, oldest first.
func (f Friendships) All(ctx context.Context, user string) ([]Friendship, error) {
	return findAll[Friendship](ctx, f.c, bson.D{{Key: "user_identity", Value: user}}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
}

// Page returns a user's friendships, oldest first, after the identity `after`; of one group where group is not empty.
func (f Friendships) Page(ctx context.Context, user, group, after string, limit int) ([]Friendship, error) {
	filter := bson.D{{Key: "user_identity", Value: user}}
	if group != "" {
		filter = append(filter, bson.E{Key: "group", Value: group})
	}
	filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}})
	return findAll[Friendship](ctx, f.c, filter, page(bson.D{{Key: "_id", Value: 1}}, limit))
}

// Change sets fields of one side and returns it as it is afterwards.
func (f Friendships) Change(ctx context.Context, user, friend string, change FriendshipChange) (Friendship, error) {
	return changeOne[Friendship](ctx, f.c, side(user, friend), bson.D{{Key: "$set", Value: change}})
}

// MoveGroup moves all friends of one group of a user to another.
func (f Friendships) MoveGroup(ctx context.Context, user, from, to string, at int64) error {
	_, err := f.c.UpdateMany(ctx, bson.D{{Key: "user_identity", Value: user}, {Key: "group", Value: from}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "group", Value: to}, {Key: "updated_at", Value: at}}}})
	return wrap(err)
}

// Delete takes one side away and reports whether it was there.
func (f Friendships) Delete(ctx context.Context, user, friend string) (bool, error) {
	return deleteOne(ctx, f.c, side(user, friend))
}
