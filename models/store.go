// Package models holds the documents and the only code of the product that talks to MongoDB: one file a collection,
// named after it. It keeps no rules: who may do what is decided in package service.
package models

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"parlor/define"
)

var (
	// ErrNotFound says that there is no such document.
	ErrNotFound = errors.New("models: not found")
	// ErrDuplicate says that a unique index has refused a document.
	ErrDuplicate = errors.New("models: duplicate")
)

// Options say where the data is.
type Options struct {
	URI      string                                      // of a MongoDB; empty where Dial reaches one
	Dial     func(ctx context.Context) (net.Conn, error) // to a MongoDB in this process
	Database string                                      // its name
}

// Store is the database: one field a collection. Its methods return ErrNotFound, ErrDuplicate, a define.Error of code
// `unavailable` where the database can't be reached, or an unexpected error.
type Store struct {
	Users          Users
	Sessions       Sessions
	Friendships    Friendships
	FriendRequests FriendRequests
	FriendGroups   FriendGroups
	Blocks         Blocks
	Rooms          Rooms
	UserRooms      UserRooms
	Messages       Messages
	Runs           MessageRuns
	Invitations    RoomInvitations
	Announcements  Announcements
	Notifications  Notifications
	Calls          Calls
	Codes          Codes
	Translations   Translations
	Counters       Counters
	Files          Files
	Blobs          Blobs
	Contents       Contents

	outage
	client   *mongo.Client
	database *mongo.Database
}

const (
	// operationTimeout ends what a database in trouble does not answer. One in this process needs none.
	operationTimeout = 10 * time.Second
	// selectionTimeout is how long a call waits for a database that is away before it is refused as unavailable, and for a
	// free connection: a burst on a fresh pool takes more than half a second on a busy machine.
	selectionTimeout = 3 * time.Second
	// startTimeout is how long Open waits for a database that is started at the same time.
	startTimeout = 20 * time.Second
)

// Open connects to the database, waiting a while for one that is not there yet, and makes the indexes.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{}
	client := options.Client().SetServerSelectionTimeout(selectionTimeout).SetServerMonitoringMode("poll").SetServerMonitor(s.monitor())
	if o.URI != "" {
		client.ApplyURI(o.URI).SetTimeout(operationTimeout)
	} else {
		client.ApplyURI("mongodb://embedded/?directConnection=true").SetDialer(inProcess(o.Dial))
	}
	if err := client.Validate(); err != nil {
		return nil, fmt.Errorf("mongodb.uri: %w", err)
	}
	connected, err := mongo.Connect(client)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	s.client = connected
	s.bind(connected.Database(o.Database))
	if err := s.reach(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("reach the database: %w", err), s.Close(ctx))
	}
	if err := s.makeIndexes(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("make the indexes: %w", err), s.Close(ctx))
	}
	return s, nil
}

// reach returns once the database answers. Each try waits for selectionTimeout.
func (s *Store) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := wrap(s.client.Ping(ctx, nil))
		if !errors.Is(err, define.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
	}
}

func (s *Store) bind(db *mongo.Database) {
	s.database = db
	s.Users = Users{db.Collection("user")}
	s.Sessions = Sessions{db.Collection("session")}
	s.Friendships = Friendships{db.Collection("friendship")}
	s.FriendRequests = FriendRequests{db.Collection("friend_request")}
	s.FriendGroups = FriendGroups{db.Collection("friend_group")}
	s.Blocks = Blocks{db.Collection("block")}
	s.Rooms = Rooms{db.Collection("room")}
	s.UserRooms = UserRooms{db.Collection("user_room")}
	s.Runs = MessageRuns{db.Collection("message_search")}
	s.Messages = Messages{db.Collection("message")}
	s.Invitations = RoomInvitations{db.Collection("room_invitation")}
	s.Announcements = Announcements{db.Collection("announcement")}
	s.Calls = Calls{db.Collection("call")}
	s.Codes = Codes{db.Collection("code")}
	s.Translations = Translations{db.Collection("translation")}
	s.Notifications = Notifications{db.Collection("notification")}
	s.Counters = Counters{db.Collection("counter")}
	s.Files = Files{db.Collection("file")}
	s.Blobs = Blobs{db.Collection("blob")}
	s.Contents = Contents{files: db.Collection("fs.files"), chunks: db.Collection("fs.chunks"), strays: db.Collection("stray")}
}

// Close disconnects.
func (s *Store) Close(ctx context.Context) error { return s.client.Disconnect(ctx) }

// inProcess lets the driver reach a server in this process without a socket.
type inProcess func(ctx context.Context) (net.Conn, error)

// DialContext implements options.ContextDialer.
func (d inProcess) DialContext(ctx context.Context, _, _ string) (net.Conn, error) { return d(ctx) }

// wrap turns the driver's errors into those of Store.
func wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, mongo.ErrNoDocuments):
		return ErrNotFound
	case mongo.IsDuplicateKeyError(err):
		return fmt.Errorf("%w: %w", ErrDuplicate, err)
	case errors.Is(err, context.Canceled):
		return err
	case isAway(err):
		return define.ErrUnavailable.With(err)
	default:
		return fmt.Errorf("models: %w", err)
	}
}

// The codes of a server that is stopping or no longer the primary: Server Discovery and Monitoring specification,
// "not writable primary" and "node is recovering".
var awayCodes = []int{91, 189, 10107, 11600, 11602, 13435, 13436}

// isAway reports whether an error says that the database is not there just now.
func isAway(err error) bool {
	var (
		selection topology.ServerSelectionError
		pool      driver.RetryablePoolError // its connections were dropped, since one of them failed
		server    mongo.ServerError
	)
	return mongo.IsNetworkError(err) || mongo.IsTimeout(err) || errors.As(err, &selection) || errors.As(err, &pool) ||
		errors.Is(err, mongo.ErrClientDisconnected) || errors.Is(err, topology.ErrTopologyClosed) ||
		errors.As(err, &server) && slices.ContainsFunc(awayCodes, server.HasErrorCode)
}
