package models

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"parlor/define"
)

// index is one line of the table below. Keys that begin with a minus run backwards.
type index struct {
	collection string
	keys       []string
	unique     bool
	partial    bson.D // only the documents that match are in the index
	expires    bool   // documents go when the date in the key has passed
}

// indexes are all there are. Every query of this package is served by one of them.
var indexes = []index{
	{collection: "user", keys: []string{"account_key"}, unique: true},
	{collection: "user", keys: []string{"nickname_key", "_id"}},
	{collection: "user", keys: []string{"name_terms", "_id"}},
	{collection: "user", keys: []string{"number"}, unique: true},
	{collection: "user", keys: []string{"email"}, unique: true, partial: bson.D{{Key: "email_verified", Value: true}}},

	{collection: "session", keys: []string{"user_identity", "_id"}},
	{collection: "session", keys: []string{"expires_at"}, expires: true},

	{collection: "friendship", keys: []string{"user_identity", "friend_identity"}, unique: true},
	{collection: "friendship", keys: []string{"user_identity", "_id"}},
	{collection: "friendship", keys: []string{"user_identity", "group", "_id"}},

	// Two people have at most one open request between them, whoever asked.
	{collection: "friend_request", keys: []string{"pair"}, unique: true, partial: bson.D{{Key: "state", Value: define.RequestPending}}},
	{collection: "friend_request", keys: []string{"to", "-_id"}},
	{collection: "friend_request", keys: []string{"from", "-_id"}},
	{collection: "friend_group", keys: []string{"user_identity", "name"}, unique: true},
	{collection: "block", keys: []string{"user_identity", "blocked_identity"}, unique: true},
	{collection: "block", keys: []string{"user_identity", "_id"}},

	{collection: "room", keys: []string{"number"}, unique: true},
	{collection: "room", keys: []string{"pair"}, unique: true, partial: bson.D{{Key: "pair", Value: bson.D{{Key: "$exists", Value: true}}}}},

	{collection: "user_room", keys: []string{"user_identity", "room_identity"}, unique: true},
	{collection: "user_room", keys: []string{"room_identity", "_id"}},

	// Nobody has two pending invitations into one room.
	{collection: "room_invitation", keys: []string{"room_identity", "invitee"}, unique: true, partial: bson.D{{Key: "state", Value: define.InvitationPending}}},
	{collection: "room_invitation", keys: []string{"room_identity", "-_id"}},
	{collection: "room_invitation", keys: []string{"invitee", "-_id"}, partial: bson.D{{Key: "state", Value: define.InvitationPending}}},
	{collection: "announcement", keys: []string{"room_identity", "-_id"}},
	{collection: "announcement", keys: []string{"message_identity"}},
	{collection: "notification", keys: []string{"receiver", "-_id"}},
	{collection: "notification", keys: []string{"receiver", "_id"}, partial: bson.D{{Key: "is_read", Value: false}}},

	// A room has at most one open call.
	{collection: "call", keys: []string{"room_identity"}, unique: true, partial: bson.D{{Key: "ended_at", Value: 0}}},
	{collection: "call", keys: []string{"seen_at"}, partial: bson.D{{Key: "ended_at", Value: 0}}},
	{collection: "call", keys: []string{"node"}, partial: bson.D{{Key: "ended_at", Value: 0}}},

	{collection: "code", keys: []string{"expires_at"}, expires: true},
	{collection: "translation", keys: []string{"expires_at"}, expires: true},

	{collection: "message", keys: []string{"room_identity", "seq"}, unique: true},
	{collection: "message", keys: []string{"room_identity", "user_identity", "client_id"}, unique: true,
		partial: bson.D{{Key: "client_id", Value: bson.D{{Key: "$exists", Value: true}}}}},
	{collection: "message", keys: []string{"files", "room_identity"}, partial: present("files")},
	{collection: "message_search", keys: []string{"terms", "room_identity", "-to_at", "from_seq", "to_seq"}}, // byTerm
	{collection: "message_search", keys: []string{"room_identity", "to_seq"}},

	{collection: "file", keys: []string{"sha256"}},
	{collection: "file", keys: []string{"loose_since"}, partial: present("loose_since")},
	{collection: "blob", keys: []string{"content"}},
	{collection: "blob", keys: []string{"small"}, partial: present("small")},
	{collection: "stray", keys: []string{"created_at"}},
	// Those that GridFS prescribes.
	{collection: "fs.files", keys: []string{"filename", "uploadDate"}},
	{collection: "fs.chunks", keys: []string{"files_id", "n"}, unique: true},
}

// present finds the documents that have a field.
func present(field string) bson.D {
	return bson.D{{Key: field, Value: bson.D{{Key: "$exists", Value: true}}}}
}

// retired are indexes of earlier versions, which would only cost writes.
var retired = []index{
	{collection: "message_search", keys: []string{"room_identity", "terms", "to_at"}},
}

// makeIndexes makes those that are missing, and drops the retired ones when those in their place stand. A MongoDB answers
// at once where an index stands already.
func (s *Store) makeIndexes(ctx context.Context) error {
	byCollection := map[string][]mongo.IndexModel{}
	for _, i := range indexes {
		byCollection[i.collection] = append(byCollection[i.collection], i.model())
	}
	for name, models := range byCollection {
		if _, err := s.database.Collection(name).Indexes().CreateMany(ctx, models); err != nil {
			return fmt.Errorf("collection %s: %w", name, wrap(err))
		}
	}
	for _, i := range retired {
		err := s.database.Collection(i.collection).Indexes().DropWithKey(ctx, i.model().Keys)
		var refused mongo.ServerError
		if err != nil && !(errors.As(err, &refused) && refused.HasErrorCode(indexNotFound)) {
			return fmt.Errorf("collection %s: %w", i.collection, wrap(err))
		}
	}
	return nil
}

// indexNotFound is MongoDB's code IndexNotFound.
const indexNotFound = 27

func (i index) model() mongo.IndexModel {
	keys := bson.D{}
	for _, key := range i.keys {
		if key[0] == '-' {
			keys = append(keys, bson.E{Key: key[1:], Value: -1})
		} else {
			keys = append(keys, bson.E{Key: key, Value: 1})
		}
	}
	o := options.Index()
	if i.unique {
		o.SetUnique(true)
	}
	if i.partial != nil {
		o.SetPartialFilterExpression(i.partial)
	}
	if i.expires {
		o.SetExpireAfterSeconds(0)
	}
	return mongo.IndexModel{Keys: keys, Options: o}
}
