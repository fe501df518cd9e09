package pipeline

import (
	"bytes"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// parseNAccumulator parses $firstN, $lastN, $minN and $maxN.
func parseNAccumulator(p *parser, name string, v bson.RawValue) (accumulation, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		code := mongoerr.Code(5787801)
		if name == "$minN" || name == "$maxN" {
			code = 5787900
		}
		return accumulation{}, code.Errorf("specification must be an object; found %s: %s", name, value.Format(v))
	}
	var n, input *expr.Expression
	err := eachOption(v, func(option string, v bson.RawValue) (err error) {
		switch option {
		case "n":
			n, err = expr.Parse(v, p.env.Vars)
		case "input":
			input, err = expr.Parse(v, p.env.Vars)
		default:
			err = mongoerr.Code(5787901).Errorf("Unknown argument for 'n' operator: %s", option)
		}
		return err
	})
	switch {
	case err != nil:
		return accumulation{}, err
	case n == nil:
		return accumulation{}, mongoerr.Code(5787906).Errorf("Missing value for 'n'")
	case input == nil:
		return accumulation{}, mongoerr.Code(5787907).Errorf("Missing value for 'input'")
	}
	return accumulation{argument: input, start: func(id bson.RawValue) (accumulator, error) {
		limit, err := groupN(n, id)
		if name == "$firstN" || name == "$lastN" {
			return &window{limit: limit, last: name == "$lastN"}, err
		}
		return &extremes{limit: limit, desc: name == "$maxN"}, err
	}}, checkN(n)
}

// checkN refuses a constant n that can't be one.
func checkN(n *expr.Expression) error {
	if _, ok := n.Constant(); !ok {
		return nil
	}
	_, err := groupN(n, value.Null)
	return err
}

// groupN evaluates n, which may depend on the _id of the group.
func groupN(n *expr.Expression, id bson.RawValue) (int, error) {
	v, err := n.Eval(groupRoot(id))
	if err != nil {
		return 0, err
	}
	if !value.IsNumber(v) {
		return 0, mongoerr.Code(5787902).Errorf("Value for 'n' must be of integral type, but found %s", value.Format(v))
	}
	limit, ok := integer(v)
	if !ok {
		return 0, mongoerr.Code(5787903).Errorf("Value for 'n' must be of integral type, but found %s", value.Format(v))
	}
	if limit <= 0 {
		return 0, mongoerr.Code(5787908).Errorf("'n' must be greater than 0, found %d", limit)
	}
	return int(min(limit, 1<<31-1)), nil
}

// window is $firstN and $lastN.
type window struct {
	limit  int
	last   bool
	values []bson.RawValue
	bytes  int
}

func (w *window) add(_ bson.Raw, v bson.RawValue) error {
	if value.Missing(v) {
		v = value.Null
	}
	if len(w.values) == w.limit {
		if !w.last {
			return nil
		}
		w.bytes -= len(w.values[0].Value) + 32
		w.values = slices.Delete(w.values, 0, 1)
	}
	w.values = append(w.values, keep(v))
	w.bytes += len(v.Value) + 32
	return nil
}

func (w *window) result() bson.RawValue { return arrayOf(w.values) }
func (w *window) size() int             { return w.bytes }

// extremes is $minN and $maxN, in their order.
type extremes struct {
	limit  int
	desc   bool
	values []bson.RawValue
	bytes  int
}

func (e *extremes) add(_ bson.Raw, v bson.RawValue) error {
	if nullish(v) {
		return nil
	}
	at, _ := slices.BinarySearchFunc(e.values, v, func(have, v bson.RawValue) int {
		c := value.Compare(have, v)
		if e.desc {
			c = -c
		}
		if c == 0 {
			return -1 // behind its equals
		}
		return c
	})
	if at == e.limit {
		return nil
	}
	e.values = slices.Insert(e.values, at, keep(v))
	e.bytes += len(v.Value) + 32
	if len(e.values) > e.limit {
		e.bytes -= len(e.values[e.limit].Value) + 32
		e.values = e.values[:e.limit]
	}
	return nil
}

func (e *extremes) result() bson.RawValue { return arrayOf(e.values) }
func (e *extremes) size() int             { return e.bytes }

// parseTop parses $top, $topN, $bottom and $bottomN.
func parseTop(p *parser, name string, v bson.RawValue) (accumulation, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return accumulation{}, mongoerr.Code(5788001).Errorf("specification must be an object; found %s: %s", name, value.Format(v))
	}
	many := name == "$topN" || name == "$bottomN"
	var n, output *expr.Expression
	var by *query.Sort
	err := eachOption(v, func(option string, v bson.RawValue) (err error) {
		switch {
		case option == "n" && many:
			n, err = expr.Parse(v, p.env.Vars)
		case option == "output":
			output, err = expr.Parse(v, p.env.Vars)
		case option == "sortBy" && v.Type == bson.TypeEmbeddedDocument:
			by, err = query.ParseSort(v.Value)
		case option == "sortBy":
			err = mongoerr.Code(5788604).Errorf("expected 'sortBy' to already be an object in the arguments to %s", name)
		default:
			err = mongoerr.Code(5788002).Errorf("Unknown argument to %s '%s'", name, option)
		}
		return err
	})
	switch {
	case err != nil:
		return accumulation{}, err
	case n == nil && many:
		return accumulation{}, mongoerr.Code(5788003).Errorf("Missing value for 'n'")
	case output == nil:
		return accumulation{}, mongoerr.Code(5788004).Errorf("Missing value for 'output'")
	case by == nil:
		return accumulation{}, mongoerr.Code(5788005).Errorf("Missing value for 'sortBy'")
	}
	if many {
		err = checkN(n)
	}
	return accumulation{argument: output, reads: true, start: func(id bson.RawValue) (accumulator, error) {
		t := &ranking{limit: 1, by: by, bottom: name == "$bottom" || name == "$bottomN", single: !many}
		if many {
			var err error
			if t.limit, err = groupN(n, id); err != nil {
				return nil, err
			}
		}
		return t, nil
	}}, err
}

// ranking is $top, $topN, $bottom and $bottomN: the values of the first or last
// documents of an order. Of documents that rank alike it keeps those seen first.
type ranking struct {
	limit          int
	by             *query.Sort
	bottom, single bool
	ranked         []ranked // in order
	bytes          int
}

type ranked struct {
	key []byte
	v   bson.RawValue
}

func (r *ranking) add(doc bson.Raw, v bson.RawValue) error {
	if value.Missing(v) {
		v = value.Null
	}
	key := r.by.Key(doc)
	full := len(r.ranked) == r.limit
	if full && r.bottom && bytes.Compare(key, r.ranked[0].key) <= 0 || full && !r.bottom && bytes.Compare(key, r.ranked[r.limit-1].key) >= 0 {
		return nil
	}
	if full {
		drop := r.limit - 1
		if r.bottom {
			drop = 0
		}
		r.bytes -= r.ranked[drop].size()
		r.ranked = slices.Delete(r.ranked, drop, drop+1)
	}
	at, _ := slices.BinarySearchFunc(r.ranked, key, func(have ranked, key []byte) int {
		if c := bytes.Compare(have.key, key); c != 0 {
			return c
		}
		return -1 // behind its equals
	})
	next := ranked{key, keep(v)}
	r.ranked = slices.Insert(r.ranked, at, next)
	r.bytes += next.size()
	return nil
}

func (r ranked) size() int { return len(r.key) + len(r.v.Value) + 64 }

func (r *ranking) result() bson.RawValue {
	if r.single {
		return r.ranked[0].v
	}
	var list arrayBuilder
	for _, each := range r.ranked {
		list.add(each.v)
	}
	return list.value()
}

func (r *ranking) size() int { return r.bytes }
