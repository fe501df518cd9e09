package embedded

import (
	"context"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// clientBulkWrite sends writes to several collections. Its results need a server
// newer than ours: no test that a standalone 7.0 runs expects any.
func (c *specCall) clientBulkWrite(ctx context.Context, client *specClient) (any, error) {
	models, err := c.take("models").Array().Values()
	if err != nil {
		return nil, err
	}
	writes := make([]mongo.ClientBulkWrite, len(models))
	for i, m := range models {
		element := m.Document().Index(0)
		if writes[i], err = clientWrite(element.Key(), element.Value().Document()); err != nil {
			c.err = err
			return nil, nil
		}
	}
	_, err = client.BulkWrite(ctx, writes, withArguments(c, options.ClientBulkWrite()))
	return nil, err
}

func clientWrite(name string, doc bson.Raw) (write mongo.ClientBulkWrite, err error) {
	switch name {
	case "insertOne":
		write.Model = mongo.NewClientInsertOneModel()
	case "updateOne":
		write.Model = mongo.NewClientUpdateOneModel()
	case "updateMany":
		write.Model = mongo.NewClientUpdateManyModel()
	case "replaceOne":
		write.Model = mongo.NewClientReplaceOneModel()
	case "deleteOne":
		write.Model = mongo.NewClientDeleteOneModel()
	case "deleteMany":
		write.Model = mongo.NewClientDeleteManyModel()
	default:
		return write, fmt.Errorf("unknown write %s", name)
	}
	elements, err := doc.Elements()
	if err != nil {
		return write, err
	}
	for _, e := range elements {
		if e.Key() == "namespace" {
			write.Database, write.Collection, _ = strings.Cut(e.Value().StringValue(), ".")
			continue
		}
		if err := setOption(write.Model, e.Key(), e.Value()); err != nil {
			return write, err
		}
	}
	return write, nil
}
