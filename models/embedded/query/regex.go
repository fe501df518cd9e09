package query

import (
	"errors"
	"regexp"
	"strings"

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
	compiled, err := value.CompileRegex(pattern, options)
	var flag *value.RegexFlagError
	if errors.As(err, &flag) {
		return nil, invalidRegexFlag.Errorf("invalid flag in regex options: %c", flag.Flag)
	}
	if err != nil {
		return nil, invalidRegex.Errorf("Regular expression is invalid: %s", err)
	}
	return &regex{pattern: pattern, options: options, compiled: compiled}, nil
}
