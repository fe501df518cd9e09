package embedded

import (
	"math"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

// genericArgs are the fields that every command takes.
type genericArgs struct {
	// session is the id of the client's session, "" without one.
	session string
	maxTime time.Duration
	// journaled is writeConcern's j.
	journaled bool
	comment   bson.RawValue

	apiVersion, apiStrict, apiDeprecationErrors bool
}

// parseGeneric reads f if it is a generic field and reports whether it is one.
func (r *request) parseGeneric(f field) (bool, error) {
	g := &r.genericArgs
	switch f.name {
	case "$db":
		db, ok := f.v.StringValueOK()
		if !ok || !validDB(db) {
			return true, mongoerr.InvalidNamespace.Errorf("Invalid database name: '%s'", db)
		}
		r.db = db
	case "lsid":
		return true, g.parseSession(f.v)
	case "comment":
		g.comment = f.v
	case "$readPreference", "$clusterTime", "$configTime", "$topologyTime", "$audit", "$client", "mayBypassWriteBlocking":
		// They matter to clusters only.
	case "apiVersion":
		if v, _ := f.v.StringValueOK(); v != "1" {
			return true, mongoerr.APIVersionError.Errorf("API version must be \"1\"")
		}
		g.apiVersion = true
	case "apiStrict":
		return true, genericBool(f, &g.apiStrict)
	case "apiDeprecationErrors":
		return true, genericBool(f, &g.apiDeprecationErrors)
	case "txnNumber", "autocommit", "startTransaction":
		return true, mongoerr.IllegalOperation.Errorf("Transaction numbers are only allowed on a replica set member or mongos")
	case "maxTimeMS", "maxTimeMSOpOnly":
		return true, g.parseMaxTime(f)
	case "readConcern":
		return true, checkReadConcern(f.v)
	case "writeConcern":
		return true, g.parseWriteConcern(f.v)
	case "collation":
		return true, checkCollation(f.v)
	default:
		return false, nil
	}
	return true, nil
}

// check looks at what several fields say together.
func (g *genericArgs) check() error {
	if !g.apiVersion && (g.apiStrict || g.apiDeprecationErrors) {
		return mongoerr.Code(4886600).Errorf("Provided apiStrict and/or apiDeprecationErrors without passing apiVersion")
	}
	return nil
}

func genericBool(f field, to *bool) error {
	b, ok := f.v.BooleanOK()
	if !ok {
		return wrongType(f.name, f.v, "bool")
	}
	*to = b
	return nil
}

func (g *genericArgs) parseSession(v bson.RawValue) error {
	doc, ok := v.DocumentOK()
	if !ok {
		return wrongType("OperationSessionInfo.lsid", v, "object")
	}
	id, err := sessionID(doc)
	g.session = id
	return err
}

// sessionID reads the UUID of a session from {id: UUID}.
func sessionID(doc bson.Raw) (string, error) {
	subtype, id, ok := doc.Lookup("id").BinaryOK()
	if !ok {
		return "", mongoerr.MissingCommandField.Errorf("BSON field 'lsid.id' is missing but a required field")
	}
	if subtype != bson.TypeBinaryUUID || len(id) != 16 {
		return "", mongoerr.TypeMismatch.Errorf("BSON field 'lsid.id' is the wrong binData type, expected type 'UUID'")
	}
	return string(id), nil
}

func (g *genericArgs) parseMaxTime(f field) error {
	n, ok := f.v.AsFloat64OK()
	if !ok {
		return mongoerr.BadValue.Errorf("%s must be a number", f.name)
	}
	if n != math.Trunc(n) {
		return mongoerr.BadValue.Errorf("%s has non-integral value", f.name)
	}
	if n < 0 || n > math.MaxInt32 {
		return mongoerr.BadValue.Errorf("%d value for %s is out of range [0, %d]", int64(n), f.name, math.MaxInt32)
	}
	g.maxTime = time.Duration(n) * time.Millisecond
	return nil
}

func checkReadConcern(v bson.RawValue) error {
	doc, ok := v.DocumentOK()
	if !ok {
		return mongoerr.TypeMismatch.Errorf("readConcern must be an object")
	}
	return eachField(doc, func(f field) error {
		switch f.name {
		case "level":
			return checkReadConcernLevel(f.v)
		case "afterClusterTime", "afterOpTime", "atClusterTime":
			return mongoerr.NotAReplicaSet.Errorf("node needs to be a replica set member to use readConcern: { %s: %s }", f.name, f.v)
		case "provenance", "allowTransactionTableSnapshot", "waitLastStableRecoveryTimestamp":
			return nil
		}
		return mongoerr.UnknownCommandField.Errorf("BSON field 'readConcern.%s' is an unknown field.", f.name)
	})
}

func checkReadConcernLevel(v bson.RawValue) error {
	level, ok := v.StringValueOK()
	if !ok {
		return wrongType("readConcern.level", v, "string")
	}
	switch level {
	case "local", "available", "majority":
		return nil
	case "linearizable", "snapshot":
		return mongoerr.NotAReplicaSet.Errorf("node needs to be a replica set member to use read concern")
	}
	return mongoerr.BadValue.Errorf("Enumeration value '%s' for field 'readConcern.level' is not a valid value.", level)
}

func (g *genericArgs) parseWriteConcern(v bson.RawValue) error {
	doc, ok := v.DocumentOK()
	if !ok {
		return mongoerr.TypeMismatch.Errorf("writeConcern must be an object")
	}
	return eachField(doc, func(f field) error {
		switch f.name {
		case "w":
			return checkW(f.v)
		case "j", "fsync":
			on, ok := asBool(f.v)
			if !ok {
				return mongoerr.FailedToParse.Errorf("%s must be numeric or a boolean value", f.name)
			}
			g.journaled = g.journaled || on
		case "wtimeout", "getLastError", "provenance":
		case "wOpTime", "wElectionId":
		default:
			return mongoerr.UnknownCommandField.Errorf("BSON field 'writeConcern.%s' is an unknown field.", f.name)
		}
		return nil
	})
}

func checkW(v bson.RawValue) error {
	if mode, ok := v.StringValueOK(); ok {
		if mode != "majority" && mode != "" {
			return mongoerr.UnknownReplWriteConcern.Errorf("cannot use non-majority 'w' mode %s when a host is not a member of a replica set", mode)
		}
		return nil
	}
	w, ok := v.AsInt64OK()
	switch {
	case !ok:
		return mongoerr.FailedToParse.Errorf("w has to be a number, string, or object; found: %s", typeName(v))
	case w < 0 || w > 50:
		return mongoerr.FailedToParse.Errorf("w has to be a non-negative number and not greater than 50; found: %d", w)
	case w > 1:
		return mongoerr.BadValue.Errorf("cannot use 'w' > 1 when a host is not replicated")
	}
	return nil
}

// checkCollation refuses every collation but the default one, which compares bytes.
func checkCollation(v bson.RawValue) error {
	doc, ok := v.DocumentOK()
	if !ok {
		return mongoerr.TypeMismatch.Errorf("collation must be an object")
	}
	locale, _ := doc.Lookup("locale").StringValueOK()
	if locale == "simple" || len(doc) == 5 {
		return nil
	}
	return mongoerr.NotImplemented.Errorf("collation is not supported")
}
