package embedded

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/storage"
	"parlor/models/embedded/wire"
)

// parameters are what getParameter knows, by name. None can be set.
func parameters() bson.D {
	return bson.D{
		{Key: "authenticationMechanisms", Value: bson.A{mechanism}},
		{Key: "cursorTimeoutMillis", Value: cursorTimeout.Milliseconds()},
		{Key: "enableTestCommands", Value: false},
		{Key: "featureCompatibilityVersion", Value: bson.D{{Key: "version", Value: "7.0"}}},
		{Key: "internalQueryMaxBlockingSortMemoryUsageBytes", Value: int64(storage.MaxSortBytes)},
		{Key: "journalCommitInterval", Value: int32(100)},
		{Key: "localLogicalSessionTimeoutMinutes", Value: int32(sessionTimeout / time.Minute)},
		{Key: "maxBSONDepth", Value: int32(wire.MaxDepth)},
		{Key: "notablescan", Value: false},
		{Key: "quiet", Value: false},
		{Key: "scramSHA256IterationCount", Value: int32(scramIterations)},
		{Key: "ttlMonitorEnabled", Value: true},
		{Key: "ttlMonitorSleepSecs", Value: int32(maintainEvery / time.Second)},
	}
}

func runGetParameter(_ context.Context, r *request, out []byte) ([]byte, error) {
	var details, all bool
	if doc, ok := r.arg.DocumentOK(); ok {
		details, _ = asBool(doc.Lookup("showDetails"))
		all, _ = asBool(doc.Lookup("allParameters"))
	}
	if star, _ := r.arg.StringValueOK(); star == "*" {
		all = true
	}
	var found bson.D
	for _, p := range parameters() {
		if !all && !r.has(p.Key) {
			continue
		}
		if details {
			p.Value = bson.D{{Key: "value", Value: p.Value}, {Key: "settableAtRuntime", Value: false}, {Key: "settableAtStartup", Value: false}}
		}
		found = append(found, p)
	}
	if len(found) == 0 {
		return nil, mongoerr.InvalidOptions.Errorf("no option found to get")
	}
	return appendFields(out, found)
}

// has reports whether the command has a field.
func (r *request) has(name string) bool {
	for _, f := range r.fields {
		if f.name == name {
			return true
		}
	}
	return false
}

func runSetParameter(_ context.Context, r *request, _ []byte) ([]byte, error) {
	if len(r.fields) == 0 {
		return nil, mongoerr.InvalidOptions.Errorf("no option found to set, use help:true to see options ")
	}
	name := r.fields[0].name
	for _, p := range parameters() {
		if p.Key == name {
			return nil, mongoerr.IllegalOperation.Errorf("not allowed to change [%s] at runtime", name)
		}
	}
	return nil, mongoerr.InvalidOptions.Errorf("attempted to set unrecognized parameter [%s], use help:true to see options ", name)
}

func runGetCmdLineOpts(_ context.Context, r *request, out []byte) ([]byte, error) {
	parsed := bson.D{}
	if address, ok := r.s.Addr().(interface{ String() string }); ok {
		parsed = append(parsed, bson.E{Key: "net", Value: bson.D{{Key: "bindIp", Value: address.String()}}})
	}
	if r.s.auth.required() {
		parsed = append(parsed, bson.E{Key: "security", Value: bson.D{{Key: "authorization", Value: "enabled"}}})
	}
	return appendFields(out, bson.D{{Key: "argv", Value: bson.A{"embedded"}}, {Key: "parsed", Value: parsed}})
}

// runGetLog answers with empty logs: the server hands its news to the logger of
// the program that it is in, and keeps none.
func runGetLog(_ context.Context, r *request, out []byte) ([]byte, error) {
	name, ok := r.arg.StringValueOK()
	switch {
	case !ok:
		return nil, mongoerr.TypeMismatch.Errorf("Argument to getLog must be of type String; found %s of type %s", r.arg, typeName(r.arg))
	case name == "*":
		return appendFields(out, bson.D{{Key: "names", Value: bson.A{"global", "startupWarnings"}}})
	case name == "global" || name == "startupWarnings":
		return appendFields(out, bson.D{{Key: "totalLinesWritten", Value: int32(0)}, {Key: "log", Value: bson.A{}}})
	}
	return nil, mongoerr.OperationFailed.Errorf("No log named '%s'", name)
}

// runProfile tells that nothing is profiled, and refuses to change that.
func runProfile(_ context.Context, r *request, out []byte) ([]byte, error) {
	level, ok := r.arg.AsInt64OK()
	if !ok {
		return nil, mongoerr.TypeMismatch.Errorf("BSON field 'profile.profile' is the wrong type '%s', expected types '[long, int, decimal, double]'", typeName(r.arg))
	}
	if level > 0 || len(r.fields) > 0 {
		return nil, mongoerr.NotImplemented.Errorf("the profiler is not supported")
	}
	out = bsoncore.AppendInt32Element(out, "was", 0)
	out = bsoncore.AppendInt32Element(out, "slowms", 100)
	return bsoncore.AppendDoubleElement(out, "sampleRate", 1), nil
}

// runFsync makes every write so far survive loss of power.
func runFsync(_ context.Context, r *request, out []byte) ([]byte, error) {
	for _, f := range r.fields {
		switch f.name {
		case "lock":
			if lock, ok := asBool(f.v); !ok || lock {
				return nil, mongoerr.NotImplemented.Errorf("fsync with lock is not supported")
			}
		case "async", "fsyncLockAcquisitionTimeoutMillis":
		default:
			return nil, r.unknown(f)
		}
	}
	if err := r.s.store.Barrier(); err != nil {
		return nil, err
	}
	return bsoncore.AppendInt32Element(out, "numFiles", 1), nil
}

func runLogRotate(_ context.Context, _ *request, _ []byte) ([]byte, error) {
	return nil, mongoerr.NotImplemented.Errorf("there is no log file to rotate")
}

func runReplication(_ context.Context, _ *request, _ []byte) ([]byte, error) {
	return nil, mongoerr.NoReplicationEnabled.Errorf("not running with --replSet")
}

func runTransaction(_ context.Context, r *request, _ []byte) ([]byte, error) {
	return nil, mongoerr.New(125, "CommandFailed", "%s must be run within a transaction", r.name)
}

func runMapReduce(_ context.Context, _ *request, _ []byte) ([]byte, error) {
	return nil, mongoerr.CommandNotSupported.Errorf("mapReduce is not supported: there is no JavaScript engine")
}
