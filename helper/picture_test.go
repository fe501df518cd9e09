package helper

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"testing"

	"parlor/define"
)

// quarters is an image of four colours: red and green above blue and white.
func quarters(width, height int) *image.RGBA {
	drawn := image.NewRGBA(image.Rect(0, 0, width, height))
	colours := [2][2]color.RGBA{{{R: 255, A: 255}, {G: 255, A: 255}}, {{B: 255, A: 255}, {R: 255, G: 255, B: 255, A: 255}}}
	for y := range height {
		for x := range width {
			drawn.SetRGBA(x, y, colours[2*y/height][2*x/width])
		}
	}
	return drawn
}

func pngOf(t testing.TB, drawn image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, drawn); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func jpegOf(t testing.TB, drawn image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, drawn, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func gifOf(t testing.TB, drawn image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := gif.Encode(&out, drawn, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// exif puts an orientation into a JPEG, as cameras do, in either order of bytes.
func exif(photo []byte, orientation uint16, order binary.AppendByteOrder) []byte {
	tiff := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 1)
	tiff = order.AppendUint16(tiff, 0x0112) // Orientation
	tiff = order.AppendUint16(tiff, 3)      // a short
	tiff = order.AppendUint32(tiff, 1)
	tiff = order.AppendUint16(tiff, orientation)
	tiff = order.AppendUint16(tiff, 0)
	tiff = order.AppendUint32(tiff, 0)
	segment := append([]byte("Exif\x00\x00"), tiff...)
	out := append([]byte{}, photo[:2]...)
	out = append(out, 0xFF, 0xE1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(segment)+2))
	return append(append(out, segment...), photo[2:]...)
}

// pngWith is a PNG of a size that its header says, with this content of its pixels.
func pngWith(width, height uint32, pixels io.Reader) []byte {
	chunk := func(out []byte, name string, data []byte) []byte {
		out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
		named := append([]byte(name), data...)
		return binary.BigEndian.AppendUint32(append(out, named...), crc32.ChecksumIEEE(named))
	}
	header := binary.BigEndian.AppendUint32(nil, width)
	header = binary.BigEndian.AppendUint32(header, height)
	header = append(header, 8, 0, 0, 0, 0) // grey
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := io.Copy(z, pixels); err != nil {
		panic(err) // a buffer takes everything
	}
	z.Close()
	out := chunk([]byte("\x89PNG\r\n\x1a\n"), "IHDR", header)
	out = chunk(out, "IDAT", packed.Bytes())
	return chunk(out, "IEND", nil)
}

// zeros gives zeros for ever.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// The corners of a scaled picture, as letters.
func corners(t *testing.T, p Picture) string {
	t.Helper()
	drawn, _, err := image.Decode(bytes.NewReader(p.Data))
	if err != nil {
		t.Fatal(err)
	}
	b := drawn.Bounds()
	name := func(x, y int) string {
		r, g, b, _ := drawn.At(b.Min.X+x, b.Min.Y+y).RGBA()
		switch high := func(v uint32) bool { return v > 0x8000 }; {
		case high(r) && high(g) && high(b):
			return "W"
		case high(r):
			return "R"
		case high(g):
			return "G"
		case high(b):
			return "B"
		}
		return "?"
	}
	left, right, top, bottom := b.Dx()/4, 3*b.Dx()/4, b.Dy()/4, 3*b.Dy()/4
	return name(left, top) + name(right, top) + name(left, bottom) + name(right, bottom)
}

func TestScaleTurns(t *testing.T) {
	t.Parallel()
	pictures := NewPictures()
	photo := jpegOf(t, quarters(640, 320))
	for orientation, want := range map[uint16]string{
		0: "RGBW", 1: "RGBW", 2: "GRWB", 3: "WBGR", 4: "BWRG", 5: "RBGW", 6: "BRWG", 7: "WGBR", 8: "GWRB", 9: "RGBW",
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			p, err := pictures.Scale(t.Context(), bytes.NewReader(exif(photo, orientation, order)), "image/jpeg", 160)
			if err != nil {
				t.Fatal(err)
			}
			width, height := 640, 320
			if orientation >= 5 && orientation <= 8 {
				width, height = height, width
			}
			if got := corners(t, p); got != want || p.Width != width || p.Height != height || p.Mime != "image/jpeg" {
				t.Errorf("orientation %d, %s: %s of %d×%d as %s, want %s of %d×%d", orientation, order, got, p.Width, p.Height, p.Mime, want, width, height)
			}
			config, err := jpeg.DecodeConfig(bytes.NewReader(p.Data))
			if err != nil || config.Width != width/4 || config.Height != height/4 {
				t.Errorf("orientation %d: scaled to %d×%d, %v", orientation, config.Width, config.Height, err)
			}
			if bytes.Contains(p.Data, []byte("Exif")) {
				t.Errorf("orientation %d: there is metadata in it", orientation)
			}
		}
	}
}

// a WebP of one pixel, lossless; the encoders of Go write none.
const tinyWebP = "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="

func TestScaleKinds(t *testing.T) {
	t.Parallel()
	clear := image.NewNRGBA(image.Rect(0, 0, 400, 100))
	clear.SetNRGBA(1, 1, color.NRGBA{R: 255, A: 128})
	webp, err := base64.StdEncoding.DecodeString(tinyWebP)
	if err != nil {
		t.Fatal(err)
	}
	animated := append([]byte("RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00"), 9, 0, 0, 4, 0, 0)
	animated = append(animated, "ANIM\x00\x00\x00\x00"...)
	for _, test := range []struct {
		name, mime    string
		content       []byte
		width, height int
		scaled        string // the media type of the small one
	}{
		{"PNG", "image/png", pngOf(t, quarters(400, 200)), 400, 200, "image/jpeg"},
		{"PNG with something transparent", "image/png", pngOf(t, clear), 400, 100, "image/png"},
		{"PNG of 16 bits", "image/png", pngOf(t, image.NewGray16(image.Rect(0, 0, 5, 7))), 5, 7, "image/jpeg"},
		{"a long line", "image/png", pngOf(t, image.NewGray(image.Rect(0, 0, 60_000, 1))), 60_000, 1, "image/jpeg"},
		{"JPEG", "image/jpeg", jpegOf(t, quarters(33, 44)), 33, 44, "image/jpeg"},
		{"grey JPEG", "image/jpeg", jpegOf(t, image.NewGray(image.Rect(0, 0, 9, 9))), 9, 9, "image/jpeg"},
		{"GIF", "image/gif", gifOf(t, quarters(50, 20)), 50, 20, "image/jpeg"},
		{"WebP", "image/webp", webp, 1, 1, "image/png"},
		{"animated WebP", "image/webp", animated, 10, 5, ""},
	} {
		p, err := NewPictures().Scale(t.Context(), bytes.NewReader(test.content), test.mime, 320)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if p.Width != test.width || p.Height != test.height || p.Mime != test.scaled || (p.Data == nil) != (test.scaled == "") {
			t.Errorf("%s: %d×%d as %q", test.name, p.Width, p.Height, p.Mime)
		}
	}
}

// What is not what it says is refused, and a bomb before it is decoded.
func TestScaleRefuses(t *testing.T) {
	t.Parallel()
	bomb := pngWith(50_000, 50_000, io.LimitReader(zeros{}, 100_000_000))
	if len(bomb) < 90_000 || len(bomb) > 110_000 {
		t.Errorf("the bomb has %d bytes", len(bomb))
	}
	whole := pngOf(t, quarters(64, 64))
	photo := jpegOf(t, quarters(64, 64))
	for _, test := range []struct {
		name, mime string
		content    []byte
		want       error
	}{
		{"a bomb", "image/png", bomb, define.ErrTooManyPixels},
		{"a GIF that says it is huge", "image/gif", []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00;"), define.ErrTooManyPixels},
		{"no pixels", "image/png", pngWith(100, 100, bytes.NewReader(nil)), define.ErrBrokenImage},
		{"fewer pixels than it says", "image/png", pngWith(100, 100, io.LimitReader(zeros{}, 5_000)), define.ErrBrokenImage},
		{"no width", "image/png", pngWith(0, 100, bytes.NewReader(nil)), define.ErrBrokenImage},
		{"the first bytes of a PNG", "image/png", append(append([]byte{}, whole[:8]...), "and then a text"...), define.ErrBrokenImage},
		{"half a PNG", "image/png", whole[:len(whole)/2], define.ErrBrokenImage},
		{"the first bytes of a JPEG", "image/jpeg", append(append([]byte{}, photo[:3]...), "and then a text"...), define.ErrBrokenImage},
		{"half a JPEG", "image/jpeg", photo[:len(photo)/2], define.ErrBrokenImage},
		{"a GIF without an image", "image/gif", []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), define.ErrBrokenImage},
		{"a WebP without an image", "image/webp", []byte("RIFF\x04\x00\x00\x00WEBP"), define.ErrBrokenImage},
	} {
		if p, err := NewPictures().Scale(t.Context(), bytes.NewReader(test.content), test.mime, 320); !errors.Is(err, test.want) {
			t.Errorf("%s: %+v, %v, want %v", test.name, p, err, test.want)
		}
	}
}

// failing gives an error where an image goes on.
type failing struct {
	*bytes.Reader
	after int64
	err   error
}

func (f *failing) Read(p []byte) (int, error) {
	if left := f.after - (f.Size() - int64(f.Len())); int64(len(p)) > left {
		p = p[:max(0, left)]
	}
	if len(p) == 0 {
		return 0, f.err
	}
	return f.Reader.Read(p)
}

// A database that goes away is no broken image.
func TestScaleTellsWhoFailed(t *testing.T) {
	t.Parallel()
	photo := jpegOf(t, quarters(640, 640))
	for _, after := range []int64{0, 100, 1000, int64(len(photo)) - 10} {
		r := &failing{bytes.NewReader(photo), after, define.ErrUnavailable}
		if _, err := NewPictures().Scale(t.Context(), r, "image/jpeg", 320); !errors.Is(err, define.ErrUnavailable) {
			t.Errorf("after %d bytes: %v", after, err)
		}
	}
}

// The memory of an image follows from its header.
func TestMemoryOf(t *testing.T) {
	t.Parallel()
	progressive := jpegOf(t, quarters(64, 64))
	progressive[bytes.Index(progressive, []byte{0xFF, 0xC0})+1] = 0xC2
	for _, test := range []struct {
		name    string
		content []byte
		want    float64
	}{
		{"colours", jpegOf(t, quarters(64, 64)), 1.5},
		{"grey", jpegOf(t, image.NewGray(image.Rect(0, 0, 64, 64))), 1},
		{"progressive", progressive, 7.5},
	} {
		if got, err := jpegBytes(bytes.NewReader(test.content)); got != test.want || err != nil {
			t.Errorf("%s: %v bytes of a pixel, %v, want %v", test.name, got, err, test.want)
		}
	}
}

func FuzzScale(f *testing.F) {
	mimes := []string{"image/png", "image/jpeg", "image/gif", "image/webp"}
	webp, err := base64.StdEncoding.DecodeString(tinyWebP)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(byte(0), pngOf(f, quarters(20, 20)))
	f.Add(byte(1), exif(jpegOf(f, quarters(20, 20)), 6, binary.LittleEndian))
	f.Add(byte(2), gifOf(f, quarters(20, 20)))
	f.Add(byte(3), webp)
	f.Add(byte(3), []byte("RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, kind byte, content []byte) {
		mime := mimes[int(kind)%len(mimes)]
		format, _ := formatOf(mime)
		if config, err := format.config(bytes.NewReader(content)); err == nil && config.Width*config.Height > 1_000_000 {
			return // decoding large ones is slow, and told nothing new
		}
		p, err := NewPictures().Scale(t.Context(), bytes.NewReader(content), mime, 32)
		if err != nil {
			if !errors.Is(err, define.ErrBrokenImage) && !errors.Is(err, define.ErrTooManyPixels) {
				t.Fatal(err)
			}
			return
		}
		if p.Data == nil {
			return
		}
		config, _, err := image.DecodeConfig(bytes.NewReader(p.Data))
		if err != nil || config.Width > 32 || config.Height > 32 || config.Width < 1 || config.Height < 1 {
			t.Fatalf("%d×%d, %v", config.Width, config.Height, err)
		}
	})
}
