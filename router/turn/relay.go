package turn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"

	pion "github.com/pion/turn/v5"

	"parlor/define"
)

var (
	errTooMany    = errors.New("turn: too many relays")
	errNotCarried = errors.New("turn: only UDP of the server's own address family is relayed")
)

// portTries is how many ports are tried for a relay before the client is told that there is none.
const portTries = 64

// relays opens and bounds the relays. It implements pion's RelayAddressGenerator.
type relays struct {
	address          netip.Addr // as clients see it
	bind             netip.Addr
	network          string
	minPort, maxPort int
	most, mostOfOne  int
	peers            *peers
	open             sync.WaitGroup

	mu     sync.RWMutex
	byPort map[int]*relay
	byUser map[string]int
	closed bool
}

func newRelays(config define.TURNConfig, address netip.Addr, peers *peers) *relays {
	r := &relays{
		address: address, bind: netip.IPv6Unspecified(), network: "udp6", minPort: config.MinPort, maxPort: config.MaxPort,
		most: config.Allocations, mostOfOne: config.AllocationsPerUser, peers: peers, byPort: map[int]*relay{}, byUser: map[string]int{},
	}
	if address.Is4() {
		r.bind, r.network = netip.IPv4Unspecified(), "udp4"
	}
	if address.IsLoopback() {
		r.bind = address
	}
	return r
}

// Validate implements pion.RelayAddressGenerator.
func (r *relays) Validate() error { return nil }

// AllocateListener implements pion.RelayAddressGenerator: there are no relays of TCP (RFC 6062).
func (r *relays) AllocateListener(pion.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errNotCarried
}

// AllocateConn implements pion.RelayAddressGenerator, likewise.
func (r *relays) AllocateConn(pion.AllocateConnConfig) (net.Conn, error) { return nil, errNotCarried }

// AllocatePacketConn implements pion.RelayAddressGenerator.
func (r *relays) AllocatePacketConn(want pion.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	if want.Network != r.network {
		return nil, nil, errNotCarried
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil, net.ErrClosed
	}
	if len(r.byPort) >= r.most || r.byUser[want.UserID] >= r.mostOfOne {
		return nil, nil, errTooMany
	}
	conn, port, err := r.listen(want.RequestedPort)
	if err != nil {
		return nil, nil, err
	}
	opened := &relay{UDPConn: conn, relays: r, user: want.UserID, port: port}
	r.byPort[port] = opened
	r.byUser[want.UserID]++
	r.open.Add(1)
	return opened, net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.address, uint16(port))), nil
}

// listen takes a port, any where port is 0.
func (r *relays) listen(port int) (*net.UDPConn, int, error) {
	if port != 0 && (port < r.minPort || port > r.maxPort) {
		return nil, 0, fmt.Errorf("turn: no port for relays: %d", port)
	}
	if port != 0 {
		conn, err := r.listenOn(port)
		return conn, port, err
	}
	var err error
	for range portTries {
		var conn *net.UDPConn
		port = r.minPort + rand.IntN(r.maxPort-r.minPort+1)
		if conn, err = r.listenOn(port); err == nil {
			return conn, port, nil
		}
	}
	return nil, 0, err
}

func (r *relays) listenOn(port int) (*net.UDPConn, error) {
	return net.ListenUDP(r.network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.bind, uint16(port))))
}

func (r *relays) close(one *relay) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byPort, one.port)
	if r.byUser[one.user]--; r.byUser[one.user] <= 0 {
		delete(r.byUser, one.user)
	}
	r.open.Done()
}

func (r *relays) closeAll() {
	r.mu.Lock()
	r.closed = true
	var all []*relay
	for _, one := range r.byPort {
		all = append(all, one)
	}
	r.mu.Unlock()
	for _, one := range all {
		_ = one.Close() // it may have been closed meanwhile
	}
}

// isRelay reports whether a port belongs to a relay of this server.
func (r *relays) isRelay(port int) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byPort[port] != nil
}

// loopback is where relays reach each other, so that their packets need not find the way back through a NAT, and no other
// service on the relays' address can be reached.
func (r *relays) loopback() net.IP {
	switch {
	case r.address.IsLoopback():
		return r.address.AsSlice()
	case r.address.Is4():
		return net.IPv4(127, 0, 0, 1)
	default:
		return net.IPv6loopback
	}
}

// relay is one relay's socket. It carries packets to and from peers that are allowed, and drops all others: clients are
// told of forbidden addresses, but not of ports.
type relay struct {
	*net.UDPConn
	relays *relays
	user   string
	port   int
	once   sync.Once
}

// WriteTo implements net.PacketConn.
func (r *relay) WriteTo(p []byte, to net.Addr) (int, error) {
	peer, ok := to.(*net.UDPAddr)
	if !ok {
		return len(p), nil
	}
	address := addrOf(peer.IP)
	switch {
	case address == r.relays.address && r.relays.isRelay(peer.Port):
		to = &net.UDPAddr{IP: r.relays.loopback(), Port: peer.Port}
	case !r.relays.peers.reach(address):
		return len(p), nil
	}
	return r.UDPConn.WriteTo(p, to)
}

// ReadFrom implements net.PacketConn.
func (r *relay) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := r.UDPConn.ReadFromUDP(p)
		if err != nil {
			return n, from, err
		}
		address := addrOf(from.IP)
		switch {
		case from.IP.Equal(r.relays.loopback()) && r.relays.isRelay(from.Port):
			return n, &net.UDPAddr{IP: r.relays.address.AsSlice(), Port: from.Port}, nil
		case r.relays.peers.reach(address):
			return n, from, nil
		}
	}
}

// Close implements net.PacketConn.
func (r *relay) Close() error {
	err := net.ErrClosed
	r.once.Do(func() {
		err = r.UDPConn.Close()
		r.relays.close(r)
	})
	return err
}
