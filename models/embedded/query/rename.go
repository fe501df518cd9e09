package query

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// rename is one field of $rename. In the tree it stands twice: at the
// destination, which takes the value, and at the source, which goes.
type rename struct{ from, to string }

type renameTo struct{ *rename }

func (m renameTo) apply(old bson.RawValue, run *updateRun) (bson.RawValue, error) {
	if v := run.renamed[m.rename]; !value.Missing(v) {
		return v, nil
	}
	return old, nil
}

// blocked: without a source there is nothing to create. With one, the
// destination was checked by resolveRenames.
func (m renameTo) blocked() blocking { return blockedIgnore }

func (u *Update) parseRename(from string, arg bson.RawValue) error {
	to, ok := arg.StringValueOK()
	if !ok {
		return mongoerr.BadValue.Errorf("The 'to' field for $rename must be a string: %s: %s", from, value.Format(arg))
	}
	if strings.Contains(to, "\x00") {
		return mongoerr.BadValue.Errorf("The 'to' field for $rename cannot contain an embedded null byte: %q", to)
	}
	for _, path := range []string{from, to} {
		if err := checkRenamePath(path, path == from); err != nil {
			return err
		}
	}
	if from == to {
		return mongoerr.BadValue.Errorf("The source and target field for $rename must differ: %s: %s", from, value.Format(arg))
	}
	if strings.HasPrefix(to, from+".") || strings.HasPrefix(from, to+".") {
		return mongoerr.BadValue.Errorf("The source and target field for $rename must not be on the same path: %s: %s", from, value.Format(arg))
	}
	r := &rename{from, to}
	u.renames = append(u.renames, r)
	if err := u.add(to, renameTo{r}, false, nil); err != nil {
		return err
	}
	return u.add(from, unset{}, false, nil)
}

func checkRenamePath(path string, source bool) error {
	if _, err := splitUpdatePath(path); err != nil {
		return err
	}
	role := "destination"
	if source {
		role = "source"
	}
	for part := range strings.SplitSeq(path, ".") {
		if part == "$" || isArrayFilterPart(part) {
			return mongoerr.BadValue.Errorf("The %s field for $rename may not be dynamic: %s", role, path)
		}
	}
	return nil
}

// resolveRenames reads the values to move, before anything is changed.
func (r *updateRun) resolveRenames(renames []*rename) error {
	for _, m := range renames {
		v, err := r.renamePath(m.from, "source")
		if err != nil {
			return err
		}
		if value.Missing(v) {
			continue
		}
		if _, err := r.renamePath(m.to, "destination"); err != nil {
			return err
		}
		if r.renamed == nil {
			r.renamed = make(map[*rename]bson.RawValue, len(renames))
		}
		r.renamed[m] = v
	}
	return nil
}

// renamePath follows a path that may not lead through an array. A destination
// may not lead through a scalar either.
func (r *updateRun) renamePath(path, role string) (bson.RawValue, error) {
	current := documentValue(r.doc)
	name, rest, more := "", path, true
	for more {
		switch current.Type {
		case bson.TypeEmbeddedDocument:
		case bson.TypeArray:
			return current, mongoerr.BadValue.Errorf("The %s field cannot be an array element, '%s' in doc with %s has an array field called '%s'",
				role, path, strings.Trim(r.id(), "{}"), name)
		default:
			if role == "destination" && !value.Missing(current) {
				next, _, _ := strings.Cut(rest, ".")
				return current, mongoerr.PathNotViable.Errorf("Cannot create field '%s' in element %s", next, value.FormatElement(name, current))
			}
			return bson.RawValue{}, nil
		}
		name, rest, more = strings.Cut(rest, ".")
		current = value.Field(current.Value, name)
	}
	return current, nil
}
