package pipeline

import (
	"bytes"
	"context"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// Changes are handed to the store in batches of this many, or this many bytes.
const (
	mergeBatch      = 1000
	mergeBatchBytes = 4 << 20
)

// mergeStage is $merge.
type mergeStage struct {
	store                       Store
	to                          Namespace
	on                          []string
	nullable                    bool // the fields of on may be null
	whenMatched, whenNotMatched string
	update                      bson.RawValue // the pipeline of whenMatched
	let                         []letVariable
	vars                        *expr.Variables
}

func parseMerge(p *parser, v bson.RawValue) (stage, error) {
	spec, err := readMergeSpec(v, p.env.NS.DB)
	if err != nil {
		return nil, err
	}
	m := &mergeStage{
		store: p.env.Store, to: spec.to, on: spec.on, vars: p.env.Vars,
		whenMatched: spec.whenMatched, whenNotMatched: spec.whenNotMatched, update: spec.update,
	}
	if m.let, err = parseLet(spec.let, p.env.Vars); err != nil {
		return nil, err
	}
	if m.whenMatched == "pipeline" {
		if _, err := m.parseUpdate(nil); err != nil {
			return nil, err
		}
	}
	unique, sparse := m.store.UniqueOn(m.to, m.on)
	if !unique {
		return nil, mongoerr.Code(51183).Errorf("Cannot find index to verify that join fields will be unique")
	}
	m.nullable = !sparse
	return m, nil
}

// parseUpdate parses the pipeline of whenMatched with the variables of the new
// document, which is nil when the pipeline is only checked.
func (m *mergeStage) parseUpdate(new bson.Raw) (*query.Update, error) {
	vars := m.vars
	for _, l := range m.let {
		var v bson.RawValue
		if new != nil {
			var err error
			if v, err = l.of.Eval(new); err != nil {
				return nil, err
			}
		}
		vars = vars.With(l.name, v)
	}
	return query.ParseUpdate(m.update, query.UpdateOptions{Vars: vars})
}

func (m *mergeStage) open(from Source) Source { return &gatherSource{Source: from, gather: m.write} }

func (m *mergeStage) write(ctx context.Context, from Source) (Source, error) {
	var batch []Change
	size := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := m.store.Merge(ctx, m.to, batch)
		batch, size = batch[:0], 0
		return err
	}
	err := drain(ctx, from, func(doc bson.Raw) error {
		c, err := m.change(bytes.Clone(doc))
		if err != nil {
			return err
		}
		batch = append(batch, c)
		if size += len(doc); len(batch) < mergeBatch && size < mergeBatchBytes {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	return List(nil), err
}

// change gives what a document does to the collection.
func (m *mergeStage) change(doc bson.Raw) (Change, error) {
	if len(m.on) == 1 && m.on[0] == "_id" && value.Missing(value.Field(doc, "_id")) {
		id := bson.NewObjectID()
		doc = withFirst(doc, "_id", bson.RawValue{Type: bson.TypeObjectID, Value: id[:]})
	}
	key, err := m.key(doc)
	if err != nil {
		return Change{}, err
	}
	if m.whenMatched == "fail" {
		return Change{Apply: func(bson.Raw) (bson.Raw, error) { return doc, nil }}, nil
	}
	filter, err := query.ParseFilter(key, m.vars)
	if err != nil {
		return Change{}, err
	}
	return Change{Filter: filter, Apply: func(old bson.Raw) (bson.Raw, error) {
		if old == nil {
			return m.unmatched(doc)
		}
		return m.matched(old, doc, filter)
	}}, nil
}

// key gives the filter for the document that doc matches.
func (m *mergeStage) key(doc bson.Raw) (bson.Raw, error) {
	index, out := bsoncore.AppendDocumentStart(nil)
	for _, path := range m.on {
		v := bson.RawValue{}
		rest := []byte(doc)
		for name := range strings.SplitSeq(path, ".") {
			if v = value.Field(rest, name); v.Type == bson.TypeArray {
				return nil, mongoerr.Code(51185).Errorf("$merge write error: 'on' field '%s' is an array", path)
			}
			if rest = nil; v.Type == bson.TypeEmbeddedDocument {
				rest = v.Value
			}
		}
		if value.Missing(v) || v.Type == bson.TypeNull || v.Type == bson.TypeUndefined {
			if !m.nullable {
				return nil, mongoerr.Code(51132).Errorf("$merge write error: 'on' field '%s' cannot be missing, null or undefined if supporting index is sparse", path)
			}
			v = value.Null
		}
		equal, inner := bsoncore.AppendDocumentElementStart(out, path)
		out = endDocument(appendValue(inner, "$eq", v), equal)
	}
	return endDocument(out, index), nil
}

func (m *mergeStage) unmatched(doc bson.Raw) (bson.Raw, error) {
	switch m.whenNotMatched {
	case "discard":
		return nil, nil
	case "fail":
		return nil, mongoerr.New(13113, "MergeStageNoMatchingDocument", "$merge could not find a matching document in the target collection for at least one document in the source collection")
	}
	return doc, nil
}

func (m *mergeStage) matched(old, doc bson.Raw, filter *query.Filter) (bson.Raw, error) {
	switch m.whenMatched {
	case "keepExisting":
		return nil, nil
	case "replace":
		if id := value.Field(old, "_id"); value.Missing(value.Field(doc, "_id")) {
			doc = withFirst(doc, "_id", id)
		}
	case "merge":
		doc = merged(old, doc)
	default:
		u, err := m.parseUpdate(doc)
		if err != nil {
			return nil, err
		}
		doc, _, err = u.Apply(old, filter, false)
		return doc, mergeError(err)
	}
	if !value.Equal(value.Field(old, "_id"), value.Field(doc, "_id")) {
		return nil, mergeError(mongoerr.ImmutableField.Errorf("the _id differs"))
	}
	return doc, nil
}

// mergeError says what it means for $merge that the _id can't be changed.
func mergeError(err error) error {
	if mongoerr.Is(err, mongoerr.ImmutableField) {
		return mongoerr.ImmutableField.Errorf("$merge failed to update the matching document, did you attempt to modify the _id or the shard key? :: caused by :: %s", mongoerr.From(err).Message)
	}
	return err
}

func withFirst(doc bson.Raw, name string, v bson.RawValue) bson.Raw {
	index, out := bsoncore.AppendDocumentStart(make([]byte, 0, len(doc)+len(name)+len(v.Value)+8))
	out = appendValue(out, name, v)
	out = append(out, doc[4:len(doc)-1]...)
	return endDocument(out, index)
}

// merged gives old with the fields of new.
func merged(old, new bson.Raw) bson.Raw {
	index, out := bsoncore.AppendDocumentStart(make([]byte, 0, len(old)+len(new)))
	it := value.Elements(old)
	for {
		key, v, ok := it.Next()
		if !ok {
			break
		}
		if other := value.Field(new, string(key)); !value.Missing(other) {
			v = other
		}
		out = appendValue(out, string(key), v)
	}
	it = value.Elements(new)
	for {
		key, v, ok := it.Next()
		if !ok {
			return endDocument(out, index)
		}
		if value.Missing(value.Field(old, string(key))) {
			out = appendValue(out, string(key), v)
		}
	}
}
