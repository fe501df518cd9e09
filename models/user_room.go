package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"parlor/define"
)

// UserRoom is a member of a room, with all that is his alone.
type UserRoom struct {
	Identity        string  `bson:"_id"` // UUIDv7: in the order of arrival
	UserIdentity    string  `bson:"user_identity"`
	RoomIdentity    string  `bson:"room_identity"`
	RoomKind        string  `bson:"room_kind"`
	Role            string  `bson:"role"`
	ReadSeq         int64   `bson:"read_seq"`
	ReadAt          int64   `bson:"read_at,omitempty"`        // when read_seq last moved
	MessageIdentity int64   `bson:"message_identity"`         // the last message read, 0 for none
	SinceSeq        int64   `bson:"since_seq"`                // sees nothing up to here
	ClearedSeq      int64   `bson:"cleared_seq"`              // has cleared his history up to here
	HiddenSeq       int64   `bson:"hidden_seq,omitempty"`     // the last message that he has deleted for himself
	SkippedSeqs     []int64 `bson:"skipped_seqs,omitempty"`   // unread messages that don't count: recalled, or deleted for himself
	MentionedSeqs   []int64 `bson:"mentioned_seqs,omitempty"` // unread messages that mention him
	Pinned          bool    `bson:"pinned"`
	Muted           bool    `bson:"muted"`
	Locked          bool    `bson:"locked"`
	Nickname        string  `bson:"nickname"`
	SilencedUntil   int64   `bson:"silenced_until"`
	CreatedAt       int64   `bson:"created_at"`
	UpdatedAt       int64   `bson:"updated_at"`
}

// UserRooms is the collection `user_room`.
type UserRooms struct{ c *mongo.Collection }

func membership(user, room string) bson.D {
	return bson.D{{Key: "user_identity", Value: user}, {Key: "room_identity", Value: room}}
}

// Ensure adds those of the members who are not in their room yet.
func (u UserRooms) Ensure(ctx context.Context, members []UserRoom) error {
	writes := make([]mongo.WriteModel, len(members))
	for i := range members {
		writes[i] = mongo.NewUpdateOneModel().SetUpsert(true).
			SetFilter(membership(members[i].UserIdentity, members[i].RoomIdentity)).
			SetUpdate(bson.D{{Key: "$setOnInsert", Value: &members[i]}})
	}
	_, err := u.c.BulkWrite(ctx, writes, options.BulkWrite().SetOrdered(false))
	if mongo.IsDuplicateKeyError(err) {
		return nil // somebody else added a member at the same moment
	}
	return wrap(err)
}

// Get returns one member of a room.
func (u UserRooms) Get(ctx context.Context, user, room string) (UserRoom, error) {
	return findOne[UserRoom](ctx, u.c, membership(user, room))
}

// ByUser returns every room of a user, in the order of their identities.
func (u UserRooms) ByUser(ctx context.Context, user string) ([]UserRoom, error) {
	return findAll[UserRoom](ctx, u.c, bson.D{{Key: "user_identity", Value: user}}, options.Find().SetSort(bson.D{{Key: "room_identity", Value: 1}}).SetBatchSize(manyAtOnce))
}

// ByRoom returns every member of a room in the order of arrival.
func (u UserRooms) ByRoom(ctx context.Context, room string) ([]UserRoom, error) {
	return findAll[UserRoom](ctx, u.c, bson.D{{Key: "room_identity", Value: room}}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
}

// ByRooms returns every member of some rooms, room by room in the order of arrival.
func (u UserRooms) ByRooms(ctx context.Context, rooms []string) ([]UserRoom, error) {
	order := bson.D{{Key: "room_identity", Value: 1}, {Key: "_id", Value: 1}}
	return findAll[UserRoom](ctx, u.c, bson.D{{Key: "room_identity", Value: bson.D{{Key: "$in", Value: rooms}}}}, options.Find().SetSort(order))
}

// Among returns a user's side of those of the rooms that he is in, in no order.
func (u UserRooms) Among(ctx context.Context, user string, rooms []string) ([]UserRoom, error) {
	return findAll[UserRoom](ctx, u.c, bson.D{{Key: "user_identity", Value: user}, {Key: "room_identity", Value: bson.D{{Key: "$in", Value: rooms}}}})
}

// Some returns those of the users who are in a room, in no order.
func (u UserRooms) Some(ctx context.Context, room string, users []string) ([]UserRoom, error) {
	return findAll[UserRoom](ctx, u.c, bson.D{{Key: "room_identity", Value: room}, {Key: "user_identity", Value: bson.D{{Key: "$in", Value: users}}}})
}

// Page returns members of a room in the order of arrival, after the identity `after`; of one role where role is not empty.
func (u UserRooms) Page(ctx context.Context, room, role, after string, limit int) ([]UserRoom, error) {
	filter := bson.D{{Key: "room_identity", Value: room}, {Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}
	if role != "" {
		filter = append(filter, bson.E{Key: "role", Value: role})
	}
	return findAll[UserRoom](ctx, u.c, filter, page(bson.D{{Key: "_id", Value: 1}}, limit))
}

// SetRole gives a member another role.
func (u UserRooms) SetRole(ctx context.Context, user, room, role string, at int64) error {
	_, err := u.c.UpdateOne(ctx, membership(user, room), bson.D{{Key: "$set", Value: bson.D{{Key: "role", Value: role}, {Key: "updated_at", Value: at}}}})
	return wrap(err)
}

// SetSilenced keeps a member from writing until a moment; 0 lets him write.
func (u UserRooms) SetSilenced(ctx context.Context, user, room string, until, at int64) error {
	_, err := u.c.UpdateOne(ctx, membership(user, room), bson.D{{Key: "$set", Value: bson.D{{Key: "silenced_until", Value: until}, {Key: "updated_at", Value: at}}}})
	return wrap(err)
}

// MemberChange names the fields of a member's own side of a room to set; nil ones stay.
type MemberChange struct {
	Pinned   *bool   `bson:"pinned,omitempty"`
	Muted    *bool   `bson:"muted,omitempty"`
	Locked   *bool   `bson:"locked,omitempty"`
	Nickname *string `bson:"nickname,omitempty"`
}

// Change sets fields of a member and returns him as he is afterwards.
func (u UserRooms) Change(ctx context.Context, user, room string, change MemberChange, at int64) (UserRoom, error) {
	return changeOne[UserRoom](ctx, u.c, membership(user, room), bson.D{{Key: "$set", Value: struct {
		MemberChange `bson:",inline"`
		UpdatedAt    int64 `bson:"updated_at"`
	}{change, at}}})
}

// Delete takes a member out of a room and reports whether he was in it.
func (u UserRooms) Delete(ctx context.Context, user, room string) (bool, error) {
	return deleteOne(ctx, u.c, membership(user, room))
}

// Read is how far a member has read.
type Read struct {
	UserIdentity    string
	RoomIdentity    string
	Seq             int64
	MessageIdentity int64
	At              int64
}

// unread finds a member who has not read as far as r yet, and forward brings him there.
func (r *Read) unread() bson.D {
	return append(membership(r.UserIdentity, r.RoomIdentity), bson.E{Key: "read_seq", Value: bson.D{{Key: "$lt", Value: r.Seq}}})
}

func (r *Read) forward() bson.D {
	return bson.D{
		{Key: "$set", Value: bson.D{{Key: "read_seq", Value: r.Seq}, {Key: "message_identity", Value: r.MessageIdentity}, {Key: "read_at", Value: r.At}, {Key: "updated_at", Value: r.At}}},
		{Key: "$pull", Value: upTo(r.Seq)},
	}
}

// upTo takes the numbers up to seq out of what is remembered of unread messages.
func upTo(seq int64) bson.D {
	read := bson.D{{Key: "$lte", Value: seq}}
	return bson.D{{Key: "skipped_seqs", Value: read}, {Key: "mentioned_seqs", Value: read}}
}

// Read moves one read position forward and returns the member; ErrNotFound where he has read as far already.
func (u UserRooms) Read(ctx context.Context, r Read) (UserRoom, error) {
	return changeOne[UserRoom](ctx, u.c, r.unread(), r.forward())
}

// AdvanceReads moves read positions forward. One that is further already stays as it is.
func (u UserRooms) AdvanceReads(ctx context.Context, reads []Read) error {
	writes := make([]mongo.WriteModel, len(reads))
	for i := range reads {
		writes[i] = mongo.NewUpdateOneModel().SetFilter(reads[i].unread()).SetUpdate(reads[i].forward())
	}
	return bulk(ctx, u.c, writes)
}

// Mention notes a message for those of the users who have not read it yet, as its sender has; for every member where
// users is nil. A message that is noted already is not noted again.
func (u UserRooms) Mention(ctx context.Context, room string, seq int64, users []string) error {
	filter := bson.D{{Key: "room_identity", Value: room}}
	if users != nil {
		filter = append(filter, bson.E{Key: "user_identity", Value: bson.D{{Key: "$in", Value: users}}})
	}
	filter = append(filter, bson.E{Key: "read_seq", Value: bson.D{{Key: "$lt", Value: seq}}}, bson.E{Key: "mentioned_seqs", Value: bson.D{{Key: "$ne", Value: seq}}})
	newest := bson.D{{Key: "$each", Value: bson.A{seq}}, {Key: "$slice", Value: -define.MentionedMax}}
	_, err := u.c.UpdateMany(ctx, filter, bson.D{{Key: "$push", Value: bson.D{{Key: "mentioned_seqs", Value: newest}}}})
	return wrap(err)
}

// Skip takes a message out of the unread ones of every member who has not read it; of one member where user is not empty.
func (u UserRooms) Skip(ctx context.Context, room string, seq int64, user string) error {
	filter := bson.D{{Key: "room_identity", Value: room}}
	if user != "" {
		filter = membership(user, room)
	}
	filter = append(filter, bson.E{Key: "read_seq", Value: bson.D{{Key: "$lt", Value: seq}}})
	_, err := u.c.UpdateMany(ctx, filter, bson.D{
		{Key: "$addToSet", Value: bson.D{{Key: "skipped_seqs", Value: seq}}},
		{Key: "$pull", Value: bson.D{{Key: "mentioned_seqs", Value: seq}}},
	})
	return wrap(err)
}

// Hide takes a message that one member has deleted for himself out of his unread ones, and notes it as hidden_seq where
// no later one is.
func (u UserRooms) Hide(ctx context.Context, user, room string, seq int64) error {
	_, err := u.c.UpdateOne(ctx, membership(user, room), bson.D{{Key: "$max", Value: bson.D{{Key: "hidden_seq", Value: seq}}}})
	if err != nil {
		return wrap(err)
	}
	return u.Skip(ctx, room, seq, user)
}

// Clear takes the history of a room up to seq away from one member, who has then read it too, and returns him.
func (u UserRooms) Clear(ctx context.Context, user, room string, seq, message, at int64) (UserRoom, error) {
	return changeOne[UserRoom](ctx, u.c, membership(user, room), bson.D{
		{Key: "$max", Value: bson.D{{Key: "cleared_seq", Value: seq}, {Key: "read_seq", Value: seq}, {Key: "message_identity", Value: message}}},
		{Key: "$set", Value: bson.D{{Key: "updated_at", Value: at}}},
		{Key: "$pull", Value: upTo(seq)},
	})
}
