package embedded

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/storage"
	"parlor/models/embedded/wire"
)

const (
	// firstBatch is the number of documents in a first batch that names none.
	firstBatch = 101
	// cursorTimeout is how long a cursor lives unused.
	cursorTimeout = 10 * time.Minute
	// replyRoom is left in a message for the reply around a batch.
	maxBatchBytes = wire.MaxDocumentSize
)

// source gives the documents of a cursor one by one.
type source interface {
	// Next gives the next document, valid until the next call; nil at the end.
	Next(ctx context.Context) (bson.Raw, error)
	// Exhausted reports whether it is known that nothing follows.
	Exhausted() bool
	Close() error
}

// cursor is a source that a client reads in batches.
type cursor struct {
	id     int64
	ns     storage.Namespace
	source source
	// pending is a document that didn't fit the last batch.
	pending bson.Raw

	busy bool
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
			return endDocument(out, index), true, nil
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

// cursorTable holds the open cursors of all connections.
type cursorTable struct {
	mu   sync.Mutex
	open map[int64]*cursor
}

func newCursorTable() *cursorTable { return &cursorTable{open: map[int64]*cursor{}} }

// add keeps a cursor and gives it an id.
func (t *cursorTable) add(c *cursor, now time.Time) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.used = now
	for c.id == 0 || t.open[c.id] != nil {
		c.id = rand.Int64()
	}
	t.open[c.id] = c
	return c.id
}

// take lends a cursor to one getMore; release gives it back.
func (t *cursorTable) take(id int64, ns storage.Namespace) (*cursor, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.open[id]
	switch {
	case c == nil:
		return nil, mongoerr.CursorNotFound.Errorf("cursor id %d not found", id)
	case c.ns != ns:
		return nil, mongoerr.Unauthorized.Errorf("Requested getMore on namespace '%s', but cursor belongs to a different namespace %s", ns, c.ns)
	case c.busy:
		return nil, mongoerr.CursorInUse.Errorf("cursor with id %d is already in use", id)
	}
	c.busy = true
	return c, nil
}

func (t *cursorTable) release(c *cursor, now time.Time, done bool) error {
	t.mu.Lock()
	c.busy, c.used = false, now
	// Killed while it was lent: it is no longer in the table.
	if t.open[c.id] == nil {
		done = true
	}
	if done {
		delete(t.open, c.id)
	}
	t.mu.Unlock()
	if done {
		return c.source.Close()
	}
	return nil
}

// kill removes a cursor and reports whether there was one.
func (t *cursorTable) kill(id int64, ns storage.Namespace) (bool, error) {
	t.mu.Lock()
	c := t.open[id]
	if c == nil || c.ns != ns {
		t.mu.Unlock()
		return false, nil
	}
	delete(t.open, id)
	busy := c.busy
	t.mu.Unlock()
	if busy {
		return true, nil // release closes it
	}
	return true, c.source.Close()
}

// expire removes the cursors that nobody has used since.
func (t *cursorTable) expire(since time.Time) error {
	return t.closeIf(func(c *cursor) bool { return c.used.Before(since) })
}

func (t *cursorTable) closeAll() error {
	return t.closeIf(func(*cursor) bool { return true })
}

func (t *cursorTable) closeIf(old func(*cursor) bool) error {
	t.mu.Lock()
	var gone []*cursor
	for id, c := range t.open {
		if !c.busy && old(c) {
			gone = append(gone, c)
			delete(t.open, id)
		}
	}
	t.mu.Unlock()
	var err error
	for _, c := range gone {
		err = errors.Join(err, c.source.Close())
	}
	return err
}

func (t *cursorTable) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open)
}

// appendFirst appends the cursor field of a command that opens one, and keeps the
// cursor if more follows.
func (r *request) appendFirst(ctx context.Context, out []byte, ns storage.Namespace, src source, batch int64, single bool) ([]byte, error) {
	c := &cursor{ns: ns, source: src}
	index, out := bsoncore.AppendDocumentElementStart(out, "cursor")
	out, done, err := c.appendBatch(ctx, out, "firstBatch", batch)
	if err != nil || done || single {
		err = errors.Join(err, src.Close())
	} else {
		r.s.cursors.add(c, r.s.clock.now())
	}
	if err != nil {
		return nil, err
	}
	out = bsoncore.AppendInt64Element(out, "id", c.id)
	out = bsoncore.AppendStringElement(out, "ns", ns.String())
	return endDocument(out, index), nil
}

func runGetMore(ctx context.Context, r *request, out []byte) ([]byte, error) {
	id, ok := r.arg.Int64OK()
	if !ok {
		return nil, mongoerr.TypeMismatch.Errorf("BSON field 'getMore.getMore' is the wrong type '%s', expected type 'long'", typeName(r.arg))
	}
	batch := int64(-1)
	var name string
	for _, f := range r.fields {
		switch f.name {
		case "collection":
			if name, ok = f.v.StringValueOK(); !ok {
				return nil, wrongType("getMore.collection", f.v, "string")
			}
		case "batchSize":
			if err := r.natural(f, &batch); err != nil {
				return nil, err
			}
			if batch == 0 {
				batch = -1
			}
		case "term", "lastKnownCommittedOpTime":
		default:
			return nil, r.unknown(f)
		}
	}
	ns, err := r.cursorNamespace(name)
	if err != nil {
		return nil, err
	}
	c, err := r.s.cursors.take(id, ns)
	if err != nil {
		return nil, err
	}
	index, out := bsoncore.AppendDocumentElementStart(out, "cursor")
	out, done, err := c.appendBatch(ctx, out, "nextBatch", batch)
	if rerr := r.s.cursors.release(c, r.s.clock.now(), done || err != nil); err == nil {
		err = rerr
	}
	if err != nil {
		return nil, err
	}
	if done {
		id = 0
	}
	out = bsoncore.AppendInt64Element(out, "id", id)
	out = bsoncore.AppendStringElement(out, "ns", ns.String())
	return endDocument(out, index), nil
}

// cursorNamespace is the namespace that a cursor command names, which may be that
// of a listing.
func (r *request) cursorNamespace(name string) (storage.Namespace, error) {
	if name == "$cmd.listCollections" || name == "$cmd.aggregate" {
		return storage.Namespace{DB: r.db, Collection: name}, nil
	}
	return r.namespace(name)
}

func runKillCursors(_ context.Context, r *request, out []byte) ([]byte, error) {
	name, _ := r.arg.StringValueOK()
	ns, err := r.cursorNamespace(name)
	if err != nil {
		return nil, err
	}
	var ids []bson.RawValue
	for _, f := range r.fields {
		if f.name != "cursors" {
			return nil, r.unknown(f)
		}
		array, ok := f.v.ArrayOK()
		if !ok {
			return nil, wrongType("killCursors.cursors", f.v, "array")
		}
		if ids, err = array.Values(); err != nil {
			return nil, mongoerr.InvalidBSON.Errorf("%v", err)
		}
	}
	var killed, missing []int64
	for _, v := range ids {
		id, ok := v.Int64OK()
		if !ok {
			return nil, wrongType("killCursors.cursors.0", v, "long")
		}
		found, err := r.s.cursors.kill(id, ns)
		if err != nil {
			return nil, err
		}
		if found {
			killed = append(killed, id)
		} else {
			missing = append(missing, id)
		}
	}
	out = appendInt64s(out, "cursorsKilled", killed)
	out = appendInt64s(out, "cursorsNotFound", missing)
	out = appendInt64s(out, "cursorsAlive", nil)
	return appendInt64s(out, "cursorsUnknown", nil), nil
}

func appendInt64s(out []byte, name string, values []int64) []byte {
	index, out := bsoncore.AppendArrayElementStart(out, name)
	for i, v := range values {
		out = bsoncore.AppendInt64Element(out, strconv.Itoa(i), v)
	}
	return endDocument(out, index)
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
