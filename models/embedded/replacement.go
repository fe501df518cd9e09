package embedded

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/pipeline"
	"parlor/models/embedded/storage"
)

// replacement is the new content of a collection while $out writes it: a temporary
// collection that is renamed in the end. Stopping before that leaves the old content.
type replacement struct {
	a      *aggregation
	to     storage.Namespace
	before []storage.IndexSpec // the indexes of the old content
	temp   *storage.Collection
	w      *storage.Writer
}

func (a *aggregation) Replace(ctx context.Context, ns pipeline.Namespace) (pipeline.Replacement, error) {
	r := &replacement{a: a, to: storage.Namespace(ns)}
	r.before = r.indexes()
	options, err := r.options()
	if err != nil {
		return nil, err
	}
	options.Temp = true
	if r.temp, err = a.s.store.Create(storage.Namespace{DB: ns.DB, Collection: "tmp.agg_out." + bson.NewObjectID().Hex()}, options); err != nil {
		return nil, err
	}
	if _, _, err = r.temp.CreateIndexes(ctx, r.before); err == nil {
		r.w, err = r.temp.Begin()
	}
	if err != nil {
		return nil, errors.Join(err, a.s.store.Drop(r.temp))
	}
	r.w.Unvalidated = a.unvalidated
	return r, nil
}

// options gives the options of the collection, which its new content keeps.
func (r *replacement) options() (o storage.CollectionOptions, err error) {
	if r.a.s.store.View(r.to) != nil {
		return o, mongoerr.CommandNotSupportedOnView.Errorf("namespace '%s' is a view: cannot be written by $out", r.to)
	}
	if c := r.a.s.store.Collection(r.to); c != nil {
		o = c.Options()
	}
	if o.Capped {
		return o, mongoerr.New(17152, "Location17152", "namespace '%s' is capped so it can't be used for $out", r.to)
	}
	return o, nil
}

// indexes gives the indexes that the collection has now.
func (r *replacement) indexes() []storage.IndexSpec {
	c := r.a.s.store.Collection(r.to)
	if c == nil {
		return nil
	}
	var specs []storage.IndexSpec
	for _, x := range c.Indexes() {
		specs = append(specs, x.Spec)
	}
	return specs
}

func (r *replacement) Insert(doc bson.Raw) error {
	doc, err := prepareInsert(doc, r.a.s.clock.now())
	if err != nil {
		return err
	}
	if err := r.w.Insert(doc); err != nil || !r.w.Full() {
		return err
	}
	return r.w.Apply()
}

func (r *replacement) Commit() error {
	err := r.w.Commit(r.a.journaled)
	if err == nil && !slices.EqualFunc(r.before, r.indexes(), func(a, b storage.IndexSpec) bool { return a.Name == b.Name && a.KeyPattern() == b.KeyPattern() }) {
		err = mongoerr.New(125, "CommandFailed", "indexes of target collection %s changed while processing $out.", r.to)
	}
	if err == nil {
		err = r.a.s.store.Rename(r.temp.NS, r.to, true)
	}
	if err != nil {
		return errors.Join(err, r.a.s.store.Drop(r.temp))
	}
	return nil
}

func (r *replacement) Abort() error {
	return errors.Join(r.w.Rollback(), r.a.s.store.Drop(r.temp))
}
