package helper

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var tokenSecret = []byte("0123456789abcdef0123456789abcdef")

func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(tokenSecret)
	issued := time.Now()
	expires := issued.Add(time.Hour)
	token, err := tokens.Sign("user", "session", issued, expires)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := tokens.Parse(token)
	if err != nil {
		t.Fatal(err)
	}
	if claims.User != "user" || claims.Session != "session" {
		t.Errorf("got %+v", claims)
	}
	if claims.IssuedAt.Unix() != issued.Unix() || claims.ExpiresAt.Unix() != expires.Unix() {
		t.Errorf("got times %v, %v, want %v, %v", claims.IssuedAt, claims.ExpiresAt, issued, expires)
	}
}

// What others put into a token changes nothing of what it says to us.
func TestTokensHoldMore(t *testing.T) {
	t.Parallel()
	tokens := NewTokens([]byte(strings.Repeat("s", 32)))
	issued := time.Now()
	token, err := tokens.SignMore("anna", "s1", issued, issued.Add(time.Hour), map[string]any{"data": map[string]any{"user_id": 7}, "sub": "eve", "exp": 0})
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := tokens.Parse(token); err != nil || claims.User != "anna" || claims.Session != "s1" {
		t.Errorf("got %+v, %v", claims, err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		Data struct {
			UserID int `json:"user_id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(payload, &said); err != nil || said.Data.UserID != 7 {
		t.Errorf("the token says %s: %v", payload, err)
	}
}

func TestParseRefusesExpiredToken(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(tokenSecret)
	token, err := tokens.Sign("user", "session", time.Now().Add(-time.Hour), time.Now().Add(-time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.Parse(token); !errors.Is(err, jwt.ErrTokenExpired) {
		t.Errorf("got %v", err)
	}
}

func TestParseRefusesForgedTokens(t *testing.T) {
	t.Parallel()
	now := time.Now().Unix()
	good := jwt.MapClaims{"sub": "user", "jti": "session", "iat": now, "exp": now + 60}
	without := func(claim string) jwt.MapClaims {
		claims := jwt.MapClaims{}
		for name, value := range good {
			if name != claim {
				claims[name] = value
			}
		}
		return claims
	}
	sign := func(method jwt.SigningMethod, claims jwt.MapClaims, key any) string {
		token, err := jwt.NewWithClaims(method, claims).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	valid := sign(jwt.SigningMethodHS256, good, tokenSecret)
	header, rest, _ := strings.Cut(valid, ".")
	payload, signature, _ := strings.Cut(rest, ".")

	tokens := NewTokens(tokenSecret)
	if _, err := tokens.Parse(valid); err != nil {
		t.Fatalf("the token that the others are made from: %v", err)
	}
	tests := map[string]string{
		"empty":             "",
		"words":             "not a token",
		"none":              sign(jwt.SigningMethodNone, good, jwt.UnsafeAllowNoneSignatureType),
		"HS384":             sign(jwt.SigningMethodHS384, good, tokenSecret),
		"HS512":             sign(jwt.SigningMethodHS512, good, tokenSecret),
		"another secret":    sign(jwt.SigningMethodHS256, good, []byte(strings.Repeat("x", 32))),
		"without exp":       sign(jwt.SigningMethodHS256, without("exp"), tokenSecret),
		"without sub":       sign(jwt.SigningMethodHS256, without("sub"), tokenSecret),
		"without jti":       sign(jwt.SigningMethodHS256, without("jti"), tokenSecret),
		"without iat":       sign(jwt.SigningMethodHS256, without("iat"), tokenSecret),
		"without signature": header + "." + payload + ".",
		"two parts":         header + "." + payload,
		"four parts":        valid + ".x",
		"padded":            valid + "=",
		"other claims": header + "." + strings.Split(sign(jwt.SigningMethodHS256,
			jwt.MapClaims{"sub": "admin", "jti": "session", "iat": now, "exp": now + 60}, tokenSecret), ".")[1] + "." + signature,
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if claims, err := tokens.Parse(token); err == nil {
				t.Errorf("accepted as %+v", claims)
			}
		})
	}
}

func FuzzParseToken(f *testing.F) {
	tokens := NewTokens(tokenSecret)
	valid, err := tokens.Sign("user", "session", time.Now(), time.Now().Add(24*time.Hour))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(valid)
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := tokens.Parse(token)
		if err == nil && (claims.User != "user" || claims.Session != "session") {
			t.Errorf("forged: %q is %+v", token, claims)
		}
	})
}

func BenchmarkParseToken(b *testing.B) {
	tokens := NewTokens(tokenSecret)
	token, err := tokens.Sign(NewIdentity(), NewIdentity(), time.Now(), time.Now().Add(24*time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Parse(token); err != nil {
			b.Fatal(err)
		}
	}
}
