package helper

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"time"

	"github.com/bep/imagemeta"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"

	"parlor/define"
)

const (
	pictureMemory  = 256 << 20 // bytes of decoded images at once
	pictureLeast   = 8 << 20   // that each takes of them, so that not too many are decoded at once
	pictureTime    = 20 * time.Second
	pictureQuality = 82 // of JPEG, out of 100
)

// Pictures scales images. All decoding of one Pictures together is bounded in memory.
type Pictures struct{ memory *semaphore.Weighted }

// NewPictures returns a Pictures that decodes nothing yet.
func NewPictures() *Pictures { return &Pictures{semaphore.NewWeighted(pictureMemory)} }

// Picture is a scaled image. Width and Height are those of the whole one as it is shown; Data is nil where it can't be
// scaled: animated WebP, kinds of JPEG and PNG that Go does not know, and what would take too much memory or time.
type Picture struct {
	Width, Height int
	Data          []byte
	Mime          string // of Data: image/jpeg, or image/png where something is transparent
}

// imageFormat is how an image of a media type is read.
type imageFormat struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	meta   imagemeta.ImageFormat // where its EXIF stands; ImageFormatAuto for none
}

func formatOf(mime string) (imageFormat, bool) {
	switch mime {
	case "image/png":
		return imageFormat{png.DecodeConfig, png.Decode, imagemeta.PNG}, true
	case "image/jpeg":
		return imageFormat{jpeg.DecodeConfig, jpeg.Decode, imagemeta.JPEG}, true
	case "image/gif":
		return imageFormat{gif.DecodeConfig, gif.Decode, imagemeta.ImageFormatAuto}, true
	case "image/webp":
		return imageFormat{webp.DecodeConfig, webp.Decode, imagemeta.WebP}, true
	}
	return imageFormat{}, false
}

// IsPicture reports whether images of a media type can be scaled.
func IsPicture(mime string) bool {
	_, known := formatOf(mime)
	return known
}

// Scale returns an image of a media type that IsPicture knows, with its longer side at most longest pixels, turned as its
// EXIF says and without any metadata. Refusals: define.ErrTooManyPixels, found out before anything is decoded, and
// define.ErrBrokenImage for what is damaged or does not hold what its header says. Of an animation it is the first image.
func (p *Pictures) Scale(ctx context.Context, r io.ReadSeeker, mime string, longest int) (Picture, error) {
	format, _ := formatOf(mime)
	source := &timedReader{ReadSeeker: r, until: time.Now().Add(pictureTime)}
	config, err := readFromStart(source, format.config)
	if err != nil {
		return Picture{}, source.reason(err)
	}
	if config.Width <= 0 || config.Height <= 0 {
		return Picture{}, define.ErrBrokenImage
	}
	if int64(config.Width)*int64(config.Height) > define.PixelsMax {
		return Picture{}, define.ErrTooManyPixels
	}
	orientation, err := orientationOf(source, format.meta)
	if err != nil {
		return Picture{}, err
	}
	picture := Picture{Width: config.Width, Height: config.Height}
	if orientation >= 5 {
		picture.Width, picture.Height = picture.Height, picture.Width
	}
	memory, err := memoryOf(source, mime, config)
	if err != nil {
		return Picture{}, source.reason(err)
	}
	if memory > pictureMemory {
		return picture, nil
	}
	if err := p.memory.Acquire(ctx, memory); err != nil {
		return Picture{}, err
	}
	defer p.memory.Release(memory)
	source.until = time.Now().Add(pictureTime)
	decoded, err := readFromStart(source, format.decode)
	if err != nil {
		if unsupported(err) || errors.Is(source.failed, errTooSlow) {
			return picture, nil
		}
		return Picture{}, source.reason(err)
	}
	picture.Data, picture.Mime, err = encode(turn(shrink(decoded, longest), orientation))
	return picture, err
}

// unsupported reports whether Go does not know this kind of an image that may be sound.
func unsupported(err error) bool {
	var (
		jpegKind jpeg.UnsupportedError
		pngKind  png.UnsupportedError
	)
	return errors.As(err, &jpegKind) || errors.As(err, &pngKind)
}

func readFromStart[T any](r io.ReadSeeker, read func(io.Reader) (T, error)) (T, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		var none T
		return none, err
	}
	return read(bufio.NewReaderSize(r, 32<<10))
}

var errTooSlow = errors.New("helper: the image takes too long to decode")

// timedReader tells what its source refused from what a decoder did not like, and ends a decoder that reads for too
// long: a progressive JPEG can hold thousands of passes over a large image.
type timedReader struct {
	io.ReadSeeker
	until  time.Time
	failed error
}

// Read implements io.Reader.
func (t *timedReader) Read(p []byte) (int, error) {
	if time.Now().After(t.until) {
		t.failed = errTooSlow
		return 0, errTooSlow
	}
	n, err := t.ReadSeeker.Read(p)
	if err != nil && err != io.EOF {
		t.failed = err
	}
	return n, err
}

// reason returns why an image could not be read: its source failed, or it is broken.
func (t *timedReader) reason(err error) error {
	if t.failed != nil {
		return t.failed
	}
	return define.ErrBrokenImage.With(err)
}

// orientationOf returns the EXIF orientation, 1 to 8; 1 where there is none, or none that can be read.
func orientationOf(r *timedReader, format imagemeta.ImageFormat) (int, error) {
	if format == imagemeta.ImageFormatAuto {
		return 1, nil
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	orientation := 1
	isOrientation := func(tag imagemeta.TagInfo) bool { return tag.Tag == "Orientation" && tag.Namespace == "IFD0" }
	// What is wrong with metadata is no reason to refuse an image.
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: r, ImageFormat: format, Sources: imagemeta.EXIF, ShouldHandleTag: isOrientation, LimitNumTags: 500,
		HandleTag: func(tag imagemeta.TagInfo) error {
			if n, ok := tag.Value.(uint16); ok && n >= 1 && n <= 8 {
				orientation = int(n)
			}
			return imagemeta.ErrStopWalking
		},
	})
	return orientation, r.failed
}

// shrink scales an image down until no side is longer than longest.
func shrink(source image.Image, longest int) *image.RGBA {
	bounds := source.Bounds()
	width, height := fit(bounds.Dx(), bounds.Dy(), longest)
	// A good kernel takes 32 bytes for each pixel of the target's width and the source's height: first the rough work.
	const rough = 4
	if bounds.Dx() > rough*width || bounds.Dy() > rough*height {
		step := image.NewRGBA(image.Rect(0, 0, rough*width, rough*height))
		draw.ApproxBiLinear.Scale(step, step.Bounds(), source, bounds, draw.Src, nil)
		source, bounds = step, step.Bounds()
	}
	target := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.CatmullRom.Scale(target, target.Bounds(), source, bounds, draw.Src, nil)
	return target
}

func fit(width, height, longest int) (int, int) {
	longer := max(width, height)
	if longer <= longest {
		return width, height
	}
	return max(1, width*longest/longer), max(1, height*longest/longer)
}

// turn shows an image as an EXIF orientation says.
func turn(source *image.RGBA, orientation int) *image.RGBA {
	width, height := source.Bounds().Dx(), source.Bounds().Dy()
	from := map[int]func(x, y int) (int, int){
		2: func(x, y int) (int, int) { return width - 1 - x, y },
		3: func(x, y int) (int, int) { return width - 1 - x, height - 1 - y },
		4: func(x, y int) (int, int) { return x, height - 1 - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, height - 1 - x },
		7: func(x, y int) (int, int) { return width - 1 - y, height - 1 - x },
		8: func(x, y int) (int, int) { return width - 1 - y, x },
	}[orientation]
	if from == nil {
		return source
	}
	target := image.NewRGBA(image.Rect(0, 0, width, height))
	if orientation >= 5 {
		target = image.NewRGBA(image.Rect(0, 0, height, width))
	}
	for y := range target.Bounds().Dy() {
		for x := range target.Bounds().Dx() {
			sx, sy := from(x, y)
			target.SetRGBA(x, y, source.RGBAAt(sx, sy))
		}
	}
	return target
}

// encode writes an image as JPEG, or as PNG where something in it is transparent.
func encode(picture *image.RGBA) (data []byte, mime string, err error) {
	var out bytes.Buffer
	if picture.Opaque() {
		err = jpeg.Encode(&out, picture, &jpeg.Options{Quality: pictureQuality})
		return out.Bytes(), "image/jpeg", err
	}
	err = png.Encode(&out, picture)
	return out.Bytes(), "image/png", err
}
