package pipeline

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/value"
)

// mergeSpec is a $merge as it is written, with its defaults.
type mergeSpec struct {
	to                          Namespace
	on                          []string
	whenMatched, whenNotMatched string
	update                      bson.RawValue
	let                         bson.Raw
}

func readMergeSpec(v bson.RawValue, db string) (*mergeSpec, error) {
	s := &mergeSpec{whenMatched: "merge", whenNotMatched: "insert", on: []string{"_id"}}
	switch v.Type {
	case bson.TypeString:
		s.to.Collection = v.StringValue()
	case bson.TypeEmbeddedDocument:
		if value.Missing(value.Field(v.Value, "into")) {
			return nil, mongoerr.MissingCommandField.Errorf("BSON field '$merge.into' is missing but a required field")
		}
		if err := eachOption(v, s.option); err != nil {
			return nil, err
		}
	default:
		return nil, mongoerr.TypeMismatch.Errorf("$merge requires a string or object argument, but found %s", value.TypeName(v.Type))
	}
	if s.to.DB == "" {
		s.to.DB = db
	}
	return s, s.check()
}

func (s *mergeSpec) option(name string, v bson.RawValue) error {
	switch name {
	case "into":
		return s.parseInto(v)
	case "on":
		return s.parseOn(v)
	case "whenMatched":
		return s.parseWhenMatched(v)
	case "whenNotMatched":
		mode, ok := v.StringValueOK()
		if !ok {
			return wrongType("$merge.whenNotMatched", v, "string")
		}
		if !slices.Contains([]string{"insert", "discard", "fail"}, mode) {
			return mongoerr.BadValue.Errorf("Enumeration value '%s' for field '$merge.whenNotMatched' is not a valid value.", mode)
		}
		s.whenNotMatched = mode
	case "let":
		if v.Type != bson.TypeEmbeddedDocument {
			return wrongType("$merge.let", v, "object")
		}
		s.let = v.Value
	default:
		return mongoerr.UnknownCommandField.Errorf("BSON field '$merge.%s' is an unknown field.", name)
	}
	return nil
}

func (s *mergeSpec) parseInto(v bson.RawValue) error {
	switch v.Type {
	case bson.TypeString:
		s.to.Collection = v.StringValue()
		return nil
	case bson.TypeEmbeddedDocument:
		return eachOption(v, func(name string, v bson.RawValue) error {
			to := map[string]*string{"db": &s.to.DB, "coll": &s.to.Collection}[name]
			if to == nil {
				return mongoerr.UnknownCommandField.Errorf("BSON field 'into.%s' is an unknown field.", name)
			}
			if v.Type != bson.TypeString {
				return wrongType("into."+name, v, "string")
			}
			*to = v.StringValue()
			return nil
		})
	}
	return mongoerr.Code(51178).Errorf("$merge 'into' field  must be either a string or an object, but found %s", value.TypeName(v.Type))
}

func (s *mergeSpec) parseOn(v bson.RawValue) error {
	s.on = nil
	switch v.Type {
	case bson.TypeString:
		s.on = []string{v.StringValue()}
	case bson.TypeArray:
		it := value.Elements(v.Value)
		for {
			_, item, ok := it.Next()
			if !ok {
				break
			}
			path, ok := item.StringValueOK()
			if !ok {
				return mongoerr.Code(51134).Errorf("$merge 'on' array elements must be strings, but found %s", value.TypeName(item.Type))
			}
			if slices.Contains(s.on, path) {
				return mongoerr.Code(31465).Errorf("Found a duplicate field '%s'", path)
			}
			s.on = append(s.on, path)
		}
		if len(s.on) == 0 {
			return mongoerr.Code(51187).Errorf("If explicitly specifying $merge 'on', must include at least one field")
		}
	default:
		return mongoerr.Code(51186).Errorf("$merge 'on' field  must be either a string or an array of strings, but found %s", value.TypeName(v.Type))
	}
	for _, path := range s.on {
		if err := checkFieldPath(path); err != nil {
			return err
		}
	}
	return nil
}

func (s *mergeSpec) parseWhenMatched(v bson.RawValue) error {
	switch v.Type {
	case bson.TypeArray:
		s.whenMatched, s.update = "pipeline", v
		return nil
	case bson.TypeString:
		s.whenMatched = v.StringValue()
		if !slices.Contains([]string{"replace", "keepExisting", "merge", "fail"}, s.whenMatched) {
			return mongoerr.BadValue.Errorf("Enumeration value '%s' for field 'whenMatched' is not a valid value.", s.whenMatched)
		}
		return nil
	}
	return mongoerr.Code(51191).Errorf("$merge 'whenMatched' field  must be either a string or an array, but found %s", value.TypeName(v.Type))
}

func (s *mergeSpec) check() error {
	if err := checkTarget("$merge", s.to); err != nil {
		return err
	}
	keeps := s.whenMatched == "keepExisting" || s.whenMatched == "fail"
	if keeps && s.whenNotMatched != "insert" {
		return mongoerr.Code(51181).Errorf("Combination of $merge modes 'whenMatched: %s' and 'whenNotMatched: %s' is not supported", s.whenMatched, s.whenNotMatched)
	}
	if strings.HasPrefix(s.to.Collection, "system.") {
		return mongoerr.Code(31319).Errorf("Cannot $merge to special collection: %s", s.to.Collection)
	}
	if s.to.DB == "local" || s.to.DB == "config" || s.to.DB == "admin" {
		return mongoerr.Code(31320).Errorf("Cannot $merge to internal database: %s", s.to.DB)
	}
	return s.checkLet()
}

// checkLet gives the pipeline the variable $$new.
func (s *mergeSpec) checkLet() error {
	if s.whenMatched != "pipeline" {
		if s.let != nil {
			return mongoerr.Code(51199).Errorf("Cannot use 'let' variables with 'whenMatched: %s' mode", s.whenMatched)
		}
		return nil
	}
	root := stringValue("$$ROOT")
	if s.let == nil {
		s.let = marshal(bson.D{})
	}
	switch own := value.Field(s.let, "new"); {
	case value.Missing(own):
		s.let = withFirst(s.let, "new", root)
	case !value.Equal(own, root):
		return mongoerr.Code(51273).Errorf("'let' may not define a value for the reserved 'new' variable other than '$$ROOT'")
	}
	return nil
}
