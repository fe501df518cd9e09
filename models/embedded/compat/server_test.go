// Package compat compares the embedded server with FerretDB 1.24 on SQLite.
package compat

import (
	"context"
	"net"
	"testing"

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
