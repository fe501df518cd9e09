package expr

import (
	"bytes"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

const (
	undefinedVariable   mongoerr.Code = 17276
	unavailableVariable mongoerr.Code = 51144
	letReadsField       mongoerr.Code = 4890500
)

// Variables are the variables in scope and their values. A *Variables is
// immutable; With and Let give a new one.
type Variables struct {
	outer *Variables
	name  string
	value bson.RawValue
}

// NewVariables gives the variables that every expression has, with $$NOW as now
// in milliseconds. $$ROOT, $$CURRENT and $$REMOVE always exist.
func NewVariables(now time.Time) *Variables {
	return &Variables{name: "NOW",
		value: bson.RawValue{Type: bson.TypeDateTime, Value: bsoncore.AppendDateTime(nil, now.UnixMilli())}}
}

// With adds a variable, or hides the one of that name. It keeps value's memory;
// the zero RawValue makes the variable missing.
func (v *Variables) With(name string, value bson.RawValue) *Variables {
	return &Variables{outer: v, name: name, value: value}
}

// Let adds the variables of a command's let. Their expressions are evaluated
// once, each with the variables before it; reading a field is refused as there
// is no document yet.
func (v *Variables) Let(doc bson.Raw) (*Variables, error) {
	it := value.Elements(doc)
	for {
		key, spec, ok := it.Next()
		if !ok {
			return v, nil
		}
		name := string(key)
		if err := checkWritable(name); err != nil {
			return nil, err
		}
		e, err := Parse(spec, v)
		if err != nil {
			return nil, err
		}
		if e.reads {
			return nil, letReadsField.Errorf("Command let Expression tried to access a field, but this is not allowed because command let expressions run before the query examines any documents.")
		}
		result, err := e.Eval(nil)
		if err != nil {
			return nil, err
		}
		v = v.With(name, bson.RawValue{Type: result.Type, Value: bytes.Clone(result.Value)})
	}
}

func (v *Variables) lookup(name string) (bson.RawValue, bool) {
	for ; v != nil; v = v.outer {
		if v.name == name {
			return v.value, true
		}
	}
	return bson.RawValue{}, false
}

// checkWritable refuses the names that a user's variable can't have.
func checkWritable(name string) error {
	if name == "CURRENT" {
		return nil
	}
	if name == "" {
		return mongoerr.FailedToParse.Errorf("empty variable names are not allowed")
	}
	if c := name[0]; (c < 'a' || c > 'z') && c < 0x80 {
		return mongoerr.FailedToParse.Errorf("'%s' starts with an invalid character for a user variable name", name)
	}
	return checkVariableTail(name)
}

func checkReadable(name string) error {
	if name == "" {
		return mongoerr.FailedToParse.Errorf("empty variable names are not allowed")
	}
	if c := name[0] | 0x20; (c < 'a' || c > 'z') && name[0] < 0x80 {
		return mongoerr.FailedToParse.Errorf("'%s' starts with an invalid character for a variable name", name)
	}
	return checkVariableTail(name)
}

func checkVariableTail(name string) error {
	for i := 1; i < len(name); i++ {
		c := name[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '_' && c < 0x80 {
			return mongoerr.FailedToParse.Errorf("'%s' contains an invalid character for a variable name: '%c'", name, c)
		}
	}
	return nil
}
