package compat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// collectionName is where every scenario happens.
const collectionName = "things"

// A scenario is all that both servers are given: documents, perhaps an index, and one command.
type scenario struct {
	docs  bson.A
	index bson.D // a createIndexes command, or nil
	op    bson.D
}

// An outcome is what a client sees of a scenario.
type outcome struct {
	// code and text are those of the error, 0 and "" where there was none.
	code int
	text string
	// reply is what the command answered, after is the whole collection where it wrote. Both are
	// lines of extended JSON, sorted where the order means nothing.
	reply, after []string
}

func (o outcome) equal(p outcome) bool {
	return o.code == p.code && slices.Equal(o.reply, p.reply) && slices.Equal(o.after, p.after)
}

func (o outcome) String() string {
	var lines []string
	if o.code != 0 || o.text != "" {
		lines = append(lines, fmt.Sprintf("error %d", o.code))
	}
	lines = append(lines, o.reply...)
	if len(o.after) > 0 {
		lines = append(append(lines, "collection"), o.after...)
	}
	return strings.Join(lines, "\n")
}

func (s scenario) String() string {
	var b strings.Builder
	for _, doc := range s.docs {
		fmt.Fprintf(&b, "  document %s\n", extJSON(doc))
	}
	if s.index != nil {
		fmt.Fprintf(&b, "  index    %s\n", extJSON(s.index))
	}
	if s.op != nil {
		fmt.Fprintf(&b, "  command  %s", extJSON(s.op))
	}
	return b.String()
}

func extJSON(v any) string {
	raw, err := bson.MarshalExtJSON(v, false, false)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func valueJSON(v any) string {
	return strings.TrimSuffix(strings.TrimPrefix(extJSON(bson.D{{Key: "", Value: v}}), `{"":`), "}")
}

// canonical also tells the numeric types apart.
func canonical(v any) string {
	raw, err := bson.MarshalExtJSON(v, true, false)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// field gives a field of a document, nil if it is missing.
func field(d bson.D, name string) any {
	for _, e := range d {
		if e.Key == name {
			return e.Value
		}
	}
	return nil
}

// prepare empties the collection and fills it anew. It gives the outcome of the first
// step that failed, or none.
func prepare(ctx context.Context, db *mongo.Database, s scenario) (failed outcome, ok bool) {
	if err := db.Collection(collectionName).Drop(ctx); err != nil {
		return failure(err), false
	}
	if len(s.docs) > 0 {
		insert := bson.D{{Key: "insert", Value: collectionName}, {Key: "documents", Value: s.docs}}
		if o := run(ctx, db, insert); o.code != 0 || strings.Contains(strings.Join(o.reply, ""), "writeErrors") {
			return o, false
		}
	}
	if s.index != nil {
		if o := run(ctx, db, s.index); o.code != 0 {
			return o, false
		}
	}
	return outcome{}, true
}

// perform gives the outcome of a whole scenario.
func perform(ctx context.Context, db *mongo.Database, s scenario) outcome {
	if failed, ok := prepare(ctx, db, s); !ok {
		return failed
	}
	if s.op == nil {
		return outcome{}
	}
	return run(ctx, db, s.op)
}

// run sends one command.
func run(ctx context.Context, db *mongo.Database, op bson.D) outcome {
	switch op[0].Key {
	case "find", "aggregate":
		return query(ctx, db, op)
	}
	reply, err := db.RunCommand(ctx, op).Raw()
	if err != nil {
		return failure(err)
	}
	var o outcome
	switch op[0].Key {
	case "distinct":
		values, err := reply.Lookup("values").Array().Values()
		if err != nil {
			return failure(err)
		}
		for _, v := range values {
			o.reply = append(o.reply, canonical(bson.D{{Key: "value", Value: v}}))
		}
		slices.Sort(o.reply)
		return o
	case "createIndexes":
		return o
	}
	if o.reply, err = replyLines(reply); err != nil {
		return failure(err)
	}
	if writes(op) {
		content := run(ctx, db, bson.D{{Key: "find", Value: collectionName}, {Key: "sort", Value: bson.D{{Key: "_id", Value: 1}}}})
		if content.code != 0 {
			return content
		}
		o.after = content.reply
	}
	return o
}

func writes(op bson.D) bool {
	return slices.Contains([]string{"insert", "update", "delete", "findAndModify"}, op[0].Key)
}

// query gives the documents of a find or an aggregate, over as many batches as there are.
func query(ctx context.Context, db *mongo.Database, op bson.D) outcome {
	cursor, err := db.RunCommandCursor(ctx, op)
	if err != nil {
		return failure(err)
	}
	var docs []bson.Raw
	if err := cursor.All(ctx, &docs); err != nil {
		return failure(err)
	}
	var o outcome
	for _, doc := range docs {
		o.reply = append(o.reply, canonical(doc))
	}
	if !ordered(op) {
		slices.Sort(o.reply)
	}
	return o
}

// ordered reports whether the order of the documents means something. Without a sort it does not.
func ordered(op bson.D) bool {
	if op[0].Key == "find" {
		return field(op, "sort") != nil
	}
	stages, _ := field(op, "pipeline").(bson.A)
	sorted := false
	for _, s := range stages {
		stage, _ := s.(bson.D)
		if len(stage) == 1 {
			sorted = stage[0].Key == "$sort" || sorted && stage[0].Key != "$group"
		}
	}
	return sorted
}

// replyLines gives the fields of a reply that say what a write did; of a write error, where and its code.
func replyLines(reply bson.Raw) ([]string, error) {
	var d bson.D
	if err := bson.Unmarshal(reply, &d); err != nil {
		return nil, err
	}
	var lines []string
	for _, e := range d {
		switch e.Key {
		case "writeErrors":
			failed, _ := e.Value.(bson.A)
			for _, f := range failed {
				one, _ := f.(bson.D)
				lines = append(lines, fmt.Sprintf("writeErrors %v at %v", field(one, "code"), field(one, "index")))
			}
		case "n", "nModified", "upserted", "value", "lastErrorObject":
			lines = append(lines, e.Key+" "+valueJSON(e.Value))
		}
	}
	slices.Sort(lines)
	return lines, nil
}

func failure(err error) outcome {
	var failed mongo.ServerError
	if errors.As(err, &failed) && len(failed.ErrorCodes()) > 0 && failed.ErrorCodes()[0] != 0 {
		return outcome{code: failed.ErrorCodes()[0], text: err.Error()}
	}
	return outcome{code: -1, text: err.Error()}
}

// parseD reads a document of extended JSON.
func parseD(t testing.TB, text string) bson.D {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(text), false, &d); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}
