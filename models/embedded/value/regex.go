package value

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// RegexFlagError is an option that MongoDB's regular expressions don't have.
type RegexFlagError struct{ Flag rune }

func (e *RegexFlagError) Error() string { return fmt.Sprintf("invalid flag %c", e.Flag) }

// CompileRegex compiles a pattern of PCRE with MongoDB's options i, m, s, x and
// u. What RE2 has no way to say fails; another option gives a *RegexFlagError.
func CompileRegex(pattern, options string) (*regexp.Regexp, error) {
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
			return nil, &RegexFlagError{option}
		}
	}
	return compileLikePCRE(source, flags)
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
