package embedded

import (
	"context"
	"errors"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/storage"
)

// getMoreArgs are the fields of a getMore.
type getMoreArgs struct {
	id    int64
	ns    storage.Namespace
	batch int64
}

func (r *request) parseGetMore() (a getMoreArgs, err error) {
	var ok bool
	if a.id, ok = r.arg.Int64OK(); !ok {
		return a, wrongType("getMore.getMore", r.arg, "long")
	}
	a.batch = -1
	var name string
	for _, f := range r.fields {
		switch f.name {
		case "collection":
			if name, ok = f.v.StringValueOK(); !ok {
				err = wrongType("getMore.collection", f.v, "string")
			}
		case "batchSize":
			if err = r.natural(f, &a.batch); err == nil && a.batch == 0 {
				a.batch = -1
			}
		case "term", "lastKnownCommittedOpTime":
		default:
			err = r.unknown(f)
		}
		if err != nil {
			return a, err
		}
	}
	a.ns, err = r.cursorNamespace(name)
	return a, err
}

func runGetMore(ctx context.Context, r *request, out []byte) ([]byte, error) {
	a, err := r.parseGetMore()
	if err != nil {
		return nil, err
	}
	c, err := r.s.cursors.take(a.id, a.ns, r)
	if err != nil {
		return nil, err
	}
	if r.maxTime > 0 && !c.options.await {
		err := mongoerr.BadValue.Errorf("cannot set maxTimeMS on getMore command for a non-awaitData cursor")
		return nil, errors.Join(err, r.s.cursors.release(c, c.used, false))
	}
	index, out := bsoncore.AppendDocumentElementStart(out, "cursor")
	out, done, err := c.more(ctx, r, out, a.batch)
	c.spend(r)
	if rerr := r.s.cursors.release(c, r.s.clock.now(), done || err != nil); err == nil {
		err = rerr
	}
	if err != nil {
		return nil, err
	}
	if done {
		a.id = 0
	}
	out = bsoncore.AppendInt64Element(out, "id", a.id)
	out = bsoncore.AppendStringElement(out, "ns", a.ns.String())
	return endDocument(out, index), nil
}

// more appends the next batch. A cursor that awaits data waits for the first
// document of it.
func (c *cursor) more(ctx context.Context, r *request, out []byte, batch int64) ([]byte, bool, error) {
	if c.left > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, c.left, errTimeLimit())
		defer cancel()
		ctx = limited
	}
	var patience context.Context
	for {
		start := len(out)
		next, done, err := c.appendBatch(ctx, out, "nextBatch", batch)
		tail, ok := c.source.(awaiter)
		// The batch is empty where its array has nothing but its frame.
		empty := err == nil && len(next)-start == len("nextBatch")+7
		if !ok || !c.options.await || done || !empty {
			return next, done, interrupted(ctx, err)
		}
		if patience == nil {
			wait := awaitTime
			if r.maxTime > 0 {
				wait = r.maxTime
			}
			limited, cancel := context.WithTimeout(ctx, wait)
			defer cancel()
			patience = limited
		}
		if err := tail.Await(patience); err != nil {
			return next, false, interrupted(ctx, ctx.Err())
		}
		out = next[:start]
	}
}

// interrupted gives the reason for which ctx was cancelled instead of the error
// that says that it was.
func interrupted(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return cause
	}
	return err
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
