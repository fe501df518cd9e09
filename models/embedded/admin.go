package embedded

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/wire"
)

// maxWireVersion is that of MongoDB 7.0.
const maxWireVersion = 21

// counters are the numbers that serverStatus shows.
type counters struct {
	connections atomic.Int64 // ever accepted
	requests    atomic.Int64
}

// appendFields appends the fields of a value that bson can marshal, for commands
// that nobody calls often.
func appendFields(out []byte, fields bson.D) ([]byte, error) {
	doc, err := bson.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return append(out, doc[4:len(doc)-1]...), nil
}

func runHello(_ context.Context, r *request, out []byte) ([]byte, error) {
	var authenticate bson.Raw
	var user string
	for _, f := range r.fields {
		switch f.name {
		case "client":
			if doc, ok := f.v.DocumentOK(); ok {
				r.conn.client = slices.Clone(doc)
			}
		case "saslSupportedMechs":
			user, _ = f.v.StringValueOK()
		case "speculativeAuthenticate":
			authenticate, _ = f.v.DocumentOK()
		}
		// Drivers send what later versions understand; hello ignores it everywhere.
	}
	if r.name == "hello" {
		out = bsoncore.AppendBooleanElement(out, "isWritablePrimary", true)
	} else {
		out = bsoncore.AppendBooleanElement(out, "ismaster", true)
		out = bsoncore.AppendBooleanElement(out, "helloOk", true)
	}
	out = bsoncore.AppendInt32Element(out, "maxBsonObjectSize", wire.MaxDocumentSize)
	out = bsoncore.AppendInt32Element(out, "maxMessageSizeBytes", wire.MaxMessageSize)
	out = bsoncore.AppendInt32Element(out, "maxWriteBatchSize", maxWriteBatch)
	out = bsoncore.AppendDateTimeElement(out, "localTime", r.s.clock.now().UnixMilli())
	out = bsoncore.AppendInt32Element(out, "logicalSessionTimeoutMinutes", 30)
	out = bsoncore.AppendInt32Element(out, "connectionId", r.conn.id)
	out = bsoncore.AppendInt32Element(out, "minWireVersion", 0)
	out = bsoncore.AppendInt32Element(out, "maxWireVersion", maxWireVersion)
	out = bsoncore.AppendBooleanElement(out, "readOnly", false)
	if user != "" {
		out = r.mechanisms(out, user)
	}
	if authenticate != nil {
		out = r.speculative(out, authenticate)
	}
	return out, nil
}

func runPing(_ context.Context, _ *request, out []byte) ([]byte, error) { return out, nil }

func runEndSessions(_ context.Context, r *request, out []byte) ([]byte, error) {
	docs, err := documentsOf("endSessions.endSessions", r.arg)
	if err != nil {
		return nil, err
	}
	for _, lsid := range docs {
		r.s.sessions.end(lsid)
	}
	return out, nil
}

func runBuildInfo(_ context.Context, _ *request, out []byte) ([]byte, error) {
	return appendFields(out, bson.D{
		{Key: "version", Value: Version},
		{Key: "gitVersion", Value: "embedded"},
		{Key: "modules", Value: bson.A{}},
		{Key: "allocator", Value: "go"},
		{Key: "javascriptEngine", Value: "none"},
		{Key: "sysInfo", Value: "deprecated"},
		{Key: "versionArray", Value: bson.A{int32(7), int32(0), int32(14), int32(0)}},
		{Key: "openssl", Value: bson.D{{Key: "running", Value: "disabled"}}},
		{Key: "buildEnvironment", Value: bson.D{{Key: "target_arch", Value: runtime.GOARCH}, {Key: "target_os", Value: runtime.GOOS}}},
		{Key: "bits", Value: int32(strconv.IntSize)},
		{Key: "debug", Value: false},
		{Key: "maxBsonObjectSize", Value: int32(wire.MaxDocumentSize)},
		{Key: "storageEngines", Value: bson.A{"pebble"}},
	})
}

func runConnectionStatus(_ context.Context, r *request, out []byte) ([]byte, error) {
	users, roles := bson.A{}, bson.A{}
	if r.s.auth.required() && r.conn.authenticated && r.conn.overTCP() {
		users = append(users, bson.D{{Key: "user", Value: r.s.auth.user}, {Key: "db", Value: authDB}})
		roles = append(roles, bson.D{{Key: "role", Value: "root"}, {Key: "db", Value: authDB}})
	}
	info := bson.D{{Key: "authenticatedUsers", Value: users}, {Key: "authenticatedUserRoles", Value: roles}}
	for _, f := range r.fields {
		if f.name != "showPrivileges" {
			return nil, r.unknown(f)
		}
		if show, _ := asBool(f.v); show {
			info = append(info, bson.E{Key: "authenticatedUserPrivileges", Value: bson.A{}})
		}
	}
	return appendFields(out, bson.D{{Key: "authInfo", Value: info}})
}

func runWhatsMyURI(_ context.Context, r *request, out []byte) ([]byte, error) {
	return bsoncore.AppendStringElement(out, "you", r.conn.net.RemoteAddr().String()), nil
}

func runGetParameter(_ context.Context, r *request, out []byte) ([]byte, error) {
	known := bson.D{
		{Key: "featureCompatibilityVersion", Value: bson.D{{Key: "version", Value: "7.0"}}},
		{Key: "authenticationMechanisms", Value: bson.A{mechanism}},
		{Key: "cursorTimeoutMillis", Value: cursorTimeout.Milliseconds()},
		{Key: "ttlMonitorSleepSecs", Value: int32(maintainEvery / time.Second)},
		{Key: "enableTestCommands", Value: false},
	}
	all, _ := r.arg.StringValueOK()
	if doc, ok := r.arg.DocumentOK(); ok {
		if every, _ := asBool(doc.Lookup("allParameters")); every {
			all = "*"
		}
	}
	if all == "*" {
		return appendFields(out, known)
	}
	var found bson.D
	for _, f := range r.fields {
		for _, e := range known {
			if e.Key == f.name {
				found = append(found, e)
			}
		}
	}
	if len(found) == 0 {
		return nil, mongoerr.InvalidOptions.Errorf("no option found to get")
	}
	return appendFields(out, found)
}

func runGetCmdLineOpts(_ context.Context, _ *request, out []byte) ([]byte, error) {
	return appendFields(out, bson.D{{Key: "argv", Value: bson.A{"embedded"}}, {Key: "parsed", Value: bson.D{}}})
}

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

func runHostInfo(_ context.Context, r *request, out []byte) ([]byte, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return appendFields(out, bson.D{
		{Key: "system", Value: bson.D{
			{Key: "currentTime", Value: r.s.clock.now()},
			{Key: "hostname", Value: host},
			{Key: "cpuAddrSize", Value: int32(strconv.IntSize)},
			{Key: "numCores", Value: int32(runtime.NumCPU())},
			{Key: "cpuArch", Value: runtime.GOARCH},
			{Key: "numaEnabled", Value: false},
		}},
		{Key: "os", Value: bson.D{{Key: "type", Value: runtime.GOOS}, {Key: "name", Value: runtime.GOOS}, {Key: "version", Value: ""}}},
		{Key: "extra", Value: bson.D{}},
	})
}

func runServerStatus(_ context.Context, r *request, out []byte) ([]byte, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	uptime := r.s.clock.now().Sub(r.s.started)
	r.s.mu.Lock()
	current := len(r.s.conns)
	r.s.mu.Unlock()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return appendFields(out, bson.D{
		{Key: "host", Value: host},
		{Key: "version", Value: Version},
		{Key: "process", Value: "mongod"},
		{Key: "pid", Value: int64(os.Getpid())},
		{Key: "uptime", Value: uptime.Seconds()},
		{Key: "uptimeMillis", Value: uptime.Milliseconds()},
		{Key: "uptimeEstimate", Value: int64(uptime.Seconds())},
		{Key: "localTime", Value: r.s.clock.now()},
		{Key: "connections", Value: bson.D{
			{Key: "current", Value: int32(current)},
			{Key: "available", Value: int32(1 << 20)},
			{Key: "totalCreated", Value: r.s.counter.connections.Load()},
		}},
		{Key: "network", Value: bson.D{{Key: "numRequests", Value: r.s.counter.requests.Load()}}},
		{Key: "mem", Value: bson.D{{Key: "bits", Value: int32(strconv.IntSize)}, {Key: "resident", Value: int32(memory.Sys >> 20)}}},
		{Key: "metrics", Value: bson.D{{Key: "cursor", Value: bson.D{{Key: "open", Value: bson.D{{Key: "total", Value: int64(r.s.cursors.len())}}}}}}},
		{Key: "storageEngine", Value: bson.D{{Key: "name", Value: "pebble"}, {Key: "persistent", Value: r.s.store.Persistent()}, {Key: "readOnly", Value: false}}},
	})
}

func runListCommands(_ context.Context, r *request, out []byte) ([]byte, error) {
	names := make([]string, 0, len(r.s.commands))
	for name := range r.s.commands {
		names = append(names, name)
	}
	slices.Sort(names)
	list := bson.D{}
	for _, name := range names {
		list = append(list, bson.E{Key: name, Value: bson.D{
			{Key: "help", Value: ""}, {Key: "requiresAuth", Value: !r.s.commands[name].open},
			{Key: "secondaryOk", Value: true}, {Key: "adminOnly", Value: r.s.commands[name].adminOnly},
		}})
	}
	return appendFields(out, bson.D{{Key: "commands", Value: list}})
}
