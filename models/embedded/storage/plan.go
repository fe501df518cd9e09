package storage

import (
	"bytes"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
)

// Query is what a reading command asks of a collection.
type Query struct {
	Filter *query.Filter
	Sort   *query.Sort
	Skip   int64
	Limit  int64 // 0: none
	// Hint is an index name or key pattern, or {$natural: ±1}; zero without.
	Hint bson.RawValue
}

// Plan is how a query reads its collection.
type Plan struct {
	// Index is nil where the whole collection is read.
	Index *Index
	// Reverse reads backwards.
	Reverse bool
	// Sorted says that documents come in the order that the query wants.
	Sorted bool
	// Point says that at most one key matches and it is known whole.
	Point  bool
	ranges []keyRange
	fields []fieldBounds
	score  int
}

// plan chooses an index. Each usable index gets a score:
//
//	10 for each leading field that must equal one of some values,
//	 4 for a range with two ends after those, 3 for one end,
//	 6 if it gives the wanted order as well, or 2 if it gives nothing but that
//	   and the query has a limit, else 1,
//	1000 more if it is unique and all its fields must equal one value.
//
// The highest score wins, then the index with fewer fields, then the older one.
// Without any score the collection is scanned. mongod runs candidates against
// each other; a score needs no trial and gives the same plan every time.
func (s *schema) plan(q *Query) (*Plan, error) {
	predicates := q.Filter.Predicates()
	hinted, err := s.hinted(q)
	if err != nil || hinted != nil && hinted.Index == nil {
		return hinted, err
	}
	if hinted != nil {
		// A hint is obeyed even where the index bounds nothing, or is sparse and
		// lacks documents; a partial index must hold all that may match.
		if x := hinted.Index; x.Spec.Partial == nil || x.usable(predicates) {
			return x.plan(q, predicates), nil
		}
		return nil, mongoerr.New(291, "NoQueryExecutionPlans", "error processing query: planner returned error :: caused by :: No query solutions")
	}
	if q.Sort.Natural != 0 {
		return collectionScan(q), nil
	}
	best := collectionScan(q)
	for _, x := range s.indexes {
		if !x.usable(predicates) {
			continue
		}
		p := x.plan(q, predicates)
		if p.score > best.score || p.score == best.score && best.Index != nil && len(x.Spec.Fields) < len(best.Index.Spec.Fields) {
			best = p
		}
	}
	return best, nil
}

func collectionScan(q *Query) *Plan {
	return &Plan{Reverse: q.Sort.Natural < 0, Sorted: len(q.Sort.Fields) == 0}
}

// hinted finds the index that the query's hint names. The plan is nil without a
// hint, and has no index for {$natural: 1}.
func (s *schema) hinted(q *Query) (*Plan, error) {
	if q.Hint.IsZero() {
		return nil, nil
	}
	name, _ := q.Hint.StringValueOK()
	key, isDocument := q.Hint.DocumentOK()
	if isDocument {
		elements, err := key.Elements()
		if err == nil && len(elements) == 0 {
			return nil, nil
		}
		if err == nil && elements[0].Key() == "$natural" {
			n, _ := elements[0].Value().AsInt64OK()
			p := collectionScan(q)
			p.Reverse = n < 0
			return p, nil
		}
	}
	for _, x := range s.indexes {
		if name != "" && x.Spec.Name == name || isDocument && sameKeyPattern(key, x) {
			return &Plan{Index: x}, nil
		}
	}
	return nil, mongoerr.BadValue.Errorf("error processing query: planner returned error :: caused by :: hint provided does not correspond to an existing index")
}

func sameKeyPattern(key bson.Raw, x *Index) bool {
	var other IndexSpec
	other.Key = key
	if err := other.parseKey(); err != nil {
		return false
	}
	return slices.Equal(other.Fields, x.Spec.Fields)
}

// usable reports whether the index holds every document that the predicates can
// match.
func (x *Index) usable(predicates []query.Predicate) bool {
	if x.Spec.Partial != nil {
		return implied(x.Spec.Partial, predicates)
	}
	if !x.Spec.Sparse {
		return true
	}
	// A sparse index holds no document that has none of its fields.
	for _, p := range predicates {
		values := p.Values
		if p.Op != query.OpIn {
			values = []bson.RawValue{p.Value}
		}
		if slices.Contains(x.Spec.Paths, p.Path) && !anyNull(values) {
			return true
		}
	}
	return false
}

// plan bounds the index by the predicates.
func (x *Index) plan(q *Query, predicates []query.Predicate) *Plan {
	p := &Plan{Index: x, fields: make([]fieldBounds, len(x.Spec.Fields))}
	prefixes := [][]byte{appendPrefix(nil, entryKind, x.ID)}
	equal := 0 // leading fields bounded by points
	var roots []string
	for i, f := range x.Spec.Fields {
		// Bounds on two fields below one array would have to be met by one element.
		if x.Multikey && slices.Contains(roots, rootOf(f.Path)) {
			break
		}
		b := boundsOf(f.Path, predicates, x.Multikey)
		if !b.bounded() || b.points != nil && len(prefixes)*len(b.points) > maxRanges {
			break
		}
		roots = append(roots, rootOf(f.Path))
		p.fields[i] = b
		if b.span != nil {
			for _, prefix := range prefixes {
				p.ranges = append(p.ranges, b.span.rangeAfter(prefix, f.Desc))
			}
			p.score += spanScore(b.span)
			break
		}
		prefixes = extend(prefixes, b.points, f.Desc)
		equal++
	}
	p.score += 10 * equal
	p.Point = x.Spec.Unique && equal == len(x.Spec.Fields) && len(prefixes) == 1
	if p.ranges == nil {
		for _, prefix := range prefixes {
			p.ranges = append(p.ranges, keyRange{prefix, successor(prefix)})
		}
	}
	x.order(p, q)
	if p.Point {
		p.score += 1000
	}
	return p
}

func spanScore(i *interval) int {
	// An edge of one byte is the end of the type's bracket.
	if len(i.low) > 1 && len(i.high) > 1 {
		return 4
	}
	return 3
}

func extend(prefixes [][]byte, points []point, desc bool) [][]byte {
	out := make([][]byte, 0, len(prefixes)*len(points))
	for _, prefix := range prefixes {
		for i := range points {
			key := points[i].key
			if desc {
				key = inverted(points[len(points)-1-i].key)
			}
			out = append(out, edge(prefix, key, false))
		}
	}
	return out
}

// order works out whether the plan gives the query's order, forward or backward,
// and adds what that is worth.
func (x *Index) order(p *Plan, q *Query) {
	if len(q.Sort.Fields) == 0 {
		p.Sorted = q.Sort.Natural == 0
		return
	}
	reverse, ok := x.gives(p, q.Sort.Fields)
	if !ok {
		return
	}
	p.Sorted, p.Reverse = true, reverse
	if reverse {
		slices.Reverse(p.ranges)
	}
	switch {
	case p.score > 0:
		p.score += 6
	case q.Limit > 0:
		p.score += 2
	default:
		p.score++
	}
}

// gives reports whether a scan yields the sort's order. A field that must equal
// one value may stand anywhere in either; on a multikey index a bounded field
// can't be sorted by, since a document sorts by its least (or greatest) element
// and not by the one that matched.
func (x *Index) gives(p *Plan, sort []query.SortField) (reverse, ok bool) {
	constant := func(i int) bool { return len(p.fields[i].points) == 1 && p.fields[i].points != nil }
	decided := false
	at := 0
	for _, want := range sort {
		if i := slices.Index(x.Spec.Paths, want.Path); i >= 0 && constant(i) {
			if x.Multikey {
				return false, false
			}
			continue
		}
		for at < len(x.Spec.Fields) && x.Spec.Fields[at].Path != want.Path && constant(at) {
			at++
		}
		if at == len(x.Spec.Fields) || x.Spec.Fields[at].Path != want.Path || x.Multikey && p.fields[at].bounded() {
			return false, false
		}
		backward := x.Spec.Fields[at].Desc != want.Desc
		if decided && backward != reverse {
			return false, false
		}
		reverse, decided = backward, true
		at++
	}
	return reverse, true
}

// empty reports whether a range can hold no key.
func (r keyRange) empty() bool { return r.high != nil && bytes.Compare(r.low, r.high) >= 0 }

// Bounds gives what the plan reads of each field of its index, as explain shows it.
func (p *Plan) Bounds() bson.D {
	out := bson.D{}
	for i, f := range p.Index.Spec.Fields {
		texts := bson.A{}
		for _, t := range p.fields[i].texts(f.Desc != p.Reverse) {
			texts = append(texts, t)
		}
		out = append(out, bson.E{Key: f.Path, Value: texts})
	}
	return out
}
