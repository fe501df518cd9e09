package query

import (
	"cmp"
	"slices"
	"strings"

	"parlor/models/embedded/mongoerr"
)

// updateNode is one field in the tree of all fields that an update touches. It
// has either a modifier, or children by name, or children by array filter.
type updateNode struct {
	name     string
	modifier modifier
	onInsert bool // the modifier is for new documents only

	children   []*updateNode // in the order that new fields are appended in
	positional *updateNode   // the child that $ names
	filtered   []*updateNode // the children that $[] and $[name] name
	filter     *arrayFilter  // of a filtered child; nil for $[]
}

// insert puts leaf at the path below n. Two modifiers may not meet, nor one
// stand above another.
func (n *updateNode) insert(path string, parts []string, leaf *updateNode, filters []*arrayFilter) error {
	for i, part := range parts {
		last := i == len(parts)-1
		child, err := n.child(path, part, filters)
		if err != nil {
			return err
		}
		fresh := child.isFresh()
		if child.modifier != nil || last && !fresh || n.mixed() {
			end := i + 1
			if n.mixed() {
				end = i
			}
			return mongoerr.ConflictingUpdateOperators.Errorf("Updating the path '%s' would create a conflict at '%s'",
				path, strings.Join(parts[:end], "."))
		}
		if last {
			child.modifier, child.onInsert = leaf.modifier, leaf.onInsert
		}
		n = child
	}
	return nil
}

func (n *updateNode) isFresh() bool {
	return n.modifier == nil && n.positional == nil && len(n.children) == 0 && len(n.filtered) == 0
}

// mixed says that the node has children both by name and by array filter.
func (n *updateNode) mixed() bool {
	return len(n.filtered) > 0 && (len(n.children) > 0 || n.positional != nil)
}

// child finds or makes the child that a part of a path names.
func (n *updateNode) child(path, part string, filters []*arrayFilter) (*updateNode, error) {
	switch {
	case part == "$":
		if n.positional == nil {
			n.positional = &updateNode{name: part}
		}
		return n.positional, nil
	case isArrayFilterPart(part):
		return n.filteredChild(path, part, filters)
	}
	i, found := n.search(part)
	if !found {
		n.children = slices.Insert(n.children, i, &updateNode{name: part})
	}
	return n.children[i], nil
}

// search gives the place of a child, or where it would be.
func (n *updateNode) search(name string) (place int, found bool) {
	return slices.BinarySearchFunc(n.children, name, func(child *updateNode, name string) int {
		return compareNames(child.name, name)
	})
}

func (n *updateNode) filteredChild(path, part string, filters []*arrayFilter) (*updateNode, error) {
	for _, child := range n.filtered {
		if child.name == part {
			return child, nil
		}
	}
	child := &updateNode{name: part}
	if name := part[2 : len(part)-1]; name != "" {
		if child.filter = findFilter(filters, name); child.filter == nil {
			return nil, mongoerr.BadValue.Errorf("No array filter found for identifier '%s' in path '%s'", name, path)
		}
		child.filter.used = true
	}
	n.filtered = append(n.filtered, child)
	return child, nil
}

// find gives the child for a field, or nil, and its place among the children.
func (n *updateNode) find(name []byte) (*updateNode, int) {
	if len(n.children) > manyChildren {
		i, found := n.search(string(name))
		if !found {
			return nil, -1
		}
		return n.children[i], i
	}
	for i, child := range n.children {
		if child.name == string(name) {
			return child, i
		}
	}
	return nil, -1
}

// merged joins the trees of two paths that turn out to lead to the same field.
// It gives nil if they conflict. Neither tree is changed.
func merged(a, b *updateNode) *updateNode {
	if a.modifier != nil || b.modifier != nil || len(a.filtered) > 0 != (len(b.filtered) > 0) {
		return nil
	}
	out := &updateNode{name: a.name, positional: a.positional, children: slices.Clone(a.children), filtered: slices.Clone(a.filtered)}
	if b.positional != nil {
		out.positional = b.positional
		if a.positional != nil {
			if out.positional = merged(a.positional, b.positional); out.positional == nil {
				return nil
			}
		}
	}
	var ok bool
	if out.children, ok = mergedLists(out.children, b.children); !ok {
		return nil
	}
	if out.filtered, ok = mergedLists(out.filtered, b.filtered); !ok {
		return nil
	}
	slices.SortFunc(out.children, func(x, y *updateNode) int { return compareNames(x.name, y.name) })
	return out
}

func mergedLists(list, more []*updateNode) ([]*updateNode, bool) {
	for _, child := range more {
		i := slices.IndexFunc(list, func(x *updateNode) bool { return x.name == child.name })
		if i < 0 {
			list = append(list, child)
			continue
		}
		both := merged(list[i], child)
		if both == nil {
			return nil, false
		}
		both.filter = child.filter
		list[i] = both
	}
	return list, true
}

// compareNames orders new fields: numbers by their value, then others as text.
// Only the same name compares equal, so 01 comes beside 1.
func compareNames(a, b string) int {
	digits := isDigits(a)
	if digits != isDigits(b) {
		if digits {
			return -1
		}
		return 1
	}
	if digits {
		valueA, valueB := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		if c := cmp.Or(len(valueA)-len(valueB), strings.Compare(valueA, valueB)); c != 0 {
			return c
		}
	}
	return strings.Compare(a, b)
}

func isDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
