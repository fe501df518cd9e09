package helper

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Tokens signs and reads the tokens of sessions: JWT (RFC 7519) with HS256 and the claims sub
// (user), jti (session), iat and exp. It may be used by several goroutines.
type Tokens struct {
	secret []byte
	parser *jwt.Parser
}

// Claims is what a token says. Times are in whole seconds, as in the token.
type Claims struct {
	User      string
	Session   string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// NewTokens returns Tokens that sign with secret, which should have at least 32 bytes.
func NewTokens(secret []byte) *Tokens {
	return &Tokens{
		secret: secret,
		parser: jwt.NewParser(
			// Never what the token itself names: RFC 8725, 3.1.
			jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
			jwt.WithExpirationRequired(),
			jwt.WithStrictDecoding(),
		),
	}
}

// Sign returns a token for user's session. Fractions of a second are cut from both times.
func (t *Tokens) Sign(user, session string, issued, expires time.Time) (string, error) {
	return t.SignMore(user, session, issued, expires, nil)
}

// SignMore is Sign with more claims, which are for others to read: Parse passes over them. They can't replace those of Sign.
func (t *Tokens) SignMore(user, session string, issued, expires time.Time, more map[string]any) (string, error) {
	claims := jwt.MapClaims{}
	maps.Copy(claims, more)
	maps.Copy(claims, jwt.MapClaims{
		"sub": user, "jti": session, "iat": jwt.NewNumericDate(issued), "exp": jwt.NewNumericDate(expires),
	})
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(t.secret)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return token, nil
}

// Parse returns the claims of a token that these Tokens signed and that has not expired. Any
// other is an error. Whether the session still exists is for the caller to find out.
func (t *Tokens) Parse(token string) (Claims, error) {
	var claims jwt.RegisteredClaims
	if _, err := t.parser.ParseWithClaims(token, &claims, t.key); err != nil {
		return Claims{}, fmt.Errorf("parse token: %w", err)
	}
	if claims.Subject == "" || claims.ID == "" || claims.IssuedAt == nil {
		return Claims{}, errors.New("parse token: sub, jti and iat are required")
	}
	return Claims{
		User:      claims.Subject,
		Session:   claims.ID,
		IssuedAt:  claims.IssuedAt.Time,
		ExpiresAt: claims.ExpiresAt.Time,
	}, nil
}

func (t *Tokens) key(*jwt.Token) (any, error) {
	return t.secret, nil
}
