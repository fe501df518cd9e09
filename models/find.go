package models

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// findOne returns the document that filter finds, or ErrNotFound.
func findOne[T any](ctx context.Context, c *mongo.Collection, filter any, o ...options.Lister[options.FindOneOptions]) (T, error) {
	return decode[T](c.FindOne(ctx, filter, o...))
}

// decode reads a document from where it lies. The driver's own Decode makes a buffer of 4 KiB for each.
func decode[T any](result *mongo.SingleResult) (T, error) {
	var doc T
	raw, err := result.Raw()
	if err == nil {
		err = bson.Unmarshal(raw, &doc)
	}
	return doc, wrap(err)
}

// manyAtOnce is how many documents a first answer brings where several hundred are usual. Without it, it brings 101.
const manyAtOnce = 1000

// findAll returns every document that filter finds.
func findAll[T any](ctx context.Context, c *mongo.Collection, filter any, o ...options.Lister[options.FindOptions]) ([]T, error) {
	cursor, err := c.Find(ctx, filter, o...)
	if err != nil {
		return nil, wrap(err)
	}
	defer cursor.Close(ctx)
	docs := []T{}
	for cursor.Next(ctx) {
		var doc T
		if err := bson.Unmarshal(cursor.Current, &doc); err != nil {
			return nil, wrap(err)
		}
		docs = append(docs, doc)
	}
	return docs, wrap(cursor.Err())
}

// changeOne changes the document that filter finds and returns it as it is afterwards, or ErrNotFound.
func changeOne[T any](ctx context.Context, c *mongo.Collection, filter, update any) (T, error) {
	after := options.FindOneAndUpdate().SetReturnDocument(options.After)
	return decode[T](c.FindOneAndUpdate(ctx, filter, update, after))
}

// deleteOne reports whether there was a document to delete.
func deleteOne(ctx context.Context, c *mongo.Collection, filter any) (bool, error) {
	result, err := c.DeleteOne(ctx, filter)
	if err != nil {
		return false, wrap(err)
	}
	return result.DeletedCount > 0, nil
}

// exists reports whether filter finds anything.
func exists(ctx context.Context, c *mongo.Collection, filter any) (bool, error) {
	_, err := c.FindOne(ctx, filter, options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return false, nil
	}
	return err == nil, wrap(err)
}

// page asks for limit documents in the order of sort.
func page(sort bson.D, limit int) *options.FindOptionsBuilder {
	return options.Find().SetSort(sort).SetLimit(int64(limit))
}
