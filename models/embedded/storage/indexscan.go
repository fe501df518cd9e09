package storage

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/query"
)

// maxRanges bounds how many ranges one scan has. Where the values of $in would give
// more, keys of later fields are checked one by one.
const maxRanges = 4096

// IndexScan reads a part of an index.
type IndexScan struct {
	Index *Index
	// Reverse reads backwards.
	Reverse bool

	// fields are the bounds of each field of the index.
	fields []intervals
	// ranges hold the keys that the leading fields allow, in the order of the scan.
	// From checkFrom on, fields are checked key by key.
	ranges    []keyRange
	checks    [][]keyRange
	checkFrom int
	// used are the predicates that the bounds stand for.
	used []*query.Predicate
	// also are encoded values that a document must have in the array of field `array`
	// besides the one that the bounds are at: see join.
	also  [][]byte
	array int
	// joined are the predicates that also stands for.
	joined []*query.Predicate
	// exact says that every key leads to a document that matches the filter.
	exact bool
	// limits are the keys that min and max leave.
	limits *keyRange
}

// newIndexScan bounds x by the predicates. complete says that they are all that the
// filter asks.
func newIndexScan(x *Index, predicates []query.Predicate, complete bool) *IndexScan {
	s := &IndexScan{Index: x, fields: make([]intervals, len(x.Spec.Fields))}
	for i := range x.Spec.Fields {
		s.bound(i, predicates)
	}
	s.join(predicates)
	s.exact = complete && len(s.used)+len(s.joined) == len(predicates) && !slices.ContainsFunc(s.used, func(p *query.Predicate) bool {
		return !p.Exact || x.arrayOn(p.Path) && !p.Elementwise()
	})
	return s
}

// join finds values that the array of a field must have together with the one that its
// bounds are at. The keys of a document differ in nothing but that field, so whether it
// has another value is seen in the index, at the place of that value.
func (s *IndexScan) join(predicates []query.Predicate) {
	x := s.Index
	for i, path := range x.Spec.Paths {
		if x.Spec.Unique || x.arrays(i) == 0 || !s.fields[i].fixed() || !s.onlyArray(i) {
			continue
		}
		for j := range predicates {
			p := &predicates[j]
			if p.Path != path || !p.Elementwise() || slices.Contains(s.used, p) {
				continue
			}
			if allowed := intervalsOf(p); allowed.fixed() {
				key := allowed[0].low.key
				if x.Spec.Fields[i].Desc {
					key = inverted(key)
				}
				s.also, s.array, s.joined = append(s.also, key), i, append(s.joined, p)
			}
		}
	}
}

// onlyArray reports whether no other field of the index than i has arrays.
func (s *IndexScan) onlyArray(i int) bool {
	for j := range s.fields {
		if j != i && s.Index.arrays(j) != 0 {
			return false
		}
	}
	return true
}

// bound narrows field i by its predicates, those that give points first.
func (s *IndexScan) bound(i int, predicates []query.Predicate) {
	path := s.Index.Spec.Paths[i]
	for _, pointed := range []bool{true, false} {
		for j := range predicates {
			p := &predicates[j]
			if p.Path != path || pointed != (!p.Not && (p.Op == query.OpEq || p.Op == query.OpIn)) || !s.admits(i, p) {
				continue
			}
			s.used = append(s.used, p)
			if allowed := intervalsOf(p); allowed != nil {
				s.fields[i] = s.fields[i].intersect(allowed)
			}
		}
	}
}

// admits reports whether p may bound field i together with what bounds the index
// already: within an array, different elements may satisfy two predicates.
func (s *IndexScan) admits(i int, p *query.Predicate) bool {
	x := s.Index
	if !x.Multikey {
		return true
	}
	// Elements that are no documents are indexed as null, but don't equal it.
	if p.Not && x.arrays(i) != 0 && !p.MatchesMissing() {
		return false
	}
	for _, have := range s.used {
		together := commonParts(have.Path, p.Path)
		for part := p.Shared(have); part < together; part++ {
			if x.arrays(i)>>min(part, 63)&1 == 1 {
				return false
			}
		}
	}
	return true
}

// commonParts gives how many leading parts two paths have in common.
func commonParts(a, b string) int {
	n := 0
	for {
		partA, restA, moreA := strings.Cut(a, ".")
		partB, restB, moreB := strings.Cut(b, ".")
		if partA != partB {
			return n
		}
		n++
		if !moreA || !moreB {
			return n
		}
		a, b = restA, restB
	}
}

// prepare works out the ranges from the fields.
func (s *IndexScan) prepare() {
	spec := &s.Index.Spec
	prefixes := [][]byte{appendPrefix(nil, entryKind, s.Index.ID)}
	at := 0
	for at < len(spec.Fields) && s.fields[at].points() && len(prefixes)*len(s.fields[at]) <= maxRanges {
		prefixes = extend(prefixes, s.fields[at], spec.Fields[at].Desc)
		at++
	}
	s.ranges = s.ranges[:0]
	if at < len(spec.Fields) && s.fields[at].bounded() && !s.fields[at].points() {
		for _, prefix := range prefixes {
			s.addRanges(prefix, s.fields[at], spec.Fields[at].Desc)
		}
		at++
	} else {
		for _, prefix := range prefixes {
			s.ranges = append(s.ranges, keyRange{prefix, successor(prefix)})
		}
	}
	s.checkFrom, s.checks = at, nil
	for i := at; i < len(s.fields); i++ {
		s.addCheck(i)
	}
	if s.limits != nil {
		s.clip()
	}
	if s.Reverse {
		slices.Reverse(s.ranges)
	}
}

func (s *IndexScan) addRanges(prefix []byte, f intervals, desc bool) {
	from := len(s.ranges)
	for _, i := range f {
		s.ranges = append(s.ranges, i.rangeAfter(prefix, desc))
	}
	if desc {
		slices.Reverse(s.ranges[from:])
	}
}

func (s *IndexScan) addCheck(i int) {
	if !s.fields[i].bounded() {
		return
	}
	if s.checks == nil {
		s.checks = make([][]keyRange, len(s.fields))
	}
	allowed := IndexScan{}
	allowed.addRanges(nil, s.fields[i], s.Index.Spec.Fields[i].Desc)
	if allowed.ranges == nil {
		s.ranges = s.ranges[:0] // nothing is allowed
	}
	s.checks[i] = allowed.ranges
}

func (s *IndexScan) clip() {
	for i, r := range s.ranges {
		if string(r.low) < string(s.limits.low) {
			r.low = s.limits.low
		}
		if string(r.high) > string(s.limits.high) {
			r.high = s.limits.high
		}
		s.ranges[i] = r
	}
}

func extend(prefixes [][]byte, points intervals, desc bool) [][]byte {
	out := make([][]byte, 0, len(prefixes)*len(points))
	for _, prefix := range prefixes {
		for i := range points {
			key := points[i].low.key
			if desc {
				key = inverted(points[len(points)-1-i].low.key)
			}
			out = append(out, edge(prefix, key, false))
		}
	}
	return out
}

// gives reports whether the scan, read forward or in reverse, yields the order of sort.
func (s *IndexScan) gives(sort []query.SortField) (reverse, ok bool) {
	spec := &s.Index.Spec
	decided := false
	at := 0
	for _, want := range sort {
		if i := slices.Index(spec.Paths, want.Path); i >= 0 && s.fields[i].fixed() {
			// A document sorts by its least (or greatest) element, which need not be
			// the one that the bounds are at.
			if s.Index.arrays(i) != 0 {
				return false, false
			}
			continue
		}
		for at < len(spec.Fields) && spec.Fields[at].Path != want.Path && s.fields[at].fixed() {
			at++
		}
		if at == len(spec.Fields) || spec.Fields[at].Path != want.Path || !s.sortable(at) {
			return false, false
		}
		backward := spec.Fields[at].Desc != want.Desc
		if decided && backward != reverse {
			return false, false
		}
		reverse, decided = backward, true
		at++
	}
	return reverse, true
}

// sortable reports whether documents come in the order of field i: where arrays lie on
// its path, neither it nor a field below the same array may be bounded.
func (s *IndexScan) sortable(i int) bool {
	if s.Index.arrays(i) == 0 {
		return true
	}
	for j, path := range s.Index.Spec.Paths {
		if s.fields[j].bounded() && commonParts(path, s.Index.Spec.Paths[i]) > 0 {
			return false
		}
	}
	return true
}

// maxExploded is into how many scans one is taken apart to give an order, as in mongod.
const maxExploded = 200

// explode takes the scan apart into scans of single points so that each gives the
// order of sort; nil where that isn't possible.
func (s *IndexScan) explode(sort []query.SortField) []*IndexScan {
	scans := []*IndexScan{s}
	for i := range s.fields {
		if !s.fields[i].points() || len(s.fields[i])*len(scans) > maxExploded {
			return nil
		}
		if len(s.fields[i]) == 1 {
			continue
		}
		var apart []*IndexScan
		for _, scan := range scans {
			for j := range scan.fields[i] {
				one := *scan
				one.fields = slices.Clone(scan.fields)
				one.fields[i] = scan.fields[i][j : j+1]
				apart = append(apart, &one)
			}
		}
		scans = apart
		if len(scans) == 0 {
			return nil
		}
		if _, ok := scans[0].gives(sort); ok {
			return scans
		}
	}
	return nil
}

// canGive reports whether the scan, whole or taken apart, yields the order of sort.
func (s *IndexScan) canGive(sort []query.SortField) bool {
	_, ok := s.gives(sort)
	return ok || s.explode(sort) != nil
}

// unrepeated reports whether no document has two keys in the scan.
func (s *IndexScan) unrepeated() bool {
	for i := range s.fields {
		if s.Index.arrays(i) != 0 && !s.fields[i].fixed() {
			return false
		}
	}
	return true
}

// point reports whether the scan reads one key that is known whole.
func (s *IndexScan) point() bool {
	return s.Index.Spec.Unique && s.checkFrom == len(s.fields) && len(s.ranges) == 1 && s.fields[len(s.fields)-1].fixed()
}

// Bounds gives what is read of each field of the index, as explain shows it.
func (s *IndexScan) Bounds() bson.D {
	out := bson.D{}
	for i, f := range s.Index.Spec.Fields {
		out = append(out, bson.E{Key: f.Path, Value: s.fields[i].texts(f.Desc != s.Reverse)})
	}
	return out
}

// Exact reports whether every key of the scan leads to a document that matches.
func (s *IndexScan) Exact() bool { return s.exact }

// Joins reports whether the scan looks up in the index what else an array must have.
func (s *IndexScan) Joins() bool { return len(s.also) > 0 }

// MultikeyPaths gives, for each field of the index, the leading parts of its path that
// are or were arrays in some document.
func (s *IndexScan) MultikeyPaths() bson.D {
	out := bson.D{}
	for i, path := range s.Index.Spec.Paths {
		arrays := bson.A{}
		parts := strings.Split(path, ".")
		for j := range parts {
			if s.Index.arrays(i)>>min(j, 63)&1 == 1 {
				arrays = append(arrays, strings.Join(parts[:j+1], "."))
			}
		}
		out = append(out, bson.E{Key: path, Value: arrays})
	}
	return out
}

// KeyBounds gives where a scan of one range begins and ends, and whether those keys
// belong to it. ok is false for other scans.
func (s *IndexScan) KeyBounds() (start, end bson.D, startIn, endIn, ok bool) {
	if len(s.ranges) != 1 || s.checks != nil || s.limits != nil {
		return nil, nil, false, false, false
	}
	start, end, startIn, endIn = bson.D{}, bson.D{}, true, true
	for i, f := range s.Index.Spec.Fields {
		one := everything()
		if s.fields[i].bounded() {
			one = s.fields[i][0]
		}
		from, to := one.low, one.high
		if f.Desc != s.Reverse {
			from, to = to, from
		}
		start, end = append(start, bson.E{Key: f.Path, Value: from.shown}), append(end, bson.E{Key: f.Path, Value: to.shown})
		startIn, endIn = startIn && !from.open, endIn && !to.open
	}
	return start, end, startIn, endIn, true
}

// Answers reports whether the bounds alone see to an operator on a path, so that
// documents need not be looked at for it.
func (s *IndexScan) Answers(path, operator string) bool {
	return slices.ContainsFunc(s.used, func(p *query.Predicate) bool {
		return p.Exact && p.Path == path && operatorOf(p) == operator && (!s.Index.arrayOn(path) || p.Elementwise())
	})
}

func operatorOf(p *query.Predicate) string {
	switch {
	case p.Op == query.OpIn && p.Not:
		return "$nin"
	case p.Op == query.OpEq && p.Not:
		return "$ne"
	case p.Not:
		return "$not"
	case len(p.Prefixes) > 0 && len(p.Values) == 1:
		return "$regex"
	}
	return map[query.Op]string{query.OpEq: "$eq", query.OpIn: "$in", query.OpLt: "$lt", query.OpLte: "$lte", query.OpGt: "$gt", query.OpGte: "$gte"}[p.Op]
}
