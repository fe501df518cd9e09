package embedded

import (
	"context"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/storage"
)

// scale reads the unit of sizes that the stats commands take.
func (r *request) scale() (int64, error) {
	scale := int64(1)
	for _, f := range r.fields {
		switch f.name {
		case "scale":
			n, ok := f.v.AsInt64OK()
			if !ok || n < 1 {
				return 0, mongoerr.BadValue.Errorf("BSON field 'scale' value must be >= 1, actual value '%d'", n)
			}
			scale = n
		case "freeStorage":
		default:
			return 0, r.unknown(f)
		}
	}
	return scale, nil
}

func runCollStats(_ context.Context, r *request, out []byte) ([]byte, error) {
	ns, err := r.collection()
	if err != nil {
		return nil, err
	}
	scale, err := r.scale()
	if err != nil {
		return nil, err
	}
	if err := r.notView(ns); err != nil {
		return nil, err
	}
	return appendFields(out, append(bson.D{{Key: "ns", Value: ns.String()}}, r.s.collStats(ns, scale)...))
}

// collStats gives the sizes of a collection, which may be absent, in units of
// scale bytes.
func (s *Server) collStats(ns storage.Namespace, scale int64) bson.D {
	c := s.store.Collection(ns)
	if c == nil {
		return bson.D{
			{Key: "size", Value: int32(0)}, {Key: "count", Value: int32(0)}, {Key: "numOrphanDocs", Value: int32(0)},
			{Key: "storageSize", Value: int32(0)}, {Key: "totalIndexSize", Value: int32(0)}, {Key: "totalSize", Value: int32(0)},
			{Key: "nindexes", Value: int32(0)}, {Key: "indexSizes", Value: bson.D{}}, {Key: "scaleFactor", Value: scale},
		}
	}
	sizes, total := bson.D{}, int64(0)
	for _, x := range c.Indexes() {
		n := int64(c.IndexSize(x))
		total += n
		sizes = append(sizes, bson.E{Key: x.Spec.Name, Value: n / scale})
	}
	stored := int64(c.StorageSize())
	reply := bson.D{{Key: "size", Value: c.Bytes() / scale}, {Key: "count", Value: c.Count()}}
	if c.Count() > 0 {
		reply = append(reply, bson.E{Key: "avgObjSize", Value: c.Bytes() / c.Count()})
	}
	o := c.Options()
	reply = append(reply,
		bson.E{Key: "numOrphanDocs", Value: int32(0)},
		bson.E{Key: "storageSize", Value: stored / scale},
		bson.E{Key: "freeStorageSize", Value: int32(0)},
		bson.E{Key: "capped", Value: o.Capped},
	)
	if o.Capped {
		reply = append(reply, bson.E{Key: "max", Value: o.Max}, bson.E{Key: "maxSize", Value: o.Size / scale})
	}
	return append(reply,
		bson.E{Key: "nindexes", Value: int32(len(sizes))},
		bson.E{Key: "indexBuilds", Value: bson.A{}},
		bson.E{Key: "totalIndexSize", Value: total / scale},
		bson.E{Key: "totalSize", Value: (stored + total) / scale},
		bson.E{Key: "indexSizes", Value: sizes},
		bson.E{Key: "scaleFactor", Value: scale},
	)
}

func runDBStats(_ context.Context, r *request, out []byte) ([]byte, error) {
	scale, err := r.scale()
	if err != nil {
		return nil, err
	}
	var objects, size, stored, indexed int64
	indexes := 0
	list := r.s.store.Collections(r.db)
	for _, c := range list {
		objects += c.Count()
		size += c.Bytes()
		stored += int64(c.StorageSize())
		for _, x := range c.Indexes() {
			indexes++
			indexed += int64(c.IndexSize(x))
		}
	}
	average := 0.0
	if objects > 0 {
		average = float64(size) / float64(objects)
	}
	unit := float64(scale)
	used, total := r.s.store.DiskSpace()
	return appendFields(out, bson.D{
		{Key: "db", Value: r.db},
		{Key: "collections", Value: int64(len(list))},
		{Key: "views", Value: int64(len(r.s.store.Views(r.db)))},
		{Key: "objects", Value: objects},
		{Key: "avgObjSize", Value: average},
		{Key: "dataSize", Value: float64(size) / unit},
		{Key: "storageSize", Value: float64(stored) / unit},
		{Key: "indexes", Value: int64(indexes)},
		{Key: "indexSize", Value: float64(indexed) / unit},
		{Key: "totalSize", Value: float64(stored+indexed) / unit},
		{Key: "scaleFactor", Value: scale},
		{Key: "fsUsedSize", Value: float64(used) / unit},
		{Key: "fsTotalSize", Value: float64(total) / unit},
	})
}

// runDataSize counts all of a collection; a range of keys is refused.
func runDataSize(_ context.Context, r *request, out []byte) ([]byte, error) {
	name, ok := r.arg.StringValueOK()
	if !ok {
		return nil, wrongType("dataSize.dataSize", r.arg, "string")
	}
	for _, f := range r.fields {
		switch f.name {
		case "estimate":
		case "keyPattern", "min", "max", "maxSize", "maxObjects":
			return nil, mongoerr.NotImplemented.Errorf("dataSize option '%s' is not supported", f.name)
		default:
			return nil, r.unknown(f)
		}
	}
	var size, objects int64
	db, collection, _ := strings.Cut(name, ".")
	if c := r.s.store.Collection(storage.Namespace{DB: db, Collection: collection}); c != nil {
		size, objects = c.Bytes(), c.Count()
	}
	return appendFields(out, bson.D{
		{Key: "size", Value: size}, {Key: "numObjects", Value: objects},
		{Key: "millis", Value: int32(0)}, {Key: "estimate", Value: false},
	})
}
