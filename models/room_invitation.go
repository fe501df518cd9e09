package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"parlor/define"
)

// RoomInvitation is somebody's way into a group that waits for the approval of its owner or an admin, or for the
// invitee's own consent. Who asks to join by himself is both inviter and invitee.
type RoomInvitation struct {
	Identity     string `bson:"_id"` // UUIDv7: in the order of asking
	RoomIdentity string `bson:"room_identity"`
	Inviter      string `bson:"inviter"`
	Invitee      string `bson:"invitee"`
	Message      string `bson:"message"`
	Awaits       string `bson:"awaits"`     // define.Awaits…; empty is approval
	State        string `bson:"state"`      // define.Invitation…
	DecidedBy    string `bson:"decided_by"` // empty while it is pending
	CreatedAt    int64  `bson:"created_at"`
	UpdatedAt    int64  `bson:"updated_at"`
}

// RoomInvitations is the collection `room_invitation`.
type RoomInvitations struct{ c *mongo.Collection }

// Insert adds an invitation; ErrDuplicate where the invitee has a pending one of this room.
func (r RoomInvitations) Insert(ctx context.Context, invitation *RoomInvitation) error {
	_, err := r.c.InsertOne(ctx, invitation)
	return wrap(err)
}

// Get returns one invitation.
func (r RoomInvitations) Get(ctx context.Context, identity string) (RoomInvitation, error) {
	return findOne[RoomInvitation](ctx, r.c, bson.D{{Key: "_id", Value: identity}})
}

// Pending returns the pending invitation of somebody into a room.
func (r RoomInvitations) Pending(ctx context.Context, room, invitee string) (RoomInvitation, error) {
	return findOne[RoomInvitation](ctx, r.c, bson.D{
		{Key: "room_identity", Value: room}, {Key: "invitee", Value: invitee}, {Key: "state", Value: define.InvitationPending},
	})
}

// Page returns the invitations of a room, newest first, before the identity `before` ("" is from the newest).
func (r RoomInvitations) Page(ctx context.Context, room, before string, limit int) ([]RoomInvitation, error) {
	filter := bson.D{{Key: "room_identity", Value: room}}
	if before != "" {
		filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$lt", Value: before}}})
	}
	return findAll[RoomInvitation](ctx, r.c, filter, page(bson.D{{Key: "_id", Value: -1}}, limit))
}

// Awaiting returns the pending invitations of somebody that wait for his consent, newest first, before the identity
// `before` ("" is from the newest).
func (r RoomInvitations) Awaiting(ctx context.Context, invitee, before string, limit int) ([]RoomInvitation, error) {
	filter := bson.D{
		{Key: "invitee", Value: invitee}, {Key: "state", Value: define.InvitationPending}, {Key: "awaits", Value: define.AwaitsConsent},
	}
	if before != "" {
		filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$lt", Value: before}}})
	}
	return findAll[RoomInvitation](ctx, r.c, filter, page(bson.D{{Key: "_id", Value: -1}}, limit))
}

// PendingOf returns the pending invitations of people into a room.
func (r RoomInvitations) PendingOf(ctx context.Context, room string, invitees []string) ([]RoomInvitation, error) {
	return findAll[RoomInvitation](ctx, r.c, bson.D{
		{Key: "room_identity", Value: room}, {Key: "invitee", Value: bson.D{{Key: "$in", Value: invitees}}}, {Key: "state", Value: define.InvitationPending},
	})
}

// Waiting returns all pending invitations of somebody.
func (r RoomInvitations) Waiting(ctx context.Context, invitee string) ([]RoomInvitation, error) {
	return findAll[RoomInvitation](ctx, r.c, bson.D{{Key: "invitee", Value: invitee}, {Key: "state", Value: define.InvitationPending}})
}

// Close declines all pending invitations of a room that is no more.
func (r RoomInvitations) Close(ctx context.Context, room, by string, at int64) error {
	filter := bson.D{{Key: "room_identity", Value: room}, {Key: "state", Value: define.InvitationPending}}
	_, err := r.c.UpdateMany(ctx, filter, decision(define.InvitationDeclined, by, at))
	return wrap(err)
}

func decision(state, by string, at int64) bson.D {
	return bson.D{{Key: "$set", Value: bson.D{{Key: "state", Value: state}, {Key: "decided_by", Value: by}, {Key: "updated_at", Value: at}}}}
}

// Decide moves a pending invitation to another state; ErrNotFound where it is not pending any more.
func (r RoomInvitations) Decide(ctx context.Context, identity, state, by string, at int64) (RoomInvitation, error) {
	return changeOne[RoomInvitation](ctx, r.c, bson.D{{Key: "_id", Value: identity}, {Key: "state", Value: define.InvitationPending}}, decision(state, by, at))
}
