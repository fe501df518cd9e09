package value

import (
	"encoding/binary"
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Int32 makes an int.
func Int32(n int32) bson.RawValue {
	return bson.RawValue{Type: bson.TypeInt32, Value: binary.LittleEndian.AppendUint32(nil, uint32(n))}
}

// Int64 makes a long.
func Int64(n int64) bson.RawValue {
	return bson.RawValue{Type: bson.TypeInt64, Value: binary.LittleEndian.AppendUint64(nil, uint64(n))}
}

// Double makes a double.
func Double(f float64) bson.RawValue {
	return bson.RawValue{Type: bson.TypeDouble, Value: binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))}
}

// Decimal makes a decimal128.
func Decimal(d bson.Decimal128) bson.RawValue {
	high, low := d.GetBytes()
	return bson.RawValue{Type: bson.TypeDecimal128,
		Value: binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, low), high)}
}
