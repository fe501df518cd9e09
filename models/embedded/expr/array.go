package expr

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about the operators on arrays.
const (
	elemAtNoArray      mongoerr.Code = 28689
	elemAtNotNumeric   mongoerr.Code = 28690
	elemAtNoInt        mongoerr.Code = 28691
	concatNoArray      mongoerr.Code = 28664
	sliceNoArray       mongoerr.Code = 28724
	sliceNotNumeric    mongoerr.Code = 28725
	sliceNoInt         mongoerr.Code = 28726
	sliceCountNoNumber mongoerr.Code = 28727
	sliceCountNoInt    mongoerr.Code = 28728
	sliceCountTooLow   mongoerr.Code = 28729
	inNoArray          mongoerr.Code = 40081
	indexOfNoArray     mongoerr.Code = 40090
	indexNoInt         mongoerr.Code = 40096
	indexNegative      mongoerr.Code = 40097
	sizeNoArray        mongoerr.Code = 17124
	reverseNoArray     mongoerr.Code = 34435
)

func isArrayOf(_ string, args []bson.RawValue) (bson.RawValue, error) {
	return boolValue(isArray(args[0])), nil
}

func arrayElemAt(name string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) || nullish(args[1]) {
		return value.Null, nil
	}
	if !isArray(args[0]) {
		return bson.RawValue{}, elemAtNoArray.Errorf("%s's first argument must be an array, but is %s", name, typeName(args[0]))
	}
	if !value.IsNumber(args[1]) {
		return bson.RawValue{}, elemAtNotNumeric.Errorf("%s's second argument must be a numeric value, but is %s", name, typeName(args[1]))
	}
	index, ok := value.ExactInt32(args[1])
	if !ok {
		return bson.RawValue{}, elemAtNoInt.Errorf("%s's second argument must be representable as a 32-bit integer: %s", name, showFloat(value.Float(args[1])))
	}
	return elementAt(args[0], int(index)), nil
}

func first(name string, args []bson.RawValue) (bson.RawValue, error) { return end(name, args[0], 0) }

func last(name string, args []bson.RawValue) (bson.RawValue, error) { return end(name, args[0], -1) }

func end(name string, array bson.RawValue, index int) (bson.RawValue, error) {
	if nullish(array) {
		return value.Null, nil
	}
	if !isArray(array) {
		return bson.RawValue{}, elemAtNoArray.Errorf("%s's argument must be an array, but is %s", name, typeName(array))
	}
	return elementAt(array, index), nil
}

// elementAt counts from the end if index is negative; it gives the zero value
// outside of the array.
func elementAt(array bson.RawValue, index int) bson.RawValue {
	if index < 0 {
		if index += length(array); index < 0 {
			return bson.RawValue{}
		}
	}
	for v := range elements(array) {
		if index == 0 {
			return v
		}
		index--
	}
	return bson.RawValue{}
}

func length(array bson.RawValue) int {
	n := 0
	for range elements(array) {
		n++
	}
	return n
}

func concatArrays(_ string, args []bson.RawValue) (bson.RawValue, error) {
	out := newArray()
	for _, v := range args {
		if nullish(v) {
			return value.Null, nil
		}
		if !isArray(v) {
			return bson.RawValue{}, concatNoArray.Errorf("$concatArrays only supports arrays, not %s", typeName(v))
		}
		for item := range elements(v) {
			out.add(item)
		}
	}
	return out.value(), nil
}

func size(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if !isArray(args[0]) {
		return bson.RawValue{}, sizeNoArray.Errorf("The argument to $size must be an array, but was of type: %s", typeName(args[0]))
	}
	return value.Int32(int32(length(args[0]))), nil
}

func reverseArray(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) {
		return value.Null, nil
	}
	if !isArray(args[0]) {
		return bson.RawValue{}, reverseNoArray.Errorf("The argument to $reverseArray must be an array, but was of type: %s", typeName(args[0]))
	}
	items := collect(args[0])
	slices.Reverse(items)
	return arrayOf(items), nil
}

func slice(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) || nullish(args[1]) {
		return value.Null, nil
	}
	if !isArray(args[0]) {
		return bson.RawValue{}, sliceNoArray.Errorf("First argument to $slice must be an array, but is of type: %s", typeName(args[0]))
	}
	if !value.IsNumber(args[1]) {
		return bson.RawValue{}, sliceNotNumeric.Errorf("Second argument to $slice must be a numeric value, but is of type: %s", typeName(args[1]))
	}
	n, ok := value.ExactInt32(args[1])
	if !ok {
		return bson.RawValue{}, sliceNoInt.Errorf("Second argument to $slice can't be represented as a 32-bit integer: %s", showFloat(value.Float(args[1])))
	}
	items := collect(args[0])
	if len(args) == 2 {
		if n >= 0 {
			return arrayOf(items[:min(int(n), len(items))]), nil
		}
		return arrayOf(items[max(0, len(items)+int(n)):]), nil
	}
	if nullish(args[2]) {
		return value.Null, nil
	}
	count, err := sliceCount(args[2])
	if err != nil {
		return bson.RawValue{}, err
	}
	start := min(int(n), len(items))
	if start < 0 {
		start = max(0, len(items)+start)
	}
	return arrayOf(items[start:min(start+count, len(items))]), nil
}

func sliceCount(v bson.RawValue) (int, error) {
	if !value.IsNumber(v) {
		return 0, sliceCountNoNumber.Errorf("Third argument to $slice must be numeric, but is of type: %s", typeName(v))
	}
	n, ok := value.ExactInt32(v)
	if !ok {
		return 0, sliceCountNoInt.Errorf("Third argument to $slice can't be represented as a 32-bit integer: %s", showFloat(value.Float(v)))
	}
	if n <= 0 {
		return 0, sliceCountTooLow.Errorf("Third argument to $slice must be positive: %d", n)
	}
	return int(n), nil
}

func in(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if !isArray(args[1]) {
		return bson.RawValue{}, inNoArray.Errorf("$in requires an array as a second argument, found: %s", typeName(args[1]))
	}
	for item := range elements(args[1]) {
		if compare(args[0], item) == 0 {
			return boolValue(true), nil
		}
	}
	return boolValue(false), nil
}

func indexOfArray(name string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) {
		return value.Null, nil
	}
	if !isArray(args[0]) {
		return bson.RawValue{}, indexOfNoArray.Errorf("$indexOfArray requires an array as a first argument, found: %s", typeName(args[0]))
	}
	items := collect(args[0])
	start, stop, err := searchRange(name, args, len(items))
	if err != nil {
		return bson.RawValue{}, err
	}
	for i := start; i < stop; i++ {
		if compare(items[i], args[1]) == 0 {
			return value.Int32(int32(i)), nil
		}
	}
	return value.Int32(-1), nil
}

// searchRange gives the bounds of a search from the third and fourth argument,
// the end limited to size.
func searchRange(name string, args []bson.RawValue, size int) (start, stop int, err error) {
	stop = size
	if len(args) > 2 {
		if start, err = position(name, "starting index", args[2]); err != nil {
			return 0, 0, err
		}
	}
	if len(args) > 3 {
		if stop, err = position(name, "ending index", args[3]); err != nil {
			return 0, 0, err
		}
	}
	return start, min(stop, size), nil
}

func position(name, what string, v bson.RawValue) (int, error) {
	n, ok := value.ExactInt32(v)
	if !ok { // the text lacks a space in mongod too
		return 0, indexNoInt.Errorf("%srequires an integral %s, found a value of type: %s, with value: %s", name, what, typeName(v), showValue(v))
	}
	if n < 0 {
		return 0, indexNegative.Errorf("%s requires a nonnegative %s, found: %d", name, what, n)
	}
	return int(n), nil
}
