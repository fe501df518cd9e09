package expr

import (
	"cmp"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// compare orders as value.Compare does, but a missing value comes below null
// and undefined rather than being equal to null.
func compare(a, b bson.RawValue) int {
	if value.Missing(a) || value.Missing(b) {
		return missingOrder(a, b)
	}
	return value.Compare(a, b)
}

func missingOrder(a, b bson.RawValue) int {
	if value.Missing(a) && b.Type == bson.TypeMinKey {
		return 1
	}
	if a.Type == bson.TypeMinKey && value.Missing(b) {
		return -1
	}
	return cmp.Compare(btoi(!value.Missing(a)), btoi(!value.Missing(b)))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func comparison(accept func(order int) bool) operator {
	return exactly(2, func(_ string, args []bson.RawValue) (bson.RawValue, error) {
		return boolValue(accept(compare(args[0], args[1]))), nil
	})
}

func cmpOf(_ string, args []bson.RawValue) (bson.RawValue, error) {
	return value.Int32(int32(compare(args[0], args[1]))), nil
}
