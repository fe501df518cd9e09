package expr

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about the operators on objects.
const (
	mergeNoObject        mongoerr.Code = 40400
	bsonSizeNoObject     mongoerr.Code = 31393
	getFieldUnknown      mongoerr.Code = 3041701
	getFieldNoField      mongoerr.Code = 3041702
	getFieldNoInput      mongoerr.Code = 3041703
	getFieldPath         mongoerr.Code = 5654600
	getFieldNotConstant  mongoerr.Code = 5654601
	getFieldNoString     mongoerr.Code = 5654602
	setFieldNoObject     mongoerr.Code = 4161100
	setFieldUnknown      mongoerr.Code = 4161101
	setFieldNoField      mongoerr.Code = 4161102
	setFieldNoValue      mongoerr.Code = 4161103
	setFieldNoInput      mongoerr.Code = 4161109
	setFieldInputType    mongoerr.Code = 4161105
	setFieldNotConstant  mongoerr.Code = 4161106
	setFieldNameNoString mongoerr.Code = 4161107
	setFieldPath         mongoerr.Code = 4161108
)

// fieldList gathers fields by name: the first place of a name, its last value.
type fieldList struct {
	names  []string
	values []bson.RawValue
	at     map[string]int
}

func newFieldList() *fieldList { return &fieldList{at: map[string]int{}} }

func (l *fieldList) set(name string, v bson.RawValue) {
	if i, have := l.at[name]; have {
		l.values[i] = v
		return
	}
	l.at[name] = len(l.names)
	l.names, l.values = append(l.names, name), append(l.values, v)
}

func (l *fieldList) value() bson.RawValue {
	out := newDocument()
	for i, name := range l.names {
		if !value.Missing(l.values[i]) {
			out.add(name, l.values[i])
		}
	}
	return out.value()
}

// mergeObjects takes objects, or an array of them as the only argument.
func mergeObjects(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if len(args) == 1 && isArray(args[0]) {
		args = collect(args[0])
	}
	out := newFieldList()
	for _, v := range args {
		if nullish(v) {
			continue
		}
		if !isObject(v) {
			return bson.RawValue{}, mergeNoObject.Errorf("$mergeObjects requires object inputs, but input %s is of type %s", showValue(v), typeName(v))
		}
		for name, field := range fields(v.Value) {
			out.set(name, field)
		}
	}
	return out.value(), nil
}

func bsonSize(_ string, args []bson.RawValue) (bson.RawValue, error) {
	if nullish(args[0]) {
		return value.Null, nil
	}
	if !isObject(args[0]) {
		return bson.RawValue{}, bsonSizeNoObject.Errorf("$bsonSize requires a document input, found: %s", typeName(args[0]))
	}
	return value.Int32(int32(len(args[0].Value))), nil
}

func parseGetField(p *parser, name string, v bson.RawValue) (node, error) {
	field, input, err := p.getFieldArguments(name, v)
	if err != nil {
		return nil, err
	}
	label, err := constantName(name, field, getFieldPath, getFieldNotConstant, getFieldNoString)
	return nodeFunc(func(s *scope) (bson.RawValue, error) {
		from, err := input.eval(s)
		switch {
		case err != nil:
			return from, err
		case isObject(from):
			return value.Field(from.Value, label), nil
		case nullish(from) && !value.Missing(from):
			return value.Null, nil
		}
		return bson.RawValue{}, nil
	}), err
}

// getFieldArguments reads {field: …, input: …}, or the field alone.
func (p *parser) getFieldArguments(name string, v bson.RawValue) (field, input node, err error) {
	it := value.Elements(v.Value)
	key, _, ok := it.Next()
	if !isObject(v) || ok && len(key) > 0 && key[0] == '$' {
		if field, err = p.operand(v); err != nil {
			return nil, nil, err
		}
		input, err = p.path("CURRENT", nil)
		return field, input, err
	}
	unknown := func(arg string) error { return getFieldUnknown.Errorf("%s found an unknown argument: %s", name, arg) }
	args, err := p.named(v, unknown, "field", "input")
	switch {
	case err != nil:
		return nil, nil, err
	case args["field"] == nil:
		return nil, nil, getFieldNoField.Errorf("%s requires 'field' to be specified", name)
	case args["input"] == nil:
		return nil, nil, getFieldNoInput.Errorf("%s requires 'input' to be specified", name)
	}
	return args["field"], args["input"], nil
}

// constantName gives the field name that an operator needs as a constant.
func constantName(name string, field node, isPath, notConstant, noString mongoerr.Code) (string, error) {
	if path, ok := field.(*fieldPath); ok {
		return "", isPath.Errorf("'$%s' is a field path reference which is not allowed in this context. Did you mean {$literal: '$%s'}?", path, path)
	}
	v, ok := constantOf(field)
	if !ok {
		return "", notConstant.Errorf("%s requires 'field' to evaluate to a constant, but got a non-constant argument", name)
	}
	label, ok := v.StringValueOK()
	if !ok {
		return "", noString.Errorf("%s requires 'field' to evaluate to type String, but got %s", name, typeName(v))
	}
	if strings.Contains(label, "\x00") {
		return "", nulFieldName.Errorf("FieldPath field names may not contain '\\0'.")
	}
	return label, nil
}

// parseSetField parses $setField, and $unsetField, which sets nothing.
func parseSetField(p *parser, name string, v bson.RawValue) (node, error) {
	if !isObject(v) {
		return nil, setFieldNoObject.Errorf("%s only supports an object as its argument", name)
	}
	unknown := func(arg string) error { return setFieldUnknown.Errorf("%s found an unknown argument: %s", name, arg) }
	names := []string{"field", "input", "value"}
	if name == "$unsetField" {
		names = names[:2]
	}
	args, err := p.named(v, unknown, names...)
	if err == nil && name == "$unsetField" {
		args["value"] = &constant{}
	}
	switch {
	case err != nil:
		return nil, err
	case args["field"] == nil:
		return nil, setFieldNoField.Errorf("%s requires 'field' to be specified", name)
	case args["value"] == nil:
		return nil, setFieldNoValue.Errorf("%s requires 'value' to be specified", name)
	case args["input"] == nil:
		return nil, setFieldNoInput.Errorf("%s requires 'input' to be specified", name)
	}
	label, err := constantName(name, args["field"], setFieldPath, setFieldNotConstant, setFieldNameNoString)
	return &call{name, []node{args["input"], args["value"]}, setNamed(label)}, err
}

func setNamed(label string) function {
	return func(_ string, args []bson.RawValue) (bson.RawValue, error) {
		if nullish(args[0]) {
			return value.Null, nil
		}
		if !isObject(args[0]) {
			return bson.RawValue{}, setFieldInputType.Errorf("$setField requires 'input' to evaluate to type Object")
		}
		out := newFieldList()
		for name, v := range fields(args[0].Value) {
			out.set(name, v)
		}
		out.set(label, args[1])
		return out.value(), nil
	}
}
