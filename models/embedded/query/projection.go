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
	inclusive bool    // only what is named stays, instead of all but that
	filter    *Filter // resolves the positional operator; nil if there is none
}

// mongod's assertions of the positional operator.
const (
	positionalNotFound mongoerr.Code = 51246
	positionalMismatch mongoerr.Code = 51247
)

// Apply gives the projected document; doc itself is never changed. It fails
// where the positional operator finds no element or an expression fails.
func (p *Projection) Apply(doc bson.Raw) (bson.Raw, error) {
	if len(p.root.children) == 0 && !p.inclusive {
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
	r := &projectionRun{Projection: p, doc: doc}
	return r.document(make([]byte, 0, len(doc)), doc, p.root, position)
}

// projectionRun is one application of a projection to one document.
type projectionRun struct {
	*Projection
	doc bson.Raw
}

// document appends what n makes of doc. position is the array index of the
// positional operator, or -1 where it is of no concern any more.
//
// As in mongod a computed field takes the place of the one it overwrites only
// where that one would stay without it; otherwise it comes last.
func (r *projectionRun) document(dst, doc []byte, n *projectionNode, position int) ([]byte, error) {
	start, dst := bsoncore.AppendDocumentStart(dst)
	var few [16]bool
	done := few[:]
	if len(n.children) > len(few) {
		done = make([]bool, len(n.children))
	}
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			break
		}
		child, i := n.find(key)
		switch {
		case child == nil || child.computes && done[i]:
			if !r.inclusive {
				dst = appendElement(dst, key, v)
			}
			continue
		case r.inclusive && child.comesLast(v):
			continue
		}
		done[i] = true
		var err error
		if dst, err = r.field(dst, key, v, child, position); err == nil && child.computes {
			err = checkIntermediate(len(dst))
		}
		if err != nil {
			return nil, err
		}
	}
	for i, child := range n.children {
		if !child.computes || done[i] {
			continue
		}
		var err error
		if dst, err = r.field(dst, []byte(child.name), bson.RawValue{}, child, -1); err == nil {
			err = checkIntermediate(len(dst))
		}
		if err != nil {
			return nil, err
		}
	}
	return bsoncore.AppendDocumentEnd(dst, start)
}

func (r *projectionRun) field(dst, key []byte, v bson.RawValue, n *projectionNode, position int) ([]byte, error) {
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
	case drop:
		return dst, nil
	case cutOut:
		if v.Type == bson.TypeArray {
			v = n.slice.cut(v)
		}
		return appendElement(dst, key, v), nil
	case compute:
		v, err := n.computed.Eval(r.doc)
		if err != nil || value.Missing(v) {
			return dst, err
		}
		return appendElement(dst, key, v), nil
	}
	v, err := r.below(v, n, position)
	if err != nil || value.Missing(v) {
		return dst, err
	}
	return appendElement(dst, key, v), nil
}

// below gives what n's children make of a value; missing if nothing is left. A
// value without fields gives way to a document of the computed ones.
func (r *projectionRun) below(v bson.RawValue, n *projectionNode, position int) (bson.RawValue, error) {
	switch {
	case v.Type == bson.TypeEmbeddedDocument:
		doc, err := r.document(make([]byte, 0, len(v.Value)), v.Value, n, position)
		return documentValue(doc), err
	case v.Type == bson.TypeArray:
		return r.array(v, n, position)
	case n.computes:
		doc, err := r.document(nil, emptyDocument, n, -1)
		return documentValue(doc), err
	case r.inclusive:
		return bson.RawValue{}, nil
	}
	return v, nil
}

// array projects each element, at any depth of arrays.
func (r *projectionRun) array(array bson.RawValue, n *projectionNode, position int) (bson.RawValue, error) {
	start, dst := bsoncore.AppendArrayStart(make([]byte, 0, len(array.Value)))
	count := 0
	it := value.Elements(array.Value)
	for {
		_, v, ok := it.Next()
		if !ok {
			dst, err := bsoncore.AppendArrayEnd(dst, start)
			return bson.RawValue{Type: bson.TypeArray, Value: dst}, err
		}
		v, err := r.below(v, n, position)
		if err == nil {
			err = checkIntermediate(len(dst) + len(v.Value))
		}
		if err != nil {
			return v, err
		}
		if !value.Missing(v) {
			dst = appendItem(dst, count, v)
			count++
		}
	}
}

// maxIntermediateSize bounds what a stage may make of one document, which only
// has to fit into 16 MiB when it is stored or sent.
const maxIntermediateSize = 64 << 20

func checkIntermediate(size int) error {
	if size > maxIntermediateSize {
		return tooLarge(size, maxIntermediateSize)
	}
	return nil
}

// elementMatch is $elemMatch: the first element of a field that satisfies it.
type elementMatch struct {
	field     string
	condition arrayCondition
}

func (m *elementMatch) Eval(doc bson.Raw) (bson.RawValue, error) {
	v := value.Field(doc, m.field)
	if i := m.condition.find(v); i >= 0 {
		return arrayValue(items(v)[i : i+1]), nil
	}
	return bson.RawValue{}, nil
}

// sliceRange is $slice: limit elements from skip on, which counts from the
// end if it is negative.
type sliceRange struct{ skip, limit int64 }

func (s sliceRange) cut(array bson.RawValue) bson.RawValue {
	list := items(array)
	size := int64(len(list))
	from := min(s.skip, size)
	if s.skip < 0 {
		from = max(size+s.skip, 0)
	}
	return arrayValue(list[from:][:min(s.limit, size-from)])
}
