package pipeline

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about the shape of a pipeline.
const (
	stageNotSingle    mongoerr.Code = 40323
	stageUnrecognized               = mongoerr.UnrecognizedPipelineStage
	stageInFacet      mongoerr.Code = 40600
	stageNotLast      mongoerr.Code = 40601
	stageNotFirst     mongoerr.Code = 40602
	stageInLookup     mongoerr.Code = 51047
	stageInUnion      mongoerr.Code = 31441
	tooManyStages     mongoerr.Code = 7749501
	nestedTooDeep     mongoerr.Code = 232
	maxStages                       = 1000
	maxNestedPipeline               = 20
)

// kind is what is known of a stage by its name.
type kind struct {
	parse func(p *parser, v bson.RawValue) (stage, error)
	// generates: the stage makes documents and stands first.
	generates bool
	// last: the stage writes and stands last.
	last bool
	// database: the stage reads no collection, only {aggregate: 1} has it.
	database bool
	// noFacet: the stage isn't allowed in a $facet. Those that generate or are last
	// never are.
	noFacet bool
}

// kindOf finds a stage by name; nil means that there is none. It is a function and
// no map because stages with sub-pipelines refer back to it.
func kindOf(name string) *kind {
	switch name {
	case "$match":
		return &kind{parse: parseMatch}
	case "$sort":
		return &kind{parse: parseSort}
	case "$skip":
		return &kind{parse: parseSkip}
	case "$limit":
		return &kind{parse: parseLimit}
	case "$count":
		return &kind{parse: parseCount}
	case "$sample":
		return &kind{parse: parseSample}
	case "$unwind":
		return &kind{parse: parseUnwind}
	case "$project", "$set", "$addFields", "$unset", "$replaceRoot", "$replaceWith":
		return &kind{parse: transformParser(name)}
	case "$redact":
		return &kind{parse: parseRedact}
	case "$group":
		return &kind{parse: parseGroup}
	case "$sortByCount":
		return &kind{parse: parseSortByCount}
	case "$bucket":
		return &kind{parse: parseBucket}
	case "$bucketAuto":
		return &kind{parse: parseBucketAuto}
	case "$lookup":
		return &kind{parse: parseLookup}
	case "$graphLookup":
		return &kind{parse: parseGraphLookup}
	case "$unionWith":
		return &kind{parse: parseUnionWith}
	case "$facet":
		return &kind{parse: parseFacet, noFacet: true}
	}
	return endKindOf(name)
}

// endKindOf finds the stages that can only begin or end a pipeline.
func endKindOf(name string) *kind {
	switch name {
	case "$out":
		return &kind{parse: parseOut, last: true}
	case "$merge":
		return &kind{parse: parseMerge, last: true}
	case "$documents":
		return &kind{parse: parseDocuments, generates: true, database: true}
	case "$collStats":
		return &kind{parse: parseCollStats, generates: true}
	case "$indexStats":
		return &kind{parse: parseIndexStats, generates: true}
	case "$currentOp":
		return &kind{parse: parseCurrentOp, generates: true, database: true}
	case "$listLocalSessions":
		return &kind{parse: parseListLocalSessions, generates: true, database: true}
	case "$changeStream":
		return &kind{parse: refuseChangeStream, generates: true}
	}
	return nil
}

func refuseChangeStream(*parser, bson.RawValue) (stage, error) {
	return nil, mongoerr.Code(40573).Errorf("The $changeStream stage is only supported on replica sets")
}

// parser parses a pipeline and those within it.
type parser struct {
	env Env
	// within is the stage whose sub-pipeline is parsed, "" at the top.
	within string
	depth  int
}

func (p *parser) parse(docs []bson.Raw) ([]step, error) {
	if len(docs) > maxStages {
		return nil, tooManyStages.Errorf("Pipeline length must be no longer than %d stages.", maxStages)
	}
	steps := make([]step, 0, len(docs))
	for _, doc := range docs {
		s, err := p.step(doc)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	for i, s := range steps {
		if err := p.checkPlace(s, i == 0, i == len(steps)-1); err != nil {
			return nil, err
		}
	}
	return steps, nil
}

func (p *parser) step(doc bson.Raw) (step, error) {
	it := value.Elements(doc)
	name, v, ok := it.Next()
	if _, _, more := it.Next(); !ok || more {
		return step{}, stageNotSingle.Errorf("A pipeline stage specification object must contain exactly one field.")
	}
	k := kindOf(string(name))
	if k == nil {
		return step{}, stageUnrecognized.Errorf("Unrecognized pipeline stage name: '%s'", name)
	}
	parsed, err := k.parse(p, v)
	return step{name: string(name), spec: v, kind: k, stage: parsed}, err
}

func (p *parser) checkPlace(s step, first, last bool) error {
	switch {
	case p.within == "$facet" && (s.kind.generates || s.kind.last || s.kind.noFacet):
		return stageInFacet.Errorf("%s is not allowed to be used within a $facet stage", s.name)
	case s.kind.generates && !first:
		return stageNotFirst.Errorf("%s is only valid as the first stage in a pipeline", s.name)
	case p.within == "$lookup" && s.kind.last:
		return stageInLookup.Errorf("%s is not allowed within a $lookup's sub-pipeline", s.name)
	case p.within == "$unionWith" && s.kind.last:
		return stageInUnion.Errorf("%s is not allowed within a $unionWith's sub-pipeline", s.name)
	case s.kind.last && !last:
		return stageNotLast.Errorf("%s can only be the final stage in the pipeline", s.name)
	}
	return nil
}

// checkCollection refuses stages that need a collection where there is none, and
// the other way round.
func (p *parser) checkCollection(steps []step) error {
	none := p.env.NS.Collection == ""
	switch {
	case none && len(steps) == 0:
		return mongoerr.InvalidNamespace.Errorf("{aggregate: 1} is not valid for an empty pipeline.")
	case none && !steps[0].kind.database:
		return mongoerr.InvalidNamespace.Errorf("{aggregate: 1} is not valid for '%s'; a collection is required.", steps[0].name)
	case !none && len(steps) > 0 && steps[0].kind.database:
		return mongoerr.InvalidNamespace.Errorf("'%s' can only be run with {aggregate: 1}", steps[0].name)
	}
	return nil
}

// sub gives the parser of a pipeline within the stage named within.
func (p *parser) sub(within string, ns Namespace) (*parser, error) {
	if p.depth+1 > maxNestedPipeline {
		return nil, mongoerr.New(int32(nestedTooDeep), "MaxSubPipelineDepthExceeded", "Maximum number of nested sub-pipelines exceeded. Limit is %d", maxNestedPipeline)
	}
	inner := *p
	inner.within, inner.depth = within, p.depth+1
	inner.env.NS, inner.env.Hint = ns, bson.RawValue{}
	return &inner, nil
}

// pipelineOf gives the stages of a pipeline that is written as an array.
func pipelineOf(v bson.RawValue) ([]bson.Raw, error) {
	if v.Type != bson.TypeArray {
		return nil, mongoerr.TypeMismatch.Errorf("'pipeline' option must be specified as an array")
	}
	var docs []bson.Raw
	it := value.Elements(v.Value)
	for {
		_, item, ok := it.Next()
		if !ok {
			return docs, nil
		}
		if item.Type != bson.TypeEmbeddedDocument {
			return nil, mongoerr.TypeMismatch.Errorf("Each element of the 'pipeline' array must be an object")
		}
		docs = append(docs, item.Value)
	}
}
