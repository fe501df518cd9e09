package service

import (
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

// listOf makes a page out of documents of which one more than n was asked for: where it is there, a next page is too.
// cursor says, for the last document shown, where the next page begins.
func listOf[D, T any](docs []D, n int, show func(*D) T, cursor func(i int, last *D) any) List[T] {
	next := ""
	if len(docs) > n {
		docs = docs[:n]
		next = helper.EncodeCursor(cursor(n-1, &docs[n-1]))
	}
	items := make([]T, len(docs))
	for i := range docs {
		items[i] = show(&docs[i])
	}
	return List[T]{Items: items, Next: next}
}

// after is the cursor of lists that are ordered by one string.
type after struct {
	Key string `json:"k"`
}
