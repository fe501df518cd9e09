package expr

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/value"
)

// scope is the state of one evaluation.
type scope struct {
	root   bson.Raw
	locals []bson.RawValue // of $let, $map and the like, by slot
	stack  []bson.RawValue // arguments of the calls under way
	bytes  int             // produced so far, see produced
}

type node interface {
	eval(s *scope) (bson.RawValue, error)
}

type constant struct{ value bson.RawValue }

func (c *constant) eval(*scope) (bson.RawValue, error) { return c.value, nil }

func constantOf(n node) (bson.RawValue, bool) {
	if c, ok := n.(*constant); ok {
		return c.value, true
	}
	return bson.RawValue{}, false
}

// rootValue is $$ROOT.
type rootValue struct{}

func (rootValue) eval(s *scope) (bson.RawValue, error) { return documentValue(s.root), nil }

// local is a variable that an operator such as $let binds.
type local struct{ slot int }

func (l local) eval(s *scope) (bson.RawValue, error) { return s.locals[l.slot], nil }

// fieldPath reads a field of the document.
type fieldPath struct{ parts []string }

func (f *fieldPath) String() string { return strings.Join(f.parts, ".") }

func (f *fieldPath) eval(s *scope) (bson.RawValue, error) {
	return fieldOf(documentValue(s.root), f.parts), nil
}

// pathIn reads a field of what a variable holds.
type pathIn struct {
	of    node
	parts []string
}

func (p *pathIn) eval(s *scope) (bson.RawValue, error) {
	v, err := p.of.eval(s)
	if err != nil {
		return v, err
	}
	return fieldOf(v, p.parts), nil
}

// fieldOf follows a path as expressions do: through an array it gives the array
// of what the documents in it have there. Arrays in arrays are not entered.
func fieldOf(v bson.RawValue, parts []string) bson.RawValue {
	for i, part := range parts {
		switch v.Type {
		case bson.TypeEmbeddedDocument:
			v = value.Field(v.Value, part)
		case bson.TypeArray:
			return fieldOfEach(v, parts[i:])
		default:
			return bson.RawValue{}
		}
	}
	return v
}

func fieldOfEach(array bson.RawValue, parts []string) bson.RawValue {
	out := newArray()
	for item := range elements(array) {
		if item.Type != bson.TypeEmbeddedDocument {
			continue
		}
		if v := fieldOf(item, parts); !value.Missing(v) {
			out.add(v)
		}
	}
	return out.value()
}

// object is an object literal; missing values are left out.
type object struct {
	names  []string
	values []node
}

func (o *object) eval(s *scope) (bson.RawValue, error) {
	out := newDocument()
	for i, n := range o.values {
		v, err := n.eval(s)
		if err != nil {
			return v, err
		}
		if !value.Missing(v) {
			out.add(o.names[i], v)
		}
	}
	return s.produced(out.value())
}

// list is an array literal; a missing value becomes null.
type list struct{ values []node }

func (l *list) eval(s *scope) (bson.RawValue, error) {
	out := newArray()
	for _, n := range l.values {
		v, err := n.eval(s)
		if err != nil {
			return v, err
		}
		out.add(orNull(v))
	}
	return s.produced(out.value())
}

// call applies a function to the values of its arguments.
type call struct {
	name  string
	args  []node
	apply function
}

func (c *call) eval(s *scope) (bson.RawValue, error) {
	base := len(s.stack)
	for _, arg := range c.args {
		v, err := arg.eval(s)
		if err != nil {
			return v, err
		}
		s.stack = append(s.stack, v)
	}
	v, err := c.apply(c.name, s.stack[base:])
	s.stack = s.stack[:base]
	if err != nil {
		return bson.RawValue{}, err
	}
	return s.produced(v)
}

// nodeFunc is an operator that decides itself what it evaluates.
type nodeFunc func(s *scope) (bson.RawValue, error)

func (f nodeFunc) eval(s *scope) (bson.RawValue, error) { return f(s) }
