package turn_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/turn/v5"
	"go.uber.org/goleak"

	"parlor/define"
	"parlor/helper"
	"parlor/router/turn"
)

const (
	secret   = "a secret of thirty-two bytes or more"
	patience = 30 * time.Second
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// start runs a server on loopback for one test.
func start(t *testing.T, change func(*define.TURNConfig)) *turn.Server {
	t.Helper()
	config := define.DefaultConfig().TURN
	config.Address, config.Listen, config.Secret = "127.0.0.1", "127.0.0.1:0", secret
	change(&config)
	s, err := turn.Start(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// addressOf returns the host and port of a server.
func addressOf(s *turn.Server) string { return strings.TrimPrefix(s.URLs()[0], "stun:") }

// client is somebody at a server.
func client(t *testing.T, s *turn.Server, network, username, password string) *pion.Client {
	t.Helper()
	var conn net.PacketConn
	if network == "tcp" {
		dialed, err := net.Dial("tcp", addressOf(s))
		must(t, err)
		conn = pion.NewSTUNConn(dialed)
	} else {
		var err error
		conn, err = net.ListenPacket("udp4", "127.0.0.1:0")
		must(t, err)
	}
	c, err := pion.NewClient(&pion.ClientConfig{
		STUNServerAddr: addressOf(s), TURNServerAddr: addressOf(s), Conn: conn, Username: username, Password: password, Realm: "parlor",
	})
	must(t, err)
	must(t, c.Listen())
	t.Cleanup(func() {
		c.Close()
		conn.Close()
	})
	return c
}

// user is a client with a credential that is good for a while.
func user(t *testing.T, s *turn.Server, network, name string, ttl time.Duration) *pion.Client {
	t.Helper()
	username, credential := helper.TURNCredential(secret, name, time.Now().Add(ttl))
	return client(t, s, network, username, credential)
}

func allocate(t *testing.T, c *pion.Client) net.PacketConn {
	t.Helper()
	relay, err := c.Allocate()
	must(t, err)
	t.Cleanup(func() { relay.Close() })
	return relay
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// receive reads one packet.
func receive(t *testing.T, conn net.PacketConn) (string, net.Addr) {
	t.Helper()
	must(t, conn.SetReadDeadline(time.Now().Add(patience)))
	packet := make([]byte, 100)
	n, from, err := conn.ReadFrom(packet)
	must(t, err)
	return string(packet[:n]), from
}

// Two who each have a relay send each other packets through both, over UDP and over TCP.
func TestRelayToRelay(t *testing.T) {
	t.Parallel()
	s := start(t, func(*define.TURNConfig) {})
	for _, network := range []string{"udp", "tcp"} {
		one, other := allocate(t, user(t, s, network, "alice", time.Hour)), allocate(t, user(t, s, "udp", "bob", time.Hour))
		for i := range 3 {
			text := fmt.Sprintf("packet %d over %s", i, network)
			// A packet that comes before the other has permitted it is dropped, as any packet may be: so he permits first.
			_, err := other.WriteTo([]byte("back"), one.LocalAddr())
			must(t, err)
			_, err = one.WriteTo([]byte(text), other.LocalAddr())
			must(t, err)
			if got, from := receive(t, other); got != text || from.String() != one.LocalAddr().String() {
				t.Errorf("%q came from %s, want %q from %s", got, from, text, one.LocalAddr())
			}
		}
	}
}

// The server is a STUN server as well, for anybody.
func TestSTUN(t *testing.T) {
	t.Parallel()
	c := client(t, start(t, func(*define.TURNConfig) {}), "udp", "", "")
	address, err := c.SendBindingRequest()
	must(t, err)
	if host, _, _ := net.SplitHostPort(address.String()); host != "127.0.0.1" {
		t.Errorf("the client is at %s", address)
	}
}

func TestWhoMayRelay(t *testing.T) {
	t.Parallel()
	s := start(t, func(*define.TURNConfig) {})
	good := time.Now().Add(time.Hour)
	username, credential := helper.TURNCredential(secret, "alice", good)
	old, oldCredential := helper.TURNCredential(secret, "alice", time.Now().Add(-time.Second))
	_, forged := helper.TURNCredential("another secret of thirty-two bytes", "alice", good)
	later := fmt.Sprint(good.Unix()+1000, ":alice")
	for _, test := range []struct {
		name, username, password string
		ok                       bool
	}{
		{"good", username, credential, true},
		{"expired", old, oldCredential, false},
		{"of another secret", username, forged, false},
		{"prolonged", later, credential, false},
		{"of somebody else", strings.Replace(username, "alice", "bob", 1), credential, false},
		{"written another way", "0" + username, credential, false},
		{"without a time", "alice", credential, false},
		{"without a name", strings.TrimSuffix(username, "alice"), credential, false},
		{"none", "x", "y", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			relay, err := client(t, s, "udp", test.username, test.password).Allocate()
			if err == nil {
				relay.Close()
			}
			if (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Nobody gets at what is behind the server, nor at other services of it: not by asking for it, and not by its ports.
func TestForbiddenPeers(t *testing.T) {
	t.Parallel()
	service, err := net.ListenPacket("udp4", "127.0.0.1:0") // which no relay may reach
	must(t, err)
	defer service.Close()

	s := start(t, func(*define.TURNConfig) {})
	c := user(t, s, "udp", "alice", time.Hour)
	relay := allocate(t, c)
	for _, address := range []string{"10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "127.0.0.2", "0.0.0.0", "224.0.0.1", "255.255.255.255", "100.64.0.1"} {
		err := c.CreatePermission(&net.UDPAddr{IP: net.ParseIP(address), Port: 53})
		if err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("a relay may reach %s: %v", address, err)
		}
	}
	_, err = relay.WriteTo([]byte("let me in"), service.LocalAddr()) // the relays' own address, but no relay
	must(t, err)

	// Where the operator allows it, the same packet arrives; so the one above would have been there before it.
	open := start(t, func(c *define.TURNConfig) { c.Peers = []string{"127.0.0.0/8"} })
	allowed := allocate(t, user(t, open, "udp", "alice", time.Hour))
	_, err = allowed.WriteTo([]byte("good day"), service.LocalAddr())
	must(t, err)
	if got, _ := receive(t, service); got != "good day" {
		t.Errorf("a service of this machine got %q", got)
	}
}

func TestHowManyRelays(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *define.TURNConfig) { c.Allocations, c.AllocationsPerUser = 3, 2 })
	mine := allocate(t, user(t, s, "udp", "alice", time.Hour))
	allocate(t, user(t, s, "tcp", "alice", time.Hour))
	if _, err := user(t, s, "udp", "alice", 2*time.Hour).Allocate(); err == nil {
		t.Error("one user has three relays")
	}
	allocate(t, user(t, s, "udp", "bob", time.Hour))
	if _, err := user(t, s, "udp", "carol", time.Hour).Allocate(); err == nil {
		t.Error("there are four relays")
	}
	must(t, mine.Close())
	// Closing is a request that nobody confirms: until it has arrived the place is taken.
	c := user(t, s, "udp", "carol", time.Hour)
	for deadline := time.Now().Add(patience); ; {
		relay, err := c.Allocate()
		if err == nil {
			relay.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a place that was given back is not free: %v", err)
		}
	}
}

// Relays of TCP and of other families are not opened.
func TestOnlyUDPIsRelayed(t *testing.T) {
	t.Parallel()
	s := start(t, func(*define.TURNConfig) {})
	if _, err := user(t, s, "tcp", "alice", time.Hour).AllocateTCP(); err == nil {
		t.Error("TCP is relayed")
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	config := define.DefaultConfig().TURN
	config.Address, config.Secret, config.Listen = "127.0.0.1", secret, taken.Addr().String()
	if s, err := turn.Start(t.Context(), config, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a taken port is no error")
		must(t, s.Stop(t.Context()))
	} else if refused := (*net.OpError)(nil); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}
