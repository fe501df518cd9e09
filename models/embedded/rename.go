package embedded

import (
	"context"
	"strings"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/storage"
)

func runRenameCollection(_ context.Context, r *request, out []byte) ([]byte, error) {
	from, ok := r.arg.StringValueOK()
	if !ok {
		return nil, wrongType("renameCollection.renameCollection", r.arg, "string")
	}
	var to string
	var dropTarget bool
	var err error
	for _, f := range r.fields {
		switch f.name {
		case "to":
			if to, ok = f.v.StringValueOK(); !ok {
				err = wrongType("renameCollection.to", f.v, "string")
			}
		case "dropTarget":
			err = r.boolean(f, &dropTarget)
		case "stayTemp":
		default:
			err = r.unknown(f)
		}
		if err != nil {
			return nil, err
		}
	}
	if to == "" {
		return nil, mongoerr.MissingCommandField.Errorf("BSON field 'renameCollection.to' is missing but a required field")
	}
	source, err := renameNamespace("source", from)
	if err != nil {
		return nil, err
	}
	target, err := renameNamespace("target", to)
	if err != nil {
		return nil, err
	}
	return out, r.s.store.Rename(source, target, dropTarget)
}

// renameNamespace splits the full name of a collection.
func renameNamespace(role, name string) (storage.Namespace, error) {
	db, collection, _ := strings.Cut(name, ".")
	r := request{db: db}
	ns, err := r.namespace(collection)
	if err != nil || !validDB(db) {
		return ns, mongoerr.InvalidNamespace.Errorf("Invalid %s namespace: %s", role, name)
	}
	return ns, nil
}
