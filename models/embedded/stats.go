package embedded

import (
	"context"

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
	c := r.s.store.Collection(ns)
	if c == nil {
		return appendFields(out, bson.D{
			{Key: "ns", Value: ns.String()}, {Key: "size", Value: int32(0)}, {Key: "count", Value: int32(0)}, {Key: "numOrphanDocs", Value: int32(0)},
			{Key: "storageSize", Value: int32(0)}, {Key: "totalIndexSize", Value: int32(0)}, {Key: "totalSize", Value: int32(0)},
			{Key: "nindexes", Value: int32(0)}, {Key: "indexSizes", Value: bson.D{}}, {Key: "scaleFactor", Value: scale},
		})
	}
	return appendFields(out, append(bson.D{{Key: "ns", Value: ns.String()}}, collStats(c, scale)...))
}

// collStats describes the size of a collection, in units of scale bytes.
func collStats(c *storage.Collection, scale int64) bson.D {
	sizes, total := bson.D{}, int64(0)
	for _, x := range c.Indexes() {
		n := int64(c.IndexSize(x))
		total += n
		sizes = append(sizes, bson.E{Key: x.Spec.Name, Value: n / scale})
	}
	stored := int64(c.StorageSize())
	stats := bson.D{{Key: "size", Value: c.Bytes() / scale}, {Key: "count", Value: c.Count()}}
	if c.Count() > 0 {
		stats = append(stats, bson.E{Key: "avgObjSize", Value: c.Bytes() / c.Count()})
	}
	return append(stats, bson.D{
		{Key: "numOrphanDocs", Value: int32(0)},
		{Key: "storageSize", Value: stored / scale},
		{Key: "freeStorageSize", Value: int32(0)},
		{Key: "capped", Value: false},
		{Key: "nindexes", Value: int32(len(sizes))},
		{Key: "indexBuilds", Value: bson.A{}},
		{Key: "totalIndexSize", Value: total / scale},
		{Key: "totalSize", Value: (stored + total) / scale},
		{Key: "indexSizes", Value: sizes},
		{Key: "scaleFactor", Value: scale},
	}...)
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
	return appendFields(out, bson.D{
		{Key: "db", Value: r.db},
		{Key: "collections", Value: int64(len(list))},
		{Key: "views", Value: int64(0)},
		{Key: "objects", Value: objects},
		{Key: "avgObjSize", Value: average},
		{Key: "dataSize", Value: float64(size) / unit},
		{Key: "storageSize", Value: float64(stored) / unit},
		{Key: "indexes", Value: int64(indexes)},
		{Key: "indexSize", Value: float64(indexed) / unit},
		{Key: "totalSize", Value: float64(stored+indexed) / unit},
		{Key: "scaleFactor", Value: scale},
	})
}

func runValidate(ctx context.Context, r *request, out []byte) ([]byte, error) {
	ns, err := r.collection()
	if err != nil {
		return nil, err
	}
	for _, f := range r.fields {
		switch f.name {
		case "full", "metadata", "checkBSONConformance", "background", "scandata":
		default:
			return nil, r.unknown(f)
		}
	}
	c := r.s.store.Collection(ns)
	if c == nil {
		return nil, mongoerr.NamespaceNotFound.Errorf("Collection '%s' does not exist to validate.", ns)
	}
	v, err := c.Validate(ctx)
	if err != nil {
		return nil, err
	}
	return appendFields(out, validateReply(c, v))
}

func validateReply(c *storage.Collection, v storage.Validation) bson.D {
	keys := bson.D{}
	problems := bson.A{}
	for _, x := range c.Indexes() {
		keys = append(keys, bson.E{Key: x.Spec.Name, Value: v.Keys[x.Spec.Name]})
	}
	for _, p := range v.Problems {
		problems = append(problems, p)
	}
	return bson.D{
		{Key: "ns", Value: c.NS.String()},
		{Key: "uuid", Value: c.UUID},
		{Key: "nInvalidDocuments", Value: int32(0)},
		{Key: "nNonCompliantDocuments", Value: int32(0)},
		{Key: "nrecords", Value: v.Records},
		{Key: "nIndexes", Value: int32(len(keys))},
		{Key: "keysPerIndex", Value: keys},
		{Key: "valid", Value: len(problems) == 0},
		{Key: "repaired", Value: false},
		{Key: "warnings", Value: bson.A{}},
		{Key: "errors", Value: problems},
	}
}
