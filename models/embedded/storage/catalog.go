package storage

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

// Namespace names a collection.
type Namespace struct{ DB, Collection string }

func (n Namespace) String() string { return n.DB + "." + n.Collection }

// catalog is the collections and views at one moment. It is never changed, only
// replaced.
type catalog struct {
	byName map[Namespace]*Collection
	views  map[Namespace]*View
}

// collectionEntry is a collection as the catalog stores it.
type collectionEntry struct {
	ID         uint32            `bson:"id"`
	DB         string            `bson:"db"`
	Collection string            `bson:"collection"`
	UUID       bson.Binary       `bson:"uuid"`
	Options    CollectionOptions `bson:"options,omitempty"`
	Indexes    []indexEntry      `bson:"indexes"`
}

// indexEntry is an index as the catalog stores it.
type indexEntry struct {
	ID       uint32   `bson:"id"`
	Spec     bson.Raw `bson:"spec"`
	Multikey bool     `bson:"multikey"`
	// Arrays are those of the Index; older versions didn't store them.
	Arrays []int64 `bson:"arrays,omitempty"`
}

var (
	formatKey = append([]byte{metaKind}, "format"...)
	nextIDKey = append([]byte{metaKind}, "nextID"...)
)

func (s *Store) loadCatalog() error {
	if err := s.checkFormat(); err != nil {
		return err
	}
	c := &catalog{byName: map[Namespace]*Collection{}}
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{catalogKind}, UpperBound: []byte{catalogKind + 1}})
	if err != nil {
		return err
	}
	for iter.First(); iter.Valid(); iter.Next() {
		collection, lerr := s.loadCollection(iter.Value())
		if lerr != nil {
			return errors.Join(fmt.Errorf("catalog entry %x: %w", iter.Key(), lerr), iter.Close())
		}
		c.byName[collection.NS] = collection
	}
	if err := iter.Close(); err != nil {
		return err
	}
	if c.views, err = s.loadViews(); err != nil {
		return fmt.Errorf("views: %w", err)
	}
	s.catalog.Store(c)
	return nil
}

// checkFormat reads the version and the next id, and writes them to a new store.
func (s *Store) checkFormat() error {
	version, err := s.get(formatKey)
	if err != nil {
		return err
	}
	if version == nil {
		s.nextID = 1
		b := s.db.NewBatch()
		if err := errors.Join(b.Set(formatKey, uint64Bytes(formatVersion), nil), b.Set(nextIDKey, uint64Bytes(1), nil), b.Commit(pebble.Sync)); err != nil {
			return err
		}
		return s.Barrier()
	}
	if v := binary.BigEndian.Uint64(version); v > formatVersion {
		return fmt.Errorf("%w: format %d, this one reads %d", ErrNewer, v, formatVersion)
	}
	next, err := s.get(nextIDKey)
	if err != nil {
		return err
	}
	if len(next) != 8 {
		return errors.New("the catalog has no next id")
	}
	s.nextID = uint32(binary.BigEndian.Uint64(next))
	return nil
}

func (s *Store) loadCollection(raw []byte) (*Collection, error) {
	var e collectionEntry
	if err := bson.Unmarshal(raw, &e); err != nil {
		return nil, err
	}
	c := &Collection{store: s, ID: e.ID, NS: Namespace{e.DB, e.Collection}, UUID: e.UUID}
	indexes := make([]*Index, 0, len(e.Indexes))
	for _, ie := range e.Indexes {
		spec, err := ParseIndexSpec(ie.Spec)
		if err != nil {
			return nil, fmt.Errorf("index %s: %w", ie.Spec, err)
		}
		x := newIndex(ie.ID, spec)
		x.Multikey = ie.Multikey
		for _, bits := range ie.Arrays {
			x.Arrays = append(x.Arrays, uint64(bits))
		}
		indexes = append(indexes, x)
	}
	if err := e.Options.parse(); err != nil {
		return nil, fmt.Errorf("validator: %w", err)
	}
	c.schema.Store(&schema{indexes: indexes, options: e.Options})
	if err := c.loadStats(); err != nil {
		return nil, err
	}
	return c, c.loadNextRecord()
}

// Collection finds a collection; nil means that it doesn't exist.
func (s *Store) Collection(ns Namespace) *Collection { return s.catalog.Load().byName[ns] }

// Collections gives the collections of a database by name; "" means all.
func (s *Store) Collections(db string) []*Collection {
	return sorted(s.catalog.Load().byName, db, func(c *Collection) Namespace { return c.NS })
}

func sorted[T any](byName map[Namespace]T, db string, name func(T) Namespace) []T {
	var out []T
	for ns, v := range byName {
		if db == "" || ns.DB == db {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b T) int {
		return cmp.Or(strings.Compare(name(a).DB, name(b).DB), strings.Compare(name(a).Collection, name(b).Collection))
	})
	return out
}

// Create creates a collection with its _id index. The options have been checked. It
// fails with NamespaceExists where the name is taken.
func (s *Store) Create(ns Namespace, o CollectionOptions) (*Collection, error) {
	s.ddl.Lock()
	defer s.ddl.Unlock()
	if err := s.taken(ns); err != nil {
		return nil, err
	}
	return s.create(ns, o)
}

// Ensure gives the collection and creates it if there is none. It fails with
// CommandNotSupportedOnView where the name is that of a view.
func (s *Store) Ensure(ns Namespace) (*Collection, error) {
	if c := s.Collection(ns); c != nil {
		return c, nil
	}
	s.ddl.Lock()
	defer s.ddl.Unlock()
	if c := s.Collection(ns); c != nil {
		return c, nil
	}
	if err := s.notView(ns); err != nil {
		return nil, err
	}
	return s.create(ns, CollectionOptions{})
}

// create creates a collection; the caller holds ddl.
func (s *Store) create(ns Namespace, o CollectionOptions) (*Collection, error) {
	if err := s.space.check(); err != nil {
		return nil, err
	}
	c := &Collection{store: s, NS: ns, UUID: newUUID(), nextRecord: 1}
	batch := s.db.NewBatch()
	c.ID = s.takeID()
	id := newIndex(s.takeID(), idIndexSpec())
	c.schema.Store(&schema{indexes: []*Index{id}, options: o})
	if err := errors.Join(s.putID(batch), c.putEntry(batch, c.schema.Load()), batch.Commit(pebble.Sync)); err != nil {
		return nil, err
	}
	s.publish(func(byName map[Namespace]*Collection) { byName[ns] = c })
	return c, nil
}

// newUUID gives a random UUID.
func newUUID() bson.Binary {
	uuid := make([]byte, 16)
	rand.Read(uuid) // never fails
	uuid[6], uuid[8] = uuid[6]&0x0f|0x40, uuid[8]&0x3f|0x80
	return bson.Binary{Subtype: bson.TypeBinaryUUID, Data: uuid}
}

// takeID gives an id for a collection or an index; the caller holds ddl and
// stores the new nextID with what it uses the id for.
func (s *Store) takeID() uint32 {
	id := s.nextID
	s.nextID++
	return id
}

func (s *Store) putID(b *pebble.Batch) error {
	return b.Set(nextIDKey, uint64Bytes(uint64(s.nextID)), nil)
}

func (s *Store) publish(change func(map[Namespace]*Collection)) {
	old := s.catalog.Load()
	next := &catalog{byName: maps.Clone(old.byName), views: old.views}
	change(next.byName)
	s.catalog.Store(next)
}

func (s *Store) publishViews(change func(map[Namespace]*View)) {
	old := s.catalog.Load()
	next := &catalog{byName: old.byName, views: maps.Clone(old.views)}
	change(next.views)
	s.catalog.Store(next)
}

// Drop removes a collection and all that belongs to it.
func (s *Store) Drop(c *Collection) error {
	s.ddl.Lock()
	defer s.ddl.Unlock()
	c.write.Lock()
	defer c.write.Unlock()
	if c.dropped {
		return nil
	}
	b := s.db.NewBatch()
	if err := c.deleteAll(b); err != nil {
		return errors.Join(err, b.Close())
	}
	// The name goes first: who looks it up from now on finds nothing, and who has
	// the collection already sees the schema change and gives up its reading.
	s.publish(func(byName map[Namespace]*Collection) { delete(byName, c.NS) })
	c.retire()
	return b.Commit(pebble.Sync)
}

// dropTemporary removes the temporary collections that the end of the process left.
func (s *Store) dropTemporary() error {
	for _, c := range s.Collections("") {
		if !c.Options().Temp {
			continue
		}
		s.log.Info("dropping a temporary collection", "collection", c.NS.String())
		if err := s.Drop(c); err != nil {
			return fmt.Errorf("dropping %s: %w", c.NS, err)
		}
	}
	return nil
}

// Rename gives a collection another name, in its database or in another one, with
// its documents, indexes and options. dropTarget removes the collection that has
// the name; without it that fails with NamespaceExists. It is done as a whole or
// not at all. Who reads either collection meanwhile goes on with what it saw.
func (s *Store) Rename(from, to Namespace, dropTarget bool) error {
	s.ddl.Lock()
	defer s.ddl.Unlock()
	old, target := s.Collection(from), s.Collection(to)
	switch {
	case s.View(from) != nil:
		return mongoerr.CommandNotSupportedOnView.Errorf("cannot rename view: %s", from)
	case s.View(to) != nil:
		return mongoerr.NamespaceExists.Errorf("a view already exists with that name: %s", to)
	case old == nil:
		return mongoerr.NamespaceNotFound.Errorf("Source collection %s does not exist", from)
	case old == target:
		return mongoerr.IllegalOperation.Errorf("Can't rename a collection to itself")
	case target != nil && !dropTarget:
		return mongoerr.NamespaceExists.Errorf("target namespace exists")
	}
	// Only who holds ddl locks two collections, so these can't wait for each other.
	old.write.Lock()
	defer old.write.Unlock()
	b := s.db.NewBatch()
	var err error
	if target != nil {
		target.write.Lock()
		defer target.write.Unlock()
		err = target.deleteAll(b)
	}
	renamed := old.renamed(to)
	if err = errors.Join(err, renamed.putEntry(b, renamed.schema.Load())); err != nil {
		return errors.Join(err, b.Close())
	}
	// Published before the target's documents go: who still holds the target then
	// sees that it has been retired (see newScan) and reads what has its name now.
	s.publish(func(byName map[Namespace]*Collection) {
		delete(byName, from)
		byName[to] = renamed
	})
	old.retire()
	if target != nil {
		target.retire()
	}
	return b.Commit(pebble.Sync)
}

// renamed gives the collection under another name. A collection in another
// database is another one for clients, so it gets a UUID of its own.
func (c *Collection) renamed(to Namespace) *Collection {
	next := &Collection{store: c.store, ID: c.ID, NS: to, UUID: c.UUID, nextRecord: c.nextRecord}
	if to.DB != c.NS.DB {
		next.UUID = newUUID()
	}
	schema := *c.schema.Load()
	schema.options.Temp = false
	next.schema.Store(&schema)
	next.count.Store(c.count.Load())
	next.bytes.Store(c.bytes.Load())
	return next
}

// retire ends the use of a collection that has lost its name; the caller holds
// write.
func (c *Collection) retire() {
	c.dropped = true
	c.schema.Store(&schema{retired: true})
	c.growth.announce()
}

// current gives the collection that has c's name now, or c where nothing has.
func (c *Collection) current() *Collection {
	if !c.schema.Load().retired {
		return c
	}
	if next := c.store.Collection(c.NS); next != nil {
		return next
	}
	return c
}

// deleteAll stages the removal of everything that belongs to the collection.
func (c *Collection) deleteAll(b *pebble.Batch) error {
	err := errors.Join(
		b.Delete(appendPrefix(nil, catalogKind, c.ID), nil),
		b.Delete(appendPrefix(nil, statsKind, c.ID), nil),
		deletePrefix(b, appendPrefix(nil, recordKind, c.ID)),
	)
	for _, x := range c.schema.Load().indexes {
		err = errors.Join(err, deletePrefix(b, appendPrefix(nil, entryKind, x.ID)))
	}
	return err
}

func deletePrefix(b *pebble.Batch, prefix []byte) error {
	return b.DeleteRange(prefix, successor(prefix), nil)
}
