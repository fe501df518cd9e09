package storage

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

// View is a name for the result of a pipeline over another namespace.
type View struct {
	NS       Namespace  `bson:"-"`
	DB       string     `bson:"db"`
	Name     string     `bson:"name"`
	On       string     `bson:"viewOn"`
	Pipeline []bson.Raw `bson:"pipeline"`
}

func viewKey(ns Namespace) []byte {
	return append([]byte{viewKind}, ns.String()...)
}

// View finds a view; nil means that there is none.
func (s *Store) View(ns Namespace) *View { return s.catalog.Load().views[ns] }

// Views gives the views of a database by name; "" means all.
func (s *Store) Views(db string) []*View {
	return sorted(s.catalog.Load().views, db, func(v *View) Namespace { return v.NS })
}

// CreateView creates a view. It fails with NamespaceExists where the name is taken.
func (s *Store) CreateView(v *View) error {
	s.ddl.Lock()
	defer s.ddl.Unlock()
	if err := s.taken(v.NS); err != nil {
		return err
	}
	return s.putView(v)
}

// AlterView replaces what a view shows. It fails with NamespaceNotFound.
func (s *Store) AlterView(v *View) error {
	s.ddl.Lock()
	defer s.ddl.Unlock()
	if s.View(v.NS) == nil {
		return mongoerr.NamespaceNotFound.Errorf("ns does not exist: %s", v.NS)
	}
	return s.putView(v)
}

func (s *Store) putView(v *View) error {
	v.DB, v.Name = v.NS.DB, v.NS.Collection
	raw, err := bson.Marshal(v)
	if err != nil {
		return err
	}
	if err := errors.Join(s.space.check(), s.db.Set(viewKey(v.NS), raw, pebble.Sync)); err != nil {
		return err
	}
	s.publishViews(func(views map[Namespace]*View) { views[v.NS] = v })
	return nil
}

// DropView removes a view if it is there.
func (s *Store) DropView(ns Namespace) error {
	s.ddl.Lock()
	defer s.ddl.Unlock()
	if s.View(ns) == nil {
		return nil
	}
	if err := s.db.Delete(viewKey(ns), pebble.Sync); err != nil {
		return err
	}
	s.publishViews(func(views map[Namespace]*View) { delete(views, ns) })
	return nil
}

func (s *Store) loadViews() (map[Namespace]*View, error) {
	views := map[Namespace]*View{}
	iter, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{viewKind}, UpperBound: []byte{viewKind + 1}})
	if err != nil {
		return nil, err
	}
	for iter.First(); iter.Valid(); iter.Next() {
		v := &View{}
		if err := bson.Unmarshal(iter.Value(), v); err != nil {
			return nil, errors.Join(err, iter.Close())
		}
		v.NS = Namespace{v.DB, v.Name}
		views[v.NS] = v
	}
	return views, iter.Close()
}

// taken fails where a collection or a view has the name; the caller holds ddl.
func (s *Store) taken(ns Namespace) error {
	if s.Collection(ns) != nil {
		return mongoerr.NamespaceExists.Errorf("Collection %s already exists.", ns)
	}
	if s.View(ns) != nil {
		return mongoerr.NamespaceExists.Errorf("A view already exists. NS: %s", ns)
	}
	return nil
}

// notView refuses what can't be done to a view.
func (s *Store) notView(ns Namespace) error {
	if s.View(ns) != nil {
		return mongoerr.CommandNotSupportedOnView.Errorf("Namespace %s is a view, not a collection", ns)
	}
	return nil
}
