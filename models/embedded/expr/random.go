package expr

import (
	"math/rand/v2"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mongod's assertions about $rand and $meta.
const (
	randArguments  mongoerr.Code = 3040501
	metaNoString   mongoerr.Code = 17307
	metaUnknown    mongoerr.Code = 17308
	metaNeedsScore mongoerr.Code = 40218
)

func parseRand(_ *parser, _ string, v bson.RawValue) (node, error) {
	if !isObject(v) && !isArray(v) || len(v.Value) > 5 {
		return nil, randArguments.Errorf("$rand does not currently accept arguments")
	}
	return nodeFunc(func(*scope) (bson.RawValue, error) { return value.Double(rand.Float64()), nil }), nil
}

// refuseMeta answers as where there is no text search, no $geoNear and no
// $search to give the metadata.
func refuseMeta(_ *parser, _ string, v bson.RawValue) (node, error) {
	name, ok := v.StringValueOK()
	if !ok {
		return nil, metaNoString.Errorf("$meta only supports string arguments")
	}
	switch name {
	case "textScore":
		return nil, metaNeedsScore.Errorf("query requires text score metadata, but it is not available")
	case "geoNearDistance":
		return nil, metaNeedsScore.Errorf("query requires $geoNear distance metadata, but it is not available")
	case "geoNearPoint":
		return nil, metaNeedsScore.Errorf("query requires $geoNear point metadata, but it is not available")
	case "indexKey", "randVal", "recordId", "searchHighlights", "searchScore", "searchScoreDetails", "sortKey":
		return nil, metaNeedsScore.Errorf("query requires %s metadata, but it is not available", name)
	}
	return nil, metaUnknown.Errorf("Unsupported argument to $meta: %s", name)
}
