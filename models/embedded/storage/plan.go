package storage

import (
	"cmp"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

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
	// Min and Max are the keys of the hinted index to begin at and to stop before;
	// nil without.
	Min, Max bson.Raw
	// Fields are the paths that the caller looks at. nil means the whole document.
	Fields []string
	// Count says that the caller only counts: Next may give no document.
	Count bool
	// Distinct is a path of which the caller wants each value once or more; "" without.
	// Arrays there are given whole.
	Distinct string
	// ReturnKey asks for the keys of the index in place of the documents.
	ReturnKey bool

	// A tail reads the collection itself, from behind a record.
	tail  bool
	after RecordID
}

// Plan is how a query reads its collection.
type Plan struct {
	// Scans are read one after the other, or merged in the order of the sort where
	// Sorted is set. Without any the whole collection is read.
	Scans []*IndexScan
	// Reverse reads the collection backwards.
	Reverse bool
	// Sorted says that documents come in the order that the query wants.
	Sorted bool
	// Covered says that documents are made of keys wherever the key tells enough.
	Covered bool
	// Counted says that keys are counted, without any document.
	Counted bool
	// Distinct says that the scan jumps from value to value of the distinct field.
	Distinct bool
	// Rejected are the plans that this one was preferred to.
	Rejected []*Plan
	// Trial is how the plan did when it was run against others; nil if it wasn't.
	Trial *Stats

	score  int
	fields []int // of the index that Covered and Distinct read
	apart  bool  // Scans were one that was taken apart
}

func collectionScan(q *Query) *Plan {
	return &Plan{Reverse: q.Sort.Natural < 0, Sorted: len(q.Sort.Fields) == 0}
}

// plans gives the ways to answer q that are worth considering, the best by rule first.
// There is always one.
func (s *schema) plans(q *Query) ([]*Plan, error) {
	if q.tail {
		return []*Plan{collectionScan(q)}, nil
	}
	conditions := q.Filter.Conditions()
	if plan, err := s.hinted(q, &conditions); plan != nil || err != nil {
		return []*Plan{plan}, err
	}
	if q.Sort.Natural != 0 {
		return []*Plan{collectionScan(q)}, nil
	}
	var found []*Plan
	for _, x := range s.indexes {
		if x.Spec.Hidden || !x.usable(conditions.Predicates) {
			continue
		}
		scan := newIndexScan(x, conditions.Predicates, conditions.Complete)
		plan := newPlan(q, []*IndexScan{scan})
		if plan.score == 0 {
			continue
		}
		if scan.point() {
			return []*Plan{plan}, nil
		}
		found = append(found, plan)
	}
	for i := range conditions.Or {
		if scans := s.branches(q, &conditions, i, 0); scans != nil {
			found = append(found, newPlan(q, scans))
		}
	}
	if found == nil {
		return []*Plan{collectionScan(q)}, nil
	}
	slices.SortStableFunc(found, func(a, b *Plan) int {
		return cmp.Or(b.score-a.score, len(a.Scans[0].fields)-len(b.Scans[0].fields))
	})
	return found, nil
}

// newPlan makes a plan of scans, which it prepares.
func newPlan(q *Query, scans []*IndexScan) *Plan {
	p := &Plan{Scans: scans, score: scans[0].score()}
	for _, s := range scans[1:] {
		p.score = min(p.score, s.score())
	}
	p.order(q)
	for _, s := range p.Scans {
		s.prepare()
	}
	if q.Distinct != "" && p.distinct(q) {
		return p
	}
	// One _id is looked up without an iterator, which a cover would need.
	if (q.Count || q.Fields != nil && !p.IDHack()) && !q.ReturnKey {
		p.cover(q)
	}
	return p
}

// order works out whether the plan gives the query's order, forward or backward,
// and adds what that is worth.
func (p *Plan) order(q *Query) {
	sort := q.Sort.Fields
	if len(sort) == 0 {
		p.Sorted = q.Sort.Natural == 0
		return
	}
	var ordered []*IndexScan
	for _, s := range p.Scans {
		apart := []*IndexScan{s}
		if _, ok := s.gives(sort); !ok {
			if apart = s.explode(sort); apart == nil {
				return
			}
		}
		if ordered = append(ordered, apart...); len(ordered) > maxExploded {
			return
		}
	}
	for _, s := range ordered {
		s.Reverse, _ = s.gives(sort)
	}
	p.apart = len(p.Scans) == 1
	p.Scans, p.Sorted = ordered, true
	p.score += orderScore
}

// repeats reports whether several keys may lead to one document.
func (p *Plan) repeats() bool {
	if len(p.Scans) > 1 {
		return !p.apart || p.Scans[0].Index.Multikey
	}
	return !p.Scans[0].unrepeated()
}

// distinct makes the plan jump from value to value of the distinct field, where the
// bounds alone decide what matches and nothing but one value stands before the field.
func (p *Plan) distinct(q *Query) bool {
	if len(p.Scans) != 1 || !p.Scans[0].exact || !p.Sorted {
		return false
	}
	s := p.Scans[0]
	at := slices.Index(s.Index.Spec.Paths, q.Distinct)
	if at < 0 || s.Index.arrays(at) != 0 || slices.ContainsFunc(s.fields[:at], func(f intervals) bool { return !f.fixed() }) {
		return false
	}
	p.Distinct, p.fields = true, []int{at}
	p.score += distinctScore
	return true
}

// cover finds out whether keys can stand in for documents.
func (p *Plan) cover(q *Query) {
	exact := !slices.ContainsFunc(p.Scans, func(s *IndexScan) bool { return !s.exact })
	if q.Count && exact {
		p.Counted = true
		p.score += coverScore
		return
	}
	x := p.Scans[0].Index
	if slices.ContainsFunc(p.Scans, func(s *IndexScan) bool { return s.Index != x }) {
		return
	}
	paths := slices.Clone(q.Fields)
	if !exact {
		looked, ok := q.Filter.Paths()
		if !ok {
			return
		}
		paths = append(paths, looked...)
	}
	if !p.Sorted {
		for _, f := range q.Sort.Fields {
			paths = append(paths, f.Path)
		}
	}
	var fields []int
	for _, path := range paths {
		i := slices.Index(x.Spec.Paths, path)
		if i < 0 || x.arrays(i) != 0 {
			return
		}
		if !slices.Contains(fields, i) {
			fields = append(fields, i)
		}
	}
	slices.Sort(fields)
	p.Covered, p.fields = true, fields
	p.score += coverScore
}

// branches gives a scan for each branch of a $or together with the rest of the filter,
// nil where a branch has none. It prefers scans that give the query's order.
func (s *schema) branches(q *Query, all *query.Conditions, which, depth int) []*IndexScan {
	const deepest = 4
	if depth == deepest {
		return nil
	}
	sorted := []bool{false}
	if len(q.Sort.Fields) > 0 {
		sorted = []bool{true, false}
	}
	for _, wantOrder := range sorted {
		var scans []*IndexScan
		for _, branch := range all.Or[which] {
			one := s.branch(q, branch.Conditions(), all.Predicates, wantOrder, depth)
			if one == nil {
				scans = nil
				break
			}
			scans = append(scans, one...)
		}
		if scans != nil && len(scans) <= maxRanges {
			// What else stands beside the $or is no part of its branches.
			for _, scan := range scans {
				scan.exact = scan.exact && len(all.Or) == 1 && all.OnlyOr
			}
			return scans
		}
	}
	return nil
}

func (s *schema) branch(q *Query, c query.Conditions, rest []query.Predicate, wantOrder bool, depth int) []*IndexScan {
	c.Predicates = append(c.Predicates, rest...)
	var best *IndexScan
	for _, x := range s.indexes {
		if x.Spec.Hidden || !x.usable(c.Predicates) {
			continue
		}
		scan := newIndexScan(x, c.Predicates, c.Complete)
		if wantOrder && !scan.canGive(q.Sort.Fields) {
			continue
		}
		if scan.score() > 0 && (best == nil || scan.score() > best.score()) {
			best = scan
		}
	}
	if best != nil {
		return []*IndexScan{best}
	}
	for i := range c.Or {
		if scans := s.branches(q, &c, i, depth+1); scans != nil {
			return scans
		}
	}
	return nil
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
	return slices.ContainsFunc(predicates, func(p query.Predicate) bool {
		return slices.Contains(x.Spec.Paths, p.Path) && !p.MatchesMissing()
	})
}

// IDHack reports whether the plan does nothing but look up one _id.
func (p *Plan) IDHack() bool {
	return p.direct() && p.Scans[0].Index.Spec.Name == IDIndex && p.Scans[0].exact
}
