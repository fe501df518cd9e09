package helper

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"parlor/define"
)

// DecodeJSON reads exactly one JSON value into v. Nothing at all reads as an empty object, so that validation names
// what is missing. An unknown field, a value of the wrong type and anything behind the value are refused with a
// define.Error of code `invalid` that names the field where there is one.
func DecodeJSON(data []byte, v any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}")
	}
	if !utf8.Valid(data) { // JSON is UTF-8 (RFC 8259); the decoder would store something else than was sent
		return define.ErrMalformed
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return DecodeError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return define.ErrMalformed
	}
	return nil
}

// DecodeError says what a decoder of JSON found wrong, as a define.Error: it names the field that is of a wrong type, or
// unknown. Anything else is define.ErrMalformed.
func DecodeError(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		field := jsonPath(wrongType.Field)
		if field == "" {
			return define.ErrMalformed.With(err)
		}
		return define.Invalid(field, "must be "+jsonType(wrongType), "类型不正确")
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return define.Invalid(strings.Trim(name, `"`), "is not a field of this request", "不是该请求的字段")
	}
	return define.ErrMalformed.With(err)
}

// jsonPath drops what stands in the path of a field for embedded structs: their Go names. Names in JSON are lower case.
func jsonPath(path string) string {
	parts := slices.DeleteFunc(strings.Split(path, "."), func(part string) bool {
		return part != "" && unicode.IsUpper(rune(part[0]))
	})
	return strings.Join(parts, ".")
}

func jsonType(e *json.UnmarshalTypeError) string {
	switch e.Type.Kind().String() {
	case "string":
		return "a string"
	case "bool":
		return "a boolean"
	case "slice", "array":
		return "a list"
	case "struct", "map":
		return "an object"
	default:
		return "a number"
	}
}
