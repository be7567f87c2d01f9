import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvariantError, type Command, type SeedStock } from '@trireme/domain';
import { KEY_LIFETIME_MS, type Book } from './book.js';
import { IdempotencyIndex } from './idempotency-index.js';
import { isSeeded, type BookEntry } from './state.js';
import { FILLED, LIFE, NONE, REJECTED, TOO_MANY, buy, entry, seedEntry } from '../testing/batches.js';
import { MemoryStore } from '../testing/memory-store.js';

const NOOP = new Uint8Array();

function noop(index: number): BookEntry {
  return { index, batch: null, bytes: NOOP };
}

/** Applies each group in one call. */
function applied(...groups: readonly (readonly BookEntry[])[]): { store: MemoryStore; book: Book } {
  const store = new MemoryStore();
  const book = store.open();
  for (const group of groups) store.apply(book, group);
  return { store, book };
}

/**
 * Applies one entry at a time, then every split into two applies, and asserts that the records are the same.
 */
function appliedAnyWay(entries: readonly BookEntry[]): { store: MemoryStore; book: Book } {
  const single = applied(...entries.map((one) => [one]));
  for (let cut = 0; cut < entries.length; cut += 1) {
    const { store } = applied(entries.slice(0, cut), entries.slice(cut));
    assert.equal(store.contents, single.store.contents, `the split at ${cut} changes the book`);
  }
  return single;
}

function assertBroken(call: () => unknown, message: RegExp): void {
  assert.throws(call, (error: unknown) => error instanceof InvariantError && message.test(error.message));
}

test('apply decides a batch and numbers its fills densely, in log order', () => {
  const { store, book } = appliedAnyWay([
    seedEntry(1),
    entry(2, [buy('a'), buy('b', TOO_MANY), buy('c')]),
    noop(3),
    entry(4, [buy('d')]),
  ]);
  assert.equal(
    [...store.orders.values()].map(({ number, index }) => [number, index]),
    [
      [1, 2],
      [2, 2],
      [3, 4],
    ],
  );
  assert.equal(store.orders.get(1), {
    number: 1,
    name: 'A',
    type: 'buy',
    quantity: 1,
    price: 500,
    time: 1000,
    index: 2,
  });
  const { applied: index, orders, keys, lastIndex, lastSeq, stocks } = book.meta;
  assert.equal([index, orders, keys, lastIndex, lastSeq, stocks], [4, 3, 4, 4, 2, 1]);
  assert.equal(store.batches.get(1)?.outcomes, [FILLED, REJECTED, FILLED]);
  assert.equal([...store.stocks.values()], [{ name: 'A', price: 500, quantity: 99_997, version: 4 }]);
});

test('apply returns the decided batches with their sequence numbers', () => {
  const store = new MemoryStore();
  const book = store.open();
  const [first, second, ...others] = store.apply(book, [
    seedEntry(1),
    entry(2, [buy('a'), buy('b', TOO_MANY)], { time: 7000 }),
    entry(3, [buy('a')]),
    entry(4, [buy('a'), buy('c')]),
  ]);
  assert.equal(others, [], 'a batch of known keys is not returned');
  assert.equal([first?.seq, first?.index, first?.skip], [1, 2, []]);
  assert.equal([first?.time, first?.firstNumber, first?.outcomes], [7000, 1, [FILLED, REJECTED]]);
  assert.equal([second?.seq, second?.index, second?.skip], [2, 4, [0]]);
  assert.equal([second?.time, second?.firstNumber, second?.outcomes], [7000, 2, [NONE, FILLED]]);
  assert.is(second?.hash, book.meta.hash);
  const again = store.open();
  assert.equal(
    store.apply(again, [entry(5, [buy('d')])]).map(({ seq, firstNumber }) => [seq, firstNumber]),
    [[3, 3]],
    'also after a restart',
  );
});

test('apply numbers listings and restocks separately from orders', () => {
  const list: Command = { kind: 'list', key: 'l', name: 'N', price: 900 };
  const restock: Command = { kind: 'restock', key: 'r', name: 'N', quantity: 5 };
  const { store, book } = appliedAnyWay([
    seedEntry(1),
    entry(2, [list, buy('b'), restock, { ...restock, key: 'r2', name: 'M' }]),
  ]);
  assert.equal(
    [...store.changes.values()],
    [
      { change: 1, index: 2, kind: 'list', name: 'N', amount: 900 },
      { change: 2, index: 2, kind: 'restock', name: 'N', amount: 5 },
    ],
  );
  assert.equal([book.meta.changes, book.meta.orders, book.meta.stocks], [2, 1, 2]);
  assert.equal(store.stocks.get('N'), { name: 'N', price: 900, quantity: 5, version: 2 });
  assert.equal(store.batches.get(1)?.outcomes[3], { kind: 'rejected', reason: 'STOCK_NOT_FOUND' });
});

test('apply skips a used key, whether from the same batch, the same apply or the book', () => {
  const { book, store } = appliedAnyWay([
    seedEntry(1),
    entry(2, [buy('a'), buy('a', 2), buy('b')]),
    entry(3, [buy('b'), buy('c')]),
    entry(4, [buy('a'), buy('c')]),
  ]);
  assert.equal(
    [...store.batches.values()].map(({ skip }) => skip),
    [[1], [0]],
  );
  assert.equal([book.meta.keys, book.meta.orders, book.meta.lastSeq, book.meta.lastIndex], [3, 3, 2, 3]);
  assert.is(store.stocks.get('A')?.quantity, 99_997, 'a skipped command does not change the stock');
});

test('visibleOrders follows the log: it never falls, and never exceeds the filled orders', () => {
  const { book } = appliedAnyWay([
    seedEntry(1),
    entry(2, [buy('a'), buy('b')]),
    entry(3, [], { visibleOrders: 2 }),
    entry(4, [buy('c')], { visibleOrders: 1 }),
  ]);
  assert.equal([book.meta.visibleOrders, book.meta.orders], [2, 3]);
  // A batch cannot call its own orders visible.
  assertBroken(
    () => applied([seedEntry(1), entry(2, [buy('a')], { visibleOrders: 1 })]),
    /entry 2 calls 1 orders visible, but only 0 are filled/,
  );
});

const TWO: readonly SeedStock[] = [
  { name: 'A', price: 500, quantity: 100 },
  { name: 'B', price: 600, quantity: 7 },
];
const OTHER = 'b0'.repeat(8);

test('a seed is complete with its last part, and its hash does not depend on the parts', () => {
  const [a, b] = TWO.map((stock) => [stock]);
  const { book, store } = appliedAnyWay([
    seedEntry(1, a, { parts: 2 }),
    noop(2),
    seedEntry(3, b, { part: 1, parts: 2 }),
  ]);
  assert.equal([book.meta.life, book.meta.seedApplied, book.meta.seedParts], [LIFE, 2, 2]);
  assert.equal(
    [...store.stocks.values()],
    TWO.map((stock) => ({ ...stock, version: 0 })),
  );
  assert.is(book.meta.seedHash, applied([seedEntry(1, TWO)]).book.meta.seedHash, 'for any split into parts');
  assert.is.not(book.meta.seedHash, applied([seedEntry(1, a)]).book.meta.seedHash);
  assert.equal(
    [isSeeded(book.meta), isSeeded(applied([seedEntry(1, a, { parts: 2 })]).book.meta)],
    [true, false],
  );
  assert.is(
    applied([seedEntry(1, a, { parts: 2 })]).book.meta.seedHash,
    '',
    'empty before the seed is complete',
  );
});

test('an interrupted seed is replaced by part 0 of another life', () => {
  const { book, store } = appliedAnyWay([
    seedEntry(1, [{ name: 'OLD', price: 1, quantity: 1 }, ...TWO], { life: OTHER, parts: 2 }),
    // The seed of the new leader, and a late part of the previous leader's seed.
    seedEntry(2, TWO.slice(0, 1), { parts: 2 }),
    seedEntry(3, [{ name: 'LATE', price: 1, quantity: 1 }], { life: OTHER, part: 1, parts: 2 }),
    seedEntry(4, TWO.slice(1), { part: 1, parts: 2 }),
  ]);
  assert.equal([...store.stocks.keys()].sort(), ['A', 'B']);
  assert.equal([book.meta.life, book.meta.stocks, isSeeded(book.meta)], [LIFE, 2, true]);
});

test('a seed part that is repeated or out of order is ignored', () => {
  const parts = TWO.map((stock, part) => ({ stocks: [stock], part, parts: 2 }));
  const at = (index: number, part: number): BookEntry =>
    seedEntry(index, parts[part]?.stocks ?? [], { part, parts: 2 });
  const { book } = appliedAnyWay([at(1, 1), at(2, 0), at(3, 1), at(4, 1), at(5, 0)]);
  assert.equal([book.meta.stocks, book.meta.seedApplied, book.meta.applied], [2, 2, 5]);
});

test('a seed after a complete one is ignored', () => {
  const { book, store } = appliedAnyWay([
    seedEntry(1, TWO),
    entry(2, [buy('a', 9)]),
    seedEntry(3, [{ name: 'X', price: 1, quantity: 1 }], { life: OTHER }),
  ]);
  const { seedHash, hash } = applied([seedEntry(1, TWO), entry(2, [buy('a', 9)])]).book.meta;
  assert.equal([book.meta.life, book.meta.seedHash, book.meta.hash], [LIFE, seedHash, hash]);
  assert.equal(
    [...store.stocks.values()].map(({ quantity }) => quantity),
    [91, 7],
  );
});

test('a replica restarted in the middle of the seed continues it, and accepts a new one', () => {
  const store = new MemoryStore();
  store.apply(store.open(), [seedEntry(1, TWO.slice(0, 1), { parts: 2 })]);
  assert.is(store.meta.seedApplied, 1);
  store.apply(store.open(), [
    seedEntry(2, [{ name: 'C', price: 5, quantity: 5 }], { life: OTHER, parts: 2 }),
  ]);
  assert.equal([...store.stocks.keys()], ['C']);
  store.apply(store.open(), [seedEntry(3, TWO.slice(1), { life: OTHER, part: 1, parts: 2 })]);
  const { life, stocks } = store.meta;
  assert.equal([life, stocks, isSeeded(store.meta), [...store.stocks.keys()]], [OTHER, 2, true, ['C', 'B']]);
  const book = store.open();
  store.apply(book, [entry(4, [{ ...buy('b'), name: 'B' }])]);
  assert.is(book.meta.orders, 1);
});

test('an empty seed is complete', () => {
  const { book } = appliedAnyWay([seedEntry(1, []), entry(2, [buy('a')])]);
  assert.equal([isSeeded(book.meta), book.meta.stocks, book.meta.orders, book.meta.keys], [true, 0, 0, 1]);
});

test('commands before the seed is complete violate an invariant', () => {
  assertBroken(() => applied([entry(1, [buy('a')])]), /entry 1 has commands before the seed is complete/);
  assertBroken(
    () => applied([seedEntry(1, TWO, { parts: 2 }), entry(2, [buy('a')])]),
    /entry 2 has commands before the seed is complete/,
  );
});

test('takeWrites returns all pending writes; only one write may be in flight', () => {
  const store = new MemoryStore();
  const book = store.open();
  assert.equal(book.takeWrites(), [], 'nothing was applied');
  book.apply([noop(1)]);
  assert.is(book.pendingWriteCount, 0);
  assert.equal(book.takeWrites(), [{ table: 'meta', value: { ...book.meta } }], 'the applied index');
  assertBroken(() => book.takeWrites(), /a write is already in flight/);
  book.apply([seedEntry(2), entry(3, [buy('a')])]);
  book.apply([entry(4, [buy('b')])]);
  book.onWritten();
  assert.is(book.pendingWriteCount, 7);
  const writes = book.takeWrites();
  // A stock that several batches change is written once.
  assert.equal(
    writes.map(({ table }) => table),
    ['key', 'order', 'batch', 'key', 'order', 'batch', 'stock', 'meta'],
  );
  book.onWritten();
});

test('the hash differs for another seed, outcome, command or order of batches', () => {
  const hash = (...entries: BookEntry[]): string => applied(entries).book.meta.hash;
  const few = [{ name: 'A', price: 500, quantity: 1 }];
  const hashes = [
    hash(),
    hash(seedEntry(1)),
    hash(seedEntry(1, few)),
    hash(seedEntry(1), entry(2, [buy('a', 2)])),
    hash(seedEntry(1, few), entry(2, [buy('a', 2)])),
    hash(seedEntry(1), entry(2, [buy('b', 2)])),
    hash(seedEntry(1), entry(2, [buy('a')]), entry(3, [buy('b')])),
    hash(seedEntry(1), entry(2, [buy('b')]), entry(3, [buy('a')])),
  ];
  assert.is(new Set(hashes).size, hashes.length);
  // Entries without effect do not change the hash, nor does the log index of the others.
  assert.is(hash(seedEntry(1), noop(2), entry(3, []), entry(4, [buy('a', 2)])), hashes[3]);
});

test('the time of a batch never falls, whatever times leaders log', () => {
  const { store, book } = appliedAnyWay([
    seedEntry(1),
    entry(2, [buy('a')], { time: 5000 }),
    entry(3, [buy('b')], { time: 3000 }),
    entry(4, [], { time: 1 }),
  ]);
  assert.equal(
    [...store.orders.values()].map(({ time }) => time),
    [5000, 5000],
  );
  assert.is(book.meta.time, 5000);
});

test('a gap in the log violates an invariant', () => {
  assertBroken(() => applied([noop(2)]), /entry 2 applied after 0/);
  assertBroken(() => applied([noop(1), noop(1)]), /entry 1 applied after 1/);
});

test('keys expire with their batches by the age of the log; each new batch drops at most two', () => {
  const late = 1000 + KEY_LIFETIME_MS;
  const three = [
    seedEntry(1),
    ...[1, 2, 3].map((n) =>
      entry(n + 1, [buy(`k${n}`), buy(`k${n}`), buy(`l${n}`, TOO_MANY)], { age: 999 + n }),
    ),
  ];
  const early = appliedAnyWay([...three, entry(5, [buy('n1')], { age: late - 1 })]);
  assert.equal([early.book.meta.keys, early.book.meta.firstSeq, early.store.batches.size], [7, 1, 4]);
  const first = appliedAnyWay([...three, entry(5, [buy('n1')], { age: late })]);
  assert.equal([first.book.meta.keys, first.book.meta.firstSeq], [5, 2]);
  assert.equal([...first.store.keys.keys()].sort(), ['k2', 'k3', 'l2', 'l3', 'n1']);
  assert.equal([...first.store.batches.keys()], [2, 3, 4]);
  const both = appliedAnyWay([...three, entry(5, [buy('n1')], { age: late * 2 })]);
  assert.equal([both.book.meta.keys, both.book.meta.firstSeq, both.book.meta.orders], [3, 3, 4]);
  const all = appliedAnyWay([...three, entry(5, [buy('n1')], { age: late * 2 }), entry(6, [buy('n2')])]);
  assert.equal([all.book.meta.keys, all.book.meta.firstSeq], [2, 4]);
  assert.is(all.store.orders.size, 5, 'orders are never dropped');
});

test('keys do not expire by wall-clock time', () => {
  const { book } = appliedAnyWay([
    seedEntry(1),
    entry(2, [buy('a')]),
    entry(3, [buy('b')], { time: 1000 + KEY_LIFETIME_MS * 9 }),
    entry(4, [buy('a')], { time: 1000 + KEY_LIFETIME_MS * 9 }),
  ]);
  assert.equal([book.meta.keys, book.meta.firstSeq, book.meta.lastSeq], [2, 1, 2]);
});

test('an expired key makes a new order, also on a replica that applies days of entries at once', () => {
  const day = KEY_LIFETIME_MS * 2;
  const { store, book } = appliedAnyWay([
    seedEntry(1),
    entry(2, [buy('a')]),
    entry(3, [buy('b')], { age: day }),
    entry(4, [buy('a'), buy('b')], { age: day }),
  ]);
  assert.equal([book.meta.orders, book.meta.keys], [3, 2]);
  assert.equal(store.positionOf('a'), { seq: 3, position: 0 });
});

test('a retained batch that cannot be read violates an invariant', () => {
  const { store, book } = applied([seedEntry(1), entry(2, [buy('a')])]);
  store.batches.clear();
  // A reopened book, which has not read that batch yet.
  const again = store.open();
  assertBroken(
    () => again.apply([entry(3, [buy('b')], { age: KEY_LIFETIME_MS * 2 })]),
    /batch 1 is retained but/,
  );
  assert.is(book.meta.lastSeq, 1);
});

test('IdempotencyIndex.find returns command, outcome, order number and log index', () => {
  const { store } = applied([
    seedEntry(1),
    entry(2, [buy('x')]),
    entry(3, [buy('a'), buy('b', TOO_MANY), buy('c', 3)]),
  ]);
  const known = new IdempotencyIndex(store);
  assert.equal(known.find('c'), { command: buy('c', 3), index: 3, outcome: FILLED, number: 3 });
  assert.equal(known.find('b')?.outcome, REJECTED);
  assert.is(known.find('a')?.number, 2);
  assert.is(known.find('unknown'), null);
});

test('find on the book returns keys and batches that are not stored yet', () => {
  const { store, book } = applied([seedEntry(1), entry(2, [buy('a')])]);
  const known = new IdempotencyIndex(book);
  const found = ['a', 'b', 'c'].map((key) => () => known.find(key)?.number ?? null);
  const numbers = (): readonly (number | null)[] => found.map((find) => find());
  book.apply([entry(3, [buy('b')])]);
  const writes = book.takeWrites();
  book.apply([entry(4, [buy('c')])]);
  assert.equal(numbers(), [1, 2, 3], 'stored, in flight, pending');
  assert.equal([book.batch(2)?.index, book.batch(3)?.index, book.batch(4)], [3, 4, null]);
  store.write(writes);
  book.onWritten();
  assert.equal(numbers(), [1, 2, 3]);
});

test('find returns null for a key that expires during the read; a missing batch violates an invariant', () => {
  const { store } = applied([seedEntry(1), entry(2, [buy('a')])]);
  store.batches.delete(1);
  assertBroken(() => new IdempotencyIndex(store).find('a'), /belongs to a batch that is missing/);
  const expiringReader = {
    positionOf: (key: string) => store.positionOf(key),
    batch: (seq: number) => {
      store.keys.delete('a');
      return store.batch(seq);
    },
  };
  assert.is(new IdempotencyIndex(expiringReader).find('a'), null);
});

test('find decodes a batch once for all its keys, and caches a limited number of batches', () => {
  const entries = Array.from({ length: 40 }, (_, i) => entry(i + 2, [buy(`a${i}`), buy(`b${i}`)]));
  const { store } = applied([seedEntry(1), ...entries]);
  let reads = 0;
  const known = new IdempotencyIndex({
    positionOf: (key) => store.positionOf(key),
    batch: (seq) => {
      reads += 1;
      return store.batch(seq);
    },
  });
  for (let i = 0; i < 100; i += 1) assert.is(known.find(i % 2 === 0 ? 'a0' : 'b0')?.number, (i % 2) + 1);
  assert.is(reads, 1);
  for (let i = 0; i < 40; i += 1) known.find(`a${i}`);
  assert.is(known.find('b0')?.number, 2);
  assert.is(reads, 41);
});

test('the catalog set is that of the last entry that names one, and does not affect the hash', () => {
  const first = appliedAnyWay([seedEntry(1), entry(2, [buy('a')])]).book.meta;
  assert.equal([first.catalogs, first.catalogsIndex], [[], 0]);
  const { book } = appliedAnyWay([
    seedEntry(1),
    entry(2, [], { catalogs: ['catalog-1', 'catalog-2'] }),
    entry(3, []),
    entry(4, [], { catalogs: ['catalog-2'] }),
    noop(5),
  ]);
  assert.equal([book.meta.catalogs, book.meta.catalogsIndex], [['catalog-2'], 4]);
  assert.is(book.meta.hash, applied([seedEntry(1)]).book.meta.hash);
});

test.run();
