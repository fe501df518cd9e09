package turn

import (
	"net"
	"net/netip"
	"slices"
)

// Addresses that are not of the public internet, beside those that netip knows by name: they lead to the machine itself, to
// networks behind it, or, wrapped into IPv6, to either.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network: RFC 1122
	netip.MustParsePrefix("100.64.0.0/10"),   // behind a carrier's NAT: RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments: RFC 6890
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation: RFC 5737
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays: RFC 7526
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks: RFC 2544
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, broadcast: RFC 1112
	netip.MustParsePrefix("::/96"),           // IPv4-compatible: RFC 4291
	netip.MustParsePrefix("64:ff9b::/96"),    // NAT64: RFC 6052
	netip.MustParsePrefix("64:ff9b:1::/48"),  // NAT64: RFC 8215
	netip.MustParsePrefix("100::/64"),        // discard: RFC 6666
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo: RFC 2928
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // 6to4: RFC 3056
	netip.MustParsePrefix("fec0::/10"),       // site-local: RFC 3879
}

// peers says whom relays may reach: the public internet, the other relays of this server, and what is configured.
type peers struct {
	relay   netip.Addr     // the address of all relays
	allowed []netip.Prefix // configured
	own     []netip.Addr   // of this machine: services there may trust it
}

func newPeers(relay netip.Addr, allowed []string) (*peers, error) {
	p := &peers{relay: relay.Unmap()}
	for _, network := range allowed {
		prefix, err := netip.ParsePrefix(network)
		if err != nil {
			address, err := netip.ParseAddr(network)
			if err != nil {
				return nil, err
			}
			prefix = netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen())
		}
		p.allowed = append(p.allowed, prefix.Masked())
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok {
			p.own = append(p.own, addrOf(network.IP))
		}
	}
	return p, nil
}

// permit reports whether a client may ask for a peer. Of the relays' own address it depends on the port: see reach.
func (p *peers) permit(peer netip.Addr) bool { return peer == p.relay || p.reach(peer) }

// reach reports whether a relay may exchange packets with a peer that is no relay of this server.
func (p *peers) reach(peer netip.Addr) bool {
	contains := func(prefix netip.Prefix) bool { return prefix.Contains(peer) }
	if slices.ContainsFunc(p.allowed, contains) {
		return true
	}
	return peer.IsGlobalUnicast() && !peer.IsPrivate() && peer.Zone() == "" && peer != p.relay &&
		!slices.Contains(p.own, peer) && !slices.ContainsFunc(special, contains)
}

// addrOf is an address in its shortest form, so that an IPv4 address is one however it was written.
func addrOf(ip net.IP) netip.Addr {
	address, _ := netip.AddrFromSlice(ip)
	return address.Unmap()
}
