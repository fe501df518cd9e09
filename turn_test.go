package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pion/turn/v5"

	"parlor/helper"
)

// The program relays media once it is told its address: with a secret of its own that it keeps, and the credentials that it
// hands out open relays. Nothing of it is there without the setting.
func TestProcessRelays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var kept []byte
	for range 2 {
		p := start(t, dir, "PARLOR_TURN_ADDRESS=127.0.0.1", "PARLOR_TURN_LISTEN=127.0.0.1:0")
		user := call[account](p, "POST", "/register", "", fields{"account": fmt.Sprint("user", len(kept)), "password": password})
		ice := call[struct {
			ICEServers []struct {
				URLs                 []string
				Username, Credential string
			} `json:"ice_servers"`
		}](p, "GET", "/calls/ice", user.Token, nil)
		secret, err := os.ReadFile(filepath.Join(dir, "data", "turn_secret"))
		if err != nil {
			t.Fatal(err)
		}
		if kept != nil && !bytes.Equal(kept, secret) {
			t.Error("another secret after a restart")
		}
		kept = secret
		if len(ice.ICEServers) != 2 {
			t.Fatalf("clients are told of %+v", ice)
		}
		server := ice.ICEServers[1]
		until, _, _ := strings.Cut(server.Username, ":")
		seconds, _ := strconv.ParseInt(until, 10, 64)
		if _, want := helper.TURNCredential(strings.TrimSpace(string(secret)), user.User.Identity, time.Unix(seconds, 0)); server.Credential != want {
			t.Errorf("the credential of %s is %s, want %s", server.Username, server.Credential, want)
		}
		checkRelay(t, strings.TrimPrefix(ice.ICEServers[0].URLs[0], "stun:"), server.Username, server.Credential)
		if err := p.end(syscall.SIGTERM); err != nil {
			t.Errorf("ended with %v:\n%s", err, p.logged())
		}
	}

	p := start(t, t.TempDir())
	user := p.register("alice")
	if got := fmt.Sprint(call[any](p, "GET", "/calls/ice", user.Token, nil)); got != "map[ice_servers:[]]" {
		t.Errorf("without the setting clients are told of %s", got)
	}
}

// checkRelay opens a relay.
func checkRelay(t *testing.T, address, username, credential string) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client, err := turn.NewClient(&turn.ClientConfig{TURNServerAddr: address, Conn: conn, Username: username, Password: credential, Realm: "parlor"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Listen(); err != nil {
		t.Fatal(err)
	}
	relay, err := client.Allocate()
	if err != nil {
		t.Fatalf("no relay at %s: %v", address, err)
	}
	if err := relay.Close(); err != nil {
		t.Error(err)
	}
}
