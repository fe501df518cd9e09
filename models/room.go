package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Room is a place where something is said. Times are Unix milliseconds, 0 for never.
type Room struct {
	Identity     string       `bson:"_id"`
	Number       int64        `bson:"number"`
	Kind         string       `bson:"kind"`
	Name         string       `bson:"name"`
	Info         string       `bson:"info"`
	Avatar       string       `bson:"avatar"`
	UserIdentity string       `bson:"user_identity"`  // creator and owner
	Pair         string       `bson:"pair,omitempty"` // private rooms: as Pair gives it; unique
	LastSeq      int64        `bson:"last_seq"`
	LastMessage  *LastMessage `bson:"last_message,omitempty"`
	MemberCount  int          `bson:"member_count"`
	JoinPolicy   string       `bson:"join_policy"`
	History      string       `bson:"history"`
	CreatedAt    int64        `bson:"created_at"`
	UpdatedAt    int64        `bson:"updated_at"`
	// Silenced says of those who have left while they could not write until when they can't: coming back ends no silence.
	Silenced    map[string]int64 `bson:"silenced,omitempty"`
	ClosedAt    int64            `bson:"closed_at"` // private rooms: the two are friends no more
	DissolvedAt int64            `bson:"dissolved_at"`
}

// LastMessage is the short copy of a room's newest message.
type LastMessage struct {
	Identity     int64     `bson:"identity"`
	Seq          int64     `bson:"seq"`
	UserIdentity string    `bson:"user_identity"`
	Type         string    `bson:"type"`
	Data         string    `bson:"data"`
	Format       string    `bson:"format,omitempty"`
	File         *FileCopy `bson:"file,omitempty"`
	RecalledAt   int64     `bson:"recalled_at,omitempty"`
	CreatedAt    int64     `bson:"created_at"`
}

// Rooms is the collection `room`.
type Rooms struct{ c *mongo.Collection }

// Insert adds a room; ErrDuplicate where the pair has its private room already.
func (r Rooms) Insert(ctx context.Context, room *Room) error {
	_, err := r.c.InsertOne(ctx, room)
	return wrap(err)
}

// Get returns one room.
func (r Rooms) Get(ctx context.Context, identity string) (Room, error) {
	return findOne[Room](ctx, r.c, bson.D{{Key: "_id", Value: identity}})
}

// GetMany returns those of the rooms that exist, in no order.
func (r Rooms) GetMany(ctx context.Context, identities []string) ([]Room, error) {
	return findAll[Room](ctx, r.c, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: identities}}}}, options.Find().SetBatchSize(manyAtOnce))
}

// ByPair returns the private room of a pair.
func (r Rooms) ByPair(ctx context.Context, pair string) (Room, error) {
	return findOne[Room](ctx, r.c, bson.D{{Key: "pair", Value: pair}})
}

// ByNumber returns the room of a number.
func (r Rooms) ByNumber(ctx context.Context, number int64) (Room, error) {
	return findOne[Room](ctx, r.c, bson.D{{Key: "number", Value: number}})
}

// RoomChange names the fields to set; nil ones stay.
type RoomChange struct {
	Name       *string `bson:"name,omitempty"`
	Info       *string `bson:"info,omitempty"`
	Avatar     *string `bson:"avatar,omitempty"`
	JoinPolicy *string `bson:"join_policy,omitempty"`
	History    *string `bson:"history,omitempty"`
}

// Change sets fields of a group.
func (r Rooms) Change(ctx context.Context, identity string, change RoomChange, at int64) error {
	_, err := r.c.UpdateOne(ctx, bson.D{{Key: "_id", Value: identity}}, bson.D{{Key: "$set", Value: struct {
		RoomChange `bson:",inline"`
		UpdatedAt  int64 `bson:"updated_at"`
	}{change, at}}})
	return wrap(err)
}

// SetClosed closes a private room (at is the moment) or opens it again (at is 0).
func (r Rooms) SetClosed(ctx context.Context, identity string, at int64) error {
	return r.set(ctx, identity, bson.D{{Key: "closed_at", Value: at}})
}

// Dissolve ends a group.
func (r Rooms) Dissolve(ctx context.Context, identity string, at int64) error {
	return r.set(ctx, identity, bson.D{{Key: "dissolved_at", Value: at}, {Key: "updated_at", Value: at}})
}

// SetOwner hands a group over.
func (r Rooms) SetOwner(ctx context.Context, identity, user string, at int64) error {
	return r.set(ctx, identity, bson.D{{Key: "user_identity", Value: user}, {Key: "updated_at", Value: at}})
}

// SetMemberCount notes how many members a room has.
func (r Rooms) SetMemberCount(ctx context.Context, identity string, n int, at int64) error {
	return r.set(ctx, identity, bson.D{{Key: "member_count", Value: n}, {Key: "updated_at", Value: at}})
}

// KeepSilence notes until when somebody who leaves may not write, should he come back.
func (r Rooms) KeepSilence(ctx context.Context, identity, user string, until int64) error {
	return r.set(ctx, identity, bson.D{{Key: "silenced." + user, Value: until}})
}

// ForgetSilence drops what KeepSilence noted of users.
func (r Rooms) ForgetSilence(ctx context.Context, identity string, users []string) error {
	gone := make(bson.D, len(users))
	for i, user := range users {
		gone[i] = bson.E{Key: "silenced." + user, Value: ""}
	}
	_, err := r.c.UpdateOne(ctx, bson.D{{Key: "_id", Value: identity}}, bson.D{{Key: "$unset", Value: gone}})
	return wrap(err)
}

func (r Rooms) set(ctx context.Context, identity string, fields bson.D) error {
	_, err := r.c.UpdateOne(ctx, bson.D{{Key: "_id", Value: identity}}, bson.D{{Key: "$set", Value: fields}})
	return wrap(err)
}

// Advance brings rooms up to their newest messages (at most one a room). A room that is further already stays as it is.
func (r Rooms) Advance(ctx context.Context, newest []*Message) error {
	writes := make([]mongo.WriteModel, len(newest))
	for i, m := range newest {
		last := ShortCopy(m)
		writes[i] = mongo.NewUpdateOneModel().
			SetFilter(bson.D{{Key: "_id", Value: m.RoomIdentity}, {Key: "last_seq", Value: bson.D{{Key: "$lt", Value: m.Seq}}}}).
			SetUpdate(bson.D{{Key: "$set", Value: bson.D{{Key: "last_seq", Value: m.Seq}, {Key: "last_message", Value: last}, {Key: "updated_at", Value: m.CreatedAt}}}})
	}
	return bulk(ctx, r.c, writes)
}

// Reword brings the short copy of a message up to date where it is still the room's newest.
func (r Rooms) Reword(ctx context.Context, m *Message) error {
	_, err := r.c.UpdateOne(ctx, bson.D{{Key: "_id", Value: m.RoomIdentity}, {Key: "last_message.identity", Value: m.Identity}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "last_message", Value: ShortCopy(m)}}}})
	return wrap(err)
}

// ShortCopy returns what a room keeps of its newest message.
func ShortCopy(m *Message) LastMessage {
	return LastMessage{
		Identity: m.Identity, Seq: m.Seq, UserIdentity: m.UserIdentity, Type: m.Type, Data: m.Preview(), Format: m.Format, File: m.File,
		RecalledAt: m.RecalledAt, CreatedAt: m.CreatedAt,
	}
}

// bulk carries out writes that don't depend on each other.
func bulk(ctx context.Context, c *mongo.Collection, writes []mongo.WriteModel) error {
	if len(writes) == 0 {
		return nil
	}
	_, err := c.BulkWrite(ctx, writes, options.BulkWrite().SetOrdered(false))
	return wrap(err)
}
