package embedded

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/storage"
	"parlor/models/embedded/wire"
)

const (
	// firstBatch is the number of documents in a first batch that names none.
	firstBatch = 101
	// cursorTimeout is how long a cursor lives unused.
	cursorTimeout = 10 * time.Minute
	// maxBatchBytes leaves room in a message for the reply around a batch.
	maxBatchBytes = wire.MaxDocumentSize
	// awaitTime is how long a getMore waits for news where it doesn't say.
	awaitTime = time.Second
)

// source gives the documents of a cursor one by one.
type source interface {
	// Next gives the next document, valid until the next call; nil at the end.
	Next(ctx context.Context) (bson.Raw, error)
	// Exhausted reports whether it is known that nothing follows.
	Exhausted() bool
	Close() error
}

// awaiter is a source that more may come to after its end, until it is exhausted.
type awaiter interface {
	source
	// Await waits until there may be more.
	Await(ctx context.Context) error
}

// cursorOptions are what a command that opens a cursor says of it.
type cursorOptions struct {
	// batch is the size of the first batch; negative means as many as a reply holds.
	batch int64
	// single ends the cursor with the first batch.
	single bool
	// keep is noCursorTimeout.
	keep bool
	// await lets getMore wait at the end of an awaiter.
	await bool
}

// cursor is a source that a client reads in batches.
type cursor struct {
	id      int64
	ns      storage.Namespace
	source  source
	options cursorOptions
	session string
	// left is what is left of the maxTimeMS of the command that opened it; 0 is
	// without.
	left time.Duration
	// command is the one that opened it.
	command bson.Raw
	opened  time.Time
	// pending is a document that didn't fit the last batch.
	pending bson.Raw

	// user is the getMore that has it, nil where none has.
	user *request
	used time.Time
}

// appendBatch appends up to limit documents as the array field name. limit < 0
// means as many as a reply holds.
func (c *cursor) appendBatch(ctx context.Context, out []byte, name string, limit int64) (_ []byte, done bool, err error) {
	index, out := bsoncore.AppendArrayElementStart(out, name)
	start := len(out)
	var number [20]byte
	n := int64(0)
	for ; limit < 0 || n < limit; n++ {
		doc := c.pending
		if doc == nil {
			if doc, err = c.source.Next(ctx); err != nil {
				return out, false, err
			}
		}
		c.pending = nil
		if doc == nil {
			_, tail := c.source.(awaiter)
			return endDocument(out, index), !tail || c.source.Exhausted(), nil
		}
		if n > 0 && len(out)-start+len(doc) > maxBatchBytes {
			c.pending = bytes.Clone(doc)
			return endDocument(out, index), false, nil
		}
		out = append(out, byte(bson.TypeEmbeddedDocument))
		out = append(out, strconv.AppendInt(number[:0], n, 10)...)
		out = append(out, 0)
		out = append(out, doc...)
	}
	return endDocument(out, index), c.source.Exhausted(), nil
}

// appendFirst appends the cursor field of a command that opens one, and keeps the
// cursor if more follows.
func (r *request) appendFirst(ctx context.Context, out []byte, ns storage.Namespace, src source, batch int64, single bool) ([]byte, error) {
	return r.openCursor(ctx, out, ns, src, cursorOptions{batch: batch, single: single})
}

func (r *request) openCursor(ctx context.Context, out []byte, ns storage.Namespace, src source, o cursorOptions) ([]byte, error) {
	if r.view != nil {
		ns = *r.view
		o.single = o.single || r.single
	}
	c := &cursor{ns: ns, source: src, options: o, session: r.session, opened: r.started}
	index, out := bsoncore.AppendDocumentElementStart(out, "cursor")
	out, done, err := c.appendBatch(ctx, out, "firstBatch", o.batch)
	if err != nil || done || o.single {
		err = errors.Join(err, src.Close())
	} else {
		c.left = r.maxTime
		c.spend(r)
		c.command = bytes.Clone(r.body)
		r.s.cursors.add(c, r.s.clock.now())
	}
	if err != nil {
		return nil, err
	}
	out = bsoncore.AppendInt64Element(out, "id", c.id)
	out = bsoncore.AppendStringElement(out, "ns", ns.String())
	return endDocument(out, index), nil
}

// spend takes the time that r has run off what is left of maxTimeMS. At least a
// little stays: the next getMore then notices.
func (c *cursor) spend(r *request) {
	if c.left > 0 {
		c.left = max(c.left-r.s.clock.now().Sub(r.started), 1)
	}
}

// listSource gives documents that are all there already.
type listSource struct {
	docs []bson.Raw
}

func (l *listSource) Next(context.Context) (bson.Raw, error) {
	if len(l.docs) == 0 {
		return nil, nil
	}
	doc := l.docs[0]
	l.docs = l.docs[1:]
	return doc, nil
}

func (l *listSource) Exhausted() bool { return len(l.docs) == 0 }
func (l *listSource) Close() error    { return nil }
