package usersig

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"parlor/define"
	"parlor/helper"
	"parlor/middleware"
	"parlor/service"
)

// device is the name of the session that all signatures of a user belong to.
const device = "user_sig"

// minutesApart is how far the clocks of the deployment's servers may differ.
const minutesApart = 2

// provesSecret reports whether a token was made by who knows the secret of the deployment: the HMAC-SHA256, in
// hexadecimal, of the user's id, a dash, and the number of the present minute (Unix seconds divided by 60).
func (f *Face) provesSecret(userID, token string) bool {
	if f.o.Config.Secret == "" {
		return false
	}
	minute := time.Now().Unix() / 60
	proven := false
	for m := minute - minutesApart; m <= minute+minutesApart; m++ {
		mac := hmac.New(sha256.New, []byte(f.o.Config.Secret))
		fmt.Fprintf(mac, "%s-%d", userID, m)
		proven = hmac.Equal([]byte(hex.EncodeToString(mac.Sum(nil))), []byte(strings.ToLower(token))) || proven
	}
	return proven
}

// followsMinuteRule reports whether a token follows the rule that was published: the MD5 of the user's id and the minute,
// which anybody can compute. That of the minute before is taken as well, since the minute may change on the way.
func (f *Face) followsMinuteRule(userID, token string) bool {
	if !f.o.Config.MinuteRule {
		return false
	}
	now := time.Now().In(zone)
	for _, minute := range []time.Time{now, now.Add(-time.Minute)} {
		sum := md5.Sum([]byte(userID + "-" + minute.Format("2006-01-02-15-04")))
		if hex.EncodeToString(sum[:]) == strings.ToLower(token) {
			return true
		}
	}
	return false
}

// sign gives a signature for a user to who proves to be the deployment.
func (f *Face) sign(c *gin.Context) error {
	in, err := readForm(c)
	if err != nil {
		return err
	}
	id, token := in.text("user_id"), in.text("token")
	secret := f.provesSecret(id, token)
	if !secret && !f.followsMinuteRule(id, token) {
		return refuse(c, http.StatusForbidden, "验证失败")
	}
	found, err := f.o.Accounts.ByAccount(middleware.ContextOf(c), id)
	if err != nil {
		return err
	}
	if !secret {
		vouched, err := f.o.Accounts.Vouched(middleware.ContextOf(c), found.Identity)
		if err != nil {
			return err
		}
		if !vouched {
			return refuse(c, http.StatusForbidden, "验证失败")
		}
	}
	sig, err := f.signFor(c, found)
	if err != nil {
		return err
	}
	return write(c, "获取成功", map[string]string{"user_sig": sig})
}

// signFor returns a token of the user's session that is good for a short time.
func (f *Face) signFor(c *gin.Context, user service.User) (string, error) {
	ctx := middleware.ContextOf(c)
	for tries := 0; ; tries++ {
		login, err := f.o.Sessions.OpenTrusted(ctx, user.Identity, device, c.ClientIP())
		if err != nil {
			return "", err
		}
		caller, _, err := f.o.Sessions.Authenticate(ctx, login.Token.Token, c.ClientIP())
		if err != nil {
			return "", err
		}
		unlike := map[string]any{"sig": helper.NewIdentity()} // others of the same second
		sig, err := f.o.Sessions.Sign(ctx, caller, f.o.Config.SigTTL, unlike)
		if !errors.Is(err, define.ErrSessionEnded) || tries > 0 { // it may have been ended just now
			return sig.Token, err
		}
	}
}
