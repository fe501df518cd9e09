package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Translation is a text in another language. The text itself is not kept, only its hash.
type Translation struct {
	Identity  string    `bson:"_id"`  // SHA-256 of the original, the language that was asked for as its own (or none), the language it is in now
	Text      string    `bson:"text"` // translated
	From      string    `bson:"from"` // the language of the original as far as it is known
	ExpiresAt time.Time `bson:"expires_at"`
}

// TranslationIdentity is that of the translation of a text. The translations of one text stand together in the index.
func TranslationIdentity(text, from, to string) string { return translationsOf(text) + from + ":" + to }

func translationsOf(text string) string {
	hash := sha256.Sum256([]byte(text))
	return hex.EncodeToString(hash[:]) + ":"
}

// Translations is the collection `translation`.
type Translations struct{ c *mongo.Collection }

// Get returns a translation that has not expired.
func (t Translations) Get(ctx context.Context, identity string, at time.Time) (Translation, error) {
	return findOne[Translation](ctx, t.c, bson.D{{Key: "_id", Value: identity}, {Key: "expires_at", Value: bson.D{{Key: "$gt", Value: at}}}})
}

// Keep stores a translation instead of the one before it.
func (t Translations) Keep(ctx context.Context, translation *Translation) error {
	_, err := t.c.ReplaceOne(ctx, bson.D{{Key: "_id", Value: translation.Identity}}, translation, options.Replace().SetUpsert(true))
	if mongo.IsDuplicateKeyError(err) {
		return nil // another process has stored the same at this moment
	}
	return wrap(err)
}

// Forget deletes the translations of a text into all languages.
func (t Translations) Forget(ctx context.Context, text string) error {
	first := translationsOf(text)
	_, err := t.c.DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: first}, {Key: "$lt", Value: first + "\x7f"}}}})
	return wrap(err)
}
