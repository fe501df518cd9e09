"""PyMongo against the server that MONGODB_URI names: python3 driver.py"""
import datetime
import os
import re
import unittest
import uuid
from urllib.parse import quote_plus

import bson
import gridfs
import pymongo
from bson import (Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp)
from pymongo import (
    ASCENDING, DESCENDING, CursorType, DeleteOne, InsertOne, ReadPreference, ReplaceOne, ReturnDocument, UpdateMany, UpdateOne)
from pymongo.errors import BulkWriteError, CursorNotFound, DuplicateKeyError, OperationFailure

URI = os.environ["MONGODB_URI"]
# PyMongo 3 fails by itself on options that it lacks the libraries for, but not on zlib.
CLIENT = pymongo.MongoClient(URI, serverSelectionTimeoutMS=10000, tz_aware=True)
PASSWORD = pymongo.uri_parser.parse_uri(URI)["password"]


class Case(unittest.TestCase):
    def setUp(self):
        CLIENT.drop_database("python")
        self.db = CLIENT.python
        self.things = self.db.things

    def fails(self, code, call, *args, text=".", **kwargs):
        with self.assertRaises(OperationFailure) as caught:
            call(*args, **kwargs)
        self.assertEqual(caught.exception.code, code, caught.exception)
        self.assertRegex(caught.exception.details["errmsg"], text)


class Documents(Case):
    def test_create_read_update_delete(self):
        first = self.things.insert_one({"name": "a", "n": 1}).inserted_id
        self.assertEqual(self.things.find_one(first), {"_id": first, "name": "a", "n": 1})
        self.things.insert_many([{"name": "b", "n": 2}, {"name": "c", "n": 3}])
        found = self.things.find({"n": {"$gte": 2}}, {"_id": 0, "name": 1}).sort("n", DESCENDING)
        self.assertEqual(list(found), [{"name": "c"}, {"name": "b"}])
        result = self.things.update_many({"n": {"$gt": 1}}, {"$inc": {"n": 10}})
        self.assertEqual((result.matched_count, result.modified_count), (2, 2))
        result = self.things.update_one({"name": "a"}, {"$set": {"n": 1}})
        self.assertEqual((result.matched_count, result.modified_count), (1, 0))
        result = self.things.update_one({"name": "d", "tag": "x"}, {"$set": {"n": 4}}, upsert=True)
        self.assertEqual(self.things.find_one(result.upserted_id), {"_id": result.upserted_id, "name": "d", "tag": "x", "n": 4})
        self.assertEqual(self.things.replace_one({"name": "d"}, {"name": "e"}).modified_count, 1)
        self.assertEqual(self.things.delete_one({"name": "e"}).deleted_count, 1)
        self.assertEqual(self.things.delete_many({}).deleted_count, 3)
        self.assertIsNone(self.things.find_one())

    def test_every_type_comes_back(self):
        values = {
            "double": 1.5, "whole": 3.0, "infinity": float("inf"), "int": -7, "long": Int64(2**53 + 1), "decimal": Decimal128("1.10"),
            "string": "Grüße, 世界 🌍", "empty": "", "object": {"a": {"b": {}}}, "array": [1, "two", [], None],
            "binary": b"\x00\x01\xff", "uuid": uuid.UUID("4b1c6dbb-3a0c-4e7b-9e52-7a0a3f7f4f10"), "user": Binary(b"x", 0x80),
            "id": ObjectId("65f0c0ffee65f0c0ffee65f0"), "yes": True, "no": False,
            "date": datetime.datetime(2024, 2, 29, 12, 34, 56, 789000, tzinfo=bson.tz_util.utc),
            "early": datetime.datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=bson.tz_util.utc),
            "nothing": None, "regex": Regex("^a.*", "im"), "code": Code("function () { return 1 }"), "scoped": Code("x", {"x": 1}),
            "timestamp": Timestamp(1700000000, 5), "least": MinKey(), "most": MaxKey(),
            "reference": DBRef("others", ObjectId("65f0c0ffee65f0c0ffee65f1")),
        }
        self.things.insert_one({"_id": 1, **values})
        found = self.things.find_one({"_id": 1})
        self.assertEqual(list(found)[1:], list(values))
        for name, value in values.items():
            with self.subTest(name):
                self.assertEqual(found[name], value)
                self.assertIs(type(found[name]), type(value))
                if name != "regex":  # in a filter it is a pattern
                    self.assertEqual(self.things.count_documents({name: value}), 1)

    def test_update_operators(self):
        cases = [
            ({"a": 1, "b": 1}, {"$set": {"c.d": 1}, "$unset": {"b": ""}}, {"a": 1, "c": {"d": 1}}),
            ({"a": 1, "b": 2}, {"$inc": {"a": 2}, "$mul": {"b": 3}}, {"a": 3, "b": 6}),
            ({"a": 5, "b": 5}, {"$min": {"a": 3}, "$max": {"b": 9}}, {"a": 3, "b": 9}),
            ({"a": 1}, {"$rename": {"a": "b"}}, {"b": 1}),
            ({"a": [3, 1]}, {"$push": {"a": {"$each": [2, 5], "$sort": -1, "$slice": 3}}}, {"a": [5, 3, 2]}),
            ({"a": [1]}, {"$addToSet": {"a": {"$each": [1, 2]}}}, {"a": [1, 2]}),
            ({"a": [1, 2, 3]}, {"$pop": {"a": 1}}, {"a": [1, 2]}),
            ({"a": [1, 5, 9]}, {"$pull": {"a": {"$gte": 5}}}, {"a": [1]}),
            ({"a": [1, 2]}, {"$inc": {"a.$[]": 10}}, {"a": [11, 12]}),
        ]
        for before, change, after in cases:
            with self.subTest(change):
                self.things.delete_many({})
                self.things.insert_one({"_id": 1, **before})
                self.things.update_one({"_id": 1}, change)
                self.assertEqual(self.things.find_one({}, {"_id": 0}), after)

    def test_array_filters(self):
        self.things.insert_one({"_id": 1, "a": [{"n": 1}, {"n": 7}, {"n": 9}]})
        self.things.update_one({}, {"$set": {"a.$[big].n": 0}}, array_filters=[{"big.n": {"$gt": 5}}])
        self.assertEqual(self.things.find_one()["a"], [{"n": 1}, {"n": 0}, {"n": 0}])

    def test_find_and_modify(self):
        self.things.insert_many([{"_id": i, "n": i} for i in (1, 2, 3)])
        self.assertEqual(self.things.find_one_and_update({}, {"$inc": {"n": 10}}, sort=[("n", -1)]), {"_id": 3, "n": 3})
        after = ReturnDocument.AFTER
        self.assertEqual(self.things.find_one_and_update({"_id": 3}, {"$inc": {"n": 10}}, {"_id": 0}, return_document=after), {"n": 23})
        self.assertEqual(self.things.find_one_and_replace({"_id": 1}, {"x": 1}, return_document=after), {"_id": 1, "x": 1})
        self.assertEqual(self.things.find_one_and_delete({"_id": 2}), {"_id": 2, "n": 2})
        self.assertIsNone(self.things.find_one_and_update({"_id": 9}, {"$set": {"n": 9}}, upsert=True))
        self.assertEqual(self.things.find_one(9), {"_id": 9, "n": 9})

    def test_bulk(self):
        result = self.things.bulk_write([
            InsertOne({"_id": 1, "n": 1}), UpdateOne({"_id": 2}, {"$set": {"n": 2}}, upsert=True), UpdateMany({}, {"$inc": {"n": 1}}),
            ReplaceOne({"_id": 3}, {"n": 3}, upsert=True), DeleteOne({"_id": 1})])
        self.assertEqual((result.inserted_count, result.matched_count, result.modified_count, result.deleted_count), (1, 2, 2, 1))
        self.assertEqual(result.upserted_ids, {1: 2, 3: 3})
        for ordered, failed, kept in ((True, [1], 1), (False, [1, 3], 3)):
            with self.subTest(ordered=ordered):
                self.things.delete_many({"_id": {"$gte": 10}})
                with self.assertRaises(BulkWriteError) as caught:
                    self.things.insert_many([{"_id": i} for i in (10, 2, 11, 3, 12)], ordered=ordered)
                errors = caught.exception.details["writeErrors"]
                self.assertEqual([(e["index"], e["code"]) for e in errors], [(i, 11000) for i in failed])
                self.assertEqual(errors[0]["keyPattern"], {"_id": 1})
                self.assertEqual(errors[0]["keyValue"], {"_id": 2})
                self.assertEqual(self.things.count_documents({"_id": {"$gte": 10}}), kept)


class Queries(Case):
    def test_cursors_over_many_batches(self):
        self.things.insert_many([{"_id": i, "even": i % 2 == 0, "back": -i} for i in range(10000)])
        cursor = self.things.find(batch_size=100).sort("back", ASCENDING)
        self.assertEqual([doc["_id"] for doc in cursor], list(range(9999, -1, -1)))
        page = self.things.find({"even": True}).sort("_id", 1).skip(4000).limit(250).batch_size(100)
        self.assertEqual([doc["_id"] for doc in page], list(range(8000, 8500, 2)))
        aggregated = self.things.aggregate([{"$match": {"even": True}}], batchSize=100)
        self.assertEqual(sum(1 for _ in aggregated), 5000)

        killed = self.things.find(batch_size=100)
        next(killed)
        self.db.command("killCursors", "things", cursors=[killed.cursor_id])
        with self.assertRaises(CursorNotFound) as caught:
            list(killed)
        self.assertEqual(caught.exception.code, 43)

    def test_aggregation_count_distinct(self):
        self.things.insert_many([{"_id": i, "kind": "abc"[i % 3], "n": i, "tags": [i % 2, i % 5]} for i in range(100)])
        groups = self.things.aggregate([
            {"$match": {"n": {"$lt": 90}}},
            {"$group": {"_id": "$kind", "total": {"$sum": "$n"}, "count": {"$sum": 1}}},
            {"$sort": {"_id": -1}}, {"$skip": 1}, {"$limit": 1}, {"$project": {"count": 0}}])
        self.assertEqual(list(groups), [{"_id": "b", "total": 1335}])
        self.assertEqual(self.things.count_documents({"tags": 4}), 20)
        self.assertEqual(self.things.estimated_document_count(), 100)
        self.assertEqual(self.things.distinct("tags", {"n": {"$lt": 4}}), [0, 1, 2, 3])

    def test_stages(self):
        self.things.insert_many([{"_id": 1, "tags": ["x", "y"], "n": 1}, {"_id": 2, "tags": ["y"], "n": 4}, {"_id": 3, "tags": [], "n": 9}])
        cases = [
            ([{"$unwind": "$tags"}, {"$sortByCount": "$tags"}], [{"_id": "y", "count": 2}, {"_id": "x", "count": 1}]),
            ([{"$group": {"_id": None, "mean": {"$avg": "$n"}}}], [{"_id": None, "mean": 14 / 3}]),
            ([{"$bucket": {"groupBy": "$n", "boundaries": [0, 5, 10]}}], [{"_id": 0, "count": 2}, {"_id": 5, "count": 1}]),
            ([{"$match": {"_id": 1}}, {"$set": {"m": {"$add": ["$n", 1]}}}, {"$unset": "tags"}], [{"_id": 1, "n": 1, "m": 2}]),
            ([{"$out": "copy"}], []),
            ([{"$match": {"_id": 1}}, {"$set": {"n": 100}}, {"$merge": "copy"}], []),
            ([{"$unionWith": "copy"}, {"$count": "n"}], [{"n": 6}]),
            ([{"$match": {"_id": 1}}, {"$lookup": {"from": "copy", "localField": "_id", "foreignField": "_id", "as": "c"}}, {"$project": {"c.n": 1}}],
             [{"_id": 1, "c": [{"n": 100}]}]),
            ([{"$facet": {"all": [{"$count": "n"}]}}], [{"all": [{"n": 3}]}]),
            ([{"$match": {"_id": 3}}, {"$replaceRoot": {"newRoot": {"id": "$_id"}}}], [{"id": 3}]),
            ([{"$sample": {"size": 2}}, {"$count": "n"}], [{"n": 2}]),
        ]
        for stages, want in cases:
            with self.subTest(stages):
                self.assertEqual(list(self.things.aggregate(stages)), want)
        self.assertEqual(self.things.update_many({}, [{"$set": {"size": {"$size": "$tags"}}}]).modified_count, 3)
        self.assertEqual(sorted(self.things.distinct("size")), [0, 1, 2])

    def test_tailable_cursor(self):
        ring = self.db.create_collection("ring", capped=True, size=4096, max=3)
        ring.insert_many([{"_id": i} for i in range(5)])
        cursor = ring.find(cursor_type=CursorType.TAILABLE_AWAIT).max_await_time_ms(100)
        self.assertEqual([next(cursor)["_id"] for _ in range(3)], [2, 3, 4])
        with self.assertRaises(StopIteration):
            next(cursor)
        self.assertTrue(cursor.alive)
        ring.insert_one({"_id": 5})
        self.assertEqual(next(cursor), {"_id": 5})
        cursor.close()

    def test_views_validators_and_names(self):
        self.things.insert_many([{"_id": 1, "n": 1}, {"_id": 2, "n": 2}])
        self.db.command("create", "large", viewOn="things", pipeline=[{"$match": {"n": {"$gt": 1}}}])
        self.assertEqual(list(self.db.large.find()), [{"_id": 2, "n": 2}])
        self.db.create_collection("checked", validator={"n": {"$type": "int"}})
        self.fails(121, self.db.checked.insert_one, {"n": "text"}, text="Document failed validation")
        self.things.rename("renamed")
        self.assertEqual(self.db.renamed.count_documents({}), 2)

    def test_current_op(self):
        with pymongo.MongoClient(URI, appname="looker") as client:
            running = client.admin.command("currentOp")["inprog"]
            self.assertIn("looker", [op.get("appName") for op in running])

    def test_explain(self):
        self.things.insert_many([{"_id": i, "room": i % 10, "n": i} for i in range(1000)])
        self.things.create_index([("room", 1), ("n", -1)])
        plan = self.db.command("explain", {"find": "things", "filter": {"room": 3}, "sort": {"n": -1}, "limit": 5}, verbosity="executionStats")
        self.assertIn("'IXSCAN'", str(plan["queryPlanner"]["winningPlan"]))
        self.assertNotIn("'SORT'", str(plan["queryPlanner"]["winningPlan"]))
        stats = plan["executionStats"]
        self.assertEqual((stats["nReturned"], stats["totalKeysExamined"], stats["totalDocsExamined"]), (5, 5, 5))
        self.assertEqual(self.things.find({"other": 1}).explain()["queryPlanner"]["winningPlan"]["stage"], "COLLSCAN")

    def test_indexes(self):
        self.things.create_index([("a", 1), ("b", -1)])
        self.things.create_index("email", name="mail", unique=True)
        self.things.create_index("seen", expireAfterSeconds=3600)
        self.things.create_index("n", partialFilterExpression={"n": {"$gt": 5}})
        indexes = self.things.index_information()
        self.assertEqual(list(indexes), ["_id_", "a_1_b_-1", "mail", "seen_1", "n_1"])
        self.assertEqual(indexes["a_1_b_-1"]["key"], [("a", 1), ("b", -1)])
        self.assertTrue(indexes["mail"]["unique"])
        self.assertEqual(indexes["seen_1"]["expireAfterSeconds"], 3600)
        self.assertEqual(indexes["n_1"]["partialFilterExpression"], {"n": {"$gt": 5}})
        self.things.insert_one({"email": "a@b.c"})
        with self.assertRaises(DuplicateKeyError) as caught:
            self.things.insert_one({"email": "a@b.c"})
        details = caught.exception.details
        self.assertEqual((details["keyPattern"], details["keyValue"]), ({"email": 1}, {"email": "a@b.c"}))
        self.fails(86, self.things.create_index, "email", name="mail")
        self.fails(27, self.things.drop_index, "none", text="index not found with name")
        self.things.drop_index("mail")
        self.things.drop_indexes()
        self.assertEqual(list(self.things.index_information()), ["_id_"])


class Server(Case):
    def test_errors(self):
        self.things.insert_one({"_id": 1, "s": "x"})
        self.fails(2, self.things.find_one, {"a": {"$nope": 1}}, text="unknown operator: \\$nope")
        self.fails(59, self.db.command, "nope", text="no such command: 'nope'")
        self.fails(40324, self.things.aggregate, [{"$nope": {}}], text="Unrecognized pipeline stage name")
        self.db.command("create", "things")
        self.fails(48, self.db.command, "create", "things", capped=True, size=4096, text="already exists")
        self.fails(13, self.db.command, "listDatabases", text="may only be run against the admin database")
        for change, code, text in (({"$set": {"_id": 2}}, 66, "immutable field '_id'"), ({"$inc": {"s": 1}}, 14, "non-numeric"), ({"$nope": {"a": 1}}, 9, "Unknown modifier")):
            with self.subTest(change):
                self.fails(code, self.things.update_one, {"_id": 1}, change, text=text)

    def test_sessions_and_what_is_refused(self):
        self.things.insert_one({"_id": 1})
        with CLIENT.start_session(causal_consistency=True) as session:
            self.things.update_one({"_id": 1}, {"$set": {"n": 1}}, session=session)
            self.assertEqual(self.things.find_one(session=session), {"_id": 1, "n": 1})
            session.start_transaction()
            self.fails(20, self.things.insert_one, {"_id": 2}, session=session,
                       text="Transaction numbers are only allowed on a replica set member or mongos")
            session.abort_transaction()
        self.assertEqual(self.things.count_documents({}), 1)
        self.fails(40573, self.things.watch, text="only supported on replica sets")

    def test_compression(self):
        with pymongo.MongoClient(URI, compressors="zlib") as client:
            text = "compressible " * 50000
            client.python.things.insert_many([{"text": text} for _ in range(5)])
            self.assertEqual([doc["text"] for doc in client.python.things.find()], [text] * 5)

    def test_gridfs(self):
        files = gridfs.GridFS(self.db)
        content = os.urandom(3 << 20)
        key = files.put(content, filename="file.bin")
        self.assertEqual(files.get(key).read(), content)
        with files.get_last_version("file.bin") as out:
            out.seek(300000)
            self.assertEqual(out.read(300000), content[300000:600000])
        files.delete(key)
        self.assertEqual(self.db.fs.chunks.count_documents({}), 0)

    def test_databases_and_collections(self):
        self.db.create_collection("empty")
        self.things.insert_one({})
        self.assertEqual(sorted(self.db.list_collection_names()), ["empty", "things"])
        self.assertIn("python", CLIENT.list_database_names())
        self.assertEqual(CLIENT.server_info()["versionArray"][:2], [7, 0])
        self.assertEqual(self.db.command("collStats", "things")["count"], 1)
        self.assertTrue(self.db.validate_collection("things")["valid"])
        secondary = self.things.with_options(read_preference=ReadPreference.SECONDARY_PREFERRED)
        self.assertEqual(secondary.count_documents({}), 1)
        self.db.drop_collection("empty")
        self.assertEqual(self.db.list_collection_names(), ["things"])

    @unittest.skipUnless(PASSWORD, "the server asks for none")
    def test_authentication(self):
        wrong = re.sub(":%s@" % re.escape(quote_plus(PASSWORD)), ":wrong@", URI)
        with pymongo.MongoClient(wrong) as client:
            self.fails(18, client.python.things.find_one, text="^Authentication failed\\.$")
        with pymongo.MongoClient(re.sub("//[^@]*@", "//", URI)) as client:
            self.fails(13, client.python.things.find_one, text="Command find requires authentication")


if __name__ == "__main__":
    unittest.main()
