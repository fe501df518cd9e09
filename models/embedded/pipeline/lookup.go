package pipeline

import (
	"bytes"
	"context"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// lookupStage is $lookup in all its forms: by equal fields, by a pipeline with
// variables, or both.
type lookupStage struct {
	as                       string
	localField, foreignField string
	// with is the foreign pipeline. Where it has variables it only shows that the
	// pipeline is valid: each document parses it again with its values.
	with   *Pipeline
	let    []letVariable
	docs   []bson.Raw
	from   string
	parser *parser
}

// letVariable is a variable whose value is computed for each document.
type letVariable struct {
	name string
	of   *expr.Expression
}

func parseLookup(p *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.FailedToParse.Errorf("the $lookup stage specification must be an object, but found %s", value.TypeName(v.Type))
	}
	s := &lookupSpec{}
	if err := eachOption(v, s.option); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	l := &lookupStage{as: s.as, localField: s.localField, foreignField: s.foreignField, docs: s.docs, from: s.from, parser: p}
	for _, path := range []string{l.as, l.localField, l.foreignField} {
		if path != "" {
			if err := checkFieldPath(path); err != nil {
				return nil, err
			}
		}
	}
	var err error
	if l.let, err = parseLet(s.let, p.env.Vars); err != nil {
		return nil, err
	}
	l.with, err = l.bind(func(letVariable) (bson.RawValue, error) { return bson.RawValue{}, nil })
	return l, err
}

// lookupSpec is a $lookup as it is written.
type lookupSpec struct {
	from, as, localField, foreignField string
	let                                bson.Raw
	docs                               []bson.Raw
	hasPipeline, hasLet                bool
}

func (s *lookupSpec) option(name string, v bson.RawValue) (err error) {
	to := map[string]*string{"from": &s.from, "as": &s.as, "localField": &s.localField, "foreignField": &s.foreignField}[name]
	switch {
	case name == "pipeline":
		s.hasPipeline = true
		s.docs, err = pipelineOf(v)
	case name == "let":
		s.hasLet = true
		if v.Type != bson.TypeEmbeddedDocument {
			return mongoerr.FailedToParse.Errorf("$lookup argument 'let: %s' must be an object, is type %s", value.Format(v), value.TypeName(v.Type))
		}
		s.let = v.Value
	case to == nil:
		return mongoerr.FailedToParse.Errorf("unknown argument to $lookup: %s", name)
	case v.Type != bson.TypeString:
		return mongoerr.FailedToParse.Errorf("$lookup argument '%s' must be a string, found %s: %s: %s", name, name, value.Format(v), value.TypeName(v.Type))
	default:
		*to = v.StringValue()
	}
	return err
}

func (s *lookupSpec) check() error {
	switch {
	case s.as == "":
		return mongoerr.FailedToParse.Errorf("must specify 'as' field for a $lookup")
	case s.from == "" && !s.hasPipeline:
		return mongoerr.FailedToParse.Errorf("must specify 'pipeline' when 'from' is empty")
	case s.from == "" && !beginsWithDocuments(s.docs):
		return mongoerr.FailedToParse.Errorf("$lookup stage without explicit collection must have a pipeline with $documents as first stage")
	case s.hasPipeline && (s.localField == "") != (s.foreignField == ""):
		return mongoerr.FailedToParse.Errorf("$lookup requires both or neither of 'localField' and 'foreignField' to be specified")
	case !s.hasPipeline && (s.localField == "" || s.foreignField == ""):
		return mongoerr.FailedToParse.Errorf("$lookup requires either 'pipeline' or both 'localField' and 'foreignField' to be specified")
	case !s.hasPipeline && s.hasLet:
		return mongoerr.FailedToParse.Errorf("$lookup with a 'let' argument must also specify 'pipeline'")
	}
	return nil
}

func parseLet(doc bson.Raw, vars *expr.Variables) ([]letVariable, error) {
	var let []letVariable
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			return let, nil
		}
		name := string(key)
		if err := checkVariable(name); err != nil {
			return nil, err
		}
		e, err := expr.Parse(v, vars)
		if err != nil {
			return nil, err
		}
		let = append(let, letVariable{name, e})
	}
}

// checkVariable refuses names that a user's variable can't have.
func checkVariable(name string) error {
	// A let with a constant value checks its name and nothing else.
	_, err := (*expr.Variables)(nil).Let(marshal(bson.D{{Key: name, Value: nil}}))
	return err
}

// bind parses the foreign pipeline with the values of its variables.
func (l *lookupStage) bind(valueOf func(letVariable) (bson.RawValue, error)) (*Pipeline, error) {
	inner := *l.parser
	for _, variable := range l.let {
		v, err := valueOf(variable)
		if err != nil {
			return nil, err
		}
		inner.env.Vars = inner.env.Vars.With(variable.name, v)
	}
	return inner.subPipeline("$lookup", l.from, l.docs)
}

func (l *lookupStage) open(from Source) Source { return &eachSource{from, l.join} }

// join gives doc with the array of what it finds.
func (l *lookupStage) join(ctx context.Context, doc bson.Raw) (bson.Raw, error) {
	doc = bytes.Clone(doc) // the foreign scan may share the source's buffer
	with := l.with
	if len(l.let) > 0 {
		var err error
		if with, err = l.bind(func(v letVariable) (bson.RawValue, error) { return v.of.Eval(doc) }); err != nil {
			return nil, err
		}
	}
	var where bson.Raw
	if l.foreignField != "" {
		where = equalTo(l.foreignField, localValues(doc, l.localField))
	}
	found, err := gatherAll(ctx, with, where)
	if err != nil {
		return nil, err
	}
	return setPath(doc, l.as, found), nil
}

// gatherAll gives the results of a foreign pipeline as an array.
func gatherAll(ctx context.Context, with *Pipeline, where bson.Raw) (found bson.RawValue, err error) {
	src, err := with.run(where)
	if err != nil {
		return found, err
	}
	defer func() {
		if cerr := src.Close(); err == nil {
			err = cerr
		}
	}()
	var list arrayBuilder
	err = drain(ctx, src, func(doc bson.Raw) error {
		if list.add(documentValue(doc)); list.size() > maxStageBytes {
			return mongoerr.Code(4568).Errorf("Total size of documents in %s matching pipeline's $lookup stage exceeds %d bytes", with.env.NS.Collection, maxStageBytes)
		}
		return nil
	})
	return list.value(), err
}

// localValues gives what a document is joined by; nothing counts as null.
func localValues(doc bson.Raw, path string) []bson.RawValue {
	found := valuesAt(nil, doc, strings.Split(path, "."))
	if len(found) == 0 {
		return []bson.RawValue{value.Null}
	}
	return found
}

// valuesAt appends the values at a path, with an array at its end taken apart.
// Arrays on the way are entered by each document in them, or by index where the
// path says so.
func valuesAt(found []bson.RawValue, doc []byte, path []string) []bson.RawValue {
	v := value.Field(doc, path[0])
	for path = path[1:]; len(path) > 0 && v.Type == bson.TypeArray && value.ArrayIndex(path[0]) >= 0; path = path[1:] {
		v = value.Field(v.Value, path[0])
	}
	switch {
	case v.Type == bson.TypeArray:
		it := value.Elements(v.Value)
		for {
			_, item, ok := it.Next()
			switch {
			case !ok:
				return found
			case len(path) == 0:
				found = append(found, item)
			case item.Type == bson.TypeEmbeddedDocument:
				found = valuesAt(found, item.Value, path)
			}
		}
	case len(path) == 0 && !value.Missing(v):
		return append(found, v)
	case len(path) > 0 && v.Type == bson.TypeEmbeddedDocument:
		return valuesAt(found, v.Value, path)
	}
	return found
}

// equalTo gives the filter for documents whose field equals one of values. Within
// $in a regular expression would match instead.
func equalTo(path string, values []bson.RawValue) bson.Raw {
	if len(values) == 1 {
		return marshal(bson.D{{Key: path, Value: bson.D{{Key: "$eq", Value: values[0]}}}})
	}
	var in, or arrayBuilder
	regex := false
	for _, v := range values {
		regex = regex || v.Type == bson.TypeRegex
		in.add(v)
		or.add(documentValue(equalTo(path, []bson.RawValue{v})))
	}
	if regex {
		return marshal(bson.D{{Key: "$or", Value: or.value()}})
	}
	return marshal(bson.D{{Key: path, Value: bson.D{{Key: "$in", Value: in.value()}}}})
}

// checkCollectionName refuses a namespace that no collection can have.
func checkCollectionName(ns Namespace) error {
	if strings.ContainsAny(ns.Collection, "$\x00") || strings.HasPrefix(ns.Collection, ".") || strings.HasSuffix(ns.Collection, ".") || len(ns.String()) > 255 {
		return mongoerr.InvalidNamespace.Errorf("Invalid namespace specified '%s'", ns)
	}
	return nil
}
