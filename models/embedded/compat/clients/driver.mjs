// The Node driver against the server that MONGODB_URI names: node --test driver.mjs
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { randomBytes } from 'node:crypto';
import { finished } from 'node:stream/promises';
import {
  BSONRegExp, BSONSymbol, Binary, Code, DBRef, Decimal128, Double, GridFSBucket, Int32, Long, MaxKey, MinKey, MongoClient,
  ObjectId, Timestamp, UUID,
} from 'mongodb';

const uri = process.env.MONGODB_URI;
assert.ok(uri, 'MONGODB_URI is not set');
const client = new MongoClient(uri, { monitorCommands: true });
const db = client.db('driver');
let things;

before(() => client.connect());
after(() => client.close());
beforeEach(async () => {
  await db.dropDatabase();
  things = db.collection('things');
});

// with gives a client of its own for the time of f.
async function withClient(address, options, f) {
  const other = new MongoClient(address, { serverSelectionTimeoutMS: 10000, ...options });
  try {
    return await f(await other.connect());
  } finally {
    await other.close();
  }
}

// received runs f with the address of a proxy before the server, and the opcodes of the replies that pass it.
async function received(f) {
  const target = new URL(uri);
  const opcodes = new Set();
  const proxy = net.createServer((near) => {
    const far = net.connect(Number(target.port), target.hostname);
    let rest = Buffer.alloc(0);
    far.on('data', (data) => {
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 16 && rest.length >= rest.readInt32LE(0)) {
        opcodes.add(rest.readInt32LE(12));
        rest = rest.subarray(rest.readInt32LE(0));
      }
    });
    far.on('error', () => near.destroy());
    near.on('error', () => far.destroy());
    near.pipe(far).pipe(near);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  const address = new URL(uri);
  address.host = `127.0.0.1:${proxy.address().port}`;
  try {
    await f(address.href, opcodes);
  } finally {
    proxy.close();
  }
}

function fails(promise, code, text) {
  return assert.rejects(promise, (err) => {
    assert.equal(err.code, code, `${err}`);
    if (text) assert.match(err.errmsg ?? err.message, text);
    return true;
  });
}

const range = (n, f) => Array.from({ length: n }, (_, i) => f(i));
const ids = async (cursor) => (await cursor.toArray()).map((doc) => doc._id);

test('create, read, update and delete', async () => {
  const { insertedId } = await things.insertOne({ name: 'a', n: 1 });
  assert.deepEqual(await things.findOne({ _id: insertedId }), { _id: insertedId, name: 'a', n: 1 });
  const many = await things.insertMany([{ name: 'b', n: 2 }, { name: 'c', n: 3 }]);
  assert.equal(many.insertedCount, 2);
  assert.deepEqual(await things.find({ n: { $gte: 2 } }, { projection: { _id: 0, name: 1 }, sort: { n: -1 } }).toArray(),
    [{ name: 'c' }, { name: 'b' }]);

  const updated = await things.updateMany({ n: { $gt: 1 } }, { $inc: { n: 10 } });
  assert.deepEqual([updated.matchedCount, updated.modifiedCount], [2, 2]);
  const unchanged = await things.updateOne({ name: 'a' }, { $set: { n: 1 } });
  assert.deepEqual([unchanged.matchedCount, unchanged.modifiedCount], [1, 0]);
  const upserted = await things.updateOne({ name: 'd', tag: 'x' }, { $set: { n: 4 } }, { upsert: true });
  assert.equal(upserted.upsertedCount, 1);
  assert.deepEqual(await things.findOne({ _id: upserted.upsertedId }), { _id: upserted.upsertedId, name: 'd', tag: 'x', n: 4 });
  assert.equal((await things.replaceOne({ name: 'd' }, { name: 'e' })).modifiedCount, 1);
  assert.deepEqual(Object.keys(await things.findOne({ name: 'e' })), ['_id', 'name']);

  assert.equal((await things.deleteOne({ name: 'e' })).deletedCount, 1);
  assert.equal((await things.deleteMany({})).deletedCount, 3);
  assert.equal(await things.findOne({}), null);
});

test('every BSON type comes back as it was', async () => {
  const values = {
    double: new Double(1.5), whole: new Double(3), negativeZero: new Double(-0), infinity: new Double(Infinity),
    int: new Int32(-7), long: Long.fromString('9007199254740993'), decimal: Decimal128.fromString('1.10'),
    string: 'Grüße, 世界 🌍', empty: '', object: { a: { b: {} } }, array: [new Int32(1), 'two', [], null],
    binary: new Binary(Buffer.from([0, 1, 255])), uuid: new UUID('4b1c6dbb-3a0c-4e7b-9e52-7a0a3f7f4f10'),
    user: new Binary(Buffer.from('x'), 0x80), id: new ObjectId('65f0c0ffee65f0c0ffee65f0'), yes: true, no: false,
    date: new Date('2024-02-29T12:34:56.789Z'), early: new Date(-1), nothing: null, regex: new BSONRegExp('^a.*', 'im'),
    code: new Code('function () { return 1 }'), scoped: new Code('x', { x: new Int32(1) }), symbol: new BSONSymbol('s'),
    timestamp: new Timestamp({ t: 1700000000, i: 5 }), least: new MinKey(), most: new MaxKey(),
    reference: new DBRef('others', new ObjectId('65f0c0ffee65f0c0ffee65f1')),
  };
  const exact = { promoteValues: false, bsonRegExp: true };
  await things.insertOne({ _id: new Int32(1), ...values });
  const found = await things.findOne({ _id: 1 }, exact);
  assert.deepEqual(Object.keys(found).slice(1), Object.keys(values), 'the order of fields');
  for (const [name, value] of Object.entries(values)) {
    assert.deepEqual(found[name], value, name);
    // A reference is stored as an object whose fields begin with $, a regex in a filter is a pattern.
    if (name !== 'regex') assert.equal(await things.countDocuments({ [name]: value }), 1, `find by ${name}`);
  }
  assert.equal(await things.countDocuments({ uuid: { $type: 'binData' }, decimal: { $type: 'decimal' }, long: { $type: 'long' } }), 1);
});

test('indexes', async () => {
  assert.equal(await things.createIndex({ a: 1, b: -1 }), 'a_1_b_-1');
  await things.createIndexes([
    { key: { email: 1 }, name: 'mail', unique: true },
    { key: { seen: 1 }, expireAfterSeconds: 3600 },
    { key: { n: 1 }, partialFilterExpression: { n: { $gt: 5 } } },
    { key: { s: 1 }, sparse: true },
  ]);
  assert.deepEqual(await things.indexes(), [
    { v: 2, key: { _id: 1 }, name: '_id_' },
    { v: 2, key: { a: 1, b: -1 }, name: 'a_1_b_-1' },
    { v: 2, key: { email: 1 }, name: 'mail', unique: true },
    { v: 2, key: { seen: 1 }, name: 'seen_1', expireAfterSeconds: 3600 },
    { v: 2, key: { n: 1 }, name: 'n_1', partialFilterExpression: { n: { $gt: 5 } } },
    { v: 2, key: { s: 1 }, name: 's_1', sparse: true },
  ]);
  await things.insertOne({ email: 'a@b.c' });
  await assert.rejects(things.insertOne({ email: 'a@b.c' }), (err) => {
    assert.equal(err.code, 11000);
    assert.deepEqual(err.errorResponse.keyPattern, { email: 1 });
    assert.deepEqual(err.errorResponse.keyValue, { email: 'a@b.c' });
    assert.equal(err.errorResponse.errmsg, 'E11000 duplicate key error collection: driver.things index: mail dup key: { email: "a@b.c" }');
    return true;
  });
  await fails(things.createIndex({ email: 1 }, { name: 'mail' }), 86);
  await fails(things.createIndex({ a: 1, b: -1 }, { name: 'other' }), 85);
  await fails(things.dropIndex('none'), 27, /index not found with name \[none\]/);
  await fails(things.dropIndex('_id_'), 72, /cannot drop _id index/);
  await things.dropIndex('mail');
  await things.insertOne({ email: 'a@b.c' });
  await fails(things.createIndex({ email: 1 }, { unique: true }), 11000);
  await things.dropIndexes();
  assert.equal((await things.indexes()).length, 1);
});

test('cursors over many batches', async () => {
  await things.insertMany(range(10000, (i) => ({ _id: i, even: i % 2 === 0, back: -i })));
  const seen = [];
  let batches = 0;
  const count = (event) => { batches += event.commandName === 'getMore' ? 1 : 0; };
  client.on('commandStarted', count);
  for await (const doc of things.find({}, { batchSize: 100, sort: { back: 1 } })) seen.push(doc._id);
  client.off('commandStarted', count);
  assert.deepEqual(seen, range(10000, (i) => 9999 - i));
  assert.ok(batches >= 99, `${batches} getMore for 100 batches`);
  assert.deepEqual(await ids(things.find({ even: true }).sort({ _id: 1 }).skip(4000).limit(250).batchSize(100)), range(250, (i) => 8000 + 2 * i));
  assert.deepEqual(await ids(things.find({}).sort({ even: 1, _id: -1 }).limit(3)), [9999, 9997, 9995]);
  assert.equal((await things.aggregate([{ $match: { even: true } }], { batchSize: 100 }).toArray()).length, 5000);

  const killed = things.find({}, { batchSize: 100 });
  await killed.next();
  const id = killed.id;
  assert.ok(!id.isZero());
  await killed.close();
  await fails(db.command({ getMore: id, collection: 'things' }), 43, /cursor id \d+ not found/);
  const single = await db.command({ find: 'things', batchSize: 10, singleBatch: true });
  assert.ok(single.cursor.firstBatch.length === 10 && single.cursor.id.toString() === '0');
});

test('bulk writes', async () => {
  const result = await things.bulkWrite([
    { insertOne: { document: { _id: 1, n: 1 } } },
    { updateOne: { filter: { _id: 2 }, update: { $set: { n: 2 } }, upsert: true } },
    { updateMany: { filter: {}, update: { $inc: { n: 1 } } } },
    { replaceOne: { filter: { _id: 3 }, replacement: { n: 3 }, upsert: true } },
    { deleteOne: { filter: { _id: 1 } } },
  ]);
  assert.deepEqual([result.insertedCount, result.matchedCount, result.modifiedCount, result.deletedCount, result.upsertedCount], [1, 2, 2, 1, 2]);
  assert.deepEqual(result.upsertedIds, { 1: 2, 3: 3 });

  const docs = [{ _id: 10 }, { _id: 2 }, { _id: 11 }, { _id: 3 }, { _id: 12 }];
  const indexes = (err) => err.writeErrors.map((e) => [e.index, e.code]);
  await assert.rejects(things.insertMany(docs), (err) => (assert.deepEqual(indexes(err), [[1, 11000]]), true));
  assert.equal(await things.countDocuments({ _id: { $gte: 10 } }), 1);
  await things.deleteMany({ _id: { $gte: 10 } });
  await assert.rejects(things.insertMany(docs, { ordered: false }), (err) => {
    assert.deepEqual(indexes(err), [[1, 11000], [3, 11000]]);
    assert.equal(err.result.insertedCount, 3);
    return true;
  });
  assert.equal(await things.countDocuments({ _id: { $gte: 10 } }), 3);
});

test('findAndModify', async () => {
  await things.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }, { _id: 3, n: 3 }]);
  assert.deepEqual(await things.findOneAndUpdate({}, { $inc: { n: 10 } }, { sort: { n: -1 } }), { _id: 3, n: 3 });
  assert.deepEqual(await things.findOneAndUpdate({ _id: 3 }, { $inc: { n: 10 } }, { returnDocument: 'after', projection: { _id: 0 } }), { n: 23 });
  assert.deepEqual(await things.findOneAndReplace({ _id: 1 }, { x: 1 }, { returnDocument: 'after' }), { _id: 1, x: 1 });
  assert.deepEqual(await things.findOneAndDelete({ _id: 2 }), { _id: 2, n: 2 });
  assert.equal(await things.findOneAndUpdate({ _id: 9 }, { $set: { n: 1 } }), null);
  const { lastErrorObject, value } = await things.findOneAndUpdate({ _id: 9 }, { $set: { n: 9 } },
    { upsert: true, returnDocument: 'after', includeResultMetadata: true });
  assert.deepEqual(lastErrorObject, { n: 1, updatedExisting: false, upserted: 9 });
  assert.deepEqual(value, { _id: 9, n: 9 });
});

const updates = [
  ['$set, $unset', { a: 1, b: 1 }, { $set: { 'c.d': 1 }, $unset: { b: '' } }, { a: 1, c: { d: 1 } }],
  ['$inc, $mul', { a: 1, b: 2 }, { $inc: { a: 2, z: 1 }, $mul: { b: 2.5 } }, { a: 3, b: 5, z: 1 }],
  ['$min, $max', { a: 5, b: 5 }, { $min: { a: 3 }, $max: { b: 9 } }, { a: 3, b: 9 }],
  ['$rename', { a: 1 }, { $rename: { a: 'b.c' } }, { b: { c: 1 } }],
  ['$push', { a: [1] }, { $push: { a: 2 } }, { a: [1, 2] }],
  ['$push with modifiers', { a: [3, 1] }, { $push: { a: { $each: [2, 5], $sort: -1, $slice: 3 } } }, { a: [5, 3, 2] }],
  ['$push at a position', { a: [1, 4] }, { $push: { a: { $each: [2, 3], $position: 1 } } }, { a: [1, 2, 3, 4] }],
  ['$addToSet', { a: [1, 2] }, { $addToSet: { a: { $each: [2, 3] } } }, { a: [1, 2, 3] }],
  ['$pop', { a: [1, 2, 3], b: [1, 2] }, { $pop: { a: 1, b: -1 } }, { a: [1, 2], b: [2] }],
  ['$pull, $pullAll', { a: [1, 5, 9], b: [1, 2, 1] }, { $pull: { a: { $gte: 5 } }, $pullAll: { b: [1] } }, { a: [1], b: [2] }],
  ['$bit', { a: 13 }, { $bit: { a: { and: 10 } } }, { a: 8 }],
  ['every element', { a: [1, 2] }, { $inc: { 'a.$[]': 10 } }, { a: [11, 12] }],
  ['array filters', { a: [{ n: 1 }, { n: 7 }, { n: 9 }] }, { $set: { 'a.$[big].n': 0 } }, { a: [{ n: 1 }, { n: 0 }, { n: 0 }] },
    { arrayFilters: [{ 'big.n': { $gt: 5 } }] }],
  ['the matched element', { a: [4, 5, 6] }, { $set: { 'a.$': 0 } }, { a: [4, 0, 6] }, {}, { a: 5 }],
];
for (const [name, document, update, want, options = {}, filter = {}] of updates) {
  test(`update: ${name}`, async () => {
    await things.insertOne({ _id: 1, ...document });
    await things.updateOne({ _id: 1, ...filter }, update, options);
    assert.deepEqual(await things.findOne({}, { projection: { _id: 0 } }), want);
  });
}

test('$currentDate and $setOnInsert', async () => {
  await things.updateOne({ _id: 1 }, { $setOnInsert: { first: true }, $currentDate: { at: true, stamp: { $type: 'timestamp' } } }, { upsert: true });
  const doc = await things.findOne({ _id: 1 });
  assert.ok(doc.first && doc.at instanceof Date && doc.stamp instanceof Timestamp);
});

test('aggregation, count and distinct', async () => {
  await things.insertMany(range(100, (i) => ({ _id: i, kind: 'abc'[i % 3], n: i, tags: [i % 2, i % 5] })));
  assert.deepEqual(await things.aggregate([
    { $match: { n: { $lt: 90 } } },
    { $group: { _id: '$kind', total: { $sum: '$n' }, count: { $sum: 1 }, least: { $min: '$n' }, most: { $max: '$n' } } },
    { $sort: { _id: 1 } },
    { $skip: 1 },
    { $limit: 1 },
  ]).toArray(), [{ _id: 'b', total: 1335, count: 30, least: 1, most: 88 }]);
  assert.deepEqual(await things.aggregate([{ $match: { kind: 'a' } }, { $count: 'n' }]).toArray(), [{ n: 34 }]);
  assert.deepEqual(await things.aggregate([{ $sort: { n: -1 } }, { $limit: 1 }, { $project: { _id: 0, n: 1 } }]).toArray(), [{ n: 99 }]);
  assert.equal(await things.countDocuments({ tags: 4 }), 20);
  assert.equal(await things.countDocuments({}, { skip: 10, limit: 50 }), 50);
  assert.equal(await things.estimatedDocumentCount(), 100);
  assert.deepEqual(await things.distinct('kind'), ['a', 'b', 'c']);
  assert.deepEqual(await things.distinct('tags', { n: { $lt: 4 } }), [0, 1, 2, 3]);
});

test('stages of an aggregation', async () => {
  await things.insertMany([{ _id: 1, tags: ['x', 'y'], n: 1 }, { _id: 2, tags: ['y'], n: 4 }, { _id: 3, tags: [], n: 9 }]);
  const gives = async (want, ...stages) => assert.deepEqual(await things.aggregate(stages).toArray(), want);
  await gives([{ _id: 'y', count: 2 }, { _id: 'x', count: 1 }], { $unwind: '$tags' }, { $sortByCount: '$tags' });
  await gives([{ _id: null, mean: 14 / 3 }], { $group: { _id: null, mean: { $avg: '$n' } } });
  await gives([{ _id: 0, count: 2 }, { _id: 5, count: 1 }], { $bucket: { groupBy: '$n', boundaries: [0, 5, 10] } });
  await gives([{ _id: 1, twice: 2 }], { $match: { _id: 1 } }, { $set: { twice: { $multiply: ['$n', 2] } } }, { $unset: ['tags', 'n'] });
  await gives([], { $out: 'copy' });
  await gives([], { $match: { _id: 1 } }, { $set: { n: 100 } }, { $merge: 'copy' });
  assert.deepEqual(await db.collection('copy').find({}, { projection: { n: 1 }, sort: { _id: 1 } }).toArray(),
    [{ _id: 1, n: 100 }, { _id: 2, n: 4 }, { _id: 3, n: 9 }]);
  await gives([{ n: 6 }], { $unionWith: 'copy' }, { $count: 'n' });
  await gives([{ _id: 2, copies: [{ n: 4 }] }], { $match: { _id: 2 } },
    { $lookup: { from: 'copy', localField: '_id', foreignField: '_id', as: 'copies' } }, { $project: { 'copies.n': 1 } });
  await gives([{ all: [{ n: 3 }], big: [{ _id: 3 }] }],
    { $facet: { all: [{ $count: 'n' }], big: [{ $match: { n: { $gt: 5 } } }, { $project: { _id: 1 } }] } });
  await gives([{ id: 3 }], { $match: { _id: 3 } }, { $replaceRoot: { newRoot: { id: '$_id' } } });
  assert.equal((await things.aggregate([{ $sample: { size: 2 } }]).toArray()).length, 2);
  assert.equal((await things.updateMany({}, [{ $set: { size: { $size: '$tags' } } }])).modifiedCount, 3);
  assert.deepEqual((await things.distinct('size')).sort(), [0, 1, 2]);
});

test('views, validators and names', async () => {
  await things.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }]);
  const large = await db.createCollection('large', { viewOn: 'things', pipeline: [{ $match: { n: { $gt: 1 } } }] });
  assert.deepEqual(await large.find().toArray(), [{ _id: 2, n: 2 }]);
  await fails(large.insertOne({}), 166);
  const checked = await db.createCollection('checked', { validator: { n: { $type: 'int' } } });
  await fails(checked.insertOne({ n: 'text' }), 121, /^Document failed validation$/);
  await checked.insertOne({ n: 1 });
  await checked.rename('renamed');
  assert.equal(await db.collection('renamed').countDocuments(), 1);
  assert.equal(await checked.countDocuments(), 0);
  await fails(things.rename('renamed'), 48);
  await things.rename('renamed', { dropTarget: true });
  assert.equal(await db.collection('renamed').countDocuments(), 2);
});

test('a tailable cursor waits for what comes', async () => {
  const ring = await db.createCollection('ring', { capped: true, size: 4096, max: 3 });
  await ring.insertMany(range(5, (i) => ({ _id: i })));
  const cursor = ring.find({}, { tailable: true, awaitData: true, maxAwaitTimeMS: 5000 });
  const seen = [];
  for (let i = 0; i < 3; i++) seen.push((await cursor.next())._id);
  assert.deepEqual(seen, [2, 3, 4]);
  const next = cursor.next();
  await ring.insertOne({ _id: 5 });
  assert.deepEqual(await next, { _id: 5 });
  await cursor.close();
  await fails(things.insertOne({}).then(() => things.find({}, { tailable: true }).next()), 2, /tailable cursor requested on non capped collection/);
});

test('currentOp shows itself, with the name of the client', () => withClient(uri, { appName: 'looker' }, async (other) => {
  const { inprog } = await other.db('admin').command({ currentOp: 1 });
  assert.ok(inprog.some((op) => op.active && op.appName === 'looker'), JSON.stringify(inprog));
  const staged = await other.db('admin').aggregate([{ $currentOp: {} }]).toArray();
  assert.ok(staged.some((op) => op.appName === 'looker' && op.command?.aggregate === 1));
}));

test('what Compass asks when it starts', async () => {
  await things.insertMany(range(20, (i) => ({ _id: i })));
  const admin = db.admin();
  assert.ok((await admin.command({ hostInfo: 1 })).os.type);
  assert.match((await admin.command({ buildInfo: 1 })).version, /^7\.0\./);
  const { featureCompatibilityVersion } = await admin.command({ getParameter: 1, featureCompatibilityVersion: 1 });
  assert.equal(featureCompatibilityVersion.version, '7.0');
  const { authInfo } = await admin.command({ connectionStatus: 1, showPrivileges: true });
  assert.ok(Array.isArray(authInfo.authenticatedUserPrivileges));
  const { databases } = await admin.command({ listDatabases: 1, nameOnly: true, authorizedDatabases: true });
  assert.ok(databases.some((d) => d.name === 'driver'));
  const collections = await db.listCollections({}, { nameOnly: false, authorizedCollections: true }).toArray();
  assert.deepEqual(collections.map((c) => [c.name, c.type]), [['things', 'collection']]);
  const [stats] = await things.aggregate([{ $collStats: { storageStats: {}, count: {} } }]).toArray();
  assert.deepEqual([stats.ns, stats.count, Number(stats.storageStats.count), stats.storageStats.capped], ['driver.things', 20, 20, false]);
  const [index] = await things.aggregate([{ $indexStats: {} }]).toArray();
  assert.deepEqual([index.name, index.key], ['_id_', { _id: 1 }]);
  assert.ok(index.accesses.since instanceof Date);
  assert.equal((await things.aggregate([{ $sample: { size: 10 } }]).toArray()).length, 10);
  const running = await client.db('admin').aggregate([{ $currentOp: { allUsers: true, idleConnections: false } }, { $match: { active: true } }]).toArray();
  assert.ok(running.length > 0);
  await fails(admin.command({ top: 1 }), 238, /top is not supported/);
});

test('explain shows the index and what was examined', async () => {
  await things.insertMany(range(1000, (i) => ({ _id: i, room: i % 10, n: i })));
  await things.createIndex({ room: 1, n: -1 });
  const plan = await things.find({ room: 3 }).sort({ n: -1 }).limit(5).explain('executionStats');
  const stages = [];
  for (let s = plan.queryPlanner.winningPlan; s; s = s.inputStage) stages.push(s.stage);
  assert.ok(stages.includes('IXSCAN') && !stages.includes('SORT') && !stages.includes('COLLSCAN'), stages.join());
  assert.equal(plan.executionStats.nReturned, 5);
  assert.equal(plan.executionStats.totalKeysExamined, 5);
  assert.equal(plan.executionStats.totalDocsExamined, 5);
  const scan = await things.find({ other: 1 }).explain('executionStats');
  assert.equal(scan.queryPlanner.winningPlan.stage, 'COLLSCAN');
  assert.equal(scan.executionStats.totalDocsExamined, 1000);
  const grouped = await things.aggregate([{ $match: { room: 3 } }, { $group: { _id: '$room' } }]).explain();
  assert.match(JSON.stringify(grouped), /"indexName":"room_1_n_-1"/);
});

test('errors have their codes', async () => {
  await things.insertOne({ _id: 1, a: [1], s: 'x' });
  await fails(things.insertOne({ _id: 1 }), 11000);
  await fails(things.findOne({ a: { $nope: 1 } }), 2, /unknown operator: \$nope/);
  await fails(things.findOne({ $nope: 1 }), 2, /unknown top level operator: \$nope/);
  await fails(things.updateOne({}, { $nope: { a: 1 } }), 9, /Unknown modifier: \$nope/);
  await fails(things.updateOne({ _id: 1 }, { $set: { _id: 2 } }), 66, /immutable field '_id'/);
  await fails(things.updateOne({ _id: 1 }, { $inc: { s: 1 } }), 14, /non-numeric/);
  await fails(things.updateOne({ _id: 1 }, { $set: { x: 1, 'x.y': 1 } }), 40);
  await fails(things.aggregate([{ $nope: {} }]).toArray(), 40324, /Unrecognized pipeline stage name: '\$nope'/);
  await fails(db.command({ nope: 1 }), 59, /no such command: 'nope'/);
  await fails(db.command({ find: 'things', nope: 1 }), 40415, /BSON field '.*\.nope' is an unknown field/);
  await fails(db.command({ find: 7 }), 73);
  await fails(db.command({ listDatabases: 1 }), 13, /may only be run against the admin database/);
  await db.createCollection('things');
  await fails(db.createCollection('things', { capped: true, size: 4096 }), 48, /already exists, but with different options/);
  await fails(things.findOne({ $where: 'true' }), 2);
  await fails(things.insertOne({ _id: [1] }), 53, /The '_id' value cannot be of type array/);
});

test('sessions, and what a standalone server refuses', async () => {
  await things.insertOne({ _id: 1 });
  await client.withSession({ causalConsistency: true }, async (session) => {
    await things.updateOne({ _id: 1 }, { $set: { n: 1 } }, { session });
    assert.deepEqual(await things.findOne({ _id: 1 }, { session }), { _id: 1, n: 1 });
    session.startTransaction();
    await assert.rejects(things.insertOne({ _id: 2 }, { session }), (err) => {
      // The driver puts its own words before the server's.
      assert.equal(err.originalError.code, 20);
      assert.match(err.originalError.errmsg, /^Transaction numbers are only allowed on a replica set member or mongos$/);
      return true;
    });
    await session.abortTransaction();
  });
  assert.equal(await things.countDocuments({}), 1);
  const changes = things.watch();
  await fails(changes.next(), 40573, /only supported on replica sets/);
  await changes.close();
});

test('a standalone server gets no transaction numbers', async () => {
  const numbered = [];
  const note = ({ commandName, command }) => { if (command.txnNumber !== undefined) numbered.push(commandName); };
  client.on('commandStarted', note);
  await things.insertOne({ _id: 1 });
  client.off('commandStarted', note);
  assert.deepEqual(numbered, []);
  const hello = await db.command({ hello: 1 });
  assert.equal(hello.isWritablePrimary, true);
  assert.equal(hello.setName, undefined);
});

for (const [compressors, want] of [[['snappy'], 2012], [['zlib'], 2012], [['snappy', 'zlib'], 2012], [undefined, 2013]]) {
  test(`a client that offers ${compressors ?? 'no compression'}`, () => received(async (proxied, opcodes) => {
    await withClient(proxied, { compressors, directConnection: true, maxPoolSize: 1 }, async (other) => {
      const text = 'compressible '.repeat(50000);
      const coll = other.db('driver').collection('things');
      await coll.insertMany(range(5, (i) => ({ _id: i, text })));
      opcodes.clear();
      const docs = await coll.find({}).toArray();
      assert.ok(docs.length === 5 && docs.every((doc) => doc.text === text));
      assert.ok(opcodes.has(want), `replies have the opcodes ${[...opcodes]}`);
    });
  }));
}

test('hello names the compressors that both have', async () => {
  for (const [offered, named] of [[['snappy', 'zlib', 'zstd'], ['snappy', 'zlib', 'zstd']], [['zstd', 'none'], ['zstd']], [['none'], undefined]]) {
    assert.deepEqual((await db.command({ hello: 1, compression: offered })).compression, named);
  }
});

test('GridFS keeps a file of 3 MB', async () => {
  const bucket = new GridFSBucket(db);
  const content = randomBytes(3 << 20);
  const upload = bucket.openUploadStream('file.bin', { metadata: { by: 'test' } });
  upload.end(content);
  await finished(upload);
  const parts = await bucket.openDownloadStreamByName('file.bin').toArray();
  assert.ok(Buffer.concat(parts).equals(content));
  const part = await bucket.openDownloadStream(upload.id, { start: 300000, end: 600000 }).toArray();
  assert.ok(Buffer.concat(part).equals(content.subarray(300000, 600000)));
  const [file] = await bucket.find({ filename: 'file.bin' }).toArray();
  assert.deepEqual([file.length, file.metadata], [3 << 20, { by: 'test' }]);
  await bucket.delete(upload.id);
  assert.equal(await db.collection('fs.chunks').countDocuments({}), 0);
});

test('databases and collections', async () => {
  await db.createCollection('empty');
  await things.insertOne({});
  assert.deepEqual((await db.listCollections({}, { nameOnly: true }).toArray()).map((c) => c.name).sort(), ['empty', 'things']);
  const [info] = await db.listCollections({ name: 'things' }).toArray();
  assert.equal(info.type, 'collection');
  assert.equal(info.info.readOnly, false);
  assert.deepEqual(info.idIndex, { v: 2, key: { _id: 1 }, name: '_id_' });
  assert.ok((await db.admin().listDatabases({ nameOnly: true })).databases.some((d) => d.name === 'driver'));
  assert.equal((await db.stats()).collections, 2);
  await db.collection('empty').drop();
  assert.deepEqual((await db.listCollections().toArray()).map((c) => c.name), ['things']);
});

test('authentication', { skip: !new URL(uri).password && 'the server asks for none' }, async () => {
  const wrong = new URL(uri);
  wrong.password = 'wrong';
  await fails(withClient(wrong.href, {}, (c) => c.db('driver').command({ ping: 1 })), 18, /^Authentication failed\.$/);
  const none = new URL(uri);
  none.username = none.password = '';
  await fails(withClient(none.href, {}, (c) => c.db('driver').collection('things').findOne({})), 13, /Command find requires authentication/);
  const { authInfo } = await db.command({ connectionStatus: 1 });
  assert.deepEqual(authInfo.authenticatedUsers, [{ user: decodeURIComponent(new URL(uri).username), db: 'admin' }]);
});
