// Package turn is the way in for media: a TURN and STUN server (RFC 8656, RFC 8489) for the calls of Parlor's users. It
// relays UDP between devices that cannot reach each other, and nothing else: not to private networks, not to this machine.
package turn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	pion "github.com/pion/turn/v5"

	"parlor/define"
	"parlor/helper"
)

// Server is a running server.
type Server struct {
	address  netip.Addr
	secret   string
	server   *pion.Server
	relays   *relays
	packets  net.PacketConn
	listener *listener
}

// Start opens the server that config describes; its Address and Secret must be set. Stop ends it.
func Start(ctx context.Context, config define.TURNConfig, log *slog.Logger) (*Server, error) {
	address, err := netip.ParseAddr(config.Address)
	if err != nil {
		return nil, err
	}
	peers, err := newPeers(address, config.Peers)
	if err != nil {
		return nil, err
	}
	s := &Server{address: address.Unmap(), secret: config.Secret, relays: newRelays(config, address.Unmap(), peers)}
	if err := s.listen(ctx, config); err != nil {
		return nil, err
	}
	permit := func(_ net.Addr, peer net.IP) bool { return peers.permit(addrOf(peer)) }
	s.server, err = pion.NewServer(pion.ServerConfig{
		Realm:               config.Realm,
		AuthHandler:         s.authenticate,
		StrictAddressFamily: s.address.Is4(),
		LoggerFactory:       &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled},
		PacketConnConfigs:   []pion.PacketConnConfig{{PacketConn: s.packets, RelayAddressGenerator: s.relays, PermissionHandler: permit}},
		ListenerConfigs:     []pion.ListenerConfig{{Listener: s.listener, RelayAddressGenerator: s.relays, PermissionHandler: permit}},
	})
	if err != nil {
		return nil, errors.Join(err, s.packets.Close(), s.listener.Close())
	}
	log.Info("relaying media", "address", s.URLs()[1])
	return s, nil
}

// listen takes the port over TCP and UDP: the same one where any will do.
func (s *Server) listen(ctx context.Context, config define.TURNConfig) error {
	family := "6"
	if s.address.Is4() {
		family = "4"
	}
	tcp, err := new(net.ListenConfig).Listen(ctx, "tcp"+family, config.Listen)
	if err != nil {
		return fmt.Errorf("turn.listen: %w", err)
	}
	host, _, _ := net.SplitHostPort(config.Listen)
	at := net.JoinHostPort(host, strconv.Itoa(tcp.Addr().(*net.TCPAddr).Port))
	if s.packets, err = new(net.ListenConfig).ListenPacket(ctx, "udp"+family, at); err != nil {
		return errors.Join(fmt.Errorf("turn.listen: %w", err), tcp.Close())
	}
	s.listener = newListener(tcp, connectionsPerRelay*config.Allocations)
	return nil
}

// URLs are what clients need to know of the server: RFC 7064 and RFC 7065.
func (s *Server) URLs() []string {
	at := net.JoinHostPort(s.address.String(), strconv.Itoa(s.packets.LocalAddr().(*net.UDPAddr).Port))
	return []string{"stun:" + at, "turn:" + at + "?transport=udp", "turn:" + at + "?transport=tcp"}
}

// Stop closes every relay and returns when all are gone.
func (s *Server) Stop(ctx context.Context) error {
	err := s.server.Close()
	s.listener.closeAll()
	gone := make(chan struct{})
	go func() {
		s.listener.open.Wait()
		s.relays.closeAll()
		s.relays.open.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return err
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}

// authenticate knows a user by his credential. One that has expired opens no relay, but keeps those that are open: a call
// may last longer than it.
func (s *Server) authenticate(r *pion.RequestAttributes) (user string, key []byte, ok bool) {
	until, user, _ := strings.Cut(r.Username, ":")
	seconds, err := strconv.ParseInt(until, 10, 64)
	expires := time.Unix(seconds, 0)
	if err != nil || user == "" || r.Method == stun.MethodAllocate && !time.Now().Before(expires) {
		return "", nil, false
	}
	username, credential := helper.TURNCredential(s.secret, user, expires)
	return user, pion.GenerateAuthKey(username, r.Realm, credential), username == r.Username
}
