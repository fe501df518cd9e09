package embedded

import (
	"bytes"
	"context"
	"math"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// operand is what $group reads of a document: a field or a constant.
type operand struct {
	path     []string // nil for a constant
	constant bson.RawValue
}

func parseOperand(v bson.RawValue) (operand, error) {
	if s, ok := v.StringValueOK(); ok && strings.HasPrefix(s, "$") {
		if strings.HasPrefix(s, "$$") || s == "$" {
			return operand{}, mongoerr.NotImplemented.Errorf("the expression %q is not supported", s)
		}
		return operand{path: strings.Split(s[1:], ".")}, nil
	}
	if v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray {
		return operand{}, mongoerr.NotImplemented.Errorf("expressions in $group are not supported: %s", v)
	}
	return operand{constant: keep(v)}, nil
}

// of evaluates the operand; the value is zero where the field is missing.
func (o operand) of(doc bson.Raw) bson.RawValue {
	if o.path == nil {
		return o.constant
	}
	return pathValue(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}, o.path)
}

// pathValue follows a path as expressions do: through an array it gives the array
// of what its elements have there.
func pathValue(v bson.RawValue, path []string) bson.RawValue {
	if len(path) == 0 {
		return v
	}
	if doc, ok := v.DocumentOK(); ok {
		inner, err := doc.LookupErr(path[0])
		if err != nil {
			return bson.RawValue{}
		}
		return pathValue(inner, path[1:])
	}
	list, ok := v.ArrayOK()
	if !ok {
		return bson.RawValue{}
	}
	items, err := list.Values()
	if err != nil {
		return bson.RawValue{}
	}
	var found []bson.RawValue
	for _, item := range items {
		if inner := pathValue(item, path); !inner.IsZero() {
			found = append(found, inner)
		}
	}
	return bson.RawValue{Type: bson.TypeArray, Value: arrayOf(found)}
}

func arrayOf(values []bson.RawValue) []byte {
	index, out := bsoncore.AppendArrayStart(nil)
	for i, v := range values {
		out = appendValue(out, strconv.Itoa(i), v)
	}
	return endDocument(out, index)
}

// accumulator gathers one field of a group.
type accumulator interface {
	// add takes the operand's value in one document; it is zero where missing.
	add(v bson.RawValue) error
	result() bson.RawValue
	size() int
}

type groupField struct {
	name    string
	operand operand
	start   func() accumulator
}

// grouping is a parsed $group.
type grouping struct {
	id     operand
	fields []groupField
}

func parseGroup(v bson.RawValue) (stage, error) {
	doc, ok := v.DocumentOK()
	if !ok {
		return nil, mongoerr.New(15947, "Location15947", "a group's fields must be specified in an object")
	}
	g := &grouping{}
	hasID := false
	err := eachField(doc, func(f field) (err error) {
		if f.name == "_id" {
			hasID = true
			g.id, err = parseOperand(f.v)
			return err
		}
		gf, err := parseGroupField(f)
		g.fields = append(g.fields, gf)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !hasID {
		return nil, mongoerr.New(15955, "Location15955", "a group specification must include an _id")
	}
	return func(from source) source { return &gatherSource{source: from, gather: g.gather} }, nil
}

func parseGroupField(f field) (groupField, error) {
	if strings.Contains(f.name, ".") {
		return groupField{}, mongoerr.New(40235, "Location40235", "The field name '%s' cannot contain '.'", f.name)
	}
	doc, ok := f.v.DocumentOK()
	if !ok {
		return groupField{}, mongoerr.New(40234, "Location40234", "The field '%s' must be an accumulator object", f.name)
	}
	elements, err := doc.Elements()
	if err != nil {
		return groupField{}, mongoerr.InvalidBSON.Errorf("%v", err)
	}
	if len(elements) != 1 {
		return groupField{}, mongoerr.New(40238, "Location40238", "The field '%s' must specify one accumulator", f.name)
	}
	start, ok := map[string]func() accumulator{
		"$sum":   func() accumulator { return &summing{} },
		"$first": func() accumulator { return &choosing{better: func(int) bool { return false }, missing: true} },
		"$last":  func() accumulator { return &choosing{better: func(int) bool { return true }, missing: true} },
		"$min":   func() accumulator { return &choosing{better: func(c int) bool { return c < 0 }} },
		"$max":   func() accumulator { return &choosing{better: func(c int) bool { return c > 0 }} },
		"$push":  func() accumulator { return &pushing{} },
	}[elements[0].Key()]
	if !ok {
		return groupField{}, mongoerr.New(15952, "Location15952", "unknown group operator '%s'", elements[0].Key())
	}
	o, err := parseOperand(elements[0].Value())
	return groupField{f.name, o, start}, err
}

type group struct {
	id     bson.RawValue
	fields []accumulator
}

func (g *grouping) gather(ctx context.Context, from source) ([]bson.Raw, error) {
	groups := map[string]*group{}
	var order []*group
	size := 0
	var key []byte
	for {
		doc, err := from.Next(ctx)
		if err != nil {
			return nil, err
		}
		if doc == nil {
			return g.documents(order), nil
		}
		id := g.id.of(doc)
		if id.IsZero() {
			id = value.Null
		}
		key = value.AppendKey(key[:0], id, false)
		have := groups[string(key)]
		if have == nil {
			have = g.start(id)
			groups[string(key)] = have
			order = append(order, have)
			size += 2*len(key) + 64
		}
		for i, f := range g.fields {
			before := have.fields[i].size()
			if err := have.fields[i].add(f.operand.of(doc)); err != nil {
				return nil, err
			}
			size += have.fields[i].size() - before
		}
		if size > maxStageBytes {
			return nil, stageMemory("$group")
		}
	}
}

func (g *grouping) start(id bson.RawValue) *group {
	next := &group{id: keep(id)}
	for _, f := range g.fields {
		next.fields = append(next.fields, f.start())
	}
	return next
}

func (g *grouping) documents(order []*group) []bson.Raw {
	docs := make([]bson.Raw, len(order))
	for i, have := range order {
		index, out := bsoncore.AppendDocumentStart(nil)
		out = appendValue(out, "_id", have.id)
		for j, f := range g.fields {
			out = appendValue(out, f.name, have.fields[j].result())
		}
		docs[i] = endDocument(out, index)
	}
	return docs
}

// summing is $sum: integers stay integers while they fit, anything with a double
// becomes one, and what isn't a number counts nothing.
type summing struct {
	whole    int64
	real     float64
	long     bool
	floating bool
}

func (s *summing) add(v bson.RawValue) error {
	switch v.Type {
	case bson.TypeDecimal128:
		return mongoerr.NotImplemented.Errorf("$sum of decimals is not supported")
	case bson.TypeDouble:
		s.toReal()
		s.real += v.Double()
	case bson.TypeInt32, bson.TypeInt64:
		n, _ := v.AsInt64OK()
		s.long = s.long || v.Type == bson.TypeInt64
		sum := s.whole + n
		if !s.floating && (sum > s.whole) == (n > 0) {
			s.whole = sum
			return nil
		}
		s.toReal()
		s.real += float64(n)
	}
	return nil
}

func (s *summing) toReal() {
	if !s.floating {
		s.real, s.floating = float64(s.whole), true
	}
}

func (s *summing) result() bson.RawValue {
	switch {
	case s.floating:
		return bson.RawValue{Type: bson.TypeDouble, Value: bsoncore.AppendDouble(nil, s.real)}
	case s.long || s.whole > math.MaxInt32 || s.whole < math.MinInt32:
		return bson.RawValue{Type: bson.TypeInt64, Value: bsoncore.AppendInt64(nil, s.whole)}
	}
	return bson.RawValue{Type: bson.TypeInt32, Value: bsoncore.AppendInt32(nil, int32(s.whole))}
}

func (s *summing) size() int { return 0 }

// choosing keeps one of the values: the first, last, least or greatest.
type choosing struct {
	better func(order int) bool
	// missing counts a missing field as null; otherwise null and missing are left out.
	missing bool
	have    bool
	v       bson.RawValue
}

func (c *choosing) add(v bson.RawValue) error {
	if v.IsZero() {
		v = value.Null
	}
	if !c.missing && v.Type == bson.TypeNull {
		return nil
	}
	if !c.have || c.better(value.Compare(v, c.result())) {
		c.v, c.have = bson.RawValue{Type: v.Type, Value: bytes.Clone(v.Value)}, true
	}
	return nil
}

func (c *choosing) result() bson.RawValue {
	if !c.have {
		return value.Null
	}
	return c.v
}

func (c *choosing) size() int { return len(c.v.Value) }

// pushing is $push.
type pushing struct {
	values []bson.RawValue
	bytes  int
}

func (p *pushing) add(v bson.RawValue) error {
	if !v.IsZero() {
		p.values = append(p.values, keep(v))
		p.bytes += len(v.Value) + 32
	}
	return nil
}

func (p *pushing) result() bson.RawValue {
	return bson.RawValue{Type: bson.TypeArray, Value: arrayOf(p.values)}
}

func (p *pushing) size() int { return p.bytes }
