import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvariantError, type Command, type SeedStock } from '@trireme/domain';
import { KEY_LIFETIME_MS, type Book } from './book.js';
import { IdempotencyIndex } from './idempotency-index.js';
import { isSeeded, type BookEntry } from './state.js';
import { FILLED, LIFE, NONE, REJECTED, TOO_MANY, buy, entry, seeding } from './testing/batches.js';
import { MemoryStore } from './testing/memory-store.js';

const NOOP = new Uint8Array();

function noop(index: number): BookEntry {
  return { index, batch: null, bytes: NOOP };
}

/** Applies each group in one go. */
function applied(...groups: readonly (readonly BookEntry[])[]): { store: MemoryStore; book: Book } {
  const store = new MemoryStore();
  const book = store.open();
  for (const group of groups) store.apply(book, group);
  return { store, book };
}

/** One entry at a time, and in every cut into two applies: the records must be the same. */
function appliedAnyWay(entries: readonly BookEntry[]): { store: MemoryStore; book: Book } {
  const single = applied(...entries.map((one) => [one]));
  for (let cut = 0; cut < entries.length; cut += 1) {
    const { store } = applied(entries.slice(0, cut), entries.slice(cut));
    assert.equal(store.contents, single.store.contents, `the cut at ${cut} shows in the book`);
  }
  return single;
}

function assertBroken(call: () => unknown, message: RegExp): void {
  assert.throws(call, (error: unknown) => error instanceof InvariantError && message.test(error.message));
}

test('what a batch becomes is decided when it is applied, and its fills are numbered densely, in log order', () => {
  const { store, book } = appliedAnyWay([
    seeding(1),
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

test('whoever applies a batch is told what was decided of it, and which batch came before it', () => {
  const store = new MemoryStore();
  const book = store.open();
  const [first, second, ...others] = store.apply(book, [
    seeding(1),
    entry(2, [buy('a'), buy('b', TOO_MANY)], { time: 7000 }),
    entry(3, [buy('a')]),
    entry(4, [buy('a'), buy('c')]),
  ]);
  assert.equal(others, [], 'a batch of known keys makes nothing');
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

test('listings and restocks that were done are numbered apart from orders', () => {
  const list: Command = { kind: 'list', key: 'l', name: 'N', price: 900 };
  const restock: Command = { kind: 'restock', key: 'r', name: 'N', quantity: 5 };
  const { store, book } = appliedAnyWay([
    seeding(1),
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

test('a key that was used before is skipped, in the batch, in the apply and in the book', () => {
  const { book, store } = appliedAnyWay([
    seeding(1),
    entry(2, [buy('a'), buy('a', 2), buy('b')]),
    entry(3, [buy('b'), buy('c')]),
    entry(4, [buy('a'), buy('c')]),
  ]);
  assert.equal(
    [...store.batches.values()].map(({ skip }) => skip),
    [[1], [0]],
  );
  assert.equal([book.meta.keys, book.meta.orders, book.meta.lastSeq, book.meta.lastIndex], [3, 3, 2, 3]);
  assert.is(store.stocks.get('A')?.quantity, 99_997, 'what is skipped moves no stock');
});

test('how many orders are visible is what the log says: it never falls, and never passes what is filled', () => {
  const { book } = appliedAnyWay([
    seeding(1),
    entry(2, [buy('a'), buy('b')]),
    entry(3, [], { visibleOrders: 2 }),
    entry(4, [buy('c')], { visibleOrders: 1 }),
  ]);
  assert.equal([book.meta.visibleOrders, book.meta.orders], [2, 3]);
  // A batch cannot call its own orders visible.
  assertBroken(
    () => applied([seeding(1), entry(2, [buy('a')], { visibleOrders: 1 })]),
    /entry 2 calls 1 orders visible, 0 are filled/,
  );
});

const TWO: readonly SeedStock[] = [
  { name: 'A', price: 500, quantity: 100 },
  { name: 'B', price: 600, quantity: 7 },
];
const OTHER = 'b0'.repeat(8);

test('a seed is complete with its last part, and says what it was made of', () => {
  const [a, b] = TWO.map((stock) => [stock]);
  const { book, store } = appliedAnyWay([
    seeding(1, a, { parts: 2 }),
    noop(2),
    seeding(3, b, { part: 1, parts: 2 }),
  ]);
  assert.equal([book.meta.life, book.meta.seedApplied, book.meta.seedParts], [LIFE, 2, 2]);
  assert.equal(
    [...store.stocks.values()],
    TWO.map((stock) => ({ ...stock, version: 0 })),
  );
  assert.is(
    book.meta.seedHash,
    applied([seeding(1, TWO)]).book.meta.seedHash,
    'however it is cut into parts',
  );
  assert.is.not(book.meta.seedHash, applied([seeding(1, a)]).book.meta.seedHash);
  assert.equal(
    [isSeeded(book.meta), isSeeded(applied([seeding(1, a, { parts: 2 })]).book.meta)],
    [true, false],
  );
  assert.is(applied([seeding(1, a, { parts: 2 })]).book.meta.seedHash, '', 'nothing before it is complete');
});

test('a seed that was interrupted begins again with part 0 of another life, and nothing of the first stays', () => {
  const { book, store } = appliedAnyWay([
    seeding(1, [{ name: 'OLD', price: 1, quantity: 1 }, ...TWO], { life: OTHER, parts: 2 }),
    // What the leader before had under way, and a part of it that came too late.
    seeding(2, TWO.slice(0, 1), { parts: 2 }),
    seeding(3, [{ name: 'LATE', price: 1, quantity: 1 }], { life: OTHER, part: 1, parts: 2 }),
    seeding(4, TWO.slice(1), { part: 1, parts: 2 }),
  ]);
  assert.equal([...store.stocks.keys()].sort(), ['A', 'B']);
  assert.equal([book.meta.life, book.meta.stocks, isSeeded(book.meta)], [LIFE, 2, true]);
});

test('a part that was applied already, or comes out of its turn, counts for nothing', () => {
  const parts = TWO.map((stock, part) => ({ stocks: [stock], part, parts: 2 }));
  const at = (index: number, part: number): BookEntry =>
    seeding(index, parts[part]?.stocks ?? [], { part, parts: 2 });
  const { book } = appliedAnyWay([at(1, 1), at(2, 0), at(3, 1), at(4, 1), at(5, 0)]);
  assert.equal([book.meta.stocks, book.meta.seedApplied, book.meta.applied], [2, 2, 5]);
});

test('the first complete seed counts; later ones change nothing, whatever was traded meanwhile', () => {
  const { book, store } = appliedAnyWay([
    seeding(1, TWO),
    entry(2, [buy('a', 9)]),
    seeding(3, [{ name: 'X', price: 1, quantity: 1 }], { life: OTHER }),
  ]);
  const { seedHash, hash } = applied([seeding(1, TWO), entry(2, [buy('a', 9)])]).book.meta;
  assert.equal([book.meta.life, book.meta.seedHash, book.meta.hash], [LIFE, seedHash, hash]);
  assert.equal(
    [...store.stocks.values()].map(({ quantity }) => quantity),
    [91, 7],
  );
});

test('a replica that restarts in the middle of the seed goes on where it was, and can begin again', () => {
  const store = new MemoryStore();
  store.apply(store.open(), [seeding(1, TWO.slice(0, 1), { parts: 2 })]);
  assert.is(store.meta.seedApplied, 1);
  store.apply(store.open(), [seeding(2, [{ name: 'C', price: 5, quantity: 5 }], { life: OTHER, parts: 2 })]);
  assert.equal([...store.stocks.keys()], ['C']);
  store.apply(store.open(), [seeding(3, TWO.slice(1), { life: OTHER, part: 1, parts: 2 })]);
  const { life, stocks } = store.meta;
  assert.equal([life, stocks, isSeeded(store.meta), [...store.stocks.keys()]], [OTHER, 2, true, ['C', 'B']]);
  const book = store.open();
  store.apply(book, [entry(4, [{ ...buy('b'), name: 'B' }])]);
  assert.is(book.meta.orders, 1);
});

test('an empty seed is one as well: everything is listed later', () => {
  const { book } = appliedAnyWay([seeding(1, []), entry(2, [buy('a')])]);
  assert.equal([isSeeded(book.meta), book.meta.stocks, book.meta.orders, book.meta.keys], [true, 0, 0, 1]);
});

test('commands before the seed is complete break the rules', () => {
  assertBroken(() => applied([entry(1, [buy('a')])]), /commands at 1, before the seed is complete/);
  assertBroken(
    () => applied([seeding(1, TWO, { parts: 2 }), entry(2, [buy('a')])]),
    /commands at 2, before the seed is complete/,
  );
});

test('writes gather until they are taken, and only one lot of them is on its way', () => {
  const store = new MemoryStore();
  const book = store.open();
  assert.equal(book.takeWrites(), [], 'nothing was applied');
  book.apply([noop(1)]);
  assert.is(book.gathered, 0);
  assert.equal(book.takeWrites(), [{ table: 'meta', value: { ...book.meta } }], 'how far it has come');
  assertBroken(() => book.takeWrites(), /one write at a time/);
  book.apply([seeding(2), entry(3, [buy('a')])]);
  book.apply([entry(4, [buy('b')])]);
  book.written();
  assert.is(book.gathered, 7);
  const writes = book.takeWrites();
  // A stock that several batches change is written once.
  assert.equal(
    writes.map(({ table }) => table),
    ['key', 'order', 'batch', 'key', 'order', 'batch', 'stock', 'meta'],
  );
  book.written();
});

test('the hash tells books apart that differ in the seed, one outcome, one command or the order of two batches', () => {
  const hash = (...entries: BookEntry[]): string => applied(entries).book.meta.hash;
  const few = [{ name: 'A', price: 500, quantity: 1 }];
  const hashes = [
    hash(),
    hash(seeding(1)),
    hash(seeding(1, few)),
    hash(seeding(1), entry(2, [buy('a', 2)])),
    hash(seeding(1, few), entry(2, [buy('a', 2)])),
    hash(seeding(1), entry(2, [buy('b', 2)])),
    hash(seeding(1), entry(2, [buy('a')]), entry(3, [buy('b')])),
    hash(seeding(1), entry(2, [buy('b')]), entry(3, [buy('a')])),
  ];
  assert.is(new Set(hashes).size, hashes.length);
  // Entries that make nothing are no part of the book, nor is where others stand.
  assert.is(hash(seeding(1), noop(2), entry(3, []), entry(4, [buy('a', 2)])), hashes[3]);
});

test('the time of a batch never falls, whatever the clocks of leaders say', () => {
  const { store, book } = appliedAnyWay([
    seeding(1),
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

test('a gap in the log breaks the rules', () => {
  assertBroken(() => applied([noop(2)]), /entry 2 applied behind 0/);
  assertBroken(() => applied([noop(1), noop(1)]), /entry 1 applied behind 1/);
});

test('keys are forgotten with their batches once the log is older by their lifetime, two batches for each new one', () => {
  const late = 1000 + KEY_LIFETIME_MS;
  const three = [
    seeding(1),
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
  assert.is(all.store.orders.size, 5, 'orders stay for good');
});

test('no time of day makes a key be forgotten', () => {
  const { book } = appliedAnyWay([
    seeding(1),
    entry(2, [buy('a')]),
    entry(3, [buy('b')], { time: 1000 + KEY_LIFETIME_MS * 9 }),
    entry(4, [buy('a')], { time: 1000 + KEY_LIFETIME_MS * 9 }),
  ]);
  assert.equal([book.meta.keys, book.meta.firstSeq, book.meta.lastSeq], [2, 1, 2]);
});

test('a forgotten key makes a new order, on a replica that was away for days as on any other', () => {
  const day = KEY_LIFETIME_MS * 2;
  const { store, book } = appliedAnyWay([
    seeding(1),
    entry(2, [buy('a')]),
    entry(3, [buy('b')], { age: day }),
    entry(4, [buy('a'), buy('b')], { age: day }),
  ]);
  assert.equal([book.meta.orders, book.meta.keys], [3, 2]);
  assert.equal(store.place('a'), { seq: 3, position: 0 });
});

test('a kept batch that cannot be read stops the replica', () => {
  const { store, book } = applied([seeding(1), entry(2, [buy('a')])]);
  store.batches.clear();
  // A life of its own, which has not read that batch yet.
  const again = store.open();
  assertBroken(
    () => again.apply([entry(3, [buy('b')], { age: KEY_LIFETIME_MS * 2 })]),
    /batch 1 is kept but/,
  );
  assert.is(book.meta.lastSeq, 1);
});

test('a known key tells its command, its outcome, its number and where the log has it', () => {
  const { store } = applied([
    seeding(1),
    entry(2, [buy('x')]),
    entry(3, [buy('a'), buy('b', TOO_MANY), buy('c', 3)]),
  ]);
  const known = new IdempotencyIndex(store);
  assert.equal(known.find('c'), { command: buy('c', 3), index: 3, outcome: FILLED, number: 3 });
  assert.equal(known.find('b')?.outcome, REJECTED);
  assert.is(known.find('a')?.number, 2);
  assert.is(known.find('unknown'), null);
});

test('keys and batches that the store does not have yet are read from the book', () => {
  const { store, book } = applied([seeding(1), entry(2, [buy('a')])]);
  const known = new IdempotencyIndex(book);
  const found = ['a', 'b', 'c'].map((key) => () => known.find(key)?.number ?? null);
  const numbers = (): readonly (number | null)[] => found.map((find) => find());
  book.apply([entry(3, [buy('b')])]);
  const writes = book.takeWrites();
  book.apply([entry(4, [buy('c')])]);
  assert.equal(numbers(), [1, 2, 3], 'stored, on its way, gathered');
  assert.equal([book.batch(2)?.index, book.batch(3)?.index, book.batch(4)], [3, 4, null]);
  store.write(writes);
  book.written();
  assert.equal(numbers(), [1, 2, 3]);
});

test('a key that is forgotten between two reads of it is not known; one in a batch that is gone is damage', () => {
  const { store } = applied([seeding(1), entry(2, [buy('a')])]);
  store.batches.delete(1);
  assertBroken(() => new IdempotencyIndex(store).find('a'), /stands in a batch that is gone/);
  const forgetful = {
    place: (key: string) => store.place(key),
    batch: (seq: number) => {
      store.keys.delete('a');
      return store.batch(seq);
    },
  };
  assert.is(new IdempotencyIndex(forgetful).find('a'), null);
});

test('the keys of one batch are found without decoding it for each, and few batches are held', () => {
  const entries = Array.from({ length: 40 }, (_, i) => entry(i + 2, [buy(`a${i}`), buy(`b${i}`)]));
  const { store } = applied([seeding(1), ...entries]);
  let reads = 0;
  const known = new IdempotencyIndex({
    place: (key) => store.place(key),
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

test('the set of catalogs is that of the last entry that names one, and no part of the hash', () => {
  const first = appliedAnyWay([seeding(1), entry(2, [buy('a')])]).book.meta;
  assert.equal([first.catalogs, first.catalogsIndex], [[], 0]);
  const { book } = appliedAnyWay([
    seeding(1),
    entry(2, [], { catalogs: ['catalog-1', 'catalog-2'] }),
    entry(3, []),
    entry(4, [], { catalogs: ['catalog-2'] }),
    noop(5),
  ]);
  assert.equal([book.meta.catalogs, book.meta.catalogsIndex], [['catalog-2'], 4]);
  assert.is(book.meta.hash, applied([seeding(1)]).book.meta.hash);
});

test.run();
