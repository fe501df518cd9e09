package query

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// maxPathDepth is how many parts a path may have.
const maxPathDepth = 200

// parseModifiers parses {$set: {…}, $inc: {…}} into one tree of fields.
func parseModifiers(doc []byte, opts UpdateOptions) (*Update, error) {
	filters, err := parseArrayFilters(opts.ArrayFilters)
	if err != nil {
		return nil, err
	}
	u := &Update{tree: &updateNode{}, now: opts.Now}
	it := value.Elements(doc)
	for {
		key, v, ok := it.Next()
		if !ok {
			break
		}
		if err := u.parseModifier(string(key), v, filters); err != nil {
			return nil, err
		}
	}
	for _, filter := range filters {
		if !filter.used {
			return nil, mongoerr.FailedToParse.Errorf("The array filter for identifier '%s' was not used in the update %s",
				filter.name, value.Format(documentValue(doc)))
		}
	}
	return u, nil
}

func (u *Update) parseModifier(name string, fields bson.RawValue, filters []*arrayFilter) error {
	parse, ok := modifiers[name]
	if !ok && name != "$rename" {
		return mongoerr.FailedToParse.Errorf("Unknown modifier: %s. Expected a valid update modifier or pipeline-style update specified as an array", name)
	}
	if fields.Type != bson.TypeEmbeddedDocument {
		return mongoerr.FailedToParse.Errorf("Modifiers operate on fields but we found type %s instead. For example: {$mod: {<field>: ...}} not {%s: %s}",
			value.TypeName(fields.Type), name, value.Format(fields))
	}
	it := value.Elements(fields.Value)
	for {
		key, v, ok := it.Next()
		if !ok {
			return nil
		}
		path := string(key)
		if name == "$rename" {
			if err := u.parseRename(path, v); err != nil {
				return err
			}
			continue
		}
		m, err := parse(path, v)
		if err != nil {
			return err
		}
		if err := u.add(path, m, name == "$setOnInsert", filters); err != nil {
			return err
		}
	}
}

// modifiers are the operators that change one field by what they are given.
var modifiers = map[string]func(path string, arg bson.RawValue) (modifier, error){
	"$set":         parseSet,
	"$setOnInsert": parseSet,
	"$unset":       parseUnset,
	"$inc":         parseInc,
	"$mul":         parseMul,
	"$min":         func(_ string, arg bson.RawValue) (modifier, error) { return &extreme{arg, -1}, nil },
	"$max":         func(_ string, arg bson.RawValue) (modifier, error) { return &extreme{arg, 1}, nil },
	"$bit":         parseBit,
	"$currentDate": parseCurrentDate,
	"$push":        parsePush,
	"$addToSet":    parseAddToSet,
	"$pull":        parsePull,
	"$pullAll":     parsePullAll,
	"$pop":         parsePop,
}

func (u *Update) add(path string, m modifier, onInsert bool, filters []*arrayFilter) error {
	parts, err := splitUpdatePath(path)
	if err != nil {
		return err
	}
	return u.tree.insert(path, parts, &updateNode{modifier: m, onInsert: onInsert}, filters)
}

// splitUpdatePath checks and splits the path of an update.
func splitUpdatePath(path string) ([]string, error) {
	if path == "" {
		return nil, mongoerr.EmptyFieldName.Errorf("An empty update path is not valid.")
	}
	parts := strings.Split(path, ".")
	if len(parts) > maxPathDepth {
		return nil, mongoerr.Overflow.Errorf("The update path exceeds the maximum depth of %d", maxPathDepth)
	}
	positional := 0
	for i, part := range parts {
		if part == "" {
			return nil, mongoerr.EmptyFieldName.Errorf("The update path '%s' contains an empty field name, which is not allowed.", path)
		}
		if part == "$" {
			positional++
		}
		if i > 0 || part[0] != '$' {
			continue
		}
		switch {
		case part == "$":
			return nil, mongoerr.BadValue.Errorf("Cannot have positional (i.e. '$') element in the first position in path '%s'", path)
		case isArrayFilterPart(part):
			return nil, mongoerr.BadValue.Errorf("Cannot have array filter identifier (i.e. '$[<id>]') element in the first position in path '%s'", path)
		}
		return nil, refuseDollarField(part)
	}
	if positional > 1 {
		return nil, mongoerr.BadValue.Errorf("Too many positional (i.e. '$') elements found in path '%s'", path)
	}
	return parts, nil
}

func refuseDollarField(name string) error {
	return mongoerr.DollarPrefixedFieldName.Errorf("The dollar ($) prefixed field '%s' in '%s' is not allowed in the context of an update's "+
		"replacement document. Consider using an aggregation pipeline with $replaceWith.", name, name)
}

func isArrayFilterPart(part string) bool {
	return strings.HasPrefix(part, "$[") && strings.HasSuffix(part, "]")
}

// arrayFilter is one of the arrayFilters: which elements $[name] stands for.
type arrayFilter struct {
	name   string
	filter *Filter // over a document with the element as the field name
	used   bool
}

func parseArrayFilters(docs []bson.Raw) ([]*arrayFilter, error) {
	var filters []*arrayFilter
	for _, doc := range docs {
		root, err := plainParser.conjunction(doc, 0)
		if err != nil {
			parsed := mongoerr.From(err)
			return nil, mongoerr.Code(parsed.Code).Errorf("Error parsing array filter :: caused by :: %s", parsed.Message)
		}
		filter := &Filter{root: root}
		name, err := filterName(filter)
		if err != nil {
			return nil, err
		}
		if findFilter(filters, name) != nil {
			return nil, mongoerr.FailedToParse.Errorf("Found multiple array filters with the same top-level field name %s", name)
		}
		filters = append(filters, &arrayFilter{name: name, filter: filter})
	}
	return filters, nil
}

func findFilter(filters []*arrayFilter, name string) *arrayFilter {
	for _, filter := range filters {
		if filter.name == name {
			return filter
		}
	}
	return nil
}

// filterName gives the one top-level field that the filter is about.
func filterName(filter *Filter) (string, error) {
	name := ""
	for _, path := range nodePaths(nil, filter.root) {
		top, _, _ := strings.Cut(path, ".")
		if name == "" {
			name = top
		}
		if top != name {
			return "", mongoerr.FailedToParse.Errorf("Error parsing array filter :: caused by :: Expected a single top-level field name, found '%s' and '%s'", name, top)
		}
	}
	if name == "" {
		return "", mongoerr.FailedToParse.Errorf("Cannot use an expression without a top-level field name in arrayFilters")
	}
	for i, c := range name {
		lower, upper, digit := c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9'
		if !lower && (i == 0 || !upper && !digit) {
			return "", mongoerr.BadValue.Errorf("Error parsing array filter :: caused by :: The top-level field name must be an alphanumeric string beginning with a lowercase letter, found '%s'", name)
		}
	}
	return name, nil
}

// nodePaths collects the paths of all conditions of a filter.
func nodePaths(paths []string, n node) []string {
	switch n := n.(type) {
	case *pathNode:
		return append(paths, n.path)
	case *notNode:
		return nodePaths(paths, n.child)
	case *andNode:
		for _, child := range n.children {
			paths = nodePaths(paths, child)
		}
	case *orNode:
		for _, child := range n.children {
			paths = nodePaths(paths, child)
		}
	}
	return paths
}
