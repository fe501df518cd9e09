package models

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// findOne returns the document that filter finds, or ErrNotFound.
func findOne[T any](ctx context.Context, c *mongo.Collection, filter any, o ...options.Lister[options.FindOneOptions]) (T, error) {
	var doc T
	err := c.FindOne(ctx, filter, o...).Decode(&doc)
	return doc, wrap(err)
}

// findAll returns every document that filter finds.
func findAll[T any](ctx context.Context, c *mongo.Collection, filter any, o ...options.Lister[options.FindOptions]) ([]T, error) {
	cursor, err := c.Find(ctx, filter, o...)
	if err != nil {
		return nil, wrap(err)
	}
	docs := []T{}
	return docs, wrap(cursor.All(ctx, &docs))
}

// changeOne changes the document that filter finds and returns it as it is afterwards, or ErrNotFound.
func changeOne[T any](ctx context.Context, c *mongo.Collection, filter, update any) (T, error) {
	var doc T
	after := options.FindOneAndUpdate().SetReturnDocument(options.After)
	err := c.FindOneAndUpdate(ctx, filter, update, after).Decode(&doc)
	return doc, wrap(err)
}

// deleteOne reports whether there was a document to delete.
func deleteOne(ctx context.Context, c *mongo.Collection, filter any) (bool, error) {
	result, err := c.DeleteOne(ctx, filter)
	if err != nil {
		return false, wrap(err)
	}
	return result.DeletedCount > 0, nil
}

// page asks for limit documents in the order of sort.
func page(sort bson.D, limit int) *options.FindOptionsBuilder {
	return options.Find().SetSort(sort).SetLimit(int64(limit))
}
