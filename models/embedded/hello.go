package embedded

import (
	"context"
	"maps"
	"runtime"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/wire"
)

// maxWireVersion is that of MongoDB 7.0.
const maxWireVersion = 21

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
	var compression bson.RawValue
	for _, f := range r.fields {
		switch f.name {
		case "client":
			if doc, ok := f.v.DocumentOK(); ok {
				r.conn.setClient(doc)
			}
		case "saslSupportedMechs":
			user, _ = f.v.StringValueOK()
		case "speculativeAuthenticate":
			authenticate, _ = f.v.DocumentOK()
		case "compression":
			compression = f.v
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
	out = appendCompression(out, compression)
	if user != "" {
		out = r.mechanisms(out, user)
	}
	if authenticate != nil {
		out = r.speculative(out, authenticate)
	}
	return out, nil
}

// appendCompression appends those of the compressors that the client has, by its
// order, that there are here too.
func appendCompression(out []byte, asked bson.RawValue) []byte {
	list, ok := asked.ArrayOK()
	if !ok {
		return out
	}
	values, err := list.Values()
	if err != nil {
		return out
	}
	var known []string
	for _, v := range values {
		name, _ := v.StringValueOK()
		if _, ok := wire.CompressorNamed(name); ok && !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	if len(known) == 0 {
		return out
	}
	index, out := bsoncore.AppendArrayElementStart(out, "compression")
	for i, name := range known {
		out = bsoncore.AppendStringElement(out, strconv.Itoa(i), name)
	}
	return endDocument(out, index)
}

func runPing(_ context.Context, _ *request, out []byte) ([]byte, error) { return out, nil }

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

func runWhatsMyURI(_ context.Context, r *request, out []byte) ([]byte, error) {
	return bsoncore.AppendStringElement(out, "you", r.conn.net.RemoteAddr().String()), nil
}

// runFeatures answers old shells. There is no JavaScript here.
func runFeatures(_ context.Context, _ *request, out []byte) ([]byte, error) {
	out = bsoncore.AppendStringElement(out, "js", "none")
	return bsoncore.AppendDoubleElement(out, "oidMachine", 0), nil
}

func runListCommands(_ context.Context, r *request, out []byte) ([]byte, error) {
	list := bson.D{}
	for _, name := range slices.Sorted(maps.Keys(r.s.commands)) {
		cmd := r.s.commands[name]
		versions := bson.A{}
		if cmd.stable {
			versions = append(versions, "1")
		}
		list = append(list, bson.E{Key: name, Value: bson.D{
			{Key: "help", Value: ""}, {Key: "apiVersions", Value: versions}, {Key: "deprecatedApiVersions", Value: bson.A{}},
			{Key: "requiresAuth", Value: !cmd.open}, {Key: "secondaryOk", Value: true}, {Key: "adminOnly", Value: cmd.adminOnly},
		}})
	}
	return appendFields(out, bson.D{{Key: "commands", Value: list}})
}
