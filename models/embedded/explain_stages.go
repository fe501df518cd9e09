package embedded

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/storage"
)

// planStage is a stage of a plan, in mongod's words.
type planStage struct {
	name   string
	fields bson.D
	inputs []*planStage
	many   bool // inputs are shown as a list
	// returned and did are what the stage gave and examined, once measured.
	returned int64
	did      bson.D
}

// render gives the stage as explain shows it; measured with what it did.
func (s *planStage) render(measured bool) bson.D {
	out := append(bson.D{{Key: "stage", Value: s.name}}, s.fields...)
	if measured {
		out = append(out, bson.E{Key: "nReturned", Value: s.returned}, bson.E{Key: "advanced", Value: s.returned})
		out = append(out, s.did...)
	}
	switch {
	case s.many:
		list := bson.A{}
		for _, input := range s.inputs {
			list = append(list, input.render(measured))
		}
		out = append(out, bson.E{Key: "inputStages", Value: list})
	case len(s.inputs) == 1:
		out = append(out, bson.E{Key: "inputStage", Value: s.inputs[0].render(measured)})
	}
	return out
}

// measure notes in each stage what it did. Skip and limit come last, so what they see
// is what the query returned and skipped.
func (s *planStage) measure(work storage.Stats, returned, skip int64) {
	s.returned = returned
	below := returned
	switch s.name {
	case "IXSCAN", "COUNT_SCAN", "DISTINCT_SCAN", "IDHACK":
		s.measureScan(work, work.Cursors[0])
		return
	case "COLLSCAN":
		s.returned = work.Matched
		s.did = bson.D{{Key: "docsExamined", Value: work.DocsExamined}}
		return
	case "OR", "SORT_MERGE":
		s.measureMerge(work)
		return
	case "FETCH":
		s.returned = work.Matched
		s.did = bson.D{{Key: "docsExamined", Value: work.DocsExamined}}
	case "PROJECTION_COVERED":
		if work.DocsExamined > 0 {
			// Keys that don't tell the type of a value, or a missing one from null.
			s.did = bson.D{{Key: "docsExamined", Value: work.DocsExamined}}
		}
	case "SKIP":
		below = min(returned+skip, work.Matched)
	case "COUNT":
		s.returned, s.did = 0, bson.D{{Key: "nCounted", Value: returned}, {Key: "nSkipped", Value: min(skip, work.Matched)}}
	case "UPDATE", "DELETE":
		s.returned, s.did = 0, bson.D{{Key: map[string]string{"UPDATE": "nMatched", "DELETE": "nWouldDelete"}[s.name], Value: returned}}
	}
	s.inputs[0].measure(work, below, skip)
}

func (s *planStage) measureScan(work storage.Stats, c storage.CursorStats) {
	s.returned = c.Returned
	s.did = bson.D{
		{Key: "keysExamined", Value: c.Keys},
		{Key: "seeks", Value: c.Seeks},
		{Key: "dupsTested", Value: c.Returned + c.Repeated},
		{Key: "dupsDropped", Value: c.Repeated},
	}
	if s.name == "IDHACK" {
		s.did = bson.D{{Key: "keysExamined", Value: c.Keys}, {Key: "docsExamined", Value: work.DocsExamined}}
	}
}

func (s *planStage) measureMerge(work storage.Stats) {
	s.returned = 0
	for i, input := range s.inputs {
		c := work.Cursors[i]
		s.returned += c.Returned
		// Repetitions are found by the stage, not by its inputs.
		c.Returned, c.Repeated = c.Returned+c.Repeated, 0
		input.measureScan(work, c)
	}
	s.did = bson.D{{Key: "dupsTested", Value: s.returned + work.Repeated}, {Key: "dupsDropped", Value: work.Repeated}}
}

func above(name string, input *planStage, fields ...bson.E) *planStage {
	return &planStage{name: name, fields: fields, inputs: []*planStage{input}}
}

// tree gives the stages of a plan from the top.
func (e explained) tree(p *storage.Plan) *planStage {
	top := e.scanTree(p)
	if !p.Sorted {
		fields := bson.D{{Key: "sortPattern", Value: e.sortPattern()}, {Key: "memLimit", Value: int32(storage.MaxSortBytes)}}
		if e.query.Limit > 0 {
			fields = append(fields, bson.E{Key: "limitAmount", Value: e.query.Limit + e.query.Skip})
		}
		top = above("SORT", top, append(fields, bson.E{Key: "type", Value: "simple"})...)
	}
	writes := e.top == "UPDATE" || e.top == "DELETE"
	if e.query.Skip > 0 && e.top != "COUNT" {
		top = above("SKIP", top, bson.E{Key: "skipAmount", Value: e.query.Skip})
	}
	if !writes {
		top = e.projected(p, top)
	}
	if e.query.Limit > 0 && p.Sorted && e.top == "" {
		top = above("LIMIT", top, bson.E{Key: "limitAmount", Value: e.query.Limit})
	}
	if e.top != "" {
		top = above(e.top, top)
	}
	if writes {
		top = e.projected(p, top)
	}
	return top
}

func (e explained) projected(p *storage.Plan, top *planStage) *planStage {
	switch {
	case e.query.ReturnKey:
		return above("RETURN_KEY", top)
	case p.Distinct || p.Covered && e.query.Distinct != "":
		return above("PROJECTION_COVERED", top, bson.E{Key: "transformBy", Value: bson.D{{Key: "_id", Value: int32(0)}, {Key: e.query.Distinct, Value: int32(1)}}})
	case e.projection == nil:
		return top
	case p.Covered:
		return above("PROJECTION_COVERED", top, bson.E{Key: "transformBy", Value: e.projection})
	}
	return above("PROJECTION_"+e.projectionKind, top, bson.E{Key: "transformBy", Value: e.projection})
}

func (e explained) sortPattern() bson.D {
	pattern := bson.D{}
	for _, f := range e.query.Sort.Fields {
		order := int32(1)
		if f.Desc {
			order = -1
		}
		pattern = append(pattern, bson.E{Key: f.Path, Value: order})
	}
	return pattern
}

// scanTree gives the stages that read: of keys, and of documents above them.
func (e explained) scanTree(p *storage.Plan) *planStage {
	if len(p.Scans) == 0 {
		direction := "forward"
		if p.Reverse {
			direction = "backward"
		}
		s := &planStage{name: "COLLSCAN"}
		if filter := parsedQuery(e.filter); len(filter) > 0 {
			s.fields = append(s.fields, bson.E{Key: "filter", Value: filter})
		}
		s.fields = append(s.fields, bson.E{Key: "direction", Value: direction})
		return s
	}
	residual := e.residual(p)
	if len(p.Scans) > 1 {
		merge := &planStage{name: "OR", many: true}
		if p.Sorted && e.query.Sort != nil && len(e.query.Sort.Fields) > 0 {
			merge.name, merge.fields = "SORT_MERGE", bson.D{{Key: "sortPattern", Value: e.sortPattern()}}
		}
		for _, s := range p.Scans {
			merge.inputs = append(merge.inputs, keyStage("IXSCAN", s))
		}
		return fetched(p, merge, residual)
	}
	s := p.Scans[0]
	if p.IDHack() {
		return &planStage{name: "IDHACK"}
	}
	if p.Distinct {
		return keyStage("DISTINCT_SCAN", s)
	}
	if p.Counted {
		return countStage(s)
	}
	scan := keyStage("IXSCAN", s)
	if p.Covered && len(residual) > 0 {
		scan.fields = append(bson.D{{Key: "filter", Value: residual}}, scan.fields...)
	}
	return fetched(p, scan, residual)
}

func fetched(p *storage.Plan, input *planStage, residual bson.D) *planStage {
	if p.Covered || p.Counted {
		return input
	}
	fetch := above("FETCH", input)
	if len(residual) > 0 {
		fetch.fields = bson.D{{Key: "filter", Value: residual}}
	}
	return fetch
}

func keyStage(name string, s *storage.IndexScan) *planStage {
	direction := "forward"
	if s.Reverse {
		direction = "backward"
	}
	return &planStage{name: name, fields: append(indexFields(s),
		bson.E{Key: "direction", Value: direction},
		bson.E{Key: "indexBounds", Value: s.Bounds()},
	)}
}

func indexFields(s *storage.IndexScan) bson.D {
	spec := &s.Index.Spec
	return bson.D{
		{Key: "keyPattern", Value: spec.Key},
		{Key: "indexName", Value: spec.Name},
		{Key: "isMultiKey", Value: s.Index.Multikey},
		{Key: "multiKeyPaths", Value: s.MultikeyPaths()},
		{Key: "isUnique", Value: spec.Unique},
		{Key: "isSparse", Value: spec.Sparse},
		{Key: "isPartial", Value: spec.Partial != nil},
		{Key: "indexVersion", Value: int32(2)},
	}
}

// countStage is COUNT_SCAN, which mongod has for a single range only.
func countStage(s *storage.IndexScan) *planStage {
	start, end, startIn, endIn, ok := s.KeyBounds()
	if !ok {
		return keyStage("IXSCAN", s)
	}
	return &planStage{name: "COUNT_SCAN", fields: append(indexFields(s), bson.E{Key: "indexBounds", Value: bson.D{
		{Key: "startKey", Value: start}, {Key: "startKeyInclusive", Value: startIn},
		{Key: "endKey", Value: end}, {Key: "endKeyInclusive", Value: endIn},
	}})}
}
