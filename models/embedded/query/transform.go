package query

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// Transform is a pipeline stage that makes one document of another: $project,
// $set, $addFields, $unset, $replaceRoot or $replaceWith. It is immutable and
// safe for concurrent use.
type Transform struct {
	projection *Projection
	newRoot    *expr.Expression // of $replaceRoot and $replaceWith
	role       string           // of newRoot, in errors
}

// mongod's assertions about the stages.
const (
	projectNotObject   mongoerr.Code = 15969
	projectEmpty       mongoerr.Code = 51272
	unsetWrongType     mongoerr.Code = 31002
	unsetEmpty         mongoerr.Code = 31119
	unsetNotString     mongoerr.Code = 31120
	newRootNotObject   mongoerr.Code = 40228
	replaceRootNotSpec mongoerr.Code = 40229
)

// ParseTransform parses the stage of that name with the specification v. vars
// are what its expressions see and may be nil. The transform refers to v's
// memory. Errors are *mongoerr.Error; another stage is refused as unrecognized.
func ParseTransform(stage string, v bson.RawValue, vars *expr.Variables) (*Transform, error) {
	var t *Transform
	var err error
	switch stage {
	case "$replaceRoot", "$replaceWith":
		return parseReplacement(stage, v, vars)
	case "$project":
		t, err = parseProject(v, vars)
	case "$set", "$addFields":
		t, err = parseAddFields(stage, v, vars)
	case "$unset":
		t, err = parseUnsetStage(v)
	default:
		err = mongoerr.UnrecognizedPipelineStage.Errorf("Unrecognized pipeline stage name: '%s'", stage)
	}
	return t, err
}

// Apply gives the document that the stage makes of doc, which is never changed.
// The result may be doc itself or share its memory. It fails where an expression fails on doc.
func (t *Transform) Apply(doc bson.Raw) (bson.Raw, error) {
	if t.projection != nil {
		return t.projection.Apply(doc)
	}
	v, err := t.newRoot.Eval(doc)
	if err != nil {
		return nil, err
	}
	if v.Type == bson.TypeEmbeddedDocument {
		return v.Value, nil
	}
	text := "MISSING"
	if !value.Missing(v) {
		text = value.Format(v)
	}
	return nil, newRootNotObject.Errorf("%s must evaluate to an object, but resulting value was: %s. Type of resulting value: '%s'. Input document: %s",
		t.role, text, value.TypeName(v.Type), value.Format(documentValue(doc)))
}

// invalid says which stage an error is about.
func invalid(stage string, err error) error {
	failed := mongoerr.From(err)
	return mongoerr.Code(failed.Code).Errorf("Invalid %s :: caused by :: %s", stage, failed.Message)
}

func parseProject(v bson.RawValue, vars *expr.Variables) (*Transform, error) {
	if v.Type != bson.TypeEmbeddedDocument {
		return nil, projectNotObject.Errorf("$project specification must be an object")
	}
	if len(v.Value) <= len(emptyDocument) {
		return nil, invalid("$project", projectEmpty.Errorf("projection specification must have at least one field"))
	}
	parser := &projectionParser{vars: vars, aggregation: true}
	p, err := parser.parse(v.Value)
	if err != nil {
		return nil, invalid("$project", err)
	}
	return &Transform{projection: p}, nil
}

// parseUnsetStage parses $unset, which is a $project that only excludes.
func parseUnsetStage(v bson.RawValue) (*Transform, error) {
	var paths []bson.RawValue
	switch v.Type {
	case bson.TypeString:
		paths = []bson.RawValue{v}
	case bson.TypeArray:
		if paths = items(v); len(paths) == 0 {
			return nil, unsetEmpty.Errorf("$unset specification must be a string or an array with at least one field")
		}
	default:
		return nil, unsetWrongType.Errorf("$unset specification must be a string or an array")
	}
	parser := &projectionParser{aggregation: true, projection: &Projection{root: &projectionNode{}}}
	for _, path := range paths {
		name, ok := path.StringValueOK()
		if !ok {
			return nil, unsetNotString.Errorf("$unset specification must be a string or an array containing only string values")
		}
		if err := parser.field(name, exclude, 0); err != nil {
			return nil, invalid("$unset", err)
		}
	}
	p, err := parser.finish()
	return &Transform{projection: p}, err
}

var exclude = bson.RawValue{Type: bson.TypeBoolean, Value: []byte{0}}

func parseReplacement(stage string, v bson.RawValue, vars *expr.Variables) (*Transform, error) {
	t := &Transform{role: "'replacement document' "}
	if stage == "$replaceRoot" {
		t.role = "'newRoot' expression "
		if v.Type != bson.TypeEmbeddedDocument {
			return nil, replaceRootNotSpec.Errorf("expected an object as specification for $replaceRoot stage, got %s", value.TypeName(v.Type))
		}
		it := value.Elements(v.Value)
		var newRoot bson.RawValue
		for {
			key, field, ok := it.Next()
			if !ok {
				break
			}
			if string(key) != "newRoot" {
				return nil, mongoerr.UnknownCommandField.Errorf("BSON field '$replaceRoot.%s' is an unknown field.", key)
			}
			newRoot = field
		}
		if v = newRoot; value.Missing(v) {
			return nil, mongoerr.MissingCommandField.Errorf("BSON field '$replaceRoot.newRoot' is missing but a required field")
		}
	}
	var err error
	t.newRoot, err = expr.Parse(v, vars)
	return t, err
}
