package helper

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// FoldText returns a text in the form in which it is searched: compatible characters made equal (NFKC), in lower case.
func FoldText(text string) string { return strings.ToLower(norm.NFKC.String(text)) }

// Term is the hash under which something about a message is found: FNV-1a. Nothing can be read from it; two things may
// share one, so what is found must be looked at.
func Term(name string) int32 {
	h := hashStart
	for i := range len(name) {
		h = h.add(name[i])
	}
	return int32(h)
}

// hash is what FNV-1a has come to. The terms of a text are parts that overlap, of which a hash made on the way serves the
// longer one too: no text is put together for any of them.
type hash uint32

const (
	hashStart hash = 2166136261
	hashPrime hash = 16777619
)

func (h hash) add(b byte) hash { return (h ^ hash(b)) * hashPrime }

func (h hash) text(text string) hash {
	for i := range len(text) {
		h = h.add(text[i])
	}
	return h
}

func (h hash) rune(r rune) hash {
	if r < utf8.RuneSelf {
		return h.add(byte(r))
	}
	var encoded [utf8.UTFMax]byte
	for _, b := range encoded[:utf8.EncodeRune(encoded[:], r)] {
		h = h.add(b)
	}
	return h
}

func (h hash) runes(runes []rune) hash {
	for _, r := range runes {
		h = h.rune(r)
	}
	return h
}

// The terms of a folded text: of words every three, five and eight letters in a row, and their first one and two letters;
// of Chinese, Japanese and Korean every character and every two in a row; every symbol. More letters say far more:
// looked for in 500 rooms, a word is found by its five letters in a tenth of the time that three take, and few words
// are so long that eight cost anything. Parts with digits have three only: numbers are long, and no two are alike.
const (
	termPart   = "t:"
	termStart  = "^:"
	termSingle = "c:"
	termName   = "n:" // of a user's name, which is never looked for among messages
)

// TextTerms returns the terms of a folded text, each once, in order.
func TextTerms(folded string) []int32 {
	terms := AppendTextTerms(nil, folded)
	slices.Sort(terms)
	return slices.Compact(terms)
}

// AppendTextTerms appends the terms of a folded text in no order; one may come more than once.
func AppendTextTerms(terms []int32, folded string) []int32 {
	terms = slices.Grow(terms, len(wordParts)*len(folded)) // about as many
	part, start := hashStart.text(termPart), hashStart.text(termStart)
	for s := range segments(folded) {
		if !s.word {
			terms = appendSingles(terms, s.runes)
			terms = appendParts(terms, s.runes, 2)
			continue
		}
		for i := range s.runes {
			h, n := part, 0
			for _, want := range wordParts {
				if i+want > len(s.runes) || n > 0 && hasDigit(s.runes[i:i+want]) {
					break
				}
				h, n = h.runes(s.runes[i+n:i+want]), want
				terms = append(terms, int32(h))
			}
		}
		for n := 1; n <= min(2, len(s.runes)); n++ {
			terms = append(terms, int32(start.runes(s.runes[:n])))
		}
	}
	return terms
}

// QueryTerms returns terms that every text has in which the folded query stands; there may be none. A query of one or
// two letters alone stands for the beginning of a word.
func QueryTerms(folded string) []int32 {
	var terms []int32
	for s := range segments(folded) {
		switch {
		case !s.word:
			if len(s.runes) > 1 {
				terms = appendParts(terms, s.runes, 2) // the pairs imply the characters
			} else {
				terms = appendSingles(terms, s.runes)
			}
		case len(s.runes) >= wordParts[0]:
			n := wordParts[0]
			for _, longer := range wordParts {
				if len(s.runes) >= longer && !hasDigit(s.runes) {
					n = longer
				}
			}
			terms = appendParts(terms, s.runes, n)
		case !s.first || len(string(s.runes)) == len(folded):
			terms = append(terms, int32(hashStart.text(termStart).runes(s.runes)))
		}
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

// wordParts are the lengths of the parts of words, in order.
var wordParts = [...]int{3, 5, 8}

func hasDigit(runes []rune) bool {
	return slices.ContainsFunc(runes, func(r rune) bool { return '0' <= r && r <= '9' })
}

// appendParts appends the terms of every n in a row.
func appendParts(terms []int32, runes []rune, n int) []int32 {
	part := hashStart.text(termPart)
	for i := range max(0, len(runes)-n+1) {
		terms = append(terms, int32(part.runes(runes[i:i+n])))
	}
	return terms
}

// appendSingles appends the terms of the characters.
func appendSingles(terms []int32, runes []rune) []int32 {
	single := hashStart.text(termSingle)
	for _, r := range runes {
		terms = append(terms, int32(single.rune(r)))
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

// What a character is to a search.
const (
	gap   = iota // not searched; ends a word
	word         // a letter of a word
	dense        // needs no spaces around it
)

func kindOf(r rune) int {
	switch {
	case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
		return word
	case r == ' ':
		return gap
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul), unicode.IsSymbol(r):
		return dense
	case unicode.IsLetter(r), unicode.IsDigit(r), unicode.IsMark(r):
		return word
	}
	return gap
}

// segments gives the segments of a folded text. Each is valid until the next.
func segments(folded string) func(yield func(segment) bool) {
	return func(yield func(segment) bool) {
		var runes []rune
		last, first := gap, true
		flush := func() bool {
			if len(runes) == 0 {
				return true
			}
			s := segment{runes: runes, word: last == word, first: first}
			runes, first = runes[:0], false
			return yield(s)
		}
		for _, r := range folded {
			k := kindOf(r)
			if k != last && !flush() {
				return
			}
			if last = k; k != gap {
				runes = append(runes, r)
			}
		}
		flush()
	}
}
