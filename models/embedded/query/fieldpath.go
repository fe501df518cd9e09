package query

import (
	"strings"

	"parlor/models/embedded/mongoerr"
)

// mongod's assertions about paths in sorts and projections.
const (
	emptyFieldPath   mongoerr.Code = 40352
	trailingDotPath  mongoerr.Code = 40353
	dollarFieldPath  mongoerr.Code = 16410
	emptyFieldInPath mongoerr.Code = 15998
)

// checkFieldPath refuses what mongod's FieldPath refuses.
func checkFieldPath(path string) error {
	if path == "" {
		return emptyFieldPath.Errorf("FieldPath cannot be constructed with empty string")
	}
	if strings.HasSuffix(path, ".") {
		return trailingDotPath.Errorf("FieldPath must not end with a '.'.")
	}
	if strings.Count(path, ".") >= maxPathDepth {
		return mongoerr.Overflow.Errorf("FieldPath is too long")
	}
	for part := range strings.SplitSeq(path, ".") {
		switch {
		case part == "":
			return emptyFieldInPath.Errorf("FieldPath field names may not be empty strings.")
		case part[0] == '$':
			return dollarFieldPath.Errorf("FieldPath field names may not start with '$'. Consider using $getField or $setField.")
		}
	}
	return nil
}
