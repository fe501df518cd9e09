package wire

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// OpCompressed wraps another message.
const OpCompressed OpCode = 2012

// compressedHeader is what follows the header of an OP_COMPRESSED: the original
// opcode, the original size without header, and the compressor.
const compressedHeader = 9

// Compressor is the id of a compression in OP_COMPRESSED.
type Compressor uint8

// The compressors of the protocol. NoCompressor is none of them.
const (
	Noop Compressor = iota
	Snappy
	Zlib
	Zstd
	NoCompressor Compressor = 255
)

// CompressorNamed gives the compressor that hello calls name. noop has no name
// there: it may be used without asking.
func CompressorNamed(name string) (Compressor, bool) {
	switch name {
	case "snappy":
		return Snappy, true
	case "zlib":
		return Zlib, true
	case "zstd":
		return Zstd, true
	}
	return NoCompressor, false
}

// zstdWindow bounds what one compression looks back over, and so its memory.
const zstdWindow = 1 << 20

// zstdCoders are safe for concurrent use in the calls made here.
var zstdCoders = sync.OnceValues(func() (*zstd.Encoder, *zstd.Decoder) {
	w, err := zstd.NewWriter(nil, zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options are constants
	}
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic(err)
	}
	return w, r
})

var zlibWriters = sync.Pool{New: func() any { return zlib.NewWriter(io.Discard) }}

// decompress gives the message that b, an OP_COMPRESSED of at most limit bytes
// when unpacked, was made from.
func decompress(b []byte, limit int) ([]byte, Compressor, error) {
	if len(b) < headerSize+compressedHeader {
		return nil, NoCompressor, fmt.Errorf("%w: compressed message cut short", ErrMalformed)
	}
	op := OpCode(binary.LittleEndian.Uint32(b[headerSize:]))
	size := int64(int32(binary.LittleEndian.Uint32(b[headerSize+4:])))
	with := Compressor(b[headerSize+8])
	if op != OpMsg && op != OpQuery {
		return nil, with, fmt.Errorf("%w: opcode %d in a compressed message", ErrMalformed, op)
	}
	if size < 0 || size > int64(limit-headerSize) {
		return nil, with, fmt.Errorf("%w: %d bytes in a compressed message", ErrMalformed, size)
	}
	le := binary.LittleEndian
	head := le.AppendUint32(make([]byte, 0, headerSize), uint32(headerSize+size))
	head = append(head, b[4:12]...)
	head = le.AppendUint32(head, uint32(op))
	m, err := unpack(head, b[headerSize+compressedHeader:], int(size), with)
	if err == nil && len(m) != headerSize+int(size) {
		err = errors.New("size is not the one announced")
	}
	if err != nil {
		return nil, with, fmt.Errorf("%w: compressed message: %v", ErrMalformed, err)
	}
	return m, with, nil
}

// unpack appends to head the size bytes that src was packed from, and fails where
// there are more.
func unpack(head, src []byte, size int, with Compressor) ([]byte, error) {
	switch with {
	case Noop:
		return append(head, src...), nil
	case Snappy:
		// Two bytes unpack to 64 at most.
		if n, err := snappy.DecodedLen(src); err != nil || n != size || n > 32*len(src) {
			return nil, errors.Join(snappy.ErrCorrupt, err)
		}
		out := make([]byte, len(head)+size)
		copy(out, head)
		_, err := snappy.Decode(out[len(head):], src)
		return out, err
	case Zlib:
		return inflate(head, src, size)
	case Zstd:
		out := make([]byte, len(head), len(head)+size)
		copy(out, head)
		_, decoder := zstdCoders()
		return decoder.DecodeAll(src, out)
	}
	return nil, fmt.Errorf("compressor %d is unknown", with)
}

func inflate(head, src []byte, size int) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(src))
	if err != nil {
		return nil, err
	}
	out, err := readBody(r, head, len(head)+size)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	// Only at the end does zlib compare the checksum.
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return nil, errors.Join(errors.New("more data than announced"), err, r.Close())
	}
	return out, r.Close()
}

// Compress appends to dst the message m as an OP_COMPRESSED.
func Compress(dst, m []byte, with Compressor) []byte {
	le := binary.LittleEndian
	start := len(dst)
	dst = append(dst, m[:12]...)
	dst = le.AppendUint32(dst, uint32(OpCompressed))
	dst = append(dst, m[12:16]...)
	dst = le.AppendUint32(dst, uint32(len(m)-headerSize))
	dst = append(dst, byte(with))
	dst = pack(dst, m[headerSize:], with)
	le.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}

func pack(dst, src []byte, with Compressor) []byte {
	switch with {
	case Snappy:
		return append(dst, snappy.Encode(nil, src)...)
	case Zlib:
		w := zlibWriters.Get().(*zlib.Writer)
		defer zlibWriters.Put(w)
		out := bytes.NewBuffer(dst)
		w.Reset(out)
		if _, err := w.Write(src); err != nil {
			panic(err) // a buffer takes everything
		}
		if err := w.Close(); err != nil {
			panic(err)
		}
		return out.Bytes()
	case Zstd:
		encoder, _ := zstdCoders()
		return encoder.EncodeAll(src, dst)
	}
	return append(dst, src...)
}
