package storage

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
)

// CollectionOptions are what create says of a collection, as the catalog stores
// them and listCollections shows them.
type CollectionOptions struct {
	Capped bool `bson:"capped,omitempty"`
	// Size is the bytes that a capped collection holds, and Max the documents; 0 is
	// without.
	Size int64 `bson:"size,omitempty"`
	Max  int64 `bson:"max,omitempty"`
	// Validator is what documents must match, nil without.
	Validator bson.Raw `bson:"validator,omitempty"`
	// ValidationLevel is "strict", "moderate" or "off", ValidationAction "error" or
	// "warn"; "" without a validator.
	ValidationLevel  string `bson:"validationLevel,omitempty"`
	ValidationAction string `bson:"validationAction,omitempty"`
	// Temp marks a collection that is dropped when the store opens; to rename it makes
	// it a lasting one.
	Temp bool `bson:"temp,omitempty"`

	validator *query.Filter
}

// Check completes the options. Errors have the codes of mongod.
func (o *CollectionOptions) Check() error {
	if !o.Capped && (o.Size > 0 || o.Max > 0) {
		return mongoerr.InvalidOptions.Errorf("the 'capped' field needs to be true when either the 'size' or 'max' fields are present")
	}
	if o.Capped && o.Size <= 0 {
		return mongoerr.InvalidOptions.Errorf("the 'size' field is required when 'capped' is true")
	}
	if o.Capped {
		const least, unit = 4096, 256
		o.Size = max((o.Size+unit-1)/unit*unit, least)
	}
	switch o.ValidationLevel {
	case "", "strict", "moderate", "off":
	default:
		return mongoerr.BadValue.Errorf("Enumeration value '%s' for field 'create.validationLevel' is not a valid value.", o.ValidationLevel)
	}
	switch o.ValidationAction {
	case "", "error", "warn":
	default:
		return mongoerr.BadValue.Errorf("Enumeration value '%s' for field 'create.validationAction' is not a valid value.", o.ValidationAction)
	}
	return o.parse()
}

func (o *CollectionOptions) parse() (err error) {
	o.validator = nil
	if len(o.Validator) > emptyDocument {
		o.validator, err = query.ParseFilter(o.Validator, nil)
	}
	return err
}

// Options gives the options of the collection.
func (c *Collection) Options() CollectionOptions { return c.schema.Load().options }

// SetOptions replaces the options, which have been checked.
func (c *Collection) SetOptions(o CollectionOptions) error {
	return c.alter(func(s *schema) error { s.options = o; return nil })
}

// AlterIndex changes the specification of an index, but not what it indexes. It
// fails with IndexNotFound.
func (c *Collection) AlterIndex(name string, change func(*IndexSpec)) error {
	return c.alter(func(s *schema) error {
		for i, x := range s.indexes {
			if x.Spec.Name == name {
				altered := *x
				change(&altered.Spec)
				altered.Spec.Raw = altered.Spec.render()
				s.indexes[i] = &altered
				return nil
			}
		}
		return mongoerr.IndexNotFound.Errorf("cannot find index %s for ns %s", name, c.NS)
	})
}

// alter stores and publishes a changed copy of the schema.
func (c *Collection) alter(change func(*schema) error) error {
	c.store.ddl.Lock()
	defer c.store.ddl.Unlock()
	c.write.Lock()
	defer c.write.Unlock()
	if c.dropped {
		return mongoerr.NamespaceNotFound.Errorf("ns does not exist: %s", c.NS)
	}
	old := c.schema.Load()
	next := old.with(append([]*Index(nil), old.indexes...))
	if err := change(next); err != nil {
		return err
	}
	b := c.store.db.NewBatch()
	if err := errors.Join(c.putEntry(b, next), b.Commit(pebble.Sync)); err != nil {
		return err
	}
	c.schema.Store(next)
	return nil
}
