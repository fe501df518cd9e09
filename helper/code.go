package helper

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
)

// NewCode returns six random digits.
func NewCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand ends the process where it would fail
	}
	return fmt.Sprintf("%06d", n)
}

// HashCode returns what is kept of a code: an HMAC (RFC 2104) under the secret of the tokens. Six digits could be found
// from a hash that needs no secret.
func (t *Tokens) HashCode(purpose, code string) string {
	mac := hmac.New(sha256.New, t.secret)
	fmt.Fprintf(mac, "code\n%s\n%s", purpose, code)
	return hex.EncodeToString(mac.Sum(nil))
}
