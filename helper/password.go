package helper

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// passwordCost says how dear a hash is.
type passwordCost struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// The smallest cost that the OWASP Password Storage Cheat Sheet advises for argon2id.
var currentCost = passwordCost{memory: 19456, time: 2, threads: 1}

// What a stored hash may ask for, so that a damaged one cannot take all memory or time.
var highestCost = passwordCost{memory: 256 << 10, time: 16, threads: 16}

const (
	saltBytes    = 16 // RFC 9106, 3.1
	keyBytes     = 32
	maxPartBytes = 64 // of the salt or key of a stored hash
	minPartBytes = 8
)

// hashing has a place for each hash that may be computed at once. One takes 19 MiB and a whole
// CPU, so a flood of logins waits here instead of taking all memory.
var hashing = make(chan struct{}, runtime.GOMAXPROCS(0))

var errPasswordHash = errors.New("not an argon2id hash")

var phcEncoding = base64.RawStdEncoding.Strict()

// HashPassword returns password as an argon2id PHC string with a fresh salt. It waits for a free
// CPU; the error is that of ctx, when it ends before.
func HashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails: crypto/rand ends the process where it would
	key, err := deriveKey(ctx, password, salt, currentCost, keyBytes)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, currentCost.memory, currentCost.time, currentCost.threads,
		phcEncoding.EncodeToString(salt), phcEncoding.EncodeToString(key)), nil
}

// CheckPassword reports whether hash, an argon2id PHC string of any cost, was made from password.
// The error is that of ctx, or says that hash is none.
func CheckPassword(ctx context.Context, hash, password string) (bool, error) {
	cost, salt, want, err := parseHash(hash)
	if err != nil {
		return false, err
	}
	got, err := deriveKey(ctx, password, salt, cost, uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// CheckNoPassword takes the time of CheckPassword, for a login to an account that does not exist:
// the time of the answer must not tell which accounts do. The error is that of ctx.
func CheckNoPassword(ctx context.Context, password string) error {
	_, err := deriveKey(ctx, password, make([]byte, saltBytes), currentCost, keyBytes)
	return err
}

func deriveKey(ctx context.Context, password string, salt []byte, cost passwordCost, length uint32) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("hash password: %w", err)
	}
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("hash password: %w", ctx.Err())
	}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, cost.time, cost.memory, cost.threads, length), nil
}

// parseHash takes a PHC string apart: $argon2id$v=19$m=19456,t=2,p=1$salt$key
func parseHash(hash string) (cost passwordCost, salt, key []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return cost, nil, nil, errPasswordHash
	}
	if cost, err = parseCost(parts[3]); err != nil {
		return cost, nil, nil, err
	}
	if salt, err = parsePart(parts[4]); err != nil {
		return cost, nil, nil, err
	}
	key, err = parsePart(parts[5])
	return cost, salt, key, err
}

// parseCost reads "m=19456,t=2,p=1". The order is fixed by the PHC string format.
func parseCost(text string) (passwordCost, error) {
	parts := strings.Split(text, ",")
	if len(parts) != 3 {
		return passwordCost{}, errPasswordHash
	}
	var numbers [3]uint32
	highest := [3]uint32{highestCost.memory, highestCost.time, uint32(highestCost.threads)}
	for i, name := range []string{"m=", "t=", "p="} {
		digits, found := strings.CutPrefix(parts[i], name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !found || err != nil || n == 0 || uint32(n) > highest[i] {
			return passwordCost{}, errPasswordHash
		}
		numbers[i] = uint32(n)
	}
	return passwordCost{memory: numbers[0], time: numbers[1], threads: uint8(numbers[2])}, nil
}

func parsePart(text string) ([]byte, error) {
	part, err := phcEncoding.DecodeString(text)
	if err != nil || len(part) < minPartBytes || len(part) > maxPartBytes {
		return nil, errPasswordHash
	}
	return part, nil
}
