package pipeline

import "testing"

func TestMerge(t *testing.T) {
	t.Parallel()
	const before = `[{"_id":1,"a":1,"old":true},{"_id":9}]`
	const new = `[{"_id":1,"a":2},{"_id":2,"a":3}]`
	tests := []struct{ name, spec, want string }{
		{"by default", `"m"`, `[{"_id":1,"a":2,"old":true},{"_id":9},{"_id":2,"a":3}]`},
		{"replace", `{"into":"m","whenMatched":"replace"}`, `[{"_id":1,"a":2},{"_id":9},{"_id":2,"a":3}]`},
		{"keepExisting", `{"into":"m","whenMatched":"keepExisting"}`, `[{"_id":1,"a":1,"old":true},{"_id":9},{"_id":2,"a":3}]`},
		{"discard", `{"into":{"db":"db","coll":"m"},"on":"_id","whenNotMatched":"discard"}`, `[{"_id":1,"a":2,"old":true},{"_id":9}]`},
		{"a pipeline", `{"into":"m","whenMatched":[{"$set":{"sum":"$$new.a","was":"$a"}}]}`, `[{"_id":1,"a":1,"old":true,"sum":2,"was":1},{"_id":9},{"_id":2,"a":3}]`},
		{"a pipeline with variables", `{"into":"m","let":{"x":"$a"},"whenMatched":[{"$set":{"a":"$$x"}}],"whenNotMatched":"discard"}`, `[{"_id":1,"a":2,"old":true},{"_id":9}]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			store.collections[things] = list(t, new)
			store.collections[Namespace{"db", "m"}] = list(t, before)
			docs, err := run(t.Context(), list(t, `[{"$merge":`+test.spec+`}]`), env(store, things))
			if err != nil || len(docs) > 0 {
				t.Fatal(docs, err)
			}
			check(t, store.collections[Namespace{"db", "m"}], test.want)
		})
	}
}

func TestMergeFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, docs, spec string
		code             int32
	}{
		{"a match that may not be", `[{"_id":1}]`, `{"into":"m","whenMatched":"fail"}`, 11000},
		{"no match", `[{"_id":7}]`, `{"into":"m","whenNotMatched":"fail"}`, 13113},
		{"an array", `[{"_id":2,"k":[1]}]`, `{"into":"m","on":"k"}`, 51185},
		{"another _id", `[{"_id":2,"k":1}]`, `{"into":"m","on":"k"}`, 66},
		{"another _id by replacement", `[{"_id":2,"k":1}]`, `{"into":"m","on":"k","whenMatched":"replace"}`, 66},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			store := newMemory()
			store.collections[things] = list(t, test.docs)
			store.collections[Namespace{"db", "m"}] = list(t, `[{"_id":1,"k":1}]`)
			store.unique[Namespace{"db", "m"}] = []string{"k"}
			_, err := run(t.Context(), list(t, `[{"$merge":`+test.spec+`}]`), env(store, things))
			checkCode(t, err, test.code)
		})
	}
}

func TestOut(t *testing.T) {
	t.Parallel()
	for _, target := range []string{`"o"`, `{"db":"db","coll":"o"}`} {
		store := newMemory()
		store.collections[things] = list(t, `[{"_id":1},{"_id":2}]`)
		store.collections[Namespace{"db", "o"}] = list(t, `[{"_id":9}]`)
		docs, err := run(t.Context(), list(t, `[{"$match":{"_id":2}},{"$out":`+target+`}]`), env(store, things))
		if err != nil || len(docs) > 0 {
			t.Fatal(docs, err)
		}
		check(t, store.collections[Namespace{"db", "o"}], `[{"_id":2}]`)
	}
}
