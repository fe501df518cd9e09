package service

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

const (
	roomsAtOnce = 200   // of one query: more would not be merged by the index but sorted
	runsAtOnce  = 64    // read at once
	runsFew     = 256   // that are read without an order, from all rooms at once
	runsMax     = 2_000 // looked at for one page: one with few hits says where to go on
	countRooms  = 50    // in which runs are counted to find the rarest term
	countUpTo   = 200   // of a term
	countTerms  = 6     // that are compared
)

// wanted is what a search wants of a message beside its room.
type wanted struct {
	text     string // folded; empty for any
	words    []int32
	sender   string
	types    []string
	mentions string // a user; empty for any
	from, to int64  // Unix milliseconds, both included
}

func newWanted(q string, sender string, types []string, mentions string, from, to *int64) wanted {
	w := wanted{text: helper.FoldText(q), sender: sender, types: types, mentions: mentions, to: math.MaxInt64}
	w.words = helper.QueryTerms(w.text)
	if from != nil {
		w.from = *from
	}
	if to != nil {
		w.to = *to
	}
	return w
}

// terms returns what runs must have, one of each: the likely rarest first.
func (w *wanted) terms() (choices [][]int32) {
	for _, term := range w.words {
		choices = append(choices, []int32{term})
	}
	if w.mentions != "" {
		choices = append(choices, []int32{mentionTerm(w.mentions), mentionTerm(define.MentionAll)})
	}
	if w.sender != "" {
		choices = append(choices, []int32{senderTerm(w.sender)})
	}
	if len(w.types) > 0 {
		var types []int32
		for _, kind := range w.types {
			types = append(types, typeTerm(kind))
		}
		slices.Sort(types)
		choices = append(choices, slices.Compact(types))
	}
	if len(choices) == 0 {
		choices = append(choices, []int32{everyTerm()})
	}
	return choices
}

// has reports whether a message is wanted: terms are hashes, and stand for all messages of a run.
func (w *wanted) has(m *models.Message) bool {
	switch {
	case m.RecalledAt > 0, m.CreatedAt < w.from, m.CreatedAt > w.to:
		return false
	case w.sender != "" && m.UserIdentity != w.sender:
		return false
	case len(w.types) > 0 && !slices.Contains(w.types, m.Type):
		return false
	case w.mentions != "" && !slices.Contains(m.Mentions, w.mentions) && (!slices.Contains(m.Mentions, define.MentionAll) || m.UserIdentity == w.mentions):
		return false
	}
	return w.text == "" || slices.ContainsFunc(textsOf(m), w.in)
}

// in reports whether a text is wanted. One or two letters stand in many, and count only where a word begins with them:
// the terms know.
func (w *wanted) in(text string) bool {
	folded := helper.FoldText(text)
	if !strings.Contains(folded, w.text) {
		return false
	}
	terms := helper.TextTerms(folded)
	return !slices.ContainsFunc(w.words, func(term int32) bool {
		_, found := slices.BinarySearch(terms, term)
		return !found
	})
}

// place is where a search stands in the order of time.
type place struct {
	At       int64 `json:"a"`
	Identity int64 `json:"i"`
}

func placeOf(m *models.Message) place { return place{m.CreatedAt, m.Identity} }

// search looks through the runs of rooms in the order of time, newest first or forward.
type search struct {
	*core
	wanted  wanted
	members map[string]*models.UserRoom // whose rooms it looks through, with the floors of one user
	forward bool
	after   place // hits come after it in the direction of the search

	streams []*runStream
	looked  int
	found   []models.Message // hits that may not be the next ones yet
}

// order compares two places in the direction of the search.
func (s *search) order(a, b place) int {
	order := cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Identity, b.Identity))
	if s.forward {
		return order
	}
	return -order
}

// page returns up to n hits, and where to go on if there may be more.
func (s *search) page(ctx context.Context, n int) (hits []models.Message, next *place, err error) {
	if err := s.open(ctx); err != nil {
		return nil, nil, err
	}
	for {
		runs, ended, err := s.take(ctx)
		if err != nil {
			return nil, nil, err
		}
		if err := s.look(ctx, runs); err != nil {
			return nil, nil, err
		}
		sure := s.after // hits up to here are the next ones, whatever is still to come
		if len(runs) > 0 {
			sure = s.behind(runs[len(runs)-1].ToAt)
		}
		for len(s.found) > 0 && len(hits) < n && (ended || s.order(placeOf(&s.found[0]), sure) < 0) {
			hits, s.found = append(hits, s.found[0]), s.found[1:]
		}
		switch {
		case len(hits) == n && (len(s.found) > 0 || !ended):
			last := placeOf(&hits[n-1])
			return hits, &last, nil
		case ended:
			return hits, nil, nil
		case s.looked >= runsMax && s.order(s.after, sure) < 0:
			return hits, &sure, nil
		}
	}
}

// behind is the place before which nothing can be found any more once the runs up to a time were looked at: a run ends
// at its time and began at most runSpan earlier.
func (s *search) behind(at int64) place {
	if s.forward {
		return place{At: at - runSpan, Identity: 0}
	}
	return place{At: at, Identity: math.MaxInt64}
}

// open prepares a stream for each portion of the rooms, by the rarest term.
func (s *search) open(ctx context.Context) error {
	rooms := slices.Sorted(maps.Keys(s.members))
	if len(rooms) == 0 {
		return nil
	}
	choices := s.wanted.terms()
	rarest, err := s.rarest(ctx, rooms[:min(len(rooms), countRooms)], choices)
	if err != nil {
		return err
	}
	query := models.RunQuery{Any: choices[rarest], Forward: s.forward, Limit: runsAtOnce}
	for i, choice := range choices {
		if i != rarest && len(choice) == 1 {
			query.All = append(query.All, choice[0])
		}
	}
	query.From, query.To = s.wanted.from, s.wanted.to
	if s.forward {
		query.From = max(query.From, s.after.At)
	} else {
		query.To = min(query.To, s.after.At)
	}
	if query.To < math.MaxInt64-runSpan {
		query.To += runSpan // the run of a message may end later than the message
	}
	if len(rooms) > 1 {
		if few, err := s.few(ctx, query, rooms); err != nil || few {
			return err
		}
	}
	for portion := range slices.Chunk(rooms, roomsAtOnce/len(query.Any)) {
		query.Rooms = portion
		s.streams = append(s.streams, &runStream{query: query})
	}
	return nil
}

// few makes one stream of all runs where they are few: read without an order, one after another, they cost a tenth of what
// it takes to begin in many rooms side by side.
func (s *search) few(ctx context.Context, query models.RunQuery, rooms []string) (bool, error) {
	query.Rooms, query.Unordered, query.Limit = rooms, true, runsFew
	runs, err := s.store.Runs.Find(ctx, query)
	if err != nil || len(runs) == runsFew {
		return false, err
	}
	slices.SortFunc(runs, func(a, b models.MessageRun) int { return s.order(place{At: a.ToAt}, place{At: b.ToAt}) })
	s.streams = append(s.streams, &runStream{next: runs, ended: true})
	return true, nil
}

func (s *search) rarest(ctx context.Context, rooms []string, choices [][]int32) (int, error) {
	rarest, fewest := 0, int64(math.MaxInt64)
	for i, terms := range choices[:min(len(choices), countTerms)] {
		if len(choices) == 1 {
			break
		}
		n, err := s.store.Runs.Count(ctx, rooms, terms, min(fewest, countUpTo))
		if err != nil {
			return 0, err
		}
		if n < fewest {
			rarest, fewest = i, n
		}
		if n == 0 {
			break
		}
	}
	return rarest, nil
}

// take returns the next runs of all streams in the order of time, and whether they were the last.
func (s *search) take(ctx context.Context) (runs []models.MessageRun, ended bool, err error) {
	for len(runs) < runsAtOnce {
		if err := s.fill(ctx); err != nil {
			return nil, false, err
		}
		var first *runStream
		for _, stream := range s.streams {
			if len(stream.next) > 0 && (first == nil || s.order(place{At: stream.next[0].ToAt}, place{At: first.next[0].ToAt}) < 0) {
				first = stream
			}
		}
		if first == nil {
			return runs, true, nil
		}
		runs = append(runs, first.next[0])
		first.next = first.next[1:]
	}
	s.looked += len(runs)
	return runs, false, nil
}

// fill reads on in the streams that are used up, at the same time.
func (s *search) fill(ctx context.Context) error {
	errs := make([]error, len(s.streams))
	var filling sync.WaitGroup
	for i, stream := range s.streams {
		if len(stream.next) == 0 && !stream.ended {
			filling.Go(func() { errs[i] = stream.fill(ctx, s.store.Runs) })
		}
	}
	filling.Wait()
	return errors.Join(errs...)
}

// look adds the hits among the messages of runs to found.
func (s *search) look(ctx context.Context, runs []models.MessageRun) error {
	spans := make([]models.Span, 0, len(runs))
	for i := range runs {
		spans = append(spans, models.Span{Room: runs[i].RoomIdentity, From: runs[i].FromSeq, To: runs[i].ToSeq})
	}
	if len(spans) == 0 {
		return nil
	}
	messages, err := s.store.Messages.InSpans(ctx, spans)
	if err != nil {
		return err
	}
	for i := range messages {
		m := &messages[i]
		if member := s.members[m.RoomIdentity]; canSee(member, m) && s.order(s.after, placeOf(m)) < 0 && s.wanted.has(m) {
			s.found = append(s.found, *m)
		}
	}
	slices.SortFunc(s.found, func(a, b models.Message) int { return s.order(placeOf(&a), placeOf(&b)) })
	// Runs may overlap.
	s.found = slices.CompactFunc(s.found, func(a, b models.Message) bool { return a.Identity == b.Identity })
	return nil
}

// runStream is the runs of some rooms, read as they are needed.
type runStream struct {
	query models.RunQuery
	next  []models.MessageRun
	ended bool
}

// fill reads the next runs: those from the time of the last one on, past the ones of that time that were read.
func (r *runStream) fill(ctx context.Context, runs models.MessageRuns) error {
	found, err := runs.Find(ctx, r.query)
	if err != nil {
		return err
	}
	r.next, r.ended = found, len(found) < r.query.Limit
	if len(found) == 0 {
		return nil
	}
	edge := &r.query.To
	if r.query.Forward {
		edge = &r.query.From
	}
	last := found[len(found)-1].ToAt
	same := 0
	for same < len(found) && found[len(found)-1-same].ToAt == last {
		same++
	}
	if *edge != last {
		r.query.Skip = 0
	}
	r.query.Skip += int64(same)
	*edge = last
	return nil
}

// Search finds messages in the caller's rooms, newest first: what he may read now, and not in rooms that he keeps
// locked. Refusals: ErrInvalid, ErrRoomNotFound, ErrLocked for a room that he names.
func (s *Messages) Search(ctx context.Context, c Caller, q SearchQuery) (List[Message], error) {
	if err := check(q); err != nil {
		return List[Message]{}, err
	}
	at := filterCursor{place: place{At: math.MaxInt64, Identity: math.MaxInt64}}
	n, err := q.Page.read(&at)
	if err != nil {
		return List[Message]{}, err
	}
	members := map[string]*models.UserRoom{}
	if q.Room != "" {
		member, err := s.readerOf(ctx, c, q.Room)
		if err != nil {
			return List[Message]{}, err
		}
		members[q.Room] = &member
	} else if members, err = s.searchable(ctx, c); err != nil {
		return List[Message]{}, err
	}
	find := &search{core: s.core, wanted: newWanted(q.Q, q.Sender, q.Type, "", q.From, q.To), members: members, after: at.place}
	return s.find(ctx, c, find, n)
}

// searchable returns the caller's side of every room that he may read now.
func (s *Messages) searchable(ctx context.Context, c Caller) (map[string]*models.UserRoom, error) {
	all, err := s.joinedRooms(ctx, c.User)
	if err != nil {
		return nil, err
	}
	members := make(map[string]*models.UserRoom, len(all))
	for _, j := range all {
		if !j.member.Locked || c.unlocked(j.room.Identity) {
			members[j.room.Identity] = j.member
		}
	}
	return members, nil
}

// find returns a page of a search, as the caller sees it. Refusals: ErrRateLimited, ErrUnavailable.
func (s *Messages) find(ctx context.Context, c Caller, find *search, n int) (List[Message], error) {
	if err := limit(s.limits.search, c.User); err != nil {
		return List[Message]{}, err
	}
	if err := s.indexer.wait(ctx); err != nil {
		return List[Message]{}, err
	}
	hits, next, err := find.page(ctx, n)
	if err != nil {
		return List[Message]{}, err
	}
	views, err := s.views(ctx, hits, c.User)
	list := List[Message]{Items: views}
	if next != nil {
		list.Next = helper.EncodeCursor(filterCursor{Forward: find.forward, place: *next})
	}
	return list, err
}

// filters reports whether a query wants only some messages.
func (q *HistoryQuery) filters() bool {
	return q.Sender != "" || len(q.Type) > 0 || q.From != nil || q.To != nil || q.Q != "" || q.Mentions != ""
}

// filterCursor is where a page of filtered history goes on.
type filterCursor struct {
	Forward bool `json:"f,omitempty"`
	place
}

// filtered is History with filters.
func (s *Messages) filtered(ctx context.Context, c Caller, room string, q HistoryQuery) (List[Message], error) {
	at := filterCursor{Forward: q.AfterSeq != nil}
	n, err := q.Page.read(&at)
	if err != nil {
		return List[Message]{}, err
	}
	member, err := s.readerOf(ctx, c, room)
	if err != nil {
		return List[Message]{}, err
	}
	if q.Cursor == "" {
		if at.place, err = s.placeAt(ctx, room, q.BeforeSeq, q.AfterSeq); err != nil {
			return List[Message]{}, err
		}
	}
	mentions := ""
	if q.Mentions != "" {
		mentions = c.User
	}
	find := &search{
		core: s.core, wanted: newWanted(q.Q, q.Sender, q.Type, mentions, q.From, q.To), members: map[string]*models.UserRoom{room: &member},
		forward: at.Forward, after: at.place,
	}
	return s.find(ctx, c, find, n)
}

// placeAt returns the place in time of a number of a room; a number that is not there yet is in the future.
func (s *Messages) placeAt(ctx context.Context, room string, before, after *int64) (place, error) {
	future := place{At: math.MaxInt64, Identity: math.MaxInt64}
	seq := cmp.Or(before, after)
	switch {
	case seq == nil:
		return future, nil
	case *seq == 0:
		return place{}, nil
	}
	m, err := s.store.Messages.BySeq(ctx, room, *seq)
	if errors.Is(err, models.ErrNotFound) {
		return future, nil
	}
	return placeOf(&m), err
}
