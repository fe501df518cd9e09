package router_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"parlor/define"
)

type iceServers struct {
	ICEServers []struct {
		URLs       []string `json:"urls"`
		Username   string   `json:"username"`
		Credential string   `json:"credential"`
	} `json:"ice_servers"`
}

const turnSecret = "a secret of thirty-two bytes or more"

// turnServer starts a server with a TURN server on loopback.
func turnServer(t *testing.T) *server {
	t.Helper()
	return newServer(t, func(c *define.Config) {
		c.TURN.Address, c.TURN.Listen, c.TURN.Secret = "127.0.0.1", "127.0.0.1:0", turnSecret
		c.CORS.Origins = []string{"*"} // pages of the tests are served elsewhere
	})
}

// peer is a device in a call: WebRTC that may use relays only, and a socket for its signals.
type peer struct {
	*socket
	*webrtc.PeerConnection
	call, other string
	track       *webrtc.TrackLocalStaticSample
	heard       chan string // messages on the data channel
	media       chan []byte // payloads of the other's track
	stop        chan struct{}
	done        sync.WaitGroup

	mu     sync.Mutex
	err    error
	early  []webrtc.ICECandidateInit
	remote bool
}

// newPeer makes a device that reaches others through the servers that it is told of, and through relays alone.
func newPeer(t *testing.T, s *socket, transport string) *peer {
	t.Helper()
	config := webrtc.Configuration{ICETransportPolicy: webrtc.ICETransportPolicyRelay}
	for _, one := range into[iceServers](s.get("/calls/ice").ok(200)).ICEServers {
		urls := slices.DeleteFunc(one.URLs, func(url string) bool { return strings.HasPrefix(url, "turn:") && !strings.HasSuffix(url, transport) })
		config.ICEServers = append(config.ICEServers, webrtc.ICEServer{URLs: urls, Username: one.Username, Credential: one.Credential})
	}
	connection, err := webrtc.NewPeerConnection(config)
	must(t, err)
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "audio", s.account)
	must(t, err)
	_, err = connection.AddTrack(track)
	must(t, err)
	p := &peer{
		socket: s, PeerConnection: connection, track: track,
		heard: make(chan string, 16), media: make(chan []byte, 1024), stop: make(chan struct{}),
	}
	connection.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c != nil {
			p.signal(fields{"candidate": c.ToJSON()})
		}
	})
	connection.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { p.listen(remote) })
	connection.OnDataChannel(p.converse)
	t.Cleanup(p.hangUp)
	return p
}

// join begins the exchange; who has come into the call last offers.
func (p *peer) join(call, other string, offers bool) {
	p.call, p.other = call, other
	p.done.Go(p.run)
	if !offers {
		return
	}
	channel, err := p.CreateDataChannel("words", nil)
	must(p.t, err)
	p.converse(channel)
	offer, err := p.CreateOffer(nil)
	must(p.t, err)
	must(p.t, p.SetLocalDescription(offer))
	p.signal(fields{"description": offer})
}

func (p *peer) signal(what fields) {
	what["call"], what["to"] = p.call, p.other
	p.start("call.signal", what)
}

func (p *peer) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = errors.Join(p.err, err)
}

// run takes what the other sends.
func (p *peer) run() {
	for {
		select {
		case <-p.stop:
			return
		case f := <-p.pushes:
			if f.Op == "call.signal" {
				if err := p.take(f.Data); err != nil {
					p.fail(fmt.Errorf("%s: %w", f.Data, err))
				}
			}
		}
	}
}

func (p *peer) take(data []byte) error {
	var signal struct {
		Description *webrtc.SessionDescription `json:"description"`
		Candidate   *webrtc.ICECandidateInit   `json:"candidate"`
	}
	if err := json.Unmarshal(data, &signal); err != nil {
		return err
	}
	if signal.Candidate != nil {
		if !p.remote {
			p.early = append(p.early, *signal.Candidate)
			return nil
		}
		return p.AddICECandidate(*signal.Candidate)
	}
	if err := p.SetRemoteDescription(*signal.Description); err != nil {
		return err
	}
	p.remote = true
	for _, candidate := range p.early {
		if err := p.AddICECandidate(candidate); err != nil {
			return err
		}
	}
	if signal.Description.Type != webrtc.SDPTypeOffer {
		return nil
	}
	answer, err := p.CreateAnswer(nil)
	if err != nil {
		return err
	}
	if err := p.SetLocalDescription(answer); err != nil {
		return err
	}
	p.signal(fields{"description": answer})
	return nil
}

// converse says one thing on the data channel and passes on what is said there.
func (p *peer) converse(channel *webrtc.DataChannel) {
	channel.OnOpen(func() {
		if err := channel.SendText("hello from " + p.account); err != nil {
			p.fail(err)
		}
	})
	channel.OnMessage(func(m webrtc.DataChannelMessage) { p.heard <- string(m.Data) })
}

func (p *peer) listen(remote *webrtc.TrackRemote) {
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			return // the connection is closed
		}
		select {
		case p.media <- packet.Payload:
		default:
		}
	}
}

// play sends sound until it is told to stop.
func (p *peer) play(sound []byte) {
	p.done.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-ticker.C:
				if err := p.track.WriteSample(media.Sample{Data: sound, Duration: 20 * time.Millisecond}); err != nil {
					p.fail(err)
					return
				}
			}
		}
	})
}

func (p *peer) hangUp() {
	close(p.stop)
	p.done.Wait()
	closed := p.PeerConnection.GracefulClose()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := errors.Join(p.err, closed); err != nil {
		p.t.Error(err)
	}
}

// expectFrom waits for one thing.
func expectFrom[T any](t *testing.T, from chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatalf("waiting for %s: nothing came", what)
	}
	return v
}

// Two real devices talk through the relays of the server, the direct way between them being closed.
func TestCallMediaThroughRelays(t *testing.T) {
	t.Parallel()
	s := turnServer(t)
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			s := &server{s.instance, t}
			alice, bob := s.friends("alice", "bob")
			alices, bobs := alice.socket(), bob.socket()
			c := alices.startCall(alice.roomWith(bob))
			bobs.expect("call.ringing")
			one, other := newPeer(t, alices, transport), newPeer(t, bobs, transport)
			bobs.onCall("call.accept", c)
			alices.expect("call.accepted")
			one.join(c.Identity, bob.identity, false)
			other.join(c.Identity, alice.identity, true)

			for _, p := range []*peer{one, other} {
				want := "hello from " + map[*peer]*user{one: bob, other: alice}[p].account
				if got := expectFrom(t, p.heard, "words"); got != want {
					t.Errorf("%s heard %q", p.account, got)
				}
				pair, err := p.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
				must(t, err)
				if pair.Local.Typ != webrtc.ICECandidateTypeRelay || pair.Remote.Typ != webrtc.ICECandidateTypeRelay {
					t.Errorf("%s is connected by %s", p.account, pair)
				}
			}
			one.play([]byte("the sound of alice"))
			other.play([]byte("the sound of bob"))
			for range 10 {
				if got := string(expectFrom(t, other.media, "sound")); got != "the sound of alice" {
					t.Errorf("bob heard %q", got)
				}
				if got := string(expectFrom(t, one.media, "sound")); got != "the sound of bob" {
					t.Errorf("alice heard %q", got)
				}
			}
			bobs.ok("call.end", fields{"call": c.Identity})
		})
	}
}

// Everybody is told of the servers, and has a credential of his own where one is needed.
func TestICEServers(t *testing.T) {
	t.Parallel()
	anyone{sharedServer(t)}.ask("GET", "/calls/ice", "", nil).refused("unauthenticated")
	if none := into[iceServers](sharedServer(t).user("alice").get("/calls/ice").ok(200)); none.ICEServers == nil || len(none.ICEServers) > 0 {
		t.Errorf("without a TURN server there are %+v", none)
	}
	s := newServer(t, func(c *define.Config) {
		c.TURN.URLs = []string{"stun:turn.example.com", "turn:turn.example.com?transport=udp", "turns:turn.example.com:443"}
		c.TURN.Secret, c.TURN.CredentialTTL = turnSecret, time.Hour
	})
	alice, bob := s.user("alice"), s.user("bob")
	before := time.Now().Add(time.Hour).Unix()
	alices, bobs := into[iceServers](alice.get("/calls/ice").ok(200)), into[iceServers](bob.get("/calls/ice").ok(200))
	if len(alices.ICEServers) != 2 || fmt.Sprint(alices.ICEServers[0]) != "{[stun:turn.example.com]  }" {
		t.Fatalf("alice is told of %+v", alices)
	}
	for who, one := range map[*user]iceServers{alice: alices, bob: bobs} {
		turn := one.ICEServers[1]
		var expires int64
		var name string
		if _, err := fmt.Sscanf(turn.Username, "%d:%s", &expires, &name); err != nil || name != who.identity || expires < before || expires > before+int64(patience/time.Second) {
			t.Errorf("%s has the name %q", who.account, turn.Username)
		}
		if !slices.Equal(turn.URLs, []string{"turn:turn.example.com?transport=udp", "turns:turn.example.com:443"}) || turn.Credential == "" {
			t.Errorf("%s is told of %+v", who.account, turn)
		}
	}
	if alices.ICEServers[1].Credential == bobs.ICEServers[1].Credential {
		t.Error("alice and bob have one credential")
	}
}
