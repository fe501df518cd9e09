package pipeline

import (
	"context"
	"errors"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// outStage is $out.
type outStage struct {
	store Store
	to    Namespace
}

func parseOut(p *parser, v bson.RawValue) (stage, error) {
	o := &outStage{store: p.env.Store, to: Namespace{DB: p.env.NS.DB}}
	switch v.Type {
	case bson.TypeString:
		o.to.Collection = v.StringValue()
	case bson.TypeEmbeddedDocument:
		o.to.DB = ""
		if err := eachOption(v, o.option); err != nil {
			return nil, err
		}
		for name, set := range map[string]string{"coll": o.to.Collection, "db": o.to.DB} {
			if set == "" {
				return nil, mongoerr.MissingCommandField.Errorf("BSON field '$out.%s' is missing but a required field", name)
			}
		}
	default:
		return nil, mongoerr.Code(16990).Errorf("$out only supports a string or object argument, but found %s", value.TypeName(v.Type))
	}
	if strings.HasPrefix(o.to.Collection, "system.") {
		return nil, mongoerr.Code(17385).Errorf("Can't $out to special collection: %s", o.to.Collection)
	}
	if o.to.DB == "local" || o.to.DB == "config" || o.to.DB == "admin" {
		return nil, mongoerr.Code(31321).Errorf("Can't $out to internal database: %s", o.to.DB)
	}
	return o, checkTarget("$out", o.to)
}

func (o *outStage) option(name string, v bson.RawValue) error {
	to := map[string]*string{"db": &o.to.DB, "coll": &o.to.Collection}[name]
	switch {
	case name == "timeseries":
		return mongoerr.NotImplemented.Errorf("time-series collections are not supported by this server")
	case to == nil:
		return mongoerr.UnknownCommandField.Errorf("BSON field '$out.%s' is an unknown field.", name)
	case v.Type != bson.TypeString:
		return wrongType("$out."+name, v, "string")
	}
	*to = v.StringValue()
	return nil
}

func checkTarget(stage string, ns Namespace) error {
	if ns.Collection == "" || ns.DB == "" || strings.ContainsAny(ns.DB, "/\\. \"$\x00") || checkCollectionName(ns) != nil {
		return mongoerr.InvalidNamespace.Errorf("Invalid %s target namespace: '%s.%s'", stage, ns.DB, ns.Collection)
	}
	return nil
}

func (o *outStage) open(from Source) Source { return &gatherSource{Source: from, gather: o.write} }

// write puts everything into a new content, which takes the place of the old one
// when it is whole.
func (o *outStage) write(ctx context.Context, from Source) (Source, error) {
	w, err := o.store.Replace(ctx, o.to)
	if err != nil {
		return nil, err
	}
	if err := drain(ctx, from, w.Insert); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return List(nil), w.Commit()
}
