package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// Projection is a parsed projection. It is immutable and safe for concurrent use.
type Projection struct {
	root      *projectionNode
	inclusive bool // only what is named stays, instead of all but that
	matches   []elementMatch
	filter    *Filter // resolves the positional operator; nil if there is none
}

// projectionNode is one field in the tree of the fields that are named.
type projectionNode struct {
	name       string
	action     projectionAction
	slice      sliceRange
	positional bool // on the path of the positional operator
	children   []*projectionNode
}

type projectionAction int

const (
	descend   projectionAction = iota // see the children
	keep                              // copy the field
	drop                              // leave it out
	cutOut                            // keep a slice of it
	matchLast                         // $elemMatch adds it at the end
)

// elementMatch is $elemMatch: the first element of a field that satisfies it.
type elementMatch struct {
	field     string
	condition arrayCondition
}

// sliceRange is $slice: limit elements from skip on, which counts from the
// end if it is negative.
type sliceRange struct{ skip, limit int64 }

// mongod's assertions of the positional operator.
const (
	positionalNotFound mongoerr.Code = 51246
	positionalMismatch mongoerr.Code = 51247
)

// Apply gives the projected document; doc itself is never changed. It fails
// only where the positional operator finds no element.
func (p *Projection) Apply(doc bson.Raw) (bson.Raw, error) {
	if len(p.root.children) == 0 && len(p.matches) == 0 && !p.inclusive {
		return doc, nil
	}
	position := -1
	if p.filter != nil {
		var ok bool
		if position, ok = p.filter.MatchArrayIndex(doc); !ok {
			return nil, positionalNotFound.Errorf("Executor error during find command :: caused by :: " +
				"positional operator '.$' couldn't find a matching element in the array")
		}
	}
	out, err := p.document(make([]byte, 0, len(doc)), doc, p.root, position)
	if err != nil || len(p.matches) == 0 {
		return out, err
	}
	out = out[:len(out)-1]
	for _, match := range p.matches {
		if v := value.Field(doc, match.field); !value.Missing(v) {
			if i := match.condition.find(v); i >= 0 {
				out = appendElement(out, []byte(match.field), arrayValue(items(v)[i:i+1]))
			}
		}
	}
	return bsoncore.UpdateLength(append(out, 0), 0, int32(len(out)+1)), nil
}

// document appends what n leaves of doc. position is the array index of the
// positional operator, or -1 where it is of no concern any more.
func (p *Projection) document(dst, doc []byte, n *projectionNode, position int) ([]byte, error) {
	start, dst := bsoncore.AppendDocumentStart(dst)
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			break
		}
		child := n.find(key)
		if child == nil {
			if !p.inclusive {
				dst = appendElement(dst, key, v)
			}
			continue
		}
		var err error
		if dst, err = p.field(dst, key, v, child, position); err != nil {
			return nil, err
		}
	}
	return bsoncore.AppendDocumentEnd(dst, start)
}

func (p *Projection) field(dst, key []byte, v bson.RawValue, n *projectionNode, position int) ([]byte, error) {
	if n.positional && v.Type == bson.TypeArray && position >= 0 {
		list := items(v)
		if position >= len(list) {
			return nil, positionalMismatch.Errorf("Executor error during find command :: caused by :: positional operator '.$' element mismatch")
		}
		v, position = arrayValue(list[position:position+1]), -1
	}
	switch n.action {
	case keep:
		return appendElement(dst, key, v), nil
	case drop, matchLast:
		return dst, nil
	case cutOut:
		if v.Type == bson.TypeArray {
			v = n.slice.cut(v)
		}
		return appendElement(dst, key, v), nil
	}
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		return p.document(appendHeader(dst, key, v.Type), v.Value, n, position)
	case bson.TypeArray:
		return p.array(appendHeader(dst, key, v.Type), v, n, position)
	}
	if p.inclusive {
		return dst, nil
	}
	return appendElement(dst, key, v), nil
}

// array projects each document in an array, at any depth of arrays. Other
// elements have no fields to include, and none to exclude.
func (p *Projection) array(dst []byte, array bson.RawValue, n *projectionNode, position int) ([]byte, error) {
	start, dst := bsoncore.AppendArrayStart(dst)
	count := 0
	it := value.Elements(array.Value)
	for {
		_, v, ok := it.Next()
		if !ok {
			return bsoncore.AppendArrayEnd(dst, start)
		}
		var err error
		switch {
		case v.Type == bson.TypeEmbeddedDocument:
			v.Value, err = p.document(nil, v.Value, n, position)
		case v.Type == bson.TypeArray:
			v.Value, err = p.array(nil, v, n, position)
		case p.inclusive:
			continue
		}
		if err != nil {
			return nil, err
		}
		dst = appendItem(dst, count, v)
		count++
	}
}

func (s sliceRange) cut(array bson.RawValue) bson.RawValue {
	list := items(array)
	size := int64(len(list))
	from := min(s.skip, size)
	if s.skip < 0 {
		from = max(size+s.skip, 0)
	}
	return arrayValue(list[from:][:min(s.limit, size-from)])
}

func (n *projectionNode) find(name []byte) *projectionNode {
	for _, child := range n.children {
		if child.name == string(name) {
			return child
		}
	}
	return nil
}
