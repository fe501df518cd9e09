package expr

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

func bitAnd(name string, args []bson.RawValue) (bson.RawValue, error) {
	return foldBits(name, args, -1, func(a, b int64) int64 { return a & b })
}

func bitOr(name string, args []bson.RawValue) (bson.RawValue, error) {
	return foldBits(name, args, 0, func(a, b int64) int64 { return a | b })
}

func bitXor(name string, args []bson.RawValue) (bson.RawValue, error) {
	return foldBits(name, args, 0, func(a, b int64) int64 { return a ^ b })
}

func foldBits(name string, args []bson.RawValue, start int64, combine func(a, b int64) int64) (bson.RawValue, error) {
	result, long := start, false
	for _, v := range args {
		switch v.Type {
		case bson.TypeInt32, bson.TypeInt64:
			long = long || v.Type == bson.TypeInt64
			result = combine(result, v.AsInt64())
		case 0, bson.TypeNull, bson.TypeUndefined:
			return value.Null, nil
		default:
			return bson.RawValue{}, mongoerr.TypeMismatch.Errorf("%s only supports int and long operands.", name)
		}
	}
	if long {
		return value.Int64(result), nil
	}
	return value.Int32(int32(result)), nil
}

func bitNot(_ string, v bson.RawValue) (bson.RawValue, error) {
	switch v.Type {
	case bson.TypeInt32:
		return value.Int32(^v.Int32()), nil
	case bson.TypeInt64:
		return value.Int64(^v.Int64()), nil
	}
	return bson.RawValue{}, mongoerr.TypeMismatch.Errorf("$bitNot only supports int and long, not: %s.", typeName(v))
}
