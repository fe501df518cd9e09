package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// specRun is one test on its way.
type specRun struct {
	server *Server
	// entities are what operations name: *specClient, *mongo.Database,
	// *mongo.Collection, *mongo.GridFSBucket, *mongo.Session, *mongo.Cursor, or a
	// saved bson.RawValue.
	entities map[string]any
	// own is the client that prepares and checks.
	own *mongo.Client
}

// specClient is a client whose commands are seen.
type specClient struct {
	*mongo.Client
	observed []string
	ignored  []string

	mu     sync.Mutex
	events []specEvent
}

// specEvent is one thing that the command monitor said.
type specEvent struct {
	kind     string
	command  string
	database string
	// body is the command, or the reply to it.
	body bson.Raw
}

func (c *specClient) add(e specEvent) {
	if !slices.Contains(c.observed, e.kind) || slices.Contains(c.ignored, e.command) || e.command == "configureFailPoint" {
		return
	}
	e.body = bytes.Clone(e.body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, e)
}

func (c *specClient) seen() []specEvent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.events)
}

func (c *specClient) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) {
			c.add(specEvent{"commandStartedEvent", e.CommandName, e.DatabaseName, e.Command})
		},
		Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
			c.add(specEvent{"commandSucceededEvent", e.CommandName, e.DatabaseName, e.Reply})
		},
		Failed: func(_ context.Context, e *event.CommandFailedEvent) {
			c.add(specEvent{"commandFailedEvent", e.CommandName, e.DatabaseName, nil})
		},
	}
}

// prepare puts the initial data into place and makes the entities.
func (r *specRun) prepare(ctx context.Context, f *specFile) (err error) {
	r.own, err = mongo.Connect(options.Client().ApplyURI("mongodb://embedded/?directConnection=true").SetDialer(dialer(r.server.Dial)))
	if err != nil {
		return err
	}
	for _, data := range f.InitialData {
		db := r.own.Database(data.Database)
		if err := db.Collection(data.Collection).Drop(ctx); err != nil {
			return err
		}
		if len(data.Documents) == 0 {
			err = db.CreateCollection(ctx, data.Collection)
		} else {
			_, err = db.Collection(data.Collection).InsertMany(ctx, data.Documents)
		}
		if err != nil {
			return err
		}
	}
	return r.createEntities(f.CreateEntities.Array())
}

func (r *specRun) close(ctx context.Context) error {
	var err error
	for _, entity := range r.entities {
		switch e := entity.(type) {
		case *mongo.Session:
			e.EndSession(ctx)
		case *mongo.Cursor:
			err = errors.Join(err, e.Close(ctx))
		}
	}
	for _, entity := range r.entities {
		if c, ok := entity.(*specClient); ok {
			err = errors.Join(err, c.Disconnect(ctx))
		}
	}
	return errors.Join(err, r.own.Disconnect(ctx))
}

// specEntity is the description of any entity.
type specEntity struct {
	ID string `bson:"id"`

	Client   string `bson:"client"`
	Database string `bson:"database"`

	DatabaseName   string `bson:"databaseName"`
	CollectionName string `bson:"collectionName"`

	URIOptions     map[string]any `bson:"uriOptions"`
	ObserveEvents  []string       `bson:"observeEvents"`
	IgnoreCommands []string       `bson:"ignoreCommandMonitoringEvents"`
	ServerAPI      struct {
		Version string `bson:"version"`
		Strict  bool   `bson:"strict"`
	} `bson:"serverApi"`

	DatabaseOptions   specConcerns `bson:"databaseOptions"`
	CollectionOptions specConcerns `bson:"collectionOptions"`
	SessionOptions    bson.Raw     `bson:"sessionOptions"`
}

func (r *specRun) createEntities(list bson.RawArray) error {
	values, err := list.Values()
	if err != nil {
		return err
	}
	for _, v := range values {
		element := v.Document().Index(0)
		var e specEntity
		if err := element.Value().Unmarshal(&e); err != nil {
			return err
		}
		if r.entities[e.ID], err = r.createEntity(element.Key(), &e); err != nil {
			return err
		}
	}
	return nil
}

func (r *specRun) createEntity(kind string, e *specEntity) (any, error) {
	switch kind {
	case "client":
		return r.createClient(e)
	case "database":
		client, err := entity[*specClient](r, e.Client)
		if err != nil {
			return nil, err
		}
		opts := options.Database()
		opts.Opts = append(opts.Opts, func(o *options.DatabaseOptions) error {
			o.ReadConcern, o.WriteConcern, o.ReadPreference = e.DatabaseOptions.values()
			return nil
		})
		return client.Client.Database(e.DatabaseName, opts), nil
	case "collection":
		db, err := entity[*mongo.Database](r, e.Database)
		if err != nil {
			return nil, err
		}
		opts := options.Collection()
		opts.Opts = append(opts.Opts, func(o *options.CollectionOptions) error {
			o.ReadConcern, o.WriteConcern, o.ReadPreference = e.CollectionOptions.values()
			return nil
		})
		return db.Collection(e.CollectionName, opts), nil
	case "bucket":
		db, err := entity[*mongo.Database](r, e.Database)
		if err != nil {
			return nil, err
		}
		return db.GridFSBucket(), nil
	case "session":
		client, err := entity[*specClient](r, e.Client)
		if err != nil {
			return nil, err
		}
		call := &specCall{run: r, args: e.SessionOptions}
		opts := withArguments(call, options.Session())
		if call.err != nil {
			return nil, call.err
		}
		return client.StartSession(opts)
	}
	return nil, fmt.Errorf("unknown kind of entity: %s", kind)
}

func (r *specRun) createClient(e *specEntity) (*specClient, error) {
	c := &specClient{observed: e.ObserveEvents, ignored: e.IgnoreCommands}
	query := url.Values{"directConnection": {"true"}}
	for name, v := range e.URIOptions {
		query.Set(name, fmt.Sprint(v))
	}
	opts := options.Client().ApplyURI("mongodb://embedded/?" + query.Encode()).SetDialer(dialer(r.server.Dial)).SetMonitor(c.monitor())
	if v := e.ServerAPI.Version; v != "" {
		opts.SetServerAPIOptions(options.ServerAPI(options.ServerAPIVersion(v)).SetStrict(e.ServerAPI.Strict))
	}
	var err error
	c.Client, err = mongo.Connect(opts)
	return c, err
}

// entity gives the entity with an id.
func entity[T any](r *specRun, id string) (T, error) {
	e, ok := r.entities[id].(T)
	if !ok {
		return e, fmt.Errorf("no %T is called %q", e, id)
	}
	return e, nil
}

// specConcerns are the options of databases and collections.
type specConcerns struct {
	ReadConcern *struct {
		Level string `bson:"level"`
	} `bson:"readConcern"`
	WriteConcern *struct {
		W       any   `bson:"w"`
		Journal *bool `bson:"journal"`
	} `bson:"writeConcern"`
	ReadPreference *specReadPreference `bson:"readPreference"`
}

func (c *specConcerns) values() (*readconcern.ReadConcern, *writeconcern.WriteConcern, *readpref.ReadPref) {
	var rc *readconcern.ReadConcern
	var wc *writeconcern.WriteConcern
	if c.ReadConcern != nil {
		rc = &readconcern.ReadConcern{Level: c.ReadConcern.Level}
	}
	if c.WriteConcern != nil {
		wc = &writeconcern.WriteConcern{W: c.WriteConcern.W, Journal: c.WriteConcern.Journal}
		if n, ok := wc.W.(int32); ok {
			wc.W = int(n)
		}
	}
	return rc, wc, c.ReadPreference.value()
}

func (e specEvent) String() string { return fmt.Sprintf("%s of %s: %v", e.kind, e.command, e.body) }
