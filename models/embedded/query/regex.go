package query

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $regex.
const (
	invalidRegex     mongoerr.Code = 51091
	regexHasNul      mongoerr.Code = 51109
	optionsHaveNul   mongoerr.Code = 51110
	invalidRegexFlag mongoerr.Code = 51108
)

// regex matches strings, symbols, and regular expressions that are the same.
// mongod runs PCRE2; what Go's RE2 has no way to say is refused.
type regex struct {
	pattern, options string
	compiled         *regexp.Regexp
}

func (c *regex) matches(v bson.RawValue) bool {
	switch v.Type {
	case bson.TypeString, bson.TypeSymbol:
		return c.compiled.Match(value.TextOf(v))
	case bson.TypeRegex:
		pattern, options := v.Regex()
		return pattern == c.pattern && options == c.options
	}
	return false
}

func compileRegex(pattern, options string) (*regex, error) {
	if strings.ContainsRune(pattern, 0) {
		return nil, regexHasNul.Errorf("Regular expression cannot contain an embedded null byte")
	}
	if strings.ContainsRune(options, 0) {
		return nil, optionsHaveNul.Errorf("Regular expression options string cannot contain an embedded null byte")
	}
	flags := syntax.Perl
	source := pattern
	for _, option := range options {
		switch option {
		case 'i':
			flags |= syntax.FoldCase
		case 'm':
			flags &^= syntax.OneLine
		case 's':
			flags |= syntax.DotNL
		case 'x':
			source = withoutComments(pattern)
		case 'u': // UTF-8, which is always on
		default:
			return nil, invalidRegexFlag.Errorf("invalid flag in regex options: %c", option)
		}
	}
	compiled, err := compileLikePCRE(source, flags)
	if err != nil {
		return nil, invalidRegex.Errorf("Regular expression is invalid: %s", err)
	}
	return &regex{pattern: pattern, options: options, compiled: compiled}, nil
}

// compileLikePCRE compiles so that $ also matches before a newline at the very
// end, as PCRE has it. \v means different things to RE2 and PCRE, hence no.
func compileLikePCRE(source string, flags syntax.Flags) (*regexp.Regexp, error) {
	if strings.Contains(strings.ReplaceAll(source, `\\`, ""), `\v`) {
		return nil, &syntax.Error{Code: syntax.ErrInvalidEscape, Expr: `\v`}
	}
	tree, err := syntax.Parse(source, flags)
	if err != nil {
		return nil, err
	}
	return regexp.Compile(dollarBeforeNewline(tree).String())
}

func dollarBeforeNewline(re *syntax.Regexp) *syntax.Regexp {
	if re.Op == syntax.OpEndText && re.Flags&syntax.WasDollar != 0 {
		newline := &syntax.Regexp{Op: syntax.OpLiteral, Rune: []rune{'\n'}}
		optional := &syntax.Regexp{Op: syntax.OpQuest, Sub: []*syntax.Regexp{newline}}
		end := &syntax.Regexp{Op: syntax.OpEndText}
		return &syntax.Regexp{Op: syntax.OpConcat, Sub: []*syntax.Regexp{optional, end}}
	}
	for i, sub := range re.Sub {
		re.Sub[i] = dollarBeforeNewline(sub)
	}
	return re
}

// withoutComments does what the option x asks for: outside of classes, white
// space and comments don't count.
func withoutComments(pattern string) string {
	var out strings.Builder
	class := false
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\\' && i+1 < len(pattern):
			out.WriteByte(c)
			i++
			c = pattern[i]
		case c == '[':
			class = true
		case c == ']':
			class = false
		case class:
		case strings.IndexByte(" \t\n\v\f\r", c) >= 0:
			continue
		case c == '#':
			end := strings.IndexByte(pattern[i:], '\n')
			if end < 0 {
				return out.String()
			}
			i += end
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}

// literalPrefix gives what every string that matches must start with, for
// patterns that are anchored and case-sensitive. Empty if there is none.
func (c *regex) literalPrefix() string {
	rest, anchored := strings.CutPrefix(c.pattern, "^")
	if !anchored || strings.Trim(c.options, "su") != "" || strings.ContainsRune(rest, '|') {
		return ""
	}
	end := strings.IndexAny(rest, `\.+*?()[]{}^$`)
	if end < 0 {
		return rest
	}
	// A quantifier may repeat the last character zero times.
	if strings.IndexByte("*?{", rest[end]) >= 0 {
		_, size := utf8.DecodeLastRuneInString(rest[:end])
		end -= size
	}
	return rest[:end]
}
