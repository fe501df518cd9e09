package service

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"

	"parlor/define"
	"parlor/helper"
	"parlor/models"
)

const (
	runsAtOnce = 64    // whose messages are read together at most
	readFirst  = 128   // messages that are looked at first, and twice as many each time after
	runsFew    = 128   // of many rooms that are read without an order
	runsWindow = 512   // of many rooms in one window of time at most
	runsMax    = 2_000 // looked at for one page: one with few hits says where to go on
	countRooms = 50    // in which runs are counted to find the rarest term
	countUpTo  = 200   // of a term
	countTerms = 6     // that are compared
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

	source  runSource
	runs    []models.MessageRun // read from the source, in order
	upTo    int64               // the source has given everything up to this time
	ended   bool                // the source has given everything
	looked  int
	portion int64            // messages to be looked at next
	found   []models.Message // hits that may not be the next ones yet
	living  map[string]bool  // whether a room is still there
}

// runSource gives runs in portions: each in the order of the search and behind the ones before, with the time up to which
// everything was given. The last portion is marked.
type runSource interface {
	next(ctx context.Context) (runs []models.MessageRun, upTo int64, last bool, err error)
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
		upTo, ended, err := s.look(ctx)
		if err != nil {
			return nil, nil, err
		}
		sure := s.behind(upTo) // hits up to here are the next ones, whatever is still to come
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

// open finds out how the runs are best read: by the rarest term, and in many rooms by windows of time unless they are few.
func (s *search) open(ctx context.Context) error {
	rooms := slices.Sorted(maps.Keys(s.members))
	if len(rooms) == 0 {
		s.ended = true
		return nil
	}
	choices := s.wanted.terms()
	rarest, err := s.rarest(ctx, rooms[:min(len(rooms), countRooms)], choices)
	if err != nil {
		return err
	}
	query := models.RunQuery{Rooms: rooms, Any: choices[rarest], Forward: s.forward, Limit: runsAtOnce}
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
	if len(rooms) == 1 {
		s.source = &runStream{store: s.store.Runs, query: query}
		return nil
	}
	windows := &runWindows{store: s.store.Runs, query: query} // forward is asked of one room only
	s.runs, s.ended, err = windows.open(ctx)
	s.source = windows
	return err
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

// look adds the hits among the messages of the next runs to found. It returns the time at which the first run ends that
// was not looked at, or the one up to which the source has given everything, and whether nothing is left.
func (s *search) look(ctx context.Context) (upTo int64, ended bool, err error) {
	if len(s.runs) == 0 && !s.ended {
		if s.runs, s.upTo, s.ended, err = s.source.next(ctx); err != nil {
			return 0, false, err
		}
	}
	runs := s.portionOf(s.runs)
	s.runs = s.runs[len(runs):]
	s.looked += max(len(runs), 1)
	if err := s.read(ctx, runs); err != nil {
		return 0, false, err
	}
	if len(s.runs) > 0 {
		return s.runs[0].ToAt, false, nil
	}
	return s.upTo, s.ended, nil
}

// portionOf returns the runs that are looked at together. Where many of their messages are hits, few runs fill a page.
func (s *search) portionOf(runs []models.MessageRun) []models.MessageRun {
	s.portion = max(2*s.portion, readFirst)
	messages := int64(0)
	for i := range runs {
		messages += runs[i].ToSeq - runs[i].FromSeq + 1
		if i == runsAtOnce || i > 0 && messages > s.portion {
			return runs[:i]
		}
	}
	return runs
}

// read adds the hits among the messages of runs to found.
func (s *search) read(ctx context.Context, runs []models.MessageRun) error {
	if len(runs) == 0 {
		return nil
	}
	spans := make([]models.Span, len(runs))
	for i := range runs {
		spans[i] = models.Span{Room: runs[i].RoomIdentity, From: runs[i].FromSeq, To: runs[i].ToSeq}
	}
	messages, err := s.store.Messages.InSpans(ctx, spans)
	if err != nil {
		return err
	}
	messages = slices.DeleteFunc(messages, func(m models.Message) bool {
		return !canSee(s.members[m.RoomIdentity], &m) || s.order(s.after, placeOf(&m)) >= 0 || !s.wanted.has(&m)
	})
	if messages, err = s.inLivingRooms(ctx, messages); err != nil {
		return err
	}
	s.found = append(s.found, messages...)
	slices.SortFunc(s.found, func(a, b models.Message) int { return s.order(placeOf(&a), placeOf(&b)) })
	// Runs may overlap.
	s.found = slices.CompactFunc(s.found, func(a, b models.Message) bool { return a.Identity == b.Identity })
	return nil
}

// inLivingRooms leaves out what was said in rooms that were dissolved. Only those of hits are asked for: all of them would
// cost more than the search.
func (s *search) inLivingRooms(ctx context.Context, messages []models.Message) ([]models.Message, error) {
	var unknown []string
	for i := range messages {
		if _, known := s.living[messages[i].RoomIdentity]; !known {
			unknown = append(unknown, messages[i].RoomIdentity)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		rooms, err := s.store.Rooms.GetMany(ctx, slices.Compact(unknown))
		if err != nil {
			return nil, err
		}
		if s.living == nil {
			s.living = map[string]bool{}
		}
		for i := range rooms {
			s.living[rooms[i].Identity] = rooms[i].DissolvedAt == 0
		}
	}
	return slices.DeleteFunc(messages, func(m models.Message) bool { return !s.living[m.RoomIdentity] }), nil
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

// searchable returns the caller's side of every room that he may read now. Some may be dissolved.
func (s *Messages) searchable(ctx context.Context, c Caller) (map[string]*models.UserRoom, error) {
	all, err := s.store.UserRooms.ByUser(ctx, c.User)
	if err != nil {
		return nil, err
	}
	members := make(map[string]*models.UserRoom, len(all))
	for i := range all {
		if !all[i].Locked || c.unlocked(all[i].RoomIdentity) {
			members[all[i].RoomIdentity] = &all[i]
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
