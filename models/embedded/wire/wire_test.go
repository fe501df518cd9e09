package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func raw(t testing.TB, doc any) bson.Raw {
	t.Helper()
	b, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// message frames sections as an OP_MSG with the given flags.
func message(flags Flag, sections ...[]byte) []byte {
	b := make([]byte, headerSize, 256)
	binary.LittleEndian.PutUint32(b[4:], 7)
	binary.LittleEndian.PutUint32(b[12:], uint32(OpMsg))
	b = binary.LittleEndian.AppendUint32(b, uint32(flags))
	for _, s := range sections {
		b = append(b, s...)
	}
	if flags&ChecksumPresent != 0 {
		binary.LittleEndian.PutUint32(b, uint32(len(b)+checksumSize))
		return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	}
	return ReplyEnd(b, 0)
}

func body(doc bson.Raw) []byte { return append([]byte{0}, doc...) }

func sequence(name string, docs ...bson.Raw) []byte {
	b := append([]byte{1, 0, 0, 0, 0}, name...)
	b = append(b, 0)
	for _, d := range docs {
		b = append(b, d...)
	}
	binary.LittleEndian.PutUint32(b[1:], uint32(len(b)-1))
	return b
}

func TestReadMessage(t *testing.T) {
	t.Parallel()
	doc := raw(t, bson.D{{Key: "insert", Value: "c"}})
	item := raw(t, bson.D{{Key: "x", Value: bson.A{1, bson.D{{Key: "y", Value: "z"}}}}})
	stream := bytes.NewReader(bytes.Join([][]byte{
		message(0, body(doc), sequence("documents", item, item)),
		message(ChecksumPresent, sequence("documents", item), body(doc)),
	}, nil))
	var buf []byte
	for _, want := range []int{2, 1} {
		var m Message
		var err error
		m, buf, err = Read(stream, buf, MaxMessageSize)
		if err != nil {
			t.Fatal(err)
		}
		if m.RequestID != 7 || !bytes.Equal(m.Body, doc) || len(m.Sequences) != 1 ||
			m.Sequences[0].Field != "documents" || len(m.Sequences[0].Documents) != want {
			t.Fatalf("read %+v", m)
		}
	}
	if _, _, err := Read(stream, buf, MaxMessageSize); err != io.EOF {
		t.Fatalf("at the end: %v", err)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	doc := raw(t, bson.D{{Key: "ping", Value: 1}})
	wrongSum := message(ChecksumPresent, body(doc))
	wrongSum[len(wrongSum)-1] ^= 1
	tooLong := message(0, body(doc))
	binary.LittleEndian.PutUint32(tooLong, MaxMessageSize+1)
	for name, b := range map[string][]byte{
		"unknown required flag": message(1<<5, body(doc)),
		"no body":               message(0, sequence("documents", doc)),
		"two bodies":            message(0, body(doc), body(doc)),
		"section kind":          message(0, append([]byte{9}, doc...)),
		"checksum":              wrongSum,
		"length":                tooLong,
		"document over the end": message(0, body(doc)[:len(doc)-2]),
	} {
		if _, _, err := Read(bytes.NewReader(b), nil, MaxMessageSize); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cut := message(0, body(doc))
	if _, _, err := Read(bytes.NewReader(cut[:len(cut)-3]), nil, MaxMessageSize); err != io.ErrUnexpectedEOF {
		t.Errorf("cut short: %v", err)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	nested := func(depth int) bson.Raw {
		doc := raw(t, bson.D{})
		for range depth - 1 {
			doc = raw(t, bson.D{{Key: "a", Value: doc}})
		}
		return doc
	}
	every := raw(t, bson.D{
		{Key: "a", Value: 1.5}, {Key: "b", Value: "s"}, {Key: "c", Value: bson.Binary{Subtype: 2, Data: []byte("x")}},
		{Key: "d", Value: bson.NewObjectID()}, {Key: "e", Value: true}, {Key: "f", Value: bson.DateTime(1)}, {Key: "g", Value: nil},
		{Key: "h", Value: bson.Regex{Pattern: "a", Options: "i"}}, {Key: "i", Value: bson.JavaScript("f")},
		{Key: "j", Value: bson.CodeWithScope{Code: "g", Scope: bson.D{{Key: "k", Value: 1}}}}, {Key: "l", Value: bson.Timestamp{T: 1}},
		{Key: "m", Value: bson.MinKey{}}, {Key: "n", Value: bson.MaxKey{}}, {Key: "o", Value: bson.NewDecimal128(1, 2)},
		{Key: "p", Value: bson.Symbol("s")}, {Key: "q", Value: bson.DBPointer{DB: "d"}}, {Key: "r", Value: bson.Undefined{}},
	})
	for _, doc := range []bson.Raw{every, nested(MaxDepth)} {
		if err := Validate(doc); err != nil {
			t.Errorf("refused: %v", err)
		}
	}
	var bad *DocumentError
	if err := Validate(nested(MaxDepth + 1)); !errors.As(err, &bad) || !bad.TooDeep {
		t.Errorf("too deep: %v", err)
	}
	for cut := 5; cut < len(every); cut++ {
		doc := bytes.Clone(every[:cut])
		binary.LittleEndian.PutUint32(doc, uint32(cut))
		if doc[cut-1] == 0 {
			continue
		}
		if err := Validate(doc); err == nil {
			t.Errorf("cut at %d accepted", cut)
		}
	}
}

func FuzzDecode(f *testing.F) {
	doc := raw(f, bson.D{{Key: "ping", Value: 1}, {Key: "$db", Value: "x"}})
	f.Add(message(0, body(doc)))
	f.Add(message(ChecksumPresent, body(doc), sequence("documents", doc, doc)))
	f.Add(ReplyEnd(ReplyStart(nil, OpQuery, 1, 2), 0))
	for _, with := range []Compressor{Noop, Snappy, Zlib, Zstd} {
		f.Add(Compress(nil, message(ChecksumPresent, body(doc), sequence("documents", doc, doc)), with))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, _, err := Read(bytes.NewReader(b), nil, MaxMessageSize)
		if err != nil {
			return
		}
		if err := m.Body.Validate(); err != nil {
			t.Fatalf("accepted a body that the driver refuses: %v", err)
		}
		for _, s := range m.Sequences {
			for _, d := range s.Documents {
				if err := d.Validate(); err != nil {
					t.Fatalf("accepted a document that the driver refuses: %v", err)
				}
			}
		}
	})
}
