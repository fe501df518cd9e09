package embedded

import (
	"bytes"
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/pipeline"
	"parlor/models/embedded/query"
	"parlor/models/embedded/storage"
)

// createArgs are the fields of a create.
type createArgs struct {
	options  storage.CollectionOptions
	viewOn   string
	pipeline []bson.Raw
	// plain names an option that a view can't have, piped that there is a pipeline.
	plain string
	piped bool
}

func runCreate(_ context.Context, r *request, out []byte) ([]byte, error) {
	ns, err := r.collection()
	if err != nil {
		return nil, err
	}
	var a createArgs
	for _, f := range r.fields {
		if err := a.read(r, f); err != nil {
			return nil, err
		}
	}
	switch {
	case a.viewOn != "" && a.plain != "":
		return nil, mongoerr.InvalidOptions.Errorf("option '%s' cannot be used with a view", a.plain)
	case a.viewOn != "":
		return out, r.createView(ns, a)
	case a.piped:
		return nil, mongoerr.InvalidOptions.Errorf("'pipeline' requires 'viewOn' to also be specified")
	}
	if err := a.options.Check(); err != nil {
		return nil, err
	}
	// To create once more what is there already is no error since 7.0.
	if c := r.s.store.Collection(ns); c != nil {
		if !sameOptions(c.Options(), a.options) {
			return nil, mongoerr.NamespaceExists.Errorf("namespace %s already exists, but with different options", ns)
		}
		return out, nil
	}
	_, err = r.s.store.Create(ns, a.options)
	return out, err
}

func (a *createArgs) read(r *request, f field) (err error) {
	switch f.name {
	case "viewOn":
		var ok bool
		if a.viewOn, ok = f.v.StringValueOK(); !ok {
			return wrongType("create.viewOn", f.v, "string")
		}
		if a.viewOn == "" {
			return mongoerr.BadValue.Errorf("'viewOn' cannot be empty")
		}
		return nil
	case "pipeline":
		a.piped = true
		a.pipeline, err = r.documents("pipeline")
		return err
	}
	a.plain = f.name
	switch f.name {
	case "capped":
		return r.boolean(f, &a.options.Capped)
	case "size":
		return r.natural(f, &a.options.Size)
	case "max":
		return r.natural(f, &a.options.Max)
	case "validator", "validationLevel", "validationAction":
		return r.validation(f, &a.options)
	case "timeseries", "clusteredIndex", "expireAfterSeconds", "encryptedFields", "changeStreamPreAndPostImages":
		return mongoerr.NotImplemented.Errorf("create option '%s' is not supported", f.name)
	case "storageEngine", "indexOptionDefaults":
		var doc bson.Raw
		if err := r.document(f, &doc); err != nil {
			return err
		}
		if len(doc) > 5 {
			return mongoerr.InvalidOptions.Errorf("create option '%s' names no storage engine that there is here", f.name)
		}
		return nil
	case "autoIndexId":
		var on bool
		if err := r.boolean(f, &on); err != nil || on {
			return err
		}
		return mongoerr.BadValue.Errorf("autoIndexId:false is not allowed")
	case "idIndex", "flags", "temp":
		return nil
	}
	return r.unknown(f)
}

// validation reads an option about validation, of create or collMod.
func (r *request) validation(f field, o *storage.CollectionOptions) error {
	if f.name == "validator" {
		var doc bson.Raw
		if err := r.document(f, &doc); err != nil {
			return err
		}
		o.Validator = bytes.Clone(doc)
		return nil
	}
	s, ok := f.v.StringValueOK()
	if !ok {
		return wrongType(r.name+"."+f.name, f.v, "string")
	}
	if f.name == "validationLevel" {
		o.ValidationLevel = s
	} else {
		o.ValidationAction = s
	}
	return nil
}

func sameOptions(a, b storage.CollectionOptions) bool {
	return a.Capped == b.Capped && a.Size == b.Size && a.Max == b.Max && bytes.Equal(a.Validator, b.Validator) &&
		a.ValidationLevel == b.ValidationLevel && a.ValidationAction == b.ValidationAction
}

func (r *request) createView(ns storage.Namespace, a createArgs) error {
	v := &storage.View{NS: ns, On: a.viewOn, Pipeline: []bson.Raw{}}
	if _, err := r.namespace(a.viewOn); err != nil {
		return err
	}
	for _, stage := range a.pipeline {
		v.Pipeline = append(v.Pipeline, bytes.Clone(stage))
	}
	if err := r.checkView(v); err != nil {
		return err
	}
	return r.s.store.CreateView(v)
}

// maxViewDepth is how many views may stand on each other.
const maxViewDepth = 20

// checkView refuses a view that would write, stand on itself, or too high.
func (r *request) checkView(v *storage.View) error {
	on := storage.Namespace{DB: v.NS.DB, Collection: v.On}
	env := pipeline.Env{NS: pipeline.Namespace(on), Store: r.aggregation(), Vars: expr.NewVariables(r.started)}
	if err := pipeline.CheckView(v.Pipeline, pipeline.Namespace(v.NS), env); err != nil {
		return err
	}
	for depth := 1; ; depth++ {
		if on == v.NS {
			return mongoerr.GraphContainsCycle.Errorf("View cycle detected: %s => %s", v.NS, on)
		}
		if depth > maxViewDepth {
			return mongoerr.ViewDepthLimitExceeded.Errorf("View depth limit exceeded; maximum depth is %d", maxViewDepth)
		}
		below := r.s.store.View(on)
		if below == nil {
			return nil
		}
		on.Collection = below.On
	}
}

// resolveView gives the collection at the bottom of a namespace, which may be a
// view, and the pipeline from there, empty for a collection.
func (s *Server) resolveView(ns storage.Namespace) (storage.Namespace, []bson.Raw, error) {
	var stages []bson.Raw
	for depth := 0; ; depth++ {
		v := s.store.View(ns)
		if v == nil {
			return ns, stages, nil
		}
		if depth >= maxViewDepth {
			return ns, nil, mongoerr.ViewDepthLimitExceeded.Errorf("View depth too deep or view cycle detected; maximum depth is %d", maxViewDepth)
		}
		stages = append(append([]bson.Raw(nil), v.Pipeline...), stages...)
		ns.Collection = v.On
	}
}

// notView refuses a command that views don't have.
func (r *request) notView(ns storage.Namespace) error {
	if r.s.store.View(ns) != nil {
		return mongoerr.CommandNotSupportedOnView.Errorf("Namespace %s is a view, not a collection", ns)
	}
	return nil
}

// filter reads a field that is a filter.
func (r *request) filter(f field) (*query.Filter, error) {
	var doc bson.Raw
	if err := r.document(f, &doc); err != nil {
		return nil, err
	}
	return query.ParseFilter(doc, nil)
}
