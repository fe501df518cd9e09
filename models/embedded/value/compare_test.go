package value

import (
	"fmt"
	"math"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// ascending is MongoDB's order of types and, within numbers, of values.
// Entries of one inner slice compare equal.
var ascending = [][]any{
	{bson.MinKey{}},
	{bson.Undefined{}},
	{nil},
	{math.NaN(), decimal("NaN")},
	{math.Inf(-1), decimal("-Infinity")},
	{decimal("-1E6100")},
	{-math.MaxFloat64},
	{int64(math.MinInt64), -float64(1 << 63), decimal("-9223372036854775808")},
	{int64(math.MinInt64 + 1)},
	{int64(-9007199254740993)},
	{int64(-9007199254740992), -9007199254740992.0},
	{int32(-1), int64(-1), -1.0, decimal("-1.00")},
	{decimal("-1E-6100")},
	{int32(0), int64(0), 0.0, math.Copysign(0, -1), decimal("-0"), decimal("0E100")},
	{decimal("1E-6100")},
	{5e-324},
	{decimal("0.1"), decimal("0.10")}, // the double 0.1 is a little more
	{0.1},
	{1.5, decimal("1.5")},
	{9007199254740992.0, int64(9007199254740992)},
	{int64(9007199254740993), decimal("9007199254740993")},
	{decimal("9007199254740993.5")},
	{int64(9007199254740994), 9007199254740994.0},
	{int64(math.MaxInt64), decimal("9223372036854775807")},
	{float64(1 << 63), decimal("9223372036854775808")},
	{math.MaxFloat64},
	{decimal("1E400")},
	{math.Inf(1), decimal("Infinity")},
	{""},
	{"a", bson.Symbol("a")},
	{"a\x00"},
	{"a\x00b"},
	{"ab"},
	{"b"},
	{bson.D{}},
	{bson.D{{Key: "a", Value: int32(1)}}, bson.D{{Key: "a", Value: 1.0}}},
	{bson.D{{Key: "a", Value: int32(1)}, {Key: "b", Value: int32(1)}}},
	{bson.D{{Key: "a", Value: int32(2)}}},
	{bson.D{{Key: "b", Value: int32(1)}}},
	{bson.D{{Key: "a", Value: "x"}}}, // the class counts before the name
	{bson.A{}},
	{bson.A{int32(1), int32(2)}},
	{bson.A{int32(2)}},
	{bson.Binary{Subtype: 9, Data: []byte("b")}},
	{bson.Binary{Data: []byte("aa")}},
	{bson.Binary{Subtype: 1, Data: []byte("aa")}},
	{bson.ObjectID{1}},
	{bson.ObjectID{2}},
	{false},
	{true},
	{time.UnixMilli(-5)},
	{time.UnixMilli(5)},
	{bson.Timestamp{T: 1, I: 9}},
	{bson.Timestamp{T: 2, I: 1}},
	{bson.Regex{Pattern: "a"}},
	{bson.Regex{Pattern: "a", Options: "i"}},
	{bson.DBPointer{DB: "x"}},
	{bson.JavaScript("x")},
	{bson.CodeWithScope{Code: "x", Scope: bson.D{}}},
	{bson.MaxKey{}},
}

func TestCompareAndKeysAgreeWithTheOrderOfMongoDB(t *testing.T) {
	t.Parallel()
	for i, left := range ascending {
		for j, right := range ascending {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			for _, a := range left {
				for _, b := range right {
					checkOrder(t, raw(a), raw(b), want)
				}
			}
		}
	}
}

func TestMissingEqualsNull(t *testing.T) {
	t.Parallel()
	checkOrder(t, bson.RawValue{}, Null, 0)
	checkOrder(t, Undefined, bson.RawValue{}, -1)
}

func TestFormat(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value any
		want  string
	}{
		{bson.D{{Key: "a", Value: int32(1)}, {Key: "b", Value: bson.A{"x", nil, true}}}, `{ a: 1, b: [ "x", null, true ] }`},
		{bson.D{}, "{ }"},
		{bson.A{}, "[]"},
		{5.0, "5.0"},
		{5.25, "5.25"},
		{int64(7), "7"},
		{bson.ObjectID{0xab}, "ObjectId('ab0000000000000000000000')"},
		{time.UnixMilli(12), "new Date(12)"},
		{bson.Timestamp{T: 3, I: 4}, "Timestamp(3, 4)"},
		{bson.Regex{Pattern: "a", Options: "i"}, "/a/i"},
		{bson.Binary{Subtype: 4, Data: []byte{1, 0xff}}, "BinData(4, 01ff)"},
		{bson.MinKey{}, "MinKey"},
	}
	for _, test := range tests {
		if got := Format(raw(test.value)); got != test.want {
			t.Errorf("Format(%v) = %s, want %s", test.value, got, test.want)
		}
	}
}

func TestTruthy(t *testing.T) {
	t.Parallel()
	for want, values := range map[bool][]any{
		true:  {true, int32(1), int64(-1), 0.5, decimal("1"), decimal("NaN"), "", bson.D{}, bson.A{}},
		false: {false, int32(0), int64(0), 0.0, decimal("0E5"), nil, bson.Undefined{}},
	} {
		for _, v := range values {
			if got := Truthy(raw(v)); got != want {
				t.Errorf("Truthy(%s) = %v", fmt.Sprint(v), got)
			}
		}
	}
}
