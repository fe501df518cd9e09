package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Announcement is what the owner or an admin wants every member to know. It stands in the room too, as a message of
// type `notice`.
type Announcement struct {
	Identity        string `bson:"_id"` // UUIDv7: in the order of publication
	RoomIdentity    string `bson:"room_identity"`
	UserIdentity    string `bson:"user_identity"`
	MessageIdentity int64  `bson:"message_identity"` // the notice
	Content         string `bson:"content"`
	CreatedAt       int64  `bson:"created_at"`
}

// Announcements is the collection `announcement`.
type Announcements struct{ c *mongo.Collection }

// Insert adds an announcement.
func (a Announcements) Insert(ctx context.Context, announcement *Announcement) error {
	_, err := a.c.InsertOne(ctx, announcement)
	return wrap(err)
}

// Get returns one announcement.
func (a Announcements) Get(ctx context.Context, identity string) (Announcement, error) {
	return findOne[Announcement](ctx, a.c, bson.D{{Key: "_id", Value: identity}})
}

// ByMessage returns the announcement that stands in its room as a message.
func (a Announcements) ByMessage(ctx context.Context, message int64) (Announcement, error) {
	return findOne[Announcement](ctx, a.c, bson.D{{Key: "message_identity", Value: message}})
}

// Page returns the announcements of a room, newest first, before the identity `before` ("" is from the newest).
func (a Announcements) Page(ctx context.Context, room, before string, limit int) ([]Announcement, error) {
	filter := bson.D{{Key: "room_identity", Value: room}}
	if before != "" {
		filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$lt", Value: before}}})
	}
	return findAll[Announcement](ctx, a.c, filter, page(bson.D{{Key: "_id", Value: -1}}, limit))
}

// Delete takes an announcement away and reports whether it was there.
func (a Announcements) Delete(ctx context.Context, identity string) (bool, error) {
	return deleteOne(ctx, a.c, bson.D{{Key: "_id", Value: identity}})
}

// DeleteByMessage takes away the announcement that stands in its room as a message; there may be none.
func (a Announcements) DeleteByMessage(ctx context.Context, message int64) error {
	_, err := deleteOne(ctx, a.c, bson.D{{Key: "message_identity", Value: message}})
	return err
}
