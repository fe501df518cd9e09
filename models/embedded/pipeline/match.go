package pipeline

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
	"parlor/models/embedded/value"
)

// matchStage is $match.
type matchStage struct {
	doc    bson.Raw
	filter *query.Filter
}

func parseMatch(p *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.Code(15959).Errorf("the match filter must be an expression in an object")
	}
	filter, err := query.ParseFilter(v.Value, p.env.Vars)
	return &matchStage{doc: v.Value, filter: filter}, err
}

func (m *matchStage) open(from Source) Source {
	return &eachSource{from, func(_ context.Context, doc bson.Raw) (bson.Raw, error) {
		if ok, err := m.filter.Match(doc); !ok {
			return nil, err
		}
		return doc, nil
	}}
}

// skipStage is $skip, and limitStage is $limit.
type (
	skipStage  int64
	limitStage int64
)

func parseSkip(_ *parser, v bson.RawValue) (stage, error) {
	n, err := wholeNumber("$skip", 5107200, v)
	return skipStage(n), err
}

func parseLimit(_ *parser, v bson.RawValue) (stage, error) {
	n, err := wholeNumber("$limit", 5107201, v)
	if err == nil && n == 0 {
		err = mongoerr.Code(15958).Errorf("the limit must be positive")
	}
	return limitStage(n), err
}

func wholeNumber(name string, code mongoerr.Code, v bson.RawValue) (int64, error) {
	if !value.IsNumber(v) {
		return 0, code.Errorf("invalid argument to %s stage: Expected a number in: %s: %s", name, name, value.Format(v))
	}
	n, ok := integer(v)
	if !ok {
		return 0, code.Errorf("invalid argument to %s stage: Expected an integer: %s: %s", name, name, value.Format(v))
	}
	if n < 0 {
		return 0, code.Errorf("invalid argument to %s stage: Expected a non-negative number in: %s: %s", name, name, value.Format(v))
	}
	return n, nil
}

// integer reads a number of any type that is whole and fits.
func integer(v bson.RawValue) (int64, bool) {
	switch v.Type {
	case bson.TypeInt32, bson.TypeInt64:
		return v.AsInt64OK()
	case bson.TypeDouble:
		f := v.Double()
		return int64(f), f == math.Trunc(f) && f >= -(1<<63) && f < 1<<63
	case bson.TypeDecimal128:
		coefficient, exponent, err := v.Decimal128().BigInt()
		if err != nil || exponent != 0 || !coefficient.IsInt64() {
			return 0, false
		}
		return coefficient.Int64(), true
	}
	return 0, false
}

func (n skipStage) open(from Source) Source { return &windowSource{from, int64(n), -1} }

func (n limitStage) open(from Source) Source { return &windowSource{from, 0, int64(n)} }

// windowSource skips, then limits; a negative limit is none.
type windowSource struct {
	Source
	skip, limit int64
}

func (w *windowSource) Next(ctx context.Context) (bson.Raw, error) {
	for ; w.skip > 0; w.skip-- {
		if doc, err := w.Source.Next(ctx); doc == nil || err != nil {
			return nil, err
		}
	}
	if w.limit == 0 {
		return nil, nil
	}
	w.limit--
	return w.Source.Next(ctx)
}

func (w *windowSource) Exhausted() bool { return w.limit == 0 || w.Source.Exhausted() }

// countStage is $count: the name of the field that gets the number.
type countStage string

func parseCount(_ *parser, v bson.RawValue) (stage, error) {
	name, ok := v.StringValueOK()
	switch {
	case !ok:
		return nil, mongoerr.Code(40156).Errorf("the count field must be a non-empty string")
	case name == "":
		return nil, mongoerr.Code(40157).Errorf("the count field must be a non-empty string")
	case strings.HasPrefix(name, "$"):
		return nil, mongoerr.Code(40158).Errorf("the count field cannot be a $-prefixed path")
	case strings.Contains(name, "\x00"):
		return nil, mongoerr.Code(40159).Errorf("the count field cannot contain a null byte")
	case strings.Contains(name, "."):
		return nil, mongoerr.Code(40160).Errorf("the count field cannot contain '.'")
	}
	return countStage(name), nil
}

func (name countStage) open(from Source) Source {
	return &gatherSource{Source: from, gather: func(ctx context.Context, from Source) (Source, error) {
		n := int64(0)
		err := drain(ctx, from, func(bson.Raw) error { n++; return nil })
		if err != nil || n == 0 {
			return List(nil), err
		}
		return List([]bson.Raw{marshal(bson.D{{Key: string(name), Value: numberValue(n)}})}), nil
	}}
}

// sampleStage is $sample: the number of documents that are chosen.
type sampleStage int64

func parseSample(_ *parser, v bson.RawValue) (stage, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.Code(28745).Errorf("the $sample stage specification must be an object")
	}
	size := int64(0)
	it := value.Elements(v.Value)
	for {
		key, option, ok := it.Next()
		if !ok {
			break
		}
		if string(key) != "size" {
			return nil, mongoerr.Code(28748).Errorf("unrecognized option to $sample: %s", key)
		}
		if !value.IsNumber(option) {
			return nil, mongoerr.Code(28746).Errorf("size argument to $sample must be a number")
		}
		f, _ := option.AsFloat64OK()
		if size = int64(f); size <= 0 {
			return nil, mongoerr.Code(28747).Errorf("size argument to $sample must be a positive integer")
		}
	}
	if size == 0 {
		return nil, mongoerr.Code(28749).Errorf("$sample stage must specify a size")
	}
	return sampleStage(size), nil
}

// open chooses by reservoir: every document has the same chance.
func (size sampleStage) open(from Source) Source {
	return &gatherSource{Source: from, gather: func(ctx context.Context, from Source) (Source, error) {
		var chosen []bson.Raw
		seen, held := int64(0), 0
		err := drain(ctx, from, func(doc bson.Raw) error {
			seen++
			if int64(len(chosen)) < int64(size) {
				chosen = append(chosen, bytes.Clone(doc))
				held += len(doc)
			} else if i := rand.Int64N(seen); i < int64(size) {
				held += len(doc) - len(chosen[i])
				chosen[i] = bytes.Clone(doc)
			}
			if held > maxStageBytes {
				return outOfMemory("Sort exceeded memory limit of %d bytes, but did not opt in to external sorting.", maxStageBytes)
			}
			return nil
		})
		rand.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		return List(chosen), err
	}}
}
