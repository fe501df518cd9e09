package query

import (
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/value"
)

// array appends an array, with elements changed by n's children, to dst.
func (r *updateRun) array(dst []byte, array bson.RawValue, n *updateNode) (out []byte, modified bool, err error) {
	if n, err = r.resolved(n); err != nil {
		return nil, false, err
	}
	start, dst := bsoncore.AppendArrayStart(dst)
	count := 0
	it := value.Elements(array.Value)
	for {
		key, v, ok := it.Next()
		if !ok {
			break
		}
		child, err := r.elementNode(n, key, v)
		if err != nil {
			return nil, false, err
		}
		count++
		if child == nil {
			dst = appendElement(dst, key, v)
			continue
		}
		var changed bool
		if dst, changed, err = r.field(dst, key, v, child, true); err != nil {
			return nil, false, err
		}
		modified = modified || changed
	}
	for _, child := range n.children {
		var changed bool
		if dst, count, changed, err = r.newElement(dst, array, child, count); err != nil {
			return nil, false, err
		}
		modified = modified || changed
	}
	dst, err = bsoncore.AppendArrayEnd(dst, start)
	return dst, modified, err
}

// elementNode gives what is to be done with one existing element, or nil.
func (r *updateRun) elementNode(n *updateNode, key []byte, v bson.RawValue) (*updateNode, error) {
	if len(n.filtered) == 0 {
		child, _ := n.find(key)
		return child, nil
	}
	var found *updateNode
	for _, child := range n.filtered {
		if selected, err := r.selects(child.filter, v); !selected {
			if err != nil {
				return nil, err
			}
			continue
		}
		if found == nil {
			found = child
		} else if found = merged(found, child); found == nil {
			return nil, r.conflict(string(key))
		}
	}
	return found, nil
}

// selects asks an array filter about an element, as the field of its name. No
// filter selects all.
func (r *updateRun) selects(f *arrayFilter, v bson.RawValue) (bool, error) {
	if f == nil {
		return true, nil
	}
	r.scratch = wrap(r.scratch[:0], f.name, v)
	return f.filter.Match(r.scratch)
}

// wrap appends the document {name: v} to dst.
func wrap(dst []byte, name string, v bson.RawValue) []byte {
	start, dst := bsoncore.AppendDocumentStart(dst)
	dst = appendElement(dst, []byte(name), v)
	return bsoncore.UpdateLength(append(dst, 0), start, int32(len(dst)+1)-start)
}

// newElement appends the element that child brings about behind the end of the
// array, with nulls before it where needed.
func (r *updateRun) newElement(dst []byte, array bson.RawValue, child *updateNode, count int) ([]byte, int, bool, error) {
	index := value.ArrayIndex(child.name)
	if index < 0 {
		return dst, count, false, r.refuseChild(array, child, child)
	}
	if index < count {
		return dst, count, false, nil
	}
	v, err := r.create(child)
	if err != nil || value.Missing(v) {
		return dst, count, false, err
	}
	if index-count > maxBackfill {
		return nil, 0, false, cannotBackfillArray.Errorf("can't backfill more than %d elements", maxBackfill)
	}
	if err := CheckBuiltSize(len(dst)); err != nil {
		return nil, 0, false, err
	}
	for ; count < index; count++ {
		dst = appendItem(dst, count, value.Null)
	}
	return appendItem(dst, index, v), index + 1, true, nil
}

// items gives the elements of an array.
func items(array bson.RawValue) []bson.RawValue {
	var list []bson.RawValue
	it := value.Elements(array.Value)
	for {
		_, v, ok := it.Next()
		if !ok {
			return list
		}
		list = append(list, v)
	}
}

// arrayValue builds an array.
func arrayValue(list []bson.RawValue) bson.RawValue {
	size := 5
	for _, v := range list {
		size += len(v.Value) + 8
	}
	start, dst := bsoncore.AppendArrayStart(make([]byte, 0, size))
	for i, v := range list {
		dst = appendItem(dst, i, v)
	}
	dst = bsoncore.UpdateLength(append(dst, 0), start, int32(len(dst)+1))
	return bson.RawValue{Type: bson.TypeArray, Value: dst}
}

func appendItem(dst []byte, index int, v bson.RawValue) []byte {
	dst = strconv.AppendInt(append(dst, byte(v.Type)), int64(index), 10)
	return append(append(dst, 0), v.Value...)
}

// contains reports whether one of list equals v.
func contains(list []bson.RawValue, v bson.RawValue) bool {
	return slices.ContainsFunc(list, func(item bson.RawValue) bool { return value.Equal(item, v) })
}
