package embedded

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

type collectionOperation func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error)

var collectionOperations = map[string]collectionOperation{
	"aggregate": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return readAll(ctx)(coll.Aggregate(ctx, c.value("pipeline"), withArguments(c, options.Aggregate())))
	},
	"find": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return readAll(ctx)(coll.Find(ctx, c.value("filter"), withArguments(c, options.Find())))
	},
	"findOne": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return one(coll.FindOne(ctx, c.value("filter"), withArguments(c, options.FindOne())))
	},
	"countDocuments": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return coll.CountDocuments(ctx, c.value("filter"), withArguments(c, options.Count()))
	},
	"estimatedDocumentCount": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return coll.EstimatedDocumentCount(ctx, withArguments(c, options.EstimatedDocumentCount()))
	},
	"distinct": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		values, err := coll.Distinct(ctx, c.text("fieldName"), c.value("filter"), withArguments(c, options.Distinct())).Raw()
		return bson.RawValue{Type: bson.TypeArray, Value: values}, err
	},
	"count": countCommand,
	"createIndex": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return coll.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: c.value("keys"), Options: withArguments(c, options.Index())})
	},
	"insertOne": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		res, err := coll.InsertOne(ctx, c.value("document"), withArguments(c, options.InsertOne()))
		if res == nil || !res.Acknowledged {
			return unacknowledged, err
		}
		return bson.D{{Key: "insertedId", Value: res.InsertedID}}, err
	},
	"insertMany": insertMany,
	"bulkWrite":  bulkWrite,
	"updateOne": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return updated(coll.UpdateOne(ctx, c.value("filter"), c.value("update"), withArguments(c, options.UpdateOne())))
	},
	"updateMany": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return updated(coll.UpdateMany(ctx, c.value("filter"), c.value("update"), withArguments(c, options.UpdateMany())))
	},
	"replaceOne": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return updated(coll.ReplaceOne(ctx, c.value("filter"), c.value("replacement"), withArguments(c, options.Replace())))
	},
	"deleteOne": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return deleted(coll.DeleteOne(ctx, c.value("filter"), withArguments(c, options.DeleteOne())))
	},
	"deleteMany": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return deleted(coll.DeleteMany(ctx, c.value("filter"), withArguments(c, options.DeleteMany())))
	},
	"findOneAndUpdate": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return one(coll.FindOneAndUpdate(ctx, c.value("filter"), c.value("update"), withArguments(c, options.FindOneAndUpdate())))
	},
	"findOneAndReplace": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return one(coll.FindOneAndReplace(ctx, c.value("filter"), c.value("replacement"), withArguments(c, options.FindOneAndReplace())))
	},
	"findOneAndDelete": func(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
		return one(coll.FindOneAndDelete(ctx, c.value("filter"), withArguments(c, options.FindOneAndDelete())))
	},
}

// unacknowledged is the result of a write that the server doesn't answer.
var unacknowledged = bson.D{{Key: "acknowledged", Value: false}}

// one gives a single document; null if none was found.
func one(res *mongo.SingleResult) (any, error) {
	doc, err := res.Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return bson.Null{}, nil
	}
	return doc, err
}

func updated(res *mongo.UpdateResult, err error) (any, error) {
	if res == nil || !res.Acknowledged {
		return unacknowledged, err
	}
	doc := bson.D{
		{Key: "matchedCount", Value: res.MatchedCount}, {Key: "modifiedCount", Value: res.ModifiedCount},
		{Key: "upsertedCount", Value: res.UpsertedCount},
	}
	if res.UpsertedID != nil {
		doc = append(doc, bson.E{Key: "upsertedId", Value: res.UpsertedID})
	}
	return doc, err
}

func deleted(res *mongo.DeleteResult, err error) (any, error) {
	if res == nil || !res.Acknowledged {
		return unacknowledged, err
	}
	return bson.D{{Key: "deletedCount", Value: res.DeletedCount}}, err
}

// countCommand runs the command: the driver has no method for it. Like the driver
// it sends rawData to newer servers only.
func countCommand(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
	command := bson.D{{Key: "count", Value: coll.Name()}, {Key: "query", Value: c.value("filter")}}
	c.take("rawData")
	for _, e := range c.rest() {
		command = append(command, bson.E{Key: e.Key(), Value: e.Value()})
	}
	reply, err := coll.Database().RunCommand(ctx, command).Raw()
	return reply.Lookup("n"), err
}

func insertMany(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
	res, err := coll.InsertMany(ctx, c.value("documents"), withArguments(c, options.InsertMany()))
	if res == nil {
		return nil, err
	}
	ids := bson.D{}
	for i, id := range res.InsertedIDs {
		ids = append(ids, bson.E{Key: strconv.Itoa(i), Value: id})
	}
	return append(bulkCounts(&mongo.BulkWriteResult{InsertedCount: int64(len(ids))}), bson.E{Key: "insertedIds", Value: ids}), err
}

func bulkWrite(ctx context.Context, c *specCall, coll *mongo.Collection) (any, error) {
	requests, err := c.take("requests").Array().Values()
	if err != nil {
		return nil, err
	}
	models := make([]mongo.WriteModel, len(requests))
	for i, request := range requests {
		element := request.Document().Index(0)
		args := &specCall{run: c.run, args: element.Value().Document()}
		if models[i], err = writeModel(element.Key(), args); err != nil {
			c.err = err
			return nil, nil
		}
	}
	res, err := coll.BulkWrite(ctx, models, withArguments(c, options.BulkWrite()))
	if res == nil || !res.Acknowledged {
		return unacknowledged, err
	}
	return bulkCounts(res), err
}

func bulkCounts(res *mongo.BulkWriteResult) bson.D {
	ids := bson.D{}
	for i, id := range res.UpsertedIDs {
		ids = append(ids, bson.E{Key: strconv.FormatInt(i, 10), Value: id})
	}
	return bson.D{
		{Key: "deletedCount", Value: res.DeletedCount}, {Key: "insertedCount", Value: res.InsertedCount},
		{Key: "matchedCount", Value: res.MatchedCount}, {Key: "modifiedCount", Value: res.ModifiedCount},
		{Key: "upsertedCount", Value: res.UpsertedCount}, {Key: "upsertedIds", Value: ids},
	}
}

func writeModel(name string, args *specCall) (mongo.WriteModel, error) {
	var model mongo.WriteModel
	switch name {
	case "insertOne":
		model = withArguments(args, mongo.NewInsertOneModel())
	case "updateOne":
		model = withArguments(args, mongo.NewUpdateOneModel())
	case "updateMany":
		model = withArguments(args, mongo.NewUpdateManyModel())
	case "replaceOne":
		model = withArguments(args, mongo.NewReplaceOneModel())
	case "deleteOne":
		model = withArguments(args, mongo.NewDeleteOneModel())
	case "deleteMany":
		model = withArguments(args, mongo.NewDeleteManyModel())
	default:
		return nil, fmt.Errorf("unknown write %s", name)
	}
	return model, args.err
}
