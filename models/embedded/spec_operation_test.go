package embedded

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// specOperation is one step of a test.
type specOperation struct {
	Name         string        `bson:"name"`
	Object       string        `bson:"object"`
	Arguments    bson.Raw      `bson:"arguments"`
	ExpectResult bson.RawValue `bson:"expectResult"`
	ExpectError  *specError    `bson:"expectError"`
	SaveAs       string        `bson:"saveResultAsEntity"`
	Ignore       bool          `bson:"ignoreResultAndError"`
	Unknown      specUnknown   `bson:",inline"`
}

// specCall is an operation while it runs: it takes its arguments one by one.
type specCall struct {
	run   *specRun
	args  bson.Raw
	taken []string
	// err is what the runner, not the driver, could not do.
	err error
}

// take gives an argument, the zero value if it is not there.
func (c *specCall) take(name string) bson.RawValue {
	c.taken = append(c.taken, name)
	return c.args.Lookup(name)
}

func (c *specCall) text(name string) string {
	s, _ := c.take(name).StringValueOK()
	return s
}

// value takes an argument in the type that the driver looks for.
func (c *specCall) value(name string) any {
	v := c.take(name)
	if v.IsZero() && c.err == nil {
		c.err = fmt.Errorf("no argument %s", name)
	}
	return plain(v)
}

// rest gives the arguments that were not taken.
func (c *specCall) rest() []bson.RawElement {
	if len(c.args) == 0 {
		return nil
	}
	elements, err := c.args.Elements()
	if err != nil && c.err == nil {
		c.err = err
	}
	return slices.DeleteFunc(elements, func(e bson.RawElement) bool { return slices.Contains(c.taken, e.Key()) })
}

// operate runs one operation and checks what came back.
func (r *specRun) operate(ctx context.Context, o specOperation) error {
	if err := o.Unknown.refuse(); err != nil {
		return err
	}
	call := &specCall{run: r, args: o.Arguments}
	if id := call.text("session"); id != "" && o.Object != "testRunner" {
		session, err := entity[*mongo.Session](r, id)
		if err != nil {
			return err
		}
		ctx = mongo.NewSessionContext(ctx, session)
	}
	result, err := call.dispatch(ctx, o.Name, o.Object)
	if call.err != nil {
		return call.err
	}
	if o.Ignore {
		return nil
	}
	if o.ExpectError != nil {
		return r.checkError(o.ExpectError, result, err)
	}
	if err != nil {
		return err
	}
	if o.SaveAs != "" {
		if err := r.save(o.SaveAs, result); err != nil {
			return err
		}
	}
	if o.ExpectResult.IsZero() {
		return nil
	}
	return r.checkResult(o.ExpectResult, result)
}

func (r *specRun) checkResult(expected bson.RawValue, result any) error {
	v, err := rawValue(result)
	if err != nil {
		return err
	}
	return r.match("result", expected, v, true)
}

// rawValue turns a result into BSON; nil and no document are a missing value.
func rawValue(v any) (bson.RawValue, error) {
	if doc, isRaw := v.(bson.Raw); v == nil || isRaw && doc == nil {
		return bson.RawValue{}, nil
	}
	kind, data, err := bson.MarshalValue(v)
	return bson.RawValue{Type: kind, Value: data}, err
}

func (r *specRun) save(id string, result any) error {
	switch result.(type) {
	case *mongo.Cursor, *mongo.Collection:
		r.entities[id] = result
		return nil
	}
	v, err := rawValue(result)
	r.entities[id] = v
	return err
}

func (c *specCall) dispatch(ctx context.Context, name, object string) (any, error) {
	if object == "testRunner" {
		return nil, c.runnerOperation(ctx, name)
	}
	switch e := c.run.entities[object].(type) {
	case *mongo.Collection:
		if op := collectionOperations[name]; op != nil {
			return op(ctx, c, e)
		}
	case *mongo.Database:
		if op := databaseOperations[name]; op != nil {
			return op(ctx, c, e)
		}
	case *mongo.GridFSBucket:
		if op := bucketOperations[name]; op != nil {
			return op(ctx, c, e)
		}
	case *specClient:
		if name == "clientBulkWrite" {
			return c.clientBulkWrite(ctx, e)
		}
	case *mongo.Cursor:
		return c.cursorOperation(ctx, name, e)
	case *mongo.Session:
		if name == "endSession" {
			e.EndSession(ctx)
			return nil, nil
		}
	}
	c.err = fmt.Errorf("the runner has no operation %s on %T", name, c.run.entities[object])
	return nil, nil
}

func (c *specCall) cursorOperation(ctx context.Context, name string, cursor *mongo.Cursor) (any, error) {
	switch name {
	case "iterateOnce":
		if cursor.TryNext(ctx) {
			return cursor.Current, nil
		}
		return nil, cursor.Err()
	case "iterateUntilDocumentOrError":
		if cursor.Next(ctx) {
			return cursor.Current, nil
		}
		return nil, cursor.Err()
	case "close":
		return nil, cursor.Close(ctx)
	}
	c.err = fmt.Errorf("the runner has no operation %s on cursors", name)
	return nil, nil
}

type databaseOperation func(ctx context.Context, c *specCall, db *mongo.Database) (any, error)

var databaseOperations = map[string]databaseOperation{
	"aggregate": func(ctx context.Context, c *specCall, db *mongo.Database) (any, error) {
		return readAll(ctx)(db.Aggregate(ctx, c.value("pipeline"), withArguments(c, options.Aggregate())))
	},
	"runCommand": func(ctx context.Context, c *specCall, db *mongo.Database) (any, error) {
		c.take("commandName")
		return db.RunCommand(ctx, c.value("command"), withArguments(c, options.RunCmd())).Raw()
	},
	"runCursorCommand": func(ctx context.Context, c *specCall, db *mongo.Database) (any, error) {
		return readAll(ctx)(commandCursor(ctx, c, db))
	},
	"createCommandCursor": func(ctx context.Context, c *specCall, db *mongo.Database) (any, error) {
		cursor, err := commandCursor(ctx, c, db)
		if err != nil {
			return nil, err
		}
		return cursor, nil
	},
	"createCollection": func(ctx context.Context, c *specCall, db *mongo.Database) (any, error) {
		name := c.text("collection")
		if on := c.text("viewOn"); on != "" {
			return nil, db.CreateView(ctx, name, on, c.value("pipeline"), withArguments(c, options.CreateView()))
		}
		opts := options.CreateCollection()
		if v := c.take("capped"); !v.IsZero() {
			opts.SetCapped(v.Boolean()).SetSizeInBytes(c.take("size").AsInt64()).SetMaxDocuments(c.take("max").AsInt64())
		}
		return db.Collection(name), db.CreateCollection(ctx, name, withArguments(c, opts))
	},
	"dropCollection": func(ctx context.Context, c *specCall, db *mongo.Database) (any, error) {
		return nil, db.Collection(c.text("collection")).Drop(ctx)
	},
	"modifyCollection": func(ctx context.Context, c *specCall, db *mongo.Database) (any, error) {
		command := bson.D{{Key: "collMod", Value: c.text("collection")}}
		for _, e := range c.rest() {
			command = append(command, bson.E{Key: e.Key(), Value: e.Value()})
		}
		return nil, db.RunCommand(ctx, command).Err()
	},
}

// commandCursor runs a command that answers with a cursor.
func commandCursor(ctx context.Context, c *specCall, db *mongo.Database) (*mongo.Cursor, error) {
	c.take("commandName")
	command, batch, wait, comment := c.value("command"), c.take("batchSize"), c.take("maxTimeMS"), c.take("comment")
	if kind := c.text("cursorType"); kind != "" {
		c.err = errors.New("the Go driver has no cursorType for a command's cursor")
	}
	cursor, err := db.RunCommandCursor(ctx, command, withArguments(c, options.RunCmd()))
	if err != nil {
		return nil, err
	}
	if n, ok := batch.AsInt64OK(); ok {
		cursor.SetBatchSize(int32(n))
	}
	if n, ok := wait.AsInt64OK(); ok {
		cursor.SetMaxAwaitTime(time.Duration(n) * time.Millisecond)
	}
	if !comment.IsZero() {
		cursor.SetComment(comment)
	}
	return cursor, nil
}

// readAll reads a cursor to its end.
func readAll(ctx context.Context) func(*mongo.Cursor, error) (any, error) {
	return func(cursor *mongo.Cursor, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		docs := []bson.Raw{}
		if err := cursor.All(ctx, &docs); err != nil {
			return nil, err
		}
		return docs, nil
	}
}
