package service

import (
	"cmp"
	"context"
	"slices"

	"parlor/models"
)

// runStream gives the runs of one room in the order of time.
type runStream struct {
	store models.MessageRuns
	query models.RunQuery
}

// next reads the next runs: those from the time of the last one on, past the ones of that time that were read.
func (r *runStream) next(ctx context.Context) (runs []models.MessageRun, upTo int64, last bool, err error) {
	found, err := r.store.Find(ctx, r.query)
	if err != nil || len(found) == 0 {
		return nil, 0, true, err
	}
	edge := &r.query.To
	if r.query.Forward {
		edge = &r.query.From
	}
	upTo = found[len(found)-1].ToAt
	same := 0
	for same < len(found) && found[len(found)-1-same].ToAt == upTo {
		same++
	}
	if *edge != upTo {
		r.query.Skip = 0
	}
	r.query.Skip += int64(same)
	*edge = upTo
	return found, upTo, len(found) < r.query.Limit, nil
}

// runWindows gives the runs of many rooms, newest first, window by window of time. Each is read without an order and put in
// order here: in the order of time a database has to find the next run of every room, however long ago that was.
type runWindows struct {
	store models.MessageRuns
	query models.RunQuery // its span of time is what is left
	from  int64           // where the next window begins
	width int64           // of that window, in milliseconds
}

const (
	windowAim   = 100     // runs that a window is meant to have
	windowGrows = 8       // times as wide is the window after one that had fewer
	windowMax   = 1 << 45 // milliseconds: more than there have been
)

// open returns all runs where they are few. Else it guesses where the first window is to begin.
func (w *runWindows) open(ctx context.Context) (runs []models.MessageRun, all bool, err error) {
	runs, err = w.find(ctx, w.query, runsFew)
	if err != nil || len(runs) < runsFew {
		return runs, true, err
	}
	w.from = w.guess(runs)
	w.width = runs[0].ToAt - w.from + 1
	return nil, false, nil
}

// find returns runs in the order of time, though not the newest ones where there are more than limit.
func (w *runWindows) find(ctx context.Context, query models.RunQuery, limit int) ([]models.MessageRun, error) {
	query.Unordered, query.Limit = true, limit
	runs, err := w.store.Find(ctx, query)
	slices.SortFunc(runs, func(a, b models.MessageRun) int { return cmp.Compare(b.ToAt, a.ToAt) })
	return runs, err
}

// guess returns from when on all rooms may have as many runs as a window is meant to have. It knows the runs of some of the
// rooms, and takes as many of them as these rooms would have.
func (w *runWindows) guess(runs []models.MessageRun) int64 {
	rooms := map[string]bool{}
	for i := range runs {
		rooms[runs[i].RoomIdentity] = true
	}
	share := windowAim * len(rooms) / len(w.query.Rooms)
	return runs[min(share+1, len(runs)-1)].ToAt
}

// next reads one window. Where too much is in it, it is made smaller, down to one moment that is read in portions.
func (w *runWindows) next(ctx context.Context) (runs []models.MessageRun, upTo int64, last bool, err error) {
	query := w.query
	query.From = max(w.from, w.query.From)
	for {
		if runs, err = w.find(ctx, query, runsWindow); err != nil {
			return nil, 0, false, err
		}
		if len(runs) < runsWindow {
			break
		}
		if query.From == query.To {
			w.query.Skip += runsWindow
			return runs, query.To, false, nil
		}
		query.From = max(w.guess(runs), query.From+1)
		w.width = max(runs[0].ToAt-query.From, 0) + 1
	}
	if len(runs) < windowAim {
		w.width = min(w.width*windowGrows, windowMax)
	}
	last = query.From <= w.query.From
	w.query.To, w.query.Skip = query.From-1, 0
	w.from = w.query.To - w.width + 1
	return runs, query.From, last, nil
}
