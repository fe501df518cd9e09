package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Facts are what the content of a file says of it, whatever its name claims.
type Facts struct {
	Mime     string  `bson:"mime"`
	Width    int     `bson:"width,omitempty"`    // in pixels, as it is shown; 0 where unknown
	Height   int     `bson:"height,omitempty"`   // likewise
	Duration float64 `bson:"duration,omitempty"` // in seconds; 0 where unknown
	Thumb    bool    `bson:"thumb"`              // whether there is a small picture of it
}

// File is something that a user has uploaded. Its bytes are those of the Blob with the same SHA256. Mime is empty until
// the upload is complete; nobody knows the identity before.
//
// Who is about to store a message with a file holds it (Held, HeldAt) and releases it afterwards (Released), so that it
// is not collected in between: see Files.Delete.
type File struct {
	Identity     string `bson:"_id"` // UUIDv7
	UserIdentity string `bson:"user_identity"`
	Name         string `bson:"name"`
	Size         int64  `bson:"size"` // in bytes
	SHA256       string `bson:"sha256"`
	Facts        `bson:",inline"`
	AvatarOf     string `bson:"avatar_of,omitempty"` // the user or room whose avatar it was made for: everybody may see it
	Held         int64  `bson:"held"`
	Released     int64  `bson:"released"`
	HeldAt       int64  `bson:"held_at"`
	LooseSince   int64  `bson:"loose_since,omitempty"` // nothing is known to need it; not there once it was looked for
	CreatedAt    int64  `bson:"created_at"`
}

// FileCopy is the short copy of a file in a message.
type FileCopy struct {
	Identity string `bson:"identity"`
	Name     string `bson:"name"`
	Size     int64  `bson:"size"`
	SHA256   string `bson:"sha256"`
	Facts    `bson:",inline"`
}

// Copy returns what a message keeps of a file.
func (f *File) Copy() *FileCopy {
	return &FileCopy{Identity: f.Identity, Name: f.Name, Size: f.Size, SHA256: f.SHA256, Facts: f.Facts}
}

// Files is the collection `file`.
type Files struct{ c *mongo.Collection }

// Insert adds a file.
func (f Files) Insert(ctx context.Context, file *File) error {
	_, err := f.c.InsertOne(ctx, file)
	return wrap(err)
}

// Complete notes what the content of a file says of it, and returns the file.
func (f Files) Complete(ctx context.Context, identity string, facts Facts) (File, error) {
	return changeOne[File](ctx, f.c, bson.D{{Key: "_id", Value: identity}}, bson.D{{Key: "$set", Value: facts}})
}

// Get returns one file.
func (f Files) Get(ctx context.Context, identity string) (File, error) {
	return findOne[File](ctx, f.c, bson.D{{Key: "_id", Value: identity}})
}

// Shared reports whether any file has this content.
func (f Files) Shared(ctx context.Context, sha256 string) (bool, error) {
	return exists(ctx, f.c, bson.D{{Key: "sha256", Value: sha256}})
}

func hold(n int, at int64) bson.D {
	return bson.D{{Key: "$inc", Value: bson.D{{Key: "held", Value: n}}}, {Key: "$set", Value: bson.D{{Key: "held_at", Value: at}}}}
}

// Hold holds files, each as often as times says; ErrNotFound where one of them is gone.
func (f Files) Hold(ctx context.Context, times map[string]int, at int64) error {
	if len(times) == 0 {
		return nil
	}
	result, err := f.c.BulkWrite(ctx, eachFile(times, func(n int) bson.D { return hold(n, at) }), options.BulkWrite().SetOrdered(false))
	if err == nil && result.MatchedCount < int64(len(times)) {
		return ErrNotFound
	}
	return wrap(err)
}

// Release ends holds, each file's as often as times says.
func (f Files) Release(ctx context.Context, times map[string]int) error {
	return bulk(ctx, f.c, eachFile(times, func(n int) bson.D {
		return bson.D{{Key: "$inc", Value: bson.D{{Key: "released", Value: n}}}}
	}))
}

func eachFile(times map[string]int, update func(n int) bson.D) []mongo.WriteModel {
	writes := make([]mongo.WriteModel, 0, len(times))
	for identity, n := range times {
		writes = append(writes, mongo.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: identity}}).SetUpdate(update(n)))
	}
	return writes
}

// Loosen says that from a moment on nothing may need these files any more.
func (f Files) Loosen(ctx context.Context, identities []string, since int64) error {
	_, err := f.c.UpdateMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: identities}}}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "loose_since", Value: since}}}})
	return wrap(err)
}

// Fasten notes that a file is needed, unless it was loosened again since it was read.
func (f Files) Fasten(ctx context.Context, file *File) error {
	_, err := f.c.UpdateOne(ctx, bson.D{{Key: "_id", Value: file.Identity}, {Key: "loose_since", Value: file.LooseSince}},
		bson.D{{Key: "$unset", Value: bson.D{{Key: "loose_since", Value: ""}}}})
	return wrap(err)
}

// Loose returns files that nothing may need since before a moment, the longest first.
func (f Files) Loose(ctx context.Context, before int64, limit int) ([]File, error) {
	return findAll[File](ctx, f.c, bson.D{{Key: "loose_since", Value: bson.D{{Key: "$lt", Value: before}}}}, page(bson.D{{Key: "loose_since", Value: 1}}, limit))
}

// Delete takes a file away unless somebody has held it since it was read, and reports whether it did.
func (f Files) Delete(ctx context.Context, file *File) (bool, error) {
	return deleteOne(ctx, f.c, bson.D{{Key: "_id", Value: file.Identity}, {Key: "held", Value: file.Held}})
}
