package models

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Session is one login. ExpiresAt is a date, since MongoDB deletes the document when it has passed.
type Session struct {
	Identity     string    `bson:"_id"` // the token's jti
	UserIdentity string    `bson:"user_identity"`
	Device       string    `bson:"device"`
	IP           string    `bson:"ip"`
	CreatedAt    int64     `bson:"created_at"`
	SeenAt       int64     `bson:"seen_at"`
	ExpiresAt    time.Time `bson:"expires_at"`
	Number       string    `bson:"number,omitempty"` // the hash of its numeric token, where it has one
	// Unlocked says until when this session may read rooms that its user has locked.
	Unlocked map[string]int64 `bson:"unlocked,omitempty"`
}

// Sessions is the collection `session`.
type Sessions struct{ c *mongo.Collection }

// Insert adds a session.
func (s Sessions) Insert(ctx context.Context, session *Session) error {
	_, err := s.c.InsertOne(ctx, session)
	return wrap(err)
}

// Get returns one session. It may have expired: MongoDB deletes about once a minute.
func (s Sessions) Get(ctx context.Context, identity string) (Session, error) {
	return findOne[Session](ctx, s.c, bson.D{{Key: "_id", Value: identity}})
}

// ByUser returns a user's sessions, oldest first, that come after the identity `after`.
func (s Sessions) ByUser(ctx context.Context, user, after string, limit int) ([]Session, error) {
	filter := bson.D{{Key: "user_identity", Value: user}, {Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}
	return findAll[Session](ctx, s.c, filter, page(bson.D{{Key: "_id", Value: 1}}, limit))
}

// Seen notes when and from where a session was last used.
func (s Sessions) Seen(ctx context.Context, identity, ip string, at int64) error {
	_, err := s.c.UpdateOne(ctx, bson.D{{Key: "_id", Value: identity}}, bson.D{{Key: "$set", Value: bson.D{{Key: "seen_at", Value: at}, {Key: "ip", Value: ip}}}})
	return wrap(err)
}

// Renew moves the end of a session; ErrNotFound where it is over.
func (s Sessions) Renew(ctx context.Context, identity string, expires time.Time) (Session, error) {
	return changeOne[Session](ctx, s.c, bson.D{{Key: "_id", Value: identity}}, bson.D{{Key: "$set", Value: bson.D{{Key: "expires_at", Value: expires}}}})
}

// Unlock lets a session read a locked room until a moment; ErrNotFound where the session is over.
func (s Sessions) Unlock(ctx context.Context, identity, room string, until int64) error {
	_, err := changeOne[Session](ctx, s.c, bson.D{{Key: "_id", Value: identity}}, bson.D{{Key: "$set", Value: bson.D{{Key: "unlocked." + room, Value: until}}}})
	return err
}

// SetNumber gives a session the hash of another numeric token; ErrNotFound where the session is over.
func (s Sessions) SetNumber(ctx context.Context, identity, hash string) error {
	_, err := changeOne[Session](ctx, s.c, bson.D{{Key: "_id", Value: identity}}, bson.D{{Key: "$set", Value: bson.D{{Key: "number", Value: hash}}}})
	return err
}

// ByNumber returns the session of a user that has a numeric token of this hash.
func (s Sessions) ByNumber(ctx context.Context, user, hash string) (Session, error) {
	return findOne[Session](ctx, s.c, bson.D{{Key: "user_identity", Value: user}, {Key: "number", Value: hash}})
}

// Lock takes back from every session of a user that it may read a locked room.
func (s Sessions) Lock(ctx context.Context, user, room string) error {
	_, err := s.c.UpdateMany(ctx, bson.D{{Key: "user_identity", Value: user}}, bson.D{{Key: "$unset", Value: bson.D{{Key: "unlocked." + room, Value: ""}}}})
	return wrap(err)
}

// Delete ends a session of a user and reports whether there was one.
func (s Sessions) Delete(ctx context.Context, user, identity string) (bool, error) {
	return deleteOne(ctx, s.c, bson.D{{Key: "_id", Value: identity}, {Key: "user_identity", Value: user}})
}
