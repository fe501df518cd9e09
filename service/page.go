package service

import (
	"context"
	"slices"

	"parlor/define"
	"parlor/helper"
)

// read checks a page and reads its cursor into at, which stays as it is where there is none. It returns how many items
// the caller wants.
func (p Page) read(at any) (int, error) {
	if err := check(p); err != nil {
		return 0, err
	}
	if p.Cursor != "" {
		if err := helper.DecodeCursor(p.Cursor, at); err != nil {
			return 0, define.Invalid("cursor", "is not one of this list", "游标无效").With(err)
		}
	}
	if p.Limit == 0 {
		return define.PageDefault, nil
	}
	return p.Limit, nil
}

// cut takes the documents of a page out of those that were found, of which one more than n was asked for: where it is there,
// a next page is too. cursor says, for the last document of the page, where the next one begins.
func cut[D any](docs []D, n int, cursor func(i int, last *D) any) (page []D, next string) {
	if len(docs) <= n {
		return docs, ""
	}
	return docs[:n], helper.EncodeCursor(cursor(n-1, &docs[n-1]))
}

// listOf makes a page, as cut does, and shows its documents.
func listOf[D, T any](docs []D, n int, show func(*D) T, cursor func(i int, last *D) any) List[T] {
	docs, next := cut(docs, n, cursor)
	items := make([]T, len(docs))
	for i := range docs {
		items[i] = show(&docs[i])
	}
	return List[T]{Items: items, Next: next}
}

// after is the cursor of lists that are ordered by one key.
type after[K any] struct {
	Key K `json:"k"`
}

// pageAfter makes a page of a list that is ordered by one key: find returns at most limit documents behind a key, the first
// ones behind K's zero value; show shows them in their order; keyOf is where one stands.
func pageAfter[K, D, T any](p Page, find func(key K, limit int) ([]D, error), show func([]D) ([]T, error), keyOf func(*D) K) (List[T], error) {
	var at after[K]
	n, err := p.read(&at)
	if err != nil {
		return List[T]{}, err
	}
	docs, err := find(at.Key, n+1)
	if err != nil {
		return List[T]{}, err
	}
	docs, next := cut(docs, n, func(_ int, last *D) any { return after[K]{keyOf(last)} })
	items, err := show(docs)
	return List[T]{Items: items, Next: next}, err
}

// each shows documents one by one.
func each[D, T any](show func(*D) T) func([]D) ([]T, error) {
	return func(docs []D) ([]T, error) {
		items := make([]T, len(docs))
		for i := range docs {
			items[i] = show(&docs[i])
		}
		return items, nil
	}
}

// withUsers shows documents one by one, each with the user whom it names.
func withUsers[D, T any](ctx context.Context, c *core, named func(*D) string, show func(*D, User) T) func([]D) ([]T, error) {
	return func(docs []D) ([]T, error) {
		identities := make([]string, len(docs))
		for i := range docs {
			identities[i] = named(&docs[i])
		}
		slices.Sort(identities)
		users, err := c.usersByID(ctx, slices.Compact(identities))
		if err != nil {
			return nil, err
		}
		return each(func(d *D) T { return show(d, users[named(d)]) })(docs)
	}
}
