package embedded

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"hash"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/query"
	"parlor/models/embedded/storage"
)

// runReIndex builds the indexes of a collection anew.
func runReIndex(ctx context.Context, r *request, out []byte) ([]byte, error) {
	c, err := r.existing()
	if err != nil {
		return nil, err
	}
	for _, f := range r.fields {
		return nil, r.unknown(f)
	}
	if err := c.Reindex(ctx); err != nil {
		return nil, err
	}
	indexes := bson.A{}
	for _, x := range c.Indexes() {
		indexes = append(indexes, x.Spec.Raw)
	}
	n := int32(len(indexes))
	return appendFields(out, bson.D{{Key: "nIndexesWas", Value: n}, {Key: "nIndexes", Value: n}, {Key: "indexes", Value: indexes}})
}

// runCompact gives the space of removed documents back.
func runCompact(ctx context.Context, r *request, out []byte) ([]byte, error) {
	c, err := r.existing()
	if err != nil {
		return nil, err
	}
	for _, f := range r.fields {
		if f.name != "force" && f.name != "freeSpaceTargetMB" {
			return nil, r.unknown(f)
		}
	}
	freed, err := c.Compact(ctx)
	if err != nil {
		return nil, err
	}
	return bsoncore.AppendInt64Element(out, "bytesFreed", int64(freed)), nil
}

// runDBHash gives the MD5 of each collection's documents in the order of _id, by
// which two databases can be compared.
func runDBHash(ctx context.Context, r *request, out []byte) ([]byte, error) {
	var only []string
	for _, f := range r.fields {
		if f.name != "collections" {
			return nil, r.unknown(f)
		}
		array, ok := f.v.ArrayOK()
		if !ok {
			return nil, wrongType("dbHash.collections", f.v, "array")
		}
		values, err := array.Values()
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			name, _ := v.StringValueOK()
			only = append(only, name)
		}
	}
	began := r.s.clock.now()
	sums, uuids, all := bson.D{}, bson.D{}, md5.New()
	for _, c := range r.s.store.Collections(r.db) {
		if !wanted(c, only) {
			continue
		}
		h := md5.New()
		if err := hashCollection(ctx, c, h); err != nil {
			return nil, err
		}
		sum := hex.EncodeToString(h.Sum(nil))
		all.Write([]byte(sum))
		sums = append(sums, bson.E{Key: c.NS.Collection, Value: sum})
		uuids = append(uuids, bson.E{Key: c.NS.Collection, Value: c.UUID})
	}
	return appendFields(out, bson.D{
		{Key: "host", Value: hostname()}, {Key: "collections", Value: sums}, {Key: "capped", Value: bson.A{}}, {Key: "uuids", Value: uuids},
		{Key: "md5", Value: hex.EncodeToString(all.Sum(nil))}, {Key: "timeMillis", Value: int32(r.s.clock.now().Sub(began).Milliseconds())},
	})
}

func wanted(c *storage.Collection, only []string) bool {
	for _, name := range only {
		if name == c.NS.Collection {
			return true
		}
	}
	return len(only) == 0
}

func hashCollection(ctx context.Context, c *storage.Collection, h hash.Hash) error {
	filter, err := query.ParseFilter(nil, nil)
	if err != nil {
		return err
	}
	results, err := c.Find(storage.Query{Filter: filter, Hint: asValue(storage.IDIndex)})
	if err != nil {
		return err
	}
	for {
		_, doc, ok, err := results.Next(ctx)
		if err != nil || !ok {
			return errors.Join(err, results.Close())
		}
		h.Write(doc)
	}
}
