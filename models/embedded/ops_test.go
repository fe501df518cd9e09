package embedded

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func runCommand(t testing.TB, db *mongo.Database, fields ...any) (bson.M, error) {
	t.Helper()
	doc := bson.D{}
	for i := 0; i < len(fields); i += 2 {
		doc = append(doc, bson.E{Key: fields[i].(string), Value: fields[i+1]})
	}
	var reply bson.M
	err := db.RunCommand(t.Context(), doc).Decode(&reply)
	return reply, err
}

// capped creates a capped collection of three documents at most, with one in it.
func capped(t testing.TB, client *mongo.Client) *mongo.Collection {
	t.Helper()
	db := client.Database("test")
	if err := db.CreateCollection(t.Context(), "log", options.CreateCollection().SetCapped(true).SetSizeInBytes(4096).SetMaxDocuments(3)); err != nil {
		t.Fatal(err)
	}
	must(db.Collection("log").InsertOne(t.Context(), bson.D{{Key: "_id", Value: 0}}))(t)
	return db.Collection("log")
}

// running waits until a getMore runs, or none, and gives its operation.
func running(t testing.TB, s *Server, want bool) bson.M {
	t.Helper()
	client := connect(t, s)
	for t.Context().Err() == nil {
		reply, err := runCommand(t, client.Database("admin"), "currentOp", 1, "op", "getmore")
		if err != nil {
			t.Fatal(err)
		}
		ops := reply["inprog"].(bson.A)
		if want && len(ops) == 1 {
			return bson.M(asMap(t, ops[0]))
		}
		if !want && len(ops) == 0 {
			return nil
		}
		runtime.Gosched()
	}
	t.Fatal("waited in vain")
	return nil
}

func asMap(t testing.TB, v any) bson.M {
	t.Helper()
	var m bson.M
	if err := bson.Unmarshal(must(bson.Marshal(v))(t), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// waiting starts a getMore that waits for news for an hour, and gives its cursor
// and what it ends with.
func waiting(t testing.TB, client *mongo.Client) (id int64, end <-chan error) {
	t.Helper()
	db := client.Database("test")
	reply, err := runCommand(t, db, "find", "log", "tailable", true, "awaitData", true)
	if err != nil {
		t.Fatal(err)
	}
	id = asMap(t, reply["cursor"])["id"].(int64)
	ended := make(chan error, 1)
	go func() {
		ended <- db.RunCommand(context.WithoutCancel(t.Context()), bson.D{{Key: "getMore", Value: id}, {Key: "collection", Value: "log"}, {Key: "maxTimeMS", Value: 3_600_000}}).Err()
	}()
	return id, ended
}

func TestInterruptions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		want      int
		interrupt func(t *testing.T, db *mongo.Database, op bson.M, cursor int64) error
	}{
		{"killOp", 11601, func(t *testing.T, db *mongo.Database, op bson.M, _ int64) error {
			_, err := runCommand(t, db.Client().Database("admin"), "killOp", 1, "op", op["opid"])
			return err
		}},
		{"killCursors", 237, func(t *testing.T, db *mongo.Database, _ bson.M, cursor int64) error {
			reply, err := runCommand(t, db, "killCursors", "log", "cursors", bson.A{cursor})
			if killed := reply["cursorsKilled"].(bson.A); len(killed) != 1 || killed[0] != cursor {
				t.Errorf("killCursors: %v", reply)
			}
			return err
		}},
		{"killSessions", 11601, func(t *testing.T, db *mongo.Database, op bson.M, _ int64) error {
			_, err := runCommand(t, db, "killSessions", bson.A{asMap(t, op["lsid"])})
			return err
		}},
		{"drop", 175, func(t *testing.T, db *mongo.Database, _ bson.M, _ int64) error {
			return db.Collection("log").Drop(t.Context())
		}},
		{"news", 0, func(t *testing.T, db *mongo.Database, _ bson.M, _ int64) error {
			_, err := db.Collection("log").InsertOne(t.Context(), bson.D{})
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, client := start(t)
			capped(t, client)
			cursor, end := waiting(t, client)
			op := running(t, s, true)
			if op["ns"] != "test.log" || op["active"] != true {
				t.Errorf("operation %v", op)
			}
			if command := asMap(t, op["command"]); command["getMore"] != cursor {
				t.Errorf("the command is shown as %v", command)
			}
			if err := test.interrupt(t, connect(t, s).Database("test"), op, cursor); err != nil {
				t.Fatal(err)
			}
			if err := <-end; code(err) != test.want {
				t.Errorf("ended with %v", err)
			}
			if err := client.Ping(t.Context(), nil); err != nil {
				t.Errorf("the connection is of no more use: %v", err)
			}
		})
	}
}

// Whoever leaves needs no answer.
func TestDisconnect(t *testing.T) {
	t.Parallel()
	s, client := start(t)
	capped(t, client)
	c := must(s.Dial(t.Context()))(t)
	reply, _ := rawCall(t, c, rawMessage(t, 0, bson.D{{Key: "find", Value: "log"}, {Key: "tailable", Value: true}, {Key: "awaitData", Value: true}, {Key: "$db", Value: "test"}}, nil))
	must(c.Write(rawMessage(t, 0, bson.D{{Key: "getMore", Value: reply.Lookup("cursor", "id").AsInt64()}, {Key: "collection", Value: "log"}, {Key: "maxTimeMS", Value: 3_600_000}, {Key: "$db", Value: "test"}}, nil)))(t)
	running(t, s, true)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	running(t, s, false)
}

func TestTail(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	log := capped(t, client)
	tail := must(log.Find(t.Context(), bson.D{}, options.Find().SetCursorType(options.Tailable)))(t)
	defer tail.Close(context.Background())
	ids := func() (ids []int32) {
		for tail.TryNext(t.Context()) {
			ids = append(ids, tail.Current.Lookup("_id").Int32())
		}
		return ids
	}
	if got := ids(); !slices.Equal(got, []int32{0}) || tail.ID() == 0 {
		t.Fatalf("first %v, cursor %d", got, tail.ID())
	}
	for i := range 2 {
		must(log.InsertOne(t.Context(), bson.D{{Key: "_id", Value: i + 1}}))(t)
	}
	if got := ids(); !slices.Equal(got, []int32{1, 2}) {
		t.Fatalf("then %v", got)
	}
	for i := range 5 {
		must(log.InsertOne(t.Context(), bson.D{{Key: "_id", Value: i + 3}}))(t)
	}
	if got := ids(); got != nil || code(tail.Err()) != 136 {
		t.Errorf("behind the end: %v, %v", got, tail.Err())
	}
	must(client.Database("test").Collection("plain").InsertOne(t.Context(), bson.D{}))(t)
	for name, test := range map[string]struct {
		fields []any
		want   int
	}{
		"not capped":       {[]any{"find", "plain", "tailable", true}, 2},
		"sorted":           {[]any{"find", "log", "tailable", true, "sort", bson.D{{Key: "x", Value: 1}}}, 2},
		"await alone":      {[]any{"find", "log", "awaitData", true}, 9},
		"time of no await": {[]any{"getMore", openCursor(t, client), "collection", "plain", "maxTimeMS", 5}, 2},
	} {
		if _, err := runCommand(t, client.Database("test"), test.fields...); code(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// openCursor gives a cursor over the collection plain.
func openCursor(t testing.TB, client *mongo.Client) int64 {
	t.Helper()
	reply, err := runCommand(t, client.Database("test"), "find", "plain", "batchSize", 0)
	if err != nil {
		t.Fatal(err)
	}
	return asMap(t, reply["cursor"])["id"].(int64)
}

func TestSessionsOfCursors(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	ticks := make(chan time.Time)
	s, err := open(t.Context(), Options{}, clock{now: func() time.Time { return now }, tick: func(context.Context, time.Duration) <-chan time.Time { return ticks }})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, s)
	c := dial(t, s)
	call := func(fields ...bson.E) bson.Raw {
		reply, _ := rawCall(t, c, rawMessage(t, 0, append(bson.D(fields), bson.E{Key: "$db", Value: "test"}), nil))
		return reply
	}
	lsid := func(n byte) bson.E {
		return bson.E{Key: "lsid", Value: bson.D{{Key: "id", Value: bson.Binary{Subtype: 4, Data: append(make([]byte, 15), n)}}}}
	}
	open := func(more ...bson.E) int64 {
		return call(append([]bson.E{{Key: "find", Value: "a"}, {Key: "batchSize", Value: 1}}, more...)...).Lookup("cursor", "id").AsInt64()
	}
	getMore := func(id int64, more ...bson.E) int {
		return codeOf(call(append([]bson.E{{Key: "getMore", Value: id}, {Key: "collection", Value: "a"}, {Key: "batchSize", Value: 1}}, more...)...))
	}
	call(bson.E{Key: "insert", Value: "a"}, bson.E{Key: "documents", Value: bson.A{bson.D{}, bson.D{}, bson.D{}, bson.D{}}})
	free, kept, held := open(), open(bson.E{Key: "noCursorTimeout", Value: true}), open(lsid(1))
	for name, test := range map[string]struct{ got, want int }{
		"free in a session":        {getMore(free, lsid(1)), 50736},
		"held without its session": {getMore(held), 50737},
		"held in another session":  {getMore(held, lsid(2)), 50738},
		"held in its session":      {getMore(held, lsid(1)), 0},
	} {
		if test.got != test.want {
			t.Errorf("%s: %d", name, test.got)
		}
	}
	now = now.Add(11 * time.Minute)
	ticks <- now
	ticks <- now // taken only after the first round is over
	if getMore(free) != 43 || getMore(kept) != 0 || getMore(held, lsid(1)) != 0 {
		t.Error("after eleven minutes a cursor is there that shouldn't be, or the other way round")
	}
	held = open(lsid(1))
	now = now.Add(31 * time.Minute)
	ticks <- now
	ticks <- now
	if getMore(held, lsid(1)) != 43 || getMore(kept) != 0 {
		t.Error("after half an hour the cursor outlived its session, or noCursorTimeout was not kept")
	}
	held = open(lsid(3))
	call(bson.E{Key: "endSessions", Value: bson.A{lsid(3).Value}})
	if getMore(held, lsid(3)) != 43 {
		t.Error("the cursor outlived the end of its session")
	}
}
