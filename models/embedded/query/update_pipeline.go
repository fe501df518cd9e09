package query

import (
	"bytes"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about updates with a pipeline.
const (
	stageNotSingleField    mongoerr.Code = 40323
	constantsNeedsPipeline mongoerr.Code = 51198
)

// parseUpdatePipeline parses [{$set: {…}}, …].
func parseUpdatePipeline(stages bson.RawValue, opts UpdateOptions) (*Update, error) {
	if len(opts.ArrayFilters) > 0 {
		return nil, mongoerr.FailedToParse.Errorf("arrayFilters may not be specified for pipeline-syle updates")
	}
	vars := opts.Vars
	if vars == nil {
		now := opts.Now
		if now.IsZero() {
			now = time.Now()
		}
		vars = expr.NewVariables(now)
	}
	it := value.Elements(opts.Constants)
	for {
		key, v, ok := it.Next()
		if !ok {
			break
		}
		vars = vars.With(string(key), v)
	}
	u := &Update{pipeline: []*Transform{}, now: opts.Now}
	for _, stage := range items(stages) {
		t, err := parseUpdateStage(stage, vars)
		if err != nil {
			return nil, err
		}
		u.pipeline = append(u.pipeline, t)
	}
	return u, nil
}

func parseUpdateStage(stage bson.RawValue, vars *expr.Variables) (*Transform, error) {
	if stage.Type != bson.TypeEmbeddedDocument {
		return nil, mongoerr.TypeMismatch.Errorf("Each element of the 'pipeline' array must be an object")
	}
	it := value.Elements(stage.Value)
	name, v, ok := it.Next()
	if _, _, more := it.Next(); !ok || more {
		return nil, stageNotSingleField.Errorf("A pipeline stage specification object must contain exactly one field.")
	}
	switch string(name) {
	case "$set", "$addFields", "$project", "$unset", "$replaceRoot", "$replaceWith":
		return ParseTransform(string(name), v, vars)
	}
	if isStage(string(name)) {
		return nil, mongoerr.InvalidOptions.Errorf("%s is not allowed to be used within an update", name)
	}
	return nil, mongoerr.UnrecognizedPipelineStage.Errorf("Unrecognized pipeline stage name: '%s'", name)
}

// isStage reports whether mongod has another pipeline stage by this name.
func isStage(name string) bool {
	switch name {
	case "$match", "$sort", "$skip", "$limit", "$count", "$group", "$unwind", "$lookup", "$graphLookup", "$facet", "$bucket", "$bucketAuto",
		"$sortByCount", "$sample", "$out", "$merge", "$unionWith", "$redact", "$geoNear", "$densify", "$fill", "$setWindowFields",
		"$documents", "$changeStream", "$collStats", "$indexStats", "$currentOp", "$listSessions", "$listLocalSessions", "$planCacheStats",
		"$search", "$searchMeta", "$listSampledQueries", "$changeStreamSplitLargeEvent":
		return true
	}
	return false
}

// transform runs the pipeline on doc, whose _id stays.
func (u *Update) transform(doc bson.Raw) (out bson.Raw, modified bool, err error) {
	out = doc
	for _, stage := range u.pipeline {
		if out, err = stage.Apply(out); err != nil {
			return nil, false, err
		}
		if err := CheckBuiltSize(len(out)); err != nil {
			return nil, false, err
		}
	}
	if out, err = keepID(doc, out); err != nil {
		return nil, false, err
	}
	return out, !bytes.Equal(doc, out), nil
}
