package embedded

import (
	"cmp"
	"context"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/query"
)

// currentOpOptions say which operations currentOps gives.
type currentOpOptions struct {
	idleConnections bool
	idleCursors     bool
}

// connections gives the connections by id.
func (s *Server) connections() []*conn {
	s.mu.Lock()
	list := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		list = append(list, c)
	}
	s.mu.Unlock()
	slices.SortFunc(list, func(a, b *conn) int { return cmp.Compare(a.id, b.id) })
	return list
}

// currentOps describes what the connections do, each as the stage $currentOp shows
// it.
func (s *Server) currentOps(o currentOpOptions) ([]bson.Raw, error) {
	var docs []bson.Raw
	now := s.clock.now()
	for _, c := range s.connections() {
		op, active := c.describe(now)
		if !active && !o.idleConnections {
			continue
		}
		raw, err := bson.Marshal(op)
		if err != nil {
			return nil, err
		}
		docs = append(docs, raw)
	}
	if o.idleCursors {
		idle, err := s.cursors.idle()
		if err != nil {
			return nil, err
		}
		docs = append(docs, idle...)
	}
	return docs, nil
}

// describe gives the connection's operation, and whether there is one.
func (c *conn) describe(now time.Time) (op bson.D, active bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.running
	op = bson.D{
		{Key: "type", Value: "op"},
		{Key: "host", Value: hostname()},
		{Key: "desc", Value: c.name()},
		{Key: "connectionId", Value: c.id},
		{Key: "client", Value: c.net.RemoteAddr().String()},
	}
	if c.client != nil {
		op = append(op, bson.E{Key: "clientMetadata", Value: c.client})
		if name, ok := c.client.Lookup("application", "name").StringValueOK(); ok {
			op = append(op, bson.E{Key: "appName", Value: name})
		}
	}
	op = append(op, bson.E{Key: "active", Value: r != nil}, bson.E{Key: "currentOpTime", Value: now.Format("2006-01-02T15:04:05.000-07:00")})
	if r == nil {
		return op, false
	}
	if r.session != "" {
		op = append(op, bson.E{Key: "lsid", Value: bson.D{{Key: "id", Value: bson.Binary{Subtype: bson.TypeBinaryUUID, Data: []byte(r.session)}}}})
	}
	took := now.Sub(r.started)
	op = append(op,
		bson.E{Key: "threaded", Value: true},
		bson.E{Key: "opid", Value: r.id},
		bson.E{Key: "secs_running", Value: int64(took / time.Second)},
		bson.E{Key: "microsecs_running", Value: took.Microseconds()},
		bson.E{Key: "op", Value: r.s.commands[r.name].kind.String()},
		bson.E{Key: "ns", Value: r.target()},
		bson.E{Key: "redaction", Value: false},
		// The body lives in a buffer that goes back when the command ends.
		bson.E{Key: "command", Value: slices.Clone(shown(r.body))},
		bson.E{Key: "numYields", Value: int32(0)},
		bson.E{Key: "locks", Value: bson.D{}},
		bson.E{Key: "waitingForLock", Value: false},
		bson.E{Key: "lockStats", Value: bson.D{}},
		bson.E{Key: "waitingForFlowControl", Value: false},
		bson.E{Key: "flowControlStats", Value: bson.D{}},
	)
	if c.ctx.Err() != nil {
		op = append(op, bson.E{Key: "killPending", Value: true})
	}
	return op, true
}

// shown is what is shown of a command: all of it, or its beginning where it is long.
func shown(body bson.Raw) bson.Raw {
	const most = 16 << 10
	if len(body) <= most {
		return body
	}
	index, out := bsoncore.AppendDocumentStart(nil)
	if first, err := body.IndexErr(0); err == nil && len(first) < most {
		out = append(out, first...)
	}
	return endDocument(bsoncore.AppendBooleanElement(out, "$truncated", true), index)
}

// target is the namespace that the command is about, as far as its first field
// says so.
func (r *request) target() string {
	name, ok := r.arg.StringValueOK()
	if r.name == "getMore" {
		name, ok = r.body.Lookup("collection").StringValueOK()
	}
	if !ok {
		name = "$cmd"
		if r.name == "aggregate" {
			name = "$cmd.aggregate"
		}
	}
	return r.db + "." + name
}

// idle describes the cursors that no getMore has.
func (t *cursorTable) idle() ([]bson.Raw, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var docs []bson.Raw
	for _, c := range t.open {
		if c.user != nil {
			continue
		}
		_, tail := c.source.(awaiter)
		raw, err := bson.Marshal(bson.D{
			{Key: "type", Value: "idleCursor"}, {Key: "host", Value: hostname()}, {Key: "ns", Value: c.ns.String()},
			{Key: "cursor", Value: bson.D{
				{Key: "cursorId", Value: c.id}, {Key: "createdDate", Value: c.opened}, {Key: "lastAccessDate", Value: c.used},
				{Key: "noCursorTimeout", Value: c.options.keep}, {Key: "tailable", Value: tail}, {Key: "awaitData", Value: c.options.await},
				{Key: "originatingCommand", Value: shown(c.command)},
			}},
		})
		if err != nil {
			return nil, err
		}
		docs = append(docs, raw)
	}
	return docs, nil
}

func runCurrentOp(_ context.Context, r *request, out []byte) ([]byte, error) {
	var o currentOpOptions
	index, match := bsoncore.AppendDocumentStart(nil)
	for _, f := range r.fields {
		var ignored bool
		var err error
		switch f.name {
		case "$all":
			if err = r.boolean(f, &o.idleConnections); err == nil {
				o.idleCursors = o.idleConnections
			}
		case "$ownOps", "$truncateOps":
			err = r.boolean(f, &ignored) // there is one user
		default:
			match = appendValue(match, f.name, f.v)
		}
		if err != nil {
			return nil, err
		}
	}
	filter, err := query.ParseFilter(endDocument(match, index), nil)
	if err != nil {
		return nil, err
	}
	ops, err := r.s.currentOps(o)
	if err != nil {
		return nil, err
	}
	list := bson.A{}
	for _, op := range ops {
		ok, err := filter.Match(op)
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, op)
		}
	}
	return appendFields(out, bson.D{{Key: "inprog", Value: list}})
}

func runKillOp(_ context.Context, r *request, out []byte) ([]byte, error) {
	id := int64(-1)
	for _, f := range r.fields {
		if f.name != "op" {
			return nil, r.unknown(f)
		}
		n, ok := f.v.AsInt64OK()
		if !ok {
			return nil, mongoerr.TypeMismatch.Errorf("Expected field \"op\" to have a value of type number, but found %s", typeName(f.v))
		}
		id = n
	}
	if id < 0 {
		return nil, mongoerr.NoSuchKey.Errorf("Missing expected field \"op\"")
	}
	for _, c := range r.s.connections() {
		c.interrupt(errInterrupted(), func(other *request) bool { return int64(other.id) == id })
	}
	// mongod says the same whether it found one or not.
	return bsoncore.AppendStringElement(out, "info", "attempting to kill op"), nil
}
