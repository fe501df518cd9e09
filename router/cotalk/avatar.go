package cotalk

import (
	_ "embed"
	"net/http"

	"parlor/define"
)

// noAvatar is the picture of users who have none.
//
//go:embed avatar.png
var noAvatar []byte

// avatar answers with the bytes of a user's picture. The page takes it for one only where Content-Type is exactly that.
func (f *Face) avatar(r *request) (any, error) {
	number, err := r.pathNumber("user", errUserID)
	if err != nil {
		return nil, err
	}
	if number != systemNumber {
		if _, err := f.o.Accounts.Numbered(r.ctx, number); err != nil {
			return nil, words{define.ErrUserNotFound: errProfile}.in(err)
		}
	}
	r.Data(http.StatusOK, "image/png", noAvatar)
	return nil, nil
}
