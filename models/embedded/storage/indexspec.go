package storage

import (
	"bytes"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
)

// IDIndex is the name of the index that every collection has.
const IDIndex = "_id_"

// IndexSpec is what createIndexes says of an index.
type IndexSpec struct {
	Name   string
	Key    bson.Raw
	Fields []query.SortField
	Paths  []string // of Fields
	Unique bool
	Sparse bool
	// Partial is the partialFilterExpression, nil without one.
	Partial       bson.Raw
	PartialFilter *query.Filter
	// ExpireAfter is the seconds after which a TTL index deletes; -1 without.
	ExpireAfter int64
	// Hidden indexes are kept up to date but not planned with.
	Hidden bool
	// Raw is the specification as listIndexes shows it.
	Raw bson.Raw
}

func idIndexSpec() IndexSpec {
	key := bsoncore.NewDocumentBuilder().AppendInt32("_id", 1).Build()
	spec, err := ParseIndexSpec(bson.Raw(bsoncore.NewDocumentBuilder().AppendInt32("v", 2).AppendDocument("key", key).AppendString("name", IDIndex).Build()))
	if err != nil {
		panic(err) // the specification is a constant
	}
	return spec
}

// ParseIndexSpec checks one element of createIndexes' indexes. Errors have the
// codes of mongod.
func ParseIndexSpec(raw bson.Raw) (IndexSpec, error) {
	x := IndexSpec{ExpireAfter: -1}
	elements, err := raw.Elements()
	if err != nil {
		return x, mongoerr.InvalidBSON.Errorf("%v", err)
	}
	for _, e := range elements {
		if err := x.option(e.Key(), e.Value()); err != nil {
			return x, err
		}
	}
	if x.Key == nil {
		return x, mongoerr.FailedToParse.Errorf("The 'key' field is a required property of an index specification")
	}
	if x.Name == "" {
		return x, mongoerr.FailedToParse.Errorf("The 'name' field is a required property of an index specification")
	}
	if x.Sparse && x.Partial != nil {
		return x, mongoerr.CannotCreateIndex.Errorf("Error in specification %s :: caused by :: cannot mix \"partialFilterExpression\" and \"sparse\" options", raw)
	}
	if err := x.checkID(raw); err != nil {
		return x, err
	}
	if x.ExpireAfter >= 0 && len(x.Fields) > 1 {
		return x, mongoerr.CannotCreateIndex.Errorf("TTL indexes are single-field indexes, compound indexes do not support TTL. Index spec: %s", raw)
	}
	x.Raw = x.render()
	return x, nil
}

func (x *IndexSpec) checkID(raw bson.Raw) error {
	onID := len(x.Fields) == 1 && x.Fields[0].Path == "_id"
	switch {
	case onID && x.Name != IDIndex:
		x.Name = IDIndex
	case !onID && x.Name == IDIndex:
		return mongoerr.BadValue.Errorf("The index name '_id_' is reserved for the _id index, which must have key pattern {_id: 1}, found key: %s", x.Key)
	}
	if !onID {
		return nil
	}
	if x.Fields[0].Desc {
		return mongoerr.BadValue.Errorf("The field 'key' for an _id index must be {_id: 1}, but got %s", x.Key)
	}
	if x.Sparse || x.Partial != nil || x.ExpireAfter >= 0 {
		return mongoerr.InvalidIndexSpecificationOption.Errorf("The field '%s' is not valid for an _id index specification. Specification: %s",
			firstOf(x.Sparse, "sparse", x.Partial != nil, "partialFilterExpression", "expireAfterSeconds"), raw)
	}
	if x.Hidden {
		return mongoerr.BadValue.Errorf("can't hide _id index")
	}
	// The _id index is unique without saying so.
	x.Unique = true
	return nil
}

func firstOf(a bool, nameA string, b bool, nameB, other string) string {
	if a {
		return nameA
	}
	if b {
		return nameB
	}
	return other
}

func (x *IndexSpec) option(name string, v bson.RawValue) error {
	switch name {
	case "key":
		key, ok := v.DocumentOK()
		if !ok {
			return wrongType(name, v, "object")
		}
		x.Key = key
		return x.parseKey()
	case "name":
		s, ok := v.StringValueOK()
		if !ok {
			return wrongType(name, v, "string")
		}
		x.Name = s
	case "unique", "sparse":
		b, ok := truth(v)
		if !ok {
			return wrongType(name, v, "bool")
		}
		if name == "unique" {
			x.Unique = b
		} else {
			x.Sparse = b
		}
	case "hidden":
		b, ok := truth(v)
		if !ok {
			return wrongType(name, v, "bool")
		}
		x.Hidden = b
	case "partialFilterExpression":
		return x.parsePartial(v)
	case "expireAfterSeconds":
		return x.parseExpire(v)
	case "v":
		if n, ok := v.AsInt64OK(); !ok || n < 1 || n > 2 {
			return mongoerr.CannotCreateIndex.Errorf("Invalid index specification {v: %s}; cannot create an index with v=%s", v, v)
		}
	case "ns", "background", "clustered":
		if b, ok := truth(v); name == "clustered" && (!ok || b) {
			return mongoerr.NotImplemented.Errorf("clustered indexes are not supported")
		}
	case "collation":
		return mongoerr.NotImplemented.Errorf("index collation is not supported")
	case "storageEngine", "wildcardProjection", "weights", "default_language", "language_override", "textIndexVersion", "2dsphereIndexVersion", "bits", "min", "max":
		return mongoerr.NotImplemented.Errorf("index option '%s' is not supported", name)
	default:
		return mongoerr.InvalidIndexSpecificationOption.Errorf("The field '%s' is not valid for an index specification.", name)
	}
	return nil
}

func wrongType(name string, v bson.RawValue, want string) error {
	return mongoerr.TypeMismatch.Errorf("The field '%s' must be of type %s, but got %s", name, want, v.Type)
}

// truth reads a boolean as mongod reads an index option: a number also counts.
func truth(v bson.RawValue) (value, ok bool) {
	if b, ok := v.BooleanOK(); ok {
		return b, true
	}
	if n, ok := v.AsFloat64OK(); ok {
		return n != 0, true
	}
	return false, false
}

func (x *IndexSpec) parseKey() error {
	elements, err := x.Key.Elements()
	if err != nil {
		return mongoerr.InvalidBSON.Errorf("%v", err)
	}
	if len(elements) == 0 {
		return mongoerr.CannotCreateIndex.Errorf("Index keys cannot be an empty object")
	}
	if len(elements) > 32 {
		return mongoerr.New(13103, "Location13103", "too many compound keys")
	}
	for _, e := range elements {
		path, v := e.Key(), e.Value()
		if kind, ok := v.StringValueOK(); ok {
			return mongoerr.CannotCreateIndex.Errorf("Unknown index plugin '%s'", kind)
		}
		n, ok := v.AsFloat64OK()
		if !ok {
			return mongoerr.CannotCreateIndex.Errorf("Values in v:2 index key pattern cannot be of type %s. Only numbers > 0, numbers < 0, and strings are allowed.", v.Type)
		}
		if n == 0 || n != n {
			return mongoerr.CannotCreateIndex.Errorf("Values in the index key pattern cannot be 0.")
		}
		if err := checkPath(path); err != nil {
			return err
		}
		x.Fields = append(x.Fields, query.SortField{Path: path, Desc: n < 0})
		x.Paths = append(x.Paths, path)
	}
	return nil
}

func checkPath(path string) error {
	if path == "" {
		return mongoerr.CannotCreateIndex.Errorf("Index keys cannot be an empty field.")
	}
	for part := range strings.SplitSeq(path, ".") {
		switch {
		case part == "":
			return mongoerr.CannotCreateIndex.Errorf("Index keys cannot contain an empty field.")
		case strings.HasPrefix(part, "$**"):
			return mongoerr.NotImplemented.Errorf("wildcard indexes are not supported")
		case strings.HasPrefix(part, "$") && part != "$id" && part != "$ref" && part != "$db":
			return mongoerr.CannotCreateIndex.Errorf("Index key contains an illegal field name: field name starts with '$'.")
		}
	}
	return nil
}

func (x *IndexSpec) parseExpire(v bson.RawValue) error {
	n, ok := v.AsInt64OK()
	if !ok {
		return mongoerr.CannotCreateIndex.Errorf("TTL index 'expireAfterSeconds' option must be numeric, but received a type of %s", v.Type)
	}
	const most = 1<<31 - 1
	if n < 0 || n > most {
		return mongoerr.CannotCreateIndex.Errorf("TTL index 'expireAfterSeconds' option must be within an acceptable range, try a different value than %d", n)
	}
	x.ExpireAfter = n
	return nil
}

func (x *IndexSpec) parsePartial(v bson.RawValue) error {
	doc, ok := v.DocumentOK()
	if !ok {
		return wrongType("partialFilterExpression", v, "object")
	}
	if err := checkPartial(doc); err != nil {
		return err
	}
	f, err := query.ParseFilter(doc, nil)
	if err != nil {
		return err
	}
	x.Partial, x.PartialFilter = doc, f
	return nil
}

// render writes the specification in mongod's order of fields.
func (x *IndexSpec) render() bson.Raw {
	b := bsoncore.NewDocumentBuilder().AppendInt32("v", 2).AppendDocument("key", bsoncore.Document(x.Key)).AppendString("name", x.Name)
	if x.Unique && x.Name != IDIndex {
		b.AppendBoolean("unique", true)
	}
	if x.Sparse {
		b.AppendBoolean("sparse", true)
	}
	if x.Partial != nil {
		b.AppendDocument("partialFilterExpression", bsoncore.Document(x.Partial))
	}
	if x.Hidden {
		b.AppendBoolean("hidden", true)
	}
	if x.ExpireAfter >= 0 {
		b.AppendInt32("expireAfterSeconds", int32(x.ExpireAfter))
	}
	return bson.Raw(b.Build())
}

// sameKey reports whether two specifications index the same, so that one
// collection can't have both.
func (x *IndexSpec) sameKey(o *IndexSpec) bool {
	if len(x.Fields) != len(o.Fields) || !bytes.Equal(x.Partial, o.Partial) {
		return false
	}
	for i := range x.Fields {
		if x.Fields[i] != o.Fields[i] {
			return false
		}
	}
	return true
}

// sameOptions compares what beside key and name makes an index.
func (x *IndexSpec) sameOptions(o *IndexSpec) bool {
	return x.Unique == o.Unique && x.Sparse == o.Sparse && x.ExpireAfter == o.ExpireAfter && bytes.Equal(x.Partial, o.Partial)
}

// conflict compares a wanted index with one there is. same means that there is
// nothing to do.
func (x *IndexSpec) conflict(have *IndexSpec) (same bool, err error) {
	switch {
	case x.Name == have.Name && !x.sameKey(have):
		return false, mongoerr.IndexKeySpecsConflict.Errorf("An existing index has the same name as the requested index. When index names are not specified, they are auto generated and can cause conflicts. Please refer to our documentation. Requested index: %s, existing index: %s", x.Raw, have.Raw)
	case x.Name == have.Name && !x.sameOptions(have):
		return false, mongoerr.IndexKeySpecsConflict.Errorf("An existing index has the same name as the requested index. When index names are not specified, they are auto generated and can cause conflicts. Please refer to our documentation. Requested index: %s, existing index: %s", x.Raw, have.Raw)
	case x.Name == have.Name:
		return true, nil
	case x.sameKey(have) && x.sameOptions(have):
		return false, mongoerr.IndexOptionsConflict.Errorf("Index already exists with a different name: %s", have.Name)
	case x.sameKey(have):
		return false, mongoerr.IndexOptionsConflict.Errorf("An equivalent index already exists with a different name and options. Requested index: %s, existing index: %s", x.Raw, have.Raw)
	}
	return false, nil
}

// KeyPattern renders the key for messages, e.g. "{ a: 1, b: -1 }".
func (x *IndexSpec) KeyPattern() string {
	parts := make([]string, len(x.Fields))
	for i, f := range x.Fields {
		direction := 1
		if f.Desc {
			direction = -1
		}
		parts[i] = fmt.Sprintf("%s: %d", f.Path, direction)
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}
