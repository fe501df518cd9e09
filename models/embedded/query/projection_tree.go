package query

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// projectionNode is one field in the tree of the fields that are named.
type projectionNode struct {
	name       string
	action     projectionAction
	slice      sliceRange
	computed   computation
	positional bool // on the path of the positional operator
	computes   bool // it or something below it is computed

	children []*projectionNode // in the order that new fields are appended in
	places   map[string]int    // of the children, where they are many
}

type projectionAction int

const (
	descend projectionAction = iota // see the children
	keep                            // copy the field
	drop                            // leave it out
	cutOut                          // keep a slice of it
	compute                         // give it a new value
)

// computation gives the value of a field from the document that is projected.
// The zero RawValue leaves the field out.
type computation interface {
	Eval(doc bson.Raw) (bson.RawValue, error)
}

// manyChildren is from how many on a map finds children faster than a search.
const manyChildren = 16

// find gives the child for a field, or nil, and its place among the children.
func (n *projectionNode) find(name []byte) (*projectionNode, int) {
	if n.places != nil {
		if i, ok := n.places[string(name)]; ok {
			return n.children[i], i
		}
		return nil, -1
	}
	for i, child := range n.children {
		if child.name == string(name) {
			return child, i
		}
	}
	return nil, -1
}

func (n *projectionNode) append(child *projectionNode) {
	n.children = append(n.children, child)
	if len(n.children) < manyChildren {
		return
	}
	if n.places == nil {
		n.places = make(map[string]int, 2*manyChildren)
		for i, each := range n.children {
			n.places[each.name] = i
		}
	}
	n.places[child.name] = len(n.children) - 1
}

// remove takes out a child, which must be there.
func (n *projectionNode) remove(name string) {
	children := n.children
	n.children, n.places = nil, nil
	for _, child := range children {
		if child.name != name {
			n.append(child)
		}
	}
}

// comesLast reports whether the field is made anew in an inclusion although doc
// has v there.
func (n *projectionNode) comesLast(v bson.RawValue) bool {
	return n.action == compute || n.computes && v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray
}

// pathConflict is an earlier path that is the same as another one, or leads
// through it, or on from it. rest is what the new path has beyond it.
type pathConflict struct{ other, rest string }

// insert makes a leaf at path below n. No path may lead through another.
func (n *projectionNode) insert(path string, leaf projectionNode) *pathConflict {
	name, rest, more := path, path, true
	for more {
		name, rest, more = strings.Cut(rest, ".")
		child, _ := n.find([]byte(name))
		switch {
		case child == nil:
			child = &projectionNode{}
			if !more {
				*child = leaf
			}
			child.name = name
			n.append(child)
		case !more:
			return &pathConflict{other: path + child.firstPath()}
		case child.action != descend:
			return &pathConflict{other: strings.TrimSuffix(path, "."+rest), rest: rest}
		}
		child.positional = child.positional || leaf.positional
		child.computes = child.computes || leaf.computes
		n = child
	}
	return nil
}

// firstPath gives the path of the first leaf below n, with a dot in front.
func (n *projectionNode) firstPath() string {
	path := ""
	for len(n.children) > 0 {
		n = n.children[0]
		path += "." + n.name
	}
	return path
}
