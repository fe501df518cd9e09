package query

import (
	"bytes"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/expr"
	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// UpdateOptions are the parts of an update statement beside the update itself.
type UpdateOptions struct {
	ArrayFilters []bson.Raw
	// Vars are what the expressions of a pipeline see; nil for the built-in ones.
	Vars *expr.Variables
	// Constants are further variables of a pipeline, by their names: the field c
	// of an update statement.
	Constants bson.Raw
	// Now is the time $currentDate sets; zero means the time of Apply.
	Now time.Time
}

// Update is a parsed update: operators, a replacement document or a pipeline. It
// is immutable and safe for concurrent use.
type Update struct {
	tree        *updateNode
	renames     []*rename
	replacement bson.Raw
	pipeline    []*Transform // not nil for a pipeline
	now         time.Time
}

// ParseUpdate parses the u field of an update statement. The update refers to
// u's memory. Errors are *mongoerr.Error.
func ParseUpdate(u bson.RawValue, opts UpdateOptions) (*Update, error) {
	switch {
	case u.Type == bson.TypeArray:
		return parseUpdatePipeline(u, opts)
	case u.Type != bson.TypeEmbeddedDocument:
		return nil, mongoerr.FailedToParse.Errorf("Update argument must be either an object or an array")
	case opts.Constants != nil:
		return nil, constantsNeedsPipeline.Errorf("Constant values may only be specified for pipeline updates")
	}
	it := value.Elements(u.Value)
	if first, _, ok := it.Next(); ok && bytes.HasPrefix(first, []byte("$")) {
		return parseModifiers(u.Value, opts)
	}
	if len(opts.ArrayFilters) > 0 {
		return nil, mongoerr.FailedToParse.Errorf("Cannot specify arrayFilters and a replacement-style update")
	}
	if err := checkReplacement(u.Value); err != nil {
		return nil, err
	}
	return &Update{replacement: u.Value, now: opts.Now}, nil
}

// Replacement reports whether the update replaces the whole document.
func (u *Update) Replacement() bool { return u.replacement != nil }

// Apply gives doc updated. modified is false, and out is doc, when nothing
// changed. filter resolves the positional $ and may be nil. insert also
// applies $setOnInsert. doc itself is never changed.
func (u *Update) Apply(doc bson.Raw, filter *Filter, insert bool) (out bson.Raw, modified bool, err error) {
	now := u.now
	if now.IsZero() {
		now = time.Now()
	}
	switch {
	case u.Replacement():
		return replace(doc, u.replacement, now)
	case u.pipeline != nil:
		return u.transform(doc)
	}
	run := &updateRun{doc: doc, filter: filter, insert: insert, now: now, position: -1}
	if err := run.resolveRenames(u.renames); err != nil {
		return nil, false, err
	}
	out, modified, err = run.document(make([]byte, 0, len(doc)+64), doc, u.tree)
	if err != nil {
		return nil, false, err
	}
	if !modified {
		return doc, false, nil
	}
	return out, true, checkID(doc, out)
}

// checkID refuses a changed _id. Numbers may change their type, as in mongod.
func checkID(before, after bson.Raw) error {
	old := value.Field(before, "_id")
	if value.Missing(old) {
		return nil
	}
	if id := value.Field(after, "_id"); value.Missing(id) || !value.Equal(old, id) {
		return mongoerr.ImmutableField.Errorf("Performing an update on the path '_id' would modify the immutable field '_id'")
	}
	return nil
}
