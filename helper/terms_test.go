package helper

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func contains(terms, wanted []int32) bool {
	return !slices.ContainsFunc(wanted, func(term int32) bool { return !slices.Contains(terms, term) })
}

func TestQueryTerms(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text, query string
		found       bool
	}{
		{"Meet me at the Station", "station", true},
		{"Meet me at the Station", "TATIO", true},
		{"Meet me at the Station", "st", true},  // the beginning of a word
		{"Meet me at the Station", "io", false}, // two letters inside of one
		{"Meet me at the Station", "he st", true},
		{"Meet me at the Station", "stations", false},
		{"我在北京的火车站", "北京", true},
		{"我在北京的火车站", "火", true},
		{"我在北京的火车站", "京火", false},
		{"我在 Beijing 等你", "beijing 等", true},
		{"ＡＢＣ full width", "abc", true},
		{"well 👍🏽 done", "👍", true},
		{"12.5 euros", "2.5", true},
	} {
		terms := QueryTerms(FoldText(test.query))
		if got := len(terms) > 0 && contains(TextTerms(FoldText(test.text)), terms); got != test.found {
			t.Errorf("%q in %q: %v, want %v", test.query, test.text, got, test.found)
		}
	}
}

// What stands in a text must be found by its terms, except one or two letters inside a word.
func FuzzQueryTerms(f *testing.F) {
	f.Add("Meet me at the Station, 北京西站!", 5, 12)
	f.Add("is on 中only ＡＢＣ 👍🏽 한국어 カタカナ", 1, 30)
	f.Fuzz(func(t *testing.T, text string, from, to int) {
		if !utf8.ValidString(text) || len(text) > 1000 {
			return
		}
		folded := FoldText(text)
		runes := []rune(folded)
		if from < 0 || to > len(runes) || to-from < 3 {
			return
		}
		query := string(runes[from:to])
		if !contains(TextTerms(folded), QueryTerms(query)) && strings.Contains(folded, query) {
			t.Errorf("%q is not found in %q", query, folded)
		}
	})
}

// Stored messages are found by these: another value for a term would make them unfindable.
func TestTermsKeepTheirValues(t *testing.T) {
	t.Parallel()
	var want []int32
	for _, name := range []string{"t:sta", "t:tat", "t:ati", "t:tio", "t:ion", "t:stati", "t:tatio", "t:ation", "^:s", "^:st", "c:北", "c:京", "t:北京", "c:👍"} {
		want = append(want, Term(name))
	}
	slices.Sort(want)
	if got := TextTerms("station 北京, 👍"); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := Term("t:北京"); got != 459207399 {
		t.Errorf("the term of a pair is %d", got)
	}
}

// A part of a name has no terms but those of the name, so that none is missed.
func FuzzNameTerms(f *testing.F) {
	for _, name := range []string{"alice", "小明_1.-", "", "aaaa", "e\u0301"} {
		f.Add(name, 1, 3)
	}
	f.Fuzz(func(t *testing.T, name string, from, to int) {
		runes := []rune(name)
		if from < 0 || to < from || to > len(runes) {
			return
		}
		have := NameTerms("another", string(runes))
		for _, term := range NamePartTerms(string(runes[from:to])) {
			if !slices.Contains(have, term) {
				t.Fatalf("%q has no term of its part %q", name, string(runes[from:to]))
			}
		}
	})
}
