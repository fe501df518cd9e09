package pipeline

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// redactStage is $redact, which decides for each document within a document.
type redactStage struct{ decide *expr.Expression }

func parseRedact(p *parser, v bson.RawValue) (stage, error) {
	vars := p.env.Vars
	for variable, decision := range map[string]string{"DESCEND": "descend", "PRUNE": "prune", "KEEP": "keep"} {
		vars = vars.With(variable, stringValue(decision))
	}
	e, err := expr.Parse(v, vars)
	return &redactStage{e}, err
}

func (r *redactStage) open(from Source) Source {
	return &eachSource{from, func(_ context.Context, doc bson.Raw) (bson.Raw, error) { return r.redact(doc) }}
}

// redact gives what is left of a document, nil for nothing.
func (r *redactStage) redact(doc bson.Raw) (bson.Raw, error) {
	decision, err := r.decide.Eval(doc)
	if err != nil {
		return nil, err
	}
	switch text, _ := decision.StringValueOK(); text {
	case "keep":
		return doc, nil
	case "prune":
		return nil, nil
	case "descend":
		return r.descend(doc)
	}
	return nil, mongoerr.Code(17053).Errorf("$redact's expression should not return anything aside from the variables $$KEEP, $$DESCEND, and $$PRUNE, but returned %s", value.Format(decision))
}

func (r *redactStage) descend(doc bson.Raw) (bson.Raw, error) {
	index, out := bsoncore.AppendDocumentStart(make([]byte, 0, len(doc)))
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			return endDocument(out, index), nil
		}
		v, err := r.value(v)
		if err != nil {
			return nil, err
		}
		if !value.Missing(v) {
			out = appendValue(out, string(key), v)
		}
	}
}

// value redacts a document, or those in an array; the zero value means nothing.
func (r *redactStage) value(v bson.RawValue) (bson.RawValue, error) {
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		doc, err := r.redact(v.Value)
		if doc == nil || err != nil {
			return bson.RawValue{}, err
		}
		return documentValue(doc), nil
	case bson.TypeArray:
		var list arrayBuilder
		it := value.Elements(v.Value)
		for {
			_, item, ok := it.Next()
			if !ok {
				return list.value(), nil
			}
			item, err := r.value(item)
			if err != nil {
				return bson.RawValue{}, err
			}
			if !value.Missing(item) {
				list.add(item)
			}
		}
	}
	return v, nil
}
