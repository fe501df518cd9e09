package compat

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func known(s scenario, ours, theirs outcome) bool {
	if ours.code == 238 || ours.code == 40324 || ours.code == 15952 {
		return true
	}
	return slices.ContainsFunc(differences(), func(d difference) bool { return d.matches(s, ours, theirs) })
}

// A difference is a case in which the servers do not agree, and MongoDB's manual says that ours is right.
type difference struct {
	name string
	// ferretdb and manual say what FerretDB does and what MongoDB does, for readers.
	ferretdb, manual string
	// example is a scenario as extended JSON, want is what the embedded server answers.
	docs, index, op, want string
	// matches reports whether a pair of outcomes differs for this reason.
	matches func(s scenario, ours, theirs outcome) bool
}

func differences() []difference {
	return []difference{
		{name: "not implemented", matches: func(_ scenario, _, theirs outcome) bool { return theirs.code == 238 }},
		{name: "dropped", matches: func(_ scenario, _, theirs outcome) bool { return theirs.code == -1 }},
		{name: "unique", matches: func(s scenario, ours, theirs outcome) bool {
			return s.index != nil && strings.Contains(extJSON(s.index), `"unique":true`) && ours.code == 11000 && theirs.code == 0
		}},
		{name: "null", matches: func(s scenario, ours, theirs outcome) bool {
			return within(s.op, func(v any) bool { return v == nil }) && dotted(s.op)
		}},
		{name: "mod", matches: func(s scenario, ours, theirs outcome) bool { return mentions(s.op, "$mod") }},
		{name: "distinct", matches: func(s scenario, ours, theirs outcome) bool { return false }},
		{name: "sort", matches: func(s scenario, ours, theirs outcome) bool {
			return mentions(s.op, "sort") && dotted(field(s.op, "sort")) || mentions(s.op, "$sort")
		}},
		{name: "emptydoc", matches: func(s scenario, ours, theirs outcome) bool {
			return within(s.op, func(v any) bool { d, ok := v.(bson.D); return ok && len(d) == 0 })
		}},
		{name: "elemmatch", matches: func(s scenario, ours, theirs outcome) bool {
			return mentions(s.op, "$elemMatch") && (mentions(s.op, "$nin") || mentions(s.op, "$ne") || mentions(s.op, "$not"))
		}},
		{name: "lazy", matches: func(s scenario, ours, theirs outcome) bool {
			return mentions(s.op, "$mul") || mentions(s.op, "$bit")
		}},
		{name: "each", matches: func(s scenario, ours, theirs outcome) bool { return mentions(s.op, "$each") }},
		{name: "order", matches: func(s scenario, ours, theirs outcome) bool {
			return slices.Equal(sortedFields(ours), sortedFields(theirs))
		}},
		{name: "addtoset", matches: func(s scenario, ours, theirs outcome) bool {
			return mentions(s.op, "$addToSet") && within(s.op, isArray)
		}},
	}
}

func isArray(v any) bool { _, ok := v.(bson.A); return ok }

func mentions(doc any, name string) bool {
	return strings.Contains(extJSON(bson.D{{Key: "x", Value: doc}}), `"`+name+`"`)
}

func dotted(doc any) bool {
	found := false
	walk(doc, func(key string, _ any) { found = found || strings.Contains(key, ".") })
	return found
}

func within(doc any, holds func(any) bool) bool {
	found := false
	walk(doc, func(_ string, v any) { found = found || holds(v) })
	return found
}

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

// sortedFields is an outcome without the order of fields.
func sortedFields(o outcome) []string {
	var lines []string
	for _, line := range append(append([]string{}, o.reply...), o.after...) {
		b := []byte(line)
		slices.Sort(b)
		lines = append(lines, string(b))
	}
	return lines
}
