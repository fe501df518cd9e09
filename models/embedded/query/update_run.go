package query

import (
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// maxBackfill is how many nulls an update may put before a new array element.
const maxBackfill = 1500000

const cannotBackfillArray mongoerr.Code = 34

// updateRun is one application of an update to one document.
type updateRun struct {
	doc      bson.Raw
	filter   *Filter
	insert   bool
	now      time.Time
	position int      // what $ stands for; -1 until it is known
	path     []string // of the field in hand, for errors
	renamed  map[*rename]bson.RawValue
	scratch  []byte // for the documents that array filters look at
}

// at gives the path of the field in hand.
func (r *updateRun) at() string { return strings.Join(r.path, ".") }

// id names the document in errors: {_id: 1}.
func (r *updateRun) id() string {
	id := value.Field(r.doc, "_id")
	if value.Missing(id) {
		return "{}"
	}
	return value.FormatElement("_id", id)
}

// document appends doc, changed by n's children, to dst.
func (r *updateRun) document(dst, doc []byte, n *updateNode) (out []byte, modified bool, err error) {
	if n, err = r.resolved(n); err != nil {
		return nil, false, err
	}
	if len(n.filtered) > 0 {
		return nil, false, r.refuseNonArray(documentValue(doc))
	}
	var few [16]bool
	seen := few[:]
	if len(n.children) > len(few) {
		seen = make([]bool, len(n.children))
	}
	var first failedChild
	start, dst := bsoncore.AppendDocumentStart(dst)
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			break
		}
		child, i := n.find(key)
		if child == nil || seen[i] {
			dst = appendElement(dst, key, v)
			continue
		}
		seen[i] = true
		next, changed, err := r.field(dst, key, v, child, false)
		if err != nil {
			first.note(i, err)
			continue
		}
		dst, modified = next, modified || changed
		if err := CheckBuiltSize(len(dst)); err != nil {
			return nil, false, err
		}
	}
	for i, child := range n.children {
		if seen[i] {
			continue
		}
		if err := CheckBuiltSize(len(dst)); err != nil {
			return nil, false, err
		}
		v, err := r.create(child)
		if err != nil {
			first.note(i, err)
			break
		}
		if !value.Missing(v) {
			dst, modified = appendElement(dst, []byte(child.name), v), true
		}
	}
	if first.err != nil {
		return nil, false, first.err
	}
	dst, err = bsoncore.AppendDocumentEnd(dst, start)
	return dst, modified, err
}

// failedChild is the first child that failed. mongod applies children in their
// order, so it tells that error whatever the order of the document's fields.
type failedChild struct {
	index int
	err   error
}

func (f *failedChild) note(index int, err error) {
	if f.err == nil || index < f.index {
		f.index, f.err = index, err
	}
}

// field appends an existing field, changed by n, to dst. A field that is
// removed leaves nothing behind in a document, and null in an array.
func (r *updateRun) field(dst, key []byte, v bson.RawValue, n *updateNode, inArray bool) (out []byte, modified bool, err error) {
	name := n.name
	if inArray { // n may be named $[…]
		name = string(key)
	}
	r.path = append(r.path, name)
	defer func() { r.path = r.path[:len(r.path)-1] }()
	if n.modifier != nil {
		next := v
		if !n.onInsert || r.insert {
			if next, err = n.modifier.apply(v, r); err != nil {
				return nil, false, err
			}
		}
		if value.Missing(next) && inArray {
			next = value.Null
		}
		if value.Missing(next) {
			return dst, true, nil
		}
		return appendElement(dst, key, next), !value.Identical(v, next), nil
	}
	switch v.Type {
	case bson.TypeEmbeddedDocument:
		return r.document(appendHeader(dst, key, v.Type), v.Value, n)
	case bson.TypeArray:
		return r.array(appendHeader(dst, key, v.Type), v, n)
	}
	if err := r.refuseBlocked(v, n); err != nil {
		return nil, false, err
	}
	return appendElement(dst, key, v), false, nil
}

// create gives the value of a field that doesn't exist yet; missing if n
// doesn't bring one about.
func (r *updateRun) create(n *updateNode) (bson.RawValue, error) {
	r.path = append(r.path, n.name)
	defer func() { r.path = r.path[:len(r.path)-1] }()
	if n.modifier != nil {
		if n.onInsert && !r.insert {
			return bson.RawValue{}, nil
		}
		return n.modifier.apply(bson.RawValue{}, r)
	}
	if len(n.filtered) > 0 {
		return bson.RawValue{}, mongoerr.BadValue.Errorf("The path '%s' must exist in the document in order to apply array updates.", r.at())
	}
	doc, modified, err := r.document(nil, emptyDocument, n)
	if err != nil || !modified {
		return bson.RawValue{}, err
	}
	return documentValue(doc), nil
}

var emptyDocument = []byte{5, 0, 0, 0, 0}

// resolved gives n with its positional child moved to the index that $ stands for.
func (r *updateRun) resolved(n *updateNode) (*updateNode, error) {
	if n.positional == nil {
		return n, nil
	}
	if r.position < 0 && r.filter != nil {
		r.position, _ = r.filter.MatchArrayIndex(r.doc)
	}
	if r.position < 0 {
		return nil, mongoerr.BadValue.Errorf("The positional operator did not find the match needed from the query.")
	}
	child := *n.positional
	child.name = strconv.Itoa(r.position)
	named := *n
	named.positional = nil
	both := merged(&named, &updateNode{children: []*updateNode{&child}})
	if both == nil {
		return nil, r.conflict(child.name)
	}
	return both, nil
}

func (r *updateRun) conflict(name string) error {
	return mongoerr.ConflictingUpdateOperators.Errorf("Update created a conflict at '%s'", strings.Join(append(r.path, name), "."))
}

// refuseBlocked decides what happens where the path leads through a value that
// has no fields, or through an array by a name.
func (r *updateRun) refuseBlocked(v bson.RawValue, n *updateNode) error {
	if len(n.filtered) > 0 {
		return r.refuseNonArray(v)
	}
	n, err := r.resolved(n)
	if err != nil {
		return err
	}
	for _, child := range n.children {
		if err := r.refuseChild(v, child, child); err != nil {
			return err
		}
	}
	return nil
}

// refuseChild looks for a modifier below n that insists on the path; child is
// the first part that can't be followed.
func (r *updateRun) refuseChild(v bson.RawValue, child, n *updateNode) error {
	if n.modifier == nil {
		for _, below := range n.children {
			if err := r.refuseChild(v, child, below); err != nil {
				return err
			}
		}
		return nil
	}
	if n.onInsert && !r.insert {
		return nil
	}
	element := value.FormatElement(r.path[len(r.path)-1], v)
	switch n.modifier.blocked() {
	case blockedCreate:
		return mongoerr.PathNotViable.Errorf("Cannot create field '%s' in element %s", child.name, element)
	case blockedTraverse:
		return mongoerr.PathNotViable.Errorf("Cannot use the part (%s) of (%s.%s) to traverse the element (%s)", child.name, r.at(), child.name, element)
	}
	return nil
}

func (r *updateRun) refuseNonArray(v bson.RawValue) error {
	name := ""
	if len(r.path) > 0 {
		name = r.path[len(r.path)-1]
	}
	return mongoerr.BadValue.Errorf("Cannot apply array updates to non-array element %s: %s", name, value.Format(v))
}

// maxBuiltSize is how large a document may get before it is checked for being
// stored: mongod's BSONObjMaxInternalSize.
const maxBuiltSize = 16<<20 + 16<<10

// CheckBuiltSize refuses a document of this size as mongod's builder does, which
// also bounds the memory of an update.
func CheckBuiltSize(size int) error {
	if size > maxBuiltSize {
		return tooLarge(size, maxBuiltSize)
	}
	return nil
}

func tooLarge(size, limit int) error {
	return mongoerr.BSONObjectTooLarge.Errorf("BSONObj size: %d (0x%X) is invalid. Size must be between 0 and %d(%dMB)", size, size, limit, limit>>20)
}

func appendHeader(dst, key []byte, t bson.Type) []byte {
	return append(append(append(dst, byte(t)), key...), 0)
}

func appendElement(dst, key []byte, v bson.RawValue) []byte {
	return append(appendHeader(dst, key, v.Type), v.Value...)
}
