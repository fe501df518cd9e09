package expr

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

// operators parse each operator by its name.
var operators = map[string]operator{
	"$literal": literal,
	"$const":   literal,
	"$expr":    grouped,
	"$let":     parseLet,

	"$and": variadic(and),
	"$or":  variadic(or),
	"$not": exactly(1, not),

	"$cmp": exactly(2, cmpOf),
	"$eq":  comparison(func(c int) bool { return c == 0 }),
	"$ne":  comparison(func(c int) bool { return c != 0 }),
	"$gt":  comparison(func(c int) bool { return c > 0 }),
	"$gte": comparison(func(c int) bool { return c >= 0 }),
	"$lt":  comparison(func(c int) bool { return c < 0 }),
	"$lte": comparison(func(c int) bool { return c <= 0 }),

	"$cond":   parseCond,
	"$ifNull": parseIfNull,
	"$switch": parseSwitch,

	"$abs":      numeric(abs),
	"$add":      anyNumber(add),
	"$ceil":     numeric(ceil),
	"$divide":   exactly(2, divide),
	"$exp":      numeric(exp),
	"$floor":    numeric(floor),
	"$ln":       numeric(ln),
	"$log":      exactly(2, logarithm),
	"$log10":    numeric(log10),
	"$mod":      exactly(2, mod),
	"$multiply": anyNumber(multiply),
	"$pow":      exactly(2, pow),
	"$round":    between(1, 2, round),
	"$sqrt":     numeric(sqrt),
	"$subtract": exactly(2, subtract),
	"$trunc":    between(1, 2, trunc),
	"$bitAnd":   anyNumber(bitAnd),
	"$bitOr":    anyNumber(bitOr),
	"$bitXor":   anyNumber(bitXor),
	"$bitNot":   numeric(bitNot),

	"$sin":              numeric(sin),
	"$cos":              numeric(cos),
	"$tan":              numeric(tan),
	"$asin":             numeric(asin),
	"$acos":             numeric(acos),
	"$atan":             numeric(atan),
	"$atan2":            exactly(2, atan2),
	"$sinh":             numeric(sinh),
	"$cosh":             numeric(cosh),
	"$tanh":             numeric(tanh),
	"$asinh":            numeric(asinh),
	"$acosh":            numeric(acosh),
	"$atanh":            numeric(atanh),
	"$degreesToRadians": numeric(degreesToRadians),
	"$radiansToDegrees": numeric(radiansToDegrees),

	"$arrayElemAt":   exactly(2, arrayElemAt),
	"$arrayToObject": exactly(1, arrayToObject),
	"$concatArrays":  anyNumber(concatArrays),
	"$filter":        parseFilter,
	"$first":         exactly(1, first),
	"$firstN":        parseFirstN,
	"$in":            exactly(2, in),
	"$indexOfArray":  between(2, 4, indexOfArray),
	"$isArray":       exactly(1, isArrayOf),
	"$last":          exactly(1, last),
	"$lastN":         parseLastN,
	"$map":           parseMap,
	"$maxN":          parseMaxN,
	"$minN":          parseMinN,
	"$objectToArray": exactly(1, objectToArray),
	"$range":         between(2, 3, rangeOf),
	"$reduce":        parseReduce,
	"$reverseArray":  exactly(1, reverseArray),
	"$size":          exactly(1, size),
	"$slice":         between(2, 3, slice),
	"$sortArray":     parseSortArray,
	"$zip":           parseZip,

	"$allElementsTrue": exactly(1, allElementsTrue),
	"$anyElementTrue":  exactly(1, anyElementTrue),
	"$setDifference":   exactly(2, setDifference),
	"$setEquals":       parseSetEquals,
	"$setIntersection": anyNumber(setIntersection),
	"$setIsSubset":     exactly(2, setIsSubset),
	"$setUnion":        anyNumber(setUnion),

	"$binarySize":   exactly(1, binarySize),
	"$concat":       anyNumber(concat),
	"$indexOfBytes": between(2, 4, indexOfBytes),
	"$indexOfCP":    between(2, 4, indexOfCP),
	"$ltrim":        parseTrim,
	"$regexFind":    parseRegex(regexFind),
	"$regexFindAll": parseRegex(regexFindAll),
	"$regexMatch":   parseRegex(regexMatch),
	"$replaceAll":   parseReplace,
	"$replaceOne":   parseReplace,
	"$rtrim":        parseTrim,
	"$split":        exactly(2, split),
	"$strLenBytes":  exactly(1, strLenBytes),
	"$strLenCP":     exactly(1, strLenCP),
	"$strcasecmp":   exactly(2, strcasecmp),
	"$substr":       exactly(3, substrBytes),
	"$substrBytes":  exactly(3, substrBytes),
	"$substrCP":     exactly(3, substrCP),
	"$toLower":      exactly(1, toLower),
	"$toUpper":      exactly(1, toUpper),
	"$trim":         parseTrim,

	"$bsonSize":     exactly(1, bsonSize),
	"$getField":     parseGetField,
	"$mergeObjects": anyNumber(mergeObjects),
	"$setField":     parseSetField,
	"$unsetField":   parseSetField,

	"$convert":    parseConvert,
	"$isNumber":   exactly(1, isNumber),
	"$toBool":     conversion(bson.TypeBoolean),
	"$toDate":     conversion(bson.TypeDateTime),
	"$toDecimal":  conversion(bson.TypeDecimal128),
	"$toDouble":   conversion(bson.TypeDouble),
	"$toInt":      conversion(bson.TypeInt32),
	"$toLong":     conversion(bson.TypeInt64),
	"$toObjectId": conversion(bson.TypeObjectID),
	"$toString":   conversion(bson.TypeString),
	"$type":       exactly(1, typeOf),

	"$dateAdd":        parseDateAdd,
	"$dateDiff":       parseDateDiff,
	"$dateFromParts":  parseDateFromParts,
	"$dateFromString": parseDateFromString,
	"$dateSubtract":   parseDateAdd,
	"$dateToParts":    parseDateToParts,
	"$dateToString":   parseDateToString,
	"$dateTrunc":      parseDateTrunc,
	"$dayOfMonth":     datePart((*moment).dayOfMonth),
	"$dayOfWeek":      datePart((*moment).dayOfWeek),
	"$dayOfYear":      datePart((*moment).dayOfYear),
	"$hour":           datePart((*moment).hour),
	"$isoDayOfWeek":   datePart((*moment).isoDayOfWeek),
	"$isoWeek":        datePart((*moment).isoWeek),
	"$isoWeekYear":    datePart((*moment).isoWeekYear),
	"$millisecond":    datePart((*moment).millisecond),
	"$minute":         datePart((*moment).minute),
	"$month":          datePart((*moment).month),
	"$second":         datePart((*moment).second),
	"$week":           datePart((*moment).week),
	"$year":           datePart((*moment).year),
	"$tsIncrement":    exactly(1, tsIncrement),
	"$tsSecond":       exactly(1, tsSecond),

	"$avg":        anyNumber(avg),
	"$max":        anyNumber(maximum),
	"$min":        anyNumber(minimum),
	"$stdDevPop":  anyNumber(stdDevPop),
	"$stdDevSamp": anyNumber(stdDevSamp),
	"$sum":        anyNumber(sum),

	"$rand":        parseRand,
	"$meta":        refuseMeta,
	"$function":    refuseJavaScript,
	"$accumulator": refuseJavaScript,
}

// function computes the operator called name from the values of its arguments.
type function = func(name string, args []bson.RawValue) (bson.RawValue, error)

// exactly is an operator that takes n arguments.
func exactly(n int, apply function) operator {
	return func(p *parser, name string, v bson.RawValue) (node, error) {
		args, err := p.arguments(v)
		if err != nil {
			return nil, err
		}
		if len(args) != n {
			return nil, wrongArity.Errorf("Expression %s takes exactly %d arguments. %d were passed in.", name, n, len(args))
		}
		return &call{name, args, apply}, nil
	}
}

// between is an operator that takes from least to most arguments.
func between(least, most int, apply function) operator {
	return func(p *parser, name string, v bson.RawValue) (node, error) {
		args, err := p.arguments(v)
		if err != nil {
			return nil, err
		}
		if len(args) < least || len(args) > most {
			return nil, arityOutOfRange.Errorf("Expression %s takes at least %d arguments, and at most %d, but %d were passed in.", name, least, most, len(args))
		}
		return &call{name, args, apply}, nil
	}
}

// anyNumber is an operator that takes any number of arguments.
func anyNumber(apply function) operator {
	return func(p *parser, name string, v bson.RawValue) (node, error) {
		args, err := p.arguments(v)
		return &call{name, args, apply}, err
	}
}

// variadic is an operator that takes any number of arguments and evaluates
// them itself.
func variadic(build func(args []node) node) operator {
	return func(p *parser, _ string, v bson.RawValue) (node, error) {
		args, err := p.arguments(v)
		if err != nil {
			return nil, err
		}
		return build(args), nil
	}
}

func literal(_ *parser, _ string, v bson.RawValue) (node, error) { return constantNode(v), nil }

// grouped is $expr within an expression, which is its argument.
func grouped(p *parser, _ string, v bson.RawValue) (node, error) { return p.operand(v) }

// javaScriptDisabled is mongod's answer where its JavaScript engine is off.
const javaScriptDisabled mongoerr.Code = 31264

func refuseJavaScript(_ *parser, name string, _ bson.RawValue) (node, error) {
	if name == "$accumulator" {
		return nil, mongoerr.InvalidPipelineOperator.Errorf("Unrecognized expression '$accumulator'")
	}
	return nil, javaScriptDisabled.Errorf("Cannot run server-side javascript without the javascript engine enabled")
}
