package helper

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"strconv"
	"time"
)

// TURNCredential returns the name and password with which user may use a TURN server that knows secret, until expires:
// "A REST API For Access To TURN Services" (draft-uberti-behave-turn-rest-00, 2.2), which coturn and others speak.
func TURNCredential(secret, user string, expires time.Time) (username, credential string) {
	username = strconv.FormatInt(expires.Unix(), 10) + ":" + user
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(username))
	return username, base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
