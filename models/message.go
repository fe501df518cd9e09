package models

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"parlor/define"
)

// Message is something that was said in a room. Its place in the room is Seq: 1, 2, 3 … without a gap. A recalled one
// has lost all that was said, and keeps its place.
type Message struct {
	Identity      int64           `bson:"_id"` // unique and below 2^53
	RoomIdentity  string          `bson:"room_identity"`
	Seq           int64           `bson:"seq"`
	UserIdentity  string          `bson:"user_identity"`
	Type          string          `bson:"type"`
	Data          string          `bson:"data"`
	Format        string          `bson:"format,omitempty"` // of the data: empty is plain text
	File          *FileCopy       `bson:"file,omitempty"`
	Files         []string        `bson:"files,omitempty"`         // identities of the files in it: its own, and those of its merged copies
	Transcription *Transcription  `bson:"transcription,omitempty"` // of what is said in the file, once somebody has asked for it
	ReplyTo       int64           `bson:"reply_to,omitempty"`
	Merged        []MergedMessage `bson:"merged,omitempty"`
	ForwardedFrom *ForwardedFrom  `bson:"forwarded_from,omitempty"`
	Mentions      []string        `bson:"mentions,omitempty"`
	ClientID      string          `bson:"client_id,omitempty"` // the sender's own id of the send: unique for sender and room
	Reactions     []Reaction      `bson:"reactions,omitempty"`
	HiddenFor     []string        `bson:"hidden_for,omitempty"` // who has deleted it for himself
	EditedAt      int64           `bson:"edited_at,omitempty"`
	RecalledAt    int64           `bson:"recalled_at,omitempty"`
	RecalledBy    string          `bson:"recalled_by,omitempty"`
	CreatedAt     int64           `bson:"created_at"`
	UpdatedAt     int64           `bson:"updated_at"`
}

// MergedMessage is a copy of a message in a merged forward, as it was when it was forwarded.
type MergedMessage struct {
	UserIdentity string          `bson:"user_identity"`
	Type         string          `bson:"type"`
	Data         string          `bson:"data"`
	File         *FileCopy       `bson:"file,omitempty"`
	Merged       []MergedMessage `bson:"merged,omitempty"`
	CreatedAt    int64           `bson:"created_at"`
}

// Transcription is what is said in a recording. Language is empty where nobody knows it.
type Transcription struct {
	Text     string `bson:"text"`
	Language string `bson:"language"`
}

// ForwardedFrom says which message a forwarded one repeats, and who said it first.
type ForwardedFrom struct {
	Identity     int64  `bson:"identity"`
	UserIdentity string `bson:"user_identity"`
}

// Reaction is an emoji with the members who have set it.
type Reaction struct {
	Emoji string   `bson:"emoji"`
	Users []string `bson:"users"`
}

// Preview returns what last_message holds of the text and a reply quotes: its beginning. Of a system message it is all,
// since a part of a JSON object could not be read.
func (m *Message) Preview() string {
	if m.Type == define.MessageSystem || utf8.RuneCountInString(m.Data) <= define.PreviewMax {
		return m.Data
	}
	return string([]rune(m.Data)[:define.PreviewMax])
}

// Messages is the collection `message`.
type Messages struct{ c *mongo.Collection }

// InsertBatch writes messages with one ordered insert and returns how many from the first on are stored. Where a unique
// index has refused the one after them, the error is ErrDuplicate; after any other error the count is not known, and
// is -1.
func (m Messages) InsertBatch(ctx context.Context, batch []*Message) (int, error) {
	_, err := m.c.InsertMany(ctx, batch)
	if err == nil {
		return len(batch), nil
	}
	var bulk mongo.BulkWriteException
	if errors.As(err, &bulk) && bulk.WriteConcernError == nil && len(bulk.WriteErrors) == 1 && mongo.IsDuplicateKeyError(err) {
		return bulk.WriteErrors[0].Index, ErrDuplicate
	}
	return -1, wrap(err)
}

// Get returns one message.
func (m Messages) Get(ctx context.Context, identity int64) (Message, error) {
	return findOne[Message](ctx, m.c, bson.D{{Key: "_id", Value: identity}})
}

// GetMany returns those of the messages that exist, in no particular order.
func (m Messages) GetMany(ctx context.Context, identities []int64) ([]Message, error) {
	return findAll[Message](ctx, m.c, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: identities}}}})
}

// Span is a part of a room, both ends included.
type Span struct {
	Room     string
	From, To int64 // seq
}

// InSpans returns the messages of parts of rooms, in no order.
func (m Messages) InSpans(ctx context.Context, spans []Span) ([]Message, error) {
	parts := make(bson.A, len(spans))
	for i, s := range spans {
		parts[i] = bson.D{{Key: "room_identity", Value: s.Room}, {Key: "seq", Value: bson.D{{Key: "$gte", Value: s.From}, {Key: "$lte", Value: s.To}}}}
	}
	return findAll[Message](ctx, m.c, bson.D{{Key: "$or", Value: parts}})
}

// BySeq returns the message at one place of a room.
func (m Messages) BySeq(ctx context.Context, room string, seq int64) (Message, error) {
	return findOne[Message](ctx, m.c, bson.D{{Key: "room_identity", Value: room}, {Key: "seq", Value: seq}})
}

// ByClientID returns what a sender stored in a room under his own id of the send.
func (m Messages) ByClientID(ctx context.Context, room, user, clientID string) (Message, error) {
	return findOne[Message](ctx, m.c, bson.D{{Key: "room_identity", Value: room}, {Key: "user_identity", Value: user}, {Key: "client_id", Value: clientID}})
}

// Last returns the newest message of a room.
func (m Messages) Last(ctx context.Context, room string) (Message, error) {
	return findOne[Message](ctx, m.c, bson.D{{Key: "room_identity", Value: room}}, options.FindOne().SetSort(bson.D{{Key: "seq", Value: -1}}))
}

// Before returns messages of a room with floor < seq < before that user has not deleted for himself, newest first.
func (m Messages) Before(ctx context.Context, room, user string, floor, before int64, limit int) ([]Message, error) {
	return m.between(ctx, room, user, bson.D{{Key: "$gt", Value: floor}, {Key: "$lt", Value: before}}, -1, limit)
}

// After returns messages of a room with seq > after that user has not deleted for himself, oldest first.
func (m Messages) After(ctx context.Context, room, user string, after int64, limit int) ([]Message, error) {
	return m.between(ctx, room, user, bson.D{{Key: "$gt", Value: after}}, 1, limit)
}

func (m Messages) between(ctx context.Context, room, user string, seq bson.D, direction, limit int) ([]Message, error) {
	filter := bson.D{{Key: "room_identity", Value: room}, {Key: "seq", Value: seq}, {Key: "hidden_for", Value: bson.D{{Key: "$ne", Value: user}}}}
	return findAll[Message](ctx, m.c, filter, page(bson.D{{Key: "seq", Value: direction}}, limit).SetBatchSize(int32(limit)))
}

// Newest returns the messages with the highest identities of all rooms, newest first.
func (m Messages) Newest(ctx context.Context, limit int) ([]Message, error) {
	return findAll[Message](ctx, m.c, bson.D{}, page(bson.D{{Key: "_id", Value: -1}}, limit))
}

// Place is where a message stands, and who does not see it there.
type Place struct {
	RoomIdentity string   `bson:"room_identity"`
	Seq          int64    `bson:"seq"`
	HiddenFor    []string `bson:"hidden_for"`
}

// PlacesOfFile returns where a file was sent and not recalled, in any order; only in some rooms where rooms is not nil.
func (m Messages) PlacesOfFile(ctx context.Context, file string, rooms []string, limit int) ([]Place, error) {
	filter := bson.D{{Key: "files", Value: file}}
	if rooms != nil {
		filter = append(filter, bson.E{Key: "room_identity", Value: bson.D{{Key: "$in", Value: rooms}}})
	}
	fields := bson.D{{Key: "room_identity", Value: 1}, {Key: "seq", Value: 1}, {Key: "hidden_for", Value: 1}}
	return findAll[Place](ctx, m.c, filter, options.Find().SetProjection(fields).SetLimit(int64(limit)))
}

// HasFile reports whether a file stands in any message.
func (m Messages) HasFile(ctx context.Context, file string) (bool, error) {
	return exists(ctx, m.c, bson.D{{Key: "files", Value: file}})
}

// said finds a message that was not recalled.
func said(identity int64) bson.D {
	return bson.D{{Key: "_id", Value: identity}, {Key: "recalled_at", Value: bson.D{{Key: "$exists", Value: false}}}}
}

// Edit puts another, plain text into a message; ErrNotFound where it has been recalled.
func (m Messages) Edit(ctx context.Context, identity int64, data string, at int64) (Message, error) {
	return changeOne[Message](ctx, m.c, said(identity), bson.D{
		{Key: "$set", Value: bson.D{{Key: "data", Value: data}, {Key: "edited_at", Value: at}, {Key: "updated_at", Value: at}}},
		{Key: "$unset", Value: bson.D{{Key: "format", Value: ""}}},
	})
}

// Transcribe keeps what is said in a message; ErrNotFound where it has been recalled.
func (m Messages) Transcribe(ctx context.Context, identity int64, t Transcription) (Message, error) {
	return changeOne[Message](ctx, m.c, said(identity), bson.D{{Key: "$set", Value: bson.D{{Key: "transcription", Value: t}}}})
}

// Recall takes out of a message all that was said; ErrNotFound where that has been done already.
func (m Messages) Recall(ctx context.Context, identity int64, by string, at int64) (Message, error) {
	gone := bson.D{}
	for _, field := range []string{"format", "file", "files", "transcription", "reply_to", "merged", "forwarded_from", "mentions", "reactions", "edited_at"} {
		gone = append(gone, bson.E{Key: field, Value: ""})
	}
	return changeOne[Message](ctx, m.c, said(identity), bson.D{
		{Key: "$set", Value: bson.D{{Key: "data", Value: ""}, {Key: "recalled_at", Value: at}, {Key: "recalled_by", Value: by}, {Key: "updated_at", Value: at}}},
		{Key: "$unset", Value: gone},
	})
}

// Hide deletes a message for one member.
func (m Messages) Hide(ctx context.Context, identity int64, user string) error {
	_, err := m.c.UpdateOne(ctx, bson.D{{Key: "_id", Value: identity}}, bson.D{{Key: "$addToSet", Value: bson.D{{Key: "hidden_for", Value: user}}}})
	return wrap(err)
}

// AddReaction sets an emoji for a user and returns the message; ErrNotFound where it was recalled, or has `most` other
// emoji already.
func (m Messages) AddReaction(ctx context.Context, identity int64, emoji, user string, most int, at int64) (Message, error) {
	updated := bson.E{Key: "$set", Value: bson.D{{Key: "updated_at", Value: at}}}
	join := append(said(identity), bson.E{Key: "reactions.emoji", Value: emoji})
	message, err := changeOne[Message](ctx, m.c, join, bson.D{{Key: "$addToSet", Value: bson.D{{Key: "reactions.$.users", Value: user}}}, updated})
	if !errors.Is(err, ErrNotFound) {
		return message, err
	}
	// Nobody has set this emoji: the condition keeps two who set it at the same moment from making it twice.
	first := append(said(identity),
		bson.E{Key: "reactions.emoji", Value: bson.D{{Key: "$ne", Value: emoji}}},
		bson.E{Key: fmt.Sprintf("reactions.%d", most-1), Value: bson.D{{Key: "$exists", Value: false}}})
	message, err = changeOne[Message](ctx, m.c, first, bson.D{{Key: "$push", Value: bson.D{{Key: "reactions", Value: Reaction{Emoji: emoji, Users: []string{user}}}}}, updated})
	if !errors.Is(err, ErrNotFound) {
		return message, err
	}
	return changeOne[Message](ctx, m.c, join, bson.D{{Key: "$addToSet", Value: bson.D{{Key: "reactions.$.users", Value: user}}}, updated})
}

// RemoveReaction takes an emoji of a user away and returns the message; ErrNotFound where he has not set it.
func (m Messages) RemoveReaction(ctx context.Context, identity int64, emoji, user string, at int64) (Message, error) {
	set := bson.D{{Key: "_id", Value: identity}, {Key: "reactions", Value: bson.D{{Key: "$elemMatch", Value: bson.D{{Key: "emoji", Value: emoji}, {Key: "users", Value: user}}}}}}
	message, err := changeOne[Message](ctx, m.c, set, bson.D{
		{Key: "$pull", Value: bson.D{{Key: "reactions.$.users", Value: user}}},
		{Key: "$set", Value: bson.D{{Key: "updated_at", Value: at}}},
	})
	if err != nil {
		return message, err
	}
	return changeOne[Message](ctx, m.c, bson.D{{Key: "_id", Value: identity}},
		bson.D{{Key: "$pull", Value: bson.D{{Key: "reactions", Value: bson.D{{Key: "users", Value: bson.D{{Key: "$size", Value: 0}}}}}}}})
}
