/** The rules together, with leaders, links and a catalog that fail at any moment. */
import { isDeepStrictEqual } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBatch, type Outcome } from '@trireme/domain';
import { IdempotencyIndex } from './idempotency-index.js';
import { MemoryStore } from './testing/memory-store.js';
import { seeded } from './testing/random.js';
import { decideOne, type ReferenceStocks } from './testing/reference-decisions.js';
import { toEntry } from './testing/world-members.js';
import { SEED, World } from './testing/world.js';

const RUNS = 600;
const STEPS = 1500;
const FRAMES = ['attach', 'authority', 'entry', 'lead', 'requestAuthority', 'revoked', 'snapshot', 'visible'];

function run(seed: number): World {
  const random = seeded(seed);
  const world = new World(random);
  for (let step = 0; step < STEPS; step += 1) world.step();
  world.heal();
  return world;
}

function checkBooks(world: World): void {
  const [first, ...others] = world.replicas.map(({ store }) => store);
  assert.ok(first);
  for (const other of others) assert.equal(other.contents, first.contents, 'books are equal');
  const { meta, orders } = first;
  assert.equal(
    [...orders.keys()],
    Array.from({ length: meta.orders }, (_, i) => i + 1),
    'numbers are dense from 1',
  );
  assert.is(meta.visibleOrders, meta.orders, 'every replica shows every order');
  const keys = [...first.batches.values()].flatMap(({ bytes, skip }) =>
    decodeBatch(bytes)
      .commands.filter((_, position) => !skip.includes(position))
      .map(({ key }) => key),
  );
  assert.is(new Set(keys).size, keys.length, 'a key makes one command');
  assert.is(meta.keys, keys.length);
}

/** Decides the whole log once more, in another way: outcomes, orders and stocks have to be those. */
function checkDecisions(world: World): void {
  const store = world.replicas[0]?.store;
  assert.ok(store);
  const stocks: ReferenceStocks = new Map(
    SEED.map(({ name, price, quantity }) => [name, { price, quantity }]),
  );
  const used = new Set<string>();
  const filled: unknown[] = [];
  const decided: unknown[] = [];
  for (const [at, bytes] of world.log.entries()) {
    const commands = bytes === null ? [] : decodeBatch(bytes).commands;
    const outcomes = commands.map((command): Outcome => {
      if (used.has(command.key)) return { kind: 'none' };
      used.add(command.key);
      const outcome = decideOne(stocks, command);
      if (outcome.kind === 'filled') filled.push([at + 1, command.kind, command.name, outcome.price]);
      return outcome;
    });
    if (outcomes.some(({ kind }) => kind !== 'none')) decided.push([at + 1, outcomes]);
  }
  assert.equal(
    [...store.batches.values()].map(({ index, outcomes }) => [index, outcomes]),
    decided,
  );
  assert.equal(
    [...store.orders.values()].map(({ index, type, name, price }) => [index, type, name, price]),
    filled,
  );
  assert.equal(
    [...store.stocks.values()].map(({ name, price, quantity }) => [name, price, quantity]).sort(),
    [...stocks].map(([name, { price, quantity }]) => [name, price, quantity]).sort(),
  );
  for (const { name, quantity } of store.stocks.values()) {
    assert.is(world.catalog.quantity(name), quantity, `what the catalog has of ${name}`);
    assert.ok(quantity >= 0);
  }
}

function checkAnswers(world: World): void {
  const store = world.replicas[0]?.store;
  assert.ok(store);
  const known = new IdempotencyIndex(store);
  assert.is(world.clients.pendingAnswers, 0, 'every attempt whose link stays is answered');
  for (const [key, verdict] of world.clients.told) {
    const found = known.find(key);
    assert.ok(found, `${key} was told and is in the book`);
    if (found.outcome.kind !== 'filled') {
      const { kind } = found.outcome;
      assert.is(verdict[0], kind);
      continue;
    }
    assert.equal(verdict, ['filled', found.number, found.outcome.price]);
    const order = store.orders.get(found.number);
    assert.is(order?.name, found.command.name);
    assert.is(order?.type, found.command.kind);
  }
  for (const [number, order] of world.read) {
    const booked = store.orders.get(number);
    assert.equal(booked, { ...order, index: booked?.index }, `order ${number} as it was read before`);
  }
  for (const { key, command, result } of world.clients.attempts) {
    const found = known.find(key);
    const others = world.clients.attempts.filter((other) => other.key === key);
    // The other command need not have come to anything.
    if (result?.[1] === 'keyReused')
      assert.ok(others.some((other) => !isDeepStrictEqual(other.command, command)));
    const isRefusedOnly = others.every((other) => other.result?.[1] === 'refused');
    if (isRefusedOnly) assert.is(found, null, 'what was only ever refused had no effect');
  }
}

test('whatever fails, one key makes one order with one number, and books, answers and stock agree', () => {
  const seen = new Set<unknown>();
  const frames = new Map<string, number>();
  let orders = 0;
  let read = 0;
  let sureReads = 0;
  let toldBesideCatalog = 0;
  for (let seed = 1; seed <= RUNS; seed += 1) {
    try {
      const world = run(seed);
      checkBooks(world);
      checkDecisions(world);
      checkAnswers(world);
      for (const { result } of world.clients.attempts) if (result !== null) seen.add(result[1]);
      for (const [frame, count] of world.frames) frames.set(frame, (frames.get(frame) ?? 0) + count);
      orders += world.replicas[0]?.store.meta.orders ?? 0;
      read += world.read.size;
      sureReads += world.sureReads;
      toldBesideCatalog += world.toldBesideCatalog;
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
  // A model that never gets anywhere would agree with itself as well.
  assert.ok(orders > RUNS * 5, `${orders} orders`);
  assert.ok(read > orders / 5, `${read} of ${orders} orders were read before a book had them`);
  assert.ok(
    toldBesideCatalog > RUNS * 2,
    `${toldBesideCatalog} outcomes told while the catalog held authority`,
  );
  assert.ok(sureReads > RUNS * 5, `${sureReads} reads of a confirmed leader`);
  for (const frame of FRAMES) {
    const count = frames.get(frame) ?? 0;
    assert.ok(count > RUNS / 20, `${count} times ${frame}`);
  }
  assert.equal([...seen].map(String).sort(), ['done', 'filled', 'keyReused', 'lost', 'refused', 'rejected']);
});

test('a book is the same however its log is cut into applies', () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const { log, replicas } = run(seed);
    const random = seeded(seed);
    const store = new MemoryStore();
    const book = store.open();
    for (let at = 0; at < log.length;) {
      const entries = log.slice(at, at + 1 + random.below(40));
      book.apply(entries.map((bytes, i) => toEntry(at + 1 + i, bytes)));
      at += entries.length;
      // Nor does it show how applies are gathered into writes.
      if (at < log.length && random.chance(0.5)) continue;
      store.write(book.takeWrites());
      book.written();
    }
    assert.equal(store.contents, replicas[0]?.store.contents);
  }
});

test.run();
