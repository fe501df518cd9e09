package expr

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $regexFind, $regexFindAll and $regexMatch.
const (
	regexNoObject      mongoerr.Code = 51103
	regexUnknown       mongoerr.Code = 31024
	regexNoInput       mongoerr.Code = 31022
	regexNoRegex       mongoerr.Code = 31023
	regexInputType     mongoerr.Code = 51104
	regexType          mongoerr.Code = 51105
	regexOptionsType   mongoerr.Code = 51106
	regexOptionsTwice  mongoerr.Code = 51107
	regexBadOption     mongoerr.Code = 51108
	regexHasNul        mongoerr.Code = 51109
	regexOptionsHasNul mongoerr.Code = 51110
	regexInvalid       mongoerr.Code = 51111
)

// search does one of the operators; re is nil where input or regex was null.
type search func(re *regexp.Regexp, text string) bson.RawValue

func parseRegex(find search) operator {
	return func(p *parser, name string, v bson.RawValue) (node, error) {
		if !isObject(v) {
			return nil, regexNoObject.Errorf("%s expects an object of named arguments but found: %s", name, typeName(v))
		}
		unknown := func(arg string) error { return regexUnknown.Errorf("%s found an unknown argument: %s", name, arg) }
		args, err := p.named(v, unknown, "input", "regex", "options")
		switch {
		case err != nil:
			return nil, err
		case args["input"] == nil:
			return nil, regexNoInput.Errorf("%s requires 'input' parameter", name)
		case args["regex"] == nil:
			return nil, regexNoRegex.Errorf("%s requires 'regex' parameter", name)
		case args["options"] == nil:
			args["options"] = &constant{value.Null}
		}
		compile, err := regexCompiler(name, args["regex"], args["options"])
		return &call{name, []node{args["input"], args["regex"], args["options"]},
			func(_ string, args []bson.RawValue) (bson.RawValue, error) {
				if !nullish(args[0]) && !isString(args[0]) {
					return bson.RawValue{}, regexInputType.Errorf("%s needs 'input' to be of type string", name)
				}
				re, err := compile(args[1], args[2])
				if err != nil {
					return bson.RawValue{}, err
				}
				if nullish(args[0]) {
					re = nil
				}
				return find(re, textOf(args[0])), nil
			}}, err
	}
}

type regexCompile = func(pattern, options bson.RawValue) (*regexp.Regexp, error)

// regexCompiler compiles a constant expression once, others each time.
func regexCompiler(name string, regex, options node) (regexCompile, error) {
	each := func(pattern, options bson.RawValue) (*regexp.Regexp, error) {
		return compileRegex(name, pattern, options)
	}
	pattern, ok := constantOf(regex)
	flags, also := constantOf(options)
	if !ok || !also {
		return each, nil
	}
	re, err := each(pattern, flags)
	return func(_, _ bson.RawValue) (*regexp.Regexp, error) { return re, nil }, err
}

func compileRegex(name string, regex, options bson.RawValue) (*regexp.Regexp, error) {
	if !nullish(options) && !isString(options) {
		return nil, regexOptionsType.Errorf("%s needs 'options' to be of type string", name)
	}
	flags := textOf(options)
	var pattern string
	switch {
	case regex.Type == bson.TypeRegex:
		own := ""
		if pattern, own = regex.Regex(); own != "" && !nullish(options) {
			return nil, regexOptionsTwice.Errorf("%s: found regex option(s) specified in both 'regex' and 'option' fields", name)
		}
		flags += own
	case isString(regex):
		pattern = textOf(regex)
	case !nullish(regex):
		return nil, regexType.Errorf("%s needs 'regex' to be of type string or regex", name)
	}
	if strings.ContainsRune(pattern, 0) {
		return nil, regexHasNul.Errorf("%s: regular expression cannot contain an embedded null byte", name)
	}
	if strings.ContainsRune(flags, 0) {
		return nil, regexOptionsHasNul.Errorf("%s: regular expression options cannot contain an embedded null byte", name)
	}
	re, err := value.CompileRegex(pattern, flags)
	var flag *value.RegexFlagError
	switch {
	case errors.As(err, &flag):
		return nil, regexBadOption.Errorf("%s invalid flag in regex options: %c", name, flag.Flag)
	case err != nil:
		return nil, regexInvalid.Errorf("Invalid Regex in %s: %s", name, err)
	case nullish(regex):
		return nil, nil
	}
	return re, nil
}

func regexMatch(re *regexp.Regexp, text string) bson.RawValue {
	return boolValue(re != nil && re.MatchString(text))
}

func regexFind(re *regexp.Regexp, text string) bson.RawValue {
	if re == nil {
		return value.Null
	}
	found := re.FindStringSubmatchIndex(text)
	if found == nil {
		return value.Null
	}
	return matched(text, found, utf8.RuneCountInString(text[:found[0]]))
}

func regexFindAll(re *regexp.Regexp, text string) bson.RawValue {
	out := newArray()
	if re == nil {
		return out.value()
	}
	bytes, points := 0, 0
	for _, found := range re.FindAllStringSubmatchIndex(text, -1) {
		if found[0] == len(text) && len(text) > 0 {
			break // mongod does not look for an empty match at the very end
		}
		points += utf8.RuneCountInString(text[bytes:found[0]])
		bytes = found[0]
		out.add(matched(text, found, points))
	}
	return out.value()
}

// matched describes a match that starts at a code point's index.
func matched(text string, found []int, index int) bson.RawValue {
	captures := newArray()
	for i := 2; i < len(found); i += 2 {
		if found[i] < 0 {
			captures.add(value.Null)
			continue
		}
		captures.add(stringValue(text[found[i]:found[i+1]]))
	}
	out := newDocument()
	out.add("match", stringValue(text[found[0]:found[1]]))
	out.add("idx", value.Int32(int32(index)))
	out.add("captures", captures.value())
	return out.value()
}
