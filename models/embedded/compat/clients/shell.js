// mongosh: mongosh URI --file shell.js. Ends with status 1 at the first thing that is not as it must be.
const assert = require('node:assert/strict');

const shop = db.getSiblingDB('shell');
shop.dropDatabase();
const things = shop.getCollection('things');

// same compares what the documents say: the shell's come from another JavaScript realm than assert's.
function same(found, want) {
  assert.equal(EJSON.stringify(found), EJSON.stringify(want));
}

// caught gives the error that a call ends with. (assert.throws takes no calls that wait, as the shell's do.)
function caught(call) {
  try {
    call();
  } catch (err) {
    return err;
  }
  throw new assert.AssertionError({ message: `no error from ${call}` });
}

function fails(code, text, call) {
  const err = caught(call);
  assert.equal(err.code, code, `${err}`);
  assert.match(err.message, text);
}

function check(name, f) {
  things.drop();
  try {
    f();
  } catch (err) {
    print(`FAILED: ${name}: ${err.stack ?? err}`);
    process.exit(1);
  }
  print(`ok: ${name}`);
}

check('create, read, update and delete', () => {
  assert.equal(things.insertOne({ _id: 1, n: 1 }).acknowledged, true);
  things.insertMany([{ _id: 2, n: 2 }, { _id: 3, n: 3 }]);
  same(things.find({ n: { $gte: 2 } }, { _id: 0 }).sort({ n: -1 }).toArray(), [{ n: 3 }, { n: 2 }]);
  assert.equal(things.updateMany({}, { $inc: { n: 1 } }).modifiedCount, 3);
  assert.equal(things.updateOne({ _id: 4 }, { $set: { n: 0 } }, { upsert: true }).insertedId, 4);
  same(things.findOneAndUpdate({ _id: 4 }, { $inc: { n: 5 } }, { returnDocument: 'after' }), { _id: 4, n: 5 });
  same(things.findAndModify({ query: { _id: 4 }, remove: true }), { _id: 4, n: 5 });
  assert.equal(things.replaceOne({ _id: 1 }, { x: 1 }).modifiedCount, 1);
  same(things.findOne({ _id: 1 }), { _id: 1, x: 1 });
  assert.equal(things.deleteMany({}).deletedCount, 3);
});

check('types as the shell prints them', () => {
  const values = {
    int: NumberInt(7), long: NumberLong('9007199254740993'), decimal: NumberDecimal('1.10'), double: Double(3), date: ISODate('2024-02-29T12:34:56.789Z'),
    id: ObjectId('65f0c0ffee65f0c0ffee65f0'), uuid: UUID('4b1c6dbb-3a0c-4e7b-9e52-7a0a3f7f4f10'), binary: BinData(0, 'AAH/'),
    timestamp: Timestamp(1700000000, 5), regex: /^a/i, least: MinKey(), most: MaxKey(), nothing: null, code: Code('x', { x: 1 }),
  };
  things.insertOne({ _id: 1, ...values });
  const found = things.findOne();
  for (const [name, value] of Object.entries(values)) same([name, found[name]], [name, value]);
  for (const [name, type] of [['int', 'int'], ['long', 'long'], ['decimal', 'decimal'], ['double', 'double'], ['uuid', 'binData'], ['code', 'javascriptWithScope']]) {
    assert.equal(things.countDocuments({ [name]: { $type: type } }), 1, name);
  }
});

check('indexes', () => {
  assert.equal(things.createIndex({ a: 1, b: -1 }), 'a_1_b_-1');
  things.createIndex({ email: 1 }, { unique: true, partialFilterExpression: { email: { $exists: true } } });
  things.createIndex({ seen: 1 }, { expireAfterSeconds: 3600 });
  same(things.getIndexes(), [
    { v: 2, key: { _id: 1 }, name: '_id_' },
    { v: 2, key: { a: 1, b: -1 }, name: 'a_1_b_-1' },
    { v: 2, key: { email: 1 }, name: 'email_1', unique: true, partialFilterExpression: { email: { $exists: true } } },
    { v: 2, key: { seen: 1 }, name: 'seen_1', expireAfterSeconds: 3600 },
  ]);
  things.insertOne({ email: 'a@b.c' });
  fails(11000, /E11000 duplicate key error collection: shell.things index: email_1 dup key: { email: "a@b.c" }/, () => things.insertOne({ email: 'a@b.c' }));
  things.dropIndex('email_1');
  fails(27, /index not found with name \[email_1\]/, () => things.dropIndex('email_1'));
  things.dropIndexes();
  assert.equal(things.getIndexes().length, 1);
});

check('cursors over many batches', () => {
  things.insertMany(Array.from({ length: 10000 }, (_, i) => ({ _id: i, back: -i })));
  const cursor = things.find().sort({ back: 1 }).batchSize(100);
  let next = 9999;
  while (cursor.hasNext()) assert.equal(cursor.next()._id, next--);
  assert.equal(next, -1);
  same(things.find().sort({ _id: 1 }).skip(50).limit(2).toArray().map((doc) => doc._id), [50, 51]);
  assert.equal(things.countDocuments({ _id: { $lt: 10 } }), 10);
  assert.equal(things.find().itcount(), 10000);
});

check('bulk writes', () => {
  const result = things.bulkWrite([
    { insertOne: { document: { _id: 1 } } },
    { updateOne: { filter: { _id: 2 }, update: { $set: { n: 2 } }, upsert: true } },
    { deleteOne: { filter: { _id: 1 } } },
  ]);
  same([result.insertedCount, result.deletedCount, result.upsertedCount], [1, 1, 1]);
  const err = caught(() => things.insertMany([{ _id: 3 }, { _id: 2 }, { _id: 4 }, { _id: 3 }], { ordered: false }));
  same(err.writeErrors.map((e) => [e.index, e.code]), [[1, 11000], [3, 11000]]);
  assert.equal(things.countDocuments(), 3);
});

check('aggregation, count and distinct', () => {
  things.insertMany(Array.from({ length: 30 }, (_, i) => ({ kind: 'abc'[i % 3], n: i })));
  same(things.aggregate([
    { $match: { n: { $gte: 3 } } }, { $group: { _id: '$kind', total: { $sum: '$n' } } }, { $sort: { total: -1 } }, { $limit: 1 }, { $project: { total: 1 } },
  ]).toArray(), [{ _id: 'c', total: 153 }]);
  same(things.aggregate([{ $count: 'n' }]).toArray(), [{ n: 30 }]);
  same(things.distinct('kind'), ['a', 'b', 'c']);
  assert.equal(things.estimatedDocumentCount(), 30);
});

check('stages of an aggregation', () => {
  things.insertMany([{ _id: 1, tags: ['x', 'y'], n: 1 }, { _id: 2, tags: ['y'], n: 4 }, { _id: 3, tags: [], n: 9 }]);
  const gives = (want, ...stages) => same(things.aggregate(stages).toArray(), want);
  gives([{ _id: 'y', count: 2 }, { _id: 'x', count: 1 }], { $unwind: '$tags' }, { $sortByCount: '$tags' });
  gives([{ _id: null, mean: 14 / 3 }], { $group: { _id: null, mean: { $avg: '$n' } } });
  gives([{ _id: 0, count: 2 }, { _id: 5, count: 1 }], { $bucket: { groupBy: '$n', boundaries: [0, 5, 10] } });
  gives([{ _id: 1, twice: 2 }], { $match: { _id: 1 } }, { $set: { twice: { $multiply: ['$n', 2] } } }, { $unset: ['tags', 'n'] });
  gives([], { $out: 'copy' });
  gives([], { $match: { _id: 1 } }, { $set: { n: 100 } }, { $merge: 'copy' });
  same(shop.copy.find({}, { n: 1 }).sort({ _id: 1 }).toArray(), [{ _id: 1, n: 100 }, { _id: 2, n: 4 }, { _id: 3, n: 9 }]);
  gives([{ n: 6 }], { $unionWith: 'copy' }, { $count: 'n' });
  gives([{ _id: 2, copies: [{ n: 4 }] }], { $match: { _id: 2 } }, { $lookup: { from: 'copy', localField: '_id', foreignField: '_id', as: 'copies' } },
    { $project: { 'copies.n': 1 } });
  gives([{ all: [{ n: 3 }], big: [{ _id: 3 }] }],
    { $facet: { all: [{ $count: 'n' }], big: [{ $match: { n: { $gt: 5 } } }, { $project: { _id: 1 } }] } });
  gives([{ id: 3 }], { $match: { _id: 3 } }, { $replaceRoot: { newRoot: { id: '$_id' } } });
  assert.equal(things.aggregate([{ $sample: { size: 2 } }]).toArray().length, 2);
  assert.equal(things.updateMany({}, [{ $set: { size: { $size: '$tags' } } }]).modifiedCount, 3);
  same(things.distinct('size').sort(), [0, 1, 2]);
  shop.copy.drop();
});

check('views, validators, capped collections and names', () => {
  things.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }]);
  shop.createView('large', 'things', [{ $match: { n: { $gt: 1 } } }]);
  same(shop.large.find().toArray(), [{ _id: 2, n: 2 }]);
  shop.large.drop();
  shop.createCollection('checked', { validator: { n: { $type: 'int' } } });
  fails(121, /Document failed validation/, () => shop.checked.insertOne({ n: 'text' }));
  shop.checked.drop();
  shop.createCollection('ring', { capped: true, size: 4096, max: 2 });
  for (let i = 0; i < 5; i++) shop.ring.insertOne({ _id: i });
  same(shop.ring.find().toArray(), [{ _id: 3 }, { _id: 4 }]);
  assert.equal(shop.ring.isCapped(), true);
  shop.ring.renameCollection('belt');
  same(shop.getCollectionNames().sort(), ['belt', 'things']);
  shop.belt.drop();
  assert.ok(shop.currentOp().inprog.length > 0);
});

check('explain', () => {
  things.insertMany(Array.from({ length: 100 }, (_, i) => ({ _id: i, room: i % 10 })));
  things.createIndex({ room: 1 });
  const plan = things.find({ room: 3 }).explain('executionStats');
  same([plan.queryPlanner.winningPlan.stage, plan.queryPlanner.winningPlan.inputStage.stage], ['FETCH', 'IXSCAN']);
  assert.equal(plan.queryPlanner.winningPlan.inputStage.indexName, 'room_1');
  same([plan.executionStats.totalKeysExamined, plan.executionStats.totalDocsExamined], [10, 10]);
  assert.equal(things.explain('executionStats').find({ none: 1 }).finish().queryPlanner.winningPlan.stage, 'COLLSCAN');
  const grouped = things.explain().aggregate([{ $match: { room: 3 } }, { $group: { _id: '$room' } }]);
  assert.match(EJSON.stringify(grouped), /"indexName":"room_1"/);
});

check('statistics and names', () => {
  assert.equal(shop.createCollection('empty').ok, 1);
  things.insertMany([{ _id: 1 }, { _id: 2 }]);
  same(shop.getCollectionNames().sort(), ['empty', 'things']);
  assert.equal(shop.getCollectionInfos({ name: 'empty' })[0].type, 'collection');
  same([shop.stats().db, Number(shop.stats().collections), Number(shop.stats().objects)], ['shell', 2, 2]);
  const stats = things.stats();
  same([stats.ns, Number(stats.count), stats.nindexes], ['shell.things', 2, 1]);
  assert.equal(things.validate().valid, true);
  assert.equal(things.drop(), true);
  assert.ok(db.adminCommand({ listDatabases: 1 }).databases.some((d) => d.name === 'shell'));
  assert.match(db.version(), /^7\.0\.\d+$/);
  assert.equal(db.serverStatus().process, 'mongod');
  assert.equal(db.hello().isWritablePrimary, true);
  assert.equal(shop.dropDatabase().ok, 1);
  same(shop.getCollectionNames(), []);
});

check('errors', () => {
  things.insertOne({ _id: 1 });
  fails(59, /no such command: 'nope'/, () => shop.runCommand({ nope: 1 }));
  fails(2, /unknown operator: \$nope/, () => things.findOne({ a: { $nope: 1 } }));
  fails(66, /immutable field '_id'/, () => things.updateOne({}, { $set: { _id: 2 } }));
  fails(48, /already exists/, () => shop.createCollection('things', { capped: true, size: 4096 }));
  fails(40324, /Unrecognized pipeline stage name/, () => things.aggregate([{ $nope: {} }]).toArray());
  fails(40573, /only supported on replica sets/, () => things.watch().tryNext());
});

check('sessions', () => {
  const session = db.getMongo().startSession({ causalConsistency: true });
  const inside = session.getDatabase('shell').things;
  inside.insertOne({ _id: 1 });
  assert.equal(inside.findOne()._id, 1);
  session.startTransaction();
  const { originalError } = caught(() => inside.insertOne({ _id: 2 }));
  assert.equal(originalError.code, 20);
  session.abortTransaction();
  session.endSession();
  assert.equal(things.countDocuments(), 1);
});

shop.dropDatabase();
