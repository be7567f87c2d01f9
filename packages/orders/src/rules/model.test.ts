/** The rules together, with leaders, links and a catalog that fail at any moment. */
import { isDeepStrictEqual } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeBatch } from '@trireme/domain';
import { Book } from './book.js';
import { KnownCommands } from './known.js';
import { MemoryStore } from './testing/memory-store.js';
import { seeded } from './testing/random.js';
import { toEntry } from './testing/world-members.js';
import { SEED, World } from './testing/world.js';

const RUNS = 600;
const STEPS = 1500;
const FRAMES = ['attach', 'begin', 'decide', 'decided', 'refused', 'replay', 'replayed', 'standing'];

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
  const { meta, orders, kept } = first;
  assert.equal(
    [...orders.keys()],
    Array.from({ length: meta.orders }, (_, i) => i + 1),
    'numbers are dense from 1',
  );
  assert.is(kept.size, meta.lastSeq, 'every batch is settled');
  const keys = [...first.batches.values()].flatMap(({ bytes, skip }) =>
    decodeBatch(bytes)
      .commands.filter((_, position) => !skip.includes(position))
      .map(({ key }) => key),
  );
  assert.is(new Set(keys).size, keys.length, 'a key makes one command');
  assert.is(meta.keys, keys.length);
}

function checkStock(world: World): void {
  const store = world.replicas[0]?.store;
  assert.ok(store);
  const quantities = new Map<string, number>(Object.entries(SEED));
  const add = (name: string, delta: number): unknown =>
    quantities.set(name, (quantities.get(name) ?? 0) + delta);
  for (const { type, name, quantity } of store.orders.values())
    add(name, type === 'buy' ? -quantity : quantity);
  for (const { kind, name, amount } of store.changes.values()) if (kind === 'restock') add(name, amount);
  for (const [name, quantity] of quantities) {
    assert.is(world.catalog.quantity(name), quantity, `seed + sells - buys + restocks of ${name}`);
    assert.ok(quantity >= 0);
  }
}

function checkAnswers(world: World): void {
  const store = world.replicas[0]?.store;
  assert.ok(store);
  const known = new KnownCommands(store);
  assert.is(world.clients.pendingAnswers, 0, 'every attempt is answered');
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
  let lost = 0;
  for (let seed = 1; seed <= RUNS; seed += 1) {
    try {
      const world = run(seed);
      checkBooks(world);
      checkStock(world);
      checkAnswers(world);
      for (const { result } of world.clients.attempts) seen.add(result?.[1]);
      for (const [frame, count] of world.frames) frames.set(frame, (frames.get(frame) ?? 0) + count);
      orders += world.replicas[0]?.store.meta.orders ?? 0;
      read += world.read.size;
      lost += world.lost;
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }
  // A model that never gets anywhere would agree with itself as well.
  assert.ok(orders > RUNS * 5, `${orders} orders`);
  assert.ok(read > orders / 2, `${read} of ${orders} orders were read before a book had them`);
  assert.ok(lost > RUNS, `${lost} batches were told and lost by the catalog`);
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
    const book = new Book(store, store.meta, []);
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
