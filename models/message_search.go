package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// MessageRun is how messages are found: consecutive messages of a room with the terms of all of them. What busy rooms
// say at one moment shares a document, so that finding costs the less to keep up the more is said.
type MessageRun struct {
	Identity     int64   `bson:"_id"`
	RoomIdentity string  `bson:"room_identity"`
	FromSeq      int64   `bson:"from_seq"`
	ToSeq        int64   `bson:"to_seq"`
	ToAt         int64   `bson:"to_at"`
	Terms        []int32 `bson:"terms"` // as helper.Term gives them
}

// MessageRuns is the collection `message_search`.
type MessageRuns struct{ c *mongo.Collection }

// InsertMany adds runs; those that are there already stay.
func (m MessageRuns) InsertMany(ctx context.Context, runs []MessageRun) error {
	_, err := m.c.InsertMany(ctx, runs, options.InsertMany().SetOrdered(false))
	if mongo.IsDuplicateKeyError(err) {
		return nil
	}
	return wrap(err)
}

// EndingFrom returns the runs of a room that end at seq or later, in order and without their terms.
func (m MessageRuns) EndingFrom(ctx context.Context, room string, seq int64, limit int) ([]MessageRun, error) {
	filter := bson.D{{Key: "room_identity", Value: room}, {Key: "to_seq", Value: bson.D{{Key: "$gte", Value: seq}}}}
	return findAll[MessageRun](ctx, m.c, filter, page(bson.D{{Key: "to_seq", Value: 1}}, limit).SetProjection(withoutTerms))
}

// SetTerms gives a run other terms.
func (m MessageRuns) SetTerms(ctx context.Context, identity int64, terms []int32) error {
	_, err := m.c.UpdateOne(ctx, bson.D{{Key: "_id", Value: identity}}, bson.D{{Key: "$set", Value: bson.D{{Key: "terms", Value: terms}}}})
	return wrap(err)
}

var withoutTerms = bson.D{{Key: "terms", Value: 0}}

// RunQuery asks for runs of rooms that have one of some terms and all others, and end in a span of time, both ends included.
type RunQuery struct {
	Rooms     []string
	Any       []int32 // those by which runs are found: rare ones
	All       []int32
	From      int64
	To        int64
	Forward   bool  // oldest first; else newest first
	Unordered bool  // in no order, whatever Forward says
	Skip      int64 // the run on which to go on, at From (Forward) or To; 0 for the first
	Limit     int
}

func (q *RunQuery) filter() bson.D {
	filter := bson.D{
		{Key: "room_identity", Value: bson.D{{Key: "$in", Value: q.Rooms}}},
		{Key: "terms", Value: bson.D{{Key: "$in", Value: q.Any}}},
		{Key: "to_at", Value: bson.D{{Key: "$gte", Value: q.From}, {Key: "$lte", Value: q.To}}},
	}
	if len(q.All) > 0 {
		filter = append(filter, bson.E{Key: "$and", Value: bson.A{bson.D{{Key: "terms", Value: bson.D{{Key: "$all", Value: q.All}}}}}})
	}
	return filter
}

// byTerm is the index that serves every search, term first: what few have said is found in many rooms with few steps. It
// holds all that a search wants to know of a run, so that no run is read. A trial between it and another would only measure
// how long it takes to begin in each of many rooms.
var byTerm = bson.D{
	{Key: "terms", Value: 1}, {Key: "room_identity", Value: 1}, {Key: "to_at", Value: -1}, {Key: "from_seq", Value: 1}, {Key: "to_seq", Value: 1},
}

var byTermOnly = bson.D{
	{Key: "_id", Value: 0}, {Key: "room_identity", Value: 1}, {Key: "to_at", Value: 1}, {Key: "from_seq", Value: 1}, {Key: "to_seq", Value: 1},
}

// Find returns runs without their identities and terms.
func (m MessageRuns) Find(ctx context.Context, q RunQuery) ([]MessageRun, error) {
	o := options.Find().SetLimit(int64(q.Limit)).SetBatchSize(int32(q.Limit)).SetProjection(byTermOnly).SetSkip(q.Skip).SetHint(byTerm)
	switch {
	case q.Unordered:
	case q.Forward:
		o.SetSort(bson.D{{Key: "to_at", Value: 1}})
	default:
		o.SetSort(bson.D{{Key: "to_at", Value: -1}})
	}
	return findAll[MessageRun](ctx, m.c, q.filter(), o)
}

// Count returns how many runs of the rooms have one of some terms, at most limit.
func (m MessageRuns) Count(ctx context.Context, rooms []string, terms []int32, limit int64) (int64, error) {
	filter := bson.D{{Key: "room_identity", Value: bson.D{{Key: "$in", Value: rooms}}}, {Key: "terms", Value: bson.D{{Key: "$in", Value: terms}}}}
	n, err := m.c.CountDocuments(ctx, filter, options.Count().SetLimit(limit).SetHint(byTerm))
	return n, wrap(err)
}
