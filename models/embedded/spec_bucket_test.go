package embedded

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

type bucketOperation func(ctx context.Context, c *specCall, b *mongo.GridFSBucket) (any, error)

var bucketOperations = map[string]bucketOperation{
	"delete": func(ctx context.Context, c *specCall, b *mongo.GridFSBucket) (any, error) {
		return nil, b.Delete(ctx, c.take("id"))
	},
	"rename": func(ctx context.Context, c *specCall, b *mongo.GridFSBucket) (any, error) {
		return nil, b.Rename(ctx, c.take("id"), c.text("newFilename"))
	},
	"download": func(ctx context.Context, c *specCall, b *mongo.GridFSBucket) (any, error) {
		var data bytes.Buffer
		_, err := b.DownloadToStream(ctx, c.take("id"), &data)
		return bson.Binary{Data: data.Bytes()}, err
	},
	"downloadByName": func(ctx context.Context, c *specCall, b *mongo.GridFSBucket) (any, error) {
		var data bytes.Buffer
		_, err := b.DownloadToStreamByName(ctx, c.text("filename"), &data, withArguments(c, options.GridFSName()))
		return bson.Binary{Data: data.Bytes()}, err
	},
	"upload": func(ctx context.Context, c *specCall, b *mongo.GridFSBucket) (any, error) {
		if !c.take("disableMD5").IsZero() {
			c.err = errors.New("the Go driver has no disableMD5 option")
			return nil, nil
		}
		data, err := hex.DecodeString(c.take("source").Document().Lookup("$$hexBytes").StringValue())
		if err != nil {
			return nil, err
		}
		return b.UploadFromStream(ctx, c.text("filename"), bytes.NewReader(data), withArguments(c, options.GridFSUpload()))
	},
}
