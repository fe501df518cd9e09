package query

import (
	"slices"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// Op is the comparison of a Predicate.
type Op uint8

// The comparisons that an index can answer.
const (
	OpEq     Op = iota // equal to Value
	OpLt               // less than Value, within its type bracket
	OpLte              // less than or equal, within the bracket
	OpGt               // greater, within the bracket
	OpGte              // greater or equal, within the bracket
	OpIn               // equal to one of Values, which ascend, or a string that starts with one of Prefixes
	OpType             // of one of Types
	OpExists           // there at all
)

// Predicate is a condition on one path that every matching document satisfies.
// An index that holds IndexValues of Path finds a superset of the matches; the
// caller still has to run Match unless the predicate is exact.
// Where an array lies on Path two predicates may be satisfied by different elements,
// unless both stand in one $elemMatch: see Shared.
// A search for null also finds documents without the field, which a sparse
// index doesn't hold.
type Predicate struct {
	Path     string
	Op       Op
	Value    bson.RawValue
	Values   []bson.RawValue
	Prefixes []string
	Types    []bson.Type
	// Not negates. The comparison within is exact.
	Not bool
	// Exact says that a document without an array on Path matches if and only if the
	// value there satisfies the predicate.
	Exact bool

	elements []element
}

// element is an $elemMatch that a predicate stands in, on the first parts of its path.
type element struct {
	id    *elementID
	parts int
}

type elementID struct{ _ byte }

// Shared gives how many leading parts of their paths p and o speak of the same array
// elements, since both stand in one $elemMatch: 0 if in none.
func (p *Predicate) Shared(o *Predicate) int {
	parts := 0
	for i := range min(len(p.elements), len(o.elements)) {
		if p.elements[i].id != o.elements[i].id {
			break
		}
		parts = p.elements[i].parts
	}
	return parts
}

// MatchesMissing reports whether a document without the field may satisfy p.
func (p *Predicate) MatchesMissing() bool {
	switch p.Op {
	case OpEq, OpIn:
		return p.null() != p.Not
	case OpExists:
		return p.Not
	}
	return p.Not
}

// Elementwise reports whether arrays make no difference: a document matches if and only
// if the value on Path, or one of the elements of an array there, is one of p's.
func (p *Predicate) Elementwise() bool {
	if p.Not || len(p.elements) > 0 || len(p.Prefixes) > 0 || strings.Contains(p.Path, ".") {
		return false
	}
	// An index holds null for what is missing, and arrays within arrays in another form.
	special := func(v bson.RawValue) bool {
		return v.Type == bson.TypeNull || v.Type == bson.TypeUndefined || v.Type == bson.TypeArray
	}
	switch p.Op {
	case OpEq:
		return !special(p.Value)
	case OpIn:
		return p.Exact && !slices.ContainsFunc(p.Values, special)
	}
	return false
}

// null reports whether one of the values is null, which a missing field equals.
func (p *Predicate) null() bool {
	if p.Op == OpEq {
		return p.Value.Type == bson.TypeNull
	}
	for _, v := range p.Values {
		if v.Type == bson.TypeNull || v.Type == bson.TypeUndefined {
			return true
		}
	}
	return false
}

// Conditions are what an index can do for a filter.
type Conditions struct {
	// Predicates are those of the top-level conjunction, in the order of the query.
	Predicates []Predicate
	// Complete says that they are all that the filter asks.
	Complete bool
	// Or holds the branches of each $or in the conjunction.
	Or [][]*Filter
	// OnlyOr says that the predicates and the $or are all that the filter asks, and that
	// the predicates are exact.
	OnlyOr bool
}

// Conditions gives what an index can do for the filter.
func (f *Filter) Conditions() Conditions {
	c := collector{}
	c.and("", f.root, nil)
	return Conditions{Predicates: c.found, Complete: !c.missed && c.or == nil, Or: c.or, OnlyOr: !c.missed}
}

// Predicates gives the conditions of the top-level conjunction that an index
// can answer, in the order of the query.
func (f *Filter) Predicates() []Predicate { return f.Conditions().Predicates }

// Paths gives the paths that the filter looks at. ok is false where it may look
// at others.
func (f *Filter) Paths() (paths []string, ok bool) { return pathsOf(nil, f.root) }

func pathsOf(paths []string, n node) (_ []string, ok bool) {
	var children []node
	switch n := n.(type) {
	case *pathNode:
		_, object := n.condition.(*elemMatchObject)
		return append(paths, n.path), !object && !hasNumericPart(n.parts)
	case *notNode:
		return pathsOf(paths, n.child)
	case *orNode:
		for _, branch := range n.children {
			children = append(children, branch)
		}
	case *andNode:
		children = n.children
	default:
		return nil, false
	}
	for _, child := range children {
		if paths, ok = pathsOf(paths, child); !ok {
			return nil, false
		}
	}
	return paths, true
}

// collector finds the predicates of a filter.
type collector struct {
	found  []Predicate
	or     [][]*Filter
	missed bool
}

// and collects from a conjunction on the documents that prefix leads to.
func (c *collector) and(prefix string, and *andNode, elements []element) {
	for _, child := range and.children {
		if !c.node(prefix, child, elements) {
			c.missed = true
		}
	}
}

// node collects from one part of a conjunction and reports whether that is all of it.
func (c *collector) node(prefix string, n node, elements []element) bool {
	switch n := n.(type) {
	case *pathNode:
		return c.path(prefix, n, elements)
	case *orNode:
		if prefix == "" {
			branches := make([]*Filter, len(n.children))
			for i, branch := range n.children {
				branches[i] = &Filter{root: branch}
			}
			c.or = append(c.or, branches)
			return true
		}
	case *notNode:
		return c.not(prefix, n.child, elements)
	}
	return false
}

func (c *collector) path(prefix string, n *pathNode, elements []element) bool {
	if hasNumericPart(n.parts) {
		return false
	}
	path := prefix + n.path
	switch condition := n.condition.(type) {
	case *elemMatchObject:
		c.and(path+".", condition.query, within(elements, path))
		return false
	case *elemMatchValue:
		c.each(path, condition.condition, within(elements, path))
		return false
	}
	p, ok := predicateOf(path, n.condition)
	if !ok {
		return false
	}
	p.elements = elements
	c.found = append(c.found, p)
	return p.Exact
}

func within(elements []element, path string) []element {
	inner := element{&elementID{}, strings.Count(path, ".") + 1}
	return append(elements[:len(elements):len(elements)], inner)
}

// each collects from the operators of an $elemMatch on values. It leaves out what an
// index holds in another form: the insides of an array within an array.
func (c *collector) each(path string, condition condition, elements []element) {
	all, ok := condition.(allOf)
	if !ok {
		all = allOf{condition}
	}
	for _, one := range all {
		negated := false
		if none, ok := one.(noneOf); ok {
			one, negated = none.condition, true
		}
		p, ok := predicateOf(path, one)
		if !ok || negated && !p.Exact {
			continue
		}
		p.elements, p.Not = elements, negated
		c.found = append(c.found, p)
	}
}

// not collects from $ne, $nin, $not and $nor.
func (c *collector) not(prefix string, n node, elements []element) bool {
	switch n := n.(type) {
	case *andNode:
		return len(n.children) == 1 && c.not(prefix, n.children[0], elements)
	case *orNode:
		complete := true
		for _, branch := range n.children {
			complete = c.not(prefix, branch, elements) && complete
		}
		return complete
	case *pathNode:
		if hasNumericPart(n.parts) {
			return false
		}
		p, ok := predicateOf(prefix+n.path, n.condition)
		exists := p.Op == OpExists
		if !ok || !p.Exact && !exists {
			return false
		}
		p.elements, p.Not = elements, true
		c.found = append(c.found, p)
		return !exists
	}
	return false
}

// predicateOf gives what an index can do for one condition.
func predicateOf(path string, c condition) (Predicate, bool) {
	switch c := c.(type) {
	case *comparison:
		return c.predicate(path)
	case *membership:
		return c.predicate(path)
	case *regex:
		return c.predicate(path)
	case existsCondition:
		return Predicate{Path: path, Op: OpExists}, true
	case typeSet:
		return c.predicate(path)
	}
	return Predicate{}, false
}

func (c *comparison) predicate(path string) (Predicate, bool) {
	p := Predicate{Path: path, Op: c.op, Value: c.value, Exact: true}
	if c.op == OpEq {
		if c.value.Type == bson.TypeArray {
			return Predicate{Path: path, Op: OpIn, Values: indexKeys([]bson.RawValue{c.value})}, true
		}
		return p, true
	}
	switch c.value.Type {
	case bson.TypeMinKey, bson.TypeMaxKey, bson.TypeArray:
		return p, false
	case bson.TypeNull:
		p.Op = OpEq
		return p, c.op == OpLte || c.op == OpGte
	}
	return p, true
}

func (c *membership) predicate(path string) (Predicate, bool) {
	p := Predicate{Path: path, Op: OpIn, Exact: true}
	values := c.values
	for _, re := range c.regexes {
		prefix, whole := re.literalPrefix()
		if prefix == "" {
			return p, false
		}
		p.Prefixes, p.Exact = append(p.Prefixes, prefix), p.Exact && whole
		values = append(values[:len(values):len(values)], re.literal())
	}
	for _, v := range values {
		p.Exact = p.Exact && v.Type != bson.TypeArray
	}
	p.Values = indexKeys(values)
	return p, true
}

func (c *regex) predicate(path string) (Predicate, bool) {
	prefix, whole := c.literalPrefix()
	return Predicate{Path: path, Op: OpIn, Values: []bson.RawValue{c.literal()}, Prefixes: []string{prefix}, Exact: whole}, prefix != ""
}

// literalPrefix gives what every string that matches must start with, for patterns
// that are anchored and case-sensitive; empty if there is none. whole says that
// every string that starts so matches.
func (c *regex) literalPrefix() (prefix string, whole bool) {
	rest, anchored := strings.CutPrefix(c.pattern, "^")
	if !anchored || strings.Trim(c.options, "su") != "" || strings.ContainsRune(rest, '|') {
		return "", false
	}
	end := strings.IndexAny(rest, `\.+*?()[]{}^$`)
	if end < 0 {
		return rest, true
	}
	prefix = rest[:end]
	// A quantifier may repeat the last character zero times.
	if strings.IndexByte("*?{", rest[end]) >= 0 {
		_, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
	}
	return prefix, false
}

// predicate leaves $type: "array" out: an index holds the elements instead.
func (c typeSet) predicate(path string) (Predicate, bool) {
	p := Predicate{Path: path, Op: OpType}
	for t := range 256 {
		kind := bson.Type(t)
		if value.TypeName(kind) == "missing" || c&typeBit(kind) == 0 {
			continue
		}
		if kind == bson.TypeArray {
			return p, false
		}
		p.Types = append(p.Types, kind)
	}
	return p, true
}

// indexKeys gives where an index has documents that equal one of values: an
// array is found under its first element, or whole where it is an element.
func indexKeys(values []bson.RawValue) []bson.RawValue {
	keys := make([]bson.RawValue, 0, len(values))
	for _, v := range values {
		keys = append(keys, v)
		if v.Type == bson.TypeArray {
			keys = append(keys, firstKey(v))
		}
	}
	return sortedSet(keys)
}

func firstKey(array bson.RawValue) bson.RawValue {
	it := value.Elements(array.Value)
	_, first, ok := it.Next()
	switch {
	case !ok:
		return value.Undefined
	case first.Type == bson.TypeUndefined:
		return value.Null
	}
	return first
}

func hasNumericPart(parts []string) bool {
	for _, part := range parts {
		if part != "" && strings.Trim(part, "0123456789") == "" {
			return true
		}
	}
	return false
}

// Paths gives the paths of which the projection keeps the values and nothing else.
// ok is false where it needs more of a document than those.
func (p *Projection) Paths() (paths []string, ok bool) {
	if !p.inclusive || p.filter != nil {
		return nil, false
	}
	return p.root.paths(nil, "")
}

func (n *projectionNode) paths(found []string, prefix string) (_ []string, ok bool) {
	for _, child := range n.children {
		switch child.action {
		case keep:
			found = append(found, prefix+child.name)
		case descend:
			if found, ok = child.paths(found, prefix+child.name+"."); !ok {
				return nil, false
			}
		case drop:
		default:
			return nil, false
		}
	}
	return found, true
}
