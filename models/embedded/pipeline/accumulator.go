package pipeline

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// accumulation is a field of a $group: an accumulator and what it is fed with.
type accumulation struct {
	name     string
	argument *expr.Expression // nil where the accumulator takes none
	reads    bool             // documents are looked at
	// start makes the accumulator of one group.
	start func(id bson.RawValue) (accumulator, error)
}

// accumulator gathers one field of one group.
type accumulator interface {
	// add takes the argument's value for a document; it is zero where missing.
	add(doc bson.Raw, v bson.RawValue) error
	// result gives the field's value; the zero value stands for null.
	result() bson.RawValue
	// size is the bytes held, beyond a fixed amount.
	size() int
}

func parseAccumulation(p *parser, name string, v bson.RawValue) (accumulation, error) {
	it := value.Elements(v.Value)
	if v.Type != bson.TypeEmbeddedDocument {
		it = value.Iterator{}
	}
	key, argument, _ := it.Next()
	_, _, more := it.Next()
	switch {
	case len(key) == 0 || key[0] != '$':
		return accumulation{}, mongoerr.Code(40234).Errorf("The field '%s' must be an accumulator object", name)
	case hasDot(name):
		return accumulation{}, mongoerr.Code(40235).Errorf("The field name '%s' cannot contain '.'", name)
	case name != "" && name[0] == '$':
		return accumulation{}, mongoerr.Code(40236).Errorf("The field name '%s' cannot be an operator name", name)
	case more:
		return accumulation{}, mongoerr.Code(40238).Errorf("The field '%s' must specify one accumulator", name)
	}
	a, err := parseAccumulator(p, string(key), argument)
	if err != nil {
		return a, err
	}
	a.name = name
	a.reads = a.reads || a.argument != nil && a.argument.ReadsDocument()
	return a, nil
}

func hasDot(name string) bool {
	for i := range name {
		if name[i] == '.' {
			return true
		}
	}
	return false
}

func parseAccumulator(p *parser, name string, v bson.RawValue) (accumulation, error) {
	switch name {
	case "$firstN", "$lastN", "$minN", "$maxN":
		return parseNAccumulator(p, name, v)
	case "$top", "$topN", "$bottom", "$bottomN":
		return parseTop(p, name, v)
	case "$count":
		if v.Type != bson.TypeEmbeddedDocument || len(v.Value) > 5 {
			return accumulation{}, mongoerr.FailedToParse.Errorf("$count takes no arguments, i.e. $count:{}")
		}
		return accumulation{start: func(bson.RawValue) (accumulator, error) { return new(counting), nil }}, nil
	}
	start := simpleAccumulator(name)
	if start == nil {
		return accumulation{}, mongoerr.Code(15952).Errorf("unknown group operator '%s'", name)
	}
	if v.Type == bson.TypeArray {
		return accumulation{}, mongoerr.Code(40237).Errorf("The %s accumulator is a unary operator", name)
	}
	e, err := expr.Parse(v, p.env.Vars)
	return accumulation{argument: e, start: func(bson.RawValue) (accumulator, error) { return start(), nil }}, err
}

// simpleAccumulator finds the accumulators with one operand; nil means that there
// is none.
func simpleAccumulator(name string) func() accumulator {
	switch name {
	case "$sum":
		return func() accumulator { return &summing{} }
	case "$avg":
		return func() accumulator { return &summing{average: true} }
	case "$min":
		return func() accumulator { return &extreme{} }
	case "$max":
		return func() accumulator { return &extreme{greatest: true} }
	case "$first":
		return func() accumulator { return &first{} }
	case "$last":
		return func() accumulator { return &last{} }
	case "$push":
		return func() accumulator { return &pushing{} }
	case "$addToSet":
		return func() accumulator { return &collecting{seen: map[string]bool{}} }
	case "$stdDevPop":
		return func() accumulator { return &deviation{} }
	case "$stdDevSamp":
		return func() accumulator { return &deviation{sample: true} }
	case "$mergeObjects":
		return func() accumulator { return &merging{doc: marshal(bson.D{})} }
	}
	return nil
}

// counting is $count.
type counting int64

func (c *counting) add(bson.Raw, bson.RawValue) error { *c++; return nil }
func (c *counting) result() bson.RawValue             { return numberValue(int64(*c)) }
func (c *counting) size() int                         { return 0 }

// summing is $sum and $avg.
type summing struct {
	sum     value.Sum
	average bool
}

func (s *summing) add(_ bson.Raw, v bson.RawValue) error { s.sum.Add(v); return nil }
func (s *summing) size() int                             { return 0 }

func (s *summing) result() bson.RawValue {
	if s.average {
		return s.sum.Average()
	}
	return s.sum.Result()
}

// extreme is $min and $max, which look past null.
type extreme struct {
	greatest bool
	v        bson.RawValue
}

func (e *extreme) add(_ bson.Raw, v bson.RawValue) error {
	if nullish(v) {
		return nil
	}
	if value.Missing(e.v) || (value.Compare(v, e.v) > 0) == e.greatest && !value.Equal(v, e.v) {
		e.v = keep(v)
	}
	return nil
}

func (e *extreme) result() bson.RawValue { return e.v }
func (e *extreme) size() int             { return len(e.v.Value) }

func nullish(v bson.RawValue) bool {
	return value.Missing(v) || v.Type == bson.TypeNull || v.Type == bson.TypeUndefined
}

// first is $first.
type first struct {
	v    bson.RawValue
	have bool
}

func (f *first) add(_ bson.Raw, v bson.RawValue) error {
	if !f.have {
		f.v, f.have = keep(v), true
	}
	return nil
}

func (f *first) result() bson.RawValue { return f.v }
func (f *first) size() int             { return len(f.v.Value) }

// last is $last.
type last struct{ v bson.RawValue }

func (l *last) add(_ bson.Raw, v bson.RawValue) error {
	l.v = bson.RawValue{Type: v.Type, Value: append(l.v.Value[:0], v.Value...)}
	return nil
}

func (l *last) result() bson.RawValue { return l.v }
func (l *last) size() int             { return len(l.v.Value) }

// pushing is $push.
type pushing struct{ list arrayBuilder }

func (p *pushing) add(_ bson.Raw, v bson.RawValue) error {
	if !value.Missing(v) {
		p.list.add(v)
	}
	return nil
}

func (p *pushing) result() bson.RawValue { return p.list.value() }
func (p *pushing) size() int             { return p.list.size() }

// collecting is $addToSet.
type collecting struct {
	list arrayBuilder
	seen map[string]bool
	keys int
}

func (c *collecting) add(_ bson.Raw, v bson.RawValue) error {
	if value.Missing(v) {
		return nil
	}
	key := value.AppendKey(nil, v, false)
	if !c.seen[string(key)] {
		c.seen[string(key)] = true
		c.list.add(v)
		c.keys += len(key) + 32
	}
	return nil
}

func (c *collecting) result() bson.RawValue { return c.list.value() }
func (c *collecting) size() int             { return c.list.size() + c.keys }

// deviation is $stdDevPop and $stdDevSamp, after Welford.
type deviation struct {
	sample   bool
	n        int64
	mean, m2 float64
}

func (d *deviation) add(_ bson.Raw, v bson.RawValue) error {
	if !value.IsNumber(v) {
		return nil
	}
	f := value.Float(v)
	d.n++
	delta := f - d.mean
	d.mean += delta / float64(d.n)
	d.m2 += delta * (f - d.mean)
	return nil
}

func (d *deviation) result() bson.RawValue {
	n := d.n
	if d.sample {
		n--
	}
	if n <= 0 {
		return bson.RawValue{}
	}
	return value.Double(math.Sqrt(d.m2 / float64(n)))
}

func (d *deviation) size() int { return 0 }

// merging is $mergeObjects.
type merging struct{ doc bson.Raw }

func (m *merging) add(_ bson.Raw, v bson.RawValue) error {
	if nullish(v) {
		return nil
	}
	if v.Type != bson.TypeEmbeddedDocument {
		return mongoerr.Code(40400).Errorf("$mergeObjects requires object inputs, but input %s is of type %s", value.Format(v), value.TypeName(v.Type))
	}
	m.doc = merged(m.doc, v.Value)
	return nil
}

func (m *merging) result() bson.RawValue { return documentValue(m.doc) }
func (m *merging) size() int             { return len(m.doc) }

// groupRoot is the document that n sees: the _id of the group if that is one.
func groupRoot(id bson.RawValue) bson.Raw {
	if id.Type == bson.TypeEmbeddedDocument {
		return id.Value
	}
	_, out := bsoncore.AppendDocumentStart(nil)
	return endDocument(out, 0)
}
