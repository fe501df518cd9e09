package storage

import (
	"bytes"
	"container/heap"
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
)

// MaxSortBytes is what a sort without an index may hold, as in mongod.
const MaxSortBytes = 100 << 20

// Results are the documents of a query in its order, within its skip and limit.
// They hold no lock and aren't safe for concurrent use.
type Results struct {
	Scan *Scan
	// Returned counts the documents given so far.
	Returned int64

	q      *Query
	sorted []sortedDoc // where the plan doesn't sort, from at on
	at     int
	loaded bool
	skip   int64
}

type sortedDoc struct {
	key []byte
	seq int // order of arrival, which makes the sort stable
	id  RecordID
	doc bson.Raw
}

// Find starts a query.
func (c *Collection) Find(q Query) (*Results, error) {
	if q.Sort == nil {
		q.Sort = &query.Sort{}
	}
	scan, err := c.newScan(&q)
	if err != nil {
		return nil, err
	}
	return &Results{Scan: scan, q: &q, skip: q.Skip}, nil
}

// Close frees what the query holds.
func (r *Results) Close() error {
	r.sorted = nil
	return r.Scan.Close()
}

// Next gives the next document, which is valid until the next call. ok is false at
// the end.
func (r *Results) Next(ctx context.Context) (id RecordID, doc bson.Raw, ok bool, err error) {
	for {
		if r.q.Limit > 0 && r.Returned >= r.q.Limit {
			return 0, nil, false, nil
		}
		id, doc, ok, err = r.next(ctx)
		if !ok || err != nil {
			return 0, nil, false, err
		}
		if r.skip > 0 {
			r.skip--
			continue
		}
		r.Returned++
		return id, doc, true, nil
	}
}

// Exhausted reports whether it is known that nothing follows.
func (r *Results) Exhausted() bool {
	return r.q.Limit > 0 && r.Returned >= r.q.Limit || r.Scan.done && (r.Scan.Plan.Sorted || r.loaded && r.at == len(r.sorted))
}

func (r *Results) next(ctx context.Context) (RecordID, bson.Raw, bool, error) {
	if r.Scan.Plan.Sorted {
		id, doc, ok, err := r.Scan.Next(ctx)
		if ok && r.q.ReturnKey {
			doc, err = r.Scan.keyDocument(doc)
		}
		return id, doc, ok, err
	}
	if !r.loaded {
		if err := r.load(ctx); err != nil {
			return 0, nil, false, err
		}
	}
	if r.at == len(r.sorted) {
		return 0, nil, false, nil
	}
	d := r.sorted[r.at]
	r.sorted[r.at] = sortedDoc{}
	r.at++
	return d.id, d.doc, true, nil
}

// load reads and sorts everything, or the first skip+limit documents of the order.
func (r *Results) load(ctx context.Context) error {
	top := sortHeap{}
	keep := 0
	if r.q.Limit > 0 && r.q.Limit+r.q.Skip < 1<<31 {
		keep = int(r.q.Limit + r.q.Skip)
	}
	size := 0
	var key []byte
	for seq := 0; ; seq++ {
		id, doc, ok, err := r.Scan.Next(ctx)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		key = r.q.Sort.AppendKey(key[:0], doc)
		if keep > 0 && len(top) == keep {
			if bytes.Compare(key, top[0].key) >= 0 {
				continue
			}
			size -= len(top[0].key) + len(top[0].doc)
			heap.Pop(&top)
		}
		if r.q.ReturnKey {
			if doc, err = r.Scan.keyDocument(doc); err != nil {
				return err
			}
		}
		heap.Push(&top, sortedDoc{bytes.Clone(key), seq, id, bytes.Clone(doc)})
		if size += len(key) + len(doc); size > MaxSortBytes {
			return mongoerr.New(292, "QueryExceededMemoryLimitNoDiskUseAllowed",
				"Executor error during find command :: caused by :: Sort exceeded memory limit of %d bytes, but did not opt in to external sorting.", MaxSortBytes)
		}
	}
	slices.SortFunc(top, compareSorted)
	r.sorted, r.loaded = top, true
	return nil
}

func compareSorted(a, b sortedDoc) int {
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c
	}
	return a.seq - b.seq
}

// sortHeap keeps the last document of the order on top.
type sortHeap []sortedDoc

func (h sortHeap) Len() int           { return len(h) }
func (h sortHeap) Less(i, j int) bool { return compareSorted(h[i], h[j]) > 0 }
func (h sortHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *sortHeap) Push(x any)        { *h = append(*h, x.(sortedDoc)) }

func (h *sortHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
