package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"parlor/models/embedded/mongoerr"
	"parlor/models/embedded/storage"
	"parlor/models/embedded/wire"
)

// request is one command.
type request struct {
	s    *Server
	conn *conn
	// id and started tell currentOp of it.
	id      int32
	started time.Time
	name    string
	db      string
	// arg is the value of the first field, which is named like the command.
	arg bson.RawValue
	// fields are the command's own fields, without the generic ones.
	fields    []field
	sequences []wire.Sequence
	body      bson.Raw

	genericArgs
	// view is what the client named where the command reads what is below a view,
	// and single that its cursor ends with the first batch.
	view   *storage.Namespace
	single bool
	// explaining is set while the command is only explained.
	explaining bool
}

type field struct {
	name string
	v    bson.RawValue
}

// run runs the command in m and appends its reply to out.
func (s *Server) run(c *conn, m *wire.Message, first *firstByte, out []byte) []byte {
	s.counter.requests.Add(1)
	start := len(out)
	reply, err := s.dispatch(c, m, first, out)
	if err != nil {
		return appendFailure(out[:start], err)
	}
	return reply
}

func (s *Server) dispatch(c *conn, m *wire.Message, first *firstByte, out []byte) ([]byte, error) {
	r := &request{s: s, conn: c, sequences: m.Sequences, body: m.Body, started: s.clock.now()}
	if m.Op == wire.OpQuery {
		if r.db, _, _ = strings.Cut(m.Collection, "."); !strings.HasSuffix(m.Collection, ".$cmd") {
			return nil, mongoerr.New(5739101, "Location5739101", "OP_QUERY is no longer supported. The client driver may require an upgrade.")
		}
		r.body = unwrapQuery(m.Body)
	}
	cmd, err := r.prepare()
	if err != nil {
		return nil, err
	}
	if m.Op == wire.OpQuery && !isHello(r.name) {
		return nil, mongoerr.New(352, "UnsupportedOpQueryCommand", "Unsupported OP_QUERY command: %s. The client driver may require an upgrade.", r.name)
	}
	s.counter.count(r, cmd)
	r.id = s.nextOp.Add(1)
	ctx := c.begin(r)
	defer c.end()
	// Who sends a write and leaves wants it done.
	if cmd.read {
		first.watch()
		defer first.unwatch()
	}
	if r.session != "" {
		s.sessions.touch(r.session, r.started)
	}
	if r.maxTime > 0 && !cmd.ownTime {
		limited, cancel := context.WithTimeoutCause(ctx, r.maxTime, errTimeLimit())
		defer cancel()
		ctx = limited
	}
	return r.perform(ctx, cmd, out)
}

// prepare parses the request and decides whether it may run.
func (r *request) prepare() (command, error) {
	if err := r.parse(); err != nil {
		return command{}, err
	}
	cmd, ok := r.s.commands[r.name]
	switch {
	case !ok:
		return cmd, mongoerr.CommandNotFound.Errorf("no such command: '%s'", r.name)
	case !r.conn.authenticated && !cmd.open:
		return cmd, mongoerr.Unauthorized.Errorf("Command %s requires authentication", r.name)
	case cmd.adminOnly && r.db != "admin":
		return cmd, mongoerr.Unauthorized.Errorf("%s may only be run against the admin database.", r.name)
	case r.apiStrict && !cmd.stable:
		return cmd, mongoerr.APIStrictError.Errorf("Provided apiStrict:true, but the command %s is not in API Version 1. Information on supported commands and migrations in API Version 1 can be found at https://dochub.mongodb.org/core/manual-versioned-api", r.name)
	}
	return cmd, r.takeSequences(cmd)
}

// perform runs the command and appends its reply to out.
func (r *request) perform(ctx context.Context, cmd command, out []byte) ([]byte, error) {
	index, out := bsoncore.AppendDocumentStart(out)
	out, err := cmd.run(ctx, r, out)
	if err != nil {
		return nil, interrupted(ctx, err)
	}
	out = bsoncore.AppendDoubleElement(out, "ok", 1)
	return endDocument(out, index), nil
}

func errTimeLimit() error { return mongoerr.MaxTimeMSExpired.Errorf("operation exceeded time limit") }

// unwrapQuery takes the command out of {$query: …}, which old clients send.
func unwrapQuery(body bson.Raw) bson.Raw {
	for _, name := range []string{"$query", "query"} {
		if doc, ok := body.Lookup(name).DocumentOK(); ok {
			return doc
		}
	}
	return body
}

func isHello(name string) bool { return name == "hello" || name == "isMaster" || name == "ismaster" }

// parse splits the body into the command, its fields, and the generic fields that
// every command takes.
func (r *request) parse() error {
	rest := []byte(r.body[4:])
	for i := 0; len(rest) > 1; i++ {
		element, after, ok := bsoncore.ReadElement(rest)
		if !ok {
			return mongoerr.InvalidBSON.Errorf("broken command")
		}
		rest = after
		v := element.Value()
		f := field{element.Key(), bson.RawValue{Type: bson.Type(v.Type), Value: v.Data}}
		if i == 0 {
			r.name, r.arg = f.name, f.v
			continue
		}
		if generic, err := r.parseGeneric(f); err != nil {
			return err
		} else if !generic {
			r.fields = append(r.fields, f)
		}
	}
	if r.name == "" {
		return mongoerr.CommandNotFound.Errorf("no such command: ''")
	}
	if r.db == "" {
		return mongoerr.MissingCommandField.Errorf("OP_MSG requests require a $db argument")
	}
	if err := r.checkDuplicates(); err != nil {
		return err
	}
	return r.check()
}

// maxFields is more than any command has.
const maxFields = 64

func (r *request) checkDuplicates() error {
	// What has more fields has unknown ones, and each command refuses those.
	n := min(len(r.fields), maxFields)
	for i, f := range r.fields[:n] {
		for _, other := range r.fields[:i] {
			if f.name == other.name {
				return mongoerr.Code(40413).Errorf("BSON field '%s.%s' is a duplicate field", r.name, f.name)
			}
		}
	}
	return nil
}

// takeSequences makes fields of the document sequences, all but the one that the
// command reads as it is.
func (r *request) takeSequences(cmd command) error {
	for _, s := range r.sequences {
		if s.Field == cmd.sequence {
			continue
		}
		index, array := bsoncore.AppendArrayStart(nil)
		for i, doc := range s.Documents {
			array = bsoncore.AppendDocumentElement(array, strconv.Itoa(i), doc)
		}
		array, err := bsoncore.AppendArrayEnd(array, index)
		if err != nil {
			return err
		}
		r.fields = append(r.fields, field{s.Field, bson.RawValue{Type: bson.TypeArray, Value: array}})
	}
	return nil
}

func validDB(db string) bool {
	return db != "" && len(db) < 64 && !strings.ContainsAny(db, "/\\. \"$\x00")
}

// collection gives the namespace that the command's own field names.
func (r *request) collection() (storage.Namespace, error) {
	name, ok := r.arg.StringValueOK()
	if !ok {
		return storage.Namespace{}, mongoerr.InvalidNamespace.Errorf("collection name has invalid type %s", typeName(r.arg))
	}
	return r.namespace(name)
}

func (r *request) namespace(name string) (storage.Namespace, error) {
	ns := storage.Namespace{DB: r.db, Collection: name}
	if name == "" || strings.ContainsAny(name, "$\x00") || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || len(ns.String()) > 255 {
		return ns, mongoerr.InvalidNamespace.Errorf("Invalid namespace specified '%s'", ns)
	}
	return ns, nil
}

// documents gives the documents of a field, sent as a sequence or as an array.
func (r *request) documents(name string) ([]bson.Raw, error) {
	for _, s := range r.sequences {
		if s.Field == name {
			return s.Documents, nil
		}
	}
	for _, f := range r.fields {
		if f.name == name {
			return documentsOf(r.name+"."+name, f.v)
		}
	}
	return nil, mongoerr.MissingCommandField.Errorf("BSON field '%s.%s' is missing but a required field", r.name, name)
}

func documentsOf(name string, v bson.RawValue) ([]bson.Raw, error) {
	array, ok := v.ArrayOK()
	if !ok {
		return nil, wrongType(name, v, "array")
	}
	values, err := array.Values()
	if err != nil {
		return nil, mongoerr.InvalidBSON.Errorf("%v", err)
	}
	docs := make([]bson.Raw, len(values))
	for i, item := range values {
		doc, ok := item.DocumentOK()
		if !ok {
			return nil, wrongType(fmt.Sprintf("%s.%d", name, i), item, "object")
		}
		docs[i] = doc
	}
	return docs, nil
}

// eachField calls f for every field of a valid document.
func eachField(doc bson.Raw, f func(field) error) error {
	rest := []byte(doc[4:])
	for len(rest) > 1 {
		element, after, ok := bsoncore.ReadElement(rest)
		if !ok {
			return mongoerr.InvalidBSON.Errorf("broken document")
		}
		v := element.Value()
		if err := f(field{element.Key(), bson.RawValue{Type: bson.Type(v.Type), Value: v.Data}}); err != nil {
			return err
		}
		rest = after
	}
	return nil
}

// unknown is the error for a field that the command doesn't have.
func (r *request) unknown(f field) error {
	return mongoerr.UnknownCommandField.Errorf("BSON field '%s.%s' is an unknown field.", r.name, f.name)
}

func wrongType(name string, v bson.RawValue, want string) error {
	return mongoerr.TypeMismatch.Errorf("BSON field '%s' is the wrong type '%s', expected type '%s'", name, typeName(v), want)
}

// asBool reads a boolean, or a number as one.
func asBool(v bson.RawValue) (value, ok bool) {
	if b, ok := v.BooleanOK(); ok {
		return b, true
	}
	if n, ok := v.AsFloat64OK(); ok {
		return n != 0, true
	}
	return false, false
}

func (r *request) boolean(f field, to *bool) error {
	b, ok := asBool(f.v)
	if !ok {
		return mongoerr.TypeMismatch.Errorf("BSON field '%s.%s' is the wrong type '%s', expected types '[bool, long, int, decimal, double]'", r.name, f.name, typeName(f.v))
	}
	*to = b
	return nil
}

func (r *request) document(f field, to *bson.Raw) error {
	doc, ok := f.v.DocumentOK()
	if !ok {
		return wrongType(r.name+"."+f.name, f.v, "object")
	}
	*to = doc
	return nil
}

// natural reads a whole number that isn't negative.
func (r *request) natural(f field, to *int64) error {
	n, ok := f.v.AsFloat64OK()
	if !ok {
		return mongoerr.TypeMismatch.Errorf("BSON field '%s.%s' is the wrong type '%s', expected types '[long, int, decimal, double]'", r.name, f.name, typeName(f.v))
	}
	if n < 0 {
		return mongoerr.New(51024, "Location51024", "BSON field '%s' value must be >= 0, actual value '%d'", f.name, int64(n))
	}
	*to, _ = f.v.AsInt64OK()
	if *to == 0 && n != 0 {
		*to = int64(n)
	}
	return nil
}

// typeName gives mongod's alias of a value's type.
func typeName(v bson.RawValue) string {
	switch v.Type {
	case 0:
		return "missing"
	case bson.TypeEmbeddedDocument:
		return "object"
	case bson.TypeBinary:
		return "binData"
	case bson.TypeObjectID:
		return "objectId"
	case bson.TypeBoolean:
		return "bool"
	case bson.TypeDateTime:
		return "date"
	case bson.TypeInt32:
		return "int"
	case bson.TypeInt64:
		return "long"
	case bson.TypeDecimal128:
		return "decimal"
	}
	return v.Type.String()
}

// toMongo turns any error into what the client is told.
func toMongo(err error) *mongoerr.Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return mongoerr.From(errTimeLimit())
	}
	if errors.Is(err, context.Canceled) {
		return mongoerr.Interrupted.Errorf("operation was interrupted")
	}
	return mongoerr.From(err)
}

// appendFailure appends the reply of a command that ended with err.
func appendFailure(out []byte, err error) []byte {
	var duplicate *storage.DuplicateKey
	if !errors.As(err, &duplicate) {
		return appendError(out, toMongo(err))
	}
	index, out := bsoncore.AppendDocumentStart(out)
	out = bsoncore.AppendDoubleElement(out, "ok", 0)
	out = bsoncore.AppendStringElement(out, "codeName", mongoerr.DuplicateKey.String())
	return endDocument(appendWriteError(out, err), index)
}

// appendError appends the reply of a failed command.
func appendError(out []byte, err *mongoerr.Error) []byte {
	index, out := bsoncore.AppendDocumentStart(out)
	out = bsoncore.AppendDoubleElement(out, "ok", 0)
	out = bsoncore.AppendStringElement(out, "errmsg", err.Message)
	out = bsoncore.AppendInt32Element(out, "code", err.Code)
	out = bsoncore.AppendStringElement(out, "codeName", err.Name)
	if err.Info != nil {
		out = bsoncore.AppendDocumentElement(out, "errInfo", err.Info)
	}
	return endDocument(out, index)
}

// endDocument completes a document whose start index is right.
func endDocument(out []byte, index int32) []byte {
	out, err := bsoncore.AppendDocumentEnd(out, index)
	if err != nil {
		panic(err) // only a wrong index fails
	}
	return out
}

// appendValue appends an element with a value that was read before.
func appendValue(out []byte, key string, v bson.RawValue) []byte {
	return append(bsoncore.AppendHeader(out, bsoncore.Type(v.Type), key), v.Value...)
}

// keep copies what outlives the request's buffer.
func keep(v bson.RawValue) bson.RawValue {
	return bson.RawValue{Type: v.Type, Value: bytes.Clone(v.Value)}
}
