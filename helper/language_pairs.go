package helper

import (
	"slices"
	"strings"

	"parlor/define"
)

// languagePairs are what a provider can translate into what. None are no limit.
type languagePairs []languagePair

type languagePair struct{ from, to string }

// newLanguagePairs reads pairs such as "en>es", which have been checked.
func newLanguagePairs(config []string) languagePairs {
	var pairs languagePairs
	for _, pair := range config {
		from, to, _ := strings.Cut(pair, ">")
		from, _ = define.Language(from)
		to, _ = define.Language(to)
		pairs = append(pairs, languagePair{from, to})
	}
	return pairs
}

func (p languagePairs) from(code string) bool {
	return slices.ContainsFunc(p, func(pair languagePair) bool { return pair.from == code })
}

func (p languagePairs) to(code string) bool {
	return slices.ContainsFunc(p, func(pair languagePair) bool { return pair.to == code })
}

// source returns the language from which a text is most likely to be translated into `to`: the usual one, else the only
// one from which it can be, else none.
func (p languagePairs) source(to, usual string) string {
	var sources []string
	for _, pair := range p {
		if pair.to == to {
			sources = append(sources, pair.from)
		}
	}
	switch {
	case slices.Contains(sources, usual):
		return usual
	case len(sources) == 1:
		return sources[0]
	}
	return ""
}

// check refuses what is not among the pairs, and names the language that is to blame. An empty `from` may be any.
func (p languagePairs) check(from, to string) error {
	switch {
	case len(p) == 0:
		return nil
	case !p.to(to):
		return errTarget()
	case from != "" && !p.from(from):
		return errSource()
	case from != "" && !slices.Contains(p, languagePair{from, to}):
		return errTarget()
	}
	return nil
}

func errTarget() error {
	return define.Invalid("to", "is a language into which this server can't translate this text", "服务器不支持将此文本翻译为该语言")
}

func errSource() error {
	return define.Invalid("from", "is a language from which this server can't translate", "服务器不支持翻译该语言的文本")
}
