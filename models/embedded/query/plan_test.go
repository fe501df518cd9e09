package query

import (
	"fmt"
	"strings"
	"testing"

	"parlor/models/embedded/value"
)

func formatPredicates(predicates []Predicate) string {
	var parts []string
	for _, p := range predicates {
		values := make([]string, len(p.Values))
		for i, v := range p.Values {
			values[i] = value.Format(v)
		}
		op := []string{"=", "<", "<=", ">", ">=", "in", "type", "exists"}[p.Op]
		if p.Not {
			op = "not " + op
		}
		for _, prefix := range p.Prefixes {
			values = append(values, prefix+"...")
		}
		for _, t := range p.Types {
			values = append(values, value.TypeName(t))
		}
		one := ""
		if !value.Missing(p.Value) {
			one = value.Format(p.Value)
		}
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s %s", p.Path, op, strings.Join(append([]string{one}, values...), " "))))
	}
	return strings.Join(parts, "; ")
}

func TestPredicates(t *testing.T) {
	t.Parallel()
	tests := []struct{ filter, want string }{
		{`{}`, ``},
		{`{"a": 1, "b.c": {"$gt": 2, "$lte": 5}}`, `a = 1; b.c > 2; b.c <= 5`},
		{`{"$and": [{"a": 1}, {"$and": [{"b": 2}]}]}`, `a = 1; b = 2`},
		{`{"a": {"$in": [3, "x", 1, 3.0]}}`, `a in  1 3 "x"`},
		{`{"a": [2, 1]}`, `a in  2 [ 2, 1 ]`},
		{`{"a": []}`, `a in  undefined []`},
		{`{"a": null}`, `a = null`},
		{`{"a": {"$gte": null}}`, `a = null`},
		{`{"a": {"$all": [1, 2]}}`, `a = 1; a = 2`},
		{`{"a": {"$elemMatch": {"b": 1, "c": {"$gt": 2}}}}`, `a.b = 1; a.c > 2`},
		{`{"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}`, `a > 1; a < 3`},
		{`{"a": {"$elemMatch": {"$elemMatch": {"$gt": 1}}}}`, ``},
		{`{"a": {"$regex": "^ab.c"}}`, `a in  /^ab.c/ ab...`},
		{`{"a": {"$regex": "^abc*"}}`, `a in  /^abc*/ ab...`},
		{`{"a": {"$regex": "^abc", "$options": "i"}}`, ``},
		{`{"a": {"$regex": "^ab|c"}}`, ``},
		{`{"a": {"$in": [1, {"$regularExpression": {"pattern": "^x", "options": ""}}]}}`, `a in  1 /^x/ x...`},
		{`{"a": {"$in": [1, {"$regularExpression": {"pattern": "x", "options": ""}}]}}`, ``},
		{`{"a": {"$ne": 1}, "b": {"$exists": true}, "c": {"$not": {"$gt": 1}}, "$nor": [{"d": 1}]}`, `a not = 1; b exists; c not > 1; d not = 1`},
		{`{"a": {"$nin": [1, 2]}, "b": {"$exists": false}, "c": {"$type": ["string", "null"]}}`, `a not in  1 2; b not exists; c type  string null`},
		{`{"a": {"$ne": [1]}, "b": {"$not": {"$gt": 1, "$lt": 3}}, "c": {"$type": "array"}, "$nor": [{"d": 1, "e": 1}]}`, ``},
		{`{"a": {"$elemMatch": {"b": {"$ne": 1}}}, "c": {"$elemMatch": {"$ne": 1, "$lt": 5}}}`, `a.b not = 1; c not = 1; c < 5`},
		{`{"a.0": 1}`, ``},
		{`{"a": {"$gt": {"$minKey": 1}}}`, ``},
	}
	for _, test := range tests {
		if got := formatPredicates(filterOf(t, test.filter).Predicates()); got != test.want {
			t.Errorf("%s: %s, want %s", test.filter, got, test.want)
		}
	}
}

func TestOr(t *testing.T) {
	t.Parallel()
	ors := filterOf(t, `{"x": 1, "$or": [{"a": 1}, {"b": 2, "c": 3}]}`).Conditions().Or
	if len(ors) != 1 || len(ors[0]) != 2 {
		t.Fatalf("got %d disjunctions", len(ors))
	}
	if got := formatPredicates(ors[0][1].Predicates()); got != "b = 2; c = 3" {
		t.Errorf("second branch: %s", got)
	}
	if !matches(t, ors[0][0], document(t, `{"a": 1}`)) {
		t.Error("the first branch does not match on its own")
	}
}

// Every document that matches must be found through the index values of every
// predicate, or an index would lose it.
func TestPredicatesCoverTheMatches(t *testing.T) {
	t.Parallel()
	values := []string{`1`, `2.5`, `"abc"`, `null`, `[]`, `[1, 2]`, `[[1, 2], 3]`, `[null]`, `{"b": 1}`, `[{"b": 1}, {"b": [1, 2]}]`, `[[{"b": 1}]]`,
		`[{"c": 1}]`, `{"$undefined": true}`, `[{"$undefined": true}]`, `{"$regularExpression": {"pattern": "^ab", "options": ""}}`,
		`{"b": null}`, `{"$minKey": 1}`, `{"$numberDouble": "NaN"}`, `{"b": []}`, `[[]]`, `{"b": {"$undefined": true}}`}
	docs := []string{`{}`}
	for _, v := range values {
		docs = append(docs, `{"a": `+v+`}`)
	}
	var filters []string
	for _, path := range []string{"a", "a.b"} {
		for _, v := range values {
			if strings.Contains(v, "undefined") {
				continue
			}
			for _, op := range []string{"$eq", "$in", "$all", "$lt", "$lte", "$gt", "$gte"} {
				arg := v
				if op == "$in" || op == "$all" {
					arg = "[" + v + "]"
				}
				if strings.Contains(v, "regular") && op != "$eq" && op != "$in" {
					continue
				}
				condition := `{"` + op + `": ` + arg + `}`
				filters = append(filters, `{"`+path+`": `+condition+`}`, `{"`+path+`": {"$elemMatch": `+condition+`}}`)
			}
			filters = append(filters, `{"`+path+`": `+v+`}`)
		}
	}
	count := 0
	for _, text := range filters {
		f := filterOf(t, text)
		for _, doc := range docs {
			if raw := document(t, doc); matches(t, f, raw) {
				count++
				checkPredicates(t, f, raw)
			}
		}
	}
	if count < 500 {
		t.Errorf("only %d matches, the cases test little", count)
	}
}
