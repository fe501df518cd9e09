package embedded

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/storage"
	"parlor/models/embedded/value"
)

// conjunct is one condition of a filter's conjunction, as explain shows it.
type conjunct struct {
	path, operator string // "" and the name for $or and its like
	shown          bson.D
}

// parsedQuery shows a filter as mongod does: implicit equality is written out, and
// several conditions are joined by $and.
func parsedQuery(filter bson.Raw) bson.D { return joined(conjunctsOf(filter)) }

func joined(list []conjunct) bson.D {
	switch len(list) {
	case 0:
		return bson.D{}
	case 1:
		return list[0].shown
	}
	all := bson.A{}
	for _, c := range list {
		all = append(all, c.shown)
	}
	return bson.D{{Key: "$and", Value: all}}
}

func conjunctsOf(filter bson.Raw) []conjunct {
	var out []conjunct
	it := value.Elements(filter)
	for {
		key, v, ok := it.Next()
		if !ok {
			return out
		}
		name := string(key)
		switch {
		case name == "$and":
			for _, branch := range branchesOf(v) {
				out = append(out, conjunctsOf(branch)...)
			}
		case name == "$or" || name == "$nor":
			list := bson.A{}
			for _, branch := range branchesOf(v) {
				list = append(list, parsedQuery(branch))
			}
			out = append(out, conjunct{operator: name, shown: bson.D{{Key: name, Value: list}}})
		case name == "$comment":
		case strings.HasPrefix(name, "$"):
			out = append(out, conjunct{operator: name, shown: bson.D{{Key: name, Value: v}}})
		default:
			out = append(out, conditionsOn(name, v)...)
		}
	}
}

func branchesOf(v bson.RawValue) []bson.Raw {
	var out []bson.Raw
	it := value.Elements(v.Value)
	for {
		_, branch, ok := it.Next()
		if !ok {
			return out
		}
		out = append(out, branch.Value)
	}
}

func conditionsOn(path string, v bson.RawValue) []conjunct {
	if v.Type == bson.TypeRegex {
		pattern, options := v.Regex()
		shown := bson.D{{Key: "$regex", Value: pattern}}
		if options != "" {
			shown = append(shown, bson.E{Key: "$options", Value: options})
		}
		return []conjunct{{path, "$regex", bson.D{{Key: path, Value: shown}}}}
	}
	if v.Type != bson.TypeEmbeddedDocument || !operators(v.Value) {
		return []conjunct{{path, "$eq", bson.D{{Key: path, Value: bson.D{{Key: "$eq", Value: v}}}}}}
	}
	var out []conjunct
	it := value.Elements(v.Value)
	for {
		key, arg, ok := it.Next()
		if !ok {
			return out
		}
		name := string(key)
		shown := bson.D{{Key: name, Value: arg}}
		switch name {
		case "$options":
			continue
		case "$regex":
			if options := value.Field(v.Value, "$options"); options.Type != 0 {
				shown = append(shown, bson.E{Key: "$options", Value: options})
			}
		case "$ne":
			shown = bson.D{{Key: "$not", Value: bson.D{{Key: "$eq", Value: arg}}}}
		case "$nin":
			shown = bson.D{{Key: "$not", Value: bson.D{{Key: "$in", Value: arg}}}}
		}
		out = append(out, conjunct{path, name, bson.D{{Key: path, Value: shown}}})
	}
}

// operators tells {$gt: 1} from a document to compare with.
func operators(doc []byte) bool {
	it := value.Elements(doc)
	name, _, _ := it.Next()
	return strings.HasPrefix(string(name), "$") && string(name) != "$ref" && string(name) != "$id" && string(name) != "$db"
}

// residual gives what of the filter has to be looked for in documents, since the
// bounds don't see to it.
func (e explained) residual(p *storage.Plan) bson.D {
	exact := true
	for _, s := range p.Scans {
		exact = exact && s.Exact() && !s.Joins()
	}
	if exact {
		return bson.D{}
	}
	all := conjunctsOf(e.filter)
	if len(p.Scans) > 1 {
		return joined(all)
	}
	var left []conjunct
	for _, c := range all {
		if !p.Scans[0].Answers(c.path, c.operator) {
			left = append(left, c)
		}
	}
	return joined(left)
}

// simpleProjection reports whether a projection names whole fields only.
func simpleProjection(doc bson.Raw) bool {
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			return true
		}
		if strings.Contains(string(key), ".") || v.Type != bson.TypeBoolean && !value.IsNumber(v) {
			return false
		}
	}
}
