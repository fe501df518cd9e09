package compat

import (
	"math/rand/v2"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A generator makes documents and the parts of commands out of few names and few values, so that
// they often meet.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 0))} }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// chance is true in one of n cases.
func (g generator) chance(n int) bool { return g.IntN(n) == 0 }

func d(pairs ...any) bson.D {
	doc := bson.D{}
	for i := 0; i < len(pairs); i += 2 {
		doc = append(doc, bson.E{Key: pairs[i].(string), Value: pairs[i+1]})
	}
	return doc
}

func (g generator) number() any {
	return pick[any](g, int32(-1), int32(0), int32(1), int32(2), int32(3), int32(7), int64(1), int64(2), int64(5), int64(1)<<40,
		0.5, 1.0, 2.0, 2.5, -1.5, 1e10)
}

func (g generator) scalar() any {
	switch g.IntN(12) {
	case 0, 1, 2, 3:
		return g.number()
	case 4, 5, 6:
		return pick(g, "", "a", "b", "ab", "B", "ba\nc", "é")
	case 7:
		return nil
	case 8:
		return g.chance(2)
	case 9:
		return pick(g, bson.DateTime(0), bson.DateTime(1600000000000), bson.DateTime(-5))
	case 10:
		return pick(g, bson.ObjectID{1}, bson.ObjectID{2, 11: 5})
	}
	return pick[any](g, bson.Binary{Data: []byte{1, 2}}, bson.Binary{Data: []byte{5}}, bson.Binary{Subtype: 0x80, Data: []byte{1}},
		bson.Regex{Pattern: "^a"}, bson.Regex{Pattern: "b", Options: "i"}, bson.Timestamp{T: 1, I: 2})
}

func (g generator) value(depth int) any {
	if depth == 0 {
		return g.scalar()
	}
	switch g.IntN(8) {
	case 0, 1:
		return g.document(depth - 1)
	case 2, 3:
		return g.array(depth - 1)
	}
	return g.scalar()
}

// array holds no arrays: FerretDB stores none in another.
func (g generator) array(depth int) bson.A {
	a := bson.A{}
	for range g.IntN(4) {
		if depth > 0 && g.chance(3) {
			a = append(a, g.document(depth-1))
			continue
		}
		a = append(a, g.scalar())
	}
	return a
}

func (g generator) document(depth int) bson.D {
	doc := bson.D{}
	for _, i := range g.Perm(4)[:g.IntN(4)] {
		doc = append(doc, bson.E{Key: []string{"a", "b", "c", "d"}[i], Value: g.value(depth)})
	}
	return doc
}

// documents are the contents of a collection, with identities in no order.
func (g generator) documents() bson.A {
	docs := bson.A{}
	for _, i := range g.Perm(12)[:1+g.IntN(11)] {
		var id any = int32(i)
		switch i {
		case 9:
			id = "nine"
		case 10:
			id = bson.ObjectID{10}
		case 11:
			id = d("a", int32(11))
		}
		docs = append(docs, append(bson.D{{Key: "_id", Value: id}}, g.document(2)...))
	}
	return docs
}

func (g generator) path() string {
	return pick(g, "a", "a", "b", "b", "c", "d", "a.b", "a.c", "b.a", "b.a", "a.0", "b.1", "a.0.b", "a.b.c", "_id")
}

func (g generator) filter(depth int) bson.D {
	if g.chance(8) {
		return bson.D{}
	}
	f := bson.D{}
	for _, path := range g.paths(1 + g.IntN(2)) {
		f = append(f, bson.E{Key: path, Value: g.condition()})
	}
	if depth > 0 && g.chance(4) {
		parts := bson.A{}
		for range 1 + g.IntN(3) {
			parts = append(parts, g.filter(depth-1))
		}
		f = append(f, bson.E{Key: pick(g, "$and", "$or", "$nor"), Value: parts})
	}
	return f
}

// paths gives some paths of which none is another's beginning or end.
func (g generator) paths(n int) []string {
	var paths []string
	for _, i := range g.Perm(4)[:n] {
		paths = append(paths, pick(g, [][]string{
			{"a", "a.b", "a.c", "a.0", "a.0.b"}, {"b", "b.a", "b.1"}, {"c", "c.a"}, {"d", "d.0.a"},
		}[i]...))
	}
	return paths
}

func (g generator) condition() any {
	switch g.IntN(4) {
	case 0:
		return g.value(1)
	case 1:
		if g.chance(4) {
			return d("$not", bson.D{g.operator()})
		}
		if g.chance(4) {
			return bson.D{{Key: "$gt", Value: g.comparand()}, {Key: "$lte", Value: g.comparand()}}
		}
	}
	return bson.D{g.operator()}
}

func (g generator) operator() bson.E {
	switch g.IntN(13) {
	case 0:
		return bson.E{Key: "$in", Value: g.array(1)}
	case 1:
		return bson.E{Key: "$nin", Value: g.array(1)}
	case 2:
		return bson.E{Key: "$exists", Value: g.chance(2)}
	case 3:
		return bson.E{Key: "$type", Value: g.typeArgument()}
	case 4:
		return bson.E{Key: "$size", Value: pick[any](g, int32(0), int32(1), int64(2), 2.0)}
	case 5:
		return bson.E{Key: "$all", Value: g.array(1)}
	case 6:
		return bson.E{Key: "$mod", Value: pick[any](g, bson.A{int32(2), int32(0)}, bson.A{int32(2), int32(1)}, bson.A{3.7, 1.2},
			bson.A{int64(3), -1.0})}
	case 7:
		return bson.E{Key: pick(g, "$bitsAllSet", "$bitsAllClear", "$bitsAnySet", "$bitsAnyClear"),
			Value: pick[any](g, int32(1), int32(2), int64(5), bson.A{int32(0), int32(1)}, bson.Binary{Data: []byte{1}})}
	case 8:
		return bson.E{Key: "$regex", Value: pick[any](g, "a", "^a", "B$", "c$", "a.c", bson.Regex{Pattern: "b", Options: "i"}, bson.Regex{Pattern: "^c", Options: "m"})}
	case 9:
		return bson.E{Key: "$elemMatch", Value: g.elemMatch()}
	}
	return bson.E{Key: pick(g, "$eq", "$ne", "$gt", "$gte", "$lt", "$lte"), Value: g.comparand()}
}

// comparand is no regular expression, which only equality takes.
func (g generator) comparand() any {
	v := g.value(1)
	if _, regex := v.(bson.Regex); regex {
		return "a"
	}
	return v
}

func (g generator) typeArgument() any {
	names := []any{"double", "string", "object", "array", "binData", "objectId", "bool", "date", "null", "regex", "int", "timestamp", "long",
		"number", int32(1), int32(2), int32(4), int32(16), 18.0}
	if g.chance(4) {
		return bson.A{pick(g, names...), pick(g, names...)}
	}
	return pick(g, names...)
}

func (g generator) elemMatch() bson.D {
	if g.chance(2) {
		return bson.D{g.operator()}
	}
	return d(pick(g, "a", "b", "c"), g.condition())
}

// sort always ends with the identity, so that there is one right order.
func (g generator) sort() bson.D {
	s := bson.D{}
	for _, path := range g.paths(g.IntN(3)) {
		s = append(s, bson.E{Key: path, Value: pick[any](g, int32(1), int32(-1), int64(1), -1.0)})
	}
	return append(s, bson.E{Key: "_id", Value: pick(g, int32(1), int32(-1))})
}

func (g generator) projection() bson.D {
	p := bson.D{}
	on := pick[any](g, true, false, int32(1), int32(0))
	for _, path := range g.paths(1 + g.IntN(2)) {
		p = append(p, bson.E{Key: path, Value: on})
	}
	if g.chance(3) {
		p = append(p, bson.E{Key: "_id", Value: pick[any](g, false, int32(1))})
	}
	return p
}
