package expr

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// parseNumber reads all of text as a number of the type to.
func parseNumber(text string, to bson.Type) (bson.RawValue, error) {
	if strings.HasPrefix(text, "0x") {
		return failed("Illegal hexadecimal input in $convert with no onError value: %s", text)
	}
	v, problem := numberOf(text, to)
	if problem != "" {
		return failed("Failed to parse number '%s' in $convert with no onError value: %s", text, problem)
	}
	return v, nil
}

// numberOf gives the number, or mongod's words for why text is none.
func numberOf(text string, to bson.Type) (v bson.RawValue, problem string) {
	if text == "" {
		return v, "Empty string"
	}
	switch to {
	case bson.TypeInt32:
		n, problem := parseInteger(text, 32)
		return value.Int32(int32(n)), problem
	case bson.TypeInt64:
		n, problem := parseInteger(text, 64)
		return value.Int64(n), problem
	case bson.TypeDouble:
		f, problem := parseDouble(text)
		return value.Double(f), problem
	}
	return parseDecimal(text)
}

func parseInteger(text string, bits int) (int64, string) {
	n, err := strconv.ParseInt(text, 10, bits)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, "Overflow"
	case err != nil && startsNumber(text):
		return 0, "Did not consume whole string."
	case err != nil:
		return 0, "Did not consume any digits"
	}
	return n, ""
}

func startsNumber(text string) bool {
	text = strings.TrimLeft(text, "+-")
	return text != "" && text[0] >= '0' && text[0] <= '9'
}

func parseDouble(text string) (float64, string) {
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, "Out of range"
	case err != nil && startsNumber(text):
		return 0, "Did not consume whole string."
	case err != nil || strings.ContainsAny(text, "_xXpP"):
		return math.NaN(), "Did not consume any digits"
	}
	return f, ""
}

func parseDecimal(text string) (bson.RawValue, string) {
	d, _, err := apd.NewFromString(text)
	if err != nil || d.Form == apd.NaNSignaling {
		return bson.RawValue{}, "Failed to parse string to decimal"
	}
	v := value.FromDecimal(d)
	if d.Form == apd.Finite && value.ToDecimal(v).Form != apd.Finite {
		return v, "Conversion from string to decimal would overflow"
	}
	return v, ""
}

func parseObjectID(text string) (bson.RawValue, error) {
	if len(text) != 24 {
		return failed("Failed to parse objectId '%s' in $convert with no onError value: Invalid string length for parsing to OID, expected 24 but found %d", text, len(text))
	}
	id, err := bson.ObjectIDFromHex(text)
	if err != nil {
		return failed("Failed to parse objectId '%s' in $convert with no onError value: Invalid character found in hex string", text)
	}
	return bson.RawValue{Type: bson.TypeObjectID, Value: id[:]}, nil
}
