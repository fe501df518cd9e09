package instant

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"parlor/define"
	"parlor/helper"
)

// number is an integer that clients send as a number or as the digits of one. What is none of both is 0, which nothing
// has as its number.
type number int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(text []byte) error {
	*n = 0
	digits := strings.Trim(string(text), `" `)
	if exact, err := strconv.ParseInt(digits, 10, 64); err == nil {
		*n = number(exact)
	} else if f, err := strconv.ParseFloat(digits, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		*n = number(f)
	}
	return nil
}

// token is a session's number, which clients send as a number or as the digits of one, or a token of the native API.
// Whatever else they send is kept as it stands, and is nobody's token.
type token string

// UnmarshalJSON implements json.Unmarshaler.
func (t *token) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte("null")) {
		*t = ""
		return nil
	}
	var s string
	if json.Unmarshal(text, &s) != nil {
		s = string(text)
	}
	*t = token(s)
	return nil
}

// truth is a flag that clients may send as a number, too. Anything else is refused: it would undo what is set.
type truth bool

// UnmarshalJSON implements json.Unmarshaler.
func (b *truth) UnmarshalJSON(text []byte) error {
	switch strings.Trim(string(text), `" `) {
	case "true", "True", "1":
		*b = true
	case "false", "False", "0":
		*b = false
	default:
		return &json.UnmarshalTypeError{Value: "value", Type: reflect.TypeFor[truth]()}
	}
	return nil
}

// given returns a flag that a client must send.
func (b *truth) given(field string) (bool, error) {
	if b == nil {
		return false, define.Invalid(field, "is needed", "为必填字段")
	}
	return bool(*b), nil
}

// decode reads the object that a client sends. Unknown fields are passed over, as the clients send some.
func decode(text []byte, v any) error {
	if !utf8.Valid(text) || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return define.ErrMalformed
	}
	if err := json.Unmarshal(text, v); err != nil {
		return helper.DecodeError(err)
	}
	return nil
}

// clock writes a moment in Unix milliseconds as the clients show it: in the server's own time zone.
func clock(at int64) string { return time.UnixMilli(at).Format(time.DateTime) }
