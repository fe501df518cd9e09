package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"parlor/define"
)

// FriendRequest is somebody's wish to be friends.
type FriendRequest struct {
	Identity  string `bson:"_id"`
	From      string `bson:"from"`
	To        string `bson:"to"`
	Pair      string `bson:"pair"` // as Pair gives it: one pair has at most one open request
	Message   string `bson:"message"`
	Group     string `bson:"group,omitempty"` // where From wants the friend to stand
	State     string `bson:"state"`
	CreatedAt int64  `bson:"created_at"`
	UpdatedAt int64  `bson:"updated_at"`
}

// Pair names two users whatever their order: both identities, sorted, joined by a colon.
func Pair(a, b string) string {
	if a > b {
		a, b = b, a
	}
	return a + ":" + b
}

// FriendRequests is the collection `friend_request`.
type FriendRequests struct{ c *mongo.Collection }

// Insert adds a request; ErrDuplicate where the pair has an open one.
func (f FriendRequests) Insert(ctx context.Context, request *FriendRequest) error {
	_, err := f.c.InsertOne(ctx, request)
	return wrap(err)
}

// Get returns one request.
func (f FriendRequests) Get(ctx context.Context, identity string) (FriendRequest, error) {
	return findOne[FriendRequest](ctx, f.c, bson.D{{Key: "_id", Value: identity}})
}

// Open returns the open request of a pair.
func (f FriendRequests) Open(ctx context.Context, pair string) (FriendRequest, error) {
	return findOne[FriendRequest](ctx, f.c, bson.D{{Key: "pair", Value: pair}, {Key: "state", Value: define.RequestPending}})
}

// Page returns requests to a user (in) or from him, newest first, before the identity `before` ("" is from the newest).
func (f FriendRequests) Page(ctx context.Context, user string, in bool, before string, limit int) ([]FriendRequest, error) {
	key := "from"
	if in {
		key = "to"
	}
	filter := bson.D{{Key: key, Value: user}}
	if before != "" {
		filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$lt", Value: before}}})
	}
	return findAll[FriendRequest](ctx, f.c, filter, page(bson.D{{Key: "_id", Value: -1}}, limit))
}

// Answer moves an open request to another state; ErrNotFound where it is not open any more.
func (f FriendRequests) Answer(ctx context.Context, identity, state string, at int64) (FriendRequest, error) {
	return changeOne[FriendRequest](ctx, f.c, bson.D{{Key: "_id", Value: identity}, {Key: "state", Value: define.RequestPending}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "state", Value: state}, {Key: "updated_at", Value: at}}}})
}
