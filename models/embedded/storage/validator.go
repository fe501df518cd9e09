package storage

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// validate checks a document against the collection's validator. The error is a
// DocumentValidationFailure that says in its Info what was wrong.
func (w *Writer) validate(old, new bson.Raw) error {
	o := &w.c.schema.Load().options
	if o.validator == nil || w.Unvalidated || o.ValidationLevel == "off" {
		return nil
	}
	if ok, err := o.validator.Match(new); ok || err != nil {
		return err
	}
	if o.ValidationLevel == "moderate" && old != nil {
		if ok, err := o.validator.Match(old); !ok || err != nil {
			return err
		}
	}
	if o.ValidationAction == "warn" {
		w.c.store.log.Warn("document would fail validation", "collection", w.c.NS.String(), "id", new.Lookup("_id").String())
		return nil
	}
	err := mongoerr.DocumentValidationFailure.Errorf("Document failed validation")
	id := new.Lookup("_id")
	err.Info = bsoncore.NewDocumentBuilder().
		AppendValue("failingDocumentId", bsoncore.Value{Type: bsoncore.Type(id.Type), Data: id.Value}).
		AppendDocument("details", explainFailure(o.Validator, new)).Build()
	return err
}

// explainFailure says which part of a validator refuses doc: the one clause, or the
// clauses of the conjunction that a filter is.
func explainFailure(validator, doc bson.Raw) bsoncore.Document {
	elements, err := validator.Elements()
	if err != nil {
		return bsoncore.NewDocumentBuilder().Build()
	}
	clauses := bsoncore.NewArrayBuilder()
	failed := 0
	var only bsoncore.Document
	for i, e := range elements {
		clause := bson.Raw(bsoncore.BuildDocumentFromElements(nil, bsoncore.Element(e)))
		f, err := query.ParseFilter(clause, nil)
		if err != nil {
			continue
		}
		if ok, err := f.Match(doc); ok || err != nil {
			continue
		}
		failed++
		only = explainClause(clause, e, doc)
		clauses.AppendDocument(bsoncore.NewDocumentBuilder().AppendInt32("index", int32(i)).AppendDocument("details", only).Build())
	}
	if len(elements) == 1 && failed == 1 {
		return only
	}
	return bsoncore.NewDocumentBuilder().AppendString("operatorName", "$and").AppendArray("clausesNotSatisfied", clauses.Build()).Build()
}

// reasons are mongod's words for what an operator found wrong.
var reasons = map[string]string{
	"$eq": "comparison failed", "$gt": "comparison failed", "$gte": "comparison failed",
	"$lt": "comparison failed", "$lte": "comparison failed", "$ne": "comparison succeeded",
	"$in": "no matching value found in array", "$nin": "matching value found in array",
	"$type": "type did not match", "$exists": "path does not exist", "$regex": "regular expression did not match",
	"$mod": "$mod did not evaluate to expected remainder", "$size": "array length was not equal to given size",
	"$all": "array did not contain all specified values", "$elemMatch": "array did not satisfy the child predicate",
}

func explainClause(clause bson.Raw, e bson.RawElement, doc bson.Raw) bsoncore.Document {
	path, v := e.Key(), e.Value()
	operator := "$eq"
	if strings.HasPrefix(path, "$") {
		return bsoncore.NewDocumentBuilder().AppendString("operatorName", path).AppendDocument("specifiedAs", bsoncore.Document(clause)).Build()
	}
	if inner, ok := v.DocumentOK(); ok {
		if first, err := inner.IndexErr(0); err == nil && strings.HasPrefix(first.Key(), "$") {
			operator = first.Key()
		}
	} else if v.Type == bson.TypeRegex {
		operator = "$regex"
	}
	b := bsoncore.NewDocumentBuilder().AppendString("operatorName", operator).AppendDocument("specifiedAs", bsoncore.Document(clause))
	found, ok := value.Lookup(doc, path)
	if !ok && operator != "$exists" {
		return b.AppendString("reason", "field was missing").Build()
	}
	if reason := reasons[operator]; reason != "" {
		b.AppendString("reason", reason)
	}
	if ok {
		b.AppendValue("consideredValue", bsoncore.Value{Type: bsoncore.Type(found.Type), Data: found.Value})
	}
	if ok && operator == "$type" {
		b.AppendString("consideredType", value.TypeName(found.Type))
	}
	return b.Build()
}
