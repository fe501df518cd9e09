package query

import (
	"encoding/binary"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// modifier is what an update operator does to one field.
type modifier interface {
	// apply gives the new value of the field; the zero RawValue stands for no
	// field, before and after. A value identical to old means no change.
	apply(old bson.RawValue, run *updateRun) (bson.RawValue, error)
	// blocked says what to do where the path can't be followed.
	blocked() blocking
}

type blocking int

const (
	blockedCreate   blocking = iota // refuse: the field can't be created
	blockedTraverse                 // refuse: the path can't be traversed
	blockedIgnore                   // do nothing
)

// set is $set and $setOnInsert.
type set struct{ value bson.RawValue }

func parseSet(_ string, arg bson.RawValue) (modifier, error) { return &set{arg}, nil }

func (m *set) apply(bson.RawValue, *updateRun) (bson.RawValue, error) { return m.value, nil }
func (m *set) blocked() blocking                                      { return blockedCreate }

// unset is $unset.
type unset struct{}

func parseUnset(string, bson.RawValue) (modifier, error) { return unset{}, nil }

func (unset) apply(bson.RawValue, *updateRun) (bson.RawValue, error) { return bson.RawValue{}, nil }
func (unset) blocked() blocking                                      { return blockedIgnore }

// calculation is $inc and $mul.
type calculation struct {
	name    string
	compute func(a, b bson.RawValue) (result bson.RawValue, overflow bool)
	operand bson.RawValue
}

func parseInc(path string, arg bson.RawValue) (modifier, error) {
	if !value.IsNumber(arg) {
		return nil, mongoerr.TypeMismatch.Errorf("Cannot increment with non-numeric argument: %s", value.FormatElement(path, arg))
	}
	return &calculation{"$inc", value.Add, arg}, nil
}

func parseMul(path string, arg bson.RawValue) (modifier, error) {
	if !value.IsNumber(arg) {
		return nil, mongoerr.TypeMismatch.Errorf("Cannot multiply with non-numeric argument: %s", value.FormatElement(path, arg))
	}
	return &calculation{"$mul", value.Multiply, arg}, nil
}

func (m *calculation) apply(old bson.RawValue, run *updateRun) (bson.RawValue, error) {
	switch {
	case value.Missing(old) && m.name == "$inc":
		return m.operand, nil
	case value.Missing(old):
		old = value.Int32(0)
	case !value.IsNumber(old):
		return bson.RawValue{}, mongoerr.TypeMismatch.Errorf("Cannot apply %s to a value of non-numeric type. %s has the field '%s' of non-numeric type %s",
			m.name, run.id(), run.at(), value.TypeName(old.Type))
	}
	result, overflow := m.compute(old, m.operand)
	if overflow {
		return result, mongoerr.BadValue.Errorf("Failed to apply %s operations to current value ((NumberLong)%s) for document %s",
			m.name, value.Format(old), run.id())
	}
	return result, nil
}

func (m *calculation) blocked() blocking { return blockedCreate }

// extreme is $min (sign -1) and $max (sign 1).
type extreme struct {
	value bson.RawValue
	sign  int
}

func (m *extreme) apply(old bson.RawValue, _ *updateRun) (bson.RawValue, error) {
	if value.Missing(old) || value.Compare(m.value, old)*m.sign > 0 {
		return m.value, nil
	}
	return old, nil
}

func (m *extreme) blocked() blocking { return blockedCreate }

// currentDate is $currentDate.
type currentDate struct{ timestamp bool }

func parseCurrentDate(_ string, arg bson.RawValue) (modifier, error) {
	switch arg.Type {
	case bson.TypeBoolean:
		return &currentDate{}, nil
	case bson.TypeEmbeddedDocument:
		return parseCurrentDateType(arg)
	}
	return nil, mongoerr.BadValue.Errorf("%s is not valid type for $currentDate. Please use a boolean ('true') or a $type expression ({$type: 'timestamp/date'}).",
		value.TypeName(arg.Type))
}

func parseCurrentDateType(arg bson.RawValue) (modifier, error) {
	const required = "The '$type' string field is required to be 'date' or 'timestamp': {$currentDate: {field : {$type: 'date'}}}"
	m := &currentDate{}
	it := value.Elements(arg.Value)
	for n := 0; ; n++ {
		key, v, ok := it.Next()
		if !ok && n == 0 {
			return nil, mongoerr.BadValue.Errorf(required)
		}
		if !ok {
			return m, nil
		}
		if string(key) != "$type" {
			return nil, mongoerr.BadValue.Errorf("Unrecognized $currentDate option: %s", key)
		}
		name, _ := v.StringValueOK()
		if name != "date" && name != "timestamp" {
			return nil, mongoerr.BadValue.Errorf(required)
		}
		m.timestamp = name == "timestamp"
	}
}

func (m *currentDate) apply(_ bson.RawValue, run *updateRun) (bson.RawValue, error) {
	if m.timestamp {
		return timestampValue(run.now), nil
	}
	return bson.RawValue{Type: bson.TypeDateTime, Value: binary.LittleEndian.AppendUint64(nil, uint64(run.now.UnixMilli()))}, nil
}

func (m *currentDate) blocked() blocking { return blockedCreate }

func timestampValue(t time.Time) bson.RawValue {
	return bson.RawValue{Type: bson.TypeTimestamp, Value: binary.LittleEndian.AppendUint64(nil, uint64(t.Unix())<<32|1)}
}

// bitwise is $bit: operations in their order.
type bitwise struct{ steps []bitStep }

type bitStep struct {
	name    string
	operand bson.RawValue
}

func parseBit(path string, arg bson.RawValue) (modifier, error) {
	if arg.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.BadValue.Errorf("The $bit modifier is not compatible with a %s. You must pass in an embedded document: {$bit: {field: {and/or/xor: #}}",
			value.TypeName(arg.Type))
	}
	m := &bitwise{}
	it := value.Elements(arg.Value)
	for {
		key, v, ok := it.Next()
		if !ok {
			break
		}
		switch string(key) {
		case "and", "or", "xor":
		default:
			return nil, mongoerr.BadValue.Errorf("The $bit modifier only supports 'and', 'or', and 'xor', not '%s' which is an unknown operator: %s",
				key, value.FormatElement(string(key), v))
		}
		if !isInteger(v) {
			return nil, mongoerr.BadValue.Errorf("The $bit modifier field must be an Integer(32/64 bit); a '%s' is not supported here: %s",
				value.TypeName(v.Type), value.FormatElement(string(key), v))
		}
		m.steps = append(m.steps, bitStep{string(key), v})
	}
	if len(m.steps) == 0 {
		return nil, mongoerr.BadValue.Errorf("You must pass in at least one bitwise operation. The format is: {$bit: {field: {and/or/xor: #}}")
	}
	return m, nil
}

func isInteger(v bson.RawValue) bool { return v.Type == bson.TypeInt32 || v.Type == bson.TypeInt64 }

func (m *bitwise) apply(old bson.RawValue, run *updateRun) (bson.RawValue, error) {
	if value.Missing(old) {
		old = value.Int32(0)
	}
	if !isInteger(old) {
		return old, mongoerr.BadValue.Errorf("Cannot apply $bit to a value of non-integral type.%s has the field %s of non-integer type %s",
			run.id(), run.at(), value.TypeName(old.Type))
	}
	n, long := old.AsInt64(), old.Type == bson.TypeInt64
	for _, step := range m.steps {
		operand := step.operand.AsInt64()
		long = long || step.operand.Type == bson.TypeInt64
		switch step.name {
		case "and":
			n &= operand
		case "or":
			n |= operand
		case "xor":
			n ^= operand
		}
	}
	if long {
		return value.Int64(n), nil
	}
	return value.Int32(int32(n)), nil
}

func (m *bitwise) blocked() blocking { return blockedCreate }
