import { Level } from 'level';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Command } from '@trireme/domain';
import { RaftError, type RaftErrorCode } from '@trireme/raft';
import { EFFECTS_MAX, readEffects } from './effects.js';
import { describeKey, numberKey, textKey, toRecord } from './records.js';
import { Book } from './rules/book.js';
import type { BookEntry, BookMeta } from './rules/state.js';
import { DONE, FILLED, NONE, REJECTED, buy, entry, settling } from './rules/testing/batches.js';
import { BookStore } from './store.js';
import { withFolder } from './testing/folders.js';

const IDENTITY = { cluster: 'test', id: '1' };
const RESTOCK: Command = { kind: 'restock', key: 'r', name: 'A', quantity: 5 };
const LIST: Command = { kind: 'list', key: 'l', name: 'N', price: 5 };

/** One record of each table at least, and a batch that is not settled. */
const ENTRIES = [
  entry(1, [buy('a'), RESTOCK, buy('a')]),
  settling(2, 1, [FILLED, DONE, NONE]),
  entry(3, [LIST, buy('b'), buy('c')]),
  settling(4, 3, [DONE, FILLED, REJECTED]),
  entry(5, [buy('d'), buy('e')]),
];

async function open(path: string): Promise<Awaited<ReturnType<typeof BookStore.open>>> {
  return BookStore.open({ path, ...IDENTITY });
}

async function fill(path: string, entries: readonly BookEntry[]): Promise<BookMeta> {
  const { store, meta, pending } = await open(path);
  const book = new Book(store, meta, pending);
  for (const one of entries) await store.write(book.apply([one]).writes);
  await store.close();
  return book.meta;
}

/** Changes the records behind the store's back. */
async function tamper(
  path: string,
  change: (db: Level<Uint8Array, Uint8Array>) => Promise<void>,
): Promise<void> {
  const db = new Level<Uint8Array, Uint8Array>(path, { keyEncoding: 'view', valueEncoding: 'view' });
  await db.open();
  await change(db);
  await db.close();
}

async function assertRejects(promise: Promise<unknown>, code: RaftErrorCode, message: RegExp): Promise<void> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, RaftError);
    if (!(error instanceof RaftError)) return;
    assert.is(error.code, code);
    assert.match(error.message, message);
    return;
  }
  assert.unreachable(`expected ${code}`);
}

async function collect<T>(rows: AsyncGenerator<T>): Promise<readonly T[]> {
  const collected: T[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}

test('a new book is empty, and one that is opened again is as it was left', async () => {
  await withFolder(async (path) => {
    const fresh = await open(path);
    assert.is(fresh.meta.applied, 0);
    assert.equal(fresh.pending, []);
    await fresh.store.close();
    const meta = await fill(path, ENTRIES);
    const { store, meta: again, pending } = await open(path);
    assert.equal(again, meta);
    assert.equal(
      pending.map(({ seq, index }) => [seq, index]),
      [[3, 5]],
    );
    assert.equal(store.place('b'), { seq: 2, position: 1 });
    assert.is(store.place('nobody'), null);
    assert.equal(store.batch(1)?.skip, [2]);
    assert.equal(store.outcomes(2), { seq: 2, firstNumber: 2, outcomes: [DONE, FILLED, REJECTED] });
    assert.equal(store.order(2), {
      number: 2,
      name: 'A',
      type: 'buy',
      quantity: 1,
      price: 500,
      time: 1000,
      index: 3,
    });
    assert.is(store.order(3), null);
    assert.equal(store.changeAt(2), { change: 2, index: 3, kind: 'list', name: 'N', amount: 5 });
    assert.equal(
      (await collect(store.orders(1, 2))).map(({ number }) => number),
      [2],
    );
    assert.equal(await collect(store.orders(2, 2)), []);
    const book = new Book(store, again, pending);
    await store.write(book.apply([settling(6, 5, [FILLED, FILLED])]).writes);
    assert.is(store.order(4)?.number, 4);
    await store.close();
  });
});

test('two opens at once: the second is told that the book is in use', async () => {
  await withFolder(async (path) => {
    const { store } = await open(path);
    await assertRejects(open(path), 'BAD_CONFIG', /cannot open the order book/);
    await store.close();
  });
});

test('a folder of another replica or another cluster is refused', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    await assertRejects(
      BookStore.open({ path, cluster: 'test', id: '2' }),
      'BAD_CONFIG',
      /replica 1; this process is .* replica 2/,
    );
    await assertRejects(
      BookStore.open({ path, cluster: 'other', id: '1' }),
      'BAD_CONFIG',
      /cluster test.*cluster other/,
    );
    await (await open(path)).store.close();
  });
});

test('every flipped bit of every record is found when the book is opened', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const records: [Uint8Array, Uint8Array][] = [];
    await tamper(path, async (db) => {
      records.push(...(await db.iterator().all()));
    });
    assert.equal(
      [...new Set(records.map(([key]) => String.fromCharCode(key[0] ?? 0)))].sort().join(''),
      'bceikms',
    );
    for (const [key, value] of records) {
      // One bit a byte, another one in each: all bits of all bytes take minutes.
      for (const at of [0, Math.floor(value.length / 2), value.length - 1]) {
        const damaged = Buffer.from(value);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
        await tamper(path, async (db) => db.put(key, damaged));
        await assertRejects(open(path), 'LOG_DAMAGED', /is damaged: .*does not hold its checksum/);
      }
      await tamper(path, async (db) => db.put(key, value));
    }
    await (await open(path)).store.close();
  });
});

test('a record too short to have a checksum, and one that moved to another key, and a cut key are found', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    await tamper(path, async (db) => {
      const one = await db.get(numberKey('order', 1));
      assert.ok(one);
      await db.put(numberKey('order', 2), one);
    });
    await assertRejects(open(path), 'LOG_DAMAGED', /order 2 does not hold/);
    await tamper(path, async (db) => db.put(numberKey('order', 2), Buffer.from([1])));
    await assertRejects(open(path), 'LOG_DAMAGED', /order 2 does not hold/);
    await tamper(path, async (db) => {
      await db.del(numberKey('order', 2));
      await db.put(numberKey('order', 2).subarray(0, 8), Buffer.alloc(9));
    });
    await assertRejects(open(path), 'LOG_DAMAGED', /order 1|order 2 is missing/);
  });
});

const KEYS: readonly (readonly [string, Buffer, RegExp])[] = [
  ['the first order', numberKey('order', 1), /order 1 is missing/],
  ['the last order', numberKey('order', 2), /order 2 is missing/],
  ['a change', numberKey('change', 1), /change 1 is missing/],
  ['a settled batch', numberKey('batch', 1), /batch 1 is missing/],
  ['the pending batch', numberKey('batch', 3), /batch 3 is missing/],
  ['outcomes', numberKey('outcomes', 2), /outcomes 2 is missing/],
  ['a key', textKey('key', 'c'), /6 keys of 7/],
  ['the meta record', textKey('meta'), /should not be there/],
  ['the identity', textKey('identity'), /identity is missing/],
];

for (const [what, key, message] of KEYS) {
  test(`a book that lost ${what} is found to be damaged when it is opened`, async () => {
    await withFolder(async (path) => {
      await fill(path, ENTRIES);
      await tamper(path, async (db) => db.del(key));
      await assertRejects(open(path), 'LOG_DAMAGED', message);
    });
  });
}

test('records that should be gone, or come from a write that was lost, are found', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const stray = toRecord({
      table: 'order',
      value: { number: 9, name: 'A', type: 'buy', quantity: 1, price: 1, time: 1, index: 1 },
    });
    const key = toRecord({ table: 'key', key: 'stray', value: { seq: 1, position: 0 } });
    for (const [record, message] of [
      [stray, /order 9 should not be there/],
      [key, /8 keys of 7/],
    ] as const) {
      await tamper(path, async (db) => db.put(record.key, record.value ?? Buffer.alloc(0)));
      await assertRejects(open(path), 'LOG_DAMAGED', message);
      await tamper(path, async (db) => db.del(record.key));
    }
  });
});

test('damage after opening is found when the record is read', async () => {
  await withFolder(async (path) => {
    await fill(path, [...ENTRIES, settling(6, 5, [FILLED, FILLED])]);
    const { store, meta } = await open(path);
    const garbage = { ...meta, orders: meta.orders + 1, changes: meta.changes + 1 };
    await assertRejects(collect(store.orders(0, garbage.orders)), 'LOG_DAMAGED', /order 5 is missing/);
    await assertRejects(readEffects(store, garbage, 0), 'LOG_DAMAGED', /missing/);
    assert.throws(() => store.orderAt(9), /order 9 is missing/);
    assert.throws(() => store.changeAt(9), /change 9 is missing/);
    await store.close();
  });
});

test('a write to a store that cannot write is a failure of the storage', async () => {
  await withFolder(async (path) => {
    const { store, meta } = await open(path);
    await store.close();
    await assertRejects(store.write([{ table: 'meta', value: meta }]), 'STORAGE_FAILED', /cannot be written/);
  });
});

test('a forgotten key is gone from the disk, and the book opens without it', async () => {
  await withFolder(async (path) => {
    const late = 26 * 60 * 60 * 1000;
    await fill(path, [...ENTRIES, entry(6, [buy('z')], { time: late })]);
    const { store, meta } = await open(path);
    assert.equal([meta.keys, meta.firstSeq], [3, 3]);
    assert.equal([store.place('a'), store.batch(1), store.outcomes(2)], [null, null, null]);
    assert.is(store.order(1)?.number, 1);
    await store.close();
  });
});

test('effects come in log order, a listing before the orders of its own batch', async () => {
  await withFolder(async (path) => {
    await fill(path, ENTRIES);
    const { store, meta } = await open(path);
    const all = [
      [1, 3, 'A', 5],
      [1, 0, 'A', 1],
      [3, 2, 'N', 5],
      [3, 0, 'A', 1],
    ];
    assert.equal(await readEffects(store, meta, 0), { index: 3, effects: all });
    assert.equal(await readEffects(store, meta, 1), { index: 3, effects: all.slice(2) });
    assert.equal(await readEffects(store, meta, 2), { index: 3, effects: all.slice(2) });
    assert.equal(await readEffects(store, meta, 3), { index: 3, effects: [] });
    await store.close();
  });
});

for (const kind of ['buy', 'restock'] as const) {
  test(`more effects than a page holds come page by page, whole batches each: ${kind}`, async () => {
    await withFolder(async (path) => {
      const size = 1500;
      const outcome = kind === 'buy' ? FILLED : DONE;
      const entries = Array.from({ length: 16 }, (_, i) => [
        entry(
          i * 2 + 1,
          Array.from({ length: size }, (__, j): Command => ({
            kind,
            key: `${i}-${j}`,
            name: 'A',
            quantity: 1,
          })),
        ),
        settling(i * 2 + 2, i * 2 + 1, new Array<typeof outcome>(size).fill(outcome)),
      ]).flat();
      await fill(path, entries);
      const { store, meta } = await open(path);
      const pages: number[][] = [];
      for (let after = 0; after < meta.settledIndex;) {
        const { index, effects } = await readEffects(store, meta, after);
        assert.ok(index > after);
        assert.ok(effects.every(([at]) => at > after && at <= index));
        pages.push([index, effects.length]);
        after = index;
      }
      assert.equal(pages, [
        [13, 7 * size],
        [27, 7 * size],
        [31, 2 * size],
      ]);
      assert.ok(7 * size < EFFECTS_MAX + size);
      await store.close();
    });
  });
}

test('keys of records are told in words', () => {
  assert.is(describeKey(numberKey('order', 2 ** 40)), `order ${2 ** 40}`);
  assert.is(describeKey(textKey('key', 'my key')), 'key my key');
  assert.is(describeKey(textKey('meta')), 'meta');
  assert.match(describeKey(Buffer.from('?12345678')), /^unknown \d+$/);
});

test.run();
