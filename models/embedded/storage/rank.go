package storage

import (
	"context"
	"errors"
	"slices"
)

// What a plan is worth by rule. A leading field that must equal one value counts
// most, then one of several values, then a range with two ends or one, then what only
// leaves something out.
const (
	pointScore    = 12
	pointsScore   = 10
	rangeScore    = 2 // and one more for each end
	checkScore    = 1
	orderScore    = 6
	coverScore    = 2
	distinctScore = 8
)

// score says what the bounds of the scan are worth, 0 if nothing.
func (s *IndexScan) score() int {
	score := 0
	leading := true
	for _, f := range s.fields {
		switch {
		case !f.bounded():
			leading = false
		case !leading && score > 0:
			score += checkScore
		case !leading:
		case f.fixed():
			score += pointScore
		case f.points():
			score += pointsScore
		default:
			score += rangesScore(f)
			leading = false
		}
	}
	if score == 0 && s.Index.Spec.Sparse && len(s.used) > 0 {
		score = rangeScore // the index itself leaves out what the query does
	}
	return score
}

func rangesScore(f intervals) int {
	if len(f) != 1 {
		return rangeScore
	}
	// An end that is only the end of a type's bracket says little.
	ends := 0
	for _, b := range []bound{f[0].low, f[0].high} {
		if !bracketEnd(b) {
			ends++
		}
	}
	return rangeScore + ends
}

func bracketEnd(b bound) bool {
	low, high, _ := bracketEnds(b.shown.Type)
	return len(b.key) <= 1 || low.Equal(b.shown) || high.Equal(b.shown)
}

// trialWorks is how many keys and documents a plan may examine in a trial.
const trialWorks = 128

// trial is how a plan did in a short run.
type trial struct {
	works, results int
	finished       bool
}

// choose picks one of the plans. Where the rules don't tell which is better, each is
// run for a moment, as mongod does, and the one that gets on best wins.
func (c *Collection) choose(q *Query, plans []*Plan) (*Plan, error) {
	best := plans[0]
	if len(plans) > 1 {
		contenders := undominated(plans)
		if len(contenders) > 1 {
			var err error
			if best, err = c.contest(q, contenders); err != nil {
				return nil, err
			}
		}
		for _, p := range plans {
			if p != best {
				best.Rejected = append(best.Rejected, p)
			}
		}
	}
	return best, nil
}

// undominated leaves out plans that can't be better than one before them: it bounds by
// all that they bound by, and sorts and covers if they do.
func undominated(plans []*Plan) []*Plan {
	var out []*Plan
	for _, p := range plans {
		if !slices.ContainsFunc(out, func(better *Plan) bool { return better.dominates(p) }) {
			out = append(out, p)
		}
	}
	return out
}

func (p *Plan) dominates(o *Plan) bool {
	if len(p.Scans) != 1 && len(o.Scans) == 1 || o.Sorted && !p.Sorted || (o.Covered || o.Counted) && !p.Covered && !p.Counted || o.Distinct && !p.Distinct {
		return false
	}
	if p.Distinct {
		return true
	}
	mine := p.Scans[0]
	for _, s := range o.Scans {
		for _, used := range s.used {
			if i := slices.Index(mine.Index.Spec.Paths, used.Path); i < 0 || i >= mine.checkFrom || !mine.fields[i].bounded() {
				return false
			}
		}
	}
	return true
}

func (c *Collection) contest(q *Query, plans []*Plan) (*Plan, error) {
	best := plans[0]
	var record trial
	for i, p := range plans {
		t, err := c.try(q, p)
		if err != nil {
			return nil, err
		}
		if i == 0 || t.beats(record, q, p, best) {
			best, record = p, t
		}
	}
	return best, nil
}

// beats reports whether trial t of plan p did better than o of plan have.
func (t trial) beats(o trial, q *Query, p, have *Plan) bool {
	if t.finished != o.finished {
		return t.finished
	}
	if t.finished {
		return t.works < o.works
	}
	if q.Limit > 0 && p.Sorted != have.Sorted {
		// One can stop at the limit, the other has to read everything first, which is
		// more than the trial was. The first is better unless it finds next to nothing.
		sorted, other := t, o
		if have.Sorted {
			sorted, other = o, t
		}
		const little = 16
		return p.Sorted == (sorted.results*little >= other.results && sorted.results > 0)
	}
	return t.results > o.results
}

// try runs a plan until it has examined trialWorks keys and documents, which is too
// short to be worth interrupting. A merge looks into each of its scans before it can
// give anything, and gets that for nothing.
func (c *Collection) try(q *Query, p *Plan) (t trial, err error) {
	s := &Scan{Plan: p, c: c, q: q}
	if err := s.open(); err != nil {
		return t, err
	}
	defer func() {
		work := s.Work()
		p.Trial = &work
		err = errors.Join(err, s.Close())
	}()
	s.budget = trialWorks + int64(2*len(p.Scans))
	for {
		_, _, ok, err := s.Next(context.Background())
		t.works = int(s.Stats.KeysExamined + s.Stats.DocsExamined)
		if err != nil {
			return t, err
		}
		if !ok {
			t.finished = s.done
			return t, nil
		}
		t.results++
		if p.Sorted && q.Limit > 0 && int64(t.results) >= q.Limit+q.Skip {
			t.finished = true
			return t, nil
		}
	}
}
