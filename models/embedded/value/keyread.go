package value

import (
	"bytes"
	"encoding/binary"
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// KeyLen gives the length of the first value of a key that AppendKey made, or -1
// where the bytes are no such key. desc says that the value was encoded so.
func KeyLen(key []byte, desc bool) int {
	r := keyReader{key: key}
	if desc {
		r.mask = 0xff
	}
	if !r.value() {
		return -1
	}
	return r.at
}

// keyReader walks over an encoded value; mask inverts the bytes of a descending one.
type keyReader struct {
	key  []byte
	at   int
	mask byte
}

func (r *keyReader) byte() (byte, bool) {
	if r.at >= len(r.key) {
		return 0, false
	}
	r.at++
	return r.key[r.at-1] ^ r.mask, true
}

func (r *keyReader) skip(n int) bool {
	r.at += n
	return n >= 0 && r.at <= len(r.key)
}

func (r *keyReader) value() bool {
	c, ok := r.byte()
	return ok && r.payload(c)
}

func (r *keyReader) payload(c byte) bool {
	switch c {
	case classNumber:
		return r.number()
	case classString, classCode:
		return r.text()
	case classObject:
		return r.elements(true)
	case classArray:
		return r.elements(false)
	case classBinary, classDBPointer:
		size := 0
		for range 4 {
			b, ok := r.byte()
			if !ok {
				return false
			}
			size = size<<8 | int(b)
		}
		return r.skip(size)
	case classObjectID:
		return r.skip(12)
	case classBoolean:
		return r.skip(1)
	case classDate, classTimestamp:
		return r.skip(8)
	case classRegex:
		pattern := r.cstring()
		return pattern && r.cstring()
	case classCodeWithScope:
		return r.text() && r.elements(true)
	}
	return c >= classMinKey && c <= classMaxKey
}

// number skips the double; an inexact one goes on until a zero. The bytes of a
// negative number are inverted once more.
func (r *keyReader) number() bool {
	first, ok := r.byte()
	if !ok || !r.skip(7) {
		return false
	}
	flag, ok := r.byte()
	if !ok {
		return false
	}
	sign := byte(0)
	if first < 0x80 && flag != exactDouble {
		sign = 0xff
	}
	if flag^sign == exactDouble {
		return true
	}
	if !r.skip(2) {
		return false
	}
	for {
		b, ok := r.byte()
		if !ok || b^sign == 0 {
			return ok
		}
	}
}

func (r *keyReader) cstring() bool {
	end := bytes.IndexByte(r.key[r.at:], r.mask)
	return end >= 0 && r.skip(end+1)
}

func (r *keyReader) text() bool {
	for r.cstring() {
		b, ok := r.byte()
		if !ok || b == 0 {
			return ok
		}
	}
	return false
}

func (r *keyReader) elements(named bool) bool {
	for {
		c, ok := r.byte()
		if !ok || c == 0 {
			return ok
		}
		if named && !r.cstring() || !r.payload(c) {
			return false
		}
	}
}

// ReadableKey gives the type by which ReadKey gets v back from its key, or 0 where
// the key doesn't tell all of v.
func ReadableKey(v bson.RawValue) bson.Type {
	switch v.Type {
	case bson.TypeDouble:
		f := doubleOf(v)
		if math.IsNaN(f) || f == 0 && math.Signbit(f) {
			return 0
		}
	case bson.TypeInt64:
		if n := intOf(v); n < -1<<53 || n > 1<<53 {
			return 0
		}
	case bson.TypeString, bson.TypeInt32, bson.TypeBinary, bson.TypeObjectID, bson.TypeBoolean, bson.TypeDateTime, bson.TypeTimestamp, bson.TypeNull:
	default:
		return 0
	}
	return v.Type
}

// AppendFromKey appends the payload of the value that key, from KeyLen, encodes. t
// is what ReadableKey gave for the value.
func AppendFromKey(dst, key []byte, desc bool, t bson.Type) []byte {
	if desc {
		key = bytes.Clone(key)
		invert(key)
	}
	key = key[1:]
	switch t {
	case bson.TypeDouble:
		return bsoncore.AppendDouble(dst, exactOf(key))
	case bson.TypeInt32:
		return bsoncore.AppendInt32(dst, int32(exactOf(key)))
	case bson.TypeInt64:
		return bsoncore.AppendInt64(dst, int64(exactOf(key)))
	case bson.TypeString:
		return appendTextFromKey(dst, key)
	case bson.TypeBinary:
		return append(dst, key[4:]...)
	case bson.TypeDateTime:
		return binary.LittleEndian.AppendUint64(dst, binary.BigEndian.Uint64(key)^1<<63)
	case bson.TypeTimestamp:
		return binary.LittleEndian.AppendUint64(dst, binary.BigEndian.Uint64(key))
	}
	return append(dst, key...)
}

// exactOf is the inverse of appendExact.
func exactOf(key []byte) float64 {
	n := binary.BigEndian.Uint64(key)
	if n>>63 == 0 {
		return math.Float64frombits(^n)
	}
	return math.Float64frombits(n &^ (1 << 63))
}

func appendTextFromKey(dst, key []byte) []byte {
	text := bytes.ReplaceAll(key[:len(key)-2], []byte{0, 0xff}, []byte{0})
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)+1))
	return append(append(dst, text...), 0)
}
