package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Blob is a content that files share: equal ones are kept once. Uses grows with each file that comes to share it, so
// that Blobs.Delete notices one that comes while others are counted.
type Blob struct {
	SHA256    string `bson:"_id"` // in hexadecimal digits
	Size      int64  `bson:"size"`
	Facts     `bson:",inline"`
	Content   string `bson:"content"`              // where its bytes lie: Contents
	Small     string `bson:"small,omitempty"`      // where its small picture lies; Thumb says whether there is one
	SmallMime string `bson:"small_mime,omitempty"` // image/jpeg or image/png
	SmallSize int64  `bson:"small_size,omitempty"` // in bytes
	Uses      int64  `bson:"uses"`
	CreatedAt int64  `bson:"created_at"`
}

// Contents returns where the bytes of a blob lie, those of its small picture among them.
func (b *Blob) Contents() []string {
	if b.Small == "" {
		return []string{b.Content}
	}
	return []string{b.Content, b.Small}
}

// Blobs is the collection `blob`.
type Blobs struct{ c *mongo.Collection }

// Insert adds a blob; ErrDuplicate where this content is kept already.
func (b Blobs) Insert(ctx context.Context, blob *Blob) error {
	_, err := b.c.InsertOne(ctx, blob)
	return wrap(err)
}

// Get returns one blob.
func (b Blobs) Get(ctx context.Context, sha256 string) (Blob, error) {
	return findOne[Blob](ctx, b.c, bson.D{{Key: "_id", Value: sha256}})
}

// Use returns a blob to a file that shares it from now on.
func (b Blobs) Use(ctx context.Context, sha256 string) (Blob, error) {
	return changeOne[Blob](ctx, b.c, bson.D{{Key: "_id", Value: sha256}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "uses", Value: 1}}}})
}

// Delete takes a blob away unless another file has come to share it since it was read, and reports whether it did.
func (b Blobs) Delete(ctx context.Context, blob *Blob) (bool, error) {
	return deleteOne(ctx, b.c, bson.D{{Key: "_id", Value: blob.SHA256}, {Key: "uses", Value: blob.Uses}})
}

// ByContent returns the blob whose bytes or small picture lie there.
func (b Blobs) ByContent(ctx context.Context, content string) (Blob, error) {
	return findOne[Blob](ctx, b.c, bson.D{{Key: "$or", Value: bson.A{bson.D{{Key: "content", Value: content}}, bson.D{{Key: "small", Value: content}}}}})
}
