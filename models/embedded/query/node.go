package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// node is a part of a filter that looks at a whole document.
type node interface {
	// match reports whether doc satisfies the node. If at isn't nil, the array
	// index that a condition was satisfied by is recorded in it. Only $expr fails.
	match(doc []byte, at *position) (bool, error)
}

// position is the array element that satisfied a condition, or -1.
type position struct{ index int }

type andNode struct{ children []node }

func (n *andNode) match(doc []byte, at *position) (bool, error) {
	for _, child := range n.children {
		if ok, err := child.match(doc, at); !ok {
			return false, err
		}
	}
	return true, nil
}

type orNode struct{ children []*andNode }

func (n *orNode) match(doc []byte, at *position) (bool, error) {
	for _, child := range n.children {
		if ok, err := child.match(doc, at); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// notNode negates; a negated condition never tells a position.
type notNode struct{ child node }

func (n *notNode) match(doc []byte, _ *position) (bool, error) {
	ok, err := n.child.match(doc, nil)
	return !ok && err == nil, err
}

// pathNode applies a condition to the values that a path leads to.
type pathNode struct {
	path      string
	parts     []string
	condition condition
	expand    bool
}

func (n *pathNode) match(doc []byte, at *position) (bool, error) {
	return n.walk(doc, at), nil
}

func (n *pathNode) walk(doc []byte, at *position) bool {
	return value.Walk(doc, n.parts, n.expand, func(v bson.RawValue, index int) bool {
		if at == nil {
			return n.condition.matches(v)
		}
		if inner, ok := n.condition.(arrayCondition); ok && index < 0 {
			index = inner.find(v)
			if index >= 0 {
				at.index = index
			}
			return index >= 0
		}
		matched := n.condition.matches(v)
		if matched && index >= 0 {
			at.index = index
		}
		return matched
	})
}

// condition is a part of a filter that looks at one value; the zero RawValue
// is a missing one.
type condition interface {
	matches(v bson.RawValue) bool
}

// arrayCondition is a condition on an array that one of its elements satisfies.
type arrayCondition interface {
	condition
	// find gives the index of the first element that does, or -1.
	find(array bson.RawValue) int
}

// wholeArrays reports whether the condition is about an array as such, so that
// its elements are not tried one by one.
func wholeArrays(c condition) bool {
	switch c.(type) {
	case *elemMatchObject, *elemMatchValue, sizeCondition, existsCondition:
		return true
	}
	return false
}

// elemMatchObject is $elemMatch with a query on the elements as documents.
type elemMatchObject struct{ query *andNode }

// satisfied runs a query without $expr, so that it can't fail.
func satisfied(query *andNode, doc []byte) bool {
	ok, _ := query.match(doc, nil)
	return ok
}

func (c *elemMatchObject) matches(v bson.RawValue) bool { return c.find(v) >= 0 }

func (c *elemMatchObject) find(array bson.RawValue) int {
	if array.Type != bson.TypeArray {
		return -1
	}
	it := value.Elements(array.Value)
	for i := 0; ; i++ {
		_, v, ok := it.Next()
		if !ok {
			return -1
		}
		if (v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray) && satisfied(c.query, v.Value) {
			return i
		}
	}
}

// elemMatchValue is $elemMatch with operators on the elements themselves.
type elemMatchValue struct{ condition condition }

func (c *elemMatchValue) matches(v bson.RawValue) bool { return c.find(v) >= 0 }

func (c *elemMatchValue) find(array bson.RawValue) int {
	if array.Type != bson.TypeArray {
		return -1
	}
	it := value.Elements(array.Value)
	for i := 0; ; i++ {
		_, v, ok := it.Next()
		if !ok {
			return -1
		}
		if c.condition.matches(v) {
			return i
		}
	}
}

// allOf and noneOf combine conditions on one value, inside $elemMatch.
type (
	allOf  []condition
	noneOf struct{ condition condition }
)

func (c allOf) matches(v bson.RawValue) bool {
	for _, condition := range c {
		if !condition.matches(v) {
			return false
		}
	}
	return true
}

func (c noneOf) matches(v bson.RawValue) bool { return !c.condition.matches(v) }
