package expr

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// accumulated gives what an accumulator goes over: its arguments, or the
// elements of a single one that is an array.
func accumulated(args []bson.RawValue) []bson.RawValue {
	if len(args) == 1 && isArray(args[0]) {
		return collect(args[0])
	}
	return args
}

func sum(_ string, args []bson.RawValue) (bson.RawValue, error) {
	var total value.Sum
	for _, v := range accumulated(args) {
		total.Add(v)
	}
	return total.Result(), nil
}

func avg(_ string, args []bson.RawValue) (bson.RawValue, error) {
	var total value.Sum
	for _, v := range accumulated(args) {
		total.Add(v)
	}
	return total.Average(), nil
}

func minimum(_ string, args []bson.RawValue) (bson.RawValue, error) { return extreme(args, -1), nil }

func maximum(_ string, args []bson.RawValue) (bson.RawValue, error) { return extreme(args, 1), nil }

func extreme(args []bson.RawValue, sign int) bson.RawValue {
	best := value.Null
	for _, v := range accumulated(args) {
		if !nullish(v) && (nullish(best) || value.Compare(v, best)*sign > 0) {
			best = v
		}
	}
	return best
}

func stdDevPop(_ string, args []bson.RawValue) (bson.RawValue, error) {
	squares, count := deviations(args)
	if count == 0 {
		return value.Null, nil
	}
	return value.Double(math.Sqrt(squares / float64(count))), nil
}

func stdDevSamp(_ string, args []bson.RawValue) (bson.RawValue, error) {
	squares, count := deviations(args)
	if count < 2 {
		return value.Null, nil
	}
	return value.Double(math.Sqrt(squares / float64(count-1))), nil
}

// deviations adds up the squares of the numbers' distances from their mean,
// by Welford's method.
func deviations(args []bson.RawValue) (squares float64, count int) {
	mean := 0.0
	for _, v := range accumulated(args) {
		if !value.IsNumber(v) {
			continue
		}
		count++
		f := value.Float(v)
		delta := f - mean
		mean += delta / float64(count)
		squares += delta * (f - mean)
	}
	return squares, count
}
