package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Notification tells a user what has happened to him. It never holds what was said in a room.
type Notification struct {
	Identity  int64               `bson:"_id"`
	Receiver  string              `bson:"receiver"`
	Sender    string              `bson:"sender"` // who caused it
	Kind      string              `bson:"kind"`   // define.Notify…
	Content   NotificationContent `bson:"content"`
	IsRead    bool                `bson:"is_read"`
	CreatedAt int64               `bson:"created_at"`
}

// NotificationContent names what a notification is about; which fields are there follows from its kind.
type NotificationContent struct {
	Room         string `bson:"room,omitempty"`
	Message      int64  `bson:"message,omitempty"`
	Request      string `bson:"request,omitempty"`
	Invitation   string `bson:"invitation,omitempty"`
	Announcement string `bson:"announcement,omitempty"`
	Role         string `bson:"role,omitempty"`
	State        string `bson:"state,omitempty"`
	Awaits       string `bson:"awaits,omitempty"`
}

// Notifications is the collection `notification`.
type Notifications struct{ c *mongo.Collection }

// InsertMany adds notifications.
func (n Notifications) InsertMany(ctx context.Context, notifications []Notification) error {
	_, err := n.c.InsertMany(ctx, notifications)
	return wrap(err)
}

// Page returns a user's notifications, newest first, before the identity `before` (0 is from the newest).
func (n Notifications) Page(ctx context.Context, user string, before int64, limit int) ([]Notification, error) {
	filter := bson.D{{Key: "receiver", Value: user}}
	if before > 0 {
		filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$lt", Value: before}}})
	}
	return findAll[Notification](ctx, n.c, filter, page(bson.D{{Key: "_id", Value: -1}}, limit))
}

// Get returns one notification of a user.
func (n Notifications) Get(ctx context.Context, user string, identity int64) (Notification, error) {
	return findOne[Notification](ctx, n.c, bson.D{{Key: "_id", Value: identity}, {Key: "receiver", Value: user}})
}

// Delete takes a notification of a user away and reports whether there was one.
func (n Notifications) Delete(ctx context.Context, user string, identity int64) (bool, error) {
	return deleteOne(ctx, n.c, bson.D{{Key: "_id", Value: identity}, {Key: "receiver", Value: user}})
}

// Read marks notifications of a user as read: those with the identities, or all where identities is nil.
func (n Notifications) Read(ctx context.Context, user string, identities []int64) error {
	filter := bson.D{{Key: "receiver", Value: user}, {Key: "is_read", Value: false}}
	if identities != nil {
		filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$in", Value: identities}}})
	}
	_, err := n.c.UpdateMany(ctx, filter, bson.D{{Key: "$set", Value: bson.D{{Key: "is_read", Value: true}}}})
	return wrap(err)
}
