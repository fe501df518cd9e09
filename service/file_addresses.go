package service

import (
	"context"
	"crypto/hmac"
	"io"
	"strconv"

	"parlor/define"
)

// Addresses under which a file can be read without a session, for pages that can't show one where they show an image.

// FileGrant is the proof that an address was made here: it lets whoever has it read one file as one reader.
type FileGrant struct {
	File   string // identity
	Reader int64  // number of the user whose right to read it is
	Proof  string
}

// proofLength is that of a proof: 128 bits in hexadecimal digits.
const proofLength = 32

// Grant makes an address's proof. The reader's right is looked at when the file is read: it ends with his membership.
func (s *Files) Grant(file string, reader int64) FileGrant {
	proof := s.tokens.HashCode("file:"+file, strconv.FormatInt(reader, 10))
	return FileGrant{File: file, Reader: reader, Proof: proof[:proofLength]}
}

// OpenGranted returns a file to who has an address of it. Refusals: as of Open, and ErrFileNotFound for an address that
// was not made here, or whose reader has cancelled his account and is not the file's owner.
func (s *Files) OpenGranted(ctx context.Context, g FileGrant) (File, io.ReadSeekCloser, error) {
	if !hmac.Equal([]byte(s.Grant(g.File, g.Reader).Proof), []byte(g.Proof)) {
		return File{}, nil, define.ErrFileNotFound
	}
	reader, err := s.userNumbers.get(ctx, strconv.FormatInt(g.Reader, 10))
	if err != nil {
		return File{}, nil, err
	}
	user, err := s.users.get(ctx, reader)
	if err != nil {
		return File{}, nil, err
	}
	if user.Cancelled {
		file, err := s.store.Files.Get(ctx, g.File)
		if err != nil || file.UserIdentity != reader {
			return File{}, nil, notFoundUnless(notFound(err, nil))
		}
	}
	return s.Open(ctx, Caller{User: reader}, g.File)
}

// Keep sees that a file of the caller's is not collected: its address may stand where nobody looks. ErrFileNotFound where
// it is not his.
func (s *Files) Keep(ctx context.Context, c Caller, identity string) error {
	file, err := s.store.Files.Get(ctx, identity)
	if err != nil {
		return notFound(err, define.ErrFileNotFound)
	}
	if file.UserIdentity != c.User {
		return define.ErrFileNotFound
	}
	return s.store.Files.Fasten(ctx, &file)
}
