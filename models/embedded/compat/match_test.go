package compat

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// walk visits every key and value below a value. Elements of arrays have no key.
func walk(v any, visit func(key string, v any)) {
	switch v := v.(type) {
	case bson.D:
		for _, e := range v {
			visit(e.Key, e.Value)
			walk(e.Value, visit)
		}
	case bson.A:
		for _, e := range v {
			visit("", e)
			walk(e, visit)
		}
	}
}

// within reports whether something holds for a key and value below v.
func within(v any, holds func(key string, v any) bool) bool {
	found := false
	walk(v, func(key string, v any) { found = found || holds(key, v) })
	return found
}

// mentions reports whether one of the names is a key below v.
func mentions(v any, names ...string) bool {
	return within(v, func(key string, _ any) bool { return slices.Contains(names, key) })
}

// mentionsOf reports whether below v a name stands for a value of which something holds.
func mentionsOf(v any, name string, holds func(any) bool) bool {
	return within(v, func(key string, v any) bool { return key == name && holds(v) })
}

func hasDottedKey(v any) bool {
	return within(v, func(key string, _ any) bool { return strings.Contains(key, ".") })
}

func holdsNull(v any) bool { return within(v, func(_ string, v any) bool { return v == nil }) }

func holdsArray(v any) bool { return within(v, func(_ string, v any) bool { return isArray(v) }) }

func isArray(v any) bool {
	_, ok := v.(bson.A)
	return ok
}

// computes reports whether a stage sets a field below another, or one to the value of a path.
func computes(op bson.D) bool {
	set := func(v any) bool {
		return hasDottedKey(v) || within(v, func(_ string, v any) bool { text, _ := v.(string); return strings.HasPrefix(text, "$") })
	}
	return mentionsOf(op, "$set", set) || mentionsOf(op, "$addFields", set)
}

func holdsEmptyDocument(v any) bool {
	return within(v, func(_ string, v any) bool {
		d, ok := v.(bson.D)
		return ok && len(d) == 0
	})
}

// sortsByDottedPath reports whether a command sorts, as its own option or as a stage, by a field below another.
func sortsByDottedPath(op bson.D) bool {
	return mentionsOf(op, "sort", hasDottedKey) || mentionsOf(op, "$sort", hasDottedKey)
}

// anyOrder gives the lines of an outcome with the letters of each sorted: equal for documents
// that differ in the order of their fields.
func anyOrder(o outcome) []string {
	var lines []string
	for _, line := range slices.Concat(o.reply, []string{"collection"}, o.after) {
		letters := []byte(line)
		slices.Sort(letters)
		lines = append(lines, string(letters))
	}
	return lines
}
