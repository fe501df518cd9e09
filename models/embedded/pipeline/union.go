package pipeline

import (
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// unionStage is $unionWith.
type unionStage struct{ with *Pipeline }

func parseUnionWith(p *parser, v bson.RawValue) (stage, error) {
	name := ""
	var list bson.RawValue
	switch v.Type {
	case bson.TypeString:
		name = v.StringValue()
	case bson.TypeEmbeddedDocument:
		it := value.Elements(v.Value)
		for {
			key, option, ok := it.Next()
			if !ok {
				break
			}
			switch string(key) {
			case "coll":
				if name, ok = option.StringValueOK(); !ok {
					return nil, wrongType("$unionWith.coll", option, "string")
				}
			case "pipeline":
				if list = option; option.Type != bson.TypeArray {
					return nil, wrongType("$unionWith.pipeline", option, "array")
				}
			default:
				return nil, mongoerr.UnknownCommandField.Errorf("BSON field '$unionWith.%s' is an unknown field.", key)
			}
		}
	default:
		return nil, mongoerr.FailedToParse.Errorf("the $unionWith stage specification must be an object or string, but found %s", value.TypeName(v.Type))
	}
	var docs []bson.Raw
	if !value.Missing(list) {
		var err error
		if docs, err = pipelineOf(list); err != nil {
			return nil, err
		}
	}
	if name == "" && !beginsWithDocuments(docs) {
		return nil, mongoerr.FailedToParse.Errorf("$unionWith stage without explicit collection must have a pipeline with $documents as first stage")
	}
	with, err := p.subPipeline("$unionWith", name, docs)
	return &unionStage{with}, err
}

func beginsWithDocuments(docs []bson.Raw) bool {
	if len(docs) == 0 {
		return false
	}
	it := value.Elements(docs[0])
	key, _, _ := it.Next()
	return string(key) == "$documents"
}

// subPipeline parses the pipeline of a stage that reads another collection or view of
// the database, or none where name is "".
func (p *parser) subPipeline(within, name string, docs []bson.Raw) (*Pipeline, error) {
	inner, err := p.sub(within, Namespace{p.env.NS.DB, name})
	if err != nil {
		return nil, err
	}
	if name != "" {
		if err := checkCollectionName(inner.env.NS); err != nil {
			return nil, err
		}
		var view []bson.Raw
		if inner.env.NS, view, err = p.env.Store.Resolve(inner.env.NS); err != nil {
			return nil, err
		}
		docs = slices.Concat(view, docs)
	}
	steps, err := inner.parse(docs)
	if err != nil {
		return nil, err
	}
	if err := inner.checkCollection(steps); err != nil {
		return nil, err
	}
	return inner.pipeline(steps)
}

func (u *unionStage) open(from Source) Source { return &unionSource{Source: from, with: u.with} }

// unionSource gives the documents of its source, then those of a pipeline.
type unionSource struct {
	Source
	with   *Pipeline
	second Source // nil while the first gives documents
}

func (u *unionSource) Next(ctx context.Context) (bson.Raw, error) {
	if u.second == nil {
		if doc, err := u.Source.Next(ctx); doc != nil || err != nil {
			return doc, err
		}
		var err error
		if u.second, err = u.with.run(nil); err != nil {
			return nil, err
		}
	}
	return u.second.Next(ctx)
}

func (u *unionSource) Exhausted() bool { return u.second != nil && u.second.Exhausted() }

func (u *unionSource) Close() error { return joinClose(u.Source, u.second) }
