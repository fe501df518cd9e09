package storage

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/value"
)

// keyed is a value that was read from a key, and the rest of its path.
type keyed struct {
	path string
	v    bson.RawValue
}

// readKey makes a document of the given fields of the current key. ok is false where
// the key alone doesn't tell all of them.
func (c *keyCursor) readKey(dst []byte, fields []int, values []keyed) (doc []byte, _ []keyed, ok bool, err error) {
	types, err := c.types()
	if err != nil || len(types) == 0 {
		return dst, values, false, err
	}
	key := c.key()
	values = values[:0]
	at := entryPrefixSize
	for i, f := range c.scan.Index.Spec.Fields {
		end := at + value.KeyLen(key[at:], f.Desc)
		if slices.Contains(fields, i) {
			kind := bson.Type(types[i])
			if kind == 0 {
				return dst, values, false, nil
			}
			values = append(values, keyed{f.Path, bson.RawValue{Type: kind, Value: value.AppendFromKey(nil, key[at:end], f.Desc, kind)}})
		}
		at = end
	}
	return appendKeyed(dst, values), values, true, nil
}

// appendKeyed appends a document with the values at their paths.
func appendKeyed(dst []byte, values []keyed) []byte {
	start, dst := bsoncore.AppendDocumentStart(dst)
	for i, k := range values {
		name, _, nested := strings.Cut(k.path, ".")
		if !nested {
			dst = bsoncore.AppendValueElement(dst, name, bsoncore.Value{Type: bsoncore.Type(k.v.Type), Data: k.v.Value})
			continue
		}
		if below := func(k keyed) bool { return strings.HasPrefix(k.path, name+".") }; !slices.ContainsFunc(values[:i], below) {
			var inner []keyed
			for _, other := range values[i:] {
				if below(other) {
					inner = append(inner, keyed{other.path[len(name)+1:], other.v})
				}
			}
			dst = bsoncore.AppendHeader(dst, bsoncore.TypeEmbeddedDocument, name)
			dst = appendKeyed(dst, inner)
		}
	}
	dst, _ = bsoncore.AppendDocumentEnd(dst, start)
	return dst
}

// keyDocument gives what returnKey shows in place of doc, where the scan stands:
// nothing where no index led there.
func (s *Scan) keyDocument(doc bson.Raw) (bson.Raw, error) {
	if s.current == nil {
		return bson.Raw{emptyDocument, 0, 0, 0, 0}, nil
	}
	return s.current.keyDocument(doc)
}

// keyDocument gives the values of the current key under their paths, as returnKey
// shows them. doc is the document that the key leads to.
func (c *keyCursor) keyDocument(doc bson.Raw) (bson.Raw, error) {
	x := c.scan.Index
	tuple, err := x.tuple(doc, c.key())
	if err != nil {
		return nil, err
	}
	out := bsoncore.NewDocumentBuilder()
	for i, v := range tuple {
		out.AppendValue(x.Spec.Paths[i], bsoncore.Value{Type: bsoncore.Type(v.Type), Data: v.Value})
	}
	return bson.Raw(out.Build()), nil
}
