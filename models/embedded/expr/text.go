package expr

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about texts.
const (
	noStringOfType   mongoerr.Code = 16007
	concatNoString   mongoerr.Code = 16702
	splitFirst       mongoerr.Code = 40085
	splitSecond      mongoerr.Code = 40086
	splitNoSeparator mongoerr.Code = 40087
	strLenBytesType  mongoerr.Code = 34473
	strLenCPType     mongoerr.Code = 34471
	binarySizeType   mongoerr.Code = 51276
	replaceNoObject  mongoerr.Code = 51751
	replaceUnknown   mongoerr.Code = 51750
	replaceNoInput   mongoerr.Code = 51749
	replaceNoFind    mongoerr.Code = 51748
	replaceNoNew     mongoerr.Code = 51747
	replaceInputType mongoerr.Code = 51746
	replaceFindType  mongoerr.Code = 51745
	replaceNewType   mongoerr.Code = 51744
)

// isoFormat is how mongod writes a date where no format is given.
const isoFormat = "2006-01-02T15:04:05.000Z"

// showValue writes v as mongod streams it into texts, where doubles and dates
// look other than in its shell.
func showValue(v bson.RawValue) string {
	switch v.Type {
	case 0:
		return "MISSING"
	case bson.TypeDouble:
		return strings.Replace(fmt.Sprintf("%.6g", v.Double()), "+Inf", "inf", 1)
	case bson.TypeDateTime:
		return time.UnixMilli(v.DateTime()).UTC().Format(isoFormat)
	}
	return value.Format(v)
}

// toText converts as the operators do that take more than strings.
func toText(v bson.RawValue) (string, error) {
	switch v.Type {
	case 0, bson.TypeNull, bson.TypeUndefined:
		return "", nil
	case bson.TypeString, bson.TypeSymbol, bson.TypeJavaScript:
		return string(value.TextOf(v)), nil
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDecimal128:
		return value.Format(v), nil
	case bson.TypeDouble:
		return doubleText(v.Double()), nil
	case bson.TypeDateTime:
		return formatDate(isoDateFormat, newMoment(v.DateTime(), time.UTC))
	case bson.TypeTimestamp:
		t, i := v.Timestamp()
		return time.Unix(int64(t), 0).UTC().Format("Jan _2 15:04:05:") + fmt.Sprintf("%x", i), nil
	}
	return "", noStringOfType.Errorf("can't convert from BSON type %s to String", typeName(v))
}

func isString(v bson.RawValue) bool { return v.Type == bson.TypeString }

func textOf(v bson.RawValue) string { return string(value.TextOf(v)) }

func concat(_ string, args []bson.RawValue) (bson.RawValue, error) {
	var out strings.Builder
	for _, v := range args {
		if nullish(v) {
			return value.Null, nil
		}
		if !isString(v) {
			return bson.RawValue{}, concatNoString.Errorf("$concat only supports strings, not %s", typeName(v))
		}
		out.Write(value.TextOf(v))
	}
	return stringValue(out.String()), nil
}

func split(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) || nullish(args[1]) {
		return value.Null, nil
	}
	if !isString(args[0]) {
		return bson.RawValue{}, splitFirst.Errorf("$split requires an expression that evaluates to a string as a first argument, found: %s", typeName(args[0]))
	}
	if !isString(args[1]) {
		return bson.RawValue{}, splitSecond.Errorf("$split requires an expression that evaluates to a string as a second argument, found: %s", typeName(args[1]))
	}
	separator := textOf(args[1])
	if separator == "" {
		return bson.RawValue{}, splitNoSeparator.Errorf("$split requires a non-empty separator")
	}
	out := newArray()
	for part := range strings.SplitSeq(textOf(args[0]), separator) {
		out.add(stringValue(part))
	}
	return out.value(), nil
}

func strLenBytes(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if !isString(args[0]) {
		return bson.RawValue{}, strLenBytesType.Errorf("$strLenBytes requires a string argument, found: %s", typeName(args[0]))
	}
	return value.Int32(int32(len(value.TextOf(args[0])))), nil
}

func strLenCP(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if !isString(args[0]) {
		return bson.RawValue{}, strLenCPType.Errorf("$strLenCP requires a string argument, found: %s", typeName(args[0]))
	}
	return value.Int32(int32(utf8.RuneCount(value.TextOf(args[0])))), nil
}

func binarySize(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) {
		return value.Null, nil
	}
	if _, data, ok := args[0].BinaryOK(); ok {
		return value.Int32(int32(len(data))), nil
	}
	if !isString(args[0]) {
		return bson.RawValue{}, binarySizeType.Errorf("$binarySize requires a string or BinData argument, found: %s", typeName(args[0]))
	}
	return value.Int32(int32(len(value.TextOf(args[0])))), nil
}

func toLower(_ string, args []bson.RawValue) (bson.RawValue, error) {
	text, err := toText(args[0])
	return stringValue(mapASCII(text, 'A', 'Z', 'a'-'A')), err
}

func toUpper(_ string, args []bson.RawValue) (bson.RawValue, error) {
	text, err := toText(args[0])
	return stringValue(upperASCII(text)), err
}

func upperASCII(text string) string { return mapASCII(text, 'a', 'z', 'A'-'a') }

// mapASCII moves the bytes from low to high; other letters have no case for
// mongod.
func mapASCII(text string, low, high byte, by int) string {
	out := []byte(text)
	for i, c := range out {
		if c >= low && c <= high {
			out[i] = byte(int(c) + by)
		}
	}
	return string(out)
}

func strcasecmp(_ string, args []bson.RawValue) (bson.RawValue, error) {
	a, err := toText(args[0])
	if err != nil {
		return bson.RawValue{}, err
	}
	b, err := toText(args[1])
	return value.Int32(int32(strings.Compare(upperASCII(a), upperASCII(b)))), err
}

// parseReplace parses $replaceOne and $replaceAll.
func parseReplace(p *parser, name string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, replaceNoObject.Errorf("%s requires an object as an argument, found: %s", name, typeName(v))
	}
	unknown := func(arg string) error { return replaceUnknown.Errorf("%s found an unknown argument: %s", name, arg) }
	args, err := p.named(v, unknown, "input", "find", "replacement")
	switch {
	case err != nil:
		return nil, err
	case args["input"] == nil:
		return nil, replaceNoInput.Errorf("%s requires 'input' to be specified", name)
	case args["find"] == nil:
		return nil, replaceNoFind.Errorf("%s requires 'find' to be specified", name)
	case args["replacement"] == nil:
		return nil, replaceNoNew.Errorf("%s requires 'replacement' to be specified", name)
	}
	return &call{name, []node{args["input"], args["find"], args["replacement"]}, replace}, nil
}

func replace(name string, args []bson.RawValue) (bson.RawValue, error) {
	codes := []mongoerr.Code{replaceInputType, replaceFindType, replaceNewType}
	for i, what := range []string{"input", "find", "replacement"} {
		if !nullish(args[i]) && !isString(args[i]) {
			return bson.RawValue{}, codes[i].Errorf("%s requires that '%s' be a string, found: %s", name, what, showValue(args[i]))
		}
	}
	if nullish(args[0]) || nullish(args[1]) || nullish(args[2]) {
		return value.Null, nil
	}
	text, find, replacement := value.TextOf(args[0]), value.TextOf(args[1]), value.TextOf(args[2])
	count := bytes.Count(text, find)
	if len(find) == 0 {
		count = len(text) + 1
	}
	if len(text)+count*len(replacement) > maxBytes {
		return bson.RawValue{}, mongoerr.ExceededMemoryLimit.Errorf("%s would use too much memory", name)
	}
	if name == "$replaceOne" {
		return stringValue(string(bytes.Replace(text, find, replacement, 1))), nil
	}
	return stringValue(string(bytes.ReplaceAll(text, find, replacement))), nil
}
