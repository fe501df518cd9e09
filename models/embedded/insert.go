package embedded

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

func runInsert(ctx context.Context, r *request, out []byte) ([]byte, error) {
	a, err := r.parseBatch("documents")
	if err != nil {
		return nil, err
	}
	_, w, err := r.begin(a.ns, true)
	if err != nil {
		return nil, err
	}
	var failed writeErrors
	n := int32(0)
	for i, doc := range a.writes {
		err := context.Cause(ctx)
		if err == nil {
			if doc, err = prepareInsert(doc, r.s.clock.now()); err == nil {
				err = w.Insert(doc)
			}
		}
		if err == nil && w.Full() {
			err = w.Apply()
		}
		if err == nil {
			n++
			continue
		}
		failed.add(i, err)
		if !a.unordered || fatal(err) {
			break
		}
	}
	if err := w.Commit(r.journaled); err != nil {
		return nil, err
	}
	out = bsoncore.AppendInt32Element(out, "n", n)
	return failed.append(out), nil
}
