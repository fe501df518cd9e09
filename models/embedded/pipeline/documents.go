package pipeline

import (
	"bytes"
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// generateStage makes documents by itself, when the first is asked for.
type generateStage struct {
	generate func(ctx context.Context) ([]bson.Raw, error)
}

func (g *generateStage) open(from Source) Source {
	return &gatherSource{Source: from, gather: func(ctx context.Context, _ Source) (Source, error) {
		docs, err := g.generate(ctx)
		return List(docs), err
	}}
}

// parseDocuments parses $documents, whose argument may be any expression that
// gives an array.
func parseDocuments(p *parser, v bson.RawValue) (stage, error) {
	e, err := expr.Parse(v, p.env.Vars)
	if err != nil {
		return nil, err
	}
	return &generateStage{func(context.Context) ([]bson.Raw, error) {
		list, err := e.Eval(marshal(bson.D{}))
		if err != nil {
			return nil, err
		}
		if list.Type != bson.TypeArray {
			return nil, mongoerr.Code(5858203).Errorf("an array is expected")
		}
		var docs []bson.Raw
		it := value.Elements(list.Value)
		for {
			_, item, ok := it.Next()
			if !ok {
				return docs, nil
			}
			if item.Type != bson.TypeEmbeddedDocument {
				return nil, mongoerr.Code(40228).Errorf("'elements within the array passed to $documents' expression must evaluate to an object, but resulting value was: %s. Type of resulting value: '%s'. Input document: {}",
					value.Format(item), value.TypeName(item.Type))
			}
			docs = append(docs, bytes.Clone(item.Value))
		}
	}}, nil
}

// eachOption calls f for each field of a stage's object.
func eachOption(v bson.RawValue, f func(name string, v bson.RawValue) error) error {
	it := value.Elements(v.Value)
	for {
		key, option, ok := it.Next()
		if !ok {
			return nil
		}
		if err := f(string(key), option); err != nil {
			return err
		}
	}
}

func parseCollStats(p *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.Code(5447000).Errorf("$collStats must take a nested object but found: $collStats: %s", value.Format(v))
	}
	o := CollStatsOptions{Scale: 1}
	err := eachOption(v, func(name string, v bson.RawValue) error {
		switch name {
		case "latencyStats", "storageStats", "count", "queryExecStats":
			if v.Type != bson.TypeEmbeddedDocument {
				return wrongType("$collStats."+name, v, "object")
			}
		default:
			return mongoerr.UnknownCommandField.Errorf("BSON field '$collStats.%s' is an unknown field.", name)
		}
		o.Latency = o.Latency || name == "latencyStats"
		o.Count = o.Count || name == "count"
		o.QueryExec = o.QueryExec || name == "queryExecStats"
		if name == "storageStats" {
			o.Storage = true
			return eachOption(v, o.storageOption)
		}
		return nil
	})
	ns := p.env.NS
	store := p.env.Store
	return &generateStage{func(context.Context) ([]bson.Raw, error) {
		doc, err := store.CollStats(ns, o)
		return []bson.Raw{doc}, err
	}}, err
}

func (o *CollStatsOptions) storageOption(name string, v bson.RawValue) error {
	switch name {
	case "scale":
		n, ok := integer(v)
		if !ok || n < 1 {
			return mongoerr.Code(51024).Errorf("BSON field 'scale' value must be >= 1, actual value '%s'", value.Format(v))
		}
		o.Scale = n
	case "verbose", "waitForLock", "numericOnly":
	default:
		return mongoerr.UnknownCommandField.Errorf("BSON field '$collStats.storageStats.%s' is an unknown field.", name)
	}
	return nil
}

func parseIndexStats(p *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument || len(v.Value) > 5 {
		return nil, mongoerr.Code(28803).Errorf("The $indexStats stage specification must be an empty object")
	}
	ns, store := p.env.NS, p.env.Store
	return &generateStage{func(context.Context) ([]bson.Raw, error) { return store.IndexStats(ns) }}, nil
}

// parseCurrentOp parses $currentOp. Some of its options choose among users or the
// nodes of a cluster; here is one of each.
func parseCurrentOp(p *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.FailedToParse.Errorf("$currentOp options must be specified in an object, but found: %s", value.TypeName(v.Type))
	}
	if p.env.NS.DB != "admin" || p.env.NS.Collection != "" {
		return nil, mongoerr.InvalidNamespace.Errorf("$currentOp must be run against the 'admin' database with {aggregate: 1}")
	}
	var idleConnections, idleCursors bool
	err := eachOption(v, func(name string, v bson.RawValue) error {
		switch name {
		case "allUsers", "idleConnections", "idleCursors", "idleSessions", "localOps", "truncateOps", "backtrace", "targetAllNodes":
			if v.Type != bson.TypeBoolean {
				return mongoerr.FailedToParse.Errorf("The '%s' parameter of the $currentOp stage must be a boolean value, but found: %s", name, value.TypeName(v.Type))
			}
			idleConnections = idleConnections || name == "idleConnections" && v.Boolean()
			idleCursors = idleCursors || name == "idleCursors" && v.Boolean()
			return nil
		}
		return mongoerr.FailedToParse.Errorf("Unrecognized option '%s' in $currentOp stage.", name)
	})
	store := p.env.Store
	return &generateStage{func(context.Context) ([]bson.Raw, error) { return store.CurrentOps(idleConnections, idleCursors) }}, err
}

func parseListLocalSessions(p *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.TypeMismatch.Errorf("$listLocalSessions options must be specified in an object, but found: %s", value.TypeName(v.Type))
	}
	err := eachOption(v, func(name string, v bson.RawValue) error {
		switch {
		case name != "allUsers" && name != "users":
			return mongoerr.UnknownCommandField.Errorf("BSON field '$listLocalSessions.%s' is an unknown field.", name)
		case name == "allUsers" && v.Type != bson.TypeBoolean:
			return wrongType("$listLocalSessions.allUsers", v, "bool")
		case name == "users" && v.Type != bson.TypeArray:
			return wrongType("$listLocalSessions.users", v, "array")
		}
		return nil
	})
	store := p.env.Store
	return &generateStage{func(context.Context) ([]bson.Raw, error) { return store.Sessions() }}, err
}

func wrongType(name string, v bson.RawValue, want string) error {
	return mongoerr.TypeMismatch.Errorf("BSON field '%s' is the wrong type '%s', expected type '%s'", name, value.TypeName(v.Type), want)
}
