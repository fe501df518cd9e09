package router_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What is uploaded comes back byte by byte, with what its content says of it.
func TestUploadAndDownload(t *testing.T) {
	t.Parallel()
	alice := sharedServer(t).user("alice")
	drawn := pngBytes(picture(400, 200))
	big := make([]byte, 1_000_003)
	for i := range big {
		big[i] = byte(i * i >> 8)
	}
	for _, test := range []struct {
		name    string
		content []byte
		want    file
	}{
		{"图片 1.png", drawn, file{Name: "图片 1.png", Mime: "image/png", Width: 400, Height: 200, Thumb: true}},
		{"photo.txt", jpegBytes(picture(30, 50)), file{Name: "photo.txt", Mime: "image/jpeg", Width: 30, Height: 50, Thumb: true}},
		{"page.png", []byte("<!DOCTYPE html><script>alert(1)</script>"), file{Name: "page.png", Mime: "text/html"}},
		{"../../etc/passwd", []byte("root"), file{Name: "passwd", Mime: "text/plain"}},
		{`C:\Users\me\a"b.txt`, []byte("x"), file{Name: `a"b.txt`, Mime: "text/plain"}},
		{"..", []byte("dots"), file{Name: "file", Mime: "text/plain"}},
		{strings.Repeat("长", 300) + ".txt", []byte("long"), file{Name: strings.Repeat("长", 196) + ".txt", Mime: "text/plain"}},
		{"a\u202egpj.exe", []byte("turned"), file{Name: "agpj.exe", Mime: "text/plain"}},
		{"big.bin", big, file{Name: "big.bin", Mime: "application/octet-stream"}},
	} {
		got := alice.upload(test.name, test.content)
		sum := sha256.Sum256(test.content)
		test.want.Identity, test.want.SHA256, test.want.Size = got.Identity, hex.EncodeToString(sum[:]), int64(len(test.content))
		if got != test.want || got.Identity == "" {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
		header := alice.download(got.Identity).bytes(200, test.content).header
		if header.Get("Content-Type") != test.want.Mime || header.Get("Content-Length") != fmt.Sprint(len(test.content)) {
			t.Errorf("%s: %v", test.name, header)
		}
		if a := alice.ask("HEAD", "/files/"+got.Identity, alice.token, nil).bytes(200, nil); a.header.Get("Content-Length") != fmt.Sprint(len(test.content)) {
			t.Errorf("HEAD: %v", a.header)
		}
	}
	response, err := http.Get(alice.url + "/api/v1/files/" + alice.upload("x", drawn).Identity + "?token=" + alice.token)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("with the token in the query: %d", response.StatusCode)
	}
}
