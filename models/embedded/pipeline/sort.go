package pipeline

import (
	"bytes"
	"container/heap"
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
)

// sortStage is $sort. Of limit > 0 only the first documents of the order are kept.
type sortStage struct {
	by    *query.Sort
	limit int64
}

func parseSort(_ *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.Code(15973).Errorf("the $sort key specification must be an object")
	}
	if len(v.Value) == 5 {
		return nil, mongoerr.Code(15976).Errorf("$sort stage must have at least one sort key")
	}
	by, err := query.ParseSort(v.Value)
	if err == nil && by.Natural != 0 {
		err = checkFieldPath("$natural")
	}
	return &sortStage{by: by}, err
}

func (s *sortStage) open(from Source) Source { return &gatherSource{Source: from, gather: s.sort} }

type sortedDoc struct {
	key []byte
	seq int // order of arrival, which makes the sort stable
	doc bson.Raw
}

func compareSorted(a, b sortedDoc) int {
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c
	}
	return a.seq - b.seq
}

func (s *sortStage) sort(ctx context.Context, from Source) (Source, error) {
	var kept sortHeap
	size, seq := 0, 0
	var key []byte
	err := drain(ctx, from, func(doc bson.Raw) error {
		key = s.by.AppendKey(key[:0], doc)
		seq++
		if s.limit > 0 && int64(len(kept)) == s.limit {
			if bytes.Compare(key, kept[0].key) >= 0 {
				return nil
			}
			size -= len(kept[0].key) + len(kept[0].doc)
			heap.Pop(&kept)
		}
		next := sortedDoc{bytes.Clone(key), seq, bytes.Clone(doc)}
		if size += len(key) + len(doc); size > maxStageBytes {
			return outOfMemory("Sort exceeded memory limit of %d bytes, but did not opt in to external sorting.", maxStageBytes)
		}
		if s.limit > 0 {
			heap.Push(&kept, next)
		} else {
			kept = append(kept, next)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(kept, compareSorted)
	docs := make([]bson.Raw, len(kept))
	for i := range kept {
		docs[i] = kept[i].doc
	}
	return List(docs), nil
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
