// Package compat compares the embedded server with FerretDB 1.24 on SQLite.
package compat

import (
	"context"
	"log/slog"
	"net"
	"testing"

	"github.com/FerretDB/FerretDB/ferretdb"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"parlor/models/embedded"
)

type dialer func(ctx context.Context) (net.Conn, error)

func (d dialer) DialContext(ctx context.Context, _, _ string) (net.Conn, error) { return d(ctx) }

// startEmbedded opens an embedded server that listens on a free port.
func startEmbedded(t testing.TB) *embedded.Server {
	t.Helper()
	s, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	if err == nil {
		err = s.ListenErr()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// overPipe connects to the embedded server in-process, overTCP as other programs do.
func overPipe(t testing.TB, s *embedded.Server) *mongo.Client {
	t.Helper()
	return connect(t, options.Client().ApplyURI("mongodb://embedded/?directConnection=true").SetDialer(dialer(s.Dial)))
}

func overTCP(t testing.TB, s *embedded.Server) *mongo.Client {
	t.Helper()
	return connect(t, options.Client().ApplyURI("mongodb://"+s.Addr().String()+"/?directConnection=true"))
}

// startFerretDB runs a FerretDB on SQLite in a temporary folder and connects to it.
func startFerretDB(t testing.TB) *mongo.Client {
	t.Helper()
	f, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    slog.New(slog.DiscardHandler),
		Handler:   "sqlite",
		SQLiteURL: "file:" + t.TempDir() + "/",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("FerretDB: %v", err)
		}
	})
	return connect(t, options.Client().ApplyURI(f.MongoDBURI()+"?directConnection=true"))
}

func connect(t testing.TB, o *options.ClientOptions) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Disconnect(context.Background()); err != nil {
			t.Errorf("disconnect: %v", err)
		}
	})
	if err := client.Ping(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return client
}
