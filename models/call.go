package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Call is a call in a room, under way or over.
type Call struct {
	Identity     string        `bson:"_id"` // UUIDv7
	RoomIdentity string        `bson:"room_identity"`
	Caller       string        `bson:"caller"` // who started it
	Media        string        `bson:"media"`  // define.Media…
	State        string        `bson:"state"`  // define.Call…
	Reason       string        `bson:"reason"` // define.Reason…, once it is over
	Participants []Participant `bson:"participants"`
	CreatedAt    int64         `bson:"created_at"`
	AnsweredAt   int64         `bson:"answered_at"` // 0 until a second one was in it
	EndedAt      int64         `bson:"ended_at"`    // 0 while it is open: a room has one such call
	Node         string        `bson:"node"`        // the process that holds it
	SeenAt       int64         `bson:"seen_at"`     // when that process last held it
}

// Participant is somebody who is called, or has joined by himself.
type Participant struct {
	UserIdentity    string `bson:"user_identity"`
	SessionIdentity string `bson:"session_identity"` // the device that is or was in the call
	State           string `bson:"state"`            // define.Participant…
	JoinedAt        int64  `bson:"joined_at"`        // 0: never
	LeftAt          int64  `bson:"left_at"`          // 0: is in it, or never was
}

// Calls is the collection `call`.
type Calls struct{ c *mongo.Collection }

// Insert adds a call; ErrDuplicate where an open one stands in its room.
func (s Calls) Insert(ctx context.Context, call *Call) error {
	_, err := s.c.InsertOne(ctx, call)
	return wrap(err)
}

// Get returns one call.
func (s Calls) Get(ctx context.Context, identity string) (Call, error) {
	return findOne[Call](ctx, s.c, bson.D{{Key: "_id", Value: identity}})
}

// Open returns the call of a room that is not over.
func (s Calls) Open(ctx context.Context, room string) (Call, error) {
	return findOne[Call](ctx, s.c, bson.D{{Key: "room_identity", Value: room}, {Key: "ended_at", Value: 0}})
}

// Save stores an open call as it is now; ErrNotFound where it is over already.
func (s Calls) Save(ctx context.Context, call *Call) error {
	result, err := s.c.ReplaceOne(ctx, bson.D{{Key: "_id", Value: call.Identity}, {Key: "ended_at", Value: 0}}, call)
	if err == nil && result.MatchedCount == 0 {
		return ErrNotFound
	}
	return wrap(err)
}

// Renew notes that open calls are still held.
func (s Calls) Renew(ctx context.Context, identities []string, at int64) error {
	_, err := s.c.UpdateMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: identities}}}, {Key: "ended_at", Value: 0}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "seen_at", Value: at}}}})
	return wrap(err)
}

// Abandoned returns open calls that nobody has held since a moment.
func (s Calls) Abandoned(ctx context.Context, before int64) ([]Call, error) {
	filter := bson.D{{Key: "ended_at", Value: 0}, {Key: "seen_at", Value: bson.D{{Key: "$lt", Value: before}}}}
	return findAll[Call](ctx, s.c, filter, options.Find().SetSort(bson.D{{Key: "seen_at", Value: 1}}))
}

// HeldBy returns the open calls of a process.
func (s Calls) HeldBy(ctx context.Context, node string) ([]Call, error) {
	return findAll[Call](ctx, s.c, bson.D{{Key: "ended_at", Value: 0}, {Key: "node", Value: node}})
}
