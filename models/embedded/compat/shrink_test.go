package compat

import "go.mongodb.org/mongo-driver/v2/bson"

// shrink takes things out of a scenario as long as it still fails.
func shrink(s scenario, fails func(scenario) bool) scenario {
	for budget := 600; budget > 0; {
		smaller, found := scenario{}, false
		for candidate := range candidates(s) {
			if budget--; budget == 0 {
				return s
			}
			if fails(candidate) {
				smaller, found = candidate, true
				break
			}
		}
		if !found {
			return s
		}
		s = smaller
	}
	return s
}

// candidates gives the scenarios that are one step smaller.
func candidates(s scenario) func(yield func(scenario) bool) {
	return func(yield func(scenario) bool) {
		if s.index != nil && !yield(scenario{s.docs, nil, s.op}) {
			return
		}
		for _, docs := range smaller(s.docs) {
			if !yield(scenario{docs.(bson.A), s.index, s.op}) {
				return
			}
		}
		if s.op == nil {
			return
		}
		for i := 1; i < len(s.op); i++ {
			if s.op[i].Key != "query" && !yield(scenario{s.docs, s.index, without(s.op, i)}) {
				return
			}
			for _, v := range smaller(s.op[i].Value) {
				if !yield(scenario{s.docs, s.index, with(s.op, i, v)}) {
					return
				}
			}
		}
	}
}

// smaller gives a value with one thing taken out of it, or out of what it holds.
func smaller(v any) []any {
	var all []any
	switch v := v.(type) {
	case bson.D:
		if len(v) == 1 && v[0].Key[:1] == "$" {
			break
		}
		for i := range v {
			if v[i].Key != "_id" && v[i].Key != "$mod" {
				all = append(all, without(v, i))
			}
		}
		for i := range v {
			for _, inner := range smaller(v[i].Value) {
				all = append(all, with(v, i, inner))
			}
		}
	case bson.A:
		for i := range v {
			all = append(all, append(append(bson.A{}, v[:i]...), v[i+1:]...))
		}
		for i := range v {
			for _, inner := range smaller(v[i]) {
				copied := append(bson.A{}, v...)
				copied[i] = inner
				all = append(all, copied)
			}
		}
	}
	return all
}

func without(doc bson.D, i int) bson.D { return append(append(bson.D{}, doc[:i]...), doc[i+1:]...) }

func with(doc bson.D, i int, v any) bson.D {
	copied := append(bson.D{}, doc...)
	copied[i].Value = v
	return copied
}
