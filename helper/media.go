package helper

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// MediaType returns the media type of a content by its first bytes, without parameters: application/octet-stream where
// they tell nothing.
func MediaType(r io.Reader) (string, error) {
	kind, err := mimetype.DetectReader(r)
	if err != nil {
		return "", err
	}
	media, _, _ := strings.Cut(kind.String(), ";")
	return media, nil
}

// Media is what the header of sound or video says: zero where it says nothing.
type Media struct {
	Mime          string  // as it was asked for, or finer: sound in a container that can hold video is audio
	Width, Height int     // in pixels, as it is shown
	Duration      float64 // in seconds
	sound, video  bool    // what tracks there are
}

const (
	probesMax   = 500     // looks at a file
	probeMax    = 4 << 10 // bytes of one
	oggTail     = 64 << 10
	durationMax = 1e7 // seconds; more is no duration
)

// ReadMedia reads the header of a content of this size and media type: WAV, Ogg, and the containers of MP4 and WebM.
// It decodes nothing and reads little, whatever the content says. An error is one of r.
func ReadMedia(r io.ReadSeeker, size int64, mime string) (Media, error) {
	p := &prober{r: r, size: size, left: probesMax}
	m := Media{Mime: mime}
	switch mime {
	case "audio/wav":
		m.readWAV(p)
	case "audio/ogg", "video/ogg", "application/ogg":
		m.readOgg(p)
	case "video/mp4", "audio/mp4", "audio/x-m4a", "video/x-m4v", "video/quicktime", "video/3gpp", "video/3gpp2":
		m.readMP4(p, 0, size, 0)
	case "video/webm", "video/matroska":
		m.readWebM(p)
	}
	if !(m.Duration > 0 && m.Duration < durationMax) { // no number is neither
		m.Duration = 0
	}
	m.Duration = math.Round(m.Duration*1000) / 1000
	if _, kind, _ := strings.Cut(mime, "/"); slices.Contains([]string{"mp4", "webm", "matroska", "ogg", "3gpp", "3gpp2"}, kind) {
		switch {
		case m.video:
			m.Mime = "video/" + kind
		case m.sound:
			m.Mime = "audio/" + kind
		}
	}
	return m, p.failed
}

// prober looks at parts of a content, a bounded number of times.
type prober struct {
	r      io.ReadSeeker
	size   int64
	left   int
	failed error
}

// at returns n bytes from an offset on; nil where there are not as many, or no more may be read.
func (p *prober) at(offset int64, n int) []byte {
	if p.left--; p.left < 0 || p.failed != nil || n < 0 || offset < 0 || offset > p.size-int64(n) {
		return nil
	}
	part := make([]byte, n)
	if _, p.failed = p.r.Seek(offset, io.SeekStart); p.failed == nil {
		_, p.failed = io.ReadFull(p.r, part)
	}
	if p.failed != nil {
		return nil
	}
	return part
}

// readWAV walks the chunks of a RIFF file: the rate stands in `fmt `, the length in `data`.
func (m *Media) readWAV(p *prober) {
	m.sound = true
	var rate uint32
	for offset := int64(12); ; {
		head := p.at(offset, 8)
		if head == nil {
			return
		}
		length := int64(binary.LittleEndian.Uint32(head[4:]))
		offset += 8
		switch string(head[:4]) {
		case "fmt ":
			format := p.at(offset, 16)
			if format == nil {
				return
			}
			rate = binary.LittleEndian.Uint32(format[8:])
		case "data":
			if rate > 0 { // a recorder that could not go back leaves a length that is too large
				m.Duration = float64(min(length, p.size-offset)) / float64(rate)
			}
			return
		}
		offset += length + length&1
	}
}

// readOgg finds the codec in the first page and the number of samples in the last one (RFC 3533, 6; RFC 7845, 5.1).
func (m *Media) readOgg(p *prober) {
	first := p.at(0, int(min(p.size, 256)))
	if len(first) < 28 || len(first) < 27+int(first[26])+30 {
		return
	}
	packet := first[27+int(first[26]):]
	var rate, skip float64
	switch {
	case bytes.HasPrefix(packet, []byte("OpusHead")):
		rate, skip = 48_000, float64(binary.LittleEndian.Uint16(packet[10:]))
	case bytes.HasPrefix(packet, []byte("\x01vorbis")):
		rate = float64(binary.LittleEndian.Uint32(packet[12:]))
	case bytes.HasPrefix(packet, []byte("\x80theora")):
		m.video = true
		return
	default:
		return
	}
	m.sound = true
	tail := p.at(max(0, p.size-oggTail), int(min(p.size, oggTail)))
	for end := len(tail); ; {
		at := bytes.LastIndex(tail[:end], []byte("OggS\x00"))
		if at < 0 {
			return
		}
		if page := tail[at:]; len(page) >= 14 && rate > 0 {
			if samples := int64(binary.LittleEndian.Uint64(page[6:])); samples >= 0 { // -1: no packet ends in this page
				m.Duration = (float64(samples) - skip) / rate
				return
			}
		}
		end = at
	}
}

const mp4Depth = 4 // moov, trak, mdia and what is in it

// readMP4 walks the boxes between two offsets (ISO/IEC 14496-12).
func (m *Media) readMP4(p *prober, offset, end int64, depth int) {
	for depth < mp4Depth {
		head := p.at(offset, 8)
		if head == nil || offset+8 > end {
			return
		}
		length, body := int64(binary.BigEndian.Uint32(head)), offset+8
		switch length {
		case 0:
			length = end - offset
		case 1:
			long := p.at(body, 8)
			if long == nil {
				return
			}
			length, body = int64(binary.BigEndian.Uint64(long)), body+8
		}
		if length < body-offset || length > end-offset {
			return
		}
		switch kind := string(head[4:]); kind {
		case "moov", "trak", "mdia":
			m.readMP4(p, body, offset+length, depth+1)
		case "mvhd", "tkhd", "hdlr":
			m.readBox(kind, p.at(body, int(min(length-(body-offset), probeMax))))
		}
		offset += length
	}
}

func (m *Media) readBox(kind string, box []byte) {
	if len(box) < 12 {
		return
	}
	long := 0 // how much longer the times of version 1 are before what is read
	if box[0] == 1 {
		long = 1
	}
	be := binary.BigEndian
	switch {
	case kind == "hdlr":
		m.sound = m.sound || string(box[8:12]) == "soun"
		m.video = m.video || string(box[8:12]) == "vide"
	case kind == "mvhd" && len(box) >= 20+12*long:
		scale, length := be.Uint32(box[12+8*long:]), uint64(be.Uint32(box[16+8*long:]))
		if long == 1 {
			length = be.Uint64(box[24:])
		}
		if scale > 0 {
			m.Duration = float64(length) / float64(scale)
		}
	case kind == "tkhd" && len(box) >= 84+12*long:
		width, height := int(be.Uint32(box[76+12*long:])>>16), int(be.Uint32(box[80+12*long:])>>16)
		if be.Uint32(box[40+12*long:]) == 0 { // the matrix turns it by a quarter, as a telephone held upright does
			width, height = height, width
		}
		if width > 0 && height > 0 {
			m.Width, m.Height = width, height
		}
	}
}

// The elements of WebM that are read (RFC 9559).
const (
	webmHeader     = 0x1A45DFA3
	webmSegment    = 0x18538067
	webmInfo       = 0x1549A966
	webmScale      = 0x2AD7B1
	webmDuration   = 0x4489
	webmTracks     = 0x1654AE6B
	webmTrack      = 0xAE
	webmTrackType  = 0x83
	webmVideo      = 0xE0
	webmWidth      = 0xB0
	webmHeight     = 0xBA
	webmCluster    = 0x1F43B675
	webmDepth      = 4
	nanosecond     = 1e-9
	webmScaleUsual = 1_000_000 // nanoseconds of a tick
)

func (m *Media) readWebM(p *prober) {
	w := webm{Media: m, p: p, scale: webmScaleUsual}
	w.read(0, p.size, 0)
	m.Duration = w.ticks * w.scale * nanosecond
}

// webm is what is read of a WebM file.
type webm struct {
	*Media
	p            *prober
	ticks, scale float64
}

// read walks the elements between two offsets, and reports whether to go on: the first cluster ends the header.
func (w *webm) read(offset, end int64, depth int) bool {
	for offset < end {
		head := w.p.at(offset, int(min(12, w.p.size-offset)))
		id, idBytes := vint(head, 4, true)
		if idBytes == 0 {
			return false
		}
		length, lengthBytes := vint(head[idBytes:], 8, false)
		if lengthBytes == 0 || id == webmCluster {
			return false
		}
		body := offset + int64(idBytes+lengthBytes)
		if length == math.MaxUint64 || length > uint64(max(0, end-body)) { // unknown, as of what is recorded, or cut off
			length = uint64(max(0, end-body))
		}
		switch id {
		case webmSegment, webmInfo, webmTracks, webmTrack, webmVideo:
			if depth < webmDepth && !w.read(body, body+int64(length), depth+1) {
				return false
			}
		case webmScale, webmDuration, webmTrackType, webmWidth, webmHeight:
			if length <= 8 {
				w.set(id, w.p.at(body, int(length)))
			}
		}
		offset = body + int64(length)
	}
	return true
}

func (w *webm) set(id uint64, value []byte) {
	number := uint64(0)
	for _, b := range value {
		number = number<<8 | uint64(b)
	}
	switch id {
	case webmScale:
		w.scale = float64(number)
	case webmDuration:
		w.ticks = math.Float64frombits(number)
		if len(value) == 4 {
			w.ticks = float64(math.Float32frombits(uint32(number)))
		}
	case webmTrackType:
		w.video, w.sound = w.video || number == 1, w.sound || number == 2
	case webmWidth:
		w.Width = int(number & math.MaxInt32)
	case webmHeight:
		w.Height = int(number & math.MaxInt32)
	}
}

// vint reads a number whose first bit that is set says how many bytes it has (RFC 8794, 4); 0 bytes where there is none.
// The mark of its length is part of an identity. All ones stand for an unknown length, which is math.MaxUint64.
func vint(from []byte, most int, keepMark bool) (number uint64, length int) {
	if len(from) == 0 || from[0] == 0 {
		return 0, 0
	}
	length = 1
	for mark := byte(0x80); from[0]&mark == 0; mark >>= 1 {
		length++
	}
	if length > most || length > len(from) {
		return 0, 0
	}
	for _, b := range from[:length] {
		number = number<<8 | uint64(b)
	}
	if keepMark {
		return number, length
	}
	mask := uint64(1)<<(7*length) - 1
	if number &= mask; number == mask {
		return math.MaxUint64, length
	}
	return number, length
}
