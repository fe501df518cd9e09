package turn

import (
	"testing"
	"time"

	pion "github.com/pion/turn/v5"

	"github.com/pion/stun/v4"

	"parlor/helper"
)

// No name opens a relay but one that was made with the secret, before it expires.
func FuzzAuthenticate(f *testing.F) {
	s := &Server{secret: "a secret of thirty-two bytes or more"}
	good, _ := helper.TURNCredential(s.secret, "alice", time.Now().Add(time.Hour))
	for _, name := range []string{good, "0:alice", "9999999999:", ":", "", "99999999999999999999:x", "-1:x", "1e9:x", "+9999999999:x", "9999999999:a:b"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		user, key, ok := s.authenticate(&pion.RequestAttributes{Username: name, Realm: "parlor", Method: stun.MethodAllocate})
		if ok && (user == "" || len(key) != 16) {
			t.Errorf("%q is %q with a key of %d bytes", name, user, len(key))
		}
		_, _, kept := s.authenticate(&pion.RequestAttributes{Username: name, Realm: "parlor", Method: stun.MethodRefresh})
		if ok && !kept {
			t.Errorf("%q may open a relay and not keep it", name)
		}
	})
}
