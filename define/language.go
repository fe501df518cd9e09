package define

import "golang.org/x/text/language"

// Language returns the canonical form of a language's code (BCP 47), as in "zh" or "pt-BR", and whether it is the code of
// a language.
func Language(code string) (canonical string, ok bool) {
	tag, err := language.Raw.Parse(code) // an old code stays as it is: services know those of their time
	if err != nil || len(tag.Extensions()) > 0 {
		return "", false
	}
	if base, _, _ := tag.Raw(); base.String() == "und" {
		return "", false
	}
	return tag.String(), true
}
