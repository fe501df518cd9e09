package expr

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $objectToArray and $arrayToObject.
const (
	toArrayNoObject   mongoerr.Code = 40390
	toObjectNoArray   mongoerr.Code = 40386
	toObjectShape     mongoerr.Code = 40398
	pairNoArray       mongoerr.Code = 40396
	pairSize          mongoerr.Code = 40397
	pairKeyNoString   mongoerr.Code = 40395
	pairKeyHasNul     mongoerr.Code = 4940400
	pairNoObject      mongoerr.Code = 40391
	objectPairSize    mongoerr.Code = 40392
	objectPairKeys    mongoerr.Code = 40393
	objectKeyNoString mongoerr.Code = 40394
	objectKeyHasNul   mongoerr.Code = 4940401
)

func objectToArray(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) {
		return value.Null, nil
	}
	if !isObject(args[0]) {
		return bson.RawValue{}, toArrayNoObject.Errorf("$objectToArray requires a document input, found: %s", typeName(args[0]))
	}
	out := newArray()
	for name, v := range fields(args[0].Value) {
		pair := newDocument()
		pair.add("k", stringValue(name))
		pair.add("v", v)
		out.add(pair.value())
	}
	return out.value(), nil
}

func arrayToObject(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) {
		return value.Null, nil
	}
	if !isArray(args[0]) {
		return bson.RawValue{}, toObjectNoArray.Errorf("$arrayToObject requires an array input, found: %s", typeName(args[0]))
	}
	out := newFieldList()
	var shape bson.Type
	for pair := range elements(args[0]) {
		if shape == 0 {
			shape = pair.Type
		}
		name, v, err := keyAndValue(shape, pair)
		if err != nil {
			return bson.RawValue{}, err
		}
		out.set(name, v)
	}
	return out.value(), nil
}

// keyAndValue reads a pair of the shape that the first one has.
func keyAndValue(shape bson.Type, pair bson.RawValue) (string, bson.RawValue, error) {
	switch {
	case shape == bson.TypeArray && isArray(pair):
		return arrayPair(collect(pair))
	case shape == bson.TypeArray:
		return "", pair, pairNoArray.Errorf("$arrayToObject requires a consistent input format. Elements mustall be arrays or all be objects. Array was detected, now found: %s", typeName(pair))
	case shape == bson.TypeEmbeddedDocument && isObject(pair):
		return objectPair(pair)
	case shape == bson.TypeEmbeddedDocument:
		return "", pair, pairNoObject.Errorf("$arrayToObject requires a consistent input format. Elements mustall be arrays or all be objects. Object was detected, now found: %s", typeName(pair))
	}
	return "", pair, toObjectShape.Errorf("Unrecognised input type format for $arrayToObject: %s", value.TypeName(shape))
}

func arrayPair(items []bson.RawValue) (string, bson.RawValue, error) {
	if len(items) != 2 {
		return "", bson.RawValue{}, pairSize.Errorf("$arrayToObject requires an array of size 2 arrays,found array of size: %d", len(items))
	}
	name, ok := items[0].StringValueOK()
	if !ok {
		return "", bson.RawValue{}, pairKeyNoString.Errorf("$arrayToObject requires an array of key-value pairs, where the key must be of type string. Found key type: %s", typeName(items[0]))
	}
	if strings.ContainsRune(name, 0) {
		return "", bson.RawValue{}, pairKeyHasNul.Errorf("Key field cannot contain an embedded null byte")
	}
	return name, items[1], nil
}

func objectPair(pair bson.RawValue) (string, bson.RawValue, error) {
	count := 0
	for range fields(pair.Value) {
		count++
	}
	if count != 2 {
		return "", pair, objectPairSize.Errorf("$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of keys:%d", count)
	}
	key, v := value.Field(pair.Value, "k"), value.Field(pair.Value, "v")
	if value.Missing(key) || value.Missing(v) {
		return "", pair, objectPairKeys.Errorf("$arrayToObject requires an object with keys 'k' and 'v'. Missing either or both keys from: %s", showValue(pair))
	}
	name, ok := key.StringValueOK()
	if !ok {
		return "", pair, objectKeyNoString.Errorf("$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' must be of type string. Found type: %s", typeName(key))
	}
	if strings.ContainsRune(name, 0) {
		return "", pair, objectKeyHasNul.Errorf("Key field cannot contain an embedded null byte")
	}
	return name, v, nil
}
