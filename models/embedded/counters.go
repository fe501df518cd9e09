package embedded

import (
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// opKind is what serverStatus counts a command as.
type opKind int

const (
	opCommand opKind = iota
	opInsert
	opQuery
	opUpdate
	opDelete
	opGetMore
	opKinds
)

// String gives the name that currentOp shows.
func (k opKind) String() string {
	return [opKinds]string{"command", "insert", "query", "update", "remove", "getmore"}[k]
}

// counters are the numbers that serverStatus shows.
type counters struct {
	connections atomic.Int64 // ever accepted
	rejected    atomic.Int64
	requests    atomic.Int64
	bytesIn     atomic.Int64
	bytesOut    atomic.Int64
	ops         [opKinds]atomic.Int64
}

// count counts a command; one that writes counts each of its statements.
func (c *counters) count(r *request, cmd command) {
	n := 1
	for _, s := range r.sequences {
		if s.Field == cmd.sequence {
			n = len(s.Documents)
		}
	}
	for _, f := range r.fields {
		if cmd.sequence != "" && f.name == cmd.sequence {
			n = elements(f.v)
		}
	}
	c.ops[cmd.kind].Add(int64(n))
}

// elements is the number of elements of an array, 0 for what is none.
func elements(v bson.RawValue) int {
	array, ok := v.ArrayOK()
	if !ok {
		return 0
	}
	n := 0
	for rest := []byte(array[4:]); len(rest) > 1; n++ {
		_, after, ok := bsoncore.ReadElement(rest)
		if !ok {
			break
		}
		rest = after
	}
	return n
}

func (c *counters) opcounters() bson.D {
	return bson.D{
		{Key: "insert", Value: c.ops[opInsert].Load()},
		{Key: "query", Value: c.ops[opQuery].Load()},
		{Key: "update", Value: c.ops[opUpdate].Load()},
		{Key: "delete", Value: c.ops[opDelete].Load()},
		{Key: "getmore", Value: c.ops[opGetMore].Load()},
		{Key: "command", Value: c.ops[opCommand].Load()},
	}
}
