package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

const (
	chunkBytes  = 255 << 10 // of a chunk: what GridFS takes where nobody says anything else
	chunksBatch = 4         // in one insert
)

// Contents are bytes of any length, in the collections of GridFS (`fs.files`, `fs.chunks`), where every tool for GridFS
// finds them. They are written and read here, chunk by chunk: the driver's own stream keeps 16 MiB of each upload in
// memory, and can't seek.
//
// The collection `stray` names the contents that may belong to nothing: each from before its first byte is written
// until a blob refers to it, and again from before its blob goes. So whatever is left behind by a crash is found there.
type Contents struct{ files, chunks, strays *mongo.Collection }

// contentInfo is a document of fs.files.
type contentInfo struct {
	Identity   string    `bson:"_id"`
	Length     int64     `bson:"length"`
	ChunkSize  int64     `bson:"chunkSize"`
	UploadDate time.Time `bson:"uploadDate"`
	Filename   string    `bson:"filename"`
}

// contentChunk is a document of fs.chunks.
type contentChunk struct {
	Identity string `bson:"_id"`
	FilesID  string `bson:"files_id"`
	N        int64  `bson:"n"`
	Data     []byte `bson:"data"`
}

// stray is a document of `stray`.
type stray struct {
	Identity  string `bson:"_id"`
	CreatedAt int64  `bson:"created_at"`
}

// Write stores what r gives until its end and returns how much that was. It holds some chunks in memory. The content is
// stray until Keep; after an error, of r or of the database, it should be removed.
func (c Contents) Write(ctx context.Context, identity string, r io.Reader) (size int64, err error) {
	now := time.Now()
	if err := c.Forsake(ctx, []string{identity}, now.UnixMilli()); err != nil {
		return 0, err
	}
	var chunks []*contentChunk // of the batch; reused
	for n := int64(0); err == nil; {
		batch := 0
		for ; batch < chunksBatch && err == nil; batch++ {
			if batch == len(chunks) {
				chunks = append(chunks, &contentChunk{FilesID: identity, Data: make([]byte, chunkBytes)})
			}
			chunk := chunks[batch]
			var length int
			if length, err = fill(chunk.Data[:chunkBytes], r); length == 0 {
				break
			}
			chunk.Identity, chunk.N, chunk.Data = fmt.Sprintf("%s:%d", identity, n), n, chunk.Data[:length]
			size += int64(length)
			n++
		}
		if err != nil && err != io.EOF {
			return size, err
		}
		if batch > 0 {
			if _, failed := c.chunks.InsertMany(ctx, chunks[:batch]); failed != nil {
				return size, wrap(failed)
			}
		}
	}
	_, err = c.files.InsertOne(ctx, contentInfo{Identity: identity, Length: size, ChunkSize: chunkBytes, UploadDate: now, Filename: identity})
	return size, wrap(err)
}

// fill reads until p is full or r ends. Unlike io.ReadFull it tells the end of r from one that came too early.
func fill(p []byte, r io.Reader) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = r.Read(p[n:])
		n += more
	}
	return n, err
}

// Forsake says that contents may belong to nothing from a moment on.
func (c Contents) Forsake(ctx context.Context, identities []string, at int64) error {
	writes := make([]mongo.WriteModel, len(identities))
	for i, identity := range identities {
		writes[i] = mongo.NewUpdateOneModel().SetUpsert(true).SetFilter(bson.D{{Key: "_id", Value: identity}}).
			SetUpdate(bson.D{{Key: "$set", Value: bson.D{{Key: "created_at", Value: at}}}})
	}
	return bulk(ctx, c.strays, writes)
}

// Keep says that contents belong to a blob.
func (c Contents) Keep(ctx context.Context, identities []string) error {
	_, err := c.strays.DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: identities}}}})
	return wrap(err)
}

// KeepOld is Keep for those that have been stray since before a moment: who has forsaken them since decides himself.
func (c Contents) KeepOld(ctx context.Context, identities []string, before int64) error {
	_, err := c.strays.DeleteMany(ctx, bson.D{
		{Key: "_id", Value: bson.D{{Key: "$in", Value: identities}}}, {Key: "created_at", Value: bson.D{{Key: "$lt", Value: before}}},
	})
	return wrap(err)
}

// Strays returns contents that may belong to nothing since before a moment, the longest first.
func (c Contents) Strays(ctx context.Context, before int64, limit int) ([]string, error) {
	docs, err := findAll[stray](ctx, c.strays, bson.D{{Key: "created_at", Value: bson.D{{Key: "$lt", Value: before}}}}, page(bson.D{{Key: "created_at", Value: 1}}, limit))
	identities := make([]string, len(docs))
	for i := range docs {
		identities[i] = docs[i].Identity
	}
	return identities, err
}

// Remove deletes contents; stopped on the way, they are stray still.
func (c Contents) Remove(ctx context.Context, identities []string) error {
	in := bson.D{{Key: "$in", Value: identities}}
	if _, err := c.files.DeleteMany(ctx, bson.D{{Key: "_id", Value: in}}); err != nil {
		return wrap(err)
	}
	if _, err := c.chunks.DeleteMany(ctx, bson.D{{Key: "files_id", Value: in}}); err != nil {
		return wrap(err)
	}
	return c.Keep(ctx, identities)
}

// Open returns a content to be read while ctx holds; ErrNotFound where there is none. It keeps one chunk in memory.
func (c Contents) Open(ctx context.Context, identity string) (io.ReadSeekCloser, error) {
	info, err := findOne[contentInfo](ctx, c.files, bson.D{{Key: "_id", Value: identity}})
	if err != nil {
		return nil, err
	}
	return &contentReader{ctx: ctx, chunks: c.chunks, info: info, index: -1}, nil
}

// contentReader reads a content, from wherever it is sought.
type contentReader struct {
	ctx      context.Context // of the request that reads: a reader has no other way to learn that nobody waits any more
	chunks   *mongo.Collection
	info     contentInfo
	position int64
	index    int64 // of the chunk in memory
	chunk    []byte
}

// Read implements io.Reader.
func (r *contentReader) Read(p []byte) (int, error) {
	if r.position >= r.info.Length {
		return 0, io.EOF
	}
	index := r.position / r.info.ChunkSize
	if index != r.index {
		doc, err := findOne[contentChunk](r.ctx, r.chunks, bson.D{{Key: "files_id", Value: r.info.Identity}, {Key: "n", Value: index}})
		if err != nil {
			return 0, err // ErrNotFound where it was removed meanwhile
		}
		r.index, r.chunk = index, doc.Data
	}
	offset := r.position - index*r.info.ChunkSize
	if offset >= int64(len(r.chunk)) {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, r.chunk[offset:])
	r.position += int64(n)
	return n, nil
}

// Seek implements io.Seeker.
func (r *contentReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.position
	case io.SeekEnd:
		offset += r.info.Length
	}
	if offset < 0 {
		return 0, errors.New("models: sought before the beginning")
	}
	r.position = offset
	return offset, nil
}

// Close implements io.Closer.
func (r *contentReader) Close() error {
	r.chunk = nil
	return nil
}
