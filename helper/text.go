package helper

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// The length of an account, in characters.
const (
	accountMin = 2
	accountMax = 50
)

// FoldAccount returns the form in which accounts are compared, without regard to case and to
// variants of the same letter: toNFKC(toCasefold(toNFKC(account))) of the Unicode standard, 3.13.
func FoldAccount(account string) string {
	folded := cases.Fold().String(norm.NFKC.String(account))
	// The package swaps the cases of Cherokee instead of folding them; elsewhere this changes nothing.
	return norm.NFKC.String(strings.ToLower(folded))
}

// ValidAccount reports whether account is one: 2..50 letters of any script, digits, `_`, `-` and
// `.`, the first being no combining mark. Marks that cannot be seen are refused, since two
// accounts that look alike must be the same.
func ValidAccount(account string) bool {
	if n := utf8.RuneCountInString(account); n < accountMin || n > accountMax || !utf8.ValidString(account) {
		return false
	}
	if first, _ := utf8.DecodeRuneInString(account); unicode.IsMark(first) {
		return false
	}
	// Some letters fold to other characters: U+FDF2 is a whole word.
	for _, r := range account + FoldAccount(account) {
		if !accountRune(r) {
			return false
		}
	}
	return true
}

func accountRune(r rune) bool {
	if unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
		return false
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd) || strings.ContainsRune("_-.", r)
}

// Printable reports whether s is valid UTF-8 of low to high characters, all of them printable:
// letters, marks, numbers, punctuation, symbols and the ASCII space.
func Printable(s string, low, high int) bool {
	if len(s) > high*utf8.UTFMax || !utf8.ValidString(s) {
		return false
	}
	n := 0
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
		n++
	}
	return n >= low && n <= high
}
