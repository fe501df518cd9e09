package expr

import (
	"strings"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about parts of texts.
const (
	substrStartType     mongoerr.Code = 16034
	substrLengthType    mongoerr.Code = 16035
	substrNegative      mongoerr.Code = 50752
	substrStartInside   mongoerr.Code = 28656
	substrEndInside     mongoerr.Code = 28657
	substrCPStartType   mongoerr.Code = 34450
	substrCPStartNoInt  mongoerr.Code = 34451
	substrCPLengthType  mongoerr.Code = 34452
	substrCPLengthNoInt mongoerr.Code = 34453
	substrCPLengthSign  mongoerr.Code = 34454
	substrCPStartSign   mongoerr.Code = 34455
	indexBytesFirst     mongoerr.Code = 40091
	indexBytesSecond    mongoerr.Code = 40092
	indexCPFirst        mongoerr.Code = 40093
	indexCPSecond       mongoerr.Code = 40094
	trimNoObject        mongoerr.Code = 50696
	trimUnknown         mongoerr.Code = 50694
	trimNoInput         mongoerr.Code = 50695
	trimInputType       mongoerr.Code = 50699
	trimCharsType       mongoerr.Code = 50700
)

func substrBytes(_ string, args []bson.RawValue) (bson.RawValue, error) {
	const name = "$substrBytes" // $substr is another name of it
	text, err := toText(args[0])
	if err != nil {
		return bson.RawValue{}, err
	}
	if !value.IsNumber(args[1]) {
		return bson.RawValue{}, substrStartType.Errorf("%s:  starting index must be a numeric type (is BSON type %s)", name, typeName(args[1]))
	}
	if !value.IsNumber(args[2]) {
		return bson.RawValue{}, substrLengthType.Errorf("%s:  length must be a numeric type (is BSON type %s)", name, typeName(args[2]))
	}
	start, count := value.TruncateInt64(args[1]), value.TruncateInt64(args[2])
	if start < 0 {
		return bson.RawValue{}, substrNegative.Errorf("%s:  starting index must be non-negative (got: %d)", name, start)
	}
	if start >= int64(len(text)) {
		return stringValue(""), nil
	}
	stop := int64(len(text))
	if count >= 0 && count < stop-start {
		stop = start + count
	}
	if !utf8.RuneStart(text[start]) {
		return bson.RawValue{}, substrStartInside.Errorf("%s:  Invalid range, starting index is a UTF-8 continuation byte.", name)
	}
	if stop < int64(len(text)) && !utf8.RuneStart(text[stop]) {
		return bson.RawValue{}, substrEndInside.Errorf("%s:  Invalid range, ending index is in the middle of a UTF-8 character.", name)
	}
	return stringValue(text[start:stop]), nil
}

func substrCP(name string, args []bson.RawValue) (bson.RawValue, error) {
	text, err := toText(args[0])
	if err != nil {
		return bson.RawValue{}, err
	}
	start, err := codePoints(name, "starting index", args[1], substrCPStartType, substrCPStartNoInt)
	if err != nil {
		return bson.RawValue{}, err
	}
	count, err := codePoints(name, "length", args[2], substrCPLengthType, substrCPLengthNoInt)
	if err != nil {
		return bson.RawValue{}, err
	}
	if count < 0 {
		return bson.RawValue{}, substrCPLengthSign.Errorf("%s: length must be a nonnegative integer.", name)
	}
	if start < 0 {
		return bson.RawValue{}, substrCPStartSign.Errorf("%s: the starting index must be nonnegative integer.", name)
	}
	text = text[byteIndex(text, start):]
	return stringValue(text[:byteIndex(text, count)]), nil
}

func codePoints(name, what string, v bson.RawValue, noNumber, noInt mongoerr.Code) (int, error) {
	if !value.IsNumber(v) {
		return 0, noNumber.Errorf("%s: %s must be a numeric type (is BSON type %s)", name, what, typeName(v))
	}
	n, ok := value.ExactInt32(v)
	if !ok {
		return 0, noInt.Errorf("%s: %s cannot be represented as a 32-bit integral value: %s", name, what, showValue(v))
	}
	return int(n), nil
}

// byteIndex gives where the code point of index n starts, at most the end.
func byteIndex(text string, n int) int {
	for i := range text {
		if n == 0 {
			return i
		}
		n--
	}
	return len(text)
}

func indexOfBytes(name string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) {
		return value.Null, nil
	}
	text, token, err := searched(name, args, indexBytesFirst, indexBytesSecond)
	if err != nil {
		return bson.RawValue{}, err
	}
	start, stop, err := searchRange(name, args, len(text))
	if err != nil || start > stop {
		return value.Int32(-1), err
	}
	at := strings.Index(text[start:stop], token)
	if at < 0 {
		return value.Int32(-1), nil
	}
	return value.Int32(int32(start + at)), nil
}

func indexOfCP(name string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) {
		return value.Null, nil
	}
	text, token, err := searched(name, args, indexCPFirst, indexCPSecond)
	if err != nil {
		return bson.RawValue{}, err
	}
	start, stop, err := searchRange(name, args, utf8.RuneCountInString(text))
	if err != nil || start > stop {
		return value.Int32(-1), err
	}
	if text == "" && token == "" {
		return value.Int32(0), nil
	}
	rest := text[byteIndex(text, start):]
	at := strings.Index(rest, token)
	if at < 0 {
		return value.Int32(-1), nil
	}
	// The end bounds where the token starts, not where it ends.
	if start += utf8.RuneCountInString(rest[:at]); start >= stop {
		return value.Int32(-1), nil
	}
	return value.Int32(int32(start)), nil
}

func searched(name string, args []bson.RawValue, first, second mongoerr.Code) (text, token string, err error) {
	if !isString(args[0]) {
		return "", "", first.Errorf("%s requires a string as the first argument, found: %s", name, typeName(args[0]))
	}
	if !isString(args[1]) {
		return "", "", second.Errorf("%s requires a string as the second argument, found: %s", name, typeName(args[1]))
	}
	return textOf(args[0]), textOf(args[1]), nil
}

// whiteSpace is what the trims cut by default.
const whiteSpace = "\x00 \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"

// parseTrim parses $trim, $ltrim and $rtrim.
func parseTrim(p *parser, name string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, trimNoObject.Errorf("%s only supports an object as an argument, found %s", name, typeName(v))
	}
	unknown := func(arg string) error { return trimUnknown.Errorf("%s found an unknown argument: %s", name, arg) }
	args, err := p.named(v, unknown, "input", "chars")
	if err != nil {
		return nil, err
	}
	if args["input"] == nil {
		return nil, trimNoInput.Errorf("%s requires an 'input' field", name)
	}
	if args["chars"] == nil {
		args["chars"] = &constant{stringValue(whiteSpace)}
	}
	return &call{name, []node{args["input"], args["chars"]}, trim}, nil
}

func trim(name string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) {
		return value.Null, nil
	}
	if !isString(args[0]) {
		return bson.RawValue{}, trimInputType.Errorf("%s requires its input to be a string, got %s (of type %s) instead.", name, showValue(args[0]), typeName(args[0]))
	}
	if nullish(args[1]) {
		return value.Null, nil
	}
	if !isString(args[1]) {
		return bson.RawValue{}, trimCharsType.Errorf("%s requires 'chars' to be a string, got %s (of type %s) instead.", name, showValue(args[1]), typeName(args[1]))
	}
	text, chars := textOf(args[0]), textOf(args[1])
	if name != "$rtrim" {
		text = strings.TrimLeft(text, chars)
	}
	if name != "$ltrim" {
		text = strings.TrimRight(text, chars)
	}
	return stringValue(text), nil
}
