package embedded

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/storage"
)

func runValidate(ctx context.Context, r *request, out []byte) ([]byte, error) {
	ns, err := r.collection()
	if err != nil {
		return nil, err
	}
	for _, f := range r.fields {
		switch f.name {
		case "full", "metadata", "checkBSONConformance", "background", "scandata", "enforceFastCount":
			// Every check is made each time.
		case "repair", "fixMultikey":
			if on, ok := asBool(f.v); !ok || on {
				return nil, mongoerr.NotImplemented.Errorf("validate option '%s' is not supported", f.name)
			}
		default:
			return nil, r.unknown(f)
		}
	}
	if err := r.notView(ns); err != nil {
		return nil, mongoerr.CommandNotSupportedOnView.Errorf("Cannot validate a view")
	}
	c := r.s.store.Collection(ns)
	if c == nil {
		return nil, mongoerr.NamespaceNotFound.Errorf("Collection '%s' does not exist to validate.", ns)
	}
	v, err := c.Validate(ctx)
	if err != nil {
		return nil, err
	}
	return appendFields(out, validateReply(c, v))
}

func validateReply(c *storage.Collection, v storage.Validation) bson.D {
	keys := bson.D{}
	problems := bson.A{}
	for _, x := range c.Indexes() {
		keys = append(keys, bson.E{Key: x.Spec.Name, Value: v.Keys[x.Spec.Name]})
	}
	for _, p := range v.Problems {
		problems = append(problems, p)
	}
	details := bson.D{}
	for _, x := range c.Indexes() {
		details = append(details, bson.E{Key: x.Spec.Name, Value: bson.D{{Key: "valid", Value: len(problems) == 0}}})
	}
	return bson.D{
		{Key: "ns", Value: c.NS.String()},
		{Key: "uuid", Value: c.UUID},
		{Key: "nInvalidDocuments", Value: int32(0)},
		{Key: "nNonCompliantDocuments", Value: int32(0)},
		{Key: "nrecords", Value: v.Records},
		{Key: "nIndexes", Value: int32(len(keys))},
		{Key: "keysPerIndex", Value: keys},
		{Key: "indexDetails", Value: details},
		{Key: "valid", Value: len(problems) == 0},
		{Key: "repaired", Value: false},
		{Key: "warnings", Value: bson.A{}},
		{Key: "errors", Value: problems},
		{Key: "extraIndexEntries", Value: bson.A{}},
		{Key: "missingIndexEntries", Value: bson.A{}},
		{Key: "corruptRecords", Value: bson.A{}},
	}
}
