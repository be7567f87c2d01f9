import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InvariantError, type Command } from '@trireme/domain';
import { Book, KEY_LIFETIME_MS } from './book.js';
import { KnownCommands } from './known.js';
import type { BookEntry } from './state.js';
import { DONE, FILLED, NONE, REJECTED, buy, entry, settling } from './testing/batches.js';
import { MemoryStore } from './testing/memory-store.js';

const NOOP = new Uint8Array();

function noop(index: number): BookEntry {
  return { index, batch: null, bytes: NOOP };
}

/** Applies each group in one go. */
function applied(...groups: readonly (readonly BookEntry[])[]): { store: MemoryStore; book: Book } {
  const store = new MemoryStore();
  const book = new Book(store, store.meta, []);
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

test('a batch is pending until its settlement numbers its fills densely, in log order', () => {
  const { store, book } = appliedAnyWay([
    noop(1),
    entry(2, [buy('a'), buy('b', 7), buy('c')]),
    entry(3, [buy('d')]),
    settling(4, 2, [FILLED, REJECTED, FILLED]),
    settling(5, 3, [FILLED]),
  ]);
  assert.equal(
    [...store.orders.values()].map(({ number, index }) => [number, index]),
    [
      [1, 2],
      [2, 2],
      [3, 3],
    ],
  );
  assert.is(book.pending.length, 0);
  assert.equal(store.orders.get(1), {
    number: 1,
    name: 'A',
    type: 'buy',
    quantity: 1,
    price: 500,
    time: 1000,
    index: 2,
  });
  const { applied: index, orders, keys, settledIndex, settledSeq, lastSeq } = book.meta;
  assert.equal([index, orders, keys, settledIndex, settledSeq, lastSeq], [5, 3, 4, 3, 2, 2]);
});

test('listings and restocks that were done are numbered apart from orders', () => {
  const list: Command = { kind: 'list', key: 'l', name: 'N', price: 900 };
  const restock: Command = { kind: 'restock', key: 'r', name: 'N', quantity: 5 };
  const { store, book } = appliedAnyWay([
    entry(1, [list, buy('b'), restock, { ...restock, key: 'r2' }]),
    settling(2, 1, [DONE, FILLED, DONE, REJECTED]),
  ]);
  assert.equal(
    [...store.changes.values()],
    [
      { change: 1, index: 1, kind: 'list', name: 'N', amount: 900 },
      { change: 2, index: 1, kind: 'restock', name: 'N', amount: 5 },
    ],
  );
  assert.equal([book.meta.changes, book.meta.orders], [2, 1]);
});

test('a settlement that two leaders logged counts once', () => {
  const { book, store } = appliedAnyWay([
    entry(1, [buy('a')]),
    settling(2, 1, [FILLED]),
    entry(3, [buy('b')], { settlements: [{ index: 1, outcomes: [FILLED] }] }),
    settling(4, 1, [REJECTED]),
  ]);
  assert.is(book.meta.orders, 1);
  assert.is(book.pending.length, 1);
  assert.is(store.kept.size, 1);
});

test('a settlement may ride on a later batch of orders', () => {
  const { book } = appliedAnyWay([
    entry(1, [buy('a')]),
    entry(2, [buy('b')]),
    entry(3, [buy('c')], {
      settlements: [
        { index: 1, outcomes: [FILLED] },
        { index: 2, outcomes: [FILLED] },
      ],
    }),
  ]);
  assert.equal([book.meta.orders, book.meta.settledIndex, book.pending.length], [2, 2, 1]);
});

test('a key that was used before is skipped, in the batch, in the apply and in the book', () => {
  const { book, store } = appliedAnyWay([
    entry(1, [buy('a'), buy('a', 2), buy('b')]),
    entry(2, [buy('b'), buy('c')]),
    settling(3, 1, [FILLED, NONE, FILLED]),
    settling(4, 2, [NONE, FILLED]),
    entry(5, [buy('a'), buy('c')]),
  ]);
  assert.equal(
    [...store.batches.values()].map(({ skip }) => skip),
    [[1], [0]],
  );
  assert.equal([book.meta.keys, book.meta.orders, book.meta.lastSeq, book.pending.length], [3, 3, 2, 0]);
});

test('a pending batch names the batch before it, also after a restart and past a batch that made nothing', () => {
  const store = new MemoryStore();
  const book = new Book(store, store.meta, []);
  const prevs = (of: Book): readonly (readonly number[])[] =>
    of.pending.map(({ index, prev }) => [index, prev]);
  store.apply(book, [noop(1), entry(2, [buy('a')]), entry(3, [buy('a')]), entry(4, [buy('b')])]);
  assert.equal(prevs(book), [
    [2, 0],
    [4, 2],
  ]);
  assert.equal(prevs(new Book(store, store.meta, store.pending)), prevs(book));
  store.apply(book, [settling(5, 2, [FILLED])]);
  const again = new Book(store, store.meta, store.pending);
  assert.equal(prevs(again), [[4, 2]]);
  store.apply(again, [settling(6, 4, [FILLED]), entry(7, [buy('c')])]);
  assert.equal(prevs(again), [[7, 4]]);
});

test('writes gather until they are taken, and only one lot of them is on its way', () => {
  const store = new MemoryStore();
  const book = new Book(store, store.meta, []);
  assert.equal(book.takeWrites(), [], 'nothing was applied');
  book.apply([noop(1)]);
  assert.is(book.gathered, 0);
  assert.equal(book.takeWrites(), [{ table: 'meta', value: { ...book.meta } }], 'how far it has come');
  assertBroken(() => book.takeWrites(), /one write at a time/);
  book.apply([entry(2, [buy('a')])]);
  book.apply([entry(3, [buy('b')])]);
  book.written();
  const writes = book.takeWrites();
  assert.equal(
    writes.map(({ table }) => table),
    ['key', 'batch', 'key', 'batch', 'meta'],
  );
  book.written();
});

test('the hash tells books apart that differ in one outcome, one command or the order of two batches', () => {
  const hash = (...entries: BookEntry[]): string => applied(entries).book.meta.hash;
  const hashes = [
    hash(entry(1, [buy('a')])),
    hash(entry(1, [buy('a')]), settling(2, 1, [FILLED])),
    hash(entry(1, [buy('a')]), settling(2, 1, [REJECTED])),
    hash(entry(1, [buy('b')]), settling(2, 1, [FILLED])),
    hash(entry(1, [buy('a')]), settling(2, 1, [FILLED]), entry(3, [buy('b')]), settling(4, 3, [FILLED])),
    hash(entry(1, [buy('b')]), settling(2, 1, [FILLED]), entry(3, [buy('a')]), settling(4, 3, [FILLED])),
  ];
  assert.is(new Set(hashes).size, hashes.length);
  // When a settlement was logged is no part of the book.
  assert.is(hash(entry(1, [buy('a')]), noop(2), settling(3, 1, [FILLED])), hashes[1]);
});

test('the time of a batch never falls, whatever the clocks of leaders say', () => {
  const { store, book } = appliedAnyWay([
    entry(1, [buy('a')], { time: 5000 }),
    entry(2, [buy('b')], { time: 3000 }),
    settling(3, 1, [FILLED], { time: 1 }),
    settling(4, 2, [FILLED], { time: 1 }),
  ]);
  assert.equal(
    [...store.orders.values()].map(({ time }) => time),
    [5000, 5000],
  );
  assert.is(book.meta.time, 5000);
});

test('a gap in the log, a settlement out of order and impossible outcomes break the rules', () => {
  assertBroken(() => applied([noop(2)]), /entry 2 applied behind 0/);
  assertBroken(() => applied([noop(1), noop(1)]), /entry 1 applied behind 1/);
  const two = [entry(1, [buy('a')]), entry(2, [buy('b')])];
  assertBroken(() => applied([...two, settling(3, 2, [FILLED])]), /oldest pending is 1/);
  assertBroken(() => applied([settling(1, 7, [FILLED])]), /oldest pending is undefined/);
  assertBroken(() => applied([...two, settling(3, 1, [])]), /0 outcomes for the 1 commands/);
  assertBroken(() => applied([...two, settling(3, 1, [NONE])]), /cannot become none/);
  assertBroken(() => applied([...two, settling(3, 1, [DONE])]), /buy at 1, position 0, cannot become done/);
  const list: Command = { kind: 'list', key: 'l', name: 'N', price: 900 };
  assertBroken(() => applied([entry(1, [list]), settling(2, 1, [FILLED])]), /list .* cannot become filled/);
  assertBroken(
    () => applied([entry(1, [buy('a'), buy('a')]), settling(2, 1, [FILLED, FILLED])]),
    /become filled/,
  );
});

test('keys are forgotten with their batches once the log is older by their lifetime, two batches for each new one', () => {
  const late = 1000 + KEY_LIFETIME_MS;
  const three = [1, 2, 3].flatMap((n) => [
    entry(n * 2 - 1, [buy(`k${n}`), buy(`k${n}`), buy(`l${n}`)], { age: 999 + n }),
    settling(n * 2, n * 2 - 1, [FILLED, NONE, REJECTED], { age: 999 + n }),
  ]);
  const early = appliedAnyWay([...three, entry(7, [buy('n1')], { age: late - 1 })]);
  assert.equal([early.book.meta.keys, early.book.meta.firstSeq, early.store.batches.size], [7, 1, 4]);
  const first = appliedAnyWay([...three, entry(7, [buy('n1')], { age: late })]);
  assert.equal([first.book.meta.keys, first.book.meta.firstSeq], [5, 2]);
  assert.equal([...first.store.keys.keys()].sort(), ['k2', 'k3', 'l2', 'l3', 'n1']);
  assert.equal([...first.store.batches.keys()], [2, 3, 4]);
  assert.equal([...first.store.kept.keys()], [2, 3]);
  const both = appliedAnyWay([...three, entry(7, [buy('n1')], { age: late * 2 })]);
  assert.equal([both.book.meta.keys, both.book.meta.firstSeq, both.book.meta.orders], [3, 3, 3]);
  const all = appliedAnyWay([...three, entry(7, [buy('n1')], { age: late * 2 }), entry(8, [buy('n2')])]);
  assert.equal([all.book.meta.keys, all.book.meta.firstSeq], [2, 4]);
  assert.is(all.store.orders.size, 3, 'orders stay for good');
});

test('no time of day makes a key be forgotten', () => {
  const { book } = appliedAnyWay([
    entry(1, [buy('a')]),
    settling(2, 1, [FILLED]),
    entry(3, [buy('b')], { time: 1000 + KEY_LIFETIME_MS * 9 }),
    entry(4, [buy('a')], { time: 1000 + KEY_LIFETIME_MS * 9 }),
  ]);
  assert.equal([book.meta.keys, book.meta.firstSeq, book.meta.lastSeq], [2, 1, 2]);
});

test('what is not settled is never forgotten', () => {
  const { book } = appliedAnyWay([
    entry(1, [buy('a')]),
    entry(2, [buy('b')], { age: KEY_LIFETIME_MS * 9 }),
    entry(3, [buy('a')], { age: KEY_LIFETIME_MS * 9 }),
  ]);
  assert.equal([book.meta.keys, book.pending.length, book.meta.firstSeq], [2, 2, 1]);
});

test('a forgotten key makes a new order, on a replica that was away for days as on any other', () => {
  const day = KEY_LIFETIME_MS * 2;
  const { store, book } = appliedAnyWay([
    entry(1, [buy('a')]),
    settling(2, 1, [FILLED]),
    entry(3, [buy('b')], { age: day }),
    entry(4, [buy('a'), buy('b')], { age: day }),
    settling(5, 3, [FILLED], { age: day }),
    settling(6, 4, [FILLED, NONE], { age: day }),
  ]);
  assert.equal([book.meta.orders, book.meta.keys], [3, 2]);
  assert.equal(store.place('a'), { seq: 3, position: 0 });
});

test('a kept batch that cannot be read stops the replica', () => {
  const { store, book } = applied([entry(1, [buy('a')]), settling(2, 1, [FILLED])]);
  store.batches.clear();
  assertBroken(() => book.apply([entry(3, [buy('b')], { age: KEY_LIFETIME_MS * 2 })]), /batch 1 is kept but/);
});

test('a known key tells its command, its outcome and its number', () => {
  const { store } = applied([
    entry(1, [buy('x')]),
    entry(2, [buy('a'), buy('b'), buy('c', 3)]),
    settling(3, 1, [FILLED]),
    settling(4, 2, [FILLED, REJECTED, FILLED]),
  ]);
  const known = new KnownCommands(store);
  assert.equal(known.find('c'), { command: buy('c', 3), outcome: FILLED, number: 3 });
  assert.equal(known.find('b')?.outcome, REJECTED);
  assert.is(known.find('a')?.number, 2);
  assert.is(known.find('unknown'), null);
});

test('a key that is forgotten between two reads of it is not known; one in a batch that is gone is damage', () => {
  const { store } = applied([entry(1, [buy('a')]), settling(2, 1, [FILLED])]);
  store.batches.delete(1);
  assertBroken(() => new KnownCommands(store).find('a'), /stands in a batch that is gone/);
  const forgetful = {
    place: (key: string) => store.place(key),
    batch: (seq: number) => {
      store.keys.delete('a');
      return store.batch(seq);
    },
    outcomes: (seq: number) => store.outcomes(seq),
  };
  assert.is(new KnownCommands(forgetful).find('a'), null);
});

test('the keys of one batch are found without decoding it for each, and few batches are held', () => {
  const entries = Array.from({ length: 40 }, (_, i) => [
    entry(i * 2 + 1, [buy(`a${i}`), buy(`b${i}`)]),
    settling(i * 2 + 2, i * 2 + 1, [FILLED, FILLED]),
  ]).flat();
  const { store } = applied(entries);
  let reads = 0;
  const known = new KnownCommands({
    place: (key) => store.place(key),
    batch: (seq) => {
      reads += 1;
      return store.batch(seq);
    },
    outcomes: (seq) => store.outcomes(seq),
  });
  for (let i = 0; i < 100; i += 1) assert.is(known.find(i % 2 === 0 ? 'a0' : 'b0')?.number, (i % 2) + 1);
  assert.is(reads, 1);
  for (let i = 0; i < 40; i += 1) known.find(`a${i}`);
  assert.is(known.find('b0')?.number, 2);
  assert.is(reads, 41);
});

test.run();
