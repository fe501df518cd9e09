package helper

import (
	"bufio"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"
)

// memoryOf estimates the bytes that decoding an image takes, more than pictureMemory for an image that is not decoded at all.
func memoryOf(r io.ReadSeeker, mime string, config image.Config) (int64, error) {
	pixels := int64(config.Width) * int64(config.Height)
	var memory int64
	switch mime {
	case "image/jpeg":
		perPixel, err := readFromStart(r, jpegBytes)
		if err != nil {
			return 0, err
		}
		memory = int64(float64(pixels) * perPixel)
	case "image/webp":
		animated, err := readFromStart(r, isAnimatedWebP)
		if err != nil {
			return 0, err
		}
		if animated {
			return pictureMemory + 1, nil
		}
		memory = 6 * pixels // samples and transparency, or colours with what the lossless format derives them from
	default:
		memory = bytesOf(config.ColorModel) * pixels
	}
	return max(memory, pictureLeast), nil
}

// bytesOf returns how many bytes of a pixel GIF and PNG decode to.
func bytesOf(model color.Model) int64 {
	switch model {
	case color.GrayModel:
		return 1
	case color.Gray16Model:
		return 2
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	}
	if _, ok := model.(color.Palette); ok {
		return 1
	}
	return 4
}

var errNoFrame = errors.New("helper: a JPEG without a frame")

// jpegBytes returns how many bytes of a pixel a JPEG decodes to: its samples, and in a progressive one four times as much
// again for what its passes gather (ITU-T T.81, B.2.2).
func jpegBytes(r io.Reader) (float64, error) {
	in, ok := r.(*bufio.Reader)
	if !ok {
		in = bufio.NewReader(r)
	}
	if _, err := in.Discard(2); err != nil {
		return 0, err
	}
	for {
		marker, err := nextMarker(in)
		if err != nil {
			return 0, err
		}
		var length [2]byte
		if _, err := io.ReadFull(in, length[:]); err != nil {
			return 0, err
		}
		rest := int(binary.BigEndian.Uint16(length[:])) - 2
		switch {
		case rest < 0:
			return 0, errNoFrame
		case marker < 0xC0 || marker > 0xC2:
			if _, err := in.Discard(rest); err != nil {
				return 0, err
			}
			continue
		}
		frame := make([]byte, rest)
		if _, err := io.ReadFull(in, frame); err != nil {
			return 0, err
		}
		return frameBytes(frame, marker == 0xC2)
	}
}

// nextMarker finds the next marker that a segment follows.
func nextMarker(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		if b != 0xFF {
			continue
		}
		for b == 0xFF {
			if b, err = in.ReadByte(); err != nil {
				return 0, err
			}
		}
		if b != 0 && b != 0x01 && (b < 0xD0 || b > 0xD9) { // stuffed bytes, TEM, RSTn, SOI and EOI have no segment
			return b, nil
		}
	}
}

func frameBytes(frame []byte, progressive bool) (float64, error) {
	if len(frame) < 6 || len(frame) < 6+3*int(frame[5]) {
		return 0, errNoFrame
	}
	var samples, widest, highest float64
	for i := range int(frame[5]) {
		across, down := float64(frame[7+3*i]>>4), float64(frame[7+3*i]&0xF)
		samples += across * down
		widest, highest = max(widest, across), max(highest, down)
	}
	if samples == 0 {
		return 0, errNoFrame
	}
	perPixel := samples / (widest * highest)
	if frame[5] == 4 {
		perPixel += 4 // CMYK is made anew from the samples
	}
	if progressive {
		perPixel *= 5
	}
	return perPixel, nil
}

// isAnimatedWebP reads the flags of a WebP file (RFC 9649, 2.7.1).
func isAnimatedWebP(r io.Reader) (bool, error) {
	var head [21]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return false, err
	}
	return string(head[12:16]) == "VP8X" && head[20]&0x02 != 0, nil
}
