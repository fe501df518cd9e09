package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
)

// Filter is a parsed query document. It is immutable and safe for concurrent use.
type Filter struct{ root *andNode }

// ParseFilter parses a query document; an empty one or nil matches everything.
// vars are what $expr sees and may be nil. The filter refers to f's memory.
// Errors are *mongoerr.Error.
func ParseFilter(f bson.Raw, vars *expr.Variables) (*Filter, error) {
	root, err := (&filterParser{vars: vars}).conjunction(f, 0)
	if err != nil {
		return nil, err
	}
	return &Filter{root: root}, nil
}

// Match reports whether doc satisfies the filter. It fails where an expression
// of $expr fails on doc.
func (f *Filter) Match(doc bson.Raw) (bool, error) { return f.root.match(doc, nil) }

// MatchArrayIndex gives the array index that the positional operator $ stands
// for in doc. False means that the filter doesn't match, fails, or goes through
// no array.
func (f *Filter) MatchArrayIndex(doc bson.Raw) (int, bool) {
	at := position{index: -1}
	if ok, _ := f.root.match(doc, &at); !ok {
		return -1, false
	}
	return at.index, at.index >= 0
}

// Empty reports whether the filter matches every document.
func (f *Filter) Empty() bool { return len(f.root.children) == 0 }
