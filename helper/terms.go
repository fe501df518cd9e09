package helper

import (
	"hash/fnv"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// FoldText returns a text in the form in which it is searched: compatible characters made equal (NFKC), in lower case.
func FoldText(text string) string { return strings.ToLower(norm.NFKC.String(text)) }

// Term is the hash under which something about a message is found. Nothing can be read from it; two things may share
// one, so what is found must be looked at.
func Term(name string) int32 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int32(h.Sum32())
}

// The terms of a folded text: of words every three, five and eight letters in a row, and their first one and two letters;
// of Chinese, Japanese and Korean every character and every two in a row; every symbol. More letters say far more:
// looked for in 500 rooms, a word is found by its five letters in a tenth of the time that three take, and few words
// are so long that eight cost anything.
const (
	termPart   = "t:"
	termStart  = "^:"
	termSingle = "c:"
	termName   = "n:" // of a user's name, which is never looked for among messages
)

// TextTerms returns the terms of a folded text, each once, in order.
func TextTerms(folded string) []int32 {
	var terms []int32
	for s := range segments(folded) {
		if !s.word {
			terms = append(terms, pairTerms(s.runes)...)
			continue
		}
		for _, n := range wordParts {
			terms = append(terms, partTerms(s.runes, n)...)
		}
		for n := 1; n <= min(2, len(s.runes)); n++ {
			terms = append(terms, Term(termStart+string(s.runes[:n])))
		}
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

// QueryTerms returns terms that every text has in which the folded query stands; there may be none. A query of one or
// two letters alone stands for the beginning of a word.
func QueryTerms(folded string) []int32 {
	var terms []int32
	for s := range segments(folded) {
		switch {
		case !s.word:
			if pairs := pairTerms(s.runes); len(s.runes) > 1 {
				terms = append(terms, pairs[len(s.runes):]...) // the pairs imply the characters
			} else {
				terms = append(terms, pairs...)
			}
		case len(s.runes) >= wordParts[0]:
			n := wordParts[0]
			for _, longer := range wordParts {
				if len(s.runes) >= longer {
					n = longer
				}
			}
			terms = append(terms, partTerms(s.runes, n)...)
		case !s.first || len(string(s.runes)) == len(folded):
			terms = append(terms, Term(termStart+string(s.runes)))
		}
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

// wordParts are the lengths of the parts of words, in order.
var wordParts = [...]int{3, 5, 8}

// partTerms returns the terms of every n letters in a row.
func partTerms(runes []rune, n int) []int32 {
	var terms []int32
	for i := range max(0, len(runes)-n+1) {
		terms = append(terms, Term(termPart+string(runes[i:i+n])))
	}
	return terms
}

// pairTerms returns the terms of the characters, then those of each two in a row.
func pairTerms(runes []rune) []int32 {
	var terms []int32
	for _, r := range runes {
		terms = append(terms, Term(termSingle+string(r)))
	}
	for i := range len(runes) - 1 {
		terms = append(terms, Term(termPart+string(runes[i:i+2])))
	}
	return terms
}

// nameParts is the length of the longest parts of names that have terms.
const nameParts = 3

// NameTerms returns the terms of folded names: of every one, two and three characters in a row, each once, in order.
func NameTerms(names ...string) []int32 {
	var terms []int32
	for _, name := range names {
		runes := []rune(name)
		for n := 1; n <= nameParts; n++ {
			terms = append(terms, nameTerms(runes, n)...)
		}
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

// NamePartTerms returns terms that every folded name has in which a folded part stands; none for no part.
func NamePartTerms(part string) []int32 {
	runes := []rune(part)
	terms := nameTerms(runes, max(1, min(nameParts, len(runes))))
	slices.Sort(terms)
	return slices.Compact(terms)
}

func nameTerms(runes []rune, n int) []int32 {
	var terms []int32
	for i := range max(0, len(runes)-n+1) {
		terms = append(terms, Term(termName+string(runes[i:i+n])))
	}
	return terms
}

// segment is a piece of a text that is searched as one: a word, or a run of characters that need no spaces.
type segment struct {
	runes []rune
	word  bool
	first bool // nothing that is searched comes before it
}

func segments(folded string) func(yield func(segment) bool) {
	const none, word, dense = 0, 1, 2
	kind := func(r rune) int {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul), unicode.IsSymbol(r):
			return dense
		case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
			return word
		}
		return none
	}
	return func(yield func(segment) bool) {
		var runes []rune
		last, first := none, true
		flush := func() bool {
			if len(runes) == 0 {
				return true
			}
			s := segment{runes: runes, word: last == word, first: first}
			runes, first = nil, false
			return yield(s)
		}
		for _, r := range folded {
			k := kind(r)
			if k != last && !flush() {
				return
			}
			if last = k; k != none {
				runes = append(runes, r)
			}
		}
		flush()
	}
}
