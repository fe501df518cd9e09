package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestCompressed(t *testing.T) {
	t.Parallel()
	doc := raw(t, bson.D{{Key: "insert", Value: "c"}})
	item := raw(t, bson.D{{Key: "x", Value: string(bytes.Repeat([]byte("again "), 50_000))}})
	plain := message(ChecksumPresent, body(doc), sequence("documents", item, item))
	for _, with := range []Compressor{Noop, Snappy, Zlib, Zstd} {
		packed := Compress([]byte("before"), plain, with)[len("before"):]
		if with != Noop && len(packed) > len(plain)/4 {
			t.Errorf("compressor %d: %d bytes of %d", with, len(packed), len(plain))
		}
		m, _, err := Read(bytes.NewReader(packed), nil, MaxMessageSize)
		if err != nil {
			t.Errorf("compressor %d: %v", with, err)
			continue
		}
		if m.Op != OpMsg || m.RequestID != 7 || m.Compressor != with || !bytes.Equal(m.Body, doc) || len(m.Sequences[0].Documents) != 2 {
			t.Errorf("compressor %d: got %+v", with, m)
		}
		if _, _, err := Read(bytes.NewReader(packed), nil, len(plain)-1); !errors.Is(err, ErrMalformed) {
			t.Errorf("compressor %d beyond the limit: %v", with, err)
		}
	}
}

func TestCompressedRefused(t *testing.T) {
	t.Parallel()
	plain := message(0, body(raw(t, bson.D{{Key: "x", Value: string(make([]byte, 100_000))}})))
	for _, with := range []Compressor{Noop, Snappy, Zlib, Zstd} {
		for name, change := range map[string]func([]byte) []byte{
			"smaller than announced": func(b []byte) []byte { binary.LittleEndian.PutUint32(b[20:], uint32(len(plain))); return b },
			"larger than announced":  func(b []byte) []byte { binary.LittleEndian.PutUint32(b[20:], 100); return b },
			"negative size":          func(b []byte) []byte { binary.LittleEndian.PutUint32(b[20:], 1<<31); return b },
			"size beyond a message":  func(b []byte) []byte { binary.LittleEndian.PutUint32(b[20:], MaxMessageSize); return b },
			"compressed twice":       func(b []byte) []byte { binary.LittleEndian.PutUint32(b[16:], uint32(OpCompressed)); return b },
			"unknown compressor":     func(b []byte) []byte { b[24] = 9; return b },
			"cut":                    func(b []byte) []byte { return ReplyEnd(b[:len(b)-3], 0) },
			"no header":              func(b []byte) []byte { return ReplyEnd(b[:headerSize+3], 0) },
		} {
			if _, err := Decode(change(Compress(nil, plain, with))); !errors.Is(err, ErrMalformed) {
				t.Errorf("compressor %d, %s: %v", with, name, err)
			}
		}
	}
}

func TestContradictions(t *testing.T) {
	t.Parallel()
	doc := raw(t, bson.D{{Key: "ping", Value: 1}})
	for want, b := range map[int32][]byte{
		40431: message(0, body(doc), sequence("d", doc), sequence("d", doc)),
		40433: message(0, body(doc), sequence("ping", doc)),
	} {
		var bad *ProtocolError
		if _, err := Decode(b); !errors.As(err, &bad) || bad.Code != want {
			t.Errorf("want %d, got %v", want, err)
		}
	}
}
