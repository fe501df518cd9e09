package storage

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// mongod's assertions about min and max.
const (
	minMaxWithoutHint  mongoerr.Code = 51173
	minMaxOfOtherIndex mongoerr.Code = 51174
	minNotBelowMax     mongoerr.Code = 51175
)

// hinted gives the plan that the query's hint demands; nil without a hint.
func (s *schema) hinted(q *Query, c *query.Conditions) (*Plan, error) {
	x, natural, err := s.hintedIndex(q.Hint)
	if err != nil {
		return nil, err
	}
	if natural != 0 {
		p := collectionScan(q)
		if q.Sort.Natural == 0 {
			p.Reverse = natural < 0
		}
		return p, nil
	}
	bounded := len(q.Min) > emptyDocument || len(q.Max) > emptyDocument
	if x == nil {
		if bounded {
			return nil, minMaxWithoutHint.Errorf("When using min()/max() a hint of which index to use must be provided")
		}
		return nil, nil
	}
	// A hint is obeyed even where the index bounds nothing, or is sparse and lacks
	// documents; a partial index must hold all that may match.
	if x.Spec.Partial != nil && !x.usable(c.Predicates) {
		return nil, mongoerr.New(291, "NoQueryExecutionPlans", "error processing query: planner returned error :: caused by :: No query solutions")
	}
	scan := newIndexScan(x, c.Predicates, c.Complete)
	if bounded {
		if scan.limits, err = x.limits(q); err != nil {
			return nil, err
		}
	}
	return newPlan(q, []*IndexScan{scan}), nil
}

// emptyDocument is the length of a document without fields.
const emptyDocument = 5

// hintedIndex finds the index that a hint names. Both are zero without a hint.
func (s *schema) hintedIndex(hint bson.RawValue) (x *Index, natural int, err error) {
	name, _ := hint.StringValueOK()
	key, isDocument := hint.DocumentOK()
	if hint.IsZero() || isDocument && len(key) <= emptyDocument {
		return nil, 0, nil
	}
	if isDocument {
		if v := value.Field(key, "$natural"); v.Type != 0 {
			n, ok := v.AsInt64OK()
			if !ok || n != 1 && n != -1 {
				return nil, 0, mongoerr.BadValue.Errorf("$natural hint must be 1 or -1")
			}
			return nil, int(n), nil
		}
	}
	for _, x := range s.indexes {
		if !x.Spec.Hidden && (name != "" && x.Spec.Name == name || isDocument && sameKeyPattern(key, x)) {
			return x, 0, nil
		}
	}
	return nil, 0, mongoerr.BadValue.Errorf("error processing query: planner returned error :: caused by :: hint provided does not correspond to an existing index")
}

func sameKeyPattern(key bson.Raw, x *Index) bool {
	var other IndexSpec
	other.Key = key
	if err := other.parseKey(); err != nil {
		return false
	}
	return slices.Equal(other.Fields, x.Spec.Fields)
}

// limits gives the keys of x from the query's min to before its max.
func (x *Index) limits(q *Query) (*keyRange, error) {
	prefix := appendPrefix(nil, entryKind, x.ID)
	out := &keyRange{prefix, successor(prefix)}
	var err error
	if len(q.Min) > emptyDocument {
		if out.low, err = x.keyOf(q.Min, prefix); err != nil {
			return nil, err
		}
	}
	if len(q.Max) > emptyDocument {
		if out.high, err = x.keyOf(q.Max, prefix); err != nil {
			return nil, err
		}
	}
	if out.empty() {
		return nil, minNotBelowMax.Errorf("The value provided for min() does not come before the value provided for max() in the hinted index")
	}
	return out, nil
}

// keyOf encodes a document that names the fields of x in their order.
func (x *Index) keyOf(doc bson.Raw, prefix []byte) ([]byte, error) {
	key := slices.Clone(prefix)
	it := value.Elements(doc)
	for _, f := range x.Spec.Fields {
		name, v, ok := it.Next()
		if !ok || string(name) != f.Path {
			return nil, minMaxOfOtherIndex.Errorf("hint provided does not match min/max query")
		}
		key = value.AppendKey(key, v, f.Desc)
	}
	if _, _, more := it.Next(); more {
		return nil, minMaxOfOtherIndex.Errorf("hint provided does not match min/max query")
	}
	return key, nil
}
