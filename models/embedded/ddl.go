package embedded

import (
	"cmp"
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/storage"
)

func runDrop(_ context.Context, r *request, out []byte) ([]byte, error) {
	ns, err := r.collection()
	if err != nil {
		return nil, err
	}
	if r.s.store.View(ns) != nil {
		return bsoncore.AppendStringElement(out, "ns", ns.String()), r.s.store.DropView(ns)
	}
	c := r.s.store.Collection(ns)
	if c == nil {
		// Since 7.0 this is no error.
		return out, nil
	}
	n := len(c.Indexes())
	if err := r.s.store.Drop(c); err != nil {
		return nil, err
	}
	out = bsoncore.AppendInt32Element(out, "nIndexesWas", int32(n))
	return bsoncore.AppendStringElement(out, "ns", ns.String()), nil
}

func runDropDatabase(_ context.Context, r *request, out []byte) ([]byte, error) {
	list, views := r.s.store.Collections(r.db), r.s.store.Views(r.db)
	for _, v := range views {
		if err := r.s.store.DropView(v.NS); err != nil {
			return nil, err
		}
	}
	for _, c := range list {
		if err := r.s.store.Drop(c); err != nil {
			return nil, err
		}
	}
	if len(list)+len(views) > 0 {
		out = bsoncore.AppendStringElement(out, "dropped", r.db)
	}
	return out, nil
}

func runListDatabases(_ context.Context, r *request, out []byte) ([]byte, error) {
	nameOnly := false
	filter, err := query.ParseFilter(nil, nil)
	if err != nil {
		return nil, err
	}
	for _, f := range r.fields {
		switch f.name {
		case "nameOnly":
			err = r.boolean(f, &nameOnly)
		case "filter":
			filter, err = r.filter(f)
		case "authorizedDatabases":
		default:
			err = r.unknown(f)
		}
		if err != nil {
			return nil, err
		}
	}
	databases := bson.A{}
	total := int64(0)
	for _, db := range r.s.databases() {
		size := int64(0)
		for _, c := range r.s.store.Collections(db) {
			size += storageSize(c)
		}
		entry := bson.D{{Key: "name", Value: db}}
		if !nameOnly {
			entry = append(entry, bson.E{Key: "sizeOnDisk", Value: size}, bson.E{Key: "empty", Value: false})
		}
		raw, err := bson.Marshal(entry)
		if err != nil {
			return nil, err
		}
		ok, err := filter.Match(raw)
		if err != nil {
			return nil, err
		}
		if ok {
			databases = append(databases, bson.Raw(raw))
			total += size
		}
	}
	reply := bson.D{{Key: "databases", Value: databases}}
	if !nameOnly {
		reply = append(reply, bson.E{Key: "totalSize", Value: total}, bson.E{Key: "totalSizeMb", Value: total >> 20})
	}
	return appendFields(out, reply)
}

// databases gives the names of the databases that have a collection or a view.
func (s *Server) databases() []string {
	var names []string
	for _, c := range s.store.Collections("") {
		names = append(names, c.NS.DB)
	}
	for _, v := range s.store.Views("") {
		names = append(names, v.NS.DB)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// storageSize is what a collection takes on disk, its indexes included.
func storageSize(c *storage.Collection) int64 {
	size := c.StorageSize()
	for _, x := range c.Indexes() {
		size += c.IndexSize(x)
	}
	return int64(size)
}

func runListCollections(ctx context.Context, r *request, out []byte) ([]byte, error) {
	nameOnly := false
	batch := int64(-1)
	filter, err := query.ParseFilter(nil, nil)
	if err != nil {
		return nil, err
	}
	for _, f := range r.fields {
		switch f.name {
		case "nameOnly":
			err = r.boolean(f, &nameOnly)
		case "filter":
			filter, err = r.filter(f)
		case "cursor":
			batch, err = r.cursorBatch(f, batch)
		case "authorizedCollections":
		default:
			err = r.unknown(f)
		}
		if err != nil {
			return nil, err
		}
	}
	entries, err := r.s.listEntries(r.db, nameOnly)
	if err != nil {
		return nil, err
	}
	list := &listSource{}
	for _, raw := range entries {
		ok, err := filter.Match(raw)
		if err != nil {
			return nil, err
		}
		if ok {
			list.docs = append(list.docs, raw)
		}
	}
	return r.appendFirst(ctx, out, storage.Namespace{DB: r.db, Collection: "$cmd.listCollections"}, list, batch, false)
}

// listEntries describes the collections and views of a database as listCollections
// shows them, by name.
func (s *Server) listEntries(db string, nameOnly bool) ([]bson.Raw, error) {
	var entries []bson.D
	for _, c := range s.store.Collections(db) {
		entry := bson.D{{Key: "name", Value: c.NS.Collection}, {Key: "type", Value: "collection"}}
		indexes := c.Indexes()
		if len(indexes) == 0 {
			continue // dropped just now
		}
		if !nameOnly {
			entry = append(entry,
				bson.E{Key: "options", Value: c.Options()},
				bson.E{Key: "info", Value: bson.D{{Key: "readOnly", Value: false}, {Key: "uuid", Value: c.UUID}}},
				bson.E{Key: "idIndex", Value: indexes[0].Spec.Raw})
		}
		entries = append(entries, entry)
	}
	views := s.store.Views(db)
	for _, v := range views {
		entry := bson.D{{Key: "name", Value: v.NS.Collection}, {Key: "type", Value: "view"}}
		if !nameOnly {
			entry = append(entry,
				bson.E{Key: "options", Value: bson.D{{Key: "viewOn", Value: v.On}, {Key: "pipeline", Value: v.Pipeline}}},
				bson.E{Key: "info", Value: bson.D{{Key: "readOnly", Value: true}}})
		}
		entries = append(entries, entry)
	}
	slices.SortFunc(entries, func(a, b bson.D) int { return cmp.Compare(a[0].Value.(string), b[0].Value.(string)) })
	docs := make([]bson.Raw, len(entries))
	for i, entry := range entries {
		raw, err := bson.Marshal(entry)
		if err != nil {
			return nil, err
		}
		docs[i] = raw
	}
	return docs, nil
}

// cursorBatch reads the batchSize of a command's cursor field.
func (r *request) cursorBatch(f field, unset int64) (int64, error) {
	var doc bson.Raw
	if err := r.document(f, &doc); err != nil {
		return 0, err
	}
	batch := unset
	err := eachField(doc, func(inner field) error {
		if inner.name != "batchSize" {
			return mongoerr.UnknownCommandField.Errorf("BSON field 'cursor.%s' is an unknown field.", inner.name)
		}
		return r.natural(inner, &batch)
	})
	return batch, err
}

func (r *request) existing() (*storage.Collection, error) {
	ns, err := r.collection()
	if err != nil {
		return nil, err
	}
	if err := r.notView(ns); err != nil {
		return nil, err
	}
	c := r.s.store.Collection(ns)
	if c == nil {
		return nil, mongoerr.NamespaceNotFound.Errorf("ns does not exist: %s", ns)
	}
	return c, nil
}

func runListIndexes(ctx context.Context, r *request, out []byte) ([]byte, error) {
	c, err := r.existing()
	if err != nil {
		return nil, err
	}
	batch := int64(-1)
	for _, f := range r.fields {
		switch f.name {
		case "cursor":
			if batch, err = r.cursorBatch(f, batch); err != nil {
				return nil, err
			}
		case "includeBuildUUIDs", "includeIndexBuildInfo":
		default:
			return nil, r.unknown(f)
		}
	}
	list := &listSource{}
	for _, x := range c.Indexes() {
		list.docs = append(list.docs, x.Spec.Raw)
	}
	return r.appendFirst(ctx, out, c.NS, list, batch, false)
}

func runCreateIndexes(ctx context.Context, r *request, out []byte) ([]byte, error) {
	ns, err := r.collection()
	if err != nil {
		return nil, err
	}
	for _, f := range r.fields {
		switch f.name {
		case "indexes", "ignoreUnknownIndexOptions":
		case "commitQuorum":
			return nil, mongoerr.BadValue.Errorf("Standalones can't specify commitQuorum")
		default:
			return nil, r.unknown(f)
		}
	}
	docs, err := r.documents("indexes")
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return nil, mongoerr.BadValue.Errorf("Must specify at least one index to create")
	}
	specs := make([]storage.IndexSpec, len(docs))
	for i, doc := range docs {
		if specs[i], err = storage.ParseIndexSpec(slices.Clone(doc)); err != nil {
			return nil, err
		}
	}
	created := r.s.store.Collection(ns) == nil
	c, err := r.s.store.Ensure(ns)
	if err != nil {
		return nil, err
	}
	before, after, err := c.CreateIndexes(ctx, specs)
	if err != nil {
		return nil, err
	}
	out = bsoncore.AppendInt32Element(out, "numIndexesBefore", int32(before))
	out = bsoncore.AppendInt32Element(out, "numIndexesAfter", int32(after))
	out = bsoncore.AppendBooleanElement(out, "createdCollectionAutomatically", created)
	if before == after {
		out = bsoncore.AppendStringElement(out, "note", "all indexes already exist")
	}
	return out, nil
}

func runDropIndexes(_ context.Context, r *request, out []byte) ([]byte, error) {
	c, err := r.existing()
	if err != nil {
		return nil, err
	}
	var which bson.RawValue
	for _, f := range r.fields {
		if f.name != "index" {
			return nil, r.unknown(f)
		}
		which = f.v
	}
	chosen, err := chooseIndexes(c, which)
	if err != nil {
		return nil, err
	}
	before, err := c.DropIndexes(func(x *storage.Index) bool { return slices.Contains(chosen, x.Spec.Name) })
	if err != nil {
		return nil, err
	}
	return bsoncore.AppendInt32Element(out, "nIndexesWas", int32(before)), nil
}

// chooseIndexes gives the names of the indexes that dropIndexes' index field means.
func chooseIndexes(c *storage.Collection, which bson.RawValue) (names []string, err error) {
	if key, ok := which.DocumentOK(); ok {
		for _, x := range c.Indexes() {
			if slices.Equal(x.Spec.Key, key) {
				return checkDrop(x.Spec.Name)
			}
		}
		return nil, mongoerr.IndexNotFound.Errorf("can't find index with key: %s", key)
	}
	if list, ok := which.ArrayOK(); ok {
		values, err := list.Values()
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			one, err := chooseIndexes(c, v)
			if err != nil {
				return nil, err
			}
			names = append(names, one...)
		}
		return names, nil
	}
	name, ok := which.StringValueOK()
	if !ok {
		return nil, mongoerr.TypeMismatch.Errorf("BSON field 'dropIndexes.index' is the wrong type '%s', expected types '[string, object, array]'", typeName(which))
	}
	for _, x := range c.Indexes() {
		if name == "*" && x.Spec.Name != storage.IDIndex {
			names = append(names, x.Spec.Name)
		} else if x.Spec.Name == name {
			return checkDrop(name)
		}
	}
	if name != "*" {
		return nil, mongoerr.IndexNotFound.Errorf("index not found with name [%s]", name)
	}
	return names, nil
}

func checkDrop(name string) ([]string, error) {
	if name == storage.IDIndex {
		return nil, mongoerr.InvalidOptions.Errorf("cannot drop _id index")
	}
	return []string{name}, nil
}
