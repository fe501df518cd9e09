package router_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"testing"

	"parlor/service"
)

// noise is a content that can't be compressed.
func noise(size int, seed byte) []byte {
	content := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(content)
	return content
}

// uploadOf streams a content as the body of an upload, without a copy of it.
func uploadOf(name string, content io.Reader) (body io.Reader, contentType string) {
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	if _, err := form.CreateFormFile("file", name); err != nil {
		panic(err) // a buffer takes everything
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	return io.MultiReader(&head, content, bytes.NewBufferString(tail)), form.FormDataContentType()
}

const benchmarkFile = 20 << 20

// transfer is one request of a benchmark, whose answer is thrown away.
func (c *crowd) transfer(method, path, contentType string, body io.Reader) {
	request, err := http.NewRequest(method, c.url+"/api/v1"+path, body)
	if err != nil {
		c.b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+c.tokens[0])
	request.Header.Set("Content-Type", contentType)
	response, err := c.client.Do(request)
	if err != nil {
		c.b.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode >= 300 {
		c.b.Fatal(response.Status, err)
	}
}

// One upload of 20 MiB that nobody has uploaded before.
func BenchmarkUpload(b *testing.B) {
	c := newCrowd(b, 1)
	content := noise(benchmarkFile, 1)
	b.SetBytes(benchmarkFile)
	for n := 0; b.Loop(); n++ {
		content[0], content[1], content[2] = byte(n), byte(n>>8), byte(n>>16)
		body, contentType := uploadOf("noise", bytes.NewReader(content))
		c.transfer("POST", "/files", contentType, body)
	}
}

// One download of 20 MiB by its owner.
func BenchmarkDownload(b *testing.B) {
	c := newCrowd(b, 1)
	file, err := c.services.Files.Upload(b.Context(), service.Caller{User: c.users[0]}, "noise", bytes.NewReader(noise(benchmarkFile, 1)))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchmarkFile)
	for b.Loop() {
		c.transfer("GET", "/files/"+file.Identity, "", nil)
	}
}

// One small picture, as a page of history shows many.
func BenchmarkThumb(b *testing.B) {
	c := newCrowd(b, 1)
	drawn := jpegBytes(picture(1600, 1200))
	file, err := c.services.Files.Upload(b.Context(), service.Caller{User: c.users[0]}, "photo", bytes.NewReader(drawn))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c.transfer("GET", "/files/"+file.Identity+"/thumb", "", nil)
	}
}
