package helper

import "github.com/google/uuid"

// NewIdentity returns a new UUIDv7 (RFC 9562) as a string of 36 characters.
// Identities made by one process sort in the order in which they were made.
func NewIdentity() string {
	return uuid.Must(uuid.NewV7()).String()
}
