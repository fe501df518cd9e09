package helper

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFoldAccountMatchesWithoutRegardToCase(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"alice", "Alice", "ALICE", "Alice"},
		{"straße", "STRASSE", "Straẞe"},
		{"josé", "JOSÉ", "jose\u0301"},
		{"σίσυφος", "ΣΊΣΥΦΟΣ"},
		{"한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"},
		{"ꮨꮨ", "ᏘᏘ", "Ꮨꮨ"},
		{"张三", "张三"},
	} {
		for _, account := range same {
			if got, want := FoldAccount(account), FoldAccount(same[0]); got != want {
				t.Errorf("%q folds to %q, %q to %q", account, got, same[0], want)
			}
		}
	}
	if FoldAccount("alice") == FoldAccount("a1ice") || FoldAccount("a.b") == FoldAccount("ab") {
		t.Error("different accounts fold to the same")
	}
}

func TestFoldAccountUnitesTheCasesOfEveryLetter(t *testing.T) {
	t.Parallel()
	for letter := rune(0); letter <= unicode.MaxRune; letter++ {
		if !utf8.ValidRune(letter) {
			continue
		}
		folded := FoldAccount(string(letter))
		if again := FoldAccount(folded); again != folded {
			t.Errorf("%U folds to %q, which folds to %q", letter, folded, again)
		}
		for other := unicode.SimpleFold(letter); other != letter; other = unicode.SimpleFold(other) {
			if got := FoldAccount(string(other)); got != folded {
				t.Errorf("%U folds to %q, %U to %q", letter, folded, other, got)
			}
		}
	}
}

func TestValidAccount(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"ab":                       true,
		"Alice_01":                 true,
		"a.b-c":                    true,
		"42":                       true,
		"__":                       true,
		"张三":                       true,
		"Ångström":                 true,
		"jose\u0301":               true,
		"हिन्दी":                   true,
		"ไทยแลนด์":                 true,
		"٣٤":                       true,
		strings.Repeat("漢", 50):    true,
		"":                         false,
		"a":                        false,
		strings.Repeat("a", 51):    false,
		"a b":                      false,
		" ab":                      false,
		"a@b":                      false,
		"a/b":                      false,
		"a:b":                      false,
		"ab\n":                     false,
		"ab\x00":                   false,
		"ab\xff":                   false,
		"a\u200db":                 false, // zero width joiner
		"ab\u202e":                 false, // right-to-left override
		"ab\ufe0f":                 false, // variation selector
		"ab\u034f":                 false, // combining grapheme joiner
		"\u3164\u3164":             false, // Hangul filler: a letter that is not seen
		"\u0301ab":                 false,
		"ab\ufdfa":                 false, // a ligature that folds to words with spaces
		"😀😀":                       false,
		"a²":                       false,
		"ab\u00a0":                 false,
		strings.Repeat("\xff", 10): false,
	}
	for account, want := range tests {
		if got := ValidAccount(account); got != want {
			t.Errorf("%q: got %v, want %v", account, got, want)
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"x":                      true,
		"0f-8 ~!":                true,
		"消息😀":                    true,
		strings.Repeat("漢", 64):  true,
		"":                       false,
		strings.Repeat("a", 65):  false,
		strings.Repeat("a", 999): false,
		"a\tb":                   false,
		"a\r\nb":                 false,
		"a\x7f":                  false,
		"a\u200b":                false,
		"a\u2028":                false,
		"a\xff":                  false,
	}
	for s, want := range tests {
		if got := Printable(s, 1, 64); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	}
}

func FuzzFoldAccount(f *testing.F) {
	for _, seed := range []string{"Alice", "Straẞe", "jose\u0301", "\u0345\u1fb3", "İI", "ꮨ", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, account string) {
		folded := FoldAccount(account)
		if again := FoldAccount(folded); utf8.ValidString(account) && again != folded {
			t.Errorf("%q folds to %q, which folds to %q", account, folded, again)
		}
		if ValidAccount(account) && !utf8.ValidString(folded) {
			t.Errorf("%q is valid but folds to %q", account, folded)
		}
	})
}

func BenchmarkFoldAccount(b *testing.B) {
	for b.Loop() {
		FoldAccount("Alice_张三")
	}
}
