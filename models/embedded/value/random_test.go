package value

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// raw gives v as a RawValue, the way a document holds it.
func raw(v any) bson.RawValue {
	doc, err := bson.Marshal(bson.D{{Key: "v", Value: v}})
	if err != nil {
		panic(err)
	}
	return bson.Raw(doc).Lookup("v")
}

func decimal(s string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		panic(err)
	}
	return d
}

// randomNumber prefers values that other types hold too, or nearly hold.
func randomNumber(r *rand.Rand) any {
	near := []float64{0, 1, 1 << 31, 1 << 53, 1 << 62, 1 << 63, 0.1, 1e15, 1e300, 5e-324}
	f := near[r.IntN(len(near))]
	if r.IntN(2) == 0 {
		f = -f
	}
	switch r.IntN(5) {
	case 0:
		return int32(r.IntN(7) - 3)
	case 1:
		if math.Abs(f) < 1<<62 {
			return int64(f) + int64(r.IntN(5)-2)
		}
		return int64(r.Uint64())
	case 2:
		special := []float64{f, math.Nextafter(f, math.Inf(1)), math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), r.NormFloat64()}
		return special[r.IntN(len(special))]
	case 3:
		return decimal(fmt.Sprint(int64(r.Uint64())) + "E" + fmt.Sprint(r.IntN(40)-20))
	}
	special := []string{"NaN", "Infinity", "-Infinity", "-0", "0E10", "0.1", "0.10", "1E6100", "-1E-6100", "9007199254740993",
		"1.000000000000000055511151231257827", "1E310", "1.0", "9223372036854775807", "9223372036854775808"}
	return decimal(special[r.IntN(len(special))])
}

func randomString(r *rand.Rand) string {
	return strings.Repeat([]string{"", "a", "b", "\x00", "a\x00", "é", "\x01"}[r.IntN(7)], r.IntN(3))
}

// randomValue gives a value of any BSON type, from small ranges so that equal
// and nearly equal pairs are common.
func randomValue(r *rand.Rand, depth int) any {
	kinds := 18
	if depth == 0 {
		kinds = 15
	}
	switch r.IntN(kinds) {
	case 0, 1, 2:
		return randomNumber(r)
	case 3:
		return randomString(r)
	case 4:
		return bson.Symbol(randomString(r))
	case 5:
		return r.IntN(2) == 0
	case 6:
		return time.UnixMilli(int64(r.IntN(5) - 2))
	case 7:
		return bson.Timestamp{T: uint32(r.IntN(3)), I: uint32(r.IntN(3))}
	case 8:
		return bson.ObjectID{11: byte(r.IntN(3))}
	case 9:
		return bson.Binary{Subtype: byte(r.IntN(3)), Data: []byte(randomString(r))}
	case 10:
		return bson.Regex{Pattern: strings.ReplaceAll(randomString(r), "\x00", ""), Options: []string{"", "i"}[r.IntN(2)]}
	case 11:
		return bson.JavaScript(randomString(r))
	case 12:
		return bson.CodeWithScope{Code: bson.JavaScript(randomString(r)), Scope: bson.D{{Key: "a", Value: int32(r.IntN(2))}}}
	case 13:
		return bson.DBPointer{DB: strings.ReplaceAll(randomString(r), "\x00", ""), Pointer: bson.ObjectID{0: byte(r.IntN(2))}}
	case 14:
		return []any{nil, bson.Undefined{}, bson.MinKey{}, bson.MaxKey{}}[r.IntN(4)]
	case 15:
		array := bson.A{}
		for range r.IntN(3) {
			array = append(array, randomValue(r, depth-1))
		}
		return array
	}
	doc := bson.D{}
	for range r.IntN(3) {
		doc = append(doc, bson.E{Key: []string{"", "a", "b", "aa"}[r.IntN(4)], Value: randomValue(r, depth-1)})
	}
	return doc
}
