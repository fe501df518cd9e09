package embedded

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"parlor/models/embedded/wire"
)

// rawMessage frames a command, and document sequences where there are any.
func rawMessage(t testing.TB, flags wire.Flag, command any, sequences map[string][]any) []byte {
	t.Helper()
	b := wire.ReplyStart(nil, wire.OpMsg, 7, 0)
	binary.LittleEndian.PutUint32(b[16:], uint32(flags))
	b = append(b, must(bson.Marshal(command))(t)...)
	for name, docs := range sequences {
		start := len(b) + 1
		b = append(b, 1, 0, 0, 0, 0)
		b = append(append(b, name...), 0)
		for _, doc := range docs {
			b = append(b, must(bson.Marshal(doc))(t)...)
		}
		binary.LittleEndian.PutUint32(b[start:], uint32(len(b)-start))
	}
	return wire.ReplyEnd(b, 0)
}

// rawCall sends a message and gives the answer, and whether that came compressed.
func rawCall(t testing.TB, c net.Conn, message []byte) (reply bson.Raw, compressed wire.Compressor) {
	t.Helper()
	must(c.Write(message))(t)
	m, _, err := wire.Read(c, nil, wire.MaxMessageSize)
	if err != nil {
		t.Fatal(err)
	}
	return m.Body, m.Compressor
}

func codeOf(reply bson.Raw) int {
	n, _ := reply.Lookup("code").AsInt64OK()
	return int(n)
}

func dial(t testing.TB, s *Server) net.Conn {
	t.Helper()
	c := must(s.Dial(t.Context()))(t)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestCompressedExchange(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	c := dial(t, s)
	hello := rawMessage(t, 0, bson.D{{Key: "hello", Value: 1}, {Key: "compression", Value: bson.A{"zstd", "lz4", "snappy"}}, {Key: "$db", Value: "admin"}}, nil)
	reply, with := rawCall(t, c, hello)
	if names := reply.Lookup("compression").String(); names != `["zstd","snappy"]` || with != wire.NoCompressor {
		t.Errorf("compression %s, answered with %d", names, with)
	}
	for _, want := range []wire.Compressor{wire.Noop, wire.Snappy, wire.Zlib, wire.Zstd} {
		reply, with := rawCall(t, c, wire.Compress(nil, hello, want))
		if with != want || reply.Lookup("ok").AsFloat64() != 1 {
			t.Errorf("compressor %d: answered with %d: %s", want, with, reply)
		}
	}
	for _, name := range []string{"snappy", "zlib", "zstd"} {
		client := must(mongo.Connect(options.Client().ApplyURI("mongodb://embedded/?directConnection=true&compressors=" + name).SetDialer(dialer(s.Dial))))(t)
		things := client.Database("test").Collection(name)
		must(things.InsertOne(t.Context(), bson.D{{Key: "text", Value: string(make([]byte, 100_000))}}))(t)
		if docs := all(t, things, bson.D{}); len(docs) != 1 || len(docs[0]["text"].(string)) != 100_000 {
			t.Errorf("%s: got %d documents", name, len(docs))
		}
		if err := client.Disconnect(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestSequences(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	c := dial(t, s)
	doc := bson.D{{Key: "x", Value: 1}}
	for _, test := range []struct {
		name      string
		command   bson.D
		sequences map[string][]any
		want      int
	}{
		{"insert", bson.D{{Key: "insert", Value: "a"}}, map[string][]any{"documents": {doc, doc}}, 0},
		{"that the command doesn't have", bson.D{{Key: "find", Value: "a"}}, map[string][]any{"documents": {doc}}, 40415},
		{"that another field is", bson.D{{Key: "aggregate", Value: "a"}, {Key: "cursor", Value: bson.D{}}}, map[string][]any{"pipeline": {bson.D{{Key: "$match", Value: doc}}}}, 0},
		{"twice, also in the body", bson.D{{Key: "insert", Value: "a"}, {Key: "documents", Value: bson.A{doc}}}, map[string][]any{"documents": {doc}}, 40433},
		{"field twice", bson.D{{Key: "find", Value: "a"}, {Key: "limit", Value: 1}, {Key: "limit", Value: 2}}, nil, 40413},
	} {
		reply, _ := rawCall(t, c, rawMessage(t, 0, append(test.command, bson.E{Key: "$db", Value: "test"}), test.sequences))
		if codeOf(reply) != test.want {
			t.Errorf("%s: %s", test.name, reply)
		}
	}
	// Unacknowledged: the next answer is that of the next command.
	must(c.Write(rawMessage(t, wire.MoreToCome, bson.D{{Key: "insert", Value: "b"}, {Key: "$db", Value: "test"}}, map[string][]any{"documents": {doc}})))(t)
	reply, _ := rawCall(t, c, rawMessage(t, wire.ExhaustAllowed, bson.D{{Key: "count", Value: "b"}, {Key: "$db", Value: "test"}}, nil))
	if reply.Lookup("n").AsInt64() != 1 {
		t.Errorf("after an unacknowledged insert: %s", reply)
	}
}

func TestStrangersSendLittle(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Listen: "127.0.0.1:0", User: "admin", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	message := rawMessage(t, 0, bson.D{{Key: "insert", Value: "a"}, {Key: "$db", Value: "test"}, {Key: "x", Value: make([]byte, 2<<20)}}, nil)
	for name, b := range map[string][]byte{"plain": message, "compressed": wire.Compress(nil, message, wire.Zstd)} {
		c := must(net.Dial("tcp", s.Addr().String()))(t)
		if reply, _ := rawCall(t, c, rawMessage(t, 0, bson.D{{Key: "find", Value: "a"}, {Key: "$db", Value: "test"}}, nil)); codeOf(reply) != 13 {
			t.Errorf("a small command: %s", reply)
		}
		// The server may close before it has read all.
		_, werr := c.Write(b)
		if err := c.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		var timeout net.Error
		if _, err := io.ReadAll(c); errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("%s: the connection stays open (%v)", name, werr)
		}
		c.Close()
	}
}

func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Listen: "127.0.0.1:0", MaxConnections: 1})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	ping := rawMessage(t, 0, bson.D{{Key: "ping", Value: 1}, {Key: "$db", Value: "admin"}}, nil)
	first := must(net.Dial("tcp", s.Addr().String()))(t)
	defer first.Close()
	rawCall(t, first, ping)
	second := must(net.Dial("tcp", s.Addr().String()))(t)
	defer second.Close()
	if b, err := io.ReadAll(second); err == nil && len(b) > 0 {
		t.Errorf("the second connection got %q", b)
	}
	rawCall(t, first, ping)
	rawCall(t, dial(t, s), ping) // in-process connections don't count
}
