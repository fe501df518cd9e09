package compat

import "go.mongodb.org/mongo-driver/v2/bson"

// read makes a command that changes nothing.
func (g generator) read() bson.D {
	switch g.IntN(10) {
	case 0:
		return d("count", collectionName, "query", g.filter(1))
	case 1:
		return d("distinct", collectionName, "key", g.path(), "query", g.filter(1))
	case 2, 3, 4:
		return d("aggregate", collectionName, "pipeline", g.pipeline(), "cursor", bson.D{})
	}
	find := d("find", collectionName, "filter", g.filter(2))
	if g.chance(2) {
		find = append(find, bson.E{Key: "sort", Value: g.sort()})
		if g.chance(3) {
			find = append(find, bson.E{Key: "skip", Value: int32(g.IntN(4))})
		}
		if g.chance(3) {
			find = append(find, bson.E{Key: "limit", Value: int64(g.IntN(5))})
		}
	}
	if g.chance(3) {
		find = append(find, bson.E{Key: "projection", Value: g.projection()})
	}
	if g.chance(4) {
		find = append(find, bson.E{Key: "batchSize", Value: int32(1 + g.IntN(3))})
	}
	return find
}

// write makes a command that changes the collection.
func (g generator) write() bson.D {
	switch g.IntN(10) {
	case 0:
		return d("insert", collectionName, "documents", g.documents(), "ordered", g.chance(2))
	case 1, 2:
		return d("delete", collectionName, "deletes", bson.A{d("q", g.filter(1), "limit", int32(0))})
	case 3, 4:
		return g.findAndModify()
	}
	upsert := g.chance(2)
	update := d("q", g.identified(upsert), "u", g.update(), "upsert", upsert)
	if len(update[1].Value.(bson.D)) > 0 && update[1].Value.(bson.D)[0].Key[0] == '$' {
		update = append(update, bson.E{Key: "multi", Value: true})
	} else if !upsert {
		update[0].Value = d("_id", pick[any](g, int32(1), int32(2), int32(3), "nine"))
	}
	return d("update", collectionName, "updates", bson.A{update})
}

// identified makes a filter, of an upsert one with an identity, as each server would make up another.
func (g generator) identified(upsert bool) bson.D {
	if !upsert {
		return g.filter(1)
	}
	filter := d("_id", pick[any](g, int32(1), int32(2), int32(3), "nine", "new"))
	if g.chance(3) {
		filter = append(filter, bson.E{Key: pick(g, "c", "c", "c.a"), Value: g.wanted()})
	}
	return filter
}

// wanted is a condition of which an upsert may make a field.
func (g generator) wanted() any {
	switch g.IntN(4) {
	case 0:
		return d("$eq", g.comparand())
	case 1:
		return d("$in", bson.A{g.number()})
	case 2:
		return d(pick(g, "$gt", "$ne", "$lte"), g.comparand())
	}
	return g.number()
}

func (g generator) findAndModify() bson.D {
	upsert := g.chance(3)
	f := d("findAndModify", collectionName, "query", g.identified(upsert), "sort", g.sort())
	if !upsert && g.chance(2) {
		return append(f, bson.E{Key: "remove", Value: true})
	}
	return append(f, d("update", g.update(), "new", g.chance(2), "upsert", upsert)...)
}

// update makes a document of operators, or one that replaces.
func (g generator) update() bson.D {
	if g.chance(6) {
		return g.document(2)
	}
	paths := g.paths(1 + g.IntN(3))
	update := bson.D{}
	for i, path := range paths {
		if g.chance(10) && path == "a" {
			path = "a.$"
		}
		name, value := g.modifier()
		if i > 0 && g.chance(3) {
			last := update[len(update)-1]
			if last.Key == "$set" || last.Key == "$unset" {
				update[len(update)-1].Value = append(last.Value.(bson.D), bson.E{Key: path, Value: g.value(1)})
				continue
			}
		}
		if field(update, name) == nil {
			update = append(update, bson.E{Key: name, Value: d(path, value)})
		}
	}
	return update
}

func (g generator) modifier() (string, any) {
	switch g.IntN(14) {
	case 0:
		return "$unset", ""
	case 1:
		return "$inc", g.addend()
	case 2:
		return "$mul", g.addend()
	case 3:
		return "$min", g.value(1)
	case 4:
		return "$max", g.value(1)
	case 5:
		return "$rename", pick(g, "e", "f", "e.x")
	case 6:
		return "$pop", pick[any](g, int32(1), int32(-1), int64(1), -1.0)
	case 7, 8:
		return "$push", g.pushed()
	case 9:
		return "$addToSet", g.pushed()
	case 10:
		return "$pull", g.pulled()
	case 11:
		return "$pullAll", g.array(1)
	case 12:
		if g.chance(2) {
			return "$bit", d(pick(g, "and", "or", "xor"), pick[any](g, int32(5), int64(3)))
		}
		return "$setOnInsert", g.value(1)
	}
	return "$set", g.value(2)
}

func (g generator) addend() any {
	return pick[any](g, int32(1), int32(-2), int64(3), 0.5, 2.0, int32(1000))
}

func (g generator) pushed() any {
	if g.chance(3) {
		return d("$each", g.array(1))
	}
	return g.value(1)
}

func (g generator) pulled() any {
	if g.chance(3) {
		return bson.D{g.operator()}
	}
	return g.value(1)
}

func (g generator) pipeline() bson.A {
	stages := bson.A{}
	for range 1 + g.IntN(3) {
		stages = append(stages, g.stages()...)
	}
	return stages
}

// stages makes a stage, and the sort before it where its result depends on the order.
func (g generator) stages() bson.A {
	order := d("$sort", g.sort())
	switch g.IntN(11) {
	case 0:
		return bson.A{order, d("$skip", int64(g.IntN(4)))}
	case 1:
		return bson.A{order, d("$limit", int64(1+g.IntN(5)))}
	case 2:
		return bson.A{d("$project", g.projection())}
	case 3, 4:
		return bson.A{d(pick(g, "$set", "$addFields"), d(pick(g, "a", "b", "c", "d", "e"), pick[any](g, "$"+g.path(), g.number(), "text", nil)))}
	case 5:
		return bson.A{d("$unset", pick[any](g, g.paths(1)[0], bson.A{"a", "b.a"}))}
	case 6, 7:
		return bson.A{d("$group", g.group())}
	case 8:
		return bson.A{d("$count", "n")}
	case 9:
		if g.chance(2) {
			return bson.A{d("$unwind", "$"+g.path())}
		}
		return bson.A{d("$unwind", d("path", "$"+g.path(), "preserveNullAndEmptyArrays", g.chance(2)))}
	}
	return bson.A{d("$match", g.filter(1))}
}

func (g generator) group() bson.D {
	group := d("_id", pick[any](g, nil, "$"+g.path(), d("x", "$"+g.path())))
	if g.chance(2) {
		group = append(group, bson.E{Key: "n", Value: d("$sum", pick[any](g, int32(1), "$"+g.path(), 2.5, "text"))})
	}
	if g.chance(3) {
		group = append(group, bson.E{Key: "count", Value: d("$count", bson.D{})})
	}
	return group
}

// index makes a createIndexes command.
func (g generator) index() bson.D {
	keys := bson.D{}
	for _, path := range g.paths(1 + g.IntN(2)) {
		keys = append(keys, bson.E{Key: path, Value: pick[any](g, int32(1), int32(-1))})
	}
	return d("createIndexes", collectionName, "indexes", bson.A{d("key", keys, "name", "by", "unique", g.chance(3))})
}
