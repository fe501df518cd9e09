package embedded

import (
	"bytes"
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/storage"
)

func runCollMod(_ context.Context, r *request, out []byte) ([]byte, error) {
	ns, err := r.collection()
	if err != nil {
		return nil, err
	}
	if v := r.s.store.View(ns); v != nil {
		return out, r.modifyView(*v)
	}
	c, err := r.existing()
	if err != nil {
		return nil, err
	}
	o := c.Options()
	var index bson.Raw
	changed := false
	for _, f := range r.fields {
		switch f.name {
		case "validator", "validationLevel", "validationAction":
			changed = true
			err = r.validation(f, &o)
		case "cappedSize":
			changed = true
			err = r.cappedNumber(f, o.Capped, &o.Size)
		case "cappedMax":
			changed = true
			err = r.cappedNumber(f, o.Capped, &o.Max)
		case "index":
			err = r.document(f, &index)
		case "viewOn", "pipeline":
			err = mongoerr.InvalidOptions.Errorf("option not supported on a collection: %s", f.name)
		case "expireAfterSeconds", "timeseries", "changeStreamPreAndPostImages":
			err = mongoerr.InvalidOptions.Errorf("option only supported on a time-series or clustered collection: %s", f.name)
		case "dryRun":
			var dry bool
			if err = r.boolean(f, &dry); err == nil && dry {
				err = mongoerr.NotImplemented.Errorf("collMod option 'dryRun' is not supported")
			}
		default:
			err = r.unknown(f)
		}
		if err != nil {
			return nil, err
		}
	}
	if changed {
		if err := o.Check(); err != nil {
			return nil, err
		}
	}
	if index != nil {
		if out, err = r.modifyIndex(out, c, index); err != nil {
			return nil, err
		}
	}
	if changed {
		return out, c.SetOptions(o)
	}
	return out, nil
}

func (r *request) cappedNumber(f field, capped bool, to *int64) error {
	if !capped {
		return mongoerr.InvalidOptions.Errorf("Collection must be capped.")
	}
	return r.natural(f, to)
}

func (r *request) modifyView(v storage.View) error {
	for _, f := range r.fields {
		switch f.name {
		case "viewOn":
			on, ok := f.v.StringValueOK()
			if !ok {
				return wrongType("collMod.viewOn", f.v, "string")
			}
			v.On = on
		case "pipeline":
			stages, err := r.documents("pipeline")
			if err != nil {
				return err
			}
			v.Pipeline = []bson.Raw{}
			for _, stage := range stages {
				v.Pipeline = append(v.Pipeline, bytes.Clone(stage))
			}
		default:
			return mongoerr.InvalidOptions.Errorf("option not supported on a view: %s", f.name)
		}
	}
	if !r.has("viewOn") || !r.has("pipeline") {
		return mongoerr.InvalidOptions.Errorf("Must specify both 'viewOn' and 'pipeline' when modifying a view")
	}
	if err := r.checkView(&v); err != nil {
		return err
	}
	return r.s.store.AlterView(&v)
}

// indexChange is the index field of collMod.
type indexChange struct {
	name   string
	key    bson.Raw
	expire bson.RawValue
	hidden bson.RawValue
}

func parseIndexChange(doc bson.Raw) (x indexChange, err error) {
	err = eachField(doc, func(f field) error {
		var ok bool
		switch f.name {
		case "name":
			if x.name, ok = f.v.StringValueOK(); !ok {
				return wrongType("collMod.index.name", f.v, "string")
			}
		case "keyPattern":
			if x.key, ok = f.v.DocumentOK(); !ok {
				return wrongType("collMod.index.keyPattern", f.v, "object")
			}
		case "expireAfterSeconds":
			x.expire = f.v
		case "hidden":
			x.hidden = f.v
		case "unique", "prepareUnique":
			return mongoerr.NotImplemented.Errorf("collMod index option '%s' is not supported", f.name)
		default:
			return mongoerr.UnknownCommandField.Errorf("BSON field 'collMod.index.%s' is an unknown field.", f.name)
		}
		return nil
	})
	switch {
	case err != nil:
	case x.name == "" && x.key == nil:
		err = mongoerr.InvalidOptions.Errorf("must specify either index name or key pattern")
	case x.name != "" && x.key != nil:
		err = mongoerr.InvalidOptions.Errorf("cannot specify both key pattern and name")
	case x.expire.IsZero() && x.hidden.IsZero():
		err = mongoerr.InvalidOptions.Errorf("no expireAfterSeconds, hidden, unique, or prepareUnique field")
	}
	return x, err
}

func (r *request) modifyIndex(out []byte, c *storage.Collection, doc bson.Raw) ([]byte, error) {
	want, err := parseIndexChange(doc)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(c.Indexes(), func(x *storage.Index) bool {
		return x.Spec.Name == want.name || want.key != nil && bytes.Equal(x.Spec.Key, want.key)
	})
	if at < 0 {
		return nil, mongoerr.IndexNotFound.Errorf("cannot find index %s for ns %s", want.text(), c.NS)
	}
	spec := c.Indexes()[at].Spec
	if !want.expire.IsZero() {
		n, ok := want.expire.AsInt64OK()
		if !ok || n < 0 || n > 1<<31-1 {
			return nil, mongoerr.InvalidOptions.Errorf("TTL index 'expireAfterSeconds' option must be within an acceptable range, try a different value")
		}
		if len(spec.Fields) > 1 || spec.Name == storage.IDIndex {
			return nil, mongoerr.InvalidOptions.Errorf("TTL indexes are single-field indexes, compound indexes do not support TTL. Index spec: %s", spec.Raw)
		}
		if spec.ExpireAfter >= 0 {
			out = bsoncore.AppendInt64Element(out, "expireAfterSeconds_old", spec.ExpireAfter)
		}
		out = bsoncore.AppendInt64Element(out, "expireAfterSeconds_new", n)
		spec.ExpireAfter = n
	}
	if !want.hidden.IsZero() {
		hide, ok := asBool(want.hidden)
		if !ok {
			return nil, wrongType("collMod.index.hidden", want.hidden, "bool")
		}
		if spec.Name == storage.IDIndex {
			return nil, mongoerr.BadValue.Errorf("can't hide _id index")
		}
		out = bsoncore.AppendBooleanElement(out, "hidden_old", spec.Hidden)
		out = bsoncore.AppendBooleanElement(out, "hidden_new", hide)
		spec.Hidden = hide
	}
	return out, c.AlterIndex(spec.Name, func(x *storage.IndexSpec) { x.ExpireAfter, x.Hidden = spec.ExpireAfter, spec.Hidden })
}

func (x indexChange) text() string {
	if x.name != "" {
		return x.name
	}
	return x.key.String()
}
