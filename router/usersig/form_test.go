package usersig

import (
	"encoding/json"
	"slices"
	"testing"
)

func FuzzUserIDs(f *testing.F) {
	for _, seed := range []string{`["a1","b1"]`, `["a1",7]`, `[]`, `[""]`, `[null]`, `[{}]`, `"a"`, `[1.5,-2]`, `[1e400]`, `[`, ``, `["\u0000"]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := form{"chat_user_id_list": {text}}.userIDs()
		if err != nil {
			return
		}
		if len(ids) == 0 || slices.Contains(ids, "") {
			t.Errorf("%q was read as %q", text, ids)
		}
		var items []any
		if json.Unmarshal([]byte(text), &items) == nil && len(items) != len(ids) {
			t.Errorf("%q was read as %q", text, ids)
		}
	})
}

func TestPaging(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		page         paging
		total        int64
		items, pages int64
		refused      bool
	}{
		"the first of none":   {paging{num: 1, size: 10}, 0, 0, 1, false},
		"the second of none":  {paging{num: 2, size: 10}, 0, 0, 0, true},
		"a full one":          {paging{num: 1, size: 10}, 10, 10, 1, false},
		"behind a full one":   {paging{num: 2, size: 10}, 10, 0, 0, true},
		"the rest of another": {paging{num: 2, size: 10}, 11, 11, 2, false},
	} {
		items, pages, err := test.page.counts(test.total)
		if (err != nil) != test.refused || err == nil && (*items != test.items || *pages != test.pages) {
			t.Errorf("%s: %v %v %v", name, items, pages, err)
		}
	}
	if items, pages, err := (paging{all: true}).counts(5); items != nil || pages != nil || err != nil {
		t.Errorf("all: %v %v %v", items, pages, err)
	}
}
