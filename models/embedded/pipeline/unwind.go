package pipeline

import (
	"bytes"
	"context"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// unwindStage is $unwind.
type unwindStage struct {
	path string
	// index is the path of the field that gets the position, "" for none.
	index string
	// preserve keeps documents that have no element.
	preserve bool
}

func parseUnwind(_ *parser, v bson.RawValue) (stage, error) {
	u := &unwindStage{}
	prefixed := ""
	switch v.Type {
	case bson.TypeString:
		prefixed = v.StringValue()
	case bson.TypeEmbeddedDocument:
		it := value.Elements(v.Value)
		for {
			key, option, ok := it.Next()
			if !ok {
				break
			}
			if err := u.option(string(key), option, &prefixed); err != nil {
				return nil, err
			}
		}
	default:
		return nil, mongoerr.Code(15981).Errorf("expected either a string or an object as specification for $unwind stage, got %s", value.TypeName(v.Type))
	}
	if prefixed == "" {
		return nil, mongoerr.Code(28812).Errorf("no path specified to $unwind stage")
	}
	path, ok := strings.CutPrefix(prefixed, "$")
	if !ok {
		return nil, mongoerr.Code(28818).Errorf("path option to $unwind stage should be prefixed with a '$': %s", prefixed)
	}
	u.path = path
	return u, checkFieldPath(path)
}

func (u *unwindStage) option(name string, v bson.RawValue, path *string) error {
	var ok bool
	switch name {
	case "path":
		if *path, ok = v.StringValueOK(); !ok {
			return mongoerr.Code(28808).Errorf("expected a string as the path for $unwind stage, got %s", value.TypeName(v.Type))
		}
	case "preserveNullAndEmptyArrays":
		if u.preserve, ok = v.BooleanOK(); !ok {
			return mongoerr.Code(28809).Errorf("expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage, got %s", value.TypeName(v.Type))
		}
	case "includeArrayIndex":
		if u.index, ok = v.StringValueOK(); !ok || u.index == "" {
			return mongoerr.Code(28810).Errorf("expected a non-empty string for the includeArrayIndex  option to $unwind stage, got %s", value.TypeName(v.Type))
		}
		if u.index[0] == '$' {
			return mongoerr.Code(28822).Errorf("includeArrayIndex option to $unwind stage should not be prefixed with a '$': %s", u.index)
		}
		return checkFieldPath(u.index)
	default:
		return mongoerr.Code(28811).Errorf("unrecognized option to $unwind stage: %s", name)
	}
	return nil
}

func (u *unwindStage) open(from Source) Source { return &unwindSource{Source: from, unwindStage: u} }

// unwindSource gives a document for each element of an array.
type unwindSource struct {
	Source
	*unwindStage
	doc      bson.Raw // whose array is being given, a copy
	elements value.Iterator
	at       int64
}

func (u *unwindSource) Next(ctx context.Context) (bson.Raw, error) {
	for n := 1; ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if u.doc != nil {
			if _, v, ok := u.elements.Next(); ok {
				u.at++
				return u.result(u.doc, v, int64Value(u.at-1)), nil
			}
			u.doc = nil
		}
		doc, err := u.Source.Next(ctx)
		if doc == nil || err != nil {
			return nil, err
		}
		if doc = u.begin(doc); doc != nil {
			return doc, nil
		}
	}
}

// begin gives what becomes of a document without elements, or prepares for its
// elements and gives nil.
func (u *unwindSource) begin(doc bson.Raw) bson.Raw {
	v := at(doc, u.path)
	null := bson.RawValue{Type: bson.TypeNull}
	switch {
	case v.Type == bson.TypeArray && len(v.Value) > 5:
		u.doc, u.at = bytes.Clone(doc), 0
		u.elements = value.Elements(at(u.doc, u.path).Value)
		return nil
	case v.Type == bson.TypeArray:
		if !u.preserve {
			return nil
		}
		return u.result(doc, bson.RawValue{}, null)
	case value.Missing(v), v.Type == bson.TypeNull, v.Type == bson.TypeUndefined:
		if !u.preserve {
			return nil
		}
	}
	return u.withIndex(doc, null)
}

func (u *unwindStage) result(doc bson.Raw, v, index bson.RawValue) bson.Raw {
	return u.withIndex(setPath(doc, u.path, v), index)
}

func (u *unwindStage) withIndex(doc bson.Raw, index bson.RawValue) bson.Raw {
	if u.index == "" {
		return doc
	}
	return setPath(doc, u.index, index)
}

func (u *unwindSource) Exhausted() bool { return u.doc == nil && u.Source.Exhausted() }
