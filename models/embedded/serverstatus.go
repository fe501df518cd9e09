package embedded

import (
	"context"
	"os"
	"runtime"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"parlor/models/embedded/mongoerr"
)

// hostname names this machine as mongod does, "localhost" where it has no name.
func hostname() string {
	host, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return host
}

func runHostInfo(_ context.Context, r *request, out []byte) ([]byte, error) {
	return appendFields(out, bson.D{
		{Key: "system", Value: bson.D{
			{Key: "currentTime", Value: r.s.clock.now()},
			{Key: "hostname", Value: hostname()},
			{Key: "cpuAddrSize", Value: int32(strconv.IntSize)},
			{Key: "numCores", Value: int32(runtime.NumCPU())},
			{Key: "numCoresAvailableToProcess", Value: int32(runtime.GOMAXPROCS(0))},
			{Key: "cpuArch", Value: runtime.GOARCH},
			{Key: "numaEnabled", Value: false},
		}},
		{Key: "os", Value: bson.D{{Key: "type", Value: runtime.GOOS}, {Key: "name", Value: runtime.GOOS}, {Key: "version", Value: ""}}},
		{Key: "extra", Value: bson.D{}},
	})
}

// runServerStatus gives the sections that there is something to say in. A section
// is left out with {name: 0}.
func runServerStatus(_ context.Context, r *request, out []byte) ([]byte, error) {
	s := r.s
	uptime := s.clock.now().Sub(s.started)
	reply := bson.D{
		{Key: "host", Value: hostname()},
		{Key: "version", Value: Version},
		{Key: "process", Value: "mongod"},
		{Key: "service", Value: bson.A{"shard"}},
		{Key: "pid", Value: int64(os.Getpid())},
		{Key: "uptime", Value: uptime.Seconds()},
		{Key: "uptimeMillis", Value: uptime.Milliseconds()},
		{Key: "uptimeEstimate", Value: int64(uptime.Seconds())},
		{Key: "localTime", Value: s.clock.now()},
	}
	for _, section := range s.statusSections() {
		if on, ok := asBool(r.body.Lookup(section.Key)); !ok || on {
			reply = append(reply, section)
		}
	}
	return appendFields(out, reply)
}

func (s *Server) statusSections() bson.D {
	none := bson.D{{Key: "regular", Value: int32(0)}, {Key: "warning", Value: int32(0)}, {Key: "msg", Value: int32(0)}, {Key: "user", Value: int32(0)}, {Key: "tripwire", Value: int32(0)}, {Key: "rollovers", Value: int32(0)}}
	return bson.D{
		{Key: "asserts", Value: none},
		{Key: "catalogStats", Value: s.catalogStats()},
		{Key: "connections", Value: s.connectionStats()},
		{Key: "extra_info", Value: bson.D{{Key: "note", Value: "fields vary by platform"}}},
		{Key: "globalLock", Value: s.queueStats()},
		{Key: "logicalSessionRecordCache", Value: bson.D{{Key: "activeSessionsCount", Value: int64(s.sessions.len())}}},
		{Key: "mem", Value: memoryStats()},
		{Key: "metrics", Value: s.metrics()},
		{Key: "network", Value: bson.D{
			{Key: "bytesIn", Value: s.counter.bytesIn.Load()}, {Key: "bytesOut", Value: s.counter.bytesOut.Load()},
			{Key: "physicalBytesIn", Value: s.counter.bytesIn.Load()}, {Key: "physicalBytesOut", Value: s.counter.bytesOut.Load()},
			{Key: "numRequests", Value: s.counter.requests.Load()},
		}},
		{Key: "opcounters", Value: s.counter.opcounters()},
		{Key: "storageEngine", Value: bson.D{
			{Key: "name", Value: "pebble"}, {Key: "supportsCommittedReads", Value: true}, {Key: "oldestRequiredTimestampForCrashRecovery", Value: bson.Timestamp{}},
			{Key: "supportsPendingDrops", Value: true}, {Key: "supportsSnapshotReadConcern", Value: true}, {Key: "readOnly", Value: false},
			{Key: "persistent", Value: s.store.Persistent()}, {Key: "backupCursorOpen", Value: false},
		}},
		{Key: "transactions", Value: bson.D{{Key: "currentActive", Value: int64(0)}, {Key: "currentOpen", Value: int64(0)}, {Key: "totalStarted", Value: int64(0)}}},
	}
}

func (s *Server) catalogStats() bson.D {
	collections, capped := int32(0), int32(0)
	for _, c := range s.store.Collections("") {
		collections++
		if c.Options().Capped {
			capped++
		}
	}
	return bson.D{
		{Key: "collections", Value: collections}, {Key: "capped", Value: capped}, {Key: "clustered", Value: int32(0)},
		{Key: "timeseries", Value: int32(0)}, {Key: "views", Value: int32(len(s.store.Views("")))},
	}
}

func (s *Server) connectionStats() bson.D {
	list := s.connections()
	current, active := int32(len(list)), int32(0)
	for _, c := range list {
		if _, busy := c.busy(); busy {
			active++
		}
	}
	return bson.D{
		{Key: "current", Value: current}, {Key: "available", Value: max(int32(s.maxConns)-current, 0)},
		{Key: "totalCreated", Value: s.counter.connections.Load()}, {Key: "rejected", Value: s.counter.rejected.Load()},
		{Key: "active", Value: active}, {Key: "threaded", Value: current}, {Key: "exhaustIsMaster", Value: int32(0)},
		{Key: "exhaustHello", Value: int32(0)}, {Key: "awaitingTopologyChanges", Value: int32(0)},
	}
}

// queueStats says that nobody waits: there is no global lock.
func (s *Server) queueStats() bson.D {
	queue := bson.D{{Key: "total", Value: int32(0)}, {Key: "readers", Value: int32(0)}, {Key: "writers", Value: int32(0)}}
	readers, writers := int32(0), int32(0)
	for _, c := range s.connections() {
		switch kind, _ := c.busy(); kind {
		case opInsert, opUpdate, opDelete:
			writers++
		case opQuery, opGetMore:
			readers++
		}
	}
	return bson.D{
		{Key: "totalTime", Value: s.clock.now().Sub(s.started).Microseconds()},
		{Key: "currentQueue", Value: queue},
		{Key: "activeClients", Value: bson.D{{Key: "total", Value: readers + writers}, {Key: "readers", Value: readers}, {Key: "writers", Value: writers}}},
	}
}

func memoryStats() bson.D {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return bson.D{
		{Key: "bits", Value: int32(strconv.IntSize)}, {Key: "resident", Value: int32((m.Sys - m.HeapReleased) >> 20)},
		{Key: "virtual", Value: int32(m.Sys >> 20)}, {Key: "supported", Value: true},
	}
}

func (s *Server) metrics() bson.D {
	total, pinned, kept := s.cursors.counts()
	keys, docs := s.store.Examined()
	return bson.D{
		{Key: "cursor", Value: bson.D{{Key: "open", Value: bson.D{
			{Key: "noTimeout", Value: kept}, {Key: "pinned", Value: pinned}, {Key: "total", Value: total},
		}}}},
		{Key: "queryExecutor", Value: bson.D{{Key: "scanned", Value: keys}, {Key: "scannedObjects", Value: docs}}},
	}
}

// runConnPoolStats answers that there are no outgoing connections.
func runConnPoolStats(_ context.Context, _ *request, out []byte) ([]byte, error) {
	zero := int32(0)
	return appendFields(out, bson.D{
		{Key: "numClientConnections", Value: zero}, {Key: "numAScopedConnections", Value: zero},
		{Key: "totalInUse", Value: zero}, {Key: "totalAvailable", Value: zero}, {Key: "totalLeased", Value: zero},
		{Key: "totalCreated", Value: zero}, {Key: "totalRefreshing", Value: zero},
		{Key: "pools", Value: bson.D{}}, {Key: "hosts", Value: bson.D{}}, {Key: "replicaSets", Value: bson.D{}},
	})
}

func runTop(_ context.Context, _ *request, _ []byte) ([]byte, error) {
	return nil, mongoerr.NotImplemented.Errorf("top is not supported: no times are kept by collection")
}
