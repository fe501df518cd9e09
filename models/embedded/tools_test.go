package embedded

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// What shells, Compass and monitors send, and whether it is answered or how refused.
func TestToolCommands(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	db := client.Database("test")
	must(db.Collection("things").InsertOne(t.Context(), bson.D{{Key: "x", Value: 1}}))(t)
	stage := func(on any, stages ...any) []any {
		return []any{"aggregate", on, "pipeline", bson.A(stages), "cursor", bson.D{}}
	}
	only := func(name string, v any) bson.D { return bson.D{{Key: name, Value: v}} }
	for _, test := range []struct {
		db     string
		fields []any
		want   int
		has    string // a field of the reply
	}{
		{"admin", []any{"serverStatus", 1}, 0, "opcounters"},
		{"admin", []any{"hostInfo", 1}, 0, "system"},
		{"admin", []any{"buildInfo", 1}, 0, "versionArray"},
		{"admin", []any{"connPoolStats", 1}, 0, "pools"},
		{"admin", []any{"getParameter", "*"}, 0, "ttlMonitorSleepSecs"},
		{"admin", []any{"getParameter", 1, "featureCompatibilityVersion", 1}, 0, "featureCompatibilityVersion"},
		{"admin", []any{"getParameter", 1, "nonsense", 1}, 72, ""},
		{"admin", []any{"setParameter", 1, "nonsense", 1}, 72, ""},
		{"admin", []any{"setParameter", 1, "ttlMonitorSleepSecs", 1}, 20, ""},
		{"test", []any{"getParameter", "*"}, 13, ""},
		{"admin", []any{"getCmdLineOpts", 1}, 0, "parsed"},
		{"admin", []any{"getLog", "startupWarnings"}, 0, "log"},
		{"admin", []any{"getLog", "nonsense"}, 96, ""},
		{"admin", []any{"connectionStatus", 1, "showPrivileges", true}, 0, "authInfo"},
		{"admin", []any{"usersInfo", 1}, 0, "users"},
		{"admin", []any{"rolesInfo", 1}, 0, "roles"},
		{"admin", []any{"createUser", "x"}, 59, ""},
		{"admin", []any{"listCommands", 1}, 0, "commands"},
		{"admin", []any{"features", 1}, 0, "js"},
		{"admin", []any{"currentOp", 1, "$all", true}, 0, "inprog"},
		{"admin", []any{"killOp", 1, "op", 1 << 30}, 0, "info"},
		{"admin", []any{"killOp", 1}, 4, ""},
		{"admin", []any{"fsync", 1}, 0, "numFiles"},
		{"admin", []any{"fsync", 1, "lock", true}, 238, ""},
		{"admin", []any{"startSession", 1}, 0, "id"},
		{"admin", []any{"killAllSessions", bson.A{}}, 0, ""},
		{"admin", []any{"refreshSessions", bson.A{}}, 0, ""},
		{"admin", []any{"getFreeMonitoringStatus", 1}, 59, ""},
		{"admin", []any{"atlasVersion", 1}, 59, ""},
		{"admin", []any{"replSetGetStatus", 1}, 76, ""},
		{"admin", []any{"commitTransaction", 1}, 125, ""},
		{"admin", []any{"commitTransaction", 1, "txnNumber", int64(1), "autocommit", false}, 20, ""},
		{"test", []any{"find", "things", "startTransaction", true}, 20, ""},
		{"test", []any{"profile", -1}, 0, "was"},
		{"test", []any{"profile", 2}, 238, ""},
		{"test", []any{"dbStats", 1}, 0, "fsTotalSize"},
		{"test", []any{"collStats", "things"}, 0, "indexSizes"},
		{"test", []any{"dataSize", "test.things"}, 0, "numObjects"},
		{"test", []any{"dbHash", 1}, 0, "md5"},
		{"test", []any{"compact", "things"}, 0, "bytesFreed"},
		{"test", []any{"compact", "absent"}, 26, ""},
		{"test", []any{"mapReduce", "things"}, 115, ""},
		{"test", []any{"find", "things", "filter", only("$where", "1")}, 2, ""},
		{"test", []any{"createIndexes", "things", "indexes", bson.A{bson.D{{Key: "key", Value: only("x", "text")}, {Key: "name", Value: "t"}}}}, 67, ""},
		{"test", []any{"create", "t", "timeseries", only("timeField", "at")}, 238, ""},
		{"test", []any{"create", "t", "capped", true}, 72, ""},
		{"test", []any{"create", "t", "max", 5}, 72, ""},
		{"test", []any{"create", "things"}, 0, ""},
		{"test", stage("things", only("$changeStream", bson.D{})), 40573, ""},
		{"test", stage("things", only("$collStats", only("storageStats", bson.D{}))), 0, "cursor"},
		{"test", stage("things", only("$indexStats", bson.D{})), 0, "cursor"},
		{"admin", stage(1, only("$currentOp", bson.D{{Key: "idleConnections", Value: true}, {Key: "idleCursors", Value: true}})), 0, "cursor"},

		{"test", []any{"find", "things", "readConcern", only("level", "majority")}, 0, "cursor"},
		{"test", []any{"find", "things", "readConcern", only("level", "snapshot")}, 123, ""},
		{"test", []any{"find", "things", "readConcern", only("level", "nonsense")}, 2, ""},
		{"test", []any{"drop", "absent", "writeConcern", only("w", "majority")}, 0, ""},
		{"test", []any{"drop", "absent", "writeConcern", only("w", 2)}, 2, ""},
		{"test", []any{"drop", "absent", "writeConcern", only("w", "tag")}, 79, ""},
		{"test", []any{"drop", "absent", "writeConcern", only("nonsense", 1)}, 40415, ""},
		{"test", []any{"find", "things", "maxTimeMS", -1}, 2, ""},
		{"test", []any{"find", "things", "maxTimeMS", 1.5}, 2, ""},
		{"test", []any{"find", "things", "lsid", bson.D{}}, 40414, ""},
		{"test", []any{"find", "things", "$readPreference", only("mode", "secondary")}, 0, "cursor"},

		{"test", []any{"find", "things", "apiVersion", "1", "apiStrict", true}, 0, "cursor"},
		{"test", []any{"buildInfo", 1, "apiVersion", "1"}, 0, "version"},
		{"test", []any{"buildInfo", 1, "apiVersion", "1", "apiStrict", true}, 323, ""},
		{"test", []any{"ping", 1, "apiVersion", "2"}, 322, ""},
		{"test", []any{"ping", 1, "apiStrict", true}, 4886600, ""},
	} {
		reply, err := runCommand(t, client.Database(test.db), test.fields...)
		if code(err) != test.want || err != nil && code(err) == 0 {
			t.Errorf("%v: %v", test.fields, err)
			continue
		}
		if _, ok := reply[test.has]; test.has != "" && !ok {
			t.Errorf("%v: no %s in %v", test.fields, test.has, reply)
		}
	}
}

// A dump, as mongodump and mongorestore make and read it, with its commands.
func TestDumpAndRestore(t *testing.T) {
	t.Parallel()
	_, from := start(t)
	_, to := start(t)
	source, target := from.Database("test"), to.Database("test")
	for _, fields := range [][]any{
		{"create", "log", "capped", true, "size", 8192, "max", 10},
		{"create", "things", "validator", bson.D{{Key: "n", Value: bson.D{{Key: "$gte", Value: 0}}}}, "validationAction", "error"},
		{"create", "view", "viewOn", "things", "pipeline", bson.A{bson.D{{Key: "$match", Value: bson.D{{Key: "n", Value: 1}}}}}},
		{"createIndexes", "things", "indexes", bson.A{
			bson.D{{Key: "key", Value: bson.D{{Key: "n", Value: 1}, {Key: "m", Value: -1}}}, {Key: "name", Value: "n_m"}, {Key: "unique", Value: true}},
			bson.D{{Key: "key", Value: bson.D{{Key: "at", Value: 1}}}, {Key: "name", Value: "at"}, {Key: "expireAfterSeconds", Value: 60}, {Key: "hidden", Value: true}},
		}},
		{"insert", "things", "documents", bson.A{bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: 1}}, bson.D{{Key: "_id", Value: 2}, {Key: "n", Value: 2}}}},
	} {
		if _, err := runCommand(t, source, fields...); err != nil {
			t.Fatal(err)
		}
	}
	entries := func(client bson.M) bson.A { return asMap(t, client["cursor"])["firstBatch"].(bson.A) }
	list := func(db string) bson.A {
		client := map[string]func(...any) (bson.M, error){
			"from": func(f ...any) (bson.M, error) { return runCommand(t, source, f...) },
			"to":   func(f ...any) (bson.M, error) { return runCommand(t, target, f...) },
		}[db]
		var all bson.A
		for _, entry := range entries(must(client("listCollections", 1))(t)) {
			collection := asMap(t, entry)
			dump := bson.M{"name": collection["name"], "type": collection["type"], "options": collection["options"]}
			if collection["type"] == "collection" {
				dump["indexes"] = entries(must(client("listIndexes", collection["name"]))(t))
				dump["documents"] = entries(must(client("find", collection["name"], "hint", bson.D{{Key: "_id", Value: 1}}))(t))
			}
			all = append(all, dump)
		}
		return all
	}
	dump := list("from")
	for _, entry := range dump {
		collection := entry.(bson.M)
		create := []any{"create", collection["name"]}
		for _, e := range collection["options"].(bson.D) {
			create = append(create, e.Key, e.Value)
		}
		if _, err := runCommand(t, target, create...); err != nil {
			t.Fatal(err)
		}
		if collection["type"] != "collection" {
			continue
		}
		if docs := collection["documents"].(bson.A); len(docs) > 0 {
			must(runCommand(t, target, "insert", collection["name"], "documents", docs, "ordered", false, "bypassDocumentValidation", true))(t)
		}
		must(runCommand(t, target, "createIndexes", collection["name"], "indexes", collection["indexes"]))(t)
	}
	sorted := func(v any) string { return string(must(bson.MarshalExtJSON(bson.M{"dump": v}, true, false))(t)) }
	if got, want := len(list("to")), len(dump); got != want {
		t.Fatalf("%d collections of %d", got, want)
	}
	for i, entry := range list("to") {
		for _, part := range []string{"name", "type", "options", "indexes", "documents"} {
			if got, want := sorted(entry.(bson.M)[part]), sorted(dump[i].(bson.M)[part]); got != want {
				t.Errorf("%s\n got %s\nwant %s", part, got, want)
			}
		}
	}
}
