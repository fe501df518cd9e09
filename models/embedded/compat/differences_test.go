package compat

import (
	"os"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A difference is a case in which the servers do not agree, and MongoDB's manual says that ours is right.
// README.md lists them.
type difference struct {
	name string
	// docs, index and op are an example in extended JSON, want is what the manual says of it.
	docs, index, op string
	want            string
	// matches reports whether a pair of outcomes can differ for this reason.
	matches func(s scenario, ours, theirs outcome) bool
}

// known reports whether a difference is written down.
func known(s scenario, ours, theirs outcome) bool {
	return slices.ContainsFunc(differences(), func(d difference) bool { return d.matches(s, ours, theirs) })
}

// inCommand makes a matcher that looks at the command alone.
func inCommand(holds func(op bson.D) bool) func(scenario, outcome, outcome) bool {
	return func(s scenario, _, _ outcome) bool { return holds(s.op) }
}

func differences() []difference {
	return slices.Concat(failures(), filterDifferences(), updateDifferences(), otherDifferences())
}

// failures are what FerretDB says it does not do, and where it breaks.
func failures() []difference {
	return []difference{
		{
			name:    "Not implemented",
			docs:    `[{"_id":1,"a":[1,5]}]`,
			op:      `{"update":"things","updates":[{"q":{},"u":{"$set":{"a.$[x]":0}},"arrayFilters":[{"x":{"$gt":1}}]}]}`,
			want:    `n 1 nModified 1 collection {"_id":1,"a":[1,0]}`,
			matches: func(_ scenario, ours, theirs outcome) bool { return theirs.code == 238 && ours.code != 238 },
		},
		{
			name:    "Dropped connections",
			docs:    `[{"_id":1}]`,
			op:      `{"aggregate":"things","pipeline":[{"$count":"n"},{"$project":{"d":0}}],"cursor":{}}`,
			want:    `{"n":1}`,
			matches: func(_ scenario, _, theirs outcome) bool { return theirs.code == -1 },
		},
		{
			name: "Arrays in arrays",
			docs: `[{"_id":1}]`,
			op:   `{"update":"things","updates":[{"q":{},"u":{"$push":{"a":[1]}}}]}`,
			want: `n 1 nModified 1 collection {"_id":1,"a":[[1]]}`,
			matches: func(s scenario, ours, theirs outcome) bool {
				return strings.Contains(theirs.text, "nested arrays are not supported")
			},
		},
		{
			name: "Infinity",
			docs: `[{"_id":1}]`,
			op:   `{"update":"things","updates":[{"q":{},"u":{"$set":{"a":{"$numberDouble":"Infinity"}}}}]}`,
			want: `n 1 nModified 1 collection {"_id":1,"a":{"$numberDouble":"Infinity"}}`,
			matches: func(_ scenario, _, theirs outcome) bool {
				return strings.Contains(theirs.text, "infinity values are not allowed")
			},
		},
	}
}

func filterDifferences() []difference {
	return []difference{
		{
			name: "Null below an array",
			docs: `[{"_id":1,"a":[]}]`, op: `{"find":"things","filter":{"a.b":null}}`, want: ``,
			matches: func(s scenario, _, _ outcome) bool {
				return holdsArray(s.docs) && holdsNull(s.op) && hasDottedKey(s.op)
			},
		},
		{
			name: "Remainders and bits in arrays",
			docs: `[{"_id":1,"a":[4]}]`, op: `{"find":"things","filter":{"a":{"$mod":[2,0]}}}`, want: `{"_id":1,"a":[4]}`,
			matches: func(s scenario, _, _ outcome) bool {
				return holdsArray(s.docs) && mentions(s.op, "$mod", "$bitsAllSet", "$bitsAllClear", "$bitsAnySet", "$bitsAnyClear")
			},
		},
		{
			name: "Empty documents in arrays",
			docs: `[{"_id":1,"a":[{}]}]`, op: `{"find":"things","filter":{"a":{}}}`, want: `{"_id":1,"a":[{}]}`,
			matches: func(s scenario, _, _ outcome) bool { return holdsArray(s.docs) && holdsEmptyDocument(s.op) },
		},
		{
			name: "Negations in $elemMatch",
			docs: `[{"_id":1,"a":[{}]}]`, op: `{"find":"things","filter":{"a":{"$elemMatch":{"b":{"$ne":1}}}}}`, want: `{"_id":1,"a":[{}]}`,
			matches: inCommand(func(op bson.D) bool {
				return mentionsOf(op, "$elemMatch", func(v any) bool { return mentions(v, "$ne", "$nin", "$not", "$exists") })
			}),
		},
		{
			name: "Arrays in $elemMatch",
			docs: `[{"_id":1,"a":[]}]`, op: `{"find":"things","filter":{"a":{"$elemMatch":{"$lt":[1]}}}}`, want: ``,
			matches: inCommand(func(op bson.D) bool { return mentionsOf(op, "$elemMatch", holdsArray) }),
		},
		{
			name: "Several types in arrays",
			docs: `[{"_id":1,"a":[2.5]}]`, op: `{"find":"things","filter":{"a":{"$type":[1,"long"]}}}`, want: `{"_id":1,"a":[2.5]}`,
			matches: func(s scenario, _, _ outcome) bool { return holdsArray(s.docs) && mentionsOf(s.op, "$type", isArray) },
		},
		{
			name: "Size of a document in an array",
			docs: `[{"_id":1,"a":[{}]}]`, op: `{"find":"things","filter":{"a":{"$elemMatch":{"$size":1}}}}`, want: ``,
			matches: inCommand(func(op bson.D) bool {
				return mentionsOf(op, "$elemMatch", func(v any) bool { return mentions(v, "$size") })
			}),
		},
		{
			name: "Numbers for $exists",
			docs: `[{"_id":1,"a":2}]`, op: `{"find":"things","filter":{"a":{"$exists":0}}}`, want: ``,
			matches: inCommand(func(op bson.D) bool {
				return mentionsOf(op, "$exists", func(v any) bool { _, boolean := v.(bool); return !boolean })
			}),
		},
		{
			name: "Bad filters on an empty collection",
			docs: `[]`, op: `{"find":"things","filter":{"$or":[]}}`, want: `error 2`,
			matches: inCommand(func(op bson.D) bool {
				return mentionsOf(op, "$or", func(v any) bool { a, _ := v.(bson.A); return len(a) == 0 })
			}),
		},
	}
}

func updateDifferences() []difference {
	return []difference{
		{
			name: "Arithmetic on a bad argument",
			docs: `[]`, op: `{"update":"things","updates":[{"q":{},"u":{"$mul":{"a":"x"}}}]}`, want: `error 14`,
			matches: func(s scenario, ours, theirs outcome) bool {
				return theirs.code == 0 && slices.Contains([]int{2, 14}, ours.code) && mentions(s.op, "$inc", "$mul", "$bit")
			},
		},
		{
			name: "Overflow of $inc",
			docs: `[{"_id":1,"a":2}]`, op: `{"update":"things","updates":[{"q":{},"u":{"$inc":{"a":2147483647}}}]}`,
			want: `n 1 nModified 1 collection {"_id":1,"a":2147483649}`,
			matches: inCommand(func(op bson.D) bool {
				return mentionsOf(op, "$inc", func(v any) bool { return within(v, func(_ string, v any) bool { return v == int32(2147483647) }) })
			}),
		},
		{
			name: "An array added to a set",
			docs: `[{"_id":1}]`, op: `{"update":"things","updates":[{"q":{},"u":{"$addToSet":{"a":[]}}}]}`,
			want:    `n 1 nModified 1 collection {"_id":1,"a":[[]]}`,
			matches: inCommand(func(op bson.D) bool { return mentionsOf(op, "$addToSet", holdsArray) }),
		},
		{
			name: "Nothing pushed",
			docs: `[{"_id":1}]`, op: `{"update":"things","updates":[{"q":{},"u":{"$push":{"a":{"$each":[]}}}}]}`,
			want: `n 1 nModified 1 collection {"_id":1,"a":[]}`,
			matches: inCommand(func(op bson.D) bool {
				return mentionsOf(op, "$each", func(v any) bool { a, _ := v.(bson.A); return len(a) == 0 })
			}),
		},
		{
			name: "An empty array set by an upsert",
			docs: `[]`, op: `{"update":"things","updates":[{"q":{"_id":1},"u":{"$setOnInsert":{"a":[]}},"upsert":true}]}`,
			want: `n 1 nModified 0 upserted [{"index":0,"_id":1}] collection {"_id":1,"a":[]}`,
			matches: inCommand(func(op bson.D) bool {
				return mentionsOf(op, "$setOnInsert", func(v any) bool {
					return within(v, func(_ string, v any) bool { a, ok := v.(bson.A); return ok && len(a) == 0 })
				})
			}),
		},
		{
			name: "Renaming through an array",
			docs: `[{"_id":1,"a":[]}]`, op: `{"update":"things","updates":[{"q":{},"u":{"$rename":{"a.b":"c"}}}]}`, want: `error 2`,
			matches: inCommand(func(op bson.D) bool { return mentionsOf(op, "$rename", hasDottedKey) }),
		},
		{
			name: "Equality in the filter of an upsert",
			docs: `[]`, op: `{"update":"things","updates":[{"q":{"_id":1,"b":{"$all":[7]}},"u":{"$set":{"a":1}},"upsert":true}]}`,
			want: `n 1 nModified 0 upserted [{"index":0,"_id":1}] collection {"_id":1,"b":7,"a":1}`,
			matches: inCommand(func(op bson.D) bool {
				return mentionsOf(op, "upsert", func(v any) bool { return v == true }) && mentions(op, "$all", "$and", "$or", "$in")
			}),
		},
	}
}

func otherDifferences() []difference {
	return []difference{
		{
			name: "Unique indexes",
			docs: `[{"_id":1,"a":[1,2]}]`, index: `{"createIndexes":"things","indexes":[{"key":{"a":1},"name":"a_1","unique":true}]}`,
			op:   `{"insert":"things","documents":[{"_id":2,"a":[2,3]}]}`,
			want: `error 11000`,
			matches: func(s scenario, ours, theirs outcome) bool {
				return mentions(s.index, "unique") && ours.code == 11000 && theirs.code != 11000
			},
		},
		{
			name: "Parallel arrays in an index",
			docs: `[{"_id":1,"a":[1],"b":[2]}]`, op: `{"createIndexes":"things","indexes":[{"key":{"a":1,"b":1},"name":"a_1_b_1"}]}`,
			want:    `error 171`,
			matches: func(_ scenario, ours, theirs outcome) bool { return ours.code == 171 && theirs.code == 0 },
		},
		{
			name: "Sorting below an array",
			docs: `[{"_id":1,"a":[{"b":5}]},{"_id":2},{"_id":3,"a":{"b":1}}]`, op: `{"find":"things","sort":{"a.b":1}}`,
			want:    `{"_id":2} {"_id":3,"a":{"b":1}} {"_id":1,"a":[{"b":5}]}`,
			matches: func(s scenario, _, _ outcome) bool { return holdsArray(s.docs) && sortsByDottedPath(s.op) },
		},
		{
			name: "Computed fields",
			docs: `[{"_id":1,"a":2}]`, op: `{"aggregate":"things","pipeline":[{"$set":{"b.c":"$a"}}],"cursor":{}}`,
			want: `{"_id":1,"a":2,"b":{"c":2}}`,
			matches: inCommand(func(op bson.D) bool {
				return op[0].Key == "aggregate" && mentions(op, "$set", "$addFields") && computes(op)
			}),
		},
		{
			name: "Two accumulators",
			docs: `[{"_id":1}]`, op: `{"aggregate":"things","pipeline":[{"$group":{"_id":null,"n":{"$sum":1},"count":{"$count":{}}}}],"cursor":{}}`,
			want: `{"_id":null,"n":1,"count":1}`,
			matches: inCommand(func(op bson.D) bool {
				return mentionsOf(op, "$group", func(v any) bool { return mentions(v, "$count") && mentions(v, "$sum") })
			}),
		},
		{
			name: "Missing fields in the key of a group",
			docs: `[{"_id":1}]`, op: `{"aggregate":"things","pipeline":[{"$group":{"_id":{"x":"$a"}}}],"cursor":{}}`,
			want: `{"_id":{}}`,
			matches: inCommand(func(op bson.D) bool {
				return mentionsOf(op, "$group", func(v any) bool { return mentionsOf(v, "_id", func(id any) bool { _, doc := id.(bson.D); return doc }) })
			}),
		},
		{
			name: "Order of fields",
			docs: `[{"_id":1,"b":[],"c":{}}]`, op: `{"find":"things","projection":{"c.a":1,"b.a":1}}`,
			want: `{"_id":1,"b":[],"c":{}}`,
			matches: func(s scenario, ours, theirs outcome) bool {
				return ours.code == theirs.code && slices.Equal(anyOrder(ours), anyOrder(theirs))
			},
		},
	}
}

// Each example is answered by the embedded server as the manual says, and by FerretDB in another way:
// a difference that is none any more has to leave the table.
func TestDifferences(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences() {
		s := scenario{op: parseD(t, d.op), docs: parseD(t, `{"docs":`+d.docs+`}`)[0].Value.(bson.A)}
		if d.index != "" {
			s.index = parseD(t, d.index)
		}
		ours, theirs := p.perform(t.Context(), s)
		if got := plain(t, ours); got != d.want {
			t.Errorf("%s: got %s, want %s", d.name, got, d.want)
		}
		if ours.equal(theirs) {
			t.Errorf("%s: FerretDB does the same", d.name)
		}
		if !d.matches(s, ours, theirs) {
			t.Errorf("%s: does not match its own example", d.name)
		}
		if !strings.Contains(string(readme), "| "+d.name+" |") {
			t.Errorf("%s: not in README.md", d.name)
		}
	}
}

// plain is an outcome in one line of relaxed extended JSON.
func plain(t *testing.T, o outcome) string {
	t.Helper()
	lines := strings.Split(o.String(), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "{") {
			lines[i] = extJSON(parseD(t, line))
		}
	}
	return strings.Join(lines, " ")
}
