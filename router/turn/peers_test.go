package turn

import (
	"net/netip"
	"testing"
)

func TestPeers(t *testing.T) {
	t.Parallel()
	relay := netip.MustParseAddr("198.51.100.7")
	p, err := newPeers(relay, []string{"192.168.1.0/24", "fd00::1"})
	if err != nil {
		t.Fatal(err)
	}
	p.own = append(p.own, netip.MustParseAddr("9.9.9.9"))
	for address, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true,
		"192.168.1.9": true, "::ffff:192.168.1.9": true, "fd00::1": true, // configured
		"192.168.2.9": false, "fd00::2": false, "10.0.0.1": false, "172.31.255.255": false, "100.127.0.1": false,
		"127.0.0.1": false, "127.255.0.1": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false,
		"0.0.0.0": false, "0.1.2.3": false, "::": false, "169.254.169.254": false, "fe80::1": false, "fec0::1": false,
		"224.0.0.1": false, "ff02::1": false, "255.255.255.255": false, "240.0.0.1": false, "192.0.0.8": false, "198.19.0.1": false,
		"::10.0.0.1": false, "64:ff9b::10.0.0.1": false, "64:ff9b:1::1": false, "2002:a00:1::": false, "2001:0:a00:1::1": false,
		"9.9.9.9":      false, // this machine
		"198.51.100.7": false, // the relays themselves: by their ports
	} {
		if got := p.reach(netip.MustParseAddr(address).Unmap()); got != want {
			t.Errorf("a relay may reach %s: %v", address, got)
		}
	}
	if !p.permit(relay) || p.permit(netip.MustParseAddr("10.0.0.1")) || p.permit(netip.Addr{}) {
		t.Error("clients may ask for other peers than they should")
	}
	if _, err := newPeers(relay, []string{"somewhere"}); err == nil {
		t.Error("a name is taken for a network")
	}
}
